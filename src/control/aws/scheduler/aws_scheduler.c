/* SPDX-License-Identifier: Apache-2.0 */
#include "control/aws/scheduler/aws_scheduler.h"

#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "control/aws/scheduler/aws_scheduler_input.h"
#include "control/events/eventbridge/aws_sdk.h"
#include "control/events/eventbridge/event_target.h"
#include "control/events/eventbridge/target_attempt.h"
#include "control/events/scheduler/scheduler.h"
#include "control/events/sqs/sqs_queue.h"
#include "control/sign/aws_uri.h"
#include "control/text/json_read.h"
#include "control/text/json_reading.h"

#define ARN_BYTES   512
#define KEY_BYTES   160
#define START_AGO_S 300 /* a recurring schedule begins no longer ago */

static json_int_t now_s(void)
{
    return (json_int_t)(clock_wall_ms() / 1000);
}

/* A part of the path or query without its escapes, owned. */
static char *decoded(struct str text)
{
    struct buf out;
    buf_init(&out, text.len + 1);
    char *copy = aws_uri_decode(&out, text, AWS_URI_PLUS_IS_SPACE) == 0
                     ? mem_copy_str(buf_str(&out))
                     : mem_copy_str(text);
    buf_finish(&out);
    return copy;
}

/* Puts the query's pairs into the input, as members; one that comes again makes a list. */
static void read_query(struct aws_call *c)
{
    struct str path, query, name, value;
    aws_target_split(c->exchange->target, &path, &query);
    while (query.data && aws_query_next(&query, &name, &value)) {
        scoped_free char *key = decoded(name);
        scoped_free char *text = decoded(value.data ? value : STR(""));
        json_t *added = json_string(text);
        json_t *before = json_object_get(c->input, key);
        if (!added) {
            continue; /* bytes that are no text */
        }
        if (strcmp(key, "TagKeys") == 0) {
            if (!before) {
                before = json_array();
                (void)json_object_set_new(c->input, key, before); /* sound names */
            }
            (void)json_array_append_new(before, added);
        } else {
            (void)json_object_set_new(c->input, key, added);
        }
    }
}

/* ---- schedules ---- */

static const struct aws_rule schedule_rules[] = {
    { "Name", AWS_TEXT, AWS_MUST, 1, 64, AWS_SCHEDULER_NAME },
    { "GroupName", AWS_TEXT, AWS_MAY, 1, 64, AWS_SCHEDULER_NAME },
    { "ScheduleExpression", AWS_TEXT, AWS_MUST, 1, 256, NULL },
    { "ScheduleExpressionTimezone", AWS_TEXT, AWS_MAY, 1, 50, NULL },
    { "StartDate", AWS_NUMBER, AWS_MAY, 0, 0, NULL },
    { "EndDate", AWS_NUMBER, AWS_MAY, 0, 0, NULL },
    { "Description", AWS_TEXT, AWS_MAY, 0, 512, NULL },
    { "State", AWS_TEXT, AWS_MAY, 0, 0, "ENABLED, DISABLED" },
    { "KmsKeyArn", AWS_TEXT, AWS_MAY, 1, 2048,
      "^arn:aws(-[a-z]+)?:kms:[a-z0-9\\-]+:\\d{12}:(key|alias)\\/[0-9a-zA-Z-_]*$" },
    { "FlexibleTimeWindow", AWS_OBJECT, AWS_MUST, 0, 0, NULL },
    { "Target", AWS_OBJECT, AWS_MUST, 0, 0, NULL },
    { "ActionAfterCompletion", AWS_TEXT, AWS_MAY, 0, 0, "NONE, DELETE" },
    AWS_SCHEDULER_TOKEN_RULE,
};

static const struct aws_rule window_rules[] = {
    { "Mode", AWS_TEXT, AWS_MUST, 0, 0, "OFF, FLEXIBLE" },
    { "MaximumWindowInMinutes", AWS_INTEGER, AWS_MAY, 1, 1440, NULL },
};

