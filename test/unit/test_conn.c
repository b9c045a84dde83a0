/* A client's connection, whose requests are answered by the test.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.h"
#include "gateway/conn.h"
#include "gateway/gateway.h"
#include "leaks.h"

#define HALF_CLOSE_MS 200 /* conn.c: who sends no more is believed to read for so long */

static struct gateway gateway;
static int client;
static struct {
    struct conn *conn;
    char bytes[KIB];
    struct http_head head;
    size_t room; /* for its body */
    char body[64];
    size_t body_bytes;
    unsigned heads, ends, gones, refused;
} seen;

/* What a request is a connection does not know. */
static struct request *a_request(void)
{
    return (struct request *)(void *)&seen;
}

static int on_head(struct conn *c, struct str bytes)
{
    ck_assert_uint_le(bytes.len, sizeof(seen.bytes));
    memcpy(seen.bytes, bytes.data, bytes.len);
    int r = http_head_parse(seen.bytes, bytes.len, &seen.head);
    if (r == 0) {
        seen.heads++;
        seen.conn = c;
        conn_begin(c, a_request(), &seen.head);
    }
    return r;
}

static void on_refuse(struct conn *c, unsigned status, struct str head)
{
    (void)head;
    seen.refused = status;
    ck_assert_int_eq(buf_append(&c->out.buf, STR("refused")), 0);
}

static size_t on_body_room(struct request *rq, size_t wanted)
{
    ck_assert_ptr_eq(rq, a_request());
    return wanted < seen.room ? wanted : seen.room;
}

static void on_body(struct request *rq, struct str data)
{
    ck_assert_ptr_eq(rq, a_request());
    ck_assert_uint_le(data.len, sizeof(seen.body) - seen.body_bytes);
    memcpy(seen.body + seen.body_bytes, data.data, data.len);
    seen.body_bytes += data.len;
}

static char *on_body_reserve(struct request *rq, size_t wanted, size_t *ret_room)
{
    *ret_room = on_body_room(rq, wanted);
    return NULL;
}

static void on_body_end(struct request *rq)
{
    ck_assert_ptr_eq(rq, a_request());
    seen.ends++;
}

static void on_drained(struct request *rq)
{
    ck_assert_ptr_eq(rq, a_request());
}

static bool on_gone(struct request *rq)
{
    ck_assert_ptr_eq(rq, a_request());
    seen.gones++;
    return false;
}

static const struct conn_events events = { .head = on_head,
                                           .refuse = on_refuse,
                                           .body_room = on_body_room,
                                           .body = on_body,
                                           .body_reserve = on_body_reserve,
                                           .body_end = on_body_end,
                                           .drained = on_drained,
                                           .gone = on_gone };

static void on_sweep(uv_timer_t *timer)
{
    (void)timer; /* the tests sweep */
}

static void setup(void)
{
    static const struct sockaddr_storage nobody = { .ss_family = AF_UNIX };
    int pair[2];
    leaks_setup();
    gateway = (struct gateway){ .conn_events = &events, .on_sweep = on_sweep };
    memset(&seen, 0, sizeof(seen));
    ck_assert_int_eq(uv_loop_init(&gateway.loop), 0);
    ck_assert_int_eq(uv_timer_init(&gateway.loop, &gateway.sweep), 0);
    list_init(&gateway.conns);
    list_init(&gateway.dirty_conns);
    gateway.scratch = malloc(GATEWAY_SCRATCH_BYTES);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    client = pair[1];
    conn_create(&gateway, pair[0], DOOR_PUBLIC, &nobody);
}

/* Twice: what a flush makes possible comes up in the next one. */
static void turn(void)
{
    for (int i = 0; i < 2; i++) {
        (void)uv_run(&gateway.loop, UV_RUN_NOWAIT); /* whether there is more is no matter */
        while (!list_is_empty(&gateway.dirty_conns)) {
            conn_flush(list_entry(gateway.dirty_conns.next, struct conn, dirty));
        }
    }
}

/* The connection has ended by now. */
static void teardown(void)
{
    turn();
    ck_assert_uint_eq(gateway.conn_count, 0);
    uv_close((uv_handle_t *)&gateway.sweep, NULL);
    ck_assert_int_eq(uv_run(&gateway.loop, UV_RUN_DEFAULT), 0);
    ck_assert_int_eq(uv_loop_close(&gateway.loop), 0);
    free(gateway.scratch);
    leaks_teardown();
}

static void say(const char *text)
{
    ck_assert_int_eq(write(client, text, strlen(text)), (ssize_t)strlen(text));
    turn();
}

static void answer(const char *text, bool keep_alive)
{
    ck_assert_int_eq(buf_append(&seen.conn->out.buf, str_c(text)), 0);
    conn_answered(seen.conn, keep_alive);
    turn();
}

