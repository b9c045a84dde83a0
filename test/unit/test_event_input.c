/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/limits.h"
#include "control/events/eventbridge/event_input.h"
#include "leaks.h"

#define EVENT                                                                                      \
    "{\"version\":\"0\",\"id\":\"1\",\"detail-type\":\"update\",\"source\":\"core\","              \
    "\"time\":\"2026-11-25T10:00:00Z\",\"resources\":[],\"detail\":{\"command\":\"go "             \
    "\\\"now\\\"\","                                                                               \
    "\"payload\":{\"acc_id\":\"0a78\",\"n\":5},\"one\":[\"HIGH\"],\"two\":[\"A\",\"B\"],"          \
    "\"valid\":true,\"none\":null,\"odd name\":\"x\"}}"

static char result[4096];

/* What the target gets, or the error's name. */
static const char *made(json_t *target)
{
    struct err err = { 0 };
    struct buf out;
    json_t *event = json_loads(EVENT, 0, NULL);
    ck_assert_msg(event_input_check(target, "t", &err) == 0, "%s", err.text);
    const struct event_input_source source = { .event = event,
                                               .text = STR(EVENT),
                                               .rule_name = STR("rule"),
                                               .rule_arn = STR("arn:rule"),
                                               .ingestion_time = STR("2026-11-25T10:00:01Z") };
    buf_init(&out, sizeof(result) - 1);
    int r = event_input_append(target, &source, &out);
    (void)snprintf(result, sizeof(result), "%.*s", (int)out.len, out.data);
    buf_finish(&out);
    json_decref(event);
    json_decref(target);
    return r == 0 ? result : r == -EBADMSG ? "undeliverable" : strerror(-r);
}

static json_t *with_template(const char *template)
{
    return json_pack("{s:{s:{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s},s:s}}", "input_transformer", "paths",
                     "type", "$.detail-type", "command", "$.detail.command", "payload",
                     "$.detail.payload", "userId", "$.detail.payload.acc_id", "one", "$.detail.one",
                     "two", "$.detail.two", "valid", "$.detail.valid", "missing",
                     "$.detail.missing", "template", template);
}

static void refuse(json_t *target, const char *text)
{
    struct err err = { 0 };
    ck_assert_int_eq(event_input_check(target, "t", &err), -EINVAL);
    ck_assert_str_eq(err.text, text);
    json_decref(target);
}

START_TEST(a_target_gets_all_a_part_or_a_constant)
{
    ck_assert_str_eq(made(json_object()), EVENT);
    ck_assert_str_eq(made(json_pack("{s:n,s:n}", "input", "input_path")), EVENT);
    ck_assert_str_eq(made(json_pack("{s:s}", "input", "{ \"a\": 1 }")), "{ \"a\": 1 }");
    ck_assert_str_eq(made(json_pack("{s:s}", "input_path", "$")), EVENT);
    ck_assert_str_eq(made(json_pack("{s:s}", "input_path", "$.detail.payload")),
                     "{\"acc_id\":\"0a78\",\"n\":5}");
    ck_assert_str_eq(made(json_pack("{s:s}", "input_path", "$.detail.payload.acc_id")), "\"0a78\"");
    ck_assert_str_eq(made(json_pack("{s:s}", "input_path", "$.detail['two'][1]")), "\"B\"");
    ck_assert_str_eq(made(json_pack("{s:s}", "input_path", "$.detail[\"odd name\"]")), "\"x\"");
    ck_assert_str_eq(made(json_pack("{s:s}", "input_path", "$.detail.two[2]")), "null");
}
END_TEST

START_TEST(a_path_with_a_wildcard_leads_to_a_list)
{
    ck_assert_str_eq(made(json_pack("{s:s}", "input_path", "$.detail.two[*]")), "[\"A\",\"B\"]");
    ck_assert_str_eq(made(json_pack("{s:s}", "input_path", "$.detail.*.acc_id")), "[\"0a78\"]");
    ck_assert_str_eq(made(json_pack("{s:s}", "input_path", "$.resources[*].id")), "[]");
    ck_assert_str_eq(made(json_pack("{s:{s:{s:s},s:s}}", "input_transformer", "paths", "all",
                                    "$.detail.payload.*", "template", "{\"all\": <all>}")),
                     "{\"all\": [\"0a78\",5]}");
    refuse(json_pack("{s:s}", "input_path", "$.detail[**]"), "Invalid InputPath for target t.");
}
END_TEST

