/* Targets that are called rather than given a message in a queue of ours, so that a try can fail:
 * what stays with their messages meanwhile, and what becomes of those that could not be delivered.
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "control/events/eventbridge/target_message.h"

/* How long and how often a target is tried, unless it says otherwise: AWS's limits, too. */
#define TARGET_ATTEMPT_AGE_MAX_S   86400
#define TARGET_ATTEMPT_RETRIES_MAX 185

/* The attributes of such a message: where it comes from, and its target with retries and dead
 * letters. Owned by the caller. */
char *target_attempt_attributes(json_t *target, const struct target_message *m);

/* They again, of the delivery's message: "target", "source" (the ARN of its rule or schedule),
 * "tick_ms" and "execution". A new reference. */
json_t *target_attempt_read(const struct delivery *d);

enum target_fault {
    TARGET_FAULT_PASSES, /* the same may go well later: it is tried again, as the target says */
    TARGET_FAULT_STAYS
};
struct target_failure {
    enum target_fault fault;
    const char *code; /* for the dead letter, as the next */
    const char *why;
    uint64_t wait_ms; /* at least so long until the next try, as the target has said */
};
/* The delivery's try has failed. Ends the delivery. */
void target_attempt_failed(struct services *s, struct delivery *d, const struct target_failure *f);
