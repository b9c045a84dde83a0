/* When the rules of a lifecycle say that something goes or moves.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "control/s3/s3_lifecycle.h"
#include "http/http_block.h"
#include "leaks.h"

#define DAY_MS S3_LIFECYCLE_DAY_MS

static struct s3_xml *rules(const char *text)
{
    char document[2048];
    int len = snprintf(document, sizeof(document),
                       "<LifecycleConfiguration>%s</LifecycleConfiguration>", text);
    struct s3_xml *x = s3_xml_parse(str_of(document, (size_t)len));
    ck_assert_ptr_nonnull(x);
    return x;
}

#define RULE(id, filter, action)                                                                   \
    "<Rule><ID>" id "</ID><Status>Enabled</Status><Filter>" filter "</Filter>" action "</Rule>"

static uint64_t current_ms(const char *text, struct str *ret_rule)
{
    /* Written at half past a day. */
    const struct stored_object o = {
        .key = STR("logs/k"), .size = 10, .tags = STR("a\0001\0"), .modified_ms = DAY_MS * 3 / 2
    };
    scoped_s3_xml struct s3_xml *x = rules(text);
    const struct s3_lifecycle l = { .rules = s3_xml_root(x), .day_ms = DAY_MS };
    return s3_lifecycle_current_ms(&l, &o, ret_rule);
}

START_TEST(days_end_at_midnight_and_the_earliest_rule_counts)
{
    scoped_s3_xml struct s3_xml *x =
        rules(RULE("slow", "", "<Expiration><Days>9</Days></Expiration>")
                  RULE("fast", "", "<Expiration><Days>2</Days></Expiration>"));
    const struct stored_object o = { .key = STR("k"), .modified_ms = DAY_MS * 3 / 2 };
    const struct s3_lifecycle l = { .rules = s3_xml_root(x), .day_ms = DAY_MS };
    const struct s3_lifecycle quick = { .rules = s3_xml_root(x), .day_ms = 10000 };
    struct str rule = STR("");
    ck_assert_uint_eq(s3_lifecycle_current_ms(&l, &o, &rule), 4 * DAY_MS);
    ck_assert(str_eq(rule, STR("fast")));
    ck_assert_uint_eq(s3_lifecycle_current_ms(&quick, &o, &rule), o.modified_ms + 20000);
    ck_assert_uint_eq(
        current_ms(RULE("x", "", "<Expiration><Date>1970-01-06T00:00:00Z</Date></Expiration>"),
                   NULL),
        5 * DAY_MS);
}
END_TEST

START_TEST(a_rule_applies_to_what_its_filter_names)
{
#define EXPIRES "<Expiration><Days>1</Days></Expiration>"
    static const struct {
        const char *filter;
        bool applies;
    } cases[] = {
        { "", true },
        { "<Prefix>logs/</Prefix>", true },
        { "<Prefix>other/</Prefix>", false },
        { "<Tag><Key>a</Key><Value>1</Value></Tag>", true },
        { "<Tag><Key>a</Key><Value>2</Value></Tag>", false },
        { "<ObjectSizeGreaterThan>9</ObjectSizeGreaterThan>", true },
        { "<ObjectSizeGreaterThan>10</ObjectSizeGreaterThan>", false },
        { "<ObjectSizeLessThan>10</ObjectSizeLessThan>", false },
        { "<And><Prefix>logs/</Prefix><Tag><Key>a</Key><Value>1</Value></Tag></And>", true },
        { "<And><Prefix>x/</Prefix><Tag><Key>a</Key><Value>1</Value></Tag></And>", false },
        { "<And><Tag><Key>a</Key><Value>1</Value></Tag><Tag><Key>b</Key><Value>1</Value></Tag>"
          "</And>",
          false },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char text[512];
        (void)snprintf(text, sizeof(text),
                       "<Rule><Status>Enabled</Status><Filter>%s</Filter>" EXPIRES "</Rule>",
                       cases[i].filter);
        ck_assert_msg((current_ms(text, NULL) != S3_LIFECYCLE_NEVER) == cases[i].applies, "%s",
                      cases[i].filter);
    }
    ck_assert_uint_eq(
        current_ms("<Rule><Status>Disabled</Status><Prefix/>" EXPIRES "</Rule>", NULL),
        S3_LIFECYCLE_NEVER);
    ck_assert_uint_eq(
        current_ms("<Rule><Status>Enabled</Status><Prefix>logs/</Prefix>" EXPIRES "</Rule>", NULL),
        3 * DAY_MS);
}
END_TEST

