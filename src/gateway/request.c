/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/request.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "base/chance.h"
#include "base/hex.h"
#include "base/limits.h"
#include "base/mem.h"
#include "gateway/conn.h"
#include "gateway/control_port.h"
#include "gateway/file_reply.h"
#include "gateway/gateway.h"
#include "gateway/instance.h"
#include "gateway/invoke.h"
#include "gateway/lease.h"
#include "gateway/redirect.h"
#include "gateway/reply.h"
#include "gateway/request_error.h"
#include "http/http_target.h"

#define SPARE_MAX 1024 /* requests kept for reuse */
/* A function that was told of its time-out and goes on keeps its place in the instance for this
 * long; then the instance has to go. */
#define OVERRUN_MS 1000

/* Ids. */

static bool is_hex(struct str s, bool *ret_zero)
{
    *ret_zero = true;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.data[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) {
            return false;
        }
        *ret_zero = *ret_zero && c == '0';
    }
    return true;
}

/* "00-<32 hex>-<16 hex>-<2 hex>", W3C Trace Context. */
static bool is_traceparent(struct str s)
{
    bool zero_version, zero_trace, zero_span, zero_flags;
    return s.len == REQUEST_TRACE_BYTES && s.data[2] == '-' && s.data[35] == '-' &&
           s.data[52] == '-' && is_hex(str_of(s.data, 2), &zero_version) && zero_version &&
           is_hex(str_of(s.data + 3, 32), &zero_trace) && !zero_trace &&
           is_hex(str_of(s.data + 36, 16), &zero_span) && !zero_span &&
           is_hex(str_of(s.data + 53, 2), &zero_flags);
}

static void make_trace(struct request *rq)
{
    const struct http_field *field = http_head_find(&rq->head, STR("traceparent"));
    struct str given = rq->inner.trace.data ? rq->inner.trace : field ? field->value : STR("");
    if (is_traceparent(given)) {
        memcpy(rq->trace, given.data, REQUEST_TRACE_BYTES);
    } else {
        unsigned char b[24];
        chance_bytes(b, sizeof(b));
        memcpy(rq->trace, "00-", 3);
        (void)hex_write(b, 16, rq->trace + 3);
        rq->trace[35] = '-';
        (void)hex_write(b + 16, 8, rq->trace + 36);
        memcpy(rq->trace + 52, "-01", 3);
    }
    rq->trace[REQUEST_TRACE_BYTES] = '\0';
}

/* Memory: a request is large and lives for microseconds, so it is kept for the next. */

static struct request *request_take(struct gateway *g)
{
    if (!list_is_empty(&g->spare_requests)) {
        struct request *rq = list_entry(g->spare_requests.next, struct request, in_gateway);
        list_remove(&rq->in_gateway);
        g->spare_count--;
        return rq;
    }
    struct request *rq = mem_new(struct request);
    route_answer_init(&rq->route);
    buf_init(&rq->replay, INVOKE_REPLAY_BYTES);
    return rq;
}

/* Everything but what is reused. */
static void request_clear(struct request *rq)
{
    char *head_bytes = rq->head_bytes;
    size_t capacity = rq->head_capacity;
    struct route_answer route = rq->route;
    struct buf replay = rq->replay;
    memset(rq, 0, offsetof(struct request, head));
    memset(&rq->raw_target, 0, sizeof(*rq) - offsetof(struct request, raw_target));
    rq->head_bytes = head_bytes;
    rq->head_capacity = capacity;
    rq->route = route;
    rq->replay = replay;
    list_init(&rq->in_gateway);
    list_init(&rq->waiting);
    list_init(&rq->awaiting_file);
}

static void request_give_back(struct request *rq)
{
    struct gateway *g = rq->gateway;
    list_remove(&rq->in_gateway);
    if (!list_is_empty(&rq->awaiting_file)) {
        list_remove(&rq->awaiting_file);
        control_port_file_unwanted(g, rq->file_stream);
    }
    g->request_count--;
    file_reply_close(rq->file);
    rq->file = NULL;
    router_unref(rq->router);
    rq->router = NULL;
    function_unref(take_ptr(rq->inner.caller));
    function_unref(take_ptr(rq->inner.passed));
    free(rq->raw_target);
    rq->raw_target = NULL;
    buf_finish(&rq->replay);
    route_answer_reset(&rq->route);
    if (rq->head_capacity > REQUEST_HEAD_KEEP || g->spare_count >= SPARE_MAX) {
        free(rq->head_bytes);
        rq->head_bytes = NULL;
        rq->head_capacity = 0;
    }
    if (g->spare_count >= SPARE_MAX) {
        route_answer_finish(&rq->route);
        free(rq);
        return;
    }
    list_push_front(&g->spare_requests, &rq->in_gateway);
    g->spare_count++;
}

