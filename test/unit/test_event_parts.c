/* What decides about events without doing anything: when one is tried again, by which key a request
 * is known, how a request is kept, how a webhook is signed.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/mem.h"
#include "control/events/eventbridge/event_arn.h"
#include "control/events/queue/retry.h"
#include "control/events/routes/route_config.h"
#include "control/events/routes/stored_request.h"
#include "control/events/routes/webhook_sign.h"
#include "control/events/workers/worker_delay.h"
#include "http/http_block.h"
#include "leaks.h"

static json_t *json_of(const char *text)
{
    json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
    ck_assert_msg(json != NULL, "%s is not JSON", text);
    return json;
}

/* ---- ARNs ---- */

static struct str region_of(const char *arn)
{
    return event_arn_region(str_c(arn));
}

START_TEST(a_region_is_the_fourth_part_of_an_arn)
{
    ck_assert(str_eq(region_of("arn:aws:events:eu-west-1:000000000000:rule/a"), STR("eu-west-1")));
    ck_assert(str_eq(region_of("arn:aws:scheduler:::aws-sdk:sqs:sendMessage"), STR("us-east-1")));
    ck_assert(str_eq(region_of("arn:aws:events"), STR("us-east-1")));
    ck_assert(str_eq(region_of("a:b:c:d:e"), STR("us-east-1")));
    ck_assert(str_eq(region_of(""), STR("us-east-1")));
}
END_TEST

START_TEST(the_same_in_another_region_is_the_same)
{
    struct str here = STR("arn:aws:events:eu-west-1:000000000000:rule/a:b");
    ck_assert(event_arn_is_same(here, STR("arn:aws:events:us-east-1:000000000000:rule/a:b")));
    ck_assert(!event_arn_is_same(here, STR("arn:aws:events:eu-west-1:000000000000:rule/a")));
    ck_assert(!event_arn_is_same(here, STR("arn:aws:sqs:eu-west-1:000000000000:rule/a:b")));
    ck_assert(!event_arn_is_same(here, STR("arn:aws:events")));
    ck_assert(event_arn_is_same(STR(""), STR("")));
}
END_TEST

/* ---- when an event is tried again ---- */

#define SENT_MS 1000000

static struct retry_policy policy_of(const char *text)
{
    static const struct retry_policy otherwise = {
        .retries_max = 2, .delays_ms = { 60000, 120000 }, .delay_count = 2, .max_age_ms = 3600000
    };
    struct retry_policy policy;
    json_t *json = json_of(text);
    retry_read(json, &otherwise, &policy);
    json_decref(json);
    return policy;
}

/* After how many milliseconds, -1: never. */
static int64_t delay_after(const struct retry_policy *policy, uint32_t attempts)
{
    uint64_t due;
    return retry_next(policy, attempts, SENT_MS, SENT_MS, &due) ? (int64_t)(due - SENT_MS) : -1;
}

START_TEST(what_is_not_said_stays_as_the_platform_has_it)
{
    struct retry_policy policy = policy_of("{}");
    ck_assert_int_eq(delay_after(&policy, 1), 60000);
    ck_assert_int_eq(delay_after(&policy, 2), 120000);
    ck_assert_int_eq(delay_after(&policy, 3), -1);
}
END_TEST

START_TEST(the_last_delay_stays)
{
    struct retry_policy policy = policy_of("{\"max_retries\": 4, \"retry_delays_s\": [0.5, 2]}");
    ck_assert_int_eq(delay_after(&policy, 1), 500);
    ck_assert_int_eq(delay_after(&policy, 2), 2000);
    ck_assert_int_eq(delay_after(&policy, 4), 2000);
    ck_assert_int_eq(delay_after(&policy, 5), -1);
}
END_TEST

