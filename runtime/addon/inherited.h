/* What a fork of the base zygote would have in common with it, and with all its other forks.
 *
 * Node.js has event loops besides the main one, which uv_loop_fork() makes anew: that of tracing,
 * and that of delayed tasks, whose thread goes on in the base zygote alone. Their pipes, eventfds
 * and epolls are the same objects in every fork, and so is the memory of the rings of io_uring that
 * libuv makes for each loop, whatever UV_USE_IO_URING says. Who writes into the pipe in which a
 * loop hears of signals has it follow a pointer: a function could end the base zygote so, and have
 * it run code of its own. So a fork gets /dev/null in the place of each: the numbers stay taken,
 * and what libuv still does with one of them, a write to an eventfd, goes well.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

#include "base/err.h"
#include "base/scope.h"

/* Node.js 26 has three loops of five descriptors and two mappings each. */
#define INHERITED_FDS_MAX   64
#define INHERITED_RINGS_MAX 16

struct inherited {
    struct {
        int fd;
        ino_t inode; /* of a pipe; 0: of no pipe */
    } fds[INHERITED_FDS_MAX];
    size_t fd_count;
    struct {
        void *at;
        size_t bytes;
    } rings[INHERITED_RINGS_MAX];
    size_t ring_count;
};

/* In the base zygote, at rest. Fails with E2BIG when there is more than there is room for. */
int inherited_find(struct inherited *ret, struct err *err) MUST_USE;

/* In a fork of it, before anything that is not ours runs, and before uv_loop_fork(). */
int inherited_replace(const struct inherited *inherited, struct err *err) MUST_USE;
