/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/lambda/lambda_invoke.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "control/events/lambda/lambda_path.h"
#include "control/events/lambda/lambda_refuse.h"
#include "control/text/json_read.h"
#include "control/text/json_write.h"
#include "http/http_block.h"

#define PAYLOAD_BYTES_MAX (1 * MIB) /* Lambda's quota for asynchronous invocations */

struct invoking {
    struct queue_send send;
    struct exchange *x; /* NULL: gone */
    struct queue *queue;
    char *payload;    /* owned */
    char *attributes; /* owned */
};

static void invoking_free(struct invoking *i)
{
    free(i->payload);
    free(i->attributes);
    free(i);
}

static void sent(struct queue_send *send, int r)
{
    struct invoking *i = container_of(send, struct invoking, send);
    if (i->x) {
        i->x->user = NULL;
        if (r == 0) {
            char headers[96];
            int len = snprintf(headers, sizeof(headers), "x-amzn-requestid%c%s%c", 0,
                               i->x->request_id, 0);
            exchange_respond(i->x, 202, str_of(headers, (size_t)len), STR(""));
        } else {
            lambda_refuse(i->x, r == -ENOSPC ? 507 : 500, "ServiceException",
                          r == -ENOSPC ? "The disk is full: the event was not kept."
                                       : "The event could not be kept.");
        }
    }
    invoking_free(i);
}

/* What the function is to be told with the event. That is no client context: Lambda passes those of
 * synchronous invocations only. */
static char *attributes_of(const struct exchange *x)
{
    json_t *json = json_object();
    char named[LAMBDA_NAME_BYTES];
    struct lambda_named function = { 0 };
    if (lambda_path_part(x->target, STR(LAMBDA_FUNCTIONS), named, NULL)) {
        lambda_path_named(named, x->target, &function);
    }
    if (function.qualifier[0]) {
        (void)json_object_set_new(json, "qualifier", json_string(function.qualifier));
    }
    struct str trace = http_block_find(x->headers, STR("x-amzn-trace-id"));
    if (trace.data) {
        (void)json_object_set_new(json, "traceId", json_stringn(trace.data, trace.len));
    }
    char *text = json_write(json);
    json_decref(json);
    return text ? text : mem_copy_str(STR("{}"));
}

static bool is_json(struct str payload, char *ret_why, size_t size)
{
    const size_t flags = JSON_DECODE_ANY | JSON_ALLOW_NUL;
    if (json_is_sound(payload, flags)) {
        return true;
    }
    json_error_t error = { 0 };
    json_decref(json_loadb(payload.data, payload.len, flags, &error)); /* which says where */
    (void)snprintf(ret_why, size, "Could not parse request body into json: line %d, column %d",
                   error.line, error.column);
    return false;
}

/* In the words that are recorded of AWS. */
static void refuse_size(struct exchange *x)
{
    char why[128];
    uint64_t bytes;
    if (!str_to_u64(http_block_find(x->headers, STR("content-length")), &bytes)) {
        bytes = PAYLOAD_BYTES_MAX + 1; /* or more: it came in chunks */
    }
    (void)snprintf(why, sizeof(why),
                   "%" PRIu64 " byte payload is too large for the Event invocation type (limit %zu "
                   "bytes)",
                   bytes, (size_t)PAYLOAD_BYTES_MAX);
    lambda_refuse(x, 413, "RequestEntityTooLargeException", why);
}

static void have_body(struct exchange *x, int r, struct str body)
{
    struct invoking *i = x->user;
    char why[128];
    if (r < 0 || (body.len > 0 && !is_json(body, why, sizeof(why)))) {
        x->user = NULL;
        if (r == -EMSGSIZE) {
            refuse_size(x);
        } else if (r < 0) {
            exchange_end(x);
        } else {
            lambda_refuse(x, 400, "InvalidRequestContentException", why);
        }
        invoking_free(i);
        return;
    }
    uint64_t now = clock_wall_ms();
    i->payload = mem_copy_str(body.len > 0 ? body : STR("{}"));
    i->attributes = attributes_of(x);
    i->send =
        (struct queue_send){ .queue = i->queue,
                             .message = { .uuid = str_c(x->request_id),
                                          .group = STR(""),
                                          .attributes = str_c(i->attributes),
                                          .body = str_of(i->payload, body.len > 0 ? body.len : 2),
                                          .error = STR(""),
                                          .sent_ms = now,
                                          .due_ms = now },
                             .sent = sent };
    queue_send(&i->send);
}

static void invoking_over(struct exchange *x)
{
    struct invoking *i = x->user;
    if (i) {
        i->x = NULL; /* what is being written is written */
    }
}

void lambda_invoke_begin(struct services *s, struct exchange *x, struct str function)
{
    static const struct exchange_events events = { .over = invoking_over };
    char name[MESSAGE_NAME_MAX + 16];
    struct invoking *i = mem_new(struct invoking);
    (void)snprintf(name, sizeof(name), "lambda:" STR_FMT, STR_ARG(function));
    *i = (struct invoking){ .x = x, .queue = queue_open(s->queues, str_c(name)) };
    x->events = &events;
    x->user = i;
    exchange_read_body(x, PAYLOAD_BYTES_MAX, have_body);
}
