/* Buckets: made, listed, removed.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/mem.h"
#include "control/s3/s3_access.h"
#include "control/s3/s3_acl_request.h"
#include "control/s3/s3_name.h"
#include "control/s3/s3_operations.h"
#include "control/s3/s3_tags.h"
#include "store/sql.h"

#define BUCKETS_PAGE_MAX 10000 /* ListBuckets: max-buckets */

#define BUCKET_ARN_BYTES 80 /* a name has 63 */

static struct str bucket_arn(struct str name, char ret_text[BUCKET_ARN_BYTES])
{
    (void)snprintf(ret_text, BUCKET_ARN_BYTES, "arn:aws:s3:::" STR_FMT, STR_ARG(name));
    return str_c(ret_text);
}

/* ---- listing ---- */

struct listing {
    struct s3_request *rq;
    struct s3_xml_out out;
    struct str owner, prefix, region;
    size_t count, most;
    char last[64]; /* a name has 63 */
    bool truncated;
};

static void list_one(const struct stored_bucket *b, void *context)
{
    struct listing *l = context;
    char arn[BUCKET_ARN_BYTES];
    if (!str_eq(b->owner, l->owner) || !str_starts(b->name, l->prefix) ||
        (l->region.data && !str_eq(l->region, s3_bucket_region(b)))) {
        return;
    }
    if (l->count == l->most) {
        l->truncated = true;
        return;
    }
    l->count++;
    (void)snprintf(l->last, sizeof(l->last), STR_FMT, STR_ARG(b->name));
    s3_xml_open(&l->out, "Bucket");
    s3_xml_put(&l->out, "Name", b->name);
    s3_xml_put_time(&l->out, "CreationDate", b->created_ms);
    if (l->rq->param_count > 0) {
        s3_xml_put(&l->out, "BucketRegion", s3_bucket_region(b));
    }
    s3_xml_put(&l->out, "BucketArn", bucket_arn(b->name, arn));
    s3_xml_close(&l->out, "Bucket");
}

void s3_bucket_list_all(struct s3_request *rq)
{
    struct listing l = { .rq = rq,
                         .out = { .out = &rq->body },
                         .owner = s3_owner(rq),
                         .prefix = s3_param(rq, "prefix"),
                         .region = s3_param(rq, "bucket-region"),
                         .most = BUCKETS_PAGE_MAX };
    struct str most = s3_param(rq, "max-buckets");
    uint64_t number;
    if (most.data && (!str_to_u64(most, &number) || number == 0 || number > BUCKETS_PAGE_MAX)) {
        s3_fail_argument(rq, "Argument max-buckets must be an integer between 1 and 10000",
                         "max-buckets", most);
        return;
    }
    l.most = most.data ? (size_t)number : l.most;
    s3_xml_begin(&l.out, "ListAllMyBucketsResult");
    s3_xml_put_owner(rq, &l.out, "Owner", l.owner);
    s3_xml_open(&l.out, "Buckets");
    struct str after = s3_param(rq, "continuation-token");
    store_buckets_list(rq->s3->services->store, after.data ? after : STR(""), SIZE_MAX / 2,
                       list_one, &l);
    s3_xml_close(&l.out, "Buckets");
    if (l.truncated) {
        s3_xml_put(&l.out, "ContinuationToken", str_c(l.last));
    }
    if (l.prefix.len > 0) {
        s3_xml_put(&l.out, "Prefix", l.prefix);
    }
    s3_xml_close(&l.out, "ListAllMyBucketsResult");
    s3_answer_xml(rq, 200, l.out.r);
}

/* ---- making ---- */

struct creation {
    struct stored_bucket bucket;
    char *region;
    struct buf acl;
    struct buf tagging;  /* a document, or empty */
    char ownership[256]; /* the same */
};

static void free_creation(void *state)
{
    struct creation *c = state;
    buf_finish(&c->acl);
    buf_finish(&c->tagging);
    free(c->region);
    free(c);
}

/* False: answered. */
static bool read_tags(struct s3_request *rq, struct creation *c, const struct s3_xml_node *set)
{
    struct buf tags;
    struct s3_xml_out out = { .out = &c->tagging };
    struct s3_tags_fault fault;
    buf_init(&tags, S3_TAG_BYTES_MAX);
    enum s3_error error = s3_tags_from_set(set, S3_TAGS_OF_BUCKET, &tags, &fault);
    if (error != S3_OK) {
        s3_fail_tags(rq, error, &fault);
    } else if (tags.len > 0) {
        s3_tags_to_xml(buf_str(&tags), &out);
    }
    buf_finish(&tags);
    return error == S3_OK;
}

