/* The operations of the S3 API, one function each: what s3_route.c finds for a request. Each
 * answers the request, at once or later.
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct s3_request;

/* s3_bucket.c */
void s3_bucket_list_all(struct s3_request *rq);
void s3_bucket_create(struct s3_request *rq);
void s3_bucket_head(struct s3_request *rq);
void s3_bucket_delete(struct s3_request *rq);
void s3_bucket_location(struct s3_request *rq);

/* s3_list.c, s3_list_versions.c */
void s3_list_objects(struct s3_request *rq);
void s3_list_objects_v2(struct s3_request *rq);
void s3_list_versions(struct s3_request *rq);

/* s3_object_*.c */
void s3_object_put(struct s3_request *rq);
void s3_object_copy(struct s3_request *rq);
void s3_object_get(struct s3_request *rq); /* HeadObject, too */
void s3_object_delete(struct s3_request *rq);
void s3_object_delete_many(struct s3_request *rq);
void s3_object_attributes(struct s3_request *rq);
void s3_object_restore(struct s3_request *rq);

/* s3_acl_request.c */
void s3_acl_get_bucket(struct s3_request *rq);
void s3_acl_put_bucket(struct s3_request *rq);
void s3_acl_get_object(struct s3_request *rq);
void s3_acl_put_object(struct s3_request *rq);

/* s3_config.c: by the parameter that names it */
void s3_config_get(struct s3_request *rq);
void s3_config_put(struct s3_request *rq);
void s3_config_put_tags(struct s3_request *rq);
void s3_config_delete(struct s3_request *rq);

/* s3_config_named.c: the same, and by an id */
void s3_config_get_named(struct s3_request *rq);
void s3_config_put_named(struct s3_request *rq);
void s3_config_delete_named(struct s3_request *rq);

/* s3_bucket_rules.c */
void s3_versioning_get(struct s3_request *rq);
void s3_versioning_put(struct s3_request *rq);
void s3_policy_get(struct s3_request *rq);
void s3_policy_put(struct s3_request *rq);
void s3_policy_status(struct s3_request *rq);
void s3_public_block_get(struct s3_request *rq);
void s3_ownership_get(struct s3_request *rq);
void s3_ownership_delete(struct s3_request *rq);

/* s3_notification_config.c */
void s3_notification_get(struct s3_request *rq);
void s3_notification_put(struct s3_request *rq);

/* s3_lock_change.c */
void s3_lock_get_config(struct s3_request *rq);
void s3_lock_put_config(struct s3_request *rq);
void s3_lock_get_retention(struct s3_request *rq);
void s3_lock_put_retention(struct s3_request *rq);
void s3_lock_get_hold(struct s3_request *rq);
void s3_lock_put_hold(struct s3_request *rq);

/* s3_tagging.c */
void s3_tagging_get(struct s3_request *rq);
void s3_tagging_put(struct s3_request *rq);
void s3_tagging_delete(struct s3_request *rq);

/* s3_upload*.c */
void s3_upload_create(struct s3_request *rq);
void s3_upload_part(struct s3_request *rq);
void s3_upload_complete(struct s3_request *rq);
void s3_upload_abort(struct s3_request *rq);
void s3_upload_list_parts(struct s3_request *rq);
void s3_upload_list(struct s3_request *rq);
