/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/scheduler/scheduler.h"

#include <stdio.h>

#include "base/chance.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "control/events/eventbridge/declared_target.h"
#include "control/events/eventbridge/event_arn.h"
#include "control/events/eventbridge/event_target.h"
#include "control/events/eventbridge/target_attempt.h"
#include "control/events/scheduler/schedule_send.h"
#include "control/text/json_reading.h"

#define ARN_BYTES  512
#define NAME_BYTES 1200 /* a name of the manifest, 1024, and what stands before it */

#define KIND "scheduler:" /* before the key of the table: the name among all schedules */

struct scheduler {
    struct services *services;
    struct json_table *schedules;
    struct json_table *groups;
    json_t *declared; /* by key; NULL: nothing has been built yet */
};

struct json_table *scheduler_schedules(struct scheduler *sr)
{
    return sr->schedules;
}

struct json_table *scheduler_groups(struct scheduler *sr)
{
    return sr->groups;
}

void scheduler_arn(json_t *schedule, const char *region, char *ret, size_t size)
{
    (void)snprintf(ret, size, "arn:aws:scheduler:%s:000000000000:schedule/%s/%s", region,
                   json_text(schedule, "GroupName"), json_text(schedule, "Name"));
}

/* ---- what a tick sends ---- */

/* Somewhere within its flexible window. */
static uint64_t due_of(json_t *schedule, uint64_t time_ms)
{
    json_t *window = json_object_get(schedule, "FlexibleTimeWindow");
    json_int_t minutes = json_integer_value(json_object_get(window, "MaximumWindowInMinutes"));
    uint32_t random;
    if (minutes <= 0) {
        return 0;
    }
    chance_bytes(&random, sizeof(random));
    return time_ms + random % ((uint64_t)minutes * 60000);
}

/* The target in the manifest's words, a new reference. An ARN that cannot be read leads nowhere. */
static json_t *target_of(json_t *schedule)
{
    struct err err = { 0 };
    json_t *said = json_object_get(schedule, "Target");
    json_t *sqs = json_object_get(said, "SqsParameters");
    json_t *event = json_object_get(said, "EventBridgeParameters");
    json_t *retry = json_object_get(said, "RetryPolicy");
    const char *dead = json_text(json_object_get(said, "DeadLetterConfig"), "Arn");
    json_t *dead_target = json_object();
    json_t *target =
        json_pack("{s:O*,s:O*,s:O*,s:O*,s:O*,s:O*,s:O*}", "input", json_object_get(said, "Input"),
                  "group", json_object_get(sqs, "MessageGroupId"), "detail_type",
                  json_object_get(event, "DetailType"), "source", json_object_get(event, "Source"),
                  "user", json_object_get(schedule, SCHEDULER_USER), "max_age_s",
                  json_object_get(retry, "MaximumEventAgeInSeconds"), "max_retries",
                  json_object_get(retry, "MaximumRetryAttempts"));
    (void)!event_target_set_arn(target, str_c(json_text(said, "Arn")), &err);
    if (dead && event_target_set_arn(dead_target, str_c(dead), &err) == 0) {
        (void)json_object_set(target, "dead_letter", dead_target); /* sound values */
    }
    json_decref(dead_target);
    return target;
}

static void send_tick(struct scheduler *sr, json_t *schedule, const struct schedule_tick *tick)
{
    json_t *target = target_of(schedule);
    char arn[ARN_BYTES];
    const char *region = json_text(schedule, SCHEDULER_REGION);
    scheduler_arn(schedule, region ? region : EVENT_ARN_REGION, arn, sizeof(arn));
    schedule_send(sr->services, target, arn, tick->by_hand ? 0 : due_of(schedule, tick->time_ms),
                  tick);
    json_decref(target);
}

/* ---- schedules ---- */

static struct str key_in(struct str name)
{
    return str_skip(name, strlen(KIND));
}

static void tick_schedule(const struct schedule_tick *tick, void *context)
{
    struct scheduler *sr = context;
    json_t *schedule = json_table_find(sr->schedules, key_in(tick->name));
    if (schedule) {
        send_tick(sr, schedule, tick);
    }
}

static void nothing_done(int r, void *context)
{
    (void)context;
    if (r < 0) { /* the next start tries again */
        log_error("a schedule or group could not be written: %s", strerror(-r));
    }
}

/* One that has had its last tick, if it is to be; a declared one is, as long as it is declared. */
static void delete_after(struct scheduler *sr, struct str key)
{
    json_t *schedule = json_table_find(sr->schedules, key);
    const char *action = json_text(schedule, "ActionAfterCompletion");
    if (action && strcmp(action, "DELETE") == 0 && !json_table_is_declared(sr->schedules, key)) {
        scheduler_remove(sr, str_c(json_text(schedule, "GroupName")),
                         str_c(json_text(schedule, "Name")), nothing_done, NULL);
    }
}

static void schedule_over(struct str name, void *context)
{
    delete_after(context, key_in(name));
}

static uint64_t date_of(json_t *schedule, const char *member)
{
    double seconds = json_number_value(json_object_get(schedule, member));
    return seconds > 0 && seconds < 1e11 ? (uint64_t)(seconds * 1000 + 0.5) : 0;
}

