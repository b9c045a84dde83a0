/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_object.h"

#include <stdio.h>

#include "control/s3/s3_access.h"
#include "control/s3/s3_operations.h"
#include "http/http_block.h"
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

/* ---- conditions ---- */

static struct str field(const struct s3_request *rq, const char *prefix, const char *name)
{
    char text[64];
    (void)snprintf(text, sizeof(text), "%s%s", prefix, name); /* fits */
    return s3_header(rq, text);
}

void s3_conditions_read(const struct s3_request *rq, const char *prefix, struct s3_conditions *ret)
{
    *ret = (struct s3_conditions){ .if_match = field(rq, prefix, "if-match"),
                                   .if_none_match = field(rq, prefix, "if-none-match") };
    /* A time that is yet to come is no condition. */
    ret->has_modified =
        http_date_parse(field(rq, prefix, "if-modified-since"), &ret->modified_since_s) &&
        ret->modified_since_s <= (int64_t)(rq->now_ms / 1000);
    ret->has_unmodified =
        http_date_parse(field(rq, prefix, "if-unmodified-since"), &ret->unmodified_since_s);
}

void s3_conditions_fail_unknown(struct s3_request *rq, const char *names, const char *why)
{
    s3_detail(rq, "Header", str_c(names));
    s3_detail(rq, "additionalMessage", str_c(why));
    s3_fail_text(rq, S3_NOT_IMPLEMENTED,
                 "A header you provided implies functionality that is not implemented");
}

bool s3_conditions_read_write(struct s3_request *rq, struct s3_conditions *ret)
{
    s3_conditions_read(rq, "", ret);
    if (ret->if_match.data && ret->if_none_match.data) {
        s3_conditions_fail_unknown(rq, "If-Match,If-None-Match",
                                   "Multiple conditional request headers present in the request");
        return false;
    }
    return true;
}

bool s3_conditions_has_etag(struct str list, struct str etag)
{
    while (list.len > 0) {
        struct str one = str_trim(str_cut(&list, ','));
        if (str_starts(one, STR("W/"))) {
            one = str_skip(one, 2);
        }
        /* S3 takes one without its quotation marks, or without one of them. */
        if (str_starts(one, STR("\""))) {
            one = str_skip(one, 1);
        }
        if (one.len > 0 && one.data[one.len - 1] == '"') {
            one.len--;
        }
        if (str_eq(one, STR("*")) || str_eq(one, etag)) {
            return true;
        }
    }
    return false;
}

/* RFC 9110, 13.2.2: dates count only where there is no entity tag. */
enum s3_error s3_conditions_read_check(struct s3_conditions *c, struct str etag,
                                       uint64_t modified_ms)
{
    int64_t modified_s = (int64_t)(modified_ms / 1000);
    if (c->if_match.data ? !s3_conditions_has_etag(c->if_match, etag)
                         : c->has_unmodified && modified_s > c->unmodified_since_s) {
        c->failed = c->if_match.data ? "If-Match" : "If-Unmodified-Since";
        return S3_PRECONDITION_FAILED;
    }
    if (c->if_none_match.data ? s3_conditions_has_etag(c->if_none_match, etag)
                              : c->has_modified && modified_s <= c->modified_since_s) {
        c->failed = c->if_none_match.data ? "If-None-Match" : "If-Modified-Since";
        return S3_NOT_MODIFIED;
    }
    return S3_OK;
}

int s3_conditions_write_check(const struct stored_object *current, void *context)
{
    struct s3_conditions *c = context;
    bool exists = current && !(current->flags & OBJECT_DELETE_MARKER);
    c->failed = NULL;
    if (c->if_match.data && !exists) {
        return s3_error_refuse(S3_NO_SUCH_KEY);
    }
    if (c->if_match.data && !s3_conditions_has_etag(c->if_match, current->etag)) {
        c->failed = "If-Match";
    } else if (c->if_none_match.data && exists &&
               s3_conditions_has_etag(c->if_none_match, current->etag)) {
        c->failed = "If-None-Match";
    }
    return c->failed ? s3_error_refuse(S3_PRECONDITION_FAILED) : 0;
}

void s3_conditions_fail(struct s3_request *rq, enum s3_error error, const char *prefix,
                        const char *failed)
{
    char text[64];
    if ((error == S3_PRECONDITION_FAILED || error == S3_CONDITION_CONFLICT) && failed) {
        int len = snprintf(text, sizeof(text), "%s%s", prefix, failed); /* fits */
        s3_detail(rq, "Condition", str_of(text, (size_t)len));
    }
    s3_fail(rq, error);
}
