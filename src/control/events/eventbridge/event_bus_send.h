/* An event's way through a bus: to the rules that want it, and what their targets get.
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "control/events/eventbridge/bus_event.h"
#include "control/events/eventbridge/event_bus_table.h"
#include "control/events/queue/message_batch.h"
#include "control/events/schedules/schedules.h"

/* Adds what the rules make of it to the batch. -ENOENT: there is no such bus; -EBADMSG: the detail
 * is no JSON object. */
int event_bus_send(struct event_buses *eb, const struct bus_event *event,
                   struct message_batch *batch) MUST_USE;

/* A tick of a rule with a schedule; the context is the struct rule. */
void event_bus_send_tick(const struct schedule_tick *tick, void *context);
