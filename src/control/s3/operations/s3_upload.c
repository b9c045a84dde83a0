/* CreateMultipartUpload, AbortMultipartUpload.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/operations/s3_upload.h"

#include <stdio.h>

#include "base/hex.h"
#include "base/mem.h"
#include "control/s3/s3_access.h"
#include "control/s3/s3_new.h"
#include "control/s3/s3_operations.h"
#include "store/sql.h"

struct str s3_upload_id(int64_t id, uint64_t salt, char ret_text[S3_UPLOAD_ID_BYTES])
{
    (void)snprintf(ret_text, S3_UPLOAD_ID_BYTES, "%016llx%016llx", (unsigned long long)salt,
                   (unsigned long long)id); /* fits */
    return str_of(ret_text, S3_UPLOAD_ID_BYTES - 1);
}

bool s3_upload_parse_id(struct str text, int64_t *ret_id, uint64_t *ret_salt)
{
    uint8_t bytes[16];
    uint64_t halves[2] = { 0 };
    if (!hex_read(text, bytes, sizeof(bytes))) {
        return false;
    }
    for (size_t i = 0; i < sizeof(bytes); i++) {
        halves[i / 8] = halves[i / 8] << 8 | bytes[i];
    }
    *ret_salt = halves[0];
    *ret_id = (int64_t)halves[1];
    return true;
}

static bool keep(const struct stored_upload *u, void *context)
{
    struct s3_upload *ret = context;
    ret->upload = *u;
    ret->memory = store_objects_copy(&u->object, &ret->upload.object);
    ret->initiator = mem_copy_str(u->initiator);
    ret->upload.initiator = str_c(ret->initiator);
    ret->checksum = s3_checksum_load(ret->upload.object.checksum);
    return false;
}

bool s3_upload_look(struct s3_request *rq, struct s3_upload *ret)
{
    int64_t id;
    uint64_t salt;
    *ret = (struct s3_upload){ 0 };
    return s3_upload_parse_id(s3_param(rq, "uploadId"), &id, &salt) &&
           store_uploads_find(rq->s3->services->store, id, salt, keep, ret) &&
           ret->upload.object.bucket == rq->bucket->row.id &&
           str_eq(ret->upload.object.key, rq->key);
}

bool s3_upload_find(struct s3_request *rq, struct s3_upload *ret)
{
    if (!s3_upload_look(rq, ret)) {
        s3_fail(rq, S3_NO_SUCH_UPLOAD);
        return false;
    }
    return true;
}

struct completed {
    struct s3_request *rq;
    s3_upload_then then;
};

static void on_current(const struct stored_object *o, void *context)
{
    struct completed *c = context;
    struct str id = s3_param(c->rq, "uploadId");
    if (id.len > 0 && str_eq(o->upload, id)) {
        c->then(c->rq, o);
    } else {
        s3_fail(c->rq, S3_NO_SUCH_UPLOAD);
    }
}

void s3_upload_completed(struct s3_request *rq, s3_upload_then then)
{
    const struct object_version current = { .which = VERSION_CURRENT };
    struct completed c = { .rq = rq, .then = then };
    if (!store_objects_find(rq->s3->services->store, rq->bucket->row.id, rq->key, current,
                            on_current, &c)) {
        s3_fail(rq, S3_NO_SUCH_UPLOAD);
    }
}

void s3_upload_finish(struct s3_upload *u)
{
    free(u->memory);
    free(u->initiator);
    *u = (struct s3_upload){ 0 };
}

bool s3_upload_read_number(struct s3_request *rq, uint32_t *ret)
{
    struct str text = s3_param(rq, "partNumber");
    uint64_t number;
    if (!str_to_u64(text, &number) || number < 1 || number > S3_PARTS_MAX) {
        s3_fail_argument(rq, "Part number must be an integer between 1 and 10000, inclusive",
                         "partNumber", text);
        return false;
    }
    *ret = (uint32_t)number;
    return true;
}

/* ---- create ---- */

struct creation {
    struct s3_new new;
    struct stored_upload upload;
    char checksum[S3_CHECKSUM_STORED];
};

static void free_creation(void *state)
{
    struct creation *c = state;
    s3_new_finish(&c->new);
    free(c);
}

