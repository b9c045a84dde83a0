/* SPDX-License-Identifier: Apache-2.0 */
#include "control/invoker.h"

#include <errno.h>
#include <llhttp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/list.h"
#include "base/mem.h"
#include "http/http_block.h"

#define CONNECTIONS_MAX 2048 /* more calls wait for one; queues bound how many there are */
#define IDLE_MS         20000 /* below the gateway's own bound, so that a request never meets a close */
#define RETRY_MS        20 /* without a connection: one may be free, or could be made, by then */
#define READ_BYTES      (64 * KIB)
#define HEADERS_MAX     (2 * LIMIT_RESPONSE_HEAD_BYTES)

struct connection {
    struct list link; /* invoker->idle, or alone */
    struct invoker *invoker;
    uv_poll_t poll;
    int fd; /* owned */
    llhttp_t parser;
    struct invocation *call; /* NULL: idle */
    uint64_t idle_ms;
};

struct invocation {
    struct list link; /* invoker->waiting, or invoker->calls */
    struct invoker *invoker;
    struct connection *connection; /* NULL while it waits for one */
    struct buf request;            /* freed once it is sent */
    size_t sent;
    bool is_head;
    unsigned status;
    struct buf headers;
    struct buf body;
    bool in_value; /* of a header */
    bool too_large;
    bool complete;
    bool last; /* the gateway closes after this answer */
    bool paused;
    bool handed; /* a part of it has been handed over */
    invocation_part_fn part;
    invocation_fn done;
    void *context;
};

struct invoker {
    uv_loop_t *loop;
    invoker_connect_fn connect;
    void *context;
    struct list idle;
    size_t connection_count;
    size_t unsent_bytes; /* of the requests of all invocations */
    struct list waiting;
    struct list calls;
    uv_timer_t sweep;
    llhttp_settings_t settings;
    char *scratch;
};

static void connection_poll(uv_poll_t *poll, int status, int events);
static void give_out(struct invoker *v);
static void on_sweep(uv_timer_t *timer);

/* ---- the answer ---- */

static struct invocation *call_of(llhttp_t *parser)
{
    return container_of(parser, struct connection, parser)->call;
}

static int append(struct invocation *i, struct buf *to, struct str data)
{
    if (buf_append(to, data) < 0) {
        i->too_large = true;
        return -1;
    }
    return 0;
}

static int on_begin(llhttp_t *parser)
{
    struct invocation *i = call_of(parser);
    if (i) { /* after an informational answer, anew */
        buf_clear(&i->headers);
        buf_clear(&i->body);
        i->in_value = false;
    }
    return i ? 0 : -1; /* an answer that nobody asked for */
}

static int on_field(llhttp_t *parser, const char *at, size_t len)
{
    struct invocation *i = call_of(parser);
    if (i->in_value && append(i, &i->headers, STR("\0")) < 0) {
        return -1;
    }
    i->in_value = false;
    size_t from = i->headers.len;
    if (append(i, &i->headers, str_of(at, len)) < 0) {
        return -1;
    }
    for (size_t k = from; k < i->headers.len; k++) {
        char c = i->headers.data[k];
        if (c >= 'A' && c <= 'Z') {
            i->headers.data[k] = (char)(c | 0x20);
        }
    }
    return 0;
}

static int on_value(llhttp_t *parser, const char *at, size_t len)
{
    struct invocation *i = call_of(parser);
    if (!i->in_value && append(i, &i->headers, STR("\0")) < 0) {
        return -1;
    }
    i->in_value = true;
    return append(i, &i->headers, str_of(at, len));
}

static int on_headers(llhttp_t *parser)
{
    struct invocation *i = call_of(parser);
    if (i->in_value && append(i, &i->headers, STR("\0")) < 0) {
        return -1;
    }
    i->in_value = false;
    i->status = parser->status_code;
    return i->is_head ? 1 : 0;
}

static int on_data(llhttp_t *parser, const char *at, size_t len)
{
    struct invocation *i = call_of(parser);
    return append(i, &i->body, str_of(at, len));
}

static int on_complete(llhttp_t *parser)
{
    struct invocation *i = call_of(parser);
    if (i->status >= 200) {
        i->complete = true;
        i->last = !llhttp_should_keep_alive(parser);
        return HPE_PAUSED;
    }
    return 0;
}

/* ---- connections ---- */

static void connection_closed(uv_handle_t *handle)
{
    free(container_of((uv_poll_t *)handle, struct connection, poll));
}

static void connection_close(struct connection *c)
{
    list_remove(&c->link);
    c->invoker->connection_count--;
    uv_close((uv_handle_t *)&c->poll, connection_closed);
    (void)close(c->fd);
}

