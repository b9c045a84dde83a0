/* SPDX-License-Identifier: Apache-2.0 */
#include "http/http_chunked.h"
#include "http/http_date.h"
#include "http/http_head.h"
#include "http/http_range.h"
#include "http/http_reply.h"
#include "http/http_target.h"
#include "leaks.h"

#define ck_assert_str(view, literal) ck_assert(str_eq((view), STR(literal)))

static char bytes[65536];
static struct http_head head;

/* 0, or the refusal. */
static int parse(const char *text)
{
    struct http_scan scan = { 0 };
    size_t len = strlen(text);
    memcpy(bytes, text, len);
    int r = http_head_scan(&scan, str_of(bytes, len));
    return r > 0 ? http_head_parse(bytes + scan.blank, (size_t)r - scan.blank, &head) : r;
}

START_TEST(a_head_is_split_into_its_parts)
{
    ck_assert_int_eq(parse("POST /a?b HTTP/1.1\r\nHost: x:80\r\nContent-Length: 5\r\n"
                           "X-Two:  words here \t\r\n\r\nhello"),
                     0);
    ck_assert_str(head.method, "POST");
    ck_assert_str(head.target, "/a?b");
    ck_assert_str(head.host, "x:80");
    ck_assert_str(http_head_find(&head, STR("x-two"))->value, "words here");
    ck_assert_uint_eq(head.length, 5);
    ck_assert(head.has_length && head.keep_alive && http_head_has_body(&head));
    ck_assert_ptr_null(http_head_find(&head, STR("x-three")));
}
END_TEST

START_TEST(an_unfinished_head_asks_for_more)
{
    ck_assert_int_eq(parse(""), 0);
    struct http_scan scan = { 0 };
    ck_assert_int_eq(http_head_scan(&scan, STR("GET / HT")), 0);
    ck_assert_int_eq(http_head_scan(&scan, STR("GET / HTTP/1.0\r\n\r")), 0);
    ck_assert_int_eq(http_head_scan(&scan, STR("GET / HTTP/1.0\r\n\r\nx")), 18);
    scan = (struct http_scan){ 0 };
    ck_assert_int_eq(http_head_scan(&scan, STR("GET / HTTP/1.0\r")), 0);
    ck_assert_int_eq(http_head_scan(&scan, STR("GET / HTTP/1.0\rA")), -400);
}
END_TEST

START_TEST(keeping_the_connection_follows_version_and_options)
{
    ck_assert_int_eq(parse("GET / HTTP/1.0\r\n\r\n"), 0);
    ck_assert(!head.keep_alive);
    ck_assert_int_eq(parse("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"), 0);
    ck_assert(head.keep_alive);
    ck_assert_int_eq(parse("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, close\r\n"
                           "Connection: keep-alive\r\n\r\n"),
                     0);
    ck_assert(!head.keep_alive); /* once is enough */
}
END_TEST

START_TEST(fields_of_the_hop_are_marked)
{
    ck_assert_int_eq(parse("GET / HTTP/1.1\r\nX-A: 1\r\nHost: a\r\nConnection: x-a, host\r\n"
                           "TE: trailers\r\nUpgrade: h2c\r\nX-B: 2\r\n\r\n"),
                     0);
    ck_assert(http_head_find(&head, STR("x-a"))->hop);
    ck_assert(http_head_find(&head, STR("te"))->hop);
    ck_assert(http_head_find(&head, STR("upgrade"))->hop);
    ck_assert(!http_head_find(&head, STR("host"))->hop); /* nobody may have it dropped */
    ck_assert(!http_head_find(&head, STR("x-b"))->hop);
}
END_TEST

START_TEST(a_connection_has_no_more_options_than_fields)
{
    struct buf text;
    buf_init(&text, LIMIT_REQUEST_HEAD_BYTES);
    ck_assert_int_eq(buf_printf(&text, "GET / HTTP/1.1\r\nHost: a\r\nConnection:"), 0);
    for (int i = 0; i < LIMIT_REQUEST_HEADERS; i++) {
        ck_assert_int_eq(buf_append(&text, STR(" a,,")), 0);
    }
    ck_assert_int_eq(buf_printf(&text, "\r\n\r\n"), 0);
    ck_assert_int_eq(parse(text.data), 0);
    text.len -= 4;
    ck_assert_int_eq(buf_printf(&text, "b\r\nConnection: c\r\n\r\n"), 0);
    ck_assert_int_eq(parse(text.data), -431);
    buf_finish(&text);
}
END_TEST

