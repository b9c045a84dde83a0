/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_acl_request.h"

#include <stdio.h>

#include "control/s3/s3_access.h"
#include "control/s3/s3_event.h"
#include "control/s3/s3_object.h"
#include "control/s3/s3_operations.h"
#include "store/sql.h"

static const struct {
    const char *header;
    enum s3_permission permission;
} grants[] = {
    { "x-amz-grant-read", S3_READ },
    { "x-amz-grant-write", S3_WRITE },
    { "x-amz-grant-read-acp", S3_READ_ACP },
    { "x-amz-grant-write-acp", S3_WRITE_ACP },
    { "x-amz-grant-full-control", S3_FULL_CONTROL },
};

static bool has_grants(const struct s3_request *rq)
{
    for (size_t i = 0; i < ARRAY_COUNT(grants); i++) {
        if (s3_header(rq, grants[i].header).data) {
            return true;
        }
    }
    return false;
}

bool s3_acl_request_has(const struct s3_request *rq)
{
    return s3_header(rq, "x-amz-acl").data || has_grants(rq);
}

/* False: it was answered. */
static bool fail_acl(struct s3_request *rq, enum s3_error error, const struct s3_acl_fault *fault)
{
    if (error == S3_INVALID_ACL) {
        s3_fail_argument(rq, "", "x-amz-acl", s3_header(rq, "x-amz-acl"));
    } else if (error == S3_INVALID_REQUEST) {
        s3_fail_text(rq, error, "Specifying both Canned ACLs and Header Grants is not allowed");
    } else if (error == S3_INVALID_ARGUMENT) {
        s3_fail_argument(rq, fault->text, fault->name, fault->value);
    } else if (error == S3_MISSING_SECURITY_HEADER) {
        s3_detail(rq, "MissingHeaderName", STR("x-amz-acl"));
        s3_fail(rq, error);
    } else {
        s3_fail(rq, error);
    }
    return false;
}

static enum s3_error read_fields(const struct s3_request *rq, const struct s3_acl_owners *owners,
                                 struct s3_acl *acl, struct s3_acl_fault *ret_fault)
{
    struct str canned = s3_header(rq, "x-amz-acl");
    enum s3_error error = S3_OK;
    if (canned.data) {
        return has_grants(rq) ? S3_INVALID_REQUEST : s3_acl_canned(canned, owners, acl);
    }
    acl->count = 0;
    for (size_t i = 0; i < ARRAY_COUNT(grants) && error == S3_OK; i++) {
        error = s3_acl_grant_header(s3_header(rq, grants[i].header), grants[i].permission,
                                    rq->s3->services->users, acl, ret_fault);
        if (error == S3_INVALID_ARGUMENT && !ret_fault->name) {
            ret_fault->name = grants[i].header;
        }
    }
    return error;
}

/* What the bucket (NULL: one to be made) does not allow. */
static enum s3_error check_allowed(const struct s3_bucket *bucket, struct str canned,
                                   const struct s3_acl *acl)
{
    if (bucket && bucket->ownership == S3_OWNER_ENFORCED &&
        !str_eq(canned, STR("bucket-owner-full-control"))) {
        return S3_ACL_NOT_SUPPORTED;
    }
    if (bucket && bucket->block.block_acls && s3_acl_is_public(acl)) {
        return S3_ACCESS_DENIED;
    }
    return S3_OK;
}

static bool is_private(const struct s3_acl *acl, struct str owner)
{
    return acl->count == 1 && acl->grants[0].grantee == S3_GRANTEE_USER &&
           acl->grants[0].permission == S3_FULL_CONTROL && str_eq(acl->grants[0].id, owner);
}

static enum s3_error finish(const struct s3_request *rq, struct str canned, struct s3_acl *acl,
                            struct buf *ret)
{
    enum s3_error error = check_allowed(rq->bucket, canned, acl);
    if (error == S3_OK && !is_private(acl, s3_owner(rq)) && s3_acl_store(acl, ret) < 0) {
        error = S3_MALFORMED_ACL;
    }
    return error;
}

bool s3_acl_request_read(struct s3_request *rq, struct str bucket_owner, struct buf *ret)
{
    struct s3_acl acl;
    struct s3_acl_fault fault = { 0 };
    const struct s3_acl_owners owners = { s3_owner(rq), bucket_owner };
    if (!s3_acl_request_has(rq)) {
        return true;
    }
    enum s3_error error = read_fields(rq, &owners, &acl, &fault);
    if (error == S3_OK) {
        error = finish(rq, s3_header(rq, "x-amz-acl"), &acl, ret);
    }
    return error == S3_OK || fail_acl(rq, error, &fault);
}

/* ---- operations ---- */

