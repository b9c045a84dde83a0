/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/queue/retry.h"

#define SYSTEM_DELAY_MIN_MS 1000
#define SYSTEM_DELAY_MAX_MS 300000

static bool read_number(const json_t *json, const char *name, double *ret)
{
    const json_t *value = json_object_get(json, name);
    if (!json_is_number(value) || json_number_value(value) < 0) {
        return false;
    }
    *ret = json_number_value(value);
    return true;
}

void retry_read(const json_t *json, const struct retry_policy *otherwise, struct retry_policy *ret)
{
    const json_t *delays = json_object_get(json, "retry_delays_s");
    double number;
    *ret = *otherwise;
    if (read_number(json, "max_retries", &number)) {
        ret->retries_max = number < UINT32_MAX ? (uint32_t)number : UINT32_MAX;
    }
    if (read_number(json, "max_age_s", &number)) {
        ret->max_age_ms = (uint64_t)(number * 1000);
    }
    if (json_is_array(delays)) {
        ret->delay_count = 0;
        for (size_t i = 0; i < json_array_size(delays) && i < LIMIT_RETRY_DELAYS; i++) {
            double seconds = json_number_value(json_array_get(delays, i));
            ret->delays_ms[ret->delay_count++] = seconds > 0 ? (uint64_t)(seconds * 1000) : 0;
        }
    }
}

bool retry_next(const struct retry_policy *p, uint32_t attempts, uint64_t sent_ms, uint64_t now_ms,
                uint64_t *ret_due_ms)
{
    uint32_t retry = attempts > 0 ? attempts - 1 : 0;
    if (retry >= p->retries_max) {
        return false;
    }
    uint32_t at = retry < p->delay_count ? retry : p->delay_count - 1;
    uint64_t due = now_ms + (p->delay_count > 0 ? p->delays_ms[at] : 0);
    if (p->max_age_ms > 0 && due > sent_ms + p->max_age_ms) {
        return false;
    }
    *ret_due_ms = due;
    return true;
}

uint64_t retry_system_due(uint64_t sent_ms, uint64_t now_ms)
{
    uint64_t waited = now_ms > sent_ms ? now_ms - sent_ms : 0;
    uint64_t delay = waited < SYSTEM_DELAY_MIN_MS   ? SYSTEM_DELAY_MIN_MS
                     : waited > SYSTEM_DELAY_MAX_MS ? SYSTEM_DELAY_MAX_MS
                                                    : waited;
    return now_ms + delay;
}
