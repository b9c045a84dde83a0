/* The Lambda API: functions are invoked, looked at, and told what to do with asynchronous events
 * and queues. They are made by the project's files only.
 * https://docs.aws.amazon.com/lambda/latest/api/
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/services.h"

/* A request of the AWS port that is signed for "lambda". */
void aws_lambda_begin(struct services *s, struct exchange *x);
