/* How much of the disk the database takes, and gives back.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <sys/stat.h>

#include "queue_fixture.h"

#define LONG_ROWS  2500 /* of 20 KB */
#define LONG_BYTES ((off_t)LONG_ROWS * 20000)
#define LOG_BYTES  ((off_t)33 << 20)

/* -1: it is not there. */
static off_t size_of(const char *name)
{
    char path[64];
    struct stat st;
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    return stat(path, &st) == 0 ? st.st_size : -1;
}

static int insert_long(struct store_job *job, struct sql *db)
{
    (void)job;
    return sql_run(db,
                   "INSERT INTO messages (queue, state, due_ms, sent_ms, first_ms, attempts, uuid, "
                   "fifo, attributes, error, body) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL "
                   "SELECT i + 1 FROM n WHERE i < ?1) SELECT ?2, 0, 1, 1, 0, 0, 'u', '', '{}', '', "
                   "zeroblob(20000) FROM n",
                   "ii", (int64_t)LONG_ROWS, (int64_t)queue_number(q));
}

static int remove_all(struct store_job *job, struct sql *db)
{
    (void)job;
    return sql_run(db, "DELETE FROM messages", "");
}

START_TEST(a_log_that_was_long_is_cut)
{
    submit(insert_long);
    ck_assert_int_gt(size_of("mayfly.db-wal"), LOG_BYTES);
    for (int i = 0; i < 3; i++) {
        (void)put("short", "", "");
        until_sent();
    }
    ck_assert_int_le(size_of("mayfly.db-wal"), LOG_BYTES);
}
END_TEST

START_TEST(nothing_is_in_the_log_when_it_is_closed)
{
    (void)put("body", "", "");
    until_sent();
    ck_assert_int_gt(size_of("mayfly.db-wal"), 0);
    store_close(store);
    ck_assert_int_le(size_of("mayfly.db-wal"), 0);
    (void)uv_run(&loop, UV_RUN_NOWAIT);
    open_queue();
    ck_assert_int_eq(rows(), 1);
}
END_TEST

START_TEST(what_was_removed_is_given_back_at_the_next_start)
{
    submit(insert_long);
    submit(remove_all);
    (void)put("stays", "", "");
    until_sent();
    open_again();
    ck_assert_int_lt(size_of("mayfly.db"), 1 << 20);
    ck_assert_int_eq(rows(), 1);
}
END_TEST

START_TEST(what_is_in_use_is_not_written_anew_at_each_start)
{
    submit(insert_long);
    submit(remove_all);
    submit(insert_long);
    open_again();
    ck_assert_int_gt(size_of("mayfly.db"), LONG_BYTES);
    ck_assert_int_eq(rows(), LONG_ROWS);
}
END_TEST

int main(void)
{
    TCase *tests;
    Suite *suite = queue_fixture_suite("store_size", &tests);
    tcase_add_test(tests, a_log_that_was_long_is_cut);
    tcase_add_test(tests, nothing_is_in_the_log_when_it_is_closed);
    tcase_add_test(tests, what_was_removed_is_given_back_at_the_next_start);
    tcase_add_test(tests, what_is_in_use_is_not_written_anew_at_each_start);
    return suite_run(suite);
}
