/* What Mayfly keeps: a database (SQLite) and files beside it, in one folder.
 *
 * Writes are jobs. They run one after the other on the store's own thread, many in one transaction
 * that is synced once (group commit), and are called back on the loop when they are durable. Reads
 * are made on the loop's thread at once and see what has been called back.
 *
 * This header and the others of src/store are the narrow interface to it: no SQL above them, so
 * that a cluster's implementation can stand beside this one. Only control uses it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <uv.h>

#include "base/err.h"
#include "base/list.h"

struct sql;
struct store;

/* Embedded in what the caller wants to be written; it stays the caller's, and must live until done
 * is called. */
struct store_job {
    struct list link;
    /* On the store's thread. Negative, or one of its reads has failed: everything this job has
     * written is undone, and nothing else.
     * It may read what the caller does not touch meanwhile, and write what done() looks at. */
    int (*run)(struct store_job *job, struct sql *db);
    /* On the loop's thread: 0 or positive and durable, or what failed: -ENOSPC, -EIO, -EUCLEAN (the
     * database is damaged), -ESTALE (its folder was removed), or run's. */
    void (*done)(struct store_job *job, int result);
    /* It removes something, or what was begun cannot end without it: it is written on a full disk,
     * too (store_reserve.h), and then its run() may be called a second time. */
    bool makes_room;
    /* One statement is all that its run() writes: SQLite undoes that by itself if it fails, which
     * is cheaper than a savepoint. */
    bool is_one_write;
    int result; /* the store's */
};

/* Opens or creates the database of `folder`, brings it up to date, starts the thread. EBUSY:
 * another process has it. */
int store_open(uv_loop_t *loop, const char *folder, struct store **ret, struct err *err) MUST_USE;
/* Waits for what was submitted; done() is called for it, and must submit no more. Its memory is
 * freed when the loop has run once more. */
void store_close(struct store *s);

void store_submit(struct store *s, struct store_job *job);
/* Whether only jobs that make room would be written now. */
bool store_is_full(const struct store *s);

/* Whether something could not be read since the loop's turn began: then what was found may not be
 * all there is. Who is about to say or do something because of that asks first. 0 or negative
 * errno. */
int store_read_failure(const struct store *s);

/* For the files of src/store: the connection that reads on the loop's thread. */
struct sql *store_reader(struct store *s);
/* The folder, for files beside the database. */
const char *store_folder(const struct store *s);