static void answer_acl(struct s3_request *rq, const struct s3_acl *acl, struct str owner)
{
    struct s3_xml_out o = { .out = &rq->body };
    s3_acl_to_xml(acl, owner, rq->s3->services->users, &o);
    s3_answer_xml(rq, 200, o.r);
}

void s3_acl_get_bucket(struct s3_request *rq)
{
    answer_acl(rq, &rq->bucket->acl, rq->bucket->row.owner);
}

static void get_found(struct s3_request *rq, const struct stored_object *o)
{
    struct s3_acl acl;
    s3_acl_load(o->acl, o->owner, &acl);
    s3_put_version_header(rq, o);
    answer_acl(rq, &acl, o->owner);
}

void s3_acl_get_object(struct s3_request *rq)
{
    s3_object_find(rq, "s3:GetObjectAcl", S3_READ_ACP, get_found);
}

/* From the document, or from fields. */
static enum s3_error read_source(struct s3_request *rq, const struct s3_acl_owners *owners,
                                 struct s3_acl *acl, struct s3_acl_fault *ret_fault)
{
    if (s3_acl_request_has(rq)) {
        return rq->text.len > 0 ? S3_UNEXPECTED_CONTENT : read_fields(rq, owners, acl, ret_fault);
    }
    if (rq->text.len == 0) {
        return S3_MISSING_SECURITY_HEADER;
    }
    rq->xml = s3_xml_parse(rq->text);
    return rq->xml ? s3_acl_from_xml(s3_xml_root(rq->xml), rq->s3->services->users, owners->owner,
                                     acl, ret_fault)
                   : S3_MALFORMED_ACL;
}

/* What is to be set. False: answered. */
static bool read_wanted(struct s3_request *rq, struct str owner, struct buf *ret)
{
    struct s3_acl acl;
    struct s3_acl_fault fault = { 0 };
    const struct s3_acl_owners owners = { owner, rq->bucket->row.owner };
    enum s3_error error = read_source(rq, &owners, &acl, &fault);
    if (error == S3_OK) {
        error = check_allowed(rq->bucket, s3_header(rq, "x-amz-acl"), &acl);
    }
    if (error == S3_OK && !is_private(&acl, owner) && s3_acl_store(&acl, ret) < 0) {
        error = S3_MALFORMED_ACL;
    }
    return error == S3_OK || fail_acl(rq, error, &fault);
}

struct put_state {
    struct buf text;
    struct stored_object object;
    char *memory;
    int event;
};

static void free_put(void *state)
{
    struct put_state *p = state;
    buf_finish(&p->text);
    free(p->memory);
    free(p);
}

static struct put_state *put_create(struct s3_request *rq)
{
    struct put_state *p = s3_state(rq, sizeof(*p), free_put);
    buf_init(&p->text, S3_ACL_BYTES_MAX);
    return p;
}

static int run_put_bucket(struct s3_request *rq, struct sql *db)
{
    const struct put_state *p = rq->state;
    return store_buckets_put_setting(db, rq->bucket->row.id, STR("acl"), buf_str(&p->text));
}

static void bucket_done(struct s3_request *rq, int r)
{
    s3_buckets_forget(rq->s3->buckets, rq->bucket_name);
    if (r < 0) {
        s3_fail(rq, r == -ENOENT ? S3_NO_SUCH_BUCKET : s3_error_of(r));
    } else {
        s3_answer(rq, 200);
    }
}

void s3_acl_put_bucket(struct s3_request *rq)
{
    struct put_state *p = put_create(rq);
    if (read_wanted(rq, rq->bucket->row.owner, &p->text)) {
        s3_submit(rq, run_put_bucket, bucket_done);
    }
}

static int run_put_object(struct s3_request *rq, struct sql *db)
{
    const struct put_state *p = rq->state;
    int r = store_objects_set_acl(db, &p->object, buf_str(&p->text));
    return r < 0 ? r : s3_event_insert(rq->events, db, p->event, &p->object);
}

static void object_done(struct s3_request *rq, int r)
{
    const struct put_state *p = rq->state;
    if (r < 0) {
        s3_fail(rq, r == -ENOENT ? S3_NO_SUCH_KEY : s3_error_of(r));
    } else {
        s3_put_version_header(rq, &p->object);
        s3_answer(rq, 200);
    }
}

static void put_found(struct s3_request *rq, const struct stored_object *o)
{
    struct put_state *p = put_create(rq);
    p->memory = store_objects_copy(o, &p->object);
    if (read_wanted(rq, p->object.owner, &p->text)) {
        p->event = s3_prepare_event(rq, rq->bucket, rq->key, "ObjectAcl:Put");
        s3_submit(rq, run_put_object, object_done);
    }
}

void s3_acl_put_object(struct s3_request *rq)
{
    s3_object_find(rq, "s3:PutObjectAcl", S3_WRITE_ACP, put_found);
}
