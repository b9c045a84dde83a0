/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_objects.h"

#include "base/chance.h"
#include "base/limits.h"
#include "base/mem.h"
#include "store/sql.h"
#include "store/store_buckets.h"

#define OBJECT_COLUMNS                                                                             \
    "key, rank, salt, flags, size, modified_ms, etag, row, hash, parts, "                          \
    "upload," STORE_OBJECT_TRAITS
#define TRAITS_COLUMN 11

void store_objects_read_traits(sqlite3_stmt *q, int column, struct stored_object *ret)
{
    ret->headers = sql_str(q, column);
    ret->tags = sql_str(q, column + 1);
    ret->owner = sql_str(q, column + 2);
    ret->acl = sql_str(q, column + 3);
    ret->checksum = sql_str(q, column + 4);
    ret->crypt = sql_str(q, column + 5);
    ret->lock_mode = (enum object_lock_mode)sql_int(q, column + 6);
    ret->lock_until_ms = (uint64_t)sql_int(q, column + 7);
    ret->legal_hold = (enum object_hold)sql_int(q, column + 8);
}

static struct stored_object read_object(int64_t bucket, sqlite3_stmt *q)
{
    struct stored_object o = { .bucket = bucket,
                               .key = sql_str(q, 0),
                               .rank = sql_int(q, 1),
                               .salt = (uint64_t)sql_int(q, 2),
                               .flags = (unsigned)sql_int(q, 3),
                               .size = (uint64_t)sql_int(q, 4),
                               .modified_ms = (uint64_t)sql_int(q, 5),
                               .etag = sql_str(q, 6),
                               .row = sql_int(q, 7),
                               .hash = sql_str(q, 8),
                               .parts = sql_str(q, 9),
                               .upload = sql_str(q, 10) };
    store_objects_read_traits(q, TRAITS_COLUMN, &o);
    return o;
}

size_t store_objects_part_count(const struct stored_object *o)
{
    return o->parts.len / sizeof(struct stored_part);
}

struct stored_part store_objects_part(const struct stored_object *o, size_t index)
{
    struct stored_part part = { 0 };
    if (index < store_objects_part_count(o)) {
        memcpy(&part, o->parts.data + index * sizeof(part), sizeof(part)); /* has no alignment */
    }
    return part;
}

size_t store_objects_part_at(const struct stored_object *o, uint64_t *in_out_offset)
{
    size_t i = 0, count = store_objects_part_count(o);
    for (uint64_t size; i + 1 < count && *in_out_offset >= (size = store_objects_part(o, i).size);
         i++) {
        *in_out_offset -= size;
    }
    return i;
}

static struct str *texts_of(struct stored_object *o, size_t index)
{
    struct str *const texts[] = { &o->key,   &o->etag,  &o->headers, &o->tags,
                                  &o->owner, &o->acl,   &o->crypt,   &o->checksum,
                                  &o->hash,  &o->parts, &o->upload };
    return index < ARRAY_COUNT(texts) ? texts[index] : NULL;
}

char *store_objects_copy(const struct stored_object *o, struct stored_object *ret_copy)
{
    *ret_copy = *o;
    size_t len = 1;
    for (size_t i = 0; texts_of(ret_copy, i); i++) {
        len += texts_of(ret_copy, i)->len;
    }
    char *memory = mem_alloc(len), *at = memory;
    for (size_t i = 0; texts_of(ret_copy, i); i++) {
        struct str *text = texts_of(ret_copy, i);
        if (text->len > 0) {
            memcpy(at, text->data, text->len);
        }
        text->data = at;
        at += text->len;
    }
    return memory;
}

/* ---- finding ---- */

/* The statement is at the version, or NULL. */
static sqlite3_stmt *find(struct sql *db, int64_t bucket, struct str key,
                          struct object_version version)
{
    sqlite3_stmt *q;
    switch (version.which) {
    case VERSION_EXACT:
        q = sql_prepare(db,
                        "SELECT " OBJECT_COLUMNS " FROM objects WHERE bucket = ? AND key = ?"
                        " AND rank = ? AND salt = ? AND flags & 2 = 0",
                        "ibii", bucket, key, version.rank, (int64_t)version.salt);
        break;
    case VERSION_NULL:
        q = sql_prepare(db,
                        "SELECT " OBJECT_COLUMNS " FROM objects WHERE bucket = ? AND key = ?"
                        " AND flags & 2 = 2 LIMIT 1",
                        "ib", bucket, key);
        break;
    default:
        q = sql_prepare(db,
                        "SELECT " OBJECT_COLUMNS " FROM objects WHERE bucket = ? AND key = ?"
                        " ORDER BY rank LIMIT 1",
                        "ib", bucket, key);
        break;
    }
    return sql_step(db, q) == 1 ? q : NULL;
}

