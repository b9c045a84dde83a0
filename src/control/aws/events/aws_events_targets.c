/* EventBridge's targets of rules: PutTargets and its kin.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "control/aws/call/aws_check.h"
#include "control/aws/events/aws_events.h"
#include "control/events/eventbridge/declared_target.h"
#include "control/events/eventbridge/event_arn.h"
#include "control/events/eventbridge/event_bus.h"
#include "control/events/eventbridge/event_input.h"
#include "control/events/eventbridge/event_target.h"
#include "control/events/eventbridge/target_attempt.h"
#include "control/events/sqs/sqs_queue.h"
#include "control/text/json_reading.h"

#define TARGETS_PER_RULE 5

static const struct aws_rule rule_and_bus[] = {
    { "Rule", AWS_TEXT, AWS_MUST, 1, 64, AWS_EVENTS_NAME },
    { "EventBusName", AWS_TEXT, AWS_MAY, 1, 1600, AWS_EVENTS_BUS },
};

static void copy_as(json_t *to, const char *name, json_t *value)
{
    if (value) {
        (void)json_object_set(to, name, value); /* sound names */
    }
}

/* AWS's target in the words of event_target.h and event_input.h. A new reference. */
static json_t *inner_target(json_t *said)
{
    struct err err = { 0 };
    json_t *target = json_pack("{s:O}", "id", json_object_get(said, "Id"));
    json_t *transformer = json_object_get(said, "InputTransformer");
    json_t *retry = json_object_get(said, "RetryPolicy");
    const char *dead = json_text(json_object_get(said, "DeadLetterConfig"), "Arn");
    (void)!event_target_set_arn(target, str_c(json_text(said, "Arn")),
                                &err); /* see has_failure() */
    copy_as(target, "group",
            json_object_get(json_object_get(said, "SqsParameters"), "MessageGroupId"));
    copy_as(target, "http_parameters", json_object_get(said, "HttpParameters"));
    copy_as(target, "max_age_s", json_object_get(retry, "MaximumEventAgeInSeconds"));
    copy_as(target, "max_retries", json_object_get(retry, "MaximumRetryAttempts"));
    copy_as(target, "input", json_object_get(said, "Input"));
    copy_as(target, "input_path", json_object_get(said, "InputPath"));
    if (transformer) {
        json_t *inner = json_object();
        copy_as(inner, "paths", json_object_get(transformer, "InputPathsMap"));
        copy_as(inner, "template", json_object_get(transformer, "InputTemplate"));
        (void)json_object_set_new(target, "input_transformer", inner); /* a new value */
    }
    if (dead) {
        json_t *inner = json_object();
        if (event_target_set_arn(inner, str_c(dead), &err) == 0) {
            copy_as(target, "dead_letter", inner);
        }
        json_decref(inner);
    }
    return target;
}

static void add_failure(json_t *failures, const char *id, const char *code, const char *message)
{
    (void)json_array_append_new(failures,
                                json_pack("{s:s,s:s,s:s}", "TargetId", id, "ErrorCode", code,
                                          "ErrorMessage", message)); /* a new value */
}

/* AWS takes standard queues only; what is to go to another would be lost. */
static bool is_dead_letter_sound(json_t *target)
{
    const char *arn = json_text(json_object_get(target, "DeadLetterConfig"), "Arn");
    return !arn || !sqs_queue_is_fifo(str_c(arn));
}

