/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/operations/s3_config_check.h"

#include <stdio.h>

#include "control/s3/operations/s3_config_fault.h"
#include "control/s3/s3_cors.h"
#include "control/s3/s3_name.h"
#include "control/s3/s3_tags.h"

#define REPLICATION_RULES_MAX  1000 /* S3's own limits */
#define REPLICATION_ID_LEN_MAX 255

/* Of access logs: what a key has behind it fits. */
#define LOG_PREFIX_BYTES_MAX (S3_KEY_BYTES_MAX - 384)

bool s3_config_refuse(struct s3_request *rq, enum s3_error error, const char *text)
{
    s3_fail_text(rq, error, text);
    return false;
}

/* Answers it, and is false. */
static bool tell(struct s3_request *rq, const struct s3_config_fault *fault)
{
    const char *text = fault->text[0] ? fault->text : NULL;
    if (fault->argument) {
        s3_fail_argument(rq, text, fault->argument, fault->value);
        return false;
    }
    return s3_config_refuse(rq, fault->error, text);
}

bool s3_config_check_lifecycle(struct s3_request *rq, const struct s3_xml_node *root)
{
    struct s3_config_fault fault;
    return s3_config_lifecycle_check(root, &fault) || tell(rq, &fault);
}

bool s3_config_check_website(struct s3_request *rq, const struct s3_xml_node *root)
{
    struct s3_config_fault fault;
    return s3_config_website_check(root, &fault) || tell(rq, &fault);
}

bool s3_config_check_cors(struct s3_request *rq, const struct s3_xml_node *root)
{
    char memory[256];
    const char *why = s3_cors_check(root, memory);
    if (!why) {
        return true;
    }
    return why[0] ? s3_config_refuse(rq, S3_INVALID_REQUEST, why)
                  : s3_config_refuse(rq, S3_MALFORMED_XML, NULL);
}

bool s3_config_check_encryption(struct s3_request *rq, const struct s3_xml_node *root)
{
    const struct s3_xml_node *rule = s3_xml_child(root, "Rule");
    const struct s3_xml_node *by = s3_xml_child(rule, "ApplyServerSideEncryptionByDefault");
    struct str algorithm = s3_xml_text(by, "SSEAlgorithm");
    bool known = str_eq(algorithm, STR("AES256")) || str_starts(algorithm, STR("aws:kms"));
    if (!rule || !by || !known) {
        return s3_config_refuse(rq, S3_MALFORMED_XML, NULL);
    }
    if (str_eq(algorithm, STR("AES256")) && s3_xml_text(by, "KMSMasterKeyID").len > 0) {
        return s3_config_refuse(
            rq, S3_INVALID_ARGUMENT,
            "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms "
            "or aws:kms:dsse");
    }
    return true;
}

