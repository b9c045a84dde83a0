/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/workers/worker_queue.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "control/events/queue/event_log.h"
#include "control/events/workers/worker_delay.h"
#include "control/events/workers/worker_send.h"
#include "control/text/base64.h"
#include "control/text/json_read.h"
#include "control/text/json_write.h"

#define CONCURRENCY_MAX    250 /* Cloudflare: concurrent consumer invocations of one queue */
#define BATCH_MAX          100 /* Cloudflare: max_batch_size */
#define RESPONSE_BYTES_MAX (1 * MIB)
#define POSTPONE_MS        1000 /* until a consumer that could not be invoked is tried again */

struct worker_queue {
    struct list link;
    struct services *services;
    char *name; /* owned */
    struct queue *queue;
    char *function;    /* owned; the Worker that consumes it, NULL: none */
    char *dead_letter; /* owned; NULL: none */
    uint32_t retries_max;
    uint64_t retry_delay_ms;
    uint64_t delay_ms; /* of new messages, unless they say otherwise */
    uint64_t retention_ms;
    struct worker_metrics metrics;
    bool wanted; /* by the build that is being read */
};

struct worker_queues {
    struct services *services;
    struct list queues;
};

static struct worker_queue *find(const struct worker_queues *wq, struct str name)
{
    list_for_each (item, &wq->queues) {
        struct worker_queue *q = list_entry(item, struct worker_queue, link);
        if (str_eq(str_c(q->name), name)) {
            return q;
        }
    }
    return NULL;
}

/* ---- outcomes ---- */

static void fail_one(const struct worker_queue *q, struct delivery *d, struct delivered *m,
                     uint64_t delay_ms, struct str error)
{
    uint64_t now = clock_wall_ms();
    if (m->message.attempts <= q->retries_max) {
        queue_set_outcome(m, FATE_AGAIN, now + delay_ms, error);
        event_log_again(q->services, d, m);
        return;
    }
    if (q->dead_letter) {
        char name[MESSAGE_NAME_MAX + 16];
        (void)snprintf(name, sizeof(name), "worker:%s", q->dead_letter);
        const struct stored_message moved = { .uuid = m->message.uuid,
                                              .group = STR(""),
                                              .attributes = m->message.attributes,
                                              .body = m->message.body };
        queue_follow(d, queue_open(q->services->queues, str_c(name)), &moved, STR(""), 0);
    }
    queue_set_outcome(m, FATE_DEAD, now, error);
    event_log_dead(q->services, d, m);
}

static bool lists_id(const json_t *ids, const char *id)
{
    for (size_t i = 0; i < json_array_size(ids); i++) {
        const char *one = json_string_value(json_array_get(ids, i));
        if (one && strcmp(one, id) == 0) {
            return true;
        }
    }
    return false;
}

static const json_t *retry_of(const json_t *retries, const char *id)
{
    for (size_t i = 0; i < json_array_size(retries); i++) {
        const json_t *one = json_array_get(retries, i);
        const char *name = json_string_value(json_object_get(one, "msgId"));
        if (name && strcmp(name, id) == 0) {
            return one;
        }
    }
    return NULL;
}

/* The message's own delay, else that of the batch, else the consumer's. */
static uint64_t delay_of(const struct worker_queue *q, const json_t *batch, const json_t *retry)
{
    uint64_t ms = q->retry_delay_ms;
    (void)worker_delay_read(batch, &ms); /* nobody is left to be told: the nearest */
    (void)worker_delay_read(retry, &ms);
    return ms;
}

/* "Error: text\n    at ..." of the runtime's { name, message, stack }. */
static struct str error_of(const json_t *answer)
{
    const json_t *error = json_object_get(answer, "error");
    const char *stack = json_string_value(json_object_get(error, "stack"));
    const char *message = json_string_value(json_object_get(error, "message"));
    return str_c(stack ? stack : message ? message : "it was not acknowledged");
}

/* The first decision on a message counts, the runtime has seen to that; those on single messages
 * come before those on the batch. */
static void apply_answer(const struct worker_queue *q, struct delivery *d, const json_t *answer)
{
    const char *outcome = json_string_value(json_object_get(answer, "outcome"));
    const json_t *batch = json_object_get(answer, "retryBatch");
    bool failed = !outcome || strcmp(outcome, "ok") != 0;
    bool all = json_is_true(json_object_get(answer, "ackAll"));
    bool retry_all = json_is_true(json_object_get(batch, "retry"));
    for (size_t i = 0; i < d->count; i++) {
        struct delivered *m = &d->messages[i];
        const char *id = m->message.uuid.data;
        const json_t *retry = retry_of(json_object_get(answer, "retryMessages"), id);
        if (lists_id(json_object_get(answer, "explicitAcks"), id)) {
            continue;
        }
        if (retry) {
            fail_one(q, d, m, delay_of(q, batch, retry), STR("the consumer asked for a retry"));
        } else if (retry_all) {
            fail_one(q, d, m, delay_of(q, batch, NULL), STR("the consumer asked for a retry"));
        } else if (failed && !all) {
            fail_one(q, d, m, q->retry_delay_ms, error_of(answer));
        }
    }
}

