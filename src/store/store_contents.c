/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_contents.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/hex.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/sql.h"
#include "store/store_explain.h"

#define FOLDERS         256 /* by the first byte of the hash */
#define FILE_PATH_BYTES (3 + 2 * CONTENT_HASH_BYTES)
#define SWEEP_FILES     64   /* removed in one job: others wait behind it */
#define SWEEP_ROWS      2000 /* of what refers to files and is lost, as many */
#define ORPHANS_A_JOB   256

struct store_contents {
    struct store *store;
    store_release_fn release_lost;
    int folder;    /* objects/ */
    int temporary; /* objects/tmp/ */
    atomic_uint next_name;
    size_t holds;
    bool sweep_wanted;
    bool release_wanted; /* something may be lost */
    bool sweeping;
    bool releases; /* ... of the sweep: also what is lost */
    struct store_job sweep;
    uint8_t unused[SWEEP_FILES][CONTENT_HASH_BYTES]; /* of the sweep: files that may go */
    size_t unused_count;
    size_t scans; /* jobs and work of the search for orphans that are not over */
    bool closing;
};

/* ---- names ---- */

/* "ab/cdef..." */
static void file_path(struct str hash, char ret_path[FILE_PATH_BYTES + 1])
{
    const uint8_t *bytes = (const uint8_t *)hash.data;
    char *at = hex_write(bytes, 1, ret_path);
    *at++ = '/';
    *hex_write(bytes + 1, CONTENT_HASH_BYTES - 1, at) = '\0';
}

/* The hash of file `name` in folder number `first`. */
static bool hash_of(unsigned first, const char *name, uint8_t ret_hash[CONTENT_HASH_BYTES])
{
    ret_hash[0] = (uint8_t)first;
    return hex_read(str_c(name), ret_hash + 1, CONTENT_HASH_BYTES - 1);
}

/* ---- files ---- */

bool store_contents_is_full(const struct store_contents *c)
{
    return store_is_full(c->store);
}

