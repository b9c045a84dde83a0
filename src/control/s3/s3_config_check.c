/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_config_check.h"

#include <stdio.h>

#include "base/chance.h"
#include "control/s3/s3_cors.h"
#include "control/s3/s3_lock.h"
#include "control/s3/s3_name.h"
#include "control/s3/s3_tags.h"

#define RULES_MAX       1000 /* of a lifecycle, S3's own limit */
#define ID_LEN_MAX      255
#define FILTER_TAGS_MAX 100 /* compared with each other; an object has ten */
/* Of access logs: what a key has behind it fits. */
#define LOG_PREFIX_BYTES_MAX (S3_KEY_BYTES_MAX - 384)

static bool fail(struct s3_request *rq, enum s3_error error, const char *text)
{
    s3_fail_text(rq, error, text);
    return false;
}

bool s3_config_check_cors(struct s3_request *rq, const struct s3_xml_node *root)
{
    char memory[256];
    const char *why = s3_cors_check(root, memory);
    if (!why) {
        return true;
    }
    return why[0] ? fail(rq, S3_INVALID_REQUEST, why) : fail(rq, S3_MALFORMED_XML, NULL);
}

/* ---- lifecycles ---- */

static bool check_days(struct s3_request *rq, const struct s3_xml_node *action, const char *name,
                       uint64_t least)
{
    struct str text = s3_xml_text(action, name);
    uint64_t days;
    if (!text.data) {
        return true;
    }
    if (!str_to_u64(text, &days) || days < least || days > INT32_MAX) {
        return fail(rq, S3_INVALID_ARGUMENT, "'Days' for the action must be a positive integer");
    }
    return true;
}

static bool check_date(struct s3_request *rq, const struct s3_xml_node *action)
{
    struct str text = s3_xml_text(action, "Date");
    uint64_t ms;
    if (text.data && !s3_lock_parse_time(text, &ms)) {
        return fail(rq, S3_MALFORMED_XML, NULL);
    }
    if (text.data && ms % 86400000 != 0) {
        return fail(rq, S3_INVALID_ARGUMENT, "'Date' must be at midnight GMT");
    }
    return true;
}

/* What an action must have beside a number that is sound, by the schema. */
static bool has_parts(const struct s3_xml_node *action)
{
    bool is_old = s3_xml_is(action, "NoncurrentVersionTransition");
    if (is_old || s3_xml_is(action, "Transition")) {
        return s3_xml_child(action, "StorageClass") &&
               (!is_old || s3_xml_child(action, "NoncurrentDays"));
    }
    if (s3_xml_is(action, "NoncurrentVersionExpiration")) {
        return s3_xml_child(action, "NoncurrentDays") ||
               s3_xml_child(action, "NewerNoncurrentVersions");
    }
    return !s3_xml_is(action, "Expiration") || !s3_xml_child(action, "ExpiredObjectDeleteMarker") ||
           (!s3_xml_child(action, "Days") && !s3_xml_child(action, "Date"));
}

static bool check_actions(struct s3_request *rq, const struct s3_xml_node *rule)
{
    static const char *const actions[] = { "Expiration", "Transition",
                                           "NoncurrentVersionExpiration",
                                           "NoncurrentVersionTransition",
                                           "AbortIncompleteMultipartUpload" };
    bool any = false;
    for (size_t i = 0; i < ARRAY_COUNT(actions); i++) {
        const struct s3_xml_node *a = s3_xml_child(rule, actions[i]);
        for (; a; a = s3_xml_again(a)) {
            any = true;
            if (!has_parts(a)) {
                return fail(rq, S3_MALFORMED_XML, NULL);
            }
            if (!check_days(rq, a, "Days", i == 1 ? 0 : 1) ||
                !check_days(rq, a, "NoncurrentDays", 1) ||
                !check_days(rq, a, "DaysAfterInitiation", 1) || !check_date(rq, a)) {
                return false;
            }
        }
    }
    return any ||
           fail(rq, S3_INVALID_REQUEST, "At least one action needs to be specified in a rule");
}

