/* Cloudflare Queues: the consumer of the queue "worker:NAME" of each that has one, and the door
 * through which Workers send (env.QUEUE.send). doc/events.md has both forms; developers.cloudflare
 * .com/queues/configuration has the meaning of batches, retries and delays.
 *
 * A message's attributes are { "contentType" }, its body the message's bytes.
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "control/services.h"

struct worker_queues;

struct worker_queues *worker_queues_create(struct services *s);
/* `events.queues` and `events.consumers` of the manifest that is served from now on (borrowed). */
void worker_queues_build(struct worker_queues *wq, const json_t *manifest);

/* A Worker's request to control. */
void worker_queues_begin(struct worker_queues *wq, struct exchange *x);
