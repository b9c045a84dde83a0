/* Uploads in parts, until they are completed or given up. The bytes of a part are a file, whatever
 * its size: they become the object's without being touched again.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "store/store_objects.h"

struct stored_upload {
    int64_t id; /* with salt it makes what its client knows it by */
    uint64_t salt;
    uint64_t started_ms;
    struct str initiator;        /* canonical id */
    bool had_object;             /* the key, when it began */
    struct stored_object object; /* what it will be; checksum names the algorithm and type only */
};

struct stored_upload_part {
    uint32_t number;
    uint64_t size;
    uint64_t modified_ms;
    struct str etag;
    struct str hash;
    struct str checksum; /* "CRC32\0base64\0", or empty */
};

/* On the store's thread, in a job's run: */

/* Sets u->id, u->salt and u->had_object. -ENOENT: the bucket is gone. */
int store_uploads_create(struct sql *db, struct stored_upload *u) MUST_USE;
/* Replaces the part of that number. `name`: see store_contents_keep_file(). -ENOENT: the upload is
 * over. */
int store_uploads_put_part(struct store_contents *c, struct sql *db, const struct stored_upload *u,
                           const struct stored_upload_part *part, const char *name) MUST_USE;
bool store_uploads_has(struct sql *db, int64_t id);
/* Forgets an upload and lets go of its parts, but for those whose numbers are in `kept`
 * (ascending), which are the object's now. 1: there was none. */
int store_uploads_remove(struct sql *db, int64_t id, const uint32_t *kept, size_t count) MUST_USE;
/* Removes uploads whose buckets are gone, at most `limit` rows with their parts'. 1: there may be
 * more. */
int store_uploads_sweep(struct sql *db, uint32_t limit) MUST_USE;

typedef void (*store_upload_part_fn)(const struct stored_upload_part *part, void *context);
/* The parts after number `after`, in order; on either thread with its own connection. */
void store_uploads_parts(struct sql *db, int64_t upload, uint32_t after, size_t limit,
                         store_upload_part_fn each, void *context);

/* On the loop's thread; texts live until `each` returns: */

/* False: it stops the walk. */
typedef bool (*store_upload_fn)(const struct stored_upload *u, void *context);
bool store_uploads_find(struct store *s, int64_t id, uint64_t salt, store_upload_fn each,
                        void *context);
/* Of a bucket, by key and age, from the first not before `from` with an id over `after_id`. */
void store_uploads_walk(struct store *s, int64_t bucket, struct str from, int64_t after_id,
                        store_upload_fn each, void *context);
