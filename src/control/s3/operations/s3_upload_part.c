/* UploadPart and UploadPartCopy.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/hex.h"
#include "control/s3/operations/s3_upload.h"
#include "control/s3/s3_access.h"
#include "control/s3/s3_body.h"
#include "control/s3/s3_copy_source.h"
#include "control/s3/s3_new.h"
#include "control/s3/s3_object.h"
#include "control/s3/s3_operations.h"
#include "store/sql.h"

struct part {
    struct s3_upload upload;
    struct s3_copy_source source; /* of a copy */
    bool is_copy;
    struct stored_upload_part part;
    const char *name;
    bool is_encrypted;
    struct s3_crypt crypt;
    char etag[S3_ETAG_TEXT];
    char checksum[S3_CHECKSUM_STORED];
    struct str told; /* the answer's, as `checksum` */
    char told_memory[S3_CHECKSUM_STORED];
};

static void free_part(void *state)
{
    struct part *p = state;
    s3_copy_source_finish(&p->source);
    s3_upload_finish(&p->upload);
    free(p);
}

/* All parts have the key that the upload was begun with. */
static bool read_key(struct s3_request *rq, struct part *p)
{
    struct s3_crypt crypt;
    struct str stored = p->upload.upload.object.crypt;
    bool has_key = s3_header(rq, S3_CUSTOMER_PREFIX "key").data != NULL;
    if (has_key != (stored.len > 0)) {
        s3_fail_text(rq, S3_INVALID_REQUEST,
                     "The multipart upload initiate requested encryption. Subsequent part requests "
                     "must include the appropriate encryption parameters.");
        return false;
    }
    if (!s3_new_open(rq, S3_CUSTOMER_PREFIX, stored, &crypt)) {
        return false;
    }
    p->is_encrypted = stored.len > 0;
    if (p->is_encrypted) {
        p->crypt = s3_crypt_part(&crypt, p->part.number);
    }
    return true;
}

/* What the client sends is what was agreed on; if it sends nothing it is computed. Where nothing
 * was agreed on the whole will have S3's own. */
static bool plan_checksum(struct s3_request *rq, const struct part *p, struct s3_receive_plan *plan)
{
    enum s3_checksum agreed = p->upload.checksum.kind;
    char text[160], expected[16], actual[16];
    plan->with_crc64 = agreed == S3_CHECKSUM_NONE;
    if (agreed == S3_CHECKSUM_NONE || plan->checksum == agreed) {
        return true;
    }
    if (plan->checksum == S3_CHECKSUM_NONE) {
        plan->checksum = agreed;
        return true;
    }
    (void)snprintf(text, sizeof(text),
                   "Checksum Type mismatch occurred, expected checksum Type: %s, actual checksum "
                   "Type: %s",
                   s3_checksum_lower(agreed, expected), s3_checksum_lower(plan->checksum, actual));
    s3_fail_text(rq, S3_INVALID_REQUEST, text);
    return false;
}

static int run_part(struct s3_request *rq, struct sql *db)
{
    struct part *p = rq->state;
    return store_uploads_put_part(rq->s3->contents, db, &p->upload.upload, &p->part, p->name);
}

static void answer_copied(struct s3_request *rq, const struct part *p)
{
    struct s3_checksum_value v = s3_checksum_load(p->told);
    struct s3_xml_out o = { .out = &rq->body };
    s3_copy_source_put_version(rq, &p->source);
    s3_xml_begin(&o, "CopyPartResult");
    s3_xml_put_time(&o, "LastModified", p->part.modified_ms);
    s3_xml_put_etag(&o, "ETag", p->part.etag);
    if (v.kind != S3_CHECKSUM_NONE) {
        s3_xml_put(&o, s3_checksum_element(v.kind), v.text);
    }
    s3_xml_close(&o, "CopyPartResult");
    s3_answer_xml(rq, 200, o.r);
}

static void part_done(struct s3_request *rq, int r)
{
    const struct part *p = rq->state;
    struct s3_checksum_value v = s3_checksum_load(p->told);
    s3_body_finish(rq, r >= 0);
    if (r < 0) {
        s3_fail(rq, r == -ENOENT ? S3_NO_SUCH_UPLOAD : s3_error_of(r));
        return;
    }
    store_contents_sweep(rq->s3->contents); /* of the part that it replaces */
    s3_new_put_encryption(rq, p->upload.upload.object.headers, p->is_encrypted);
    if (p->is_copy) {
        answer_copied(rq, p);
        return;
    }
    s3_object_put_etag(rq, p->part.etag);
    if (v.kind != S3_CHECKSUM_NONE) {
        s3_put_header(rq, s3_checksum_header(v.kind).data, v.text); /* a literal */
    }
    s3_answer(rq, 200);
}

