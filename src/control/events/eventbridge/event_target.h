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

#include "control/events/eventbridge/target_message.h"
#include "control/services.h"

/* The manifest's name of the Lambda function that AWS calls `function_name`, or NULL. */
const char *event_target_function(const struct services *s, struct str function_name);

/* Sets the member of `target` that says where `arn` leads. EINVAL: it is no ARN. */
int event_target_set_arn(json_t *target, struct str arn, struct err *err) MUST_USE;

/* Adds it to the batch. What cannot be delivered goes to the target's dead-letter queue, if it has
 * one that is there. Buses that are there are not delivered to here: their sender knows them. */
void event_target_add(struct services *s, json_t *target, const struct target_message *m,
                      struct message_batch *batch);
