/* The SQS API: queues that programs send to and receive from, with the clients of AWS.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/services.h"

/* A request of the AWS port that is signed for "sqs". */
void sqs_begin(struct services *s, struct exchange *x);
