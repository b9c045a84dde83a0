/* The store's jobs, what it does with many messages (dropped, purged, listed, counted), and
 * answers.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "control/events/queue/message_batch.h"
#include "queue_fixture.h"
#include "store/store_answers.h"

/* ---- jobs ---- */

struct job {
    struct store_job job;
    int fail;
    int result;
    int done;
};

static int run_job(struct store_job *job, struct sql *db)
{
    uint64_t number;
    char name[32];
    (void)snprintf(name, sizeof(name), "job-%p", (void *)job);
    int r = store_messages_queue(db, str_c(name), &number);
    return r < 0 ? r : container_of(job, struct job, job)->fail;
}

static void job_done(struct store_job *job, int r)
{
    struct job *j = container_of(job, struct job, job);
    j->result = r;
    j->done = 1;
}

static void count_jobs(uint64_t number, struct str name, void *context)
{
    (void)number;
    *(int *)context += str_starts(name, STR("job-"));
}

START_TEST(a_job_that_fails_undoes_nothing_of_the_others)
{
    struct job jobs[3] = { { .fail = 0 }, { .fail = -EINVAL }, { .fail = 0 } };
    int found = 0;
    for (size_t i = 0; i < ARRAY_COUNT(jobs); i++) {
        jobs[i].job = (struct store_job){ .run = run_job, .done = job_done };
        store_submit(store, &jobs[i].job);
    }
    for (size_t i = 0; i < ARRAY_COUNT(jobs); i++) {
        run_until(&jobs[i].done, 1);
        ck_assert_int_eq(jobs[i].result, jobs[i].fail);
    }
    store_messages_queues(store, count_jobs, &found);
    ck_assert_int_eq(found, 2);
}
END_TEST

/* Holds up its group until there is another job, and sees all of them in the store when it is done.
 */
struct waiting_job {
    struct job first;
    atomic_bool may_go_on;
    int found;
};

static int run_waiting(struct store_job *job, struct sql *db)
{
    struct waiting_job *w = container_of(job, struct waiting_job, first.job);
    while (!atomic_load(&w->may_go_on)) {
        (void)sched_yield();
    }
    return run_job(job, db);
}

static void waiting_done(struct store_job *job, int r)
{
    job_done(job, r);
    store_messages_queues(store, count_jobs,
                          &container_of(job, struct waiting_job, first.job)->found);
}

START_TEST(what_is_submitted_while_a_group_runs_is_written_with_it)
{
    struct waiting_job w = { .first.job = { .run = run_waiting, .done = waiting_done } };
    struct job jobs[3] = { { .fail = 0 }, { .fail = -EINVAL }, { .fail = 0 } };
    store_submit(store, &w.first.job);
    for (size_t i = 0; i < ARRAY_COUNT(jobs); i++) {
        jobs[i].job = (struct store_job){ .run = run_job, .done = job_done };
        store_submit(store, &jobs[i].job);
    }
    atomic_store(&w.may_go_on, true);
    run_until(&w.first.done, 1);
    ck_assert_int_eq(w.found, 3);
    for (size_t i = 0; i < ARRAY_COUNT(jobs); i++) {
        run_until(&jobs[i].done, 1);
        ck_assert_int_eq(jobs[i].result, jobs[i].fail);
    }
}
END_TEST

/* ---- the messages of queues ---- */

static bool note_body(const struct stored_message *m, void *context)
{
    (void)snprintf(context, 16, STR_FMT, STR_ARG(m->body));
    return true;
}

START_TEST(a_queue_that_is_dropped_is_another_ones_no_more)
{
    char bodies[64], found[16] = "";
    struct queue_send *old = put("old", "", "key");
    (void)put("older", "", "");
    until_sent();
    take(1, bodies);
    struct message_filter any = { .state = -1 };
    queue_drop(q);
    queue_take(q, 10, clock_wall_ms(), &(struct queue_taken){ .taken = was_taken });
    q = queue_open(queues, STR("test:q"));
    struct queue_send *new = put("new", "", "key");
    until_sent();
    ck_assert(!new->is_duplicate);
    take(10, bodies);
    ck_assert_str_eq(bodies, "new");
    ck_assert(!store_messages_find(store, old->message.id, note_body, found));
    ck_assert(!store_messages_list(store, &any, UINT32_MAX, note_body, found));
    ck_assert_str_eq(found, "new");
    until_rows(2); /* the new one and its key */
}
END_TEST