int store_contents_create(struct store_contents *c, char ret_name[CONTENT_NAME_BYTES])
{
    unsigned number = atomic_fetch_add(&c->next_name, 1);
    (void)snprintf(ret_name, CONTENT_NAME_BYTES, "%u", number); /* fits */
    int fd = openat(c->temporary, ret_name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return fd < 0 ? -errno : fd;
}

static int sync_folder(int at, const char *path)
{
    scoped_fd int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

/* For its entries, or NULL: what is not found now is at the next start. */
static DIR *open_folder(int at, const char *path)
{
    scoped_fd int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (folder) {
        (void)take_fd(&fd); /* the folder's */
    }
    return folder;
}

/* There is a file of that name already. It has the same bytes, unless the disk has lost some. */
static int replace_damaged(struct store_contents *c, const char *name, const char *path)
{
    char again[CONTENT_NAME_BYTES + 1];
    struct stat whole, there;
    if (fstatat(c->temporary, name, &whole, 0) < 0 || fstatat(c->folder, path, &there, 0) < 0) {
        return -errno;
    }
    if (whole.st_size == there.st_size) {
        return 0;
    }
    (void)snprintf(again, sizeof(again), "%s+", name); /* fits */
    return linkat(c->temporary, name, c->temporary, again, 0) == 0 &&
                   renameat(c->temporary, again, c->folder, path) == 0
               ? 0
               : -errno;
}

/* Links the temporary file under its final name, durably: whoever linked it before us may not have
 * synced that yet. */
static int link_file(struct store_contents *c, const char *name, struct str hash)
{
    char path[FILE_PATH_BYTES + 1];
    file_path(hash, path);
    int r = linkat(c->temporary, name, c->folder, path, 0) == 0 ? 0
            : errno == EEXIST                                   ? replace_damaged(c, name, path)
                                                                : -errno;
    path[2] = '\0';
    return r < 0 ? r : sync_folder(c->folder, path);
}

int store_contents_publish(struct store_contents *c, const char *name,
                           const uint8_t hash[CONTENT_HASH_BYTES])
{
    return link_file(c, name, str_of((const char *)hash, CONTENT_HASH_BYTES));
}

void store_contents_drop_name(struct store_contents *c, const char *name)
{
    (void)unlinkat(c->temporary, name, 0); /* else the next start does it */
}

int store_contents_read(struct store_contents *c, struct str hash)
{
    char path[FILE_PATH_BYTES + 1];
    file_path(hash, path);
    int fd = openat(c->folder, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    return fd < 0 ? -errno : fd;
}

/* ---- rows ---- */

int store_contents_add_row(struct sql *db, struct str data, int64_t *ret_row)
{
    int r = sql_run(db, "INSERT INTO contents (refs, data) VALUES (1, ?)", "b", data);
    *ret_row = sql_last_id(db);
    return r;
}

int store_contents_keep_row(struct sql *db, int64_t row)
{
    int r = sql_run(db, "UPDATE contents SET refs = refs + 1 WHERE id = ?", "i", row);
    return r < 0 ? r : sql_changes(db) == 1 ? 0 : -ENOENT;
}

int store_contents_release_row(struct sql *db, int64_t row)
{
    int r = sql_run(db, "DELETE FROM contents WHERE id = ? AND refs = 1", "i", row);
    if (r < 0 || sql_changes(db) == 1) {
        return r;
    }
    return sql_run(db, "UPDATE contents SET refs = refs - 1 WHERE id = ?", "i", row);
}

int store_contents_keep_file(struct store_contents *c, struct sql *db, struct str hash,
                             uint64_t size, const char *name)
{
    char path[FILE_PATH_BYTES + 1];
    int r = sql_run(db,
                    "INSERT INTO files (hash, refs, size) VALUES (?, 1, ?)"
                    " ON CONFLICT DO UPDATE SET refs = refs + 1",
                    "bi", hash, (int64_t)size);
    if (r < 0) {
        return r;
    }
    file_path(hash, path);
    if (faccessat(c->folder, path, F_OK, 0) == 0) {
        return 0;
    }
    return name ? link_file(c, name, hash) : -ENOENT;
}

int store_contents_release_file(struct sql *db, struct str hash)
{
    return sql_run(db, "UPDATE files SET refs = refs - 1 WHERE hash = ? AND refs > 0", "b", hash);
}

char *store_contents_row(struct store *s, int64_t row, size_t *ret_len)
{
    struct sql *db = store_reader(s);
    char *copy = NULL;
    *ret_len = 0;
    sqlite3_stmt *q = sql_prepare(db, "SELECT data FROM contents WHERE id = ?", "i", row);
    if (sql_step(db, q) == 1) {
        struct str data = sql_str(q, 0);
        copy = mem_copy_str(data);
        *ret_len = data.len;
        sql_reset(q);
    }
    return copy;
}

/* ---- removal ---- */

static int remove_file(const struct store_contents *c, struct str hash)
{
    char path[FILE_PATH_BYTES + 1];
    file_path(hash, path);
    return unlinkat(c->folder, path, 0) == 0 || errno == ENOENT ? 0 : -errno;
}

/* The next files that nobody counts. Asked of what is durable: what jobs of the same transaction
 * have let go of comes back if that is undone, and the file would not. */
static void find_unused(struct store_contents *c)
{
    struct sql *db = store_reader(c->store);
    sqlite3_stmt *q =
        sql_prepare(db, "SELECT hash FROM files WHERE refs = 0 LIMIT ?", "i", (int64_t)SWEEP_FILES);
    c->unused_count = 0;
    while (c->unused_count < SWEEP_FILES && sql_step(db, q) == 1) {
        struct str hash = sql_str(q, 0);
        if (hash.len == CONTENT_HASH_BYTES) {
            memcpy(c->unused[c->unused_count++], hash.data, hash.len);
        }
    }
    sql_reset(q);
}

/* Unless a job counts it again by now. A row goes after its file: if this is undone, the row says
 * again that the file may go. */
static int remove_unused(const struct store_contents *c, struct sql *db, struct str hash)
{
    if (sql_number(db, 0, "SELECT 1 FROM files WHERE hash = ? AND refs = 0", "b", hash) == 0) {
        return 0;
    }
    int r = remove_file(c, hash);
    return r < 0 ? r : sql_run(db, "DELETE FROM files WHERE hash = ?", "b", hash);
}

/* 1: there may be more. */
static int run_sweep(struct store_job *job, struct sql *db)
{
    const struct store_contents *c = container_of(job, struct store_contents, sweep);
    int lost = c->releases ? c->release_lost(db, SWEEP_ROWS) : 0, r = lost;
    for (size_t i = 0; i < c->unused_count && r >= 0; i++) {
        r = remove_unused(c, db, str_of((const char *)c->unused[i], CONTENT_HASH_BYTES));
    }
    return r < 0 ? r : lost > 0 || c->unused_count == SWEEP_FILES;
}

static void free_if_closed(struct store_contents *c)
{
    if (c->closing && c->scans == 0 && !c->sweeping) {
        scope_close_fd(&c->folder);
        scope_close_fd(&c->temporary);
        free(c);
    }
}

static void sweep_done(struct store_job *job, int result)
{
    struct store_contents *c = container_of(job, struct store_contents, sweep);
    c->sweeping = false;
    c->release_wanted = c->release_wanted || (c->releases && result != 0);
    if (result == 1 || c->sweep_wanted) {
        store_contents_sweep(c);
    }
    free_if_closed(c);
}

/* Most writes leave nothing behind: then there is no job. */
static void start_sweep(struct store_contents *c)
{
    if (!c->sweep_wanted || c->sweeping || c->holds > 0 || c->closing) {
        return;
    }
    c->sweep_wanted = false;
    find_unused(c);
    if (c->unused_count > 0 || c->release_wanted) {
        c->releases = c->release_wanted;
        c->release_wanted = false;
        c->sweeping = true;
        c->sweep = (struct store_job){ .run = run_sweep, .done = sweep_done, .makes_room = true };
        store_submit(c->store, &c->sweep);
    }
}

void store_contents_sweep(struct store_contents *c)
{
    c->sweep_wanted = true;
    start_sweep(c);
}

void store_contents_sweep_lost(struct store_contents *c)
{
    c->release_wanted = true;
    store_contents_sweep(c);
}

void store_contents_hold(struct store_contents *c)
{
    c->holds++;
}

void store_contents_unhold(struct store_contents *c)
{
    c->holds--;
    start_sweep(c);
}

/* ---- files that no row counts ---- */

struct orphans {
    struct store_job job;
    struct store_contents *contents;
    size_t count;
    uint8_t hashes[ORPHANS_A_JOB][CONTENT_HASH_BYTES];
};

static int run_orphans(struct store_job *job, struct sql *db)
{
    struct orphans *o = container_of(job, struct orphans, job);
    for (size_t i = 0; i < o->count; i++) {
        struct str hash = str_of((const char *)o->hashes[i], CONTENT_HASH_BYTES);
        if (sql_number(db, 0, "SELECT 1 FROM files WHERE hash = ?", "b", hash) == 0 &&
            sql_failure(db) == 0) { /* a file that is gone comes back with no rollback */
            (void)remove_file(o->contents, hash); /* else the next start does it */
        }
    }
    return 0;
}

static void orphans_done(struct store_job *job, int result)
{
    struct orphans *o = container_of(job, struct orphans, job);
    struct store_contents *c = o->contents;
    (void)result; /* what is left is found at the next start */
    free(o);
    c->scans--;
    free_if_closed(c);
}

static struct orphans *orphans_new(struct store_contents *c)
{
    struct orphans *o = mem_new(struct orphans);
    o->contents = c;
    o->job = (struct store_job){ .run = run_orphans, .done = orphans_done, .makes_room = true };
    return o;
}

void store_contents_forget(struct store_contents *c, const uint8_t hash[CONTENT_HASH_BYTES])
{
    struct orphans *o = orphans_new(c);
    memcpy(o->hashes[o->count++], hash, CONTENT_HASH_BYTES);
    c->scans++;
    store_submit(c->store, &o->job);
}

/* The search at start goes folder by folder, reading on a thread of the pool. */
struct scan {
    uv_work_t work;
    struct store_contents *contents;
    unsigned folder;
    struct list found;    /* of struct orphans, by job.link */
    struct orphans *last; /* of them, or NULL */
};

static void note_file(struct scan *s, const char *name)
{
    uint8_t hash[CONTENT_HASH_BYTES];
    if (!hash_of(s->folder, name, hash)) {
        return;
    }
    if (!s->last || s->last->count == ORPHANS_A_JOB) {
        s->last = orphans_new(s->contents);
        list_push(&s->found, &s->last->job.link);
    }
    memcpy(s->last->hashes[s->last->count++], hash, CONTENT_HASH_BYTES);
}

static void read_folder(uv_work_t *work)
{
    struct scan *s = container_of(work, struct scan, work);
    char name[3];
    (void)snprintf(name, sizeof(name), "%02x", s->folder); /* fits */
    DIR *folder = open_folder(s->contents->folder, name);
    for (const struct dirent *e; folder && (e = readdir(folder));) {
        note_file(s, e->d_name);
    }
    if (folder) {
        (void)closedir(folder); /* only read from */
    }
}

/* Once the contents are closed the store may be, too: then the next start finds them. */
static void give_found(struct scan *s)
{
    struct store_contents *c = s->contents;
    list_for_each (item, &s->found) {
        struct store_job *job = list_entry(item, struct store_job, link);
        if (c->closing) {
            free(container_of(job, struct orphans, job));
        } else {
            c->scans++;
            store_submit(c->store, job);
        }
    }
    list_init(&s->found);
    s->last = NULL; /* is not ours any more */
}

static void folder_read(uv_work_t *work, int status)
{
    struct scan *s = container_of(work, struct scan, work);
    struct store_contents *c = s->contents;
    (void)status; /* never cancelled */
    give_found(s);
    if (++s->folder < FOLDERS && !c->closing &&
        uv_queue_work(work->loop, work, read_folder, folder_read) == 0) {
        return;
    }
    free(s);
    c->scans--;
    free_if_closed(c);
}

static void start_scan(uv_loop_t *loop, struct store_contents *c)
{
    struct scan *s = mem_new(struct scan);
    s->contents = c;
    list_init(&s->found);
    if (uv_queue_work(loop, &s->work, read_folder, folder_read) == 0) {
        c->scans++;
    } else {
        free(s);
    }
}

/* ---- opening ---- */

static int make_folder(int at, const char *name, int *ret_fd)
{
    if (mkdirat(at, name, 0700) < 0 && errno != EEXIST) {
        return -errno;
    }
    *ret_fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    return *ret_fd < 0 ? -errno : 0;
}

static int make_folders(struct store_contents *c, const char *base)
{
    scoped_fd int at = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = at < 0 ? -errno : make_folder(at, "objects", &c->folder);
    r = r < 0 ? r : make_folder(c->folder, "tmp", &c->temporary);
    for (unsigned i = 0; r == 0 && i < FOLDERS; i++) {
        char name[3];
        (void)snprintf(name, sizeof(name), "%02x", i); /* fits */
        r = mkdirat(c->folder, name, 0700) < 0 && errno != EEXIST ? -errno : 0;
    }
    return r < 0 || (fsync(c->folder) == 0 && fsync(at) == 0) ? r : -errno;
}

static void empty_temporary(struct store_contents *c)
{
    DIR *folder = open_folder(c->temporary, ".");
    for (const struct dirent *e; folder && (e = readdir(folder));) {
        if (e->d_name[0] != '.') {
            (void)unlinkat(c->temporary, e->d_name, 0); /* else it stays, and takes up room */
        }
    }
    if (folder) {
        (void)closedir(folder); /* only read from */
    }
}

int store_contents_open(uv_loop_t *loop, struct store *s, store_release_fn release_lost,
                        struct store_contents **ret, struct err *err)
{
    struct store_contents *c = mem_new(struct store_contents);
    c->store = s;
    c->release_lost = release_lost;
    c->folder = c->temporary = -1;
    int r = make_folders(c, store_folder(s));
    if (r < 0) {
        scope_close_fd(&c->folder);
        scope_close_fd(&c->temporary);
        free(c);
        return store_explain("objects", -r, err);
    }
    empty_temporary(c);
    start_scan(loop, c);
    store_contents_sweep_lost(c);
    *ret = c;
    return 0;
}

void store_contents_close(struct store_contents *c)
{
    if (c) {
        c->closing = true;
        free_if_closed(c);
    }
}
