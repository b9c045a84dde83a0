/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_body.h"

#include <stdio.h>

#include "base/hex.h"
#include "base/mem.h"
#include "control/s3/s3_operations.h"

/* ---- the head's word ---- */

/* How many checksums the head gives; the last one's value. */
static size_t find_checksums(const struct s3_request *rq, struct s3_receive_plan *plan)
{
    size_t count = 0;
    for (int i = S3_CHECKSUM_NONE + 1; i < S3_CHECKSUM_COUNT; i++) {
        struct str value = s3_header(rq, s3_checksum_header((enum s3_checksum)i).data);
        if (value.data) {
            plan->checksum = (enum s3_checksum)i;
            plan->expected = value;
            count++;
        }
    }
    return count;
}

static bool read_trailer(struct s3_request *rq, struct s3_receive_plan *plan)
{
    struct str trailer = s3_header(rq, "x-amz-trailer");
    while (trailer.len > 0) {
        struct str name = str_trim(str_cut(&trailer, ','));
        for (int i = S3_CHECKSUM_NONE + 1; i < S3_CHECKSUM_COUNT; i++) {
            if (str_eq_nocase(name, s3_checksum_header((enum s3_checksum)i))) {
                plan->checksum = (enum s3_checksum)i;
                return true;
            }
        }
        s3_fail_text(rq, S3_INVALID_REQUEST,
                     "The value specified in the x-amz-trailer header is not supported");
        return false;
    }
    return true;
}

static bool read_checksum(struct s3_request *rq, struct s3_receive_plan *plan)
{
    uint8_t bytes[S3_CHECKSUM_BYTES];
    struct str algorithm = s3_header(rq, "x-amz-sdk-checksum-algorithm");
    size_t count = find_checksums(rq, plan);
    if (count > 1) {
        s3_fail_text(rq, S3_INVALID_REQUEST, S3_CHECKSUM_SEVERAL);
        return false;
    }
    if (count == 0) {
        if (!read_trailer(rq, plan)) {
            return false;
        }
    } else if (!aws_base64_decode(plan->expected, bytes, s3_checksum_size(plan->checksum))) {
        char text[96];
        (void)snprintf(text, sizeof(text), "Value for " STR_FMT " header is invalid.",
                       STR_ARG(s3_checksum_header(plan->checksum))); /* fits */
        s3_fail_text(rq, S3_INVALID_REQUEST, text);
        return false;
    }
    if (algorithm.data && plan->checksum == S3_CHECKSUM_NONE) {
        plan->checksum = s3_checksum_of(algorithm);
        if (plan->checksum == S3_CHECKSUM_NONE) {
            s3_fail_text(rq, S3_INVALID_REQUEST,
                         "Value for x-amz-sdk-checksum-algorithm header is invalid.");
            return false;
        }
    }
    return true;
}

/* Documents and copies may do without: to them no body is an empty one. */
static bool needs_length(const struct s3_request *rq)
{
    return rq->op && (rq->op->run == s3_object_put || rq->op->run == s3_upload_part);
}

static bool read_length(struct s3_request *rq, struct s3_receive_plan *plan)
{
    bool is_chunked = rq->who.body == AWS_BODY_CHUNKS || rq->who.body == AWS_BODY_CHUNKS_UNSIGNED;
    struct str text = s3_header(rq, is_chunked ? "x-amz-decoded-content-length" : "content-length");
    plan->has_length = text.data && str_to_u64(text, &plan->length);
    /* S3 takes no body of unknown length. The field comes by the AWS port alone. */
    if (!plan->has_length && !is_chunked && s3_header(rq, "transfer-encoding").data) {
        s3_detail(rq, "Header", STR("Transfer-Encoding"));
        s3_fail_text(rq, S3_NOT_IMPLEMENTED,
                     "A header you provided implies functionality that is not implemented");
        return false;
    }
    if (!plan->has_length && (is_chunked || needs_length(rq))) {
        s3_fail(rq, S3_MISSING_CONTENT_LENGTH);
        return false;
    }
    return true;
}

