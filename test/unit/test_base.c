/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <string.h>

#include "base/buf.h"
#include "base/chance.h"
#include "base/err.h"
#include "base/hex.h"
#include "base/id_set.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/scope.h"
#include "leaks.h"

#define ck_assert_str_view(view, text) ck_assert(str_eq(view, str_c(text)))

START_TEST(cutting_yields_every_part_and_ends_with_null)
{
    struct str rest = STR("a,,b,");
    ck_assert_str_view(str_cut(&rest, ','), "a");
    ck_assert_str_view(str_cut(&rest, ','), "");
    ck_assert_str_view(str_cut(&rest, ','), "b");
    ck_assert_ptr_nonnull(rest.data);
    ck_assert_str_view(str_cut(&rest, ','), "");
    ck_assert_ptr_null(rest.data);
}
END_TEST

START_TEST(empty_views_are_equal_wherever_they_point)
{
    ck_assert(str_eq(str_of(NULL, 0), STR("")));
    ck_assert(str_eq_nocase(str_of(NULL, 0), STR("")));
    ck_assert(!str_eq(STR("a"), STR("")));
    ck_assert_uint_eq(str_find(str_of(NULL, 0), 'x'), 0);
}
END_TEST

START_TEST(what_is_behind_a_mark_begins_after_its_first)
{
    ck_assert(str_eq(str_behind(STR("arn:x:bus/a:bus/b"), STR(":bus/")), STR("a:bus/b")));
    ck_assert(str_eq(str_behind(STR("a="), STR("=")), STR("")));
    ck_assert_ptr_null(str_behind(STR("a"), STR("=")).data);
    ck_assert_ptr_null(str_behind(STR(""), STR("=")).data);
}
END_TEST

START_TEST(case_is_ignored_for_ascii_only)
{
    ck_assert(str_eq_nocase(STR("Content-TYPE"), STR("content-type")));
    ck_assert(!str_eq_nocase(STR("\xC3\x84"), STR("\xC3\xA4")));
    ck_assert(!str_eq_nocase(STR("@"), STR("`")));
}
END_TEST

START_TEST(trimming_takes_spaces_and_tabs_from_both_ends)
{
    ck_assert_str_view(str_trim(STR(" \t a b\t ")), "a b");
    ck_assert_str_view(str_trim(STR(" \t ")), "");
}
END_TEST

START_TEST(skipping_past_the_end_is_empty)
{
    ck_assert_str_view(str_skip(STR("abc"), 2), "c");
    ck_assert_uint_eq(str_skip(STR("abc"), 7).len, 0);
    ck_assert(str_starts(STR("abc"), STR("ab")));
    ck_assert(!str_starts(STR("a"), STR("ab")));
    ck_assert(str_starts(STR("a"), str_of(NULL, 0)));
}
END_TEST

START_TEST(numbers_are_digits_that_fit)
{
    static const char *const bad[] = {
        "", "-1", "+1", " 1", "1 ", "0x10", "1.0", "18446744073709551616", "99999999999999999999999"
    };
    uint64_t value;
    ck_assert(str_to_u64(STR("18446744073709551615"), &value));
    ck_assert_uint_eq(value, UINT64_MAX);
    ck_assert(str_to_u64(STR("007"), &value));
    ck_assert_uint_eq(value, 7);
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        ck_assert_msg(!str_to_u64(str_c(bad[i]), &value), "%s", bad[i]);
        ck_assert_uint_eq(value, 7);
    }
}
END_TEST

START_TEST(a_buffer_refuses_what_passes_its_limit_and_stays_as_it_was)
{
    struct buf b;
    char *at;
    buf_init(&b, 10);
    ck_assert_int_eq(buf_append(&b, STR("12345678")), 0);
    ck_assert_int_eq(buf_append(&b, STR("123")), -EMSGSIZE);
    ck_assert_int_eq(buf_reserve(&b, SIZE_MAX, &at), -EMSGSIZE);
    ck_assert_int_eq(buf_printf(&b, "%d", 123), -EMSGSIZE);
    ck_assert_str_view(buf_str(&b), "12345678");
    ck_assert_int_eq(buf_append(&b, STR("90")), 0);
    buf_finish(&b);
}
END_TEST

