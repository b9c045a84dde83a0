/* SPDX-License-Identifier: Apache-2.0 */
#include "control/exchange.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/http_block.h"

#define READ_BATCH        512 /* frames a turn */
#define STREAM_BUCKETS    1024
#define BODY_FRAME_BYTES  (32 * KIB)
#define PENDING_BYTES_MAX (64 * MIB) /* of an answer behind its window: no listing is so long */
#define META_PARTS        7          /* runtime.md: requestId ... originalTarget */

/* A frame that the ring had no room for. */
struct waiting_frame {
    struct list link;
    struct frame frame;
    char payload[];
};

struct exchange_port {
    struct channel channel;
    uv_poll_t poll;
    uv_prepare_t prepare;
    uv_idle_t again; /* active: there is more to read */
    exchange_begin_fn begin;
    void *context;
    exchange_file_fn send_file;
    struct list streams[STREAM_BUCKETS]; /* of struct exchange, by stream */
    struct list over;                    /* done, and `over` not called yet */
    struct list waiting;                 /* of struct waiting_frame */
    struct list readers;                 /* of struct body_reader, the longest at it first */
    size_t reading_bytes;                /* what they have */
};

/* ---- frames out ---- */

static void put(struct exchange_port *p, const struct frame *frame, const void *payload)
{
    if (list_is_empty(&p->waiting) && ring_write(&p->channel.out, frame, payload) == 0) {
        return;
    }
    struct waiting_frame *w = mem_alloc(sizeof(*w) + frame->length);
    w->frame = *frame;
    if (frame->length > 0) {
        memcpy(w->payload, payload, frame->length);
    }
    list_push(&p->waiting, &w->link);
}

static void put_waiting(struct exchange_port *p)
{
    while (!list_is_empty(&p->waiting)) {
        struct waiting_frame *w = list_entry(p->waiting.next, struct waiting_frame, link);
        if (ring_write(&p->channel.out, &w->frame, w->payload) < 0) {
            return;
        }
        list_remove(&w->link);
        free(w);
    }
}

static void put_simple(struct exchange *x, enum frame_type type, uint32_t value)
{
    const struct frame f = { .type = (uint16_t)type, .stream = x->stream, .value = value };
    put(x->port, &f, NULL);
}

/* The answer and everything about it is complete. */
static void finish(struct exchange *x)
{
    if (!x->ended) {
        x->ended = true;
        buf_finish(&x->pending);
        put_simple(x, FRAME_DONE, 0);
        list_remove(&x->link);
        list_push(&x->port->over, &x->link);
    }
}

/* Small answers, which nearly all are, in one frame; false: this one is not small. */
static bool respond_whole(struct exchange *x, unsigned status, struct str headers, struct str body)
{
    char payload[LIMIT_FRAME_PAYLOAD_BYTES];
    uint32_t fields = (uint32_t)headers.len;
    size_t length = sizeof(fields) + headers.len + body.len;
    if (length > sizeof(payload)) {
        return false;
    }
    memcpy(payload, &fields, sizeof(fields));
    memcpy(payload + sizeof(fields), headers.data, headers.len);
    if (body.len > 0) {
        memcpy(payload + sizeof(fields) + headers.len, body.data, body.len);
    }
    const struct frame f = { .type = FRAME_RESPONSE,
                             .flags = FRAME_FLAG_WHOLE | FRAME_FLAG_END,
                             .stream = x->stream,
                             .value = status,
                             .length = (uint32_t)length };
    put(x->port, &f, payload);
    return true;
}

/* Says how long it is, as a whole answer does by itself: some clients ask for that. */
static void respond_in_pieces(struct exchange *x, unsigned status, struct str headers,
                              struct str body)
{
    char length[24];
    struct buf all;
    int len = snprintf(length, sizeof(length), "%zu", body.len);
    buf_init(&all, LIMIT_RESPONSE_HEAD_BYTES + KIB);
    int r = buf_append(&all, headers);
    r = r < 0 ? r : http_block_add(&all, STR("content-length"), str_of(length, (size_t)len));
    exchange_head(x, r < 0 ? 500 : status, r < 0 ? STR("") : buf_str(&all));
    buf_finish(&all);
    (void)exchange_write(x, body); /* what is over the window waits */
    exchange_end(x);
}

void exchange_respond(struct exchange *x, unsigned status, struct str headers, struct str body)
{
    if (x->head_sent || x->ended) {
        return;
    }
    if (respond_whole(x, status, headers, body)) {
        x->head_sent = true;
        finish(x);
    } else {
        respond_in_pieces(x, status, headers, body);
    }
}

