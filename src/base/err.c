/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *e, int code, const char *fmt, ...)
{
    if (e) {
        va_list args;
        va_start(args, fmt);
        (void)vsnprintf(e->text, sizeof(e->text), fmt, args); /* truncation is fine */
        va_end(args);
        e->code = code;
    }
    return -code;
}

int err_sys(struct err *e, const char *fmt, ...)
{
    int code = errno;
    if (e) {
        va_list args;
        va_start(args, fmt);
        int n = vsnprintf(e->text, sizeof(e->text), fmt, args);
        va_end(args);
        if (n >= 0 && (size_t)n < sizeof(e->text)) {
            (void)snprintf(e->text + n, sizeof(e->text) - (size_t)n, ": %s", strerror(code));
        }
        e->code = code;
    }
    return -code;
}

int err_wrap(struct err *e, const char *fmt, ...)
{
    if (!e) {
        return -EIO;
    }
    char inner[sizeof(e->text)];
    memcpy(inner, e->text, sizeof(inner));
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(e->text, sizeof(e->text), fmt, args);
    va_end(args);
    if (n >= 0 && (size_t)n < sizeof(e->text)) {
        (void)snprintf(e->text + n, sizeof(e->text) - (size_t)n, ": %s", inner);
    }
    return -e->code;
}