struct attempt {
    struct worker_queue *queue;
    struct delivery *delivery;
};

static void postpone(struct delivery *d, const char *why)
{
    uint64_t now = clock_wall_ms();
    d->is_throttled = true;
    for (size_t i = 0; i < d->count; i++) {
        d->messages[i].outcome.attempts--; /* it did not reach the consumer */
        queue_set_outcome(&d->messages[i], FATE_AGAIN, now + POSTPONE_MS, str_c(why));
    }
}

static void attempt_done(const struct invocation_result *result, void *context)
{
    struct attempt *a = context;
    struct delivery *d = a->delivery;
    json_t *answer = result->status == 200 ? json_read(result->body, 0) : NULL;
    if (result->error < 0 || result->status == 503 || result->status == 429) {
        postpone(d, "the consumer could not be invoked");
    } else if (!answer) {
        json_t *failed = json_pack("{s:s, s:{s:s}}", "outcome", "exception", "error", "message",
                                   "the consumer ended without an answer");
        apply_answer(a->queue, d, failed);
        json_decref(failed);
    } else {
        apply_answer(a->queue, d, answer);
    }
    json_decref(answer);
    free(a);
    queue_delivered(d);
}

/* ---- handing over ---- */

static json_t *message_json(const struct delivered *m)
{
    json_t *attributes = json_read(m->message.attributes, 0);
    const char *type = json_string_value(json_object_get(attributes, "contentType"));
    char *body = base64_encode(m->message.body);
    json_t *json = json_pack("{s:s, s:I, s:i, s:s, s:s}", "id", m->message.uuid.data, "timestamp",
                             (json_int_t)m->message.sent_ms, "attempts", (int)m->message.attempts,
                             "contentType", type ? type : "json", "body", body);
    free(body);
    json_decref(attributes);
    return json;
}

static char *batch_text(struct worker_queue *q, const struct delivery *d)
{
    struct store_backlog in_hands = { .count = d->count };
    json_t *messages = json_array();
    for (size_t i = 0; i < d->count; i++) {
        in_hands.bytes += d->messages[i].message.body.len;
        (void)json_array_append_new(messages, message_json(&d->messages[i]));
    }
    worker_metrics_read(&q->metrics, q->services->store, q->queue, WORKER_METRICS_AGE_MS);
    json_t *batch = json_pack("{s:s, s:{s:o}, s:o}", "queue", q->name, "metadata", "metrics",
                              worker_metrics_json(&q->metrics, &in_hands), "messages", messages);
    char *text = json_write(batch);
    json_decref(batch);
    return text;
}

static void worker_deliver(struct queue *queue, struct delivery *d, void *context)
{
    struct worker_queue *q = context;
    struct buf headers;
    (void)queue;
    buf_init(&headers, KIB);
    (void)!buf_printf(&headers,
                      "x-mayfly-service%c%.100s%cx-mayfly-event%cqueue%ccontent-type%c"
                      "application/json%c",
                      0, q->function, 0, 0, 0, 0, 0); /* fits */
    char *body = batch_text(q, d);
    struct attempt *a = mem_new(struct attempt);
    *a = (struct attempt){ .queue = q, .delivery = d };
    char name[QUEUE_DELIVERY_NAME_BYTES];
    queue_delivery_name(d, name);
    const struct invocation_request rq = { .method = STR("POST"),
                                           .target = STR("/"),
                                           .event = str_c(name),
                                           .headers = buf_str(&headers),
                                           .body = str_c(body ? body : ""),
                                           .response_max_bytes = RESPONSE_BYTES_MAX };
    (void)invoker_call(q->services->invoker, &rq, attempt_done, a);
    free(body);
    buf_finish(&headers);
}

static const struct queue_consumer worker_consumer = { .name = "worker",
                                                       .deliver = worker_deliver };

/* ---- which there are ---- */

