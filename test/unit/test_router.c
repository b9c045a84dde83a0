/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/mem.h"
#include "gateway/routes_json.h"
#include "leaks.h"

#define ck_assert_str(view, literal) ck_assert(str_eq((view), STR(literal)))

#define FUNCTIONS                                                                                  \
    "\"functions\":[{\"id\":1,\"name\":\"a\",\"dialect\":\"next\"},"                               \
    "{\"id\":2,\"name\":\"b\",\"dialect\":\"vercel\"},"                                            \
    "{\"id\":3,\"name\":\"m\",\"dialect\":\"middleware\"}]"

static struct routes_file file;
static struct route_answer answer;
static struct http_head head;
static char bytes[4096];

static void load(const char *routes)
{
    char json[8192];
    struct err err = { 0 };
    (void)snprintf(json, sizeof(json), "{" FUNCTIONS ",\"routes\":%s}", routes);
    ck_assert_msg(routes_json_read(str_c(json), &file, &err) == 0, "%s", err.text);
    file.router->functions = file.functions; /* as the gateway does when it loads a build */
    file.router->function_count = file.function_count;
    route_answer_init(&answer);
}

static void unload(void)
{
    route_answer_finish(&answer);
    file.router->functions = NULL;
    routes_file_finish(&file);
}

static void find_with(const char *method, const char *target, const char *fields)
{
    struct http_scan scan = { 0 };
    int len = snprintf(bytes, sizeof(bytes), "%s %s HTTP/1.1\r\nHost: Shop.example:80\r\n%s\r\n",
                       method, target, fields);
    ck_assert_int_eq(http_head_scan(&scan, str_of(bytes, (size_t)len)), len);
    ck_assert_int_eq(http_head_parse(bytes, (size_t)len, &head), 0);
    struct route_input in = { .method = head.method, .target = head.target, .head = &head };
    router_find(file.router, &in, &answer);
}

/* As middleware lets a request pass. */
static void find_after(const char *name, const char *target, const char *before)
{
    struct route_input in = { .method = STR("GET"),
                              .target = str_c(target),
                              .head = &head,
                              .via = str_c(name),
                              .after = str_c(name),
                              .before = str_c(before) };
    router_find(file.router, &in, &answer);
}

static void find(const char *target)
{
    find_with("GET", target, "");
}

START_TEST(the_first_route_that_matches_answers_whether_literal_or_not)
{
    load("[{\"src\":\"^/x.*$\",\"function\":1,\"endpoint\":0},{\"path\":\"/xa\",\"function\":0},"
         "{\"path\":\"/b\",\"function\":0},{\"src\":\"^/b$\",\"function\":1},"
         "{\"path\":\"/b\",\"function\":1}]");
    find("/xa");
    ck_assert_uint_eq(answer.function, 1);
    find("/b?query");
    ck_assert_uint_eq(answer.function, 0);
    find("/c");
    ck_assert_int_eq(answer.kind, ROUTE_NONE);
    unload();
}
END_TEST

START_TEST(captures_become_params_as_received)
{
    load("[{\"src\":\"^/u/([^/]+?)(?:/(.*?))?/?$\",\"params\":[\"id\",\"rest*\"],"
         "\"function\":0}]");
    find("/u/7%2F8/a/b");
    ck_assert(str_eq(buf_str(&answer.params), STR("id\0"
                                                  "7%2F8\0rest*\0a/b\0")));
    find("/u/7");
    ck_assert(str_eq(buf_str(&answer.params), STR("id\0"
                                                  "7\0rest*\0\0")));
    unload();
}
END_TEST

START_TEST(a_rewrite_goes_on_behind_or_at_the_file_system)
{
    load("[{\"path\":\"/new\",\"function\":0},{\"label\":\"filesystem\",\"continue\":true},"
         "{\"path\":\"/other\",\"function\":1},{\"src\":\"^/old/(?<id>.*)$\",\"dest\":"
         "\"/other?id=$id\",\"check\":true},{\"src\":\"^/plain$\",\"dest\":\"/other\"},"
         "{\"src\":\"^/other$\",\"status\":404,\"dialect\":\"vercel\"}]");
    find("/old/7?q=1");
    ck_assert_int_eq(answer.kind, ROUTE_FUNCTION);
    ck_assert_uint_eq(answer.function, 1);
    ck_assert_str(answer.target, "/other?id=7&q=1");
    find("/plain");
    ck_assert_int_eq(answer.kind, ROUTE_STATUS);
    ck_assert_int_eq(answer.dialect, DIALECT_VERCEL);
    unload();
}
END_TEST

