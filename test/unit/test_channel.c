/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/limits.h"
#include "base/mem.h"
#include "channel/channel.h"
#include "leaks.h"

#define SMALL_RING 256

/* A ring with its two ends in one process. */
struct both {
    struct ring_shared *shared;
    struct ring writer;
    struct ring reader;
};

static void both_init(struct both *b, uint32_t size)
{
    b->shared = aligned_alloc(64, (ring_bytes(size) + 63) & ~(size_t)63);
    memset(b->shared, 0, ring_bytes(size));
    ring_init(&b->writer, b->shared, size);
    ring_init(&b->reader, b->shared, size);
}

static void both_finish(struct both *b)
{
    free(b->shared);
}

static int put(struct both *b, uint32_t stream, const char *text)
{
    struct frame frame = { .type = FRAME_BODY, .stream = stream, .length = (uint32_t)strlen(text) };
    return ring_write(&b->writer, &frame, text);
}

static void expect(struct both *b, uint32_t stream, const char *text)
{
    struct frame frame;
    const void *payload;
    ck_assert_int_eq(ring_peek(&b->reader, &frame, &payload), 1);
    ck_assert_uint_eq(frame.stream, stream);
    ck_assert_uint_eq(frame.length, strlen(text));
    ck_assert_mem_eq(payload, text, frame.length);
    ring_consume(&b->reader);
}

static void expect_empty(struct both *b)
{
    struct frame frame;
    const void *payload;
    ck_assert_int_eq(ring_peek(&b->reader, &frame, &payload), 0);
}

START_TEST(frames_come_out_as_they_went_in)
{
    struct both b;
    both_init(&b, SMALL_RING);
    expect_empty(&b);
    ck_assert_int_eq(put(&b, 1, "hello"), 0);
    ck_assert_int_eq(put(&b, 2, ""), 0);
    ck_assert_int_eq(put(&b, 3, "sixteen bytes ok"), 0);
    expect(&b, 1, "hello");
    expect(&b, 2, "");
    expect(&b, 3, "sixteen bytes ok");
    expect_empty(&b);
    both_finish(&b);
}
END_TEST

START_TEST(frames_go_round_the_end_of_the_ring_many_times)
{
    struct both b;
    both_init(&b, SMALL_RING);
    char text[SMALL_RING / 2] = "";
    for (uint32_t i = 0; i < 10000; i++) {
        size_t len = (i * 7) % (SMALL_RING / 2 - 16);
        memset(text, 'a' + (int)(i % 26), len);
        text[len] = '\0';
        ck_assert_int_eq(put(&b, i, text), 0);
        expect(&b, i, text);
    }
    both_finish(&b);
}
END_TEST

START_TEST(positions_may_overflow_32_bits)
{
    struct both b;
    both_init(&b, SMALL_RING);
    uint32_t near_the_end = UINT32_MAX - 47;
    b.writer.position = b.writer.peer = b.reader.position = b.reader.peer = near_the_end;
    b.shared->head = b.shared->tail = near_the_end;
    for (uint32_t i = 0; i < 50; i++) {
        ck_assert_int_eq(put(&b, i, "0123456789"), 0);
        expect(&b, i, "0123456789");
    }
    both_finish(&b);
}
END_TEST

START_TEST(a_ring_that_is_read_at_once_stays_small)
{
    struct both b;
    both_init(&b, 64 * SMALL_RING);
    for (uint32_t i = 0; i < 10000; i++) {
        ck_assert_int_eq(put(&b, i, "somebody reads this before the next is written"), 0);
        expect(&b, i, "somebody reads this before the next is written");
        expect_empty(&b);
    }
    ck_assert_uint_le(b.writer.reached, 32 * SMALL_RING + 64);
    ck_assert(!ring_trim(&b.writer) || b.writer.reached == 0);
    both_finish(&b);
}
END_TEST

START_TEST(a_frame_too_large_for_the_start_goes_on_behind)
{
    struct both b;
    char text[SMALL_RING / 2 - 15] = "";
    both_init(&b, SMALL_RING);
    memset(text, 'x', sizeof(text) - 1);
    for (uint32_t i = 0; i < 100; i++) { /* half of the ring is behind us, and empty */
        ck_assert_int_eq(put(&b, 1, "0123456789"), 0);
        expect(&b, 1, "0123456789");
        ck_assert_int_eq(put(&b, i, text), 0);
        expect(&b, i, text);
    }
    both_finish(&b);
}
END_TEST

