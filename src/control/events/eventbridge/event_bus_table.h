/* EventBridge's buses and rules, to be read.
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

#include "base/str.h"

struct event_buses;

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
