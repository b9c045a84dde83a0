/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_access_log.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <time.h>

#include "base/chance.h"
#include "base/clock.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/mem.h"
#include "control/s3/s3_event.h"
#include "control/s3/s3_name.h"
#include "control/s3/s3_policy.h"
#include "http/http_block.h"

#define DELIVERY_MS 5000 /* from a batch's first line on; S3 takes hours */
#define BATCH_BYTES_FULL                                                                           \
    (CONTENT_ROW_BYTES_MAX / 2)            /* is delivered at once; mostly a row, no file */
#define BATCHES_MAX 1000                   /* at a time; more lines than fit are not logged */
#define KEY_BYTES   (2 * S3_KEY_BYTES_MAX) /* the prefix was checked */
#define SERVICE     "logging.s3.amazonaws.com"

/* Which lines become one object. */
struct batch_of {
    char *source, *target, *prefix; /* owned */
    bool by_source;                 /* PartitionedPrefix: only lines of that bucket */
    bool by_day;                    /* ... and, by its EventTime, of that day */
    struct tm tm;                   /* of the key: its day, or when it is delivered */
};

/* They, until it is written. */
struct batch {
    struct list link; /* while lines are added */
    struct s3 *s3;
    uv_timer_t timer;
    struct batch_of of;
    struct buf text;

    struct s3_bucket *bucket; /* from here on while it is written: the target */
    struct store_job job;
    struct object_write write;
    struct buf headers;
    struct s3_events *events;
    int event;
    char key[KEY_BYTES], etag[2 * S3_MD5_BYTES + 1];
};

struct s3_access_logs {
    struct s3 *s3;
    struct list batches;
    size_t count;
    struct buf line;
    char *refused; /* "SOURCE TARGET" that was complained of last; owned */
};

struct s3_access_logs *s3_access_logs_create(struct s3 *s3)
{
    struct s3_access_logs *logs = mem_new(struct s3_access_logs);
    logs->s3 = s3;
    list_init(&logs->batches);
    buf_init(&logs->line, S3_ACCESS_RECORD_BYTES_MAX);
    return logs;
}

static void batch_of_finish(struct batch_of *of)
{
    free(of->source);
    free(of->target);
    free(of->prefix);
}

static void batch_closed(uv_handle_t *handle)
{
    struct batch *b = container_of((uv_timer_t *)handle, struct batch, timer);
    batch_of_finish(&b->of);
    buf_finish(&b->text);
    buf_finish(&b->headers);
    s3_event_free(b->events);
    s3_bucket_unref(b->bucket);
    free(b);
}

static void batch_drop(struct batch *b)
{
    uv_close((uv_handle_t *)&b->timer, batch_closed);
}

/* ---- who may write it ---- */

struct asking {
    struct str source_arn, account;
};

static struct str condition_value(struct str key, void *context)
{
    const struct asking *a = context;
    return str_eq_nocase(key, STR("aws:SourceArn"))       ? a->source_arn
           : str_eq_nocase(key, STR("aws:SourceAccount")) ? a->account
                                                          : (struct str){ NULL, 0 };
}

/* Users of mayfly.json are accounts of their own, by their canonical ids. */
static struct str account_of(const struct s3 *s3, struct str owner)
{
    const struct aws_user *user = aws_users_find_canonical(s3->services->users, owner);
    return user && user->kind == AWS_USER_PROJECT ? owner : STR(AWS_ACCOUNT_ID);
}

static enum s3_effect ask_policy(const struct batch *b, struct str account, const char *key)
{
    char arn[128], resource[KEY_BYTES + 128];
    (void)snprintf(arn, sizeof(arn), "arn:aws:s3:::%s", b->of.source); /* a name has 63 bytes */
    (void)snprintf(resource, sizeof(resource), "arn:aws:s3:::%s/%s", b->of.target, key);
    struct asking asking = { str_c(arn), account };
    const struct s3_policy_question q = {
        .service = STR(SERVICE),
        .action = STR("s3:PutObject"),
        .resource = str_c(resource),
        .value = condition_value,
        .context = &asking,
    };
    return b->bucket->policy ? s3_policy_ask(b->bucket->policy, &q) : S3_EFFECT_NONE;
}

/* By its policy, for the key or (as Ceph's gateway has it) the prefix; or by its ACL. */
static bool is_let_in(const struct batch *b, struct str account)
{
    const struct s3_acl *acl = &b->bucket->acl;
    enum s3_effect key = ask_policy(b, account, b->key),
                   prefix = ask_policy(b, account, b->of.prefix);
    unsigned granted = 0;
    if (key == S3_EFFECT_DENY || prefix == S3_EFFECT_DENY) {
        return false;
    }
    for (size_t i = 0; i < acl->count && b->bucket->ownership != S3_OWNER_ENFORCED; i++) {
        granted |= acl->grants[i].grantee == S3_GRANTEE_LOG ? acl->grants[i].permission : 0U;
    }
    return key == S3_EFFECT_ALLOW || prefix == S3_EFFECT_ALLOW || (granted & S3_WRITE) != 0;
}

