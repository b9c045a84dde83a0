/* SPDX-License-Identifier: Apache-2.0 */
#include "supervisor/own_memory.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/scope.h"

/* proc(5): statm begins with size, resident and shared pages. */
uint64_t own_memory_bytes(pid_t pid)
{
    char path[64];
    char text[128];
    (void)snprintf(path, sizeof(path), "/proc/%d/statm", pid);
    scoped_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (n <= 0) {
        return 0;
    }
    text[n] = '\0';
    char *end;
    (void)strtoull(text, &end, 10);
    uint64_t resident = strtoull(end, &end, 10);
    uint64_t shared = strtoull(end, NULL, 10);
    return resident > shared ? (resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}
