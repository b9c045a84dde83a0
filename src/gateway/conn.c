/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/conn.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/limits.h"
#include "base/mem.h"
#include "gateway/gateway.h"
#include "gateway/peer.h"

#define CONN_IN_BYTES      (64 * KIB) /* pipelined requests wait up to this much */
#define CONN_OUT_BYTES_MAX (4 * MIB)  /* the streams' windows keep it far below */
#define CONN_BEHIND_BYTES  (64 * KIB) /* of answers not sent: the next request waits */
#define CONN_KEEP_BYTES    (4 * KIB)  /* of a buffer, between requests */
#define CONN_DISCARD_BYTES (1 * MIB)  /* of a body nobody wants, to keep the connection */
#define CONN_LINGER_MS     2000
#define CONN_READS         8 /* a turn, of a body that keeps coming */
/* A client that closes its sending side may still read: wget and nc do. One that is gone looks the
 * same. Between the two: an answer that begins within this, and goes on within it, is sent. */
#define CONN_HALF_CLOSE_MS 200

static void on_poll(uv_poll_t *poll, int status, int events);

static const struct conn_events *events_of(const struct conn *c)
{
    return c->gateway->conn_events;
}

/* The client asks faster than it takes answers: it is read no further, or its answers would fill
 * our memory. */
static bool is_behind(const struct conn *c)
{
    return c->state == CONN_IDLE && conn_pending(c) >= CONN_BEHIND_BYTES;
}

static bool wants_read(const struct conn *c)
{
    if (c->eof || c->state == CONN_CLOSING || c->state == CONN_CLOSED) {
        return false;
    }
    return !c->body_blocked && c->in.len < CONN_IN_BYTES && !is_behind(c);
}

static void set_events(struct conn *c, int events)
{
    if (c->state == CONN_CLOSED || events == c->events) {
        return;
    }
    c->events = events;
    if (events == 0) {
        (void)uv_poll_stop(&c->poll); /* always succeeds */
    } else {
        (void)uv_poll_start(&c->poll, events, on_poll); /* fails only for a closed handle */
    }
}

static int wanted_events(const struct conn *c)
{
    return (wants_read(c) ? UV_READABLE : 0) | (conn_pending(c) > 0 ? UV_WRITABLE : 0) |
           (c->eof ? 0 : UV_DISCONNECT);
}

/* A change costs two system calls, and most bodies are held back for the rest of a turn only: so
 * reading is given up when something has come that is not wanted (on_poll()). */
static void watch(struct conn *c)
{
    set_events(c, wanted_events(c) | (c->events & UV_READABLE));
}

static void on_closed(uv_handle_t *handle)
{
    struct conn *c = container_of((uv_poll_t *)handle, struct conn, poll);
    buf_finish(&c->in);
    conn_out_finish(&c->out);
    free(c);
}

static void close_now(struct conn *c)
{
    if (c->state == CONN_CLOSED) {
        return;
    }
    struct request *rq = take_ptr(c->request);
    conn_out_set_reset(&c->out, c->is_cut_off || conn_pending(c) > 0);
    c->state = CONN_CLOSED;
    list_remove(&c->in_gateway);
    list_remove(&c->dirty);
    c->gateway->conn_count--;
    c->gateway->conn_left = true;
    uv_close((uv_handle_t *)&c->poll, on_closed);
    (void)close(c->fd);
    if (rq) {
        (void)events_of(c)->gone(rq); /* nobody is there to be refused */
    }
}

void conn_touch(struct conn *c)
{
    if (list_is_empty(&c->dirty)) {
        list_push(&c->gateway->dirty_conns, &c->dirty);
    }
}

static void process_later(struct conn *c)
{
    c->process_again = true;
    conn_touch(c);
}

static void begin_close(struct conn *c)
{
    c->state = CONN_CLOSING;
    c->deadline_ms = c->gone_ms = 0;
    c->body_blocked = false;
    conn_touch(c);
}

static void begin_idle(struct conn *c)
{
    c->state = CONN_IDLE;
    c->scan = (struct http_scan){ .inner = c->door == DOOR_CONTROL };
    c->deadline_ms = gateway_now_ms(c->gateway) + LIMIT_KEEPALIVE_MS;
    c->gone_ms = 0;
    if (c->in.len > 0 || c->eof) {
        process_later(c);
    }
}

/* The client has its time for the next piece from now on. */
static void await_body(struct conn *c)
{
    bool awaited = conn_body_is_awaited(&c->body);
    c->deadline_ms = awaited ? gateway_now_ms(c->gateway) + LIMIT_BODY_IDLE_MS : 0;
}

