/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_buckets.h"

#include "store/sql.h"

int store_buckets_create(struct sql *db, const struct stored_bucket *b, int64_t *ret_id)
{
    int r = sql_run(db,
                    "INSERT INTO buckets (name, owner, region, created_ms, versioning, locks)"
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    "sssiii", b->name, b->owner, b->region, (int64_t)b->created_ms,
                    (int64_t)b->versioning, (int64_t)b->locks_objects);
    *ret_id = sql_last_id(db);
    return r;
}

int store_buckets_set_versioning(struct sql *db, int64_t id, enum bucket_versioning state)
{
    int r =
        sql_run(db, "UPDATE buckets SET versioning = ?1 WHERE id = ?2 AND (locks = 0 OR ?1 = 1)",
                "ii", (int64_t)state, id);
    if (r < 0 || sql_changes(db) == 1) {
        return r;
    }
    return store_buckets_versioning(db, id) < 0 ? -ENOENT : -EPERM;
}

int store_buckets_enable_locks(struct sql *db, int64_t id)
{
    int r = sql_run(db, "UPDATE buckets SET versioning = ?, locks = 1 WHERE id = ?", "ii",
                    (int64_t)BUCKET_VERSIONED, id);
    return r < 0 ? r : sql_changes(db) == 1 ? 0 : -ENOENT;
}

int store_buckets_versioning(struct sql *db, int64_t id)
{
    return (int)sql_number(db, -ENOENT, "SELECT versioning FROM buckets WHERE id = ?", "i", id);
}

int store_buckets_put_setting(struct sql *db, int64_t id, struct str kind, struct str value)
{
    int r = store_buckets_versioning(db, id);
    return r < 0 ? r
                 : sql_run(db,
                           "INSERT INTO bucket_settings (bucket, kind, value) VALUES (?, ?, ?)"
                           " ON CONFLICT DO UPDATE SET value = excluded.value",
                           "isb", id, kind, value);
}

int store_buckets_remove_setting(struct sql *db, int64_t id, struct str kind)
{
    return sql_run(db, "DELETE FROM bucket_settings WHERE bucket = ? AND kind = ?", "is", id, kind);
}

/* Any version of anything. */
static bool has_objects(struct sql *db, int64_t id)
{
    return sql_number(db, 0, "SELECT 1 FROM objects WHERE bucket = ? LIMIT 1", "i", id) == 1;
}

int store_buckets_remove(struct sql *db, int64_t id)
{
    if (has_objects(db, id)) {
        return -ENOTEMPTY;
    }
    int r = sql_run(db, "DELETE FROM bucket_settings WHERE bucket = ?", "i", id);
    r = r < 0 ? r : sql_run(db, "DELETE FROM buckets WHERE id = ?", "i", id);
    return r < 0 ? r : sql_changes(db) == 1 ? 0 : -ENOENT;
}

#define BUCKET_COLUMNS "id, name, owner, region, created_ms, versioning, locks"

static struct stored_bucket read_bucket(sqlite3_stmt *q)
{
    return (struct stored_bucket){ .id = sql_int(q, 0),
                                   .name = sql_str(q, 1),
                                   .owner = sql_str(q, 2),
                                   .region = sql_str(q, 3),
                                   .created_ms = (uint64_t)sql_int(q, 4),
                                   .versioning = (enum bucket_versioning)sql_int(q, 5),
                                   .locks_objects = sql_int(q, 6) != 0 };
}

bool store_buckets_find(struct store *s, struct str name, store_bucket_fn each, void *context)
{
    struct sql *db = store_reader(s);
    sqlite3_stmt *q =
        sql_prepare(db, "SELECT " BUCKET_COLUMNS " FROM buckets WHERE name = ?", "s", name);
    if (sql_step(db, q) != 1) {
        return false;
    }
    struct stored_bucket b = read_bucket(q);
    each(&b, context);
    sql_reset(q);
    return true;
}

void store_buckets_list(struct store *s, struct str after, size_t limit, store_bucket_fn each,
                        void *context)
{
    struct sql *db = store_reader(s);
    sqlite3_stmt *q = sql_prepare(
        db, "SELECT " BUCKET_COLUMNS " FROM buckets WHERE name > ? ORDER BY name LIMIT ?", "si",
        after, (int64_t)limit);
    while (sql_step(db, q) == 1) {
        struct stored_bucket b = read_bucket(q);
        each(&b, context);
    }
}

void store_buckets_settings(struct store *s, int64_t id, store_bucket_setting_fn each,
                            void *context)
{
    struct sql *db = store_reader(s);
    sqlite3_stmt *q = sql_prepare(
        db, "SELECT kind, value FROM bucket_settings WHERE bucket = ? ORDER BY kind", "i", id);
    while (sql_step(db, q) == 1) {
        each(sql_str(q, 0), sql_str(q, 1), context);
    }
}
