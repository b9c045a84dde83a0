/* Coming to rest: whether this Node.js process may be forked, seen from the outside of JavaScript.
 *
 * Only the thread that forks survives in the child. So before a fork every other thread must be one
 * that can be made again (libuv's pool, Node's own idle helpers) and asleep, with nothing in
 * flight; and there may be no socket that two children would then share.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>
#include <uv.h>

#include "base/scope.h"

#define REST_REASON_MAX 256

struct rest {
    uint64_t activity;            /* changes when any thread but ours has run meanwhile */
    char busy[REST_REASON_MAX];   /* passing: wait and look again; "" if none */
    char reason[REST_REASON_MAX]; /* lasting: cannot be forked, in words for the user; "" if none */
};

/* `known_fd`: descriptors of ours that may stay open, ending with -1. */
void rest_scan(uv_loop_t *loop, const int *known_fds, struct rest *ret);