static bool is_taken(const struct s3_xml_node *root, const struct s3_xml_node *rule, struct str id)
{
    for (const struct s3_xml_node *r = s3_xml_child(root, "Rule"); r && r != rule;
         r = s3_xml_again(r)) {
        if (str_eq(s3_xml_text(r, "ID"), id)) {
            return true;
        }
    }
    return false;
}

static bool has_tag_twice(const struct s3_xml_node *both)
{
    for (const struct s3_xml_node *t = s3_xml_child(both, "Tag"); t; t = s3_xml_again(t)) {
        for (const struct s3_xml_node *u = s3_xml_again(t); u; u = s3_xml_again(u)) {
            if (str_eq(s3_xml_text(t, "Key"), s3_xml_text(u, "Key"))) {
                return true;
            }
        }
    }
    return false;
}

/* One thing, which may be an And of more. */
static bool check_filter(struct s3_request *rq, const struct s3_xml_node *filter)
{
    const struct s3_xml_node *both = s3_xml_child(filter, "And");
    if ((filter && filter->first && filter->first->next) ||
        s3_xml_count(both, "Tag") > FILTER_TAGS_MAX) {
        return fail(rq, S3_MALFORMED_XML, NULL);
    }
    return !has_tag_twice(both) ||
           fail(rq, S3_INVALID_REQUEST, "Duplicate Tag Keys are not allowed.");
}

static bool check_rule(struct s3_request *rq, const struct s3_xml_node *root,
                       const struct s3_xml_node *rule)
{
    struct str id = s3_xml_text(rule, "ID"), status = s3_xml_text(rule, "Status");
    if (id.len > ID_LEN_MAX) {
        return fail(rq, S3_INVALID_ARGUMENT, "ID length should not exceed allowed limit of 255");
    }
    if (id.len > 0 && is_taken(root, rule, id)) {
        return fail(rq, S3_INVALID_ARGUMENT,
                    "Rule ID must be unique. Found same ID for more than one rule");
    }
    if ((!str_eq(status, STR("Enabled")) && !str_eq(status, STR("Disabled"))) ||
        !s3_xml_child(rule, "Filter") == !s3_xml_child(rule, "Prefix")) {
        return fail(rq, S3_MALFORMED_XML, NULL);
    }
    return check_filter(rq, s3_xml_child(rule, "Filter")) && check_actions(rq, rule);
}

bool s3_config_check_lifecycle(struct s3_request *rq, const struct s3_xml_node *root)
{
    size_t count = s3_xml_count(root, "Rule");
    if (count == 0 || count > RULES_MAX) {
        return fail(rq, S3_MALFORMED_XML, NULL);
    }
    for (const struct s3_xml_node *r = s3_xml_child(root, "Rule"); r; r = s3_xml_again(r)) {
        if (!check_rule(rq, root, r)) {
            return false;
        }
    }
    return true;
}

/* A rule of a lifecycle or of CORS may come without an id; lifecycles get one. */
void s3_config_put_node(struct s3_xml_out *o, const struct s3_xml_node *node)
{
    char id[UUID_BYTES];
    bool is_lifecycle = s3_xml_is(node, "Rule") && s3_xml_child(node, "Status");
    if (!is_lifecycle || s3_xml_text(node, "ID").len > 0) {
        s3_xml_put_node(o, node);
        return;
    }
    chance_uuid(id);
    s3_xml_open(o, "Rule");
    s3_xml_put(o, "ID", str_c(id));
    for (const struct s3_xml_node *child = node->first; child; child = child->next) {
        if (!s3_xml_is(child, "ID")) {
            s3_xml_put_node(o, child);
        }
    }
    s3_xml_close(o, "Rule");
}

/* ---- websites ---- */

#define ROUTES_MAX 50 /* S3's own limit */

static bool fail_argument(struct s3_request *rq, const char *text, const char *name,
                          struct str value)
{
    s3_fail_argument(rq, text, name, value);
    return false;
}

/* False: answered. */
static bool check_code(struct s3_request *rq, const char *which, struct str code, uint64_t least,
                       uint64_t most, const char *valid)
{
    char text[128];
    uint64_t number;
    if (!code.data || (str_to_u64(code, &number) && number >= least && number <= most)) {
        return true;
    }
    (void)snprintf(text, sizeof(text),
                   "The provided HTTP %s code (%.*s) is not valid. Valid codes are %s.", which,
                   (int)(code.len < 20 ? code.len : 20), code.data ? code.data : "", valid);
    return fail(rq, S3_INVALID_REQUEST, text);
}

