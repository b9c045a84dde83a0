/* What the schedules of EventBridge's two services send: AWS's "Scheduled Event", or what their
 * targets say as their input.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "base/buf.h"

/* Whether it is the ARN of a rule; else it is a schedule's of the Scheduler. */
bool schedule_input_is_rule(struct str arn);

/* What the service sends of itself. Appends it. `arn`: of the rule or schedule. */
int schedule_input_event(struct str arn, uint64_t time_ms, struct buf *out) MUST_USE;

/* What the target of a schedule of the Scheduler says as its input, with what is known of the tick
 * in the place of "context attributes", as "<aws.scheduler.schedule-arn>". That of the attempt is
 * left where the target is called, which can fail; a queue or function of ours has its message at
 * the first. */
void schedule_input_append(struct buf *out, struct str input, json_t *target, const char *arn,
                           uint64_t time_ms);
/* The same with the attempt's number, from 1. */
void schedule_input_append_attempt(struct buf *out, struct str input, uint32_t attempt);
