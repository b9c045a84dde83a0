/* What still holds where the kernel or the user allows less.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <sys/ptrace.h>

#include "sandbox/syscall_filter.h"
#include "sandbox_fixture.h"

#define LANDLOCK (SANDBOX_LANDLOCK_FS | SANDBOX_LANDLOCK_SCOPE)
#define NAMESPACES                                                                                 \
    (SANDBOX_USER_NAMESPACE | SANDBOX_MOUNT_NAMESPACE | SANDBOX_PID_NAMESPACE |                    \
     SANDBOX_IPC_NAMESPACE | SANDBOX_UTS_NAMESPACE | SANDBOX_CGROUP_NAMESPACE | SANDBOX_PROC)

static void be_victim(struct fixture *f)
{
    scoped_fd int fd = open("/tmp/secret", O_WRONLY | O_CREAT, 0600);
    EXPECT(f->report, fd >= 0);
    f->report->pids[0] = getpid();
    set_step(f, 1);
    wait_for_step(f, 2);
}

static void be_attacker(struct fixture *f)
{
    char path[64];
    wait_for_step(f, 1);
    static const char *const files[] = { "mem", "environ", "fd/1000/secret" };
    for (size_t i = 0; i < ARRAY_COUNT(files); i++) {
        (void)snprintf(path, sizeof(path), "/proc/%d/%s", f->report->pids[0], files[i]);
        EXPECT(f->report, open(path, O_RDONLY) < 0);
        (void)snprintf(path, sizeof(path), "/proc/1/%s", files[i]);
        EXPECT(f->report, open(path, O_RDONLY) < 0);
    }
    EXPECT(f->report, kill(1, SIGUSR1) < 0 && errno == EPERM);
    EXPECT(f->report, kill(-1, SIGKILL) < 0 && errno == EPERM);
    EXPECT(f->report, tgkill(1, 1, SIGUSR1) < 0 && errno == EPERM);
    EXPECT(f->report, kill(getpid(), 0) == 0);
    EXPECT(f->report, open("/run/tmp/victim", O_RDONLY | O_DIRECTORY) < 0 || !f->root);
    EXPECT(f->report, open("/tmp/mine", O_WRONLY | O_CREAT, 0600) >= 0);
    set_step(f, 2);
}

static void fight(struct fixture *f)
{
    pid_t victim = instance_start(f, "victim", be_victim);
    instance_wait(f, instance_start(f, "attacker", be_attacker));
    set_step(f, 2);
    instance_wait(f, victim);
}

START_TEST(without_landlock_instances_cannot_read_each_others_memory)
{
    scoped_fixture struct fixture f;
    fixture_init(&f, ALL & ~(uint32_t)LANDLOCK);
    add_tmp(&f, "victim", 1);
    add_tmp(&f, "attacker", 1);
    fixture_run(&f, fight);
}
END_TEST

static void be_at_home(struct fixture *f)
{
    EXPECT(f->report, access("/var/task/index.js", R_OK) == 0);
    EXPECT(f->report, access(f->base, F_OK) < 0);
    EXPECT(f->report, access("/proc/self/status", R_OK) == 0);
    EXPECT(f->report, open("/tmp/x", O_WRONLY | O_CREAT, 0600) >= 0);
}

START_TEST(without_a_proc_of_its_own_it_has_its_root_and_tmp)
{
    scoped_fixture struct fixture f;
    fixture_init(&f, ALL & ~(uint32_t)SANDBOX_PROC);
    fixture_run(&f, be_at_home);
}
END_TEST

START_TEST(without_the_lesser_namespaces_it_has_its_root_and_tmp)
{
    scoped_fixture struct fixture f;
    fixture_init(&f, ALL & ~(uint32_t)(SANDBOX_IPC_NAMESPACE | SANDBOX_UTS_NAMESPACE |
                                       SANDBOX_CGROUP_NAMESPACE | SANDBOX_SECCOMP));
    fixture_run(&f, be_at_home);
}
END_TEST

static void be_outside(struct fixture *f)
{
    char path[160];
    const char *task = enter_task_path(&f->start);
    EXPECT(f->report, strncmp(task, f->base, strlen(f->base)) == 0);
    (void)snprintf(path, sizeof(path), "%s/index.js", task);
    EXPECT(f->report, access(path, R_OK) == 0);
    (void)snprintf(path, sizeof(path), "%s/node_modules/package.json", task);
    EXPECT(f->report, access(path, R_OK) == 0);
    EXPECT(f->report, access("index.js", R_OK) == 0);
    EXPECT(f->report, unshare(CLONE_NEWUSER) < 0 && errno == EPERM);
    EXPECT(f->report, ptrace(PTRACE_TRACEME, 0, 0, 0) < 0 && errno == EPERM);
    EXPECT(f->report, prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
    EXPECT(f->report, setuid(0) < 0 || !f->root); /* of its own namespace: it is */
}

static void be_outside_in_instance(struct fixture *f)
{
    be_outside(f);
    EXPECT(f->report, open("/proc/self/fd/1000/x", O_WRONLY | O_CREAT, 0600) >= 0);
}

static void run_outside(struct fixture *f)
{
    be_outside(f);
    instance_wait(f, instance_start(f, "a", be_outside_in_instance));
}

START_TEST(without_namespaces_it_still_runs_and_system_calls_are_still_refused)
{
    scoped_fixture struct fixture f;
    fixture_init(&f, ALL & ~(uint32_t)NAMESPACES);
    add_tmp(&f, "a", 1);
    fixture_run(&f, run_outside);
}
END_TEST

