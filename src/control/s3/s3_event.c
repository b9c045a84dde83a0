/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_event.h"

#include <stdio.h>

#include "base/chance.h"
#include "base/mem.h"
#include "control/events/eventbridge/event_target.h"
#include "control/events/eventbridge/trace_header.h"
#include "control/s3/s3_event_record.h"
#include "control/s3/s3_manifest.h"
#include "control/s3/s3_notification.h"
#include "store/store_messages.h"

/* One that wants to know of one event. */
struct wanted {
    struct list link;
    int index;
    char *queue_name; /* and no more: who is told may be removed while the job waits */
    char *id;
    bool is_bus; /* told in EventBridge's words */
};

#define REQUEST_ID_BYTES 17 /* with its NUL */

/* `happenings` is what indices stand for. */
struct s3_events {
    struct s3 *s3;
    struct s3_event_cause cause;
    struct list wanted;
    struct s3_happening *happenings;
    size_t count;
    char request_id[REQUEST_ID_BYTES], host_id[UUID_BYTES]; /* of a cause of our own */
};

/* ---- who wants to know ---- */

struct search {
    struct services *services;
    const json_t *declared; /* stands before what an API has set by the same Id */
    s3_event_target_fn each;
    void *context;
};

static void on_target(const struct s3_target *target, void *context)
{
    const struct search *s = context;
    char name[512];
    if (target->queue.len > 0) {
        (void)snprintf(name, sizeof(name), "sqs:" STR_FMT, STR_ARG(target->queue));
    } else if (target->manifest_function.len > 0) {
        (void)snprintf(name, sizeof(name), "lambda:" STR_FMT, STR_ARG(target->manifest_function));
    } else {
        const char *function = event_target_function(s->services, target->function);
        if (!function) {
            return;
        }
        (void)snprintf(name, sizeof(name), "lambda:%s", function);
    }
    s->each(name, target->id, s->context);
}

static void on_kept(const struct s3_target *target, void *context)
{
    const struct search *s = context;
    if (!s3_manifest_has_notification(s->declared, target->id)) {
        on_target(target, context);
    }
}

void s3_event_targets(struct s3 *s3, const struct s3_event_subject *subject,
                      s3_event_target_fn each, void *context)
{
    const struct s3_xml *kept = subject->ours ? subject->ours->notification : NULL;
    struct search s = { s3->services, s3_manifest_bucket(s3, subject->bucket), each, context };
    s3_notification_match(kept ? s3_xml_root(kept) : NULL, subject->event, subject->key, on_kept,
                          &s);
    s3_notification_match_manifest(json_object_get(s.declared, "notifications"), subject->event,
                                   subject->key, on_target, &s);
}

/* ---- before the job ---- */

static struct wanted *want(struct s3_events *e, int index, struct str id, const char *queue_name)
{
    struct wanted *w = mem_new(struct wanted);
    w->index = index;
    w->id = mem_copy_str(id);
    w->queue_name = mem_copy_str(str_c(queue_name));
    (void)queue_open(e->s3->services->queues, str_c(queue_name)); /* or nobody would look at it */
    list_push(&e->wanted, &w->link);
    return w;
}

static void on_wanted(const char *queue_name, struct str id, void *context)
{
    struct s3_events *e = context;
    (void)want(e, (int)e->count, id, queue_name);
}

static void add_happening(struct s3_events *e, const struct s3_bucket *bucket, struct str key,
                          const char *kind)
{
    e->happenings = mem_resize(e->happenings, e->count + 1, sizeof(*e->happenings));
    e->happenings[e->count++] =
        (struct s3_happening){ .kind = kind,
                               .bucket = mem_copy_str(bucket->row.name),
                               .owner = mem_copy_str(bucket->row.owner),
                               .region = mem_copy_str(s3_bucket_region(&bucket->row)),
                               .key = mem_copy_str(key),
                               .key_len = key.len };
}

struct s3_events *s3_event_create(struct s3 *s3, const struct s3_event_cause *cause)
{
    struct s3_events *e = mem_new(struct s3_events);
    e->s3 = s3;
    e->cause = *cause;
    list_init(&e->wanted);
    return e;
}

