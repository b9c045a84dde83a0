/* SPDX-License-Identifier: Apache-2.0 */
#include "supervisor/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* Keeps this one capability over the change of uid and over exec, as an ambient one
 * (capabilities(7)). */
static int keep_capability(uint32_t capability)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[2] = { 0 };
    data[capability / 32].effective = 1U << (capability % 32);
    data[capability / 32].permitted = 1U << (capability % 32);
    data[capability / 32].inheritable = 1U << (capability % 32);
    if (syscall(SYS_capset, &header, data) < 0 ||
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) < 0) {
        return -errno;
    }
    return 0;
}

static int become_user(const struct spawn *s, struct err *err)
{
    if (s->uid == 0) {
        return 0;
    }
    if (s->reads_any_file && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0) {
        return err_sys(err, "keep capabilities");
    }
    if (setgroups(0, NULL) < 0 || setresgid(s->uid, s->uid, s->uid) < 0 ||
        setresuid(s->uid, s->uid, s->uid) < 0) {
        return err_sys(err, "become user %u", s->uid);
    }
    int r = s->reads_any_file ? keep_capability(CAP_DAC_READ_SEARCH) : 0;
    return r < 0 ? err_set(err, -r, "keep the right to read the project") : 0;
}

static int arrange_fds(const struct spawn *s, struct err *err)
{
    /* Everything becomes CLOEXEC, then what is wanted does not. */
    if (syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC) < 0) {
        return err_sys(err, "mark descriptors");
    }
    for (size_t i = 0; i < s->fd_count; i++) {
        if (s->fds[i] > 2 && fcntl(s->fds[i], F_SETFD, 0) < 0) {
            return err_sys(err, "hand over descriptor %d", s->fds[i]);
        }
    }
    if (s->fd_three >= 0 && s->fd_three != 3 && dup2(s->fd_three, 3) < 0) {
        return err_sys(err, "hand over descriptor %d", s->fd_three);
    }
    if (s->fd_three == 3 && fcntl(3, F_SETFD, 0) < 0) {
        return err_sys(err, "hand over descriptor 3");
    }
    return 0;
}

static _Noreturn void run_child(const struct spawn *s, int status_fd)
{
    struct err err = { 0 };
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL); /* cannot fail with valid arguments */
    (void)setpgid(0, 0);                         /* a group of its own: can always be made */
    int r = arrange_fds(s, &err);
    if (r == 0) {
        r = become_user(s, &err);
    }
    /* After the change of user, which clears it. */
    if (r == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) {
        r = err_sys(&err, "ask to end with the supervisor");
    }
    if (r == 0) {
        (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); /* supported since Linux 3.5 */
        char *const *argv;
        char *const *env = environ;
        memcpy(&argv, &s->argv,
               sizeof(argv)); /* execve(2) takes them as constants, but for history */
        if (s->env) {
            memcpy(&env, &s->env, sizeof(env));
        }
        (void)execve(s->argv[0], argv, env);
        (void)err_sys(&err, "run %s", s->argv[0]);
    }
    (void)!write(status_fd, &err, sizeof(err)); /* the exit status says it, too */
    _exit(127);
}

int spawn_process(const struct spawn *s, pid_t *ret_pid, struct err *err)
{
    int status[2];
    if (pipe2(status, O_CLOEXEC) < 0) {
        return err_sys(err, "start %s", s->argv[0]);
    }
    pid_t pid = fork();
    if (pid == 0) {
        run_child(s, status[1]);
    }
    int fork_errno = errno;
    (void)close(status[1]);
    struct err child;
    ssize_t n = pid < 0 ? 0 : read(status[0], &child, sizeof(child));
    (void)close(status[0]);
    if (pid < 0) {
        return err_set(err, fork_errno,
                       "start %.120s: %s: is there room for more processes (ulimit -u, or the "
                       "container's limit), and memory?",
                       s->argv[0], strerror(fork_errno));
    }
    if (n == (ssize_t)sizeof(child)) {
        (void)waitpid(pid, NULL, 0);
        if (err) {
            *err = child;
        }
        return -child.code;
    }
    *ret_pid = pid;
    return 0;
}
