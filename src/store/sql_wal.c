/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sql_wal.h"

#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"

#define LAYER        "mayfly"
#define GATHER_BYTES ((size_t)128 * KIB) /* thirty frames: more are written in several turns */

/* A log that is open. SQLite makes room for it and frees it. */
struct wal {
    sqlite3_file base;
    char *gathered; /* owned; NULL before the first write: most connections only read */
    size_t length;
    int64_t offset;      /* of what is gathered */
    bool is_lost;        /* a sync has failed */
    sqlite3_file file[]; /* the layer's below, of whatever size that needs */
};

static sqlite3_vfs *layer_below;
static sqlite3_vfs layer;

static struct wal *wal_of(sqlite3_file *file)
{
    return (struct wal *)file; /* its first member */
}

static const sqlite3_io_methods *methods_of(const struct wal *w)
{
    return w->file->pMethods;
}

/* What could not be written is given up, as the commit that it belongs to. */
static int flush(struct wal *w)
{
    const int length = (int)w->length;
    w->length = 0;
    return length == 0 ? SQLITE_OK : methods_of(w)->xWrite(w->file, w->gathered, length, w->offset);
}

static int wal_write(sqlite3_file *file, const void *data, int length, sqlite3_int64 offset)
{
    struct wal *w = wal_of(file);
    const size_t bytes = (size_t)length;
    if (w->is_lost) {
        errno = EIO; /* SQLite looks at it */
        return SQLITE_IOERR_WRITE;
    }
    if (offset != w->offset + (int64_t)w->length || bytes > GATHER_BYTES - w->length) {
        int r = flush(w);
        if (r != SQLITE_OK) {
            return r;
        }
        w->offset = offset;
    }
    if (bytes > GATHER_BYTES) {
        return methods_of(w)->xWrite(w->file, data, length, offset);
    }
    if (!w->gathered) {
        w->gathered = mem_alloc(GATHER_BYTES);
    }
    memcpy(w->gathered + w->length, data, bytes);
    w->length += bytes;
    return SQLITE_OK;
}

static int wal_read(sqlite3_file *file, void *ret_data, int length, sqlite3_int64 offset)
{
    struct wal *w = wal_of(file);
    int r = flush(w);
    return r != SQLITE_OK ? r : methods_of(w)->xRead(w->file, ret_data, length, offset);
}

static int wal_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    struct wal *w = wal_of(file);
    int r = flush(w);
    return r != SQLITE_OK ? r : methods_of(w)->xTruncate(w->file, size);
}

/* A full disk is no failure of it. */
static bool is_failure(int result)
{
    return result != SQLITE_OK && errno != ENOSPC && errno != EDQUOT;
}

/* A disk that fails may lose for good what is written to the same place afterwards, though that is
 * synced well (ext4 does: a block whose first write failed reads as zeros after a crash). What is
 * in the log behind it would be lost, too. So nothing more is written to it. */
static int wal_sync(sqlite3_file *file, int flags)
{
    struct wal *w = wal_of(file);
    int r = flush(w);
    if (r == SQLITE_OK) {
        r = methods_of(w)->xSync(w->file, flags);
        w->is_lost = w->is_lost || is_failure(r);
    }
    return r;
}

static int wal_size(sqlite3_file *file, sqlite3_int64 *ret_size)
{
    struct wal *w = wal_of(file);
    int r = flush(w);
    return r != SQLITE_OK ? r : methods_of(w)->xFileSize(w->file, ret_size);
}

static int wal_close(sqlite3_file *file)
{
    struct wal *w = wal_of(file);
    int r = flush(w);
    int closed = methods_of(w)->xClose(w->file);
    free(w->gathered);
    return r != SQLITE_OK ? r : closed;
}

static int wal_lock(sqlite3_file *file, int level)
{
    struct wal *w = wal_of(file);
    return methods_of(w)->xLock(w->file, level);
}

static int wal_unlock(sqlite3_file *file, int level)
{
    struct wal *w = wal_of(file);
    return methods_of(w)->xUnlock(w->file, level);
}

static int wal_check_lock(sqlite3_file *file, int *ret_locked)
{
    struct wal *w = wal_of(file);
    return methods_of(w)->xCheckReservedLock(w->file, ret_locked);
}

static int wal_control(sqlite3_file *file, int operation, void *argument)
{
    struct wal *w = wal_of(file);
    return methods_of(w)->xFileControl(w->file, operation, argument);
}

static int wal_sector_size(sqlite3_file *file)
{
    struct wal *w = wal_of(file);
    return methods_of(w)->xSectorSize(w->file);
}

static int wal_characteristics(sqlite3_file *file)
{
    struct wal *w = wal_of(file);
    return methods_of(w)->xDeviceCharacteristics(w->file);
}

/* SQLite maps and shares a database's file, never its log: version 1 is all that is asked for. */
static const sqlite3_io_methods wal_methods = {
    .iVersion = 1,
    .xClose = wal_close,
    .xRead = wal_read,
    .xWrite = wal_write,
    .xTruncate = wal_truncate,
    .xSync = wal_sync,
    .xFileSize = wal_size,
    .xLock = wal_lock,
    .xUnlock = wal_unlock,
    .xCheckReservedLock = wal_check_lock,
    .xFileControl = wal_control,
    .xSectorSize = wal_sector_size,
    .xDeviceCharacteristics = wal_characteristics,
};

static int layer_open(sqlite3_vfs *of, const char *name, sqlite3_file *file, int flags,
                      int *ret_flags)
{
    (void)of;
    if (!(flags & SQLITE_OPEN_WAL)) {
        return layer_below->xOpen(layer_below, name, file, flags, ret_flags);
    }
    struct wal *w = wal_of(file);
    *w = (struct wal){ 0 };
    int r = layer_below->xOpen(layer_below, name, w->file, flags, ret_flags);
    /* It is closed, also after a failure, if it has methods. */
    w->base.pMethods = w->file->pMethods ? &wal_methods : NULL;
    return r;
}

/* "unix-excl" has the log's index in this process's memory. In a file that is mapped it would end
 * the process (SIGBUS) on a full disk whose file system takes a new block for what is overwritten
 * (btrfs), or has blocks below a page (ext4 on small disks). */
static void make_layer(void)
{
    layer_below = sqlite3_vfs_find("unix-excl");
    if (!layer_below) {
        abort(); /* SQLite for Unix is built with it */
    }
    layer = *layer_below;
    layer.zName = LAYER;
    layer.szOsFile += (int)sizeof(struct wal);
    layer.xOpen = layer_open;
    (void)sqlite3_vfs_register(&layer, 0); /* fails before SQLite is initialized only */
}

const char *sql_wal_layer(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, make_layer); /* does not fail */
    return LAYER;
}