static const struct aws_rule target_rules[] = {
    { "Arn", AWS_TEXT, AWS_MUST, 1, 1600, NULL },
    { "RoleArn", AWS_TEXT, AWS_MUST, 1, 1600,
      "^arn:aws(-[a-z]+)?:iam::\\d{12}:role\\/[\\w+=,.@\\/-]+$" },
    { "Input", AWS_TEXT, AWS_MAY, 1, 0, NULL },
    { "DeadLetterConfig", AWS_OBJECT, AWS_MAY, 0, 0, NULL },
    { "RetryPolicy", AWS_OBJECT, AWS_MAY, 0, 0, NULL },
    { "SqsParameters", AWS_OBJECT, AWS_MAY, 0, 0, NULL },
    { "EventBridgeParameters", AWS_OBJECT, AWS_MAY, 0, 0, NULL },
};

static const struct aws_rule retry_rules[] = {
    { "MaximumEventAgeInSeconds", AWS_INTEGER, AWS_MAY, 60, TARGET_ATTEMPT_AGE_MAX_S, NULL },
    { "MaximumRetryAttempts", AWS_INTEGER, AWS_MAY, 0, TARGET_ATTEMPT_RETRIES_MAX, NULL },
};

static const struct aws_rule dead_letter_rules[] = {
    { "Arn", AWS_TEXT, AWS_MAY, 1, 1600,
      "^arn:aws(-[a-z]+)?:sqs:[a-z0-9\\-]+:\\d{12}:[a-zA-Z0-9\\-_]+$" },
};

static const struct aws_rule sqs_rules[] = {
    { "MessageGroupId", AWS_TEXT, AWS_MAY, 1, 128, NULL },
};

static const struct aws_rule event_rules[] = {
    { "DetailType", AWS_TEXT, AWS_MUST, 1, 128, NULL },
    { "Source", AWS_TEXT, AWS_MUST, 1, 256,
      "^(?=[/\\.\\-_A-Za-z0-9]+)((?!aws\\.).*)|(\\$(\\.[\\w_-]+(\\[(\\d+|\\*)\\])*)*)$" },
};

/* The objects in a target. */
static const struct {
    const char *member;
    const char *path;
    const struct aws_rule *rules;
    size_t count;
} target_parts[] = {
    { "DeadLetterConfig", "target.deadLetterConfig.", dead_letter_rules,
      ARRAY_COUNT(dead_letter_rules) },
    { "RetryPolicy", "target.retryPolicy.", retry_rules, ARRAY_COUNT(retry_rules) },
    { "SqsParameters", "target.sqsParameters.", sqs_rules, ARRAY_COUNT(sqs_rules) },
    { "EventBridgeParameters", "target.eventBridgeParameters.", event_rules,
      ARRAY_COUNT(event_rules) },
};

static bool check_model(struct aws_call *c)
{
    json_t *window = aws_call_member(c, "FlexibleTimeWindow");
    json_t *target = aws_call_member(c, "Target");
    struct aws_check k;
    aws_check_init(&k);
    aws_check_members(&k, c->input, "", schedule_rules, ARRAY_COUNT(schedule_rules));
    if (window) {
        aws_check_members(&k, window, "flexibleTimeWindow.", window_rules,
                          ARRAY_COUNT(window_rules));
    }
    if (target) {
        aws_check_members(&k, target, "target.", target_rules, ARRAY_COUNT(target_rules));
    }
    for (size_t i = 0; i < ARRAY_COUNT(target_parts); i++) {
        json_t *part = json_object_get(target, target_parts[i].member);
        if (part && !json_is_null(part)) {
            aws_check_members(&k, part, target_parts[i].path, target_parts[i].rules,
                              target_parts[i].count);
        }
    }
    return aws_check_end(&k, c);
}

