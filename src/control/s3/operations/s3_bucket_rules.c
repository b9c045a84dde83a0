/* A bucket's versioning, policy, public access and ownership: settings with rules of their own.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "control/s3/operations/s3_config.h"
#include "control/s3/s3_access.h"
#include "control/s3/s3_operations.h"
#include "control/s3/s3_policy.h"
#include "store/sql.h"

struct state {
    enum bucket_versioning versioning;
};

void s3_versioning_get(struct s3_request *rq)
{
    struct s3_xml_out o = { .out = &rq->body };
    enum bucket_versioning state = rq->bucket->row.versioning;
    s3_xml_begin(&o, "VersioningConfiguration");
    if (state != BUCKET_UNVERSIONED) {
        s3_xml_put(&o, "Status", state == BUCKET_VERSIONED ? STR("Enabled") : STR("Suspended"));
    }
    s3_xml_close(&o, "VersioningConfiguration");
    s3_answer_xml(rq, 200, o.r);
}

static int run_put(struct s3_request *rq, struct sql *db)
{
    const struct state *s = rq->state;
    return store_buckets_set_versioning(db, rq->bucket->row.id, s->versioning);
}

static void put_done(struct s3_request *rq, int r)
{
    if (r != -EPERM) {
        s3_config_done(rq, r);
        return;
    }
    s3_fail_text(rq, S3_INVALID_BUCKET_STATE,
                 "An Object Lock configuration is present on this bucket, so the versioning state "
                 "cannot be changed.");
}

void s3_versioning_put(struct s3_request *rq)
{
    const struct s3_xml_node *root = s3_xml_root(rq->xml);
    struct str status = s3_xml_text(root, "Status");
    struct state *s = s3_state(rq, sizeof(*s), NULL);
    bool enabled = str_eq(status, STR("Enabled"));
    if (!s3_xml_is(root, "VersioningConfiguration")) {
        s3_fail(rq, S3_MALFORMED_XML);
    } else if (!enabled && !str_eq(status, STR("Suspended"))) {
        s3_fail(rq, status.data ? S3_MALFORMED_XML : S3_ILLEGAL_VERSIONING);
    } else if (str_eq(s3_xml_text(root, "MfaDelete"), STR("Enabled"))) {
        /* There is no device whose code would be right. */
        s3_fail_text(rq, S3_ACCESS_DENIED, "Mfa Authentication must be used for this request");
    } else {
        s->versioning = enabled ? BUCKET_VERSIONED : BUCKET_SUSPENDED;
        s3_submit(rq, run_put, put_done);
    }
}

/* ---- policies ---- */

void s3_policy_get(struct s3_request *rq)
{
    struct str policy = s3_bucket_setting(rq->bucket, STR("policy"));
    if (!policy.data) {
        s3_fail(rq, S3_NO_SUCH_BUCKET_POLICY);
        return;
    }
    s3_put_header(rq, "content-type", STR("application/json"));
    s3_answer_with(rq, 200, policy);
}

void s3_policy_put(struct s3_request *rq)
{
    const char *why;
    json_t *policy = rq->text.len > S3_POLICY_BYTES_MAX
                         ? NULL
                         : s3_policy_parse(rq->text, rq->bucket_name, &why);
    bool is_public = policy && s3_policy_is_public(policy);
    json_decref(policy);
    if (rq->text.len > S3_POLICY_BYTES_MAX) {
        s3_fail_custom(rq, 400, "PolicyTooLarge",
                       "Policy exceeds the maximum allowed document size.");
    } else if (!policy) {
        s3_fail_text(rq, S3_MALFORMED_POLICY, why);
    } else if (is_public && rq->bucket->block.block_policy) {
        s3_fail(rq, S3_ACCESS_DENIED);
    } else {
        s3_config_store(rq, rq->text);
    }
}

void s3_policy_status(struct s3_request *rq)
{
    const struct s3_bucket *b = rq->bucket;
    struct s3_xml_out o = { .out = &rq->body };
    bool is_public = b->policy_is_public || (s3_acl_is_public(&b->acl) && !b->block.ignore_acls);
    s3_xml_begin(&o, "PolicyStatus");
    s3_xml_put_bool(&o, "IsPublic", is_public);
    s3_xml_close(&o, "PolicyStatus");
    s3_answer_xml(rq, 200, o.r);
}

/* ---- public access and ownership ---- */

/* All four, also those that the document left out. */
void s3_public_block_get(struct s3_request *rq)
{
    const struct s3_public_block *b = &rq->bucket->block;
    struct s3_xml_out o = { .out = &rq->body };
    if (!s3_bucket_setting(rq->bucket, STR("publicAccessBlock")).data) {
        s3_fail(rq, S3_NO_SUCH_PUBLIC_BLOCK);
        return;
    }
    s3_xml_begin(&o, "PublicAccessBlockConfiguration");
    s3_xml_put_bool(&o, "BlockPublicAcls", b->block_acls);
    s3_xml_put_bool(&o, "IgnorePublicAcls", b->ignore_acls);
    s3_xml_put_bool(&o, "BlockPublicPolicy", b->block_policy);
    s3_xml_put_bool(&o, "RestrictPublicBuckets", b->restrict_buckets);
    s3_xml_close(&o, "PublicAccessBlockConfiguration");
    s3_answer_xml(rq, 200, o.r);
}

/* What nobody has set is BucketOwnerEnforced at S3. Here such a bucket takes ACLs all the same, as
 * the clients of other stores expect of a new one; one that has an ACL does not say otherwise. */
void s3_ownership_get(struct s3_request *rq)
{
    struct str kept = s3_bucket_setting(rq->bucket, STR("ownershipControls"));
    bool has_acl = s3_bucket_setting(rq->bucket, STR("acl")).len > 0;
    struct s3_xml_out o = { .out = &rq->body };
    if (kept.len > 0) {
        s3_xml_raw(&o, kept);
        s3_answer_xml(rq, 200, o.r);
        return;
    }
    if (kept.data) {
        s3_fail(rq, S3_NO_SUCH_OWNERSHIP);
        return;
    }
    s3_xml_begin(&o, "OwnershipControls");
    s3_xml_open(&o, "Rule");
    s3_xml_put(&o, "ObjectOwnership", has_acl ? STR("ObjectWriter") : STR("BucketOwnerEnforced"));
    s3_xml_close(&o, "Rule");
    s3_xml_close(&o, "OwnershipControls");
    s3_answer_xml(rq, 200, o.r);
}

/* An empty document: removed, which is not never set. */
void s3_ownership_delete(struct s3_request *rq)
{
    s3_config_store(rq, STR(""));
}
