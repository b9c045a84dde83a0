/* An instance's end of its channel: it is opened, read in batches on the loop, and what comes
 * becomes calls of JavaScript. doc/runtime.md names them all. The gateway is trusted here: it is
 * ours.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "instance.h"

#define INSTANCE_BATCH 64 /* frames a callback scope, so that other work gets its turn */

static const char *const callback_names[INSTANCE_CALLBACKS] = { "request", "body",   "end",
                                                                "cancel",  "credit", "stop" };

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
    instance_memory_use(&in->memory);
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
    if (f->flags & FRAME_FLAG_TUNNEL) {
        cpu_limit_start(in->cpu_limit);
    }
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
    case FRAME_TRIM:
        (void)channel_trim(&in->channel); /* the gateway has trimmed its own */
        if (f->value) {
            instance_memory_idle(&in->memory);
        }
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

static void on_again(uv_idle_t *idle)
{
    (void)idle; /* its being active makes the loop not wait */
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
    if (channel_sleep(&in->channel)) {
        (void)uv_idle_stop(&in->again); /* always succeeds */
    } else {
        (void)uv_idle_start(&in->again, on_again); /* has a callback: works */
    }
}

/* After the poll, so that others had their turn. */
static void on_check(uv_check_t *check)
{
    struct instance *in = container_of(check, struct instance, more);
    if (uv_is_active((uv_handle_t *)&in->again)) {
        read_batch(in);
        instance_flush(in);
    }
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
    if (r < 0) {
        return r;
    }
    (void)uv_prepare_init(loop, &in->flush); /* none of these can fail */
    (void)uv_prepare_start(&in->flush, on_prepare);
    (void)uv_check_init(loop, &in->more);
    (void)uv_check_start(&in->more, on_check);
    (void)uv_idle_init(loop, &in->again);
    uv_unref((uv_handle_t *)&in->flush); /* the poll keeps the process alive */
    uv_unref((uv_handle_t *)&in->more);
    uv_unref((uv_handle_t *)&in->again);
    return 0;
}

/* listen(callbacks): in the zygote, too, so that its instances have less to make. */
static napi_value listen_for(napi_env env, napi_callback_info info)
{
    struct addon *addon = addon_of(env);
    struct arguments a = arguments_of(env, info);
    if (addon->prepared || addon->instance) {
        (void)napi_throw_error(env, NULL, "mayfly: listen() is for once");
        return NULL;
    }
    struct instance *in = mem_new(struct instance);
    in->env = env;
    addon->prepared = in;
    if (take_callbacks(in, a.at[0]) < 0) {
        (void)napi_throw_type_error(env, NULL, "mayfly: listen(callbacks)");
        return NULL;
    }
    return value_undefined(env);
}

/* open(cpuMs) */
static napi_value open_channel(napi_env env, napi_callback_info info)
{
    struct addon *addon = addon_of(env);
    struct arguments a = arguments_of(env, info);
    if (!addon->prepared || addon->instance_id == 0) {
        (void)napi_throw_error(env, NULL, "mayfly: open() is for instances, once, after listen()");
        return NULL;
    }
    struct instance *in = take_ptr(addon->prepared);
    instance_memory_open(&in->memory);
    const char *what = "open the channel";
    int r = channel_open(&in->channel, &addon->channel_fds, CHANNEL_INSTANCE);
    if (r == 0) {
        r = start_handles(in, addon->loop);
    }
    if (r == 0) {
        what = "limit its CPU time";
        r = cpu_limit_create(value_to_u32(env, a.at[0]), &in->cpu_limit);
    }
    if (r < 0) {
        struct err err;
        (void)err_set(&err, -r, "mayfly: %s: %s", what, strerror(-r));
        return throw_err(env,
                         &err); /* `in` stays: its handles may be on the loop; the process ends */
    }
    outbox_init(&in->outbox, &in->channel);
    (void)instance_take_cpu_us(in,
                               uv_now(addon->loop) + 1); /* what the zygote has used is not ours */
    addon->instance = in;
    struct frame ready = { .type = FRAME_READY };
    outbox_send(&in->outbox, &ready, NULL);
    in->dirty = true;
    (void)!write(in->channel.wake_self, "", 1); /* requests may be waiting already */
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

napi_status instance_channel_define(napi_env env, napi_value exports)
{
    static const struct addon_call calls[] = {
        { "listen", listen_for }, { "open", open_channel },    { "flush", flush_now },
        { "poll", poll_now },     { "loopAlive", loop_alive },
    };
    return addon_define(env, exports, calls, ARRAY_COUNT(calls));
}
