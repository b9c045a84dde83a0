/* A clock that was ahead and is put back, or was behind and is set forward.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "control/events/queue/queue_state.h"
#include "queue_fixture.h"

#define AHEAD_MS ((uint64_t)5 * 3600 * 1000)
#define DELAY_MS 3600000

/* As if all had been sent by a clock that is ahead, to wait for an hour. */
static int send_ahead(struct store_job *job, struct sql *db)
{
    (void)job;
    int r = sql_run(db, "UPDATE messages SET sent_ms = sent_ms + ?1, due_ms = due_ms + ?1 + ?2",
                    "ii", (int64_t)AHEAD_MS, (int64_t)DELAY_MS);
    return r < 0 ? r
                 : sql_run(db, "UPDATE dedup SET sent_ms = sent_ms + ?", "i", (int64_t)AHEAD_MS);
}

static int64_t number(const char *text)
{
    return sql_number(store_reader(store), -1, text, "");
}

/* Has the newest of what there is read. */
static void turn(void)
{
    (void)uv_run(&loop, UV_RUN_ONCE);
}

static void until_set_back(void)
{
    while (number("SELECT max(sent_ms) FROM messages") > (int64_t)clock_wall_ms()) {
        turn();
    }
}

static void check_waits_for_an_hour(void)
{
    uint64_t now = clock_wall_ms();
    int64_t due = number("SELECT due_ms FROM messages");
    ck_assert_int_gt(due, (int64_t)(now + DELAY_MS - 60000));
    ck_assert_int_le(due, (int64_t)(now + DELAY_MS));
}

START_TEST(what_was_sent_by_a_clock_that_was_ahead_waits_as_long_as_it_was_to)
{
    (void)put("a", "", "key");
    until_sent();
    submit(send_ahead);
    queues_clock_set(queues);
    until_set_back();
    check_waits_for_an_hour();
    ck_assert_int_le(number("SELECT sent_ms FROM dedup"), (int64_t)clock_wall_ms());
}
END_TEST

START_TEST(the_clock_may_have_been_put_back_while_nothing_ran)
{
    (void)put("a", "", "");
    until_sent();
    submit(send_ahead);
    open_again();
    until_set_back();
    check_waits_for_an_hour();
}
END_TEST

static int make_due(struct store_job *job, struct sql *db)
{
    (void)job;
    return sql_run(db, "UPDATE messages SET sent_ms = sent_ms + ?1, due_ms = due_ms + ?1", "i",
                   (int64_t)AHEAD_MS);
}

START_TEST(what_was_due_at_once_is_handed_out)
{
    (void)put("a", "", "");
    until_sent();
    submit(make_due);
    consume(1, 1, false);
    (void)uv_run(&loop, UV_RUN_NOWAIT);
    ck_assert_int_eq(deliveries, 0);
    queues_clock_set(queues);
    run_until(&deliveries, 1);
    ck_assert_str_eq(seen, "a");
}
END_TEST

static int delay(struct store_job *job, struct sql *db)
{
    (void)job;
    return sql_run(db, "UPDATE messages SET due_ms = due_ms + ?", "i", (int64_t)AHEAD_MS);
}

static int nothing(struct store_job *job, struct sql *db)
{
    (void)job;
    (void)db;
    return 0;
}

START_TEST(what_is_to_wait_long_does)
{
    (void)put("a", "", "");
    until_sent();
    submit(delay);
    int64_t due = number("SELECT due_ms FROM messages");
    queues_clock_set(queues);
    submit(nothing); /* is behind it */
    ck_assert_int_eq(number("SELECT due_ms FROM messages"), due);
}
END_TEST

/* As if all had been sent by a clock that is behind, and that is set now. */
static int send_behind(struct store_job *job, struct sql *db)
{
    (void)job;
    int r = sql_run(db, "UPDATE messages SET sent_ms = sent_ms - ?1, due_ms = due_ms - ?1", "i",
                    (int64_t)AHEAD_MS);
    r = r < 0 ? r : sql_run(db, "UPDATE dedup SET sent_ms = sent_ms - ?", "i", (int64_t)AHEAD_MS);
    return r < 0 ? r
                 : sql_run(db,
                           "INSERT INTO answers (route, key, until_ms, status, headers, body) "
                           "VALUES ('/', 'k', ?, 200, x'', x'')",
                           "i", (int64_t)(clock_wall_ms() - AHEAD_MS + 60000));
}

static void set_forward(void)
{
    queues->lead_ms -= (int64_t)AHEAD_MS;
    queues_clock_set(queues);
    submit(nothing); /* is behind it */
}

START_TEST(what_was_sent_by_a_clock_that_was_behind_is_no_older_when_it_is_set)
{
    queue_set_retention(q, AHEAD_MS / 2);
    (void)put("a", "", "key");
    until_sent();
    submit(send_behind);
    set_forward();
    queue_set_retention(q, AHEAD_MS / 2); /* now is a time to look for what is too old */
    submit(nothing);
    int64_t now = (int64_t)clock_wall_ms();
    ck_assert_int_gt(number("SELECT sent_ms FROM messages"), now - 60000);
    ck_assert_int_le(number("SELECT due_ms FROM messages"), now);
    ck_assert_int_gt(number("SELECT sent_ms FROM dedup"), now - 60000);
    ck_assert_int_gt(number("SELECT until_ms FROM answers"), now);
}
END_TEST

static int take_back(struct store_job *job, struct sql *db)
{
    (void)job;
    return sql_run(db, "UPDATE messages SET state = 2, due_ms = due_ms - ?1", "i",
                   (int64_t)AHEAD_MS);
}

START_TEST(what_is_over_stays_as_long_when_the_clock_is_set_forward)
{
    (void)put("a", "", "");
    until_sent();
    submit(take_back);
    set_forward();
    ck_assert_int_gt(number("SELECT due_ms FROM messages"), (int64_t)clock_wall_ms() - 60000);
}
END_TEST

/* As a machine that has slept finds it. */
START_TEST(what_is_old_is_old_when_the_clock_was_not_set)
{
    (void)put("a", "", "");
    until_sent();
    submit(send_behind);
    queues_clock_set(queues);
    submit(nothing);
    ck_assert_int_lt(number("SELECT sent_ms FROM messages"),
                     (int64_t)(clock_wall_ms() - AHEAD_MS + 60000));
}
END_TEST

int main(void)
{
    TCase *tests;
    Suite *suite = queue_fixture_suite("queue_clock", &tests);
    tcase_add_test(tests, what_was_sent_by_a_clock_that_was_ahead_waits_as_long_as_it_was_to);
    tcase_add_test(tests, the_clock_may_have_been_put_back_while_nothing_ran);
    tcase_add_test(tests, what_was_due_at_once_is_handed_out);
    tcase_add_test(tests, what_is_to_wait_long_does);
    tcase_add_test(tests, what_was_sent_by_a_clock_that_was_behind_is_no_older_when_it_is_set);
    tcase_add_test(tests, what_is_over_stays_as_long_when_the_clock_is_set_forward);
    tcase_add_test(tests, what_is_old_is_old_when_the_clock_was_not_set);
    return suite_run(suite);
}