#define PURGED 3000 /* more than a step of the removal */

static int insert_many(struct store_job *job, struct sql *db)
{
    static int next_key;
    int r = 0;
    (void)job;
    for (int i = 0; i < PURGED && r == 0; i++) {
        const struct stored_message m = { .queue = queue_number(q),
                                          .state = (enum message_state)(i % 3),
                                          .uuid = STR("u"),
                                          .group = STR(""),
                                          .attributes = STR("{}"),
                                          .error = STR(""),
                                          .body = STR("old") };
        uint64_t id;
        char key[16];
        (void)snprintf(key, sizeof(key), "%d", next_key++);
        r = store_messages_insert(db, &m, str_c(key), 0, &id);
    }
    return r;
}

static int purges;

static void on_purged(struct queue_purge *p, int r)
{
    (void)p;
    ck_assert_int_eq(r, 0);
    purges++;
}

START_TEST(a_purge_drops_what_was_sent_before_it)
{
    char bodies[64];
    struct queue_purge purge = { .queue = q, .purged = on_purged };
    (void)put("before", "", "key");
    until_sent();
    submit(insert_many);
    (void)put("just before", "", "");
    queue_purge(&purge);
    struct queue_send *new = put("after", "", "key"); /* the purge is not durable yet */
    take(10, bodies);
    ck_assert_str_eq(bodies, "");
    until_sent();
    run_until(&purges, 1);
    ck_assert(!new->is_duplicate);
    take(10, bodies);
    ck_assert_str_eq(bodies, "after");
    until_rows(2);
}
END_TEST

struct listed {
    int count;
    uint64_t last; /* id */
    char bodies[64];
};

/* Newest first. */
static bool note_listed(const struct stored_message *m, void *context)
{
    struct listed *l = context;
    size_t len = strlen(l->bodies);
    ck_assert(l->count == 0 || m->id < l->last);
    l->count++;
    l->last = m->id;
    if (len + m->body.len + 2 < sizeof(l->bodies)) {
        (void)snprintf(l->bodies + len, sizeof(l->bodies) - len, "%s" STR_FMT, len ? " " : "",
                       STR_ARG(m->body));
    }
    return true;
}

/* How many are listed in how many steps. */
static int list_all(struct message_filter filter, int *ret_steps)
{
    struct listed l = { 0 };
    *ret_steps = 1;
    while (store_messages_list(store, &filter, PURGED / 3, note_listed, &l)) {
        (*ret_steps)++;
    }
    return l.count;
}

START_TEST(a_short_queue_is_listed_without_the_long_one_behind_it)
{
    struct listed l = { 0 };
    struct queue *other = queue_open(queues, STR("test:other"));
    (void)put("a", "", "");
    (void)put("b", "g", "");
    until_sent();
    submit(insert_many);
    struct queue *longer = q;
    q = other;
    (void)put("c", "", "");
    (void)put("d", "", "");
    until_sent();
    q = longer;
    submit(insert_many);
    struct message_filter filter = { .queue = queue_number(other), .state = -1 };
    ck_assert(!store_messages_list(store, &filter, 10, note_listed, &l));
    ck_assert_str_eq(l.bodies, "d c");
    filter.before_id = l.last + 1;
    l = (struct listed){ 0 };
    ck_assert(!store_messages_list(store, &filter, 10, note_listed, &l));
    ck_assert_str_eq(l.bodies, "c");
}
END_TEST

START_TEST(a_long_list_comes_in_steps)
{
    int steps;
    submit(insert_many);
    uint64_t queue = queue_number(q);
    for (int state = MESSAGE_WAITING; state <= MESSAGE_DEAD; state++) {
        /* A third is no more than a step looks at: it is looked at alone. */
        ck_assert_int_eq(
            list_all((struct message_filter){ .queue = queue, .state = state }, &steps),
            PURGED / 3);
        ck_assert_int_eq(steps, 1);
        ck_assert_int_eq(list_all((struct message_filter){ .state = state }, &steps), PURGED / 3);
        ck_assert_int_ge(steps, 3);
    }
    ck_assert_int_eq(list_all((struct message_filter){ .queue = queue, .state = -1 }, &steps),
                     PURGED);
    ck_assert_int_ge(steps, 3);
    ck_assert_int_eq(
        list_all((struct message_filter){ .state = -1, .since_ms = clock_wall_ms() }, &steps), 0);
}
END_TEST

