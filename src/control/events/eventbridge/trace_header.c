/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/eventbridge/trace_header.h"

#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "base/chance.h"
#include "base/hex.h"

static bool is_root(struct str field)
{
    uint8_t bytes[12];
    return field.len == strlen("Root=1-") + 8 + 1 + 24 && str_starts(field, STR("Root=1-")) &&
           field.data[15] == '-' && hex_read(str_of(field.data + 7, 8), bytes, 4) &&
           hex_read(str_skip(field, 16), bytes, 12);
}

bool trace_header_is_sound(struct str header)
{
    bool has_root = false;
    if (header.len == 0 || header.len > TRACE_HEADER_MAX) {
        return false;
    }
    for (size_t i = 0; i < header.len; i++) {
        char c = header.data[i];
        if (c <= ' ' || c > '~' || c == '"' || c == '\\') {
            return false;
        }
    }
    for (struct str rest = header; rest.data;) {
        has_root |= is_root(str_cut(&rest, ';'));
    }
    return has_root;
}

struct str trace_header_attributes(char ret[TRACE_HEADER_BYTES])
{
    uint8_t bytes[20];
    char digits[2 * sizeof(bytes)];
    chance_bytes(bytes, sizeof(bytes));
    (void)hex_write(bytes, sizeof(bytes), digits);
    int len = snprintf(ret, TRACE_HEADER_BYTES,
                       "{\"trace\":\"Root=1-%08x-%.24s;Parent=%.16s;Sampled=0\"}",
                       (unsigned)time(NULL), digits, digits + 24);
    return str_of(ret, (size_t)len);
}
