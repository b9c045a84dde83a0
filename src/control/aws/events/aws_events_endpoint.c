/* EventBridge's API destinations: CreateApiDestination and its kin.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/chance.h"
#include "control/aws/call/aws_check.h"
#include "control/aws/events/aws_events.h"
#include "control/events/eventbridge/endpoint_queue.h"
#include "control/events/eventbridge/event_arn.h"
#include "control/events/eventbridge/event_connection.h"
#include "control/text/json_reading.h"

#define METHODS "HEAD, POST, PATCH, DELETE, PUT, GET, OPTIONS"

#define URL "^((%[0-9A-Fa-f]{2}|[-()_.!~*';/?:@&=+$,A-Za-z0-9])+)([).!';/?:,])?$"

static const char *const settings[] = { "Description", "ConnectionArn", "InvocationEndpoint",
                                        "HttpMethod", "InvocationRateLimitPerSecond" };

static struct json_table *table(const struct aws_call *c)
{
    return endpoint_queues_table(c->services->endpoints);
}

/* By the model; else that is answered. */
static bool check(struct aws_call *c, enum aws_presence presence)
{
    const struct aws_rule rules[] = {
        { "Name", AWS_TEXT, AWS_MUST, 1, 64, AWS_EVENTS_NAME },
        { "Description", AWS_TEXT, AWS_MAY, 0, 512, NULL },
        { "ConnectionArn", AWS_TEXT, presence, 1, 1600, AWS_EVENTS_CONNECTION },
        { "InvocationEndpoint", AWS_TEXT, presence, 1, 2048, URL },
        { "HttpMethod", AWS_TEXT, presence, 0, 0, METHODS },
        { "InvocationRateLimitPerSecond", AWS_INTEGER, AWS_MAY, 1, INT32_MAX, NULL },
    };
    return aws_events_check(c, rules, ARRAY_COUNT(rules));
}

/* Whether the connection that is said, if one is, is there; else that is answered. */
static bool has_connection(struct aws_call *c)
{
    const char *arn = aws_call_text(c, "ConnectionArn");
    if (!arn || event_connection_find(c->services->connections, arn)) {
        return true;
    }
    struct str rest = str_behind(str_c(arn), STR(":connection/"));
    struct str name = str_cut(&rest, '/');
    aws_call_fail(c, 400, "ResourceNotFoundException", "Connection '" STR_FMT "' does not exist.",
                  STR_ARG(name));
    return false;
}

/* A new object with its ARN and state, and those members. */
static json_t *show(const struct aws_call *c, json_t *destination, const char *const *members,
                    size_t count)
{
    char arn[AWS_EVENTS_ARN_BYTES];
    struct event_connections *connections = c->services->connections;
    json_t *connection =
        event_connection_find(connections, json_text(destination, "ConnectionArn"));
    bool active =
        connection && strcmp(event_connection_state(connections, connection), "AUTHORIZED") == 0;
    endpoint_queues_arn(destination, c->region, arn, sizeof(arn));
    json_t *shown = json_pack("{s:s,s:s}", "ApiDestinationArn", arn, "ApiDestinationState",
                              active ? "ACTIVE" : "INACTIVE");
    aws_events_copy(shown, destination, members, count);
    if (connection && json_object_get(shown, "ConnectionArn")) {
        aws_events_connection_arn(c, connection, arn);
        (void)json_object_set_new(shown, "ConnectionArn", json_string(arn)); /* sound texts */
    }
    return shown;
}

/* Keeps it (used up), with what the input says of it. */
static void keep(struct aws_call *c, json_t *destination)
{
    static const char *const times[] = { "CreationTime", "LastModifiedTime" };
    const char *name = json_text(destination, "Name");
    aws_events_copy(destination, c->input, settings, ARRAY_COUNT(settings));
    aws_events_set_now(destination, "LastModifiedTime");
    c->context = show(c, destination, times, ARRAY_COUNT(times));
    endpoint_queues_open(c->services->endpoints, str_c(name));
    json_table_put(table(c), str_c(name), destination, aws_call_written, c);
}

/* The one that is named, or NULL: answered, with `before` in front. */
static json_t *need(struct aws_call *c, const char *before)
{
    return aws_events_need(c, table(c), "An api-destination", before);
}

/* As need(), and it may be changed. */
static json_t *need_own(struct aws_call *c)
{
    return aws_events_own(c, table(c), need(c, ""), "API destination");
}

void aws_events_create_endpoint(struct aws_call *c)
{
    char uuid[UUID_BYTES];
    if (!check(c, AWS_MUST)) {
        return;
    }
    const char *name = aws_call_text(c, "Name");
    if (json_table_find(table(c), str_c(name))) {
        aws_call_fail(c, 400, "ResourceAlreadyExistsException",
                      "An api-destination '%s' already exists.", name);
    } else if (has_connection(c)) {
        chance_uuid(uuid);
        json_t *destination = json_pack("{s:s,s:s,s:i}", "Name", name, "Uuid", uuid,
                                        "InvocationRateLimitPerSecond", ENDPOINT_RATE);
        aws_events_set_now(destination, "CreationTime");
        keep(c, destination);
    }
}

void aws_events_update_endpoint(struct aws_call *c)
{
    json_t *before = check(c, AWS_MAY) ? need_own(c) : NULL;
    if (before && has_connection(c)) {
        keep(c, json_deep_copy(before));
    }
}

void aws_events_describe_endpoint(struct aws_call *c)
{
    static const char *const members[] = { "Name",          "Description",
                                           "ConnectionArn", "InvocationEndpoint",
                                           "HttpMethod",    "InvocationRateLimitPerSecond",
                                           "CreationTime",  "LastModifiedTime" };
    json_t *destination = need(c, "Failed to describe the api-destination(s). ");
    if (destination) {
        aws_call_answer(c, show(c, destination, members, ARRAY_COUNT(members)));
    }
}

void aws_events_delete_endpoint(struct aws_call *c)
{
    if (need_own(c)) {
        json_table_remove(table(c), str_c(aws_call_text(c, "Name")), aws_call_written, c);
    }
}

static void list_one(const char *name, json_t *destination, void *context)
{
    static const char *const members[] = { "Name",
                                           "ConnectionArn",
                                           "InvocationEndpoint",
                                           "HttpMethod",
                                           "InvocationRateLimitPerSecond",
                                           "CreationTime",
                                           "LastModifiedTime" };
    struct aws_events_listing *l = context;
    const char *arn = aws_call_text(l->call, "ConnectionArn");
    json_t *shown = show(l->call, destination, members, ARRAY_COUNT(members));
    const char *own = json_text(shown, "ConnectionArn");
    if ((!arn || event_arn_is_same(str_c(arn), str_c(own))) &&
        aws_page_takes(&l->page, name, name)) {
        (void)json_array_append(l->page.list, shown); /* a new place for it */
    }
    json_decref(shown);
}

void aws_events_list_endpoints(struct aws_call *c)
{
    static const struct aws_rule rules[] = {
        { "NamePrefix", AWS_TEXT, AWS_MAY, 1, 64, AWS_EVENTS_NAME },
        { "ConnectionArn", AWS_TEXT, AWS_MAY, 1, 1600, AWS_EVENTS_CONNECTION },
        { "NextToken", AWS_TEXT, AWS_MAY, 1, 2048, NULL },
        { "Limit", AWS_INTEGER, AWS_MAY, 1, 100, NULL },
    };
    if (aws_events_check(c, rules, ARRAY_COUNT(rules))) {
        aws_events_list(c, table(c), list_one, "ApiDestinations");
    }
}