/* Everybody but a plain server goes by a URL, in which there are no dot segments: so routes must
 * not see them either. S3's keys are no paths. */
static void remove_dots(struct request *rq, const struct conn *c)
{
    struct str target = rq->head.target;
    if (c->door != DOOR_PUBLIC || target.data[0] != '/' || !http_target_may_have_dots(target)) {
        return;
    }
    rq->raw_target = mem_copy_str(target);
    char *at = rq->head_bytes + (target.data - rq->head_bytes);
    rq->head.target.len = http_target_remove_dots(at, target.len);
}

int request_create(struct gateway *g, struct conn *c, struct str bytes, struct request **ret)
{
    struct request *rq = request_take(g);
    request_clear(rq);
    rq->gateway = g;
    if (rq->head_capacity < bytes.len) {
        size_t capacity = bytes.len > REQUEST_HEAD_KEEP ? bytes.len : REQUEST_HEAD_KEEP;
        rq->head_bytes = mem_resize(rq->head_bytes, capacity, 1);
        rq->head_capacity = capacity;
    }
    memcpy(rq->head_bytes, bytes.data, bytes.len);
    list_push(&g->requests, &rq->in_gateway);
    g->request_count++;
    int r = http_head_parse(rq->head_bytes, bytes.len, &rq->head);
    /* S3 passes over what it does not know: so do those who test it. */
    if (r == 0 && rq->head.expects_other && c->door != DOOR_AWS) {
        r = -417;
    }
    if (r < 0) {
        request_give_back(rq);
        return r;
    }
    remove_dots(rq, c);
    inner_read(g, c->door == DOOR_CONTROL, &rq->head, &rq->inner);
    (void)function_ref(rq->inner.caller);
    rq->conn = c;
    rq->start_ns = uv_hrtime();
    rq->start_ms = gateway_epoch_ms(g);
    if (rq->inner.request_id.len == REQUEST_ID_BYTES) {
        memcpy(rq->id, rq->inner.request_id.data, REQUEST_ID_BYTES);
        rq->id[REQUEST_ID_BYTES] = '\0';
    } else {
        chance_uuid(rq->id);
    }
    make_trace(rq);
    *ret = rq;
    return 0;
}

/* The record. */

static void post_usage(struct request *rq, uint64_t instance, uint64_t cpu_us,
                       uint64_t memory_peak_bytes)
{
    uint64_t now = uv_hrtime();
    struct record_usage record = {
        .function = rq->function ? rq->function->id : 0,
        .instance = instance,
        .start_ms = rq->start_ms,
        .duration_us = (now - rq->start_ns) / 1000,
        .init_us =
            rq->leased_ns > rq->start_ns && rq->cold ? (rq->leased_ns - rq->start_ns) / 1000 : 0,
        .cpu_us = cpu_us,
        .memory_peak_bytes = memory_peak_bytes,
        .bytes_in = rq->body_bytes,
        .bytes_out = rq->sent_bytes,
        .endpoint = rq->endpoint,
        .status = (uint16_t)rq->status,
        .cold = rq->cold,
        .outcome = (uint8_t)rq->outcome,
    };
    struct str texts[RECORD_USAGE_TEXT_COUNT] = {
        [RECORD_USAGE_REQUEST_ID] = str_c(rq->id),
        [RECORD_USAGE_TRACE_ID] = str_of(rq->trace + 3, 32),
        [RECORD_USAGE_METHOD] = rq->head.method,
        [RECORD_USAGE_PATH] = rq->head.target,
        [RECORD_USAGE_ERROR] = str_c(rq->error),
        [RECORD_USAGE_EVENT] = rq->inner.delivery,
    };
    records_usage(&rq->gateway->records, &record, texts);
}

/* Of a function's own request its caller's record tells. */
static bool led_nowhere(const struct request *rq)
{
    return rq->router && rq->route.kind == ROUTE_NONE && !rq->inner.caller;
}

static void finish_if_free(struct request *rq)
{
    if (!rq->conn && rq->step == REQUEST_OVER && !rq->instance && !rq->function) {
        if (led_nowhere(rq)) {
            post_usage(rq, 0, 0, 0);
        }
        request_give_back(rq);
    }
}