START_TEST(consuming_a_buffer_keeps_what_follows)
{
    struct buf b;
    buf_init(&b, 100000);
    for (int i = 0; i < 1000; i++) {
        ck_assert_int_eq(buf_printf(&b, "%03d,", i), 0);
    }
    buf_consume(&b, 4 * 998);
    ck_assert_str_view(buf_str(&b), "998,999,");
    buf_consume(&b, 100);
    ck_assert_uint_eq(b.len, 0);
    buf_finish(&b);
}
END_TEST

struct item {
    int value;
    struct list link;
};

START_TEST(a_list_may_lose_its_items_while_it_is_walked)
{
    struct list head;
    struct item items[4] = { { .value = 0 }, { .value = 1 }, { .value = 2 }, { .value = 3 } };
    list_init(&head);
    ck_assert(list_is_empty(&head));
    for (size_t i = 1; i < 4; i++) {
        list_push(&head, &items[i].link);
    }
    list_push_front(&head, &items[0].link);
    int expected = 0;
    list_for_each (i, &head) {
        ck_assert_int_eq(list_entry(i, struct item, link)->value, expected++);
        list_remove(i);
        list_remove(i);
    }
    ck_assert_int_eq(expected, 4);
    ck_assert(list_is_empty(&head));
}
END_TEST

START_TEST(errors_gather_context_on_their_way_up)
{
    struct err err = { 0 };
    errno = ENOENT;
    ck_assert_int_eq(err_sys(&err, "open %s", "/x"), -ENOENT);
    ck_assert_int_eq(err_wrap(&err, "bundle %d", 7), -ENOENT);
    ck_assert_str_eq(err.text, "bundle 7: open /x: No such file or directory");
    ck_assert_int_eq(err_set(NULL, EINVAL, "ignored"), -EINVAL);
}
END_TEST

START_TEST(an_error_that_is_too_long_is_cut)
{
    struct err err;
    char text[1000];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    err_set(&err, EINVAL, "%s", text);
    ck_assert_uint_eq(strlen(err.text), sizeof(err.text) - 1);
    err_wrap(&err, "%s", text);
    ck_assert_uint_eq(strlen(err.text), sizeof(err.text) - 1);
}
END_TEST

static int open_and_maybe_take(bool take)
{
    scoped_fd int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return take ? take_fd(&fd) : fd;
}

START_TEST(a_scoped_descriptor_is_closed_unless_it_is_taken)
{
    int closed = open_and_maybe_take(false);
    ck_assert_int_eq(fcntl(closed, F_GETFD), -1);
    int taken = open_and_maybe_take(true);
    ck_assert_int_ne(fcntl(taken, F_GETFD), -1);
    close(taken);
}
END_TEST

START_TEST(a_copied_text_ends_in_nul)
{
    scoped_free char *copy = mem_copy_str(str_of("abcdef", 3));
    ck_assert_str_eq(copy, "abc");
    scoped_free char *empty = mem_copy_str(str_of(NULL, 0));
    ck_assert_str_eq(empty, "");
}
END_TEST

START_TEST(a_text_is_put_together_however_long_it_gets)
{
    scoped_free char *text = mem_format("%s-%0*d", "a", 5000, 7);
    ck_assert_uint_eq(strlen(text), 5002);
    ck_assert_int_eq(text[5001], '7');
}
END_TEST

