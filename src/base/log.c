/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *log_role = "";
static enum log_level log_threshold = LOG_INFO;

void log_open(const char *role)
{
    log_role = role;
    log_threshold = getenv("MAYFLY_DEBUG") ? LOG_DEBUG : LOG_INFO;
}

void log_write(enum log_level level, const char *fmt, ...)
{
    static const char *const names[] = { "debug: ", "", "warning: ", "error: " };
    if (level < log_threshold) {
        return;
    }
    char line[1024];
    int n = snprintf(line, sizeof(line), "mayfly %s: %s", log_role, names[level]);
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(line + n, sizeof(line) - (size_t)n - 1, fmt, args); /* truncation is fine */
    va_end(args);
    size_t len = strlen(line);
    line[len++] = '\n';
    (void)!write(STDERR_FILENO, line, len); /* nowhere to report it */
}
