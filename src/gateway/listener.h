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

/* Takes over a listening socket. Who connects waits in the kernel's queue until there is a build,
 * or until patience is over (GATEWAY_PATIENCE_MS), so that the first request after a start finds
 * its function. */
int listener_open(struct gateway *g, int fd) __attribute__((warn_unused_result));
/* Closes all. */
void listener_close(struct gateway *g);

/* Accepts from now on, if there is something to answer with and there are not too many already. */
void listener_resume(struct gateway *g);