static int parse_time(json_t *schedule, struct schedule_time *ret, struct err *err)
{
    const char *expression = json_text(schedule, "ScheduleExpression");
    const char *zone = json_text(schedule, "ScheduleExpressionTimezone");
    return schedule_time_parse(str_c(expression), zone ? str_c(zone) : STR(""), SCHEDULE_SCHEDULER,
                               ret, err);
}

int scheduler_check(json_t *schedule, struct err *err)
{
    struct schedule_time time;
    return parse_time(schedule, &time, err);
}

static void set(struct scheduler *sr, const char *name, json_t *schedule)
{
    char former[NAME_BYTES];
    struct err err = { 0 };
    const char *zone = json_text(schedule, "ScheduleExpressionTimezone");
    const char *state = json_text(schedule, "State");
    bool declared = json_table_is_declared(sr->schedules, key_in(str_c(name)));
    (void)snprintf(former, sizeof(former), "project:%s", json_text(schedule, "Name"));
    const struct schedule_spec spec = {
        .name = str_c(name),
        .former_name = declared ? str_c(former) : STR(""),
        .expression = str_c(json_text(schedule, "ScheduleExpression")),
        .zone = zone ? str_c(zone) : STR(""),
        .platform = SCHEDULE_SCHEDULER,
        .start_ms = date_of(schedule, "StartDate"),
        .end_ms = date_of(schedule, "EndDate"),
        .enabled = !state || strcmp(state, "DISABLED") != 0,
        .catch_up = !json_is_false(json_object_get(schedule, SCHEDULER_CATCH_UP)),
        .tick = tick_schedule,
        .over = schedule_over,
        .context = sr
    };
    if (schedules_set(sr->services->schedules, &spec, &err) < 0) {
        log_error("%s: %s", name, err.text); /* has been checked: the zone is gone since */
    }
}

/* Has what the table says of it now tick, or nothing. */
static void follow(struct scheduler *sr, const char *key)
{
    char name[NAME_BYTES];
    json_t *schedule = json_table_find(sr->schedules, str_c(key));
    (void)snprintf(name, sizeof(name), KIND "%s", key);
    if (schedule) {
        set(sr, name, schedule);
    } else {
        schedules_remove(sr->services->schedules, str_c(name));
    }
}

struct change {
    struct scheduler *scheduler;
    char *key;
    message_batch_fn done;
    void *context;
};

static void put_written(int r, void *context)
{
    struct change *c = context;
    if (r == 0) {
        follow(c->scheduler, c->key);
        schedules_settle(c->scheduler->services->schedules, c->done, c->context);
    } else {
        c->done(r, c->context);
    }
    free(c->key);
    free(c);
}

/* The context of a change's callback: the key of a schedule, and who is told. */
static struct change *change_of(struct scheduler *sr, struct str group, struct str name,
                                message_batch_fn done, void *context)
{
    struct change *c = mem_new(struct change);
    *c = (struct change){ .scheduler = sr, .done = done, .context = context };
    c->key = mem_format(STR_FMT "/" STR_FMT, STR_ARG(group), STR_ARG(name));
    return c;
}

void scheduler_put(struct scheduler *sr, json_t *schedule, message_batch_fn done, void *context)
{
    struct change *c = change_of(sr, str_c(json_text(schedule, "GroupName")),
                                 str_c(json_text(schedule, "Name")), done, context);
    json_table_put(sr->schedules, str_c(c->key), schedule, put_written, c);
}

/* In this order: a mark without a schedule is forgotten at the next start, but a schedule without a
 * mark would be a new one there; and one that could not be removed ticks on. */
static void removed(int r, void *context)
{
    struct change *c = context;
    if (r == 0) {
        follow(c->scheduler, c->key);
    }
    c->done(r, c->context);
    free(c->key);
    free(c);
}

void scheduler_remove(struct scheduler *sr, struct str group, struct str name,
                      message_batch_fn done, void *context)
{
    struct change *c = change_of(sr, group, name, done, context);
    json_table_remove(sr->schedules, str_c(c->key), removed, c);
}

/* ---- builds ---- */

void scheduler_set_retries(json_t *target)
{
    json_t *said = json_object_get(target, "RetryPolicy");
    json_t *policy = json_pack("{s:i,s:i}", "MaximumEventAgeInSeconds", TARGET_ATTEMPT_AGE_MAX_S,
                               "MaximumRetryAttempts", TARGET_ATTEMPT_RETRIES_MAX);
    (void)json_object_update(policy, said);
    (void)json_object_set_new(target, "RetryPolicy", policy);
}

static void set_date(json_t *schedule, const char *member, json_t *said_ms)
{
    json_int_t ms = json_integer_value(said_ms);
    if (ms > 0) {
        json_t *seconds = ms % 1000 ? json_real((double)ms / 1000) : json_integer(ms / 1000);
        (void)json_object_set_new(schedule, member, seconds); /* a literal and a sound value */
    }
}