bool s3_body_plan(struct s3_request *rq, struct s3_receive_plan *ret)
{
    struct str md5 = s3_header(rq, "content-md5");
    *ret = (struct s3_receive_plan){ .limit = S3_OBJECT_BYTES_MAX, .who = &rq->who };
    if (md5.data) {
        ret->has_md5 = aws_base64_decode(md5, ret->md5, sizeof(ret->md5));
        if (!ret->has_md5) {
            s3_detail(rq, "Content-MD5", md5);
            s3_fail(rq, S3_INVALID_DIGEST);
            return false;
        }
    }
    /* What completes an upload has the checksum of the object, which is not this body. */
    return read_length(rq, ret) &&
           (rq->op && rq->op->run == s3_upload_complete ? true : read_checksum(rq, ret));
}

bool s3_body_plan_object(struct s3_request *rq, struct s3_receive_plan *ret)
{
    if (!s3_body_plan(rq, ret)) {
        return false;
    }
    if (ret->checksum == S3_CHECKSUM_NONE) {
        ret->checksum = S3_CHECKSUM_DEFAULT;
    }
    return true;
}

void s3_body_fail(struct s3_request *rq, enum s3_error error)
{
    char text[96];
    struct s3_receive_plan plan = { 0 };
    /* Which of the digests was wrong. */
    if (error == S3_BAD_DIGEST && (find_checksums(rq, &plan) > 0 || read_trailer(rq, &plan)) &&
        plan.checksum != S3_CHECKSUM_NONE) {
        (void)snprintf(text, sizeof(text),
                       "The " STR_FMT " you specified did not match the calculated checksum.",
                       STR_ARG(s3_checksum_name(plan.checksum))); /* fits */
        s3_fail_text(rq, error, text);
    } else {
        s3_fail(rq, error);
    }
}

/* ---- taking it in ---- */

static void on_room(size_t bytes, void *context)
{
    struct s3_request *rq = context;
    exchange_credit(rq->x, bytes);
}

/* The client's word in hexadecimal digits, but of a part as it was sent: so S3 tells them. */
static void tell_md5(struct s3_request *rq, const struct s3_received *received)
{
    char text[AWS_BASE64_BYTES(S3_MD5_BYTES)], hex[2 * S3_MD5_BYTES];
    uint8_t said[S3_MD5_BYTES];
    struct str header = s3_header(rq, "content-md5");
    bool is_part = rq->op && rq->op->run == s3_upload_part;
    if (aws_base64_decode(header, said, sizeof(said))) { /* else it would not have been compared */
        (void)hex_write(said, sizeof(said), hex);
        s3_detail(rq, "ExpectedDigest", is_part ? header : str_of(hex, sizeof(hex)));
    }
    s3_detail(rq, "CalculatedDigest", aws_base64(received->md5, S3_MD5_BYTES, text));
}

static void on_received(enum s3_error error, struct s3_received *received, void *context)
{
    struct s3_request *rq = context;
    if (error == S3_BAD_MD5) {
        tell_md5(rq, received);
    }
    if (error != S3_OK) {
        s3_body_fail(rq, error);
    } else {
        rq->received(rq, received);
    }
}

void s3_body_start(struct s3_request *rq, const struct s3_receive_plan *plan,
                   void (*received)(struct s3_request *rq, struct s3_received *received))
{
    if (plan->has_length && plan->length > plan->limit) {
        s3_fail(rq, S3_ENTITY_TOO_LARGE);
        return;
    }
    rq->received = received;
    rq->takes_body = true;
    rq->receive = s3_receive_create(rq->s3->services->loop, rq->s3->contents, rq->s3->lanes, plan);
    s3_receive_listen(rq->receive, on_room, on_received, rq);
    if (!rq->x->has_body) {
        s3_receive_end(rq->receive);
    }
}

void s3_body_read(struct s3_request *rq, size_t limit,
                  void (*done)(struct s3_request *rq, struct s3_received *received))
{
    struct s3_receive_plan plan;
    if (s3_body_plan(rq, &plan)) {
        plan.limit = limit;
        plan.memory_only = true;
        s3_body_start(rq, &plan, done);
    }
}

void s3_body_finish(struct s3_request *rq, bool kept)
{
    s3_receive_destroy(rq->receive, kept);
    rq->receive = NULL;
    rq->takes_body = false;
}
