/* Requests of control's own: how it invokes functions. They go to the gateway over connections that
 * control has given it (doc/events.md) and take every path that a client's do: routes, leases,
 * limits, time-outs, records.
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <uv.h>

#include "base/buf.h"
#include "base/str.h"

struct invoker;
struct invocation;

/* Gives the gateway one end of a new connection; the descriptor stays the caller's. */
typedef int (*invoker_connect_fn)(int fd, void *context);

struct invoker *invoker_create(uv_loop_t *loop, invoker_connect_fn connect, void *context);

struct invocation_result;
/* A part of an answer, with its status and headers; what is in `result` lives until it returns. It
 * may pause the invocation, but not cancel it. */
typedef void (*invocation_part_fn)(const struct invocation_result *result, void *context);

struct invocation_request {
    struct str method;
    struct str target;
    struct str host;    /* empty: localhost */
    struct str event;   /* what is handled, for the log (queue_delivery_name()); may be empty */
    struct str headers; /* "name\0value\0"..., x-mayfly-* included; framing is the invoker's */
    struct str body;
    size_t response_max_bytes;
    invocation_part_fn part; /* NULL: the body comes in one piece. Else it is handed over as it
                                comes, and what is called back with has no body, unless all of the
                                answer has come at once. */
};

struct invocation_result {
    int error;       /* 0; -EIO: the gateway could not be reached or broke off: whether the function
                        ran is unknown; -EMSGSIZE: the answer is too large */
    unsigned status; /* with error 0 */
    struct str headers; /* "name\0value\0"..., names in lower case */
    struct str body;
};

/* So much waits to be sent to functions that clients are to be refused: see LIMIT_UNSENT_BYTES. */
bool invoker_is_full(const struct invoker *v);
/* Copies what it needs. Calls back exactly once, never before it returns; the result lives until
 * the callback returns. */
typedef void (*invocation_fn)(const struct invocation_result *result, void *context);
struct invocation *invoker_call(struct invoker *v, const struct invocation_request *rq,
                                invocation_fn done, void *context);
/* No more parts until it is resumed; then whoever answers waits, too. */
void invoker_pause(struct invocation *i);
void invoker_resume(struct invocation *i);
/* Its caller is no longer interested: no callback. The connection is closed, so that the function
 * sees its client leave. */
void invoker_cancel(struct invocation *i);
