/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_route.h"

#include "control/s3/s3_operations.h"

/* Of one method and level, those with a parameter come before the one without. */
/* clang-format off */
static const struct s3_operation operations[] = {
    { "ListBuckets", "GET", S3_SERVICE, NULL, "s3:ListAllMyBuckets", S3_NEEDS_NOTHING, S3_BODY_NONE, s3_bucket_list_all },

    { "GetBucketLocation", "GET", S3_BUCKET, "location", "s3:GetBucketLocation", S3_NEEDS_READ, S3_BODY_NONE, s3_bucket_location },
    { "GetBucketAcl", "GET", S3_BUCKET, "acl", "s3:GetBucketAcl", S3_NEEDS_READ_ACP, S3_BODY_NONE, s3_acl_get_bucket },
    { "PutBucketAcl", "PUT", S3_BUCKET, "acl", "s3:PutBucketAcl", S3_NEEDS_WRITE_ACP, S3_BODY_TEXT, s3_acl_put_bucket },
    { "GetBucketVersioning", "GET", S3_BUCKET, "versioning", "s3:GetBucketVersioning", S3_NEEDS_OWNER, S3_BODY_NONE, s3_versioning_get },
    { "PutBucketVersioning", "PUT", S3_BUCKET, "versioning", "s3:PutBucketVersioning", S3_NEEDS_OWNER, S3_BODY_XML, s3_versioning_put },
    { "GetBucketPolicyStatus", "GET", S3_BUCKET, "policyStatus", "s3:GetBucketPolicyStatus", S3_NEEDS_OWNER, S3_BODY_NONE, s3_policy_status },
    { "GetBucketPolicy", "GET", S3_BUCKET, "policy", "s3:GetBucketPolicy", S3_NEEDS_OWNER, S3_BODY_NONE, s3_policy_get },
    { "PutBucketPolicy", "PUT", S3_BUCKET, "policy", "s3:PutBucketPolicy", S3_NEEDS_OWNER, S3_BODY_TEXT, s3_policy_put },
    { "DeleteBucketPolicy", "DELETE", S3_BUCKET, "policy", "s3:DeleteBucketPolicy", S3_NEEDS_OWNER, S3_BODY_NONE, s3_config_delete },
    { "GetBucketNotificationConfiguration", "GET", S3_BUCKET, "notification", "s3:GetBucketNotification", S3_NEEDS_OWNER, S3_BODY_NONE, s3_notification_get },
    { "PutBucketNotificationConfiguration", "PUT", S3_BUCKET, "notification", "s3:PutBucketNotification", S3_NEEDS_OWNER, S3_BODY_XML, s3_notification_put },
    { "GetObjectLockConfiguration", "GET", S3_BUCKET, "object-lock", "s3:GetBucketObjectLockConfiguration", S3_NEEDS_OWNER, S3_BODY_NONE, s3_lock_get_config },
    { "PutObjectLockConfiguration", "PUT", S3_BUCKET, "object-lock", "s3:PutBucketObjectLockConfiguration", S3_NEEDS_OWNER, S3_BODY_XML, s3_lock_put_config },
    { "GetBucketCORS", "GET", S3_BUCKET, "cors", "s3:GetBucketCORS", S3_NEEDS_OWNER, S3_BODY_NONE, s3_config_get },
    { "PutBucketCORS", "PUT", S3_BUCKET, "cors", "s3:PutBucketCORS", S3_NEEDS_OWNER, S3_BODY_XML, s3_config_put },
    { "DeleteBucketCORS", "DELETE", S3_BUCKET, "cors", "s3:PutBucketCORS", S3_NEEDS_OWNER, S3_BODY_NONE, s3_config_delete },
    { "GetBucketLifecycleConfiguration", "GET", S3_BUCKET, "lifecycle", "s3:GetLifecycleConfiguration", S3_NEEDS_OWNER, S3_BODY_NONE, s3_config_get },
    { "PutBucketLifecycleConfiguration", "PUT", S3_BUCKET, "lifecycle", "s3:PutLifecycleConfiguration", S3_NEEDS_OWNER, S3_BODY_XML, s3_config_put },
    { "DeleteBucketLifecycleConfiguration", "DELETE", S3_BUCKET, "lifecycle", "s3:PutLifecycleConfiguration", S3_NEEDS_OWNER, S3_BODY_NONE, s3_config_delete },
    { "GetBucketWebsite", "GET", S3_BUCKET, "website", "s3:GetBucketWebsite", S3_NEEDS_OWNER, S3_BODY_NONE, s3_config_get },
    { "PutBucketWebsite", "PUT", S3_BUCKET, "website", "s3:PutBucketWebsite", S3_NEEDS_OWNER, S3_BODY_XML, s3_config_put },
    { "DeleteBucketWebsite", "DELETE", S3_BUCKET, "website", "s3:PutBucketWebsite", S3_NEEDS_OWNER, S3_BODY_NONE, s3_config_delete },
    { "GetBucketEncryption", "GET", S3_BUCKET, "encryption", "s3:GetEncryptionConfiguration", S3_NEEDS_OWNER, S3_BODY_NONE, s3_config_get },
    { "PutBucketEncryption", "PUT", S3_BUCKET, "encryption", "s3:PutEncryptionConfiguration", S3_NEEDS_OWNER, S3_BODY_XML, s3_config_put },
    { "DeleteBucketEncryption", "DELETE", S3_BUCKET, "encryption", "s3:PutEncryptionConfiguration", S3_NEEDS_OWNER, S3_BODY_NONE, s3_config_delete },
    { "GetPublicAccessBlock", "GET", S3_BUCKET, "publicAccessBlock", "s3:GetBucketPublicAccessBlock", S3_NEEDS_OWNER, S3_BODY_NONE, s3_public_block_get },
    { "PutPublicAccessBlock", "PUT", S3_BUCKET, "publicAccessBlock", "s3:PutBucketPublicAccessBlock", S3_NEEDS_OWNER, S3_BODY_XML, s3_config_put },
    { "DeletePublicAccessBlock", "DELETE", S3_BUCKET, "publicAccessBlock", "s3:PutBucketPublicAccessBlock", S3_NEEDS_OWNER, S3_BODY_NONE, s3_config_delete },
    { "GetBucketOwnershipControls", "GET", S3_BUCKET, "ownershipControls", "s3:GetBucketOwnershipControls", S3_NEEDS_OWNER, S3_BODY_NONE, s3_ownership_get },
    { "PutBucketOwnershipControls", "PUT", S3_BUCKET, "ownershipControls", "s3:PutBucketOwnershipControls", S3_NEEDS_OWNER, S3_BODY_XML, s3_config_put },
    { "DeleteBucketOwnershipControls", "DELETE", S3_BUCKET, "ownershipControls", "s3:PutBucketOwnershipControls", S3_NEEDS_OWNER, S3_BODY_NONE, s3_ownership_delete },
    { "GetBucketReplication", "GET", S3_BUCKET, "replication", "s3:GetReplicationConfiguration", S3_NEEDS_OWNER, S3_BODY_NONE, s3_config_get },
    { "PutBucketReplication", "PUT", S3_BUCKET, "replication", "s3:PutReplicationConfiguration", S3_NEEDS_OWNER, S3_BODY_XML, s3_config_put },
    { "DeleteBucketReplication", "DELETE", S3_BUCKET, "replication", "s3:PutReplicationConfiguration", S3_NEEDS_OWNER, S3_BODY_NONE, s3_config_delete },
    { "GetBucketTagging", "GET", S3_BUCKET, "tagging", "s3:GetBucketTagging", S3_NEEDS_OWNER, S3_BODY_NONE, s3_config_get },
    { "PutBucketTagging", "PUT", S3_BUCKET, "tagging", "s3:PutBucketTagging", S3_NEEDS_OWNER, S3_BODY_XML, s3_config_put_tags },
    { "DeleteBucketTagging", "DELETE", S3_BUCKET, "tagging", "s3:PutBucketTagging", S3_NEEDS_OWNER, S3_BODY_NONE, s3_config_delete },
    { "GetBucketAbac", "GET", S3_BUCKET, "abac", "s3:GetBucketAbac", S3_NEEDS_OWNER, S3_BODY_NONE, s3_config_get },
    { "PutBucketAbac", "PUT", S3_BUCKET, "abac", "s3:PutBucketAbac", S3_NEEDS_OWNER, S3_BODY_XML, s3_config_put },
    { "GetBucketLogging", "GET", S3_BUCKET, "logging", "s3:GetBucketLogging", S3_NEEDS_OWNER, S3_BODY_NONE, s3_config_get },
    { "PutBucketLogging", "PUT", S3_BUCKET, "logging", "s3:PutBucketLogging", S3_NEEDS_OWNER, S3_BODY_XML, s3_config_put },
    { "GetBucketRequestPayment", "GET", S3_BUCKET, "requestPayment", "s3:GetBucketRequestPayment", S3_NEEDS_OWNER, S3_BODY_NONE, s3_config_get },
    { "PutBucketRequestPayment", "PUT", S3_BUCKET, "requestPayment", "s3:PutBucketRequestPayment", S3_NEEDS_OWNER, S3_BODY_XML, s3_config_put },
    { "GetBucketAccelerateConfiguration", "GET", S3_BUCKET, "accelerate", "s3:GetAccelerateConfiguration", S3_NEEDS_OWNER, S3_BODY_NONE, s3_config_get },
    { "PutBucketAccelerateConfiguration", "PUT", S3_BUCKET, "accelerate", "s3:PutAccelerateConfiguration", S3_NEEDS_OWNER, S3_BODY_XML, s3_config_put },
    { "GetBucketMetricsConfiguration", "GET", S3_BUCKET, "metrics", "s3:GetMetricsConfiguration", S3_NEEDS_OWNER, S3_BODY_NONE, s3_config_get_named },
    { "PutBucketMetricsConfiguration", "PUT", S3_BUCKET, "metrics", "s3:PutMetricsConfiguration", S3_NEEDS_OWNER, S3_BODY_XML, s3_config_put_named },
    { "DeleteBucketMetricsConfiguration", "DELETE", S3_BUCKET, "metrics", "s3:PutMetricsConfiguration", S3_NEEDS_OWNER, S3_BODY_NONE, s3_config_delete_named },
    { "GetBucketAnalyticsConfiguration", "GET", S3_BUCKET, "analytics", "s3:GetAnalyticsConfiguration", S3_NEEDS_OWNER, S3_BODY_NONE, s3_config_get_named },
    { "PutBucketAnalyticsConfiguration", "PUT", S3_BUCKET, "analytics", "s3:PutAnalyticsConfiguration", S3_NEEDS_OWNER, S3_BODY_XML, s3_config_put_named },
    { "DeleteBucketAnalyticsConfiguration", "DELETE", S3_BUCKET, "analytics", "s3:PutAnalyticsConfiguration", S3_NEEDS_OWNER, S3_BODY_NONE, s3_config_delete_named },
    { "GetBucketInventoryConfiguration", "GET", S3_BUCKET, "inventory", "s3:GetInventoryConfiguration", S3_NEEDS_OWNER, S3_BODY_NONE, s3_config_get_named },
    { "PutBucketInventoryConfiguration", "PUT", S3_BUCKET, "inventory", "s3:PutInventoryConfiguration", S3_NEEDS_OWNER, S3_BODY_XML, s3_config_put_named },
    { "DeleteBucketInventoryConfiguration", "DELETE", S3_BUCKET, "inventory", "s3:PutInventoryConfiguration", S3_NEEDS_OWNER, S3_BODY_NONE, s3_config_delete_named },
    { "GetBucketIntelligentTieringConfiguration", "GET", S3_BUCKET, "intelligent-tiering", "s3:GetIntelligentTieringConfiguration", S3_NEEDS_OWNER, S3_BODY_NONE, s3_config_get_named },
    { "PutBucketIntelligentTieringConfiguration", "PUT", S3_BUCKET, "intelligent-tiering", "s3:PutIntelligentTieringConfiguration", S3_NEEDS_OWNER, S3_BODY_XML, s3_config_put_named },
    { "DeleteBucketIntelligentTieringConfiguration", "DELETE", S3_BUCKET, "intelligent-tiering", "s3:PutIntelligentTieringConfiguration", S3_NEEDS_OWNER, S3_BODY_NONE, s3_config_delete_named },
    { "ListMultipartUploads", "GET", S3_BUCKET, "uploads", "s3:ListBucketMultipartUploads", S3_NEEDS_READ, S3_BODY_NONE, s3_upload_list },
    { "ListObjectVersions", "GET", S3_BUCKET, "versions", "s3:ListBucketVersions", S3_NEEDS_READ, S3_BODY_NONE, s3_list_versions },
    { "ListObjectsV2", "GET", S3_BUCKET, "list-type", "s3:ListBucket", S3_NEEDS_READ, S3_BODY_NONE, s3_list_objects_v2 },
    { "ListObjects", "GET", S3_BUCKET, NULL, "s3:ListBucket", S3_NEEDS_READ, S3_BODY_NONE, s3_list_objects },
    { "HeadBucket", "HEAD", S3_BUCKET, NULL, "s3:ListBucket", S3_NEEDS_READ, S3_BODY_NONE, s3_bucket_head },
    { "CreateBucket", "PUT", S3_BUCKET, NULL, "s3:CreateBucket", S3_NEEDS_USER, S3_BODY_TEXT, s3_bucket_create },
    { "DeleteBucket", "DELETE", S3_BUCKET, NULL, "s3:DeleteBucket", S3_NEEDS_OWNER, S3_BODY_NONE, s3_bucket_delete },
    { "DeleteObjects", "POST", S3_BUCKET, "delete", "s3:DeleteObject", S3_NEEDS_NOTHING, S3_BODY_XML, s3_object_delete_many },

    { "GetObjectAcl", "GET", S3_OBJECT, "acl", "s3:GetObjectAcl", S3_NEEDS_NOTHING, S3_BODY_NONE, s3_acl_get_object },
    { "PutObjectAcl", "PUT", S3_OBJECT, "acl", "s3:PutObjectAcl", S3_NEEDS_NOTHING, S3_BODY_TEXT, s3_acl_put_object },
    { "GetObjectTagging", "GET", S3_OBJECT, "tagging", "s3:GetObjectTagging", S3_NEEDS_NOTHING, S3_BODY_NONE, s3_tagging_get },
    { "PutObjectTagging", "PUT", S3_OBJECT, "tagging", "s3:PutObjectTagging", S3_NEEDS_NOTHING, S3_BODY_XML, s3_tagging_put },
    { "DeleteObjectTagging", "DELETE", S3_OBJECT, "tagging", "s3:DeleteObjectTagging", S3_NEEDS_NOTHING, S3_BODY_NONE, s3_tagging_delete },
    { "GetObjectRetention", "GET", S3_OBJECT, "retention", "s3:GetObjectRetention", S3_NEEDS_NOTHING, S3_BODY_NONE, s3_lock_get_retention },
    { "PutObjectRetention", "PUT", S3_OBJECT, "retention", "s3:PutObjectRetention", S3_NEEDS_NOTHING, S3_BODY_XML, s3_lock_put_retention },
    { "GetObjectLegalHold", "GET", S3_OBJECT, "legal-hold", "s3:GetObjectLegalHold", S3_NEEDS_NOTHING, S3_BODY_NONE, s3_lock_get_hold },
    { "PutObjectLegalHold", "PUT", S3_OBJECT, "legal-hold", "s3:PutObjectLegalHold", S3_NEEDS_NOTHING, S3_BODY_XML, s3_lock_put_hold },
    { "GetObjectAttributes", "GET", S3_OBJECT, "attributes", "s3:GetObjectAttributes", S3_NEEDS_NOTHING, S3_BODY_NONE, s3_object_attributes },
    { "RestoreObject", "POST", S3_OBJECT, "restore", "s3:RestoreObject", S3_NEEDS_NOTHING, S3_BODY_XML, s3_object_restore },
    { "CreateMultipartUpload", "POST", S3_OBJECT, "uploads", "s3:PutObject", S3_NEEDS_NOTHING, S3_BODY_NONE, s3_upload_create },
    { "CompleteMultipartUpload", "POST", S3_OBJECT, "uploadId", "s3:PutObject", S3_NEEDS_NOTHING, S3_BODY_XML, s3_upload_complete },
    { "AbortMultipartUpload", "DELETE", S3_OBJECT, "uploadId", "s3:AbortMultipartUpload", S3_NEEDS_NOTHING, S3_BODY_NONE, s3_upload_abort },
    { "ListParts", "GET", S3_OBJECT, "uploadId", "s3:ListMultipartUploadParts", S3_NEEDS_NOTHING, S3_BODY_NONE, s3_upload_list_parts },
    { "UploadPart", "PUT", S3_OBJECT, "uploadId", "s3:PutObject", S3_NEEDS_NOTHING, S3_BODY_OWN, s3_upload_part },
    { "GetObject", "GET", S3_OBJECT, NULL, "s3:GetObject", S3_NEEDS_NOTHING, S3_BODY_NONE, s3_object_get },
    { "HeadObject", "HEAD", S3_OBJECT, NULL, "s3:GetObject", S3_NEEDS_NOTHING, S3_BODY_NONE, s3_object_get },
    { "PutObject", "PUT", S3_OBJECT, NULL, "s3:PutObject", S3_NEEDS_NOTHING, S3_BODY_OWN, s3_object_put },
    { "DeleteObject", "DELETE", S3_OBJECT, NULL, "s3:DeleteObject", S3_NEEDS_NOTHING, S3_BODY_NONE, s3_object_delete },
};
/* clang-format on */