START_TEST(as_many_delays_count_as_mayfly_json_may_have)
{
    char text[32 + 4 * LIMIT_RETRY_DELAYS] = "{\"max_retries\": 1000, \"retry_delays_s\": [0";
    size_t len = strlen(text);
    for (int i = 1; i < LIMIT_RETRY_DELAYS; i++) {
        len += (size_t)snprintf(text + len, sizeof(text) - len, ",%d", i);
    }
    (void)snprintf(text + len, sizeof(text) - len, "]}");
    struct retry_policy policy = policy_of(text);
    ck_assert_int_eq(delay_after(&policy, 50), 49000);
    ck_assert_int_eq(delay_after(&policy, LIMIT_RETRY_DELAYS), 99000);
    ck_assert_int_eq(delay_after(&policy, 1000), 99000);
}
END_TEST

START_TEST(without_delays_it_is_tried_again_at_once)
{
    struct retry_policy policy = policy_of("{\"retry_delays_s\": []}");
    ck_assert_int_eq(delay_after(&policy, 1), 0);
    ck_assert_int_eq(delay_after(&policy, 3), -1);
}
END_TEST

START_TEST(nothing_is_tried_when_it_would_be_too_old)
{
    uint64_t due;
    struct retry_policy policy = policy_of("{\"max_age_s\": 100}");
    ck_assert(retry_next(&policy, 1, SENT_MS, SENT_MS + 40000, &due));
    ck_assert_uint_eq(due, SENT_MS + 100000);
    ck_assert(!retry_next(&policy, 1, SENT_MS, SENT_MS + 40001, &due));
    policy = policy_of("{\"max_age_s\": 0}");
    ck_assert(retry_next(&policy, 1, SENT_MS, SENT_MS + 86400000, &due));
}
END_TEST

START_TEST(numbers_that_make_no_sense_are_not_taken)
{
    struct retry_policy policy =
        policy_of("{\"max_retries\": -1, \"max_age_s\": \"5\", \"retry_delays_s\": [-3, null]}");
    ck_assert_int_eq(delay_after(&policy, 2), 0);
    ck_assert_int_eq(delay_after(&policy, 3), -1);
    policy = policy_of("{\"max_retries\": 1e30, \"retry_delays_s\": [1]}");
    ck_assert_int_eq(delay_after(&policy, 4000000000U), 1000);
}
END_TEST

START_TEST(what_could_not_be_handed_over_waits_twice_as_long_each_time)
{
    ck_assert_uint_eq(retry_system_due(SENT_MS, SENT_MS), SENT_MS + 1000);
    ck_assert_uint_eq(retry_system_due(SENT_MS, SENT_MS + 8000), SENT_MS + 16000);
    ck_assert_uint_eq(retry_system_due(SENT_MS, SENT_MS + 9000000), SENT_MS + 9300000);
    ck_assert_uint_eq(retry_system_due(SENT_MS, SENT_MS - 5), SENT_MS - 5 + 1000);
}
END_TEST

/* ---- the key of a request ---- */

/* The key of a request to a route whose "idempotent" has this key; "" if it has none. */
static const char *key_of(const char *key, struct str headers, const char *body)
{
    static char text[2048];
    char entry[256];
    struct route_config config;
    (void)snprintf(entry, sizeof(entry), "{\"idempotent\": {\"key\": \"%s\"}}", key);
    json_t *json = json_of(entry);
    route_config_read(json, &config);
    scoped_free char *found = route_config_key(&config, headers, str_c(body));
    (void)snprintf(text, sizeof(text), "%s", found ? found : "");
    route_config_finish(&config);
    json_decref(json);
    return text;
}

static const char *key_in(const char *path, const char *body)
{
    char key[200];
    (void)snprintf(key, sizeof(key), "json:%s", path);
    return key_of(key, STR(""), body);
}

