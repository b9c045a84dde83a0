/* An instance's end of its channel: frames in become calls of JavaScript, calls of JavaScript
 * become frames out. doc/runtime.md names them all.
 *
 * The gateway is trusted here (it is ours); JavaScript is not trusted with anything but its own
 * requests, because the gateway checks what comes out of the channel.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "addon.h"
#include "base/limits.h"
#include "base/mem.h"
#include "cpu_limit.h"
#include "outbox.h"

#define INSTANCE_BATCH     64  /* frames a callback scope, so that other work gets its turn */
#define INSTANCE_MEMORY_MS 100 /* how often the peak is looked at */

enum instance_callback {
    ON_REQUEST,
    ON_BODY,
    ON_END,
    ON_CANCEL,
    ON_CREDIT,
    ON_STOP,
    INSTANCE_CALLBACKS
};
static const char *const callback_names[INSTANCE_CALLBACKS] = { "request", "body",   "end",
                                                                "cancel",  "credit", "stop" };

struct instance {
    napi_env env;
    uv_poll_t wake;
    uv_prepare_t flush; /* once a turn: what was written outside of a batch */
    struct channel channel;
    struct outbox outbox;
    napi_async_context async;
    napi_ref resource;
    napi_ref callbacks[INSTANCE_CALLBACKS];
    struct cpu_limit *cpu_limit; /* NULL: none */
    uint32_t active;             /* invocations */
    uint64_t usage_at_ms;        /* loop time of the last look at the clocks */
    uint64_t memory_at_ms;
    uint64_t cpu_us;
    uint64_t memory_peak_bytes;
    bool dirty; /* frames have been written and the peer has not been woken */

    /* The loop had something to do before its last wait. All of Node's timers are one handle, which
     * is off while they run: in a timer the loop does not show that others are left. */
    bool was_alive;
};

static struct instance *instance_of(napi_env env)
{
    struct addon *addon = addon_of(env);
    if (!addon->instance) {
        (void)napi_throw_error(env, NULL, "mayfly: there is no open channel in this process");
    }
    return addon->instance;
}

/* ---- in ---- */

static void call(struct instance *in, enum instance_callback which, size_t count,
                 const napi_value *values)
{
    napi_env env = in->env;
    napi_value callback;
    napi_value global;
    if (napi_get_reference_value(env, in->callbacks[which], &callback) != napi_ok ||
        napi_get_global(env, &global) != napi_ok) {
        return;
    }
    if (napi_call_function(env, global, callback, count, values, NULL) == napi_pending_exception) {
        napi_value error;
        if (napi_get_and_clear_last_exception(env, &error) == napi_ok) {
            (void)napi_fatal_exception(env, error); /* 'uncaughtException' has the last word */
        }
    }
}

static void on_request(struct instance *in, const struct frame *f, const char *payload)
{
    napi_env env = in->env;
    struct frame_request head;
    memcpy(&head, payload, sizeof(head));
    const char *method = payload + sizeof(head);
    const char *target = method + head.method_len;
    const char *headers = target + head.target_len;
    const char *meta = headers + head.headers_len;
    uint32_t flags = (f->flags & FRAME_FLAG_END ? 0 : 1) | (f->flags & FRAME_FLAG_COLD ? 2 : 0);
    napi_value values[8] = { value_number(env, f->stream),
                             value_number(env, head.endpoint),
                             value_latin1(env, method, head.method_len),
                             value_latin1(env, target, head.target_len),
                             value_latin1(env, headers, head.headers_len),
                             value_latin1(env, meta, head.meta_len),
                             value_number(env, flags),
                             value_number(env, f->value) };
    struct frame accept = { .type = FRAME_ACCEPT, .stream = f->stream };
    outbox_send(&in->outbox, &accept, NULL);
    ring_consume(&in->channel.in);
    if (in->active++ == 0) {
        cpu_limit_start(in->cpu_limit);
    }
    call(in, ON_REQUEST, ARRAY_COUNT(values), values);
}

static void on_body(struct instance *in, const struct frame *f, const char *payload)
{
    napi_value values[2] = { value_number(in->env, f->stream), NULL };
    bool end = f->flags & FRAME_FLAG_END;
    bool some = f->length > 0;
    if (some && napi_create_buffer_copy(in->env, f->length, payload, NULL, &values[1]) != napi_ok) {
        abort(); /* out of memory: there is no way to go on with half a body */
    }
    ring_consume(&in->channel.in);
    if (some) {
        call(in, ON_BODY, 2, values);
    }
    if (end) {
        call(in, ON_END, 1, values);
    }
}

