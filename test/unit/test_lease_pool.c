/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/pressure.h"
#include "gateway/gateway.h"
#include "gateway/lease.h"
#include "gateway/pool.h"
#include "leaks.h"

static const struct pool_limits one = { .concurrency = 1, .max_instances = 100, .idle_ms = 1000 };
static const struct pool_limits many = { .concurrency = 64, .max_instances = 100, .idle_ms = 1000 };

START_TEST(as_many_start_as_those_who_wait_need)
{
    struct pool_state state = { .processors = 64, .waiting = 10 };
    ck_assert_uint_eq(pool_starts_for_waiting(&one, &state), 10);
    ck_assert_uint_eq(pool_starts_for_waiting(&many, &state), 1);
    state.waiting = 65;
    ck_assert_uint_eq(pool_starts_for_waiting(&many, &state), 2);
    state.starting = 1;
    ck_assert_uint_eq(pool_starts_for_waiting(&many, &state), 1);
    state.starting = 2;
    ck_assert_uint_eq(pool_starts_for_waiting(&many, &state), 0);
}
END_TEST

START_TEST(never_more_than_allowed)
{
    struct pool_state state = { .processors = 64, .waiting = 500, .instances = 95 };
    ck_assert_uint_eq(pool_starts_for_waiting(&one, &state), 5);
    state.starting = 5;
    ck_assert_uint_eq(pool_starts_for_waiting(&one, &state), 0);
}
END_TEST

START_TEST(as_many_come_up_at_once_as_the_processors_have_use_for)
{
    struct pool_state state = { .processors = 4, .waiting = 500 };
    ck_assert_uint_eq(pool_starts_for_waiting(&one, &state), 8);
    state.starting = 3;
    ck_assert_uint_eq(pool_starts_for_waiting(&one, &state), 5);
    state.forking = state.instances = 5;
    ck_assert_uint_eq(pool_starts_for_waiting(&one, &state), 0);
    ck_assert_uint_eq(pool_starts_ahead(&one, &state), 0);
    state.forking = 4;
    ck_assert_uint_eq(pool_starts_for_waiting(&one, &state), 1);
}
END_TEST

START_TEST(a_function_in_use_has_one_spare)
{
    struct pool_state state = { .processors = 64, .instances = 3, .used_ms = 100, .now_ms = 200 };
    ck_assert_uint_eq(pool_starts_ahead(&one, &state), 1);
    state.unused = 1;
    ck_assert_uint_eq(pool_starts_ahead(&one, &state), 0);
    state.unused = 0;
    state.starting = 1;
    ck_assert_uint_eq(pool_starts_ahead(&one, &state), 0);
}
END_TEST

START_TEST(spares_follow_demand)
{
    struct pool_state state = {
        .processors = 64, .instances = 3, .used_ms = 100, .now_ms = 200, .start_rate = 40
    };
    ck_assert_uint_eq(pool_starts_ahead(&one, &state), 4);
    state.start_rate = 100000;
    ck_assert_uint_eq(pool_starts_ahead(&one, &state), POOL_SPARES_MAX);
}
END_TEST

START_TEST(a_function_that_is_not_used_has_none)
{
    struct pool_state never = { .processors = 64, .now_ms = 5000 };
    struct pool_state idle = { .processors = 64, .used_ms = 100, .now_ms = 5000 };
    ck_assert_uint_eq(pool_starts_ahead(&one, &never), 0);
    ck_assert_uint_eq(pool_starts_ahead(&one, &idle), 0);
}
END_TEST

START_TEST(a_function_that_does_not_start_has_no_spares_and_starts_for_who_waits)
{
    struct pool_state state = {
        .processors = 64, .waiting = 1, .used_ms = 100, .now_ms = 200, .start_failed = true
    };
    ck_assert_uint_eq(pool_starts_for_waiting(&one, &state), 1);
    ck_assert_uint_eq(pool_starts_ahead(&one, &state), 0);
    state.start_failed = false;
    ck_assert_uint_eq(pool_starts_ahead(&one, &state), 1);
}
END_TEST

