/* Bodies on their way to the store: whoever feeds is told of every byte that was dealt with, or it
 * would wait for ever.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "control/s3/s3_lanes.h"
#include "control/s3/s3_receive.h"
#include "store/store_uploads.h"
#include "suite.h"

#define FRAME_BYTES (128 * 1024)

static uv_loop_t loop;
static struct store *store;
static struct store_contents *contents;
static struct s3_lanes_pool *pool;
static char folder[] = "/tmp/mayfly-test-XXXXXX";

static size_t room, size;
static bool over;
static enum s3_error error;
static struct s3_received result;

static void setup(void)
{
    pool = s3_lanes_pool_create();
    struct err err = { 0 };
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    ck_assert_msg(store_open(&loop, folder, &store, &err) == 0, "%s", err.text);
    ck_assert_msg(store_contents_open(&loop, store, store_uploads_sweep, &contents, &err) == 0,
                  "%s", err.text);
}

static void teardown(void)
{
    char command[64];
    store_contents_close(contents);
    s3_lanes_pool_destroy(pool);
    store_close(store);
    (void)uv_run(&loop, UV_RUN_NOWAIT);
    (void)snprintf(command, sizeof(command), "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static void on_room(size_t bytes, void *context)
{
    (void)context;
    room += bytes;
}

static void on_done(enum s3_error e, struct s3_received *received, void *context)
{
    (void)context;
    over = true;
    error = e;
    result = *received;
    size = (size_t)received->size;
}

static struct s3_receive *receive_create(const struct s3_receive_plan *plan)
{
    struct s3_receive *r = s3_receive_create(&loop, contents, pool, plan);
    s3_receive_listen(r, on_room, on_done, NULL);
    return r;
}

static size_t feed(struct s3_receive *r, size_t bytes)
{
    scoped_free char *data = mem_alloc(bytes);
    s3_receive_feed(r, str_of(data, bytes));
    return bytes;
}

static void until_over(void)
{
    while (!over) {
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
}

static int run_counting(struct store_job *job, struct sql *db)
{
    (void)job;
    return store_contents_keep_file(contents, db,
                                    str_of((const char *)result.hash, sizeof(result.hash)),
                                    result.size, result.name);
}

static void counted(struct store_job *job, int r)
{
    (void)job;
    ck_assert_int_eq(r, 0);
    over = true;
}

/* As an object's job does: until then a file may go that nobody counts. */
static void count_file(void)
{
    struct store_job job = { .run = run_counting, .done = counted };
    over = false;
    store_submit(store, &job);
    until_over();
}

/* What is stored: frames of one byte each. */
static void check_file(int frames)
{
    scoped_free char *held = mem_alloc(FRAME_BYTES), *expected = mem_alloc(FRAME_BYTES);
    scoped_fd int fd =
        store_contents_read(contents, str_of((const char *)result.hash, sizeof(result.hash)));
    ck_assert_int_ge(fd, 0);
    for (int i = 0; i < frames; i++) {
        memset(expected, i, FRAME_BYTES);
        ck_assert_int_eq(read(fd, held, FRAME_BYTES), FRAME_BYTES);
        ck_assert_msg(memcmp(held, expected, FRAME_BYTES) == 0, "frame %d", i);
    }
    ck_assert_int_eq(read(fd, held, 1), 0);
}

/* The first bytes stay in memory until they are too many, and are told of at once: they must not
 * count again when they go to the file. All that follows is dealt with when the loop has run. */
START_TEST(every_byte_is_told_of_once)
{
    static const size_t first[] = { 1, 1000, 65483, 80000, FRAME_BYTES };
    const struct s3_receive_plan plan = { .limit = 200 * FRAME_BYTES };
    for (size_t i = 0; i < ARRAY_COUNT(first); i++) {
        room = 0;
        over = false;
        struct s3_receive *r = receive_create(&plan);
        size_t fed = feed(r, first[i]);
        fed += feed(r, FRAME_BYTES - first[i] % FRAME_BYTES); /* pieces end with the frames */
        for (int frames = 1; frames <= 16; frames++) {
            for (int k = 0; k < frames; k++) {
                fed += feed(r, FRAME_BYTES);
            }
            while (room < fed) {
                (void)uv_run(&loop, UV_RUN_ONCE);
            }
        }
        ck_assert_uint_eq(room, fed);
        s3_receive_end(r);
        until_over();
        ck_assert_int_eq(error, S3_OK);
        ck_assert_uint_eq(size, fed);
        s3_receive_destroy(r, false);
    }
}
END_TEST