/* What fails of one target alone. */
static bool has_failure(json_t *target, json_t *failures)
{
    char message[2048];
    struct err err = { 0 };
    const char *id = json_text(target, "Id");
    const char *arn = json_text(target, "Arn");
    json_t *inner = json_object();
    int r = event_target_set_arn(inner, str_c(arn), &err);
    const char *queue = json_text(inner, "queue");
    bool fifo = queue && sqs_queue_is_fifo(str_c(queue));
    bool sound = is_dead_letter_sound(target);
    bool failed = r < 0 || !sound || (fifo && !json_object_get(target, "SqsParameters"));
    if (r < 0) {
        (void)snprintf(message, sizeof(message),
                       "Parameter %.1600s is not valid. Reason: Provided Arn is not in correct "
                       "format.",
                       arn);
    } else if (!sound) {
        (void)snprintf(message, sizeof(message),
                       "Parameter DeadLetterConfig is not valid. Reason: the dead-letter queue of "
                       "target %s must be a standard queue.",
                       id);
    } else if (failed) {
        (void)snprintf(message, sizeof(message),
                       "Parameter(s) SqsParameters must be specified for target: %s.", id);
    }
    if (failed) {
        add_failure(failures, id, "ValidationException", message);
    }
    json_decref(inner);
    return failed;
}

/* Replaces the one of its id, or adds it. */
static void put_target(json_t *rule, json_t *target)
{
    json_t *shown = json_object_get(rule, "Targets");
    json_t *inner = json_object_get(rule, "targets");
    size_t i;
    json_t *other;
    json_array_foreach(shown, i, other)
    {
        if (strcmp(json_text(other, "Id"), json_text(target, "Id")) == 0) {
            (void)json_array_set(shown, i, target); /* it is there */
            (void)json_array_set_new(inner, i, inner_target(target));
            return;
        }
    }
    (void)json_array_append(shown, target); /* new places for them */
    (void)json_array_append_new(inner, inner_target(target));
}

/* What becomes of what cannot be delivered, by the model. */
static void check_delivery(struct aws_check *k, json_t *target, const char *at)
{
    static const struct aws_rule retry_rules[] = {
        { "MaximumRetryAttempts", AWS_INTEGER, AWS_MAY, 0, TARGET_ATTEMPT_RETRIES_MAX, NULL },
        { "MaximumEventAgeInSeconds", AWS_INTEGER, AWS_MAY, 60, TARGET_ATTEMPT_AGE_MAX_S, NULL },
    };
    static const struct aws_rule dead_rules[] = { { "Arn", AWS_TEXT, AWS_MAY, 1, 1600, NULL } };
    char path[96];
    json_t *retry = json_object_get(target, "RetryPolicy");
    json_t *dead = json_object_get(target, "DeadLetterConfig");
    if (json_is_object(retry)) {
        (void)snprintf(path, sizeof(path), "%sretryPolicy.", at);
        aws_check_members(k, retry, path, retry_rules, ARRAY_COUNT(retry_rules));
    }
    if (json_is_object(dead)) {
        (void)snprintf(path, sizeof(path), "%sdeadLetterConfig.", at);
        aws_check_members(k, dead, path, dead_rules, ARRAY_COUNT(dead_rules));
    }
}

/* Each target by the model, then by what its input means; else that is answered. */
static bool check_targets(struct aws_call *c, json_t *targets)
{
    static const struct aws_rule rules[] = {
        { "Id", AWS_TEXT, AWS_MUST, 1, 64, AWS_EVENTS_NAME },
        { "Arn", AWS_TEXT, AWS_MUST, 1, 1600, NULL },
        { "RoleArn", AWS_TEXT, AWS_MAY, 1, 1600, NULL },
        { "Input", AWS_TEXT, AWS_MAY, 0, 8192, NULL },
        { "InputPath", AWS_TEXT, AWS_MAY, 0, 256, NULL },
        { "InputTransformer", AWS_OBJECT, AWS_MAY, 0, 0, NULL },
        { "SqsParameters", AWS_OBJECT, AWS_MAY, 0, 0, NULL },
        { "HttpParameters", AWS_OBJECT, AWS_MAY, 0, 0, NULL },
        { "DeadLetterConfig", AWS_OBJECT, AWS_MAY, 0, 0, NULL },
        { "RetryPolicy", AWS_OBJECT, AWS_MAY, 0, 0, NULL },
    };
    struct aws_check k;
    struct err err = { 0 };
    size_t i;
    json_t *target;
    aws_check_init(&k);
    json_array_foreach(targets, i, target)
    {
        char at[64];
        (void)snprintf(at, sizeof(at), "targets.%zu.member.", i + 1);
        aws_check_members(&k, target, at, rules, ARRAY_COUNT(rules));
        check_delivery(&k, target, at);
    }
    if (!aws_check_end(&k, c)) {
        return false;
    }
    json_array_foreach(targets, i, target)
    {
        json_t *inner = inner_target(target);
        int r = event_input_check(inner, json_text(target, "Id"), &err);
        json_decref(inner);
        if (r < 0) {
            aws_call_fail(c, 400, "ValidationException", "%s", err.text);
            return false;
        }
    }
    return true;
}

