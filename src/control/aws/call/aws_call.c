/* SPDX-License-Identifier: Apache-2.0 */
#include "control/aws/call/aws_call.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/limits.h"
#include "base/mem.h"
#include "control/aws/call/aws_access.h"
#include "control/text/json_read.h"
#include "control/text/json_write.h"
#include "control/text/utf8.h"
#include "http/http_block.h"

#define MESSAGE_BYTES (64 * KIB) /* one shows the entries of a PutEvents */

/* ---- turns ---- */

struct aws_call_turns {
    struct list calls; /* the first has its turn */
    bool is_going;
};

struct aws_call_turns *aws_call_turns_create(void)
{
    struct aws_call_turns *t = mem_new(struct aws_call_turns);
    list_init(&t->calls);
    return t;
}

static bool starts_with_one_of(struct str name, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_starts(name, str_c(words[i]))) {
            return true;
        }
    }
    return false;
}

/* Whether it changes what is configured. Events that are put are many, and change nothing of it. */
static bool is_change(const struct aws_call *c)
{
    static const char *const others[] = { "Describe", "List", "TestEvent", "PutEvents" };
    struct str name = http_block_find(c->exchange->headers, STR("x-amz-target"));
    if (c->style != AWS_STYLE_JSON) {
        return !str_eq(c->exchange->method, STR("GET"));
    }
    (void)str_cut(&name, '.');
    return !starts_with_one_of(name, others, ARRAY_COUNT(others));
}

/* A call that is answered at once has the next one run here, not within it. */
static void go_on(struct aws_call_turns *t)
{
    if (t->is_going) {
        return;
    }
    t->is_going = true;
    while (!list_is_empty(&t->calls)) {
        struct aws_call *c = list_entry(t->calls.next, struct aws_call, turn);
        if (c->has_begun) {
            break;
        }
        c->has_begun = true;
        c->run(c);
    }
    t->is_going = false;
}

/* ---- the end ---- */

static void call_over(struct exchange *x)
{
    struct aws_call *c = x->user;
    struct aws_call_turns *turns = c->services->turns;
    list_remove(&c->turn); /* it is there still if it was not answered */
    json_decref(c->input);
    free(c);
    go_on(turns);
}

static const struct exchange_events call_events = { .over = call_over };

static void respond(struct aws_call *c, unsigned status, const char *error_type, const char *text)
{
    struct buf headers;
    buf_init(&headers, 4 * KIB);
    const char *type =
        c->style == AWS_STYLE_JSON ? "application/x-amz-json-1.1" : "application/json";
    int r = buf_printf(&headers, "content-type%c%s%cx-amzn-requestid%c%s%c", 0, type, 0, 0,
                       c->exchange->request_id, 0);
    if (r == 0 && error_type) {
        r = buf_printf(&headers, "x-amzn-errortype%c%s%c", 0, error_type, 0);
    }
    (void)r; /* they are short */
    list_remove(&c->turn);
    exchange_respond(c->exchange, status, buf_str(&headers), str_c(text));
    buf_finish(&headers);
    go_on(c->services->turns);
}

void aws_call_answer(struct aws_call *c, json_t *output)
{
    char *text = json_write(output);
    const char *nothing = c->style == AWS_STYLE_JSON ? "" : "{}";
    json_decref(output);
    respond(c, c->status ? c->status : 200, NULL, c->status == 204 ? "" : text ? text : nothing);
    free(text);
}

/* Lambda's model writes the same member in two ways. */
static const char *message_member(const char *code)
{
    static const char *const capitals[] = { "ResourceNotFoundException", "ServiceException",
                                            "NotImplementedException" };
    for (size_t i = 0; i < ARRAY_COUNT(capitals); i++) {
        if (strcmp(code, capitals[i]) == 0) {
            return "Message";
        }
    }
    return "message";
}

