/* The parts of the S3 API that do no I/O: names, checksums, XML.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_checksum.h"
#include "control/s3/s3_error.h"
#include "control/s3/s3_name.h"
#include "control/s3/s3_xml.h"
#include "leaks.h"

#define CHECK "123456789" /* what every catalogue of checksums gives the checksum of */

static struct str checksum(enum s3_checksum kind, struct str data, size_t step, char *text)
{
    struct s3_checksum_state s;
    s3_checksum_init(&s, kind);
    for (size_t at = 0; at < data.len; at += step) {
        s3_checksum_update(&s, str_of(data.data + at, data.len - at < step ? data.len - at : step));
    }
    return s3_checksum_final(&s, text);
}

START_TEST(checksums_are_those_of_the_catalogue)
{
    /* Python: zlib.crc32, and https://reveng.sourceforge.io/crc-catalogue/ for the other two */
    ck_assert_uint_eq(s3_crc_update(S3_CRC32, 0, STR(CHECK)), 0xcbf43926);
    ck_assert_uint_eq(s3_crc_update(S3_CRC32C, 0, STR(CHECK)), 0xe3069283);
    ck_assert_uint_eq(s3_crc_update(S3_CRC64NVME, 0, STR(CHECK)), 0xae8b14860a799888);
    char text[S3_CHECKSUM_TEXT];
    ck_assert(str_eq(checksum(S3_CHECKSUM_CRC32, STR(CHECK), 9, text), STR("y/Q5Jg==")));
    ck_assert(str_eq(checksum(S3_CHECKSUM_SHA1, STR("abc"), 9, text),
                     STR("qZk+NkcGgWq6PiVxeFDCbJzQ2J0=")));
    ck_assert(str_eq(checksum(S3_CHECKSUM_SHA256, STR("abc"), 9, text),
                     STR("ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=")));
    /* Go: crypto, and the modules cespare/xxhash and zeebo/xxh3, which share no code with ours */
    ck_assert(
        str_eq(checksum(S3_CHECKSUM_MD5, STR(CHECK), 9, text), STR("JfnnlDI7RTiF9RgfG2JNCw==")));
    ck_assert(str_eq(checksum(S3_CHECKSUM_SHA512, STR(CHECK), 9, text),
                     STR("2eZ2LdHI6vbWGzxhkvxAjU1tXxF20MKRabwk5xw/J0rSf81YEbMT1oH35V7ALXPUmclUVba1u"
                         "1A6z1dPuo/+hQ==")));
    ck_assert(str_eq(checksum(S3_CHECKSUM_XXHASH64, STR(CHECK), 9, text), STR("jLhB20DmroM=")));
    ck_assert(str_eq(checksum(S3_CHECKSUM_XXHASH3, STR(CHECK), 9, text), STR("ctyxi2ehff8=")));
    ck_assert(str_eq(checksum(S3_CHECKSUM_XXHASH128, STR(CHECK), 9, text),
                     STR("MxGUd+3l3NXpcWQnaB1YYA==")));
}
END_TEST

START_TEST(checksums_do_not_depend_on_how_data_are_cut)
{
    char data[1000], whole[S3_CHECKSUM_TEXT], cut[S3_CHECKSUM_TEXT];
    for (size_t i = 0; i < sizeof(data); i++) {
        data[i] = (char)(i * 7 + i / 256);
    }
    for (int kind = S3_CHECKSUM_CRC32; kind < S3_CHECKSUM_COUNT; kind++) {
        struct str expected =
            checksum((enum s3_checksum)kind, str_of(data, sizeof(data)), 1000, whole);
        for (size_t step = 1; step < 300; step++) {
            ck_assert(str_eq(
                checksum((enum s3_checksum)kind, str_of(data, sizeof(data)), step, cut), expected));
        }
    }
}
END_TEST