/* What the client can read now; "" at the end. */
static void reads(const char *text)
{
    char got[64];
    ssize_t n = read(client, got, sizeof(got));
    ck_assert_int_eq(n, (ssize_t)strlen(text));
    ck_assert_int_eq(memcmp(got, text, strlen(text)), 0);
}

static void leave(void)
{
    ck_assert_int_eq(close(client), 0);
    turn();
}

START_TEST(a_pipelined_request_waits_for_the_answer_before_it)
{
    say("GET /one HTTP/1.1\r\nHost: a\r\n\r\nGET /two HTTP/1.1\r\nHost: a\r\n\r\n");
    ck_assert_uint_eq(seen.heads, 1);
    ck_assert(str_eq(seen.head.target, STR("/one")));
    answer("1", true);
    ck_assert_uint_eq(seen.heads, 2);
    ck_assert(str_eq(seen.head.target, STR("/two")));
    reads("1");
    answer("2", false);
    reads("2");
    leave();
}
END_TEST

START_TEST(a_body_waits_for_room_and_is_handed_on_whole)
{
    say("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n01234");
    ck_assert_uint_eq(seen.heads, 1);
    ck_assert_uint_eq(seen.body_bytes, 0);
    say("567");
    ck_assert_uint_eq(seen.body_bytes, 0);
    seen.room = sizeof(seen.body);
    conn_resume_body(seen.conn);
    turn();
    ck_assert_uint_eq(seen.ends, 0);
    say("89");
    ck_assert_uint_eq(seen.ends, 1);
    ck_assert(str_eq(str_of(seen.body, seen.body_bytes), STR("0123456789")));
    answer("", false);
    leave();
}
END_TEST

START_TEST(chunks_are_handed_on_without_what_frames_them)
{
    seen.room = 3; /* at a time */
    say("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    say("5\r\n01");
    say("234\r\n1\r\n5\r\n0\r\n\r\n");
    ck_assert_uint_eq(seen.ends, 1);
    ck_assert(str_eq(str_of(seen.body, seen.body_bytes), STR("012345")));
    answer("", false);
    leave();
}
END_TEST

START_TEST(what_is_no_head_is_refused_and_the_connection_ends)
{
    say("nonsense\r\n\r\n");
    ck_assert_uint_eq(seen.refused, 400);
    ck_assert_uint_eq(seen.heads, 0);
    reads("refused");
    reads("");
    leave();
}
END_TEST

START_TEST(malformed_chunks_end_the_request_and_are_refused)
{
    seen.room = sizeof(seen.body);
    say("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    say("no number\r\n");
    ck_assert_uint_eq(seen.gones, 1);
    ck_assert_uint_eq(seen.refused, 400);
    reads("refused");
    leave();
}
END_TEST

START_TEST(a_client_that_has_gone_takes_its_request_along)
{
    say("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    leave();
    ck_assert_uint_eq(seen.gones, 0);
    conn_sweep(seen.conn, gateway_now_ms(&gateway) + HALF_CLOSE_MS);
    ck_assert_uint_eq(seen.gones, 1);
}
END_TEST

START_TEST(a_client_that_only_sends_no_more_is_there_while_its_answer_flows)
{
    say("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    ck_assert_int_eq(shutdown(client, SHUT_WR), 0);
    turn();
    uint64_t now_ms = gateway_now_ms(&gateway);
    ck_assert_int_eq(buf_append(&seen.conn->out.buf, STR("begun")), 0);
    conn_touch(seen.conn);
    turn();
    conn_sweep(seen.conn, now_ms + HALF_CLOSE_MS);
    ck_assert_uint_eq(seen.gones, 0);
    reads("begun");
    conn_sweep(seen.conn, now_ms + 3 * (uint64_t)HALF_CLOSE_MS);
    ck_assert_uint_eq(seen.gones, 1);
    leave();
}
END_TEST

int main(void)
{
    TCase *tests;
    suite_open_libuv();
    Suite *suite = suite_make("conn", setup, teardown, &tests);
    tcase_add_test(tests, a_pipelined_request_waits_for_the_answer_before_it);
    tcase_add_test(tests, a_body_waits_for_room_and_is_handed_on_whole);
    tcase_add_test(tests, chunks_are_handed_on_without_what_frames_them);
    tcase_add_test(tests, what_is_no_head_is_refused_and_the_connection_ends);
    tcase_add_test(tests, malformed_chunks_end_the_request_and_are_refused);
    tcase_add_test(tests, a_client_that_has_gone_takes_its_request_along);
    tcase_add_test(tests, a_client_that_only_sends_no_more_is_there_while_its_answer_flows);
    return suite_run(suite);
}
