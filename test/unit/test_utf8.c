/* SPDX-License-Identifier: Apache-2.0 */
#include "base/limits.h"
#include "control/text/utf8.h"
#include "leaks.h"

static const char *shown(struct buf *b, struct str s, enum utf8_colour colour)
{
    buf_clear(b);
    ck_assert_int_eq(utf8_append_terminal(b, s, "  ", colour), 0);
    ck_assert_int_eq(buf_append(b, str_of("", 1)), 0);
    return b->data;
}

static const char *quoted(struct buf *b, struct str s)
{
    buf_clear(b);
    ck_assert_int_eq(utf8_append_json(b, s), 0);
    ck_assert_int_eq(buf_append(b, str_of("", 1)), 0);
    return b->data;
}

#define FRESH_BUF                                                                                  \
    struct buf b;                                                                                  \
    buf_init(&b, MIB)

START_TEST(characters_are_read_and_faults_are_replaced)
{
    static const struct {
        const char *bytes;
        uint32_t character;
        size_t len;
    } cases[] = {
        { "a", 'a', 1 },
        { "\xC3\xA9", 0xE9, 2 },
        { "\xE2\x82\xAC", 0x20AC, 3 },
        { "\xF0\x9F\x98\x80", 0x1F600, 4 },
        { "\xC0\x80", 0xFFFD, 1 },         /* overlong */
        { "\xE0\x80\xAF", 0xFFFD, 1 },     /* overlong */
        { "\xED\xA0\x80", 0xFFFD, 1 },     /* surrogate */
        { "\xF4\x90\x80\x80", 0xFFFD, 1 }, /* past the last */
        { "\xFF", 0xFFFD, 1 },
        { "\xF8\x88\x80\x80\x80", 0xFFFD, 1 },
        { "\x80", 0xFFFD, 1 },
        { "\xE2\x82", 0xFFFD, 1 }, /* cut short */
        { "\xE2\x28\xA1", 0xFFFD, 1 },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        uint32_t character;
        ck_assert_uint_eq(utf8_next(str_c(cases[i].bytes), &character), cases[i].len);
        ck_assert_uint_eq(character, cases[i].character);
    }
}
END_TEST

START_TEST(json_escapes_what_it_must_and_keeps_the_rest)
{
    FRESH_BUF;
    ck_assert_str_eq(quoted(&b, STR("a\"b\\c\n\r\t\x01\x7F")),
                     "a\\\"b\\\\c\\n\\r\\t\\u0001\\u007f");
    ck_assert_str_eq(quoted(&b, STR("h\xC3\xA9\xF0\x9F\x98\x80")), "h\xC3\xA9\xF0\x9F\x98\x80");
    ck_assert_str_eq(quoted(&b, STR("x\xFFy")), "x\xEF\xBF\xBDy");
    ck_assert_str_eq(quoted(&b, STR("a\0b")), "a\\u0000b");
    buf_finish(&b);
}
END_TEST

START_TEST(a_terminal_sees_no_control_characters)
{
    FRESH_BUF;
    ck_assert_str_eq(shown(&b, STR("\x1b]0;title\x07"), UTF8_COLOUR_KEEP), "\\x1b]0;title\\x07");
    ck_assert_str_eq(shown(&b, STR("\x1b[2J\x1b[H"), UTF8_COLOUR_KEEP), "\\x1b[2J\\x1b[H");
    ck_assert_str_eq(shown(&b, STR("a\rb\bc"), UTF8_COLOUR_KEEP), "a\\x0db\\x08c");
    ck_assert_str_eq(shown(&b,
                           STR("\xC2\x9B"
                               "31m"),
                           UTF8_COLOUR_KEEP),
                     "\\x9b31m");
    ck_assert_str_eq(shown(&b,
                           STR("a\xE2\x80\xAE"
                               "b"),
                           UTF8_COLOUR_KEEP),
                     "a\\u202eb");
    ck_assert_str_eq(shown(&b, STR("\x7F"), UTF8_COLOUR_KEEP), "\\x7f");
    ck_assert_str_eq(shown(&b, STR("tab\tstays"), UTF8_COLOUR_KEEP), "tab\tstays");
    buf_finish(&b);
}
END_TEST

START_TEST(colours_are_kept_and_ended_or_dropped_whole)
{
    FRESH_BUF;
    ck_assert_str_eq(shown(&b, STR("\x1b[1;31mred\x1b[0m!"), UTF8_COLOUR_DROP), "red!");
    ck_assert_str_eq(shown(&b, STR("\x1b[1;31mred"), UTF8_COLOUR_KEEP), "\x1b[1;31mred\x1b[0m");
    ck_assert_str_eq(shown(&b, STR("\x1b[31"), UTF8_COLOUR_KEEP), "\\x1b[31");
    ck_assert_str_eq(shown(&b, STR("\x1b[?25m"), UTF8_COLOUR_KEEP), "\\x1b[?25m");
    ck_assert_str_eq(shown(&b, STR("\x1b[1111111111111111111111111111111111m"), UTF8_COLOUR_DROP),
                     "\\x1b[1111111111111111111111111111111111m");
    buf_finish(&b);
}
END_TEST

START_TEST(further_lines_are_indented_and_trailing_breaks_go)
{
    FRESH_BUF;
    ck_assert_str_eq(shown(&b, STR("a\r\nb\nc\r\n\n"), UTF8_COLOUR_DROP), "a\n  b\n  c");
    ck_assert_str_eq(shown(&b, STR("\n\n"), UTF8_COLOUR_DROP), "");
    ck_assert_str_eq(shown(&b, str_of(NULL, 0), UTF8_COLOUR_DROP), "");
    buf_finish(&b);
}
END_TEST

START_TEST(a_full_buffer_is_reported)
{
    struct buf b;
    buf_init(&b, 4);
    ck_assert_int_eq(utf8_append_json(&b, STR("\n\n\n")), -EMSGSIZE);
    buf_finish(&b);
    ck_assert_int_eq(utf8_append_terminal(&b, STR("\x01\x01"), "", UTF8_COLOUR_DROP), -EMSGSIZE);
    buf_finish(&b);
}
END_TEST

int main(void)
{
    TCase *tests;
    Suite *suite = leaks_suite("utf8", &tests);
    tcase_add_test(tests, characters_are_read_and_faults_are_replaced);
    tcase_add_test(tests, json_escapes_what_it_must_and_keeps_the_rest);
    tcase_add_test(tests, a_terminal_sees_no_control_characters);
    tcase_add_test(tests, colours_are_kept_and_ended_or_dropped_whole);
    tcase_add_test(tests, further_lines_are_indented_and_trailing_breaks_go);
    tcase_add_test(tests, a_full_buffer_is_reported);
    return suite_run(suite);
}
