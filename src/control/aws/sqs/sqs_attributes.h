/* A queue's attributes: which there are, what they may say, what they say.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/aws/sqs/sqs_call.h"

/* Attributes that are to be set on a queue of that name; `q`: the queue, NULL: it is not yet made.
 * Truth values become "true" and "false". False: the call has failed. */
bool sqs_attributes_check(struct sqs_call *c, const char *name, const struct sqs_queue *q,
                          json_t *attributes);

/* `before` (borrowed) with changes: the caller owns the result. What was set to nothing is gone. */
json_t *sqs_attributes_merge(const json_t *before, const json_t *changes);

/* All that a queue has, those that are counted too. The caller owns the object. */
json_t *sqs_attributes_all(const struct sqs_call *c, const struct sqs_queue *q);

/* Whether GetQueueAttributes takes the name. */
bool sqs_attributes_is_known(const char *name);
