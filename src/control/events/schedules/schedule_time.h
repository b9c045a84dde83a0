/* When a schedule ticks: its expression, in its time zone, between its dates.
 *
 * Vercel's, Workers' and Netlify's expressions are cron. AWS has "cron(...)" with six fields,
 * "rate(5 minutes)", and for EventBridge Scheduler "at(2026-12-31T23:59:59)". All but a rate are in
 * the schedule's zone: at the platforms that is UTC, but for EventBridge Scheduler; here
 * mayfly.json may say otherwise.
 *
 * Where clocks are put forward, what would be in the missing hour is left out; where they are put
 * back, what is in the hour that comes twice happens once, the first time ("Daylight savings time
 * on EventBridge Scheduler"). A rate counts elapsed time: a day is 24 hours. A single point in time
 * that clocks leave out is not lost: it comes as much later as they are put forward.
 *
 * Pure: no clock. Times are milliseconds since 1970.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/events/schedules/cron.h"
#include "control/events/schedules/zone.h"

/* AWS's two services differ: a rule's "rate(1 minutes)" is refused, and so is "at"; a rule's
 * rate first ticks a period after it was made, a Scheduler's at once. */
enum schedule_platform {
    SCHEDULE_VERCEL,
    SCHEDULE_WORKERS,
    SCHEDULE_NETLIFY,
    SCHEDULE_RULE,
    SCHEDULE_SCHEDULER
};

enum schedule_kind { SCHEDULE_CRON, SCHEDULE_RATE, SCHEDULE_AT };

struct schedule_time {
    enum schedule_platform platform;
    enum schedule_kind kind;
    const struct zone *zone;
    struct cron cron;   /* SCHEDULE_CRON */
    uint64_t period_ms; /* SCHEDULE_RATE */
    int64_t at_s;       /* SCHEDULE_AT: seconds of the zone's clock */
    uint64_t start_ms;  /* not before; 0: none. The caller's */
    uint64_t end_ms;    /* not after; 0: none. The caller's */
};

#define SCHEDULE_NEVER   UINT64_MAX
#define SCHEDULE_LATE_MS 60000 /* later is missed: AWS's ticks have "60 second precision" */

/* "vercel", "worker", "netlify", "aws" (the Scheduler) of the manifest's schedules. EINVAL: there
 * is no such platform. */
int schedule_time_platform(struct str name, enum schedule_platform *ret) MUST_USE;

/* Fills all of *ret but start_ms and end_ms, which become 0. EINVAL with what is wrong with the
 * expression or the zone ("": UTC). */
int schedule_time_parse(struct str expression, struct str zone, enum schedule_platform platform,
                        struct schedule_time *ret, struct err *err) MUST_USE;

/* The first tick after `after_ms`, or SCHEDULE_NEVER. `made_ms`: when the schedule was made, from
 * which a rate without start_ms counts. */
uint64_t schedule_time_next(const struct schedule_time *t, uint64_t after_ms, uint64_t made_ms);

/* A new schedule, or a changed one that ticked last at `last_ms` (0: never), ticks after this: a
 * rate may at once, and so does a single point in time that has just passed, since whoever sets it
 * for now is never in time. */
uint64_t schedule_time_begin(const struct schedule_time *t, uint64_t now_ms, uint64_t last_ms);
