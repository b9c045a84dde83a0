/* SPDX-License-Identifier: Apache-2.0 */
#include "control/aws/events/aws_events.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "control/aws/call/aws_check.h"
#include "control/aws/events/aws_events_none.h"
#include "control/events/eventbridge/event_arn.h"
#include "control/events/eventbridge/event_bus.h"
#include "control/events/eventbridge/event_pattern.h"
#include "control/text/json_reading.h"
#include "http/http_block.h"

#define BUS_NAME "[/\\.\\-_A-Za-z0-9]+"

const struct aws_tag_form aws_events_tags = { 0, "LimitExceededException" };

/* ---- buses ---- */

/* As the APIs show it. */
static json_t *show_bus(const struct aws_call *c, json_t *bus)
{
    static const char *const names[] = { "Name",
                                         "Description",
                                         "KmsKeyIdentifier",
                                         "CreationTime",
                                         "LastModifiedTime",
                                         "DeadLetterConfig",
                                         "LogConfig",
                                         "Policy" };
    char arn[AWS_EVENTS_ARN_BYTES];
    aws_events_arn(c, "event-bus", json_text(bus, "Name"), arn);
    json_t *shown = json_pack("{s:s}", "Arn", arn);
    aws_events_copy(shown, bus, names, ARRAY_COUNT(names));
    return shown;
}

static const char *const bus_settings[] = { "Description", "KmsKeyIdentifier", "DeadLetterConfig",
                                            "LogConfig" };

/* clang-format off */
#define BUS_SETTINGS                                                                               \
    { "Description", AWS_TEXT, AWS_MAY, 0, 512, NULL },                                            \
    { "KmsKeyIdentifier", AWS_TEXT, AWS_MAY, 0, 2048, NULL },                                      \
    { "DeadLetterConfig", AWS_OBJECT, AWS_MAY, 0, 0, NULL },                                       \
    { "LogConfig", AWS_OBJECT, AWS_MAY, 0, 0, NULL }
/* clang-format on */

static const struct aws_rule bus_rules[] = {
    { "Name", AWS_TEXT, AWS_MUST, 1, 256, BUS_NAME },
    BUS_SETTINGS,
    { "Tags", AWS_LIST, AWS_MAY, 0, 0, NULL },
};

static void create_bus(struct aws_call *c)
{
    char arn[AWS_EVENTS_ARN_BYTES];
    if (!aws_events_check(c, bus_rules, ARRAY_COUNT(bus_rules))) {
        return;
    }
    const char *name = aws_call_text(c, "Name");
    if (strchr(name, '/') && !str_starts(str_c(name), STR("aws.partner/"))) {
        aws_call_fail(c, 400, "ValidationException", "Event bus name must not contain '/'.");
        return;
    }
    if (event_bus_find(c->services->buses, str_c(name))) {
        aws_call_fail(c, 400, "ResourceAlreadyExistsException", "Event bus %s already exists.",
                      name);
        return;
    }
    json_t *tags = aws_tag_list_read(c, &aws_events_tags);
    if (!tags) {
        return;
    }
    json_t *bus = json_pack("{s:s,s:o}", "Name", name, "Tags", tags);
    aws_events_set_now(bus, "CreationTime");
    aws_events_set_now(bus, "LastModifiedTime");
    aws_events_copy(bus, c->input, bus_settings, ARRAY_COUNT(bus_settings));
    aws_events_arn(c, "event-bus", json_text(bus, "Name"), arn);
    json_t *output = json_pack("{s:s}", "EventBusArn", arn);
    aws_events_copy(output, c->input, bus_settings, ARRAY_COUNT(bus_settings));
    c->context = output;
    event_bus_put(c->services->buses, bus, aws_call_written, c);
}

static void update_bus(struct aws_call *c)
{
    static const struct aws_rule rules[] = {
        { "Name", AWS_TEXT, AWS_MAY, 1, 256, BUS_NAME },
        BUS_SETTINGS,
    };
    if (!aws_events_check(c, rules, ARRAY_COUNT(rules))) {
        return;
    }
    struct str name = aws_events_bus_name(c, "Name");
    json_t *bus = aws_events_own_bus(c, name);
    char arn[AWS_EVENTS_ARN_BYTES];
    if (!bus) {
        return;
    }
    bus = json_deep_copy(bus);
    aws_events_copy(bus, c->input, bus_settings, ARRAY_COUNT(bus_settings));
    aws_events_set_now(bus, "LastModifiedTime");
    aws_events_arn(c, "event-bus", json_text(bus, "Name"), arn);
    json_t *output = json_pack("{s:s,s:O}", "Arn", arn, "Name", json_object_get(bus, "Name"));
    aws_events_copy(output, bus, bus_settings, ARRAY_COUNT(bus_settings));
    c->context = output;
    event_bus_put(c->services->buses, bus, aws_call_written, c);
}

