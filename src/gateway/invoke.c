/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/invoke.h"

#include <errno.h>

#include "base/limits.h"
#include "gateway/conn.h"
#include "gateway/gateway.h"
#include "gateway/instance.h"

_Static_assert(LIMIT_BODY_FRAME_BYTES <= LIMIT_RING_BYTES / 2 - sizeof(struct frame) &&
                   LIMIT_REQUEST_FRAME_BYTES + REQUEST_REPLAY_BYTES + KIB <= LIMIT_RING_BYTES / 2 &&
                   LIMIT_REQUEST_FRAME_BYTES <= LIMIT_BODY_FRAME_BYTES,
               "what an instance's ring can take");
/* Of the frames behind the request's own, and what rounds them up. */
#define REPLAY_FRAME_BYTES (4 * sizeof(struct frame))
/* Ids, the client's address and port, the scheme, and a NUL behind each part. */
#define META_OWN_BYTES 256

static char *put(char *at, struct str s)
{
    if (s.len > 0) {
        memcpy(at, s.data, s.len);
    }
    return at + s.len;
}

static char *put_ended(char *at, struct str s)
{
    at = put(at, s);
    *at = '\0';
    return at + 1;
}

static struct str host_of(const struct request *rq)
{
    return rq->head.host.len > 0 ? rq->head.host : STR("localhost");
}

/* Bounds for what the two writers below need. */
static size_t headers_bound(const struct request *rq)
{
    size_t len = rq->head.host.len + inner_bound(&rq->inner);
    for (size_t i = 0; i < rq->head.field_count; i++) {
        len += rq->head.fields[i].name.len + rq->head.fields[i].value.len + 2;
    }
    return len;
}

static size_t meta_bound(const struct request *rq)
{
    return META_OWN_BYTES + host_of(rq).len + rq->head.target.len + rq->route.params.len +
           rq->inner.address.len + rq->inner.target.len;
}

/* The AWS port gets every field: a signature covers what its client chose. */
static bool is_passed_on(const struct request *rq, const struct http_field *f)
{
    return !f->hop || (request_is_controls(rq) && rq->endpoint == CONTROL_AWS);
}

/* As the client wrote it, but for what is long. */
static char *put_written(char *at, const struct http_field *f)
{
    char *end = put_ended(at, f->name);
    for (uint64_t left = f->capitals; left != 0; left &= left - 1) {
        at[__builtin_ctzll(left)] &= (char)~0x20;
    }
    return end;
}

/* REST APIs of API Gateway show names as they were written: the runtime lowers them for all else.
 */
static bool wants_written_names(const struct request *rq)
{
    return rq->function->dialect == DIALECT_LAMBDA || rq->function->dialect == DIALECT_BOOTSTRAP;
}

static char *put_headers(const struct request *rq, char *at)
{
    bool written = wants_written_names(rq);
    for (size_t i = 0; i < rq->head.field_count; i++) {
        const struct http_field *f = &rq->head.fields[i];
        if (is_passed_on(rq, f)) {
            at = written ? put_written(at, f) : put_ended(at, f->name);
            /* The target's own host replaces the field's. */
            at = put_ended(at, str_eq(f->name, STR("host")) ? rq->head.host : f->value);
        }
    }
    return inner_put(&rq->inner, rq->function->dialect, at);
}

static char *put_meta(const struct request *rq, char *at)
{
    char port[8];
    int len = snprintf(port, sizeof(port), "%u", rq->conn->port);
    at = put_ended(at, str_c(rq->id));
    at = put_ended(at, str_c(rq->trace));
    at = put_ended(at, rq->inner.address.len > 0 ? rq->inner.address : str_c(rq->conn->address));
    at = put_ended(at, str_of(port, (size_t)len));
    at = put_ended(at, rq->inner.scheme);
    at = put_ended(at, host_of(rq));
    at = put_ended(at, rq->inner.target.len > 0 ? rq->inner.target : rq->head.target);
    return rq->route.params.len > 0 ? put(at, buf_str(&rq->route.params)) : at;
}