/* What is wrong with the window and the dates; NULL: nothing. */
static const char *wrong_time(const struct aws_call *c)
{
    json_t *window = aws_call_member(c, "FlexibleTimeWindow");
    json_t *minutes = json_object_get(window, "MaximumWindowInMinutes");
    bool flexible = strcmp(json_text(window, "Mode"), "FLEXIBLE") == 0;
    double start = json_number_value(aws_call_member(c, "StartDate"));
    double end = json_number_value(aws_call_member(c, "EndDate"));
    if (flexible && !minutes) {
        return "MaximumWindowInMinutes must be provided when FlexibleTimeWindowMode is set to "
               "FLEXIBLE.";
    }
    if (!flexible && minutes) {
        return "MaximumWindowInMinutes must not be provided when FlexibleTimeWindowMode is set to "
               "OFF.";
    }
    return start > 0 && end > 0 && start >= end
               ? "The StartDate you specify must come before the EndDate."
               : NULL;
}

/* What is wrong with a new schedule's dates; NULL: nothing. They are ignored where it comes but
 * once, and an old one keeps those that it has. The first's words are as moto's users saw them. */
static const char *wrong_new_dates(const struct aws_call *c)
{
    json_t *start = aws_call_member(c, "StartDate");
    json_t *end = aws_call_member(c, "EndDate");
    if (str_starts(str_c(aws_call_text(c, "ScheduleExpression")), STR("at("))) {
        return NULL;
    }
    if (start && json_number_value(start) < (double)(now_s() - START_AGO_S)) {
        return "The StartDate you specify cannot be earlier than 5 minutes ago.";
    }
    return end && json_number_value(end) < (double)now_s()
               ? "The EndDate you specify cannot be in the past."
               : NULL;
}

/* Of "templated" targets, whose ARN is that of a resource. */
static bool is_target_service(struct str service)
{
    return str_list_has(STR("codebuild,codepipeline,ecs,events,firehose,inspector,kinesis,lambda,"
                            "sagemaker,sns,sqs,states"),
                        service);
}

/* What is wrong with where the target leads; NULL: nothing. */
static const char *wrong_arn(json_t *target, json_t *leads, struct err *err)
{
    struct str arn = str_c(json_text(target, "Arn"));
    json_t *input = json_object_get(target, "Input");
    struct str text = str_of(json_string_value(input), json_string_length(input));
    if (str_starts(arn, STR(AWS_SDK_ARN))) {
        return aws_sdk_refuses(str_skip(arn, strlen(AWS_SDK_ARN)), text, err) ? err->text : NULL;
    }
    if (event_target_set_arn(leads, arn, err) < 0) {
        return "Provided Arn is not in correct format.";
    }
    struct str rest = str_behind(str_behind(arn, STR(":")), STR(":"));
    struct str service = str_cut(&rest, ':');
    if (!is_target_service(service)) {
        (void)err_set(err, EINVAL, STR_FMT " is not a supported service for a target.",
                      STR_ARG(service));
        return err->text;
    }
    return NULL;
}

/* Functions and buses want JSON, other targets take any text. What context attributes will make of
 * an input is not known yet. */
static bool is_input_sound(json_t *target, json_t *leads)
{
    json_t *input = json_object_get(target, "Input");
    struct str text = str_of(json_string_value(input), json_string_length(input));
    bool wants_json = json_object_get(leads, "bus") || json_object_get(leads, "function_name");
    return !input || !wants_json || strstr(text.data, "<aws.scheduler.") ||
           json_is_sound(text, JSON_DECODE_ANY);
}

static const char *wrong_target(const struct aws_call *c, struct err *err)
{
    json_t *target = aws_call_member(c, "Target");
    json_t *leads = json_object();
    const char *wrong = wrong_arn(target, leads, err);
    if (wrong) {
        json_decref(leads);
        return wrong;
    }
    if (!is_input_sound(target, leads)) {
        wrong = "JSON syntax error in input for the target.";
    } else if (json_object_get(leads, "bus") && !json_object_get(target, "EventBridgeParameters")) {
        wrong = "EventBridgeParameters must be specified for an event bus.";
    } else if (json_object_get(leads, "queue") &&
               sqs_queue_is_fifo(str_c(json_text(leads, "queue"))) &&
               !json_text(json_object_get(target, "SqsParameters"), "MessageGroupId")) {
        wrong = "SqsParameters.MessageGroupId must be specified for a FIFO queue.";
    }
    json_decref(leads);
    return wrong;
}

