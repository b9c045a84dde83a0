/* SPDX-License-Identifier: Apache-2.0 */
#include "process_fork.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/buf.h"

#define MAPS_MAX_BYTES ((size_t)64 * 1024 * 1024)

/* One line of proc(5) /proc/pid/maps: "start-end perms offset dev inode path". */
static void mark_line(const char *line)
{
    char *end_of_start;
    char *permissions;
    uintptr_t start = strtoull(line, &end_of_start, 16);
    if (*end_of_start != '-') {
        return;
    }
    uintptr_t end = strtoull(end_of_start + 1, &permissions, 16);
    if (strlen(permissions) < 5 || permissions[4] != 'p' ||
        strstr(line, "[v")) { /* [vdso], [vvar], [vsyscall] are the kernel's */
        return;
    }
    void *at;
    memcpy(&at, &start, sizeof(at));
    /* An error means a mapping that is never inherited, such as a device's; nothing of V8's is. */
    (void)madvise(at, end - start, MADV_DOFORK);
}

int process_fork_prepare(void)
{
    /* Read whole before the first madvise: it merges mappings, and with a buffered reader the list
     * would change between two reads. */
    FILE *file = fopen("/proc/self/maps", "re");
    if (!file) {
        return -errno;
    }
    struct buf text;
    buf_init(&text, MAPS_MAX_BYTES);
    int r = 0;
    for (;;) {
        char *at;
        r = buf_reserve(&text, 65536, &at);
        if (r < 0) {
            break;
        }
        size_t n = fread(at, 1, 65535, file);
        if (n == 0) {
            at[0] = '\0';
            break;
        }
        text.len += n;
    }
    (void)fclose(file); /* only read from */
    char *save = NULL;
    for (char *line = r < 0 ? NULL : strtok_r(text.data, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        mark_line(line);
    }
    buf_finish(&text);
    return r;
}

int process_fork_child(uv_loop_t *loop)
{
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL); /* cannot fail with valid arguments */
    (void)signal(SIGCHLD, SIG_DFL);
    return uv_loop_fork(loop);
}