static json_t *window_of(json_t *said)
{
    json_int_t minutes = json_integer_value(json_object_get(said, "window_minutes"));
    return minutes > 0
               ? json_pack("{s:s,s:I}", "Mode", "FLEXIBLE", "MaximumWindowInMinutes", minutes)
               : json_pack("{s:s}", "Mode", "OFF");
}

/* A schedule of the manifest in the form of this table. A new reference. */
static json_t *declared_schedule(const struct services *s, json_t *said)
{
    const char *region = json_text(said, "region");
    const char *catch_up = json_text(said, "catch_up");
    bool enabled = !json_is_false(json_object_get(said, "enabled"));
    json_t *target = declared_target(s, json_object_get(said, "target"), region);
    scheduler_set_retries(target);
    json_t *schedule = json_pack(
        "{s:O,s:O,s:O,s:O,s:s,s:s*,s:o,s:o,s:O,s:O,s:b}", "Name", json_object_get(said, "name"),
        "GroupName", json_object_get(said, "group"), "ScheduleExpression",
        json_object_get(said, "expression"), "ScheduleExpressionTimezone",
        json_object_get(said, "timezone"), "State", enabled ? "ENABLED" : "DISABLED", "Description",
        json_text(said, "description"), "FlexibleTimeWindow", window_of(said), "Target", target,
        "ActionAfterCompletion", json_object_get(said, "after_completion"), SCHEDULER_REGION,
        json_object_get(said, "region"), SCHEDULER_CATCH_UP, strcmp(catch_up, "skip") != 0);
    set_date(schedule, "StartDate", json_object_get(said, "start_ms"));
    set_date(schedule, "EndDate", json_object_get(said, "end_ms"));
    return schedule;
}

/* By key. Those that do not tick are left out, which is told. A new reference. */
static json_t *declared_schedules(const struct services *s, json_t *list)
{
    json_t *by_key = json_object();
    size_t i;
    json_t *said;
    json_array_foreach(list, i, said)
    {
        struct err err = { 0 };
        if (!json_text(said, "group")) {
            continue; /* a cron, project_schedules.c's */
        }
        json_t *schedule = declared_schedule(s, said);
        char key[NAME_BYTES];
        (void)snprintf(key, sizeof(key), "%s/%s", json_text(said, "group"),
                       json_text(said, "name"));
        if (scheduler_check(schedule, &err) == 0) {
            (void)json_object_set(by_key, key, schedule); /* a sound value */
        } else {
            log_warning("the schedule %s is left out: %s", json_text(said, "name"), err.text);
        }
        json_decref(schedule);
    }
    return by_key;
}

static void declare_groups(struct scheduler *sr, json_t *list)
{
    json_t *by_name = json_object();
    size_t i;
    json_t *said;
    json_array_foreach(list, i, said)
    {
        json_t *name = json_object_get(said, "name");
        (void)json_object_set_new(by_name, json_string_value(name),
                                  json_pack("{s:O,s:[]}", "Name", name, "Tags")); /* a new value */
    }
    json_table_declare(sr->groups, by_name, "CreationDate", "LastModificationDate");
}

/* One that had its last tick before a restart, but could not be removed any more, is now. */
static void start_one(const char *key, json_t *schedule, void *context)
{
    struct scheduler *sr = context;
    struct schedule_view view;
    char name[NAME_BYTES];
    (void)schedule;
    (void)snprintf(name, sizeof(name), KIND "%s", key);
    follow(sr, key);
    if (schedules_find(sr->services->schedules, str_c(name), &view) && view.enabled &&
        view.next_ms == SCHEDULE_NEVER && view.last_ms > 0) {
        delete_after(sr, str_c(key));
    }
}

static void follow_each(struct scheduler *sr, json_t *by_key)
{
    const char *key;
    json_t *schedule;
    json_object_foreach(by_key, key, schedule)
    {
        follow(sr, key);
    }
}

void scheduler_build(struct scheduler *sr, const json_t *manifest)
{
    json_t *events = json_object_get(manifest, "events");
    json_t *before = sr->declared;
    declare_groups(sr, json_object_get(events, "schedule_groups"));
    sr->declared = declared_schedules(sr->services, json_object_get(events, "schedules"));
    json_table_declare(sr->schedules, json_incref(sr->declared), "CreationDate",
                       "LastModificationDate");
    if (!before) {
        json_table_each(sr->schedules, STR(""), start_one, sr);
        return;
    }
    (void)json_object_update_missing(before, sr->declared); /* both are objects */
    follow_each(sr, before);
    json_decref(before);
}

struct scheduler *scheduler_create(struct services *s)
{
    struct scheduler *sr = mem_new(struct scheduler);
    sr->services = s;
    sr->declared = NULL;
    sr->schedules = json_table_create(s->queues, "scheduler schedule");
    sr->groups = json_table_create(s->queues, "scheduler group");
    if (!json_table_find(sr->groups, STR("default"))) {
        json_int_t now = (json_int_t)(clock_wall_ms() / 1000);
        json_table_put(sr->groups, STR("default"),
                       json_pack("{s:s,s:I,s:[]}", "Name", "default", "CreationDate", now, "Tags"),
                       nothing_done, NULL);
    }
    return sr;
}
