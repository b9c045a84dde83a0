/* What JavaScript says: answers, logs and the end of invocations become frames. doc/runtime.md
 * names the calls. The gateway checks what comes out of the channel.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>

#include "base/limits.h"
#include "base/mem.h"
#include "instance.h"

#define INSTANCE_MEMORY_MS 100 /* how often the peak is looked at */

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

static bool block_has(const char *block, size_t len, const char *name)
{
    const char *end = block + len;
    bool is_name = true;
    for (const char *at = block; at < end; at += strlen(at) + 1, is_name = !is_name) {
        if (is_name && strcasecmp(at, name) == 0) {
            return true;
        }
    }
    return false;
}

/* `whole`: the length of a body that is known already, though it follows in frames of its own, is
 * told with the head. NULL: the body streams. */
static bool send_head(struct instance *in, uint32_t stream, enum frame_type type, uint32_t status,
                      napi_value headers, const size_t *whole)
{
    enum { ROOM = sizeof("content-length") + 21 }; /* the digits of a uint64_t, and a NUL */
    scoped_free char *block = mem_alloc(LIMIT_RESPONSE_HEAD_BYTES + ROOM);
    int len = header_block(in->env, headers, block, LIMIT_RESPONSE_HEAD_BYTES + 1);
    if (len < 0) {
        return false;
    }
    if (whole && (size_t)len + ROOM <= LIMIT_RESPONSE_HEAD_BYTES &&
        !block_has(block, (size_t)len, "content-length")) {
        len += snprintf(block + len, ROOM, "content-length%c%zu", 0, *whole) + 1;
    }
    uint16_t flags = whole && *whole == 0 ? FRAME_FLAG_END : 0;
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
    if (send_head(in, stream, FRAME_RESPONSE, status, a.at[2], &body.len)) {
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
    if (!send_head(in, stream, FRAME_RESPONSE, value_to_u32(env, a.at[1]), a.at[2], NULL)) {
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
                          value_to_u32(env, a.at[1]), a.at[2], NULL)) {
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
    struct frame_usage usage = { .cpu_us = instance_take_cpu_us(in, now_ms),
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

napi_status instance_answer_define(napi_env env, napi_value exports)
{
    static const struct addon_call calls[] = {
        { "respond", respond },
        { "head", head },
        { "write", write_body },
        { "end", end_body },
        { "informational", informational },
        { "credit", credit },
        { "fail", fail },
        { "log", log_text },
        { "done", done },
    };
    return addon_define(env, exports, calls, ARRAY_COUNT(calls));
}
