/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_request.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "control/events/eventbridge/trace_header.h"
#include "control/s3/s3_cors.h"
#include "control/s3/s3_event.h"
#include "control/s3/s3_operations.h"
#include "control/s3/s3_tags.h"
#include "control/s3/s3_version.h"
#include "control/sign/aws_uri.h"
#include "http/http_block.h"

/* Who is not signed in: what S3 calls it. */
#define ANONYMOUS_ID "65a011a29cdf8ec533ec3d1ccaae921c"

struct str s3_param(const struct s3_request *rq, const char *name)
{
    for (size_t i = 0; i < rq->param_count; i++) {
        if (str_eq(rq->params[i].name, str_c(name))) {
            return rq->params[i].value;
        }
    }
    return (struct str){ NULL, 0 };
}

bool s3_decode(struct s3_request *rq, struct str text, enum aws_uri_plus plus, struct str *ret)
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
        if (!s3_decode(rq, name, AWS_URI_PLUS_IS_SPACE, &p->name) ||
            !s3_decode(rq, value, AWS_URI_PLUS_IS_SPACE, &p->value)) {
            return false;
        }
        p->value.data = p->value.data ? p->value.data : "";
    }
    return true;
}

struct str s3_header(const struct s3_request *rq, const char *name)
{
    return http_block_find(s3_headers(rq), str_c(name));
}

struct str s3_headers(const struct s3_request *rq)
{
    return rq->form.data ? rq->form : rq->head.len > 0 ? buf_str(&rq->head) : rq->x->headers;
}

void *s3_state(struct s3_request *rq, size_t size, void (*free_state)(void *state))
{
    rq->state = mem_alloc(size);
    rq->free_state = free_state;
    return rq->state;
}

struct str s3_owner(const struct s3_request *rq)
{
    return rq->who.user ? rq->who.user->canonical_id
           : rq->bucket ? rq->bucket->row.owner
                        : STR(ANONYMOUS_ID);
}

/* ---- answering ---- */

static void put(struct s3_request *rq, struct str text)
{
    /* More than the limit is more than the exchange sends: it answers 500 then. */
    (void)!buf_append(&rq->headers, text);
}

void s3_put_header(struct s3_request *rq, const char *name, struct str value)
{
    put(rq, str_of(name, strlen(name) + 1));
    put(rq, value);
    put(rq, str_of("", 1));
}

void s3_put_header_u64(struct s3_request *rq, const char *name, uint64_t value)
{
    char text[24];
    int len = snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
    s3_put_header(rq, name, str_of(text, (size_t)len));
}

struct str s3_host_id(const struct s3_request *rq)
{
    return str_c(rq->x->request_id);
}

/* For a browser that has named its origin. */
static void put_cors_headers(struct s3_request *rq)
{
    struct str headers = rq->x->headers, origin = http_block_find(headers, STR("origin"));
    struct str config =
        origin.data && rq->bucket ? s3_bucket_setting(rq->bucket, STR("cors")) : STR("");
    if (config.len == 0 || str_eq(rq->x->method, STR("OPTIONS"))) {
        return;
    }
    struct str method = http_block_find(headers, STR("access-control-request-method"));
    const struct s3_cors_question question = {
        .origin = origin,
        .method = method.data ? method : rq->x->method,
        .fields = http_block_find(headers, STR("access-control-request-headers")),
    };
    scoped_s3_xml struct s3_xml *x = s3_xml_parse(config);
    const struct s3_xml_node *rule = x ? s3_cors_find(s3_xml_root(x), &question) : NULL;
    if (rule) {
        s3_cors_put(rule, origin, &rq->headers);
    }
}

static void put_usual_headers(struct s3_request *rq, unsigned status)
{
    rq->outcome.status = status;
    rq->outcome.answered_ms = clock_wall_ms();
    s3_put_header(rq, "x-amz-request-id", str_c(rq->id));
    s3_put_header(rq, "x-amz-id-2", s3_host_id(rq));
    s3_put_header(rq, "server", STR("AmazonS3"));
    put_cors_headers(rq);
}

void s3_answer_with(struct s3_request *rq, unsigned status, struct str body)
{
    put_usual_headers(rq, status);
    rq->outcome.sent_bytes = str_eq(rq->x->method, STR("HEAD")) ? 0 : body.len;
    exchange_respond(rq->x, status, buf_str(&rq->headers), body);
}

void s3_answer(struct s3_request *rq, unsigned status)
{
    s3_answer_with(rq, status, buf_str(&rq->body));
}

void s3_answer_xml(struct s3_request *rq, unsigned status, int r)
{
    if (r < 0 || store_read_failure(rq->s3->services->store) < 0) {
        s3_fail(rq, S3_INTERNAL);
        return;
    }
    s3_put_header(rq, "content-type", STR("application/xml"));
    s3_answer(rq, status);
}

void s3_answer_head(struct s3_request *rq, unsigned status)
{
    put_usual_headers(rq, status);
    exchange_head(rq->x, status, buf_str(&rq->headers));
}