START_TEST(checksums_of_parts_join_to_that_of_the_whole)
{
    char data[3000], text[S3_CHECKSUM_TEXT], joined[S3_CHECKSUM_TEXT], all[S3_CHECKSUM_TEXT];
    static const size_t ends[] = { 0, 1, 1000, 1000, 2999, 3000 };
    for (size_t i = 0; i < sizeof(data); i++) {
        data[i] = (char)(i * 31 + 5);
    }
    for (int kind = S3_CHECKSUM_CRC32; kind <= S3_CHECKSUM_CRC64NVME; kind++) {
        struct s3_checksum_parts parts;
        s3_checksum_parts_init(&parts, (enum s3_checksum)kind, S3_FULL_OBJECT);
        for (size_t i = 1; i < ARRAY_COUNT(ends); i++) {
            struct str part = str_of(data + ends[i - 1], ends[i] - ends[i - 1]);
            ck_assert(s3_checksum_parts_add(
                &parts, checksum((enum s3_checksum)kind, part, 4096, text), part.len));
        }
        ck_assert(str_eq(s3_checksum_parts_final(&parts, joined),
                         checksum((enum s3_checksum)kind, str_of(data, sizeof(data)), 4096, all)));
    }
}
END_TEST

START_TEST(a_composite_checksum_is_over_checksums_and_tells_their_number)
{
    char text[S3_CHECKSUM_TEXT];
    struct s3_checksum_parts parts;
    s3_checksum_parts_init(&parts, S3_CHECKSUM_SHA256, S3_COMPOSITE);
    ck_assert(
        s3_checksum_parts_add(&parts, STR("ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="), 3));
    ck_assert(!s3_checksum_parts_add(&parts, STR("no"), 3));
    /* Python: base64.b64encode(sha256(sha256(b'abc').digest()).digest()) */
    ck_assert(str_eq(s3_checksum_parts_final(&parts, text),
                     STR("T4tCwi3TcptRm6b2jS2nzFstYG0F2u1a1RKMwD5sY1g=-1")));
}
END_TEST

START_TEST(a_checksum_is_stored_and_loaded)
{
    char text[S3_CHECKSUM_STORED], longest[] =
                                       "0123456789012345678901234567890123456789012345678901"
                                       "23456789012345678901234567890123==-10000";
    const struct s3_checksum_value sha512 = { S3_CHECKSUM_SHA512, S3_COMPOSITE, str_c(longest) };
    ck_assert(str_eq(s3_checksum_load(s3_checksum_store(&sha512, text)).text, sha512.text));
    const struct s3_checksum_value v = { S3_CHECKSUM_CRC32C, S3_COMPOSITE, STR("AAAAAA==-2") };
    struct s3_checksum_value loaded = s3_checksum_load(s3_checksum_store(&v, text));
    ck_assert_int_eq(loaded.kind, S3_CHECKSUM_CRC32C);
    ck_assert_int_eq(loaded.type, S3_COMPOSITE);
    ck_assert(str_eq(loaded.text, v.text));
    ck_assert_int_eq(s3_checksum_load(STR("")).kind, S3_CHECKSUM_NONE);
}
END_TEST

START_TEST(bucket_names_follow_the_rules)
{
    static const char *const good[] = { "abc", "a-b", "a.b.c", "1ab", "my--bucket", "a1.b2-c3" };
    static const char *const bad[] = { "",        "ab",  "Abc",         "a_b",  "-ab",  "ab-",
                                       ".ab",     "ab.", "a..b",        "a.-b", "a-.b", "1.2.3.4",
                                       "xn--abc", "a b", "abc-s3alias", "a\nb" };
    for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
        ck_assert_msg(s3_name_is_bucket(str_c(good[i])), "%s", good[i]);
    }
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        ck_assert_msg(!s3_name_is_bucket(str_c(bad[i])), "%s", bad[i]);
    }
    char long_name[65];
    memset(long_name, 'a', sizeof(long_name));
    ck_assert(s3_name_is_bucket(str_of(long_name, 63)));
    ck_assert(!s3_name_is_bucket(str_of(long_name, 64)));
}
END_TEST

START_TEST(xml_is_written_as_utf8)
{
    struct buf text;
    buf_init(&text, 1024);
    struct s3_xml_out o = { .out = &text };
    s3_xml_put(&o, "A", STR("<\xc3\xa4\xff\xe2\x82")); /* a letter, a byte, and one cut short */
    ck_assert_int_eq(o.r, 0);
    ck_assert(
        str_eq(buf_str(&text), STR("<A>&lt;\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd</A>")));
    buf_finish(&text);
}
END_TEST

