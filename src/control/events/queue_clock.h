/* A wall clock that is put back (queues_clock_set() in queue.h).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/events/queue_state.h"

/* Whether the clock was put back; called now and then. */
void queue_clock_look(struct queues *qs);
