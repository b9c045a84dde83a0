/* Requests as control gets them from the gateway, which is played here.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "control/exchange.h"
#include "suite.h"

#define STREAM    7
#define RING_SIZE ((uint32_t)(256 * KIB))

static uv_loop_t loop;
static struct channel gateway;
static struct exchange_port *port;
static struct {
    struct exchange *x;
    unsigned overs, bodies;
    int result;
    char body[64];
} seen;

static void note_over(struct exchange *x)
{
    ck_assert_ptr_eq(x, seen.x);
    ck_assert_ptr_eq(x->user, &seen);
    seen.overs++;
}

static void note_body(struct exchange *x, int r, struct str body)
{
    ck_assert_ptr_eq(x->user, &seen);
    seen.bodies++;
    seen.result = r;
    (void)snprintf(seen.body, sizeof(seen.body), STR_FMT, STR_ARG(body));
    if (r != -ECANCELED) {
        exchange_respond(x, 200, STR(""), STR("fine"));
    } else {
        exchange_end(x);
    }
}

static void begin(struct exchange *x, void *context)
{
    static const struct exchange_events events = { .over = note_over };
    (void)context;
    seen.x = x;
    x->events = &events;
    x->user = &seen;
    exchange_read_body(x, 16, note_body);
}

static void send_frame(enum frame_type type, unsigned flags, const void *payload, size_t length)
{
    const struct frame f = { .type = (uint16_t)type,
                             .flags = (uint16_t)flags,
                             .stream = STREAM,
                             .length = (uint32_t)length };
    ck_assert_int_eq(ring_write(&gateway.out, &f, payload), 0);
}

static void send_request(void)
{
    static const char meta[] = "id\0\0address\0port\0http\0host\0/\0";
    const struct frame_request head = { .method_len = 4,
                                        .target_len = 1,
                                        .meta_len = sizeof(meta) - 1 };
    char payload[128];
    const size_t len = sizeof(head);
    memcpy(payload, &head, sizeof(head));
    memcpy(payload + len, "POST/", 5);
    memcpy(payload + len + 5, meta, sizeof(meta) - 1);
    send_frame(FRAME_REQUEST, 0, payload, len + 5 + sizeof(meta) - 1);
}

static void turn(void)
{
    for (int i = 0; i < 4; i++) {
        (void)uv_run(&loop, UV_RUN_NOWAIT);
    }
}

static void setup(void)
{
    static const struct exchange_actions actions = { .begin = begin };
    struct channel_fds fds, copy;
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    ck_assert_int_eq(channel_make(RING_SIZE, &fds), 0);
    copy = (struct channel_fds){ fcntl(fds.memory, F_DUPFD_CLOEXEC, 0),
                                 fcntl(fds.wake_host, F_DUPFD_CLOEXEC, 0),
                                 fcntl(fds.wake_instance, F_DUPFD_CLOEXEC, 0) };
    ck_assert_int_eq(channel_open(&gateway, &fds, CHANNEL_HOST), 0);
    ck_assert_int_eq(exchange_port_open(&loop, &copy, &actions, NULL, &port), 0);
    memset(&seen, 0, sizeof(seen));
    send_request();
    turn();
    ck_assert_ptr_nonnull(seen.x);
}

static void expect_one_body(int result)
{
    turn();
    ck_assert_uint_eq(seen.bodies, 1);
    ck_assert_int_eq(seen.result, result);
    ck_assert_uint_eq(seen.overs, 1);
}

START_TEST(a_body_is_given_whole_and_then_it_is_over)
{
    send_frame(FRAME_BODY, 0, "one ", 4);
    send_frame(FRAME_BODY, FRAME_FLAG_END, "two", 3);
    expect_one_body(0);
    ck_assert_str_eq(seen.body, "one two");
}
END_TEST

START_TEST(a_body_that_is_too_large_is_given_as_such_once)
{
    send_frame(FRAME_BODY, 0, "more than sixteen", 17);
    send_frame(FRAME_BODY, FRAME_FLAG_END, "and more", 8);
    expect_one_body(-EMSGSIZE);
}
END_TEST

START_TEST(a_client_that_leaves_ends_the_body)
{
    send_frame(FRAME_BODY, 0, "one ", 4);
    send_frame(FRAME_CANCEL, 0, NULL, 0);
    expect_one_body(-ECANCELED);
}
END_TEST

START_TEST(who_answers_while_the_body_comes_is_told_that_it_is_over)
{
    send_frame(FRAME_BODY, 0, "one ", 4);
    turn();
    exchange_respond(seen.x, 503, STR(""), STR("not now"));
    turn();
    ck_assert_uint_eq(seen.bodies, 0);
    ck_assert_uint_eq(seen.overs, 1);
    send_frame(FRAME_BODY, FRAME_FLAG_END, "two", 3); /* was under way */
    turn();
    ck_assert_uint_eq(seen.bodies, 0);
}
END_TEST

int main(void)
{
    TCase *tests;
    Suite *suite = suite_make("exchange", setup, NULL, &tests);
    tcase_add_test(tests, a_body_is_given_whole_and_then_it_is_over);
    tcase_add_test(tests, a_body_that_is_too_large_is_given_as_such_once);
    tcase_add_test(tests, a_client_that_leaves_ends_the_body);
    tcase_add_test(tests, who_answers_while_the_body_comes_is_told_that_it_is_over);
    return suite_run(suite);
}