bool store_objects_find(struct store *s, int64_t bucket, struct str key,
                        struct object_version version, store_object_fn each, void *context)
{
    sqlite3_stmt *q = find(store_reader(s), bucket, key, version);
    if (!q) {
        return false;
    }
    struct stored_object o = read_object(bucket, q);
    each(&o, context);
    sql_reset(q);
    return true;
}

bool store_objects_has(struct sql *db, int64_t bucket, struct str key)
{
    return sql_number(
               db, 0,
               "SELECT flags & 1 = 0 FROM objects WHERE bucket = ? AND key = ? ORDER BY rank "
               "LIMIT 1",
               "ib", bucket, key) == 1;
}

/* ---- walking ---- */

#define SKIPPED_BEFORE_SEEK 16 /* versions of a key that are stepped over: a seek costs as much */

struct walk {
    struct sql *db;
    int64_t bucket;
    sqlite3_stmt *q;
    struct buf from; /* what q began at: it must not change under it */
    struct buf at;
};

/* Begins anew at the key that `at` holds, behind that rank. True: at a row, as below. */
static bool seek(struct walk *w, int64_t behind)
{
    struct buf from = w->at;
    w->at = w->from;
    w->from = from;
    w->q = sql_prepare(w->db,
                       "SELECT " OBJECT_COLUMNS " FROM objects WHERE bucket = ?"
                       " AND (key, rank) > (?, ?) ORDER BY key, rank",
                       "ibi", w->bucket, buf_str(&w->from), behind);
    return sql_step(w->db, w->q) == 1;
}

static bool next_version(struct walk *w)
{
    return sql_step(w->db, w->q) == 1;
}

static bool next_key(struct walk *w, struct str key)
{
    buf_clear(&w->at);
    if (buf_append(&w->at, key) < 0) {
        return false;
    }
    for (int i = 0; i < SKIPPED_BEFORE_SEEK; i++) {
        if (!next_version(w)) {
            return false;
        }
        if (!str_eq(sql_str(w->q, 0), buf_str(&w->at))) {
            return true;
        }
    }
    /* A key is followed by the same with a zero byte, at the earliest. */
    return buf_append(&w->at, str_of("", 1)) == 0 && seek(w, RANK_BEFORE_ALL);
}

void store_objects_walk(struct store *s, int64_t bucket, struct str from, int64_t behind,
                        store_object_walk_fn each, void *context)
{
    struct walk w = { .db = store_reader(s), .bucket = bucket };
    buf_init(&w.from, LIMIT_REQUEST_HEAD_BYTES); /* where a client begins is shorter */
    buf_init(&w.at, LIMIT_REQUEST_HEAD_BYTES);
    bool more = buf_append(&w.at, from) == 0 && seek(&w, behind);
    while (more) {
        struct stored_object o = read_object(bucket, w.q);
        buf_clear(&w.at);
        switch (each(&o, &w.at, context)) {
        case WALK_NEXT:
            more = next_version(&w);
            break;
        case WALK_KEY:
            more = next_key(&w, o.key);
            break;
        case WALK_SEEK:
            more = seek(&w, RANK_BEFORE_ALL);
            break;
        case WALK_STOP:
            more = false;
            break;
        }
    }
    if (w.q) {
        sql_reset(w.q);
    }
    buf_finish(&w.from);
    buf_finish(&w.at);
}

/* ---- writing ---- */

uint64_t store_objects_salt(void)
{
    uint64_t salt;
    chance_bytes(&salt, sizeof(salt));
    return salt >> 1;
}

static int release_bytes(struct sql *db, const struct stored_object *o)
{
    int r = o->row ? store_contents_release_row(db, o->row) : 0;
    if (r == 0 && o->hash.len > 0) {
        r = store_contents_release_file(db, o->hash);
    }
    for (size_t i = 0; r == 0 && i < store_objects_part_count(o); i++) {
        struct stored_part part = store_objects_part(o, i);
        r = store_contents_release_file(db, str_of((const char *)part.hash, sizeof(part.hash)));
    }
    return r;
}

/* Removes the row that q is at. */
static int remove_version(struct sql *db, const struct stored_object *o)
{
    int r = release_bytes(db, o);
    return r < 0 ? r
                 : sql_run(db, "DELETE FROM objects WHERE bucket = ? AND key = ? AND rank = ?",
                           "ibi", o->bucket, o->key, o->rank);
}

/* Removes the version that was written without versioning, if there is one. */
static int remove_null_version(struct sql *db, int64_t bucket, struct str key)
{
    sqlite3_stmt *q = find(db, bucket, key, (struct object_version){ .which = VERSION_NULL });
    if (!q) {
        return 0;
    }
    struct stored_object o = read_object(bucket, q);
    int r = remove_version(db, &o);
    sql_reset(q);
    return r;
}

