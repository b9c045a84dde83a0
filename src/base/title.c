/* The kernel shows the memory of argv as the command line, and goes on into the environment that
 * follows it when argv's last NUL has been overwritten (proc(5), /proc/pid/cmdline).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/title.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/mem.h"

extern char **environ;

static char *title_start;
static size_t title_room;

void title_init(int argc, char **argv)
{
    if (argc < 1) {
        return;
    }
    char *end = argv[argc - 1] + strlen(argv[argc - 1]) + 1;
    for (size_t i = 0; environ[i]; i++) {
        if (environ[i] == end) {
            end += strlen(environ[i]) + 1;
            environ[i] = mem_copy_str(str_c(environ[i]));
        }
    }
    title_start = argv[0];
    title_room = (size_t)(end - argv[0]);
    for (int i = 0; i < argc; i++) {
        argv[i] = mem_copy_str(str_c(argv[i]));
    }
}

void title_set(const char *fmt, ...)
{
    char title[128];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(title, sizeof(title), fmt, args); /* truncation is fine */
    va_end(args);
    (void)prctl(PR_SET_NAME, title); /* cannot fail with a valid pointer; cut to 15 characters */
    if (title_room > 0) {
        memset(title_start, 0, title_room);
        (void)snprintf(title_start, title_room, "%s", title);
    }
}
