/* What the gateway tells an instance while time passes. An instance's clock is what its sweep is
 * told.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>

#include "base/limits.h"
#include "gateway/conn.h"
#include "gateway/gateway.h"
#include "gateway/instance_requests.h"
#include "gateway/invoke.h"
#include "gateway/request.h"
#include "leaks.h"

#define INSTANCE_ID 7

/* A gateway with one instance, and that instance's end of their channel. */
struct both {
    struct gateway gateway;
    struct function *function;
    struct instance *instance;
    struct channel peer;
    struct conn conn;
    struct request request;
};

static int dup_of(int fd)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    ck_assert_int_ge(copy, 0);
    return copy;
}

static void both_init_with(struct both *b, uint32_t ring_bytes)
{
    struct channel_fds host;
    *b = (struct both){ .function = function_create() };
    b->function->limits.concurrency = 1;
    ck_assert_int_eq(uv_loop_init(&b->gateway.loop), 0);
    b->gateway.instance_events = &instance_requests;
    list_init(&b->gateway.awake);
    list_init(&b->gateway.dirty_instances);
    list_init(&b->gateway.instances[INSTANCE_ID]);
    ck_assert_int_eq(channel_make(ring_bytes, &host), 0);
    struct channel_fds peer = { dup_of(host.memory), dup_of(host.wake_host),
                                dup_of(host.wake_instance) };
    ck_assert_int_eq(instance_create(&b->gateway, b->function, INSTANCE_ID, &host), 0);
    ck_assert_int_eq(channel_open(&b->peer, &peer, CHANNEL_INSTANCE), 0);
    b->instance = instance_find(&b->gateway, INSTANCE_ID);
    struct frame ready = { .type = FRAME_READY };
    ck_assert_int_eq(ring_write(&b->peer.out, &ready, NULL), 0);
    instance_read(b->instance);
    ck_assert(b->instance->ready);
}

static void both_init(struct both *b)
{
    both_init_with(b, CHANNEL_RING_MIN);
}

static void both_finish(struct both *b)
{
    instance_gone(b->instance, ERROR_CRASH, STR("the test is over"));
    ck_assert_int_eq(uv_run(&b->gateway.loop, UV_RUN_DEFAULT), 0);
    ck_assert_int_eq(uv_loop_close(&b->gateway.loop), 0);
    channel_close(&b->peer);
    function_destroy(b->function);
}

static void serve_one(struct both *b)
{
    instance_bind(b->instance, &b->request);
    instance_unbind(b->instance, &b->request);
}

/* Whether the instance, unused for so long, is told to give its free memory back. */
static bool gives_back_after(struct both *b, uint64_t unused_ms)
{
    struct frame frame;
    const void *payload;
    bool gives = false;
    instance_sweep(b->instance, b->instance->unused_ms + unused_ms);
    while (ring_peek(&b->peer.in, &frame, &payload) > 0) {
        gives = gives || (frame.type == FRAME_TRIM && frame.value == 1);
        ring_consume(&b->peer.in);
    }
    return gives;
}

START_TEST(free_memory_is_asked_back_once_half_a_minute_after_the_last_request)
{
    struct both b;
    both_init(&b);
    for (int burst = 0; burst < 2; burst++) {
        serve_one(&b);
        ck_assert(!gives_back_after(&b, 0));
        ck_assert(!gives_back_after(&b, 1000));
        ck_assert(!gives_back_after(&b, 29999));
        ck_assert(gives_back_after(&b, 30000));
        ck_assert(!gives_back_after(&b, 30001));
        ck_assert(!gives_back_after(&b, 90000));
    }
    both_finish(&b);
}
END_TEST

START_TEST(an_instance_that_never_served_is_left_asleep)
{
    struct both b;
    both_init(&b);
    ck_assert(!gives_back_after(&b, 30000));
    both_finish(&b);
}
END_TEST

START_TEST(nothing_is_asked_back_while_a_request_runs)
{
    struct both b;
    both_init(&b);
    serve_one(&b);
    instance_bind(b.instance, &b.request);
    ck_assert(!gives_back_after(&b, 30000));
    instance_unbind(b.instance, &b.request);
    ck_assert(gives_back_after(&b, 30000));
    both_finish(&b);
}
END_TEST

/* Leaves room for so many bytes at most. */
static void fill(struct both *b, uint32_t room)
{
    static const char zeros[16];
    struct frame frame = { .type = FRAME_BODY, .length = sizeof(zeros) };
    while (ring_reserve(&b->instance->channel.out, room)) {
        ck_assert_int_eq(ring_write(&b->instance->channel.out, &frame, zeros), 0);
    }
}