void conn_answered(struct conn *c, bool keep_alive)
{
    bool too_much = c->body.kind == CONN_BODY_LENGTH && c->body.left > CONN_DISCARD_BYTES;
    c->request = NULL;
    c->body_blocked = c->is_cut_off = false;
    if (!keep_alive || too_much) {
        begin_close(c);
    } else if (!conn_body_is_complete(&c->body)) {
        c->state = CONN_DISCARD;
        await_body(c);
        if (c->body.kind == CONN_BODY_CHUNKED) {
            c->body.left = CONN_DISCARD_BYTES;
        }
        process_later(c);
    } else {
        begin_idle(c);
    }
    conn_touch(c);
}

void conn_abort(struct conn *c)
{
    c->request = NULL;
    c->body.kind = CONN_BODY_NONE;
    begin_close(c);
}

void conn_resume_body(struct conn *c)
{
    if (c->body_blocked) {
        c->body_blocked = false;
        process_later(c);
    }
}

/* The client's bytes. */

static void refuse(struct conn *c, unsigned status, struct str head)
{
    c->keep_alive = false;
    events_of(c)->refuse(c, status, head);
    c->body.kind = CONN_BODY_LENGTH; /* who knows what else is coming: linger */
    c->body.left = 1;
    begin_close(c);
}

/* The rest of the request's body is not to be had. */
static void give_up(struct conn *c, unsigned status)
{
    if (events_of(c)->gone(take_ptr(c->request))) {
        begin_close(c);
    } else {
        refuse(c, status, STR(""));
    }
}

void conn_begin(struct conn *c, struct request *rq, const struct http_head *head)
{
    c->state = CONN_BUSY;
    c->request = rq;
    c->keep_alive = head->keep_alive;
    conn_body_begin(&c->body, head);
    await_body(c);
}

/* A head, or part of one, is at the front. False: more is needed. */
static bool take_head(struct conn *c, struct str *in)
{
    if (is_behind(c)) {
        process_later(c);
        return false;
    }
    int len = http_head_scan(&c->scan, *in);
    if (len == 0) {
        if (c->state == CONN_IDLE && in->len > 0) {
            c->state = CONN_HEAD;
            c->deadline_ms = gateway_now_ms(c->gateway) + LIMIT_HEAD_MS;
        }
        return false;
    }
    struct str head = str_skip(*in, c->scan.blank);
    head.len = len > 0 ? (size_t)len - c->scan.blank : 0;
    int r = len > 0 ? events_of(c)->head(c, head) : len;
    if (r < 0) {
        refuse(c, (unsigned)-r, *in);
        *in = str_of(in->data + in->len, 0);
        return true;
    }
    *in = str_skip(*in, (size_t)len);
    return true;
}

static void body_complete(struct conn *c)
{
    c->body.kind = CONN_BODY_NONE;
    c->deadline_ms = 0;
    if (c->request) {
        events_of(c)->body_end(c->request);
    }
}

/* Until conn_resume_body(). */
static void wait_for_room(struct conn *c)
{
    c->body_blocked = true;
    c->deadline_ms = 0;
}

/* False: wait for more of it, or for room. */
static bool feed_body(struct conn *c, struct str *in)
{
    if (in->len == 0) {
        return false;
    }
    size_t room = events_of(c)->body_room(c->request, in->len);
    if (room == 0) {
        wait_for_room(c);
        return false;
    }
    struct str data;
    int r = conn_body_take(&c->body, in, room, &data);
    if (r < 0) {
        give_up(c, 400);
        return true;
    }
    await_body(c);
    if (data.len > 0) {
        events_of(c)->body(c->request, data);
    }
    if (r == HTTP_CHUNKED_END && c->state == CONN_BUSY) {
        body_complete(c);
    }
    return r == HTTP_CHUNKED_END || in->len > 0;
}

static bool discard_body(struct conn *c, struct str *in)
{
    struct str data;
    if (in->len == 0) {
        return false;
    }
    int r = conn_body_take(&c->body, in, in->len, &data);
    if (r == HTTP_CHUNKED_END) {
        c->body.kind = CONN_BODY_NONE;
        begin_idle(c);
        return true;
    }
    if (c->body.kind == CONN_BODY_CHUNKED) {
        c->body.left = data.len < c->body.left ? c->body.left - data.len : 0;
    }
    if (r < 0 || c->body.left == 0) {
        begin_close(c);
    }
    return true;
}

