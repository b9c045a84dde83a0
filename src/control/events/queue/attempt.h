/* What becomes of an event that is alone in its delivery, and of which a try did not succeed.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/events/queue/retry.h"
#include "control/invoker.h"
#include "control/services.h"

/* Its handler ran and failed with `error`. True: it is tried again as `policy` says; false: it is
 * given up, and stays as a dead letter. The log tells. */
bool attempt_failed(struct services *s, struct delivery *d, const struct retry_policy *policy,
                    struct str error);

/* It did not reach its handler, and is tried again later: that was no try of the handler's. Its
 * queue hands out fewer at a time for a while. */
void attempt_postponed(struct services *s, struct delivery *d, const char *why);

/* What has kept it from its handler, or so it must be assumed; NULL: it was handled. */
const char *attempt_hindrance(const struct invocation_result *result);
