/* Signature Version 2, against the examples of
 * https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "control/sign/aws_sign.h"
#include "control/sign/aws_sign_v2.h"
#include "leaks.h"

#define KEY    "AKIAIOSFODNN7EXAMPLE"
#define SECRET "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

static enum aws_fault verify(const struct aws_sign_request *request, struct aws_signed *ret)
{
    struct aws_users *users = aws_users_create();
    struct str detail;
    aws_users_set_root(users, STR("mayfly"), STR(KEY), STR(SECRET));
    enum aws_fault fault = aws_sign_verify(request, users, ret, &detail);
    aws_users_destroy(users);
    return fault;
}

static struct aws_sign_request example_get(void)
{
    return (struct aws_sign_request){
        .method = STR("GET"),
        .target = STR("/photos/puppy.jpg"),
        .bucket = STR("awsexamplebucket1"),
        .headers = STR("date\0Tue, 27 Mar 2007 19:36:42 +0000\0"
                       "authorization\0AWS " KEY ":qgk2+6Sv9/oM7G3qLEjTH1a1l1g=\0"),
        .now_s = 1175024202,
    };
}

START_TEST(a_header_signs_a_request)
{
    struct aws_sign_request request = example_get();
    struct aws_signed head;
    ck_assert_int_eq(verify(&request, &head), AWS_FAULT_NONE);
    ck_assert_int_eq(head.scope.kind, AWS_SIGN_HEADER);
    ck_assert_str_eq(head.scope.access_key, KEY);
    ck_assert_int_eq(head.body, AWS_BODY_UNSIGNED);
    ck_assert_ptr_nonnull(head.user);
}
END_TEST

START_TEST(a_bucket_is_signed_in_the_path_or_in_the_host)
{
    struct aws_sign_request request = example_get();
    struct aws_signed head;
    request.bucket = STR("");
    ck_assert_int_eq(verify(&request, &head), AWS_FAULT_MISMATCH);
    request.target = STR("/awsexamplebucket1/photos/puppy.jpg");
    ck_assert_int_eq(verify(&request, &head), AWS_FAULT_NONE);
}
END_TEST

START_TEST(a_bucket_s_path_is_signed_with_or_without_a_slash)
{
    /* botocore 1.43 signs "/v2bucket/" and sends "/v2bucket". */
    const struct aws_sign_request request = {
        .method = STR("PUT"),
        .target = STR("/v2bucket"),
        .headers = STR("date\0Wed, 25 Nov 2026 23:50:48 GMT\0"
                       "authorization\0AWS " KEY ":NK8BM08/mKqkHQIr9WUWCvTqoYg=\0"),
        .now_s = 1795650648,
    };
    struct aws_signed head;
    ck_assert_int_eq(verify(&request, &head), AWS_FAULT_NONE);
}
END_TEST

START_TEST(only_parameters_that_say_what_is_done_are_signed)
{
    struct aws_sign_request request = example_get();
    struct aws_signed head;
    request.target = STR("/photos/puppy.jpg?prefix=photos&max-keys=50&marker=puppy");
    ck_assert_int_eq(verify(&request, &head), AWS_FAULT_NONE);
    request.target = STR("/photos/puppy.jpg?acl");
    ck_assert_int_eq(verify(&request, &head), AWS_FAULT_MISMATCH);
    request.target = STR("/?max-keys=1&acl");
    request.headers = STR("date\0Tue, 27 Mar 2007 19:44:46 +0000\0"
                          "authorization\0AWS " KEY ":82ZHiFIjc+WbcwFKGUVEQspPn+0=\0");
    ck_assert_int_eq(verify(&request, &head), AWS_FAULT_NONE);
    request.target = STR("/?max-keys=1&acl=");
    ck_assert_int_eq(verify(&request, &head), AWS_FAULT_NONE);
}
END_TEST

START_TEST(fields_of_amazons_own_are_signed_in_order_and_joined)
{
    const struct aws_sign_request request = {
        .method = STR("PUT"),
        .target = STR("/db-backup.dat.gz"),
        .bucket = STR("awsexamplebucket1.net"),
        .headers = STR("x-amz-meta-reviewedby\0joe@example.com\0x-amz-acl\0public-read\0"
                       "content-type\0application/x-download\0"
                       "content-md5\0004gJE4saaMU4BqNR0kLY+lw==\0"
                       "x-amz-meta-reviewedby\0jane@example.com\0"
                       "x-amz-meta-filechecksum\0000x02661779\0"
                       "x-amz-meta-checksumalgorithm\0crc32\0"
                       "date\0Tue, 27 Mar 2007 21:06:08 +0000\0"
                       "authorization\0AWS " KEY ":kzwj+dPYsbAF+fSsyN+B8r3f1l0=\0"),
        .now_s = 1175029568,
    };
    struct aws_signed head;
    ck_assert_int_eq(verify(&request, &head), AWS_FAULT_NONE);
}
END_TEST

