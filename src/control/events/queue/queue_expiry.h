/* Retention, for whoever looks at a queue (queue_set_retention() in queue.h).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/events/queue/queue_state.h"

/* What was sent before that is too old. 0: nothing is. */
uint64_t queue_kept_since_ms(const struct queue *q, uint64_t now_ms);
/* Removes `ids` (owned from here on, may be NULL) and, little by little, what was due before
 * `before_ms`. The queue is woken after each step. */
void queue_expire(struct queue *q, uint64_t before_ms, uint64_t *ids, size_t count);
/* Removes what was due before everything that is kept, if anything was. */
void queue_expire_due(struct queue *q, uint64_t now_ms);