START_TEST(a_template_of_text_takes_values_without_quotes)
{
    ck_assert_str_eq(made(with_template("\"Event of <type>: <missing>, <valid>\"")),
                     "\"Event of update: , true\"");
    ck_assert_str_eq(made(with_template("\"<one> <two>\"\n\"<payload> for <userId>\"")),
                     "\"[HIGH] [A,B]\"\n\"{acc_id:0a78,n:5} for 0a78\"");
    ck_assert_str_eq(made(with_template("\"{[/ <command> <\"")), "\"{[/ go \\\"now\\\" <\"");
}
END_TEST

START_TEST(a_template_of_json_keeps_types_outside_of_strings)
{
    ck_assert_str_eq(made(with_template("{\"a\": <userId>, \"b\": <payload>, \"c\": <one>, \"d\": "
                                        "<missing>, \"e\": [<valid>]}")),
                     "{\"a\": \"0a78\", \"b\": {\"acc_id\":\"0a78\",\"n\":5}, \"c\": [\"HIGH\"], "
                     "\"d\": \"\", \"e\": [true]}");
    ck_assert_str_eq(
        made(with_template("{\"a\": \"users/<userId>/<userId>\", \"b\": \"<command>\"}")),
        "{\"a\": \"users/0a78/0a78\", \"b\": \"go \\\"now\\\"\"}");
    ck_assert_str_eq(made(with_template("{\"a\": \"<one>\"}")), "undeliverable");
}
END_TEST

START_TEST(a_value_without_an_object_around_it_is_json)
{
    ck_assert_str_eq(made(with_template("<payload>")), "{\"acc_id\":\"0a78\",\"n\":5}");
    ck_assert_str_eq(made(with_template("[<userId>, \"<two>\"]")), "[\"0a78\", \"[\"A\",\"B\"]\"]");
}
END_TEST

START_TEST(a_template_that_cannot_become_json_is_refused)
{
    static const char *const wrong[] = { "hello <type>", "{\"a\": <type>", "{<type>: 1}",
                                         "{a: 1}",       "\"open <type>",  "{\"a\": x<type>}" };
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        refuse(with_template(wrong[i]),
               "Invalid InputTemplate for target t: it is neither JSON nor text in quotes.");
    }
}
END_TEST

START_TEST(there_are_names_for_the_rule_and_the_event)
{
    ck_assert_str_eq(made(with_template("\"<aws.events.rule-arn> <aws.events.rule-name> "
                                        "<aws.events.event.ingestion-time>\"")),
                     "\"arn:rule rule 2026-11-25T10:00:01Z\"");
    ck_assert_str_eq(made(with_template("{\"e\":<aws.events.event>}")),
                     "{\"e\":{\"version\":\"0\",\"id\":\"1\",\"source\":\"core\",\"time\":"
                     "\"2026-11-25T10:00:00Z\",\"resources\":[],\"detailType\":\"update\"}}");
    ck_assert(strstr(made(with_template("{\"e\":<aws.events.event.json>}")), "\"payload\":{") !=
              NULL);
}
END_TEST

START_TEST(what_is_wrong_is_said_in_the_words_of_aws)
{
    refuse(json_pack("{s:s,s:s}", "input", "x", "input_path", "$.a"),
           "Only one of Input, InputPath, or InputTransformer must be provided for target t.");
    refuse(with_template("\"<notdefinedkey>\""),
           "InputTemplate for target t contains invalid placeholder notdefinedkey.");
    static const char *const wrong[] = { "",     "detail", "$detail", "$.", "$..a",
                                         "$.a[", "$.a[x]", "$.a[-1]", "$[]" };
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        refuse(json_pack("{s:s}", "input_path", wrong[i]), "Invalid InputPath for target t.");
    }
}
END_TEST

int main(void)
{
    TCase *tc;
    Suite *suite = leaks_suite("event_input", &tc);
    tcase_add_test(tc, a_target_gets_all_a_part_or_a_constant);
    tcase_add_test(tc, a_template_of_text_takes_values_without_quotes);
    tcase_add_test(tc, a_path_with_a_wildcard_leads_to_a_list);
    tcase_add_test(tc, a_template_of_json_keeps_types_outside_of_strings);
    tcase_add_test(tc, a_value_without_an_object_around_it_is_json);
    tcase_add_test(tc, a_template_that_cannot_become_json_is_refused);
    tcase_add_test(tc, there_are_names_for_the_rule_and_the_event);
    tcase_add_test(tc, what_is_wrong_is_said_in_the_words_of_aws);
    return suite_run(suite);
}
