/* https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_event.h"

#include <stdio.h>
#include <time.h>

#include "base/mem.h"
#include "control/events/event_target.h"
#include "control/s3/s3_notification.h"
#include "control/utf8.h"
#include "store/store_messages.h"

#define EVENT_BYTES_MAX (32 * KIB)

/* One that wants to know of one event. */
struct wanted {
    struct list link;
    int index;
    struct queue *queue;
    char *queue_name;
    char *id;
};

/* What an index stands for. */
struct happening {
    const char *kind;
    char *bucket, *owner, *region;
    char *key; /* as it was sent, escaped for a form */
};

struct s3_events {
    struct list wanted;
    struct happening *happenings;
    size_t count;
};

struct matching {
    struct s3_request *rq;
    int index;
};

static void want(struct s3_request *rq, int index, struct str id, const char *queue_name)
{
    struct wanted *w = mem_new(struct wanted);
    w->index = index;
    w->id = mem_copy_str(id);
    w->queue_name = mem_copy_str(str_c(queue_name));
    w->queue = queue_open(rq->s3->services->queues, str_c(queue_name));
    list_push(&rq->events->wanted, &w->link);
}

static void on_target(const struct s3_target *target, void *context)
{
    const struct matching *m = context;
    char name[512];
    if (target->queue.len > 0) {
        (void)snprintf(name, sizeof(name), "sqs:" STR_FMT, STR_ARG(target->queue));
    } else if (target->manifest_function.len > 0) {
        (void)snprintf(name, sizeof(name), "lambda:" STR_FMT, STR_ARG(target->manifest_function));
    } else {
        const char *function = event_target_function(m->rq->s3->services, target->function);
        if (!function) {
            return; /* it is gone since; AWS drops the event too */
        }
        (void)snprintf(name, sizeof(name), "lambda:%s", function);
    }
    want(m->rq, m->index, target->id, name);
}

static const json_t *manifest_notifications(const struct s3_request *rq, struct str bucket)
{
    const struct build *build = rq->s3->services->deployment->active;
    size_t i;
    json_t *b;
    const json_t *events = build ? json_object_get(build->manifest, "events") : NULL;
    json_array_foreach(json_object_get(events, "buckets"), i, b)
    {
        const json_t *name = json_object_get(b, "name");
        if (str_eq(str_of(json_string_value(name), json_string_length(name)), bucket)) {
            return json_object_get(b, "notifications");
        }
    }
    return NULL;
}

static char *escape_key(struct str key)
{
    static const char digits[] = "0123456789ABCDEF";
    char *text = mem_alloc(3 * key.len + 1), *at = text;
    for (size_t i = 0; i < key.len; i++) {
        char c = key.data[i];
        bool plain = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
                     c == '-' || c == '_' || c == '.' || c == '*' || c == '/';
        if (plain || c == ' ') {
            *at++ = (char)(plain ? c : '+');
        } else {
            *at++ = '%';
            *at++ = digits[(unsigned char)c >> 4];
            *at++ = digits[(unsigned char)c & 15];
        }
    }
    return text;
}

static void add_happening(struct s3_events *e, const struct s3_bucket *bucket, struct str key,
                          const char *kind)
{
    e->happenings = mem_resize(e->happenings, e->count + 1, sizeof(*e->happenings));
    e->happenings[e->count++] = (struct happening){ .kind = kind,
                                                    .bucket = mem_copy_str(bucket->row.name),
                                                    .owner = mem_copy_str(bucket->row.owner),
                                                    .region = mem_copy_str(bucket->row.region),
                                                    .key = escape_key(key) };
}

int s3_event_prepare(struct s3_request *rq, const struct s3_bucket *bucket, struct str key,
                     const char *kind)
{
    const json_t *manifest = manifest_notifications(rq, bucket->row.name);
    if (!manifest && !bucket->notification) {
        return -1;
    }
    if (!rq->events) {
        rq->events = mem_new(struct s3_events);
        list_init(&rq->events->wanted);
    }
    struct matching m = { rq, (int)rq->events->count };
    if (bucket->notification) {
        s3_notification_match(s3_xml_root(bucket->notification), str_c(kind), key, on_target, &m);
    }
    s3_notification_match_manifest(manifest, str_c(kind), key, on_target, &m);
    add_happening(rq->events, bucket, key, kind);
    return m.index;
}

static int put_json_text(struct buf *out, const char *name, struct str text)
{
    int r = buf_printf(out, "\"%s\":\"", name);
    r = r < 0 ? r : utf8_append_json(out, text);
    return r < 0 ? r : buf_append(out, STR("\""));
}

