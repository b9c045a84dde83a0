/* Buckets and what is set for them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/str.h"
#include "store/store.h"

enum bucket_versioning { BUCKET_UNVERSIONED, BUCKET_VERSIONED, BUCKET_SUSPENDED };

struct stored_bucket {
    int64_t id;
    struct str name;
    struct str owner; /* canonical id */
    struct str region;
    uint64_t created_ms;
    enum bucket_versioning versioning;
    bool locks_objects; /* object lock is enabled */
};

/* On the store's thread, in a job's run: */

/* Writes `b` but for its id. -EEXIST: the name is taken. */
int store_buckets_create(struct sql *db, const struct stored_bucket *b, int64_t *ret_id) MUST_USE;
/* -ENOTEMPTY: it has objects; -ENOENT. Its settings go with it; its uploads are found no more, and
 * are removed by store_contents_sweep(). */
int store_buckets_remove(struct sql *db, int64_t id) MUST_USE;
/* -EPERM: objects can be locked there, which needs versions. -ENOENT: the bucket is gone. */
int store_buckets_set_versioning(struct sql *db, int64_t id, enum bucket_versioning state) MUST_USE;
/* Objects can be locked from now on: for good, and versions are kept. -ENOENT. */
int store_buckets_enable_locks(struct sql *db, int64_t id) MUST_USE;
/* A setting, by kind ("acl", "policy", ...). -ENOENT: the bucket is gone. */
int store_buckets_put_setting(struct sql *db, int64_t id, struct str kind,
                              struct str value) MUST_USE;
int store_buckets_remove_setting(struct sql *db, int64_t id, struct str kind) MUST_USE;
/* How its objects are kept, or -ENOENT. */
int store_buckets_versioning(struct sql *db, int64_t id) MUST_USE;

/* On the loop's thread; texts live until `each` returns: */

typedef void (*store_bucket_fn)(const struct stored_bucket *b, void *context);
bool store_buckets_find(struct store *s, struct str name, store_bucket_fn each, void *context);
/* By name, after `after`, at most `limit`. */
void store_buckets_list(struct store *s, struct str after, size_t limit, store_bucket_fn each,
                        void *context);
typedef void (*store_bucket_setting_fn)(struct str kind, struct str value, void *context);
void store_buckets_settings(struct store *s, int64_t id, store_bucket_setting_fn each,
                            void *context);
