/* Growable bytes with a hard limit given at buf_init: past it, calls fail with -EMSGSIZE and change
 * nothing, so that a size from outside ends in a 413 or 431 and not in our memory.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/str.h"

struct buf {
    char *data; /* owned */
    size_t len;
    size_t capacity;
    size_t limit;
};

void buf_init(struct buf *b, size_t limit_bytes);
void buf_finish(struct buf *b); /* frees; the buf may be used again with the same limit */

static inline struct str buf_str(const struct buf *b)
{
    return str_of(b->data, b->len);
}

static inline void buf_clear(struct buf *b)
{
    b->len = 0;
}

/* Room for `len` more bytes behind b->len, which the caller fills and then adds to b->len. */
int buf_reserve(struct buf *b, size_t len, char **ret_at) MUST_USE;
int buf_append_growing(struct buf *b, struct str s) MUST_USE; /* buf_append() without room */

MUST_USE static inline int buf_append(struct buf *b, struct str s)
{
    if (s.len == 0 || s.len > b->capacity - b->len || s.len > b->limit - b->len) {
        return buf_append_growing(b, s);
    }
    memcpy(b->data + b->len, s.data, s.len);
    b->len += s.len;
    return 0;
}

int buf_printf(struct buf *b, const char *fmt, ...) PRINTF(2, 3) MUST_USE;

/* Removes `len` bytes from the front. */
void buf_consume(struct buf *b, size_t len);

/* In a function that returns -errno: ends a chain of appends at the first that fails. */
#define TRY(call)                                                                                  \
    do {                                                                                           \
        int try_r = (call);                                                                        \
        if (try_r < 0) {                                                                           \
            return try_r;                                                                          \
        }                                                                                          \
    } while (0)
