/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/request_steps.h"

#include <stdio.h>

#include "base/limits.h"
#include "gateway/conn.h"
#include "gateway/control_port.h"
#include "gateway/file_reply.h"
#include "gateway/gateway.h"
#include "gateway/instance.h"
#include "gateway/lease.h"
#include "gateway/redirect.h"
#include "gateway/request_error.h"

/* A function that was told of its time-out and goes on keeps its place in the instance for this
 * long; then the instance has to go. */
#define OVERRUN_MS 1000

/* What is no resource's business. */
static bool answer_server_method(struct request *rq)
{
    struct str method = rq->head.method;
    if (str_eq(rq->head.target, STR("*"))) {
        request_answer(rq, 200, STR("allow\0GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS\0"),
                       STR(""));
        return true;
    }
    if (str_eq(method, STR("TRACE"))) {
        request_error_status(rq, 405, STR(""));
        return true;
    }
    return false;
}

/* A request that is to be kept, answered once only, or answered before it is done. */
static bool goes_through_events(const struct request *rq, const struct endpoint *e)
{
    if (!e || rq->inner.direct) {
        return false;
    }
    if (e->via == ENDPOINT_VIA_EVENTS_UNLESS_SAFE) {
        return !http_method_is_safe(rq->head.method);
    }
    const struct http_field *type =
        e->invoke ? http_head_find(&rq->head, STR("x-amz-invocation-type")) : NULL;
    return e->via == ENDPOINT_VIA_EVENTS || (type && str_eq(type->value, STR("Event")));
}

/* The wait for an instance is none of the function's own time. The first may have to be loaded. */
static uint64_t queue_deadline_ms(const struct request *rq, uint64_t timeout_ms)
{
    uint64_t start_ms = rq->function->has_served ? LIMIT_QUEUE_MS : LIMIT_LOAD_MS;
    uint64_t wait_ms = timeout_ms > start_ms ? timeout_ms : start_ms;
    return timeout_ms > 0 ? gateway_now_ms(rq->gateway) + wait_ms : 0;
}

static bool begin_function(struct request *rq)
{
    struct function *f = rq->router->functions[rq->route.function];
    const struct endpoint *endpoint = function_endpoint(f, rq->route.endpoint);
    uint64_t timeout_ms = rq->inner.timeout_ms > 0 ? rq->inner.timeout_ms
                                                   : function_timeout_ms(f, rq->route.endpoint);
    if (goes_through_events(rq, endpoint)) {
        rq->inner.passed = function_ref(f); /* a deploy may retire it while the request waits */
        rq->inner.passed_endpoint = endpoint->via != ENDPOINT_VIA_NOTHING ? endpoint : NULL;
        control_port_take(rq, CONTROL_ROUTE);
        return true;
    }
    if (f->dialect == DIALECT_BOOTSTRAP && timeout_ms > 0) {
        timeout_ms += LIMIT_LOAD_MS; /* an executable may have to start: its adapter counts then */
    }
    rq->function = function_ref(f);
    rq->endpoint = rq->route.endpoint;
    f->request_count++;
    rq->limit_ms = timeout_ms;
    rq->deadline_ms = queue_deadline_ms(rq, timeout_ms);
    gateway_expect_sweep(rq->gateway);
    enum error_kind refused = ERROR_NONE;
    if (endpoint && endpoint->broken) {
        refused = ERROR_BROKEN;
    } else if (f->body_max_bytes > 0 && rq->head.has_length &&
               rq->head.length > f->body_max_bytes) {
        refused = ERROR_BODY;
    }
    if (refused != ERROR_NONE) {
        request_fail(rq, refused, refused == ERROR_BROKEN ? str_c(endpoint->broken) : STR(""));
        request_done(rq, 0, 0);
        return false;
    }
    rq->step = REQUEST_LEASE;
    return true;
}

/* Returns 0 or the status to refuse with. */
static unsigned find_route(struct request *rq)
{
    struct route_input in = { .method = rq->head.method,
                              .target = rq->head.target,
                              .head = &rq->head,
                              .via = rq->inner.via,
                              .after = inner_through(&rq->inner),
                              .before = rq->inner.target };
    unsigned refused = 0;
    if (rq->inner.service.data) {
        refused = inner_route(rq);
    } else {
        router_find(rq->router, &in, &rq->route);
    }
    return rq->route.kind == ROUTE_FUNCTION && inner_loops(&rq->inner) ? 508 : refused;
}

