/* SPDX-License-Identifier: Apache-2.0 */
#include "control/json_read.h"
#include "leaks.h"

/* Whatever else is read: test/fuzz/fuzz_json_read.c, beside jansson. */
START_TEST(values_are_what_the_text_says)
{
    json_t *expected = json_pack("{s:i, s:[b, n, f], s:s%}", "a\n", -5, "b", 1, 1.5, "c",
                                 "x\0\xF0\x9F\x98\x80", (size_t)6);
    json_t *value = json_read(
        STR(" {\"a\\n\": -5, \"b\": [true, null, 15e-1], \"c\": \"x\\u0000\\uD83D\\uDE00\"} "),
        JSON_ALLOW_NUL);
    ck_assert(json_equal(value, expected));
    json_decref(value);
    json_decref(expected);
}
END_TEST

START_TEST(the_last_of_two_members_of_one_name_counts)
{
    json_t *value = json_read(STR("{\"a\": {\"b\": 1}, \"a\": 2}"), 0);
    ck_assert_uint_eq(json_object_size(value), 1);
    ck_assert_int_eq(json_integer_value(json_object_get(value, "a")), 2);
    json_decref(value);
}
END_TEST

START_TEST(what_is_unsound_is_refused)
{
    static const char *const texts[] = { "",
                                         "{",
                                         "[1,]",
                                         "{\"a\":1,}",
                                         "[01]",
                                         "[1.]",
                                         "[\"\n\"]",
                                         "[\"\\q\"]",
                                         "{} {}",
                                         "1",
                                         "[\"\xff\"]",
                                         "[9223372036854775808]",
                                         "[\"\\u0000\"]" };
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        ck_assert_msg(!json_read(str_c(texts[i]), 0), "%s", texts[i]);
        ck_assert_msg(!json_is_sound(str_c(texts[i]), 0), "%s", texts[i]);
    }
    ck_assert_ptr_null(json_read((struct str){ NULL, 0 }, JSON_DECODE_ANY));
}
END_TEST

START_TEST(flags_let_more_be_read)
{
    ck_assert(json_is_sound(STR("1"), JSON_DECODE_ANY));
    ck_assert(json_is_sound(STR("[\"\\u0000\"]"), JSON_ALLOW_NUL));
    json_t *value = json_read(STR("[18446744073709551616]"), JSON_DECODE_INT_AS_REAL);
    ck_assert_double_eq(json_real_value(json_array_get(value, 0)), 18446744073709551616.0);
    json_decref(value);
}
END_TEST

int main(void)
{
    TCase *tests;
    Suite *suite = leaks_suite("json_read", &tests);
    tcase_add_test(tests, values_are_what_the_text_says);
    tcase_add_test(tests, the_last_of_two_members_of_one_name_counts);
    tcase_add_test(tests, what_is_unsound_is_refused);
    tcase_add_test(tests, flags_let_more_be_read);
    return suite_run(suite);
}
