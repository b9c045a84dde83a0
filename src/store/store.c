/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/mem.h"
#include "store/checkpointer.h"
#include "store/sql.h"
#include "store/store_explain.h"
#include "store/store_migrations.h"
#include "store/store_reserve.h"

#define GROUP_JOBS_MAX 1024 /* of one transaction: bounds how long the first of them waits */

/* Pages of what was removed are used again, but the file stays as long as it was. At a start it
 * gets short if they are so many, 16 MB, and so many times what is in use, which has to be written
 * anew: of 64 MB and more nobody waits for that. */
#define SHORTEN_PAGES    4096
#define SHORTEN_TIMES    3
#define SHORTEN_USED_MAX 16384

struct store {
    char folder[PATH_MAX];
    struct sql *reader; /* the loop thread's, as the next two */
    bool reading;       /* a transaction that ends with the turn of the loop */
    uv_prepare_t turn;
    struct sql *writer; /* the store thread's, as the next */
    struct store_reserve reserve;
    struct checkpointer checkpointer;
    int lock_fd;
    char database[PATH_MAX + 16]; /* its path, and which file that was */
    ino_t inode;
    uv_thread_t thread;
    uv_async_t wake;
    uv_mutex_t mutex;
    uv_cond_t submitted_cond;
    struct list submitted; /* under the mutex, as the next two */
    struct list finished;
    bool closing;
    bool has_told; /* what is wrong with it; the loop thread's */
    unsigned open_handles;
};

/* ---- the store's thread ---- */

static int run_undoable(struct store *s, struct store_job *job)
{
    int r = sql_run(s->writer, "SAVEPOINT job", "");
    if (r < 0) {
        return r;
    }
    sql_forget_failure(s->writer);
    int result = job->run(job, s->writer);
    if (result >= 0) {
        result = sql_failure(s->writer) < 0 ? sql_failure(s->writer) : result;
    }
    if (result < 0) {
        (void)!sql_run(s->writer, "ROLLBACK TO job", ""); /* fails if all is rolled back already */
    }
    r = sql_run(s->writer, "RELEASE job", "");
    return result < 0 ? result : r < 0 ? r : result;
}

static int run_job(struct store *s, struct store_job *job)
{
    return job->is_one_write ? job->run(job, s->writer) : run_undoable(s, job);
}

static void fail_all(struct list *jobs, int result)
{
    list_for_each (item, jobs) {
        list_entry(item, struct store_job, link)->result = result;
    }
}

/* Adds what has been submitted to a group. False: nothing more goes into it. */
static bool take_submitted(struct store *s, struct list *jobs, size_t *in_out_count)
{
    bool any = false;
    uv_mutex_lock(&s->mutex);
    while (*in_out_count < GROUP_JOBS_MAX && !list_is_empty(&s->submitted)) {
        struct list *item = s->submitted.next;
        list_remove(item);
        list_push(jobs, item);
        (*in_out_count)++;
        any = true;
    }
    uv_mutex_unlock(&s->mutex);
    return any;
}

/* Whoever submits may wait for this processor: what it brings then shares the sync, too. */
static bool take_late(struct store *s, struct list *jobs, size_t *in_out_count)
{
    (void)sched_yield(); /* never fails on Linux */
    return take_submitted(s, jobs, in_out_count);
}

/* SQLite itself rolls a whole transaction back when, say, the disk is full. Then the jobs before
 * the one that met it are undone too, and that is returned. What is submitted meanwhile shares the
 * sync, too. */