/* Of a Redirect, and of RedirectAllRequestsTo. */
static bool check_protocol(struct s3_request *rq, const struct s3_xml_node *to)
{
    struct str protocol = s3_xml_text(to, "Protocol");
    return !protocol.data || str_eq(protocol, STR("http")) || str_eq(protocol, STR("https")) ||
           fail(rq, S3_INVALID_REQUEST,
                "Invalid protocol, protocol can be http or https. If not defined the protocol will "
                "be selected automatically.");
}

static bool check_route(struct s3_request *rq, const struct s3_xml_node *rule)
{
    const struct s3_xml_node *to = s3_xml_child(rule, "Redirect");
    const struct s3_xml_node *condition = s3_xml_child(rule, "Condition");
    if (!to) {
        return fail(rq, S3_MALFORMED_XML, NULL);
    }
    if (s3_xml_child(to, "ReplaceKeyWith") && s3_xml_child(to, "ReplaceKeyPrefixWith")) {
        return fail(rq, S3_INVALID_REQUEST,
                    "You can only define ReplaceKeyPrefix or ReplaceKey but not both.");
    }
    if (condition && !condition->first) {
        return fail(rq, S3_INVALID_REQUEST,
                    "Condition cannot be empty. To redirect all requests without a condition, the "
                    "condition element shouldn't be present.");
    }
    return check_protocol(rq, to) &&
           check_code(rq, "redirect", s3_xml_text(to, "HttpRedirectCode"), 301, 399,
                      "3XX except 300") &&
           check_code(rq, "error", s3_xml_text(condition, "HttpErrorCodeReturnedEquals"), 400, 599,
                      "4XX or 5XX");
}

static bool check_routes(struct s3_request *rq, const struct s3_xml_node *rules)
{
    char text[128];
    size_t count = s3_xml_count(rules, "RoutingRule");
    if (rules && count == 0) {
        return fail(rq, S3_MALFORMED_XML, NULL);
    }
    if (count > ROUTES_MAX) {
        (void)snprintf(text, sizeof(text),
                       "%zu routing rules provided, the number of routing rules in a website "
                       "configuration is limited to %d.",
                       count, ROUTES_MAX);
        return fail(rq, S3_INVALID_REQUEST, text);
    }
    const struct s3_xml_node *rule = s3_xml_child(rules, "RoutingRule");
    while (rule && check_route(rq, rule)) {
        rule = s3_xml_again(rule);
    }
    return !rule;
}

static bool check_redirect_all(struct s3_request *rq, const struct s3_xml_node *root,
                               const struct s3_xml_node *all)
{
    if (root->first->next) {
        return fail_argument(rq,
                             "RedirectAllRequestsTo cannot be provided in conjunction with other "
                             "Routing Rules.",
                             "RedirectAllRequestsTo", STR("not null"));
    }
    return s3_xml_text(all, "HostName").len > 0 ? check_protocol(rq, all)
                                                : fail(rq, S3_MALFORMED_XML, NULL);
}

bool s3_config_check_website(struct s3_request *rq, const struct s3_xml_node *root)
{
    const struct s3_xml_node *all = s3_xml_child(root, "RedirectAllRequestsTo");
    const struct s3_xml_node *index = s3_xml_child(root, "IndexDocument");
    const struct s3_xml_node *error = s3_xml_child(root, "ErrorDocument");
    struct str suffix = s3_xml_text(index, "Suffix");
    if (all) {
        return check_redirect_all(rq, root, all);
    }
    if (!index) {
        return fail_argument(rq,
                             "A value for IndexDocument Suffix must be provided if "
                             "RedirectAllRequestsTo is empty",
                             "IndexDocument", STR("null"));
    }
    if (suffix.len == 0 || str_find(suffix, '/') < suffix.len) {
        return fail_argument(rq, "The IndexDocument Suffix is not well formed", "IndexDocument",
                             suffix);
    }
    if (error && s3_xml_text(error, "Key").len == 0) {
        return fail(rq, S3_MALFORMED_XML, NULL);
    }
    return check_routes(rq, s3_xml_child(root, "RoutingRules"));
}

