/* The database's log as it is written, seen by another connection.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "store/sql.h"
#include "store/sql_wal.h"
#include "suite.h"

#define ROW_BYTES  4000 /* a page */
#define SPILL_ROWS 6000 /* more than a connection keeps in memory */

static char folder[] = "/tmp/mayfly-test-XXXXXX";
static char path[64];
static struct sql *writer, *reader;

static const char *failing; /* the end of the file's name whose next sync fails */

/* In place of the C library's: SQLite syncs the database and its log by it. The kernel tells of
 * what it could not write once, and then takes it for written. */
int fdatasync(int fd)
{
    char link[32], file[128] = "";
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    if (failing && readlink(link, file, sizeof(file) - 1) > 0 &&
        strcmp(file + strlen(file) - strlen(failing), failing) == 0) {
        failing = NULL;
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, fd);
}

static struct sql *open_one(enum sql_use use)
{
    struct sql *db;
    struct err err = { 0 };
    ck_assert_msg(sql_open(path, use, &db, &err) == 0, "%s", err.text);
    return db;
}

static void open_both(void)
{
    writer = open_one(SQL_WRITER);
    reader = open_one(SQL_READER);
}

static void close_both(void)
{
    sql_close(reader);
    sql_close(writer);
}

static void setup(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/test.db", folder);
    open_both();
    ck_assert_int_eq(sql_run(writer, "CREATE TABLE rows (id INTEGER PRIMARY KEY, data BLOB)", ""),
                     0);
}

