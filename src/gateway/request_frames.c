/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/request_frames.h"

#include <errno.h>

#include "base/limits.h"
#include "gateway/conn.h"
#include "gateway/control_port.h"
#include "gateway/gateway.h"
#include "gateway/instance.h"
#include "gateway/invoke.h"
#include "gateway/reply.h"
#include "gateway/request_error.h"
#include "gateway/request_log.h"

_Static_assert(LIMIT_BODY_FRAME_BYTES <= HTTP_GZIP_PIECE_BYTES_MAX,
               "what comes in one frame is compressed in one piece");
static const enum error_kind fail_kinds[FRAME_FAIL_COUNT] = {
    [FRAME_FAIL_THROW] = ERROR_THROW,     [FRAME_FAIL_LOAD] = ERROR_LOAD,
    [FRAME_FAIL_INVALID] = ERROR_INVALID, [FRAME_FAIL_MISSING] = ERROR_MISSING,
    [FRAME_FAIL_METHOD] = ERROR_METHOD,   [FRAME_FAIL_SIZE] = ERROR_SIZE,
};

static void on_accept(struct request *rq)
{
    if (!rq->accepted) {
        rq->accepted = true;
        if (rq->deadline_ms > 0) {
            request_count_time(rq, 0);
        }
        instance_accepted(rq->instance);
        if (rq->replay.len > 0) {
            buf_finish(&rq->replay);
        }
        if (rq->conn) {
            conn_resume_body(rq->conn);
        }
    }
}

static int on_response(struct request *rq, const struct frame *frame, const char *payload)
{
    struct str all = str_of(payload, frame->length);
    on_accept(rq);
    if (rq->responded) {
        return -EPROTO;
    }
    rq->responded = true;
    if (!(frame->flags & FRAME_FLAG_WHOLE)) {
        char *copy = rq->gateway->copy;
        memcpy(copy, all.data, all.len);
        int r = reply_head(rq, frame->value, str_of(copy, all.len));
        if (r < 0) {
            request_fail_reply(rq, r);
        }
        if (frame->flags & FRAME_FLAG_END) {
            rq->response_over = true;
            reply_end(rq);
        }
        return 0;
    }
    uint32_t fields;
    if (all.len < sizeof(fields)) {
        return -EPROTO;
    }
    memcpy(&fields, all.data, sizeof(fields));
    if (fields > all.len - sizeof(fields)) {
        return -EPROTO;
    }
    char *copy = rq->gateway->copy; /* the other side may still write to the original */
    memcpy(copy, all.data + sizeof(fields), fields);
    rq->response_over = true;
    request_answer(rq, frame->value, str_of(copy, fields), str_skip(all, sizeof(fields) + fields));
    return 0;
}

static int on_body(struct request *rq, const struct frame *frame, const char *payload)
{
    uint64_t window = LIMIT_STREAM_WINDOW_BYTES + rq->reply_credited - rq->reply_bytes;
    if (!rq->responded || rq->response_over || frame->length > window) {
        return -EPROTO;
    }
    if (frame->length > 0) {
        rq->reply_bytes += frame->length;
        if (rq->conn && rq->reply_started) {
            request_fail_reply(rq, reply_body(rq, str_of(payload, frame->length)));
        } else {
            invoke_drained(rq); /* nobody reads it: it may go on at once */
        }
    }
    if (frame->flags & FRAME_FLAG_END) {
        rq->response_over = true;
        reply_end(rq);
    }
    return 0;
}

static int on_end(struct request *rq)
{
    if (!rq->responded || rq->response_over) {
        return -EPROTO;
    }
    rq->response_over = true;
    reply_end(rq);
    return 0;
}

static int on_file(struct request *rq, const struct frame *frame)
{
    if (!request_is_controls(rq) || !rq->responded || rq->response_over || rq->source ||
        !list_is_empty(&rq->awaiting_file)) {
        return -EPROTO;
    }
    rq->response_over = frame->flags & FRAME_FLAG_END;
    control_port_file_follows(rq);
    return 0;
}

static int on_credit(struct request *rq, uint32_t bytes)
{
    if (rq->body_credit + bytes > rq->body_bytes + LIMIT_STREAM_WIDE_WINDOW_BYTES) {
        return -EPROTO;
    }
    rq->body_credit += bytes;
    reply_continue(rq);
    if (rq->conn) {
        conn_resume_body(rq->conn);
    }
    return 0;
}

static int on_fail(struct request *rq, const struct frame *frame, const char *payload)
{
    on_accept(rq);
    if (frame->value >= FRAME_FAIL_COUNT || rq->response_over) {
        return -EPROTO;
    }
    char *copy = rq->gateway->copy;
    memcpy(copy, payload, frame->length);
    rq->responded = true;
    rq->response_over = true;
    request_fail(rq, fail_kinds[frame->value], str_of(copy, frame->length));
    return 0;
}

static int on_informational(struct request *rq, const struct frame *frame, const char *payload)
{
    char *copy = rq->gateway->copy;
    memcpy(copy, payload, frame->length);
    reply_informational(rq, frame->value, str_of(copy, frame->length));
    return 0;
}

static int on_log(struct request *rq, const struct frame *frame, const char *payload)
{
    request_log_console(rq->instance, rq, frame->value, str_of(payload, frame->length),
                        frame->flags & FRAME_FLAG_TRUNCATED);
    return 0;
}

static int on_done(struct request *rq, const struct frame *frame, const char *payload)
{
    struct frame_usage usage = { 0 };
    if (frame->length != 0 && frame->length != sizeof(usage)) {
        return -EPROTO;
    }
    memcpy(&usage, payload, frame->length);
    if (rq->conn && !rq->response_over) {
        request_fail(rq, ERROR_INVALID, STR("the function ended without an answer"));
    }
    instance_unbind(rq->instance, rq);
    request_done(rq, usage.cpu_us, usage.memory_peak_bytes);
    return 0;
}

int request_frame(struct request *rq, const struct frame *frame, const char *payload)
{
    size_t max = frame->type == FRAME_BODY ? LIMIT_BODY_FRAME_BYTES : GATEWAY_SCRATCH_BYTES;
    if (frame->length > max) {
        return -EPROTO;
    }
    switch (frame->type) {
    case FRAME_ACCEPT:
        on_accept(rq);
        return 0;
    case FRAME_RESPONSE:
        return on_response(rq, frame, payload);
    case FRAME_BODY:
        return on_body(rq, frame, payload);
    case FRAME_END:
        return on_end(rq);
    case FRAME_CREDIT:
        return on_credit(rq, frame->value);
    case FRAME_FAIL:
        return on_fail(rq, frame, payload);
    case FRAME_INFORMATIONAL:
        return on_informational(rq, frame, payload);
    case FRAME_LOG:
        return on_log(rq, frame, payload);
    case FRAME_FILE:
        return on_file(rq, frame);
    case FRAME_DONE:
        return on_done(rq, frame, payload);
    default:
        return -EPROTO;
    }
}
