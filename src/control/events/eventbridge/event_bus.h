/* EventBridge's buses and the rules on each: how they are made, changed and taken away.
 *
 * What the APIs make is kept in the store; what the project's files declare is taken anew with
 * every build and cannot be changed by the APIs. The bus "default" is always there.
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "control/events/eventbridge/event_bus_table.h"
#include "control/events/queue/message_batch.h"
#include "control/events/schedules/schedules.h"
#include "control/services.h"

struct event_buses *event_bus_create(struct services *s, struct schedules *schedules);
/* `events.buses` and `events.rules` of the manifest that is served from now on (borrowed). */
void event_bus_build(struct event_buses *eb, const json_t *manifest);

/* Writes a bus or a rule (used up), or removes it, and calls back when that is durable and counts.
 * EINVAL of a rule: its pattern or schedule is not sound; then it is not called back. */
void event_bus_put(struct event_buses *eb, json_t *bus, message_batch_fn done, void *context);
void event_bus_remove(struct event_buses *eb, struct str bus, message_batch_fn done, void *context);
int event_bus_put_rule(struct event_buses *eb, json_t *rule, message_batch_fn done, void *context,
                       struct err *err) MUST_USE;
void event_bus_remove_rule(struct event_buses *eb, struct str bus, struct str rule,
                           message_batch_fn done, void *context);
