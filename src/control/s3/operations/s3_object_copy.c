/* CopyObject. A copy shares the bytes of its source, unless they have to be encrypted anew. They
 * are read where a digest is wanted that nobody has computed.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/mem.h"
#include "control/s3/s3_access.h"
#include "control/s3/s3_acl_request.h"
#include "control/s3/s3_archive.h"
#include "control/s3/s3_body.h"
#include "control/s3/s3_conditions.h"
#include "control/s3/s3_copy_source.h"
#include "control/s3/s3_lifecycle.h"
#include "control/s3/s3_object.h"
#include "control/s3/s3_operations.h"
#include "control/s3/s3_put.h"
#include "http/http_block.h"

#define TRIES_MAX 8

struct copy {
    struct s3_put put; /* first: it is the state of s3_put.h */
    struct s3_copy_source source;
    bool replaces_metadata, replaces_tags;
    enum s3_checksum checksum;
    unsigned tries;
};

static void free_copy(void *state)
{
    struct copy *c = state;
    s3_new_finish(&c->put.new);
    s3_copy_source_finish(&c->source);
    free(c);
}

static bool read_directive(struct s3_request *rq, const char *name, bool *ret_replaces)
{
    struct str directive = s3_header(rq, name);
    *ret_replaces = str_eq_nocase(directive, STR("REPLACE"));
    if (directive.data && !*ret_replaces && !str_eq_nocase(directive, STR("COPY"))) {
        bool is_of_tags = str_eq(str_c(name), STR("x-amz-tagging-directive"));
        s3_fail_argument(rq,
                         is_of_tags ? "Unknown tagging directive." : "Unknown metadata directive.",
                         name, directive);
        return false;
    }
    return true;
}

static bool copy_headers(struct s3_request *rq, struct copy *c)
{
    struct str block = c->source.object.headers, name, value;
    bool fits = true;
    if (!s3_new_check_headers(rq)) {
        return false;
    }
    while (fits && http_block_next(&block, &name, &value)) {
        /* Neither of these is copied: they are said anew, or are not. */
        if (!str_starts(name, STR("x-amz-storage")) && !str_starts(name, STR("x-amz-website")) &&
            !str_starts(name, STR("x-amz-server-side")) && !str_eq(name, STR(S3_RESTORE_HEADER))) {
            fits = s3_new_add_header(&c->put.new, name, value);
        }
    }
    fits = fits && s3_new_add_said(rq, &c->put.new);
    if (!fits) {
        s3_fail(rq, S3_METADATA_TOO_LARGE);
    }
    return fits;
}

static bool read_new(struct s3_request *rq, struct copy *c)
{
    struct s3_new *n = &c->put.new;
    if (!(c->replaces_metadata ? s3_new_read_headers(rq, n) : copy_headers(rq, c))) {
        return false;
    }
    if (c->replaces_tags ? !s3_new_read_tags(rq, n)
                         : buf_append(&n->tags, c->source.object.tags) < 0) {
        return false;
    }
    return s3_new_read_lock(rq, n) && s3_new_read_encryption(rq, n) &&
           s3_acl_request_read(rq, rq->bucket->row.owner, &n->acl);
}

/* A copy is encrypted as it is said, not as its source. */
static bool changes_encryption(const struct s3_request *rq, const struct copy *c)
{
    static const struct str field = STR("x-amz-server-side-encryption");
    return c->put.new.is_encrypted || c->source.is_encrypted || s3_header(rq, field.data).data ||
           s3_bucket_setting(rq->bucket, STR("encryption")).data ||
           http_block_find(c->source.object.headers, field).data;
}

/* Onto itself only something else than the bytes can be changed. */
static bool changes_something(const struct s3_request *rq, const struct copy *c)
{
    bool is_same = c->source.bucket->row.id == rq->bucket->row.id &&
                   str_eq(c->source.key, rq->key) && !c->source.version.data;
    return !is_same || c->replaces_metadata || changes_encryption(rq, c) ||
           s3_header(rq, "x-amz-storage-class").data ||
           s3_header(rq, "x-amz-website-redirect-location").data;
}

static void answer(struct s3_request *rq, const struct copy *c)
{
    const struct stored_object *o = &c->put.write.object;
    struct s3_checksum_value v = s3_checksum_load(o->checksum);
    struct s3_xml_out out = { .out = &rq->body };
    s3_put_version_header(rq, o); /* "null", too, where versions are suspended */
    s3_copy_source_put_version(rq, &c->source);
    s3_new_put_encryption(rq, o->headers, o->crypt.len > 0);
    s3_lifecycle_put_header(rq, o);
    s3_xml_begin(&out, "CopyObjectResult");
    s3_xml_put_time(&out, "LastModified", o->modified_ms);
    s3_xml_put_etag(&out, "ETag", o->etag);
    if (v.kind != S3_CHECKSUM_NONE) {
        s3_xml_put(&out, s3_checksum_element(v.kind), v.text);
        s3_xml_put(&out, "ChecksumType", s3_checksum_type_name(v.type));
    }
    s3_xml_close(&out, "CopyObjectResult");
    s3_answer_xml(rq, 200, out.r);
}

static void find_and_copy(struct s3_request *rq, struct copy *c);

static void copy_done(struct s3_request *rq, int r)
{
    struct copy *c = rq->state;
    if (r == -ENODATA &&
        c->tries < TRIES_MAX) { /* the source was written over since it was found */
        s3_body_finish(rq, false);
        find_and_copy(rq, c);
    } else if (!s3_put_failed(rq, r)) {
        answer(rq, c);
    }
}

