/* A tick of a schedule of EventBridge Scheduler: what its target gets, be it a schedule that the
 * API has made or one of the project's files.
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "control/events/schedules/schedules.h"
#include "control/services.h"

/* `target`: as event_target.h says, with "input" (text; none: AWS's "Scheduled Event"), and where
 * it is a bus "detail_type" and "source" of the event of which the input is the detail. `due_ms`: 0
 * is at once. */
void schedule_send(struct services *s, json_t *target, const char *arn, uint64_t due_ms,
                   const struct schedule_tick *tick);