/* ---- the others ---- */

bool s3_config_check_encryption(struct s3_request *rq, const struct s3_xml_node *root)
{
    const struct s3_xml_node *rule = s3_xml_child(root, "Rule");
    const struct s3_xml_node *by = s3_xml_child(rule, "ApplyServerSideEncryptionByDefault");
    struct str algorithm = s3_xml_text(by, "SSEAlgorithm");
    bool known = str_eq(algorithm, STR("AES256")) || str_starts(algorithm, STR("aws:kms"));
    if (!rule || !by || !known) {
        return fail(rq, S3_MALFORMED_XML, NULL);
    }
    if (str_eq(algorithm, STR("AES256")) && s3_xml_text(by, "KMSMasterKeyID").len > 0) {
        return fail(
            rq, S3_INVALID_ARGUMENT,
            "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms "
            "or aws:kms:dsse");
    }
    return true;
}

bool s3_config_check_ownership(struct s3_request *rq, const struct s3_xml_node *root)
{
    struct str who = s3_xml_text(s3_xml_child(root, "Rule"), "ObjectOwnership");
    if (!str_eq(who, STR("BucketOwnerEnforced")) && !str_eq(who, STR("BucketOwnerPreferred")) &&
        !str_eq(who, STR("ObjectWriter"))) {
        return fail(rq, S3_MALFORMED_XML, NULL);
    }
    if (str_eq(who, STR("BucketOwnerEnforced")) &&
        s3_bucket_setting(rq->bucket, STR("acl")).len > 0) {
        s3_fail_custom(rq, 400, "InvalidBucketAclWithObjectOwnership",
                       "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced "
                       "setting");
        return false;
    }
    return true;
}

bool s3_config_check_tagging(struct s3_request *rq, const struct s3_xml_node *root)
{
    struct buf tags;
    struct s3_tags_fault fault;
    buf_init(&tags, S3_TAG_BYTES_MAX);
    enum s3_error error = s3_tags_from_xml(root, S3_TAGS_OF_BUCKET, &tags, &fault);
    buf_finish(&tags);
    if (error != S3_OK) {
        s3_fail_tags(rq, error, &fault);
    }
    return error == S3_OK;
}

/* SimplePrefix, or PartitionedPrefix with one of two sources of its date. */
static bool is_key_format(const struct s3_xml_node *format)
{
    const struct s3_xml_node *partitioned = s3_xml_child(format, "PartitionedPrefix");
    struct str source = s3_xml_text(partitioned, "PartitionDateSource");
    return !partitioned != !s3_xml_child(format, "SimplePrefix") &&
           (!source.data || str_eq(source, STR("EventTime")) ||
            str_eq(source, STR("DeliveryTime")));
}

bool s3_config_check_logging(struct s3_request *rq, const struct s3_xml_node *root)
{
    const struct s3_xml_node *enabled = s3_xml_child(root, "LoggingEnabled");
    const struct s3_xml_node *format = s3_xml_child(enabled, "TargetObjectKeyFormat");
    struct str name = s3_xml_text(enabled, "TargetBucket");
    struct str prefix = s3_xml_text(enabled, "TargetPrefix");
    if (!enabled) {
        return true;
    }
    if (!name.data || !prefix.data || (format && !is_key_format(format))) {
        return fail(rq, S3_MALFORMED_XML, NULL);
    }
    struct s3_bucket *target = s3_buckets_find(rq->s3->buckets, name);
    enum s3_error error =
        !target                                             ? S3_INVALID_TARGET_BUCKET
        : !str_eq(target->row.owner, rq->bucket->row.owner) ? S3_INVALID_TARGET_BUCKET
        : !str_eq(s3_bucket_region(&target->row), s3_bucket_region(&rq->bucket->row))
            ? S3_CROSS_LOCATION_LOGGING
        : prefix.len > LOG_PREFIX_BYTES_MAX ? S3_KEY_TOO_LONG
                                            : S3_OK;
    if (error == S3_CROSS_LOCATION_LOGGING) {
        s3_detail(rq, "TargetBucketLocation", s3_bucket_region(&target->row));
    } else if (error == S3_INVALID_TARGET_BUCKET) {
        s3_detail(rq, "TargetBucket", name);
    }
    s3_bucket_unref(target);
    return error == S3_OK || fail(rq, error, NULL);
}