void exchange_head(struct exchange *x, unsigned status, struct str headers)
{
    if (x->head_sent || x->ended) {
        return;
    }
    x->head_sent = true;
    if (headers.len > LIMIT_RESPONSE_HEAD_BYTES) {
        status = 500;
        headers = STR("");
    }
    const struct frame f = { .type = FRAME_RESPONSE,
                             .stream = x->stream,
                             .value = status,
                             .length = (uint32_t)headers.len };
    put(x->port, &f, headers.data);
}

static void write_now(struct exchange *x, struct str data)
{
    while (data.len > 0) {
        size_t len = data.len < BODY_FRAME_BYTES ? data.len : BODY_FRAME_BYTES;
        const struct frame f = { .type = FRAME_BODY, .stream = x->stream, .length = (uint32_t)len };
        put(x->port, &f, data.data);
        x->window -= (int64_t)len;
        data = str_skip(data, len);
    }
}

int64_t exchange_write(struct exchange *x, struct str data)
{
    if (x->ended || x->is_gone) {
        return x->is_gone ? 1 : 0; /* goes nowhere, and holds nobody up */
    }
    size_t room = x->pending.len == 0 && x->window > 0 ? (size_t)x->window : 0;
    size_t now = data.len < room ? data.len : room;
    write_now(x, str_of(data.data, now));
    if (buf_append(&x->pending, str_skip(data, now)) < 0) {
        log_error("an answer of more than %zu MB waits for its client: it is broken off",
                  PENDING_BYTES_MAX / MIB);
        exchange_break(x);
        return 0;
    }
    int64_t left = x->window - (int64_t)x->pending.len;
    x->wants_room = left <= 0;
    return left;
}

static void end_if_sent(struct exchange *x)
{
    if (x->end_wanted && (x->pending.len == 0 || x->is_gone) && !x->ended) {
        put_simple(x, FRAME_END, 0);
        finish(x);
    }
}

void exchange_end(struct exchange *x)
{
    if (!x->head_sent && !x->ended) {
        exchange_respond(x, 500, STR(""), STR(""));
        return;
    }
    x->end_wanted = true;
    end_if_sent(x);
}

void exchange_break(struct exchange *x)
{
    if (!x->ended) {
        const struct frame f = {
            .type = FRAME_FAIL, .stream = x->stream, .value = FRAME_FAIL_THROW, .length = 2
        };
        put(x->port, &f, "{}");
        finish(x);
    }
}

/* False: the exchange has ended. */
static bool send_file(struct exchange *x, int fd, uint64_t offset, uint64_t length, uint16_t flags)
{
    if (x->ended) {
        return false;
    }
    if (x->is_gone) {
        exchange_end(x);
        return false;
    }
    if (x->port->send_file(fd, x->stream, offset, length, x->port->context) < 0) {
        exchange_break(x);
        return false;
    }
    const struct frame f = { .type = FRAME_FILE, .flags = flags, .stream = x->stream };
    put(x->port, &f, NULL);
    return true;
}

void exchange_send_file(struct exchange *x, int fd, uint64_t offset, uint64_t length)
{
    x->wants_room = send_file(x, fd, offset, length, 0);
}

void exchange_send_last_file(struct exchange *x, int fd, uint64_t offset, uint64_t length)
{
    if (send_file(x, fd, offset, length, FRAME_FLAG_END)) {
        finish(x);
    }
}

void exchange_credit(struct exchange *x, size_t bytes)
{
    if (!x->ended && !x->has_whole_body && bytes > 0) {
        put_simple(x, FRAME_CREDIT, (uint32_t)bytes);
    }
}

/* ---- frames in ---- */

static struct exchange *find(struct exchange_port *p, uint32_t stream)
{
    list_for_each (item, &p->streams[stream % STREAM_BUCKETS]) {
        struct exchange *x = list_entry(item, struct exchange, link);
        if (x->stream == stream) {
            return x;
        }
    }
    return NULL;
}

static bool cut(struct str *rest, uint32_t len, struct str *ret)
{
    if (len > rest->len) {
        return false;
    }
    *ret = str_of(rest->data, len);
    *rest = str_skip(*rest, len);
    return true;
}

/* "requestId\0traceparent\0address\0port\0scheme\0host\0original\0" */
static bool read_meta(struct exchange *x, struct str meta)
{
    struct str parts[META_PARTS];
    for (size_t i = 0; i < META_PARTS; i++) {
        if (str_find(meta, '\0') == meta.len) {
            return false;
        }
        parts[i] = str_cut(&meta, '\0');
        if (!meta.data) {
            meta = STR("");
        }
    }
    x->request_id = parts[0].data;
    x->remote = parts[2];
    x->scheme = parts[4];
    x->host = parts[5];
    x->target = parts[6];
    return true;
}