static int run_jobs(struct store *s, struct list *jobs, size_t *in_out_count, bool only_makes_room)
{
    int r = sql_run(s->writer, "BEGIN IMMEDIATE", "");
    if (r < 0) {
        fail_all(jobs, r);
        return r;
    }
    struct list *last = jobs;
    while (last->next != jobs || take_submitted(s, jobs, in_out_count) ||
           take_late(s, jobs, in_out_count)) {
        last = last->next;
        struct store_job *job = list_entry(last, struct store_job, link);
        job->result = only_makes_room && !job->makes_room ? -ENOSPC : run_job(s, job);
        if (job->result < 0 && !sql_in_transaction(s->writer)) {
            r = job->result;
            fail_all(jobs, r);
            return r;
        }
    }
    r = sql_run(s->writer, "COMMIT", "");
    if (r < 0) {
        (void)!sql_run(s->writer, "ROLLBACK", ""); /* may have happened by itself */
        fail_all(jobs, r);
    }
    return r;
}

/* What is written to a file that was removed is gone with this process: it must not be taken for
 * durable. 0; -ESTALE: it was removed; -EIO: nobody can tell. */
static int look_for_database(const struct store *s)
{
    struct stat st;
    if (stat(s->database, &st) == 0) {
        return st.st_ino == s->inode ? 0 : -ESTALE;
    }
    return errno == ENOENT || errno == ENOTDIR ? -ESTALE : -EIO;
}

/* A checkpoint lets the log begin anew, so that commits take no more of the disk. */
static void run_group(struct store *s, struct list *jobs, size_t count)
{
    bool has_room = store_reserve_fill(&s->reserve);
    if (run_jobs(s, jobs, &count, !has_room) == -ENOSPC) {
        store_reserve_give_up(&s->reserve);
        checkpointer_settle(&s->checkpointer);
        (void)!sql_checkpoint(s->writer, SQL_PASSIVE); /* is tried again */
        (void)run_jobs(s, jobs, &count, true);         /* the jobs have its result */
    }
    int r = look_for_database(s);
    if (r < 0) {
        fail_all(jobs, r);
    }
}

/* Waits for jobs. False: there will be none. */
static bool wait_for_jobs(struct store *s)
{
    uv_mutex_lock(&s->mutex);
    while (list_is_empty(&s->submitted) && !s->closing) {
        uv_cond_wait(&s->submitted_cond, &s->mutex);
    }
    bool any = !list_is_empty(&s->submitted);
    uv_mutex_unlock(&s->mutex);
    return any;
}

static void hand_back(struct store *s, struct list *jobs)
{
    uv_mutex_lock(&s->mutex);
    while (!list_is_empty(jobs)) {
        struct list *item = jobs->next;
        list_remove(item);
        list_push(&s->finished, item);
    }
    uv_mutex_unlock(&s->mutex);
    (void)uv_async_send(&s->wake); /* an open handle */
}

static void store_thread(void *context)
{
    struct store *s = context;
    struct list jobs;
    list_init(&jobs);
    while (wait_for_jobs(s)) {
        size_t count = 0;
        (void)take_submitted(s, &jobs, &count); /* there are some */
        run_group(s, &jobs, count);
        hand_back(s, &jobs);
        checkpointer_follow(&s->checkpointer, s->writer);
    }
}

/* ---- the loop's thread ---- */

/* What somebody has to do about it, or NULL. */
static const char *help_for(int result)
{
    switch (result) {
    case -EUCLEAN:
        return "the database is damaged: stop, then " SQL_DAMAGE_HELP;
    case -ESTALE:
        return "the data folder was removed while it is in use: nothing can be stored before "
               "mayfly is stopped and started again";
    case -EIO:
        return "the disk of the data folder fails (the kernel's log, dmesg, says how): nothing new "
               "is stored; mend it, or choose another with --data, then start mayfly again";
    default:
        return NULL;
    }
}

/* Once: everything fails from here on. */
static void tell(struct store *s, int result)
{
    const char *what = help_for(result);
    if (what && !s->has_told) {
        s->has_told = true;
        log_error("%s", what);
    }
}

static void end_reading(struct store *s)
{
    if (s->reading) {
        s->reading = false;
        (void)!sql_run(s->reader, "COMMIT", ""); /* has written nothing */
    }
}

