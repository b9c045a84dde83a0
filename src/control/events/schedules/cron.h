/* Cron expressions in the dialects of four platforms, and when they match.
 *
 * | | fields | weekdays | also | both days given |
 * | --- | --- | --- | --- | --- |
 * | Vercel | 5 | 0-6, 0 is Sunday | no names | refused |
 * | Workers | 5 | 1-7, 1 is Sunday | names, L LW L-3 15W 6L 6#3, ranges around the end | either |
 * | Netlify | 5 | 0-7, 0 and 7 are Sunday | names, L 5L 5#3, ?, @hourly @daily... | either |
 * | AWS | 6, a year | 1-7, 1 is Sunday | as Workers; exactly one of the days is ? | refused |
 *
 * At Netlify a day that may be any of 1-31, or a weekday that may be any of 1-7, is not given.
 *
 * Where that is from: Vercel's manual and the check of its CLI (`vercel crons add`); Cloudflare's
 * manual and saffron, its parser; Netlify's manual and cron-parser, which its CLI uses; AWS's
 * manual, what AWS was seen to take and refuse, and Quartz where both are silent.
 *
 * Pure: no clock, no zone. A minute is counted from 1970-01-01 00:00 of whatever clock the
 * expression is meant for.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/err.h"
#include "base/str.h"

enum cron_dialect { CRON_VERCEL, CRON_WORKERS, CRON_NETLIFY, CRON_AWS };

#define CRON_FIRST_YEAR 1970
#define CRON_LAST_YEAR  2199 /* AWS's last; expressions without years go on */

struct cron {
    uint64_t minutes;        /* bit n: minute n; and so on */
    uint32_t hours;          /* 0-23 */
    uint32_t days;           /* 1-31 */
    uint32_t days_last;      /* bit n: n days before the month's last */
    uint32_t days_near;      /* the working day nearest to day n */
    uint32_t days_near_last; /* ... to n days before the last */
    uint16_t months;         /* 1-12 */
    uint8_t weekdays;        /* 0-6, 0 is Sunday */
    uint8_t weekdays_last;   /* the month's last of them */
    uint8_t weekdays_nth[6]; /* 1-5: the month's first, second... */
    bool any_day;            /* the day of the month is left open */
    bool any_weekday;
    bool has_years;
    uint64_t years[4]; /* with has_years: bit n: CRON_FIRST_YEAR + n */
};

/* AWS's is without "cron(" and ")". EINVAL says which field is wrong and what it may be. */
int cron_parse(struct str text, enum cron_dialect dialect, struct cron *ret,
               struct err *err) MUST_USE;

/* Within so many years of any a month is seen in each of its shapes, of so many days and beginning
 * on that weekday: the 29th of February is a Monday in 2088 and in 2128. What has not matched then
 * never does. */
#define CRON_CYCLE_YEARS 40

/* The first minute after `minute` that matches. False: there is none. */
bool cron_next(const struct cron *c, int64_t minute, int64_t *ret_minute) MUST_USE;
