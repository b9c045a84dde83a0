/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/schedules/schedule_time.h"

#include <time.h>

#include "base/limits.h"

#define CYCLE_MINUTES ((int64_t)CRON_CYCLE_YEARS * 366 * 1440)

int schedule_time_platform(struct str name, enum schedule_platform *ret)
{
    static const struct {
        const char *name;
        enum schedule_platform platform;
    } known[] = {
        { "vercel", SCHEDULE_VERCEL },
        { "worker", SCHEDULE_WORKERS },
        { "netlify", SCHEDULE_NETLIFY },
        { "aws", SCHEDULE_SCHEDULER },
    };
    for (size_t i = 0; i < ARRAY_COUNT(known); i++) {
        if (str_eq(name, str_c(known[i].name))) {
            *ret = known[i].platform;
            return 0;
        }
    }
    return -EINVAL;
}

/* ---- expressions ---- */

/* "5 minutes". AWS's Scheduler takes "1 minutes" too, a rule does not. */
static int parse_rate(struct str text, struct schedule_time *t, struct err *err)
{
    static const struct {
        const char *one, *many;
        uint64_t ms;
    } units[] = {
        { "minute", "minutes", 60000 },
        { "hour", "hours", 3600000 },
        { "day", "days", 86400000 },
    };
    struct str unit = text;
    uint64_t value;
    if (str_to_u64(str_cut(&unit, ' '), &value) && value > 0 && value <= LIMIT_RATE_VALUE) {
        for (size_t i = 0; i < ARRAY_COUNT(units); i++) {
            bool one = str_eq(unit, str_c(units[i].one));
            bool many = str_eq(unit, str_c(units[i].many));
            if ((t->platform == SCHEDULE_RULE && (value == 1 ? one : many)) ||
                (t->platform == SCHEDULE_SCHEDULER && (one || many))) {
                t->kind = SCHEDULE_RATE;
                t->period_ms = value * units[i].ms;
                return 0;
            }
        }
    }
    return err_set(err, EINVAL,
                   "a rate is a number and its unit: rate(1 minute), rate(5 minutes), "
                   "hours or days");
}

/* "2026-12-31T23:59:59". */
static int parse_at(struct str text, struct schedule_time *t, struct err *err)
{
    static const char shape[] = "dddd-dd-ddTdd:dd:dd";
    bool fits = text.len == sizeof(shape) - 1;
    for (size_t i = 0; fits && i < text.len; i++) {
        bool digit = text.data[i] >= '0' && text.data[i] <= '9';
        fits = shape[i] == 'd' ? digit : text.data[i] == shape[i];
    }
    char copy[sizeof(shape)] = "";
    struct tm tm = { 0 };
    if (fits) {
        memcpy(copy, text.data, text.len);
    }
    if (!fits || !strptime(copy, "%Y-%m-%dT%H:%M:%S", &tm)) {
        return err_set(err, EINVAL, "a point in time is given as at(yyyy-mm-ddThh:mm:ss)");
    }
    int day = tm.tm_mday;
    t->kind = SCHEDULE_AT;
    t->at_s = timegm(&tm); /* brings the 31st of June into July */
    if (tm.tm_mday != day) {
        return err_set(err, EINVAL, "at(" STR_FMT "): there is no such day", STR_ARG(text));
    }
    return 0;
}

static int parse_aws(struct str text, struct schedule_time *t, struct err *err)
{
    struct str rest = text;
    struct str kind = str_cut(&rest, '(');
    if (rest.len > 0 && rest.data[rest.len - 1] == ')') {
        rest.len--;
        if (str_eq(kind, STR("cron"))) {
            return cron_parse(rest, CRON_AWS, &t->cron, err);
        }
        if (str_eq(kind, STR("rate"))) {
            return parse_rate(rest, t, err);
        }
        if (str_eq(kind, STR("at")) && t->platform == SCHEDULE_SCHEDULER) {
            return parse_at(rest, t, err);
        }
    }
    return err_set(err, EINVAL, "an expression of AWS is cron(...)%s",
                   t->platform == SCHEDULE_RULE ? " or rate(...)" : ", rate(...) or at(...)");
}

