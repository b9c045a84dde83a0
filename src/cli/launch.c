/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "base/limits.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/launch_child.h"
#include "sandbox/cgroup.h"

/* A supervisor that was asked to stop and has not after this is killed: Ctrl-C promises 2 s. */
#define LAUNCH_STOP_MS 1700
/* One Ctrl-C comes from the terminal and once more by way of npm, milliseconds later. */
#define LAUNCH_SAME_MS 300

struct launch {
    struct launch_child child;
    sigset_t waited; /* the signals that the launcher waits for, blocked otherwise */
    bool asked;      /* to stop */
    bool forced;     /* it had to be killed */
    struct timespec deadline;
};

/* By nohup, for a terminal that goes away: a blocked signal would come all the same. */
static bool is_ignored(int signal)
{
    struct sigaction now;
    return sigaction(signal, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

static void launch_block_signals(struct launch *l, sigset_t *ret_before)
{
    static const int signals[] = { SIGCHLD, SIGINT, SIGTERM };
    (void)sigemptyset(&l->waited); /* none of these can fail with valid signals */
    for (size_t i = 0; i < ARRAY_COUNT(signals); i++) {
        (void)sigaddset(&l->waited, signals[i]);
    }
    if (!is_ignored(SIGHUP)) {
        (void)sigaddset(&l->waited, SIGHUP);
    }
    (void)sigprocmask(SIG_BLOCK, &l->waited, ret_before);
}

static void launch_force(struct launch *l)
{
    l->forced = true;
    (void)kill(l->child.pid, SIGKILL); /* gone already is fine */
}

/* Until the deadline; negative when it has passed. */
static struct timespec launch_left(const struct launch *l)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock */
    struct timespec left = { .tv_sec = l->deadline.tv_sec - now.tv_sec,
                             .tv_nsec = l->deadline.tv_nsec - now.tv_nsec };
    if (left.tv_nsec < 0) {
        left.tv_sec--;
        left.tv_nsec += 1000000000L;
    }
    return left;
}

static bool was_asked_just_now(const struct launch *l)
{
    struct timespec left = launch_left(l);
    return left.tv_sec * 1000L + left.tv_nsec / 1000000L > LAUNCH_STOP_MS - LAUNCH_SAME_MS;
}

static void launch_ask(struct launch *l)
{
    if (l->asked) {
        if (!was_asked_just_now(l)) {
            launch_force(l);
        }
        return;
    }
    l->asked = true;
    (void)clock_gettime(CLOCK_MONOTONIC, &l->deadline); /* cannot fail for this clock */
    l->deadline.tv_nsec += LAUNCH_STOP_MS % 1000 * 1000000L;
    l->deadline.tv_sec += LAUNCH_STOP_MS / 1000 + l->deadline.tv_nsec / 1000000000L;
    l->deadline.tv_nsec %= 1000000000L;
    (void)kill(l->child.pid, SIGTERM); /* gone already is fine */
}

/* The next signal, or 0 when the deadline has passed. */
static int launch_next_signal(struct launch *l)
{
    if (!l->asked || l->forced) {
        return sigwaitinfo(&l->waited, NULL);
    }
    struct timespec left = launch_left(l);
    if (left.tv_sec < 0) {
        return 0;
    }
    int signal = sigtimedwait(&l->waited, NULL, &left);
    return signal < 0 && errno == EAGAIN ? 0 : signal;
}

/* Returns the supervisor's wait status. */
static int launch_wait(struct launch *l)
{
    for (;;) {
        int status;
        if (waitpid(l->child.pid, &status, WNOHANG) == l->child.pid) {
            return status;
        }
        switch (launch_next_signal(l)) {
        case 0:
            launch_force(l);
            break;
        case SIGINT:
        case SIGTERM:
        case SIGHUP:
            launch_ask(l);
            break;
        default: /* SIGCHLD, also of an adopted process: look again */
            break;
        }
    }
}

static void kill_children(void)
{
    char path[64];
    char text[4096]; /* the rest is found the next time */
    (void)snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
    scoped_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof(text)) : 0;
    while (n > 0 && text[n - 1] != ' ') {
        n--; /* half a number is another process */
    }
    for (struct str rest = str_of(text, n > 0 ? (size_t)n : 0); rest.data;) {
        uint64_t pid;
        if (str_to_u64(str_cut(&rest, ' '), &pid)) {
            (void)kill((pid_t)pid, SIGKILL); /* a zombie is fine */
        }
    }
}

/* What the supervisor leaves becomes ours (PR_SET_CHILD_SUBREAPER), generation by generation. */
static void launch_reap(void)
{
    do {
        kill_children();
    } while (waitpid(-1, NULL, 0) > 0 || errno == EINTR);
}

static void remove_groups(const char *name)
{
    struct cgroups *groups;
    struct err err;
    if (cgroups_open(name, &groups, &err) == 0) {
        cgroups_destroy(groups);
    }
}

static int launch_report(const struct launch *l, int status)
{
    if (l->asked) {
        return l->forced || !WIFEXITED(status) ? CLI_FAILED : WEXITSTATUS(status);
    }
    if (WIFSIGNALED(status)) {
        (void)fprintf(stderr,
                      "mayfly: the supervisor was killed by signal %d (%s); everything it ran was "
                      "stopped with it\n",
                      WTERMSIG(status), strsignal(WTERMSIG(status)));
        return 128 + WTERMSIG(status);
    }
    int code = WEXITSTATUS(status);
    if (code != 0) {
        (void)fprintf(stderr, "mayfly: the supervisor gave up (status %d)\n", code);
    }
    return code;
}

/* As many open files as we may have, for all that we start: a shell gives 1024, and a connection
 * takes two. */
static int launch_raise_open_files(struct err *err)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) {
        return err_sys(err, "getrlimit");
    }
    if (limit.rlim_max < LIMIT_OPEN_FILES_MIN) {
        return err_set(err, EMFILE,
                       "only %llu files may be open at a time here (ulimit -Hn), and %d are "
                       "needed: raise that limit",
                       (unsigned long long)limit.rlim_max, LIMIT_OPEN_FILES_MIN);
    }
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &limit) < 0 ? err_sys(err, "setrlimit") : 0;
}

int launch_run(const struct supervisor_options *options, struct workspace *workspace)
{
    struct launch l = { 0 };
    sigset_t before;
    struct err err;
    launch_block_signals(&l, &before);
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1); /* cannot fail since Linux 3.4 */
    int r = launch_raise_open_files(&err);
    r = r < 0 ? r : launch_child_start(&l.child, options, workspace, &before, &err);
    int status = CLI_FAILED;
    if (r < 0) {
        (void)fprintf(stderr, "mayfly: %s\n", err.text);
    } else {
        int wait_status = launch_wait(&l);
        launch_reap();
        status = launch_report(&l, wait_status);
        scope_close_fd(&l.child.lifeline);
    }
    remove_groups(options->group);
    workspace_destroy(workspace);
    return status;
}
