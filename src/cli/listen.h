/* The listening sockets of a platform, bound before anything is started, so that a port that is
 * taken is the first thing a user hears.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define LISTEN_MAX 4

struct listen {
    int fds[LISTEN_MAX]; /* owned, CLOEXEC, listening */
    size_t count;
    uint16_t port; /* the one that was asked for, or the free one that was found */
};

/* `host`: a name or an address; "localhost" is 127.0.0.1 and ::1, whichever exist. `port` 0 takes a
 * port that is free on all of them. EADDRINUSE names who has the port, where that can be seen. */
int listen_open(struct listen *ret, const char *option, const char *host, uint16_t port,
                struct err *err) MUST_USE;
/* The same, but where the port is taken any free one will do. */
int listen_open_near(struct listen *ret, const char *option, const char *host, uint16_t port,
                     struct err *err) MUST_USE;
void listen_close(struct listen *l);