struct s3_events *s3_event_create_own(struct s3 *s3, uint64_t now_ms)
{
    uint64_t id;
    struct s3_events *e = s3_event_create(s3, &(struct s3_event_cause){ .now_ms = now_ms });
    chance_bytes(&id, sizeof(id));
    (void)snprintf(e->request_id, sizeof(e->request_id), "%016llX", (unsigned long long)id);
    chance_uuid(e->host_id);
    e->cause.is_of_s3 = true;
    e->cause.request_id = str_c(e->request_id);
    e->cause.host_id = str_c(e->host_id);
    return e;
}

int s3_event_add(struct s3_events *e, const struct s3_bucket *bucket, struct str key,
                 const char *kind)
{
    const json_t *declared = s3_manifest_bucket(e->s3, bucket->row.name);
    const struct s3_xml *kept = bucket->notification;
    bool to_bus = json_is_true(json_object_get(declared, "eventbridge")) ||
                  (kept && s3_notification_has_event_bridge(s3_xml_root(kept)));
    if (!kept && !to_bus && json_array_size(json_object_get(declared, "notifications")) == 0) {
        return -1;
    }
    int index = (int)e->count;
    const struct s3_event_subject subject = { str_c(kind), bucket->row.name, key, bucket };
    s3_event_targets(e->s3, &subject, on_wanted, e);
    if (to_bus) {
        want(e, index, STR(""), "bus:default")->is_bus = true;
    }
    add_happening(e, bucket, key, kind);
    return index;
}

/* ---- in the job ---- */

/* What is written goes on with the trace of who writes: SQS's attribute, and Lambda's. */
static int put_trace(struct str trace, struct buf *attributes)
{
    char made[TRACE_HEADER_BYTES];
    return trace.len > 0
               ? buf_printf(attributes, "{\"trace\":\"" STR_FMT "\",\"traceId\":\"" STR_FMT "\"}",
                            STR_ARG(trace), STR_ARG(trace))
               : buf_append(attributes, trace_header_attributes(made));
}

/* The message's attributes and body. */
static int put_texts(const struct s3_events *e, const struct wanted *w,
                     const struct stored_object *o, struct buf *attributes, struct buf *body)
{
    const struct s3_happening *h = &e->happenings[w->index];
    if (!w->is_bus) {
        int r = put_trace(e->cause.trace, attributes);
        return r < 0 ? r : s3_event_record_put(body, &e->cause, h, str_c(w->id), o);
    }
    int r = s3_event_record_put_envelope(attributes, h);
    return r < 0 ? r : s3_event_record_put_detail(body, &e->cause, h, o);
}

static int insert_one(const struct s3_events *e, struct sql *db, const struct wanted *w,
                      const struct stored_object *o)
{
    struct buf attributes, body;
    char uuid[UUID_BYTES];
    uint64_t id;
    struct stored_message m = { .sent_ms = e->cause.now_ms, .due_ms = e->cause.now_ms };
    buf_init(&attributes, S3_EVENT_BYTES_MAX);
    buf_init(&body, S3_EVENT_BYTES_MAX);
    chance_uuid(uuid);
    int r = put_texts(e, w, o, &attributes, &body);
    m.uuid = str_c(uuid);
    m.attributes = buf_str(&attributes);
    m.body = buf_str(&body);
    if (r >= 0 && attributes.len > 0) { /* else EventBridge has no such event */
        r = store_messages_queue(db, str_c(w->queue_name), &m.queue);
        r = r < 0 ? r : store_messages_insert(db, &m, STR(""), 0, &id);
    }
    buf_finish(&attributes);
    buf_finish(&body);
    return r;
}

int s3_event_insert(struct s3_events *e, struct sql *db, int index, const struct stored_object *o)
{
    int r = 0;
    if (index < 0) {
        return 0;
    }
    e->happenings[index].sequence = store_messages_next(db);
    for (struct list *item = e->wanted.next; item != &e->wanted && r >= 0; item = item->next) {
        const struct wanted *w = list_entry(item, struct wanted, link);
        if (w->index == index) {
            r = insert_one(e, db, w, o);
        }
    }
    return r < 0 ? r : 0;
}

void s3_event_wake(struct s3_events *e)
{
    list_for_each (item, &e->wanted) {
        struct queue *q = queue_find(e->s3->services->queues,
                                     str_c(list_entry(item, struct wanted, link)->queue_name));
        if (q) {
            queue_wake(q);
        }
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
        struct s3_happening *h = &e->happenings[i];
        free(h->bucket);
        free(h->owner);
        free(h->region);
        free(h->key);
    }
    free(e->happenings);
    free(e);
}
