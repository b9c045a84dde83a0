/* What is not ASCII in fields. The pairs are S3's own, from its documentation or recorded of it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "control/s3/s3_charset.h"
#include "leaks.h"

static void is(const struct buf *out, const char *expected)
{
    ck_assert_msg(str_eq(buf_str(out), str_c(expected)), STR_FMT " is not %s",
                  STR_ARG(buf_str(out)), expected);
}

static void check_told(const char *value, const char *expected)
{
    struct buf text, told;
    buf_init(&text, 1000);
    buf_init(&told, 1000);
    ck_assert_int_eq(s3_charset_from_field(&text, str_c(value)), 0);
    ck_assert_int_eq(s3_charset_put_word(&told, buf_str(&text)), 0);
    is(&told, expected);
    buf_finish(&text);
    buf_finish(&told);
}

START_TEST(metadata_of_a_head_come_back_as_of_s3)
{
    check_told("", "");
    check_told("plain", "plain");
    check_told("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~");
    check_told("=?UTF-8?Q?actually-ascii?=", "actually-ascii");
    check_told("=?utf-8?b?YWJj?=", "abc");
    check_told("=?UTF-8?Q?a?= =?UTF-8?Q?=20b?= c", "a b c");
    check_told("=?UTF-8?Q?test=5F=E2=80=94=5Ffile%E2%80%94=5F=C3=A9=5F2=3F.pdf?=",
               "=?UTF-8?Q?test=5F=E2=80=94=5Ffile%E2%80%94=5F=C3=A9=5F2=3F.pdf?=");
    check_told("=?UTF-8?B?w4RNw4Raw5XDkSBTMw==?=", "=?UTF-8?Q?=C3=84M=C3=84Z=C3=95=C3=91_S3?=");
    check_told("=?UTF-8?B?AAECAw==?=", "=?UTF-8?B?AAECAw==?=");
    check_told("=?UTF-8?B?77+977+977+977+977+977+977+9?=",
               "=?UTF-8?B?77+977+977+977+977+977+977+9?=");
    check_told("Hello World\xe9", "=?UTF-8?Q?Hello_World=C3=A9?=");
    /* UTF-8 that is sent as it is counts as Latin-1. */
    check_told("\xc3\x84M\xc3\x84Z\xc3\x95\xc3\x91 S3", "=?UTF-8?B?w4PChE3Dg8KEWsODwpXDg8KRIFMz?=");
}
END_TEST

START_TEST(what_is_no_encoded_word_stays)
{
    check_told("=?UTF-8?Q?open", "=?UTF-8?Q?open");
    check_told("=?UTF-8?X?a?=", "=?UTF-8?X?a?=");
    check_told("=?UTF-8?B?=GGG?=", "=?UTF-8?B?=GGG?=");
    check_told("=?ISO-8859-1?Q?a?=", "=?ISO-8859-1?Q?a?=");
    check_told("=?UTF-8?Q?a=?=", "a=");
}
END_TEST

START_TEST(latin1_has_blanks_for_what_it_lacks)
{
    struct buf out;
    buf_init(&out, 100);
    ck_assert_int_eq(s3_charset_to_latin1(&out, STR("a \xc3\xa9")), 0);
    is(&out, "a \xe9");
    buf_clear(&out);
    ck_assert_int_eq(s3_charset_to_latin1(&out, STR("_\xe2\x80\x94_\xc3\xa9_")), 1);
    is(&out, "_ _\xe9_");
    buf_finish(&out);
}
END_TEST

START_TEST(what_does_not_fit_is_told)
{
    struct buf out;
    buf_init(&out, 12);
    ck_assert_int_eq(s3_charset_put_word(&out, STR("\xc3\xa9")), -EMSGSIZE);
    buf_clear(&out);
    ck_assert_int_eq(s3_charset_from_field(&out, STR("=?UTF-8?B?YWJjZGVmZ2hpamtsbW5v?=")),
                     -EMSGSIZE);
    buf_finish(&out);
}
END_TEST

int main(void)
{
    TCase *c;
    Suite *suite = leaks_suite("s3_charset", &c);
    tcase_add_test(c, metadata_of_a_head_come_back_as_of_s3);
    tcase_add_test(c, what_is_no_encoded_word_stays);
    tcase_add_test(c, latin1_has_blanks_for_what_it_lacks);
    tcase_add_test(c, what_does_not_fit_is_told);
    return suite_run(suite);
}
