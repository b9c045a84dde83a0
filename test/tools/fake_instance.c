/* Paths, each a little function:
 *
 *   /hello        the same small JSON          /headers     what arrived, as text
 *   /echo         the body, as it comes        /count       how long the body was
 *   /sse?N        N events, 20 ms apart        /big?N       N bytes, streamed
 *   /sized?N      /big with its length         /slow?MS     answers after a while
 *   /hints        103 before the answer        /wait        goes on for 200 ms after the answer
 *   /fail         throws                       /crash       ends the process
 *   /hang         never answers                /spin        never turns its loop again
 *   /raw          status and fields from x-status and x-fields ("name:value|..."), body from x-body
 *   /bogus        breaks the channel's rules   /abort       tells /aborts that its client has gone
 *   /wide         a piece of body larger than any may be
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "fake_instance.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"

#define STREAMS_MAX 4096

enum kind { NONE, ECHO, COUNT, SSE, BIG, SLOW, WAIT, HANG };

struct stream {
    enum kind kind;
    uint32_t id;
    uint64_t left;   /* events, bytes */
    uint64_t count;  /* of body */
    uint64_t due_ms; /* of the next event */
    int64_t window;
    struct buf_chunk {
        struct buf_chunk *next;
        size_t len;
        char data[];
    } * pending, **tail;
    bool ended;
};

static struct channel channel;
static struct stream streams[STREAMS_MAX];
static unsigned aborts;

static uint64_t now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static struct stream *stream_of(uint32_t id)
{
    return &streams[id % STREAMS_MAX];
}

/* Waits for room: a test double may block. */
static void put(const struct frame *frame, const void *payload)
{
    while (ring_write(&channel.out, frame, payload) < 0) {
        struct pollfd wake = { .fd = channel.wake_self, .events = POLLIN };
        channel_flush(&channel);
        (void)poll(&wake, 1, 10);
        channel_awake(&channel);
    }
}

static void put_simple(uint32_t id, enum frame_type type, uint32_t value)
{
    put(&(struct frame){ .type = (uint16_t)type, .stream = id, .value = value }, NULL);
}

static void done(uint32_t id)
{
    struct frame_usage usage = { .cpu_us = 7, .memory_peak_bytes = 1 << 20 };
    put(&(struct frame){ .type = FRAME_DONE, .stream = id, .length = sizeof(usage) }, &usage);
    struct stream *s = stream_of(id);
    while (s->pending) {
        struct buf_chunk *c = s->pending;
        s->pending = c->next;
        free(c);
    }
    *s = (struct stream){ 0 };
}

static void respond(uint32_t id, unsigned status, struct str fields, struct str body)
{
    char payload[LIMIT_FRAME_PAYLOAD_BYTES];
    uint32_t len = (uint32_t)fields.len;
    memcpy(payload, &len, 4);
    memcpy(payload + 4, fields.data, fields.len);
    memcpy(payload + 4 + fields.len, body.data, body.len);
    put(&(struct frame){ .type = FRAME_RESPONSE,
                         .flags = FRAME_FLAG_WHOLE | FRAME_FLAG_END,
                         .stream = id,
                         .value = status,
                         .length = (uint32_t)(4 + fields.len + body.len) },
        payload);
}

static void head(uint32_t id, struct str fields)
{
    put(
        &(struct frame){
            .type = FRAME_RESPONSE, .stream = id, .value = 200, .length = (uint32_t)fields.len },
        fields.data);
}

static void text(uint32_t id, struct str body)
{
    respond(id, 200, STR("content-type\0text/plain\0"), body);
    done(id);
}

static struct str header(struct str block, struct str name)
{
    while (block.len > 0) {
        struct str key = str_cut(&block, '\0');
        struct str value = str_cut(&block, '\0');
        if (str_eq(key, name)) {
            return value;
        }
    }
    return STR("");
}

