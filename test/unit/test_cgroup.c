/* Control groups of this machine, where they may be used; where not, that nothing is pretended.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "base/limits.h"
#include "sandbox/cgroup.h"
#include "sandbox/cgroup_place.h"
#include "sandbox/features_reason.h"
#include "suite.h"

static const struct cgroup_limits no_limits = { 0 };

static void make_name(char *ret, size_t size, const char *purpose)
{
    (void)snprintf(ret, size, "mayfly-test-%s-%d", purpose, (int)getpid());
}

static struct cgroups *open_groups(const char *purpose)
{
    char name[64];
    struct cgroups *c = NULL;
    struct err err = { 0 };
    make_name(name, sizeof(name), purpose);
    ck_assert_msg(cgroups_open(name, &c, &err) == 0, "%s", err.text);
    return c;
}

/* Whether a group of that name is anywhere that ours are made. */
static bool is_anywhere(const char *name)
{
    struct cgroup_hierarchy found[CGROUP_HIERARCHIES_MAX];
    size_t count = cgroup_place_find(found);
    for (size_t i = 0; i < count; i++) {
        char path[PATH_MAX];
        (void)snprintf(path, sizeof(path), "%s/%s", found[i].own, name);
        if (access(path, F_OK) == 0) {
            return true;
        }
        (void)snprintf(path, sizeof(path), "%s/../%s", found[i].own, name);
        if (access(path, F_OK) == 0) {
            return true;
        }
    }
    return false;
}

static void create(struct cgroups *c, const char *path, const struct cgroup_limits *limits)
{
    struct err err = { 0 };
    ck_assert_msg(cgroup_create(c, path, limits, &err) == 0, "%s", err.text);
}

static void remove_group(struct cgroups *c, const char *path)
{
    while (!cgroup_remove(c, path)) {
        (void)sched_yield(); /* the killed are still on their way */
    }
}

/* A child that waits to be told to go on, so that it is in its group before it does anything. */
struct worker {
    pid_t pid;
    int go;
};

static struct worker start_worker(int (*work)(void))
{
    int ends[2];
    char byte;
    ck_assert_int_eq(pipe(ends), 0);
    struct worker w = { .pid = fork(), .go = ends[1] };
    if (w.pid == 0) {
        (void)close(ends[1]);
        if (read(ends[0], &byte, 1) == 1) {
            _exit(work());
        }
        _exit(99);
    }
    (void)close(ends[0]);
    return w;
}

static int let_go(struct worker w)
{
    int status = -1;
    ck_assert_int_eq(write(w.go, "x", 1), 1);
    (void)close(w.go);
    ck_assert_int_eq(waitpid(w.pid, &status, 0), w.pid);
    return status;
}

static int use_memory(void)
{
    char *at = mmap(NULL, 256 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (size_t i = 0; at != MAP_FAILED && i < 256 * MIB; i += 4096) {
        at[i] = 1;
    }
    return 0;
}

START_TEST(who_exceeds_its_memory_is_killed_and_counted)
{
    struct cgroups *c = open_groups("memory");
    if (!(cgroups_limits(c) & CGROUPS_MEMORY)) {
        cgroups_destroy(c);
        return;
    }
    const struct cgroup_limits limits = { .memory_bytes = 64 * MIB };
    struct cgroup_usage usage;
    create(c, "api@1", &no_limits);
    create(c, "api@1/1", &limits);
    create(c, "api@1/2", &limits);
    struct worker w = start_worker(use_memory);
    ck_assert_int_eq(cgroup_add(c, "api@1/1", w.pid), 0);
    int status = let_go(w);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGKILL);
    cgroup_read(c, "api@1/1", &usage);
    ck_assert_uint_ge(usage.oom_kills, 1);
    ck_assert_uint_gt(usage.memory_peak_bytes, 32 * MIB);
    ck_assert_uint_le(usage.memory_peak_bytes, 64 * MIB);
    cgroup_read(c, "api@1/2", &usage);
    ck_assert_uint_eq(usage.oom_kills, 0);
    remove_group(c, "api@1/1");
    remove_group(c, "api@1");
    cgroups_destroy(c);
}
END_TEST

static int fork_much(void)
{
    int made = 0;
    for (int i = 0; i < 64; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            (void)pause();
            _exit(0);
        }
        made += pid > 0;
    }
    return made;
}