static void on_number(struct instance *in, enum instance_callback which, uint32_t stream,
                      double number)
{
    napi_value values[2] = { value_number(in->env, stream), value_number(in->env, number) };
    call(in, which, 2, values);
}

static void on_frame(struct instance *in, const struct frame *f, const void *payload)
{
    switch (f->type) {
    case FRAME_REQUEST:
        on_request(in, f, payload);
        return;
    case FRAME_BODY:
        on_body(in, f, payload);
        return;
    default:
        ring_consume(&in->channel.in);
    }
    switch (f->type) {
    case FRAME_END:
        on_number(in, ON_END, f->stream, 0);
        break;
    case FRAME_CREDIT:
        outbox_credit(&in->outbox, f->stream, f->value);
        on_number(in, ON_CREDIT, f->stream, (double)outbox_window(&in->outbox, f->stream));
        break;
    case FRAME_CANCEL:
        outbox_close_stream(&in->outbox, f->stream);
        on_number(in, ON_CANCEL, f->stream, f->value);
        break;
    case FRAME_PING: {
        struct frame pong = { .type = FRAME_PONG, .value = f->value };
        outbox_send(&in->outbox, &pong, NULL);
        break;
    }
    case FRAME_STOP:
        call(in, ON_STOP, 0, NULL);
        break;
    default: /* of a newer gateway: nothing that must be understood */
        break;
    }
}

/* One callback scope, and so one run of microtasks, a batch: answers of a batch leave together. */
static void read_batch(struct instance *in)
{
    napi_env env = in->env;
    napi_handle_scope handles;
    napi_callback_scope scope;
    napi_value resource;
    if (napi_open_handle_scope(env, &handles) != napi_ok ||
        napi_get_reference_value(env, in->resource, &resource) != napi_ok ||
        napi_open_callback_scope(env, resource, in->async, &scope) != napi_ok) {
        abort(); /* the environment is being torn down under us */
    }
    for (int i = 0; i < INSTANCE_BATCH; i++) {
        struct frame frame;
        const void *payload;
        int r = ring_peek(&in->channel.in, &frame, &payload);
        if (r < 0) {
            (void)fprintf(stderr, "mayfly: the channel is broken\n");
            _exit(1);
        }
        if (r == 0) {
            break;
        }
        napi_handle_scope inner;
        if (napi_open_handle_scope(env, &inner) != napi_ok) {
            abort();
        }
        on_frame(in, &frame, payload);
        (void)napi_close_handle_scope(env, inner);
    }
    (void)napi_close_callback_scope(env, scope); /* runs process.nextTick and promises */
    (void)napi_close_handle_scope(env, handles);
}

static void instance_flush(struct instance *in)
{
    outbox_flush(&in->outbox);
    channel_flush(&in->channel);
    in->dirty = false;
}

static void on_wake(uv_poll_t *poll, int status, int events)
{
    struct instance *in = container_of(poll, struct instance, wake);
    (void)status;
    (void)events;
    channel_awake(&in->channel);
    read_batch(in);
    instance_flush(in);
}

/* Without the handle that waits for requests. */
static bool loop_is_alive(struct instance *in)
{
    uv_unref((uv_handle_t *)&in->wake);
    bool alive = uv_loop_alive(in->wake.loop) != 0;
    uv_ref((uv_handle_t *)&in->wake);
    return alive;
}

/* Before the loop waits: look once more, and announce the sleep. What is left over after a full
 * batch is read at the next turn, so that timers and sockets of the function are not starved. */
static void on_prepare(uv_prepare_t *prepare)
{
    struct instance *in = container_of(prepare, struct instance, flush);
    if (in->dirty) {
        instance_flush(in);
    }
    in->was_alive = loop_is_alive(in);
    if (!channel_sleep(&in->channel)) {
        uint64_t one = 1;
        (void)!write(in->channel.wake_self, &one, sizeof(one)); /* full means it is awake */
    }
}

/* ---- out ---- */

