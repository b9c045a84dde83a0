/* Files of objects, and when they go.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>

#include "store/store_buckets.h"
#include "store/store_objects.h"
#include "store_fixture.h"

#define HASH STR("0123456789abcdef0123456789abcdef")

static int64_t bucket;
static char name[CONTENT_NAME_BYTES]; /* temporary, of the file */

static bool has(struct str hash)
{
    scoped_fd int fd = store_contents_read(contents, hash);
    return fd >= 0;
}

static bool has_file(void)
{
    return has(HASH);
}

static int make_object(struct store_job *job, struct sql *db)
{
    (void)job;
    const struct stored_bucket b = { .name = STR("b"), .owner = STR("o"), .region = STR("") };
    struct object_write w = { .bytes = BYTES_OF_FILE, .name = name };
    int r = store_buckets_create(db, &b, &bucket);
    w.object = plain_object(bucket, STR("k"));
    w.object.hash = HASH;
    return r < 0 ? r : store_objects_write(contents, db, &w);
}

static int remove_object(struct store_job *job, struct sql *db)
{
    (void)job;
    struct object_removal removal = { .bucket = bucket, .key = STR("k"), .owner = STR("o") };
    return store_objects_remove(db, &removal);
}

static void setup(void)
{
    open_new();
    int fd = store_contents_create(contents, name);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(close(fd), 0);
    ck_assert_int_eq(submit(make_object), 0);
    store_contents_drop_name(contents, name);
    ck_assert(has_file());
}

static void until_gone(void)
{
    while (has_file()) {
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
}

/* Holds the store's thread until more was submitted: what is submitted meanwhile is of the same
 * transaction. */
struct gate {
    struct job job;
    uv_sem_t open;
};

static int wait_at_gate(struct store_job *job, struct sql *db)
{
    struct gate *g = container_of(job, struct gate, job.job);
    (void)db;
    uv_sem_wait(&g->open);
    return 0;
}

static int look_for_file(struct store_job *job, struct sql *db)
{
    (void)job, (void)db;
    return has_file();
}

START_TEST(a_file_outlives_its_object_until_that_is_durable)
{
    struct gate gate = { .job.job = { .run = wait_at_gate, .done = on_done } };
    struct job removal = { .job = { .run = remove_object, .done = on_done } };
    struct job look = { .job = { .run = look_for_file, .done = on_done } };
    ck_assert_int_eq(uv_sem_init(&gate.open, 0), 0);
    store_submit(store, &gate.job.job);
    store_submit(store, &removal.job);
    store_contents_sweep(contents);
    store_submit(store, &look.job);
    uv_sem_post(&gate.open);
    while (!look.is_done) {
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
    ck_assert_int_eq(removal.result, 0);
    ck_assert_int_eq(look.result, 1); /* nothing of that was committed yet */
    uv_sem_destroy(&gate.open);
    store_contents_sweep(contents);
    until_gone();
}
END_TEST

START_TEST(a_file_that_is_read_outlives_its_object)
{
    store_contents_hold(contents);
    ck_assert_int_eq(submit(remove_object), 0);
    store_contents_sweep(contents);
    ck_assert_int_eq(submit(look_for_file), 1);
    store_contents_unhold(contents);
    until_gone();
}
END_TEST

/* At a start all files are looked for, which takes its time. */
START_TEST(files_that_are_found_while_it_closes_are_left_to_the_next_start)
{
    static const uint8_t hash[CONTENT_HASH_BYTES] = { 0 }; /* in the folder that is read first */
    const struct str orphan = str_of((const char *)hash, sizeof(hash));
    int fd = store_contents_create(contents, name);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(close(fd), 0);
    ck_assert_int_eq(store_contents_publish(contents, name, hash), 0);
    store_contents_drop_name(contents, name);
    close_all();
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    open_all();
    close_all();
    (void)uv_run(&loop, UV_RUN_DEFAULT); /* until the folder has been read */
    open_all();
    ck_assert(has(orphan));
    while (has(orphan)) {
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
    ck_assert(has_file());
}
END_TEST

int main(void)
{
    TCase *tests;
    Suite *suite = suite_make("store contents", setup, teardown, &tests);
    tcase_add_test(tests, a_file_outlives_its_object_until_that_is_durable);
    tcase_add_test(tests, a_file_that_is_read_outlives_its_object);
    tcase_add_test(tests, files_that_are_found_while_it_closes_are_left_to_the_next_start);
    return suite_run(suite);
}