START_TEST(a_fork_bomb_stops_at_its_limit_and_is_killed_whole)
{
    struct cgroups *c = open_groups("pids");
    if (!(cgroups_limits(c) & CGROUPS_PIDS)) {
        cgroups_destroy(c);
        return;
    }
    const struct cgroup_limits limits = { .pids_max = 16 };
    create(c, "api@1", &no_limits);
    create(c, "api@1/1", &limits);
    struct worker w = start_worker(fork_much);
    ck_assert_int_eq(cgroup_add(c, "api@1/1", w.pid), 0);
    int status = let_go(w);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 15);
    ck_assert(!cgroup_remove(c, "api@1/1")); /* the children live */
    cgroup_kill(c, "api@1/1");
    remove_group(c, "api@1/1");
    cgroups_destroy(c);
}
END_TEST

START_TEST(a_functions_own_limits_do_not_count_its_instances)
{
    struct cgroups *c = open_groups("own");
    if (!(cgroups_limits(c) & CGROUPS_PIDS)) {
        cgroups_destroy(c);
        return;
    }
    const struct cgroup_limits limits = { .pids_max = 16 };
    create(c, "api@1", &limits);
    create(c, "api@1/1", &no_limits);
    struct worker instance = start_worker(fork_much);
    struct worker zygote = start_worker(fork_much);
    ck_assert_int_eq(cgroup_add(c, "api@1/1", instance.pid), 0);
    ck_assert_int_eq(cgroup_add(c, "api@1", zygote.pid), 0);
    int status = let_go(instance);
    ck_assert_int_eq(WEXITSTATUS(status), 64);
    status = let_go(zygote);
    ck_assert_int_eq(WEXITSTATUS(status), 15);
    cgroup_kill(c, "api@1");
    remove_group(c, "api@1");
    cgroups_destroy(c);
}
END_TEST

static int leave_the_session(void)
{
    (void)setsid();
    pid_t pid = fork();
    if (pid == 0) {
        (void)setsid();
        (void)pause();
        _exit(0);
    }
    return 0;
}

/* In a session of its own, as the platform is: a session may be scheduled as a group (sched(7),
 * autogroup), and of its share all that runs beside this test would take. */
static _Noreturn int spin(void)
{
    (void)setsid();
    for (;;) {
    }
}

static uint64_t used_ms(const struct worker *workers, size_t count)
{
    uint64_t ms = 0;
    for (size_t i = 0; i < count; i++) {
        clockid_t clock;
        struct timespec used;
        ck_assert_int_eq(clock_getcpuclockid(workers[i].pid, &clock), 0);
        ck_assert_int_eq(clock_gettime(clock, &used), 0);
        ms += (uint64_t)used.tv_sec * 1000 + (uint64_t)used.tv_nsec / 1000000;
    }
    return ms;
}

enum { FEW = 1, MANY = 8 };

/* What one process in `few` (NULL: where the platform itself is) gets, in percent, of a processor
 * that eight in `many` want too. */
static unsigned share_against_many(struct cgroups *c, const char *few, const char *many)
{
    const struct timespec pause = { .tv_nsec = 5000000 };
    struct worker workers[FEW + MANY];
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET((size_t)sched_getcpu(), &one);
    for (size_t i = 0; i < FEW + MANY; i++) {
        workers[i] = start_worker(spin);
        const char *group = i < FEW ? few : many;
        ck_assert(!group || cgroup_add(c, group, workers[i].pid) == 0);
        ck_assert_int_eq(sched_setaffinity(workers[i].pid, sizeof(one), &one), 0);
    }
    for (size_t i = 0; i < FEW + MANY; i++) {
        ck_assert_int_eq(write(workers[i].go, "x", 1), 1);
        (void)close(workers[i].go);
    }
    while (used_ms(workers, FEW + MANY) < 1000) {
        (void)nanosleep(&pause, NULL);
    }
    uint64_t share = used_ms(workers, FEW) * 100 / used_ms(workers, FEW + MANY);
    for (size_t i = 0; i < FEW + MANY; i++) {
        (void)kill(workers[i].pid, SIGKILL);
        ck_assert_int_eq(waitpid(workers[i].pid, NULL, 0), workers[i].pid);
    }
    return (unsigned)share;
}