/* A bucket is made where the request is sent, which the signature tells; but at us-east-1's address
 * it may be made anywhere, and there that region is what no constraint means. False: answered. */
static bool check_location(struct s3_request *rq, struct str wanted)
{
    struct str here = s3_region_of(str_c(rq->who.scope.region));
    bool is_default = str_eq(here, STR(S3_DEFAULT_REGION));
    char text[160];
    if (here.len == 0 || str_eq(s3_region_of(wanted), here) != is_default) {
        return true;
    }
    if (is_default) {
        s3_detail(rq, "LocationConstraint", wanted);
        s3_fail(rq, S3_INVALID_LOCATION);
        return false;
    }
    (void)snprintf(text, sizeof(text),
                   "The %.*s location constraint is incompatible for the region specific endpoint "
                   "this request was sent to.",
                   STR_ARG(wanted.len > 0 ? wanted : STR("unspecified"))); /* a long one is cut */
    s3_fail_text(rq, S3_ILLEGAL_LOCATION, text);
    return false;
}

/* False: answered. */
static bool read_configuration(struct s3_request *rq, struct creation *c)
{
    struct str region = { NULL, 0 };
    if (rq->text.len > 0) {
        rq->xml = s3_xml_parse(rq->text);
        if (!rq->xml || !s3_xml_is(s3_xml_root(rq->xml), "CreateBucketConfiguration")) {
            s3_fail(rq, S3_MALFORMED_XML);
            return false;
        }
        region = s3_xml_text(s3_xml_root(rq->xml), "LocationConstraint");
    }
    for (size_t i = 0; i < region.len; i++) {
        char ch = region.data[i];
        if (!((ch | 0x20) >= 'a' && (ch | 0x20) <= 'z') && !(ch >= '0' && ch <= '9') && ch != '-') {
            s3_fail(rq, S3_INVALID_LOCATION);
            return false;
        }
    }
    if (!check_location(rq, region)) {
        return false;
    }
    c->region = mem_copy_str(region);
    return !rq->xml || read_tags(rq, c, s3_xml_child(s3_xml_root(rq->xml), "Tags"));
}

static bool read_ownership(struct s3_request *rq, struct creation *c)
{
    struct str who = s3_header(rq, "x-amz-object-ownership");
    if (!who.data) {
        return true;
    }
    if (!str_eq(who, STR("BucketOwnerEnforced")) && !str_eq(who, STR("BucketOwnerPreferred")) &&
        !str_eq(who, STR("ObjectWriter"))) {
        char text[96];
        (void)snprintf(text, sizeof(text), "Invalid x-amz-object-ownership header: " STR_FMT,
                       STR_ARG(who)); /* what does not fit is cut */
        s3_detail(rq, "ArgumentName", STR("x-amz-object-ownership"));
        s3_fail_text(rq, S3_INVALID_ARGUMENT, text);
        return false;
    }
    (void)snprintf(c->ownership, sizeof(c->ownership),
                   "<OwnershipControls xmlns=\"" S3_XML_NAMESPACE
                   "\"><Rule><ObjectOwnership>" STR_FMT
                   "</ObjectOwnership></Rule></OwnershipControls>",
                   STR_ARG(who)); /* fits */
    if (str_eq(who, STR("BucketOwnerEnforced")) && s3_acl_request_has(rq) &&
        !str_eq(s3_header(rq, "x-amz-acl"), STR("private"))) {
        s3_fail(rq, S3_ACL_WITH_OWNERSHIP);
        return false;
    }
    return true;
}

static int run_create(struct s3_request *rq, struct sql *db)
{
    struct creation *c = rq->state;
    int r = store_buckets_create(db, &c->bucket, &c->bucket.id);
    if (r == 0 && c->acl.len > 0) {
        r = store_buckets_put_setting(db, c->bucket.id, STR("acl"), buf_str(&c->acl));
    }
    if (r == 0 && c->ownership[0]) {
        r = store_buckets_put_setting(db, c->bucket.id, STR("ownershipControls"),
                                      str_c(c->ownership));
    }
    if (r == 0 && c->tagging.len > 0) {
        r = store_buckets_put_setting(db, c->bucket.id, STR("tagging"), buf_str(&c->tagging));
    }
    return r;
}

static void answer_created(struct s3_request *rq)
{
    char text[BUCKET_ARN_BYTES];
    (void)snprintf(text, sizeof(text), "/" STR_FMT, STR_ARG(rq->bucket_name)); /* fits */
    s3_put_header(rq, "location", str_c(text));
    s3_put_header(rq, "x-amz-bucket-arn", bucket_arn(rq->bucket_name, text));
    s3_answer(rq, 200);
}

