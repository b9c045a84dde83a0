/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_copy_source.h"

#include "control/s3/s3_access.h"
#include "control/s3/s3_archive.h"
#include "control/s3/s3_body.h"
#include "control/s3/s3_conditions.h"
#include "control/s3/s3_name.h"
#include "control/s3/s3_new.h"
#include "control/s3/s3_object.h"
#include "control/s3/s3_reader.h"
#include "control/s3/s3_version.h"
#include "control/sign/aws_uri.h"

void s3_copy_source_finish(struct s3_copy_source *s)
{
    s3_reader_destroy(s->reader);
    s3_bucket_unref(s->bucket);
    buf_finish(&s->text);
    free(s->memory);
}

/* "[/]bucket/key[?versionId=x]", escaped as forms are: to S3 a plus is a blank, as Go's
 * url.QueryEscape() writes it. */
static bool read_source(struct s3_request *rq, struct s3_copy_source *s)
{
    struct str source = s3_header(rq, "x-amz-copy-source");
    struct str path = source, query = { NULL, 0 };
    /* A question mark that is part of the key is escaped. */
    const char *mark = memmem(source.data, source.len, "?versionId=", 11);
    if (mark) {
        path.len = (size_t)(mark - source.data);
        query = str_skip(source, path.len + 11);
    }
    buf_init(&s->text, source.len + 1);
    if (aws_uri_decode(&s->text, path, AWS_URI_PLUS_IS_SPACE) < 0) {
        return false;
    }
    s->key = buf_str(&s->text);
    if (s->key.len > 0 && s->key.data[0] == '/') {
        s->key = str_skip(s->key, 1);
    }
    s->bucket_name = str_cut(&s->key, '/');
    s->version = query;
    return s->bucket_name.len > 0 && s->key.len > 0;
}

static void keep_object(const struct stored_object *o, void *context)
{
    struct s3_copy_source *s = context;
    s->memory = store_objects_copy(o, &s->object);
}

static bool find_object(struct s3_request *rq, struct s3_copy_source *s)
{
    struct object_version version;
    if (!s3_version_parse(s->version, &version)) {
        s3_fail_argument(rq, "Invalid version id specified", "x-amz-copy-source", s->version);
        return false;
    }
    bool found = store_objects_find(rq->s3->services->store, s->bucket->row.id, s->key, version,
                                    keep_object, s);
    bool is_marker = found && s->object.flags & OBJECT_DELETE_MARKER;
    if (is_marker && s->version.data) {
        s3_fail_text(
            rq, S3_INVALID_REQUEST,
            "The source of a copy request may not specifically refer to a delete marker by "
            "version id.");
        return false;
    }
    enum s3_error error = s3_access_object(rq, s->bucket, s->key,
                                           s->version.data ? "s3:GetObjectVersion" : "s3:GetObject",
                                           S3_READ, found && !is_marker ? &s->object : NULL);
    if (error != S3_OK) {
        rq->missing_key = s->key;
        s3_fail(rq, error == S3_NO_SUCH_KEY && s->version.data ? S3_NO_SUCH_VERSION : error);
    }
    return error == S3_OK;
}

bool s3_copy_source_find(struct s3_request *rq, struct s3_copy_source *s)
{
    struct s3_conditions conditions;
    if (!read_source(rq, s)) {
        s3_fail_argument(rq, "Invalid copy source object key", "x-amz-copy-source",
                         STR("x-amz-copy-source"));
        return false;
    }
    if (s->key.len > S3_KEY_BYTES_MAX) {
        s3_fail(rq, S3_KEY_TOO_LONG);
        return false;
    }
    s->bucket = s3_buckets_find(rq->s3->buckets, s->bucket_name);
    if (!s->bucket) {
        s3_fail(rq, S3_NO_SUCH_BUCKET);
        return false;
    }
    if (!s3_access_owner(rq, s->bucket, "x-amz-source-expected-bucket-owner") ||
        !find_object(rq, s)) {
        return false;
    }
    s3_conditions_read(rq, "x-amz-copy-source-", &conditions);
    if (s3_conditions_read_check(&conditions, s->object.etag, s->object.modified_ms) != S3_OK) {
        s3_conditions_fail(rq, S3_PRECONDITION_FAILED, "x-amz-copy-source-", conditions.failed);
        return false;
    }
    if (!s3_archive_is_readable(&s->object, rq->now_ms)) {
        s3_fail_text(rq, S3_INVALID_OBJECT_STATE,
                     "Operation is not valid for the source object's storage class");
        return false;
    }
    s->offset = 0;
    s->length = s->object.size;
    s->is_encrypted = s->object.crypt.len > 0;
    return s3_new_open(rq, S3_COPY_CUSTOMER_PREFIX, s->object.crypt, &s->crypt);
}

/* ---- bytes ---- */

static void finish(struct s3_copy_source *s)
{
    if (s->error != S3_OK) {
        s3_body_fail(s->rq, s->error);
    } else {
        s->received(s->rq, s->result);
    }
}

/* What has failed while a read was under way is told when that is over. */
static void on_received(enum s3_error error, struct s3_received *received, void *context)
{
    struct s3_copy_source *s = context;
    s->error = error;
    s->result = received;
    s->is_received = true;
    if (!s3_reader_is_reading(s->reader)) {
        finish(s);
    }
}

static void chunk_read(struct str data, void *context)
{
    struct s3_copy_source *s = context;
    if (s->is_received) {
        finish(s);
    } else if (data.len == 0) {
        s3_receive_fail(s->rq->receive, S3_INTERNAL);
    } else {
        s->fed += data.len;
        s3_receive_feed(s->rq->receive, data);
    }
}

static void on_room(size_t bytes, void *context)
{
    struct s3_copy_source *s = context;
    s->fed -= bytes;
    if (s->fed > 0 || s3_reader_is_reading(s->reader)) {
        return;
    }
    if (s3_reader_is_at_end(s->reader)) {
        s3_receive_end(s->rq->receive);
    } else {
        s3_reader_read(s->reader, chunk_read, s);
    }
}

void s3_copy_source_start(struct s3_request *rq, struct s3_copy_source *s,
                          const struct s3_receive_plan *plan,
                          void (*received)(struct s3_request *rq, struct s3_received *received))
{
    s->rq = rq;
    s->received = received;
    s->reader = s3_reader_create(rq->s3, &s->object, s->is_encrypted ? &s->crypt : NULL, s->offset,
                                 s->length);
    rq->receive = s3_receive_create(rq->s3->services->loop, rq->s3->contents, rq->s3->lanes, plan);
    s3_receive_listen(rq->receive, on_room, on_received, s);
    on_room(0, s);
}

void s3_copy_source_put_version(struct s3_request *rq, const struct s3_copy_source *s)
{
    char text[S3_VERSION_TEXT];
    const struct stored_object *o = &s->object;
    if (!(o->flags & OBJECT_NULL_VERSION) || s->version.data) {
        s3_put_header(rq, "x-amz-copy-source-version-id",
                      s3_version_text(o->rank, o->salt, o->flags, text));
    }
}
