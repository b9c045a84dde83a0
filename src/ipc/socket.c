/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/socket.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#ifndef SO_PASSPIDFD
#    define SO_PASSPIDFD 76
#endif
#ifndef SCM_PIDFD
#    define SCM_PIDFD 4
#endif

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

/* False when there are more than fit: then the kernel has put them where the other things that it
 * tells would have been, as a sender that is not ours may have it do. Those are closed. */
static bool take_fds(struct cmsghdr *c, struct ipc_received *ret)
{
    const size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; i++) {
        int fd;
        memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
        if (ret->fd_count < IPC_FDS_MAX) {
            ret->fds[ret->fd_count++] = fd;
        } else {
            scope_close_fd(&fd);
        }
    }
    return count <= IPC_FDS_MAX;
}

static void receive_control(struct msghdr *header, struct ipc_received *ret)
{
    bool is_gone = false;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
        if (c->cmsg_level != SOL_SOCKET) {
            continue;
        }
        if (c->cmsg_type == SCM_RIGHTS) {
            header->msg_flags |= take_fds(c, ret) ? 0 : MSG_CTRUNC;
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
}

int ipc_receive(int fd, void *buffer, size_t capacity, struct ipc_received *ret)
{
    union {
        struct cmsghdr head;
        char space[CMSG_SPACE(sizeof(int) * IPC_FDS_MAX) + CMSG_SPACE(sizeof(struct ucred)) +
                   CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = { .iov_base = buffer, .iov_len = capacity };
    struct msghdr header = { .msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.space,
                             .msg_controllen = sizeof(control.space) };
    *ret = (struct ipc_received){ .pidfd = -1 };
    ssize_t n;
    do {
        n = recvmsg(fd, &header, MSG_CMSG_CLOEXEC);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return errno == ECONNRESET ? 0 : -errno;
    }
    receive_control(&header, ret);
    ret->size = (size_t)n;
    if (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
        ipc_received_close(ret);
        return -EMSGSIZE;
    }
    return n > 0;
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
