/* SPDX-License-Identifier: Apache-2.0 */
#include "control/aws/events/aws_events_input.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/limits.h"
#include "control/aws/call/aws_check.h"
#include "control/events/eventbridge/event_arn.h"
#include "control/events/eventbridge/event_bus_table.h"
#include "control/events/eventbridge/event_pattern.h"
#include "control/text/json_reading.h"

#define PAGE_LENGTH 100
#define FAULT_BYTES (8 * KIB)

bool aws_events_check(struct aws_call *c, const struct aws_rule *rules, size_t count)
{
    struct aws_check k;
    aws_check_init(&k);
    aws_check_members(&k, c->input, "", rules, count);
    return aws_check_end(&k, c);
}

struct str aws_events_bus_name(const struct aws_call *c, const char *member)
{
    const char *text = aws_call_text(c, member);
    const char *in_arn = text ? strstr(text, ":event-bus/") : NULL;
    if (!text) {
        return STR("default");
    }
    return in_arn && str_starts(str_c(text), STR("arn:")) ? str_c(in_arn + 11) : str_c(text);
}

json_t *aws_events_find_bus(struct aws_call *c, struct str bus)
{
    json_t *found = event_bus_find(c->services->buses, bus);
    if (!found) {
        aws_call_fail(c, 400, "ResourceNotFoundException", "Event bus " STR_FMT " does not exist.",
                      STR_ARG(bus));
    }
    return found;
}

json_t *aws_events_own_bus(struct aws_call *c, struct str bus)
{
    json_t *found = aws_events_find_bus(c, bus);
    if (found && event_bus_is_project(found)) {
        aws_call_fail(c, 400, "ManagedRuleException",
                      "Event bus " STR_FMT " is declared by the project's files: change it there.",
                      STR_ARG(bus));
        return NULL;
    }
    return found;
}

json_t *aws_events_find_rule(struct aws_call *c, struct str bus, const char *rule)
{
    if (!aws_events_find_bus(c, bus)) {
        return NULL;
    }
    json_t *found = event_bus_find_rule(c->services->buses, bus, str_c(rule));
    if (!found) {
        aws_call_fail(c, 400, "ResourceNotFoundException",
                      "Rule %s does not exist on EventBus " STR_FMT ".", rule, STR_ARG(bus));
    }
    return found;
}

json_t *aws_events_own_rule(struct aws_call *c, struct str bus, const char *rule)
{
    json_t *found = aws_events_find_rule(c, bus, rule);
    if (found && event_bus_is_project(found)) {
        aws_call_fail(c, 400, "ManagedRuleException",
                      "Rule %s is declared by the project's files: change it there.", rule);
        return NULL;
    }
    return found;
}

json_t *aws_events_need(struct aws_call *c, struct json_table *table, const char *what,
                        const char *before)
{
    static const struct aws_rule rules[] = { { "Name", AWS_TEXT, AWS_MUST, 1, 64,
                                               AWS_EVENTS_NAME } };
    if (!aws_events_check(c, rules, ARRAY_COUNT(rules))) {
        return NULL;
    }
    const char *name = aws_call_text(c, "Name");
    json_t *found = json_table_find(table, str_c(name));
    if (!found) {
        aws_call_fail(c, 400, "ResourceNotFoundException", "%s%s '%s' does not exist.", before,
                      what, name);
    }
    return found;
}

json_t *aws_events_own(struct aws_call *c, struct json_table *table, json_t *found,
                       const char *what)
{
    const char *name = json_text(found, "Name");
    if (found && json_table_is_declared(table, str_c(name))) {
        aws_call_fail(c, 400, "ManagedRuleException",
                      "%s %s is declared by the project's files: change it there.", what, name);
        return NULL;
    }
    return found;
}

void aws_events_copy(json_t *to, json_t *from, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        json_t *value = json_object_get(from, names[i]);
        if (value && !json_is_null(value)) {
            (void)json_object_set(to, names[i], value); /* sound names */
        }
    }
}

void aws_events_set_now(json_t *to, const char *member)
{
    (void)json_object_set_new(to, member, json_integer((json_int_t)(clock_wall_ms() / 1000)));
}

void aws_events_arn(const struct aws_call *c, const char *kind, const char *name,
                    char ret[AWS_EVENTS_ARN_BYTES])
{
    (void)snprintf(ret, AWS_EVENTS_ARN_BYTES, "arn:aws:events:%s:000000000000:%s/%s", c->region,
                   kind, name);
}

void aws_events_fail_pattern(struct aws_call *c)
{
    struct buf fault;
    const char *pattern = aws_call_text(c, "EventPattern");
    buf_init(&fault, FAULT_BYTES);
    event_pattern_append_fault(str_c(pattern ? pattern : ""), &fault);
    aws_call_fail(c, 400, "InvalidEventPatternException",
                  "Event pattern is not valid. Reason: " STR_FMT, STR_ARG(buf_str(&fault)));
    buf_finish(&fault);
}

/* ---- pages ---- */

bool aws_events_page(struct aws_page *p, struct aws_call *c)
{
    json_int_t limit = json_integer_value(aws_call_member(c, "Limit"));
    if (!aws_page_init(p, c, limit > 0 ? (size_t)limit : PAGE_LENGTH)) {
        aws_call_fail(c, 400, "ValidationException", "Parameter NextToken is not valid.");
        return false;
    }
    return true;
}

void aws_events_list(struct aws_call *c, struct json_table *table, json_table_fn take,
                     const char *member)
{
    struct aws_events_listing l = { .call = c };
    if (aws_events_page(&l.page, c)) {
        json_table_each(table, STR(""), take, &l);
        aws_page_answer(&l.page, c, member);
    }
}

bool aws_events_kept_init(struct aws_events_kept *k, struct aws_call *c, const char *operation,
                          json_int_t name_max, const char *states)
{
    const struct aws_rule rules[] = {
        { "NamePrefix", AWS_TEXT, AWS_MAY, 1, name_max, AWS_EVENTS_NAME },
        { "EventSourceArn", AWS_TEXT, AWS_MAY, 1, 1600, AWS_EVENTS_SOURCE },
        { "State", AWS_TEXT, AWS_MAY, 0, 0, states },
        { "NextToken", AWS_TEXT, AWS_MAY, 1, 2048, NULL },
        { "Limit", AWS_INTEGER, AWS_MAY, 1, 100, NULL },
    };
    if (!aws_events_check(c, rules, ARRAY_COUNT(rules))) {
        return false;
    }
    k->source = aws_call_text(c, "EventSourceArn");
    k->state = aws_call_text(c, "State");
    if (!!k->source + !!k->state + !!aws_call_text(c, "NamePrefix") > 1) {
        aws_call_fail(c, 400, "ValidationException",
                      "At most one filter is allowed for %s. Use either : State, EventSourceArn, "
                      "or NamePrefix.",
                      operation);
        return false;
    }
    bool is_bus = k->source && strstr(k->source, ":event-bus/");
    return (!is_bus || aws_events_find_bus(c, aws_events_bus_name(c, "EventSourceArn"))) &&
           aws_events_page(&k->page, c);
}

bool aws_events_kept_takes(struct aws_events_kept *k, const json_t *config, const char *name,
                           const char *state)
{
    return (!k->source ||
            event_arn_is_same(str_c(k->source), str_c(json_text(config, "EventSourceArn")))) &&
           (!k->state || strcmp(k->state, state) == 0) && aws_page_takes(&k->page, name, name);
}
