/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_uploads.h"

#include "store/sql.h"
#include "store/store_buckets.h"

#define UPLOAD_COLUMNS                                                                             \
    "id, salt, started_ms, initiator, had_object, bucket, key, " STORE_OBJECT_TRAITS
#define TRAITS_COLUMN 7

static struct stored_upload read_upload(sqlite3_stmt *q)
{
    struct stored_upload u = { .id = sql_int(q, 0),
                               .salt = (uint64_t)sql_int(q, 1),
                               .started_ms = (uint64_t)sql_int(q, 2),
                               .initiator = sql_str(q, 3),
                               .had_object = sql_int(q, 4) != 0,
                               .object = { .bucket = sql_int(q, 5), .key = sql_str(q, 6) } };
    store_objects_read_traits(q, TRAITS_COLUMN, &u.object);
    return u;
}

int store_uploads_create(struct sql *db, struct stored_upload *u)
{
    const struct stored_object *o = &u->object;
    int r = store_buckets_versioning(db, o->bucket);
    if (r < 0) {
        return r;
    }
    u->salt = store_objects_salt();
    u->had_object = store_objects_has(db, o->bucket, o->key);
    r = sql_run(db,
                "INSERT INTO uploads (salt, started_ms, initiator, had_object, bucket, "
                "key, " STORE_OBJECT_TRAITS
                ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                "iisiibbbssbbiii", (int64_t)u->salt, (int64_t)u->started_ms, u->initiator,
                (int64_t)u->had_object, o->bucket, o->key, o->headers, o->tags, o->owner, o->acl,
                o->checksum, o->crypt, (int64_t)o->lock_mode, (int64_t)o->lock_until_ms,
                (int64_t)o->legal_hold);
    u->id = sql_last_id(db);
    return r;
}

static int release_part(struct sql *db, int64_t upload, uint32_t number)
{
    sqlite3_stmt *q = sql_prepare(db, "SELECT hash FROM parts WHERE upload = ? AND number = ?",
                                  "ii", upload, (int64_t)number);
    if (sql_step(db, q) != 1) {
        return 0;
    }
    int r = store_contents_release_file(db, sql_str(q, 0));
    sql_reset(q);
    return r;
}

int store_uploads_put_part(struct store_contents *c, struct sql *db, const struct stored_upload *u,
                           const struct stored_upload_part *part, const char *name)
{
    if (sql_number(db, 0,
                   "SELECT 1 FROM uploads u WHERE id = ? AND EXISTS (SELECT 1 FROM buckets b WHERE "
                   "b.id = u.bucket)",
                   "i", u->id) == 0) {
        return -ENOENT;
    }
    int r = store_contents_keep_file(c, db, part->hash, part->size, name);
    r = r < 0 ? r : release_part(db, u->id, part->number);
    return r < 0 ? r
                 : sql_run(db,
                           "INSERT OR REPLACE INTO parts (upload, number, size, modified_ms, etag,"
                           " hash, checksum) VALUES (?, ?, ?, ?, ?, ?, ?)",
                           "iiiisbb", u->id, (int64_t)part->number, (int64_t)part->size,
                           (int64_t)part->modified_ms, part->etag, part->hash, part->checksum);
}

bool store_uploads_has(struct sql *db, int64_t id)
{
    return sql_number(db, 0, "SELECT 1 FROM uploads WHERE id = ?", "i", id) == 1;
}

static bool is_kept(uint32_t number, const uint32_t *kept, size_t count)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (kept[middle] < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < count && kept[low] == number;
}

static int release_parts(struct sql *db, int64_t id, const uint32_t *kept, size_t count)
{
    int r = 0;
    sqlite3_stmt *q = sql_prepare(db, "SELECT number, hash FROM parts WHERE upload = ?", "i", id);
    while (r == 0 && sql_step(db, q) == 1) {
        if (!is_kept((uint32_t)sql_int(q, 0), kept, count)) {
            r = store_contents_release_file(db, sql_str(q, 1));
        }
    }
    sql_reset(q);
    return r;
}

int store_uploads_remove(struct sql *db, int64_t id, const uint32_t *kept, size_t count)
{
    int r = release_parts(db, id, kept, count);
    r = r < 0 ? r : sql_run(db, "DELETE FROM parts WHERE upload = ?", "i", id);
    r = r < 0 ? r : sql_run(db, "DELETE FROM uploads WHERE id = ?", "i", id);
    return r < 0 ? r : sql_changes(db) == 1 ? 0 : 1;
}

