/* The builder at the other end of a socket: JSON lines both ways (doc/manifest.md). It runs over a
 * user's project, so what it says is hostile until checked.
 *
 * Loop thread only; embedded by its owner.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>
#include <uv.h>

#include "control/text/line_split.h"

struct builder_link {
    uv_pipe_t pipe;
    struct line_split lines;
    char *bytes; /* owned */
    /* Each message is an object with a text "type"; borrowed. */
    void (*on_message)(struct builder_link *link, const char *type, json_t *message);
};

/* Takes over fd, also on failure, and asks for the first build. */
int builder_link_open(struct builder_link *link, uv_loop_t *loop, int fd,
                      void (*on_message)(struct builder_link *link, const char *type,
                                         json_t *message)) MUST_USE;
