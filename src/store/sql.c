/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sql.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "store/sql_wal.h"
#include "store/store_explain.h"

/* Slots of the cache, a power of two; the texts of src/store fill a part. */
#define STATEMENTS 512
#define CACHE_KIB  16384
#define BUSY_MS    2000  /* another connection checkpoints, or recovers what a crash left */
#define LOG_KIB    32768 /* a longer log of one large group is cut when it begins anew */

struct cached {
    const char *text;
    sqlite3_stmt *statement; /* owned */
};

struct sql {
    sqlite3 *db;
    int failure; /* the first that nobody has forgotten yet */
    int log_pages;
    struct cached cached[STATEMENTS];
};

static int code_of(int result)
{
    switch (result & 0xff) {
    case SQLITE_OK:
    case SQLITE_DONE:
        return 0;
    case SQLITE_ROW:
        return 1;
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_CONSTRAINT:
        return -EEXIST;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return -EBUSY;
    case SQLITE_TOOBIG:
        return -EMSGSIZE;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return -EUCLEAN;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
        return -EACCES;
    default:
        return -EIO;
    }
}

/* A full disk shows in other ways, too: when what is mapped of the log's index cannot grow. */
static int step_code(sqlite3 *db, int result)
{
    int system = (result & 0xff) == SQLITE_IOERR ? sqlite3_system_errno(db) : 0;
    return system == ENOSPC || system == EDQUOT ? -ENOSPC : code_of(result);
}

/* Why a database cannot be opened. Its log and the log's index are files, too. */
static int explain(sqlite3 *db, int result, struct err *err)
{
    int code = -step_code(db, result);
    bool is_denied = code == EACCES && sqlite3_system_errno(db) == EACCES;
    bool is_of_disk = code == ENOSPC || (result & 0xff) == SQLITE_IOERR;
    if (code == EUCLEAN) {
        return err_set(err, code, "the database is damaged (%s): " SQL_DAMAGE_HELP,
                       sqlite3_errstr(result));
    }
    return is_denied || is_of_disk ? store_explain("the database", code, err)
                                   : err_set(err, code, "the database: %s", sqlite3_errmsg(db));
}

static int pragmas(struct sql *db, enum sql_use use, struct err *err)
{
    char text[256];
    (void)snprintf(text, sizeof(text),
                   "PRAGMA journal_mode=WAL;"
                   "PRAGMA synchronous=FULL;"
                   "PRAGMA foreign_keys=ON;"
                   "PRAGMA cache_size=-%d;"
                   "PRAGMA wal_autocheckpoint=0;" /* checkpointer.h */
                   "PRAGMA journal_size_limit=%d;"
                   "PRAGMA query_only=%d;",
                   CACHE_KIB, LOG_KIB * 1024, use == SQL_READER);
    int r = sqlite3_exec(db->db, text, NULL, NULL, NULL);
    return r == SQLITE_OK ? 0 : explain(db->db, r, err);
}

/* SQLite leaves this to the checkpoint that brings the last of the log into the database. */
static int sync_database(struct sql *db)
{
    sqlite3_file *file = NULL;
    (void)sqlite3_file_control(db->db, "main", SQLITE_FCNTL_FILE_POINTER, &file); /* it is open */
    return file->pMethods->xSync(file, SQLITE_SYNC_NORMAL);
}

/* What could not be synced is lost, and the kernel takes it for written: another sync would
 * succeed, and the log be begun anew. So nothing of this process may go on. All that was
 * acknowledged is in the log, from which the next one writes it again. */
static int end_if_sync_failed(struct sql *db, int result)
{
    int r = step_code(db->db, result);
    if (result == SQLITE_IOERR_FSYNC && r == -EIO) {
        log_error("the disk of the data folder fails: the database cannot be synced; what is "
                  "stored is in its log, and is written again");
        _exit(EXIT_FAILURE);
    }
    return r;
}

int sql_checkpoint(struct sql *db, enum sql_checkpoint how)
{
    int mode = how == SQL_EMPTY_LOG ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;
    int result = sqlite3_wal_checkpoint_v2(db->db, NULL, mode, NULL, NULL);
    if (result == SQLITE_OK && how == SQL_BESIDE_COMMITS) {
        result = sync_database(db);
    }
    return end_if_sync_failed(db, result);
}

static int on_commit(void *context, sqlite3 *connection, const char *name, int log_pages)
{
    struct sql *db = context;
    (void)connection;
    (void)name;
    db->log_pages = log_pages;
    return SQLITE_OK;
}

int sql_log_pages(const struct sql *db)
{
    return db->log_pages;
}

int sql_open(const char *path, enum sql_use use, struct sql **ret, struct err *err)
{
    struct sql *db = mem_new(struct sql);
    /* Nobody asks for its statistics, which cost a lock each allocation. Refused once it is in use.
     */
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    int r = sqlite3_open_v2(path, &db->db, flags, sql_wal_layer());
    if (r != SQLITE_OK) {
        r = db->db ? explain(db->db, r, err) : err_set(err, ENOMEM, "the database: no memory");
    } else {
        (void)sqlite3_extended_result_codes(db->db, 1); /* an open connection */
        (void)sqlite3_busy_timeout(db->db, BUSY_MS);
        r = pragmas(db, use, err);
        (void)sqlite3_wal_hook(db->db, on_commit, db); /* there was none */
    }
    if (r < 0) {
        sql_close(db);
        return r;
    }
    *ret = db;
    return 0;
}

