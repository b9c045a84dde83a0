/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_declared.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "control/s3/s3_buckets.h"
#include "control/s3/s3_expiry.h"
#include "control/s3/s3_lifecycle.h"
#include "control/s3/s3_name.h"
#include "control/s3/s3_xml.h"

#define CORS_BYTES_MAX (64 * KIB)

/* One bucket on its way to the store. */
struct declared {
    struct store_job job;
    struct s3 *s3;
    struct stored_bucket row; /* id 0: it is to be made */
    struct buf cors;          /* empty: none is declared */
    char *memory;
};

static struct str text_of(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    return str_of(json_string_value(value), json_string_length(value));
}

static void put_all(struct s3_xml_out *out, const char *name, const json_t *texts)
{
    size_t i;
    json_t *text;
    json_array_foreach(texts, i, text)
    {
        s3_xml_put(out, name, str_of(json_string_value(text), json_string_length(text)));
    }
}

/* The document that PutBucketCors would have got. */
static int write_cors(const json_t *rules, struct buf *ret)
{
    struct s3_xml_out out = { .out = ret };
    size_t i;
    json_t *rule;
    s3_xml_begin(&out, "CORSConfiguration");
    json_array_foreach(rules, i, rule)
    {
        const json_t *age = json_object_get(rule, "max_age_s");
        s3_xml_open(&out, "CORSRule");
        put_all(&out, "AllowedHeader", json_object_get(rule, "allowed_headers"));
        put_all(&out, "AllowedMethod", json_object_get(rule, "allowed_methods"));
        put_all(&out, "AllowedOrigin", json_object_get(rule, "allowed_origins"));
        put_all(&out, "ExposeHeader", json_object_get(rule, "expose_headers"));
        if (age) {
            s3_xml_put_u64(&out, "MaxAgeSeconds", (uint64_t)json_integer_value(age));
        }
        s3_xml_close(&out, "CORSRule");
    }
    s3_xml_close(&out, "CORSConfiguration");
    return out.r;
}

static int run(struct store_job *job, struct sql *db)
{
    struct declared *d = container_of(job, struct declared, job);
    int r = d->row.id == 0 ? store_buckets_create(db, &d->row, &d->row.id) : 0;
    if (r == 0 && d->row.versioning == BUCKET_VERSIONED) {
        r = store_buckets_set_versioning(db, d->row.id, BUCKET_VERSIONED);
    }
    if (r == 0 && d->cors.len > 0) {
        r = store_buckets_put_setting(db, d->row.id, STR("cors"), buf_str(&d->cors));
    }
    return r;
}

static void done(struct store_job *job, int r)
{
    struct declared *d = container_of(job, struct declared, job);
    s3_buckets_forget(d->s3->buckets, d->row.name);
    d->s3->declaring--;
    if (r < 0 && r != -EEXIST) { /* made by a client just now: as good */
        log_error("bucket " STR_FMT " cannot be made: %s", STR_ARG(d->row.name), strerror(-r));
    }
    buf_finish(&d->cors);
    free(d->memory);
    free(d);
}

/* False: everything is as it is declared. */
static bool is_wanted(struct declared *d, const json_t *bucket, const struct s3_bucket *known)
{
    bool versioned = json_is_true(json_object_get(bucket, "versioning"));
    if (!known) {
        d->row.versioning = versioned ? BUCKET_VERSIONED : BUCKET_UNVERSIONED;
        return true;
    }
    d->row.id = known->row.id;
    /* Who suspended it by the API meant it. */
    bool turns_on = versioned && known->row.versioning == BUCKET_UNVERSIONED;
    d->row.versioning = turns_on ? BUCKET_VERSIONED : BUCKET_UNVERSIONED;
    return turns_on ||
           (d->cors.len > 0 && !str_eq(s3_bucket_setting(known, STR("cors")), buf_str(&d->cors)));
}

static void declare(struct s3 *s3, const json_t *bucket)
{
    struct str name = text_of(bucket, "name");
    const json_t *rules = json_object_get(bucket, "cors");
    if (!s3_name_is_bucket(name)) {
        log_error("bucket " STR_FMT ": S3 accepts no such name", STR_ARG(name));
        return;
    }
    struct declared *d = mem_new(struct declared);
    d->s3 = s3;
    d->memory = mem_copy_str(name);
    d->row = (struct stored_bucket){ .name = str_c(d->memory),
                                     .owner = aws_users_root(s3->services->users)->canonical_id,
                                     .region = STR(""),
                                     .created_ms = clock_wall_ms() };
    d->job = (struct store_job){ .run = run, .done = done };
    buf_init(&d->cors, CORS_BYTES_MAX);
    if (json_array_size(rules) > 0 && write_cors(rules, &d->cors) < 0) {
        log_error("bucket " STR_FMT ": its rules of CORS are too long", STR_ARG(name));
        buf_clear(&d->cors);
    }
    struct s3_bucket *known = s3_buckets_find(s3->buckets, name);
    bool wanted = is_wanted(d, bucket, known);
    s3_bucket_unref(known);
    if (wanted) {
        s3->declaring++;
        store_submit(s3->services->store, &d->job);
    } else {
        buf_finish(&d->cors);
        free(d->memory);
        free(d);
    }
}

void s3_declared_build(struct s3 *s3, const json_t *manifest)
{
    const json_t *events = json_object_get(manifest, "events");
    json_int_t day_s = json_integer_value(json_object_get(events, "lifecycle_day_s"));
    uint64_t day_ms = day_s > 0 ? (uint64_t)day_s * 1000 : S3_LIFECYCLE_DAY_MS;
    size_t i;
    json_t *bucket;
    json_array_foreach(json_object_get(events, "buckets"), i, bucket)
    {
        declare(s3, bucket);
    }
    if (day_ms != s3->lifecycle_day_ms) {
        s3->lifecycle_day_ms = day_ms;
        s3_expiry_wake(s3->expiry);
    }
}
