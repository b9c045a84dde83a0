/* Event buses as destinations: the consumer of the queue "bus:NAME" of each bus. A message's body
 * is the event's detail. Its attributes say what stands around that: {"source", "detail-type",
 * "region", "resources"}, as S3's do. Without them it is what has come of an asynchronous
 * invocation (destination.h) and becomes an event as AWS's Lambda makes it: source "lambda",
 * detail-type "Lambda Function Invocation Result - Success" or "... - Failure".
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/services.h"

struct bus_queues;

struct bus_queues *bus_queue_create(struct services *s);
/* Looks at which buses there are now. */
void bus_queue_update(struct bus_queues *bq);
