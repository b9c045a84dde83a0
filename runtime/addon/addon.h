/* The state of the addon in this process. One environment only: worker threads get no Mayfly.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <uv.h>

#include "channel/channel.h"
#include "inherited.h"
#include "ipc/message.h"
#include "sandbox/syscall_filter.h"
#include "value.h"

struct instance;

struct addon {
    napi_env env;
    uv_loop_t *loop;
    int link_fd;                   /* to the supervisor; -1 in an instance */
    int parent_link_fd;            /* base zygote's own; -1 elsewhere */
    struct syscall_filter *filter; /* owned; made once in the base zygote */
    struct inherited inherited;    /* of the base zygote's, by its forks */
    uint32_t isolation;            /* enum sandbox_feature bits in force */
    uint64_t instance_id;          /* 0 while this is no instance */
    struct channel_fds channel_fds;
    struct instance *prepared; /* owned; from listen() to open() */
    struct instance *instance; /* owned; NULL until open() */
    uv_poll_t link_poll;       /* only where instances are not forked */
    napi_ref become;           /* called when this process becomes an instance */
};

/* Once, before anything else. False: it could not be set up. */
bool addon_open(napi_env env) MUST_USE;
struct addon *addon_of(napi_env env);

/* A function that JavaScript sees. */
struct addon_call {
    const char *name;
    napi_callback callback;
};
napi_status addon_define(napi_env env, napi_value exports, const struct addon_call *calls,
                         size_t count) MUST_USE;
