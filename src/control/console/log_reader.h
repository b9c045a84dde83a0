/* The gateway's records on their way to the console.
 *
 * Loop thread only; embedded by its owner.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <uv.h>

#include "channel/channel.h"
#include "control/console/console.h"
#include "control/deployment/deployment.h"

struct log_reader {
    struct channel channel;
    uv_poll_t poll;
    uv_timer_t retry; /* runs while the console has no room */
    struct console *console;
    const struct deployment *deployment;
    unsigned char *record; /* a private copy of the one that is looked at; owned */
};

/* Takes over the descriptors, also on failure. */
int log_reader_open(struct log_reader *l, uv_loop_t *loop, const struct channel_fds *fds,
                    struct console *console, const struct deployment *deployment) MUST_USE;
/* Prints what has already arrived. The loop need not run any more. */
void log_reader_finish(struct log_reader *l);