/* Everything with NUL shown as a line's end. */
static void show(uint32_t id, struct str method, struct str target, struct str headers,
                 struct str meta)
{
    char out[LIMIT_FRAME_PAYLOAD_BYTES - 256];
    int n = snprintf(out, sizeof(out), STR_FMT " " STR_FMT "\n", STR_ARG(method), STR_ARG(target));
    size_t len = (size_t)n;
    struct str parts[] = { headers, meta };
    for (size_t p = 0; p < 2; p++) {
        for (size_t i = 0; i < parts[p].len && len < sizeof(out) - 2; i++) {
            out[len++] = parts[p].data[i] ? parts[p].data[i] : '\n';
        }
        out[len++] = '\n';
    }
    text(id, str_of(out, len));
}

static void raw(uint32_t id, struct str headers)
{
    char fields[8192];
    size_t len = 0;
    uint64_t status = 200;
    struct str list = header(headers, STR("x-fields"));
    (void)!str_to_u64(header(headers, STR("x-status")), &status);
    while (list.data && list.len > 0) {
        struct str value = str_cut(&list, '|');
        struct str name = str_cut(&value, ':');
        int n = snprintf(fields + len, sizeof(fields) - len, STR_FMT "%c" STR_FMT "%c",
                         STR_ARG(name), 0, STR_ARG(value), 0);
        len += (size_t)n;
    }
    if (header(headers, STR("x-line-break")).len > 0) {
        memcpy(fields + len, "x-evil\0a\r\nset-cookie: b\0", 24);
        len += 24;
    }
    respond(id, (unsigned)status, str_of(fields, len), header(headers, STR("x-body")));
    done(id);
}

static void begin_stream(struct stream *s, struct str target, uint64_t n)
{
    char fields[128];
    if (s->kind == BIG && str_starts(target, STR("/sized"))) {
        int len =
            snprintf(fields, sizeof(fields), "content-length%c%llu%c", 0, (unsigned long long)n, 0);
        head(s->id, str_of(fields, (size_t)len));
    } else if (s->kind == SSE) {
        head(s->id, STR("content-type\0text/event-stream\0"));
    } else {
        head(s->id, STR("content-type\0application/octet-stream\0"));
    }
    s->left = n;
}

static void put_wide(uint32_t id)
{
    static char block[2 * LIMIT_BODY_FRAME_BYTES - 64];
    memset(block, 'x', sizeof(block));
    head(id, STR("content-type\0text/plain\0"));
    put(&(struct frame){ .type = FRAME_BODY, .stream = id, .length = sizeof(block) }, block);
}

