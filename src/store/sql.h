/* A connection to SQLite with its prepared statements. Used by the files of src/store only: what is
 * above them knows tables by their functions.
 *
 * One thread at a time. Statements are cached by the address of their text, so texts are literals.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sqlite3.h>

#include "base/err.h"
#include "base/str.h"

struct sql;

/* What somebody can do whose database is damaged. */
#define SQL_DAMAGE_HELP                                                                            \
    "put back a copy of the data folder, save what \"sqlite3 mayfly.db .recover\" finds there, "   \
    "or start with another --data folder"

enum sql_use { SQL_WRITER, SQL_READER };

/* WAL, and for a writer synchronous=FULL. */
int sql_open(const char *path, enum sql_use use, struct sql **ret, struct err *err) MUST_USE;
void sql_close(struct sql *db); /* NULL is fine */

/* How long the log was after the connection's last commit. It begins anew with a commit that finds
 * all of it in the database. */
int sql_log_pages(const struct sql *db);
/* Has what is in the log written into the database, as other connections read and commit, but not
 * beside another checkpoint (-EBUSY). SQL_BESIDE_COMMITS: so that little is left to do, and to
 * sync, for the SQL_PASSIVE one after which the log begins anew. SQL_EMPTY_LOG: all of it, and the
 * log gets short. 0, -EBUSY, -ENOSPC, -EIO. Does not return where the database cannot be synced. */
enum sql_checkpoint { SQL_PASSIVE, SQL_BESIDE_COMMITS, SQL_EMPTY_LOG };
int sql_checkpoint(struct sql *db, enum sql_checkpoint how) MUST_USE;

/* A statement, reset, with `format`'s parameters bound in order: i int64_t, s struct str as text,
 * b struct str as blob, c const char * (NULL: null), n null. Texts must live until the statement is
 * reset or used again. Aborts on a text that does not compile: that is a mistake of ours. */
sqlite3_stmt *sql_prepare(struct sql *db, const char *text, const char *format, ...);

/* 1: there is a row. 0: done. Negative errno: -ENOSPC full disk, -EEXIST a constraint, -EUCLEAN
 * the database is damaged, -EIO. */
int sql_step(struct sql *db, sqlite3_stmt *statement) MUST_USE;
/* Who steps through rows takes a read that fails for the end of them. So the first failure (a
 * constraint is none) is kept until it is forgotten: who is about to act on what was not there asks
 * first. 0 or negative errno. */
int sql_failure(const struct sql *db);
void sql_forget_failure(struct sql *db);
/* For statements without rows: 0 or negative errno. */
int sql_run(struct sql *db, const char *text, const char *format, ...) MUST_USE;
/* Any number of statements without parameters. `ret_why` (may be NULL): SQLite's words, to be given
 * to sqlite3_free(). */
int sql_script(struct sql *db, const char *text, char **ret_why) MUST_USE;
/* The first column of the first row, or `otherwise`. */
int64_t sql_number(struct sql *db, int64_t otherwise, const char *text, const char *format, ...);
int64_t sql_last_id(const struct sql *db);
int sql_changes(const struct sql *db);
bool sql_in_transaction(const struct sql *db);

/* Points into the statement until it is stepped or reset; data NULL for null. */
struct str sql_str(sqlite3_stmt *statement, int column);
static inline int64_t sql_int(sqlite3_stmt *statement, int column)
{
    return sqlite3_column_int64(statement, column);
}
/* Lets go of a read that was not stepped to its end: or the log of the database cannot shrink. */
static inline void sql_reset(sqlite3_stmt *statement)
{
    (void)sqlite3_reset(statement); /* repeats the error of the last step */
}
