/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_access_record.h"

#include <stdio.h>
#include <time.h>

#include "control/sign/aws_uri.h"

#define OPERATION_BYTES 64
#define WHEN_BYTES      32 /* "06/Feb/2019:00:00:38 +0000" */

/* ---- what it was ---- */

/* What stands in a log for an operation, where that is not its parameter in capitals. */
static const struct {
    const char *operation, *resource;
} resources[] = {
    { "ListBuckets", "SERVICE" },
    { "ListObjects", "BUCKET" },
    { "ListObjectsV2", "BUCKET" },
    { "ListObjectVersions", "BUCKETVERSIONS" },
    { "GetBucketPolicy", "BUCKETPOLICY" },
    { "PutBucketPolicy", "BUCKETPOLICY" },
    { "DeleteBucketPolicy", "BUCKETPOLICY" },
    { "GetBucketLogging", "LOGGING_STATUS" },
    { "PutBucketLogging", "LOGGING_STATUS" },
    { "GetBucketRequestPayment", "REQUEST_PAYMENT" },
    { "PutBucketRequestPayment", "REQUEST_PAYMENT" },
    { "GetPublicAccessBlock", "PUBLIC_ACCESS_BLOCK" },
    { "PutPublicAccessBlock", "PUBLIC_ACCESS_BLOCK" },
    { "DeletePublicAccessBlock", "PUBLIC_ACCESS_BLOCK" },
    { "GetBucketOwnershipControls", "OWNERSHIP_CONTROLS" },
    { "PutBucketOwnershipControls", "OWNERSHIP_CONTROLS" },
    { "DeleteBucketOwnershipControls", "OWNERSHIP_CONTROLS" },
    { "GetObjectTagging", "OBJECT_TAGGING" },
    { "PutObjectTagging", "OBJECT_TAGGING" },
    { "DeleteObjectTagging", "OBJECT_TAGGING" },
    { "DeleteObjects", "MULTI_OBJECT_DELETE" },
    { "CompleteMultipartUpload", "UPLOAD" },
    { "AbortMultipartUpload", "UPLOAD" },
    { "ListParts", "UPLOAD" },
    { "UploadPart", "PART" },
};

static const char *resource_of(const struct s3_request *rq)
{
    for (size_t i = 0; rq->op && i < ARRAY_COUNT(resources); i++) {
        if (strcmp(rq->op->name, resources[i].operation) == 0) {
            return resources[i].resource;
        }
    }
    return rq->op && rq->op->query                 ? rq->op->query
           : str_eq(rq->x->method, STR("OPTIONS")) ? "PREFLIGHT"
           : rq->key.len > 0 || rq->form.data      ? "OBJECT"
                                                   : "BUCKET";
}

/* "REST.GET.OBJECT", "WEBSITE.GET.OBJECT": the method, and what it was about. */
static void name_operation(const struct s3_request *rq, char *ret, size_t size)
{
    bool is_copy =
        str_eq(rq->x->method, STR("PUT")) && s3_header(rq, "x-amz-copy-source").data != NULL;
    (void)snprintf(ret, size, "%s." STR_FMT ".%s", rq->front ? rq->front->name : "REST",
                   STR_ARG(is_copy ? STR("COPY") : rq->x->method), resource_of(rq));
    for (char *c = ret; *c; c++) {
        bool is_small = *c >= 'a' && *c <= 'z';
        *c = (char)(*c == '-' ? '_' : is_small ? *c - 'a' + 'A' : *c);
    }
}

/* ---- fields ---- */

static int put_word(struct buf *out, struct str word)
{
    return buf_printf(out, " " STR_FMT, STR_ARG(word.len > 0 ? word : STR("-")));
}

static int put_number(struct buf *out, bool is_known, uint64_t number)
{
    return is_known ? buf_printf(out, " %llu", (unsigned long long)number)
                    : buf_append(out, STR(" -"));
}

/* A clock that was set meanwhile has measured nothing. */
static uint64_t passed_ms(uint64_t from_ms, uint64_t to_ms)
{
    return to_ms > from_ms ? to_ms - from_ms : 0;
}

static int put_escaped(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        bool is_plain = c >= ' ' && c != '"' && c != 0x7F;
        TRY(is_plain ? buf_append(out, str_of(&text.data[i], 1)) : buf_printf(out, "%%%02X", c));
    }
    return 0;
}

static int put_quoted(struct buf *out, struct str text)
{
    TRY(buf_append(out, STR(" \"")));
    TRY(put_escaped(out, text.len > 0 ? text : STR("-")));
    return buf_append(out, STR("\""));
}