static json_t *failures_output(json_t *failures)
{
    return json_pack("{s:i,s:o}", "FailedEntryCount", (int)json_array_size(failures),
                     "FailedEntries", failures);
}

void aws_events_put_targets(struct aws_call *c)
{
    static const struct aws_rule rules[] = {
        { "Rule", AWS_TEXT, AWS_MUST, 1, 64, AWS_EVENTS_NAME },
        { "EventBusName", AWS_TEXT, AWS_MAY, 1, 1600, AWS_EVENTS_BUS },
        { "Targets", AWS_LIST, AWS_MUST, 1, 100, NULL },
    };
    json_t *targets = aws_call_member(c, "Targets");
    if (!aws_events_check(c, rules, ARRAY_COUNT(rules))) {
        return;
    }
    json_t *rule =
        aws_events_own_rule(c, aws_events_bus_name(c, "EventBusName"), aws_call_text(c, "Rule"));
    if (!rule || !check_targets(c, targets)) {
        return;
    }
    size_t i;
    json_t *target;
    json_t *failures = json_array();
    rule = json_deep_copy(rule);
    json_array_foreach(targets, i, target)
    {
        if (!has_failure(target, failures)) {
            put_target(rule, target);
        }
    }
    if (json_array_size(json_object_get(rule, "Targets")) > TARGETS_PER_RULE) {
        json_decref(rule);
        json_decref(failures);
        aws_call_fail(c, 400, "LimitExceededException",
                      "The requested resource exceeds the maximum number allowed.");
        return;
    }
    aws_events_write_rule(c, rule, failures_output(failures));
}

/* A new reference to the targets as AWS shows them. */
static json_t *show_targets(const struct aws_call *c, json_t *rule)
{
    json_t *shown = json_object_get(rule, "Targets");
    size_t i;
    json_t *inner;
    if (shown) {
        return json_incref(shown);
    }
    shown = json_array();
    json_array_foreach(json_object_get(rule, "targets"), i, inner)
    {
        (void)json_array_append_new(shown, declared_target(c->services, inner, c->region));
    }
    return shown;
}

void aws_events_list_targets(struct aws_call *c)
{
    static const struct aws_rule paging[] = {
        { "NextToken", AWS_TEXT, AWS_MAY, 1, 2048, NULL },
        { "Limit", AWS_INTEGER, AWS_MAY, 1, 100, NULL },
    };
    struct aws_page page;
    if (!aws_events_check(c, rule_and_bus, ARRAY_COUNT(rule_and_bus)) ||
        !aws_events_check(c, paging, ARRAY_COUNT(paging))) {
        return;
    }
    json_t *rule =
        aws_events_find_rule(c, aws_events_bus_name(c, "EventBusName"), aws_call_text(c, "Rule"));
    if (!rule || !aws_events_page(&page, c)) {
        return;
    }
    size_t i;
    json_t *target;
    json_t *targets = show_targets(c, rule);
    scoped_free char *after = page.after;
    bool skipping = after != NULL;
    page.after = NULL; /* they are in the order in which they were put, not by name */
    json_array_foreach(targets, i, target)
    {
        const char *id = json_text(target, "Id");
        if (skipping) {
            skipping = strcmp(id, after) != 0;
        } else if (aws_page_takes(&page, id, id)) {
            (void)json_array_append(page.list, target); /* a new place for it */
        }
    }
    json_decref(targets);
    aws_page_answer(&page, c, "Targets");
}