START_TEST(hexadecimal_digits_are_read_as_they_were_written)
{
    const uint8_t bytes[] = { 0x00, 0x9f, 0xff };
    uint8_t read[sizeof(bytes)];
    char text[2 * sizeof(bytes) + 1];
    *hex_write(bytes, sizeof(bytes), text) = '\0';
    ck_assert_str_eq(text, "009fff");
    ck_assert(hex_read(STR("009FfF"), read, sizeof(read)));
    ck_assert_mem_eq(read, bytes, sizeof(bytes));
    ck_assert(!hex_read(STR("009ff"), read, sizeof(read)));
    ck_assert(!hex_read(STR("009fff00"), read, sizeof(read)));
    ck_assert(!hex_read(STR("009f0g"), read, sizeof(read)));
}
END_TEST

/* More than one draw from the kernel. */
START_TEST(uuids_are_of_version_4_and_all_different)
{
    enum { COUNT = 2 * CHANCE_BYTES_MAX / 16 };
    static char uuids[COUNT][UUID_BYTES];
    for (size_t i = 0; i < COUNT; i++) {
        chance_uuid(uuids[i]);
        ck_assert_uint_eq(strspn(uuids[i], "0123456789abcdef-"), UUID_BYTES - 1);
        ck_assert_int_eq(uuids[i][14], '4');
        ck_assert_ptr_nonnull(strchr("89ab", uuids[i][19]));
        for (size_t k = 0; k < i; k++) {
            ck_assert_str_ne(uuids[k], uuids[i]);
        }
    }
}
END_TEST

/* Ids that fall on the same slots: many of them, taken out in another order. */
START_TEST(a_set_of_ids_holds_what_was_added_and_not_removed)
{
    enum { COUNT = 5000, STEP = 4096 };
    struct id_set set = { 0 };
    ck_assert(!id_set_has(&set, 1));
    for (uint64_t i = 1; i <= COUNT; i++) {
        id_set_add(&set, i * STEP);
        id_set_add(&set, i * STEP);
    }
    ck_assert_uint_eq(set.count, COUNT);
    for (uint64_t i = 1; i <= COUNT; i += 2) {
        id_set_remove(&set, i * STEP);
        id_set_remove(&set, i * STEP);
    }
    for (uint64_t i = 1; i <= COUNT; i++) {
        ck_assert_int_eq(id_set_has(&set, i * STEP), i % 2 == 0);
        ck_assert(!id_set_has(&set, i * STEP + 1));
    }
    ck_assert_uint_eq(set.count, COUNT / 2);
    id_set_finish(&set);
    ck_assert_uint_eq(set.count, 0);
}
END_TEST

int main(void)
{
    TCase *tests;
    Suite *suite = leaks_suite("base", &tests);
    tcase_add_test(tests, cutting_yields_every_part_and_ends_with_null);
    tcase_add_test(tests, empty_views_are_equal_wherever_they_point);
    tcase_add_test(tests, what_is_behind_a_mark_begins_after_its_first);
    tcase_add_test(tests, case_is_ignored_for_ascii_only);
    tcase_add_test(tests, trimming_takes_spaces_and_tabs_from_both_ends);
    tcase_add_test(tests, skipping_past_the_end_is_empty);
    tcase_add_test(tests, numbers_are_digits_that_fit);
    tcase_add_test(tests, a_buffer_refuses_what_passes_its_limit_and_stays_as_it_was);
    tcase_add_test(tests, consuming_a_buffer_keeps_what_follows);
    tcase_add_test(tests, a_list_may_lose_its_items_while_it_is_walked);
    tcase_add_test(tests, errors_gather_context_on_their_way_up);
    tcase_add_test(tests, an_error_that_is_too_long_is_cut);
    tcase_add_test(tests, a_scoped_descriptor_is_closed_unless_it_is_taken);
    tcase_add_test(tests, a_copied_text_ends_in_nul);
    tcase_add_test(tests, a_text_is_put_together_however_long_it_gets);
    tcase_add_test(tests, hexadecimal_digits_are_read_as_they_were_written);
    tcase_add_test(tests, uuids_are_of_version_4_and_all_different);
    tcase_add_test(tests, a_set_of_ids_holds_what_was_added_and_not_removed);
    return suite_run(suite);
}
