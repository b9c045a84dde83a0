/* The buckets in use, with what is set for them in a form that answers questions. Read from the
 * store at first use; forgotten when something of them has changed.
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "control/s3/s3_acl.h"
#include "store/store_buckets.h"

struct s3_buckets;

enum s3_ownership { S3_OWNER_WRITER, S3_OWNER_PREFERRED, S3_OWNER_ENFORCED };

struct s3_public_block {
    bool block_acls, ignore_acls, block_policy, restrict_buckets;
};

/* Counted; shared by the requests that use it. Does not change. */
struct s3_bucket {
    size_t references;
    struct stored_bucket row; /* texts are owned */
    struct s3_acl acl;
    json_t *policy; /* owned; NULL: none */
    bool policy_is_public;
    struct s3_public_block block;
    enum s3_ownership ownership;
    struct s3_xml *notification; /* owned; NULL: none */
    struct s3_xml *lifecycle;    /* the same */
    struct s3_xml *logging;      /* the same */
    struct list settings;        /* s3_buckets.c's */
    char *memory;
};

struct s3_buckets *s3_buckets_create(struct store *s);

/* One more reference, or NULL: there is none of that name. */
struct s3_bucket *s3_buckets_find(struct s3_buckets *b, struct str name);
void s3_bucket_unref(struct s3_bucket *bucket); /* NULL is fine */
/* Something of it has changed. */
void s3_buckets_forget(struct s3_buckets *b, struct str name);

/* Where it is, also when nobody has said so. */
#define S3_DEFAULT_REGION "us-east-1"
struct str s3_region_of(struct str constraint);
struct str s3_bucket_region(const struct stored_bucket *row);
/* A setting as it was stored, or data NULL. */
struct str s3_bucket_setting(const struct s3_bucket *bucket, struct str kind);
/* All of them, in the order of their kinds. */
void s3_bucket_settings(const struct s3_bucket *bucket,
                        void (*each)(struct str kind, struct str value, void *context),
                        void *context);
