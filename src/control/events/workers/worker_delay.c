/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/workers/worker_delay.h"

#include <errno.h>

int worker_delay_read(const json_t *object, uint64_t *ret_ms)
{
    const json_t *delay = json_object_get(object, "delaySeconds");
    if (!json_is_number(delay)) {
        return 0;
    }
    double seconds = json_number_value(delay);
    if (!(seconds >= 0 && seconds <= WORKER_DELAY_MAX_S)) {
        *ret_ms = seconds > 0 ? WORKER_DELAY_MAX_S * 1000ull : 0;
        return -ERANGE;
    }
    *ret_ms = (uint64_t)(seconds * 1000);
    return 0;
}
