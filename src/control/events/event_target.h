/* Targets: where EventBridge's rules and schedules lead, and how what they send becomes a message.
 *
 * A target is an object in the manifest's words: "function" (its name there), "function_name" (its
 * name at AWS), "queue", "bus", "api" (a call of AWS's APIs, "sqs:sendMessage"), "endpoint" (an
 * API destination), or none of them: then it is of a service that is not here, and what it would
 * get is dropped, which is told once. "group" is a FIFO queue's, "http_parameters" an endpoint's.
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "control/events/message_batch.h"
#include "control/services.h"

/* How long and how often a target is tried, unless it says otherwise: AWS's limits, too. */
#define EVENT_TARGET_AGE_MAX_S   86400
#define EVENT_TARGET_RETRIES_MAX 185

/* The manifest's name of the Lambda function that AWS calls `function_name`, or NULL. */
const char *event_target_function(const struct services *s, struct str function_name);

/* Sets the member of `target` that says where `arn` leads. EINVAL: it is no ARN. */
int event_target_set_arn(json_t *target, struct str arn, struct err *err) MUST_USE;

/* What a target is sent. */
struct target_message {
    struct str text;
    struct str dedup; /* of the tick or event and this target; empty: none */
    struct str arn;   /* the rule's or schedule's, for dead letters */
    uint64_t due_ms;  /* 0: at once */
    uint64_t tick_ms; /* the time that it was scheduled for; 0: it comes of an event */
};

/* Adds it to the batch. What cannot be delivered goes to the target's dead-letter queue, if it has
 * one that is there. Buses that are there are not delivered to here: their sender knows them. */
void event_target_add(struct services *s, json_t *target, const struct target_message *m,
                      struct message_batch *batch);

/* What was to be sent goes to the target's dead-letter queue, if it has one, with AWS's attributes:
 * delivery to queues and functions is local, so that nothing is to be tried again and no retry
 * policy is ever exhausted. `code`: one of those that EventBridge's guide lists. */
void event_target_give_up(struct services *s, json_t *target, const struct target_message *m,
                          const char *code, const char *why, struct message_batch *batch);

/* Why and when something became a dead letter. */
struct dead_letter {
    const char *code;
    const char *why;
    uint32_t retries;
    const char *exhausted; /* the member of the retry policy that ended it; NULL: none */
};
/* The same of a message that is being delivered, together with its outcome. */
void event_target_follow_dead(struct delivery *d, struct services *s, json_t *target,
                              const struct target_message *m, const struct dead_letter *dead);
