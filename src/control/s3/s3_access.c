/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_access.h"

#include <stdio.h>

#include "control/s3/s3_name.h"
#include "control/s3/s3_policy.h"
#include "control/s3/s3_tags.h"
#include "control/text/iso_time.h"

/* What the values of condition keys are found in. */
struct context {
    const struct s3_request *rq;
    const struct s3_access *access;
    char *memory; /* of a value that had to be made */
    size_t size;
};

static struct str after(struct str key, struct str prefix)
{
    return key.len > prefix.len && str_eq_nocase(str_of(key.data, prefix.len), prefix)
               ? str_skip(key, prefix.len)
               : (struct str){ NULL, 0 };
}

/* How much of a text is there that snprintf() has written, or has had to cut. */
static size_t written(int len, size_t size)
{
    return (size_t)len < size ? (size_t)len : size - 1;
}

static struct str principal_arn(const struct s3_request *rq, char *memory, size_t size)
{
    const struct aws_user *user = rq->who.user;
    if (!user) {
        return (struct str){ NULL, 0 };
    }
    int len = user->kind == AWS_USER_ROOT
                  ? snprintf(memory, size, "arn:aws:iam::" AWS_ACCOUNT_ID ":root")
                  : snprintf(memory, size, "arn:aws:iam::" AWS_ACCOUNT_ID ":user/" STR_FMT,
                             STR_ARG(user->name));
    return str_of(memory, written(len, size));
}

static struct str aws_value(struct str name, const struct context *c)
{
    const struct s3_request *rq = c->rq;
    const struct aws_user *user = rq->who.user;
    const struct {
        struct str name, value;
    } values[] = {
        { STR("SourceIp"), rq->x->remote },
        { STR("SecureTransport"),
          str_eq(rq->x->scheme, STR("https")) ? STR("true") : STR("false") },
        { STR("UserAgent"), s3_header(rq, "user-agent") },
        { STR("Referer"), s3_header(rq, "referer") },
        { STR("username"), user ? user->name : (struct str){ NULL, 0 } },
        { STR("userid"), user ? user->access_key : (struct str){ NULL, 0 } },
        { STR("PrincipalAccount"), user ? STR(AWS_ACCOUNT_ID) : (struct str){ NULL, 0 } },
        { STR("PrincipalType"), user ? STR("User") : STR("Anonymous") },
    };
    for (size_t i = 0; i < ARRAY_COUNT(values); i++) {
        if (str_eq_nocase(name, values[i].name)) {
            return values[i].value;
        }
    }
    if (str_eq_nocase(name, STR("CurrentTime"))) {
        return iso_time_s(c->rq->now_ms, c->memory);
    }
    return str_eq_nocase(name, STR("PrincipalArn")) ? principal_arn(rq, c->memory, c->size)
                                                    : (struct str){ NULL, 0 };
}

static struct str tag_keys(struct str tags, const struct context *c)
{
    size_t len = 0;
    while (tags.len > 0) {
        struct str key = str_cut(&tags, '\0');
        (void)str_cut(&tags, '\0');
        len += (size_t)snprintf(c->memory + len, c->size - len, "%s" STR_FMT, len > 0 ? "\n" : "",
                                STR_ARG(key));
        if (len >= c->size) {
            return (struct str){ NULL, 0 }; /* ten keys of 128 characters do fit */
        }
    }
    return len > 0 ? str_of(c->memory, len) : (struct str){ NULL, 0 };
}

static struct str auth_type(const struct s3_request *rq)
{
    return rq->who.scope.kind == AWS_SIGN_HEADER  ? STR("REST-HEADER")
           : rq->who.scope.kind == AWS_SIGN_QUERY ? STR("REST-QUERY-STRING")
                                                  : (struct str){ NULL, 0 };
}