/* Longer than what is synced at once, and fed no faster than there is room. */
START_TEST(a_large_body_is_stored_as_it_came)
{
    enum { FRAMES = 300 };
    const struct s3_receive_plan plan = { .limit = 2 * FRAMES * FRAME_BYTES };
    struct s3_receive *r = receive_create(&plan);
    scoped_free char *frame = mem_alloc(FRAME_BYTES);
    uint8_t md5[S3_MD5_BYTES];
    EVP_MD_CTX *expected = EVP_MD_CTX_new();
    ck_assert_int_eq(EVP_DigestInit_ex(expected, EVP_md5(), NULL), 1);
    for (int i = 0; i < FRAMES; i++) {
        memset(frame, i, FRAME_BYTES);
        ck_assert_int_eq(EVP_DigestUpdate(expected, frame, FRAME_BYTES), 1);
        s3_receive_feed(r, str_of(frame, FRAME_BYTES));
        while (room < (size_t)(i + 1) * FRAME_BYTES) {
            (void)uv_run(&loop, UV_RUN_ONCE);
        }
    }
    s3_receive_end(r);
    until_over();
    ck_assert_int_eq(EVP_DigestFinal_ex(expected, md5, NULL), 1);
    EVP_MD_CTX_free(expected);
    ck_assert_int_eq(error, S3_OK);
    ck_assert_uint_eq(size, (size_t)FRAMES * FRAME_BYTES);
    ck_assert_mem_eq(result.md5, md5, sizeof(md5));
    count_file();
    check_file(FRAMES);
    s3_receive_destroy(r, true);
}
END_TEST

/* Of those that are named. */
static bool has_files(void)
{
    char command[96];
    (void)snprintf(command, sizeof(command), "test -z \"$(find %s/objects -type f)\"", folder);
    return system(command) != 0;
}

/* Its file is named by chance, and that before all bytes are there. */
START_TEST(a_body_that_is_refused_leaves_no_file)
{
    const struct s3_receive_plan plan = { .limit = 4 * FRAME_BYTES,
                                          .has_length = true,
                                          .length = 4 * FRAME_BYTES };
    for (int frames = 1; frames < 4; frames++) {
        struct s3_receive *r = receive_create(&plan);
        over = false;
        for (int i = 0; i < frames; i++) {
            (void)feed(r, FRAME_BYTES);
        }
        s3_receive_end(r);
        until_over();
        ck_assert_int_eq(error, S3_INCOMPLETE_BODY);
        s3_receive_destroy(r, false);
    }
    while (has_files()) {
        (void)uv_run(&loop, UV_RUN_NOWAIT);
    }
}
END_TEST

START_TEST(a_small_body_stays_in_memory)
{
    const struct s3_receive_plan plan = { .limit = 100 * FRAME_BYTES };
    struct s3_receive *r = receive_create(&plan);
    size_t fed = feed(r, 1000);
    s3_receive_end(r);
    ck_assert(over);
    ck_assert_uint_eq(size, fed);
    ck_assert_uint_eq(room, fed);
    s3_receive_destroy(r, false);
}
END_TEST

START_TEST(a_body_over_the_limit_is_refused)
{
    const struct s3_receive_plan plan = { .limit = FRAME_BYTES };
    struct s3_receive *r = receive_create(&plan);
    (void)feed(r, FRAME_BYTES);
    (void)feed(r, FRAME_BYTES);
    s3_receive_end(r);
    until_over();
    ck_assert_int_eq(error, S3_ENTITY_TOO_LARGE);
    s3_receive_destroy(r, false);
}
END_TEST

static unsigned errors_told;

/* On a thread. */
static enum s3_error refuse_last(enum s3_lane lane, struct s3_piece *p, void *context)
{
    (void)context;
    return lane == S3_LANE_MD5 && p->is_last ? S3_BAD_DIGEST : S3_OK;
}

static void count_errors(enum s3_lane lane, enum s3_error e, void *context)
{
    (void)lane;
    (void)context;
    errors_told += e != S3_OK;
}

/* A lane that has more to do is at work again while what it had done is told: that is not what the
 * thread finds out meanwhile. Often, because it is a matter of microseconds. */
START_TEST(an_error_is_told_when_the_lane_is_done)
{
    for (int i = 0; i < 2000; i++) {
        scoped_free char *first = mem_alloc(FRAME_BYTES);
        struct s3_lanes *l = s3_lanes_create(&loop, pool, false, refuse_last, count_errors, NULL);
        errors_told = 0;
        s3_lanes_feed(l, str_of(first, FRAME_BYTES)); /* at work */
        s3_lanes_end(l);                              /* another piece, which waits */
        while (!s3_lanes_is_idle(l)) {
            (void)uv_run(&loop, UV_RUN_ONCE);
        }
        s3_lanes_destroy(l);
        ck_assert_uint_eq(errors_told, 1);
    }
}
END_TEST

int main(void)
{
    TCase *c;
    Suite *suite = suite_make("s3_receive", setup, teardown, &c);
    tcase_add_test(c, every_byte_is_told_of_once);
    tcase_add_test(c, a_large_body_is_stored_as_it_came);
    tcase_add_test(c, a_body_that_is_refused_leaves_no_file);
    tcase_add_test(c, a_small_body_stays_in_memory);
    tcase_add_test(c, a_body_over_the_limit_is_refused);
    tcase_add_test(c, an_error_is_told_when_the_lane_is_done);
    return suite_run(suite);
}
