/* SQS: digests, the older protocol's forms and XML, what a message may say; base64.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/mem.h"
#include "control/aws/sqs/sqs_check.h"
#include "control/aws/sqs/sqs_query.h"
#include "control/events/sqs/sqs_attempt.h"
#include "control/events/sqs/sqs_md5.h"
#include "control/text/base64.h"
#include "leaks.h"

/* Sums that AWS has answered with. */
START_TEST(digests_are_those_of_aws)
{
    char md5[SQS_MD5_BYTES];
    sqs_md5_body(STR("test"), md5);
    ck_assert_str_eq(md5, "098f6bcd4621d373cade4e832627b4f6");
    json_t *trace =
        json_pack("{s:{s:s,s:s}}", "AWSTraceHeader", "DataType", "String", "StringValue",
                  "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1");
    ck_assert(sqs_md5_attributes(trace, md5));
    ck_assert_str_eq(md5, "5ae4d5d7636402d80f4eb6d213245a88");
    json_t *number = json_pack("{s:{s:s,s:s}}", "timestamp", "DataType", "Number", "StringValue",
                               "1493147359900");
    ck_assert(sqs_md5_attributes(number, md5));
    ck_assert_str_eq(md5, "235c5c510d26fb653d073faed50ae77c");
    json_t *none = json_object();
    ck_assert(!sqs_md5_attributes(none, md5));
    json_decref(trace);
    json_decref(number);
    json_decref(none);
}
END_TEST

static void check_input(const char *form, const char *expected)
{
    json_t *input = sqs_query_input(str_c(form));
    scoped_free char *text = json_dumps(input, JSON_COMPACT | JSON_SORT_KEYS);
    ck_assert_str_eq(text, expected);
    json_decref(input);
}

START_TEST(a_form_is_the_json_protocols_input)
{
    check_input("Action=SendMessage&MessageBody=a+b%26%C3%A4",
                "{\"Action\":\"SendMessage\",\"MessageBody\":\"a b&\u00e4\"}");
    check_input("AttributeName.1=A&AttributeName.2=B&AttributeName.4=D",
                "{\"AttributeNames\":[\"A\",\"B\"]}");
    check_input("Attribute.1.Name=DelaySeconds&Attribute.1.Value=5&Tag.1.Key=k&Tag.1.Value=v",
                "{\"Attributes\":{\"DelaySeconds\":\"5\"},\"Tags\":{\"k\":\"v\"}}");
    check_input("SendMessageBatchRequestEntry.1.Id=a&SendMessageBatchRequestEntry.1."
                "MessageAttribute.1.Name=n&SendMessageBatchRequestEntry.1.MessageAttribute.1.Value."
                "StringValue=s",
                "{\"Entries\":[{\"Id\":\"a\",\"MessageAttributes\":{\"n\":{\"StringValue\":\"s\"}}}"
                "]}");
    /* Without a number it is the only one. */
    check_input("AttributeName=All&Attribute.Name=DelaySeconds&Attribute.Value=5",
                "{\"AttributeNames\":[\"All\"],\"Attributes\":{\"DelaySeconds\":\"5\"}}");
    /* So boto3 and the SDKs of PHP and JavaScript send a list of nothing. */
    check_input("Entries=&AttributeNames=", "{\"AttributeNames\":[],\"Entries\":[]}");
    check_input("", "{}");
    check_input("a=%zz&=x&&b", "{\"b\":\"\"}");
}
END_TEST