static int put_head(struct buf *out, const struct s3_request *rq, const struct happening *h)
{
    char when[40];
    struct tm tm;
    time_t seconds = (time_t)(rq->now_ms / 1000);
    size_t len =
        gmtime_r(&seconds, &tm) ? strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm) : 0;
    (void)snprintf(when + len, sizeof(when) - len, ".%03uZ", (unsigned)(rq->now_ms % 1000));
    struct str who = rq->who.user ? rq->who.user->access_key : STR("Anonymous");
    return buf_printf(out,
                      "{\"eventVersion\":\"2.1\",\"eventSource\":\"aws:s3\",\"awsRegion\":\"%s\","
                      "\"eventTime\":\"%s\",\"eventName\":\"%s\",\"userIdentity\":{"
                      "\"principalId\":\"AWS:" STR_FMT "\"},\"requestParameters\":{"
                      "\"sourceIPAddress\":\"" STR_FMT "\"},\"responseElements\":{"
                      "\"x-amz-request-id\":\"%s\",\"x-amz-id-2\":\"" STR_FMT "\"},",
                      h->region, when, h->kind, STR_ARG(who), STR_ARG(rq->x->remote), rq->id,
                      STR_ARG(s3_host_id(rq)));
}

static int put_object(struct buf *out, const struct happening *h, const struct stored_object *o)
{
    char version[S3_VERSION_TEXT];
    bool is_removed = strcmp(h->kind, "ObjectRemoved:Delete") == 0;
    bool is_marker = (o->flags & OBJECT_DELETE_MARKER) != 0;
    int r = buf_printf(out, "\"object\":{\"key\":\"%s\"", h->key);
    if (r == 0 && !is_removed && !is_marker) {
        r = buf_printf(out, ",\"size\":%llu", (unsigned long long)o->size);
    }
    if (r == 0 && !is_removed) {
        /* A marker's is that of no bytes. */
        struct str etag = is_marker ? STR("d41d8cd98f00b204e9800998ecf8427e") : o->etag;
        r = buf_printf(out, ",\"eTag\":\"" STR_FMT "\"", STR_ARG(etag));
    }
    if (r == 0 && !(o->flags & OBJECT_NULL_VERSION) && o->rank) {
        struct str text = s3_version_text(o->rank, o->salt, o->flags, version);
        r = buf_printf(out, ",\"versionId\":\"" STR_FMT "\"", STR_ARG(text));
    }
    /* Grows with every version of a key. */
    return r < 0 ? r
                 : buf_printf(out, ",\"sequencer\":\"%018llX\"}",
                              (unsigned long long)(o->rank ? -o->rank : 0));
}

static int put_record(struct buf *out, const struct s3_request *rq, const struct wanted *w,
                      const struct stored_object *o)
{
    const struct happening *h = &rq->events->happenings[w->index];
    int r = buf_append(out, STR("{\"Records\":["));
    r = r < 0 ? r : put_head(out, rq, h);
    r = r < 0 ? r : buf_append(out, STR("\"s3\":{\"s3SchemaVersion\":\"1.0\","));
    r = r < 0 ? r : put_json_text(out, "configurationId", str_c(w->id));
    r = r < 0 ? r
              : buf_printf(out,
                           ",\"bucket\":{\"name\":\"%s\",\"ownerIdentity\":{\"principalId\":\"%s\"}"
                           ",\"arn\":\"arn:aws:s3:::%s\"},",
                           h->bucket, h->owner, h->bucket);
    r = r < 0 ? r : put_object(out, h, o);
    return r < 0 ? r : buf_append(out, STR("}}]}"));
}

static int insert_one(struct s3_request *rq, struct sql *db, const struct wanted *w,
                      const struct stored_object *o)
{
    struct buf body;
    char uuid[QUEUE_UUID_BYTES];
    uint64_t id;
    struct stored_message m = { .sent_ms = rq->now_ms, .due_ms = rq->now_ms };
    buf_init(&body, EVENT_BYTES_MAX);
    queue_uuid(uuid);
    int r = put_record(&body, rq, w, o);
    m.uuid = str_c(uuid);
    m.attributes = STR("{}");
    m.body = buf_str(&body);
    r = r < 0 ? r : store_messages_queue(db, str_c(w->queue_name), &m.queue);
    r = r < 0 ? r : store_messages_insert(db, &m, STR(""), 0, &id);
    buf_finish(&body);
    return r;
}

int s3_event_insert(struct s3_request *rq, struct sql *db, int index, const struct stored_object *o)
{
    int r = 0;
    if (index < 0) {
        return 0;
    }
    for (struct list *item = rq->events->wanted.next; item != &rq->events->wanted && r >= 0;
         item = item->next) {
        const struct wanted *w = list_entry(item, struct wanted, link);
        if (w->index == index) {
            r = insert_one(rq, db, w, o);
        }
    }
    return r < 0 ? r : 0;
}

void s3_event_wake(struct s3_request *rq)
{
    list_for_each (item, &rq->events->wanted) {
        queue_wake(list_entry(item, struct wanted, link)->queue);
    }
}

void s3_event_free(struct s3_events *e)
{
    if (!e) {
        return;
    }
    list_for_each (item, &e->wanted) {
        struct wanted *w = list_entry(item, struct wanted, link);
        free(w->queue_name);
        free(w->id);
        free(w);
    }
    for (size_t i = 0; i < e->count; i++) {
        struct happening *h = &e->happenings[i];
        free(h->bucket);
        free(h->owner);
        free(h->region);
        free(h->key);
    }
    free(e->happenings);
    free(e);
}
