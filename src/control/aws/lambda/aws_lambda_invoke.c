/* Invoke on the AWS port: the signature is checked here; the rest is what the gateway does for the
 * same request on the public port. A streamed answer is passed on as it comes, no faster than its
 * client takes it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>

#include "base/limits.h"
#include "base/mem.h"
#include "control/aws/call/aws_access.h"
#include "control/aws/lambda/aws_lambda_named_fault.h"
#include "control/aws/lambda/aws_lambda_operations.h"
#include "control/events/lambda/lambda_refuse.h"
#include "control/events/routes/stored_request.h"
#include "control/text/base64.h"
#include "control/text/json_read.h"
#include "http/http_block.h"

#define CONTEXT_BYTES_MAX  3583       /* API Reference, "Invoke": in base64 */
#define RESPONSE_BYTES_MAX (24 * MIB) /* a whole answer may have 20 MB of a stream's */

struct invoke {
    struct services *services;
    struct exchange *x;
    struct invocation *invocation; /* NULL: not under way */
    bool streams;                  /* a part of the answer has been passed on */
};

static void invoke_over(struct exchange *x)
{
    struct invoke *i = x->user;
    if (i->invocation) {
        invoker_cancel(i->invocation);
    }
    free(i);
}

static void invoke_gone(struct exchange *x)
{
    exchange_end(x); /* nobody is there: over follows, and the function sees its client leave */
}

/* Without what is the gateway's own. */
static int copy_headers(struct str headers, struct buf *to)
{
    struct str name, value;
    int r = 0;
    while (r == 0 && http_block_next(&headers, &name, &value)) {
        bool own = str_eq(name, STR("content-length")) || str_eq(name, STR("date")) ||
                   str_eq(name, STR("connection")) || str_eq(name, STR("transfer-encoding")) ||
                   str_starts(name, STR("x-mayfly-"));
        r = own ? 0 : http_block_add(to, name, value);
    }
    return r;
}

static void invoked(const struct invocation_result *result, void *context)
{
    struct invoke *i = context;
    struct buf headers;
    i->invocation = NULL;
    buf_init(&headers, 2 * LIMIT_RESPONSE_HEAD_BYTES);
    if (i->streams && result->error == 0) {
        exchange_end(i->x);
    } else if (i->streams) {
        exchange_break(i->x);
    } else if (result->error == 0 && copy_headers(result->headers, &headers) == 0) {
        exchange_respond(i->x, result->status, buf_str(&headers), result->body);
    } else {
        lambda_refuse(i->x, 500, "ServiceException", "The function could not be invoked.");
    }
    buf_finish(&headers);
}

static void part_came(const struct invocation_result *result, void *context)
{
    struct invoke *i = context;
    if (!i->streams) {
        struct buf headers;
        i->streams = true;
        buf_init(&headers, 2 * LIMIT_RESPONSE_HEAD_BYTES);
        (void)!copy_headers(result->headers, &headers); /* there is room for all of them */
        exchange_head(i->x, result->status, buf_str(&headers));
        buf_finish(&headers);
    }
    if (exchange_write(i->x, result->body) <= 0) {
        invoker_pause(i->invocation);
    }
}

static void invoke_writable(struct exchange *x)
{
    struct invoke *i = x->user;
    if (i->invocation) {
        invoker_resume(i->invocation);
    }
}

static void missing(struct exchange *x, const char *region, const struct lambda_named *named)
{
    char arn[LAMBDA_ARN_BYTES];
    char message[LAMBDA_ARN_BYTES + 32];
    lambda_path_arn(region, named->name, named->qualifier[0] ? named->qualifier : "$LATEST", arn);
    (void)snprintf(message, sizeof(message), "Function not found: %s", arn);
    lambda_refuse(x, 404, "ResourceNotFoundException", message);
}

/* Whether something is wrong with how the function is named, or there is none of that name; then
 * that is answered. */