START_TEST(an_answer_is_xml)
{
    json_t *output = json_pack("{s:[{s:s}], s:{s:s}}", "Messages", "Body", "<a&\"b\">\r",
                               "Attributes", "Name", "1");
    scoped_free char *xml = sqs_query_answer("ReceiveMessage", output, "id");
    ck_assert(strstr(xml, "<Message><Body>&lt;a&amp;&quot;b&quot;&gt;&#13;</Body></Message>"));
    ck_assert(strstr(xml, "<Attribute><Name>Name</Name><Value>1</Value></Attribute>"));
    json_t *odd = json_pack("{s:{s:s%}}", "Tags", "a", "b\0-\4-\te", (size_t)7);
    scoped_free char *tags = sqs_query_answer("ListQueueTags", odd, "id");
    ck_assert(strstr(tags, "<Value>b\xef\xbf\xbd-\xef\xbf\xbd-\te</Value>"));
    json_decref(odd);
    scoped_free char *none = sqs_query_answer("DeleteMessage", NULL, "id");
    ck_assert(!strstr(none, "Result"));
    scoped_free char *error = sqs_query_error("Code", "a<b", 400, "id");
    ck_assert(strstr(error, "<Type>Sender</Type><Code>Code</Code><Message>a&lt;b</Message>"));
    json_decref(output);
}
END_TEST

START_TEST(who_wants_json_of_the_query_protocol_gets_it)
{
    json_t *output = json_pack("{s:[{s:s}]}", "Messages", "Body", "b");
    scoped_free char *received = sqs_query_answer_json("ReceiveMessage", output, "id");
    ck_assert_str_eq(received,
                     "{\"ReceiveMessageResponse\":{\"ResponseMetadata\":{\"RequestId\":"
                     "\"id\"},\"ReceiveMessageResult\":{\"messages\":[{\"Body\":\"b\"}]}}}");
    json_decref(output);
    scoped_free char *none = sqs_query_answer_json("DeleteMessage", NULL, "id");
    ck_assert_str_eq(none,
                     "{\"DeleteMessageResponse\":{\"ResponseMetadata\":{\"RequestId\":\"id\"}}}");
    scoped_free char *error = sqs_query_error_json("Code", "a\"b", 400, "id");
    ck_assert_str_eq(error, "{\"Error\":{\"Code\":\"Code\",\"Message\":\"a\\\"b\",\"Type\":"
                            "\"Sender\"},\"RequestId\":\"id\"}");
}
END_TEST

/* NULL: it may be sent; else SQS's text. */
static const char *fault_of(const struct sqs_queue *q, json_t *entry)
{
    static struct sqs_fault f;
    int r = sqs_check_message(q, entry, false, &f);
    json_decref(entry);
    return r < 0 ? f.text : NULL;
}

static json_t *with_attribute(const char *name, const char *type, const char *value)
{
    return json_pack("{s:s, s:{s:{s:s,s:s}}}", "MessageBody", "a", "MessageAttributes", name,
                     "DataType", type, "StringValue", value);
}

START_TEST(a_message_is_checked_as_aws_does)
{
    struct sqs_queue standard = { .max_bytes = 1024 };
    struct sqs_queue fifo = { .max_bytes = 1024, .fifo = true };
    ck_assert_ptr_null(fault_of(&standard, with_attribute("a.b-\u00e4", "Number.x", "-1.5e3")));
    ck_assert_str_eq(fault_of(&standard, with_attribute("n", "Number", "0x10")),
                     "Can't cast the value of message (user) attribute 'n' to a number.");
    ck_assert_str_eq(fault_of(&standard, with_attribute("n", "String", "")),
                     "Message (user) attribute 'n' must contain a non-empty value of type "
                     "'String'.");
    static const char *const names[] = { "AWS.a", "amazon.b", ".c", "d.", "e!", "\u00a7" };
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        ck_assert_ptr_nonnull(fault_of(&standard, with_attribute(names[i], "String", "a")));
    }
    ck_assert_str_eq(fault_of(&standard, with_attribute("", "String", "a")),
                     "The request must contain non-empty message (user) attribute names.");
    json_t *many = with_attribute("a", "String", "a");
    for (char name[] = "b"; name[0] <= 'k'; name[0]++) {
        (void)json_object_set(json_object_get(many, "MessageAttributes"), name,
                              json_object_get(json_object_get(many, "MessageAttributes"), "a"));
    }
    ck_assert_str_eq(fault_of(&standard, many),
                     "Number of message attributes [11] exceeds the allowed maximum [10].");
    ck_assert_str_eq(fault_of(&standard, json_pack("{s:s}", "MessageBody", "a\x01")),
                     "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | "
                     "#x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF");
    ck_assert_str_eq(fault_of(&fifo, json_pack("{s:s}", "MessageBody", "a")),
                     "The request must contain the parameter MessageGroupId.");
    ck_assert_str_eq(
        fault_of(&standard, json_pack("{s:s,s:i}", "MessageBody", "a", "DelaySeconds", 901)),
        "Value 901 for parameter DelaySeconds is invalid. Reason: DelaySeconds must "
        "be >= 0 and <= 900.");
}
END_TEST

