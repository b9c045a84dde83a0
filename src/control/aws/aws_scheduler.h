/* EventBridge Scheduler's API (REST-JSON): schedules, groups, tags.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/aws/aws_call.h"

/* The AWS port's entry. */
void aws_scheduler_begin(struct services *s, struct exchange *x);