START_TEST(a_query_signs_a_request_until_its_time)
{
    struct aws_sign_request request = {
        .method = STR("GET"),
        .target = STR("/photos/puppy.jpg?AWSAccessKeyId=" KEY
                      "&Signature=1No4mq5ETf02z8aet9voy6gui6E%3D&Expires=1175139620"),
        .bucket = STR("awsexamplebucket1"),
        .headers = STR(""),
        .now_s = 1175139620,
    };
    struct aws_signed head;
    ck_assert_int_eq(verify(&request, &head), AWS_FAULT_NONE);
    ck_assert_int_eq(head.scope.kind, AWS_SIGN_QUERY);
    request.now_s++;
    ck_assert_int_eq(verify(&request, &head), AWS_FAULT_EXPIRED);
    request.target = STR("/photos/puppy.jpg?AWSAccessKeyId=" KEY "&Expires=1175139620");
    ck_assert_int_eq(verify(&request, &head), AWS_FAULT_INCOMPLETE_V2);
}
END_TEST

static enum aws_fault verify_fields(struct str fields)
{
    struct aws_sign_request request = example_get();
    struct aws_signed head;
    request.headers = fields;
    return verify(&request, &head);
}

START_TEST(what_is_wrong_is_told_apart)
{
    struct aws_sign_request request = example_get();
    struct aws_signed head;
    request.now_s += AWS_SIGN_SKEW_S + 1;
    ck_assert_int_eq(verify(&request, &head), AWS_FAULT_SKEWED);
    ck_assert_int_eq(verify_fields(STR("authorization\0AWS " KEY ":x\0")), AWS_FAULT_BAD_DATE);
    ck_assert_int_eq(verify_fields(STR("authorization\0AWS " KEY ":x\0"
                                       "x-amz-date\0Tue, 07 Jul 1950 21:53:04 GMT\0")),
                     AWS_FAULT_BAD_DATE);
    ck_assert_int_eq(verify_fields(STR("authorization\0AWS nobody:x\0"
                                       "date\0Tue, 27 Mar 2007 19:36:42 +0000\0")),
                     AWS_FAULT_UNKNOWN_KEY);
    ck_assert_int_eq(verify_fields(STR("authorization\0AWS HAHAHA\0")), AWS_FAULT_UNSUPPORTED);
}
END_TEST

START_TEST(services_with_a_body_to_sign_do_not_take_it)
{
    struct aws_sign_request request = example_get();
    struct str body = STR("");
    struct aws_signed head;
    request.body = &body;
    ck_assert_int_eq(verify(&request, &head), AWS_FAULT_VERSION_2);
}
END_TEST

START_TEST(a_mismatch_shows_what_should_have_been_signed)
{
    const struct aws_sign_request request = example_get();
    struct buf canonical, to_sign;
    buf_init(&canonical, 1024);
    buf_init(&to_sign, 1024);
    aws_sign_explain(&request, &canonical, &to_sign);
    ck_assert(str_eq(buf_str(&to_sign), STR("GET\n\n\nTue, 27 Mar 2007 19:36:42 +0000\n"
                                            "/awsexamplebucket1/photos/puppy.jpg")));
    buf_finish(&canonical);
    buf_finish(&to_sign);
}
END_TEST

START_TEST(dates_may_have_a_zone)
{
    int64_t gmt, other;
    ck_assert(aws_sign_parse_date(STR("Tue, 27 Mar 2007 19:36:42 GMT"), &gmt));
    ck_assert(aws_sign_parse_date(STR("Tue, 27 Mar 2007 19:36:42 -0000"), &other));
    ck_assert_int_eq(gmt, other);
    ck_assert(aws_sign_parse_date(STR("Tue, 27 Mar 2007 21:06:42 +0130"), &other));
    ck_assert_int_eq(gmt, other);
    ck_assert(!aws_sign_parse_date(STR("Bad Date"), &other));
    ck_assert(!aws_sign_parse_date(STR(""), &other));
}
END_TEST

int main(void)
{
    TCase *c;
    Suite *suite = leaks_suite("aws_sign_v2", &c);
    tcase_add_test(c, a_header_signs_a_request);
    tcase_add_test(c, a_bucket_is_signed_in_the_path_or_in_the_host);
    tcase_add_test(c, a_bucket_s_path_is_signed_with_or_without_a_slash);
    tcase_add_test(c, only_parameters_that_say_what_is_done_are_signed);
    tcase_add_test(c, fields_of_amazons_own_are_signed_in_order_and_joined);
    tcase_add_test(c, a_query_signs_a_request_until_its_time);
    tcase_add_test(c, what_is_wrong_is_told_apart);
    tcase_add_test(c, services_with_a_body_to_sign_do_not_take_it);
    tcase_add_test(c, a_mismatch_shows_what_should_have_been_signed);
    tcase_add_test(c, dates_may_have_a_zone);
    return suite_run(suite);
}