/* Notes that the channel is full, so that instance_read() tries again. */
static int is_full(struct instance *i)
{
    i->full = true;
    instance_touch(i);
    return -EAGAIN;
}

static int send_frame(struct request *rq, const struct frame *frame, const void *payload)
{
    struct instance *i = rq->instance;
    if (ring_write(&i->channel.out, frame, payload) < 0) {
        return is_full(i);
    }
    instance_touch(i);
    return 0;
}

static uint32_t left_ms(const struct request *rq)
{
    uint64_t now = gateway_now_ms(rq->gateway);
    if (rq->deadline_ms == 0) {
        return 0;
    }
    uint64_t left = rq->deadline_ms > now ? rq->deadline_ms - now : 1;
    left = left < rq->limit_ms ? left : rq->limit_ms;
    return left < UINT32_MAX ? (uint32_t)left : UINT32_MAX;
}

/* There is room: send_request() has seen to it. */
static void send_replay(struct request *rq)
{
    struct frame frame = { .type = FRAME_BODY,
                           .stream = rq->stream,
                           .length = (uint32_t)rq->replay.len };
    if (frame.length > 0) {
        (void)send_frame(rq, &frame, rq->replay.data);
    }
}

/* A plain server reads the line as it came, unless a rule has rewritten it. */
static struct str target_of(const struct request *rq)
{
    bool raw = rq->raw_target && rq->function->dialect == DIALECT_SERVER &&
               rq->route.target.data == rq->head.target.data;
    return raw ? str_c(rq->raw_target) : rq->route.target;
}

static int send_request(struct request *rq)
{
    struct instance *i = rq->instance;
    struct str method = rq->head.method;
    struct str target = target_of(rq);
    size_t bound =
        sizeof(struct frame_request) + method.len + target.len + headers_bound(rq) + meta_bound(rq);
    if (bound > LIMIT_REQUEST_FRAME_BYTES) {
        return -EMSGSIZE;
    }
    /* With half of its body it could not be taken back: all that is there goes along, or nothing.
     */
    size_t body = rq->replay.len > 0 ? rq->replay.len + REPLAY_FRAME_BYTES : 0;
    char *payload = ring_reserve(&i->channel.out, (uint32_t)(bound + body));
    if (!payload) {
        return is_full(i);
    }
    struct frame_request head = { .endpoint = rq->endpoint,
                                  .method_len = (uint32_t)method.len,
                                  .target_len = (uint32_t)target.len };
    char *at = put(put(payload + sizeof(head), method), target);
    char *meta = put_headers(rq, at);
    head.headers_len = (uint32_t)(meta - at);
    at = put_meta(rq, meta);
    head.meta_len = (uint32_t)(at - meta);
    memcpy(payload, &head, sizeof(head));
    bool ends = rq->body_end && rq->body_bytes == 0;
    rq->cold = i->served_count++ == 0;
    struct frame frame = { .type = FRAME_REQUEST,
                           .flags = (uint16_t)((ends ? FRAME_FLAG_END : 0) |
                                               (rq->cold ? FRAME_FLAG_COLD : 0)),
                           .stream = rq->stream,
                           .value = left_ms(rq),
                           .length = (uint32_t)(at - payload) };
    ring_commit(&i->channel.out, &frame);
    instance_sent(i);
    rq->sent = true;
    rq->body_end_sent = ends;
    return 0;
}

int invoke_send(struct request *rq)
{
    int r = send_request(rq);
    if (r < 0) {
        return r;
    }
    instance_touch(rq->instance);
    send_replay(rq);
    if (rq->body_end) {
        invoke_body_end(rq);
    }
    return 0;
}

