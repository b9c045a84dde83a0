/* What cannot be read is not absent: a store whose database is damaged in places.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/store_answers.h"
#include "store/store_buckets.h"
#include "store/store_messages.h"
#include "store/store_objects.h"
#include "store_fixture.h"

#define HASH "0123456789abcdef0123456789abcdef"
#define KEY  STR("key")

static int64_t bucket;

static int put_object(struct store_job *job, struct sql *db)
{
    struct object_write w = { .object = { .bucket = bucket,
                                          .key = KEY,
                                          .etag = STR("e"),
                                          .owner = STR("o"),
                                          .acl = STR(""),
                                          .hash = STR(HASH) },
                              .bytes = BYTES_OF_FILE };
    (void)job;
    return store_objects_write(contents, db, &w);
}

static int make_all(struct store_job *job, struct sql *db)
{
    const struct stored_bucket b = { .name = STR("b"), .owner = STR("o"), .region = STR("") };
    int r = store_buckets_create(db, &b, &bucket);
    return r < 0 ? r : put_object(job, db);
}

static void setup(void)
{
    char name[CONTENT_NAME_BYTES];
    open_new();
    int fd = store_contents_create(contents, name);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(close(fd), 0);
    ck_assert_int_eq(store_contents_publish(contents, name, (const uint8_t *)HASH), 0);
    store_contents_drop_name(contents, name);
    ck_assert_int_eq(submit(make_all), 0);
}

/* Writes over the first page of a table, or of an index. */
static void damage(const char *table)
{
    char path[64], garbage[4096];
    struct err err = { 0 };
    struct sql *db;
    (void)snprintf(path, sizeof(path), "%s/mayfly.db", folder);
    close_all();
    ck_assert_msg(sql_open(path, SQL_READER, &db, &err) == 0, "%s", err.text);
    int64_t page =
        sql_number(db, 0, "SELECT rootpage FROM sqlite_schema WHERE name = ?", "c", table);
    int64_t size = sql_number(db, 0, "PRAGMA page_size", "");
    sql_close(db);
    ck_assert_int_gt(page, 1);
    ck_assert_int_eq(size, sizeof(garbage));
    memset(garbage, 0xff, sizeof(garbage));
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    ck_assert_int_eq(pwrite(fd, garbage, sizeof(garbage), (page - 1) * size), sizeof(garbage));
    ck_assert_int_eq(close(fd), 0);
    open_all();
}

static int look_at_bucket(struct store_job *job, struct sql *db)
{
    (void)job;
    return sql_number(db, 0, "SELECT count(*) FROM buckets, bucket_settings", "") == 0 &&
                   store_buckets_versioning(db, bucket) == 0
               ? 0
               : -EINVAL;
}

static void reopen(void)
{
    close_all();
    open_all();
}