static void answer_status(struct request *rq, unsigned status)
{
    if (status != 404 || !file_reply_method(rq)) {
        request_error_status(rq, status, STR(""));
    }
}

/* True: a function is to answer it, or control. False: it has been answered. */
static bool find_way(struct request *rq)
{
    struct gateway *g = rq->gateway;
    if (rq->conn->door == DOOR_AWS || rq->inner.to_aws) {
        control_port_take(rq, CONTROL_AWS);
        return true;
    }
    if (answer_server_method(rq)) {
        return false;
    }
    if (rq->inner.to_control) {
        control_port_take(rq, CONTROL_FUNCTION);
        return true;
    }
    if (!g->router) {
        request_error_status(rq, 503, STR("nothing is deployed yet"));
        return false;
    }
    rq->router = router_ref(g->router);
    unsigned refused = find_route(rq);
    if (refused != 0) {
        request_error_status(rq, refused, STR(""));
        return false;
    }
    switch (rq->route.kind) {
    case ROUTE_FUNCTION:
        return !request_error_foreign(rq) && begin_function(rq);
    case ROUTE_STATIC:
        rq->step = REQUEST_REPLY;
        file_reply_start(rq);
        break;
    case ROUTE_REDIRECT:
        redirect_answer(rq);
        break;
    case ROUTE_STATUS:
        answer_status(rq, rq->route.status);
        break;
    case ROUTE_CONTROL:
        control_port_take(rq, CONTROL_WEBHOOK);
        return true;
    case ROUTE_NONE:
        answer_status(rq, 404);
        break;
    }
    return false;
}

void request_start(struct request *rq)
{
    if (find_way(rq) && lease_acquire(rq) < 0) {
        request_fail(rq, ERROR_OVERLOAD, STR("too many requests wait for it"));
        request_done(rq, 0, 0);
    }
}

/* Time-outs. */

/* Whether it has given a sign of life since the request's time was up: then who holds it up now is
 * another one, whose own time may not be up. */
static bool has_turned_since(const struct instance *i, const struct request *rq)
{
    return i->progress_ms > rq->kill_ms - OVERRUN_MS;
}

/* Time is up, and the function has been told. */
static void overrun(struct request *rq)
{
    struct instance *i = rq->instance;
    const struct function *f = rq->function;
    bool hangs = instance_is_silent(i) && (instance_used(i) == 1 || !has_turned_since(i, rq));
    rq->kill_ms = 0;
    if (hangs || f->limits.concurrency == 1 || f->dialect == DIALECT_LAMBDA) {
        instance_kill(i, STOP_TIMEOUT);
        return;
    }
    /* Its loop turns, or another one holds it up: others are served there, and it stays, without
     * this one. */
    instance_abandon(i);
    instance_unbind(i, rq);
    request_done(rq, 0, 0);
}

static void time_out(struct request *rq, uint64_t now_ms)
{
    char text[64];
    rq->deadline_ms = 0;
    if (!rq->instance) {
        request_fail(rq, ERROR_OVERLOAD, STR("its time passed while it waited for an instance"));
        request_done(rq, 0, 0);
        return;
    }
    rq->cancelled = false; /* once more if the client's leaving has been told already */
    instance_cancel(rq, FRAME_CANCEL_TIMEOUT);
    bool alone = rq->function->limits.concurrency == 1;
    rq->kill_ms = alone ? now_ms : now_ms + OVERRUN_MS;
    if (!rq->response_over) {
        int len = snprintf(text, sizeof(text), "after %llu ms", (unsigned long long)rq->limit_ms);
        request_fail(rq, ERROR_TIMEOUT, str_of(text, (size_t)len));
    }
}

void request_sweep(struct request *rq, uint64_t now_ms)
{
    if (!rq->function) {
        return;
    }
    if (rq->deadline_ms > 0 && now_ms >= rq->deadline_ms) {
        time_out(rq, now_ms);
        return; /* it may be gone */
    }
    struct instance *i = rq->instance;
    if (rq->kill_ms > 0 && i &&
        (now_ms >= rq->kill_ms || (instance_is_silent(i) && !has_turned_since(i, rq)))) {
        overrun(rq);
    }
}
