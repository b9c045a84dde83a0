/* Accepting connections, on one or several sockets.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <uv.h>

#include "base/scope.h"

struct gateway;

/* Which way a connection came in. */
enum door {
    DOOR_PUBLIC,
    DOOR_AWS,     /* the AWS port: every request is control's */
    DOOR_CONTROL, /* control itself: its x-mayfly-* fields are trusted */
};

struct listener {
    struct gateway *gateway;
    uv_poll_t poll;
    int fd; /* owned */
    enum door door;
};

/* Takes over a listening socket, also on failure. Who connects waits in the kernel's queue until
 * there is a build, or until patience is over (GATEWAY_PATIENCE_MS, _AGAIN_MS), so that the first
 * request after a start finds its function. */
int listener_open(struct gateway *g, int fd, enum door door) MUST_USE;

/* Accepts from now on, if there is something to answer with and there are not too many already. */
void listener_resume(struct gateway *g);
