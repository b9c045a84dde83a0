/* A batch of an SQS queue in a Lambda function's hands: the consumer of a queue that has an event
 * source mapping, which is its context.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/events/queue/queue.h"

extern const struct queue_consumer lambda_batch_consumer;