static void on_turn(uv_prepare_t *turn)
{
    struct store *s = container_of(turn, struct store, turn);
    end_reading(s);
    tell(s, sql_failure(s->reader));
    sql_forget_failure(s->reader);
}

static void call_back(struct store *s)
{
    struct list jobs;
    list_init(&jobs);
    uv_mutex_lock(&s->mutex);
    while (!list_is_empty(&s->finished)) {
        struct list *item = s->finished.next;
        list_remove(item);
        list_push(&jobs, item);
    }
    uv_mutex_unlock(&s->mutex);
    end_reading(s); /* what is read from here on has these in it */
    while (!list_is_empty(&jobs)) {
        struct store_job *job = list_entry(jobs.next, struct store_job, link);
        list_remove(&job->link);
        tell(s, job->result);
        job->done(job, job->result); /* may free it */
    }
}

static void on_wake(uv_async_t *wake)
{
    call_back(container_of(wake, struct store, wake));
}

void store_submit(struct store *s, struct store_job *job)
{
    uv_mutex_lock(&s->mutex);
    list_push(&s->submitted, &job->link);
    uv_cond_signal(&s->submitted_cond);
    uv_mutex_unlock(&s->mutex);
}

static int lock_folder(struct store *s, struct err *err)
{
    char path[PATH_MAX + 8];
    (void)snprintf(path, sizeof(path), "%s/lock", s->folder);
    s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (s->lock_fd < 0) {
        return store_explain("lock", errno, err);
    }
    if (flock(s->lock_fd, LOCK_EX | LOCK_NB) < 0) {
        return errno == EWOULDBLOCK
                   ? err_set(err, EBUSY,
                             "another mayfly uses this data folder: stop it, or choose "
                             "another with --data")
                   : err_sys(err, "lock %.160s", path);
    }
    return 0;
}

/* It has secrets in it, and a folder that was given may be open to everybody. SQLite gives its
 * other files the mode of this one. */
static int make_private(const char *path, struct err *err)
{
    scoped_fd int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return store_explain("mayfly.db", errno, err);
    }
    (void)fchmod(fd, 0600); /* one that is another's is theirs to close */
    return 0;
}

/* What fails, perhaps for want of room, is tried at the next start. */
static void shorten(struct sql *db)
{
    int64_t unused = sql_number(db, 0, "PRAGMA freelist_count", "");
    int64_t used = sql_number(db, 0, "PRAGMA page_count", "") - unused;
    if (unused >= SHORTEN_PAGES && unused >= used * SHORTEN_TIMES && used < SHORTEN_USED_MAX) {
        (void)!sql_run(db, "VACUUM", "");
    }
}

/* A killed process may have left what it could not sync, and what is read back all the same: what
 * is committed behind that would be lost with it. On a full disk it stays in the log. */
static int settle_log(struct sql *db, struct err *err)
{
    return sql_checkpoint(db, SQL_EMPTY_LOG) == -EIO ? store_explain("the database", EIO, err) : 0;
}

static int open_connections(struct store *s, struct err *err)
{
    struct stat st;
    (void)snprintf(s->database, sizeof(s->database), "%s/mayfly.db", s->folder);
    int r = make_private(s->database, err);
    r = r < 0 ? r : sql_open(s->database, SQL_WRITER, &s->writer, err);
    if (r == 0) {
        r = store_migrate(s->writer, err);
    }
    if (r == 0) {
        shorten(s->writer);
        sql_forget_failure(s->writer);
        r = settle_log(s->writer, err);
    }
    if (r == 0) {
        r = sql_open(s->database, SQL_READER, &s->reader, err);
    }
    if (r == 0) {
        r = stat(s->database, &st) < 0 ? err_sys(err, "look at the database") : 0;
    }
    s->inode = r == 0 ? st.st_ino : 0;
    return r;
}

static void free_connections(struct store *s)
{
    sql_close(s->reader);
    sql_close(s->writer);
    store_reserve_finish(&s->reserve);
    scope_close_fd(&s->lock_fd);
    free(s);
}

