/* Handing out, and what comes of it: of queue.h's functions those of deliveries, taking and
 * settling.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/events/queue/queue_state.h"

/* Hands out what is due, as far as the policy allows, and sets the timer for the rest. */
void queue_dispatch(struct queue *q);