/* Whether it was there. */
static bool remove_target(json_t *rule, const char *id)
{
    json_t *shown = json_object_get(rule, "Targets");
    size_t i;
    json_t *target;
    json_array_foreach(shown, i, target)
    {
        if (strcmp(json_text(target, "Id"), id) == 0) {
            (void)json_array_remove(shown, i); /* they are there */
            (void)json_array_remove(json_object_get(rule, "targets"), i);
            return true;
        }
    }
    return false;
}

void aws_events_remove_targets(struct aws_call *c)
{
    static const struct aws_rule rules[] = {
        { "Rule", AWS_TEXT, AWS_MUST, 1, 64, AWS_EVENTS_NAME },
        { "EventBusName", AWS_TEXT, AWS_MAY, 1, 1600, AWS_EVENTS_BUS },
        { "Ids", AWS_LIST, AWS_MUST, 1, 100, NULL },
    };
    if (!aws_events_check(c, rules, ARRAY_COUNT(rules))) {
        return;
    }
    json_t *rule =
        aws_events_own_rule(c, aws_events_bus_name(c, "EventBusName"), aws_call_text(c, "Rule"));
    if (!rule) {
        return;
    }
    size_t i;
    json_t *id;
    json_t *failures = json_array();
    rule = json_deep_copy(rule);
    json_array_foreach(aws_call_member(c, "Ids"), i, id)
    {
        const char *text = json_string_value(id) ? json_string_value(id) : "";
        char message[256];
        if (!remove_target(rule, text)) {
            (void)snprintf(message, sizeof(message),
                           "Rule '%s' does not have a target with the Id '%.64s'.",
                           json_text(rule, "Name"), text);
            add_failure(failures, text, "ResourceNotFoundException", message);
        }
    }
    aws_events_write_rule(c, rule, failures_output(failures));
}

struct by_target {
    struct aws_events_listing listing;
    const char *arn;
};

static void list_if_targeting(json_t *rule, void *context)
{
    struct by_target *b = context;
    size_t i;
    json_t *target;
    bool leads_there = false;
    json_t *targets = show_targets(b->listing.call, rule);
    json_array_foreach(targets, i, target)
    {
        leads_there =
            leads_there || event_arn_is_same(str_c(json_text(target, "Arn")), str_c(b->arn));
    }
    json_decref(targets);
    const char *name = json_text(rule, "Name");
    if (leads_there && aws_page_takes(&b->listing.page, name, name)) {
        (void)json_array_append(b->listing.page.list,
                                json_object_get(rule, "Name")); /* a new place */
    }
}

void aws_events_list_rule_names(struct aws_call *c)
{
    static const struct aws_rule rules[] = {
        { "TargetArn", AWS_TEXT, AWS_MUST, 1, 1600, NULL },
        { "EventBusName", AWS_TEXT, AWS_MAY, 1, 1600, AWS_EVENTS_BUS },
        { "NextToken", AWS_TEXT, AWS_MAY, 1, 2048, NULL },
        { "Limit", AWS_INTEGER, AWS_MAY, 1, 100, NULL },
    };
    struct by_target b = { .listing.call = c };
    struct str bus = aws_events_bus_name(c, "EventBusName");
    if (aws_events_check(c, rules, ARRAY_COUNT(rules)) && aws_events_find_bus(c, bus) &&
        aws_events_page(&b.listing.page, c)) {
        b.arn = aws_call_text(c, "TargetArn");
        event_bus_each_rule(c->services->buses, bus, list_if_targeting, &b);
        aws_page_answer(&b.listing.page, c, "RuleNames");
    }
}