static void start(const struct frame *f, struct str method, struct str target, struct str headers,
                  struct str meta)
{
    static const struct {
        struct str path;
        enum kind kind;
    } kinds[] = { { STR("/echo"), ECHO }, { STR("/count"), COUNT }, { STR("/sse"), SSE },
                  { STR("/big"), BIG },   { STR("/sized"), BIG },   { STR("/slow"), SLOW },
                  { STR("/wait"), WAIT }, { STR("/hang"), HANG },   { STR("/abort"), HANG } };
    struct str query = target;
    struct str path = str_cut(&query, '?');
    struct stream *s = stream_of(f->stream);
    uint64_t n = 0;
    (void)!str_to_u64(query.data ? query : STR("0"), &n);
    if (str_eq(path, STR("/hello"))) {
        respond(f->stream, 200, STR("content-type\0application/json\0"),
                STR("{\"hello\":\"world\"}"));
        done(f->stream);
        return;
    }
    *s = (struct stream){ .id = f->stream,
                          .window = (int64_t)LIMIT_STREAM_WINDOW_BYTES,
                          .tail = &s->pending,
                          .ended = f->flags & FRAME_FLAG_END };
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        s->kind = str_eq(path, kinds[i].path) ? kinds[i].kind : s->kind;
    }
    if (s->kind == ECHO || s->kind == SSE || s->kind == BIG) {
        begin_stream(s, path, n);
    } else if (s->kind == SLOW) {
        s->due_ms = now_ms() + n;
    } else if (s->kind == WAIT) {
        respond(f->stream, 200, STR(""), STR("answered"));
        s->due_ms = now_ms() + 200;
    } else if (s->kind == COUNT && s->ended) {
        text(f->stream, STR("0"));
    } else if (s->kind == COUNT || s->kind == HANG) {
        return;
    } else if (str_eq(path, STR("/headers"))) {
        show(f->stream, method, target, headers, meta);
    } else if (str_eq(path, STR("/raw"))) {
        raw(f->stream, headers);
    } else if (str_eq(path, STR("/aborts"))) {
        char number[16];
        int len = snprintf(number, sizeof(number), "%u", aborts);
        text(f->stream, str_of(number, (size_t)len));
    } else if (str_eq(path, STR("/hints"))) {
        do {
            put(&(struct frame){ .type = FRAME_INFORMATIONAL,
                                 .stream = f->stream,
                                 .value = 103,
                                 .length = 14 },
                "link\0</a.css>\0");
        } while (n-- > 1);
        text(f->stream, STR("hinted"));
    } else if (str_eq(path, STR("/fail"))) {
        static const char json[] = "{\"errorType\":\"Error\",\"errorMessage\":\"boom\",\"trace\":"
                                   "[\"Error: boom\",\"    at handler (route.js:1:1)\"]}";
        put(&(struct frame){ .type = FRAME_FAIL,
                             .stream = f->stream,
                             .value = FRAME_FAIL_THROW,
                             .length = sizeof(json) - 1 },
            json);
        done(f->stream);
    } else if (str_eq(path, STR("/crash"))) {
        channel_flush(&channel);
        _exit(3);
    } else if (str_eq(path, STR("/spin"))) {
        channel_flush(&channel);
        for (;;) {
            (void)pause();
        }
    } else if (str_eq(path, STR("/bogus"))) {
        put_simple(f->stream, FRAME_END, 0);
    } else if (str_eq(path, STR("/wide"))) {
        put_wide(f->stream);
    } else {
        text(f->stream, STR("ok"));
    }
}

static void on_request(const struct frame *f, const char *payload)
{
    struct frame_request h;
    memcpy(&h, payload, sizeof(h));
    const char *at = payload + sizeof(h);
    struct str method = str_of(at, h.method_len);
    struct str target = str_of(method.data + method.len, h.target_len);
    struct str headers = str_of(target.data + target.len, h.headers_len);
    struct str meta = str_of(headers.data + headers.len, h.meta_len);
    put_simple(f->stream, FRAME_ACCEPT, 0);
    start(f, method, target, headers, meta);
}

static void end_body(struct stream *s)
{
    char number[32];
    s->ended = true;
    if (s->kind == COUNT) {
        int len = snprintf(number, sizeof(number), "%llu", (unsigned long long)s->count);
        text(s->id, str_of(number, (size_t)len));
    }
}

static void on_body(struct stream *s, const struct frame *f, const char *payload)
{
    s->count += f->length;
    if (s->kind == ECHO) {
        struct buf_chunk *c = mem_alloc(sizeof(*c) + f->length);
        c->len = f->length;
        memcpy(c->data, payload, f->length);
        *s->tail = c;
        s->tail = &c->next;
    } else if (s->kind == COUNT) {
        put_simple(s->id, FRAME_CREDIT, f->length);
    }
    if (f->flags & FRAME_FLAG_END) {
        end_body(s);
    }
}

static void on_cancel(struct stream *s)
{
    aborts++;
    done(s->id);
}