void request_done(struct request *rq, uint64_t cpu_us, uint64_t memory_peak_bytes)
{
    struct function *f = rq->function;
    lease_forget(rq);
    if (!control_port_has(rq)) { /* which tells of its own work */
        post_usage(rq, rq->served_by, cpu_us, memory_peak_bytes);
    }
    rq->function = NULL;
    f->request_count--;
    f->used_ms = gateway_now_ms(rq->gateway);
    if (!rq->conn) {
        rq->step = REQUEST_OVER;
    }
    finish_if_free(rq); /* first: it lets go of who has asked, which may be the same function */
    function_unref(f);
}

/* The steps. Each returns true when it is the next one's turn, false when it waits or is over. */

/* What is no resource's business. */
static bool answer_server_method(struct request *rq)
{
    struct str method = rq->head.method;
    if (str_eq(rq->head.target, STR("*"))) {
        reply_whole(rq, 200, STR("allow\0GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS\0"), STR(""));
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

static bool step_route(struct request *rq)
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

static bool step_lease(struct request *rq)
{
    int r = lease_acquire(rq);
    if (r < 0) {
        request_fail(rq, ERROR_OVERLOAD, STR("too many requests wait for it"));
        request_done(rq, 0, 0);
        return false;
    }
    rq->step = r > 0 ? REQUEST_INVOKE : REQUEST_LEASE;
    return r > 0;
}

void request_send_continue(struct request *rq)
{
    if (rq->head.expects_continue && !rq->continue_sent && rq->conn) {
        rq->continue_sent = true;
        reply_informational(rq, 100, STR(""));
    }
}

void request_count_time(struct request *rq, uint64_t start_ms)
{
    if (rq->limit_ms > 0) {
        rq->deadline_ms = gateway_now_ms(rq->gateway) + rq->limit_ms + start_ms;
    }
}

static bool step_invoke(struct request *rq)
{
    struct instance *i = rq->instance;
    rq->served_by = i->id;
    rq->leased_ns = uv_hrtime();
    request_count_time(rq, i->ready ? 0 : LIMIT_LOAD_MS);
    rq->step = REQUEST_REPLY; /* a body that came before, to another instance, follows at once */
    int r = invoke_send(rq);
    if (r == -EAGAIN) {
        instance_unbind(i, rq);
        instance_sort(i);
        rq->attempts--; /* nobody died */
        lease_again(rq);
        return false;
    }
    if (r < 0) {
        instance_unbind(i, rq);
        request_fail(rq, ERROR_HEAD, STR(""));
        request_done(rq, 0, 0);
        return false;
    }
    /* Control says when it wants the body: it may refuse it by the head. */
    if (!control_port_has(rq)) {
        request_send_continue(rq);
    }
    if (rq->conn) {
        conn_resume_body(rq->conn);
    }
    return false;
}

static bool (*const steps[REQUEST_STEP_COUNT])(struct request *rq) = {
    [REQUEST_ROUTE] = step_route,   [REQUEST_LEASE] = step_lease,
    [REQUEST_INVOKE] = step_invoke, [REQUEST_REPLY] = NULL, /* goes on with the instance's frames */
    [REQUEST_OVER] = NULL,
};

void request_continue(struct request *rq, enum request_step step)
{
    rq->step = step;
    while (steps[rq->step](rq)) {
    }
}

void request_start(struct request *rq)
{
    request_continue(rq, REQUEST_ROUTE);
}

/* Ends. */

/* Answered, or as good as that. */
static void release(struct request *rq)
{
    bool rest_follows = !rq->body_end && !rq->tunnel; /* of the body; it will not come */
    rq->conn = NULL;
    if (rq->instance && (rest_follows || rq->file)) {
        invoke_cancel(rq, FRAME_CANCEL_CLIENT);
    }
    file_reply_close(take_ptr(rq->file));
    if (!rq->function) {
        rq->step = REQUEST_OVER;
    }
    finish_if_free(rq);
}

void request_answered(struct request *rq, bool keep_alive)
{
    conn_answered(rq->conn, keep_alive);
    release(rq);
}

void request_abort(struct request *rq)
{
    conn_abort(rq->conn);
    release(rq);
}

void request_client_gone(struct request *rq)
{
    rq->conn = NULL;
    file_reply_close(take_ptr(rq->file));
    if (!rq->function) {
        rq->step = REQUEST_OVER;
        finish_if_free(rq);
        return;
    }
    if (rq->outcome == RECORD_OK) {
        rq->outcome = RECORD_CLIENT;
    }
    if (rq->instance) {
        invoke_cancel(rq, FRAME_CANCEL_CLIENT);
    } else {
        request_done(rq, 0, 0);
    }
}

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
    invoke_cancel(rq, FRAME_CANCEL_TIMEOUT);
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
