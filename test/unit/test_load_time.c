/* How long a function may take to load.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/limits.h"
#include "suite.h"
#include "supervisor/load_time.h"

#define START_MS 5000

static struct pressure pressure; /* what the kernel would say of the machine */
static struct load_time load;

static void begin(void)
{
    pressure = (struct pressure){ .fd = -1, .waited_us = 7000000 };
    load_time_begin(&load, &pressure, START_MS);
}

static uint64_t left_ms(uint64_t after_ms, uint64_t waited_ms)
{
    pressure.waited_us = 7000000 + waited_ms * 1000;
    return load_time_left_ms(&load, START_MS + after_ms);
}

START_TEST(who_has_the_machine_alone_has_its_time_and_no_more)
{
    begin();
    ck_assert_uint_eq(left_ms(0, 0), LIMIT_LOAD_MS);
    ck_assert_uint_eq(left_ms(LIMIT_LOAD_MS - 1, 0), 1);
    ck_assert_uint_eq(left_ms(LIMIT_LOAD_MS, 0), 0);
}
END_TEST

START_TEST(time_in_which_processes_wait_for_processors_does_not_count)
{
    begin();
    ck_assert_uint_eq(left_ms(LIMIT_LOAD_MS, 20000), 20000);
    ck_assert_uint_eq(left_ms(LIMIT_LOAD_MS + 20000, 20000), 0);
}
END_TEST

START_TEST(but_it_is_not_endless)
{
    begin();
    ck_assert_uint_eq(left_ms(LIMIT_LOAD_BUSY_MS - 1, LIMIT_LOAD_BUSY_MS - 1), 1);
    ck_assert_uint_eq(left_ms(LIMIT_LOAD_BUSY_MS, LIMIT_LOAD_BUSY_MS), 0);
}
END_TEST

int main(void)
{
    TCase *tests;
    Suite *suite = suite_make("load time", NULL, NULL, &tests);
    tcase_add_test(tests, who_has_the_machine_alone_has_its_time_and_no_more);
    tcase_add_test(tests, time_in_which_processes_wait_for_processors_does_not_count);
    tcase_add_test(tests, but_it_is_not_endless);
    return suite_run(suite);
}
