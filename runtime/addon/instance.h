/* An instance as the addon's two halves see it (instance_state.c): instance_channel.c reads frames
 * and calls JavaScript, instance_answer.c is called by it and writes frames.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "addon.h"
#include "cpu_limit.h"
#include "instance_memory.h"
#include "outbox.h"

enum instance_callback {
    ON_REQUEST,
    ON_BODY,
    ON_END,
    ON_CANCEL,
    ON_CREDIT,
    ON_STOP,
    INSTANCE_CALLBACKS
};

struct instance {
    napi_env env;
    uv_poll_t wake;
    uv_prepare_t flush; /* once a turn: what was written outside of a batch */
    uv_idle_t again;    /* active: there is more to read, so the poll must not wait */
    uv_check_t more;    /* ... and it is read after the poll */
    struct channel channel;
    struct outbox outbox;
    napi_async_context async;
    napi_ref resource;
    napi_ref callbacks[INSTANCE_CALLBACKS];
    struct cpu_limit *cpu_limit; /* NULL: none */
    uint32_t active;             /* invocations */
    uint64_t usage_at_ms;        /* loop time of the last look at the clocks */
    uint64_t memory_at_ms;
    uint64_t cpu_us;
    uint64_t memory_peak_bytes;
    struct instance_memory memory;
    bool dirty; /* frames have been written and the peer has not been woken */

    /* The loop had something to do before its last wait. All of Node's timers are one handle, which
     * is off while they run: in a timer the loop does not show that others are left. */
    bool was_alive;
};

/* The process's instance; NULL, with an exception pending, before open(). */
struct instance *instance_of(napi_env env);

/* CPU time in microseconds since the last look; at most one look a millisecond of loop time. */
uint64_t instance_take_cpu_us(struct instance *in, uint64_t now_ms);

/* Defines listen, open, flush, poll and loopAlive. */
napi_status instance_channel_define(napi_env env, napi_value exports) MUST_USE;
/* Defines respond, head, write, end, informational, credit, fail, log and done. */
napi_status instance_answer_define(napi_env env, napi_value exports) MUST_USE;
