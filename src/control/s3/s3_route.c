/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_route.h"

#include "control/s3/s3_operations.h"

/* Of one method and level, those with a parameter come before the one without. */
/* clang-format off */
static const struct s3_operation operations[] = {
    { "ListBuckets", "GET", S3_SERVICE, NULL, "s3:ListAllMyBuckets", S3_NEEDS_USER, S3_BODY_NONE, s3_bucket_list_all },

    { "GetBucketLocation", "GET", S3_BUCKET, "location", "s3:GetBucketLocation", S3_NEEDS_READ, S3_BODY_NONE, s3_bucket_location },
    { "ListObjectVersions", "GET", S3_BUCKET, "versions", "s3:ListBucketVersions", S3_NEEDS_READ, S3_BODY_NONE, s3_list_versions },
    { "ListObjectsV2", "GET", S3_BUCKET, "list-type", "s3:ListBucket", S3_NEEDS_READ, S3_BODY_NONE, s3_list_objects_v2 },
    { "ListObjects", "GET", S3_BUCKET, NULL, "s3:ListBucket", S3_NEEDS_READ, S3_BODY_NONE, s3_list_objects },
    { "HeadBucket", "HEAD", S3_BUCKET, NULL, "s3:ListBucket", S3_NEEDS_READ, S3_BODY_NONE, s3_bucket_head },
    { "CreateBucket", "PUT", S3_BUCKET, NULL, "s3:CreateBucket", S3_NEEDS_USER, S3_BODY_TEXT, s3_bucket_create },
    { "DeleteBucket", "DELETE", S3_BUCKET, NULL, "s3:DeleteBucket", S3_NEEDS_OWNER, S3_BODY_NONE, s3_bucket_delete },
    { "DeleteObjects", "POST", S3_BUCKET, "delete", "s3:DeleteObject", S3_NEEDS_NOTHING, S3_BODY_XML, s3_object_delete_many },

    { "GetObjectAttributes", "GET", S3_OBJECT, "attributes", "s3:GetObjectAttributes", S3_NEEDS_NOTHING, S3_BODY_NONE, s3_object_attributes },
    { "GetObject", "GET", S3_OBJECT, NULL, "s3:GetObject", S3_NEEDS_NOTHING, S3_BODY_NONE, s3_object_get },
    { "HeadObject", "HEAD", S3_OBJECT, NULL, "s3:GetObject", S3_NEEDS_NOTHING, S3_BODY_NONE, s3_object_head },
    { "PutObject", "PUT", S3_OBJECT, NULL, "s3:PutObject", S3_NEEDS_NOTHING, S3_BODY_OWN, s3_object_put },
    { "DeleteObject", "DELETE", S3_OBJECT, NULL, "s3:DeleteObject", S3_NEEDS_NOTHING, S3_BODY_NONE, s3_object_delete },
};
/* clang-format on */

/* Parts of S3 that are not here: asking for them must not do something else instead. */
static const char *const missing[] = {
    "accelerate",
    "analytics",
    "intelligent-tiering",
    "inventory",
    "metrics",
    "metadataTable",
    "metadataConfiguration",
    "torrent",
    "restore",
    "select",
    "session",
    "renameObject",
    "append",
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

const struct s3_operation *s3_route_find(const struct s3_request *rq, enum s3_error *ret_error)
{
    enum s3_level level = rq->key.len > 0           ? S3_OBJECT
                          : rq->bucket_name.len > 0 ? S3_BUCKET
                                                    : S3_SERVICE;
    *ret_error = is_missing(rq) ? S3_NOT_IMPLEMENTED : S3_METHOD_NOT_ALLOWED;
    for (size_t i = 0; i < ARRAY_COUNT(operations) && !is_missing(rq); i++) {
        const struct s3_operation *op = &operations[i];
        if (op->level == level && str_eq(rq->x->method, str_c(op->method)) &&
            (!op->query || s3_has_param(rq, op->query))) {
            return op;
        }
    }
    return NULL;
}
