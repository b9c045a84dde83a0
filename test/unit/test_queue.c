/* Queues: what is handed out, when, and what becomes of it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "queue_fixture.h"

static struct message_counts counts(void)
{
    struct message_counts c;
    /* What was settled is written once all jobs before this one are. */
    (void)put("barrier", "", "");
    until_sent();
    store_messages_count(store, queue_number(q), 0, clock_wall_ms(), &c);
    return c;
}

START_TEST(batches_are_filled_in_the_order_of_arrival)
{
    (void)put("a", "", "");
    (void)put("b", "", "");
    (void)put("c", "", "");
    until_sent();
    consume(2, 1, false);
    run_until(&deliveries, 2);
    ck_assert_str_eq(seen, "a b|c");
    queue_consume(q, NULL, NULL, NULL);
    ck_assert_uint_eq(counts().done, 3);
}
END_TEST

START_TEST(a_message_comes_again_when_it_is_due)
{
    fate = FATE_AGAIN;
    fate_due_ms = clock_wall_ms();
    consume(1, 1, false);
    (void)put("a", "", "");
    until_sent();
    run_until(&deliveries, 2);
    fate = FATE_DONE;
    run_until(&deliveries, 3);
    ck_assert_str_eq(seen, "a|a|a");
}
END_TEST

START_TEST(others_wait_when_there_was_no_room_for_one)
{
    for (int i = 0; i < 10; i++) {
        (void)put("a", "", "");
    }
    until_sent();
    is_throttled = true;
    consume(1, 10, false);
    run_until(&deliveries, 1);
    ck_assert_uint_eq(counts().waiting, 10); /* and the barrier */
    ck_assert_str_eq(seen, "a");
    is_throttled = false;
    run_until(&deliveries, 11);
}
END_TEST

static uint64_t replayed_after;
static int replayed;

static int replay_two(struct store_job *job, struct sql *db)
{
    (void)job;
    replayed = store_messages_replay_dead(db, queue_number(q), clock_wall_ms(), 2, &replayed_after);
    return replayed < 0 ? replayed : 0;
}

static int nothing(struct store_job *job, struct sql *db)
{
    (void)job, (void)db;
    return 0;
}

/* Until so many have been given up, and that is written. */
static void until_dead(int count)
{
    run_until(&deliveries, count);
    submit(nothing);
}

START_TEST(dead_messages_are_replayed_in_steps_and_none_twice)
{
    fate = FATE_DEAD;
    consume(1, 1, false);
    (void)put("a", "", "");
    (void)put("b", "", "");
    (void)put("c", "", "");
    until_dead(3);
    submit(replay_two);
    ck_assert_int_eq(replayed, 2);
    queue_wake(q);
    until_dead(5);
    submit(replay_two);
    ck_assert_int_eq(replayed, 1);
    queue_wake(q);
    until_dead(6);
    submit(replay_two);
    ck_assert_int_eq(replayed, 0);
    ck_assert_str_eq(seen, "a|b|c|a|b|c");
}
END_TEST

START_TEST(a_dead_message_is_kept)
{
    fate = FATE_DEAD;
    consume(1, 1, false);
    (void)put("a", "", "");
    until_sent();
    run_until(&deliveries, 1);
    queue_consume(q, NULL, NULL, NULL);
    struct message_counts c = counts();
    ck_assert_uint_eq(c.dead, 1);
    ck_assert_uint_eq(c.waiting, 1); /* the barrier */
}
END_TEST

START_TEST(a_group_of_a_fifo_queue_is_in_one_pair_of_hands)
{
    (void)put("a1", "a", "");
    (void)put("b1", "b", "");
    (void)put("a2", "a", "");
    until_sent();
    consume(10, 10, true);
    run_until(&deliveries, 2);
    ck_assert_str_eq(seen, "a1 a2|b1");
}
END_TEST

START_TEST(what_failed_holds_up_its_group_only)
{
    fate = FATE_AGAIN;
    fate_due_ms = clock_wall_ms() + 3600 * 1000;
    (void)put("a1", "a", "");
    (void)put("a2", "a", "");
    (void)put("b1", "b", "");
    until_sent();
    consume(1, 10, true);
    run_until(&deliveries, 2);
    (void)counts(); /* what was settled is written */
    ck_assert_str_eq(seen, "a1|b1");
}
END_TEST

START_TEST(the_same_key_is_kept_once)
{
    struct queue_send *first = put("a", "", "key");
    struct queue_send *second = put("b", "", "key");
    until_sent();
    ck_assert(!first->is_duplicate);
    ck_assert(second->is_duplicate);
    ck_assert_uint_eq(first->message.id, second->message.id);
}
END_TEST

