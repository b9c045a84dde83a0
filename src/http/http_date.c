/* SPDX-License-Identifier: Apache-2.0 */
#include "http/http_date.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

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

/* Each takes its part off the front of `s`; false when it is not there. */
static bool take_text(struct str *s, struct str text)
{
    bool there = str_starts(*s, text);
    *s = there ? str_skip(*s, text.len) : *s;
    return there;
}

/* Exactly so many digits; asctime() writes a day below ten with a blank. */
static bool take_number(struct str *s, size_t digits, int *ret)
{
    uint64_t number = 0;
    struct str part = str_of(s->data, digits);
    if (s->len < digits) {
        return false;
    }
    if (digits == 2 && part.data[0] == ' ') {
        part = str_skip(part, 1);
    }
    *s = str_skip(*s, digits);
    *ret = 0;
    if (!str_to_u64(part, &number)) {
        return false;
    }
    *ret = (int)number;
    return true;
}

static bool take_month(struct str *s, int *ret)
{
    for (int i = 0; i < 12; i++) {
        if (take_text(s, str_of(months[i], 3))) {
            *ret = i;
            return true;
        }
    }
    return false;
}

/* The name of a day, short or long. */
static bool take_day_name(struct str *s)
{
    size_t len = 0;
    while (len < s->len && ((s->data[len] | 0x20) >= 'a' && (s->data[len] | 0x20) <= 'z')) {
        len++;
    }
    *s = str_skip(*s, len);
    return len >= 3 && len <= 9;
}

static bool take_time(struct str *s, struct tm *tm)
{
    return take_number(s, 2, &tm->tm_hour) && take_text(s, STR(":")) &&
           take_number(s, 2, &tm->tm_min) && take_text(s, STR(":")) &&
           take_number(s, 2, &tm->tm_sec);
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

/* "Sun, 06 Nov 1994 08:49:37 GMT" */
static bool read_fixed(struct str s, struct tm *tm)
{
    return take_day_name(&s) && take_text(&s, STR(", ")) && take_number(&s, 2, &tm->tm_mday) &&
           take_text(&s, STR(" ")) && take_month(&s, &tm->tm_mon) && take_text(&s, STR(" ")) &&
           take_number(&s, 4, &tm->tm_year) && take_text(&s, STR(" ")) && take_time(&s, tm) &&
           str_eq(s, STR(" GMT"));
}

/* "Sunday, 06-Nov-94 08:49:37 GMT" */
static bool read_rfc850(struct str s, struct tm *tm)
{
    bool good = take_day_name(&s) && take_text(&s, STR(", ")) && take_number(&s, 2, &tm->tm_mday) &&
                take_text(&s, STR("-")) && take_month(&s, &tm->tm_mon) && take_text(&s, STR("-")) &&
                take_number(&s, 2, &tm->tm_year) && take_text(&s, STR(" ")) && take_time(&s, tm) &&
                str_eq(s, STR(" GMT"));
    tm->tm_year = full_year(tm->tm_year);
    return good;
}

/* "Sun Nov  6 08:49:37 1994" */
static bool read_asctime(struct str s, struct tm *tm)
{
    return take_day_name(&s) && take_text(&s, STR(" ")) && take_month(&s, &tm->tm_mon) &&
           take_text(&s, STR(" ")) && take_number(&s, 2, &tm->tm_mday) && take_text(&s, STR(" ")) &&
           take_time(&s, tm) && take_text(&s, STR(" ")) && take_number(&s, 4, &tm->tm_year) &&
           s.len == 0;
}

bool http_date_parse(struct str text, int64_t *ret_unix_seconds)
{
    struct tm tm = { 0 };
    if (!read_fixed(text, &tm) && !read_rfc850(text, &tm) && !read_asctime(text, &tm)) {
        return false;
    }
    if (tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60 ||
        tm.tm_year < 1900) {
        return false;
    }
    tm.tm_year -= 1900;
    *ret_unix_seconds = (int64_t)timegm(&tm);
    return true;
}
