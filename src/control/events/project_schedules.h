/* The schedules that the project's files declare: `events.schedules` of the manifest.
 *
 * Their ticks become messages for crons (cron_queue.h), or for what an AWS rule or schedule leads
 * to (event_target.h): what it is told to send, or AWS's "Scheduled Event".
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "control/events/schedules.h"
#include "control/services.h"

struct project_schedules;

struct project_schedules *project_schedules_create(struct services *s, struct schedules *schedules,
                                                   struct event_buses *buses);
/* Of the manifest that is served from now on (borrowed). */
void project_schedules_build(struct project_schedules *ps, const json_t *manifest);
