/* The checkpoints that run beside the commits, as whoever commits meets them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "store/checkpointer.h"
#include "store/sql.h"
#include "suite.h"

#define ROW_BYTES     4000 /* a page */
#define LONG_ROWS     4500 /* of a log that is to be checkpointed */
#define TOO_LONG_ROWS 8500 /* of one that commits wait for */

static char folder[] = "/tmp/mayfly-test-XXXXXX";
static char path[64];
static struct sql *writer;
static struct checkpointer checkpointer;

static atomic_bool is_holding; /* syncs of the database do not return */
static uv_sem_t held, released;

/* In place of the C library's: SQLite syncs the database and its log by it. */
int fdatasync(int fd)
{
    char link[32], file[128] = "";
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    if (readlink(link, file, sizeof(file) - 1) > 0 && !strstr(file, "-wal") &&
        atomic_load(&is_holding)) {
        atomic_store(&is_holding, false);
        uv_sem_post(&held);
        uv_sem_wait(&released);
    }
    return (int)syscall(SYS_fdatasync, fd);
}

static void setup(void)
{
    struct err err = { 0 };
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/test.db", folder);
    ck_assert_int_eq(uv_sem_init(&held, 0), 0);
    ck_assert_int_eq(uv_sem_init(&released, 0), 0);
    ck_assert_msg(sql_open(path, SQL_WRITER, &writer, &err) == 0, "%s", err.text);
    ck_assert_int_eq(sql_run(writer, "CREATE TABLE rows (id INTEGER PRIMARY KEY, data BLOB)", ""),
                     0);
    ck_assert_msg(checkpointer_start(&checkpointer, path, &err) == 0, "%s", err.text);
}

static void teardown(void)
{
    char command[64];
    checkpointer_stop(&checkpointer);
    sql_close(writer);
    uv_sem_destroy(&held);
    uv_sem_destroy(&released);
    (void)snprintf(command, sizeof(command), "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

/* As the store does: a commit, and what it leads to. */
static void commit(int count)
{
    ck_assert_int_eq(
        sql_run(writer,
                "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) "
                "INSERT INTO rows (data) SELECT randomblob(?2) FROM n",
                "ii", (int64_t)count, (int64_t)ROW_BYTES),
        0);
    checkpointer_follow(&checkpointer, writer);
}

static int64_t rows(void)
{
    return sql_number(writer, -1, "SELECT count(*) FROM rows", "");
}

/* Until the test's time is over. */
static void commit_until_the_log_begins_anew(void)
{
    do {
        commit(1);
    } while (sql_log_pages(writer) >= LONG_ROWS);
}

START_TEST(a_log_that_is_long_begins_anew)
{
    commit(LONG_ROWS);
    ck_assert_int_ge(sql_log_pages(writer), LONG_ROWS);
    commit_until_the_log_begins_anew();
    commit(LONG_ROWS);
    commit_until_the_log_begins_anew();
    ck_assert_int_ge(rows(), 2 * LONG_ROWS);
}
END_TEST

START_TEST(commits_go_on_beside_a_checkpoint)
{
    atomic_store(&is_holding, true);
    commit(LONG_ROWS);
    uv_sem_wait(&held);
    for (int i = 0; i < 10; i++) {
        commit(1);
    }
    ck_assert_int_eq(rows(), LONG_ROWS + 10);
    ck_assert_int_ge(sql_log_pages(writer), LONG_ROWS + 10);
    uv_sem_post(&released);
    commit_until_the_log_begins_anew();
}
END_TEST

START_TEST(commits_wait_when_the_log_is_too_long)
{
    commit(TOO_LONG_ROWS);
    commit(1);
    ck_assert_int_lt(sql_log_pages(writer), LONG_ROWS);
}
END_TEST

START_TEST(once_settled_the_writer_may_checkpoint_by_itself)
{
    commit(LONG_ROWS);
    checkpointer_settle(&checkpointer);
    ck_assert_int_eq(sql_checkpoint(writer, SQL_EMPTY_LOG), 0);
    commit(1);
    ck_assert_int_lt(sql_log_pages(writer), LONG_ROWS);
}
END_TEST

START_TEST(one_that_is_stopped_ends_what_it_does)
{
    struct err err = { 0 };
    commit(LONG_ROWS);
    checkpointer_stop(&checkpointer);
    ck_assert_int_eq(sql_checkpoint(writer, SQL_EMPTY_LOG), 0);
    ck_assert_msg(checkpointer_start(&checkpointer, path, &err) == 0, "%s", err.text);
    ck_assert_int_eq(rows(), LONG_ROWS);
}
END_TEST

int main(void)
{
    TCase *tests;
    Suite *suite = suite_make("checkpoints beside commits", setup, teardown, &tests);
    tcase_add_test(tests, a_log_that_is_long_begins_anew);
    tcase_add_test(tests, commits_go_on_beside_a_checkpoint);
    tcase_add_test(tests, commits_wait_when_the_log_is_too_long);
    tcase_add_test(tests, once_settled_the_writer_may_checkpoint_by_itself);
    tcase_add_test(tests, one_that_is_stopped_ends_what_it_does);
    return suite_run(suite);
}
