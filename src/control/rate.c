/* SPDX-License-Identifier: Apache-2.0 */
#include "control/rate.h"

#define RATE_BURST_MS 1000

void rate_init(struct rate *r, uint32_t per_second, uint64_t now_ms)
{
    *r = (struct rate){ .per_second = per_second,
                        .tokens_ms = (uint64_t)RATE_BURST_MS * per_second,
                        .last_ms = now_ms };
}

bool rate_take(struct rate *r, uint64_t now_ms)
{
    uint64_t full = (uint64_t)RATE_BURST_MS * r->per_second;
    uint64_t passed = now_ms > r->last_ms ? now_ms - r->last_ms : 0;
    r->last_ms = now_ms > r->last_ms ? now_ms : r->last_ms;
    passed = passed > RATE_BURST_MS ? RATE_BURST_MS : passed;
    r->tokens_ms += passed * r->per_second;
    r->tokens_ms = r->tokens_ms > full ? full : r->tokens_ms;
    if (r->tokens_ms < 1000) {
        return false;
    }
    r->tokens_ms -= 1000;
    return true;
}