static int insert(struct sql *db, const struct stored_object *o)
{
    return sql_run(db,
                   "INSERT INTO objects (bucket, " OBJECT_COLUMNS ") VALUES"
                   " (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                   "ibiiiiisibbbbbssbbiii", o->bucket, o->key, o->rank, (int64_t)o->salt,
                   (int64_t)o->flags, (int64_t)o->size, (int64_t)o->modified_ms, o->etag, o->row,
                   o->hash, o->parts, o->upload, o->headers, o->tags, o->owner, o->acl, o->checksum,
                   o->crypt, (int64_t)o->lock_mode, (int64_t)o->lock_until_ms,
                   (int64_t)o->legal_hold);
}

/* Newer than `current`, whatever the clock does. */
static int64_t next_rank(uint64_t now_ms, const struct stored_object *current)
{
    int64_t rank = -(int64_t)(now_ms * 1000);
    return current && current->rank <= rank ? current->rank - 1 : rank;
}

static int keep_parts(struct store_contents *c, struct sql *db, const struct stored_object *o)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < store_objects_part_count(o); i++) {
        struct stored_part part = store_objects_part(o, i);
        r = store_contents_keep_file(c, db, str_of((const char *)part.hash, sizeof(part.hash)),
                                     part.size, NULL);
    }
    return r;
}

/* As long as the source is there, its bytes are. When it is gone, another object's may lie in the
 * row that it had. */
static int keep_shared(struct store_contents *c, struct sql *db, const struct object_write *w)
{
    const struct stored_object *o = &w->object, *source = w->source;
    if (sql_number(db, 0,
                   "SELECT 1 FROM objects WHERE bucket = ? AND key = ? AND rank = ? AND salt = ?",
                   "ibii", source->bucket, source->key, source->rank, (int64_t)source->salt) == 0) {
        return -ENODATA;
    }
    int r = o->row ? store_contents_keep_row(db, o->row) : 0;
    if (r == 0 && o->hash.len > 0) {
        r = store_contents_keep_file(c, db, o->hash, o->size, NULL);
    }
    return r < 0 ? r : keep_parts(c, db, o);
}

static int keep_bytes(struct store_contents *c, struct sql *db, struct object_write *w)
{
    struct stored_object *o = &w->object;
    switch (w->bytes) {
    case BYTES_OF_DATA:
        o->row = 0;
        return w->data.len > 0 ? store_contents_add_row(db, w->data, &o->row) : 0;
    case BYTES_OF_FILE:
        return store_contents_keep_file(c, db, o->hash, o->size, w->name);
    case BYTES_SHARED: {
        int r = keep_shared(c, db, w);
        return r == -ENOENT ? -ENODATA : r; /* a file that is lost */
    }
    case BYTES_HANDED_OVER:
        break;
    }
    return 0;
}

/* What must be known of the current version: it is written over before it is let go of. */
struct current {
    bool exists;
    int64_t rank;
    bool is_null;
};

static int look(struct sql *db, int64_t bucket, struct str key, store_object_check_fn check,
                void *context, struct current *ret)
{
    sqlite3_stmt *q = find(db, bucket, key, (struct object_version){ .which = VERSION_CURRENT });
    struct stored_object o = q ? read_object(bucket, q) : (struct stored_object){ 0 };
    int r = check ? check(q ? &o : NULL, context) : 0;
    *ret = (struct current){ q != NULL, o.rank, (o.flags & OBJECT_NULL_VERSION) != 0 };
    if (q) {
        sql_reset(q);
    }
    return r;
}

int store_objects_write(struct store_contents *c, struct sql *db, struct object_write *w)
{
    struct stored_object *o = &w->object;
    struct current current;
    int versioning = store_buckets_versioning(db, o->bucket);
    int r =
        versioning < 0 ? versioning : look(db, o->bucket, o->key, w->check, w->context, &current);
    if (r < 0) {
        return r;
    }
    const struct stored_object newest = { .rank = current.rank };
    o->rank = next_rank(o->modified_ms, current.exists ? &newest : NULL);
    o->salt = store_objects_salt();
    o->flags = versioning == BUCKET_VERSIONED ? 0 : OBJECT_NULL_VERSION;
    r = keep_bytes(c, db, w);
    /* Without versioning ever, the current version is the null version or there is none. */
    w->replaces = o->flags && current.exists && (current.is_null || versioning == BUCKET_SUSPENDED);
    if (r == 0 && w->replaces) {
        r = remove_null_version(db, o->bucket, o->key);
    }
    return r < 0 ? r : insert(db, o);
}

