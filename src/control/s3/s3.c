/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3.h"

#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "control/aws/aws_uri.h"
#include "control/events/event_bus.h"
#include "control/iso_time.h"
#include "control/s3/s3_access.h"
#include "control/s3/s3_access_log.h"
#include "control/s3/s3_blobs.h"
#include "control/s3/s3_body.h"
#include "control/s3/s3_cors.h"
#include "control/s3/s3_expiry.h"
#include "control/s3/s3_lifecycle.h"
#include "control/s3/s3_name.h"
#include "control/s3/s3_operations.h"
#include "control/s3/s3_post.h"
#include "control/s3/s3_route.h"
#include "control/s3/s3_signed_url.h"
#include "control/s3/s3_website.h"
#include "http/http_head.h"
#include "store/store_uploads.h"

int s3_create(struct services *services, struct s3 **ret, struct err *err)
{
    struct s3 *s = mem_new(struct s3);
    s->services = services;
    int r = store_contents_open(services->loop, services->store, store_uploads_sweep, &s->contents,
                                err);
    if (r < 0) {
        free(s);
        return r;
    }
    s->lifecycle_day_ms = S3_LIFECYCLE_DAY_MS;
    s->buckets = s3_buckets_create(services->store);
    s->expiry = s3_expiry_create(s);
    s->access_logs = s3_access_logs_create(s);
    *ret = s;
    return 0;
}

/* ---- reading the head ---- */

/* "bucket.s3.amazonaws.com", "bucket.s3.eu-west-1.amazonaws.com". */
static struct str bucket_of_amazon(struct str host)
{
    const struct str domain = STR(".amazonaws.com"), service = STR(".s3.");
    const char *at = memmem(host.data, host.len, service.data, service.len);
    bool is_amazon =
        host.len > domain.len && str_eq_nocase(str_skip(host, host.len - domain.len), domain);
    return at && is_amazon ? str_of(host.data, (size_t)(at - host.data)) : STR("");
}

/* "bucket.s3.localhost:4566" and the like: the bucket, or empty. */
static struct str bucket_of_host(struct str host)
{
    static const struct str suffixes[] = {
        STR(".s3.localhost"),
        STR(".s3.localhost.localstack.cloud"),
        STR(".localhost"),
    };
    host = http_host_without_port(host);
    for (size_t i = 0; i < ARRAY_COUNT(suffixes); i++) {
        size_t len = suffixes[i].len;
        if (host.len > len && str_eq_nocase(str_skip(host, host.len - len), suffixes[i])) {
            host.len -= len;
            /* "s3.localhost" itself is no bucket. */
            return str_eq_nocase(host, STR("s3")) ? STR("") : host;
        }
    }
    return bucket_of_amazon(host);
}

/* Decodes behind what is in rq->target, which has room for it all and does not move. */
static bool decode(struct s3_request *rq, struct str text, enum aws_uri_plus plus, struct str *ret)
{
    size_t before = rq->target.len;
    if (aws_uri_decode(&rq->target, text, plus) < 0) {
        return false;
    }
    *ret = str_of(rq->target.data + before, rq->target.len - before);
    return true;
}

bool s3_read_params(struct s3_request *rq, struct str query)
{
    struct str name, value;
    while (aws_query_next(&query, &name, &value)) {
        if (rq->param_count == S3_PARAMS_MAX) {
            return false;
        }
        struct s3_param *p = &rq->params[rq->param_count++];
        if (!decode(rq, name, AWS_URI_PLUS_IS_SPACE, &p->name) ||
            !decode(rq, value, AWS_URI_PLUS_IS_SPACE, &p->value)) {
            return false;
        }
        p->value.data = p->value.data ? p->value.data : "";
    }
    return true;
}

static bool read_target(struct s3_request *rq)
{
    struct str path, query, host = s3_website_bucket(rq->x->host);
    char *room;
    host = host.len > 0 ? host : bucket_of_host(rq->x->host);
    buf_init(&rq->target, rq->x->target.len + host.len + 1);
    aws_target_split(rq->x->target, &path, &query);
    if (buf_reserve(&rq->target, rq->target.limit, &room) < 0 || path.len == 0 ||
        path.data[0] != '/') {
        return false;
    }
    path = str_skip(path, 1);
    if (host.len > 0) {
        rq->bucket_name = host;
        rq->is_by_host = true;
    } else if (!decode(rq, str_cut(&path, '/'), AWS_URI_PLUS, &rq->bucket_name)) {
        return false;
    }
    return decode(rq, path, AWS_URI_PLUS, &rq->key) && s3_read_params(rq, query);
}

