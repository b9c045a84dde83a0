/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/id_map.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/scope.h"

static int write_text(pid_t pid, const char *name, const char *text)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
    scoped_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

static int write_map(pid_t pid, const char *name, unsigned inside, unsigned outside)
{
    char map[64];
    (void)snprintf(map, sizeof(map), "%u %u 1", inside, outside);
    return write_text(pid, name, map);
}

int id_map_write(pid_t pid, uid_t inside, uid_t uid, gid_t gid)
{
    (void)write_text(pid, "setgroups", "deny"); /* where it must be, what follows fails without */
    int r = write_map(pid, "gid_map", inside, gid);
    return r < 0 ? r : write_map(pid, "uid_map", inside, uid);
}

int id_map_write_all(pid_t pid)
{
    static const char every_id[] = "0 0 4294967295";
    int r = write_text(pid, "gid_map", every_id);
    return r < 0 ? r : write_text(pid, "uid_map", every_id);
}

static int open_namespace(pid_t pid)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* A namespace needs a process until somebody has it open. This one ends with us, whatever happens:
 * it waits for the end of a pipe whose other end only we hold. */
static pid_t start_holder(int pipe_fds[2])
{
    pid_t pid = (pid_t)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, 0);
    if (pid == 0) {
        char byte;
        (void)close(pipe_fds[1]);
        (void)!read(pipe_fds[0], &byte, 1);
        _exit(0);
    }
    return pid;
}

int id_map_create(uid_t uid, gid_t gid, uid_t seen, int *ret_fd, struct err *err)
{
    int pipe_fds[2];
    if (pipe2(pipe_fds, O_CLOEXEC) < 0) {
        return err_sys(err, "map ids");
    }
    pid_t pid = start_holder(pipe_fds);
    int r = pid < 0 ? -errno : 0;
    if (r == 0) {
        r = write_map(pid, "uid_map", uid, seen);
    }
    if (r == 0) {
        r = write_map(pid, "gid_map", gid, seen);
    }
    if (r == 0) {
        r = open_namespace(pid);
    }
    (void)close(pipe_fds[0]);
    (void)close(pipe_fds[1]);
    if (pid > 0) {
        (void)waitpid(pid, NULL, 0); /* ours, and ends now */
    }
    if (r < 0) {
        return err_set(err, -r, "map ids: %s", strerror(-r));
    }
    *ret_fd = r;
    return 0;
}