START_TEST(a_path_leads_to_a_text_or_a_whole_number)
{
    ck_assert_str_eq(key_in("$.id", "{\"id\": \"evt_1\"}"), "evt_1");
    ck_assert_str_eq(key_in("id", "{\"id\": 17}"), "17");
    ck_assert_str_eq(key_in("$.data.items[1].id", "{\"data\":{\"items\":[{},{\"id\":\"b\"}]}}"),
                     "b");
    ck_assert_str_eq(key_in("$[0]", "[\"first\"]"), "first");
    ck_assert_str_eq(key_in("$", "\"all of it\""), "all of it");
}
END_TEST

START_TEST(a_path_that_leads_nowhere_is_no_key)
{
    static const char *const paths[] = { "$.nothing", "$.id[0]", "$[0]",    "$.list[2]",
                                         "$.list[x]", "$.list[", "$.list.", "$..id",
                                         "$.half",    "$.none",  "$.list",  "$.empty" };
    for (size_t i = 0; i < ARRAY_COUNT(paths); i++) {
        ck_assert_msg(key_in(paths[i], "{\"id\": \"x\", \"list\": [1, 2], \"half\": 0.5, "
                                       "\"none\": null, \"empty\": \"\"}")[0] == '\0',
                      "%s", paths[i]);
    }
    ck_assert_str_eq(key_in("$.id", "{\"id\": "), "");
    ck_assert_str_eq(key_in("$.id", ""), "");
}
END_TEST

START_TEST(a_header_is_found_in_any_case_and_trimmed)
{
    struct str headers = STR("accept\0*/*\0idempotency-key\0 k1 \0webhook-id\0msg_1\0");
    ck_assert_str_eq(key_of("header:idempotency-key", headers, ""), "k1");
    ck_assert_str_eq(key_of("header:Accept", headers, ""), "*/*");
    ck_assert_str_eq(key_of("standard-webhooks", headers, ""), "msg_1");
    ck_assert_str_eq(key_of("header:x-missing", headers, ""), "");
    ck_assert_str_eq(key_of("standard-webhooks", STR("svix-id\0msg_2\0"), ""), "msg_2");
    ck_assert_str_eq(key_of("standard-webhooks", STR("svix-id\0msg_2\0webhook-id\0msg_1\0"), ""),
                     "msg_1");
    ck_assert_str_eq(key_of("standard-webhooks", STR("accept\0*/*\0"), ""), "");
}
END_TEST

START_TEST(a_key_of_any_length_is_none)
{
    char body[2000];
    (void)snprintf(body, sizeof(body), "\"%01024d\"", 7);
    ck_assert_uint_eq(strlen(key_in("$", body)), 1024);
    (void)snprintf(body, sizeof(body), "\"%01025d\"", 7);
    ck_assert_str_eq(key_in("$", body), "");
}
END_TEST

START_TEST(a_route_takes_its_policy_from_what_it_is)
{
    struct route_config config;
    json_t *json = json_of("{\"durable\": {\"max_retries\": 1}, \"on_failure\": {\"url\": \"u\"}}");
    route_config_read(json, &config);
    ck_assert(config.durable && !config.background && config.key == ROUTE_KEY_NONE);
    ck_assert_int_eq(delay_after(&config.policy, 1), 5000);
    ck_assert_int_eq(delay_after(&config.policy, 2), -1);
    ck_assert(config.on_failure && !config.on_success);
    route_config_finish(&config);
    json_decref(json);

    json = json_of("{\"background\": {}}");
    route_config_read(json, &config);
    ck_assert(config.background && !config.durable);
    ck_assert_int_eq(delay_after(&config.policy, 2), 120000);
    ck_assert_int_eq(delay_after(&config.policy, 3), -1);
    route_config_finish(&config);
    json_decref(json);
}
END_TEST

/* ---- a request as a message ---- */