static void send_frame(struct instance *in, const struct frame *frame, const void *payload)
{
    outbox_send(&in->outbox, frame, payload);
    in->dirty = true;
}

/* Copies a string (UTF-8, or latin1 for headers) or Uint8Array; the caller frees. NULL data:
 * absent. */
struct bytes {
    char *owned;
    const char *data;
    size_t len;
};

static void bytes_finish(struct bytes *b)
{
    free(b->owned);
}

static int bytes_get(napi_env env, napi_value value, struct bytes *ret)
{
    napi_valuetype type;
    if (napi_typeof(env, value, &type) != napi_ok) {
        return -EINVAL;
    }
    if (type == napi_undefined || type == napi_null) {
        return 0;
    }
    if (type == napi_string) {
        size_t len;
        if (napi_get_value_string_utf8(env, value, NULL, 0, &len) != napi_ok) {
            return -EINVAL;
        }
        ret->owned = mem_alloc(len + 1);
        (void)napi_get_value_string_utf8(env, value, ret->owned, len + 1, &ret->len);
        ret->data = ret->owned;
        return 0;
    }
    bool is_typed_array = false;
    napi_typedarray_type array_type;
    void *data;
    if (napi_is_typedarray(env, value, &is_typed_array) == napi_ok && is_typed_array &&
        napi_get_typedarray_info(env, value, &array_type, &ret->len, &data, NULL, NULL) ==
            napi_ok &&
        (array_type == napi_uint8_array || array_type == napi_uint8_clamped_array)) {
        ret->data = data;
        return 0;
    }
    return -EINVAL;
}

/* A header block: latin1, bounded. Returns its length or -EMSGSIZE. */
static int header_block(napi_env env, napi_value value, char *buffer, size_t size)
{
    size_t len = 0;
    if (napi_get_value_string_latin1(env, value, NULL, 0, &len) != napi_ok || len >= size ||
        napi_get_value_string_latin1(env, value, buffer, size, &len) != napi_ok) {
        return -EMSGSIZE;
    }
    return (int)len;
}

static napi_value too_large(napi_env env)
{
    (void)napi_throw_range_error(env, "ERR_MAYFLY_HEADERS",
                                 "the response's headers are longer than 32 KiB");
    return NULL;
}

/* The whole answer in one frame, written straight into the ring. False when it does not fit. */
static bool respond_whole(struct instance *in, uint32_t stream, uint32_t status, napi_value headers,
                          napi_value body)
{
    napi_env env = in->env;
    size_t headers_len = 0;
    size_t body_max = 0;
    bool text = value_is(env, body, napi_string);
    struct bytes bytes = { 0 };
    if (napi_get_value_string_latin1(env, headers, NULL, 0, &headers_len) != napi_ok) {
        return false;
    }
    if (text) {
        (void)napi_get_value_string_utf16(env, body, NULL, 0, &body_max);
        body_max *= 3; /* the most that UTF-8 makes of a UTF-16 unit */
    } else if (bytes_get(env, body, &bytes) < 0) {
        return false;
    } else {
        body_max = bytes.len;
    }
    size_t room = sizeof(uint32_t) + headers_len + body_max + 2; /* two NULs of Node-API */
    if (headers_len > LIMIT_RESPONSE_HEAD_BYTES || room > LIMIT_FRAME_PAYLOAD_BYTES ||
        !list_is_empty(&in->outbox.frames)) {
        return false;
    }
    char *at = ring_reserve(&in->channel.out, (uint32_t)room);
    if (!at) {
        return false;
    }
    uint32_t length = (uint32_t)headers_len;
    memcpy(at, &length, sizeof(length));
    (void)napi_get_value_string_latin1(env, headers, at + sizeof(length), headers_len + 1,
                                       &headers_len);
    size_t body_len = bytes.len;
    if (text) {
        (void)napi_get_value_string_utf8(env, body, at + sizeof(length) + headers_len, body_max + 1,
                                         &body_len);
    } else if (body_len > 0) {
        memcpy(at + sizeof(length) + headers_len, bytes.data, body_len);
    }
    struct frame frame = { .type = FRAME_RESPONSE,
                           .flags = FRAME_FLAG_WHOLE | FRAME_FLAG_END,
                           .stream = stream,
                           .value = status,
                           .length = (uint32_t)(sizeof(length) + headers_len + body_len) };
    ring_commit(&in->channel.out, &frame);
    in->dirty = true;
    return true;
}