START_TEST(a_full_ring_says_so_and_asks_to_be_woken)
{
    struct both b;
    both_init(&b, SMALL_RING);
    int written = 0;
    while (put(&b, 1, "0123456789abcdef") == 0) {
        written++;
    }
    ck_assert_int_eq(written, SMALL_RING / 32);
    ck_assert_int_eq(put(&b, 1, "0123456789abcdef"), -EAGAIN);
    expect(&b, 1, "0123456789abcdef");
    ck_assert(ring_writer_wants_wake(&b.reader));
    ck_assert(!ring_writer_wants_wake(&b.reader));
    ck_assert_int_eq(put(&b, 1, "0123456789abcdef"), 0);
    both_finish(&b);
}
END_TEST

START_TEST(what_can_never_fit_is_refused)
{
    struct both b;
    both_init(&b, SMALL_RING);
    char text[SMALL_RING] = "";
    memset(text, 'x', SMALL_RING / 2 - 15);
    ck_assert_int_eq(put(&b, 1, text), -EMSGSIZE);
    expect_empty(&b);
    both_finish(&b);
}
END_TEST

START_TEST(less_may_be_committed_than_was_reserved)
{
    struct both b;
    both_init(&b, SMALL_RING);
    for (int i = 0; i < 100; i++) {
        char *at = ring_reserve(&b.writer, 100);
        ck_assert_ptr_nonnull(at);
        memcpy(at, "ab", 2);
        ring_commit(&b.writer, &(struct frame){ .type = FRAME_LOG, .stream = 5, .length = 2 });
        expect(&b, 5, "ab");
    }
    both_finish(&b);
}
END_TEST

START_TEST(a_reader_that_sleeps_is_to_be_woken_once)
{
    struct both b;
    both_init(&b, SMALL_RING);
    ck_assert(ring_sleep(&b.reader));
    ck_assert_int_eq(put(&b, 1, "x"), 0);
    ck_assert(ring_reader_wants_wake(&b.writer));
    ck_assert(!ring_reader_wants_wake(&b.writer));
    ring_awake(&b.reader);
    ck_assert(!ring_sleep(&b.reader));
    expect(&b, 1, "x");
    both_finish(&b);
}
END_TEST

START_TEST(a_writer_that_lies_about_its_position_is_found_out)
{
    static const uint32_t lies[] = { SMALL_RING + 16, 8, 1, UINT32_MAX, 0x80000000 };
    for (size_t i = 0; i < ARRAY_COUNT(lies); i++) {
        struct both b;
        struct frame frame;
        const void *payload;
        both_init(&b, SMALL_RING);
        b.shared->head = lies[i];
        ck_assert_int_eq(ring_peek(&b.reader, &frame, &payload), -EPROTO);
        both_finish(&b);
    }
}
END_TEST

START_TEST(a_writer_that_lies_about_a_length_is_found_out)
{
    static const uint32_t lies[] = { 17, SMALL_RING, UINT32_MAX, UINT32_MAX - 15, 0x80000000 };
    for (size_t i = 0; i < ARRAY_COUNT(lies); i++) {
        struct both b;
        struct frame frame;
        const void *payload;
        both_init(&b, SMALL_RING);
        ck_assert_int_eq(put(&b, 1, "0123456789abcdef"), 0);
        memcpy(b.shared->data, &lies[i], sizeof(lies[i]));
        ck_assert_int_eq(ring_peek(&b.reader, &frame, &payload), -EPROTO);
        both_finish(&b);
    }
}
END_TEST

/* Nothing but padding would keep a reader busy for as long as the writer likes: a frame counts. */
START_TEST(padding_that_leads_nowhere_is_found_out)
{
    struct both b;
    struct frame frame;
    const void *payload;
    both_init(&b, SMALL_RING); /* zeros are padding without length */
    atomic_store(&b.shared->head, 64);
    ck_assert_int_eq(ring_peek(&b.reader, &frame, &payload), -EPROTO);
    both_finish(&b);
}
END_TEST

START_TEST(padding_of_the_whole_ring_is_found_out)
{
    struct both b;
    struct frame whole = { .type = FRAME_PADDING, .length = SMALL_RING - sizeof(whole) };
    struct frame frame;
    const void *payload;
    both_init(&b, SMALL_RING);
    memcpy(b.shared->data, &whole, sizeof(whole));
    atomic_store(&b.shared->head, SMALL_RING);
    ck_assert_int_eq(ring_peek(&b.reader, &frame, &payload), -EPROTO);
    both_finish(&b);
}
END_TEST