static struct worker_queue *find_or_create(struct worker_queues *wq, const char *name)
{
    char queue_name[MESSAGE_NAME_MAX + 16];
    struct worker_queue *q = find(wq, str_c(name));
    if (!q) {
        q = mem_new(struct worker_queue);
        q->services = wq->services;
        q->name = mem_copy_str(str_c(name));
        (void)snprintf(queue_name, sizeof(queue_name), "worker:%s", name);
        q->queue = queue_open(wq->services->queues, str_c(queue_name));
        list_push(&wq->queues, &q->link);
    }
    return q;
}

static char *copy_or_null(const json_t *text)
{
    return json_is_string(text) ? mem_copy_str(str_c(json_string_value(text))) : NULL;
}

static uint64_t milliseconds(const json_t *json, const char *name)
{
    double seconds = json_number_value(json_object_get(json, name));
    return seconds > 0 ? (uint64_t)(seconds * 1000) : 0;
}

static uint32_t bounded(const json_t *json, const char *name, uint32_t otherwise, uint32_t max)
{
    json_int_t n = json_integer_value(json_object_get(json, name));
    return n <= 0 ? otherwise : n < max ? (uint32_t)n : max;
}

static void build_consumer(struct worker_queues *wq, const json_t *consumer)
{
    struct worker_queue *q =
        find_or_create(wq, json_string_value(json_object_get(consumer, "queue")));
    free(q->function);
    free(q->dead_letter);
    q->function = copy_or_null(json_object_get(consumer, "function"));
    q->dead_letter = copy_or_null(json_object_get(consumer, "dead_letter"));
    q->retries_max = (uint32_t)json_integer_value(json_object_get(consumer, "max_retries"));
    q->retry_delay_ms = milliseconds(consumer, "retry_delay_s");
    q->wanted = true;
    const struct queue_policy policy = {
        .batch_size = bounded(consumer, "batch_size", 10, BATCH_MAX),
        .window_ms = (uint64_t)json_integer_value(json_object_get(consumer, "window_ms")),
        .concurrency = bounded(consumer, "max_concurrency", CONCURRENCY_MAX, CONCURRENCY_MAX),
        .max_age_ms = q->retention_ms
    };
    queue_consume(q->queue, &worker_consumer, &policy, q);
}

static bool is_of_workers(const json_t *entry)
{
    const char *platform = json_string_value(json_object_get(entry, "platform"));
    return platform && strcmp(platform, "worker") == 0;
}

void worker_queues_build(struct worker_queues *wq, const json_t *manifest)
{
    const json_t *events = json_object_get(manifest, "events");
    const json_t *queues = json_object_get(events, "queues");
    const json_t *consumers = json_object_get(events, "consumers");
    list_for_each (item, &wq->queues) {
        list_entry(item, struct worker_queue, link)->wanted = false;
    }
    for (size_t i = 0; i < json_array_size(queues); i++) {
        const json_t *queue = json_array_get(queues, i);
        if (is_of_workers(queue)) {
            struct worker_queue *q =
                find_or_create(wq, json_string_value(json_object_get(queue, "name")));
            q->delay_ms = milliseconds(queue, "delay_s");
            q->retention_ms = milliseconds(queue, "retention_s");
        }
    }
    for (size_t i = 0; i < json_array_size(consumers); i++) {
        if (is_of_workers(json_array_get(consumers, i))) {
            build_consumer(wq, json_array_get(consumers, i));
        }
    }
    list_for_each (item, &wq->queues) {
        struct worker_queue *q = list_entry(item, struct worker_queue, link);
        if (!q->wanted) {
            queue_consume(q->queue, NULL, NULL, NULL); /* its messages wait */
        }
    }
}

struct worker_queues *worker_queues_create(struct services *s)
{
    struct worker_queues *wq = mem_new(struct worker_queues);
    wq->services = s;
    list_init(&wq->queues);
    return wq;
}

/* ---- sending ---- */

/* "/queues/NAME" and "/queues/NAME/metrics"; names need no percent-encoding. */
void worker_queues_begin(struct worker_queues *wq, struct exchange *x)
{
    struct str prefix = STR("/queues/");
    struct str rest = str_starts(x->target, prefix) ? str_skip(x->target, prefix.len) : STR("");
    struct worker_queue *q = find(wq, str_cut(&rest, '/'));
    if (q && str_eq(x->method, STR("POST")) && !rest.data) {
        worker_send_begin(q->services->store, x, q->queue, q->delay_ms, &q->metrics);
    } else if (q && str_eq(x->method, STR("POST")) && str_eq(rest, STR("metrics"))) {
        worker_metrics_read(&q->metrics, q->services->store, q->queue, 0);
        worker_metrics_answer(&q->metrics, x);
    } else {
        exchange_respond(x, 404, STR("content-type\0application/json\0"),
                         STR("{\"error\":\"there is no such queue\"}"));
    }
}
