/* SPDX-License-Identifier: Apache-2.0 */
#include "control/text/iso_time.h"

#include <stdio.h>
#include <time.h>

#include "http/http_date.h"

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

/* ---- reading ---- */

static bool digits(struct str text, size_t at, size_t len, int *ret)
{
    uint64_t number;
    if (at + len > text.len || !str_to_u64(str_of(text.data + at, len), &number)) {
        return false;
    }
    *ret = (int)number;
    return true;
}

/* "+02:00", "Z" or nothing at the end; seconds to take off. */
static bool parse_zone(struct str zone, int *ret_s)
{
    int hours, minutes;
    if (zone.len == 0 || str_eq(zone, STR("Z"))) {
        *ret_s = 0;
        return true;
    }
    if ((zone.data[0] != '+' && zone.data[0] != '-') || zone.len != 6 ||
        !digits(zone, 1, 2, &hours) || !digits(zone, 4, 2, &minutes)) {
        return false;
    }
    *ret_s = (zone.data[0] == '+' ? 1 : -1) * (hours * 3600 + minutes * 60);
    return true;
}

/* Cuts ".125" off the front, if it is there: milliseconds. */
static unsigned cut_fraction(struct str *text)
{
    unsigned ms = 0, scale = 100;
    if (!str_starts(*text, STR("."))) {
        return 0;
    }
    *text = str_skip(*text, 1);
    for (; text->len > 0 && text->data[0] >= '0' && text->data[0] <= '9'; scale /= 10) {
        ms += (unsigned)(text->data[0] - '0') * scale;
        *text = str_skip(*text, 1);
    }
    return ms;
}

static bool parse_day(struct str text, struct tm *tm)
{
    if (text.len < 10 || !digits(text, 0, 4, &tm->tm_year) || !digits(text, 5, 2, &tm->tm_mon) ||
        !digits(text, 8, 2, &tm->tm_mday) || text.data[4] != '-' || text.data[7] != '-') {
        return false;
    }
    tm->tm_year -= 1900;
    tm->tm_mon -= 1;
    return tm->tm_mon >= 0 && tm->tm_mon < 12 && tm->tm_mday >= 1 && tm->tm_mday <= 31;
}

/* "T10:00:30" behind the day. */
static bool parse_clock(struct str text, struct tm *tm)
{
    return text.len >= 19 && digits(text, 11, 2, &tm->tm_hour) &&
           digits(text, 14, 2, &tm->tm_min) && digits(text, 17, 2, &tm->tm_sec) &&
           tm->tm_hour < 24 && tm->tm_min < 60 && tm->tm_sec <= 60;
}

bool iso_time_parse(struct str text, uint64_t *ret_epoch_ms)
{
    struct tm tm = { 0 };
    int zone_s = 0;
    unsigned ms = 0;
    int64_t seconds;
    if (!http_date_parse(text, &seconds)) {
        struct str rest = str_skip(text, text.len < 19 ? text.len : 19);
        if (!parse_day(text, &tm) || (text.len > 10 && !parse_clock(text, &tm))) {
            return false;
        }
        ms = cut_fraction(&rest);
        if (!parse_zone(rest, &zone_s)) {
            return false;
        }
        seconds = (int64_t)timegm(&tm) - zone_s;
    }
    *ret_epoch_ms = seconds < 0 ? 0 : (uint64_t)seconds * 1000 + ms;
    return true;
}
