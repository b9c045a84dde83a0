/* What this process costs, as the kernel counts it, while malloc gets and frees. Without
 * sanitizers: theirs is another malloc.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../../runtime/addon/instance_memory.h"
#include "base/limits.h"
#include "leaks.h"

/* Bodies, say: together less than what a busy instance keeps, each small enough to be kept. */
#define BLOCKS      32
#define BLOCK_BYTES MIB
#define LARGE_BYTES (32 * MIB)
/* What an idle one keeps, and what else the process needs by the way. */
#define SMALL_BYTES (12 * MIB)

static size_t resident_bytes(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fscanf(file, "%*u %lu", &pages), 1);
    (void)fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void *filled(size_t bytes)
{
    void *block = malloc(bytes);
    ck_assert_ptr_nonnull(block);
    memset(block, 1, bytes);
    return block;
}

static void use_memory(void)
{
    void *blocks[BLOCKS];
    size_t before = resident_bytes();
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = filled(BLOCK_BYTES);
    }
    ck_assert_uint_ge(resident_bytes(), before + BLOCKS * BLOCK_BYTES / 2);
    for (size_t i = 0; i < BLOCKS; i++) {
        free(blocks[i]);
    }
}

START_TEST(free_memory_stays_while_requests_come_and_goes_when_idle)
{
    struct instance_memory memory;
    size_t before = resident_bytes();
    instance_memory_open(&memory);
    for (int burst = 0; burst < 2; burst++) {
        instance_memory_use(&memory);
        use_memory();
        ck_assert_uint_ge(resident_bytes(), before + BLOCKS * BLOCK_BYTES / 2);
        instance_memory_idle(&memory);
        ck_assert_uint_le(resident_bytes(), before + SMALL_BYTES);
    }
}
END_TEST

START_TEST(free_memory_below_what_is_in_use_goes_too)
{
    struct instance_memory memory;
    size_t before = resident_bytes();
    instance_memory_open(&memory);
    instance_memory_use(&memory);
    void *blocks[BLOCKS];
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = filled(BLOCK_BYTES);
    }
    void *above = filled(BLOCK_BYTES);
    for (size_t i = 0; i < BLOCKS; i++) {
        free(blocks[i]);
    }
    instance_memory_idle(&memory);
    ck_assert_uint_le(resident_bytes(), before + SMALL_BYTES);
    free(above);
}
END_TEST

START_TEST(without_requests_it_goes_at_once)
{
    struct instance_memory memory;
    size_t before = resident_bytes();
    instance_memory_open(&memory);
    use_memory();
    ck_assert_uint_le(resident_bytes(), before + SMALL_BYTES);
}
END_TEST

START_TEST(a_large_block_goes_at_once_even_while_requests_come)
{
    struct instance_memory memory;
    size_t before = resident_bytes();
    instance_memory_open(&memory);
    instance_memory_use(&memory);
    void *block = filled(LARGE_BYTES);
    ck_assert_uint_ge(resident_bytes(), before + LARGE_BYTES);
    free(block);
    ck_assert_uint_le(resident_bytes(), before + SMALL_BYTES);
}
END_TEST

int main(void)
{
    TCase *tests;
    Suite *suite = leaks_suite("instance_memory", &tests);
    tcase_add_test(tests, free_memory_stays_while_requests_come_and_goes_when_idle);
    tcase_add_test(tests, free_memory_below_what_is_in_use_goes_too);
    tcase_add_test(tests, without_requests_it_goes_at_once);
    tcase_add_test(tests, a_large_block_goes_at_once_even_while_requests_come);
    return suite_run(suite);
}
