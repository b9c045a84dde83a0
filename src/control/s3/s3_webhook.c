/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_webhook.h"

#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/limits.h"
#include "base/mem.h"
#include "control/events/queue/message_batch.h"
#include "control/s3/s3_event.h"
#include "control/s3/s3_event_record.h"
#include "control/s3/s3_name.h"
#include "control/sign/aws_digest.h"
#include "control/sign/aws_uri.h"
#include "control/text/json_read.h"
#include "control/text/json_write.h"
#include "http/http_block.h"

#define BODY_BYTES_MAX MIB
#define DEDUP_MS       86400000 /* MinIO sends again what it got no answer to */
#define REGION         "us-east-1"

/* One post; lives as long as its exchange. */
struct webhook {
    struct services *services;
    struct exchange *x;
};

/* One record on its way to those who want it. */
struct telling {
    struct message_batch *batch;
    json_t *record; /* borrowed */
    struct str bucket, key;
    const char *event; /* "ObjectCreated:Put" */
};

static const char *text_of(json_t *object, const char *member)
{
    const char *text = json_string_value(json_object_get(object, member));
    return text ? text : "";
}

static void respond(struct exchange *x, unsigned status, const char *text)
{
    exchange_respond(x, status, STR("content-type\0text/plain\0"), str_c(text));
}

/* ---- one record ---- */

/* Names what is told, whoever is told: a second post of it is no second event. */
static void put_dedup(const struct telling *t, struct str id, char ret_hex[AWS_HEX_BYTES])
{
    json_t *object = json_object_get(json_object_get(t->record, "s3"), "object");
    uint8_t digest[AWS_DIGEST_BYTES];
    struct buf text;
    buf_init(&text, BODY_BYTES_MAX);
    int r = buf_printf(&text, "%s\n" STR_FMT "\n" STR_FMT "\n%s\n%s\n" STR_FMT, t->event,
                       STR_ARG(t->bucket), STR_ARG(t->key), text_of(object, "versionId"),
                       text_of(object, "sequencer"), STR_ARG(id));
    aws_sha256(r < 0 ? STR("") : buf_str(&text), digest);
    (void)hex_write(digest, sizeof(digest), ret_hex);
    buf_finish(&text);
}

static void on_target(const char *queue_name, struct str id, void *context)
{
    const struct telling *t = context;
    char hex[AWS_HEX_BYTES];
    json_t *s3 = json_object_get(t->record, "s3");
    json_t *object = json_object_get(s3, "object");
    (void)json_object_set_new(s3, "configurationId", json_stringn(id.data, id.len));
    json_t *event = json_pack("{s:[O]}", "Records", t->record);
    char *text = json_write(event);
    bool is_known = text_of(object, "sequencer")[0] != '\0'; /* else each post is another */
    put_dedup(t, id, hex);
    const struct batch_message m = { .queue = str_c(queue_name),
                                     .attributes = STR("{}"),
                                     .body = str_c(text),
                                     .dedup = is_known ? str_of(hex, sizeof(hex)) : STR(""),
                                     .dedup_since_ms = clock_wall_ms() - DEDUP_MS };
    message_batch_add(t->batch, &m);
    free(text);
    json_decref(event);
}

/* MinIO escapes slashes, too. */
static void normalize_key(json_t *record, struct str key)
{
    struct buf text;
    buf_init(&text, 3 * BODY_BYTES_MAX);
    if (s3_event_record_put_key(&text, key) == 0) {
        (void)json_object_set_new(json_object_get(json_object_get(record, "s3"), "object"), "key",
                                  json_stringn(text.data, text.len));
    }
    buf_finish(&text);
}

/* MinIO's words become those of our own events. */
static void normalize(json_t *record, const char *event, struct str key)
{
    normalize_key(record, key);
    (void)json_object_set_new(record, "eventVersion", json_string("2.1"));
    (void)json_object_set_new(record, "eventSource", json_string("aws:s3"));
    if (text_of(record, "awsRegion")[0] == '\0') {
        (void)json_object_set_new(record, "awsRegion", json_string(REGION));
    }
    scoped_free char *name = mem_copy_str(str_c(event)); /* may be of the member */
    (void)json_object_set_new(record, "eventName", json_string(name));
}

