/* Who may put events on a bus: kept and shown; whoever has credentials may.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/mem.h"
#include "control/aws/call/aws_check.h"
#include "control/aws/call/aws_policy.h"
#include "control/aws/events/aws_events.h"
#include "control/events/eventbridge/event_bus.h"
#include "control/text/json_reading.h"
#include "control/text/json_write.h"

#define POLICY_MAX 10240 /* EventBridge's quota */

/* The statement that the input's members make, a new reference. */
static json_t *statement_of(struct aws_call *c, json_t *bus)
{
    char arn[AWS_EVENTS_ARN_BYTES];
    json_t *condition = aws_call_member(c, "Condition");
    aws_events_arn(c, "event-bus", json_text(bus, "Name"), arn);
    json_t *statement =
        json_pack("{s:O, s:s, s:o, s:O, s:s}", "Sid", aws_call_member(c, "StatementId"), "Effect",
                  "Allow", "Principal", aws_policy_principal(aws_call_text(c, "Principal")),
                  "Action", aws_call_member(c, "Action"), "Resource", arn);
    if (condition) {
        json_t *of_key = json_object();
        json_t *of_type = json_object();
        const char *key = json_text(condition, "Key");
        const char *type = json_text(condition, "Type");
        (void)json_object_set(of_key, key ? key : "", json_object_get(condition, "Value"));
        (void)json_object_set_new(of_type, type ? type : "", of_key); /* new values */
        (void)json_object_set_new(statement, "Condition", of_type);
    }
    return statement;
}

/* The bus's policy, or an empty one. A new reference. */
static json_t *policy_of(json_t *bus)
{
    json_t *policy = aws_policy_read(json_text(bus, "Policy"));
    return policy ? policy : json_pack("{s:s, s:[]}", "Version", "2012-10-17", "Statement");
}

/* Whether there was one. */
static bool remove_statement(json_t *policy, const char *sid)
{
    json_t *statements = json_object_get(policy, "Statement");
    size_t i;
    json_t *statement;
    json_array_foreach(statements, i, statement)
    {
        const char *own = json_text(statement, "Sid");
        if (own && sid && strcmp(own, sid) == 0) {
            (void)json_array_remove(statements, i); /* it is there */
            return true;
        }
    }
    return false;
}

/* Writes the bus with another policy (used up; NULL or without statements: with none). */
static void write_policy(struct aws_call *c, json_t *bus, json_t *policy)
{
    const bool is_empty = json_array_size(json_object_get(policy, "Statement")) == 0;
    scoped_free char *text = is_empty ? NULL : json_write(policy);
    json_decref(policy);
    if (text && strlen(text) > POLICY_MAX) {
        aws_call_fail(c, 400, "PolicyLengthExceededException",
                      "The event bus policy is too long: it may have %d bytes.", POLICY_MAX);
        return;
    }
    json_t *copy = json_deep_copy(bus);
    (void)json_object_del(copy, "Policy"); /* it may not be there */
    if (text) {
        (void)json_object_set_new(copy, "Policy", json_string(text)); /* sound text */
    }
    event_bus_put(c->services->buses, copy, aws_call_written, c);
}

void aws_events_put_permission(struct aws_call *c)
{
    static const struct aws_rule rules[] = {
        { "EventBusName", AWS_TEXT, AWS_MAY, 1, 256, AWS_EVENTS_NAME },
        { "Action", AWS_TEXT, AWS_MAY, 1, 64, "events:[a-zA-Z]+" },
        { "Principal", AWS_TEXT, AWS_MAY, 1, 12, "(\\d{12}|\\*)" },
        { "StatementId", AWS_TEXT, AWS_MAY, 1, 64, "[a-zA-Z0-9-_]+" },
        { "Condition", AWS_OBJECT, AWS_MAY, 0, 0, NULL },
        { "Policy", AWS_TEXT, AWS_MAY, 0, 0, NULL },
    };
    const char *whole = aws_call_text(c, "Policy"), *action = aws_call_text(c, "Action");
    json_t *bus = NULL;
    if (!aws_events_check(c, rules, ARRAY_COUNT(rules)) ||
        !(bus = aws_events_own_bus(c, aws_events_bus_name(c, "EventBusName")))) {
        return;
    }
    if (whole) {
        json_t *policy = aws_policy_read(whole);
        if (policy) {
            write_policy(c, bus, policy);
        } else {
            aws_call_fail(c, 400, "ValidationException", "The policy is not valid.");
        }
    } else if (!action || !aws_call_text(c, "Principal") || !aws_call_text(c, "StatementId")) {
        aws_call_fail(c, 400, "ValidationException",
                      "Parameter(s) Action, Principal and StatementId or Policy must be "
                      "specified.");
    } else if (strcmp(action, "events:PutEvents") != 0) {
        aws_call_fail(c, 400, "ValidationException",
                      "Provided value in parameter 'action' is not supported.");
    } else {
        json_t *policy = policy_of(bus);
        (void)remove_statement(policy, aws_call_text(c, "StatementId")); /* it is replaced */
        (void)json_array_append_new(json_object_get(policy, "Statement"), statement_of(c, bus));
        write_policy(c, bus, policy);
    }
}

void aws_events_remove_permission(struct aws_call *c)
{
    static const struct aws_rule rules[] = {
        { "EventBusName", AWS_TEXT, AWS_MAY, 1, 256, AWS_EVENTS_NAME },
        { "StatementId", AWS_TEXT, AWS_MAY, 1, 64, "[a-zA-Z0-9-_]+" },
        { "RemoveAllPermissions", AWS_BOOLEAN, AWS_MAY, 0, 0, NULL },
    };
    json_t *bus = NULL;
    if (!aws_events_check(c, rules, ARRAY_COUNT(rules)) ||
        !(bus = aws_events_own_bus(c, aws_events_bus_name(c, "EventBusName")))) {
        return;
    }
    if (json_is_true(aws_call_member(c, "RemoveAllPermissions"))) {
        write_policy(c, bus, NULL);
        return;
    }
    json_t *policy = policy_of(bus);
    if (remove_statement(policy, aws_call_text(c, "StatementId"))) {
        write_policy(c, bus, policy);
        return;
    }
    json_decref(policy);
    aws_call_fail(c, 400, "ResourceNotFoundException",
                  json_text(bus, "Policy") ? "Statement with the provided id does not exist."
                                           : "EventBus does not have a policy.");
}
