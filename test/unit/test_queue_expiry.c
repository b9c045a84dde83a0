/* Retention: what is too old is had by nobody, and removed in steps. So are what is done, and keys
 * of what was sent.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "queue_fixture.h"

/* More than are removed, and more than are looked at, at once. */
#define OLD_ROWS 5000

static uint64_t old_due_ms;
static const char *old_group;

static int insert_old(struct store_job *job, struct sql *db)
{
    (void)job;
    return sql_run(
        db,
        "INSERT INTO messages (queue, state, due_ms, sent_ms, first_ms, attempts, uuid, "
        "fifo, attributes, error, body) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL "
        "SELECT i + 1 FROM n WHERE i < ?1) SELECT ?2, 0, ?3, 1, 0, 0, 'u', ?4, '{}', '', "
        "x'00' FROM n",
        "iiis", (int64_t)OLD_ROWS, (int64_t)queue_number(q), (int64_t)old_due_ms, str_c(old_group));
}

static void put_behind_old(uint64_t due_ms, const char *group)
{
    old_due_ms = due_ms;
    old_group = group;
    submit(insert_old);
    (void)put("fresh", group, "");
    until_sent();
}

struct available {
    struct queue_waiter waiter;
    int calls;
};

static void on_available(struct queue_waiter *w)
{
    container_of(w, struct available, waiter)->calls++;
}

