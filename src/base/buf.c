/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"

#define BUF_FIRST_CAPACITY 512

void buf_init(struct buf *b, size_t limit_bytes)
{
    *b = (struct buf){ .limit = limit_bytes };
}

void buf_finish(struct buf *b)
{
    free(b->data);
    *b = (struct buf){ .limit = b->limit };
}

int buf_reserve(struct buf *b, size_t len, char **ret_at)
{
    size_t need;
    if (__builtin_add_overflow(b->len, len, &need) || need > b->limit) {
        return -EMSGSIZE;
    }
    if (need > b->capacity) {
        size_t capacity = b->capacity ? b->capacity : BUF_FIRST_CAPACITY;
        while (capacity < need) {
            capacity *= 2;
        }
        b->data = mem_resize(b->data, capacity, 1);
        b->capacity = capacity;
    }
    *ret_at = b->data ? b->data + b->len : NULL; /* nothing yet, and nothing asked for */
    return 0;
}

int buf_append_growing(struct buf *b, struct str s)
{
    char *at;
    int r = buf_reserve(b, s.len, &at);
    if (r < 0) {
        return r;
    }
    if (s.len > 0) {
        memcpy(at, s.data, s.len);
        b->len += s.len;
    }
    return 0;
}

int buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *at;
    int r = len < 0 ? -EINVAL : buf_reserve(b, (size_t)len + 1, &at);
    if (r < 0) {
        return r;
    }
    va_start(args, fmt);
    (void)vsnprintf(at, (size_t)len + 1, fmt, args); /* measured above */
    va_end(args);
    b->len += (size_t)len;
    return 0;
}

void buf_consume(struct buf *b, size_t len)
{
    if (len >= b->len) {
        b->len = 0;
        return;
    }
    memmove(b->data, b->data + len, b->len - len);
    b->len -= len;
}