bool s3_config_check_ownership(struct s3_request *rq, const struct s3_xml_node *root)
{
    const struct s3_xml_node *rule = s3_xml_child(root, "Rule");
    struct str who = s3_xml_text(rule, "ObjectOwnership");
    bool is_one = rule && !s3_xml_again(rule);
    if (!is_one ||
        (!str_eq(who, STR("BucketOwnerEnforced")) && !str_eq(who, STR("BucketOwnerPreferred")) &&
         !str_eq(who, STR("ObjectWriter")))) {
        return s3_config_refuse(rq, S3_MALFORMED_XML, NULL);
    }
    if (str_eq(who, STR("BucketOwnerEnforced")) &&
        s3_bucket_setting(rq->bucket, STR("acl")).len > 0) {
        return s3_config_refuse(rq, S3_ACL_WITH_OWNERSHIP, NULL);
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
        return s3_config_refuse(rq, S3_MALFORMED_XML, NULL);
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
    return error == S3_OK || s3_config_refuse(rq, error, NULL);
}

static bool is_one_of(struct str text, const char *const *known)
{
    for (; *known; known++) {
        if (str_eq(text, str_c(*known))) {
            return true;
        }
    }
    return false;
}

/* Of a rule: where to, and what goes there. */
static bool check_replication_rule(struct s3_request *rq, const struct s3_xml_node *rule)
{
    static const char *const states[] = { "Enabled", "Disabled", NULL };
    struct str arn = s3_xml_text(s3_xml_child(rule, "Destination"), "Bucket");
    struct str name = str_starts(arn, STR("arn:aws")) ? str_behind(arn, STR(":s3:::")) : STR("");
    if (!is_one_of(s3_xml_text(rule, "Status"), states) || !arn.data) {
        return s3_config_refuse(rq, S3_MALFORMED_XML, NULL);
    }
    if (s3_xml_text(rule, "ID").len > REPLICATION_ID_LEN_MAX) {
        return s3_config_refuse(rq, S3_INVALID_ARGUMENT,
                                "Rule Id must be less than 255 characters");
    }
    if (name.len == 0) {
        return s3_config_refuse(rq, S3_INVALID_ARGUMENT, "Invalid bucket ARN.");
    }
    struct s3_bucket *to = s3_buckets_find(rq->s3->buckets, name);
    bool is_versioned = to && to->row.versioning == BUCKET_VERSIONED;
    s3_bucket_unref(to);
    return is_versioned || s3_config_refuse(rq, S3_INVALID_REQUEST,
                                            "Destination bucket must have versioning enabled.");
}

/* Its rules are kept only. */
bool s3_config_check_replication(struct s3_request *rq, const struct s3_xml_node *root)
{
    const struct s3_xml_node *rule = s3_xml_child(root, "Rule");
    size_t count = s3_xml_count(root, "Rule");
    bool is_sound = true;
    if (count == 0 || count > REPLICATION_RULES_MAX || !s3_xml_child(root, "Role")) {
        return s3_config_refuse(rq, S3_MALFORMED_XML, NULL);
    }
    if (rq->bucket->row.versioning != BUCKET_VERSIONED) {
        return s3_config_refuse(
            rq, S3_INVALID_REQUEST,
            "Versioning must be 'Enabled' on the bucket to apply a replication configuration");
    }
    for (; is_sound && rule; rule = s3_xml_again(rule)) {
        is_sound = check_replication_rule(rq, rule);
    }
    return is_sound;
}

bool s3_config_check_accelerate(struct s3_request *rq, const struct s3_xml_node *root)
{
    struct str status = s3_xml_text(root, "Status");
    return str_eq(status, STR("Enabled")) || str_eq(status, STR("Suspended")) ||
           s3_config_refuse(rq, S3_MALFORMED_XML, NULL);
}

bool s3_config_check_payment(struct s3_request *rq, const struct s3_xml_node *root)
{
    struct str payer = s3_xml_text(root, "Payer");
    return str_eq(payer, STR("BucketOwner")) || str_eq(payer, STR("Requester")) ||
           s3_config_refuse(rq, S3_MALFORMED_XML, NULL);
}

bool s3_config_check_abac(struct s3_request *rq, const struct s3_xml_node *root)
{
    struct str status = s3_xml_text(root, "Status");
    return str_eq(status, STR("Enabled")) || str_eq(status, STR("Disabled")) ||
           s3_config_refuse(rq, S3_MALFORMED_XML, NULL);
}

/* ---- of what is set many times over ---- */

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
        return s3_config_refuse(rq, S3_MALFORMED_XML, NULL);
    }
    if (!str_starts(s3_xml_text(to, "Bucket"), STR("arn:aws:s3:::"))) {
        s3_fail_custom(rq, 400, "InvalidS3DestinationBucket", "Invalid bucket ARN.");
        return false;
    }
    return true;
}

bool s3_config_check_analytics(struct s3_request *rq, const struct s3_xml_node *root)
{
    return s3_xml_child(root, "StorageClassAnalysis") ||
           s3_config_refuse(rq, S3_MALFORMED_XML, NULL);
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
    return is_valid || s3_config_refuse(rq, S3_MALFORMED_XML, NULL);
}
