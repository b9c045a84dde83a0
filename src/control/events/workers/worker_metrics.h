/* How much waits in a Worker's queue: what env.QUEUE.metrics(), the answers of send() and
 * sendBatch(), and a batch's metadata tell. developers.cloudflare.com/queues calls it approximate.
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "control/events/queue/queue.h"
#include "control/exchange.h"

#define WORKER_METRICS_AGE_MS 1000 /* so old may it be that nobody asks for by itself */

struct worker_metrics {
    struct store_backlog backlog;
    uint64_t read_ms; /* when it was counted, 0: never */
    uint64_t cost_ms; /* how long that took */
};

/* Counted anew, which walks over all that waits, unless that was done not `max_age_ms` ago: of a
 * long queue, where it takes its time, it is done less often. */
void worker_metrics_read(struct worker_metrics *m, struct store *store, const struct queue *queue,
                         uint64_t max_age_ms);
/* What has been sent meanwhile. */
void worker_metrics_add(struct worker_metrics *m, const struct store_backlog *sent);
/* { "backlogCount", "backlogBytes", "oldestMessageTimestamp" } without what is in hands, a new
 * reference. The timestamp, in milliseconds, is absent where nothing waits. */
json_t *worker_metrics_json(const struct worker_metrics *m, const struct store_backlog *in_hands);
/* Answers 200 with { "metrics": all that waits }. */
void worker_metrics_answer(const struct worker_metrics *m, struct exchange *x);
