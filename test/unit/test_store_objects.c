/* Versions of objects: whose bytes a copy shares, and where a walk over them goes on.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "store/store_buckets.h"
#include "store/store_objects.h"
#include "store_fixture.h"

static int64_t bucket;

static int make_bucket(struct store_job *job, struct sql *db)
{
    (void)job;
    const struct stored_bucket b = {
        .name = STR("b"), .owner = STR("o"), .region = STR(""), .versioning = BUCKET_VERSIONED
    };
    return store_buckets_create(db, &b, &bucket);
}

static void setup(void)
{
    open_new();
    ck_assert_int_eq(submit(make_bucket), 0);
}

static int put(struct sql *db, struct str key, struct str data)
{
    struct object_write w = { .object = plain_object(bucket, key),
                              .bytes = BYTES_OF_DATA,
                              .data = data };
    return store_objects_write(contents, db, &w);
}

/* ---- copies ---- */

static struct stored_object source;
static char *source_memory;

static void keep_source(const struct stored_object *o, void *context)
{
    (void)context;
    source_memory = store_objects_copy(o, &source);
}

static int put_source(struct store_job *job, struct sql *db)
{
    (void)job;
    return put(db, STR("source"), STR("bytes of the source"));
}

static int remove_source(struct store_job *job, struct sql *db)
{
    (void)job;
    struct object_removal removal = { .bucket = bucket,
                                      .key = STR("source"),
                                      .version = { VERSION_EXACT, source.rank, source.salt },
                                      .owner = STR("o") };
    return store_objects_remove(db, &removal);
}

static int put_other(struct store_job *job, struct sql *db)
{
    (void)job;
    return put(db, STR("other"), STR("bytes of another"));
}

static int copy_source(struct store_job *job, struct sql *db)
{
    (void)job;
    struct object_write w = { .object = plain_object(bucket, STR("copy")),
                              .bytes = BYTES_SHARED,
                              .source = &source };
    w.object.row = source.row;
    return store_objects_write(contents, db, &w);
}

static void find_source(void)
{
    const struct object_version current = { .which = VERSION_CURRENT };
    ck_assert_int_eq(submit(put_source), 0);
    ck_assert(store_objects_find(store, bucket, STR("source"), current, keep_source, NULL));
}

START_TEST(a_copy_shares_the_bytes_of_its_source)
{
    find_source();
    ck_assert_int_eq(submit(copy_source), 0);
    ck_assert_int_eq(submit(remove_source), 0);
    size_t len;
    scoped_free char *bytes = store_contents_row(store, source.row, &len);
    ck_assert_str_eq(bytes, "bytes of the source");
    free(source_memory);
}
END_TEST

/* The other's bytes may lie where those of the source did. */
START_TEST(a_copy_of_what_was_removed_meanwhile_has_no_bytes_of_another)
{
    find_source();
    ck_assert_int_eq(submit(remove_source), 0);
    ck_assert_int_eq(submit(put_other), 0);
    ck_assert_int_eq(submit(copy_source), -ENODATA);
    free(source_memory);
}
END_TEST

/* ---- walks ---- */

#define VERSIONS 3 /* of each key */

struct seen {
    int64_t ranks[3 * VERSIONS];
    char keys[3 * VERSIONS + 1];
    size_t count;
};

static int put_versions(struct store_job *job, struct sql *db)
{
    (void)job;
    int r = 0;
    for (int i = 0; r == 0 && i < 3 * VERSIONS; i++) {
        r = put(db, str_of(&"abc"[i % 3], 1), STR("x"));
    }
    return r;
}

static enum object_walk see(const struct stored_object *o, struct buf *seek, void *context)
{
    struct seen *s = context;
    (void)seek;
    ck_assert_uint_lt(s->count, ARRAY_COUNT(s->ranks));
    s->keys[s->count] = o->key.data[0];
    s->ranks[s->count++] = o->rank;
    return WALK_NEXT;
}

START_TEST(a_walk_goes_on_behind_a_version)
{
    struct seen all = { .count = 0 }, rest = { .count = 0 }, none = { .count = 0 };
    ck_assert_int_eq(submit(put_versions), 0);
    store_objects_walk(store, bucket, STR(""), RANK_BEFORE_ALL, see, &all);
    ck_assert_str_eq(all.keys, "aaabbbccc");
    store_objects_walk(store, bucket, STR("b"), all.ranks[4], see, &rest);
    ck_assert_str_eq(rest.keys, "bccc");
    ck_assert_int_eq(rest.ranks[0], all.ranks[5]);
    store_objects_walk(store, bucket, STR("c"), all.ranks[8], see, &none);
    ck_assert_uint_eq(none.count, 0);
}
END_TEST

int main(void)
{
    TCase *tests;
    Suite *suite = suite_make("store objects", setup, teardown, &tests);
    tcase_add_test(tests, a_copy_shares_the_bytes_of_its_source);
    tcase_add_test(tests, a_copy_of_what_was_removed_meanwhile_has_no_bytes_of_another);
    tcase_add_test(tests, a_walk_goes_on_behind_a_version);
    return suite_run(suite);
}