START_TEST(a_reader_that_lies_about_its_position_only_stops_itself)
{
    static const uint32_t lies[] = { 1, 16, SMALL_RING, 1U << 31 }; /* ahead of the writer */
    for (size_t i = 0; i < ARRAY_COUNT(lies); i++) {
        struct both b;
        both_init(&b, SMALL_RING);
        while (put(&b, 1, "0123456789abcdef") == 0) {
        }
        b.shared->tail = b.writer.position + lies[i];
        ck_assert_int_eq(put(&b, 1, "0123456789abcdef"), -EAGAIN);
        both_finish(&b);
    }
}
END_TEST

/* ---- channels ---- */

static void make_ends_of(uint32_t ring_size, struct channel *host, struct channel *instance)
{
    struct channel_fds fds;
    ck_assert_int_eq(channel_make(ring_size, &fds), 0);
    struct channel_fds copy = { dup(fds.memory), dup(fds.wake_host), dup(fds.wake_instance) };
    ck_assert_int_eq(channel_open(host, &fds, CHANNEL_HOST), 0);
    ck_assert_int_eq(channel_open(instance, &copy, CHANNEL_INSTANCE), 0);
}

static void make_ends(struct channel *host, struct channel *instance)
{
    make_ends_of(LIMIT_RING_BYTES, host, instance);
}

static bool is_woken(const struct channel *c)
{
    struct pollfd p = { .fd = c->wake_self, .events = POLLIN };
    return poll(&p, 1, 0) == 1;
}

START_TEST(a_channel_carries_both_ways)
{
    struct channel host;
    struct channel instance;
    struct frame frame;
    const void *payload;
    make_ends(&host, &instance);
    ck_assert_int_eq(
        ring_write(&host.out, &(struct frame){ .type = FRAME_PING, .length = 2 }, "ab"), 0);
    ck_assert_int_eq(ring_write(&instance.out, &(struct frame){ .type = FRAME_READY }, NULL), 0);
    ck_assert_int_eq(ring_peek(&instance.in, &frame, &payload), 1);
    ck_assert_uint_eq(frame.type, FRAME_PING);
    ck_assert_int_eq(ring_peek(&host.in, &frame, &payload), 1);
    ck_assert_uint_eq(frame.type, FRAME_READY);
    channel_close(&host);
    channel_close(&instance);
}
END_TEST

START_TEST(rings_are_as_large_as_their_maker_wants)
{
    static const uint32_t sizes[] = { CHANNEL_RING_MIN, LIMIT_RING_BYTES, 4 * MIB };
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        struct channel host;
        struct channel instance;
        struct frame frame = { .type = FRAME_BODY, .length = sizes[i] / 2 - 16 };
        const void *payload;
        char *sent = mem_alloc(sizes[i]);
        memset(sent, 'x', sizes[i]);
        make_ends_of(sizes[i], &host, &instance);
        ck_assert_uint_eq(frame.length, ring_payload_max(&host.out));
        for (int round = 0; round < 5; round++) {
            ck_assert_int_eq(ring_write(&host.out, &frame, sent), 0);
            ck_assert_int_eq(ring_write(&instance.out, &frame, sent), 0);
            ck_assert_int_eq(ring_peek(&instance.in, &frame, &payload), 1);
            ck_assert_mem_eq(payload, sent, frame.length);
            ring_consume(&instance.in);
            ck_assert_int_eq(ring_peek(&host.in, &frame, &payload), 1);
            ck_assert_mem_eq(payload, sent, frame.length);
            ring_consume(&host.in);
        }
        channel_close(&host);
        channel_close(&instance);
        free(sent);
    }
}
END_TEST

START_TEST(only_a_sleeping_peer_is_woken)
{
    struct channel host;
    struct channel instance;
    make_ends(&host, &instance);
    ck_assert_int_eq(ring_write(&host.out, &(struct frame){ .type = FRAME_PING }, NULL), 0);
    channel_flush(&host);
    ck_assert(!is_woken(&instance));
    ck_assert(!channel_sleep(&instance));
    struct frame frame;
    const void *payload;
    ck_assert_int_eq(ring_peek(&instance.in, &frame, &payload), 1);
    ring_consume(&instance.in);
    ck_assert(channel_sleep(&instance));
    ck_assert_int_eq(ring_write(&host.out, &(struct frame){ .type = FRAME_PING }, NULL), 0);
    channel_flush(&host);
    ck_assert(is_woken(&instance));
    channel_awake(&instance);
    ck_assert(!is_woken(&instance));
    channel_close(&host);
    channel_close(&instance);
}
END_TEST