static void free_all(struct store *s)
{
    uv_cond_destroy(&s->submitted_cond);
    uv_mutex_destroy(&s->mutex);
    free_connections(s);
}

static void handle_closed(struct store *s)
{
    if (--s->open_handles == 0) {
        free_all(s);
    }
}

static void on_wake_closed(uv_handle_t *handle)
{
    handle_closed(container_of((uv_async_t *)handle, struct store, wake));
}

static void on_turn_closed(uv_handle_t *handle)
{
    handle_closed(container_of((uv_prepare_t *)handle, struct store, turn));
}

/* One that has not started: what the loop knows of lives until the loop has let go of it. */
static void abandon(struct store *s)
{
    if (s->open_handles > 0) {
        uv_close((uv_handle_t *)&s->wake, on_wake_closed);
    } else {
        free_all(s);
    }
}

static int start_threads(struct store *s, struct err *err)
{
    int r = checkpointer_start(&s->checkpointer, s->database, err);
    if (r < 0) {
        return r;
    }
    r = uv_thread_create(&s->thread, store_thread, s);
    if (r < 0) {
        checkpointer_stop(&s->checkpointer);
        return err_set(err, -r, "start the store: %s", uv_strerror(r));
    }
    return 0;
}

int store_open(uv_loop_t *loop, const char *folder, struct store **ret, struct err *err)
{
    struct store *s = mem_new(struct store);
    (void)snprintf(s->folder, sizeof(s->folder), "%s", folder);
    s->lock_fd = -1;
    store_reserve_init(&s->reserve, folder);
    list_init(&s->submitted);
    list_init(&s->finished);
    int r = lock_folder(s, err);
    if (r == 0) {
        r = open_connections(s, err);
    }
    if (r < 0) {
        free_connections(s);
        return r;
    }
    (void)uv_mutex_init(&s->mutex); /* these fail only without memory */
    (void)uv_cond_init(&s->submitted_cond);
    r = uv_async_init(loop, &s->wake, on_wake);
    s->open_handles = r == 0;
    r = r < 0 ? err_set(err, -r, "start the store: %s", uv_strerror(r)) : start_threads(s, err);
    if (r < 0) {
        abandon(s);
        return r;
    }
    (void)uv_prepare_init(loop, &s->turn); /* these always succeed */
    (void)uv_prepare_start(&s->turn, on_turn);
    uv_unref((uv_handle_t *)&s->turn);
    *ret = s;
    return 0;
}

/* So that all is in the database. The loop may not turn any more, and close what SQLite does that
 * for by itself. */
static void empty_log(struct store *s)
{
    end_reading(s);
    (void)!sql_checkpoint(s->writer, SQL_EMPTY_LOG); /* a full disk: it stays */
}

void store_close(struct store *s)
{
    if (!s) {
        return;
    }
    uv_mutex_lock(&s->mutex);
    s->closing = true;
    uv_cond_signal(&s->submitted_cond);
    uv_mutex_unlock(&s->mutex);
    (void)uv_thread_join(&s->thread); /* ours */
    checkpointer_stop(&s->checkpointer);
    call_back(s);
    empty_log(s);
    s->open_handles = 2;
    uv_close((uv_handle_t *)&s->wake, on_wake_closed);
    uv_close((uv_handle_t *)&s->turn, on_turn_closed);
}

bool store_is_full(const struct store *s)
{
    return store_reserve_is_short(&s->reserve);
}

/* All reads of a turn of the loop are one transaction: SQLite locks a file for each. */
struct sql *store_reader(struct store *s)
{
    if (!s->reading) {
        s->reading = sql_run(s->reader, "BEGIN", "") == 0;
    }
    return s->reader;
}

int store_read_failure(const struct store *s)
{
    return sql_failure(s->reader);
}

const char *store_folder(const struct store *s)
{
    return s->folder;
}