static struct connection *connection_open(struct invoker *v)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0) {
        return NULL;
    }
    scoped_fd int theirs = pair[1];
    struct connection *c = mem_new(struct connection);
    if (v->connect(theirs, v->context) < 0 || uv_poll_init(v->loop, &c->poll, pair[0]) < 0) {
        (void)close(pair[0]);
        free(c);
        return NULL;
    }
    c->invoker = v;
    c->fd = pair[0];
    list_init(&c->link);
    v->connection_count++;
    return c;
}

static bool is_sent(const struct invocation *i)
{
    return i->sent == i->request.len;
}

static void forget_request(struct invocation *i)
{
    i->invoker->unsent_bytes -= i->request.len;
    i->sent = 0;
    buf_finish(&i->request);
}

static void invocation_free(struct invocation *i)
{
    list_remove(&i->link);
    forget_request(i);
    buf_finish(&i->headers);
    buf_finish(&i->body);
    free(i);
}

static struct invocation_result result_of(struct invocation *i, int error)
{
    return (struct invocation_result){ .error = error,
                                       .status = i->status,
                                       .headers = buf_str(&i->headers),
                                       .body = buf_str(&i->body) };
}

static void finish(struct invocation *i, int error)
{
    const struct invocation_result result = result_of(i, error);
    list_remove(&i->link);
    i->done(&result, i->context);
    invocation_free(i);
}

static void fail(struct connection *c, int error)
{
    struct invoker *v = c->invoker;
    struct invocation *i = take_ptr(c->call);
    connection_close(c);
    if (i) {
        finish(i, error);
    }
    give_out(v);
}

static void watch(struct connection *c)
{
    bool writes = c->call && !is_sent(c->call);
    bool reads = !c->call || !c->call->paused;
    /* Works: an open handle. */
    (void)uv_poll_start(&c->poll, (reads ? UV_READABLE : 0) | (writes ? UV_WRITABLE : 0),
                        connection_poll);
}

static void answered(struct connection *c)
{
    struct invoker *v = c->invoker;
    struct invocation *i = take_ptr(c->call);
    bool reusable = !i->last && is_sent(i);
    if (reusable) {
        c->idle_ms = uv_now(v->loop);
        list_push_front(&v->idle, &c->link);
        watch(c);
        if (!uv_is_active((uv_handle_t *)&v->sweep)) {
            (void)uv_timer_start(&v->sweep, on_sweep, IDLE_MS / 2, 0); /* has a callback: works */
        }
    } else {
        connection_close(c);
    }
    finish(i, 0);
    give_out(v);
}

/* What has come so far; all of it at once goes with the end. */
static void hand_over(struct invocation *i)
{
    if (i->part && i->body.len > 0 && (i->handed || !i->complete)) {
        const struct invocation_result result = result_of(i, 0);
        i->handed = true;
        i->part(&result, i->context);
        buf_clear(&i->body);
    }
}

static void take_bytes(struct connection *c, const char *data, size_t len)
{
    enum llhttp_errno r = llhttp_execute(&c->parser, data, len);
    if (c->call) {
        hand_over(c->call);
    }
    if (c->call && c->call->complete) {
        answered(c);
    } else if (r != HPE_OK) {
        fail(c, c->call && c->call->too_large ? -EMSGSIZE : -EIO);
    }
}

static void read_some(struct connection *c)
{
    ssize_t n = recv(c->fd, c->invoker->scratch, READ_BYTES, 0);
    if (n > 0) {
        take_bytes(c, c->invoker->scratch, (size_t)n);
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        fail(c, -EIO);
    }
}

static bool send_some(struct connection *c)
{
    struct invocation *i = c->call;
    ssize_t n = send(c->fd, i->request.data + i->sent, i->request.len - i->sent, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        return false;
    }
    i->sent += n > 0 ? (size_t)n : 0;
    if (is_sent(i)) {
        forget_request(i);
    }
    return true;
}

static void connection_poll(uv_poll_t *poll, int status, int events)
{
    struct connection *c = container_of(poll, struct connection, poll);
    bool writes = c->call && !is_sent(c->call);
    if (status < 0) {
        fail(c, -EIO);
        return;
    }
    if ((events & UV_WRITABLE) && writes) {
        if (!send_some(c)) {
            fail(c, -EIO);
            return;
        }
        watch(c);
    }
    if (events & UV_READABLE) {
        read_some(c); /* it may be gone */
    }
}

/* ---- calls ---- */

static void begin(struct connection *c, struct invocation *i)
{
    struct invoker *v = c->invoker;
    list_remove(&c->link);
    list_remove(&i->link);
    list_push(&v->calls, &i->link);
    c->call = i;
    i->connection = c;
    llhttp_init(&c->parser, HTTP_RESPONSE, &v->settings);
    (void)send_some(c); /* a connection that is broken says so when it is watched */
    watch(c);
}