static bool read_request(struct exchange *x, size_t length)
{
    struct frame_request head;
    struct str rest = str_of(x->memory, length);
    struct str meta, target;
    if (length < sizeof(head)) {
        return false;
    }
    memcpy(&head, x->memory, sizeof(head));
    rest = str_skip(rest, sizeof(head));
    return head.endpoint < EXCHANGE_DOOR_COUNT && cut(&rest, head.method_len, &x->method) &&
           cut(&rest, head.target_len, &target) && cut(&rest, head.headers_len, &x->headers) &&
           cut(&rest, head.meta_len, &meta) && read_meta(x, meta) &&
           (x->door = (enum exchange_door)head.endpoint, true);
}

static int on_request(struct exchange_port *p, const struct frame *f, const char *payload)
{
    struct exchange *x = mem_new(struct exchange);
    *x = (struct exchange){ .port = p,
                            .stream = f->stream,
                            .memory = mem_alloc((size_t)f->length + 1),
                            .has_body = !(f->flags & FRAME_FLAG_END),
                            .window = (int64_t)LIMIT_STREAM_WINDOW_BYTES };
    memcpy(x->memory, payload, f->length); /* the one copy that is looked at */
    buf_init(&x->pending, PENDING_BYTES_MAX);
    if (!read_request(x, f->length)) {
        free(x->memory);
        free(x);
        return -EPROTO;
    }
    list_push(&p->streams[f->stream % STREAM_BUCKETS], &x->link);
    put_simple(x, FRAME_ACCEPT, 0);
    p->begin(x, p->context);
    if (x->has_body && !x->head_sent) {
        put_simple(x, FRAME_CREDIT, 0); /* it is wanted: a client that waits for that may send it */
    }
    return 0;
}

static void on_body(struct exchange *x, const struct frame *f, const char *payload)
{
    x->has_whole_body = f->flags & FRAME_FLAG_END;
    if (f->length > 0) {
        x->received += f->length;
        if (x->events && x->events->body) {
            x->events->body(x, str_of(payload, f->length));
        } else {
            exchange_credit(x, f->length); /* nobody wants it */
        }
    }
    if ((f->flags & FRAME_FLAG_END) && !x->ended && x->events && x->events->body_end) {
        x->events->body_end(x);
    }
}

static void on_credit(struct exchange *x, uint32_t bytes)
{
    x->window += bytes;
    if (x->pending.len > 0 && x->window > 0) {
        size_t len = x->pending.len < (size_t)x->window ? x->pending.len : (size_t)x->window;
        write_now(x, str_of(x->pending.data, len));
        buf_consume(&x->pending, len);
    }
    end_if_sent(x);
    if (!x->ended && x->wants_room && x->window > (int64_t)x->pending.len) {
        x->wants_room = false;
        if (x->events && x->events->writable) {
            x->events->writable(x);
        }
    }
}

static void on_cancel(struct exchange *x)
{
    if (x->is_gone) {
        return;
    }
    x->is_gone = true;
    if (x->events && x->events->gone) {
        x->events->gone(x);
    }
    end_if_sent(x);
}

static int handle(struct exchange_port *p, const struct frame *f, const char *payload)
{
    struct exchange *x = f->stream ? find(p, f->stream) : NULL;
    if (f->type == FRAME_REQUEST) {
        return x ? -EPROTO : on_request(p, f, payload);
    }
    if (f->type == FRAME_PING) {
        const struct frame pong = { .type = FRAME_PONG };
        put(p, &pong, NULL);
    } else if (x && (f->type == FRAME_BODY || f->type == FRAME_END)) {
        struct frame body = *f;
        body.flags |= f->type == FRAME_END ? FRAME_FLAG_END : 0;
        on_body(x, &body, payload);
    } else if (x && f->type == FRAME_CREDIT) {
        on_credit(x, f->value);
    } else if (x && f->type == FRAME_CANCEL) {
        on_cancel(x);
    }
    return 0; /* the rest is for streams that are over */
}

/* 1: one was read. 0: there is none. Negative: the gateway broke the rules. */
static int read_one(struct exchange_port *p)
{
    struct frame frame;
    const void *payload;
    int r = ring_peek(&p->channel.in, &frame, &payload);
    if (r <= 0) {
        return r;
    }
    if (frame.length > LIMIT_BODY_FRAME_BYTES) {
        return -EPROTO;
    }
    r = handle(p, &frame, payload);
    ring_consume(&p->channel.in);
    return r < 0 ? r : 1;
}

static void call_over(struct exchange_port *p)
{
    list_for_each (item, &p->over) {
        struct exchange *x = list_entry(item, struct exchange, link);
        list_remove(&x->link);
        if (x->events) {
            x->events->over(x);
        }
        free(x->memory);
        free(x);
    }
}

