/* Groups of FIFO queues: the first message of each is what counts, however many wait behind it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "queue_fixture.h"

#define BACKLOG 60000

/* BACKLOG messages in `backlog_groups` groups, the first of each hidden for an hour. */
static int64_t backlog_groups;

static int insert_backlog(struct store_job *job, struct sql *db)
{
    (void)job;
    uint64_t now = clock_wall_ms();
    return sql_run(
        db,
        "INSERT INTO messages (queue, state, due_ms, sent_ms, first_ms, attempts, uuid, "
        "fifo, attributes, error, body, behind) WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL "
        "SELECT i + 1 FROM n WHERE i < ?1 - 1) SELECT ?2, 0, iif(i < ?3, ?4, ?5), ?5, 0, 0, 'u', "
        "'failing' || (i % ?3), '{}', '', x'00', i >= ?3 FROM n",
        "iiiii", (int64_t)BACKLOG, (int64_t)queue_number(q), backlog_groups,
        (int64_t)now + 3600 * 1000, (int64_t)now);
}

static void check_others_come(int64_t groups)
{
    char bodies[64];
    queue_set_ordered(q, true);
    backlog_groups = groups;
    submit(insert_backlog);
    (void)put("a1", "a", "");
    (void)put("b1", "b", "");
    (void)put("a2", "a", "");
    until_sent();
    take(1, bodies);
    ck_assert_str_eq(bodies, "a1");
    take(10, bodies);
    ck_assert_str_eq(bodies, "b1");
}

START_TEST(a_long_backlog_of_one_group_holds_up_no_other)
{
    check_others_come(1);
}
END_TEST

START_TEST(the_backlogs_of_many_groups_hold_up_no_other)
{
    check_others_come(5000);
}
END_TEST

static const char *to_settle;
static enum message_fate settle_fate;

static int settle_first(struct store_job *job, struct sql *db)
{
    (void)job;
    const struct message_outcome o = { .id = (uint64_t)sql_number(
                                           db, 0, "SELECT id FROM messages WHERE body = ?", "b",
                                           str_c(to_settle)),
                                       .fate = settle_fate,
                                       .error = STR("") };
    return store_messages_settle(db, &o);
}

static void settle(const char *body, enum message_fate as)
{
    to_settle = body;
    settle_fate = as;
    submit(settle_first);
}

static int replay_all(struct store_job *job, struct sql *db)
{
    (void)job;
    uint64_t after = 0;
    return store_messages_replay_dead(db, queue_number(q), 1, 10, &after) == 1 ? 0 : -EINVAL;
}

START_TEST(when_the_first_of_a_group_ends_the_next_is_the_first)
{
    char bodies[64];
    queue_set_ordered(q, true);
    (void)put("a1", "a", "");
    (void)put("a2", "a", "");
    (void)put("a3", "a", "");
    (void)put("a4", "a", "");
    until_sent();
    settle("a1", FATE_DEAD);
    settle("a3", FATE_GONE); /* was not the first */
    take_for(1, 0, bodies);
    ck_assert_str_eq(bodies, "a2");
    submit(replay_all);
    take_for(10, 0, bodies); /* where it was */
    ck_assert_str_eq(bodies, "a1 a2 a4");
    settle("a1", FATE_GONE);
    settle("a2", FATE_DONE);
    take(1, bodies);
    ck_assert_str_eq(bodies, "a4");
    (void)put("a5", "a", "");
    until_sent();
    take(1, bodies);
    ck_assert_str_eq(bodies, "");
}
END_TEST

static int purge_some(struct store_job *job, struct sql *db)
{
    (void)job;
    return store_messages_purge(db, queue_number(q), MESSAGE_WAITING, INT64_MAX, 3) == 3 ? 0
                                                                                         : -EINVAL;
}

START_TEST(what_a_purge_leaves_of_a_group_is_handed_out)
{
    char bodies[64];
    queue_set_ordered(q, true);
    (void)put("a1", "a", "");
    (void)put("a2", "a", "");
    (void)put("b1", "b", "");
    (void)put("a3", "a", "");
    (void)put("b2", "b", "");
    (void)put("a4", "a", "");
    until_sent();
    submit(purge_some);
    take(1, bodies);
    ck_assert_str_eq(bodies, "a3");
    take(1, bodies);
    ck_assert_str_eq(bodies, "b2");
}
END_TEST

static int replay_first(struct store_job *job, struct sql *db)
{
    (void)job;
    uint64_t id = (uint64_t)sql_number(db, 0, "SELECT min(id) FROM messages WHERE state = 2", "");
    return store_messages_replay(db, queue_number(q), &id, 1, 1) == 1 ? 0 : -EINVAL;
}

START_TEST(one_that_is_replayed_is_where_it_was)
{
    char bodies[64];
    queue_set_ordered(q, true);
    (void)put("a1", "a", "");
    (void)put("a2", "a", "");
    (void)put("a3", "a", "");
    (void)put("b1", "b", "");
    until_sent();
    settle("a2", FATE_DEAD);
    submit(replay_first); /* behind a1 */
    settle("a1", FATE_DEAD);
    submit(replay_first); /* before a2 */
    take_for(1, 0, bodies);
    ck_assert_str_eq(bodies, "a1");
    settle("a1", FATE_GONE);
    take_for(10, 0, bodies);
    ck_assert_str_eq(bodies, "a2 a3 b1");
}
END_TEST

static int undo_migration(struct store_job *job, struct sql *db)
{
    (void)job;
    return sql_script(db, UNDO_GROUPS "PRAGMA user_version = 6;", NULL);
}

START_TEST(what_an_earlier_version_has_stored_is_in_order)
{
    char bodies[64];
    (void)put("a1", "a", "");
    (void)put("none", "", "");
    (void)put("a2", "a", "");
    (void)put("b1", "b", "");
    until_sent();
    submit(undo_migration);
    open_again();
    queue_set_ordered(q, true);
    take(1, bodies);
    ck_assert_str_eq(bodies, "a1");
    take(10, bodies);
    ck_assert_str_eq(bodies, "b1");
}
END_TEST

int main(void)
{
    TCase *tests;
    Suite *suite = queue_fixture_suite("queue_groups", &tests);
    tcase_add_test(tests, a_long_backlog_of_one_group_holds_up_no_other);
    tcase_add_test(tests, the_backlogs_of_many_groups_hold_up_no_other);
    tcase_add_test(tests, when_the_first_of_a_group_ends_the_next_is_the_first);
    tcase_add_test(tests, what_a_purge_leaves_of_a_group_is_handed_out);
    tcase_add_test(tests, one_that_is_replayed_is_where_it_was);
    tcase_add_test(tests, what_an_earlier_version_has_stored_is_in_order);
    return suite_run(suite);
}