static bool is_misnamed(const struct services *s, struct exchange *x, const char *region)
{
    char named[LAMBDA_NAME_BYTES];
    struct aws_lambda_fault fault;
    struct lambda_named parts;
    if (!lambda_path_part(x->target, STR(LAMBDA_FUNCTIONS), named, NULL) &&
        !lambda_path_part(x->target, STR(LAMBDA_STREAMS), named, NULL) &&
        !lambda_path_part(x->target, STR(LAMBDA_INVOKE_ASYNC), named, NULL)) {
        return false;
    }
    if (aws_lambda_named_fault(named, x->target, region, &fault)) {
        lambda_refuse(x, fault.status, fault.code, fault.message);
        return true;
    }
    lambda_path_named(named, x->target, &parts);
    const json_t *function = lambda_path_function(s, parts.name);
    if (!function || !lambda_path_version(function, parts.qualifier)) {
        missing(x, region, &parts);
        return true;
    }
    return false;
}

/* What is not JSON in base64 never reaches a function at AWS. */
static bool is_client_context(struct str text)
{
    size_t len = 0;
    scoped_free char *decoded = base64_decode(text, &len);
    json_t *json = decoded ? json_read(str_of(decoded, len), 0) : NULL;
    bool is = json_is_object(json);
    json_decref(json);
    return is;
}

/* False: that has been answered. */
static bool is_signed(struct exchange *x, const struct str *body, struct aws_access *ret)
{
    const struct invoke *i = x->user;
    bool is = aws_access_check(i->services, x, body, AWS_PROTOCOL_JSON, ret);
    if (!is) {
        const char *message = ret->refusal.message;
        lambda_refuse(x, ret->refusal.status, ret->refusal.code, message ? message : "");
    }
    return is;
}

static void have_payload(struct exchange *x, int r, struct str body)
{
    struct invoke *i = x->user;
    struct aws_access access;
    if (r == -EBUSY || (r == 0 && invoker_is_full(i->services->invoker))) {
        lambda_refuse(x, 429, "TooManyRequestsException", "Rate Exceeded.");
        return;
    }
    if (r < 0) {
        lambda_refuse(x, 413, "RequestTooLargeException",
                      "The request payload exceeded the maximum of 6291456 bytes.");
        return;
    }
    if (!is_signed(x, &body, &access) || is_misnamed(i->services, x, access.who.scope.region)) {
        return;
    }
    struct str client = http_block_find(x->headers, STR("x-amz-client-context"));
    if (client.len > CONTEXT_BYTES_MAX) {
        lambda_refuse(x, 400, "InvalidRequestContentException",
                      "Client context must have no more than 3583 bytes in base64.");
        return;
    }
    if (client.data && !is_client_context(client)) {
        lambda_refuse(x, 400, "InvalidRequestContentException",
                      "Client context must be a valid Base64-encoded JSON object.");
        return;
    }
    char target[LAMBDA_TARGET_BYTES];
    char named[LAMBDA_NAME_BYTES];
    bool is_async = lambda_path_part(x->target, STR(LAMBDA_INVOKE_ASYNC), named, NULL);
    struct buf headers;
    buf_init(&headers, 2 * LIMIT_REQUEST_HEAD_BYTES);
    if (is_async) {
        lambda_path_invoke(named, NULL, target);
        (void)!http_block_add(&headers, STR("x-amz-invocation-type"), STR("Event")); /* fits */
    }
    (void)!stored_request_fields(&headers, x->headers); /* fits: it came in a head */
    const struct invocation_request rq = { .method = x->method,
                                           .target = is_async ? str_c(target) : x->target,
                                           .headers = buf_str(&headers),
                                           .body = body,
                                           .response_max_bytes = RESPONSE_BYTES_MAX,
                                           .part = str_starts(x->target, STR(LAMBDA_STREAMS))
                                                       ? part_came
                                                       : NULL };
    i->invocation = invoker_call(i->services->invoker, &rq, invoked, i);
    buf_finish(&headers);
}

void aws_lambda_invoke(struct services *s, struct exchange *x)
{
    static const struct exchange_events events = { .writable = invoke_writable,
                                                   .gone = invoke_gone,
                                                   .over = invoke_over };
    struct aws_access access;
    struct invoke *i = mem_new(struct invoke);
    *i = (struct invoke){ .services = s, .x = x };
    x->events = &events;
    x->user = i;
    if (!aws_access_comes_first(x) || is_signed(x, NULL, &access)) {
        exchange_read_body(x, LIMIT_LAMBDA_PAYLOAD_BYTES, have_payload);
    }
}