/* What its members mean together; else that is answered. */
static bool check_meaning(struct aws_call *c)
{
    const char *zone = aws_call_text(c, "ScheduleExpressionTimezone");
    struct err err = { 0 };
    if (zone && !zone_find(str_c(zone))) {
        aws_call_fail(c, 400, "ValidationException", "Invalid ScheduleExpressionTimezone %s.",
                      zone);
        return false;
    }
    if (scheduler_check(c->input, &err) < 0) {
        aws_call_fail(c, 400, "ValidationException", "Invalid Schedule Expression %s.",
                      aws_call_text(c, "ScheduleExpression"));
        return false;
    }
    const char *wrong = wrong_time(c);
    wrong = wrong ? wrong : wrong_target(c, &err);
    if (wrong) {
        aws_call_fail(c, 400, "ValidationException", "%s", wrong);
    }
    return wrong == NULL;
}

static const char *group_of(const struct aws_call *c)
{
    const char *group = aws_call_text(c, "GroupName");
    group = group ? group : aws_call_text(c, "groupName"); /* of a query */
    return group ? group : "default";
}

static struct str schedule_key(const struct aws_call *c, char buf[KEY_BYTES])
{
    (void)snprintf(buf, KEY_BYTES, "%.64s/%.64s", group_of(c), aws_call_text(c, "Name"));
    return str_c(buf);
}

static json_t *find_schedule(const struct aws_call *c)
{
    char key[KEY_BYTES];
    return json_table_find(scheduler_schedules(c->services->scheduler), schedule_key(c, key));
}

/* The schedule of the input; `before`: what it replaces, or NULL. A new reference. */
static json_t *schedule_of(struct aws_call *c, json_t *before)
{
    json_t *schedule = json_deep_copy(c->input);
    json_t *made = json_object_get(before, "CreationDate");
    (void)json_object_set_new(schedule, "GroupName", json_string(group_of(c))); /* sound names */
    (void)json_object_set_new(schedule, SCHEDULER_REGION, json_string(c->region));
    (void)json_object_del(schedule, SCHEDULER_USER); /* that only we say; it may not be there */
    if (c->user->kind == AWS_USER_PROJECT) {
        const struct str key = c->user->access_key;
        (void)json_object_set_new(schedule, SCHEDULER_USER, json_stringn(key.data, key.len));
    }
    (void)json_object_set_new(schedule, "CreationDate",
                              made ? json_incref(made) : json_integer(now_s()));
    (void)json_object_set_new(schedule, "LastModificationDate", json_integer(now_s()));
    if (!aws_call_text(c, "State")) {
        (void)json_object_set_new(schedule, "State", json_string("ENABLED"));
    }
    if (!aws_call_text(c, "ScheduleExpressionTimezone")) {
        (void)json_object_set_new(schedule, "ScheduleExpressionTimezone", json_string("UTC"));
    }
    if (!aws_call_text(c, "ActionAfterCompletion")) {
        (void)json_object_set_new(schedule, "ActionAfterCompletion", json_string("NONE"));
    }
    scheduler_set_retries(json_object_get(schedule, "Target"));
    return schedule;
}

static void write_schedule(struct aws_call *c, json_t *before)
{
    char arn[ARN_BYTES];
    json_t *schedule = schedule_of(c, before);
    scheduler_arn(schedule, c->region, arn, sizeof(arn));
    c->context = json_pack("{s:s}", "ScheduleArn", arn);
    scheduler_put(c->services->scheduler, schedule, aws_call_written, c);
}

static void answer_again(struct aws_call *c, json_t *schedule)
{
    char arn[ARN_BYTES];
    scheduler_arn(schedule, c->region, arn, sizeof(arn));
    aws_call_answer(c, json_pack("{s:s}", "ScheduleArn", arn));
}

