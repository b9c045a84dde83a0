/* SPDX-License-Identifier: Apache-2.0 */
#include "base/chance.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/hex.h"
#include "base/log.h"

static _Thread_local struct {
    unsigned char bytes[CHANCE_BYTES_MAX];
    size_t left; /* from the start */
} drawn;

void chance_bytes(void *ret, size_t len)
{
    if (drawn.left < len) {
        if (getrandom(drawn.bytes, sizeof(drawn.bytes), 0) != (ssize_t)sizeof(drawn.bytes)) {
            log_error("the kernel gives no random bytes");
            abort(); /* cannot be, once the system is up */
        }
        drawn.left = sizeof(drawn.bytes);
    }
    drawn.left -= len;
    memcpy(ret, drawn.bytes + drawn.left, len);
    explicit_bzero(drawn.bytes + drawn.left, len); /* given once */
}

void chance_uuid(char ret[UUID_BYTES])
{
    static const unsigned char groups[] = { 4, 2, 2, 2, 6 };
    unsigned char b[16];
    chance_bytes(b, sizeof(b));
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    char *at = ret;
    for (size_t g = 0, k = 0; g < sizeof(groups); k += groups[g++]) {
        if (g > 0) {
            *at++ = '-';
        }
        at = hex_write(b + k, groups[g], at);
    }
    *at = '\0';
}