bool s3_config_check_payment(struct s3_request *rq, const struct s3_xml_node *root)
{
    struct str payer = s3_xml_text(root, "Payer");
    return str_eq(payer, STR("BucketOwner")) || str_eq(payer, STR("Requester")) ||
           fail(rq, S3_MALFORMED_XML, NULL);
}

/* ---- of what is set many times over ---- */

static bool is_one_of(struct str text, const char *const *known)
{
    for (; *known; known++) {
        if (str_eq(text, str_c(*known))) {
            return true;
        }
    }
    return false;
}

static bool are_fields_known(const struct s3_xml_node *fields)
{
    static const char *const known[] = {
        "Size",
        "LastModifiedDate",
        "StorageClass",
        "ETag",
        "IsMultipartUploaded",
        "ReplicationStatus",
        "EncryptionStatus",
        "ObjectLockRetainUntilDate",
        "ObjectLockMode",
        "ObjectLockLegalHoldStatus",
        "IntelligentTieringAccessTier",
        "BucketKeyStatus",
        "ChecksumAlgorithm",
        "ObjectAccessControlList",
        "ObjectOwner",
        "LifecycleExpirationDate",
        NULL,
    };
    const struct s3_xml_node *f = s3_xml_child(fields, "Field");
    while (f && is_one_of(f->text, known)) {
        f = s3_xml_again(f);
    }
    return !f;
}

bool s3_config_check_inventory(struct s3_request *rq, const struct s3_xml_node *root)
{
    static const char *const formats[] = { "CSV", "ORC", "Parquet", NULL };
    static const char *const frequencies[] = { "Daily", "Weekly", NULL };
    static const char *const versions[] = { "All", "Current", NULL };
    static const char *const booleans[] = { "true", "false", NULL };
    const struct s3_xml_node *to =
        s3_xml_child(s3_xml_child(root, "Destination"), "S3BucketDestination");
    if (!is_one_of(s3_xml_text(to, "Format"), formats) ||
        !is_one_of(s3_xml_text(s3_xml_child(root, "Schedule"), "Frequency"), frequencies) ||
        !is_one_of(s3_xml_text(root, "IncludedObjectVersions"), versions) ||
        !is_one_of(s3_xml_text(root, "IsEnabled"), booleans) ||
        !are_fields_known(s3_xml_child(root, "OptionalFields"))) {
        return fail(rq, S3_MALFORMED_XML, NULL);
    }
    if (!str_starts(s3_xml_text(to, "Bucket"), STR("arn:aws:s3:::"))) {
        s3_fail_custom(rq, 400, "InvalidS3DestinationBucket", "Invalid bucket ARN.");
        return false;
    }
    return true;
}

bool s3_config_check_analytics(struct s3_request *rq, const struct s3_xml_node *root)
{
    return s3_xml_child(root, "StorageClassAnalysis") || fail(rq, S3_MALFORMED_XML, NULL);
}

bool s3_config_check_tiering(struct s3_request *rq, const struct s3_xml_node *root)
{
    static const char *const states[] = { "Enabled", "Disabled", NULL };
    static const char *const tiers[] = { "ARCHIVE_ACCESS", "DEEP_ARCHIVE_ACCESS", NULL };
    const struct s3_xml_node *t = s3_xml_child(root, "Tiering");
    bool is_valid = t && is_one_of(s3_xml_text(root, "Status"), states);
    for (; is_valid && t; t = s3_xml_again(t)) {
        uint64_t days;
        is_valid = is_one_of(s3_xml_text(t, "AccessTier"), tiers) &&
                   str_to_u64(s3_xml_text(t, "Days"), &days);
    }
    return is_valid || fail(rq, S3_MALFORMED_XML, NULL);
}