static bool send_head(struct instance *in, uint32_t stream, enum frame_type type, uint32_t status,
                      napi_value headers, uint16_t flags)
{
    scoped_free char *block = mem_alloc(LIMIT_RESPONSE_HEAD_BYTES + 1);
    int len = header_block(in->env, headers, block, LIMIT_RESPONSE_HEAD_BYTES + 1);
    if (len < 0) {
        return false;
    }
    struct frame frame = { .type = (uint16_t)type,
                           .flags = flags,
                           .stream = stream,
                           .value = status,
                           .length = (uint32_t)len };
    send_frame(in, &frame, block);
    return true;
}

/* respond(stream, status, headers, body) */
static napi_value respond(napi_env env, napi_callback_info info)
{
    struct instance *in = instance_of(env);
    struct arguments a = arguments_of(env, info);
    if (!in) {
        return NULL;
    }
    uint32_t stream = value_to_u32(env, a.at[0]);
    uint32_t status = value_to_u32(env, a.at[1]);
    if (respond_whole(in, stream, status, a.at[2], a.at[3])) {
        return value_undefined(env);
    }
    struct bytes body = { 0 };
    if (bytes_get(env, a.at[3], &body) < 0) {
        (void)napi_throw_type_error(env, NULL, "a body is a string, a Uint8Array or null");
        return NULL;
    }
    napi_value result = value_undefined(env);
    outbox_open_stream(&in->outbox, stream);
    if (send_head(in, stream, FRAME_RESPONSE, status, a.at[2],
                  body.len == 0 ? FRAME_FLAG_END : 0)) {
        if (body.len > 0) {
            outbox_write(&in->outbox, stream, body.data, body.len);
            struct frame end = { .type = FRAME_END, .stream = stream };
            send_frame(in, &end, NULL);
        }
    } else {
        outbox_close_stream(&in->outbox, stream);
        result = too_large(env);
    }
    bytes_finish(&body);
    return result;
}

/* head(stream, status, headers) */
static napi_value head(napi_env env, napi_callback_info info)
{
    struct instance *in = instance_of(env);
    struct arguments a = arguments_of(env, info);
    if (!in) {
        return NULL;
    }
    uint32_t stream = value_to_u32(env, a.at[0]);
    outbox_open_stream(&in->outbox, stream);
    if (!send_head(in, stream, FRAME_RESPONSE, value_to_u32(env, a.at[1]), a.at[2], 0)) {
        outbox_close_stream(&in->outbox, stream);
        return too_large(env);
    }
    return value_undefined(env);
}

/* informational(stream, status, headers) */
static napi_value informational(napi_env env, napi_callback_info info)
{
    struct instance *in = instance_of(env);
    struct arguments a = arguments_of(env, info);
    if (!in || !send_head(in, value_to_u32(env, a.at[0]), FRAME_INFORMATIONAL,
                          value_to_u32(env, a.at[1]), a.at[2], 0)) {
        return in ? too_large(env) : NULL;
    }
    return value_undefined(env);
}

/* write(stream, chunk) -> bytes left in the window */
static napi_value write_body(napi_env env, napi_callback_info info)
{
    struct instance *in = instance_of(env);
    struct arguments a = arguments_of(env, info);
    struct bytes chunk = { 0 };
    if (!in) {
        return NULL;
    }
    if (bytes_get(env, a.at[1], &chunk) < 0) {
        (void)napi_throw_type_error(env, NULL, "a chunk is a string or a Uint8Array");
        return NULL;
    }
    uint32_t stream = value_to_u32(env, a.at[0]);
    outbox_write(&in->outbox, stream, chunk.data, chunk.len);
    in->dirty = true;
    bytes_finish(&chunk);
    return value_number(env, (double)outbox_window(&in->outbox, stream));
}

/* end(stream) */
static napi_value end_body(napi_env env, napi_callback_info info)
{
    struct instance *in = instance_of(env);
    struct arguments a = arguments_of(env, info);
    if (!in) {
        return NULL;
    }
    struct frame frame = { .type = FRAME_END, .stream = value_to_u32(env, a.at[0]) };
    send_frame(in, &frame, NULL);
    return value_undefined(env);
}

