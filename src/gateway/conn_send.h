/* What a connection sends: answers are gathered in its buffer and leave at the turn's end; large
 * pieces of bodies leave at once, without being copied there.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/str.h"

struct conn;

/* A piece of body and what frames it. 0, or -EMSGSIZE: nobody has read for long. What is wrong with
 * the socket comes up at the turn's end. */
int conn_send_body(struct conn *c, struct str before, struct str data, struct str after) MUST_USE;

/* Sends bytes of a file without copying them; how many, 0 also when they cannot be sent this way
 * now: the buffer holds something, the socket has no room, the file is not of that kind. */
size_t conn_send_file(struct conn *c, int fd, uint64_t offset, size_t len) MUST_USE;

/* Sends what the buffer holds, as much as goes. 0, or -errno: the connection is broken. */
int conn_send_pending(struct conn *c) MUST_USE;

/* How the connection ends, if this process does too: whether the client sees that something is
 * missing (a reset) or the end of what was sent. */
void conn_set_reset(struct conn *c, bool reset);
