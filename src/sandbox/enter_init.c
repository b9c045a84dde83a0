/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/enter_init.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ipc/message.h"
#include "ipc/socket.h"

void enter_init_choose_pid(void)
{
    /* Still that of the outer pid namespace, as who looks is seen from there. */
    char outside[32] = "";
    if (readlink("/proc/self", outside, sizeof(outside) - 1) <= 0) {
        return;
    }
    char text[32];
    int len = snprintf(text, sizeof(text), "%ld", strtol(outside, NULL, 10) - 1);
    scoped_fd int fd = open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        (void)!write(fd, text, (size_t)len); /* refused: then it is the next one, 2 */
    }
}

static _Noreturn void be_init(pid_t child, int link_fd)
{
    /* Nothing of ours may keep open what the function closes. */
    (void)syscall(SYS_close_range, 0, link_fd - 1, 0);
    (void)syscall(SYS_close_range, link_fd + 1, ~0U, 0);
    int status = 0;
    pid_t pid;
    do {
        pid = waitpid(-1, &status, 0);
    } while (pid != child && pid > 0);
    struct message_zygote_exited exited = { .type = MESSAGE_ZYGOTE_EXITED, .wait_status = status };
    (void)!ipc_send(link_fd, &exited, sizeof(exited), NULL, 0); /* our end says it, too */
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

int enter_init(int link_fd, struct err *err)
{
    (void)signal(SIGCHLD, SIG_DFL); /* the base zygote ignores it, which would reap for us */
    pid_t pid = fork();
    if (pid < 0) {
        return err_sys(err, "fork");
    }
    if (pid > 0) {
        be_init(pid, link_fd);
    }
    return setpgid(0, 0) < 0 ? err_sys(err, "setpgid") : 0;
}
