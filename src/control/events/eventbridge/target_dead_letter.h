/* The dead letters of EventBridge's targets: what could not be delivered, in the SQS queue that its
 * target names for them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "control/events/eventbridge/target_message.h"

/* What was to be sent goes to the target's dead-letter queue, if it has one, with AWS's attributes:
 * delivery to queues and functions is local, so that nothing is to be tried again and no retry
 * policy is ever exhausted. `code`: one of those that EventBridge's guide lists. */
void target_dead_letter_add(struct services *s, json_t *target, const struct target_message *m,
                            const char *code, const char *why, struct message_batch *batch);

/* Why and when something became a dead letter. */
struct dead_letter {
    const char *code;
    const char *why;
    uint32_t retries;
    const char *exhausted; /* the member of the retry policy that ended it; NULL: none */
};
/* The same of a message that is being delivered, together with its outcome. */
void target_dead_letter_follow(struct delivery *d, struct services *s, json_t *target,
                               const struct target_message *m, const struct dead_letter *dead);