static void teardown(void)
{
    char command[64];
    close_both();
    (void)snprintf(command, sizeof(command), "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static int run(const char *text)
{
    return sql_run(writer, text, "");
}

static int add(int count)
{
    return sql_run(writer,
                   "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) "
                   "INSERT INTO rows (data) SELECT randomblob(?2) FROM n",
                   "ii", (int64_t)count, (int64_t)ROW_BYTES);
}

static int64_t rows_of(struct sql *db)
{
    return sql_number(db, -1, "SELECT count(*) FROM rows", "");
}

static bool is_sound(struct sql *db)
{
    return sql_number(db, 0, "SELECT integrity_check = 'ok' FROM pragma_integrity_check", "") == 1;
}

/* So many calls of the kind of write() this process has made. */
static long writes_made(void)
{
    char text[512] = "";
    FILE *f = fopen("/proc/self/io", "re");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_gt(fread(text, 1, sizeof(text) - 1, f), 0);
    (void)fclose(f);
    const char *at = strstr(text, "syscw: ");
    ck_assert_ptr_nonnull(at);
    return strtol(at + strlen("syscw: "), NULL, 10);
}

START_TEST(a_commit_of_many_pages_is_a_few_writes)
{
    long before = writes_made();
    ck_assert_int_eq(add(50), 0);
    ck_assert_int_lt(writes_made() - before, 10);
    ck_assert_int_eq(rows_of(reader), 50);
}
END_TEST

START_TEST(another_connection_sees_a_commit_and_nothing_before_it)
{
    ck_assert_int_eq(run("BEGIN IMMEDIATE"), 0);
    ck_assert_int_eq(add(3), 0);
    ck_assert_int_eq(rows_of(reader), 0);
    ck_assert_int_eq(run("COMMIT"), 0);
    ck_assert_int_eq(rows_of(reader), 3);
}
END_TEST

START_TEST(a_transaction_reads_back_what_did_not_fit_into_memory)
{
    ck_assert_int_eq(run("BEGIN IMMEDIATE"), 0);
    ck_assert_int_eq(add(SPILL_ROWS), 0);
    ck_assert_int_eq(sql_number(writer, 0, "SELECT sum(length(data)) FROM rows", ""),
                     SPILL_ROWS * ROW_BYTES);
    ck_assert_int_eq(rows_of(reader), 0);
    ck_assert_int_eq(run("COMMIT"), 0);
    ck_assert_int_eq(rows_of(reader), SPILL_ROWS);
    ck_assert(is_sound(reader));
}
END_TEST

START_TEST(what_is_written_after_a_rollback_takes_the_place_of_what_was)
{
    ck_assert_int_eq(run("BEGIN IMMEDIATE"), 0);
    ck_assert_int_eq(add(2), 0);
    ck_assert_int_eq(run("SAVEPOINT job"), 0);
    ck_assert_int_eq(add(SPILL_ROWS), 0);
    ck_assert_int_eq(run("ROLLBACK TO job"), 0);
    ck_assert_int_eq(add(1), 0);
    ck_assert_int_eq(run("COMMIT"), 0);
    ck_assert_int_eq(rows_of(reader), 3);
    ck_assert(is_sound(reader));
}
END_TEST

/* Commits three rows, leaves as many thousands in the open, and is gone. */
static void be_killed(void)
{
    writer = open_one(SQL_WRITER);
    ck_assert_int_eq(add(3), 0);
    ck_assert_int_eq(run("BEGIN IMMEDIATE"), 0);
    ck_assert_int_eq(add(SPILL_ROWS), 0);
    (void)raise(SIGKILL);
}

START_TEST(what_was_committed_outlives_its_process)
{
    int status;
    close_both(); /* a database is one process's */
    pid_t child = fork();
    if (child == 0) {
        be_killed();
        _exit(1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    open_both();
    ck_assert_int_eq(rows_of(reader), 3);
    ck_assert_int_eq(add(1), 0);
    ck_assert_int_eq(rows_of(reader), 4);
    ck_assert(is_sound(reader));
}
END_TEST

START_TEST(a_commit_that_cannot_be_written_changes_nothing)
{
    struct rlimit limit;
    ck_assert_int_eq(add(1), 0);
    ck_assert(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    rlim_t usual = limit.rlim_cur;
    limit.rlim_cur = 50 * 1024;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert_int_lt(add(50), 0);
    limit.rlim_cur = usual;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert_int_eq(rows_of(reader), 1);
    ck_assert_int_eq(add(2), 0);
    ck_assert_int_eq(rows_of(reader), 3);
    ck_assert(is_sound(reader));
}
END_TEST

static void checkpoint_with_a_failed_sync(enum sql_checkpoint how)
{
    writer = open_one(SQL_WRITER);
    failing = ".db";
    _exit(sql_checkpoint(writer, how) == 0 ? EXIT_SUCCESS : EXIT_FAILURE + 1);
}

static void assert_that_a_failed_sync_ends_it(enum sql_checkpoint how)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        checkpoint_with_a_failed_sync(how);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FAILURE);
}

START_TEST(a_database_that_could_not_be_synced_once_is_not_believed)
{
    ck_assert_int_eq(add(SPILL_ROWS), 0);
    assert_that_a_failed_sync_ends_it(SQL_PASSIVE);
    ck_assert_int_eq(rows_of(reader), SPILL_ROWS);
    ck_assert_int_eq(sql_checkpoint(writer, SQL_EMPTY_LOG), 0);
    ck_assert_int_eq(rows_of(reader), SPILL_ROWS);
    ck_assert(is_sound(reader));
}
END_TEST

/* Whoever reads an older state holds back the rest, and SQLite's own sync with it. */
START_TEST(a_checkpoint_beside_commits_syncs_what_it_has_written)
{
    ck_assert_int_eq(add(3), 0);
    ck_assert_int_eq(sql_run(reader, "BEGIN", ""), 0);
    ck_assert_int_eq(rows_of(reader), 3);
    ck_assert_int_eq(add(3), 0);
    assert_that_a_failed_sync_ends_it(SQL_BESIDE_COMMITS);
    ck_assert_int_eq(sql_run(reader, "COMMIT", ""), 0);
    ck_assert_int_eq(rows_of(reader), 6);
}
END_TEST

START_TEST(a_log_that_could_not_be_synced_once_is_not_written_any_more)
{
    ck_assert_int_eq(add(3), 0);
    failing = "-wal";
    ck_assert_int_eq(add(1), -EIO);
    ck_assert_int_eq(add(1), -EIO);
    ck_assert_int_eq(rows_of(writer), 3);
    ck_assert_int_eq(rows_of(reader), 3);
    sql_close(reader);
    sql_close(writer);
    writer = open_one(SQL_WRITER);
    reader = open_one(SQL_READER);
    ck_assert_int_eq(rows_of(reader), 3);
    ck_assert_int_eq(add(1), 0);
    ck_assert(is_sound(reader));
}
END_TEST

int main(void)
{
    TCase *tests;
    Suite *suite = suite_make("the database's log", setup, teardown, &tests);
    tcase_add_test(tests, a_commit_of_many_pages_is_a_few_writes);
    tcase_add_test(tests, another_connection_sees_a_commit_and_nothing_before_it);
    tcase_add_test(tests, a_transaction_reads_back_what_did_not_fit_into_memory);
    tcase_add_test(tests, what_is_written_after_a_rollback_takes_the_place_of_what_was);
    tcase_add_test(tests, what_was_committed_outlives_its_process);
    tcase_add_test(tests, a_commit_that_cannot_be_written_changes_nothing);
    tcase_add_test(tests, a_database_that_could_not_be_synced_once_is_not_believed);
    tcase_add_test(tests, a_checkpoint_beside_commits_syncs_what_it_has_written);
    tcase_add_test(tests, a_log_that_could_not_be_synced_once_is_not_written_any_more);
    return suite_run(suite);
}
