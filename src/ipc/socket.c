/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/socket.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#ifndef SO_PASSPIDFD
#    define SO_PASSPIDFD 76
#endif
#ifndef SCM_PIDFD
#    define SCM_PIDFD 4
#endif

#define KERNEL_FDS_MAX 253 /* SCM_MAX_FD: more no sender can send */

int ipc_pair(int ret_fds[2])
{
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0) {
        return -errno;
    }
    int one = 1;
    for (int i = 0; i < 2; i++) {
        if (setsockopt(fds[i], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)) < 0) {
            int r = -errno;
            (void)close(fds[0]);
            (void)close(fds[1]);
            return r;
        }
    }
    ret_fds[0] = fds[0];
    ret_fds[1] = fds[1];
    return 0;
}

void ipc_tell_sender(int fd)
{
    int one = 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_PASSPIDFD, &one, sizeof(one)); /* or there are none */
}

int ipc_send(int fd, const void *message, size_t size, const int *fds, size_t fd_count)
{
    union {
        struct cmsghdr head;
        char space[CMSG_SPACE(sizeof(int) * IPC_FDS_MAX)];
    } control = { 0 };
    struct iovec part = { .iov_len = size };
    memcpy(&part.iov_base, &message, sizeof(message)); /* sendmsg(2) reads it only */
    struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };
    if (fd_count > IPC_FDS_MAX) {
        return -E2BIG;
    }
    if (fd_count > 0) {
        header.msg_control = control.space;
        header.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
        struct cmsghdr *c = CMSG_FIRSTHDR(&header);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
        memcpy(CMSG_DATA(c), fds, sizeof(int) * fd_count);
    }
    ssize_t n;
    do {
        n = sendmsg(fd, &header, MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : 0;
}

/* Closes what should not have come. The sender may have seen to it that closing a socket waits
 * until its peer has read everything (SO_LINGER), for hours if it likes. An exiting process does
 * not wait: so one holds them while we let go, and ends. */
static void discard_fds(const int *fds, size_t count)
{
    pid_t holder = count > 0 ? fork() : 0;
    if (count == 0 || holder < 0) {
        return; /* better lost than waited for */
    }
    if (holder == 0) {
        for (;;) {
            (void)pause();
        }
    }
    for (size_t i = 0; i < count; i++) {
        (void)close(fds[i]);
    }
    (void)kill(holder, SIGKILL);
    (void)waitpid(holder, NULL, 0); /* reaped by the kernel already is fine */
}

/* -EMSGSIZE: there are more descriptors than a message may have; all are gone. */
static int receive_fds(const struct cmsghdr *c, struct ipc_received *ret)
{
    int fds[KERNEL_FDS_MAX];
    size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    memcpy(fds, CMSG_DATA(c), count * sizeof(int));
    if (count > IPC_FDS_MAX) {
        discard_fds(fds, count);
        return -EMSGSIZE;
    }
    memcpy(ret->fds, fds, count * sizeof(int));
    ret->fd_count = count;
    return 0;
}

static int receive_control(struct msghdr *header, struct ipc_received *ret)
{
    bool is_gone = false;
    int r = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
        if (c->cmsg_level != SOL_SOCKET) {
            continue;
        }
        if (c->cmsg_type == SCM_RIGHTS) {
            r = receive_fds(c, ret);
        } else if (c->cmsg_type == SCM_CREDENTIALS) {
            struct ucred cred;
            memcpy(&cred, CMSG_DATA(c), sizeof(cred));
            ret->pid = cred.pid;
        } else if (c->cmsg_type == SCM_PIDFD) {
            memcpy(&ret->pidfd, CMSG_DATA(c), sizeof(int));
            is_gone = ret->pidfd < 0; /* then it is an error */
        }
    }
    ret->pid = is_gone ? 0 : ret->pid;
    return r;
}

int ipc_receive(int fd, void *buffer, size_t capacity, struct ipc_received *ret)
{
    /* With room for all that can come: what has none is closed by the kernel, which may wait. */
    union {
        struct cmsghdr head;
        char space[CMSG_SPACE(sizeof(int) * KERNEL_FDS_MAX) + CMSG_SPACE(sizeof(struct ucred)) +
                   CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = { .iov_base = buffer, .iov_len = capacity };
    struct msghdr header = { .msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.space,
                             .msg_controllen = sizeof(control.space) };
    *ret = (struct ipc_received){ .pidfd = -1 };
    ssize_t n;
    /* ECONNRESET comes once, of a peer that died with something unread, and before what it sent. */
    do {
        n = recvmsg(fd, &header, MSG_CMSG_CLOEXEC);
    } while (n < 0 && (errno == EINTR || errno == ECONNRESET));
    if (n < 0) {
        return -errno;
    }
    int r = receive_control(&header, ret);
    ret->size = (size_t)n;
    /* There was room for all descriptors that can be sent, so what is missing could not be opened.
     */
    r = r == 0 && header.msg_flags & MSG_CTRUNC ? -EMFILE : r;
    r = header.msg_flags & MSG_TRUNC ? -EMSGSIZE : r;
    if (r < 0) {
        ipc_received_discard(ret);
        return r;
    }
    return n > 0;
}

void ipc_received_discard(struct ipc_received *received)
{
    discard_fds(received->fds, received->fd_count);
    received->fd_count = 0;
    ipc_received_close(received);
}

void ipc_received_close(struct ipc_received *received)
{
    for (size_t i = 0; i < received->fd_count; i++) {
        scope_close_fd(&received->fds[i]);
        received->fds[i] = -1;
    }
    received->fd_count = 0;
    scope_close_fd(&received->pidfd);
    received->pidfd = -1;
}