START_TEST(what_was_taken_is_not_handed_out_again_before_its_time)
{
    char bodies[64];
    (void)put("a", "", "");
    (void)put("b", "", "");
    until_sent();
    take(1, bodies);
    ck_assert_str_eq(bodies, "a");
    take(10, bodies);
    ck_assert_str_eq(bodies, "b");
    take(10, bodies);
    ck_assert_str_eq(bodies, "");
    struct message_counts c = counts();
    ck_assert_uint_eq(c.hidden, 2);
}
END_TEST

START_TEST(what_is_taken_comes_group_by_group)
{
    char bodies[64];
    queue_set_ordered(q, true);
    (void)put("a1", "a", "");
    (void)put("b1", "b", "");
    (void)put("a2", "a", "");
    (void)put("c1", "c", "");
    (void)put("b2", "b", "");
    until_sent();
    take(1, bodies);
    ck_assert_str_eq(bodies, "a1");
    take(3, bodies); /* not a2: its group waits for a1 */
    ck_assert_str_eq(bodies, "b1 b2 c1");
    take(10, bodies);
    ck_assert_str_eq(bodies, "");
}
END_TEST

START_TEST(a_group_whose_message_came_back_is_behind_the_others)
{
    char bodies[64];
    queue_set_ordered(q, true);
    (void)put("a1", "a", "");
    (void)put("b1", "b", "");
    (void)put("a2", "a", "");
    (void)put("c1", "c", "");
    until_sent();
    for (uint64_t sent_ms = clock_wall_ms(); clock_wall_ms() == sent_ms;) {
        /* it comes back later than the others came */
    }
    take_for(1, 0, bodies); /* it is to be had again at once */
    ck_assert_str_eq(bodies, "a1");
    take_for(1, 0, bodies);
    ck_assert_str_eq(bodies, "b1");
    take_for(1, 0, bodies);
    ck_assert_str_eq(bodies, "c1");
    take(10, bodies); /* as they came back, and a group in its own order */
    ck_assert_str_eq(bodies, "a1 a2 b1 c1");
}
END_TEST

START_TEST(who_takes_is_told_that_it_cannot_be_written)
{
    struct taking t = { .taken = { .taken = was_taken } };
    struct rlimit limit;
    char bodies[64];
    (void)put("a", "", "");
    until_sent();
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    (void)signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 1, limit.rlim_max }), 0);
    queue_take(q, 1, clock_wall_ms() + 3600 * 1000, &t.taken);
    while (!t.is_over) {
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
    ck_assert_int_lt(t.taken.result, 0);
    queue_taken_free(&t.taken);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    take(1, bodies);
    ck_assert_str_eq(bodies, "a");
}
END_TEST

START_TEST(messages_outlive_the_process)
{
    (void)put("a", "", "");
    until_sent();
    open_again();
    consume(1, 1, false);
    run_until(&deliveries, 1);
    ck_assert_str_eq(seen, "a");
}
END_TEST

START_TEST(what_a_queue_holds_is_known_directly_after_a_start)
{
    char bodies[64];
    struct message_counts c;
    (void)put("a", "", "");
    until_sent();
    open_again(); /* and the loop has not run */
    queue_count(q, &c);
    ck_assert_uint_eq(c.waiting, 1);
    take(1, bodies);
    ck_assert_str_eq(bodies, "a");
}
END_TEST

START_TEST(a_queue_of_the_name_of_one_that_was_dropped_is_empty)
{
    char bodies[64];
    (void)put("a", "", "");
    until_sent();
    open_again();
    queue_drop(q);
    q = queue_open(queues, STR("test:q"));
    ck_assert_uint_eq(queue_number(q), 0);
    (void)put("b", "", "");
    until_sent();
    take(10, bodies);
    ck_assert_str_eq(bodies, "b");
}
END_TEST

int main(void)
{
    TCase *tests;
    Suite *suite = queue_fixture_suite("queue", &tests);
    tcase_add_test(tests, batches_are_filled_in_the_order_of_arrival);
    tcase_add_test(tests, a_message_comes_again_when_it_is_due);
    tcase_add_test(tests, others_wait_when_there_was_no_room_for_one);
    tcase_add_test(tests, dead_messages_are_replayed_in_steps_and_none_twice);
    tcase_add_test(tests, a_dead_message_is_kept);
    tcase_add_test(tests, a_group_of_a_fifo_queue_is_in_one_pair_of_hands);
    tcase_add_test(tests, what_failed_holds_up_its_group_only);
    tcase_add_test(tests, the_same_key_is_kept_once);
    tcase_add_test(tests, what_was_taken_is_not_handed_out_again_before_its_time);
    tcase_add_test(tests, what_is_taken_comes_group_by_group);
    tcase_add_test(tests, a_group_whose_message_came_back_is_behind_the_others);
    tcase_add_test(tests, who_takes_is_told_that_it_cannot_be_written);
    tcase_add_test(tests, messages_outlive_the_process);
    tcase_add_test(tests, what_a_queue_holds_is_known_directly_after_a_start);
    tcase_add_test(tests, a_queue_of_the_name_of_one_that_was_dropped_is_empty);
    return suite_run(suite);
}