static void create_schedule(struct aws_call *c)
{
    if (!check_model(c) || !check_meaning(c) || !aws_scheduler_has_group(c, group_of(c))) {
        return;
    }
    json_t *known = find_schedule(c);
    if (known && aws_scheduler_is_again(c, known)) {
        answer_again(c, known);
        return;
    }
    const char *wrong = wrong_new_dates(c);
    if (wrong) {
        aws_call_fail(c, 400, "ValidationException", "%s", wrong);
        return;
    }
    if (known) {
        aws_call_fail(c, 409, "ConflictException", "Schedule %s already exists.",
                      aws_call_text(c, "Name"));
        return;
    }
    write_schedule(c, NULL);
}

/* The schedule that is named, or NULL: that has been answered. It may be of a group that is
 * declared no more. */
static json_t *need_schedule(struct aws_call *c)
{
    json_t *schedule = find_schedule(c);
    if (!schedule && aws_scheduler_has_group(c, group_of(c))) {
        aws_call_fail(c, 404, "ResourceNotFoundException", "Schedule %s does not exist.",
                      aws_call_text(c, "Name"));
    }
    return schedule;
}

/* As above, and it may be changed: what the project's files declare may not. */
static json_t *need_own_schedule(struct aws_call *c)
{
    char key[KEY_BYTES];
    json_t *schedule = need_schedule(c);
    if (schedule &&
        json_table_is_declared(scheduler_schedules(c->services->scheduler), schedule_key(c, key))) {
        aws_call_fail(c, 409, "ConflictException",
                      "Schedule %s is declared by the project's files: change it there.",
                      aws_call_text(c, "Name"));
        return NULL;
    }
    return schedule;
}

static void update_schedule(struct aws_call *c)
{
    if (check_model(c) && check_meaning(c)) {
        json_t *before = need_own_schedule(c);
        if (before) {
            write_schedule(c, before);
        }
    }
}

static const struct aws_rule named_rules[] = {
    { "Name", AWS_TEXT, AWS_MUST, 1, 64, AWS_SCHEDULER_NAME },
    { "groupName", AWS_TEXT, AWS_MAY, 1, 64, AWS_SCHEDULER_NAME },
};

static void get_schedule(struct aws_call *c)
{
    static const char *const inner[] = { AWS_SCHEDULER_TOKEN, SCHEDULER_REGION, SCHEDULER_USER,
                                         SCHEDULER_CATCH_UP };
    json_t *schedule =
        aws_scheduler_check(c, named_rules, ARRAY_COUNT(named_rules)) ? need_schedule(c) : NULL;
    if (schedule) {
        char arn[ARN_BYTES];
        scheduler_arn(schedule, c->region, arn, sizeof(arn));
        json_t *shown = json_copy(schedule);
        (void)json_object_set_new(shown, "Arn", json_string(arn)); /* sound text */
        for (size_t i = 0; i < ARRAY_COUNT(inner); i++) {
            (void)json_object_del(shown, inner[i]); /* it may not be there */
        }
        aws_call_answer(c, shown);
    }
}

static void delete_schedule(struct aws_call *c)
{
    json_t *schedule =
        aws_scheduler_check(c, named_rules, ARRAY_COUNT(named_rules)) ? need_own_schedule(c) : NULL;
    if (schedule) {
        scheduler_remove(c->services->scheduler, str_c(group_of(c)),
                         str_c(aws_call_text(c, "Name")), aws_call_written, c);
    }
}

struct listing {
    struct aws_page page;
    const char *region;
    const char *state; /* NULL: any */
};

