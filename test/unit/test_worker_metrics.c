/* What a Worker is told of its queue, and how often it is counted.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "control/events/workers/worker_metrics.h"
#include "queue_fixture.h"

static uint64_t count_of(struct worker_metrics *m, uint64_t max_age_ms)
{
    (void)uv_run(&loop, UV_RUN_NOWAIT); /* what is read is of one turn */
    worker_metrics_read(m, store, q, max_age_ms);
    return m->backlog.count;
}

START_TEST(a_long_queue_is_counted_less_often)
{
    struct worker_metrics m = { .read_ms = 0 };
    (void)put("a", "", "");
    until_sent();
    ck_assert_uint_eq(count_of(&m, 0), 1);
    (void)put("b", "", "");
    until_sent();
    ck_assert_uint_eq(count_of(&m, 60000), 1);
    ck_assert_uint_eq(count_of(&m, 0), 2); /* who asks is told what is */
    (void)put("c", "", "");
    until_sent();
    m.cost_ms = 1000; /* as of a million */
    ck_assert_uint_eq(count_of(&m, 0), 2);
    m.read_ms -= 60000;
    ck_assert_uint_eq(count_of(&m, 0), 3);
    ck_assert_uint_lt(m.cost_ms, 1000);
}
END_TEST

int main(void)
{
    TCase *tests;
    Suite *suite = suite_make("worker metrics", setup, teardown, &tests);
    tcase_add_test(tests, a_long_queue_is_counted_less_often);
    return suite_run(suite);
}