void sql_close(struct sql *db)
{
    if (!db) {
        return;
    }
    for (size_t i = 0; i < STATEMENTS; i++) {
        (void)sqlite3_finalize(db->cached[i].statement); /* repeats an old error */
    }
    (void)sqlite3_close(db->db); /* nothing of it is in use */
    free(db);
}

static sqlite3_stmt *find_statement(struct sql *db, const char *text)
{
    size_t at = ((uintptr_t)text >> 3) * 2654435761u % STATEMENTS;
    for (size_t n = 0; n < STATEMENTS; n++, at = (at + 1) % STATEMENTS) {
        struct cached *c = &db->cached[at];
        if (c->text == text) {
            return c->statement;
        }
        if (c->text) {
            continue;
        }
        int r =
            sqlite3_prepare_v3(db->db, text, -1, SQLITE_PREPARE_PERSISTENT, &c->statement, NULL);
        if (r != SQLITE_OK) {
            log_error("statement \"%s\": %s", text, sqlite3_errmsg(db->db));
            abort();
        }
        c->text = text;
        return c->statement;
    }
    log_error("more than %d statements", STATEMENTS);
    abort();
}

static void bind_text(sqlite3_stmt *s, int at, struct str text)
{
    (void)sqlite3_bind_text(s, at, text.data ? text.data : "", (int)text.len, SQLITE_STATIC);
}

/* A parameter out of range is a mistake of ours that shows in every test. */
static void bind(sqlite3_stmt *s, const char *format, va_list arguments)
{
    for (int at = 1; format[at - 1]; at++) {
        switch (format[at - 1]) {
        case 'i':
            (void)sqlite3_bind_int64(s, at, va_arg(arguments, int64_t));
            break;
        case 's':
            bind_text(s, at, va_arg(arguments, struct str));
            break;
        case 'b': {
            struct str blob = va_arg(arguments, struct str);
            (void)sqlite3_bind_blob(s, at, blob.data ? blob.data : "", (int)blob.len,
                                    SQLITE_STATIC);
            break;
        }
        case 'c': {
            const char *text = va_arg(arguments, const char *);
            (void)sqlite3_bind_text(s, at, text, -1, SQLITE_STATIC);
            break;
        }
        default:
            (void)sqlite3_bind_null(s, at);
            break;
        }
    }
}

static sqlite3_stmt *prepare(struct sql *db, const char *text, const char *format,
                             va_list arguments)
{
    sqlite3_stmt *s = find_statement(db, text);
    (void)sqlite3_reset(s); /* repeats an old error */
    bind(s, format, arguments);
    return s;
}

sqlite3_stmt *sql_prepare(struct sql *db, const char *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    sqlite3_stmt *s = prepare(db, text, format, arguments);
    va_end(arguments);
    return s;
}

int sql_step(struct sql *db, sqlite3_stmt *statement)
{
    int r = step_code(db->db, sqlite3_step(statement));
    if (r != 1) {
        (void)sqlite3_reset(statement); /* repeats the error */
    }
    if (r < 0 && r != -EEXIST && db->failure == 0) {
        db->failure = r;
    }
    return r;
}

int sql_failure(const struct sql *db)
{
    return db->failure;
}

void sql_forget_failure(struct sql *db)
{
    db->failure = 0;
}

int sql_run(struct sql *db, const char *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    sqlite3_stmt *s = prepare(db, text, format, arguments);
    va_end(arguments);
    int r = sql_step(db, s);
    if (r == 1) {
        sql_reset(s);
    }
    return r < 0 ? r : 0;
}

int sql_script(struct sql *db, const char *text, char **ret_why)
{
    return code_of(sqlite3_exec(db->db, text, NULL, NULL, ret_why));
}

int64_t sql_number(struct sql *db, int64_t otherwise, const char *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    sqlite3_stmt *s = prepare(db, text, format, arguments);
    va_end(arguments);
    int64_t number = otherwise;
    if (sql_step(db, s) == 1) {
        number = sqlite3_column_type(s, 0) == SQLITE_NULL ? otherwise : sql_int(s, 0);
        sql_reset(s);
    }
    return number;
}

int64_t sql_last_id(const struct sql *db)
{
    return sqlite3_last_insert_rowid(db->db);
}

int sql_changes(const struct sql *db)
{
    return sqlite3_changes(db->db);
}

bool sql_in_transaction(const struct sql *db)
{
    return !sqlite3_get_autocommit(db->db);
}

struct str sql_str(sqlite3_stmt *statement, int column)
{
    const char *data = sqlite3_column_blob(statement, column); /* of text, its bytes */
    int len = sqlite3_column_bytes(statement, column);
    if (sqlite3_column_type(statement, column) == SQLITE_NULL) {
        return (struct str){ 0 };
    }
    return str_of(data ? data : "", (size_t)len);
}
