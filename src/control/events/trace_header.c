/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/trace_header.h"

#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "base/chance.h"
#include "base/hex.h"

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