/* Once in a row: lines come all the time. */
static void complain(struct s3_access_logs *logs, const struct batch *b)
{
    char pair[160];
    (void)snprintf(pair, sizeof(pair), "%s %s", b->of.source,
                   b->of.target); /* names have 63 bytes */
    if (logs->refused && strcmp(logs->refused, pair) == 0) {
        return;
    }
    free(logs->refused);
    logs->refused = mem_copy_str(str_c(pair));
    log_warning("access logs of bucket %s are not delivered: the policy of bucket %s does not let "
                "the service " SERVICE " do s3:PutObject below \"%s\"",
                b->of.source, b->of.target, b->of.prefix);
}

/* ---- writing it ---- */

static void put_key(struct batch *b, struct str account)
{
    char day[16], when[32], partition[384] = "";
    uint64_t unique;
    chance_bytes(&unique, sizeof(unique));
    (void)strftime(day, sizeof(day), "%Y/%m/%d", &b->of.tm);
    (void)strftime(when, sizeof(when), "%Y-%m-%d-%H-%M-%S", &b->of.tm);
    if (b->of.by_source) {
        struct s3_bucket *source = s3_buckets_find(b->s3->buckets, str_c(b->of.source));
        struct str region = source ? s3_bucket_region(&source->row) : STR(S3_DEFAULT_REGION);
        (void)snprintf(partition, sizeof(partition), STR_FMT "/" STR_FMT "/%s/%s/",
                       STR_ARG(account), STR_ARG(region), b->of.source, day);
        s3_bucket_unref(source);
    }
    (void)snprintf(b->key, sizeof(b->key), "%s%s%s-%016llX", b->of.prefix, partition, when,
                   (unsigned long long)unique);
}

static int run(struct store_job *job, struct sql *db)
{
    struct batch *b = container_of(job, struct batch, job);
    int r = store_objects_write(b->s3->contents, db, &b->write);
    return r < 0 ? r : s3_event_insert(b->events, db, b->event, &b->write.object);
}

static void done(struct store_job *job, int r)
{
    struct batch *b = container_of(job, struct batch, job);
    if (r >= 0) {
        s3_event_wake(b->events);
    } else if (r != -ENOENT) {
        log_warning("an access log of bucket %s is lost: %s", b->of.source, strerror(-r));
    }
    batch_drop(b);
}

static void submit(struct batch *b)
{
    uint8_t md5[S3_MD5_BYTES];
    uint64_t now_ms = clock_wall_ms();
    buf_init(&b->headers, 256);
    bool is_made = EVP_Digest(b->text.data, b->text.len, md5, NULL, EVP_md5(), NULL) == 1 &&
                   http_block_add(&b->headers, STR("content-type"), STR("text/plain")) == 0;
    if (!is_made) {
        batch_drop(b);
        return;
    }
    (void)hex_write(md5, sizeof(md5), b->etag);
    b->write = (struct object_write){ .object = { .bucket = b->bucket->row.id,
                                                  .key = str_c(b->key),
                                                  .size = b->text.len,
                                                  .modified_ms = now_ms,
                                                  .etag = str_c(b->etag),
                                                  .headers = buf_str(&b->headers),
                                                  .owner = b->bucket->row.owner },
                                      .bytes = BYTES_OF_DATA,
                                      .data = buf_str(&b->text) };
    b->events = s3_event_create_own(b->s3, now_ms);
    b->event = s3_event_add(b->events, b->bucket, str_c(b->key), "ObjectCreated:Put");
    b->job = (struct store_job){ .run = run, .done = done };
    store_submit(b->s3->services->store, &b->job);
}

static void deliver(struct batch *b)
{
    struct s3_access_logs *logs = b->s3->access_logs;
    time_t now = (time_t)(clock_wall_ms() / 1000);
    list_remove(&b->link);
    logs->count--;
    b->bucket = s3_buckets_find(b->s3->buckets, str_c(b->of.target));
    if (!b->bucket) {
        batch_drop(b);
        return;
    }
    if (!b->of.by_day) {
        (void)gmtime_r(&now, &b->of.tm); /* cannot fail: it is now */
    }
    struct str account = account_of(b->s3, b->bucket->row.owner);
    put_key(b, account);
    if (is_let_in(b, account)) {
        submit(b);
    } else {
        complain(logs, b);
        batch_drop(b);
    }
}

