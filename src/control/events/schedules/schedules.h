/* The schedules of a project: when each ticks next, and that each tick happens once.
 *
 * All wait in one heap for one timer, by the wall clock: thousands of them cost nothing while none
 * is due. A tick is written together with the mark that it has fired, in one transaction, so it
 * neither gets lost nor happens twice, whenever the process dies.
 *
 * What was missed, because the platform was down, the machine slept or its clock was put forward,
 * happens once however much it was, or not at all (`catch_up`); less than a minute late is not
 * missed. Where the clock is put back, ticks that have fired do not fire again; but a schedule
 * whose last tick lies more than three hours ahead was fired by a clock that was wrong, and goes by
 * the new time; so does a rate, which counts elapsed time, after more than a minute. A schedule
 * that is new, changed or enabled does not fire for the time before that, but for a new single
 * point in time that has passed by less than a minute.
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <uv.h>

#include "control/events/queue/message_batch.h"
#include "control/events/schedules/schedule_time.h"

struct schedules;

struct schedule_tick {
    struct str name;
    uint64_t time_ms; /* when it should be */
    uint64_t next_ms; /* the one after it, or SCHEDULE_NEVER */
    struct str dedup; /* of the schedule and this time: for the messages that are added */
    bool by_hand;     /* schedules_trigger() */
    struct message_batch *batch;
};

struct schedule_spec {
    struct str name; /* unique among all */
    /* Under which an earlier Mayfly knew it: what has fired under that counts. Empty: none. */
    struct str former_name;
    struct str expression;
    struct str zone;
    enum schedule_platform platform;
    uint64_t start_ms; /* 0: none */
    uint64_t end_ms;   /* 0: none */
    bool enabled;
    bool catch_up;
    /* Adds its messages to the tick's batch. */
    void (*tick)(const struct schedule_tick *tick, void *context);
    /* It will never tick again, having done so. May be NULL, and may remove the schedule. */
    void (*over)(struct str name, void *context);
    void *context; /* lives until the schedule is removed or set again */
};

/* `now`: the wall clock in ms, or NULL for the system's. Reads what has fired before. */
struct schedules *schedules_create(uv_loop_t *loop, struct queues *queues, uint64_t (*now)(void));
/* Nothing ticks from here on. */
void schedules_destroy(struct schedules *ss);

/* While they are held nothing ticks; what comes due meanwhile is late. */
void schedules_hold(struct schedules *ss, bool held);

/* Adds a schedule, or replaces the one of that name. EINVAL: its expression or zone is none; then
 * nothing has changed. */
int schedules_set(struct schedules *ss, const struct schedule_spec *spec, struct err *err) MUST_USE;
/* Calls back when what was set before is known to a next process too, so that this does not take
 * one for new whose time has passed meanwhile. Whoever acknowledges a schedule waits for it. */
void schedules_settle(struct schedules *ss, message_batch_fn done, void *context);
/* Forgets it, and when it last fired. */
void schedules_remove(struct schedules *ss, struct str name);

/* Forgets when schedules last fired that have not been set since the start: there are no such any
 * more. */
void schedules_forget_unset(struct schedules *ss);

/* Adds to `batch` what it does at a tick, as if it ticked now; what it does by itself stays as it
 * is. -ENOENT: there is none of that name. */
int schedules_trigger(struct schedules *ss, struct str name, struct message_batch *batch) MUST_USE;

struct schedule_view {
    struct str name;
    struct str expression;
    bool enabled;
    uint64_t next_ms; /* or SCHEDULE_NEVER */
    uint64_t last_ms; /* 0: it has not fired yet */
};
/* False: there is none. */
bool schedules_find(struct schedules *ss, struct str name, struct schedule_view *ret);
/* Each, in no order. */
typedef void (*schedules_fn)(const struct schedule_view *view, void *context);
void schedules_each(struct schedules *ss, schedules_fn each, void *context);

/* Fires what is due; looks at everything anew, the clock having been set. The timer calls them; so
 * does a test. */
void schedules_run(struct schedules *ss);
void schedules_clock_set(struct schedules *ss);
