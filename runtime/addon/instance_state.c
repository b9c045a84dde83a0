/* SPDX-License-Identifier: Apache-2.0 */
#include <time.h>

#include "instance.h"

struct instance *instance_of(napi_env env)
{
    struct addon *addon = addon_of(env);
    if (!addon->instance) {
        (void)napi_throw_error(env, NULL, "mayfly: there is no open channel in this process");
    }
    return addon->instance;
}

/* CPU time since the last look. Looking costs a system call, so at most one a millisecond: then
 * the invocations of that millisecond share one figure, which stays right in sum. */
uint64_t instance_take_cpu_us(struct instance *in, uint64_t now_ms)
{
    if (now_ms == in->usage_at_ms) {
        return 0;
    }
    in->usage_at_ms = now_ms;
    struct timespec t;
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) < 0) {
        return 0;
    }
    uint64_t total = (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
    uint64_t spent = total - in->cpu_us;
    in->cpu_us = total;
    return spent;
}