static void describe_bus(struct aws_call *c)
{
    json_t *bus = aws_events_find_bus(c, aws_events_bus_name(c, "Name"));
    if (bus) {
        aws_call_answer(c, show_bus(c, bus));
    }
}

static void list_bus(json_t *bus, void *context)
{
    struct aws_events_listing *l = context;
    if (aws_page_takes(&l->page, json_text(bus, "Name"), json_text(bus, "Name"))) {
        (void)json_array_append_new(l->page.list, show_bus(l->call, bus)); /* a new value */
    }
}

static void list_buses(struct aws_call *c)
{
    static const struct aws_rule rules[] = {
        { "NamePrefix", AWS_TEXT, AWS_MAY, 1, 256, BUS_NAME },
        { "NextToken", AWS_TEXT, AWS_MAY, 1, 2048, NULL },
        { "Limit", AWS_INTEGER, AWS_MAY, 1, 100, NULL },
    };
    struct aws_events_listing l = { .call = c };
    if (aws_events_check(c, rules, ARRAY_COUNT(rules)) && aws_events_page(&l.page, c)) {
        event_bus_each(c->services->buses, list_bus, &l);
        aws_page_answer(&l.page, c, "EventBuses");
    }
}

static void see_rule(json_t *rule, void *context)
{
    bool *has_rules = context;
    (void)rule;
    *has_rules = true;
}

/* One that is not there is gone already, as at AWS. */
static void delete_bus(struct aws_call *c)
{
    if (!aws_events_check(c, bus_rules, 1)) {
        return;
    }
    struct str name = aws_events_bus_name(c, "Name");
    if (str_eq(name, STR("default"))) {
        aws_call_fail(c, 400, "ValidationException", "Cannot delete event bus default.");
        return;
    }
    if (!event_bus_find(c->services->buses, name)) {
        aws_call_answer(c, NULL);
        return;
    }
    if (!aws_events_own_bus(c, name)) {
        return;
    }
    bool has_rules = false;
    event_bus_each_rule(c->services->buses, name, see_rule, &has_rules);
    if (has_rules) {
        aws_call_fail(c, 400, "ValidationException",
                      "EventBus can't be deleted since it has rules.");
        return;
    }
    event_bus_remove(c->services->buses, name, aws_call_written, c);
}

/* ---- tags ---- */

/* What "ResourceARN" names, borrowed; NULL: that has been answered. */
static json_t *find_tagged(struct aws_call *c, bool *ret_is_rule)
{
    const char *arn = aws_call_text(c, "ResourceARN");
    const char *bus = arn ? strstr(arn, ":event-bus/") : NULL;
    const char *rule = arn ? strstr(arn, ":rule/") : NULL;
    *ret_is_rule = rule != NULL;
    if (bus) {
        return aws_events_find_bus(c, str_c(bus + 11));
    }
    if (!rule) {
        aws_call_fail(c, 400, "ValidationException",
                      "Parameter %s is not valid. Reason: Provided Arn is not in correct format.",
                      arn ? arn : "ResourceARN");
        return NULL;
    }
    struct str name = str_c(rule + 6);
    size_t slash = name.len;
    while (slash > 0 && name.data[slash - 1] != '/') {
        slash--;
    }
    struct str on = slash > 0 ? str_of(name.data, slash - 1) : STR("default");
    return aws_events_find_rule(c, on, name.data + slash);
}

/* Writes the bus or rule with other tags (used up). */
static void write_tags(struct aws_call *c, json_t *tagged, bool is_rule, json_t *tags)
{
    struct err err = { 0 };
    json_t *copy = json_deep_copy(tagged);
    (void)json_object_set_new(copy, "Tags", tags); /* a new value */
    if (!is_rule) {
        event_bus_put(c->services->buses, copy, aws_call_written, c);
    } else if (event_bus_put_rule(c->services->buses, copy, aws_call_written, c, &err) < 0) {
        aws_call_fail(c, 500, "InternalException", "%s", err.text);
    }
}

static void tag_resource(struct aws_call *c)
{
    static const struct aws_rule rules[] = {
        { "ResourceARN", AWS_TEXT, AWS_MUST, 1, 1600, NULL },
        { "Tags", AWS_LIST, AWS_MUST, 0, 0, NULL },
    };
    bool is_rule;
    if (!aws_events_check(c, rules, ARRAY_COUNT(rules))) {
        return;
    }
    json_t *added = aws_tag_list_read(c, &aws_events_tags);
    json_t *tagged = added ? find_tagged(c, &is_rule) : NULL;
    json_t *tags =
        tagged ? aws_tag_list_add(c, &aws_events_tags, json_object_get(tagged, "Tags"), added)
               : NULL;
    json_decref(added);
    if (tags) {
        write_tags(c, tagged, is_rule, tags);
    }
}