START_TEST(ends_without_news_leave_each_other_asleep)
{
    struct channel host;
    struct channel instance;
    struct frame frame;
    const void *payload;
    make_ends(&host, &instance);
    ck_assert(channel_sleep(&host));
    ck_assert(channel_sleep(&instance));
    channel_flush(&host);
    ck_assert(!is_woken(&instance));
    ck_assert_int_eq(ring_write(&host.out, &(struct frame){ .type = FRAME_PING }, NULL), 0);
    channel_flush(&host);
    ck_assert(is_woken(&instance));
    channel_awake(&instance);
    ck_assert_int_eq(ring_peek(&instance.in, &frame, &payload), 1);
    ring_consume(&instance.in);
    channel_flush(&instance);
    ck_assert(!is_woken(&host));
    channel_close(&host);
    channel_close(&instance);
}
END_TEST

/* Both were handed the same descriptors, and either may do with its own what fcntl(2) offers. */
START_TEST(a_peer_cannot_have_the_other_wait)
{
    static const char bytes[65536];
    struct channel host;
    struct channel instance;
    struct frame frame = { .type = FRAME_BODY };
    make_ends(&host, &instance);
    const int fds[] = { instance.wake_self, instance.wake_peer };
    for (size_t i = 0; i < ARRAY_COUNT(fds); i++) {
        while (write(fds[i], bytes, sizeof(bytes)) > 0) {
        }
        ck_assert_int_eq(fcntl(fds[i], F_SETFL, 0), 0);
    }
    ck_assert(channel_sleep(&instance));
    ck_assert_int_eq(ring_write(&host.out, &frame, NULL), 0);
    channel_flush(&host); /* there is no room for more */
    while (is_woken(&host)) {
        channel_awake(&host);
    }
    channel_awake(&host); /* there is nothing to read */
    channel_close(&instance);
    ck_assert(!is_woken(&host)); /* it goes by what the supervisor says */
    channel_close(&host);
}
END_TEST

START_TEST(memory_that_could_shrink_is_refused)
{
    struct channel_fds fds;
    struct channel c;
    ck_assert_int_eq(channel_make(LIMIT_RING_BYTES, &fds), 0);
    struct channel_fds unsealed = { memfd_create("x", MFD_CLOEXEC | MFD_ALLOW_SEALING),
                                    dup(fds.wake_host), dup(fds.wake_instance) };
    ck_assert_int_eq(ftruncate(unsealed.memory, lseek(fds.memory, 0, SEEK_END)), 0);
    ck_assert_int_eq(channel_open(&c, &unsealed, CHANNEL_HOST), -EINVAL);
    ck_assert_int_eq(ftruncate(fds.memory, 0), -1);
    ck_assert_int_eq(errno, EPERM);
    channel_fds_close(&fds);
}
END_TEST

START_TEST(memory_of_a_size_that_no_channel_has_is_refused)
{
    struct channel_fds fds;
    struct channel c;
    ck_assert_int_eq(channel_make(LIMIT_RING_BYTES, &fds), 0);
    static const off_t sizes[] = { 0, 4096, 8192, 16385, 20480, 3 * 65536, (off_t)1 << 33 };
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        struct channel_fds other = { memfd_create("x", MFD_CLOEXEC | MFD_ALLOW_SEALING),
                                     dup(fds.wake_host), dup(fds.wake_instance) };
        ck_assert_int_eq(ftruncate(other.memory, sizes[i]), 0);
        ck_assert_int_eq(
            fcntl(other.memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), 0);
        ck_assert_int_eq(channel_open(&c, &other, CHANNEL_INSTANCE), -EINVAL);
    }
    channel_fds_close(&fds);
}
END_TEST

static blkcnt_t blocks_of(int memory)
{
    struct stat st;
    ck_assert_int_eq(fstat(memory, &st), 0);
    return st.st_blocks;
}

START_TEST(the_memory_of_a_large_transfer_can_be_given_back)
{
    struct channel_fds fds;
    struct channel host;
    struct channel instance;
    struct frame frame = { .type = FRAME_BODY, .length = 100000 };
    const void *payload;
    char *sent = mem_alloc(frame.length);
    ck_assert_int_eq(channel_make(MIB, &fds), 0);
    struct channel_fds copy = { dup(fds.memory), dup(fds.wake_host), dup(fds.wake_instance) };
    int memory = dup(fds.memory);
    ck_assert_int_eq(channel_open(&host, &fds, CHANNEL_HOST), 0);
    ck_assert_int_eq(channel_open(&instance, &copy, CHANNEL_INSTANCE), 0);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 8; i++) {
            ck_assert_int_eq(ring_write(&host.out, &frame, sent), 0);
        }
        ck_assert(!ring_trim(&host.out)); /* somebody has still to read it */
        for (int i = 0; i < 8; i++) {
            ck_assert_int_eq(ring_peek(&instance.in, &frame, &payload), 1);
            ring_consume(&instance.in);
        }
        ck_assert(ring_is_large(&host.out) && ring_is_large(&instance.in));
        ck_assert_int_gt(blocks_of(memory) * 512, 512 * 1024);
        ck_assert(ring_trim(&host.out));
        ck_assert_int_le(blocks_of(memory) * 512, 96 * 1024);
    }
    channel_close(&host);
    channel_close(&instance);
    (void)close(memory);
    free(sent);
}
END_TEST

