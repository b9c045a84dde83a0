/* How many lines a second a person is shown: a bucket that holds one second's worth.
 *
 * Pure: time is handed in.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct rate {
    uint32_t per_second;
    uint64_t tokens_ms; /* a line costs 1000 / per_second */
    uint64_t last_ms;
};

void rate_init(struct rate *r, uint32_t per_second, uint64_t now_ms);
/* Whether one more line may be shown now. */
bool rate_take(struct rate *r, uint64_t now_ms);
