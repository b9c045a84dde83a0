/* Dates of HTTP, declared in http_reply.h. The C library's would follow the locale.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "http/http_reply.h"

static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

void http_date_format(int64_t unix_seconds, char ret_date[HTTP_DATE_BYTES])
{
    time_t t = (time_t)unix_seconds;
    struct tm tm;
    if (!gmtime_r(&t, &tm) || tm.tm_year > 8099) {
        t = 0;
        (void)gmtime_r(&t, &tm); /* the epoch always converts */
    }
    (void)snprintf(ret_date, HTTP_DATE_BYTES, "%s, %02d %s %04d %02d:%02d:%02d GMT",
                   days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour,
                   tm.tm_min, tm.tm_sec); /* always fits */
}

static int month_of(const char *name)
{
    for (int i = 0; i < 12; i++) {
        if (memcmp(months[i], name, 3) == 0) {
            return i;
        }
    }
    return -1;
}

/* A two-digit year more than 50 years ahead is in the past, RFC 9110 5.6.7. */
static int full_year(int year)
{
    time_t now = time(NULL);
    struct tm tm;
    (void)gmtime_r(&now, &tm); /* the present always converts */
    int guess = 1900 + tm.tm_year - tm.tm_year % 100 + year;
    return guess > 1900 + tm.tm_year + 50 ? guess - 100 : guess;
}

static bool to_seconds(struct tm *tm, const char *month, int64_t *ret)
{
    tm->tm_mon = month_of(month);
    if (tm->tm_mon < 0 || tm->tm_mday < 1 || tm->tm_mday > 31 || tm->tm_hour > 23 ||
        tm->tm_min > 59 || tm->tm_sec > 60 || tm->tm_year < 0 || tm->tm_year > 8099) {
        return false;
    }
    *ret = (int64_t)timegm(tm);
    return true;
}

bool http_date_parse(struct str text, int64_t *ret_unix_seconds)
{
    char copy[64], month[4] = "", day[16];
    struct tm tm = { 0 };
    int end = 0;
    if (text.len == 0 || text.len >= sizeof(copy)) {
        return false;
    }
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    int len = (int)text.len;
    if (sscanf(copy, "%3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n", day, &tm.tm_mday, month,
               &tm.tm_year, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &end) == 7 &&
        end == len) {
        tm.tm_year -= 1900;
        return to_seconds(&tm, month, ret_unix_seconds);
    }
    if (sscanf(copy, "%9[A-Za-z], %2d-%3[A-Za-z]-%2d %2d:%2d:%2d GMT%n", day, &tm.tm_mday, month,
               &tm.tm_year, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &end) == 7 &&
        end == len) {
        tm.tm_year = full_year(tm.tm_year) - 1900;
        return to_seconds(&tm, month, ret_unix_seconds);
    }
    if (sscanf(copy, "%3[A-Za-z] %3[A-Za-z] %2d %2d:%2d:%2d %4d%n", day, month, &tm.tm_mday,
               &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &tm.tm_year, &end) == 7 &&
        end == len) {
        tm.tm_year -= 1900;
        return to_seconds(&tm, month, ret_unix_seconds);
    }
    return false;
}