static struct s3_request *request_create(struct s3 *s, struct exchange *x)
{
    struct s3_request *rq = mem_new(struct s3_request);
    rq->s3 = s;
    rq->x = x;
    rq->now_ms = clock_wall_ms();
    buf_init(&rq->headers, LIMIT_RESPONSE_HEAD_BYTES);
    buf_init(&rq->body, S3_ANSWER_BYTES_MAX);
    buf_init(&rq->details, 8 * LIMIT_REQUEST_HEAD_BYTES); /* signatures are explained */
    /* Sixteen digits of the request's UUID. */
    size_t len = 0;
    for (const char *at = x->request_id; *at && len < sizeof(rq->id) - 1; at++) {
        if (*at != '-') {
            rq->id[len++] = (char)(*at >= 'a' && *at <= 'z' ? *at - 32 : *at);
        }
    }
    x->user = rq;
    x->events = &s3_body_events;
    return rq;
}

/* ---- who ---- */

/* As the client has given it, in either version's place. */
static struct str given_signature(const struct s3_request *rq)
{
    struct str header = s3_header(rq, "authorization");
    struct str v4 = s3_param(rq, "X-Amz-Signature"), v2 = s3_param(rq, "Signature");
    struct str in_header = str_behind(header, STR("Signature="));
    if (v4.data || v2.data) {
        return v4.data ? v4 : v2;
    }
    return in_header.data ? in_header : str_behind(header, STR(":"));
}

static void fail_mismatch(struct s3_request *rq, const struct aws_sign_request *sign)
{
    struct buf canonical, to_sign;
    buf_init(&canonical, LIMIT_REQUEST_HEAD_BYTES);
    buf_init(&to_sign, LIMIT_REQUEST_HEAD_BYTES);
    aws_sign_explain(sign, &canonical, &to_sign);
    s3_fail_signature(rq, str_c(rq->who.scope.access_key), given_signature(rq), buf_str(&to_sign),
                      buf_str(&canonical));
    buf_finish(&canonical);
    buf_finish(&to_sign);
}

static void put_time(struct s3_request *rq, const char *name, uint64_t time_s)
{
    char text[ISO_TIME_BYTES];
    (void)iso_time_s(time_s * 1000, text);
    s3_detail(rq, name, str_c(text));
}

/* When a URL of either version has expired, and that this is over. */
static void put_expiry(struct s3_request *rq)
{
    struct str seconds = s3_param(rq, "X-Amz-Expires");
    char date[24];
    struct tm tm = { 0 };
    uint64_t expires_s = 0, after_s = 0;
    (void)snprintf(date, sizeof(date), STR_FMT, STR_ARG(s3_param(rq, "X-Amz-Date")));
    if (seconds.data && str_to_u64(seconds, &after_s) && strptime(date, "%Y%m%dT%H%M%SZ", &tm)) {
        s3_detail(rq, "X-Amz-Expires", seconds);
        expires_s = (uint64_t)timegm(&tm) + after_s;
    } else if (!str_to_u64(s3_param(rq, "Expires"), &expires_s)) {
        return;
    }
    put_time(rq, "Expires", expires_s);
    put_time(rq, "ServerTime", rq->now_ms / 1000);
}

static void fail_signature(struct s3_request *rq, enum aws_fault fault, struct str detail)
{
    struct aws_fault_answer answer = aws_fault_answer(fault, AWS_PROTOCOL_S3);
    struct buf text;
    buf_init(&text, LIMIT_REQUEST_HEAD_BYTES);
    if (fault == AWS_FAULT_UNKNOWN_KEY) {
        s3_detail(rq, "AWSAccessKeyId", detail);
    } else if (fault == AWS_FAULT_NOT_SIGNED) {
        s3_detail(rq, "HeadersNotSigned", detail);
    } else if (fault == AWS_FAULT_EXPIRED) {
        put_expiry(rq);
    } else if (fault == AWS_FAULT_SKEWED) {
        s3_detail(rq, "RequestTime", s3_header(rq, "x-amz-date"));
        s3_detail_u64(rq, "MaxAllowedSkewMilliseconds", (uint64_t)AWS_SIGN_SKEW_S * 1000);
    }
    bool is_malformed = fault == AWS_FAULT_MALFORMED_HEADER || fault == AWS_FAULT_MALFORMED_QUERY ||
                        fault == AWS_FAULT_BAD_EXPIRES;
    int r = buf_printf(&text, "%s%s" STR_FMT "%c", answer.message ? answer.message : "",
                       is_malformed && answer.message ? "; " : "",
                       STR_ARG(is_malformed ? detail : STR("")), 0);
    s3_fail_custom(rq, answer.status, answer.code, r < 0 ? "" : text.data);
    buf_finish(&text);
}

static bool authenticate(struct s3_request *rq)
{
    s3_signed_url_read_head(rq);
    const struct aws_sign_request sign = { .method = rq->x->method,
                                           .target = rq->x->target,
                                           .headers = s3_signed_url_is_v2(rq) ? s3_headers(rq)
                                                                              : rq->x->headers,
                                           .host = rq->x->host,
                                           .bucket = bucket_of_host(rq->x->host),
                                           .now_s = rq->now_ms / 1000 };
    struct str detail;
    enum aws_fault fault = aws_sign_verify(&sign, rq->s3->services->users, &rq->who, &detail);
    if (fault == AWS_FAULT_MISMATCH) {
        fail_mismatch(rq, &sign);
    } else if (fault != AWS_FAULT_NONE) {
        fail_signature(rq, fault, detail);
    }
    return fault == AWS_FAULT_NONE;
}