/* What can be had, after waiting for as long as that cannot be told. Says how often it waited. */
static int take_behind(char ret[64])
{
    struct taking t = { .taken = { .taken = was_taken } };
    struct available a = { .waiter.available = on_available };
    list_init(&a.waiter.link);
    queue_take(q, 10, clock_wall_ms() + 3600 * 1000, &t.taken);
    while (t.taken.is_behind) {
        queue_wait(q, &a.waiter);
        run_until(&a.calls, a.calls + 1);
        queue_take(q, 10, clock_wall_ms() + 3600 * 1000, &t.taken);
    }
    ck_assert_uint_eq(t.taken.count, 1);
    while (!t.is_over) {
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
    (void)snprintf(ret, 64, "%s", t.taken.messages[0].message.body.data);
    queue_taken_free(&t.taken);
    return a.calls;
}

START_TEST(what_is_too_old_is_had_by_nobody)
{
    char bodies[64];
    struct message_counts c;
    put_behind_old(1, "");
    queue_set_retention(q, 3600 * 1000);
    queue_count(q, &c);
    ck_assert_uint_eq(c.waiting, 1);
    take(10, bodies); /* at once */
    ck_assert_str_eq(bodies, "fresh");
    until_rows(1);
}
END_TEST

static void check_fresh_comes(void)
{
    char bodies[64];
    queue_set_retention(q, 3600 * 1000);
    ck_assert_int_gt(take_behind(bodies), 0);
    ck_assert_str_eq(bodies, "fresh");
    until_rows(1);
}

START_TEST(what_grew_too_old_while_it_was_hidden_is_had_by_nobody)
{
    put_behind_old(clock_wall_ms(), "");
    check_fresh_comes();
}
END_TEST

START_TEST(what_is_too_old_does_not_hold_up_its_group)
{
    queue_set_ordered(q, true);
    put_behind_old(clock_wall_ms() + 7200 * 1000, "a"); /* hidden */
    check_fresh_comes();
}
END_TEST

START_TEST(a_consumer_gets_nothing_that_is_too_old)
{
    put_behind_old(clock_wall_ms(), "");
    queue_set_retention(q, 3600 * 1000);
    consume(10, 1, false);
    run_until(&deliveries, 1);
    ck_assert_str_eq(seen, "fresh");
    until_rows(1); /* done */
}
END_TEST

#define DAY_MS ((uint64_t)24 * 3600 * 1000)

/* A message with a key which was sent so long ago, and looked back so far. */
struct keyed {
    struct store_job job;
    const char *key;
    uint64_t age_ms;
    uint64_t looks_ms; /* 0: to the start of time */
    int done;
    int result;
};

static int insert_keyed(struct store_job *job, struct sql *db)
{
    const struct keyed *k = container_of(job, struct keyed, job);
    uint64_t sent_ms = clock_wall_ms() - k->age_ms;
    const struct stored_message m = { .queue = queue_number(q),
                                      .uuid = STR("u"),
                                      .group = STR(""),
                                      .attributes = STR("{}"),
                                      .error = STR(""),
                                      .body = STR("body"),
                                      .sent_ms = sent_ms };
    uint64_t id;
    int r = store_messages_forget_dedup(db, clock_wall_ms(), 10);
    uint64_t since_ms = k->looks_ms > 0 ? sent_ms - k->looks_ms : 0;
    return r < 0 ? r : store_messages_insert(db, &m, str_c(k->key), since_ms, &id);
}

static void on_inserted(struct store_job *job, int r)
{
    struct keyed *k = container_of(job, struct keyed, job);
    k->result = r;
    k->done = 1;
}

/* Whether its key was known. */
static bool is_known(const char *key, uint64_t age_ms, uint64_t looks_ms)
{
    struct keyed k = { .job = { .run = insert_keyed, .done = on_inserted },
                       .key = key,
                       .age_ms = age_ms,
                       .looks_ms = looks_ms };
    store_submit(store, &k.job);
    run_until(&k.done, 1);
    ck_assert_int_ge(k.result, 0);
    return k.result == 1;
}

START_TEST(a_key_is_known_as_long_as_it_is_looked_for)
{
    (void)put("opens the queue", "", "");
    until_sent();
    ck_assert(!is_known("week", 6 * DAY_MS, 7 * DAY_MS));
    ck_assert(is_known("week", 0, 7 * DAY_MS));
    ck_assert(!is_known("older", 8 * DAY_MS, 7 * DAY_MS));
    ck_assert(!is_known("older", 0, 9 * DAY_MS)); /* forgotten: nobody looked back so far */
    ck_assert(!is_known("minutes", 600000, 300000));
    ck_assert(!is_known("minutes", 0, DAY_MS));
    ck_assert(!is_known("any", DAY_MS / 2, 0));
    ck_assert(is_known("any", 0, 0));
    ck_assert(!is_known("day", 2 * DAY_MS, 0));
    ck_assert(!is_known("day", 0, 0));
}
END_TEST

static int insert_done(struct store_job *job, struct sql *db)
{
    (void)job;
    return sql_run(db,
                   "INSERT INTO messages (queue, state, due_ms, sent_ms, first_ms, attempts, uuid, "
                   "fifo, attributes, error, body) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL "
                   "SELECT i + 1 FROM n WHERE i < ?1) SELECT ?2, ?3, 1, 1, 0, 0, 'u', '', '{}', "
                   "'', x'00' FROM n",
                   "iii", (int64_t)OLD_ROWS, (int64_t)queue_number(q), (int64_t)MESSAGE_DONE);
}

static int insert_keys(struct store_job *job, struct sql *db)
{
    (void)job;
    return sql_run(
        db,
        "INSERT INTO dedup (queue, key, message, sent_ms) WITH RECURSIVE n (i) AS "
        "(SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) SELECT ?2, i, i, 1 FROM n",
        "ii", (int64_t)OLD_ROWS, (int64_t)queue_number(q));
}

/* However much there is, and without a wait between. */
START_TEST(what_is_long_done_is_forgotten)
{
    submit(insert_done);
    open_again();
    until_rows(0);
}
END_TEST

START_TEST(keys_are_forgotten_when_nothing_is_done)
{
    submit(insert_keys);
    open_again();
    until_rows(0);
}
END_TEST

int main(void)
{
    TCase *tests;
    Suite *suite = queue_fixture_suite("queue_expiry", &tests);
    tcase_add_test(tests, what_is_too_old_is_had_by_nobody);
    tcase_add_test(tests, what_grew_too_old_while_it_was_hidden_is_had_by_nobody);
    tcase_add_test(tests, what_is_too_old_does_not_hold_up_its_group);
    tcase_add_test(tests, a_consumer_gets_nothing_that_is_too_old);
    tcase_add_test(tests, a_key_is_known_as_long_as_it_is_looked_for);
    tcase_add_test(tests, what_is_long_done_is_forgotten);
    tcase_add_test(tests, keys_are_forgotten_when_nothing_is_done);
    return suite_run(suite);
}
