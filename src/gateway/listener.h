/* Accepting connections, on one or several sockets.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <uv.h>

struct gateway;

struct listener {
    struct gateway *gateway;
    uv_poll_t poll;
    int fd; /* owned */
};

/* Takes over a listening socket. */
int listener_open(struct gateway *g, int fd) __attribute__((warn_unused_result));
/* Closes all. */
void listener_close(struct gateway *g);

/* A connection has ended: goes on accepting if there were too many. */
void listener_resume(struct gateway *g);
