/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pressure.h"

#include <fcntl.h>
#include <unistd.h>

void pressure_init(struct pressure *p)
{
    *p = (struct pressure){ .fd = open("/proc/pressure/cpu", O_RDONLY | O_CLOEXEC) };
}

uint64_t pressure_parse(struct str text)
{
    struct str line = str_cut(&text, '\n');
    uint64_t total = 0;
    if (!str_starts(line, STR("some "))) {
        return 0;
    }
    while (line.len > 0) {
        struct str word = str_cut(&line, ' ');
        if (str_starts(word, STR("total=")) && !str_to_u64(str_skip(word, 6), &total)) {
            return 0;
        }
    }
    return total;
}

uint64_t pressure_waited_us(struct pressure *p, uint64_t now_ms)
{
    char text[256]; /* two lines of 60 */
    if (p->fd >= 0 && p->read_ms != now_ms) {
        ssize_t n = pread(p->fd, text, sizeof(text), 0);
        p->waited_us = n > 0 ? pressure_parse(str_of(text, (size_t)n)) : 0;
        p->read_ms = now_ms;
    }
    return p->waited_us;
}
