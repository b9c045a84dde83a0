/* EventBridge's rules: PutRule and its kin.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "control/aws/call/aws_check.h"
#include "control/aws/events/aws_events.h"
#include "control/events/eventbridge/event_bus.h"
#include "control/events/eventbridge/event_pattern.h"
#include "control/events/schedules/schedule_time.h"
#include "control/text/json_reading.h"

#define RULES_PER_BUS 300 /* EventBridge's quota: an event is written for the targets of all */

static const struct aws_rule name_and_bus[] = {
    { "Name", AWS_TEXT, AWS_MUST, 1, 64, AWS_EVENTS_NAME },
    { "EventBusName", AWS_TEXT, AWS_MAY, 1, 1600, AWS_EVENTS_BUS },
};

void aws_events_set_text(json_t *object, const char *member, const char *text)
{
    if (text) {
        (void)json_object_set_new(object, member, json_string(text)); /* came as sound text */
    } else {
        (void)json_object_del(object, member); /* it may not be there */
    }
}

void aws_events_write_rule(struct aws_call *c, json_t *rule, json_t *output)
{
    struct err err = { 0 };
    c->context = output;
    if (event_bus_put_rule(c->services->buses, rule, aws_call_written, c, &err) < 0) {
        json_decref(output);
        aws_call_fail(c, 400, "ValidationException", "%s", err.text);
    }
}

/* ---- rules ---- */

/* Whether the pattern and the schedule are what AWS takes; else that is answered. */
static bool check_meaning(struct aws_call *c, struct str bus)
{
    const char *pattern = aws_call_text(c, "EventPattern");
    const char *expression = aws_call_text(c, "ScheduleExpression");
    struct event_pattern *parsed = NULL;
    struct schedule_time time;
    struct err err = { 0 };
    if ((!pattern || !pattern[0]) && (!expression || !expression[0])) {
        aws_call_fail(c, 400, "ValidationException",
                      "Parameter(s) EventPattern or ScheduleExpression must be specified.");
        return false;
    }
    if (expression && expression[0] && !str_eq(bus, STR("default"))) {
        aws_call_fail(c, 400, "ValidationException",
                      "ScheduleExpression is supported only on the default event bus.");
        return false;
    }
    if (expression && expression[0] &&
        schedule_time_parse(str_c(expression), STR(""), SCHEDULE_RULE, &time, &err) < 0) {
        aws_call_fail(c, 400, "ValidationException", "Parameter ScheduleExpression is not valid.");
        return false;
    }
    if (pattern && pattern[0] && event_pattern_parse(str_c(pattern), &parsed, &err) < 0) {
        aws_events_fail_pattern(c);
        return false;
    }
    event_pattern_destroy(parsed);
    return true;
}

/* The rule of the input, with the targets that it had and these tags (used up). A new reference. */
static json_t *rule_of(struct aws_call *c, struct str bus, json_t *before, json_t *tags)
{
    static const char *const kept[] = { "Targets", "targets" };
    const char *state = aws_call_text(c, "State");
    const char *pattern = aws_call_text(c, "EventPattern");
    const char *expression = aws_call_text(c, "ScheduleExpression");
    json_t *rule = json_pack("{s:s,s:s%,s:s}", "Name", aws_call_text(c, "Name"), "Bus", bus.data,
                             bus.len, "State", state ? state : "ENABLED");
    aws_events_set_text(rule, "EventPattern", pattern && pattern[0] ? pattern : NULL);
    aws_events_set_text(rule, "ScheduleExpression",
                        expression && expression[0] ? expression : NULL);
    aws_events_set_text(rule, "Description", aws_call_text(c, "Description"));
    aws_events_set_text(rule, "RoleArn", aws_call_text(c, "RoleArn"));
    aws_events_set_text(rule, "Region", c->region);
    for (size_t i = 0; i < ARRAY_COUNT(kept); i++) {
        json_t *value = json_object_get(before, kept[i]);
        (void)json_object_set_new(rule, kept[i], value ? json_deep_copy(value) : json_array());
    }
    (void)json_object_set_new(rule, "Tags", tags); /* a sound value */
    return rule;
}

static void count_rule(json_t *rule, void *context)
{
    (void)rule;
    (*(size_t *)context)++;
}

/* A rule that is there keeps its tags: those of the call are "ignored", as the API reference has
 * it. A new reference; NULL: what is wrong with them has been answered. */
static json_t *tags_of(struct aws_call *c, json_t *before)
{
    json_t *kept = json_object_get(before, "Tags");
    return kept ? json_incref(kept) : aws_tag_list_read(c, &aws_events_tags);
}

/* Whether the bus takes another rule; else that is answered. */
static bool has_room(struct aws_call *c, struct str bus)
{
    size_t count = 0;
    event_bus_each_rule(c->services->buses, bus, count_rule, &count);
    if (count >= RULES_PER_BUS) {
        aws_call_fail(c, 400, "LimitExceededException",
                      "The requested resource exceeds the maximum number allowed.");
    }
    return count < RULES_PER_BUS;
}