START_TEST(base64_is_what_it_was)
{
    for (size_t len = 0; len < 10; len++) {
        size_t back_len = 0;
        scoped_free char *text = base64_encode(str_of("\0\xff\x7f"
                                                      "abcdefg",
                                                      len));
        scoped_free char *back = base64_decode(str_c(text), &back_len);
        ck_assert_uint_eq(back_len, len);
        ck_assert(memcmp(back,
                         "\0\xff\x7f"
                         "abcdefg",
                         len) == 0);
    }
    size_t len;
    ck_assert_ptr_null(base64_decode(STR("a*=="), &len));
    ck_assert_ptr_null(base64_decode(STR("abc"), &len));
}
END_TEST

START_TEST(attempts_are_known_for_five_minutes_and_the_newest_thousand)
{
    char id[16];
    struct sqs_attempt found;
    json_t *attempts = json_object();
    struct sqs_attempt made = { 0 };
    for (uint64_t i = 1; i <= SQS_ATTEMPT_MESSAGES + 1; i++) {
        sqs_attempt_add(&made, &(struct stored_message){ .id = i, .attempts = 2 });
    }
    sqs_attempt_keep(attempts, "a", &made, 1000000);
    ck_assert(sqs_attempt_find(attempts, "a", 1300000, &found));
    ck_assert_uint_eq(found.count, SQS_ATTEMPT_MESSAGES);
    ck_assert_uint_eq(found.messages[9].id, 10);
    ck_assert_uint_eq(found.messages[9].attempts, 2);
    ck_assert(!sqs_attempt_find(attempts, "a", 1300001, &found));
    ck_assert(!sqs_attempt_find(attempts, "b", 1000000, &found));

    sqs_attempt_keep(attempts, "b", &made, 1000001);
    sqs_attempt_keep(attempts, "a", &made, 1200000); /* is the newest then */
    sqs_attempt_keep(attempts, "c", &made, 1300002);
    ck_assert_uint_eq(json_object_size(attempts), 2);
    ck_assert(sqs_attempt_find(attempts, "a", 1300002, &found));
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(id, sizeof(id), "%d", i);
        sqs_attempt_keep(attempts, id, &made, 1300003);
    }
    ck_assert_uint_eq(json_object_size(attempts), 1000);
    ck_assert(!sqs_attempt_find(attempts, "c", 1300003, &found));
    ck_assert(sqs_attempt_find(attempts, "0", 1300003, &found));
    json_decref(attempts);
}
END_TEST

int main(void)
{
    TCase *tc;
    Suite *suite = leaks_suite("sqs", &tc);
    tcase_add_test(tc, digests_are_those_of_aws);
    tcase_add_test(tc, a_form_is_the_json_protocols_input);
    tcase_add_test(tc, an_answer_is_xml);
    tcase_add_test(tc, who_wants_json_of_the_query_protocol_gets_it);
    tcase_add_test(tc, a_message_is_checked_as_aws_does);
    tcase_add_test(tc, base64_is_what_it_was);
    tcase_add_test(tc, attempts_are_known_for_five_minutes_and_the_newest_thousand);
    return suite_run(suite);
}