void s3_detail(struct s3_request *rq, const char *name, struct str value)
{
    /* What does not fit is left out of an error's text. */
    (void)!buf_printf(&rq->details, "%s%c" STR_FMT "%c", name, 0, STR_ARG(value), 0);
}

void s3_detail_u64(struct s3_request *rq, const char *name, uint64_t value)
{
    char text[24];
    int len = snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
    s3_detail(rq, name, str_of(text, (size_t)len));
}

/* Each byte in hexadecimal digits: blanks and line breaks are seen so. */
static void detail_bytes(struct s3_request *rq, const char *name, struct str value)
{
    struct buf text;
    int r = 0;
    buf_init(&text, 3 * value.len + 1);
    for (size_t i = 0; r == 0 && i < value.len; i++) {
        r = buf_printf(&text, "%s%02x", i > 0 ? " " : "", (unsigned char)value.data[i]);
    }
    s3_detail(rq, name, buf_str(&text));
    buf_finish(&text);
}

static void put_details(struct s3_xml_out *o, struct str details)
{
    while (details.len > 0) {
        struct str name = str_cut(&details, '\0'), value = str_cut(&details, '\0');
        s3_xml_put(o, name.data, value); /* ends in the NUL that was cut */
    }
}

void s3_fail_custom(struct s3_request *rq, unsigned status, const char *code, const char *text)
{
    buf_clear(&rq->body);
    (void)snprintf(rq->outcome.error, sizeof(rq->outcome.error), "%s",
                   code); /* a long one is cut */
    if (rq->front && status != 304) {
        rq->front->fail(rq, status, code, text);
        return;
    }
    if (str_eq(rq->x->method, STR("HEAD")) || status == 304) {
        s3_answer(rq, status);
        return;
    }
    struct s3_xml_out o = { .out = &rq->body };
    s3_xml_raw(&o, STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>"));
    s3_xml_put(&o, "Code", str_c(code));
    s3_xml_put(&o, "Message", str_c(text));
    put_details(&o, buf_str(&rq->details));
    s3_xml_put(&o, "RequestId", str_c(rq->id));
    s3_xml_put(&o, "HostId", s3_host_id(rq));
    s3_xml_close(&o, "Error");
    s3_put_header(rq, "content-type", STR("application/xml"));
    s3_answer(rq, status);
}

/* What S3 names with errors of a bucket, of a key, of a version. */
static void put_subject(struct s3_request *rq, enum s3_error error)
{
    struct str key = rq->missing_key.data ? rq->missing_key : rq->key;
    switch (error) {
    case S3_NO_SUCH_VERSION:
        s3_detail(rq, "Key", key);
        s3_detail(rq, "VersionId", s3_param(rq, "versionId"));
        break;
    case S3_CONDITION_CONFLICT:
    case S3_NO_SUCH_KEY:
        s3_detail(rq, "Key", key);
        break;
    case S3_NO_SUCH_UPLOAD:
    case S3_INVALID_PART_ORDER:
        s3_detail(rq, "UploadId", s3_param(rq, "uploadId"));
        break;
    case S3_BUCKET_EXISTS:
    case S3_BUCKET_YOURS:
    case S3_BUCKET_NOT_EMPTY:
    case S3_BUCKET_NOT_EMPTY_OF_VERSIONS:
    case S3_INVALID_BUCKET_NAME:
    case S3_NO_SUCH_BUCKET:
    case S3_NO_SUCH_BUCKET_POLICY:
    case S3_NO_SUCH_CORS:
    case S3_NO_SUCH_ENCRYPTION:
    case S3_NO_SUCH_LIFECYCLE:
    case S3_NO_SUCH_LOCK_CONFIGURATION:
    case S3_NO_SUCH_OWNERSHIP:
    case S3_NO_SUCH_PUBLIC_BLOCK:
    case S3_NO_SUCH_REPLICATION:
    case S3_NO_SUCH_TAG_SET:
    case S3_NO_SUCH_WEBSITE:
        s3_detail(rq, "BucketName", rq->bucket_name);
        break;
    default:
        break;
    }
}

void s3_fail_text(struct s3_request *rq, enum s3_error error, const char *text)
{
    /* What could not be read looked absent to whoever says this. */
    bool is_unread = store_read_failure(rq->s3->services->store) < 0;
    const struct s3_error_text *e = s3_error_text(is_unread ? S3_INTERNAL : error);
    put_subject(rq, error);
    s3_fail_custom(rq, e->status, e->code, text && !is_unread ? text : e->text);
}

void s3_fail(struct s3_request *rq, enum s3_error error)
{
    s3_fail_text(rq, error, NULL);
}

void s3_fail_argument(struct s3_request *rq, const char *text, const char *name, struct str value)
{
    s3_detail(rq, "ArgumentName", str_c(name));
    s3_detail(rq, "ArgumentValue", value);
    s3_fail_text(rq, S3_INVALID_ARGUMENT, text);
}

void s3_fail_method(struct s3_request *rq, const char *resource_type, const char *text)
{
    s3_detail(rq, "Method", rq->x->method);
    s3_detail(rq, "ResourceType", str_c(resource_type));
    s3_fail_text(rq, S3_METHOD_NOT_ALLOWED, text);
}

void s3_fail_tags(struct s3_request *rq, enum s3_error error, const struct s3_tags_fault *fault)
{
    if (error == S3_INVALID_ARGUMENT) {
        s3_fail_argument(rq, fault->text, "x-amz-tagging", s3_header(rq, "x-amz-tagging"));
        return;
    }
    if (error == S3_INVALID_TAG && fault->key.data) {
        s3_detail(rq, "TagKey", fault->key);
    }
    if (error == S3_INVALID_TAG && fault->value.data) {
        s3_detail(rq, "TagValue", fault->value);
    }
    s3_fail_text(rq, error, fault->text);
}

void s3_fail_signature(struct s3_request *rq, struct str access_key, struct str signature,
                       struct str to_sign, struct str canonical)
{
    s3_detail(rq, "AWSAccessKeyId", access_key);
    s3_detail(rq, "StringToSign", to_sign);
    s3_detail(rq, "SignatureProvided", signature);
    detail_bytes(rq, "StringToSignBytes", to_sign);
    if (canonical.len > 0) {
        s3_detail(rq, "CanonicalRequest", canonical);
        detail_bytes(rq, "CanonicalRequestBytes", canonical);
    }
    s3_fail(rq, S3_SIGNATURE_MISMATCH);
}

int s3_append_url(const struct s3_request *rq, struct buf *out)
{
    int r =
        buf_printf(out, STR_FMT "://" STR_FMT "/", STR_ARG(rq->x->scheme), STR_ARG(rq->x->host));
    if (r == 0 && !rq->is_by_host) {
        r = buf_printf(out, STR_FMT "/", STR_ARG(rq->bucket_name));
    }
    return r < 0 ? r : aws_uri_encode(out, rq->key, '/');
}

/* ---- writing ---- */

int s3_prepare_event(struct s3_request *rq, const struct s3_bucket *bucket, struct str key,
                     const char *kind)
{
    if (!rq->events) {
        struct str trace = s3_header(rq, "x-amzn-trace-id");
        const struct s3_event_cause cause = {
            .access_key = rq->who.user ? rq->who.user->access_key : STR(""),
            .remote = rq->x->remote,
            .request_id = str_c(rq->id),
            .host_id = s3_host_id(rq),
            .trace = trace_header_is_sound(trace) ? trace : STR(""),
            .now_ms = rq->now_ms,
        };
        rq->events = s3_event_create(rq->s3, &cause);
    }
    return s3_event_add(rq->events, bucket, key, kind);
}

static int run_job(struct store_job *job, struct sql *db)
{
    struct s3_request *rq = container_of(job, struct s3_request, job);
    return rq->run(rq, db);
}

static void job_done(struct store_job *job, int result)
{
    struct s3_request *rq = container_of(job, struct s3_request, job);
    if (result >= 0 && rq->events) {
        s3_event_wake(rq->events);
    }
    rq->done(rq, result);
}

void s3_submit(struct s3_request *rq, int (*run)(struct s3_request *rq, struct sql *db),
               void (*done)(struct s3_request *rq, int r))
{
    rq->run = run;
    rq->done = done;
    /* What takes up the room of an upload is there already. */
    bool ends = rq->op && rq->op->run == s3_upload_complete;
    bool removes =
        str_eq(rq->x->method, STR("DELETE")) || (rq->op && rq->op->run == s3_object_delete_many);
    rq->job = (struct store_job){ .run = run_job, .done = job_done, .makes_room = removes || ends };
    store_submit(rq->s3->services->store, &rq->job);
}

void s3_tell_object(struct s3_request *rq, uint64_t bytes)
{
    rq->outcome.has_object = true;
    rq->outcome.object_bytes = bytes;
}

void s3_put_version_header(struct s3_request *rq, const struct stored_object *o)
{
    char text[S3_VERSION_TEXT];
    if (rq->bucket->row.versioning != BUCKET_UNVERSIONED || !(o->flags & OBJECT_NULL_VERSION)) {
        s3_put_header(rq, "x-amz-version-id", s3_version_text(o->rank, o->salt, o->flags, text));
    }
}

void s3_put_new_version_header(struct s3_request *rq, const struct stored_object *o)
{
    if (!(o->flags & OBJECT_NULL_VERSION)) {
        s3_put_version_header(rq, o);
    }
}

/* The display name of an owner. */
static struct str display_name(const struct s3_request *rq, struct str canonical_id)
{
    const struct aws_user *user = aws_users_find_canonical(rq->s3->services->users, canonical_id);
    return user ? user->display_name : canonical_id;
}

void s3_xml_put_owner(const struct s3_request *rq, struct s3_xml_out *o, const char *name,
                      struct str canonical_id)
{
    s3_xml_open(o, name);
    s3_xml_put(o, "ID", canonical_id);
    s3_xml_put(o, "DisplayName", display_name(rq, canonical_id));
    s3_xml_close(o, name);
}