START_TEST(who_has_many_processes_has_no_more_of_a_processor)
{
    struct cgroups *c = open_groups("share");
    if (!(cgroups_limits(c) & CGROUPS_CPU)) {
        cgroups_destroy(c);
        return;
    }
    create(c, "api@1", &no_limits);
    create(c, "api@1/1", &no_limits);
    create(c, "api@1/2", &no_limits);
    create(c, "web@1", &no_limits);
    create(c, "web@1/3", &no_limits);
    ck_assert_uint_gt(share_against_many(c, "api@1/1", "api@1/2"), 30);
    ck_assert_uint_gt(share_against_many(c, "web@1/3", "api@1/1"), 30);
    ck_assert_uint_gt(share_against_many(c, "api@1", "web@1/3"), 30);
    ck_assert_uint_gt(share_against_many(c, NULL, "api@1"), 30);
    cgroups_destroy(c);
}
END_TEST

START_TEST(a_functions_zygote_and_all_instances_are_killed_together)
{
    struct cgroups *c = open_groups("kill");
    if (cgroups_limits(c) == 0) {
        cgroups_destroy(c);
        return;
    }
    create(c, "api@1", &no_limits);
    create(c, "api@1/1", &no_limits);
    struct worker zygote = start_worker(leave_the_session);
    struct worker instance = start_worker(leave_the_session);
    ck_assert_int_eq(cgroup_add(c, "api@1", zygote.pid), 0);
    ck_assert_int_eq(cgroup_add(c, "api@1/1", instance.pid), 0);
    ck_assert_int_eq(let_go(instance), 0);
    cgroup_kill(c, "api@1");
    int status;
    ck_assert_int_eq(waitpid(zygote.pid, &status, 0), zygote.pid);
    ck_assert(WIFSIGNALED(status));
    remove_group(c, "api@1");
    ck_assert_int_eq(cgroup_add(c, "api@1", getpid()), -ENOENT);
    cgroups_destroy(c);
}
END_TEST

/* To the kernel 0 is who asks: the supervisor would be in the group, and killed with it. */
START_TEST(nobody_is_put_into_a_group_in_the_place_of_who_is_gone)
{
    struct cgroups *c = open_groups("gone");
    create(c, "api@1", &no_limits);
    ck_assert_int_eq(cgroup_add(c, "api@1", 0), -ESRCH);
    ck_assert(cgroup_remove(c, "api@1"));
    cgroups_destroy(c);
}
END_TEST

static void on_signal(int number)
{
    (void)number;
}

/* The kernel lets some calls on groups fail while a signal waits, SA_RESTART or not. */
START_TEST(signals_do_not_keep_a_group_from_being_made)
{
    const struct itimerval often = { .it_interval.tv_usec = 30, .it_value.tv_usec = 30 };
    const struct itimerval never = { 0 };
    const struct sigaction restarting = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
    const struct cgroup_limits limits = { .memory_bytes = 64 * MIB, .pids_max = 64 };
    struct cgroups *c = open_groups("signals");
    (void)sigaction(SIGALRM, &restarting, NULL);
    (void)setitimer(ITIMER_REAL, &often, NULL);
    for (int i = 0; i < 300; i++) {
        create(c, "often", &limits);
        remove_group(c, "often");
    }
    (void)setitimer(ITIMER_REAL, &never, NULL);
    cgroups_destroy(c);
}
END_TEST

START_TEST(destroying_leaves_nothing)
{
    char name[64];
    make_name(name, sizeof(name), "end");
    struct cgroups *c = open_groups("end");
    create(c, "api@1", &no_limits);
    create(c, "api@1/1", &no_limits);
    struct worker w = start_worker(leave_the_session);
    ck_assert_int_eq(cgroup_add(c, "api@1/1", w.pid), 0);
    bool exists = is_anywhere(name);
    ck_assert_int_eq(exists, cgroups_limits(c) != 0);
    cgroups_destroy(c);
    if (exists) {
        int status;
        ck_assert_int_eq(waitpid(w.pid, &status, 0), w.pid);
        ck_assert(WIFSIGNALED(status));
    }
    ck_assert(!is_anywhere(name));
}
END_TEST

/* Opens groups as a platform and is killed with them. */
static void be_killed(const char *name)
{
    struct cgroups *c = NULL;
    if (cgroups_open(name, &c, NULL) == 0 && cgroup_create(c, "api@1", &no_limits, NULL) == 0) {
        (void)kill(getpid(), SIGKILL);
    }
    _exit(1);
}