#define GET_SOCKET "GET / HTTP/1.1\r\nHost: a\r\n"

START_TEST(an_upgrade_to_websocket_is_passed_on)
{
    ck_assert_int_eq(parse(GET_SOCKET "Upgrade: WebSocket\r\nConnection: x, Upgrade\r\n\r\n"), 0);
    ck_assert(head.upgrade);
    ck_assert(!http_head_find(&head, STR("upgrade"))->hop);
    ck_assert(!http_head_find(&head, STR("connection"))->hop);
}
END_TEST

START_TEST(what_is_no_upgrade_to_websocket_is_a_plain_request)
{
    static const char *const plain[] = {
        GET_SOCKET "Upgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
        GET_SOCKET "Upgrade: websocket\r\nConnection: close\r\n\r\n",
        GET_SOCKET "Connection: Upgrade\r\n\r\n",
        GET_SOCKET "Upgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 3\r\n\r\n",
        "GET / HTTP/1.0\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    };
    for (size_t i = 0; i < ARRAY_COUNT(plain); i++) {
        ck_assert_int_eq(parse(plain[i]), 0);
        ck_assert(!head.upgrade);
        const struct http_field *upgrade = http_head_find(&head, STR("upgrade"));
        ck_assert(!upgrade || upgrade->hop);
        ck_assert(http_head_find(&head, STR("connection"))->hop);
    }
}
END_TEST

START_TEST(an_absolute_target_names_the_host)
{
    ck_assert_int_eq(parse("GET HTTP://b.example:8?q HTTP/1.1\r\nHost: a\r\n\r\n"), 0);
    ck_assert_str(head.host, "b.example:8");
    ck_assert_str(head.target, "/?q");
    ck_assert_int_eq(parse("GET http://b/x HTTP/1.1\r\nHost: a\r\n\r\n"), 0);
    ck_assert_str(head.target, "/x");
}
END_TEST

START_TEST(hosts_are_names_and_addresses)
{
    static const char *const good[] = { "a",     "a.b-c_d",       "a:", "a:0", "127.0.0.1:80",
                                        "[::1]", "[fe80::1]:443", "9" };
    static const char *const bad[] = {
        "",    ":80", "a:b", "a:99999", "[::1",  "[]",      "[::1]x",
        "a/b", "a@b", "a b", "a?b",     "[::g]", "a:80:90", "a%20b"
    };
    for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
        ck_assert_msg(http_is_host(str_c(good[i])), "%s", good[i]);
    }
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        ck_assert_msg(!http_is_host(str_c(bad[i])), "%s", bad[i]);
    }
    ck_assert_str(http_host_without_port(STR("[::1]:80")), "[::1]");
    ck_assert_str(http_host_without_port(STR("a:80")), "a");
}
END_TEST

START_TEST(a_chunked_body_ends_before_the_next_request)
{
    struct http_chunked c = { 0 };
    struct str in = STR("3;x=1\r\nabc\r\n0\r\nA: b\r\n\r\nGET"), data;
    ck_assert_int_eq(http_chunked_decode(&c, &in, &data), HTTP_CHUNKED_DATA);
    ck_assert_str(data, "abc");
    ck_assert_int_eq(http_chunked_decode(&c, &in, &data), HTTP_CHUNKED_END);
    ck_assert_str(in, "GET");
}
END_TEST

START_TEST(dates_are_read_in_all_three_formats)
{
    static const char *const same[] = { "Sun, 06 Nov 1994 08:49:37 GMT",
                                        "Sunday, 06-Nov-94 08:49:37 GMT",
                                        "Sun Nov  6 08:49:37 1994" };
    static const char *const none[] = { "",
                                        "yesterday",
                                        "Sun, 06 Nov 1994 08:49:37",
                                        "Sun, 06 Nov 1994 28:49:37 GMT",
                                        "Sun, 06 Foo 1994 08:49:37 GMT",
                                        "Sun, 06 Nov 1994 08:49:37 GMT x" };
    int64_t seconds = 0;
    for (size_t i = 0; i < ARRAY_COUNT(same); i++) {
        ck_assert_msg(http_date_parse(str_c(same[i]), &seconds), "%s", same[i]);
        ck_assert_int_eq(seconds, 784111777);
    }
    for (size_t i = 0; i < ARRAY_COUNT(none); i++) {
        ck_assert_msg(!http_date_parse(str_c(none[i]), &seconds), "%s", none[i]);
    }
    char text[HTTP_DATE_BYTES];
    http_date_format(784111777, text);
    ck_assert_str_eq(text, same[0]);
}
END_TEST