START_TEST(a_stored_request_comes_back_byte_for_byte)
{
    const struct stored_request given = { .method = STR("POST"),
                                          .target = STR("/api/x?y=1"),
                                          .host = STR("shop.test"),
                                          .headers = STR("a\0b\0c\0\0"),
                                          .body = STR("\0\x01{\"raw\": true}\xff\0") };
    struct stored_request got;
    struct buf packed;
    buf_init(&packed, KIB);
    ck_assert_int_eq(stored_request_pack(&given, &packed), 0);
    ck_assert_int_eq(stored_request_unpack(buf_str(&packed), &got), 0);
    ck_assert(str_eq(got.method, given.method) && str_eq(got.target, given.target));
    ck_assert(str_eq(got.host, given.host) && str_eq(got.headers, given.headers));
    ck_assert(str_eq(got.body, given.body));
    buf_finish(&packed);
}
END_TEST

START_TEST(what_is_no_stored_request_is_refused)
{
    static const struct str packed[] = {
        STR(""),
        STR("\0\0\0"),
        STR("\0\0\0\x09PUT\0/\0h"),    /* the head is longer than all there is */
        STR("\xff\xff\xff\xffPUT\0"),  /* ... far longer */
        STR("\0\0\0\x03PUT"),          /* a part without its end */
        STR("\0\0\0\x06PUT\0/\0"),     /* no host */
        STR("\0\0\0\x09PUT\0/\0h\0a"), /* a header without its end */
    };
    struct stored_request got;
    for (size_t i = 0; i < ARRAY_COUNT(packed); i++) {
        ck_assert_msg(stored_request_unpack(packed[i], &got) == -EBADMSG, "number %zu", i);
    }
}
END_TEST

START_TEST(what_belonged_to_the_connection_is_not_kept)
{
    struct buf kept;
    buf_init(&kept, KIB);
    ck_assert_int_eq(
        stored_request_fields(&kept, STR("host\0h\0connection\0close\0content-length\0005\0"
                                         "x-mayfly-direct\0001\0stripe-signature\0t=1\0")),
        0);
    ck_assert(str_eq(buf_str(&kept), STR("stripe-signature\0t=1\0")));
    buf_finish(&kept);

    buf_init(&kept, 8);
    ck_assert_int_eq(stored_request_fields(&kept, STR("a\0b\0too\0long\0")), -EMSGSIZE);
    ck_assert(str_eq(buf_str(&kept), STR("a\0b\0")));
    buf_finish(&kept);
}
END_TEST

START_TEST(a_field_is_added_whole_or_not_at_all)
{
    struct buf block;
    buf_init(&block, 10);
    ck_assert_int_eq(http_block_add(&block, STR("a"), STR("1")), 0);
    ck_assert_int_eq(http_block_add(&block, STR("name"), STR("value")), -EMSGSIZE);
    ck_assert_int_eq(http_block_add(&block, STR("b"), STR("")), 0);
    ck_assert(str_eq(buf_str(&block), STR("a\0001\0b\0\0")));
    buf_finish(&block);
}
END_TEST

START_TEST(a_field_that_is_taken_out_leaves_the_others)
{
    struct buf block;
    buf_init(&block, 64);
    ck_assert_int_eq(http_block_add(&block, STR("a"), STR("1")), 0);
    ck_assert_int_eq(http_block_add(&block, STR("name"), STR("value")), 0);
    ck_assert_int_eq(http_block_add(&block, STR("b"), STR("")), 0);
    http_block_remove(&block, STR("nam"));
    http_block_remove(&block, STR("Name"));
    ck_assert(str_eq(buf_str(&block), STR("a\0001\0b\0\0")));
    http_block_remove(&block, STR("b"));
    http_block_remove(&block, STR("a"));
    ck_assert_uint_eq(block.len, 0);
    buf_finish(&block);
}
END_TEST

/* ---- signatures ---- */

