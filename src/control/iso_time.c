/* SPDX-License-Identifier: Apache-2.0 */
#include "control/iso_time.h"

#include <stdio.h>
#include <time.h>

static size_t put_seconds(uint64_t epoch_ms, char ret[ISO_TIME_BYTES])
{
    time_t seconds = (time_t)(epoch_ms / 1000);
    struct tm tm;
    /* gmtime_r() fails for years of ten digits only. */
    return gmtime_r(&seconds, &tm) ? strftime(ret, ISO_TIME_BYTES, "%Y-%m-%dT%H:%M:%S", &tm) : 0;
}

struct str iso_time_ms(uint64_t epoch_ms, char ret[ISO_TIME_BYTES])
{
    size_t len = put_seconds(epoch_ms, ret);
    len += (size_t)snprintf(ret + len, ISO_TIME_BYTES - len, ".%03uZ",
                            (unsigned)(epoch_ms % 1000)); /* fits */
    return str_of(ret, len);
}

struct str iso_time_s(uint64_t epoch_ms, char ret[ISO_TIME_BYTES])
{
    size_t len = put_seconds(epoch_ms, ret);
    (void)snprintf(ret + len, ISO_TIME_BYTES - len, "Z"); /* fits */
    return str_of(ret, len + 1);
}