/* Connections for those who wait. */
static void give_out(struct invoker *v)
{
    while (!list_is_empty(&v->waiting)) {
        struct connection *c = NULL;
        if (!list_is_empty(&v->idle)) {
            c = list_entry(v->idle.next, struct connection, link);
        } else if (v->connection_count < CONNECTIONS_MAX) {
            c = connection_open(v);
        }
        if (!c) {
            return; /* the next that ends gives its own; the sweep tries again */
        }
        begin(c, list_entry(v->waiting.next, struct invocation, link));
    }
}

static void on_sweep(uv_timer_t *timer)
{
    struct invoker *v = container_of(timer, struct invoker, sweep);
    uint64_t now = uv_now(v->loop);
    list_for_each (item, &v->idle) {
        struct connection *c = list_entry(item, struct connection, link);
        if (now - c->idle_ms >= IDLE_MS) {
            connection_close(c);
        }
    }
    give_out(v);
    if (!list_is_empty(&v->waiting) || !list_is_empty(&v->idle)) {
        uint64_t delay = list_is_empty(&v->waiting) ? IDLE_MS / 2 : RETRY_MS;
        (void)uv_timer_start(&v->sweep, on_sweep, delay, 0); /* has a callback: works */
    }
}

/* No less than write_request() writes. */
static size_t request_bound(const struct invocation_request *rq)
{
    /* Two more bytes a field, which has three at least; what is fixed is less than 4 KB. */
    return rq->method.len + rq->target.len + rq->host.len + rq->event.len + 2 * rq->headers.len +
           rq->body.len + 4 * KIB;
}

static int write_request(struct buf *to, const struct invocation_request *rq)
{
    struct str host = rq->host.len > 0 ? rq->host : STR("localhost");
    int r = buf_printf(to, STR_FMT " " STR_FMT " HTTP/1.1\r\nhost: " STR_FMT "\r\n",
                       STR_ARG(rq->method), STR_ARG(rq->target), STR_ARG(host));
    if (r == 0 && rq->event.len > 0) {
        r = buf_printf(to, "x-mayfly-delivery: " STR_FMT "\r\n", STR_ARG(rq->event));
    }
    struct str rest = rq->headers, name, value;
    while (r == 0 && http_block_next(&rest, &name, &value)) {
        r = buf_printf(to, STR_FMT ": " STR_FMT "\r\n", STR_ARG(name), STR_ARG(value));
    }
    bool has_body =
        rq->body.len > 0 || str_eq(rq->method, STR("POST")) || str_eq(rq->method, STR("PUT"));
    if (r == 0 && has_body) {
        r = buf_printf(to, "content-length: %zu\r\n", rq->body.len);
    }
    r = r == 0 ? buf_append(to, STR("\r\n")) : r;
    return r == 0 ? buf_append(to, rq->body) : r;
}

bool invoker_is_full(const struct invoker *v)
{
    return v->unsent_bytes >= LIMIT_UNSENT_BYTES;
}

struct invocation *invoker_call(struct invoker *v, const struct invocation_request *rq,
                                invocation_fn done, void *context)
{
    struct invocation *i = mem_new(struct invocation);
    i->invoker = v;
    i->part = rq->part;
    i->done = done;
    i->context = context;
    i->is_head = str_eq(rq->method, STR("HEAD"));
    buf_init(&i->request, request_bound(rq));
    buf_init(&i->headers, HEADERS_MAX);
    buf_init(&i->body, rq->response_max_bytes);
    if (write_request(&i->request, rq) < 0) {
        abort(); /* the limit is above what is written */
    }
    v->unsent_bytes += i->request.len;
    list_init(&i->link);
    list_push(&v->waiting, &i->link);
    give_out(v); /* what fails is told from the loop */
    if (!i->connection) {
        (void)uv_timer_start(&v->sweep, on_sweep, RETRY_MS, 0); /* has a callback: works */
    }
    return i;
}

void invoker_pause(struct invocation *i)
{
    i->paused = true;
    if (i->connection) {
        watch(i->connection);
    }
}

void invoker_resume(struct invocation *i)
{
    i->paused = false;
    if (i->connection) {
        watch(i->connection);
    }
}

void invoker_cancel(struct invocation *i)
{
    if (i->connection) {
        i->connection->call = NULL;
        connection_close(i->connection);
    }
    invocation_free(i);
}

struct invoker *invoker_create(uv_loop_t *loop, invoker_connect_fn connect, void *context)
{
    struct invoker *v = mem_new(struct invoker);
    *v = (struct invoker){
        .loop = loop, .connect = connect, .context = context, .scratch = mem_alloc(READ_BYTES)
    };
    list_init(&v->idle);
    list_init(&v->waiting);
    list_init(&v->calls);
    llhttp_settings_init(&v->settings);
    v->settings.on_message_begin = on_begin;
    v->settings.on_header_field = on_field;
    v->settings.on_header_value = on_value;
    v->settings.on_headers_complete = on_headers;
    v->settings.on_body = on_data;
    v->settings.on_message_complete = on_complete;
    (void)uv_timer_init(loop, &v->sweep); /* always succeeds */
    return v;
}