void aws_events_put_rule(struct aws_call *c)
{
    static const struct aws_rule rules[] = {
        { "Name", AWS_TEXT, AWS_MUST, 1, 64, AWS_EVENTS_NAME },
        { "ScheduleExpression", AWS_TEXT, AWS_MAY, 0, 256, NULL },
        { "EventPattern", AWS_TEXT, AWS_MAY, 0, 4096, NULL },
        { "State", AWS_TEXT, AWS_MAY, 0, 0,
          "ENABLED, DISABLED, ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS" },
        { "Description", AWS_TEXT, AWS_MAY, 0, 512, NULL },
        { "RoleArn", AWS_TEXT, AWS_MAY, 1, 1600, NULL },
        { "Tags", AWS_LIST, AWS_MAY, 0, 0, NULL },
        { "EventBusName", AWS_TEXT, AWS_MAY, 1, 1600, AWS_EVENTS_BUS },
    };
    char arn[AWS_EVENTS_ARN_BYTES];
    struct str bus = aws_events_bus_name(c, "EventBusName");
    if (!aws_events_check(c, rules, ARRAY_COUNT(rules)) || !aws_events_find_bus(c, bus) ||
        !check_meaning(c, bus)) {
        return;
    }
    const char *name = aws_call_text(c, "Name");
    json_t *before = event_bus_find_rule(c->services->buses, bus, str_c(name));
    if (before ? !aws_events_own_rule(c, bus, name) : !has_room(c, bus)) {
        return;
    }
    json_t *tags = tags_of(c, before);
    if (!tags) {
        return;
    }
    json_t *rule = rule_of(c, bus, before, tags);
    event_bus_rule_arn(rule, str_c(c->region), arn, sizeof(arn));
    aws_events_write_rule(c, rule, json_pack("{s:s}", "RuleArn", arn));
}

/* As the APIs show it. */
static json_t *show_rule(const struct aws_call *c, json_t *rule)
{
    static const char *const names[] = { "Name",  "EventPattern", "ScheduleExpression",
                                         "State", "Description",  "RoleArn" };
    char arn[AWS_EVENTS_ARN_BYTES];
    event_bus_rule_arn(rule, str_c(c->region), arn, sizeof(arn));
    json_t *shown = json_pack("{s:s,s:s}", "Arn", arn, "EventBusName", json_text(rule, "Bus"));
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        aws_events_set_text(shown, names[i], json_text(rule, names[i]));
    }
    if (event_bus_is_project(rule)) {
        aws_events_set_text(shown, "ManagedBy", "project.mayfly");
    }
    return shown;
}

void aws_events_describe_rule(struct aws_call *c)
{
    if (!aws_events_check(c, name_and_bus, ARRAY_COUNT(name_and_bus))) {
        return;
    }
    json_t *rule =
        aws_events_find_rule(c, aws_events_bus_name(c, "EventBusName"), aws_call_text(c, "Name"));
    if (rule) {
        json_t *shown = show_rule(c, rule);
        aws_events_set_text(shown, "CreatedBy", "000000000000");
        aws_call_answer(c, shown);
    }
}

static void list_rule(json_t *rule, void *context)
{
    struct aws_events_listing *l = context;
    if (aws_page_takes(&l->page, json_text(rule, "Name"), json_text(rule, "Name"))) {
        (void)json_array_append_new(l->page.list, show_rule(l->call, rule)); /* a new value */
    }
}

void aws_events_list_rules(struct aws_call *c)
{
    static const struct aws_rule rules[] = {
        { "NamePrefix", AWS_TEXT, AWS_MAY, 1, 64, AWS_EVENTS_NAME },
        { "EventBusName", AWS_TEXT, AWS_MAY, 1, 1600, AWS_EVENTS_BUS },
        { "NextToken", AWS_TEXT, AWS_MAY, 1, 2048, NULL },
        { "Limit", AWS_INTEGER, AWS_MAY, 1, 100, NULL },
    };
    struct aws_events_listing l = { .call = c };
    struct str bus = aws_events_bus_name(c, "EventBusName");
    if (aws_events_check(c, rules, ARRAY_COUNT(rules)) && aws_events_find_bus(c, bus) &&
        aws_events_page(&l.page, c)) {
        event_bus_each_rule(c->services->buses, bus, list_rule, &l);
        aws_page_answer(&l.page, c, "Rules");
    }
}

static void set_state(struct aws_call *c, const char *state)
{
    if (!aws_events_check(c, name_and_bus, ARRAY_COUNT(name_and_bus))) {
        return;
    }
    json_t *rule =
        aws_events_own_rule(c, aws_events_bus_name(c, "EventBusName"), aws_call_text(c, "Name"));
    if (rule) {
        rule = json_deep_copy(rule);
        aws_events_set_text(rule, "State", state);
        aws_events_write_rule(c, rule, NULL);
    }
}

void aws_events_enable_rule(struct aws_call *c)
{
    set_state(c, "ENABLED");
}

void aws_events_disable_rule(struct aws_call *c)
{
    set_state(c, "DISABLED");
}

void aws_events_delete_rule(struct aws_call *c)
{
    static const struct aws_rule rules[] = {
        { "Name", AWS_TEXT, AWS_MUST, 1, 64, AWS_EVENTS_NAME },
        { "EventBusName", AWS_TEXT, AWS_MAY, 1, 1600, AWS_EVENTS_BUS },
        { "Force", AWS_BOOLEAN, AWS_MAY, 0, 0, NULL }, /* of rules that a service of AWS manages */
    };
    struct str bus = aws_events_bus_name(c, "EventBusName");
    if (!aws_events_check(c, rules, ARRAY_COUNT(rules)) || !aws_events_find_bus(c, bus)) {
        return;
    }
    const char *name = aws_call_text(c, "Name");
    json_t *rule = event_bus_find_rule(c->services->buses, bus, str_c(name));
    if (!rule) {
        aws_call_answer(c, NULL); /* as AWS: it is not there, that is what was wanted */
    } else if (!aws_events_own_rule(c, bus, name)) {
        return;
    } else if (json_array_size(json_object_get(rule, "Targets")) > 0) {
        aws_call_fail(c, 400, "ValidationException", "Rule can't be deleted since it has targets.");
    } else {
        event_bus_remove_rule(c->services->buses, bus, str_c(name), aws_call_written, c);
    }
}