START_TEST(a_supervisor_that_may_not_mount_copies_and_links_instead)
{
    scoped_fixture struct fixture f;
    if (geteuid() == 0) {
        return; /* root may; the same test runs as an ordinary user */
    }
    fixture_init_bare(&f, ALL & ~(uint32_t)NAMESPACES);
    add_tmp(&f, "a", 1);
    fixture_run(&f, run_outside);
    root_scratch_unmount(f.base, "f1", find_tmp(&f, "a")->name);
    root_scratch_remove_function(f.base, "f1");
    root_task_remove(f.base, "f1");
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/task/f1", f.base);
    ck_assert_int_lt(access(path, F_OK), 0);
    (void)snprintf(path, sizeof(path), "%s/node_modules/package.json", f.project);
    ck_assert_int_eq(access(path, F_OK), 0); /* links are removed, not followed */
}
END_TEST

static void wait_for_ever(struct fixture *f)
{
    f->report->pids[0] = getpid();
    set_step(f, 1);
    for (;;) {
        (void)pause();
    }
}

START_TEST(without_a_pid_namespace_it_dies_with_its_supervisor)
{
    scoped_fixture struct fixture f;
    int ends[2];
    fixture_init(&f, ALL & ~(uint32_t)(SANDBOX_PID_NAMESPACE | SANDBOX_PROC));
    ck_assert_int_eq(pipe(ends), 0); /* open for as long as the sandbox lives */
    pid_t supervisor = fork();
    if (supervisor == 0) {
        ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
        (void)fixture_start(&f, wait_for_ever);
        wait_for_step(&f, 1);
        _exit(0);
    }
    (void)close(ends[1]);
    char byte;
    ck_assert_int_eq(read(ends[0], &byte, 1), 0);
}
END_TEST

START_TEST(sources_outside_of_the_project_are_refused)
{
    scoped_fixture struct fixture f;
    struct err err = { 0 };
    fixture_init(&f, ALL);
    static const struct {
        const char *source;
        const char *target;
        int code;
    } hostile[] = {
        { "/etc", "", EACCES },
        { "/etc", "node_modules", EACCES },
        { "/usr/lib", "node_modules", EACCES },
        { "/usr/lib/node_modules/../..", "node_modules", EACCES },
        { "%s/build/home/p/../../../root", "", EACCES },
        { "%s/build/artifact", "../x", EINVAL },
        { "%s/build/artifact", "/x", EINVAL },
        { "%s/build/artifact", "a//b", EINVAL },
        { "%s/build/artifact", "a/./b", EINVAL },
    };
    for (size_t i = 0; i < ARRAY_COUNT(hostile); i++) {
        struct message_function plan = { .mount_count = 1 };
        const char *rest = hostile[i].source + (hostile[i].source[0] == '%' ? 2 : 0);
        (void)snprintf(plan.mounts[0].source, MESSAGE_PATH_MAX, "%s%s",
                       rest == hostile[i].source ? "" : f.base, rest);
        (void)snprintf(plan.mounts[0].target, sizeof(plan.mounts[0].target), "%s",
                       hostile[i].target);
        int r = root_task_add(f.base, "f2", f.project, 0, &plan, &err);
        ck_assert_msg(r == -hostile[i].code || r == -ENOENT, "%s at %s: %d %s", hostile[i].source,
                      hostile[i].target, r, err.text);
    }
    char path[128];
    struct message_function plan = { .mount_count = 1 };
    (void)snprintf(path, sizeof(path), "%s/build/artifact/link", f.base);
    ck_assert_int_eq(symlink("/etc", path), 0);
    memcpy(plan.mounts[0].source, path, sizeof(path));
    ck_assert_int_eq(root_task_add(f.base, "f2", f.project, 0, &plan, &err), -EACCES);
}
END_TEST

START_TEST(isolation_is_only_claimed_when_it_is_whole)
{
    ck_assert(features_is_isolated(ALL));
    for (unsigned i = 0; i < 4; i++) { /* user, mount, pid, ipc */
        ck_assert(!features_is_isolated(ALL & ~(1u << i)));
    }
    ck_assert(!features_is_isolated(ALL & ~(uint32_t)SANDBOX_SECCOMP));
    ck_assert(!features_is_isolated(ALL & ~(uint32_t)SANDBOX_PROC));
    for (unsigned i = 0; i < SANDBOX_FEATURE_COUNT; i++) {
        const struct sandbox_feature_state *state = &fixture_features.states[i];
        ck_assert_int_eq(state->available, (fixture_features.bits >> i) & 1);
        ck_assert_int_eq(state->available, state->reason[0] == '\0');
        ck_assert_str_ne(features_name((enum sandbox_feature)(1u << i)), "");
        ck_assert_str_ne(features_loss((enum sandbox_feature)(1u << i)), "");
    }
}
END_TEST

static Suite *make_suite(void)
{
    TCase *tests;
    Suite *suite = suite_make_for_user("sandbox fall-backs", &tests);
    tcase_add_test(tests, without_landlock_instances_cannot_read_each_others_memory);
    tcase_add_test(tests, without_a_proc_of_its_own_it_has_its_root_and_tmp);
    tcase_add_test(tests, without_the_lesser_namespaces_it_has_its_root_and_tmp);
    tcase_add_test(tests, without_namespaces_it_still_runs_and_system_calls_are_still_refused);
    tcase_add_test(tests, a_supervisor_that_may_not_mount_copies_and_links_instead);
    tcase_add_test(tests, without_a_pid_namespace_it_dies_with_its_supervisor);
    tcase_add_test(tests, sources_outside_of_the_project_are_refused);
    tcase_add_test(tests, isolation_is_only_claimed_when_it_is_whole);
    return suite;
}

int main(void)
{
    return fixture_main(make_suite);
}