static void list_schedule(const char *key, json_t *schedule, void *context)
{
    struct listing *l = context;
    static const char *const members[] = { "Name", "GroupName", "State", "CreationDate",
                                           "LastModificationDate" };
    char arn[ARN_BYTES];
    if ((l->state && strcmp(l->state, json_text(schedule, "State")) != 0) ||
        !aws_page_takes(&l->page, key, json_text(schedule, "Name"))) {
        return;
    }
    scheduler_arn(schedule, l->region, arn, sizeof(arn));
    json_t *shown = json_pack("{s:s,s:{s:O}}", "Arn", arn, "Target", "Arn",
                              json_object_get(json_object_get(schedule, "Target"), "Arn"));
    for (size_t i = 0; i < ARRAY_COUNT(members); i++) {
        (void)json_object_set(shown, members[i], json_object_get(schedule, members[i]));
    }
    (void)json_array_append_new(l->page.list, shown); /* a new value */
}

static void list_schedules(struct aws_call *c)
{
    static const struct aws_rule rules[] = {
        { "NamePrefix", AWS_TEXT, AWS_MAY, 1, 64, AWS_SCHEDULER_NAME },
        { "State", AWS_TEXT, AWS_MAY, 0, 0, "ENABLED, DISABLED" },
    };
    char prefix[KEY_BYTES] = "";
    struct listing listing = { .region = c->region, .state = aws_call_text(c, "State") };
    const char *group = aws_call_text(c, "ScheduleGroup");
    if (!aws_scheduler_check(c, rules, ARRAY_COUNT(rules))) {
        return;
    }
    if (group && !aws_scheduler_has_group(c, group)) {
        return;
    }
    if (group) {
        (void)snprintf(prefix, sizeof(prefix), "%.64s/", group);
    }
    if (aws_scheduler_page(&listing.page, c)) {
        json_table_each(scheduler_schedules(c->services->scheduler), str_c(prefix), list_schedule,
                        &listing);
        aws_page_answer(&listing.page, c, "Schedules");
    }
}

/* ---- which operation ---- */

/* clang-format off */
static const struct {
    const char *method;
    const char *path;   /* before the name */
    const char *member; /* of the input, that the rest of the path is; NULL: there is no rest */
    void (*run)(struct aws_call *c);
} operations[] = {
    { "POST",   "/schedules/",       "Name",        create_schedule },
    { "PUT",    "/schedules/",       "Name",        update_schedule },
    { "GET",    "/schedules/",       "Name",        get_schedule },
    { "DELETE", "/schedules/",       "Name",        delete_schedule },
    { "GET",    "/schedules",        NULL,          list_schedules },
    { "POST",   "/schedule-groups/", "Name",        aws_scheduler_create_group },
    { "GET",    "/schedule-groups/", "Name",        aws_scheduler_get_group },
    { "DELETE", "/schedule-groups/", "Name",        aws_scheduler_delete_group },
    { "GET",    "/schedule-groups",  NULL,          aws_scheduler_list_groups },
    { "POST",   "/tags/",            "ResourceArn", aws_scheduler_tag },
    { "DELETE", "/tags/",            "ResourceArn", aws_scheduler_untag },
    { "GET",    "/tags/",            "ResourceArn", aws_scheduler_list_tags },
};
/* clang-format on */

static void run_operation(struct aws_call *c)
{
    struct str path, query;
    aws_target_split(c->exchange->target, &path, &query);
    read_query(c);
    for (size_t i = 0; i < ARRAY_COUNT(operations); i++) {
        struct str prefix = str_c(operations[i].path);
        struct str rest = str_skip(path, prefix.len);
        bool fits =
            operations[i].member ? str_starts(path, prefix) && rest.len > 0 : str_eq(path, prefix);
        if (!fits || !str_eq(c->exchange->method, str_c(operations[i].method))) {
            continue;
        }
        if (operations[i].member) {
            scoped_free char *text = decoded(rest);
            json_t *value = json_string(text);
            (void)json_object_set_new(c->input, operations[i].member,
                                      value ? value : json_string(""));
        }
        operations[i].run(c);
        return;
    }
    aws_call_fail(c, 404, "UnknownOperationException",
                  "Mayfly has no such operation of Scheduler.");
}

void aws_scheduler_begin(struct services *s, struct exchange *x)
{
    aws_call_begin(s, x, AWS_STYLE_REST, run_operation);
}
