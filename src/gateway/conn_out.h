/* What a connection sends: answers are gathered in its buffer and leave at the turn's end; large
 * pieces of bodies leave at once, without being copied there.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

struct conn_out {
    int fd;         /* the connection's */
    struct buf buf; /* to send; `sent` of it are gone */
    size_t sent;
    uint64_t sent_total;  /* bytes, files included */
    uint64_t deadline_ms; /* when the client must have taken something, 0: nothing to take */
    bool resets;          /* conn_out_set_reset() */
};

/* At most so many bytes wait; what appends more is told -EMSGSIZE. */
void conn_out_init(struct conn_out *out, int fd, size_t bytes_max);
void conn_out_finish(struct conn_out *out);

/* Bytes not sent yet. */
static inline size_t conn_out_pending(const struct conn_out *out)
{
    return out->buf.len - out->sent;
}

/* A piece of body and what frames it. 0, or -EMSGSIZE: nobody has read for long. What is wrong with
 * the socket comes up at the turn's end. */
int conn_out_body(struct conn_out *out, struct str before, struct str data,
                  struct str after) MUST_USE;

/* Sends bytes of a file without copying them; how many, 0 also when they cannot be sent this way
 * now: the buffer holds something, the socket has no room, the file is not of that kind. */
size_t conn_out_file(struct conn_out *out, int fd, uint64_t offset, size_t len) MUST_USE;

/* Sends what the buffer holds, as much as goes. 0, or -errno: the connection is broken. */
int conn_out_flush(struct conn_out *out, uint64_t now_ms) MUST_USE;

/* How the connection ends, if this process does too: whether the client sees that something is
 * missing (a reset) or the end of what was sent. */
void conn_out_set_reset(struct conn_out *out, bool reset);