static struct http_reply reply_of(struct str fields)
{
    return (struct http_reply){ .status = 200,
                                .minor = 1,
                                .keep_alive = true,
                                .fields = fields,
                                .date = STR("Sun, 06 Nov 1994 08:49:37 GMT") };
}

START_TEST(a_stream_is_chunked_or_ends_with_the_connection)
{
    struct buf out;
    buf_init(&out, 65536);
    struct http_reply reply = reply_of(STR(""));
    ck_assert_int_eq(http_reply_write(&out, &reply), 0);
    ck_assert_int_eq(reply.framing, HTTP_FRAMING_CHUNKED);
    reply = reply_of(STR(""));
    reply.minor = 0;
    ck_assert_int_eq(http_reply_write(&out, &reply), 0);
    ck_assert_int_eq(reply.framing, HTTP_FRAMING_CLOSE);
    ck_assert(!reply.keep_alive);
    reply = reply_of(STR("content-length\0"
                         "7\0"));
    ck_assert_int_eq(http_reply_write(&out, &reply), 0);
    ck_assert_int_eq(reply.framing, HTTP_FRAMING_LENGTH);
    ck_assert_uint_eq(reply.length, 7);
    buf_finish(&out);
}
END_TEST

static void check_reason(struct str fields, bool plain, const char *line)
{
    struct buf out;
    buf_init(&out, 65536);
    struct http_reply reply = reply_of(fields);
    reply.status = 299;
    reply.plain_reason = plain;
    ck_assert_int_eq(http_reply_write(&out, &reply), 0);
    ck_assert_int_eq(buf_append(&out, STR("\0")), 0);
    ck_assert_msg(strncmp(out.data, line, strlen(line)) == 0, "%s", out.data);
    ck_assert_ptr_null(strstr(out.data, ":reason"));
    buf_finish(&out);
}

START_TEST(a_reason_of_its_own_is_told_if_it_can_be)
{
    check_reason(STR(":reason\0Tea Time\0x-a\0"
                     "1\0"),
                 false, "HTTP/1.1 299 Tea Time\r\nx-a: 1\r\n");
    check_reason(STR(":reason\0Tea Time\0"), true, "HTTP/1.1 299 unknown\r\n");
    check_reason(STR(":reason\0a\r\nb: c\0"), false, "HTTP/1.1 299 unknown\r\n");

    struct buf out;
    buf_init(&out, 65536);
    struct http_reply late = reply_of(STR("x-a\0"
                                          "1\0:reason\0Tea\0"));
    ck_assert_int_eq(http_reply_write(&out, &late), -EBADMSG);
    buf_finish(&out);
}
END_TEST