START_TEST(rewrites_without_end_end)
{
    load("[{\"label\":\"filesystem\",\"continue\":true},"
         "{\"src\":\"^/(.*)$\",\"dest\":\"/$1\",\"check\":true}]");
    find("/a");
    ck_assert_int_eq(answer.kind, ROUTE_NONE);
    unload();
}
END_TEST

START_TEST(a_redirect_carries_the_query_unless_it_has_one)
{
    load("[{\"src\":\"^/a/(.*)$\",\"location\":\"/b/$1\",\"status\":308},"
         "{\"path\":\"/c\",\"location\":\"https://x/?y\"}]");
    find("/a/x?q=1");
    ck_assert_uint_eq(answer.status, 308);
    ck_assert(str_eq(buf_str(&answer.location), STR("/b/x?q=1")));
    find("/c?q=1");
    ck_assert_uint_eq(answer.status, 307);
    ck_assert(str_eq(buf_str(&answer.location), STR("https://x/?y")));
    unload();
}
END_TEST

START_TEST(a_condition_without_a_pattern_captures_the_value_by_its_key)
{
    load("[{\"path\":\"/a\",\"has\":[{\"type\":\"header\",\"key\":\"x-on\"},"
         "{\"type\":\"query\",\"key\":\"q\"}],\"dest\":\"/x?h=$x-on&r=$q-$q\"},"
         "{\"path\":\"/x\",\"function\":0}]");
    find_with("GET", "/a?q=1", "X-On: yes\r\n");
    ck_assert_str(answer.target, "/x?h=yes&r=1-1&q=1");
    unload();
}
END_TEST

START_TEST(on_vercel_the_query_of_the_request_wins_over_a_rewrite)
{
    load("[{\"path\":\"/a\",\"dest\":\"/x?p=1&q=2\",\"dialect\":\"vercel\"},"
         "{\"path\":\"/b\",\"dest\":\"/x?p=1\",\"dialect\":\"next\"},"
         "{\"path\":\"/x\",\"function\":0}]");
    find("/a?q=3&r");
    ck_assert_str(answer.target, "/x?p=1&q=3&r");
    find("/a");
    ck_assert_str(answer.target, "/x?p=1&q=2");
    find("/b?p=4");
    ck_assert_str(answer.target, "/x?p=1&p=4");
    unload();
}
END_TEST

START_TEST(names_leave_the_query_before_a_rewrite_gives_them_values)
{
    load("[{\"src\":\"^/\",\"without\":\"p&q\",\"continue\":true},"
         "{\"src\":\"^/x$\",\"dest\":\"/y?p=1\",\"dialect\":\"vercel\"},"
         "{\"src\":\"^/\",\"function\":0}]");
    find("/x?p=2&a=3&q=4&pp=5");
    ck_assert_str(answer.target, "/y?p=1&a=3&pp=5");
    find("/z?q=4");
    ck_assert_str(answer.target, "/z");
    find("/z?a=1");
    ck_assert_str(answer.target, "/z?a=1");
    unload();
}
END_TEST

START_TEST(next_joins_the_query_with_the_one_of_a_redirect)
{
    load("[{\"path\":\"/a\",\"location\":\"/b?x=1&y\",\"status\":308,\"dialect\":\"next\"},"
         "{\"path\":\"/c\",\"location\":\"/d#part\",\"dialect\":\"next\"},"
         "{\"path\":\"/e\",\"location\":\"/f?z#part\",\"dialect\":\"next\"}]");
    find("/a?q=1&x=2&y=3&r");
    ck_assert_str(buf_str(&answer.location), "/b?q=1&r&x=1&y");
    find("/a?x=2");
    ck_assert_str(buf_str(&answer.location), "/b?x=1&y");
    find("/c?q");
    ck_assert_str(buf_str(&answer.location), "/d?q#part");
    find("/e?q");
    ck_assert_str(buf_str(&answer.location), "/f?q&z#part");
    find("/e");
    ck_assert_str(buf_str(&answer.location), "/f?z#part");
    unload();
}
END_TEST