static struct str s3_value(struct str name, const struct context *c)
{
    const struct s3_request *rq = c->rq;
    struct str tag = after(name, STR("ExistingObjectTag/"));
    if (tag.data) {
        return s3_tags_find(c->access->existing_tags, tag);
    }
    tag = after(name, STR("RequestObjectTag/"));
    if (tag.data) {
        return s3_tags_find(c->access->request_tags, tag);
    }
    if (str_eq_nocase(name, STR("RequestObjectTagKeys"))) {
        return tag_keys(c->access->request_tags, c);
    }
    if (str_eq_nocase(name, STR("prefix")) && c->access->prefix.data) {
        return c->access->prefix;
    }
    if (str_eq_nocase(name, STR("prefix")) || str_eq_nocase(name, STR("delimiter")) ||
        str_eq_nocase(name, STR("max-keys"))) {
        int len = snprintf(c->memory, c->size, STR_FMT, STR_ARG(name));
        return len > 0 ? s3_param(rq, c->memory) : (struct str){ NULL, 0 };
    }
    if (str_eq_nocase(name, STR("VersionId"))) {
        return s3_param(rq, "versionId");
    }
    if (str_eq_nocase(name, STR("signatureversion"))) {
        bool is_v2 = rq->who.scope.region[0] == '\0'; /* it knows of none */
        return !rq->who.user ? (struct str){ NULL, 0 }
               : is_v2       ? STR("AWS")
                             : STR("AWS4-HMAC-SHA256");
    }
    if (str_eq_nocase(name, STR("authType"))) {
        return auth_type(rq);
    }
    /* The rest is the name of a field, with or without what begins S3's own. */
    char field[96];
    bool is_lock = after(name, STR("object-lock-")).data != NULL;
    int len = snprintf(field, sizeof(field), "%s" STR_FMT, is_lock ? "x-amz-" : "", STR_ARG(name));
    return str_starts(str_c(field), STR("x-amz-")) && (size_t)len < sizeof(field)
               ? s3_header(rq, field)
               : (struct str){ NULL, 0 };
}

static struct str condition_value(struct str key, void *context)
{
    const struct context *c = context;
    struct str name = after(key, STR("aws:"));
    if (name.data) {
        return aws_value(name, c);
    }
    name = after(key, STR("s3:"));
    return name.data ? s3_value(name, c) : name;
}

static enum s3_effect ask_policy(const struct s3_request *rq, const struct s3_access *a)
{
    char arn[256], memory[4096];
    char resource[128 + S3_KEY_BYTES_MAX]; /* of a longer key there is no object */
    struct context context = { rq, a, memory, sizeof(memory) };
    if (!a->bucket->policy) {
        return S3_EFFECT_NONE;
    }
    int len = snprintf(resource, sizeof(resource), "arn:aws:s3:::" STR_FMT "%s" STR_FMT,
                       STR_ARG(a->bucket->row.name), a->key.len > 0 ? "/" : "", STR_ARG(a->key));
    const struct s3_policy_question q = {
        .principal_arn = principal_arn(rq, arn, sizeof(arn)),
        .account = rq->who.user ? STR(AWS_ACCOUNT_ID) : STR(""),
        .user_name = rq->who.user ? rq->who.user->name : STR(""),
        .canonical_id = rq->who.user ? rq->who.user->canonical_id : STR(""),
        .action = str_c(a->action),
        .resource = str_of(resource, written(len, sizeof(resource))),
        .value = condition_value,
        .context = &context,
    };
    return s3_policy_ask(a->bucket->policy, &q);
}

static bool owns(const struct s3_request *rq, struct str owner)
{
    return rq->who.user && str_eq(rq->who.user->canonical_id, owner);
}

/* The owner of a bucket can always change its policy back. */
static bool is_about_policy(const char *action)
{
    return strcmp(action, "s3:GetBucketPolicy") == 0 || strcmp(action, "s3:PutBucketPolicy") == 0 ||
           strcmp(action, "s3:DeleteBucketPolicy") == 0;
}

bool s3_access_allows(struct s3_request *rq, const struct s3_access *a)
{
    const struct s3_bucket *b = a->bucket;
    bool is_bucket_owner = owns(rq, b->row.owner);
    enum s3_effect effect = ask_policy(rq, a);
    if (effect == S3_EFFECT_DENY) {
        return is_bucket_owner && is_about_policy(a->action);
    }
    if (owns(rq, a->owner) || (is_bucket_owner && b->ownership == S3_OWNER_ENFORCED)) {
        return true;
    }
    if (effect == S3_EFFECT_ALLOW &&
        !(b->policy_is_public && b->block.restrict_buckets && !is_bucket_owner)) {
        return true;
    }
    bool by_acl = a->permission && a->acl && b->ownership != S3_OWNER_ENFORCED &&
                  s3_acl_allows(a->acl, rq->who.user, a->permission, b->block.ignore_acls);
    rq->outcome.by_acl |= by_acl;
    return by_acl;
}