static void untag_resource(struct aws_call *c)
{
    static const struct aws_rule rules[] = {
        { "ResourceARN", AWS_TEXT, AWS_MUST, 1, 1600, NULL },
        { "TagKeys", AWS_LIST, AWS_MUST, 0, 0, NULL },
    };
    bool is_rule;
    if (!aws_events_check(c, rules, ARRAY_COUNT(rules))) {
        return;
    }
    json_t *tagged = find_tagged(c, &is_rule);
    if (tagged) {
        json_t *keys = aws_call_member(c, "TagKeys");
        write_tags(c, tagged, is_rule, aws_tag_list_without(json_object_get(tagged, "Tags"), keys));
    }
}

static void list_tags(struct aws_call *c)
{
    static const struct aws_rule rules[] = { { "ResourceARN", AWS_TEXT, AWS_MUST, 1, 1600, NULL } };
    bool is_rule;
    if (aws_events_check(c, rules, ARRAY_COUNT(rules))) {
        json_t *tagged = find_tagged(c, &is_rule);
        if (tagged) {
            json_t *tags = json_object_get(tagged, "Tags");
            aws_call_answer(c, json_pack("{s:o}", "Tags", tags ? json_incref(tags) : json_array()));
        }
    }
}

/* ---- which operation ---- */

/* clang-format off */
static const struct {
    const char *name;
    void (*run)(struct aws_call *c);
} operations[] = {
    { "CancelReplay",           aws_events_cancel_replay },
    { "CreateApiDestination",   aws_events_create_endpoint },
    { "CreateArchive",          aws_events_create_archive },
    { "CreateConnection",       aws_events_create_connection },
    { "CreateEventBus",         create_bus },
    { "DeauthorizeConnection",  aws_events_deauthorize_connection },
    { "DeleteApiDestination",   aws_events_delete_endpoint },
    { "DeleteArchive",          aws_events_delete_archive },
    { "DeleteConnection",       aws_events_delete_connection },
    { "DeleteEventBus",         delete_bus },
    { "DeleteRule",             aws_events_delete_rule },
    { "DescribeApiDestination", aws_events_describe_endpoint },
    { "DescribeArchive",        aws_events_describe_archive },
    { "DescribeConnection",     aws_events_describe_connection },
    { "DescribeEventBus",       describe_bus },
    { "DescribeReplay",         aws_events_describe_replay },
    { "DescribeRule",           aws_events_describe_rule },
    { "DisableRule",            aws_events_disable_rule },
    { "EnableRule",             aws_events_enable_rule },
    { "ListApiDestinations",    aws_events_list_endpoints },
    { "ListArchives",           aws_events_list_archives },
    { "ListConnections",        aws_events_list_connections },
    { "ListEventBuses",         list_buses },
    { "ListReplays",            aws_events_list_replays },
    { "ListRuleNamesByTarget",  aws_events_list_rule_names },
    { "ListRules",              aws_events_list_rules },
    { "ListTagsForResource",    list_tags },
    { "ListTargetsByRule",      aws_events_list_targets },
    { "PutEvents",              aws_events_put_events },
    { "PutPermission",          aws_events_put_permission },
    { "PutRule",                aws_events_put_rule },
    { "PutTargets",             aws_events_put_targets },
    { "RemovePermission",       aws_events_remove_permission },
    { "RemoveTargets",          aws_events_remove_targets },
    { "StartReplay",            aws_events_start_replay },
    { "TagResource",            tag_resource },
    { "TestEventPattern",       aws_events_test_pattern },
    { "UntagResource",          untag_resource },
    { "UpdateApiDestination",   aws_events_update_endpoint },
    { "UpdateArchive",          aws_events_update_archive },
    { "UpdateConnection",       aws_events_update_connection },
    { "UpdateEventBus",         update_bus },
};
/* clang-format on */

static void run_operation(struct aws_call *c)
{
    struct str target = http_block_find(c->exchange->headers, STR("x-amz-target"));
    struct str name = target;
    bool ours = str_eq(str_cut(&name, '.'), STR("AWSEvents"));
    for (size_t i = 0; ours && i < ARRAY_COUNT(operations); i++) {
        if (str_eq(name, str_c(operations[i].name))) {
            operations[i].run(c);
            return;
        }
    }
    if (ours && aws_events_none(c, name)) {
        return;
    }
    aws_call_fail(c, 400, "UnknownOperationException", "Mayfly has no operation " STR_FMT,
                  STR_ARG(str_of(target.data, target.len < 100 ? target.len : 100)));
}

void aws_events_begin(struct services *s, struct exchange *x)
{
    aws_call_begin(s, x, AWS_STYLE_JSON, run_operation);
}
