/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/request.h"

#include "base/chance.h"
#include "base/hex.h"
#include "base/mem.h"
#include "gateway/conn.h"
#include "gateway/control_files.h"
#include "gateway/gateway.h"
#include "http/http_target.h"

#define SPARE_MAX 1024 /* requests kept for reuse */

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
    buf_init(&rq->replay, REQUEST_REPLAY_BYTES);
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

static void close_source(struct request *rq)
{
    struct body_source *source = take_ptr(rq->source);
    if (source) {
        source->close(source);
    }
}

static void request_give_back(struct request *rq)
{
    struct gateway *g = rq->gateway;
    list_remove(&rq->in_gateway);
    if (!list_is_empty(&rq->awaiting_file)) {
        list_remove(&rq->awaiting_file);
        control_files_unwanted(g, rq->file_stream);
    }
    g->request_count--;
    close_source(rq);
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

bool request_is_controls(const struct request *rq)
{
    return rq->function == rq->gateway->control_function;
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

void request_stop_waiting(struct request *rq)
{
    if (!list_is_empty(&rq->waiting)) {
        list_remove(&rq->waiting);
        rq->function->waiting_count--;
    }
}

void request_done(struct request *rq, uint64_t cpu_us, uint64_t memory_peak_bytes)
{
    struct function *f = rq->function;
    request_stop_waiting(rq);
    if (!request_is_controls(rq)) { /* which tells of its own work */
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

void request_leave_conn(struct request *rq)
{
    rq->conn = NULL;
    close_source(rq);
    if (!rq->function) {
        rq->step = REQUEST_OVER;
    }
    finish_if_free(rq);
}

void request_count_time(struct request *rq, uint64_t start_ms)
{
    if (rq->limit_ms > 0) {
        rq->deadline_ms = gateway_now_ms(rq->gateway) + rq->limit_ms + start_ms;
    }
}