/* Until it is opened again reading the file fails, but for what is known of buckets already. */
static void break_reading(void)
{
    char path[64], link[64];
    (void)snprintf(path, sizeof(path), "%s/mayfly.db", folder);
    reopen();
    ck_assert_int_eq(submit(look_at_bucket), 0);
    int unreadable = open(path, O_WRONLY | O_CLOEXEC);
    for (int fd = 3; fd < unreadable; fd++) {
        char to[64] = "";
        (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        ssize_t len = readlink(link, to, sizeof(to) - 1);
        if (len > 0 && strcmp(to, path) == 0) {
            ck_assert_int_eq(dup2(unreadable, fd), fd);
        }
    }
    ck_assert_int_eq(close(unreadable), 0);
}

/* ---- reads of the loop's thread ---- */

static void count_object(const struct stored_object *o, void *context)
{
    (void)o;
    (*(int *)context)++;
}

static void no_bucket(const struct stored_bucket *b, void *context)
{
    (void)b;
    (void)context;
}

static bool finds_object(void)
{
    int count = 0;
    const struct object_version current = { .which = VERSION_CURRENT };
    return store_objects_find(store, bucket, KEY, current, count_object, &count) && count == 1;
}

START_TEST(a_read_that_fails_is_told_for_the_rest_of_the_turn)
{
    ck_assert(finds_object());
    ck_assert_int_eq(store_read_failure(store), 0);
    damage("objects");
    ck_assert(!finds_object());
    ck_assert_int_eq(store_read_failure(store), -EUCLEAN);
    (void)uv_run(&loop, UV_RUN_NOWAIT);
    ck_assert(store_buckets_find(store, STR("b"), no_bucket, NULL));
    ck_assert_int_eq(store_read_failure(store), 0);
}
END_TEST

START_TEST(what_is_absent_is_no_failure)
{
    ck_assert(!store_buckets_find(store, STR("other"), no_bucket, NULL));
    ck_assert_int_eq(store_read_failure(store), 0);
}
END_TEST

START_TEST(a_queue_that_cannot_be_read_is_looked_at_again)
{
    damage("messages_waiting");
    ck_assert(store_messages_next_due(store, 1, 1000) != UINT64_MAX);
}
END_TEST

/* ---- jobs ---- */

static int remove_bucket(struct store_job *job, struct sql *db)
{
    (void)job;
    return store_buckets_remove(db, bucket);
}

START_TEST(a_bucket_whose_objects_cannot_be_read_is_not_removed)
{
    break_reading();
    ck_assert_int_eq(submit(remove_bucket), -EIO);
    reopen();
    ck_assert_int_eq(submit(look_at_bucket), 0);
}
END_TEST

static int nothing(struct store_job *job, struct sql *db)
{
    (void)job;
    (void)db;
    return 0;
}

START_TEST(a_file_stays_when_it_cannot_be_told_who_counts_it)
{
    damage("files");
    store_contents_forget(contents, (const uint8_t *)HASH);
    (void)submit(nothing); /* behind it; SQLite writes nothing more to what is damaged */
    int fd = store_contents_read(contents, STR(HASH));
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(close(fd), 0);
}
END_TEST

static int send_message(struct store_job *job, struct sql *db)
{
    const struct stored_message m = { .queue = 1,
                                      .uuid = STR("u"),
                                      .group = STR(""),
                                      .attributes = STR("{}"),
                                      .error = STR(""),
                                      .body = STR("text") };
    uint64_t id;
    (void)job;
    return store_messages_insert(db, &m, STR("dedup"), 0, &id);
}

START_TEST(a_message_that_may_be_a_duplicate_is_not_sent)
{
    damage("dedup");
    ck_assert_int_eq(submit(send_message), -EUCLEAN);
}
END_TEST

/* Whoever reads as many bytes as the object should have comes to where there are no more parts. */
START_TEST(an_object_has_no_part_behind_its_last)
{
    char *memory = mem_alloc(sizeof(struct stored_part));
    const struct stored_part only = { .number = 1, .size = 10 };
    memcpy(memory, &only, sizeof(only));
    const struct stored_object o = { .size = 1000, .parts = str_of(memory, sizeof(only)) };
    uint64_t offset = 10;
    ck_assert_uint_eq(store_objects_part_at(&o, &offset), 0);
    ck_assert_uint_eq(store_objects_part(&o, 0).size, 10);
    ck_assert_uint_eq(store_objects_part(&o, 1).size, 0);
    ck_assert_uint_eq(store_objects_part(&o, 1).number, 0);
    free(memory);
}
END_TEST

int main(void)
{
    TCase *tests;
    Suite *suite = suite_make("store damage", setup, teardown, &tests);
    suite_open_libuv();
    tcase_add_test(tests, a_read_that_fails_is_told_for_the_rest_of_the_turn);
    tcase_add_test(tests, what_is_absent_is_no_failure);
    tcase_add_test(tests, a_queue_that_cannot_be_read_is_looked_at_again);
    tcase_add_test(tests, a_bucket_whose_objects_cannot_be_read_is_not_removed);
    tcase_add_test(tests, a_file_stays_when_it_cannot_be_told_who_counts_it);
    tcase_add_test(tests, a_message_that_may_be_a_duplicate_is_not_sent);
    tcase_add_test(tests, an_object_has_no_part_behind_its_last);
    return suite_run(suite);
}