bool s3_access_bucket(struct s3_request *rq, const char *action, enum s3_needs needs)
{
    static const enum s3_permission permissions[] = {
        [S3_NEEDS_READ] = S3_READ,
        [S3_NEEDS_WRITE] = S3_WRITE,
        [S3_NEEDS_READ_ACP] = S3_READ_ACP,
        [S3_NEEDS_WRITE_ACP] = S3_WRITE_ACP,
    };
    const struct s3_access access = {
        .bucket = rq->bucket,
        .key = rq->key,
        .action = action,
        .permission = needs >= S3_NEEDS_READ ? permissions[needs] : (enum s3_permission)0,
        .acl = &rq->bucket->acl,
        .owner = rq->bucket->row.owner,
    };
    if (!s3_access_allows(rq, &access)) {
        s3_fail(rq, S3_ACCESS_DENIED);
        return false;
    }
    return true;
}

bool s3_access_write(struct s3_request *rq, const char *action, struct str request_tags)
{
    const struct s3_access access = {
        .bucket = rq->bucket,
        .key = rq->key,
        .action = action,
        .permission = S3_WRITE,
        .acl = &rq->bucket->acl,
        .owner = rq->bucket->row.owner,
        .request_tags = request_tags,
    };
    if (!s3_access_allows(rq, &access)) {
        s3_fail(rq, S3_ACCESS_DENIED);
        return false;
    }
    return true;
}

bool s3_access_owner(struct s3_request *rq, const struct s3_bucket *bucket, const char *header)
{
    struct str expected = s3_header(rq, header);
    uint64_t number;
    char text[128];
    if (!expected.data || str_eq(expected, STR(AWS_ACCOUNT_ID)) ||
        str_eq(expected, bucket->row.owner)) {
        return true;
    }
    if (expected.len == sizeof(AWS_ACCOUNT_ID) - 1 && str_to_u64(expected, &number)) {
        s3_fail(rq, S3_ACCESS_DENIED);
        return false;
    }
    (void)snprintf(text, sizeof(text), "%s... [" STR_FMT "]",
                   s3_error_text(S3_INVALID_ACCOUNT)->text, STR_ARG(expected)); /* may be cut */
    s3_fail_text(rq, S3_INVALID_ACCOUNT, text);
    return false;
}

/* Tags are the bucket owner's to give and to take, whoever has written the object.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectTagging.html */
static bool is_about_tags(const char *action)
{
    return str_behind(str_c(action), STR("Tagging")).data != NULL;
}

enum s3_error s3_access_object(struct s3_request *rq, const struct s3_bucket *bucket,
                               struct str key, const char *action, enum s3_permission permission,
                               const struct stored_object *o)
{
    struct s3_acl acl;
    struct s3_access access = { .bucket = bucket, .key = key, .action = action };
    if (o) {
        s3_acl_load(o->acl, o->owner, &acl);
        access.permission = permission;
        access.acl = &acl;
        access.owner = is_about_tags(action) ? bucket->row.owner : o->owner;
        access.existing_tags = o->tags;
        return s3_access_allows(rq, &access) ? S3_OK : S3_ACCESS_DENIED;
    }
    /* A policy may deny what is not there, too. */
    access.owner = bucket->row.owner;
    access.acl = &bucket->acl;
    access.permission = S3_READ;
    if (ask_policy(rq, &access) == S3_EFFECT_DENY) {
        return S3_ACCESS_DENIED;
    }
    /* A website tells whoever its policy lets read a key that it is not there. */
    struct s3_access read = access;
    read.permission = 0; /* not by the bucket's ACL */
    if (rq->front && s3_access_allows(rq, &read)) {
        return S3_NO_SUCH_KEY;
    }
    access.key = STR("");
    access.prefix = key; /* who may list what begins so would see that it is not there */
    access.action = "s3:ListBucket";
    return s3_access_allows(rq, &access) ? S3_NO_SUCH_KEY : S3_ACCESS_DENIED;
}