/* The instance reads all, and the gateway has its turn; how many of this type came. */
static unsigned read_all(struct both *b, enum frame_type type, uint32_t stream)
{
    unsigned count = 0;
    struct frame frame;
    const void *payload;
    while (ring_peek(&b->peer.in, &frame, &payload) > 0) {
        count += frame.type == type && frame.stream == stream;
        ring_consume(&b->peer.in);
    }
    instance_read(b->instance);
    return count;
}

START_TEST(a_full_channel_delays_the_end_of_a_request_and_loses_it_not)
{
    struct both b;
    both_init(&b);
    instance_bind(b.instance, &b.request);
    uint32_t stream = b.request.stream;
    fill(&b, 0);
    instance_cancel(&b.request, FRAME_CANCEL_DRAIN);
    instance_unbind(b.instance, &b.request);
    ck_assert_uint_eq(read_all(&b, FRAME_CANCEL, stream), 0);
    ck_assert_uint_eq(read_all(&b, FRAME_CANCEL, stream), 1);
    ck_assert_uint_eq(read_all(&b, FRAME_CANCEL, stream), 0);
    both_finish(&b);
}
END_TEST

START_TEST(an_instance_whose_channel_was_full_is_asked_whether_it_lives)
{
    struct both b;
    both_init(&b);
    instance_bind(b.instance, &b.request);
    fill(&b, 0);
    instance_sweep(b.instance, b.instance->progress_ms + 1000);
    ck_assert_uint_eq(read_all(&b, FRAME_PING, 0), 0);
    ck_assert_uint_eq(read_all(&b, FRAME_PING, 0), 1);
    instance_unbind(b.instance, &b.request);
    both_finish(&b);
}
END_TEST

/* Bound to the instance, and with `kept` bytes of a body that an earlier one was sent. */
static void request_init(struct both *b, size_t kept)
{
    char *at;
    struct request *rq = &b->request;
    *rq = (struct request){
        .gateway = &b->gateway, .function = b->function, .conn = &b->conn, .step = REQUEST_REPLY
    };
    buf_init(&rq->replay, REQUEST_REPLAY_BYTES);
    ck_assert_int_eq(buf_reserve(&rq->replay, kept, &at), 0);
    memset(at, 'x', kept);
    rq->replay.len = rq->body_bytes = kept;
    instance_bind(b->instance, rq);
}

static void request_finish(struct both *b)
{
    instance_unbind(b->instance, &b->request);
    buf_finish(&b->request.replay);
}

START_TEST(a_request_whose_body_finds_no_room_is_not_sent_in_part)
{
    struct both b;
    both_init(&b);
    request_init(&b, 1200);
    fill(&b, 1250);
    ck_assert_int_eq(invoke_send(&b.request), -EAGAIN);
    ck_assert_uint_eq(read_all(&b, FRAME_REQUEST, b.request.stream), 0);
    ck_assert_int_eq(invoke_send(&b.request), 0);
    ck_assert_uint_eq(read_all(&b, FRAME_REQUEST, b.request.stream), 1);
    request_finish(&b);
    both_finish(&b);
}
END_TEST

START_TEST(of_a_body_no_more_is_taken_than_can_be_sent_again)
{
    static char body[2 * REQUEST_REPLAY_BYTES];
    struct both b;
    both_init_with(&b, LIMIT_RING_BYTES);
    request_init(&b, REQUEST_REPLAY_BYTES - 1);
    size_t room = invoke_body_room(&b.request, sizeof(body));
    ck_assert_uint_gt(room, 0);
    ck_assert_int_eq(invoke_body(&b.request, str_of(body, room)), 0);
    ck_assert_uint_eq(b.request.body_bytes, b.request.replay.len);
    ck_assert_uint_eq(invoke_body_room(&b.request, sizeof(body)), 0);
    request_finish(&b);
    both_finish(&b);
}
END_TEST

int main(void)
{
    TCase *tests;
    suite_open_libuv();
    Suite *suite = leaks_suite("instance", &tests);
    tcase_add_test(tests, free_memory_is_asked_back_once_half_a_minute_after_the_last_request);
    tcase_add_test(tests, an_instance_that_never_served_is_left_asleep);
    tcase_add_test(tests, nothing_is_asked_back_while_a_request_runs);
    tcase_add_test(tests, a_full_channel_delays_the_end_of_a_request_and_loses_it_not);
    tcase_add_test(tests, an_instance_whose_channel_was_full_is_asked_whether_it_lives);
    tcase_add_test(tests, a_request_whose_body_finds_no_room_is_not_sent_in_part);
    tcase_add_test(tests, of_a_body_no_more_is_taken_than_can_be_sent_again);
    return suite_run(suite);
}