static int write_marker(struct sql *db, struct object_removal *d, const struct current *current,
                        unsigned flags)
{
    const struct stored_object newest = { .rank = current->rank };
    struct stored_object o = { .bucket = d->bucket,
                               .key = d->key,
                               .rank = next_rank(d->now_ms, current->exists ? &newest : NULL),
                               .salt = store_objects_salt(),
                               .flags = OBJECT_DELETE_MARKER | flags,
                               .modified_ms = d->now_ms,
                               .owner = d->owner };
    d->made = d->marker = true;
    d->rank = o.rank;
    d->salt = o.salt;
    d->flags = o.flags;
    return insert(db, &o);
}

static int remove_current(struct sql *db, struct object_removal *d)
{
    struct current current;
    int versioning = store_buckets_versioning(db, d->bucket);
    int r =
        versioning < 0 ? versioning : look(db, d->bucket, d->key, d->check, d->context, &current);
    if (r < 0) {
        return r;
    }
    if (versioning == BUCKET_VERSIONED) {
        return write_marker(db, d, &current, 0);
    }
    r = remove_null_version(db, d->bucket, d->key);
    d->removed = r == 0 && current.exists;
    return r < 0 || versioning == BUCKET_UNVERSIONED
               ? r
               : write_marker(db, d, &current, OBJECT_NULL_VERSION);
}

int store_objects_remove(struct sql *db, struct object_removal *d)
{
    d->removed = d->marker = d->made = false;
    if (d->version.which == VERSION_CURRENT) {
        return remove_current(db, d);
    }
    sqlite3_stmt *q = find(db, d->bucket, d->key, d->version);
    struct stored_object o = q ? read_object(d->bucket, q) : (struct stored_object){ 0 };
    int r = d->check ? d->check(q ? &o : NULL, d->context) : 0;
    if (!q) {
        return r;
    }
    if (r == 0) {
        d->removed = true;
        d->marker = (o.flags & OBJECT_DELETE_MARKER) != 0;
        d->rank = o.rank;
        d->salt = o.salt;
        d->flags = o.flags;
        r = remove_version(db, &o);
    }
    sql_reset(q);
    return r;
}

static int changed(struct sql *db, int r)
{
    return r < 0 ? r : sql_changes(db) == 1 ? 0 : -ENOENT;
}

int store_objects_set_headers(struct sql *db, const struct stored_object *o, struct str headers)
{
    return changed(
        db, sql_run(db, "UPDATE objects SET headers = ? WHERE bucket = ? AND key = ? AND rank = ?",
                    "bibi", headers, o->bucket, o->key, o->rank));
}

int store_objects_set_tags(struct sql *db, const struct stored_object *o, struct str tags)
{
    return changed(
        db, sql_run(db, "UPDATE objects SET tags = ? WHERE bucket = ? AND key = ? AND rank = ?",
                    "bibi", tags, o->bucket, o->key, o->rank));
}

int store_objects_set_acl(struct sql *db, const struct stored_object *o, struct str acl)
{
    return changed(
        db, sql_run(db, "UPDATE objects SET acl = ? WHERE bucket = ? AND key = ? AND rank = ?",
                    "sibi", acl, o->bucket, o->key, o->rank));
}

int store_objects_set_hold(struct sql *db, const struct stored_object *o, enum object_hold hold)
{
    return changed(
        db,
        sql_run(db, "UPDATE objects SET legal_hold = ? WHERE bucket = ? AND key = ? AND rank = ?",
                "iibi", (int64_t)hold, o->bucket, o->key, o->rank));
}

/* The same version as it is by now. */
static int check_again(struct sql *db, const struct stored_object *o, store_object_check_fn check,
                       void *context)
{
    const struct object_version version =
        o->flags & OBJECT_NULL_VERSION ? (struct object_version){ .which = VERSION_NULL }
                                       : (struct object_version){ VERSION_EXACT, o->rank, o->salt };
    sqlite3_stmt *q = find(db, o->bucket, o->key, version);
    if (!q) {
        return -ENOENT;
    }
    struct stored_object now = read_object(o->bucket, q);
    int r = now.rank == o->rank ? check(&now, context) : -ENOENT;
    sql_reset(q);
    return r;
}

int store_objects_set_retention(struct sql *db, const struct stored_object *o,
                                store_object_check_fn check, void *context)
{
    int r = check_again(db, o, check, context);
    return r < 0 ? r
                 : changed(db, sql_run(db,
                                       "UPDATE objects SET lock_mode = ?, lock_until_ms = ?"
                                       " WHERE bucket = ? AND key = ? AND rank = ?",
                                       "iiibi", (int64_t)o->lock_mode, (int64_t)o->lock_until_ms,
                                       o->bucket, o->key, o->rank));
}
