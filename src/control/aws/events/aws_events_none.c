/* SPDX-License-Identifier: Apache-2.0 */
#include "control/aws/events/aws_events_none.h"

#include "control/aws/call/aws_check.h"
#include "control/aws/events/aws_events_input.h"

#define PARTNER "aws\\.partner(/[\\.\\-_A-Za-z0-9]+){2,}"
#define NAMED(member, max, pattern)                                                                \
    {                                                                                              \
        {                                                                                          \
            member, AWS_TEXT, AWS_MUST, 1, max, pattern                                            \
        }                                                                                          \
    }
#define PAGE(limit)                                                                                \
    { "NextToken", AWS_TEXT, AWS_MAY, 1, 2048, NULL },                                             \
    {                                                                                              \
        limit, AWS_INTEGER, AWS_MAY, 1, 100, NULL                                                  \
    }
#define PREFIX                                                                                     \
    {                                                                                              \
        "NamePrefix", AWS_TEXT, AWS_MAY, 1, 64, AWS_EVENTS_NAME                                    \
    }

#define RULES_MAX 4

struct operation {
    const char *name;
    struct aws_rule rules[RULES_MAX]; /* up to one without a member */
    const char *list;                 /* the member that is empty; NULL: it names what is missing */
    const char *before, *behind;      /* the name, in what is said of that; NULL: it is not said */
};

/* clang-format off */
#define OF_ENDPOINT    NAMED("Name", 64, AWS_EVENTS_NAME), NULL, "Endpoint '", "' does not exist."
#define OF_SOURCE      NAMED("Name", 256, PARTNER), NULL, "Event source ", " does not exist."

static const struct operation operations[] = {
    { "ActivateEventSource",        OF_SOURCE },
    { "DeactivateEventSource",      OF_SOURCE },
    { "DeleteEndpoint",             OF_ENDPOINT },
    /* Who deletes a source that is not there is told nothing: the model has no such error. */
    { "DeletePartnerEventSource",   NAMED("Name", 256, PARTNER), NULL, NULL, NULL },
    { "DescribeEndpoint",           OF_ENDPOINT },
    { "DescribeEventSource",        OF_SOURCE },
    { "DescribePartnerEventSource", OF_SOURCE },
    { "ListEndpoints",              { PREFIX, { "HomeRegion", AWS_TEXT, AWS_MAY, 9, 20, "^[\\-a-z0-9]+$" }, PAGE("MaxResults") },
      "Endpoints", NULL, NULL },
    { "ListEventSources",           { { "NamePrefix", AWS_TEXT, AWS_MAY, 1, 256, "[/\\.\\-_A-Za-z0-9]+" }, PAGE("Limit") },
      "EventSources", NULL, NULL },
    { "ListPartnerEventSourceAccounts", NAMED("EventSourceName", 256, PARTNER), NULL, "Event source ", " does not exist." },
    { "ListPartnerEventSources",    { { "NamePrefix", AWS_TEXT, AWS_MUST, 1, 256,
                                        "aws\\.partner/[\\.\\-_A-Za-z0-9]+/[/\\.\\-_A-Za-z0-9]*" }, PAGE("Limit") },
      "PartnerEventSources", NULL, NULL },
    { "UpdateEndpoint",             OF_ENDPOINT },
};
/* clang-format on */

static bool would_make(struct str operation)
{
    static const char *const names[] = { "CreateEndpoint", "CreatePartnerEventSource",
                                         "PutPartnerEvents" };
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (str_eq(operation, str_c(names[i]))) {
            return true;
        }
    }
    return false;
}

static void run(struct aws_call *c, const struct operation *o)
{
    struct aws_page page;
    size_t count = 0;
    while (count < RULES_MAX && o->rules[count].member) {
        count++;
    }
    if (!aws_events_check(c, o->rules, count)) {
        return;
    }
    if (o->before) {
        aws_call_fail(c, 400, "ResourceNotFoundException", "%s%s%s", o->before,
                      aws_call_text(c, o->rules[0].member), o->behind);
    } else if (!o->list) {
        aws_call_answer(c, NULL);
    } else if (aws_events_page(&page, c)) {
        aws_page_answer(&page, c, o->list);
    }
}

bool aws_events_none(struct aws_call *c, struct str operation)
{
    for (size_t i = 0; i < ARRAY_COUNT(operations); i++) {
        if (str_eq(operation, str_c(operations[i].name))) {
            run(c, &operations[i]);
            return true;
        }
    }
    if (would_make(operation)) {
        aws_call_fail(
            c, 501, "NotImplementedException",
            "Mayfly's event buses lead to Lambda functions, SQS queues and other buses: " STR_FMT
            " is not implemented.",
            STR_ARG(operation));
        return true;
    }
    return false;
}