static bool tell(struct s3 *s3, json_t *record, struct message_batch *batch)
{
    json_t *place = json_object_get(record, "s3");
    const char *bucket = text_of(json_object_get(place, "bucket"), "name");
    const char *escaped = text_of(json_object_get(place, "object"), "key");
    scoped_free char *name = mem_copy_str(str_c(text_of(record, "eventName")));
    const char *event = strncmp(name, "s3:", 3) == 0 ? name + 3 : name;
    struct buf key;
    buf_init(&key, BODY_BYTES_MAX);
    bool is_sound = s3_name_is_bucket(str_c(bucket)) && escaped[0] && event[0] &&
                    aws_uri_decode(&key, str_c(escaped), AWS_URI_PLUS_IS_SPACE) == 0;
    if (is_sound) {
        struct s3_bucket *ours = s3_buckets_find(s3->buckets, str_c(bucket));
        struct telling t = { batch, record, str_c(bucket), buf_str(&key), event };
        normalize(record, event, t.key);
        const struct s3_event_subject subject = { str_c(event), t.bucket, t.key, ours };
        s3_event_targets(s3, &subject, on_target, &t);
        s3_bucket_unref(ours);
    }
    buf_finish(&key);
    return is_sound;
}

/* ---- the post ---- */

static void stored(int r, void *context)
{
    struct webhook *w = context;
    respond(w->x,
            r == 0         ? 200
            : r == -ENOSPC ? 507
                           : 500,
            r == 0         ? ""
            : r == -ENOSPC ? "the disk is full: the event was not kept\n"
                           : "the event was not kept\n");
}

static void take(struct webhook *w, json_t *post)
{
    struct message_batch *batch = message_batch_create(w->services->queues);
    json_t *records = json_object_get(post, "Records");
    bool is_sound = json_is_array(records);
    size_t i;
    json_t *record;
    json_array_foreach(records, i, record)
    {
        is_sound = is_sound && tell(w->services->s3, record, batch);
    }
    int unread = store_read_failure(w->services->store);
    if (is_sound && unread == 0 && message_batch_count(batch) > 0) {
        message_batch_submit(batch, stored, w);
        return;
    }
    message_batch_destroy(batch);
    if (is_sound && unread < 0) { /* a bucket may want it */
        stored(unread, w);
        return;
    }
    respond(w->x, is_sound ? 200 : 400,
            is_sound ? "" : "this is no event of MinIO: {\"EventName\", \"Key\", \"Records\"}\n");
}

static void on_over(struct exchange *x)
{
    free(x->user);
}

static void have_body(struct exchange *x, int r, struct str body)
{
    static const struct exchange_events events = { .over = on_over };
    struct webhook *w = x->user;
    x->events = &events;
    if (r < 0) {
        if (r == -EMSGSIZE) {
            respond(x, 413, "an event may have 1 MB\n");
        } else {
            exchange_end(x);
        }
        return;
    }
    json_t *post = json_read(body, 0);
    take(w, post);
    json_decref(post);
}

/* The token that the project asks for, or empty: there is no webhook. */
static struct str wanted_token(const struct services *services)
{
    const struct build *build = services->deployment->active;
    json_t *events = build ? json_object_get(build->manifest, "events") : NULL;
    return str_c(text_of(json_object_get(events, "minio"), "token"));
}

static bool may_post(const struct services *services, const struct exchange *x)
{
    struct str given = http_block_find(x->headers, STR("authorization"));
    struct str wanted = wanted_token(services), scheme = STR("Bearer ");
    return wanted.len > 0 && str_starts(given, scheme) &&
           aws_equal(str_skip(given, scheme.len), wanted);
}

void s3_webhook_begin(struct services *services, struct exchange *x)
{
    if (!may_post(services, x)) {
        exchange_respond(x, 401, STR("content-type\0text/plain\0www-authenticate\0Bearer\0"),
                         STR("MinIO's auth_token is not the one of events.minio in mayfly.json\n"));
        return;
    }
    if (!str_eq(x->method, STR("POST"))) {
        respond(x, 200, ""); /* MinIO looks whether we are here */
        return;
    }
    struct webhook *w = mem_new(struct webhook);
    *w = (struct webhook){ services, x };
    x->user = w;
    exchange_read_body(x, BODY_BYTES_MAX, have_body);
}