/* credit(stream, bytes) */
static napi_value credit(napi_env env, napi_callback_info info)
{
    struct instance *in = instance_of(env);
    struct arguments a = arguments_of(env, info);
    if (!in) {
        return NULL;
    }
    struct frame frame = { .type = FRAME_CREDIT,
                           .stream = value_to_u32(env, a.at[0]),
                           .value = value_to_u32(env, a.at[1]) };
    send_frame(in, &frame, NULL);
    return value_undefined(env);
}

/* fail(stream, kind, json) and log(stream, level, text): a number and a bounded text. */
static napi_value send_text(napi_env env, napi_callback_info info, enum frame_type type)
{
    struct instance *in = instance_of(env);
    struct arguments a = arguments_of(env, info);
    if (!in) {
        return NULL;
    }
    scoped_free char *text = mem_alloc(LIMIT_LOG_LINE_BYTES + 1);
    size_t len = 0;
    size_t whole = 0;
    (void)napi_get_value_string_utf8(env, a.at[2], NULL, 0, &whole);
    (void)napi_get_value_string_utf8(env, a.at[2], text, LIMIT_LOG_LINE_BYTES + 1, &len);
    struct frame frame = { .type = (uint16_t)type,
                           .stream = value_to_u32(env, a.at[0]),
                           .value = value_to_u32(env, a.at[1]),
                           .flags = whole > len ? FRAME_FLAG_TRUNCATED : 0,
                           .length = (uint32_t)len };
    if (type == FRAME_LOG) {
        outbox_send_log(&in->outbox, &frame, text);
        in->dirty = true;
    } else {
        send_frame(in, &frame, text);
    }
    return value_undefined(env);
}

static napi_value fail(napi_env env, napi_callback_info info)
{
    return send_text(env, info, FRAME_FAIL);
}

static napi_value log_text(napi_env env, napi_callback_info info)
{
    return send_text(env, info, FRAME_LOG);
}

/* CPU time since the last look. Looking costs a system call, so at most one a millisecond: then
 * the invocations of that millisecond share one figure, which stays right in sum. */
static uint64_t take_cpu_us(struct instance *in, uint64_t now_ms)
{
    if (now_ms == in->usage_at_ms) {
        return 0;
    }
    in->usage_at_ms = now_ms;
    struct timespec t;
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) < 0) {
        return 0;
    }
    uint64_t total = (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
    uint64_t spent = total - in->cpu_us;
    in->cpu_us = total;
    return spent;
}

static uint64_t memory_peak(struct instance *in, uint64_t now_ms)
{
    if (in->memory_peak_bytes == 0 || now_ms - in->memory_at_ms >= INSTANCE_MEMORY_MS) {
        struct rusage usage;
        if (getrusage(RUSAGE_SELF, &usage) == 0) {
            in->memory_peak_bytes = (uint64_t)usage.ru_maxrss * 1024;
        }
        in->memory_at_ms = now_ms;
    }
    return in->memory_peak_bytes;
}

/* done(stream) */
static napi_value done(napi_env env, napi_callback_info info)
{
    struct instance *in = instance_of(env);
    struct arguments a = arguments_of(env, info);
    if (!in) {
        return NULL;
    }
    uint64_t now_ms = uv_now(in->wake.loop);
    struct frame_usage usage = { .cpu_us = take_cpu_us(in, now_ms),
                                 .memory_peak_bytes = memory_peak(in, now_ms) };
    struct frame frame = { .type = FRAME_DONE,
                           .stream = value_to_u32(env, a.at[0]),
                           .length = sizeof(usage) };
    send_frame(in, &frame, &usage);
    in->active -= in->active > 0;
    if (in->active == 0) {
        cpu_limit_stop(in->cpu_limit);
    } else {
        cpu_limit_start(in->cpu_limit); /* the others begin anew */
    }
    return value_undefined(env);
}

/* flush(): sends what was written at once; before an exit. */
static napi_value flush_now(napi_env env, napi_callback_info info)
{
    (void)info;
    struct instance *in = addon_of(env)->instance;
    if (in) {
        instance_flush(in);
    }
    return value_undefined(env);
}

/* poll(): reads what waits in the channel now; a new instance need not first go through its loop.
 */
