/* SPDX-License-Identifier: Apache-2.0 */
#include "control/console/rate.h"

#define RATE_SECOND_MS 1000

void rate_init(struct rate *r, uint32_t per_second, uint64_t now_ms)
{
    *r = (struct rate){ .per_second = per_second, .second_ms = now_ms };
}

bool rate_take(struct rate *r, uint64_t now_ms)
{
    uint64_t passed = now_ms > r->second_ms ? now_ms - r->second_ms : 0;
    if (passed >= RATE_SECOND_MS) {
        bool follows = passed < (uint64_t)2 * RATE_SECOND_MS;
        r->muted = follows && r->count > r->per_second;
        r->second_ms = now_ms;
        r->count = 0;
    }
    r->count += r->count < UINT32_MAX;
    return !r->muted && r->count <= r->per_second;
}
