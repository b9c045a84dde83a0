/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/scheduler.h"

#include <stdio.h>

#include "base/chance.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "control/events/event_arn.h"
#include "control/events/event_target.h"
#include "control/events/schedule_send.h"
#include "control/json_reading.h"

#define ARN_BYTES  512
#define NAME_BYTES 256

struct scheduler {
    struct services *services;
    struct json_table *schedules;
    struct json_table *groups;
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
    schedule_send(sr->services, target, arn, due_of(schedule, tick->time_ms), tick);
    json_decref(target);
}

/* ---- schedules ---- */

static char *key_of(const char *group, const char *name)
{
    char *key;
    if (asprintf(&key, "%s/%s", group, name) < 0) {
        abort();
    }
    return key;
}

/* The name among all schedules, "scheduler:GROUP/NAME", is the key of the table with its kind. */
static struct str key_in(struct str name)
{
    return str_skip(name, strlen("scheduler:"));
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

static bool is_deleted_after(json_t *schedule)
{
    const char *action = json_text(schedule, "ActionAfterCompletion");
    return action && strcmp(action, "DELETE") == 0;
}

static void schedule_over(struct str name, void *context)
{
    struct scheduler *sr = context;
    json_t *schedule = json_table_find(sr->schedules, key_in(name));
    if (schedule && is_deleted_after(schedule)) {
        scheduler_remove(sr, str_c(json_text(schedule, "GroupName")),
                         str_c(json_text(schedule, "Name")), nothing_done, NULL);
    }
}

static uint64_t date_of(json_t *schedule, const char *member)
{
    double seconds = json_number_value(json_object_get(schedule, member));
    return seconds > 0 && seconds < 1e11 ? (uint64_t)(seconds * 1000) : 0;
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

static void set(struct scheduler *sr, json_t *schedule)
{
    char name[NAME_BYTES];
    struct err err = { 0 };
    const char *zone = json_text(schedule, "ScheduleExpressionTimezone");
    const char *state = json_text(schedule, "State");
    (void)snprintf(name, sizeof(name), "scheduler:%s/%s", json_text(schedule, "GroupName"),
                   json_text(schedule, "Name"));
    const struct schedule_spec spec = { .name = str_c(name),
                                        .expression =
                                            str_c(json_text(schedule, "ScheduleExpression")),
                                        .zone = zone ? str_c(zone) : STR(""),
                                        .platform = SCHEDULE_SCHEDULER,
                                        .start_ms = date_of(schedule, "StartDate"),
                                        .end_ms = date_of(schedule, "EndDate"),
                                        .enabled = !state || strcmp(state, "DISABLED") != 0,
                                        .catch_up = true,
                                        .tick = tick_schedule,
                                        .over = schedule_over,
                                        .context = sr };
    if (schedules_set(sr->services->schedules, &spec, &err) < 0) {
        log_error("%s: %s", name, err.text); /* has been checked: the zone is gone since */
    }
}

struct putting {
    struct scheduler *scheduler;
    char *key;
    message_batch_fn done;
    void *context;
};

static void put_written(int r, void *context)
{
    struct putting *p = context;
    json_t *schedule = json_table_find(p->scheduler->schedules, str_c(p->key));
    if (r == 0 && schedule) {
        set(p->scheduler, schedule);
        schedules_settle(p->scheduler->services->schedules, p->done, p->context);
    } else {
        p->done(r, p->context);
    }
    free(p->key);
    free(p);
}

void scheduler_put(struct scheduler *sr, json_t *schedule, message_batch_fn done, void *context)
{
    struct putting *p = mem_new(struct putting);
    *p =
        (struct putting){ sr, key_of(json_text(schedule, "GroupName"), json_text(schedule, "Name")),
                          done, context };
    json_table_put(sr->schedules, str_c(p->key), schedule, put_written, p);
}

struct removing {
    struct scheduler *scheduler;
    char *name;
    message_batch_fn done;
    void *context;
};

/* In this order: a mark without a schedule is forgotten at the next start, but a schedule without a
 * mark would be a new one there; and one that could not be removed ticks on. */
static void removed(int r, void *context)
{
    struct removing *rm = context;
    if (r == 0) {
        schedules_remove(rm->scheduler->services->schedules, str_c(rm->name));
    }
    rm->done(r, rm->context);
    free(rm->name);
    free(rm);
}

void scheduler_remove(struct scheduler *sr, struct str group, struct str name,
                      message_batch_fn done, void *context)
{
    struct removing *rm = mem_new(struct removing);
    *rm = (struct removing){ .scheduler = sr, .done = done, .context = context };
    if (asprintf(&rm->name, "scheduler:" STR_FMT "/" STR_FMT, STR_ARG(group), STR_ARG(name)) < 0) {
        abort();
    }
    json_table_remove(sr->schedules, key_in(str_c(rm->name)), removed, rm);
}

/* One that had its last tick before a restart, but could not be removed any more. */
static void start_one(const char *key, json_t *schedule, void *context)
{
    struct scheduler *sr = context;
    struct schedule_view view;
    char name[NAME_BYTES];
    (void)snprintf(name, sizeof(name), "scheduler:%s", key);
    set(sr, schedule);
    if (schedules_find(sr->services->schedules, str_c(name), &view) && view.enabled &&
        view.next_ms == SCHEDULE_NEVER && view.last_ms > 0 && is_deleted_after(schedule)) {
        scheduler_remove(sr, str_c(json_text(schedule, "GroupName")),
                         str_c(json_text(schedule, "Name")), nothing_done, NULL);
    }
}

struct scheduler *scheduler_create(struct services *s)
{
    struct scheduler *sr = mem_new(struct scheduler);
    sr->services = s;
    sr->schedules = json_table_create(s->queues, "scheduler schedule");
    sr->groups = json_table_create(s->queues, "scheduler group");
    if (!json_table_find(sr->groups, STR("default"))) {
        json_int_t now = (json_int_t)(clock_wall_ms() / 1000);
        json_table_put(sr->groups, STR("default"),
                       json_pack("{s:s,s:I,s:[]}", "Name", "default", "CreationDate", now, "Tags"),
                       nothing_done, NULL);
    }
    json_table_each(sr->schedules, STR(""), start_one, sr);
    return sr;
}