START_TEST(min_instances_are_there_before_anybody_asks)
{
    struct pool_limits limits = one;
    struct pool_state state = { .processors = 64, .instances = 1, .unused = 1, .starting = 1 };
    limits.min_instances = 5;
    ck_assert_uint_eq(pool_starts_ahead(&limits, &state), 3);
}
END_TEST

START_TEST(idle_instances_go_but_for_the_spare_and_the_least)
{
    struct pool_limits limits = one;
    struct pool_state state = {
        .processors = 64, .instances = 10, .unused = 8, .used_ms = 100, .now_ms = 200
    };
    ck_assert_uint_eq(pool_stops(&limits, &state, 8), 7);
    ck_assert_uint_eq(pool_stops(&limits, &state, 2), 2);
    state.now_ms = 5000; /* not used for long: no spare either */
    ck_assert_uint_eq(pool_stops(&limits, &state, 8), 8);
    limits.min_instances = 6;
    ck_assert_uint_eq(pool_stops(&limits, &state, 8), 4);
}
END_TEST

START_TEST(the_kernel_is_understood_when_it_says_how_busy_the_machine_is)
{
    static const char said[] = "some avg10=99.55 avg60=99.58 avg300=97.81 total=23750366059\n"
                               "full avg10=0.00 avg60=0.00 avg300=0.00 total=7\n";
    static const char *const odd[] = { "", "some", "full avg10=0.00 total=7\n",
                                       "some avg10=0.00 total=x\n", "some avg10=0.00\ntotal=7\n" };
    ck_assert_uint_eq(pressure_parse(str_c(said)), 23750366059U);
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        ck_assert_uint_eq(pressure_parse(str_c(odd[i])), 0);
    }
}
END_TEST

/* Clients that have gone: nobody is to be answered. */
static void let_one_wait(struct gateway *g, struct function *f)
{
    struct request *rq = mem_new(struct request);
    *rq = (struct request){ .gateway = g, .function = f };
    list_init(&rq->waiting);
    list_init(&rq->awaiting_file);
    list_push(&g->requests, &rq->in_gateway);
    route_answer_init(&rq->route);
    f->reference_count++;
    f->request_count++;
    ck_assert_int_eq(lease_acquire(rq), 0);
}

START_TEST(an_old_function_that_does_not_start_ends_with_the_last_who_waits_for_it)
{
    static struct gateway g;
    struct function *f = function_create();
    list_init(&g.functions);
    list_init(&g.requests);
    g.spare_count = SIZE_MAX; /* none is kept for the next */
    list_push(&g.functions, &f->in_gateway);
    f->limits = one;
    let_one_wait(&g, f);
    let_one_wait(&g, f);
    f->retired = true;
    lease_not_started(f, STR("no memory"), false);
    ck_assert(list_is_empty(&g.functions));
    ck_assert(list_is_empty(&g.requests));
}
END_TEST

int main(void)
{
    TCase *tests;
    Suite *suite = leaks_suite("pool", &tests);
    tcase_add_test(tests, as_many_start_as_those_who_wait_need);
    tcase_add_test(tests, never_more_than_allowed);
    tcase_add_test(tests, as_many_come_up_at_once_as_the_processors_have_use_for);
    tcase_add_test(tests, a_function_in_use_has_one_spare);
    tcase_add_test(tests, spares_follow_demand);
    tcase_add_test(tests, a_function_that_is_not_used_has_none);
    tcase_add_test(tests, a_function_that_does_not_start_has_no_spares_and_starts_for_who_waits);
    tcase_add_test(tests, min_instances_are_there_before_anybody_asks);
    tcase_add_test(tests, idle_instances_go_but_for_the_spare_and_the_least);
    tcase_add_test(tests, the_kernel_is_understood_when_it_says_how_busy_the_machine_is);
    tcase_add_test(tests, an_old_function_that_does_not_start_ends_with_the_last_who_waits_for_it);
    return suite_run(suite);
}