/* Of an object of 128 KB in this class (NULL: STANDARD), written at the first midnight. */
static struct str class_at(const struct s3_xml *x, const char *class, const struct s3_noncurrent *n,
                           uint64_t now_ms)
{
    static const char name[] = "x-amz-storage-class";
    char headers[64];
    struct buf block;
    buf_init(&block, sizeof(headers));
    ck_assert(!class || http_block_add(&block, str_c(name), str_c(class)) == 0);
    const struct stored_object o = {
        .key = STR("k"), .size = 131072, .headers = buf_str(&block), .modified_ms = DAY_MS
    };
    const struct s3_lifecycle l = { .rules = s3_xml_root(x), .day_ms = DAY_MS };
    struct str to = s3_lifecycle_class(&l, &o, n, now_ms);
    buf_finish(&block);
    return to;
}

START_TEST(versions_move_to_the_coldest_class_that_is_due_and_never_to_a_warmer_one)
{
#define MOVE(name, days, class)                                                                    \
    "<" name "Transition>" days "<StorageClass>" class "</StorageClass></" name "Transition>"
    scoped_s3_xml struct s3_xml *x =
        rules(RULE("a", "", MOVE("", "<Days>1</Days>", "STANDARD_IA"))
                  RULE("b", "",
                       MOVE("", "<Days>3</Days>", "GLACIER")
                           MOVE("NoncurrentVersion",
                                "<NoncurrentDays>2</NoncurrentDays>"
                                "<NewerNoncurrentVersions>1</NewerNoncurrentVersions>",
                                "ONEZONE_IA")));
    const struct s3_noncurrent first = { 5 * DAY_MS, 0 }, second = { 5 * DAY_MS, 1 };
    ck_assert_ptr_null(class_at(x, NULL, NULL, 2 * DAY_MS - 1).data);
    ck_assert(str_eq(class_at(x, NULL, NULL, 2 * DAY_MS), STR("STANDARD_IA")));
    ck_assert_ptr_null(class_at(x, "STANDARD_IA", NULL, 2 * DAY_MS).data);
    ck_assert(str_eq(class_at(x, NULL, NULL, 4 * DAY_MS), STR("GLACIER")));
    ck_assert(str_eq(class_at(x, "STANDARD_IA", NULL, 4 * DAY_MS), STR("GLACIER")));
    ck_assert_ptr_null(class_at(x, "DEEP_ARCHIVE", NULL, 4 * DAY_MS).data);
    ck_assert_ptr_null(class_at(x, NULL, &first, 9 * DAY_MS).data);
    ck_assert_ptr_null(class_at(x, NULL, &second, 7 * DAY_MS - 1).data);
    ck_assert(str_eq(class_at(x, NULL, &second, 7 * DAY_MS), STR("ONEZONE_IA")));
}
END_TEST

START_TEST(old_versions_markers_and_uploads_have_actions_of_their_own)
{
    const struct stored_object o = { .key = STR("k"), .modified_ms = DAY_MS };
    scoped_s3_xml struct s3_xml *x = rules(
        RULE("x", "",
             "<NoncurrentVersionExpiration><NoncurrentDays>2</NoncurrentDays>"
             "<NewerNoncurrentVersions>1</NewerNoncurrentVersions></NoncurrentVersionExpiration>"
             "<Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>"
             "<AbortIncompleteMultipartUpload><DaysAfterInitiation>3</DaysAfterInitiation>"
             "</AbortIncompleteMultipartUpload>"));
    const struct s3_lifecycle l = { .rules = s3_xml_root(x), .day_ms = DAY_MS };
    ck_assert_uint_eq(s3_lifecycle_current_ms(&l, &o, NULL), S3_LIFECYCLE_NEVER);
    ck_assert_uint_eq(s3_lifecycle_noncurrent_ms(&l, &o, (struct s3_noncurrent){ 5 * DAY_MS, 1 }),
                      7 * DAY_MS);
    ck_assert_uint_eq(s3_lifecycle_noncurrent_ms(&l, &o, (struct s3_noncurrent){ 5 * DAY_MS, 0 }),
                      S3_LIFECYCLE_NEVER);
    ck_assert(s3_lifecycle_drops_marker(&l, &o, DAY_MS));
    ck_assert_uint_eq(s3_lifecycle_upload_ms(&l, &o, DAY_MS), 4 * DAY_MS);
}
END_TEST

int main(void)
{
    TCase *c;
    Suite *suite = leaks_suite("s3_lifecycle", &c);
    tcase_add_test(c, days_end_at_midnight_and_the_earliest_rule_counts);
    tcase_add_test(c, a_rule_applies_to_what_its_filter_names);
    tcase_add_test(c, old_versions_markers_and_uploads_have_actions_of_their_own);
    tcase_add_test(c, versions_move_to_the_coldest_class_that_is_due_and_never_to_a_warmer_one);
    return suite_run(suite);
}
