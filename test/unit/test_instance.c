/* What the gateway tells an instance while time passes. An instance's clock is what its sweep is
 * told.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>

#include "gateway/gateway.h"
#include "gateway/instance.h"
#include "gateway/request.h"
#include "leaks.h"

#define INSTANCE_ID 7

/* A gateway with one instance, and that instance's end of their channel. */
struct both {
    struct gateway gateway;
    struct function *function;
    struct instance *instance;
    struct channel peer;
    struct request request;
};

static int dup_of(int fd)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    ck_assert_int_ge(copy, 0);
    return copy;
}

static void both_init(struct both *b)
{
    struct channel_fds host;
    *b = (struct both){ .function = function_create() };
    b->function->limits.concurrency = 1;
    ck_assert_int_eq(uv_loop_init(&b->gateway.loop), 0);
    list_init(&b->gateway.awake);
    list_init(&b->gateway.dirty_instances);
    list_init(&b->gateway.instances[INSTANCE_ID]);
    ck_assert_int_eq(channel_make(CHANNEL_RING_MIN, &host), 0);
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

int main(void)
{
    TCase *tests;
    suite_open_libuv();
    Suite *suite = leaks_suite("instance", &tests);
    tcase_add_test(tests, free_memory_is_asked_back_once_half_a_minute_after_the_last_request);
    tcase_add_test(tests, an_instance_that_never_served_is_left_asleep);
    tcase_add_test(tests, nothing_is_asked_back_while_a_request_runs);
    return suite_run(suite);
}
