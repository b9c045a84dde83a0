/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/launch_child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/log.h"
#include "base/title.h"
#include "sandbox/id_map.h"

/* Everything that one attempt needs on both sides of the fork. */
struct attempt {
    const struct supervisor_options *options;
    struct workspace *workspace;
    const sigset_t *signals;
    unsigned long namespaces;
    int lifeline[2]; /* launcher to child: one byte when the child may go on; its end is the
                        launcher's death */
    int status[2];   /* child to launcher: a struct err, code 0 when it stands */
};

/* From best to none. As root a user namespace is only tried where the others are refused, because a
 * root that may not make namespaces (in a container) may still make one. */
static const unsigned long attempts_of_root[] = {
    CLONE_NEWPID | CLONE_NEWNS,
    CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS,
    CLONE_NEWNS,
    CLONE_NEWUSER | CLONE_NEWNS,
    0,
};
static const unsigned long attempts_of_user[] = {
    CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS,
    CLONE_NEWUSER | CLONE_NEWNS,
    0,
};

/* Root keeps its other ids where it may, so that each function can have one of its own. */
static int write_maps(pid_t pid, struct err *err)
{
    int r = geteuid() == 0 ? id_map_write_all(pid) : -EPERM;
    if (r < 0) {
        r = id_map_write(pid, 0, geteuid(), getegid());
    }
    return r < 0 ? err_set(err, -r, "user namespace: %s", strerror(-r)) : 0;
}

static int make_mounts(unsigned long namespaces, struct err *err)
{
    if ((namespaces & CLONE_NEWNS) && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
        return err_sys(err, "mount namespace");
    }
    /* Without a /proc that shows its own processes, a pid namespace is of no use. */
    if ((namespaces & CLONE_NEWPID) &&
        mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0) {
        return err_sys(err, "pid namespace: /proc");
    }
    return 0;
}

/* Until the supervisor has handlers of its own, and because process 1 ignores what it has no
 * handler for: the wish to stop must not get lost between. */
static void stop_at_once(int signal)
{
    _exit(128 + signal);
}

static void set_signals(const sigset_t *mask)
{
    struct sigaction stop = { .sa_handler = stop_at_once };
    (void)sigaction(SIGTERM, &stop, NULL); /* cannot fail for these signals */
    (void)sigaction(SIGINT, &stop, NULL);
    (void)sigprocmask(SIG_SETMASK, mask, NULL);
}

/* The launcher may have died before we asked to be told: then its end of the lifeline is closed. */
static bool launcher_is_gone(int lifeline)
{
    struct pollfd p = { .fd = lifeline, .events = POLLIN };
    return poll(&p, 1, 0) != 0;
}

static bool may_go_on(int lifeline)
{
    char go;
    return read(lifeline, &go, 1) == 1 && !launcher_is_gone(lifeline);
}

static void detach_input(void)
{
    scoped_fd int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null >= 0) {
        (void)dup2(null, STDIN_FILENO); /* nothing here reads it */
    }
}

_Noreturn static void be_supervisor(struct attempt *a)
{
    scope_close_fd(&a->lifeline[1]);
    scope_close_fd(&a->status[0]);
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM); /* cannot fail with a valid signal */
    if (!may_go_on(a->lifeline[0])) {
        _exit(1);
    }
    scope_close_fd(&a->lifeline[0]);
    (void)setsid(); /* fails only for a group leader; Ctrl-C is then the launcher's alone */
    detach_input();
    struct err err = { 0 };
    (void)make_mounts(a->namespaces, &err); /* err tells */
    ssize_t n = write(a->status[1], &err, sizeof(err));
    scope_close_fd(&a->status[1]);
    if (err.code != 0 || n != (ssize_t)sizeof(err)) {
        _exit(1);
    }
    set_signals(a->signals);
    title_set("mayfly: supervisor");
    log_open("supervisor");
    int status = supervisor_main(a->options);
    workspace_destroy(a->workspace); /* the launcher may be dead */
    _exit(status);
}