static void on_more(uv_idle_t *idle)
{
    (void)idle; /* its being active makes the loop not wait */
}

static void read_all(struct exchange_port *p)
{
    int r = 1;
    for (int i = 0; i < READ_BATCH && r > 0; i++) {
        r = read_one(p);
    }
    if (r < 0) {
        log_error("the gateway's channel is broken"); /* the supervisor starts us both again */
        abort();
    }
    put_waiting(p);
    call_over(p);
}

static void on_wake(uv_poll_t *poll, int status, int events)
{
    struct exchange_port *p = container_of(poll, struct exchange_port, poll);
    (void)status; /* what it sleeps on has no errors */
    (void)events;
    channel_awake(&p->channel);
    read_all(p);
}

/* Before the loop waits: what was written leaves, and the gateway learns that we sleep. */
static void on_prepare(uv_prepare_t *prepare)
{
    struct exchange_port *p = container_of(prepare, struct exchange_port, prepare);
    read_all(p);
    channel_flush(&p->channel);
    bool more = !channel_sleep(&p->channel) || !list_is_empty(&p->over);
    (void)!(more ? uv_idle_start(&p->again, on_more) : uv_idle_stop(&p->again)); /* always work */
}

int exchange_port_open(uv_loop_t *loop, const struct channel_fds *fds,
                       const struct exchange_actions *actions, void *context,
                       struct exchange_port **ret)
{
    struct exchange_port *p = mem_new(struct exchange_port);
    int r = channel_open(&p->channel, fds, CHANNEL_INSTANCE);
    if (r == 0) {
        r = uv_poll_init(loop, &p->poll, p->channel.wake_self);
    }
    if (r < 0) {
        channel_close(&p->channel);
        free(p);
        return r;
    }
    p->begin = actions->begin;
    p->send_file = actions->send_file;
    p->context = context;
    for (size_t i = 0; i < STREAM_BUCKETS; i++) {
        list_init(&p->streams[i]);
    }
    list_init(&p->over);
    list_init(&p->waiting);
    list_init(&p->readers);
    (void)uv_prepare_init(loop, &p->prepare); /* none of these can fail */
    (void)uv_idle_init(loop, &p->again);
    (void)uv_prepare_start(&p->prepare, on_prepare);
    (void)uv_poll_start(&p->poll, UV_READABLE, on_wake);
    const struct frame ready = { .type = FRAME_READY };
    put(p, &ready, NULL);
    *ret = p;
    return 0;
}

/* ---- for handlers ---- */

struct body_reader {
    struct list link; /* port->readers */
    struct exchange *x;
    struct buf body;
    exchange_body_fn done;
    const struct exchange_events *before; /* the handler's */
    void *user;
};

/* It is the handler's again. The caller owns what has been read. */
static struct buf body_leave(struct exchange *x)
{
    struct body_reader *b = x->user;
    struct buf body = b->body;
    list_remove(&b->link);
    x->port->reading_bytes -= body.len;
    x->events = b->before;
    x->user = b->user;
    free(b);
    return body;
}

static void body_give(struct exchange *x, int r)
{
    exchange_body_fn done = ((const struct body_reader *)x->user)->done;
    struct buf body = body_leave(x);
    done(x, r, buf_str(&body));
    buf_finish(&body);
}

static void body_take(struct exchange *x, struct str data)
{
    struct body_reader *b = x->user;
    struct exchange_port *p = x->port;
    exchange_credit(x, data.len);
    if (buf_append(&b->body, data) < 0) {
        body_give(x, -EMSGSIZE);
        return;
    }
    p->reading_bytes += data.len;
    while (p->reading_bytes > LIMIT_READING_BYTES) { /* who takes his time makes room */
        body_give(list_entry(p->readers.next, struct body_reader, link)->x, -EBUSY);
    }
}

static void body_complete(struct exchange *x)
{
    body_give(x, 0);
}

static void body_gone(struct exchange *x)
{
    body_give(x, -ECANCELED);
}

/* Answered while it was read. */
static void body_over(struct exchange *x)
{
    struct buf body = body_leave(x);
    buf_finish(&body);
    if (x->events) {
        x->events->over(x);
    }
}

void exchange_read_body(struct exchange *x, size_t limit, exchange_body_fn done)
{
    static const struct exchange_events events = {
        .body = body_take, .body_end = body_complete, .gone = body_gone, .over = body_over
    };
    if (!x->has_body) {
        done(x, 0, STR(""));
        return;
    }
    struct body_reader *b = mem_new(struct body_reader);
    *b = (struct body_reader){ .x = x, .done = done, .before = x->events, .user = x->user };
    buf_init(&b->body, limit);
    list_push(&x->port->readers, &b->link);
    x->events = &events;
    x->user = b;
}
