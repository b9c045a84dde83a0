/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/request_error.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>

#include "base/limits.h"
#include "gateway/conn.h"
#include "gateway/error_out.h"
#include "gateway/gateway.h"
#include "gateway/reply.h"
#include "gateway/request_log.h"
#include "http/http_page.h"

#define ERROR_BODY_MAX   (256 * KIB)
#define ERROR_FIELDS_MAX (4 * KIB)
#define REFUSAL_BODY_MAX (4 * KIB)
#define TRACE_BYTES_MAX  (64 * KIB)
#define ALLOW_BYTES_MAX  KIB
#define REGION_BYTES_MAX 32

struct failure {
    enum record_outcome outcome;
    const char
        *log; /* what the platform says about it; NULL: the function's own report is enough */
};

/* clang-format off */
static const struct failure failures[] = {
    [ERROR_NONE]     = { RECORD_OK, NULL },
    [ERROR_THROW]    = { RECORD_THROW, NULL },
    [ERROR_LOAD]     = { RECORD_LOAD, NULL },
    [ERROR_INVALID]  = { RECORD_THROW, "the function's response cannot be sent" },
    [ERROR_MISSING]  = { RECORD_THROW, NULL },
    [ERROR_METHOD]   = { RECORD_OK, NULL },
    [ERROR_SIZE]     = { RECORD_THROW, "the response is too large" },
    [ERROR_BROKEN]   = { RECORD_LOAD, NULL },
    [ERROR_START]    = { RECORD_LOAD, "no instance could be started" },
    [ERROR_CRASH]    = { RECORD_CRASH, "the function's process ended" },
    [ERROR_MEMORY]   = { RECORD_MEMORY, "the function used more memory than its limit" },
    [ERROR_CPU]      = { RECORD_CPU, "the function used more CPU time than its limit" },
    [ERROR_TIMEOUT]  = { RECORD_TIMEOUT, "the function ran out of time" },
    [ERROR_OVERLOAD] = { RECORD_OVERLOAD, "no instance had room in time" },
    [ERROR_BODY]     = { RECORD_OK, "the request's body is larger than its limit" },
    [ERROR_HEAD]     = { RECORD_OK, NULL },
    [ERROR_ROUTE]    = { RECORD_OK, NULL },
};
/* clang-format on */

/* Reports of the runtime are JSON: { errorType, errorMessage, trace, allow }. */
struct report {
    json_t *json; /* owned; NULL: detail is plain text */
    struct buf trace;
    struct buf allow;
};

static void join(const json_t *array, const char *separator, struct buf *out)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        const char *text = json_string_value(json_array_get(array, i));
        if (text && buf_printf(out, "%s%s", i > 0 ? separator : "", text) < 0) {
            return; /* long enough */
        }
    }
}

static struct str text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? str_c(text) : str_of("", 0);
}

static void report_read(struct report *r, struct str detail, struct error_case *e)
{
    buf_init(&r->trace, TRACE_BYTES_MAX);
    buf_init(&r->allow, ALLOW_BYTES_MAX);
    r->json = detail.len > 0 && detail.data[0] == '{' ? json_loadb(detail.data, detail.len, 0, NULL)
                                                      : NULL;
    if (!r->json) {
        e->message = e->detail = detail;
        return;
    }
    e->type = text_of(r->json, "errorType");
    e->message = text_of(r->json, "errorMessage");
    e->report = detail;
    join(json_object_get(r->json, "trace"), "\n", &r->trace);
    e->detail = r->trace.len > 0 ? buf_str(&r->trace) : e->message;
    join(json_object_get(r->json, "allow"), ", ", &r->allow);
    if (r->allow.len > 0 && buf_append(&r->allow, STR("\0")) == 0) {
        e->allow = r->allow.data;
    }
}

static void report_finish(struct report *r)
{
    json_decref(r->json);
    buf_finish(&r->trace);
    buf_finish(&r->allow);
}

static void note(struct request *rq, const struct error_case *e)
{
    const struct failure *failure = &failures[e->kind];
    char text[sizeof(rq->error) + 64];
    rq->outcome = failure->outcome;
    if (failure->outcome == RECORD_OK && !failure->log) {
        return;
    }
    if (e->type.len > 0) {
        (void)snprintf(rq->error, sizeof(rq->error), STR_FMT ": " STR_FMT, STR_ARG(e->type),
                       STR_ARG(e->message)); /* truncation is fine */
    } else {
        (void)snprintf(rq->error, sizeof(rq->error), STR_FMT, STR_ARG(e->message));
    }
    if (failure->log && rq->function) {
        int len =
            snprintf(text, sizeof(text), "%s%s%s", failure->log, *rq->error ? ": " : "", rq->error);
        /* The client's fault is a warning. */
        enum record_level level = failure->outcome == RECORD_OK ? RECORD_WARNING : RECORD_ERROR;
        request_log(rq, level, str_of(text, (size_t)len < sizeof(text) ? (size_t)len : 0));
    }
}

static void answer_error(struct request *rq, const struct error_case *e)
{
    struct buf fields, body;
    buf_init(&fields, ERROR_FIELDS_MAX);
    buf_init(&body, ERROR_BODY_MAX);
    unsigned status = errors_answer(e, &fields, &body);
    if (reply_whole(rq, status, buf_str(&fields), buf_str(&body)) < 0) {
        reply_abort(rq); /* nothing is left to be said */
    }
    buf_finish(&fields);
    buf_finish(&body);
}

