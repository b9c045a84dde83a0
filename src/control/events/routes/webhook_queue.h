/* Outgoing webhooks: what became of an event, sent to a URL outside, signed as Standard Webhooks
 * say, and tried again for more than a day. The queue "webhook:URL" of each. What waits for a URL
 * that the project no longer names is given up when its turn comes.
 *
 * A message's body is the JSON to be sent; its attributes may have "secret". Its uuid is the
 * webhook-id, the same for all tries.
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "control/services.h"

struct webhook_queues;

struct webhook_queues *webhook_queues_create(struct services *s);
/* All destinations of the manifest that are URLs (borrowed). */
void webhook_queues_build(struct webhook_queues *wq, const json_t *manifest);