/* ---- collecting ---- */

static void on_timer(uv_timer_t *timer)
{
    deliver(container_of(timer, struct batch, timer));
}

static bool is_same_day(const struct tm *a, const struct tm *b)
{
    return a->tm_year == b->tm_year && a->tm_yday == b->tm_yday;
}

static bool is_same(const struct batch_of *a, const struct batch_of *b)
{
    return strcmp(a->target, b->target) == 0 && strcmp(a->prefix, b->prefix) == 0 &&
           a->by_source == b->by_source && a->by_day == b->by_day &&
           (!a->by_source || strcmp(a->source, b->source) == 0) &&
           (!a->by_day || is_same_day(&a->tm, &b->tm));
}

static struct batch *batch_create(struct s3_access_logs *logs, const struct batch_of *of)
{
    struct batch *b = mem_new(struct batch);
    b->s3 = logs->s3;
    b->of = *of;
    b->of.source = mem_copy_str(str_c(of->source));
    b->of.target = mem_copy_str(str_c(of->target));
    b->of.prefix = mem_copy_str(str_c(of->prefix));
    buf_init(&b->text, BATCH_BYTES_FULL + S3_ACCESS_RECORD_BYTES_MAX);
    (void)uv_timer_init(logs->s3->services->loop, &b->timer); /* cannot fail */
    uv_unref((uv_handle_t *)&b->timer);
    (void)uv_timer_start(&b->timer, on_timer, DELIVERY_MS, 0); /* has a callback: cannot fail */
    list_push(&logs->batches, &b->link);
    logs->count++;
    return b;
}

static struct batch *batch_for(struct s3_access_logs *logs, const struct batch_of *of)
{
    list_for_each (item, &logs->batches) {
        struct batch *b = list_entry(item, struct batch, link);
        if (is_same(&b->of, of)) {
            return b;
        }
    }
    return logs->count < BATCHES_MAX ? batch_create(logs, of) : NULL;
}

/* What a bucket's configuration says, and when. */
static void read_config(const struct s3_request *rq, struct batch_of *of)
{
    const struct s3_xml_node *enabled =
        s3_xml_child(s3_xml_root(rq->bucket->logging), "LoggingEnabled");
    const struct s3_xml_node *format = s3_xml_child(enabled, "TargetObjectKeyFormat");
    const struct s3_xml_node *partitioned = s3_xml_child(format, "PartitionedPrefix");
    time_t day = (time_t)(rq->now_ms / 1000) / 86400 * 86400; /* the rest of it is 00-00-00 */
    of->source = mem_copy_str(rq->bucket->row.name);
    of->target = mem_copy_str(s3_xml_text(enabled, "TargetBucket"));
    of->prefix = mem_copy_str(s3_xml_text(enabled, "TargetPrefix"));
    of->by_source = partitioned != NULL;
    of->by_day = str_eq(s3_xml_text(partitioned, "PartitionDateSource"), STR("EventTime"));
    (void)gmtime_r(&day, &of->tm);
}

/* Adds logs->line. */
static void add_line(struct s3_access_logs *logs, const struct s3_request *rq)
{
    struct batch_of of = { 0 };
    read_config(rq, &of);
    struct batch *b = batch_for(logs, &of);
    if (b && buf_append(&b->text, buf_str(&logs->line)) == 0 && b->text.len >= BATCH_BYTES_FULL) {
        deliver(b);
    }
    batch_of_finish(&of);
}

/* Also of those that were refused before their bucket was looked at. */
static bool has_logging(struct s3_request *rq)
{
    if (!rq->bucket && rq->bucket_name.len > 0) {
        rq->bucket = s3_buckets_find(rq->s3->buckets, rq->bucket_name);
    }
    return rq->bucket && rq->bucket->logging &&
           s3_xml_child(s3_xml_root(rq->bucket->logging), "LoggingEnabled");
}

void s3_access_log_request(struct s3_request *rq)
{
    struct s3_access_logs *logs = rq->s3->access_logs;
    if (has_logging(rq)) {
        buf_clear(&logs->line);
        if (s3_access_record_put(&logs->line, rq, clock_wall_ms()) == 0) {
            add_line(logs, rq);
        }
    }
}

void s3_access_log_deletion(struct s3_request *rq, const struct s3_access_deletion *d)
{
    struct s3_access_logs *logs = rq->s3->access_logs;
    if (has_logging(rq)) {
        buf_clear(&logs->line);
        if (s3_access_record_put_deletion(&logs->line, rq, d) == 0) {
            add_line(logs, rq);
        }
    }
}