/* Making a bucket again that one has is fine in us-east-1 alone; but it changes nothing, so asking
 * for another ACL is not. */
static void answer_existing(struct s3_request *rq)
{
    const struct creation *c = rq->state;
    struct s3_bucket *b = s3_buckets_find(rq->s3->buckets, rq->bucket_name);
    bool is_mine = b && str_eq(b->row.owner, s3_owner(rq));
    struct str acl = b ? s3_bucket_setting(b, STR("acl")) : STR("");
    bool same = str_eq(acl, buf_str(&c->acl));
    struct str here = s3_region_of(str_c(rq->who.scope.region));
    bool is_default_region = b && str_eq(s3_bucket_region(&b->row), STR(S3_DEFAULT_REGION)) &&
                             (here.len == 0 || str_eq(here, STR(S3_DEFAULT_REGION)));
    s3_bucket_unref(b);
    if (!is_mine || !same) {
        s3_fail(rq, S3_BUCKET_EXISTS);
    } else if (!is_default_region) {
        s3_fail(rq, S3_BUCKET_YOURS);
    } else {
        answer_created(rq);
    }
}

static void create_done(struct s3_request *rq, int r)
{
    if (r == -EEXIST) {
        answer_existing(rq);
    } else if (r < 0) {
        s3_fail(rq, s3_error_of(r));
    } else {
        answer_created(rq);
    }
}

void s3_bucket_create(struct s3_request *rq)
{
    struct creation *c = s3_state(rq, sizeof(*c), free_creation);
    buf_init(&c->acl, S3_ACL_BYTES_MAX);
    buf_init(&c->tagging, S3_DOCUMENT_BYTES_MAX);
    if (!s3_name_is_bucket(rq->bucket_name)) {
        s3_fail(rq, S3_INVALID_BUCKET_NAME);
        return;
    }
    if (!read_configuration(rq, c) || !read_ownership(rq, c) ||
        !s3_acl_request_read(rq, s3_owner(rq), &c->acl)) {
        return;
    }
    bool locks = str_eq_nocase(s3_header(rq, "x-amz-bucket-object-lock-enabled"), STR("true"));
    c->bucket = (struct stored_bucket){ .name = rq->bucket_name,
                                        .owner = s3_owner(rq),
                                        .region = str_c(c->region),
                                        .created_ms = rq->now_ms,
                                        .versioning = locks ? BUCKET_VERSIONED : BUCKET_UNVERSIONED,
                                        .locks_objects = locks };
    s3_submit(rq, run_create, create_done);
}

/* ---- the rest ---- */

void s3_bucket_head(struct s3_request *rq)
{
    char arn[BUCKET_ARN_BYTES];
    s3_put_header(rq, "x-amz-bucket-region", s3_bucket_region(&rq->bucket->row));
    s3_put_header(rq, "x-amz-bucket-arn", bucket_arn(rq->bucket_name, arn));
    s3_put_header(rq, "x-amz-access-point-alias", STR("false"));
    s3_put_header(rq, "content-type", STR("application/xml")); /* of no body; as S3 says it */
    s3_answer(rq, 200);
}

void s3_bucket_location(struct s3_request *rq)
{
    struct s3_xml_out o = { .out = &rq->body };
    s3_xml_begin(&o, "LocationConstraint");
    s3_xml_raw(&o, rq->bucket->row.region); /* empty: the default, as S3 tells it */
    s3_xml_close(&o, "LocationConstraint");
    s3_answer_xml(rq, 200, o.r);
}

static int run_delete(struct s3_request *rq, struct sql *db)
{
    return store_buckets_remove(db, rq->bucket->row.id);
}

static void delete_done(struct s3_request *rq, int r)
{
    s3_buckets_forget(rq->s3->buckets, rq->bucket_name);
    if (r < 0) {
        bool has_versions = rq->bucket->row.versioning != BUCKET_UNVERSIONED;
        s3_fail(rq, r == -ENOTEMPTY && has_versions ? S3_BUCKET_NOT_EMPTY_OF_VERSIONS
                    : r == -ENOTEMPTY               ? S3_BUCKET_NOT_EMPTY
                    : r == -ENOENT                  ? S3_NO_SUCH_BUCKET
                                                    : s3_error_of(r));
        return;
    }
    store_contents_sweep_lost(rq->s3->contents); /* uploads that were under way */
    s3_answer(rq, 204);
}

void s3_bucket_delete(struct s3_request *rq)
{
    s3_submit(rq, run_delete, delete_done);
}