START_TEST(xml_is_read_as_a_tree)
{
    scoped_s3_xml struct s3_xml *x = s3_xml_parse(
        STR("<?xml version=\"1.0\"?>\n<a:Tagging xmlns:a=\"x\">\n <TagSet> <Tag><Key>a&amp;b</Key>"
            "<Value/></Tag><Tag><Key>c</Key></Tag> </TagSet></a:Tagging>"));
    ck_assert_ptr_nonnull(x);
    ck_assert(s3_xml_is(s3_xml_root(x), "Tagging"));
    const struct s3_xml_node *set = s3_xml_child(s3_xml_root(x), "TagSet");
    ck_assert_uint_eq(s3_xml_count(set, "Tag"), 2);
    const struct s3_xml_node *tag = s3_xml_child(set, "Tag");
    ck_assert(str_eq(s3_xml_text(tag, "Key"), STR("a&b")));
    ck_assert(s3_xml_text(tag, "Value").data && s3_xml_text(tag, "Value").len == 0);
    ck_assert_ptr_null(s3_xml_text(tag, "None").data);
    ck_assert(str_eq(s3_xml_text(s3_xml_again(tag), "Key"), STR("c")));
    ck_assert_ptr_null(s3_xml_again(s3_xml_again(tag)));
}
END_TEST

START_TEST(xml_that_is_none_is_refused)
{
    static const char *const bad[] = {
        "", "<a>", "<a></b>", "text", "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>", "<a/><b/>"
    };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        ck_assert_msg(!s3_xml_parse(str_c(bad[i])), "%s", bad[i]);
    }
    char deep[400];
    for (size_t i = 0; i < 99; i++) {
        memcpy(deep + 3 * i, "<a>", 3);
    }
    ck_assert_ptr_null(s3_xml_parse(str_of(deep, 297)));
}
END_TEST

START_TEST(xml_is_written_with_escapes)
{
    struct buf b;
    buf_init(&b, 4096);
    struct s3_xml_out o = { .out = &b };
    s3_xml_open(&o, "A");
    s3_xml_put(&o, "K", STR("<&\">\r\x01"));
    s3_xml_put_etag(&o, "E", STR("abc"));
    s3_xml_put_time(&o, "T", 1255369830042);
    s3_xml_close(&o, "A");
    ck_assert_int_eq(o.r, 0);
    ck_assert(
        str_eq(buf_str(&b), STR("<A><K>&lt;&amp;&quot;&gt;&#xd;&#x1;</K><E>&quot;abc&quot;</E>"
                                "<T>2009-10-12T17:50:30.000Z</T></A>")));
    buf_finish(&b);
}
END_TEST

START_TEST(what_a_job_refuses_with_is_an_error_again)
{
    ck_assert_int_eq(s3_error_of(0), S3_OK);
    ck_assert_int_eq(s3_error_of(-ENOSPC), S3_STORAGE_FULL);
    ck_assert_int_eq(s3_error_of(-EIO), S3_INTERNAL);
    ck_assert_int_eq(s3_error_of(s3_error_refuse(S3_PRECONDITION_FAILED)), S3_PRECONDITION_FAILED);
    for (int i = S3_OK + 1; i < S3_ERROR_COUNT; i++) {
        ck_assert_uint_ge(s3_error_text((enum s3_error)i)->status, 300);
    }
}
END_TEST

int main(void)
{
    TCase *c;
    Suite *suite = leaks_suite("s3_parts", &c);
    tcase_add_test(c, checksums_are_those_of_the_catalogue);
    tcase_add_test(c, checksums_do_not_depend_on_how_data_are_cut);
    tcase_add_test(c, checksums_of_parts_join_to_that_of_the_whole);
    tcase_add_test(c, a_composite_checksum_is_over_checksums_and_tells_their_number);
    tcase_add_test(c, a_checksum_is_stored_and_loaded);
    tcase_add_test(c, bucket_names_follow_the_rules);
    tcase_add_test(c, xml_is_written_as_utf8);
    tcase_add_test(c, xml_is_read_as_a_tree);
    tcase_add_test(c, xml_that_is_none_is_refused);
    tcase_add_test(c, xml_is_written_with_escapes);
    tcase_add_test(c, what_a_job_refuses_with_is_an_error_again);
    return suite_run(suite);
}