START_TEST(what_middleware_lets_pass_goes_on_behind_it_with_the_headers_of_the_path_it_had)
{
    load("[{\"path\":\"/old\",\"location\":\"/new\",\"status\":308},"
         "{\"src\":\"^/(.*)$\",\"headers\":{\"x-path\":\"$1\"},\"continue\":true},"
         "{\"src\":\"^/o.*$\",\"function\":2},{\"src\":\"^/x$\",\"function\":2},"
         "{\"src\":\"^/(.*)$\",\"headers\":{\"x-late\":\"$1\"},\"continue\":true},"
         "{\"path\":\"/old\",\"function\":1},{\"path\":\"/x\",\"function\":0}]");
    find("/x");
    ck_assert_uint_eq(answer.function, 2);
    find_after("m", "/old", "/x?q");
    ck_assert_int_eq(answer.kind, ROUTE_FUNCTION);
    ck_assert_uint_eq(answer.function, 1);
    ck_assert_str(buf_str(&answer.headers), "x-path\0x\0x-late\0old\0");
    find_after("gone", "/x", "/x");
    ck_assert_uint_eq(answer.function, 2); /* of a build that has no such function any more */
    unload();
}
END_TEST

START_TEST(on_vercel_a_rule_ends_its_phase_and_a_later_header_replaces_an_earlier_one)
{
    load("[{\"src\":\"^/"
         "a\",\"headers\":{\"X-A\":\"1\",\"x-b\":\"1\"},\"dialect\":\"vercel\",\"continue\":true},"
         "{\"src\":\"^/a/b\",\"headers\":{\"x-a\":\"2\"},\"dialect\":\"vercel\",\"check\":true},"
         "{\"src\":\"^/a\",\"headers\":{\"x-a\":\"3\"},\"dialect\":\"vercel\",\"continue\":true},"
         "{\"label\":\"filesystem\",\"continue\":true},"
         "{\"src\":\"^/a/b\",\"headers\":{\"x-c\":\"1\"},\"check\":true},"
         "{\"src\":\"^/\",\"function\":1}]");
    find("/a/b?q");
    ck_assert_uint_eq(answer.function, 1);
    ck_assert_str(answer.target, "/a/b?q");
    ck_assert_str(buf_str(&answer.headers), "x-b\0001\0x-a\0002\0x-c\0001\0");
    find("/a/c");
    ck_assert_str(buf_str(&answer.headers), "x-b\0001\0x-a\0003\0");
    unload();
}
END_TEST

START_TEST(conditions_look_at_headers_cookies_query_and_host)
{
    load("[{\"has\":[{\"type\":\"header\",\"key\":\"X-Beta\",\"value\":\"(?<v>o.)\"},"
         "{\"type\":\"cookie\",\"key\":\"seen\"},{\"type\":\"query\",\"key\":\"q\","
         "\"value\":\"1\"},{\"type\":\"host\",\"value\":\"(?<sub>[^.]+)\\\\.example\"}],"
         "\"missing\":[{\"type\":\"header\",\"key\":\"x-no\"}],"
         "\"headers\":{\"x-v\":\"$v at $sub\"},\"function\":0}]");
    find_with("GET", "/?p=2&q=1", "X-Beta: on\r\nCookie: a=b; seen=\r\n");
    ck_assert_int_eq(answer.kind, ROUTE_FUNCTION);
    ck_assert(str_eq(buf_str(&answer.headers), STR("x-v\0on at Shop\0")));
    find_with("GET", "/?q=1", "X-Beta: one\r\nCookie: seen=1\r\n");
    ck_assert_int_eq(answer.kind, ROUTE_NONE);
    find_with("GET", "/?q=1", "X-Beta: on\r\nCookie: seen=1\r\nX-No: 1\r\n");
    ck_assert_int_eq(answer.kind, ROUTE_NONE);
    find_with("GET", "/?q=12", "X-Beta: on\r\nCookie: seen=1\r\n");
    ck_assert_int_eq(answer.kind, ROUTE_NONE);
    unload();
}
END_TEST

