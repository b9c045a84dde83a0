/* What a target of a schedule of the Scheduler says as its input, with what is known of the tick in
 * the place of "context attributes", as "<aws.scheduler.schedule-arn>".
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "base/buf.h"

/* `execution` is the id of this tick. The attempt's number is left where the target is called,
 * which can fail; a queue or function of ours has its message at the first. */
void schedule_input_append(struct buf *out, struct str input, json_t *target, const char *arn,
                           uint64_t time_ms, const char *execution);
/* The same with the attempt's number, from 1. */
void schedule_input_append_attempt(struct buf *out, struct str input, uint32_t attempt);