static void received_all(struct s3_request *rq, struct s3_received *received)
{
    struct part *p = rq->state;
    (void)hex_write(received->md5, sizeof(received->md5), p->etag);
    p->part.etag = str_of(p->etag, 2 * sizeof(received->md5));
    p->part.size = received->size;
    p->part.modified_ms = rq->now_ms;
    p->part.hash = str_of((const char *)received->hash, sizeof(received->hash));
    p->told = s3_checksum_store(&received->checksum, p->told_memory);
    p->part.checksum = s3_checksum_store(
        p->upload.checksum.kind == S3_CHECKSUM_NONE ? &received->crc64 : &received->checksum,
        p->checksum);
    p->name = received->name;
    s3_submit(rq, run_part, part_done);
}

static bool fail_range(struct s3_request *rq, struct str range)
{
    s3_fail_argument(
        rq,
        "The x-amz-copy-source-range value must be of the form bytes=first-last where "
        "first and last are the zero-based offsets of the first and last bytes to copy",
        "x-amz-copy-source-range", range);
    return false;
}

/* "bytes=first-last", within the source. */
static bool read_range(struct s3_request *rq, struct s3_copy_source *s)
{
    struct str range = s3_header(rq, "x-amz-copy-source-range");
    uint64_t first, last;
    char text[96];
    if (!range.data) {
        return true;
    }
    if (!str_starts(range, STR("bytes="))) {
        return fail_range(rq, range);
    }
    struct str end = str_skip(range, sizeof("bytes=") - 1);
    struct str start = str_cut(&end, '-');
    if (!str_to_u64(start, &first) || !str_to_u64(end, &last) || last < first) {
        return fail_range(rq, range);
    }
    if (first >= s->object.size) {
        s3_fail_text(rq, S3_INVALID_REQUEST,
                     "The specified copy range is invalid for the source object size");
        return false;
    }
    if (last >= s->object.size) {
        (void)snprintf(text, sizeof(text),
                       "Range specified is not valid for source object of size: %llu",
                       (unsigned long long)s->object.size); /* fits */
        s3_fail_argument(rq, text, "x-amz-copy-source-range", range);
        return false;
    }
    s->offset = first;
    s->length = last - first + 1;
    return true;
}

static void copy_part(struct s3_request *rq, struct part *p)
{
    p->is_copy = true;
    if (!s3_copy_source_find(rq, &p->source) || !read_range(rq, &p->source)) {
        return;
    }
    if (p->source.length > S3_OBJECT_BYTES_MAX) {
        s3_fail(rq, S3_ENTITY_TOO_LARGE);
        return;
    }
    const struct s3_receive_plan plan = { .limit = S3_OBJECT_BYTES_MAX,
                                          .has_length = true,
                                          .length = p->source.length,
                                          .always_file = true,
                                          .checksum = p->upload.checksum.kind,
                                          .with_crc64 = p->upload.checksum.kind == S3_CHECKSUM_NONE,
                                          .crypt = p->is_encrypted ? &p->crypt : NULL };
    s3_copy_source_start(rq, &p->source, &plan, received_all);
}

void s3_upload_part(struct s3_request *rq)
{
    struct part *p = s3_state(rq, sizeof(*p), free_part);
    struct s3_receive_plan plan;
    if (!s3_access_write(rq, "s3:PutObject", STR("")) ||
        !s3_upload_read_number(rq, &p->part.number) || !s3_upload_find(rq, &p->upload) ||
        !read_key(rq, p)) {
        return;
    }
    if (s3_header(rq, "x-amz-copy-source").data) {
        copy_part(rq, p);
        return;
    }
    if (!s3_body_plan(rq, &plan) || !plan_checksum(rq, p, &plan)) {
        return;
    }
    plan.always_file = true;
    plan.crypt = p->is_encrypted ? &p->crypt : NULL;
    s3_body_start(rq, &plan, received_all);
}
