/* The crons that the project's files declare: those of Vercel, Netlify and Workers in
 * `events.schedules` of the manifest. (AWS's schedules are scheduler.h's and event_bus.h's.)
 *
 * Their ticks become messages of cron_queue.h.
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "control/events/schedules/schedules.h"
#include "control/services.h"

struct project_schedules;

struct project_schedules *project_schedules_create(struct services *s);
/* Of the manifest that is served from now on (borrowed). */
void project_schedules_build(struct project_schedules *ps, const json_t *manifest);