/* Handles bytes until more are needed; what is left of `in` must be kept. */
static void process(struct conn *c, struct str *in)
{
    for (;;) {
        bool again = false;
        switch (c->state) {
        case CONN_IDLE:
        case CONN_HEAD:
            again = take_head(c, in);
            break;
        case CONN_BUSY:
            again = c->body.kind != CONN_BODY_NONE && feed_body(c, in);
            break;
        case CONN_DISCARD:
            again = discard_body(c, in);
            break;
        default:
            *in = str_of(in->data + in->len, 0);
            break;
        }
        if (!again) {
            return;
        }
    }
}

static void process_kept(struct conn *c)
{
    struct str in = buf_str(&c->in);
    if (in.len > 0) {
        process(c, &in);
        buf_consume(&c->in, c->in.len - in.len);
    }
    if (c->in.len == 0 && c->in.capacity > CONN_KEEP_BYTES) {
        buf_finish(&c->in);
    }
}

/* The client will send no more, and what it sent is handled. */
static void on_last(struct conn *c)
{
    switch (c->state) {
    case CONN_BUSY:
        if (c->body.kind == CONN_BODY_TUNNEL) {
            body_complete(c);
        }
        if (c->body.kind != CONN_BODY_NONE && !c->body_blocked) {
            close_now(c); /* half a request */
        } else if (c->gone_ms == 0) {
            c->gone_ms = gateway_now_ms(c->gateway) + CONN_HALF_CLOSE_MS;
            c->gone_sent_bytes = c->out.sent_total;
            gateway_expect_sweep(c->gateway);
        }
        break;
    case CONN_IDLE:
    case CONN_HEAD:
    case CONN_DISCARD:
        begin_close(c);
        break;
    case CONN_LINGER:
        close_now(c);
        break;
    default:
        break;
    }
}

static void on_eof(struct conn *c)
{
    c->eof = true;
    process_later(c); /* there may be requests before it that are not handled */
}

static void on_bytes(struct conn *c, struct str bytes, bool in_buffer)
{
    if (in_buffer) {
        c->in.len += bytes.len;
        process_kept(c);
        return;
    }
    process(c, &bytes);
    if (bytes.len > 0 && c->state != CONN_CLOSED && buf_append(&c->in, bytes) < 0) {
        close_now(c); /* cannot be: the limit is above what is read at once */
    }
}

/* Whether what comes next is the body's and need not be looked at. */
static bool is_plain_body(const struct conn *c)
{
    return c->state == CONN_BUSY && conn_body_is_plain(&c->body) && c->in.len == 0;
}

/* What recv() says when it brings nothing. */
static void on_nothing(struct conn *c, ssize_t n)
{
    if (n == 0) {
        on_eof(c);
    } else if (errno != EAGAIN && errno != EINTR) {
        close_now(c);
    }
}

/* From the socket into the channel. True: there may be more. */
static bool read_into_channel(struct conn *c, char *at, size_t room)
{
    ssize_t n = recv(c->fd, at, room, 0);
    if (n <= 0) {
        on_nothing(c, n);
        return false;
    }
    events_of(c)->body_commit(c->request, (size_t)n);
    c->body.left -= (size_t)n;
    await_body(c);
    if (c->body.left == 0) {
        body_complete(c);
    }
    return (size_t)n == room;
}

/* The same, through a buffer. */
static bool read_into_buffer(struct conn *c)
{
    bool in_buffer = c->in.len > 0;
    char *at = c->gateway->scratch;
    size_t room = in_buffer ? CONN_IN_BYTES / 4 : GATEWAY_SCRATCH_BYTES;
    if (in_buffer && buf_reserve(&c->in, room, &at) < 0) {
        return false;
    }
    ssize_t n = recv(c->fd, at, room, 0);
    if (n <= 0) {
        on_nothing(c, n);
        return false;
    }
    on_bytes(c, str_of(at, (size_t)n), in_buffer);
    return (size_t)n == room;
}

static bool read_once(struct conn *c)
{
    size_t room = 0;
    char *at = is_plain_body(c)
                   ? events_of(c)->body_reserve(c->request, (size_t)c->body.left, &room)
                   : NULL;
    if (!at && is_plain_body(c) && room == 0) {
        wait_for_room(c);
        return false;
    }
    return at ? read_into_channel(c, at, room) : read_into_buffer(c);
}