static napi_value poll_now(napi_env env, napi_callback_info info)
{
    (void)info;
    struct instance *in = instance_of(env);
    if (in) {
        read_batch(in);
        instance_flush(in);
    }
    return value_undefined(env);
}

/* ---- open ---- */

static int take_callbacks(struct instance *in, napi_value object)
{
    for (size_t i = 0; i < INSTANCE_CALLBACKS; i++) {
        napi_value callback;
        if (napi_get_named_property(in->env, object, callback_names[i], &callback) != napi_ok ||
            !value_is(in->env, callback, napi_function) ||
            napi_create_reference(in->env, callback, 1, &in->callbacks[i]) != napi_ok) {
            return -EINVAL;
        }
    }
    napi_value resource;
    napi_value name;
    if (napi_create_object(in->env, &resource) != napi_ok ||
        napi_create_reference(in->env, resource, 1, &in->resource) != napi_ok ||
        napi_create_string_utf8(in->env, "mayfly", NAPI_AUTO_LENGTH, &name) != napi_ok ||
        napi_async_init(in->env, resource, name, &in->async) != napi_ok) {
        return -ENOMEM;
    }
    return 0;
}

static int start_handles(struct instance *in, uv_loop_t *loop)
{
    int r = uv_poll_init(loop, &in->wake, in->channel.wake_self);
    if (r == 0) {
        r = uv_poll_start(&in->wake, UV_READABLE, on_wake);
    }
    if (r == 0) {
        r = uv_prepare_init(loop, &in->flush);
    }
    if (r == 0) {
        r = uv_prepare_start(&in->flush, on_prepare);
        uv_unref((uv_handle_t *)&in->flush); /* the poll keeps the process alive */
    }
    return r;
}

/* open(callbacks, cpuMs) */
static napi_value open_channel(napi_env env, napi_callback_info info)
{
    struct addon *addon = addon_of(env);
    struct arguments a = arguments_of(env, info);
    if (addon->instance || addon->instance_id == 0) {
        (void)napi_throw_error(env, NULL, "mayfly: open() is for instances, once");
        return NULL;
    }
    struct instance *in = mem_new(struct instance);
    in->env = env;
    int r = channel_open(&in->channel, &addon->channel_fds, CHANNEL_INSTANCE);
    if (r == 0) {
        r = take_callbacks(in, a.at[0]);
    }
    if (r == 0) {
        r = start_handles(in, addon->loop);
    }
    if (r < 0) {
        struct err err;
        (void)err_set(&err, -r, "mayfly: open the channel: %s", strerror(-r));
        return throw_err(env,
                         &err); /* `in` stays: its handles may be on the loop; the process ends */
    }
    outbox_init(&in->outbox, &in->channel);
    in->cpu_limit = cpu_limit_create(value_to_u32(env, a.at[1]));
    (void)take_cpu_us(in, uv_now(addon->loop) + 1); /* what the zygote has used is not ours */
    addon->instance = in;
    struct frame ready = { .type = FRAME_READY };
    send_frame(in, &ready, NULL);
    uint64_t one = 1;
    (void)!write(in->channel.wake_self, &one, sizeof(one)); /* requests may be waiting already */
    return value_undefined(env);
}

/* Whether the loop has anything to do besides waiting for requests: timers, handles, work in the
 * thread pool, handles that close. */
static napi_value loop_alive(napi_env env, napi_callback_info info)
{
    (void)info;
    struct instance *in = instance_of(env);
    napi_value result;
    bool alive = in && (in->was_alive || loop_is_alive(in));
    return in && napi_get_boolean(env, alive, &result) == napi_ok ? result : NULL;
}

napi_status instance_define(napi_env env, napi_value exports)
{
    static const struct {
        const char *name;
        napi_callback callback;
    } calls[] = {
        { "open", open_channel },
        { "respond", respond },
        { "head", head },
        { "write", write_body },
        { "end", end_body },
        { "informational", informational },
        { "credit", credit },
        { "fail", fail },
        { "log", log_text },
        { "done", done },
        { "flush", flush_now },
        { "poll", poll_now },
        { "loopAlive", loop_alive },
    };
    for (size_t i = 0; i < ARRAY_COUNT(calls); i++) {
        napi_status status = addon_define(env, exports, calls[i].name, calls[i].callback);
        if (status != napi_ok) {
            return status;
        }
    }
    return napi_ok;
}