#define LONG_ROWS 12000 /* more than are counted at once */

static int insert_long(struct store_job *job, struct sql *db)
{
    (void)job;
    return sql_run(
        db,
        "INSERT INTO messages (queue, state, due_ms, sent_ms, first_ms, attempts, uuid, fifo, "
        "attributes, error, body) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
        "WHERE i < ?1) SELECT ?2, 0, CASE WHEN i > 3 THEN 1 ELSE ?3 END, 1, 0, i = 1, 'u', '', "
        "'{}', '', x'00' FROM n",
        "iii", (int64_t)LONG_ROWS, (int64_t)queue_number(q),
        (int64_t)clock_wall_ms() + 3600 * 1000);
}

START_TEST(a_long_queue_is_counted_in_steps)
{
    struct message_counts c;
    (void)put("a", "", "");
    until_sent();
    queue_count(q, &c);
    ck_assert_uint_eq(c.waiting, 1);
    submit(insert_long);
    queue_count(q, &c);
    ck_assert_uint_eq(c.waiting, LONG_ROWS + 1);
    ck_assert_uint_eq(c.hidden, 1);
    ck_assert_uint_eq(c.delayed, 2);
    submit(insert_long);
    while (c.waiting == LONG_ROWS + 1) { /* as it was before */
        (void)uv_run(&loop, UV_RUN_NOWAIT);
        queue_count(q, &c);
    }
    ck_assert_uint_eq(c.waiting, 2 * LONG_ROWS + 1);
    ck_assert_uint_eq(c.hidden, 2);
    ck_assert_uint_eq(c.delayed, 4);
}
END_TEST

static int drop_only(struct store_job *job, struct sql *db)
{
    (void)job;
    return store_messages_drop_queue(db, STR("test:q"));
}