char *aws_call_error_text(enum aws_style style, unsigned status, const char *code,
                          const char *message)
{
    json_t *body = NULL;
    scoped_free char *sound = utf8_copy_sound(str_c(message)); /* what it shows may be cut */
    message = sound;
    switch (style) {
    case AWS_STYLE_JSON:
        body = json_pack("{s:s,s:s}", "__type", code, "message", message);
        break;
    case AWS_STYLE_LAMBDA:
        body = json_pack("{s:s,s:s}", "Type", status < 500 ? "User" : "Service",
                         message_member(code), message);
        break;
    case AWS_STYLE_LAMBDA_LIMIT:
        body = json_pack("{s:s}", message_member(code), message);
        break;
    case AWS_STYLE_REST:
        body = json_pack("{s:s}", "Message", message);
        break;
    }
    char *text = json_write(body);
    json_decref(body);
    return text; /* of sound texts */
}

void aws_call_fail(struct aws_call *c, unsigned status, const char *code, const char *fmt, ...)
{
    char message[MESSAGE_BYTES];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);
    scoped_free char *text = aws_call_error_text(c->style, status, code, message);
    respond(c, status, c->style != AWS_STYLE_JSON ? code : NULL, text);
}

void aws_call_written(int r, void *call)
{
    struct aws_call *c = call;
    json_t *output = c->context;
    const char *internal =
        c->style == AWS_STYLE_JSON ? "InternalException" : "InternalServerException";
    if (r == 0) {
        aws_call_answer(c, output);
        return;
    }
    json_decref(output);
    if (r == -ENOSPC) {
        aws_call_fail(c, 507, internal, "The disk is full: nothing was stored.");
    } else {
        aws_call_fail(c, 500, internal, "It could not be stored: %s.", strerror(-r));
    }
}

/* ---- the beginning ---- */

/* Whether it was signed by somebody we know; else that is answered. */
static bool is_signed(struct aws_call *c, const struct str *body)
{
    struct aws_access access;
    if (aws_access_check(c->services, c->exchange, body, AWS_PROTOCOL_JSON, &access)) {
        (void)snprintf(c->region, sizeof(c->region), "%s", access.who.scope.region);
        c->user = access.who.user;
        return true;
    }
    const struct aws_fault_answer *refusal = &access.refusal;
    aws_call_fail(c, refusal->status, refusal->code, "%s" STR_FMT,
                  refusal->message ? refusal->message : "", STR_ARG(access.detail));
    return false;
}

static void fail_throttled(struct aws_call *c)
{
    bool is_lambda = c->style == AWS_STYLE_LAMBDA;
    aws_call_fail(c, c->style == AWS_STYLE_JSON ? 400 : 429,
                  is_lambda ? "TooManyRequestsException" : "ThrottlingException", "Rate exceeded");
}

static void call_body(struct exchange *x, int r, struct str body)
{
    struct aws_call *c = x->user;
    if (r == -EBUSY) {
        fail_throttled(c);
        return;
    }
    if (r < 0) {
        aws_call_fail(c, 413, "RequestEntityTooLargeException", "The request is too large.");
        return;
    }
    if (!is_signed(c, &body)) {
        return;
    }
    c->input = body.len > 0 ? json_read(body, JSON_ALLOW_NUL) : json_object();
    if (!json_is_object(c->input)) {
        aws_call_fail(c, 400, "SerializationException", "The body is no JSON object.");
        return;
    }
    if (is_change(c)) {
        list_push(&c->services->turns->calls, &c->turn);
        go_on(c->services->turns);
    } else {
        c->run(c);
    }
}

void aws_call_begin(struct services *s, struct exchange *x, enum aws_style style,
                    void (*run)(struct aws_call *c))
{
    struct aws_call *c = mem_new(struct aws_call);
    *c = (struct aws_call){ .services = s, .exchange = x, .style = style, .run = run };
    list_init(&c->turn);
    x->user = c;
    x->events = &call_events;
    if (!aws_access_comes_first(x) || is_signed(c, NULL)) {
        exchange_read_body(x, LIMIT_AWS_JSON_BYTES, call_body);
    }
}

json_t *aws_call_member(const struct aws_call *c, const char *name)
{
    json_t *value = json_object_get(c->input, name);
    return json_is_null(value) ? NULL : value;
}

const char *aws_call_text(const struct aws_call *c, const char *name)
{
    return json_string_value(aws_call_member(c, name));
}
