/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/gateway.h"

#include <time.h>

struct str gateway_date(struct gateway *g)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME_COARSE, &now); /* always works */
    if (now.tv_sec != g->date_s) {
        g->date_s = now.tv_sec;
        http_date_format(now.tv_sec, g->date);
        g->epoch_offset_ms =
            (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000 - uv_now(&g->loop);
    }
    return str_of(g->date, HTTP_DATE_BYTES - 1);
}

void gateway_expect_sweep(struct gateway *g)
{
    if (!uv_is_active((uv_handle_t *)&g->sweep) ||
        uv_timer_get_due_in(&g->sweep) > GATEWAY_SWEEP_MS) {
        (void)uv_timer_start(&g->sweep, g->on_sweep, GATEWAY_SWEEP_MS, 0); /* has a callback */
    }
}
