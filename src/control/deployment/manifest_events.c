/* SPDX-License-Identifier: Apache-2.0 */
#include "control/deployment/manifest_events.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/limits.h"
#include "base/str.h"
#include "control/deployment/manifest_endpoints.h"
#include "control/deployment/manifest_member.h"

#define INPUT_MAX   ((json_int_t)MIB)
#define DAYS(n)     ((json_int_t)(n)*86400)
#define GROUP_MAX   64
#define RETRIES_MAX 1000 /* mayfly.json's; platforms allow fewer */

/* ---- what is named ---- */

struct scene {
    json_t *events;
    json_t *functions;
    struct err *err;
};

/* As check_entries() takes it: one entry of a list. */
typedef int (*entry_fn)(const struct scene *s, json_t *entry);

static int check_entries(const struct scene *s, json_t *list, size_t max, entry_fn check,
                         const char *what)
{
    size_t i;
    json_t *entry;
    if (list && (!json_is_array(list) || json_array_size(list) > max)) {
        return err_set(s->err, EINVAL, "events: %s is not a list of at most %zu", what, max);
    }
    json_array_foreach(list, i, entry)
    {
        int r = check(s, entry);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static bool has_queue(const struct scene *s, const char *name, const char *platform)
{
    size_t i;
    json_t *queue;
    json_array_foreach(json_object_get(s->events, "queues"), i, queue)
    {
        const char *own = json_string_value(json_object_get(queue, "name"));
        const char *of = json_string_value(json_object_get(queue, "platform"));
        if (own && of && strcmp(own, name) == 0 && strcmp(of, platform) == 0) {
            return true;
        }
    }
    return false;
}

static int check_function(const struct scene *s, const char *name)
{
    if (manifest_member_named(s->functions, name)) {
        return 0;
    }
    return err_set(s->err, EINVAL, "events: there is no function %.100s", name);
}

static int check_queue_named(const struct scene *s, const char *name, const char *platform)
{
    if (has_queue(s, name, platform)) {
        return 0;
    }
    return err_set(s->err, EINVAL, "events: there is no queue %.100s of %s", name, platform);
}

static int check_bus(const struct scene *s, const char *name)
{
    if (strcmp(name, "default") == 0 ||
        manifest_member_named(json_object_get(s->events, "buses"), name)) {
        return 0;
    }
    return err_set(s->err, EINVAL, "events: there is no event bus %.100s", name);
}

/* { "function" }, { "queue" }, { "bus" } or, where that may be, { "url" }: exactly one of them. */
static int check_destination(const struct scene *s, json_t *to, bool may_be_url, const char *what)
{
    static const struct manifest_member members[] = {
        { "function", TEXT, MAY, 1, TEXT_MAX }, { "queue", TEXT, MAY, 1, TEXT_MAX },
        { "bus", TEXT, MAY, 1, TEXT_MAX },      { "url", TEXT, MAY, 1, TEXT_MAX },
        { "secret", TEXT, MAY, 1, TEXT_MAX },
    };
    int r = manifest_member_check(to, members, ARRAY_COUNT(members), what, s->err);
    const char *function = json_string_value(json_object_get(to, "function"));
    const char *queue = json_string_value(json_object_get(to, "queue"));
    const char *bus = json_string_value(json_object_get(to, "bus"));
    const char *url = json_string_value(json_object_get(to, "url"));
    if (r < 0) {
        return r;
    }
    if (!!function + !!queue + !!bus + !!url != 1 || (url && !may_be_url)) {
        return err_set(s->err, EINVAL, "events: %s leads to one thing, not to none or several",
                       what);
    }
    return function ? check_function(s, function)
           : queue  ? check_queue_named(s, queue, "sqs")
           : bus    ? check_bus(s, bus)
                    : 0;
}

static int check_optional_destination(const struct scene *s, json_t *entry, const char *name)
{
    json_t *to = json_object_get(entry, name);
    return !to || json_is_null(to) ? 0 : check_destination(s, to, true, name);
}

static int check_delays(const struct scene *s, json_t *entry)
{
    size_t i;
    json_t *delay;
    json_array_foreach(json_object_get(entry, "retry_delays_s"), i, delay)
    {
        if (!json_is_integer(delay) || json_integer_value(delay) < 0 ||
            json_integer_value(delay) > DAYS(366)) {
            return err_set(s->err, EINVAL, "events: a delay is not a number of seconds");
        }
    }
    return 0;
}

/* ---- the lists ---- */

#define CHECK_MEMBERS(entry, members, what)                                                        \
    manifest_member_check(entry, members, ARRAY_COUNT(members), what, s->err)

static int check_notification(const struct scene *s, json_t *entry)
{
    static const struct manifest_member members[] = {
        { "id", TEXT, MUST, 1, 255 },
        { "events", ARRAY, MUST, 0, 64 },
        { "prefix", TEXT, MUST, 0, 1024 },
        { "suffix", TEXT, MUST, 0, 1024 },
    };
    size_t i;
    json_t *event;
    int r = CHECK_MEMBERS(entry, members, "a notification");
    json_array_foreach(json_object_get(entry, "events"), i, event)
    {
        if (r == 0 && !json_is_string(event)) {
            r = err_set(s->err, EINVAL, "events: an event of a notification is no text");
        }
    }
    return r < 0 ? r : check_destination(s, entry, false, "a notification");
}

static int check_cors(const struct scene *s, json_t *entry)
{
    static const struct manifest_member members[] = {
        { "allowed_methods", ARRAY, MUST, 0, 64 },  { "allowed_origins", ARRAY, MUST, 0, 1000 },
        { "allowed_headers", ARRAY, MAY, 0, 1000 }, { "expose_headers", ARRAY, MAY, 0, 1000 },
        { "max_age_s", NUMBER, MAY, 0, INT32_MAX },
    };
    return CHECK_MEMBERS(entry, members, "a rule of CORS");
}

static int check_bucket(const struct scene *s, json_t *entry)
{
    static const struct manifest_member members[] = {
        { "name", TEXT, MUST, 3, 63 },
        { "versioning", FLAG, MUST, 0, 0 },
        { "eventbridge", FLAG, MAY, 0, 0 },
    };
    int r = CHECK_MEMBERS(entry, members, "a bucket");
    if (r == 0) {
        r = check_entries(s, json_object_get(entry, "notifications"), LIMIT_EVENT_ENTRIES,
                          check_notification, "notifications");
    }
    return r < 0 ? r
                 : check_entries(s, json_object_get(entry, "cors"), LIMIT_EVENT_ENTRIES, check_cors,
                                 "cors");
}

static bool is_one_of(json_t *value, const char *const *names, size_t count)
{
    const char *text = json_string_value(value);
    for (size_t i = 0; text && i < count; i++) {
        if (strcmp(text, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static int check_redrive(const struct scene *s, json_t *redrive)
{
    static const struct manifest_member members[] = {
        { "queue", TEXT, MUST, 1, 80 },
        { "max_receives", NUMBER, MUST, 1, 1000 },
    };
    int r = CHECK_MEMBERS(redrive, members, "a redrive policy");
    return r < 0
               ? r
               : check_queue_named(s, json_string_value(json_object_get(redrive, "queue")), "sqs");
}

static int check_queue(const struct scene *s, json_t *entry)
{
    static const char *const platforms[] = { "sqs", "worker" };
    static const struct manifest_member members[] = {
        { "name", TEXT, MUST, 1, 80 },
        { "fifo", FLAG, MUST, 0, 0 },
        { "content_dedup", FLAG, MUST, 0, 0 },
        { "visibility_s", NUMBER, MUST, 0, 43200 },
        { "retention_s", NUMBER, MUST, 60, DAYS(14) },
        { "delay_s", NUMBER, MUST, 0, 86400 },
        { "wait_s", NUMBER, MUST, 0, 20 },
        { "max_bytes", NUMBER, MUST, 1024, (json_int_t)MIB },
        { "redrive", OBJECT, MAY, 0, 0 },
    };
    json_t *redrive = json_object_get(entry, "redrive");
    int r = CHECK_MEMBERS(entry, members, "a queue");
    if (r == 0 && !is_one_of(json_object_get(entry, "platform"), platforms, 2)) {
        r = err_set(s->err, EINVAL, "events: a queue is of no known platform");
    }
    return r < 0 || !json_is_object(redrive) ? r : check_redrive(s, redrive);
}

static int check_worker_consumer(const struct scene *s, json_t *entry)
{
    static const struct manifest_member members[] = {
        { "batch_size", NUMBER, MUST, 1, 100 },      { "window_ms", NUMBER, MUST, 0, 60000 },
        { "max_retries", NUMBER, MUST, 0, 100 },     { "retry_delay_s", NUMBER, MUST, 0, 86400 },
        { "max_concurrency", NUMBER, MUST, 0, 250 }, { "dead_letter", TEXT, MAY, 1, 80 },
    };
    const char *dead = json_string_value(json_object_get(entry, "dead_letter"));
    int r = CHECK_MEMBERS(entry, members, "a consumer");
    return r < 0 || !dead ? r : check_queue_named(s, dead, "worker");
}

static int check_lambda_consumer(const struct scene *s, json_t *entry)
{
    static const struct manifest_member members[] = {
        { "enabled", FLAG, MUST, 0, 0 },          { "batch_size", NUMBER, MUST, 1, 10000 },
        { "window_ms", NUMBER, MUST, 0, 300000 }, { "max_concurrency", NUMBER, MUST, 0, 1000 },
        { "report_failures", FLAG, MUST, 0, 0 },  { "filters", ARRAY, MUST, 0, 100 },
    };
    return CHECK_MEMBERS(entry, members, "a consumer");
}

static int check_consumer(const struct scene *s, json_t *entry)
{
    static const struct manifest_member members[] = {
        { "queue", TEXT, MUST, 1, 80 },
        { "function", TEXT, MUST, 1, TEXT_MAX },
        { "platform", TEXT, MUST, 1, 16 },
    };
    int r = CHECK_MEMBERS(entry, members, "a consumer");
    if (r == 0) {
        r = check_function(s, json_string_value(json_object_get(entry, "function")));
    }
    if (r < 0) {
        return r;
    }
    bool worker = strcmp(json_string_value(json_object_get(entry, "platform")), "worker") == 0;
    r = check_queue_named(s, json_string_value(json_object_get(entry, "queue")),
                          worker ? "worker" : "sqs");
    if (r < 0) {
        return r;
    }
    return worker ? check_worker_consumer(s, entry) : check_lambda_consumer(s, entry);
}

/* What targets of rules and of schedules have in common, beside where they lead. */
static int check_target_members(const struct scene *s, json_t *entry)
{
    static const struct manifest_member members[] = {
        { "group", TEXT, MAY, 1, 128 },
        { "detail_type", TEXT, MAY, 1, 128 },
        { "source", TEXT, MAY, 1, 256 },
        { "input", TEXT, MAY, 0, INPUT_MAX },
        { "input_path", TEXT, MAY, 0, 256 },
        { "input_transformer", OBJECT, MAY, 0, 0 },
        { "dead_letter", OBJECT, MAY, 0, 0 },
        { "max_age_s", NUMBER, MAY, 60, 86400 },
        { "max_retries", NUMBER, MAY, 0, RETRIES_MAX },
        { "role_arn", TEXT, MAY, 0, TEXT_MAX },
        { "http_parameters", OBJECT, MAY, 0, 0 },
    };
    int r = CHECK_MEMBERS(entry, members, "a target");
    return r < 0 ? r : check_optional_destination(s, entry, "dead_letter");
}

/* As check_destination(), or { "endpoint" }. */
static int check_leads(const struct scene *s, json_t *target, const char *what)
{
    static const struct manifest_member members[] = { { "endpoint", TEXT, MUST, 1, 64 } };
    if (!json_object_get(target, "endpoint")) {
        return check_destination(s, target, false, what);
    }
    int r = CHECK_MEMBERS(target, members, what);
    const char *name = json_string_value(json_object_get(target, "endpoint"));
    if (r == 0 && !manifest_member_named(json_object_get(s->events, "endpoints"), name)) {
        r = err_set(s->err, EINVAL, "events: there is no endpoint %.100s", name);
    }
    return r;
}

static int check_rule_target(const struct scene *s, json_t *entry)
{
    static const struct manifest_member members[] = { { "id", TEXT, MUST, 1, 64 } };
    int r = CHECK_MEMBERS(entry, members, "a target");
    if (r == 0) {
        r = check_target_members(s, entry);
    }
    return r < 0 ? r : check_leads(s, entry, "a target");
}

static int check_schedule_target(const struct scene *s, json_t *target, const char *platform)
{
    static const struct manifest_member members[] = { { "path", TEXT, MUST, 1, 512 } };
    static const struct manifest_member calls[] = { { "api", TEXT, MUST, 1, 128 } };
    bool by_path = strcmp(platform, "vercel") == 0 || strcmp(platform, "netlify") == 0;
    int r = check_target_members(s, target);
    if (r == 0 && by_path) {
        r = CHECK_MEMBERS(target, members, "a schedule's target");
    }
    if (r == 0 && json_object_get(target, "api")) {
        return CHECK_MEMBERS(target, calls, "a schedule's target");
    }
    /* The path alone decides at Vercel. */
    return r < 0 || strcmp(platform, "vercel") == 0 ? r
                                                    : check_leads(s, target, "a schedule's target");
}

static int check_catch_up(const struct scene *s, json_t *entry, const char *what)
{
    static const char *const catch_ups[] = { "once", "skip" };
    return is_one_of(json_object_get(entry, "catch_up"), catch_ups, ARRAY_COUNT(catch_ups))
               ? 0
               : err_set(s->err, EINVAL, "events: the catch_up of %s is not sound", what);
}

/* What a schedule of AWS's Scheduler has beside, which is in a group. */
static int check_scheduler_schedule(const struct scene *s, json_t *entry)
{
    static const struct manifest_member members[] = {
        { "group", TEXT, MUST, 1, GROUP_MAX },     { "region", TEXT, MUST, 1, 64 },
        { "description", TEXT, MAY, 0, TEXT_MAX }, { "window_minutes", NUMBER, MUST, 0, 1440 },
        { "after_completion", TEXT, MUST, 1, 16 },
    };
    int r = CHECK_MEMBERS(entry, members, "a schedule");
    const char *group = json_string_value(json_object_get(entry, "group"));
    if (r == 0 && strcmp(group, "default") != 0 &&
        !manifest_member_named(json_object_get(s->events, "schedule_groups"), group)) {
        r = err_set(s->err, EINVAL, "events: there is no schedule group %s", group);
    }
    return r;
}

static int check_group(const struct scene *s, json_t *entry)
{
    static const struct manifest_member members[] = { { "name", TEXT, MUST, 1, GROUP_MAX } };
    return CHECK_MEMBERS(entry, members, "a schedule group");
}

static int check_schedule(const struct scene *s, json_t *entry)
{
    static const char *const platforms[] = { "vercel", "worker", "netlify", "aws" };
    static const struct manifest_member members[] = {
        { "name", TEXT, MUST, 1, 1024 },
        { "expression", TEXT, MUST, 1, LIMIT_SCHEDULE_EXPRESSION_BYTES },
        { "timezone", TEXT, MUST, 1, 64 },
        { "enabled", FLAG, MUST, 0, 0 },
        { "start_ms", NUMBER, MUST, 0, INT64_MAX },
        { "end_ms", NUMBER, MUST, 0, INT64_MAX },
        { "target", OBJECT, MUST, 0, 0 },
    };
    json_t *platform = json_object_get(entry, "platform");
    int r = CHECK_MEMBERS(entry, members, "a schedule");
    if (r == 0 && !is_one_of(platform, platforms, ARRAY_COUNT(platforms))) {
        r = err_set(s->err, EINVAL, "events: a schedule's platform is not sound");
    }
    if (r == 0) {
        r = check_catch_up(s, entry, "a schedule");
    }
    if (r == 0 && json_object_get(entry, "group")) {
        r = check_scheduler_schedule(s, entry);
    }
    return r < 0 ? r
                 : check_schedule_target(s, json_object_get(entry, "target"),
                                         json_string_value(platform));
}

static int check_named_bus(const struct scene *s, json_t *entry)
{
    static const struct manifest_member members[] = { { "name", TEXT, MUST, 1, 256 } };
    return CHECK_MEMBERS(entry, members, "an event bus");
}

/* A rule has a pattern, a schedule or both. */
static int check_ticks(const struct scene *s, json_t *rule)
{
    static const struct manifest_member members[] = {
        { "schedule", TEXT, MUST, 1, LIMIT_SCHEDULE_EXPRESSION_BYTES },
        { "timezone", TEXT, MUST, 1, 64 },
    };
    if (!json_object_get(rule, "schedule")) {
        return json_object_get(rule, "pattern")
                   ? 0
                   : err_set(s->err, EINVAL, "events: a rule has neither pattern nor schedule");
    }
    int r = CHECK_MEMBERS(rule, members, "a rule");
    return r < 0 ? r : check_catch_up(s, rule, "a rule");
}

static int check_rule(const struct scene *s, json_t *entry)
{
    static const struct manifest_member members[] = {
        { "name", TEXT, MUST, 1, 256 },         { "bus", TEXT, MUST, 1, 256 },
        { "pattern", OBJECT, MAY, 0, 0 },       { "enabled", FLAG, MUST, 0, 0 },
        { "region", TEXT, MUST, 1, 64 },        { "description", TEXT, MAY, 0, TEXT_MAX },
        { "role_arn", TEXT, MAY, 0, TEXT_MAX },
    };
    int r = CHECK_MEMBERS(entry, members, "a rule");
    if (r == 0) {
        r = check_ticks(s, entry);
    }
    if (r == 0) {
        r = check_bus(s, json_string_value(json_object_get(entry, "bus")));
    }
    return r < 0 ? r
                 : check_entries(s, json_object_get(entry, "targets"), LIMIT_EVENT_ENTRIES,
                                 check_rule_target, "targets");
}

static int check_connection(const struct scene *s, json_t *entry)
{
    return manifest_endpoints_check_connection(entry, s->err);
}

static int check_api_destination(const struct scene *s, json_t *entry)
{
    return manifest_endpoints_check(entry, json_object_get(s->events, "connections"), s->err);
}

static int check_async(const struct scene *s, json_t *entry)
{
    static const struct manifest_member members[] = {
        { "function", TEXT, MUST, 1, TEXT_MAX },
        { "max_age_s", NUMBER, MUST, 1, DAYS(366) },
        { "max_retries", NUMBER, MUST, 0, RETRIES_MAX },
        { "retry_delays_s", ARRAY, MUST, 0, LIMIT_RETRY_DELAYS },
    };
    static const char *const destinations[] = { "on_success", "on_failure", "dead_letter" };
    int r = CHECK_MEMBERS(entry, members, "the retries of a function");
    if (r == 0) {
        r = check_function(s, json_string_value(json_object_get(entry, "function")));
    }
    if (r == 0) {
        r = check_delays(s, entry);
    }
    for (size_t i = 0; r == 0 && i < ARRAY_COUNT(destinations); i++) {
        r = check_optional_destination(s, entry, destinations[i]);
    }
    return r;
}

static int check_route_retries(const struct scene *s, json_t *entry, const char *name)
{
    static const struct manifest_member members[] = {
        { "max_retries", NUMBER, MUST, 0, RETRIES_MAX },
        { "retry_delays_s", ARRAY, MUST, 0, LIMIT_RETRY_DELAYS },
        { "max_age_s", NUMBER, MAY, 1, DAYS(366) },
    };
    json_t *value = json_object_get(entry, name);
    if (!value || json_is_null(value)) {
        return 0;
    }
    int r = CHECK_MEMBERS(value, members, name);
    return r < 0 ? r : check_delays(s, value);
}

static int check_idempotent(const struct scene *s, json_t *value)
{
    static const struct manifest_member members[] = {
        { "key", TEXT, MUST, 1, TEXT_MAX },
        { "ttl_s", NUMBER, MUST, 1, DAYS(366) },
    };
    return !value || json_is_null(value) ? 0 : CHECK_MEMBERS(value, members, "idempotent");
}

static int check_endpoint(const struct scene *s, json_t *entry)
{
    const char *name = json_string_value(json_object_get(entry, "function"));
    json_t *function = manifest_member_named(s->functions, name);
    json_int_t endpoint = json_integer_value(json_object_get(entry, "endpoint"));
    if (!function ||
        endpoint >= (json_int_t)json_array_size(json_object_get(function, "endpoints"))) {
        return err_set(s->err, EINVAL, "events: a route is of no endpoint of %.100s", name);
    }
    return 0;
}

static int check_route(const struct scene *s, json_t *entry)
{
    static const struct manifest_member members[] = {
        { "function", TEXT, MUST, 1, TEXT_MAX },
        { "endpoint", NUMBER, MUST, 0, INT32_MAX },
    };
    int r = CHECK_MEMBERS(entry, members, "a route");
    r = r < 0 ? r : check_endpoint(s, entry);
    r = r < 0 ? r : check_idempotent(s, json_object_get(entry, "idempotent"));
    r = r < 0 ? r : check_route_retries(s, entry, "durable");
    r = r < 0 ? r : check_route_retries(s, entry, "background");
    r = r < 0 ? r : check_optional_destination(s, entry, "on_success");
    return r < 0 ? r : check_optional_destination(s, entry, "on_failure");
}

static int check_user(const struct scene *s, json_t *entry)
{
    static const struct manifest_member members[] = {
        { "name", TEXT, MUST, 1, 128 },       { "display_name", TEXT, MUST, 0, 256 },
        { "email", TEXT, MUST, 0, 256 },      { "access_key", TEXT, MUST, 3, 128 },
        { "secret_key", TEXT, MUST, 1, 128 }, { "canonical_id", TEXT, MAY, 1, 128 },
    };
    return CHECK_MEMBERS(entry, members, "a user");
}

static int check_minio(const struct scene *s, json_t *value)
{
    static const struct manifest_member members[] = {
        { "token", TEXT, MUST, 1, TEXT_MAX },
    };
    return !value || json_is_null(value) ? 0 : CHECK_MEMBERS(value, members, "minio");
}

int manifest_events_check(json_t *events, json_t *functions, struct err *err)
{
    static const struct {
        const char *name;
        entry_fn check;
    } lists[] = {
        { "buckets", check_bucket },
        { "queues", check_queue },
        { "consumers", check_consumer },
        { "buses", check_named_bus },
        { "rules", check_rule },
        { "schedule_groups", check_group },
        { "schedules", check_schedule },
        { "connections", check_connection },
        { "endpoints", check_api_destination },
        { "async", check_async },
        { "routes", check_route },
        { "users", check_user },
    };
    const struct scene s = { .events = events, .functions = functions, .err = err };
    if (events && !json_is_object(events)) {
        return err_set(err, EINVAL, "events is no object");
    }
    for (size_t i = 0; i < ARRAY_COUNT(lists); i++) {
        int r = check_entries(&s, json_object_get(events, lists[i].name), LIMIT_EVENT_ENTRIES,
                              lists[i].check, lists[i].name);
        if (r < 0) {
            return r;
        }
    }
    static const struct manifest_member members[] = { { "lifecycle_day_s", NUMBER, MAY, 1,
                                                        DAYS(1) } };
    int r =
        events ? manifest_member_check(events, members, ARRAY_COUNT(members), "the lists", err) : 0;
    return r < 0 ? r : check_minio(&s, json_object_get(events, "minio"));
}
