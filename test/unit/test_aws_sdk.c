/* Calls of AWS's APIs as control makes them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "control/events/eventbridge/aws_sdk.h"
#include "control/sign/aws_sign.h"
#include "control/sign/aws_sign_own.h"
#include "http/http_block.h"
#include "leaks.h"

#define NOW_S 1700000000

static struct aws_sdk_request request_of(const char *call, const char *input)
{
    struct aws_sdk_request rq;
    struct err err = { 0 };
    ck_assert_int_eq(aws_sdk_request_init(&rq, str_c(call), str_c(input), &err), 0);
    return rq;
}

static void assert_text(struct str text, const char *expected)
{
    ck_assert_msg(str_eq(text, str_c(expected)), STR_FMT " is not %s", STR_ARG(text), expected);
}

START_TEST(members_go_into_path_headers_and_body)
{
    struct aws_sdk_request rq =
        request_of("lambda:invoke", "{\"FunctionName\":\"a:1\",\"InvocationType\":\"Event\","
                                    "\"Qualifier\":\"x y\",\"Payload\":{\"n\":1}}");
    assert_text(buf_str(&rq.target), "/2015-03-31/functions/a%3A1/invocations?Qualifier=x%20y");
    assert_text(http_block_find(buf_str(&rq.headers), STR("x-amz-invocation-type")), "Event");
    assert_text(buf_str(&rq.body), "{\"n\":1}");
    aws_sdk_request_finish(&rq);
}
END_TEST

START_TEST(a_call_of_json_is_passed_on_as_it_is)
{
    struct aws_sdk_request rq = request_of("sqs:tagQueue", "{\"QueueUrl\": \"q\"}");
    assert_text(http_block_find(buf_str(&rq.headers), STR("x-amz-target")), "AmazonSQS.TagQueue");
    assert_text(buf_str(&rq.body), "{\"QueueUrl\": \"q\"}");
    aws_sdk_request_finish(&rq);
}
END_TEST

START_TEST(no_input_makes_headers_of_its_own)
{
    static const struct {
        const char *call, *input;
        int result;
    } cases[] = {
        { "lambda:invoke", "{\"FunctionName\":\"f\",\"LogType\":\"a\\r\\nb: c\"}", -EINVAL },
        { "s3:putObject", "{\"Bucket\":\"b\",\"Key\":\"k\",\"Metadata\":{\"a\\nb\":\"c\"}}",
          -EINVAL },
        { "s3:putObject", "{\"Bucket\":\"b\",\"Key\":\"k\",\"Metadata\":{\"a\":\"c\\n\"}}",
          -EINVAL },
        { "s3:putObject", "{\"Bucket\":\"b\",\"Key\":\"\"}", -EINVAL },
        { "sqs:sendMessage", "[]", -EINVAL },
        { "s3:createBucket", "{\"Bucket\":\"b\"}", -ENOSYS },
        { "ec2:stopInstances", "{}", -ENOSYS },
        { "", "{}", -ENOSYS },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct aws_sdk_request rq;
        struct err err = { 0 };
        ck_assert_int_eq(
            aws_sdk_request_init(&rq, str_c(cases[i].call), str_c(cases[i].input), &err),
            cases[i].result);
    }
}
END_TEST

START_TEST(an_error_names_its_call_alone)
{
    struct aws_sdk_request rq;
    struct err err = { 0 };
    struct str call = str_of("ec2:stopInstances and more", strlen("ec2:stopInstances"));
    ck_assert_int_eq(aws_sdk_request_init(&rq, call, STR("{}"), &err), -ENOSYS);
    ck_assert_str_eq(err.text, "its target ec2:stopInstances is of a service that is not here");
}
END_TEST

START_TEST(errors_are_read_of_json_xml_and_headers)
{
    struct aws_sdk_error e;
    aws_sdk_error_read(&e, STR("x-amzn-query-error\0Old;Sender\0"),
                       STR("{\"__type\":\"com.amazonaws.sqs#New\",\"message\":\"m\"}"));
    ck_assert_str_eq(e.code, "Old");
    ck_assert_str_eq(e.message, "m");
    aws_sdk_error_read(&e, STR(""), STR("{\"__type\":\"a#B\",\"Message\":\"m\"}"));
    ck_assert_str_eq(e.code, "B");
    aws_sdk_error_read(&e, STR("x-amzn-errortype\0C:http\0"), STR("{}"));
    ck_assert_str_eq(e.code, "C");
    aws_sdk_error_read(&e, STR(""), STR("<Error><Code>D</Code><Message>m</Message></Error>"));
    ck_assert_str_eq(e.code, "D");
    ck_assert_str_eq(e.message, "m");
    aws_sdk_error_read(&e, STR(""), STR("<Code>"));
    ck_assert_str_eq(e.code, "");
}
END_TEST

START_TEST(what_is_signed_is_believed_and_nothing_else)
{
    struct aws_users *users = aws_users_create();
    aws_users_set_root(users, STR("root"), STR("key"), STR("secret"));
    struct aws_sdk_request rq =
        request_of("s3:putObject", "{\"Bucket\":\"b\",\"Key\":\"a b/\\u00fc+\",\"Body\":\"x\"}");
    const struct str body = buf_str(&rq.body);
    struct aws_sign_request request = { .method = str_c(rq.method),
                                        .target = buf_str(&rq.target),
                                        .host = STR("localhost"),
                                        .now_s = NOW_S,
                                        .body = &body };
    struct aws_signed who;
    struct str detail;
    request.headers = buf_str(&rq.headers);
    ck_assert_int_eq(
        aws_sign_own(users, aws_users_root(users), &request, "eu-west-1", rq.service, &rq.headers),
        0);
    request.headers = buf_str(&rq.headers);
    ck_assert_int_eq(aws_sign_verify(&request, users, &who, &detail), AWS_FAULT_NONE);
    ck_assert_str_eq(who.scope.region, "eu-west-1");
    request.target = STR("/b/other");
    ck_assert_int_eq(aws_sign_verify(&request, users, &who, &detail), AWS_FAULT_MISMATCH);
    aws_sdk_request_finish(&rq);
    aws_users_destroy(users);
}
END_TEST

int main(void)
{
    TCase *c;
    Suite *suite = leaks_suite("aws_sdk", &c);
    tcase_add_test(c, members_go_into_path_headers_and_body);
    tcase_add_test(c, a_call_of_json_is_passed_on_as_it_is);
    tcase_add_test(c, no_input_makes_headers_of_its_own);
    tcase_add_test(c, an_error_names_its_call_alone);
    tcase_add_test(c, errors_are_read_of_json_xml_and_headers);
    tcase_add_test(c, what_is_signed_is_believed_and_nothing_else);
    return suite_run(suite);
}
