/* How many lines a second a person is shown. Once there are more, none are until a whole second has
 * had fewer: then they can be read again.
 *
 * Pure: time is handed in.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct rate {
    uint32_t per_second;
    uint64_t second_ms; /* when the current second began */
    uint32_t count;     /* in the current second */
    bool muted;         /* the second before had too many */
};

void rate_init(struct rate *r, uint32_t per_second, uint64_t now_ms);
/* Whether one more line may be shown now. */
bool rate_take(struct rate *r, uint64_t now_ms);