static void received_all(struct s3_request *rq, struct s3_received *received)
{
    s3_put_store(rq, received, "ObjectCreated:Copy", copy_done);
}

/* `received`: digests of the source's bytes, or NULL for those that it has. */
static void share(struct s3_request *rq, struct copy *c, const struct s3_received *received)
{
    struct stored_object *o = &c->put.write.object;
    const struct stored_object *source = &c->source.object;
    s3_new_apply(&c->put.new, rq, o);
    o->etag = source->etag;
    o->size = source->size;
    o->checksum = source->checksum;
    o->row = source->row;
    o->hash = source->hash;
    o->parts = source->parts;
    if (received) {
        s3_put_digests(&c->put, received);
    }
    c->put.write.bytes = BYTES_SHARED;
    c->put.write.source = source;
    s3_put_submit(rq, "ObjectCreated:Copy", copy_done);
}

static void digested_all(struct s3_request *rq, struct s3_received *received)
{
    share(rq, rq->state, received);
}

static void copy_bytes(struct s3_request *rq, struct copy *c, bool has_to_encrypt)
{
    const struct s3_receive_plan plan = { .limit = S3_OBJECT_BYTES_MAX,
                                          .has_length = true,
                                          .length = c->source.length,
                                          .checksum = c->checksum,
                                          .digest_only = !has_to_encrypt,
                                          .crypt =
                                              c->put.new.is_encrypted ? &c->put.new.crypt : NULL };
    s3_copy_source_start(rq, &c->source, &plan, has_to_encrypt ? received_all : digested_all);
}

/* A copy is one whole, also of an object that came in parts: its entity tag is the MD5 of the
 * bytes, and its checksum is one of all of them. */
static void start(struct s3_request *rq, struct copy *c)
{
    const struct stored_object *source = &c->source.object;
    struct s3_checksum_value has = s3_checksum_load(source->checksum);
    if (c->checksum == S3_CHECKSUM_NONE) {
        c->checksum = has.kind != S3_CHECKSUM_NONE ? has.kind : S3_CHECKSUM_DEFAULT;
    }
    bool has_to_encrypt = c->source.is_encrypted || c->put.new.is_encrypted;
    bool is_same = s3_object_part_count(source) == 0 && has.kind == c->checksum;
    if (has_to_encrypt || !is_same) {
        copy_bytes(rq, c, has_to_encrypt);
    } else {
        share(rq, c, NULL);
    }
}

static bool read_checksum(struct s3_request *rq, struct copy *c)
{
    struct str name = s3_header(rq, "x-amz-checksum-algorithm");
    c->checksum = s3_checksum_of(name);
    if (name.data && c->checksum == S3_CHECKSUM_NONE) {
        s3_fail_text(rq, S3_INVALID_REQUEST, S3_CHECKSUM_UNSUPPORTED);
        return false;
    }
    return true;
}

/* A copy is made only where nothing is, or over something that is named. (A PUT and an upload take
 * other values as well, for clients of other servers.) */
static bool read_conditions(struct s3_request *rq, struct s3_conditions *ret)
{
    if (!s3_conditions_read_write(rq, ret)) {
        return false;
    }
    bool is_any = str_eq(ret->if_match, STR("*"));
    if (is_any || (ret->if_none_match.data && !str_eq(ret->if_none_match, STR("*")))) {
        s3_conditions_fail_unknown(
            rq, is_any ? "If-Match" : "If-None-Match",
            is_any ? "We don't accept the provided value of If-Match header for this API"
                   : "We don't accept the provided value of If-None-Match header for this API");
        return false;
    }
    return true;
}

static bool is_small_enough(struct s3_request *rq, const struct copy *c)
{
    if (c->source.object.size > S3_OBJECT_BYTES_MAX) {
        s3_fail_text(rq, S3_INVALID_REQUEST,
                     "The specified copy source is larger than the maximum allowable size for a "
                     "copy source: 5368709120");
        return false;
    }
    return true;
}

/* Also once more, from the beginning. */
static void find_and_copy(struct s3_request *rq, struct copy *c)
{
    c->tries++;
    s3_copy_source_finish(&c->source);
    s3_new_finish(&c->put.new);
    c->source = (struct s3_copy_source){ 0 };
    s3_new_init(&c->put.new);
    if (!read_checksum(rq, c) || !s3_copy_source_find(rq, &c->source) || !read_new(rq, c) ||
        !s3_access_write(rq, "s3:PutObject", buf_str(&c->put.new.tags)) ||
        !is_small_enough(rq, c)) {
        return;
    }
    if (!changes_something(rq, c)) {
        s3_fail_text(rq, S3_INVALID_REQUEST,
                     "This copy request is illegal because it is trying to copy an object to "
                     "itself without changing the object's metadata, storage class, website "
                     "redirect location or encryption attributes.");
        return;
    }
    start(rq, c);
}

void s3_object_copy(struct s3_request *rq)
{
    struct copy *c = s3_state(rq, sizeof(*c), free_copy);
    c->put.write.check = s3_conditions_write_check;
    c->put.write.context = &c->put.conditions;
    if (read_directive(rq, "x-amz-metadata-directive", &c->replaces_metadata) &&
        read_directive(rq, "x-amz-tagging-directive", &c->replaces_tags) &&
        read_conditions(rq, &c->put.conditions)) {
        find_and_copy(rq, c);
    }
}
