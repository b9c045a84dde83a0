/* How much of messages is in consumers' hands at a time.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <sys/resource.h>

#include "base/limits.h"
#include "control/events/queue/message_batch.h"
#include "queue_fixture.h"

#define BODY_BYTES (4 * MIB)
#define ROWS       48
#define FIT        ((int)(LIMIT_IN_HANDS_BYTES / BODY_BYTES))

static struct delivery *in_hands[ROWS];
static int given, given_other;

static int insert_large(struct store_job *job, struct sql *db)
{
    (void)job;
    return sql_run(db,
                   "INSERT INTO messages (queue, state, due_ms, sent_ms, first_ms, attempts, uuid, "
                   "fifo, attributes, error, body) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL "
                   "SELECT i + 1 FROM n WHERE i < ?1) SELECT ?2, 0, 1, 1, 0, 0, 'u', '', '{}', '', "
                   "zeroblob(?3) FROM n",
                   "iii", (int64_t)ROWS, (int64_t)queue_number(q), (int64_t)BODY_BYTES);
}

static void keep_in_hands(struct queue *queue, struct delivery *d, void *context)
{
    (void)queue;
    (void)context;
    in_hands[given++] = d;
}

static void count_other(struct queue *queue, struct delivery *d, void *context)
{
    (void)queue;
    (void)context;
    given_other++;
    queue_delivered(d);
}

/* Whatever can happen now has. */
static void let_run(void)
{
    (void)uv_run(&loop, UV_RUN_NOWAIT);
    (void)uv_run(&loop, UV_RUN_NOWAIT);
}

START_TEST(large_messages_wait_while_consumers_have_so_many)
{
    static const struct queue_consumer keeps = { .name = "keeps", .deliver = keep_in_hands };
    static const struct queue_consumer counts = { .name = "counts", .deliver = count_other };
    const struct queue_policy policy = { .batch_size = 1, .concurrency = ROWS };
    submit(insert_large);
    queue_consume(q, &keeps, &policy, NULL);
    run_until(&given, FIT);
    let_run();
    ck_assert_int_eq(given, FIT);

    struct queue *other = queue_open(queues, STR("test:other"));
    struct queue *first = q;
    queue_consume(other, &counts, &policy, NULL);
    q = other;
    (void)put("small", "", "");
    run_until(&given_other, 1); /* who has nothing is held up by nobody */

    q = first;
    for (int i = 0; i < ROWS; i++) {
        run_until(&given, i + 1);
        ck_assert_int_le(given, FIT + i);
        queue_delivered(in_hands[i]);
    }
}
END_TEST

static long peak_kb(void)
{
    struct rusage usage;
    ck_assert_int_eq(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_maxrss;
}

static void add_to(struct message_batch *batch, struct str body)
{
    const struct batch_message m = { .queue = STR("test:q"), .body = body };
    message_batch_add(batch, &m);
}

START_TEST(a_text_for_a_thousand_targets_is_kept_once)
{
    static char text[MIB];
    struct message_batch *batch = message_batch_create(queues);
    long before_kb = peak_kb();
    memset(text, 'x', sizeof(text));
    for (int i = 0; i < 1000; i++) {
        add_to(batch, str_of(text, sizeof(text)));
    }
    ck_assert_int_lt(peak_kb() - before_kb, 256 * 1024); /* a sanitizer keeps what was freed */
    message_batch_destroy(batch);
}
END_TEST

static void on_written(int r, void *context)
{
    ck_assert_int_eq(r, 0);
    *(int *)context = 1;
}

START_TEST(messages_of_a_batch_have_their_own_texts)
{
    int written = 0;
    struct message_batch *batch = message_batch_create(queues);
    for (const char *c = "aabba"; *c; c++) {
        add_to(batch, str_of(c, 1));
    }
    message_batch_submit(batch, on_written, &written);
    run_until(&written, 1);
    consume(9, 1, false);
    run_until(&deliveries, 1);
    ck_assert_str_eq(seen, "a a b b a");
}
END_TEST

int main(void)
{
    TCase *tests;
    Suite *suite = queue_fixture_suite("queue_memory", &tests);
    tcase_add_test(tests, large_messages_wait_while_consumers_have_so_many);
    tcase_add_test(tests, a_text_for_a_thousand_targets_is_kept_once);
    tcase_add_test(tests, messages_of_a_batch_have_their_own_texts);
    return suite_run(suite);
}