START_TEST(what_a_killed_platform_left_is_swept_and_what_lives_is_not)
{
    char dead[64];
    char living[64];
    int status;
    make_name(dead, sizeof(dead), "dead");
    make_name(living, sizeof(living), "living");
    struct cgroups *c = open_groups("living");
    create(c, "api@1", &no_limits);
    bool exists = is_anywhere(living);
    pid_t pid = fork();
    if (pid == 0) {
        be_killed(dead);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(is_anywhere(dead), exists);
    cgroups_sweep();
    ck_assert(!is_anywhere(dead));
    ck_assert_int_eq(is_anywhere(living), exists);
    cgroups_destroy(c);
}
END_TEST

START_TEST(a_name_is_taken_while_its_platform_lives_and_taken_over_after)
{
    char name[64];
    int status;
    struct cgroups *second = NULL;
    make_name(name, sizeof(name), "name");
    struct cgroups *c = open_groups("name");
    if (cgroups_limits(c) != 0) {
        ck_assert_int_eq(cgroups_open(name, &second, NULL), -EEXIST);
    }
    cgroups_destroy(c);
    pid_t pid = fork();
    if (pid == 0) {
        be_killed(name);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(cgroups_open(name, &second, NULL), 0);
    create(second, "api@1", &no_limits);
    cgroups_destroy(second);
    ck_assert(!is_anywhere(name));
}
END_TEST

START_TEST(without_controllers_calls_succeed_and_limit_nothing)
{
    struct cgroups *c = open_groups("none");
    if (cgroups_limits(c) == 0) {
        struct cgroup_usage usage = { .oom_kills = 7 };
        create(c, "api@1", &no_limits);
        ck_assert_int_eq(cgroup_add(c, "api@1", getpid()), 0);
        cgroup_kill(c, "api@1"); /* we live on */
        cgroup_read(c, "api@1", &usage);
        ck_assert_uint_eq(usage.oom_kills, 0);
        ck_assert(cgroup_remove(c, "api@1"));
    }
    cgroups_destroy(c);
}
END_TEST

/* In a process of its own: where nobody sees control groups, as in many containers. */
static void be_without_groups(void)
{
    char reason[256];
    int spaces = CLONE_NEWNS | (geteuid() == 0 ? 0 : CLONE_NEWUSER);
    if (unshare(spaces) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("none", "/sys/fs/cgroup", "tmpfs", 0, NULL) < 0) {
        _exit(errno == EPERM ? 0 : 2); /* not here */
    }
    features_reason(SANDBOX_MEMORY_LIMIT, EPERM, true, reason, sizeof(reason));
    _exit(strstr(reason, "mount -t cgroup2") ? 0 : 1);
}

START_TEST(where_there_are_no_control_groups_that_is_said)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        be_without_groups();
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}
END_TEST

static Suite *make_suite(void)
{
    TCase *tests;
    Suite *suite = suite_make_for_user("control groups", &tests);
    tcase_add_test(tests, who_exceeds_its_memory_is_killed_and_counted);
    tcase_add_test(tests, a_fork_bomb_stops_at_its_limit_and_is_killed_whole);
    tcase_add_test(tests, a_functions_own_limits_do_not_count_its_instances);
    tcase_add_test(tests, who_has_many_processes_has_no_more_of_a_processor);
    tcase_add_test(tests, a_functions_zygote_and_all_instances_are_killed_together);
    tcase_add_test(tests, nobody_is_put_into_a_group_in_the_place_of_who_is_gone);
    tcase_add_test(tests, signals_do_not_keep_a_group_from_being_made);
    tcase_add_test(tests, destroying_leaves_nothing);
    tcase_add_test(tests, what_a_killed_platform_left_is_swept_and_what_lives_is_not);
    tcase_add_test(tests, a_name_is_taken_while_its_platform_lives_and_taken_over_after);
    tcase_add_test(tests, without_controllers_calls_succeed_and_limit_nothing);
    tcase_add_test(tests, where_there_are_no_control_groups_that_is_said);
    return suite;
}

int main(void)
{
    int status = 0;
    (void)fflush(NULL);
    pid_t pid = geteuid() == 0 ? fork() : -1;
    if (pid == 0) {
        _exit(setgid(65534) < 0 || setuid(65534) < 0 || suite_run(make_suite()));
    }
    if (pid > 0) {
        (void)waitpid(pid, &status, 0);
    }
    return suite_run(make_suite()) || status != 0;
}