static int put_key(struct buf *out, struct str key)
{
    TRY(buf_append(out, STR(" ")));
    return key.len > 0 ? aws_uri_encode(out, key, '/') : buf_append(out, STR("-"));
}

/* The canonical id of who asked; of a function, which has none of its own, its name. */
static int put_requester(struct buf *out, const struct s3_request *rq)
{
    const struct aws_user *user = rq->who.user;
    if (user && user->kind == AWS_USER_FUNCTION) {
        return buf_printf(out, " arn:aws:iam::" AWS_ACCOUNT_ID ":user/" STR_FMT,
                          STR_ARG(user->name));
    }
    return put_word(out, user ? user->canonical_id : STR(""));
}

/* Up to the request's id. */
static int put_begin(struct buf *out, const struct s3_request *rq)
{
    char when[WHEN_BYTES] = "-";
    time_t seconds = (time_t)(rq->now_ms / 1000);
    struct tm tm;
    if (gmtime_r(&seconds, &tm)) {
        (void)strftime(when, sizeof(when), "%d/%b/%Y:%H:%M:%S +0000", &tm);
    }
    TRY(buf_printf(out, STR_FMT " " STR_FMT " [%s]", STR_ARG(rq->bucket->row.owner),
                   STR_ARG(rq->bucket->row.name), when));
    TRY(put_word(out, rq->x->remote));
    TRY(put_requester(out, rq));
    return put_word(out, str_c(rq->id));
}

static int put_request_line(struct buf *out, const struct s3_request *rq)
{
    TRY(buf_printf(out, " \"" STR_FMT " ", STR_ARG(rq->x->method)));
    TRY(put_escaped(out, rq->x->target));
    return buf_append(out, STR(" HTTP/1.1\""));
}

/* From the version's id on: how it was signed, and to which host it was sent. */
static int put_end(struct buf *out, const struct s3_request *rq, struct str version)
{
    const struct aws_scope *scope = &rq->who.scope;
    bool is_signed = rq->who.user != NULL;
    TRY(put_word(out, version));
    TRY(put_word(out, s3_host_id(rq)));
    TRY(put_word(out, !is_signed                 ? STR("")
                      : scope->region[0] == '\0' ? STR("SigV2") /* it knows of none */
                                                 : STR("SigV4")));
    TRY(put_word(out, STR(""))); /* no cipher: it was plain HTTP */
    TRY(put_word(out, !is_signed                      ? STR("")
                      : scope->kind == AWS_SIGN_QUERY ? STR("QueryString")
                                                      : STR("AuthHeader")));
    TRY(buf_append(out, STR(" ")));
    TRY(put_escaped(out, rq->x->host.len > 0 ? rq->x->host : STR("-")));
    TRY(buf_append(out, STR(" - -"))); /* no TLS, no access point */
    return buf_printf(out, " %s\n", rq->outcome.by_acl ? "Yes" : "-");
}

int s3_access_record_put(struct buf *out, const struct s3_request *rq, uint64_t now_ms)
{
    const struct s3_outcome *o = &rq->outcome;
    char operation[OPERATION_BYTES];
    name_operation(rq, operation, sizeof(operation));
    TRY(put_begin(out, rq));
    TRY(put_word(out, str_c(operation)));
    TRY(put_key(out, rq->key));
    TRY(put_request_line(out, rq));
    TRY(put_number(out, o->status > 0, o->status));
    TRY(put_word(out, str_c(o->error)));
    TRY(put_number(out, o->sent_bytes > 0, o->sent_bytes));
    TRY(put_number(out, o->has_object, o->object_bytes));
    TRY(put_number(out, true, passed_ms(rq->now_ms, now_ms)));
    TRY(put_number(out, o->answered_ms > 0, passed_ms(rq->now_ms, o->answered_ms)));
    TRY(put_quoted(out, s3_header(rq, "referer")));
    TRY(put_quoted(out, s3_header(rq, "user-agent")));
    return put_end(out, rq, s3_param(rq, "versionId"));
}

int s3_access_record_put_deletion(struct buf *out, const struct s3_request *rq,
                                  const struct s3_access_deletion *d)
{
    TRY(put_begin(out, rq));
    TRY(buf_append(out, STR(" BATCH.DELETE.OBJECT")));
    TRY(put_key(out, d->key));
    TRY(buf_printf(out, " - %u %s - - - - - -", d->status, d->error ? d->error : "-"));
    return put_end(out, rq, d->version);
}
