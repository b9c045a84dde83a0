/* A thread that brings what is in the log of a database into the database, beside the commits. A
 * checkpoint of a long log takes tens of milliseconds, in which nothing could be committed.
 *
 * SQLite's log begins anew only when all of it is in the database, and while it is checkpointed it
 * grows. So it takes two turns: this thread does nearly all, then whoever commits does the rest,
 * between two commits (checkpointer_follow()).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <uv.h>

#include "base/err.h"

struct sql;

struct checkpointer {
    uv_thread_t thread;
    struct sql *db; /* owned; a connection of its own, the thread's */
    uv_mutex_t mutex;
    uv_cond_t changed;
    enum { CHECKPOINTER_IDLE, CHECKPOINTER_RUNS, CHECKPOINTER_DONE } state; /* under the mutex */
    bool closing;                                                           /* as this */
};

/* Of the database at `path`, which must be there. After a failure there is nothing to stop. */
int checkpointer_start(struct checkpointer *c, const char *path, struct err *err) MUST_USE;
/* Waits for a checkpoint that runs. */
void checkpointer_stop(struct checkpointer *c);

/* After a commit of `writer`, outside of a transaction: begins a checkpoint if the log is long, or
 * ends one. Waits for one if the log is so long that commits have to get slower. A failure, as of a
 * full disk, is tried again after one of the next commits. */
void checkpointer_follow(struct checkpointer *c, struct sql *writer);
/* Waits until no checkpoint runs, nor will before the next checkpointer_follow(): `writer`'s own
 * would be refused beside it. */
void checkpointer_settle(struct checkpointer *c);