START_TEST(only_who_asks_for_an_upgrade_gets_one)
{
    struct buf out;
    buf_init(&out, 65536);
    struct http_reply reply = reply_of(STR("sec-websocket-accept\0x\0upgrade\0other\0"));
    reply.status = 101;
    ck_assert_int_eq(http_reply_write(&out, &reply), -EBADMSG);
    ck_assert_uint_eq(out.len, 0);
    reply.upgrade = true;
    ck_assert_int_eq(http_reply_write(&out, &reply), 0);
    ck_assert(!reply.keep_alive);
    ck_assert_int_eq(buf_append(&out, STR("\0")), 0);
    ck_assert_str_eq(out.data, "HTTP/1.1 101 Switching Protocols\r\nsec-websocket-accept: x\r\n"
                               "date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                               "connection: Upgrade\r\nupgrade: websocket\r\n\r\n");
    buf_finish(&out);
}
END_TEST

START_TEST(headers_of_routes_replace_or_yield_but_cookies_add_up)
{
    struct buf out;
    buf_init(&out, 65536);
    struct http_reply reply = reply_of(STR("x-a\0function\0set-cookie\0a=1\0"));
    reply.defaults = STR("x-a\0route\0x-b\0route\0set-cookie\0b=1\0");
    ck_assert_int_eq(http_reply_write(&out, &reply), 0);
    ck_assert(str_starts(buf_str(&out), STR("HTTP/1.1 200 OK\r\nx-a: function\r\n"
                                            "set-cookie: a=1\r\nx-b: route\r\ndate: ")));
    buf_clear(&out);
    reply.defaults_win = true;
    ck_assert_int_eq(http_reply_write(&out, &reply), 0);
    ck_assert(str_starts(buf_str(&out), STR("HTTP/1.1 200 OK\r\nset-cookie: a=1\r\nx-a: route\r\n"
                                            "x-b: route\r\nset-cookie: b=1\r\ndate: ")));
    buf_finish(&out);
}
END_TEST

START_TEST(what_cannot_be_sent_is_refused)
{
    struct buf out;
    buf_init(&out, 65536);
    struct http_reply breaks = reply_of(STR("a\0b\r\nc\0"));
    struct http_reply name = reply_of(STR("a b\0c\0"));
    struct http_reply cut = reply_of(STR("a"));
    ck_assert_int_eq(http_reply_write(&out, &breaks), -EBADMSG);
    ck_assert_int_eq(http_reply_write(&out, &name), -EBADMSG);
    ck_assert_int_eq(http_reply_write(&out, &cut), -EBADMSG);
    ck_assert_uint_eq(out.len, 0);
    buf_finish(&out);
}
END_TEST

START_TEST(dot_segments_are_resolved_as_in_urls)
{
    static const struct {
        const char *from, *to;
    } cases[] = {
        { "/a/b", "/a/b" },
        { "/a/./b", "/a/b" },
        { "/a/../b", "/b" },
        { "/..", "/" },
        { "/.", "/" },
        { "/a/b/..", "/a/" },
        { "/a/b/.", "/a/b/" },
        { "/../../a", "/a" },
        { "/a/%2e%2E/b", "/b" },
        { "/a/.%2e/%2e/b/", "/b/" },
        { "/a//../b", "/a/b" },
        { "//", "//" },
        { "/a/...", "/a/..." },
        { "/.a/a./..b", "/.a/a./..b" },
        { "/a/%2f", "/a/%2f" },
        { "/a?b/../c", "/a?b/../c" },
        { "/a/..?b=.", "/?b=." },
        { "/a/%2", "/a/%2" },
        { "/a/.../../b/%2e", "/a/b/" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char *text = strdup(cases[i].from); /* of its own size: nothing is read behind it */
        size_t len = http_target_remove_dots(text, strlen(cases[i].from));
        ck_assert_msg(str_eq(str_of(text, len), str_c(cases[i].to)), "%s", cases[i].from);
        free(text);
    }
}
END_TEST

int main(void)
{
    TCase *tests;
    Suite *suite = leaks_suite("http", &tests);
    tcase_add_test(tests, a_head_is_split_into_its_parts);
    tcase_add_test(tests, an_unfinished_head_asks_for_more);
    tcase_add_test(tests, keeping_the_connection_follows_version_and_options);
    tcase_add_test(tests, fields_of_the_hop_are_marked);
    tcase_add_test(tests, a_connection_has_no_more_options_than_fields);
    tcase_add_test(tests, an_upgrade_to_websocket_is_passed_on);
    tcase_add_test(tests, what_is_no_upgrade_to_websocket_is_a_plain_request);
    tcase_add_test(tests, an_absolute_target_names_the_host);
    tcase_add_test(tests, hosts_are_names_and_addresses);
    tcase_add_test(tests, a_chunked_body_ends_before_the_next_request);
    tcase_add_test(tests, dates_are_read_in_all_three_formats);
    tcase_add_test(tests, a_stream_is_chunked_or_ends_with_the_connection);
    tcase_add_test(tests, a_reason_of_its_own_is_told_if_it_can_be);
    tcase_add_test(tests, only_who_asks_for_an_upgrade_gets_one);
    tcase_add_test(tests, headers_of_routes_replace_or_yield_but_cookies_add_up);
    tcase_add_test(tests, what_cannot_be_sent_is_refused);
    tcase_add_test(tests, dot_segments_are_resolved_as_in_urls);
    return suite_run(suite);
}
