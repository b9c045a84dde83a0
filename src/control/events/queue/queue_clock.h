/* A wall clock that is set (queues_clock_set() in queue.h).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/events/queue/queue_state.h"

#define CLOCK_NOT_SEEN_MS (INT64_MAX / 2) /* `lead_ms` at the start: it may have been put back */

/* Whether the clock was set; called now and then. */
void queue_clock_look(struct queues *qs);
