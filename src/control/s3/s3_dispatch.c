/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_dispatch.h"

#include "control/s3/s3_access.h"
#include "control/s3/s3_body.h"
#include "control/s3/s3_name.h"
#include "control/s3/s3_operations.h"
#include "control/s3/s3_route.h"

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

static bool find_bucket(struct s3_request *rq)
{
    bool is_service = rq->bucket_name.len == 0 && rq->key.len == 0; /* "//k" is a key of nothing */
    if (is_service || rq->op->needs == S3_NEEDS_USER) {
        return true; /* the service; a bucket that is to be made */
    }
    rq->bucket = s3_buckets_find(rq->s3->buckets, rq->bucket_name);
    if (!rq->bucket) {
        s3_fail(rq,
                s3_name_is_bucket(rq->bucket_name) ? S3_NO_SUCH_BUCKET : S3_INVALID_BUCKET_NAME);
        return false;
    }
    return s3_access_owner(rq, rq->bucket, "x-amz-expected-bucket-owner");
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
