/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

void mem_fail(void)
{
    log_error("out of memory: this process ends, and is started again");
    abort();
}

void *mem_alloc(size_t size)
{
    void *p = calloc(1, size);
    if (!p) {
        mem_fail();
    }
    return p;
}

void *mem_resize(void *p, size_t count, size_t size)
{
    void *q = reallocarray(p, count, size);
    if (!q) {
        mem_fail();
    }
    return q;
}

char *mem_copy_str(struct str s)
{
    char *copy = mem_alloc(s.len + 1);
    if (s.len > 0) {
        memcpy(copy, s.data, s.len);
    }
    return copy;
}

char *mem_format(const char *fmt, ...)
{
    char *text;
    va_list args;
    va_start(args, fmt);
    int r = vasprintf(&text, fmt, args);
    va_end(args);
    if (r < 0) {
        mem_fail();
    }
    return text;
}
