/* When an event is tried again: pure policy.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"

struct retry_policy {
    uint32_t retries_max;
    /* Before the first retry, the second...; the last stays. */
    uint64_t delays_ms[LIMIT_RETRY_DELAYS];
    uint32_t delay_count; /* 0: at once */
    uint64_t max_age_ms;  /* 0: none */
};

/* From "max_retries", "retry_delays_s" and "max_age_s" of `json`, each from `otherwise` where it is
 * missing. */
void retry_read(const json_t *json, const struct retry_policy *otherwise, struct retry_policy *ret);

/* After the try number `attempts` (1 is the first) of an event that was sent at `sent_ms` has
 * failed: true and when it is due again; false: no more. */
bool retry_next(const struct retry_policy *p, uint32_t attempts, uint64_t sent_ms, uint64_t now_ms,
                uint64_t *ret_due_ms);

/* When to try again what could not be handed over at all (throttled, the platform itself failed):
 * after as long as it has waited already, between 1 second and 5 minutes: Lambda's doubling. */
uint64_t retry_system_due(uint64_t sent_ms, uint64_t now_ms);