static void on_frame(const struct frame *f, const char *payload)
{
    struct stream *s = stream_of(f->stream);
    switch (f->type) {
    case FRAME_REQUEST:
        on_request(f, payload);
        break;
    case FRAME_BODY:
        if (s->id == f->stream && s->kind != NONE) {
            on_body(s, f, payload);
        }
        break;
    case FRAME_END:
        if (s->id == f->stream && s->kind != NONE) {
            end_body(s);
        }
        break;
    case FRAME_CREDIT:
        if (s->id == f->stream) {
            s->window += f->value;
        }
        break;
    case FRAME_CANCEL:
        if (s->id == f->stream && s->kind != NONE) {
            on_cancel(s);
        }
        break;
    case FRAME_PING:
        put_simple(0, FRAME_PONG, 0);
        break;
    case FRAME_STOP:
        channel_flush(&channel);
        _exit(0);
    default:
        break;
    }
}

static void body(struct stream *s, const char *data, size_t len)
{
    put(&(struct frame){ .type = FRAME_BODY, .stream = s->id, .length = (uint32_t)len }, data);
    s->window -= (int64_t)len;
}

static void finish(struct stream *s)
{
    put_simple(s->id, FRAME_END, 0);
    done(s->id);
}

static void run_echo(struct stream *s)
{
    while (s->pending && s->window >= (int64_t)s->pending->len) {
        struct buf_chunk *c = s->pending;
        body(s, c->data, c->len);
        put_simple(s->id, FRAME_CREDIT, (uint32_t)c->len);
        s->pending = c->next;
        if (!s->pending) {
            s->tail = &s->pending;
        }
        free(c);
    }
    if (s->ended && !s->pending) {
        finish(s);
    }
}

static void run_big(struct stream *s)
{
    static char block[16384];
    memset(block, 'x', sizeof(block));
    while (s->left > 0 && s->window > 0) {
        size_t len = s->left < sizeof(block) ? (size_t)s->left : sizeof(block);
        len = (int64_t)len < s->window ? len : (size_t)s->window;
        body(s, block, len);
        s->left -= len;
    }
    if (s->left == 0) {
        finish(s);
    }
}

static void run_sse(struct stream *s, uint64_t now)
{
    if (s->left > 0 && now >= s->due_ms) {
        body(s, "data: tick\n\n", 12);
        s->left--;
        s->due_ms = now + 20;
    }
    if (s->left == 0) {
        finish(s);
    }
}

/* What is under way; the milliseconds until something is due. */
static int run_all(void)
{
    uint64_t now = now_ms();
    int wait = 1000;
    for (size_t i = 0; i < STREAMS_MAX; i++) {
        struct stream *s = &streams[i];
        switch (s->kind) {
        case ECHO:
            run_echo(s);
            break;
        case BIG:
            run_big(s);
            break;
        case SSE:
            run_sse(s, now);
            wait = 5;
            break;
        case SLOW:
        case WAIT:
            wait = 5;
            if (now >= s->due_ms) {
                if (s->kind == SLOW) {
                    text(s->id, STR("slept"));
                } else {
                    done(s->id);
                }
            }
            break;
        default:
            break;
        }
    }
    return wait;
}

void fake_instance_serve(const struct channel_fds *fds)
{
    if (channel_open(&channel, fds, CHANNEL_INSTANCE) < 0) {
        _exit(9);
    }
    put_simple(0, FRAME_READY, 0);
    for (;;) {
        struct frame frame;
        const void *payload;
        while (ring_peek(&channel.in, &frame, &payload) > 0) {
            /* Copied, because what it leads to may read the ring again. */
            static char copy[1 << 17];
            memcpy(copy, payload, frame.length);
            ring_consume(&channel.in);
            on_frame(&frame, copy);
        }
        static unsigned turns;
        int wait = 1000;
        bool busy = false;
        for (size_t i = 0; i < STREAMS_MAX && !busy; i += 1) {
            busy = streams[i].kind != NONE;
        }
        if (busy) {
            wait = run_all();
        }
        turns++;
        channel_flush(&channel);
        if (channel_sleep(&channel)) {
            struct pollfd wake = { .fd = channel.wake_self, .events = POLLIN };
            (void)poll(&wake, 1, wait);
            channel_awake(&channel);
        }
    }
}
