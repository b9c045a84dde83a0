/* EventBridge's buses: the rules on each, and which of them want an event.
 *
 * What the APIs make is kept in the store; what the project's files declare is taken anew with
 * every build and cannot be changed by the APIs. The bus "default" is always there.
 *
 * A rule is a JSON object: "Name", "Bus", "State", and where given "EventPattern" (text),
 * "ScheduleExpression", "Description", "RoleArn", "Tags", "Region" (of the client that put it);
 * "Targets", an array of AWS's targets as they were put; "targets", the same in the words of
 * event_target.h and event_input.h. A bus is one too: "Name", "CreationTime" and "LastModifiedTime"
 * (seconds), "Description", "Tags"...
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "control/events/message_batch.h"
#include "control/events/schedules.h"
#include "control/services.h"

struct event_buses;

struct event_buses *event_bus_create(struct services *s, struct schedules *schedules);
/* `events.buses` and `events.rules` of the manifest that is served from now on (borrowed). */
void event_bus_build(struct event_buses *eb, const json_t *manifest);

/* "arn:aws:events:REGION:000000000000:rule/NAME", with "BUS/" before it but on the default bus. */
void event_bus_rule_arn(json_t *rule, struct str region, char *ret, size_t size);

/* Borrowed; NULL: there is none. */
json_t *event_bus_find(struct event_buses *eb, struct str bus);
json_t *event_bus_find_rule(struct event_buses *eb, struct str bus, struct str rule);
bool event_bus_is_project(json_t *rule_or_bus);

/* Called for each in the order of their names. */
typedef void (*event_bus_fn)(json_t *rule_or_bus, void *context);
void event_bus_each(struct event_buses *eb, event_bus_fn each, void *context);
void event_bus_each_rule(struct event_buses *eb, struct str bus, event_bus_fn each, void *context);

/* Writes a bus or a rule (used up), or removes it, and calls back when that is durable and counts.
 * EINVAL of a rule: its pattern or schedule is not sound; then it is not called back. */
void event_bus_put(struct event_buses *eb, json_t *bus, message_batch_fn done, void *context);
void event_bus_remove(struct event_buses *eb, struct str bus, message_batch_fn done, void *context);
int event_bus_put_rule(struct event_buses *eb, json_t *rule, message_batch_fn done, void *context,
                       struct err *err) MUST_USE;
void event_bus_remove_rule(struct event_buses *eb, struct str bus, struct str rule,
                           message_batch_fn done, void *context);

struct bus_event {
    struct str bus;
    struct str id; /* a UUID */
    struct str source;
    struct str detail_type;
    uint64_t time_ms;
    struct str region;
    json_t *resources; /* borrowed; NULL: none */
    struct str detail; /* a JSON object as text */
    struct str replay; /* the replay that sends it; empty: none */
    json_t *rules;     /* ARNs, of a replay: only these get it; borrowed; NULL or empty: all */
};
/* Adds what the rules make of it to the batch. -ENOENT: there is no such bus; -EBADMSG: the detail
 * is no JSON object. */
int event_bus_send(struct event_buses *eb, const struct bus_event *event,
                   struct message_batch *batch) MUST_USE;