#define ACROSS 20000

/* The other process writes as fast as it can and sleeps when the ring is full. */
static void write_across(struct channel *c)
{
    for (uint32_t i = 0; i < ACROSS; i++) {
        struct frame frame = { .type = FRAME_BODY, .stream = i, .length = sizeof(i) };
        while (ring_write(&c->out, &frame, &i) == -EAGAIN) {
            channel_flush(c);
            struct pollfd p = { .fd = c->wake_self, .events = POLLIN };
            (void)poll(&p, 1, -1);
            channel_awake(c);
        }
        if (i % 7 == 0) {
            channel_flush(c);
        }
    }
    channel_flush(c);
}

static uint32_t read_across(struct channel *c)
{
    uint32_t count = 0;
    while (count < ACROSS) {
        struct frame frame;
        const void *payload;
        int r = ring_peek(&c->in, &frame, &payload);
        ck_assert_int_ge(r, 0);
        if (r == 1) {
            ck_assert_uint_eq(frame.stream, count);
            ck_assert_mem_eq(payload, &count, sizeof(count));
            ring_consume(&c->in);
            count++;
            continue;
        }
        channel_flush(c);
        if (channel_sleep(c)) {
            struct pollfd p = { .fd = c->wake_self, .events = POLLIN };
            ck_assert_int_eq(poll(&p, 1, 20000), 1);
            channel_awake(c);
        }
    }
    return count;
}

START_TEST(two_processes_lose_nothing_and_never_sleep_for_ever)
{
    struct channel host;
    struct channel instance;
    make_ends(&host, &instance);
    pid_t pid = fork();
    if (pid == 0) {
        write_across(&instance);
        _exit(0);
    }
    ck_assert_uint_eq(read_across(&host), ACROSS);
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    channel_close(&host);
    channel_close(&instance);
}
END_TEST

int main(void)
{
    TCase *tests;
    Suite *suite = leaks_suite("channel", &tests);
    tcase_add_test(tests, frames_come_out_as_they_went_in);
    tcase_add_test(tests, frames_go_round_the_end_of_the_ring_many_times);
    tcase_add_test(tests, positions_may_overflow_32_bits);
    tcase_add_test(tests, a_ring_that_is_read_at_once_stays_small);
    tcase_add_test(tests, a_frame_too_large_for_the_start_goes_on_behind);
    tcase_add_test(tests, the_memory_of_a_large_transfer_can_be_given_back);
    tcase_add_test(tests, a_full_ring_says_so_and_asks_to_be_woken);
    tcase_add_test(tests, what_can_never_fit_is_refused);
    tcase_add_test(tests, less_may_be_committed_than_was_reserved);
    tcase_add_test(tests, a_reader_that_sleeps_is_to_be_woken_once);
    tcase_add_test(tests, a_writer_that_lies_about_its_position_is_found_out);
    tcase_add_test(tests, a_writer_that_lies_about_a_length_is_found_out);
    tcase_add_test(tests, padding_that_leads_nowhere_is_found_out);
    tcase_add_test(tests, padding_of_the_whole_ring_is_found_out);
    tcase_add_test(tests, a_reader_that_lies_about_its_position_only_stops_itself);
    tcase_add_test(tests, a_channel_carries_both_ways);
    tcase_add_test(tests, rings_are_as_large_as_their_maker_wants);
    tcase_add_test(tests, only_a_sleeping_peer_is_woken);
    tcase_add_test(tests, ends_without_news_leave_each_other_asleep);
    tcase_add_test(tests, a_peer_cannot_have_the_other_wait);
    tcase_add_test(tests, memory_that_could_shrink_is_refused);
    tcase_add_test(tests, memory_of_a_size_that_no_channel_has_is_refused);
    tcase_add_test(tests, two_processes_lose_nothing_and_never_sleep_for_ever);
    return suite_run(suite);
}
