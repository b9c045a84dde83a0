/* A checked fixture: the test fails if it leaves a descriptor open or a child behind. Memory is
 * LeakSanitizer's part, at the end of the test's process.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <dirent.h>
#include <errno.h>
#include <sys/wait.h>

#include "suite.h"

static int leaks_open_before;

static inline int leaks_count_open(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;
    ck_assert_ptr_nonnull(folder);
    while (readdir(folder)) {
        count++;
    }
    closedir(folder);
    return count;
}

static inline void leaks_setup(void)
{
    leaks_open_before = leaks_count_open();
}

static inline void leaks_teardown(void)
{
    ck_assert_int_eq(leaks_count_open(), leaks_open_before);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
}

/* A suite of one case with the fixture; add tests to `*ret_case`. */
static inline Suite *leaks_suite(const char *name, TCase **ret_case)
{
    return suite_make(name, leaks_setup, leaks_teardown, ret_case);
}