static bool accepts(const struct request *rq, struct str type)
{
    const struct http_field *accept = http_head_find(&rq->head, STR("accept"));
    return accept && memmem(accept->value.data, accept->value.len, type.data, type.len);
}

/* Of "AWS4-HMAC-SHA256 Credential=KEY/DAY/REGION/lambda/aws4_request, ...". Nobody has checked it:
 * it is only said back. */
static struct str signed_region(const struct request *rq)
{
    const struct http_field *field = http_head_find(&rq->head, STR("authorization"));
    struct str rest = field ? str_behind(field->value, STR("Credential=")) : str_of("", 0);
    (void)str_cut(&rest, '/');
    (void)str_cut(&rest, '/');
    struct str region = str_cut(&rest, '/');
    return region.len > 0 && region.len <= REGION_BYTES_MAX ? region : STR("us-east-1");
}

/* With a status for ERROR_ROUTE. */
static void fail_with(struct request *rq, enum error_kind kind, unsigned status, struct str detail)
{
    const struct endpoint *endpoint =
        rq->function ? function_endpoint(rq->function, rq->endpoint) : NULL;
    struct error_case e = {
        .kind = kind,
        .dialect = rq->function ? rq->function->dialect : rq->route.dialect,
        .status = status,
        .id = rq->id,
        .function = rq->function && rq->function->name ? rq->function->name : "",
        .allow = endpoint ? endpoint->allow : NULL,
        .edge = rq->function && rq->function->edge,
        .invoke = endpoint && endpoint->invoke,
        .api = endpoint ? endpoint->api : ENDPOINT_API_NONE,
        .timeout_ms = rq->function ? function_timeout_ms(rq->function, rq->endpoint) : 0,
        .path = rq->head.target,
        .region = signed_region(rq),
        .wants_html = accepts(rq, STR("text/html")),
        .wants_json = accepts(rq, STR("json")),
        .dev = rq->gateway->dev,
    };
    e.person = e.dev && e.wants_html;
    struct report report;
    report_read(&report, detail, &e);
    note(rq, &e);
    if (rq->conn && rq->reply_started) {
        reply_abort(rq);
    } else if (rq->conn) {
        answer_error(rq, &e);
    }
    report_finish(&report);
}

void request_error_status(struct request *rq, unsigned status, struct str detail)
{
    fail_with(rq, ERROR_ROUTE, status, detail);
}

void request_fail(struct request *rq, enum error_kind kind, struct str detail)
{
    fail_with(rq, kind, 0, detail);
}

void request_fail_reply(struct request *rq, int r)
{
    if (r == -EFBIG) {
        request_fail(rq, ERROR_SIZE, STR("the response is over its limit"));
    } else if (r < 0) {
        request_fail(rq, r == -EMSGSIZE ? ERROR_SIZE : ERROR_INVALID,
                     STR("its headers cannot be sent"));
    }
}

void request_answer(struct request *rq, unsigned status, struct str fields, struct str body)
{
    request_fail_reply(rq, reply_whole(rq, status, fields, body));
}

/* S3's words for an upload that has stopped, by which clients know that another try may help:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
static unsigned answer_aws_timeout(struct buf *fields, struct buf *body)
{
    struct error_out o = { .fields = fields, .body = body };
    error_out_type(&o, "application/xml");
    error_out_str(&o,
                  STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                      "<Error><Code>RequestTimeout</Code><Message>Your socket connection to the "
                      "server was not read from or written to within the timeout period. Idle "
                      "connections will be closed.</Message></Error>"));
    return 400;
}

void request_refuse(struct conn *c, unsigned status)
{
    struct error_case e = { .kind = ERROR_ROUTE, .status = status, .id = "", .function = "" };
    struct buf fields, body;
    buf_init(&fields, ERROR_FIELDS_MAX);
    buf_init(&body, REFUSAL_BODY_MAX);
    struct http_reply reply = { .minor = 1, .whole = true, .date = gateway_date(c->gateway) };
    reply.status = c->door == DOOR_AWS && status == 408 ? answer_aws_timeout(&fields, &body)
                                                        : errors_answer(&e, &fields, &body);
    reply.body_length = body.len;
    reply.fields = buf_str(&fields);
    /* Nothing of ours is too long; if the buffer is full, closing says it too. */
    (void)!(http_reply_write(&c->out.buf, &reply) == 0 &&
            buf_append(&c->out.buf, buf_str(&body)) == 0);
    conn_touch(c);
    buf_finish(&fields);
    buf_finish(&body);
}

static struct str value_of(const struct http_head *head, struct str name)
{
    const struct http_field *field = http_head_find(head, name);
    return field ? field->value : (struct str){ 0 };
}

bool request_error_foreign(struct request *rq)
{
    const struct function *f = rq->router->functions[rq->route.function];
    const struct endpoint *e = function_endpoint(f, rq->route.endpoint);
    if (!e || !e->invoke || rq->inner.trusted ||
        !http_page_is_foreign(value_of(&rq->head, STR("origin")),
                              value_of(&rq->head, STR("sec-fetch-site")))) {
        return false;
    }
    request_error_status(rq, 403,
                         STR("Lambda's invoke path is not for web pages of other sites: serve the "
                             "page from localhost, or give the function a URL"));
    return true;
}
