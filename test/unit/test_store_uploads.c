/* Uploads of a bucket that is removed.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>

#include "base/mem.h"
#include "store/store_buckets.h"
#include "store/store_uploads.h"
#include "store_fixture.h"

#define UPLOADS 2500 /* with their parts more than are removed at once */
#define HASH    STR("0123456789abcdef0123456789abcdef")

static int64_t doomed, other;
static struct stored_upload last;
static char file[CONTENT_NAME_BYTES]; /* of the one file that all parts are */

static int make_bucket(struct sql *db, struct str name, int64_t *ret_id)
{
    return store_buckets_create(
        db, &(struct stored_bucket){ .name = name, .owner = STR("o"), .region = STR("") }, ret_id);
}

static const struct stored_upload_part part = {
    .number = 1, .etag = STR("e"), .hash = HASH, .checksum = STR("")
};

static int make_upload(struct sql *db, int64_t bucket)
{
    last = (struct stored_upload){ .initiator = STR("o"),
                                   .object = { .bucket = bucket,
                                               .key = STR("k"),
                                               .headers = STR(""),
                                               .tags = STR(""),
                                               .owner = STR("o"),
                                               .acl = STR(""),
                                               .checksum = STR(""),
                                               .crypt = STR("") } };
    int r = store_uploads_create(db, &last);
    return r < 0 ? r : store_uploads_put_part(contents, db, &last, &part, file);
}

static int make_all(struct store_job *job, struct sql *db)
{
    (void)job;
    int r = make_bucket(db, STR("doomed"), &doomed);
    r = r < 0 ? r : make_bucket(db, STR("other"), &other);
    r = r < 0 ? r : make_upload(db, other);
    for (int i = 0; i < UPLOADS && r == 0; i++) {
        r = make_upload(db, doomed);
    }
    return r;
}

static int64_t rows(const char *of)
{
    char text[160];
    (void)snprintf(text, sizeof(text), "SELECT count(*) FROM %s", of);
    return sql_number(store_reader(store), -1, text, "");
}

static void setup(void)
{
    open_new();
    int fd = store_contents_create(contents, file);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(close(fd), 0);
    ck_assert_int_eq(submit(make_all), 0);
}

static int remove_doomed(struct store_job *job, struct sql *db)
{
    (void)job;
    return store_buckets_remove(db, doomed);
}

static int put_part(struct store_job *job, struct sql *db)
{
    (void)job;
    return store_uploads_put_part(contents, db, &last, &part, file);
}

static void until_swept(void)
{
    while (rows("uploads") > 1 || rows("parts") > 1) {
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
    ck_assert_int_eq(rows("files WHERE refs = 1"), 1); /* the other bucket's */
    ck_assert_int_eq(
        rows("parts JOIN uploads u ON upload = u.id JOIN buckets b ON b.id = bucket WHERE "
             "name = 'other'"),
        1);
}

START_TEST(uploads_of_a_removed_bucket_go_in_steps)
{
    ck_assert_int_eq(submit(put_part), 0);
    ck_assert_int_eq(submit(remove_doomed), 0);
    ck_assert_int_eq(rows("uploads"), UPLOADS + 1); /* the removal was short */
    ck_assert_int_eq(submit(put_part), -ENOENT);
    store_contents_sweep_lost(contents);
    until_swept();
}
END_TEST

START_TEST(after_a_crash_uploads_of_a_removed_bucket_go_too)
{
    ck_assert_int_eq(submit(remove_doomed), 0);
    close_all();
    open_all();
    until_swept();
}
END_TEST

int main(void)
{
    TCase *tests;
    Suite *suite = suite_make("store uploads", setup, teardown, &tests);
    tcase_add_test(tests, uploads_of_a_removed_bucket_go_in_steps);
    tcase_add_test(tests, after_a_crash_uploads_of_a_removed_bucket_go_too);
    return suite_run(suite);
}
