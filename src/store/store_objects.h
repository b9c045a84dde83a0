/* Objects: one row a version, ordered by bucket, key, and the newest first, so that listing walks
 * one index and the current version of a key is the first of its rows.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/buf.h"
#include "base/str.h"
#include "store/store_contents.h"

enum object_flag {
    OBJECT_DELETE_MARKER = 1,
    OBJECT_NULL_VERSION = 2 /* the one whose id is "null": written without versioning */
};

enum object_hold { OBJECT_HOLD_UNSET, OBJECT_HOLD_ON, OBJECT_HOLD_OFF };
enum object_lock_mode { OBJECT_UNLOCKED, OBJECT_GOVERNANCE, OBJECT_COMPLIANCE };

struct stored_object {
    int64_t bucket;
    struct str key;
    int64_t rank;  /* grows the older it is; with salt it makes the version's id */
    uint64_t salt; /* random */
    unsigned flags;
    uint64_t size;
    uint64_t modified_ms;
    struct str etag;     /* without quotes */
    struct str headers;  /* "name\0value\0"...: what is given back with it */
    struct str tags;     /* "key\0value\0"... */
    struct str owner;    /* canonical id */
    struct str acl;      /* as s3_acl.h writes it; empty: private */
    struct str checksum; /* as s3_checksum.h writes it; empty: none */
    struct str crypt;    /* what is to be known to decrypt it; empty: plain */
    enum object_lock_mode lock_mode;
    uint64_t lock_until_ms;
    enum object_hold legal_hold;
    /* Where its bytes are: a row, a file, or several files; none of an empty object. */
    int64_t row;       /* 0: none */
    struct str hash;   /* of a file, CONTENT_HASH_BYTES; empty: none */
    struct str parts;  /* struct stored_part[], see store_objects_part(); empty: none */
    struct str upload; /* the upload that made it; empty: none */
};

/* A part of an object that was uploaded in parts. */
#define PART_CHECKSUM_BYTES 48 /* base64 of a SHA-256 and a NUL */
struct stored_part {
    uint32_t number;
    uint32_t reserved;
    uint64_t size;
    uint8_t hash[CONTENT_HASH_BYTES]; /* of its file */
    char checksum[PART_CHECKSUM_BYTES];
};
size_t store_objects_part_count(const struct stored_object *o);
/* Behind the last, where a damaged object's size leads: one of no bytes, whose file is not there.
 */
struct stored_part store_objects_part(const struct stored_object *o, size_t index);
/* Which part has the byte at this offset of the object, which becomes one of the part. */
size_t store_objects_part_at(const struct stored_object *o, uint64_t *in_out_offset);

/* For the files of src/store: what an object and the upload that will become it have in common, in
 * the order of these columns. */
struct sqlite3_stmt;
#define STORE_OBJECT_TRAITS                                                                        \
    "headers, tags, owner, acl, checksum, crypt, lock_mode, lock_until_ms, legal_hold"
void store_objects_read_traits(struct sqlite3_stmt *q, int column, struct stored_object *ret);

/* Random, and a number of SQL: 63 bits. */
uint64_t store_objects_salt(void);

/* A deep copy in one block, for what must outlive a read; free() the block. */
char *store_objects_copy(const struct stored_object *o, struct stored_object *ret_copy);

/* Which version is meant. */
struct object_version {
    enum { VERSION_CURRENT, VERSION_NULL, VERSION_EXACT } which;
    int64_t rank; /* exact */
    uint64_t salt;
};

/* On the store's thread, in a job's run: */

/* May refuse by a negative number, seeing the current version, a delete marker too, or NULL. */
typedef int (*store_object_check_fn)(const struct stored_object *current, void *context);

enum object_bytes {
    BYTES_OF_DATA,    /* small: `data` becomes a row */
    BYTES_OF_FILE,    /* published: object.hash, and its temporary name */
    BYTES_SHARED,     /* a copy: row, hash or parts of another object get one more reference */
    BYTES_HANDED_OVER /* parts of an upload, whose references become the object's */
};

struct object_write {
    struct stored_object
        object; /* rank, salt and flags are set by the write, and the row of data */
    enum object_bytes bytes;
    struct str data;
    const char *name;
    const struct stored_object *source; /* of a copy: the version whose bytes they are */
    store_object_check_fn check;        /* or NULL */
    void *context;
    bool replaces; /* result: a version went, whose bytes may be swept */
};

/* Writes a version, as the bucket keeps them. -ENOENT: the bucket is gone. -ENODATA: the source of
 * a copy is. */
int store_objects_write(struct store_contents *c, struct sql *db, struct object_write *w) MUST_USE;

struct object_removal {
    int64_t bucket;
    struct str key;
    struct object_version version; /* CURRENT: as the bucket keeps them, which may write a marker */
    struct str owner;
    uint64_t now_ms;
    store_object_check_fn check; /* of the version that would go, or with CURRENT the current one */
    void *context;
    /* Results. */
    bool removed; /* a version is gone for good */
    bool marker;  /* what is gone, or was made, is a delete marker */
    bool made;    /* a delete marker was made: */
    int64_t rank; /* of the version that is gone or was made */
    uint64_t salt;
    unsigned flags;
};
int store_objects_remove(struct sql *db, struct object_removal *d) MUST_USE;

/* Change one version, known by its rank. -ENOENT: it is gone. */
int store_objects_set_headers(struct sql *db, const struct stored_object *o,
                              struct str headers) MUST_USE;
int store_objects_set_tags(struct sql *db, const struct stored_object *o, struct str tags) MUST_USE;
int store_objects_set_acl(struct sql *db, const struct stored_object *o, struct str acl) MUST_USE;
int store_objects_set_hold(struct sql *db, const struct stored_object *o,
                           enum object_hold hold) MUST_USE;
/* lock_mode and lock_until_ms of `o`, if `check` does not refuse it for what is set by now. */
int store_objects_set_retention(struct sql *db, const struct stored_object *o,
                                store_object_check_fn check, void *context) MUST_USE;

/* Whether there is an object of that key: a delete marker is none. */
bool store_objects_has(struct sql *db, int64_t bucket, struct str key);

/* On the loop's thread; texts live until `each` returns: */

typedef void (*store_object_fn)(const struct stored_object *o, void *context);
/* False: there is no such version. CURRENT may find a delete marker. */
bool store_objects_find(struct store *s, int64_t bucket, struct str key,
                        struct object_version version, store_object_fn each, void *context);

enum object_walk {
    WALK_NEXT, /* the next version */
    WALK_KEY,  /* the next key */
    WALK_SEEK, /* the first key not before `seek` */
    WALK_STOP
};
typedef enum object_walk (*store_object_walk_fn)(const struct stored_object *o, struct buf *seek,
                                                 void *context);
/* Walks from the first key not before `from`, newest version of a key first; of `from` itself only
 * the versions behind the rank `behind`: RANK_BEFORE_ALL leaves none out. */
#define RANK_BEFORE_ALL INT64_MIN
void store_objects_walk(struct store *s, int64_t bucket, struct str from, int64_t behind,
                        store_object_walk_fn each, void *context);