START_TEST(what_a_dropped_queue_has_left_goes_after_a_crash)
{
    char bodies[64];
    (void)put("old", "", "");
    until_sent();
    submit(insert_many);
    submit(drop_only);
    open_again();
    (void)put("new", "", "");
    until_sent();
    take(10, bodies);
    ck_assert_str_eq(bodies, "new");
    until_rows(1);
    while (sql_number(store_reader(store), -1, "SELECT count(*) FROM queues", "") != 1) {
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
}
END_TEST

/* ---- what is kept ---- */

static void batch_written(int r, void *context)
{
    ck_assert_int_eq(r, 0);
    ++*(int *)context;
}

static void keep(const char *body, const char *dedup, uint64_t due_ms)
{
    int written = 0;
    struct message_batch *batch = message_batch_create(queues);
    message_batch_add(batch, &(struct batch_message){ .queue = str_c(queue_name(q)),
                                                      .body = str_c(body),
                                                      .dedup = str_c(dedup),
                                                      .due_ms = due_ms,
                                                      .is_kept = true });
    message_batch_submit(batch, batch_written, &written);
    run_until(&written, 1);
}

static void check_kept(uint64_t count, uint64_t bytes)
{
    struct store_backlog kept;
    store_messages_kept(store, queue_number(q), &kept);
    ck_assert_uint_eq(kept.count, count);
    ck_assert_uint_eq(kept.bytes, bytes);
}

static int purge_one(struct store_job *job, struct sql *db)
{
    (void)job;
    return store_messages_purge(db, queue_number(q), -1, INT64_MAX, 1) == 1 ? 0 : -EIO;
}

START_TEST(what_is_kept_is_known_without_counting)
{
    keep("four", "", 3);
    keep("seven..", "key", 1);
    keep("again", "key", 2); /* it is there already */
    check_kept(2, 11);
    submit(purge_one);
    check_kept(1, 4);
    open_again();
    (void)put("x", "", "");
    until_sent(); /* its number is known */
    check_kept(1, 4);
    queue_drop(q);
    q = queue_open(queues, STR("test:q"));
    until_rows(0);
    while (sql_number(store_reader(store), -1, "SELECT count(*) FROM kept", "") != 0) {
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
    keep("z", "", 1);
    check_kept(1, 1);
}
END_TEST

/* As a Mayfly left it that knew nothing of this. */
static int make_older(struct store_job *job, struct sql *db)
{
    (void)job;
    return sql_run(db, "UPDATE queues SET name = 'archive:a' WHERE name = 'test:q'", "");
}

START_TEST(what_was_kept_before_is_counted_once)
{
    char file[64];
    struct sql *db;
    struct err err = { 0 };
    keep("four", "", 1);
    keep("five.", "", 2);
    submit(make_older);
    store_close(store);
    (void)uv_run(&loop, UV_RUN_NOWAIT);
    (void)snprintf(file, sizeof(file), "%s/mayfly.db", folder);
    ck_assert_int_eq(sql_open(file, SQL_WRITER, &db, &err), 0);
    ck_assert_int_eq(sql_script(db,
                                UNDO_GROUPS
                                "DROP TABLE kept; ALTER TABLE uploads DROP COLUMN had_object; "
                                "PRAGMA user_version = 4;",
                                NULL),
                     0);
    sql_close(db);
    ck_assert_msg(store_open(&loop, folder, &store, &err) == 0, "%s", err.text);
    queues = queues_create(&loop, store);
    q = queue_open(queues, STR("archive:a"));
    keep("x", "", 3);
    check_kept(3, 10);
}
END_TEST

/* ---- answers ---- */

static uint64_t answers_now_ms;
static uint64_t answers_put;

static int put_answer(struct store_job *job, struct sql *db)
{
    char key[24];
    (void)job;
    const struct stored_answer answer = {
        .status = 200, .headers = STR(""), .body = STR("done"), .until_ms = answers_now_ms + 1000
    };
    (void)snprintf(key, sizeof(key), "%" PRIu64, answers_put++);
    return store_answers_put(db, STR("route"), str_c(key), &answer, answers_now_ms);
}

static void note_answer(const struct stored_answer *answer, void *context)
{
    ck_assert(str_eq(answer->body, STR("done")));
    *(bool *)context = true;
}

static bool has_answer(const char *key, uint64_t now_ms)
{
    bool noted = false;
    bool found = store_answers_find(store, STR("route"), str_c(key), now_ms, note_answer, &noted);
    ck_assert_int_eq(found, noted);
    return found;
}

START_TEST(answers_that_count_no_more_do_not_add_up)
{
    const char *count = "SELECT count(*) FROM answers";
    for (answers_now_ms = 1000; answers_now_ms < 50000; answers_now_ms += 500) {
        submit(put_answer);
    }
    ck_assert(has_answer("97", 50000)); /* the last counts until 50500 */
    ck_assert(!has_answer("97", 50501));
    ck_assert(!has_answer("0", 50000));
    ck_assert_int_le(sql_number(store_reader(store), -1, count, ""), 4);
}
END_TEST

int main(void)
{
    TCase *tests;
    Suite *suite = queue_fixture_suite("store", &tests);
    tcase_add_test(tests, a_job_that_fails_undoes_nothing_of_the_others);
    tcase_add_test(tests, what_is_submitted_while_a_group_runs_is_written_with_it);
    tcase_add_test(tests, a_queue_that_is_dropped_is_another_ones_no_more);
    tcase_add_test(tests, a_purge_drops_what_was_sent_before_it);
    tcase_add_test(tests, a_short_queue_is_listed_without_the_long_one_behind_it);
    tcase_add_test(tests, a_long_list_comes_in_steps);
    tcase_add_test(tests, a_long_queue_is_counted_in_steps);
    tcase_add_test(tests, what_a_dropped_queue_has_left_goes_after_a_crash);
    tcase_add_test(tests, what_is_kept_is_known_without_counting);
    tcase_add_test(tests, what_was_kept_before_is_counted_once);
    tcase_add_test(tests, answers_that_count_no_more_do_not_add_up);
    return suite_run(suite);
}
