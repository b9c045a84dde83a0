/* Messages between our own processes: one datagram of a SEQPACKET socket each, with descriptors.
 *
 * Mechanism only; ipc/message.h says what is sent, ipc/link.h puts a socket on a loop. Also built
 * into the Node addon, so libc only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/scope.h"

#define IPC_FDS_MAX 8

/* A connected pair, CLOEXEC, blocking; receivers learn the sender's pid from the kernel. */
int ipc_pair(int ret_fds[2]) MUST_USE;

/* Messages that are received here tell who sent them by a descriptor, too: the number may be
 * another process's when it is looked at. Kernels before 6.5 have none. */
void ipc_tell_sender(int fd);

/* Sends one message whole. The descriptors stay the caller's. -EAGAIN when the peer is slow and the
 * socket does not block, -EPIPE when it is gone. */
int ipc_send(int fd, const void *message, size_t size, const int *fds, size_t fd_count) MUST_USE;

struct ipc_received {
    size_t size;
    pid_t pid; /* of the sender, as seen in our pid namespace; 0 when it is not visible, or gone */
    int pidfd; /* of the sender, owned as the next; -1: ipc_tell_sender() does not serve here */
    size_t fd_count;
    int fds[IPC_FDS_MAX]; /* owned by the caller, CLOEXEC; taken ones are set to -1 */
};

/* 1: a message. 0: the peer has closed. -EAGAIN, -EMSGSIZE (too long, or with too many
 * descriptors), -EMFILE (we may have no more descriptors): dropped, and discarded as below. */
int ipc_receive(int fd, void *buffer, size_t capacity, struct ipc_received *ret) MUST_USE;

/* Closes what was received and not taken. */
void ipc_received_close(struct ipc_received *received);
/* The same with a message that should not have come: its sender may have prepared the descriptors
 * so that closing them waits. This does not. */
void ipc_received_discard(struct ipc_received *received);
