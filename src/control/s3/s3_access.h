/* Who may do what: policies, ACLs, ownership, and what blocks public access, put together.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/how-s3-evaluates-access-control.html
 *
 * Users of mayfly.json count as accounts of their own: what they may not do to others' buckets is
 * what an account may not. There are no user policies: whoever has a key may do everything with
 * what is his.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/s3/s3_request.h"

struct s3_access {
    const struct s3_bucket *bucket;
    struct str key;                /* empty: the bucket itself */
    const char *action;            /* "s3:GetObject" */
    enum s3_permission permission; /* that the ACL must give; 0: none can */
    const struct s3_acl *acl;
    struct str owner;         /* of the thing itself */
    struct str existing_tags; /* of the object; "key\0value\0"... */
    struct str request_tags;  /* that the request wants to set */
    struct str prefix;        /* for s3:prefix; data NULL: the request's parameter */
};

bool s3_access_allows(struct s3_request *rq, const struct s3_access *a);

/* For the request's own bucket. False: no, and that was answered. */
bool s3_access_bucket(struct s3_request *rq, const char *action, enum s3_needs needs) MUST_USE;
/* Whether the account that a field of the head names is the bucket's, or none is named. */
bool s3_access_owner(struct s3_request *rq, const struct s3_bucket *bucket,
                     const char *header) MUST_USE;
/* For writing under the request's key, with the tags that it wants. */
bool s3_access_write(struct s3_request *rq, const char *action, struct str request_tags) MUST_USE;
/* For an object of a bucket; NULL: there is none, which only they are told who may list. */
enum s3_error s3_access_object(struct s3_request *rq, const struct s3_bucket *bucket,
                               struct str key, const char *action, enum s3_permission permission,
                               const struct stored_object *o);