/* fork() with namespaces. The thread id that libc remembers is the launcher's in the child, which
 * matters to no call that a single thread makes. */
static pid_t fork_into(unsigned long namespaces)
{
    return (pid_t)syscall(SYS_clone, namespaces | SIGCHLD, NULL, NULL, NULL, NULL);
}

static int await_child(struct attempt *a, pid_t pid, struct err *err)
{
    if (a->namespaces & CLONE_NEWUSER) {
        int r = write_maps(pid, err);
        if (r < 0) {
            return r;
        }
    }
    struct err result;
    if (write(a->lifeline[1], "", 1) != 1) {
        return err_sys(err, "supervisor");
    }
    if (read(a->status[0], &result, sizeof(result)) != (ssize_t)sizeof(result)) {
        return err_set(err, ECHILD, "the supervisor died at once");
    }
    if (result.code != 0) {
        *err = result;
        return -result.code;
    }
    return 0;
}

static int attempt_run(struct attempt *a, struct launch_child *ret, struct err *err)
{
    pid_t pid = fork_into(a->namespaces);
    if (pid < 0) {
        return err_sys(err, "namespaces");
    }
    if (pid == 0) {
        be_supervisor(a);
    }
    scope_close_fd(&a->lifeline[0]);
    a->lifeline[0] = -1;
    scope_close_fd(&a->status[1]);
    a->status[1] = -1;
    int r = await_child(a, pid, err);
    if (r < 0) {
        (void)kill(pid, SIGKILL); /* gone already is fine */
        (void)waitpid(pid, NULL, 0);
        return r;
    }
    *ret = (struct launch_child){ .pid = pid, .lifeline = take_fd(&a->lifeline[1]) };
    return 0;
}

static int attempt_make(struct attempt *a, struct launch_child *ret, struct err *err)
{
    a->lifeline[0] = a->lifeline[1] = a->status[0] = a->status[1] = -1;
    int r = pipe2(a->lifeline, O_CLOEXEC) < 0 || pipe2(a->status, O_CLOEXEC) < 0
                ? err_sys(err, "pipe")
                : attempt_run(a, ret, err);
    for (int i = 0; i < 2; i++) {
        scope_close_fd(&a->lifeline[i]);
        scope_close_fd(&a->status[i]);
    }
    return r;
}

static void say_what_is_lost(unsigned long namespaces, const struct err *why)
{
    if (!(namespaces & CLONE_NEWNS)) {
        (void)fprintf(stderr,
                      "mayfly: warning: no namespaces (%s): functions can see this machine's files "
                      "and processes; `mayfly doctor` says what to do\n",
                      why->text);
    } else if (!(namespaces & CLONE_NEWPID)) {
        (void)fprintf(stderr,
                      "mayfly: warning: no pid namespace for the platform (%s): what it starts is "
                      "cleared up by mayfly itself and not by the kernel\n",
                      why->text);
    }
}

int launch_child_start(struct launch_child *ret, const struct supervisor_options *options,
                       struct workspace *workspace, const sigset_t *signals, struct err *err)
{
    bool root = geteuid() == 0;
    const unsigned long *attempts = root ? attempts_of_root : attempts_of_user;
    size_t count = root ? ARRAY_COUNT(attempts_of_root) : ARRAY_COUNT(attempts_of_user);
    struct err first = { 0 };
    struct attempt a = { .options = options, .workspace = workspace, .signals = signals };
    int r = -EINVAL;
    for (size_t i = 0; i < count; i++) {
        a.namespaces = attempts[i];
        r = attempt_make(&a, ret, err);
        if (r == 0) {
            say_what_is_lost(a.namespaces, &first);
            return 0;
        }
        if (first.code == 0) {
            first = *err;
        }
    }
    return r;
}