size_t invoke_body_room(struct request *rq, size_t wanted)
{
    if (rq->step != REQUEST_REPLY || !rq->instance) {
        return 0;
    }
    uint64_t window = LIMIT_STREAM_WINDOW_BYTES + rq->body_credit - rq->body_bytes;
    size_t max = rq->accepted ? LIMIT_BODY_FRAME_BYTES : REQUEST_REPLAY_BYTES - rq->replay.len;
    size_t room = wanted < max ? wanted : max;
    room = window < room ? (size_t)window : room;
    if (room > 0 && !ring_reserve(&rq->instance->channel.out, (uint32_t)room)) {
        (void)is_full(rq->instance);
        return 0;
    }
    return room;
}

char *invoke_body_reserve(struct request *rq, size_t wanted, size_t *ret_room)
{
    *ret_room = invoke_body_room(rq, wanted);
    return *ret_room > 0 && rq->accepted /* what may have to be replayed is kept */
               ? ring_reserve(&rq->instance->channel.out, (uint32_t)*ret_room)
               : NULL;
}

static struct frame body_frame(const struct request *rq, size_t len)
{
    return (struct frame){ .type = FRAME_BODY,
                           .flags = rq->tunnel ? FRAME_FLAG_TUNNEL : 0,
                           .stream = rq->stream,
                           .length = (uint32_t)len };
}

void invoke_body_commit(struct request *rq, size_t len)
{
    struct frame frame = body_frame(rq, len);
    ring_commit(&rq->instance->channel.out, &frame);
    instance_touch(rq->instance);
    rq->body_bytes += len;
}

int invoke_body(struct request *rq, struct str data)
{
    uint64_t max = rq->function->body_max_bytes;
    if (max > 0 && !rq->tunnel && rq->body_bytes + data.len > max) {
        return -EFBIG;
    }
    struct frame frame = body_frame(rq, data.len);
    if (send_frame(rq, &frame, data.data) < 0 ||
        (!rq->accepted && buf_append(&rq->replay, data) < 0)) {
        return -EAGAIN;
    }
    rq->body_bytes += data.len;
    return 0;
}

void invoke_body_end(struct request *rq)
{
    struct frame frame = { .type = FRAME_END, .stream = rq->stream };
    if (rq->step == REQUEST_REPLY && rq->instance && !rq->body_end_sent &&
        send_frame(rq, &frame, NULL) == 0) {
        rq->body_end_sent = true;
    }
}

static void credit(struct request *rq, uint64_t bytes)
{
    struct frame frame = { .type = FRAME_CREDIT, .stream = rq->stream, .value = (uint32_t)bytes };
    if (send_frame(rq, &frame, NULL) == 0) {
        rq->reply_credited += bytes;
    }
}

void invoke_next_file(struct request *rq)
{
    struct frame frame = { .type = FRAME_CREDIT, .stream = rq->stream };
    rq->wants_file = send_frame(rq, &frame, NULL) < 0;
}

void invoke_drained(struct request *rq)
{
    if (rq->source) {
        rq->source->resume(rq->source);
        return;
    }
    if (rq->wants_file) {
        invoke_next_file(rq);
        return;
    }
    /* A client that has fallen behind gets no more memory for that. */
    uint64_t held = rq->conn ? conn_pending(rq->conn) : 0;
    bool wide =
        rq->reply_bytes >= LIMIT_STREAM_WIDE_AFTER_BYTES && held < LIMIT_STREAM_WINDOW_BYTES;
    uint64_t want = wide ? LIMIT_STREAM_WIDE_WINDOW_BYTES : LIMIT_STREAM_WINDOW_BYTES;
    uint64_t window = LIMIT_STREAM_WINDOW_BYTES + rq->reply_credited - rq->reply_bytes;
    if (rq->instance && window + held <= want / 2) {
        credit(rq, want - held - window);
    }
}

void invoke_retry(struct request *rq)
{
    if (rq->body_end && !rq->body_end_sent) {
        invoke_body_end(rq);
    }
    invoke_drained(rq);
    if (rq->conn) {
        conn_resume_body(rq->conn);
    }
}
