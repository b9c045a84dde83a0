/* The bytes of objects. Small ones are rows of the database: they become durable with the group
 * commit that their object is part of, many with one sync. Large ones are files in the store's
 * folder, `objects/ab/cdef...`, written and synced before the row that counts their references;
 * they are named by their SHA-256 where that is known, so that equal ones are one, else by chance.
 *
 * A file is removed on the store's thread only, and only once it is durable that no row counts it;
 * a job that counts a file looks whether it is still there, and links it again from the temporary
 * name if not. So an upload and the deletion of the same bytes may cross. What a crash leaves
 * behind is swept at the next start.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/str.h"
#include "store/store.h"

#define CONTENT_HASH_BYTES 32
#define CONTENT_NAME_BYTES 24 /* of a temporary file, with NUL */
/* Up to here a row, from here on a file: doc/decisions/0009-where-bytes-of-objects-lie.md. */
#define CONTENT_ROW_BYTES_MAX 65536

struct store_contents;

/* Releases what nobody can find any more, at most `limit` rows: on the store's thread, in a job of
 * its own. 1: there may be more. */
typedef int (*store_release_fn)(struct sql *db, uint32_t limit);

/* Makes the folders; removes temporary files of an earlier process, and in the background the files
 * that no row counts. `release_lost`: store_uploads_sweep(). */
int store_contents_open(uv_loop_t *loop, struct store *s, store_release_fn release_lost,
                        struct store_contents **ret, struct err *err) MUST_USE;
void store_contents_close(struct store_contents *c); /* NULL is fine */

/* On any thread: */

/* Whether the disk is so full that no object should be begun. */
bool store_contents_is_full(const struct store_contents *c);
/* A new temporary file, open for writing. Negative errno. */
int store_contents_create(struct store_contents *c, char ret_name[CONTENT_NAME_BYTES]) MUST_USE;
/* Makes the name of a file durable; the temporary name stays. By its SHA-256 a file is named when
 * its bytes are durable, which its writer has synced: others may count it from then on. One that is
 * named by chance may be before. */
int store_contents_publish(struct store_contents *c, const char *name,
                           const uint8_t hash[CONTENT_HASH_BYTES]) MUST_USE;
/* Removes the temporary name. */
void store_contents_drop_name(struct store_contents *c, const char *name);
/* Opens a file for reading: -ENOENT when there is none. */
int store_contents_read(struct store_contents *c, struct str hash) MUST_USE;

/* On the store's thread, in a job's run: */

/* A new row with one reference. */
int store_contents_add_row(struct sql *db, struct str data, int64_t *ret_row) MUST_USE;
/* One more reference to a file. `name`: the temporary name of the same bytes, or NULL if the file
 * is known to be counted already. */
int store_contents_keep_file(struct store_contents *c, struct sql *db, struct str hash,
                             uint64_t size, const char *name) MUST_USE;
int store_contents_keep_row(struct sql *db, int64_t row) MUST_USE;
/* One reference less. Without any a row is gone; a file is by store_contents_sweep(). */
int store_contents_release_row(struct sql *db, int64_t row) MUST_USE;
int store_contents_release_file(struct sql *db, struct str hash) MUST_USE;

/* On the loop's thread: */

/* The bytes of a row, in memory of the caller's to free. NULL: there is none. */
char *store_contents_row(struct store *s, int64_t row, size_t *ret_len) MUST_USE;
/* Removes files that nobody counts any more, soon and little by little. Called after something was
 * released. */
void store_contents_sweep(struct store_contents *c);
/* The same, and before that releases what is lost: after a bucket was removed. */
void store_contents_sweep_lost(struct store_contents *c);
/* A file was published and no job has counted it: it goes unless another did. */
void store_contents_forget(struct store_contents *c, const uint8_t hash[CONTENT_HASH_BYTES]);
/* While an answer reads file after file, none is removed. */
void store_contents_hold(struct store_contents *c);
void store_contents_unhold(struct store_contents *c);
