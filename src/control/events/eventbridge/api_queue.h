/* Calls of AWS's APIs that schedules make (Scheduler's "universal targets"): each is a message in
 * one queue, and this is its consumer. It asks the AWS port as any client does, but past the
 * network, and signs as the root user or, where such a one made the schedule, as a user with an
 * account of its own ("user" of the target, an access key): nobody can have done what it may not do
 * itself.
 *
 * A message's body is the call's input, its attributes are those of target_attempt.h, with a target
 * that has "api". It is at least once that a call is made: control may die before it knows that it
 * went well.
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/services.h"

#define API_QUEUE "api:aws"

void api_queue_open(struct services *s);