/* A bucket that is gone and of which there are uploads, or -1. One step of an index a bucket. */
static int64_t lost_bucket(struct sql *db)
{
    return sql_number(
        db, -1,
        "WITH RECURSIVE b (id) AS (SELECT min(bucket) FROM uploads UNION ALL SELECT (SELECT "
        "min(bucket) FROM uploads WHERE bucket > b.id) FROM b WHERE b.id IS NOT NULL) SELECT id "
        "FROM b WHERE id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM buckets WHERE buckets.id = b.id)"
        " LIMIT 1",
        "");
}

/* The first `limit` of its parts at most; how many these were. */
static int remove_some_parts(struct sql *db, int64_t id, uint32_t limit)
{
    int r = 0, count = 0;
    int64_t last = 0;
    sqlite3_stmt *q =
        sql_prepare(db, "SELECT number, hash FROM parts WHERE upload = ? ORDER BY number LIMIT ?",
                    "ii", id, (int64_t)limit);
    while (r == 0 && sql_step(db, q) == 1) {
        last = sql_int(q, 0);
        r = store_contents_release_file(db, sql_str(q, 1));
        count++;
    }
    sql_reset(q);
    r = r < 0 ? r
              : sql_run(db, "DELETE FROM parts WHERE upload = ? AND number <= ?", "ii", id, last);
    return r < 0 ? r : count;
}

int store_uploads_sweep(struct sql *db, uint32_t limit)
{
    int64_t bucket = lost_bucket(db);
    uint32_t count = 0;
    while (bucket >= 0 && count < limit) {
        int64_t id =
            sql_number(db, -1, "SELECT id FROM uploads WHERE bucket = ? LIMIT 1", "i", bucket);
        if (id < 0) {
            return 1; /* perhaps of another */
        }
        int parts = remove_some_parts(db, id, limit - count);
        if (parts < 0) {
            return parts;
        }
        count += (uint32_t)parts + 1;
        int r = count <= limit ? sql_run(db, "DELETE FROM uploads WHERE id = ?", "i", id) : 0;
        if (r < 0) {
            return r;
        }
    }
    return bucket >= 0;
}

void store_uploads_parts(struct sql *db, int64_t upload, uint32_t after, size_t limit,
                         store_upload_part_fn each, void *context)
{
    sqlite3_stmt *q =
        sql_prepare(db,
                    "SELECT number, size, modified_ms, etag, hash, checksum FROM parts"
                    " WHERE upload = ? AND number > ? ORDER BY number LIMIT ?",
                    "iii", upload, (int64_t)after, (int64_t)limit);
    while (sql_step(db, q) == 1) {
        const struct stored_upload_part part = { .number = (uint32_t)sql_int(q, 0),
                                                 .size = (uint64_t)sql_int(q, 1),
                                                 .modified_ms = (uint64_t)sql_int(q, 2),
                                                 .etag = sql_str(q, 3),
                                                 .hash = sql_str(q, 4),
                                                 .checksum = sql_str(q, 5) };
        each(&part, context);
    }
}

bool store_uploads_find(struct store *s, int64_t id, uint64_t salt, store_upload_fn each,
                        void *context)
{
    struct sql *db = store_reader(s);
    sqlite3_stmt *q =
        sql_prepare(db, "SELECT " UPLOAD_COLUMNS " FROM uploads WHERE id = ? AND salt = ?", "ii",
                    id, (int64_t)salt);
    if (sql_step(db, q) != 1) {
        return false;
    }
    struct stored_upload u = read_upload(q);
    (void)each(&u, context); /* there is but one */
    sql_reset(q);
    return true;
}

void store_uploads_walk(struct store *s, int64_t bucket, struct str from, int64_t after_id,
                        store_upload_fn each, void *context)
{
    struct sql *db = store_reader(s);
    sqlite3_stmt *q = sql_prepare(db,
                                  "SELECT " UPLOAD_COLUMNS " FROM uploads WHERE bucket = ?"
                                  " AND (key, id) > (?, ?) ORDER BY key, id",
                                  "ibi", bucket, from, after_id);
    bool more = true;
    while (more && sql_step(db, q) == 1) {
        struct stored_upload u = read_upload(q);
        more = each(&u, context);
    }
    sql_reset(q);
}