/* ---- what ---- */

static void run_with_text(struct s3_request *rq, struct s3_received *received)
{
    rq->text = received->data;
    if (rq->op->body == S3_BODY_XML) {
        /* An upload has to be there before its parts are missing. */
        bool may_be_empty = rq->op->run == s3_upload_complete;
        if (rq->text.len == 0 && !may_be_empty) {
            s3_fail(rq, S3_MISSING_BODY);
            return;
        }
        rq->xml = s3_xml_parse(rq->text);
        if (!rq->xml && rq->text.len > 0) {
            s3_fail(rq, S3_MALFORMED_XML);
            return;
        }
    }
    rq->op->run(rq);
}

/* The account that the client believes to own the bucket; S3_OK: it does. */
static enum s3_error check_expected_owner(const struct s3_request *rq)
{
    struct str expected = s3_header(rq, "x-amz-expected-bucket-owner");
    if (!expected.data || str_eq(expected, STR(AWS_ACCOUNT_ID)) ||
        str_eq(expected, rq->bucket->row.owner)) {
        return S3_OK;
    }
    uint64_t number;
    bool is_account = expected.len == sizeof(AWS_ACCOUNT_ID) - 1 && str_to_u64(expected, &number);
    return is_account ? S3_ACCESS_DENIED : S3_INVALID_ACCOUNT;
}

static bool find_bucket(struct s3_request *rq)
{
    if (rq->bucket_name.len == 0 || rq->op->needs == S3_NEEDS_USER) {
        return true; /* the service; a bucket that is to be made */
    }
    rq->bucket = s3_buckets_find(rq->s3->buckets, rq->bucket_name);
    if (!rq->bucket) {
        s3_fail(rq,
                s3_name_is_bucket(rq->bucket_name) ? S3_NO_SUCH_BUCKET : S3_INVALID_BUCKET_NAME);
        return false;
    }
    enum s3_error error = check_expected_owner(rq);
    if (error == S3_INVALID_ACCOUNT) {
        char text[128];
        (void)snprintf(text, sizeof(text), "%s... [" STR_FMT "]", s3_error_text(error)->text,
                       STR_ARG(s3_header(rq, "x-amz-expected-bucket-owner"))); /* may be cut */
        s3_fail_text(rq, error, text);
    } else if (error != S3_OK) {
        s3_fail(rq, error);
    }
    return error == S3_OK;
}

static bool authorize(struct s3_request *rq)
{
    const struct s3_operation *op = rq->op;
    if (op->needs == S3_NEEDS_USER && !rq->who.user) {
        s3_fail(rq, S3_ACCESS_DENIED);
        return false;
    }
    return op->needs <= S3_NEEDS_USER || s3_access_bucket(rq, op->action, op->needs);
}

static void fail_route(struct s3_request *rq, enum s3_error error)
{
    if (error != S3_METHOD_NOT_ALLOWED) {
        s3_fail(rq, error);
        return;
    }
    s3_fail_method(rq,
                   rq->key.len > 0           ? "OBJECT"
                   : rq->bucket_name.len > 0 ? "BUCKET"
                                             : "SERVICE",
                   s3_has_param(rq, "select")
                       ? "SelectObjectContent is not served here, nor by AWS for new customers."
                       : NULL);
}

void s3_dispatch(struct s3_request *rq)
{
    enum s3_error error;
    rq->op = s3_route_find(rq, &error);
    if (!rq->op) {
        fail_route(rq, error);
    } else if (rq->key.len > S3_KEY_BYTES_MAX) {
        s3_fail(rq, S3_KEY_TOO_LONG);
    } else if (find_bucket(rq) && authorize(rq)) {
        if (rq->op->body == S3_BODY_TEXT || rq->op->body == S3_BODY_XML) {
            s3_body_read(rq, S3_DOCUMENT_BYTES_MAX, run_with_text);
        } else {
            rq->op->run(rq);
        }
    }
}

bool s3_is_served(const struct s3 *s)
{
    return s->services->deployment->active && s->declaring == 0;
}

void s3_begin(struct services *services, struct exchange *x)
{
    struct s3_request *rq = request_create(services->s3, x);
    if (s3_blobs_is(x)) {
        s3_blobs_begin(rq);
    } else if (!read_target(rq) || !s3_name_is_utf8(rq->key)) {
        s3_fail(rq, S3_INVALID_URI);
    } else if (str_eq(x->method, STR("OPTIONS"))) {
        rq->bucket = s3_buckets_find(rq->s3->buckets, rq->bucket_name);
        s3_cors_preflight(rq);
    } else if (s3_website_bucket(x->host).len > 0) {
        s3_website_begin(rq);
    } else if (s3_post_is(rq)) {
        s3_post_begin(rq);
    } else if (authenticate(rq)) {
        s3_dispatch(rq);
    }
}
