/* A Worker's env.QUEUE.send() and sendBatch(): stores the messages, all or none, and answers.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/events/workers/worker_metrics.h"
#include "control/exchange.h"

/* Reads the body (doc/events.md), writes its messages to `queue`, answers 200 when they are
 * durable, with what `metrics` tell of the queue then; they outlive it. `delay_ms` of messages that
 * do not say. */
void worker_send_begin(struct store *store, struct exchange *x, struct queue *queue,
                       uint64_t delay_ms, struct worker_metrics *metrics);