static void read_some(struct conn *c)
{
    for (int i = 0; i < CONN_READS && wants_read(c) && read_once(c); i++) {
    }
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct conn *c = container_of(poll, struct conn, poll);
    gateway_turn(c->gateway);
    if (status < 0) {
        close_now(c); /* reset */
        return;
    }
    bool unwanted = (events & UV_READABLE) && !wants_read(c);
    if ((events & UV_READABLE) && !unwanted) {
        read_some(c);
    } else if ((events & UV_DISCONNECT) && c->state != CONN_CLOSED) {
        /* Seen while we do not read: the end comes up when what is before it has been read. */
        int error = 0;
        socklen_t len = sizeof(error);
        if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error != 0) {
            close_now(c);
            return;
        }
        if (c->state == CONN_CLOSING) {
            on_eof(c); /* what it has sent besides is of no interest */
        } else {
            set_events(c, c->events & ~(UV_DISCONNECT | UV_READABLE));
            return;
        }
    }
    if (c->state != CONN_CLOSED) {
        if (events & UV_WRITABLE) {
            conn_touch(c);
        }
        if (unwanted) {
            set_events(c, wanted_events(c));
        } else {
            watch(c);
        }
    }
}

/* Sending. */

static void shut(struct conn *c)
{
    if (c->is_cut_off || c->eof || (conn_body_is_complete(&c->body) && c->in.len == 0)) {
        close_now(c);
        return;
    }
    /* Bytes that nobody will read are on their way: closing now would reset the connection and
     * could take our answer from the client's hands. RFC 9112 9.6. */
    conn_out_set_reset(&c->out, false);
    (void)shutdown(c->fd, SHUT_WR);
    c->state = CONN_LINGER;
    c->deadline_ms = gateway_now_ms(c->gateway) + CONN_LINGER_MS;
    buf_finish(&c->in);
}

/* With what was held back, and with the end behind it. */
static void go_on(struct conn *c)
{
    c->process_again = false;
    process_kept(c);
    if (is_plain_body(c) && wants_read(c)) {
        read_some(c); /* there is something */
    }
    if (c->eof && !c->process_again) {
        on_last(c);
    }
}

void conn_flush(struct conn *c)
{
    list_remove(&c->dirty);
    if (conn_out_flush(&c->out, gateway_now_ms(c->gateway)) < 0) {
        close_now(c);
        return;
    }
    if (c->request) {
        events_of(c)->drained(c->request);
    }
    if (c->process_again && !is_behind(c)) {
        go_on(c);
    }
    if (c->state == CONN_CLOSING && conn_pending(c) == 0) {
        shut(c);
    }
    if (c->state == CONN_IDLE && conn_pending(c) == 0 && c->out.buf.capacity > CONN_KEEP_BYTES) {
        conn_out_finish(&c->out);
    }
    watch(c);
}

/* Times. */

static void on_deadline(struct conn *c)
{
    switch (c->state) {
    case CONN_HEAD:
        refuse(c, 408, STR(""));
        break;
    case CONN_BUSY:
        give_up(c, 408);
        break;
    case CONN_IDLE:
    case CONN_DISCARD:
        begin_close(c); /* it may not have taken all of the last answer yet */
        break;
    default:
        close_now(c);
    }
}

/* One that is gone resets the connection when it is sent something: while its answer flows, or
 * waits to be taken, it is there. */
static void look_if_gone(struct conn *c, uint64_t now_ms)
{
    if (c->out.sent_total == c->gone_sent_bytes && conn_pending(c) == 0) {
        close_now(c);
    } else {
        c->gone_sent_bytes = c->out.sent_total;
        c->gone_ms = now_ms + CONN_HALF_CLOSE_MS;
    }
}

void conn_sweep(struct conn *c, uint64_t now_ms)
{
    if (c->out.deadline_ms > 0 && now_ms >= c->out.deadline_ms) {
        close_now(c);
    } else if (c->gone_ms > 0 && now_ms >= c->gone_ms) {
        look_if_gone(c, now_ms);
    } else if (c->deadline_ms > 0 && now_ms >= c->deadline_ms) {
        on_deadline(c);
    }
}

void conn_create(struct gateway *g, int fd, enum door door, const struct sockaddr_storage *peer)
{
    struct conn *c = mem_new(struct conn);
    *c = (struct conn){ .gateway = g, .fd = fd, .door = door, .scan.inner = door == DOOR_CONTROL };
    list_init(&c->dirty);
    buf_init(&c->in, 4 * CONN_IN_BYTES);
    conn_out_init(&c->out, fd, CONN_OUT_BYTES_MAX);
    c->port = peer_name(peer, c->address);
    if (uv_poll_init(&g->loop, &c->poll, fd) < 0) {
        (void)close(fd);
        free(c);
        return;
    }
    list_push(&g->conns, &c->in_gateway);
    g->conn_count++;
    c->deadline_ms = gateway_now_ms(g) + LIMIT_HEAD_MS;
    watch(c);
}