/* Parts of S3 that are not here: asking for them must not do something else instead. */
static const char *const missing[] = {
    "metadataTable",
    "metadataConfiguration",
    "metadataAnnotationTable",
    "metadataInventoryTable",
    "metadataJournalTable",
    "session",
    "renameObject",
    "append",
    "annotation",
};

static bool is_missing(const struct s3_request *rq)
{
    for (size_t i = 0; i < ARRAY_COUNT(missing); i++) {
        if (s3_has_param(rq, missing[i])) {
            return true;
        }
    }
    return false;
}

/* Whether a request names a part of something. None of another level or method is meant by one
 * that would change the thing itself: DELETE /bucket?acl removes no bucket, and
 * PUT /bucket/key?encryption (UpdateObjectEncryption) writes no object. */
static bool names_part(const struct s3_request *rq)
{
    for (size_t i = 0; i < ARRAY_COUNT(operations); i++) {
        if (operations[i].query && s3_has_param(rq, operations[i].query)) {
            return true;
        }
    }
    return false;
}

static bool is_meant(const struct s3_operation *op, const struct s3_request *rq)
{
    bool changes = !str_eq(rq->x->method, STR("GET")) && !str_eq(rq->x->method, STR("HEAD"));
    return op->query ? s3_has_param(rq, op->query) : !changes || !names_part(rq);
}

const struct s3_operation *s3_route_find(const struct s3_request *rq, enum s3_error *ret_error)
{
    enum s3_level level = rq->key.len > 0           ? S3_OBJECT
                          : rq->bucket_name.len > 0 ? S3_BUCKET
                                                    : S3_SERVICE;
    bool has_torrent = s3_has_param(rq, "torrent"); /* S3 makes no more of them */
    *ret_error = has_torrent      ? S3_NO_SUCH_KEY
                 : is_missing(rq) ? S3_NOT_IMPLEMENTED
                                  : S3_METHOD_NOT_ALLOWED;
    for (size_t i = 0; *ret_error == S3_METHOD_NOT_ALLOWED && i < ARRAY_COUNT(operations); i++) {
        const struct s3_operation *op = &operations[i];
        if (op->level == level && str_eq(rq->x->method, str_c(op->method)) && is_meant(op, rq)) {
            return op;
        }
    }
    return NULL;
}