int schedule_time_parse(struct str expression, struct str zone, enum schedule_platform platform,
                        struct schedule_time *ret, struct err *err)
{
    static const enum cron_dialect dialects[] = {
        [SCHEDULE_VERCEL] = CRON_VERCEL,
        [SCHEDULE_WORKERS] = CRON_WORKERS,
        [SCHEDULE_NETLIFY] = CRON_NETLIFY,
    };
    struct schedule_time t = { .platform = platform, .zone = zone_find(zone) };
    if (!t.zone) {
        return err_set(err, EINVAL, "there is no time zone \"" STR_FMT "\"",
                       STR_ARG(zone.len > 64 ? str_of(zone.data, 64) : zone));
    }
    if (expression.len > LIMIT_SCHEDULE_EXPRESSION_BYTES) {
        return err_set(err, EINVAL, "an expression has at most %zu bytes",
                       LIMIT_SCHEDULE_EXPRESSION_BYTES);
    }
    int r = platform >= SCHEDULE_RULE ? parse_aws(expression, &t, err)
                                      : cron_parse(expression, dialects[platform], &t.cron, err);
    if (r == 0) {
        *ret = t;
    }
    return r;
}

/* ---- ticks ---- */

/* Goes through the times of the zone's clock. Those that it skips are skipped, however many: a
 * schedule of every minute has sixty in the spring. One that has only such, as half past two on
 * March's last Sunday, never comes. */
static uint64_t next_cron(const struct schedule_time *t, uint64_t after_ms)
{
    const int64_t after_s = (int64_t)(after_ms / 1000);
    /* From the minute it is: times of an hour that comes twice have had their turn already. */
    int64_t minute = (after_s + zone_offset_s(t->zone, after_s)) / 60 - 1;
    int64_t last = INT64_MAX;
    int64_t utc_s;
    while (minute <= last && cron_next(&t->cron, minute, &minute)) {
        if (zone_to_utc(t->zone, minute * 60, &utc_s) && (uint64_t)utc_s * 1000 > after_ms) {
            return (uint64_t)utc_s * 1000;
        }
        last = last < INT64_MAX ? last : minute + CYCLE_MINUTES;
    }
    return SCHEDULE_NEVER;
}

static uint64_t next_rate(const struct schedule_time *t, uint64_t after_ms, uint64_t made_ms)
{
    uint64_t first = t->start_ms ? t->start_ms : made_ms;
    if (!t->start_ms && t->platform == SCHEDULE_RULE) {
        first += t->period_ms;
    }
    if (first > after_ms) {
        return first;
    }
    return first + ((after_ms - first) / t->period_ms + 1) * t->period_ms;
}

static uint64_t next_at(const struct schedule_time *t, uint64_t after_ms)
{
    int64_t utc_s;
    if (!zone_to_utc(t->zone, t->at_s, &utc_s)) {
        /* In a missing hour: as late as clocks that had not been put forward would say. */
        utc_s = t->at_s - zone_offset_s(t->zone, t->at_s - 86400);
    }
    return utc_s > 0 && (uint64_t)utc_s * 1000 > after_ms ? (uint64_t)utc_s * 1000 : SCHEDULE_NEVER;
}

uint64_t schedule_time_next(const struct schedule_time *t, uint64_t after_ms, uint64_t made_ms)
{
    uint64_t next = SCHEDULE_NEVER;
    if (t->kind != SCHEDULE_AT && t->start_ms > 0 && after_ms < t->start_ms) {
        after_ms = t->start_ms - 1;
    }
    switch (t->kind) {
    case SCHEDULE_CRON:
        next = next_cron(t, after_ms);
        break;
    case SCHEDULE_RATE:
        next = next_rate(t, after_ms, made_ms);
        break;
    case SCHEDULE_AT: /* "EventBridge Scheduler ignores StartDate for one-time schedules" */
        return next_at(t, after_ms);
    }
    return t->end_ms > 0 && next > t->end_ms ? SCHEDULE_NEVER : next;
}

uint64_t schedule_time_begin(const struct schedule_time *t, uint64_t now_ms, uint64_t last_ms)
{
    if (t->kind != SCHEDULE_AT || now_ms <= SCHEDULE_LATE_MS) {
        return now_ms - 1;
    }
    const uint64_t from_ms = now_ms - SCHEDULE_LATE_MS;
    return last_ms > from_ms && last_ms < now_ms ? last_ms : from_ms;
}
