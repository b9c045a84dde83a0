/* EventBridge's API destinations: each is a queue, "endpoint:NAME", and this is the consumer of
 * these queues, which sends its messages to the destination's endpoint outside, as often a second
 * as it takes, and again as its target says.
 *
 * A destination is a JSON object in a table, by its name, with the members of
 * DescribeApiDestination's answer but its ARN and state, and "Uuid". A message's body is what its
 * target is sent, its attributes are those of target_attempt.h.
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/events/eventbridge/json_table.h"
#include "control/services.h"

#define ENDPOINT_RATE 300 /* a second, where it says nothing */

struct endpoint_queues;

struct endpoint_queues *endpoint_queues_create(struct services *s);
/* `events.endpoints` of the manifest that is served from now on (borrowed). What is stored is taken
 * up, also for destinations that are gone. */
void endpoint_queues_build(struct endpoint_queues *eq, const json_t *manifest);
struct json_table *endpoint_queues_table(struct endpoint_queues *eq);
/* "arn:aws:events:REGION:000000000000:api-destination/NAME/UUID" */
void endpoint_queues_arn(const json_t *destination, const char *region, char *ret, size_t size);
/* A destination of that name is there, or will be. */
void endpoint_queues_open(struct endpoint_queues *eq, struct str name);