START_TEST(a_webhook_is_signed_as_the_specification_shows)
{
    /* The example of standardwebhooks.com's own libraries. */
    char signature[WEBHOOK_SIGNATURE_BYTES];
    ck_assert_int_eq(webhook_sign(STR("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
                                  STR("msg_p5jXN8AQM9LWM0D4loKWxJek"), 1614265330,
                                  STR("{\"test\": 2432232314}"), signature),
                     0);
    ck_assert_str_eq(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}
END_TEST

START_TEST(a_secret_is_any_text_unless_it_says_otherwise)
{
    char plain[WEBHOOK_SIGNATURE_BYTES], coded[WEBHOOK_SIGNATURE_BYTES];
    ck_assert_int_eq(webhook_sign(STR("secret"), STR("id"), 1, STR(""), plain), 0);
    ck_assert_int_eq(webhook_sign(STR("whsec_c2VjcmV0"), STR("id"), 1, STR(""), coded), 0);
    ck_assert_str_eq(plain, coded);
    ck_assert_int_eq(webhook_sign(STR("whsec_%"), STR("id"), 1, STR(""), coded), -EINVAL);
}
END_TEST

/* What a Worker says, in a queue whose own delay is 7 s. */
static int delay_of(json_t *said, uint64_t *ret_ms)
{
    *ret_ms = 7000;
    json_t *message = json_pack("{s:o*}", "delaySeconds", said);
    int r = worker_delay_read(message, ret_ms);
    json_decref(message);
    return r;
}

START_TEST(a_worker_delays_a_message_by_a_day_at_most)
{
    uint64_t ms;
    ck_assert_int_eq(delay_of(NULL, &ms), 0);
    ck_assert_uint_eq(ms, 7000);
    ck_assert_int_eq(delay_of(json_real(1.5), &ms), 0);
    ck_assert_uint_eq(ms, 1500);
    ck_assert_int_eq(delay_of(json_integer(86400), &ms), 0);
    ck_assert_uint_eq(ms, 86400000);
    ck_assert_int_eq(delay_of(json_integer(86401), &ms), -ERANGE);
    ck_assert_int_eq(delay_of(json_real(1e300), &ms), -ERANGE);
    ck_assert_uint_eq(ms, 86400000);
    ck_assert_int_eq(delay_of(json_integer(-1), &ms), -ERANGE);
    ck_assert_uint_eq(ms, 0);
}
END_TEST

int main(void)
{
    TCase *tc;
    Suite *suite = leaks_suite("event_parts", &tc);
    tcase_add_test(tc, a_region_is_the_fourth_part_of_an_arn);
    tcase_add_test(tc, the_same_in_another_region_is_the_same);
    tcase_add_test(tc, what_is_not_said_stays_as_the_platform_has_it);
    tcase_add_test(tc, the_last_delay_stays);
    tcase_add_test(tc, as_many_delays_count_as_mayfly_json_may_have);
    tcase_add_test(tc, without_delays_it_is_tried_again_at_once);
    tcase_add_test(tc, nothing_is_tried_when_it_would_be_too_old);
    tcase_add_test(tc, numbers_that_make_no_sense_are_not_taken);
    tcase_add_test(tc, what_could_not_be_handed_over_waits_twice_as_long_each_time);
    tcase_add_test(tc, a_path_leads_to_a_text_or_a_whole_number);
    tcase_add_test(tc, a_path_that_leads_nowhere_is_no_key);
    tcase_add_test(tc, a_header_is_found_in_any_case_and_trimmed);
    tcase_add_test(tc, a_key_of_any_length_is_none);
    tcase_add_test(tc, a_route_takes_its_policy_from_what_it_is);
    tcase_add_test(tc, a_stored_request_comes_back_byte_for_byte);
    tcase_add_test(tc, what_is_no_stored_request_is_refused);
    tcase_add_test(tc, what_belonged_to_the_connection_is_not_kept);
    tcase_add_test(tc, a_field_is_added_whole_or_not_at_all);
    tcase_add_test(tc, a_field_that_is_taken_out_leaves_the_others);
    tcase_add_test(tc, a_webhook_is_signed_as_the_specification_shows);
    tcase_add_test(tc, a_secret_is_any_text_unless_it_says_otherwise);
    tcase_add_test(tc, a_worker_delays_a_message_by_a_day_at_most);
    return suite_run(suite);
}
