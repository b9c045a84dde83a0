/* SPDX-License-Identifier: Apache-2.0 */
#include "control/text/json_read.h"
#include "control/text/json_write.h"
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

START_TEST(values_are_written_in_their_order)
{
    json_t *value = json_pack("{s:i, s:[b, b, n, f], s:s%, s:{}, s:[]}", "b\"", -5, "a", 1, 0, 1.5,
                              "c", "x\0\n\xF0\x9F\x98\x80/\\", (size_t)9, "d", "e");
    char *text = json_write(value);
    ck_assert_str_eq(text, "{\"b\\\"\":-5,\"a\":[true,false,null,1.5],"
                           "\"c\":\"x\\u0000\\n\xF0\x9F\x98\x80/\\\\\",\"d\":{},\"e\":[]}");
    free(text);
    json_decref(value);
}
END_TEST

START_TEST(any_value_is_written)
{
    json_t *value = json_integer(INT64_MIN);
    char *text = json_write(value);
    ck_assert_str_eq(text, "-9223372036854775808");
    free(text);
    json_decref(value);
    ck_assert_ptr_null(json_write(NULL));
}
END_TEST

/* A function's answer is bytes: its destination is told of them all the same. */
START_TEST(what_is_no_utf8_is_written_as_the_replacement_character)
{
    json_t *value = json_stringn_nocheck("a\xff\xe2\x82", 4);
    char *text = json_write(value);
    ck_assert_str_eq(text, "\"a\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
    free(text);
    json_decref(value);
}
END_TEST

int main(void)
{
    TCase *tests;
    Suite *suite = leaks_suite("json", &tests);
    tcase_add_test(tests, values_are_what_the_text_says);
    tcase_add_test(tests, the_last_of_two_members_of_one_name_counts);
    tcase_add_test(tests, what_is_unsound_is_refused);
    tcase_add_test(tests, flags_let_more_be_read);
    tcase_add_test(tests, values_are_written_in_their_order);
    tcase_add_test(tests, any_value_is_written);
    tcase_add_test(tests, what_is_no_utf8_is_written_as_the_replacement_character);
    return suite_run(suite);
}
