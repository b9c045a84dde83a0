/* A unit test's program: a suite of one case with a fixture, and its run.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <check.h>
#include <stdio.h>
#include <unistd.h>
#include <uv.h>

#define SUITE_TIMEOUT_S 60 /* sanitizers on a busy machine */

/* Add tests to `*ret_case`. The fixture may be NULL. */
static inline Suite *suite_make(const char *name, SFun setup, SFun teardown, TCase **ret_case)
{
    Suite *suite = suite_create(name);
    *ret_case = tcase_create(name);
    tcase_add_checked_fixture(*ret_case, setup, teardown);
    tcase_set_timeout(*ret_case, SUITE_TIMEOUT_S);
    suite_add_tcase(suite, *ret_case);
    return suite;
}

/* For one that runs as root and again as somebody else. */
static inline Suite *suite_make_for_user(const char *what, TCase **ret_case)
{
    static char name[64]; /* Check keeps the pointer */
    const char *user = geteuid() == 0 ? "root" : "an ordinary user";
    (void)snprintf(name, sizeof(name), "%s, as %s", what, user);
    return suite_make(name, NULL, NULL, ret_case);
}

/* The program's exit status. */
static inline int suite_run(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}

/* libuv opens a pipe for signals with the first loop and never closes it: no leak of a test. */
static inline void suite_open_libuv(void)
{
    uv_loop_t loop;
    (void)uv_loop_init(&loop);
    (void)uv_loop_close(&loop);
}