START_TEST(methods_and_hosts_choose)
{
    load("[{\"path\":\"/\",\"methods\":[\"POST\"],\"function\":0},"
         "{\"path\":\"/\",\"host\":\"shop\\\\.example\",\"function\":1}]");
    find_with("POST", "/", "");
    ck_assert_uint_eq(answer.function, 0);
    find_with("GET", "/", "");
    ck_assert_uint_eq(answer.function, 1);
    unload();
}
END_TEST

START_TEST(a_pattern_that_explodes_does_not_match_and_costs_little)
{
    load("[{\"src\":\"^/(([^/]*)*)*x$\",\"function\":0},{\"src\":\"^/.*$\",\"function\":1}]");
    find("/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    ck_assert_uint_eq(answer.function, 1);
    unload();
}
END_TEST

static void find_behind(const char *target, const char *via)
{
    struct route_input in = {
        .method = STR("GET"), .target = str_c(target), .head = &head, .via = str_c(via)
    };
    head = (struct http_head){ .host = STR("shop.example") };
    router_find(file.router, &in, &answer);
}

START_TEST(routes_to_functions_that_a_request_came_through_are_skipped)
{
    load("[{\"src\":\"^/\",\"function\":0,\"headers\":{\"x-a\":\"1\"}},"
         "{\"path\":\"/x\",\"function\":1}]");
    find_behind("/x", "");
    ck_assert_uint_eq(answer.function, 0);
    find_behind("/x", "a");
    ck_assert_uint_eq(answer.function, 1);
    ck_assert_uint_eq(answer.headers.len, 0);
    find_behind("/x", "b");
    ck_assert_uint_eq(answer.function, 0);
    find_behind("/x", "aa,A,,ab");
    ck_assert_uint_eq(answer.function, 0);
    find_behind("/x", "c,b,a");
    ck_assert_int_eq(answer.kind, ROUTE_NONE);
    unload();
}
END_TEST

START_TEST(faults_in_the_routes_are_named)
{
    static const char *const bad[] = { "[{\"src\":\"(\"}]",
                                       "[{\"path\":7}]",
                                       "[{\"path\":\"/\",\"function\":3}]",
                                       "[{\"headers\":{\"a b\":\"c\"}}]",
                                       "[{\"headers\":{\"a\":\"b\\nc\"}}]",
                                       "[{\"has\":[{\"type\":\"moon\"}]}]",
                                       "[{\"status\":42}]",
                                       "{}",
                                       "[7]" };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        char json[1024];
        struct err err = { 0 };
        (void)snprintf(json, sizeof(json), "{" FUNCTIONS ",\"routes\":%s}", bad[i]);
        ck_assert_msg(routes_json_read(str_c(json), &file, &err) == -EINVAL, "%s", bad[i]);
        ck_assert_msg(err.text[0] != '\0', "%s", bad[i]);
    }
}
END_TEST

int main(void)
{
    TCase *tests;
    Suite *suite = leaks_suite("router", &tests);
    tcase_add_test(tests, the_first_route_that_matches_answers_whether_literal_or_not);
    tcase_add_test(tests, captures_become_params_as_received);
    tcase_add_test(tests, a_rewrite_goes_on_behind_or_at_the_file_system);
    tcase_add_test(tests, rewrites_without_end_end);
    tcase_add_test(tests, a_redirect_carries_the_query_unless_it_has_one);
    tcase_add_test(tests, a_condition_without_a_pattern_captures_the_value_by_its_key);
    tcase_add_test(tests, on_vercel_the_query_of_the_request_wins_over_a_rewrite);
    tcase_add_test(tests, names_leave_the_query_before_a_rewrite_gives_them_values);
    tcase_add_test(tests, next_joins_the_query_with_the_one_of_a_redirect);
    tcase_add_test(tests,
                   what_middleware_lets_pass_goes_on_behind_it_with_the_headers_of_the_path_it_had);
    tcase_add_test(tests,
                   on_vercel_a_rule_ends_its_phase_and_a_later_header_replaces_an_earlier_one);
    tcase_add_test(tests, conditions_look_at_headers_cookies_query_and_host);
    tcase_add_test(tests, methods_and_hosts_choose);
    tcase_add_test(tests, a_pattern_that_explodes_does_not_match_and_costs_little);
    tcase_add_test(tests, routes_to_functions_that_a_request_came_through_are_skipped);
    tcase_add_test(tests, faults_in_the_routes_are_named);
    return suite_run(suite);
}
