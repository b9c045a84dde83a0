/* Requests to hosts outside, by libcurl: webhooks, API destinations.
 *
 * Each has a thread of its own, not one of the loop's pool: a receiver that never answers would
 * hold up the others there, and whoever stores an object. So who sends bounds how many there are.
 *
 * Called on the loop's thread only, which is also told.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <uv.h>

#include "base/str.h"

struct outgoing_request {
    const char *method; /* a literal */
    struct str url;     /* http or https */
    struct str headers; /* "name\0value\0"..., one of a name; framing is libcurl's */
    struct str body;
    long timeout_ms;
    size_t response_max_bytes; /* more of it is not kept */
};

struct outgoing_result {
    unsigned status;   /* 0: there was no answer, and `error` says why */
    const char *error; /* for a person to read */
    struct str body;
    uint64_t retry_after_s; /* as the answer says; 0: it does not */
};

/* Copies what it needs. Redirects are not followed: a secret would go along. `done` is called once,
 * never before this returns; the result lives until it returns. */
typedef void (*outgoing_fn)(const struct outgoing_result *result, void *context);
void outgoing_send(uv_loop_t *loop, const struct outgoing_request *request, outgoing_fn done,
                   void *context);
