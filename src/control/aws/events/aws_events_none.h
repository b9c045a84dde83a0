/* EventBridge's operations on what cannot be made here: global endpoints, partners' event sources.
 * They answer as in an account that has none; what would make one is refused.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/aws/call/aws_call.h"

/* Runs an operation on what there is none of here. False: it is no such operation. */
bool aws_events_none(struct aws_call *c, struct str operation);