/* Which checksum parts will have, and of which type that of the whole will be. */
static bool read_checksum(struct s3_request *rq, struct creation *c)
{
    struct str algorithm = s3_header(rq, "x-amz-checksum-algorithm");
    struct str type = s3_header(rq, "x-amz-checksum-type");
    if (!algorithm.data) { /* minio-py says it so, and names its parts with their checksums */
        algorithm = s3_header(rq, "x-amz-sdk-checksum-algorithm");
    }
    struct s3_checksum_value v = { .kind = s3_checksum_of(algorithm), .text = STR("") };
    char text[128], name[16];
    if (algorithm.data && v.kind == S3_CHECKSUM_NONE) {
        s3_fail_text(rq, S3_INVALID_REQUEST, S3_CHECKSUM_UNSUPPORTED);
        return false;
    }
    if (type.data && !s3_checksum_type_of(type, &v.type)) {
        s3_fail_text(rq, S3_INVALID_REQUEST, S3_CHECKSUM_NO_TYPE);
        return false;
    }
    if (type.data && v.kind == S3_CHECKSUM_NONE) {
        s3_fail_text(rq, S3_INVALID_REQUEST,
                     "The x-amz-checksum-type header can only be used with the "
                     "x-amz-checksum-algorithm header.");
        return false;
    }
    if (!type.data) {
        v.type = s3_checksum_default_type(v.kind);
    }
    if (v.kind != S3_CHECKSUM_NONE && !s3_checksum_allows(v.kind, v.type)) {
        (void)snprintf(text, sizeof(text),
                       "The " STR_FMT " checksum type cannot be used with the %s checksum "
                       "algorithm.",
                       STR_ARG(s3_checksum_type_name(v.type)), s3_checksum_lower(v.kind, name));
        s3_fail_text(rq, S3_INVALID_REQUEST, text);
        return false;
    }
    c->upload.object.checksum = s3_checksum_store(&v, c->checksum);
    return true;
}

static int run_create(struct s3_request *rq, struct sql *db)
{
    struct creation *c = rq->state;
    return store_uploads_create(db, &c->upload);
}

static void create_done(struct s3_request *rq, int r)
{
    const struct creation *c = rq->state;
    struct s3_checksum_value v = s3_checksum_load(c->upload.object.checksum);
    struct s3_xml_out o = { .out = &rq->body };
    char id[S3_UPLOAD_ID_BYTES];
    if (r < 0) {
        s3_fail(rq, r == -ENOENT ? S3_NO_SUCH_BUCKET : s3_error_of(r));
        return;
    }
    if (v.kind != S3_CHECKSUM_NONE) {
        s3_put_header(rq, "x-amz-checksum-algorithm", s3_checksum_name(v.kind));
        s3_put_header(rq, "x-amz-checksum-type", s3_checksum_type_name(v.type));
    }
    s3_new_put_encryption(rq, buf_str(&c->new.headers), c->new.is_encrypted);
    s3_xml_begin(&o, "InitiateMultipartUploadResult");
    s3_xml_put(&o, "Bucket", rq->bucket_name);
    s3_xml_put(&o, "Key", rq->key);
    s3_xml_put(&o, "UploadId", s3_upload_id(c->upload.id, c->upload.salt, id));
    s3_xml_close(&o, "InitiateMultipartUploadResult");
    s3_answer_xml(rq, 200, o.r);
}

void s3_upload_create(struct s3_request *rq)
{
    struct creation *c = s3_state(rq, sizeof(*c), free_creation);
    s3_new_init(&c->new);
    if (!s3_new_read_tags(rq, &c->new) ||
        !s3_access_write(rq, "s3:PutObject", buf_str(&c->new.tags)) || !s3_new_read(rq, &c->new) ||
        !read_checksum(rq, c)) {
        return;
    }
    s3_new_apply(&c->new, rq, &c->upload.object);
    c->upload.initiator = s3_owner(rq);
    c->upload.started_ms = rq->now_ms;
    s3_submit(rq, run_create, create_done);
}

/* ---- abort ---- */

static void free_upload(void *state)
{
    s3_upload_finish(state);
    free(state);
}

static int run_abort(struct s3_request *rq, struct sql *db)
{
    const struct s3_upload *u = rq->state;
    return store_uploads_remove(db, u->upload.id, NULL, 0);
}

/* As recorded of S3, which answers so for a day: clients that end what they may have completed
 * (tus' store) go on to delete the object. */
static void answer_aborted(struct s3_request *rq, const struct stored_object *o)
{
    (void)o;
    s3_answer(rq, 204);
}

static void abort_done(struct s3_request *rq, int r)
{
    if (r == 1) {
        s3_upload_completed(rq, answer_aborted);
        return;
    }
    if (r < 0) {
        s3_fail(rq, s3_error_of(r));
        return;
    }
    store_contents_sweep(rq->s3->contents);
    s3_answer(rq, 204);
}

void s3_upload_abort(struct s3_request *rq)
{
    struct s3_upload *u = s3_state(rq, sizeof(*u), free_upload);
    if (!s3_access_write(rq, "s3:AbortMultipartUpload", STR(""))) {
        return;
    }
    if (s3_upload_look(rq, u)) {
        s3_submit(rq, run_abort, abort_done);
    } else {
        s3_upload_completed(rq, answer_aborted);
    }
}
