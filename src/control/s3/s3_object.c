/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_object.h"

#include <stdio.h>

#include "control/s3/s3_access.h"
#include "control/s3/s3_operations.h"
#include "control/s3/s3_version.h"
#include "http/http_date.h"

struct finding {
    struct s3_request *rq;
    const char *action;
    enum s3_permission permission;
    bool by_version;
    void (*found)(struct s3_request *rq, const struct stored_object *o);
};

/* A delete marker stands for nothing: what is read of it is not there. It has nothing that could be
 * changed, nor tags or a lock, and asked for by its id it cannot be read either. */
static void answer_marker(const struct finding *f, const struct stored_object *o)
{
    char date[HTTP_DATE_BYTES];
    struct s3_request *rq = f->rq;
    bool is_read = f->permission == S3_READ || f->permission == S3_READ_ACP;
    enum s3_error error = s3_access_object(rq, rq->bucket, rq->key, rq->op->action, S3_READ, NULL);
    s3_put_header(rq, "x-amz-delete-marker", STR("true"));
    s3_put_version_header(rq, o);
    if (f->by_version || (error == S3_NO_SUCH_KEY && !is_read)) {
        http_date_format((int64_t)(o->modified_ms / 1000), date);
        s3_put_header(rq, "last-modified", str_c(date));
        s3_put_header(rq, "allow", STR("DELETE"));
        s3_fail_method(rq, "DeleteMarker", NULL);
    } else {
        s3_fail(rq, error);
    }
}

static void on_object(const struct stored_object *o, void *context)
{
    const struct finding *f = context;
    if (o->flags & OBJECT_DELETE_MARKER) {
        answer_marker(f, o);
        return;
    }
    enum s3_error error =
        s3_access_object(f->rq, f->rq->bucket, f->rq->key, f->action, f->permission, o);
    if (error != S3_OK) {
        s3_fail(f->rq, error);
    } else {
        f->found(f->rq, o);
    }
}

/* The action on a version has a name of its own: "s3:GetObjectVersion", "s3:GetObjectVersionAcl".
 */
static const char *version_action(const char *action)
{
    static const struct {
        const char *action, *version;
    } names[] = {
        { "s3:GetObject", "s3:GetObjectVersion" },
        { "s3:GetObjectAcl", "s3:GetObjectVersionAcl" },
        { "s3:PutObjectAcl", "s3:PutObjectVersionAcl" },
        { "s3:GetObjectTagging", "s3:GetObjectVersionTagging" },
        { "s3:PutObjectTagging", "s3:PutObjectVersionTagging" },
        { "s3:DeleteObjectTagging", "s3:DeleteObjectVersionTagging" },
        { "s3:GetObjectAttributes", "s3:GetObjectVersionAttributes" },
        { "s3:DeleteObject", "s3:DeleteObjectVersion" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (strcmp(names[i].action, action) == 0) {
            return names[i].version;
        }
    }
    return action;
}

void s3_object_find(struct s3_request *rq, const char *action, enum s3_permission permission,
                    void (*found)(struct s3_request *rq, const struct stored_object *o))
{
    struct object_version version;
    struct str text = s3_param(rq, "versionId");
    if (!s3_version_parse(text, &version)) {
        s3_fail_argument(rq, "Invalid version id specified", "versionId", text);
        return;
    }
    struct finding f = { rq, text.data ? version_action(action) : action, permission,
                         text.data != NULL, found };
    if (store_objects_find(rq->s3->services->store, rq->bucket->row.id, rq->key, version, on_object,
                           &f)) {
        return;
    }
    enum s3_error error = s3_access_object(rq, rq->bucket, rq->key, f.action, permission, NULL);
    if (!text.data) {
        s3_put_header(rq, "x-amz-delete-marker", STR("false")); /* as Ceph says it */
    }
    s3_fail(rq, error == S3_NO_SUCH_KEY && text.data ? S3_NO_SUCH_VERSION : error);
}

void s3_object_put_etag(struct s3_request *rq, struct str etag)
{
    char text[S3_ETAG_TEXT + 2];
    int len = snprintf(text, sizeof(text), "\"" STR_FMT "\"", STR_ARG(etag)); /* fits */
    s3_put_header(rq, "etag", str_of(text, (size_t)len));
}

void s3_object_put_checksum(struct s3_request *rq, struct str stored)
{
    struct s3_checksum_value v = s3_checksum_load(stored);
    if (v.kind != S3_CHECKSUM_NONE) {
        s3_put_header(rq, s3_checksum_header(v.kind).data, v.text); /* a literal */
        s3_put_header(rq, "x-amz-checksum-type", s3_checksum_type_name(v.type));
    }
}

size_t s3_object_part_count(const struct stored_object *o)
{
    bool has_etag_of_parts = str_find(o->etag, '-') < o->etag.len;
    return has_etag_of_parts ? store_objects_part_count(o) : 0;
}
