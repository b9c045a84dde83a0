/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/schedules/cron_queue.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "control/events/queue/attempt.h"
#include "control/text/iso_time.h"
#include "control/text/json_read.h"
#include "control/text/json_reading.h"
#include "control/text/json_write.h"
#include "http/http_block.h"

#define IN_FLIGHT_MAX       10 /* ticks of one schedule, where they take longer than it waits */
#define ANSWER_BYTES        (64 * KIB)
#define ERROR_EXCERPT_BYTES 400
#define NETLIFY_TIMEOUT_MS  "30000" /* scheduled functions have 30 seconds */
#define HEADERS_BYTES       (8 * KIB)

struct cron_queue {
    struct list link;
    struct services *services;
    char *name;       /* the schedule's, owned */
    json_t *schedule; /* the manifest's, owned */
    char *secret;     /* CRON_SECRET of the project, owned; NULL: none */
    struct queue *queue;
    struct retry_policy policy;
    bool wanted; /* by the build that is being read */
};

struct cron_queues {
    struct services *services;
    struct list queues;
};

static bool is_of(json_t *schedule, const char *platform)
{
    const char *own = json_text(schedule, "platform");
    return own && strcmp(own, platform) == 0;
}

/* ---- what a tick says ---- */

static json_t *worker_body(json_t *schedule, const struct schedule_tick *tick)
{
    return json_pack("{s:s,s:I}", "cron", json_text(schedule, "expression"), "scheduledTime",
                     (json_int_t)tick->time_ms);
}

static json_t *netlify_body(const struct schedule_tick *tick)
{
    char time[ISO_TIME_BYTES];
    if (tick->next_ms == SCHEDULE_NEVER) {
        return json_pack("{s:n}", "next_run");
    }
    (void)iso_time_ms(tick->next_ms, time);
    return json_pack("{s:s}", "next_run", time);
}

void cron_queue_add(json_t *schedule, const struct schedule_tick *tick)
{
    scoped_free char *queue = mem_format("cron:%s", json_text(schedule, "name"));
    json_t *body = is_of(schedule, "worker")    ? worker_body(schedule, tick)
                   : is_of(schedule, "netlify") ? netlify_body(tick)
                                                : NULL;
    char *text = json_write(body);
    message_batch_add(tick->batch, &(struct batch_message){ .queue = str_c(queue),
                                                            .body = text ? str_c(text) : STR(""),
                                                            .dedup = tick->dedup });
    free(text);
    json_decref(body);
}

/* ---- what came of it ---- */

struct attempt {
    struct cron_queue *queue;
    struct delivery *delivery;
};

/* "TypeError: x is not a function\n    at ..." of what a Worker answers; NULL: it did well. */
static char *worker_error(struct str answer)
{
    json_t *json = json_read(answer, JSON_ALLOW_NUL);
    json_t *error = json_object_get(json, "error");
    const char *outcome = json_text(json, "outcome");
    const char *name = json_text(error, "name");
    const char *message = json_text(error, "message");
    const char *stack = json_text(error, "stack");
    if (outcome && strcmp(outcome, "ok") == 0) {
        json_decref(json);
        return NULL;
    }
    const char *what = name ? name : outcome ? outcome : "Error";
    char *text = stack ? mem_copy_str(str_c(stack))
                       : mem_format("%s: %s", what, message ? message : "scheduled() failed");
    json_decref(json);
    return text;
}

static char *status_error(const struct invocation_result *result)
{
    struct str excerpt = result->body;
    excerpt.len = excerpt.len < ERROR_EXCERPT_BYTES ? excerpt.len : ERROR_EXCERPT_BYTES;
    return mem_format("it answered %u\n" STR_FMT, result->status, STR_ARG(excerpt));
}

/* What failed of a function that was reached, owned; NULL: nothing. */
static char *find_error(struct cron_queue *q, const struct invocation_result *result)
{
    if (is_of(q->schedule, "worker") && result->status == 200) {
        return worker_error(result->body);
    }
    /* Vercel: an answer that redirects is an answer. */
    unsigned good = is_of(q->schedule, "vercel") ? 400 : 300;
    return result->status >= 200 && result->status < good ? NULL : status_error(result);
}

static void tell_done(const struct cron_queue *q, const struct delivery *d)
{
    scoped_free char *text =
        mem_format("cron %s: done in %" PRIu64 " ms", q->name, clock_wall_ms() - d->started_ms);
    console_note(q->services->console, RECORD_INFO, str_c(text));
}

static void settle(struct cron_queue *q, struct delivery *d, const char *error)
{
    if (error) {
        (void)attempt_failed(q->services, d, &q->policy, str_c(error));
    } else {
        tell_done(q, d);
    }
}

static void attempt_done(const struct invocation_result *result, void *context)
{
    struct attempt *a = context;
    struct cron_queue *q = a->queue;
    struct delivery *d = a->delivery;
    const char *hindrance = attempt_hindrance(result);
    free(a);
    if (hindrance) {
        attempt_postponed(q->services, d, hindrance);
    } else if (result->error < 0) {
        settle(q, d, "its answer was too large");
    } else {
        scoped_free char *error = find_error(q, result);
        settle(q, d, error);
    }
    queue_delivered(d);
}

/* ---- asking ---- */

static void add_header(struct buf *to, const char *name, const char *value)
{
    /* More than a request may have: it goes without. */
    (void)!http_block_add(to, str_c(name), str_c(value));
}

static void vercel_headers(const struct cron_queue *q, struct buf *headers)
{
    add_header(headers, "user-agent", "vercel-cron/1.0");
    add_header(headers, "x-vercel-cron-schedule", json_text(q->schedule, "expression"));
    if (q->secret) {
        scoped_free char *bearer = mem_format("Bearer %s", q->secret);
        add_header(headers, "authorization", bearer);
    }
}

static void worker_headers(const struct cron_queue *q, struct buf *headers)
{
    add_header(headers, "x-mayfly-service",
               json_text(json_object_get(q->schedule, "target"), "function"));
    add_header(headers, "x-mayfly-event", "scheduled");
    add_header(headers, "content-type", "application/json");
}

static void netlify_headers(struct buf *headers)
{
    add_header(headers, "x-mayfly-event", "scheduled");
    add_header(headers, "x-mayfly-timeout-ms", NETLIFY_TIMEOUT_MS);
    add_header(headers, "user-agent", "Netlify Clockwork");
    add_header(headers, "x-nf-event", "schedule");
    add_header(headers, "content-type", "application/json");
}

static void cron_deliver(struct queue *queue, struct delivery *d, void *context)
{
    struct cron_queue *q = context;
    const struct stored_message *m = &d->messages[0].message;
    const char *path = json_text(json_object_get(q->schedule, "target"), "path");
    bool vercel = is_of(q->schedule, "vercel");
    struct buf headers;
    (void)queue;
    buf_init(&headers, HEADERS_BYTES);
    add_header(&headers, "x-mayfly-direct", "1");
    scoped_free char *id = mem_copy_str(m->uuid);
    add_header(&headers, "x-mayfly-request-id", id);
    if (vercel) {
        vercel_headers(q, &headers);
    } else if (is_of(q->schedule, "worker")) {
        worker_headers(q, &headers);
    } else {
        netlify_headers(&headers);
    }
    struct attempt *a = mem_new(struct attempt);
    *a = (struct attempt){ .queue = q, .delivery = d };
    char name[QUEUE_DELIVERY_NAME_BYTES];
    queue_delivery_name(d, name);
    const struct invocation_request rq = { .method = vercel ? STR("GET") : STR("POST"),
                                           .target = path ? str_c(path) : STR("/"),
                                           .event = str_c(name),
                                           .headers = buf_str(&headers),
                                           .body = m->body,
                                           .response_max_bytes = ANSWER_BYTES };
    (void)invoker_call(q->services->invoker, &rq, attempt_done, a);
    buf_finish(&headers);
}

static const struct queue_consumer cron_consumer = { .name = "cron", .deliver = cron_deliver };

/* ---- which there are ---- */

static struct cron_queue *find_or_create(struct cron_queues *cq, const char *name)
{
    list_for_each (item, &cq->queues) {
        struct cron_queue *q = list_entry(item, struct cron_queue, link);
        if (strcmp(q->name, name) == 0) {
            return q;
        }
    }
    scoped_free char *queue_name = mem_format("cron:%s", name);
    struct cron_queue *q = mem_new(struct cron_queue);
    q->services = cq->services;
    q->name = mem_copy_str(str_c(name));
    q->queue = queue_open(cq->services->queues, str_c(queue_name));
    list_push(&cq->queues, &q->link);
    return q;
}

/* Bytes that a header cannot carry make it useless; Vercel refuses such a deployment. */
static bool is_header_text(const char *text)
{
    for (; *text; text++) {
        if ((*text < ' ' && *text != '\t') || *text > '~') {
            return false;
        }
    }
    return true;
}

/* The project has one environment: that of any of its functions. */
static const char *find_secret(const json_t *manifest)
{
    size_t i;
    json_t *function;
    json_array_foreach(json_object_get(manifest, "functions"), i, function)
    {
        const char *secret = json_text(json_object_get(function, "env"), "CRON_SECRET");
        if (secret && secret[0] && is_header_text(secret)) {
            return secret;
        }
        if (secret && secret[0]) {
            log_warning("CRON_SECRET has characters that no header can carry: crons go without it");
            return NULL;
        }
    }
    return NULL;
}

static void build_one(struct cron_queues *cq, json_t *schedule, const char *secret)
{
    static const struct retry_policy never = { 0 };
    const struct queue_policy policy = { .batch_size = 1, .concurrency = IN_FLIGHT_MAX };
    struct cron_queue *q = find_or_create(cq, json_text(schedule, "name"));
    json_decref(q->schedule);
    q->schedule = json_incref(schedule);
    free(q->secret);
    q->secret = secret ? mem_copy_str(str_c(secret)) : NULL;
    q->wanted = true;
    retry_read(schedule, &never, &q->policy);
    queue_consume(q->queue, &cron_consumer, &policy, q);
}

void cron_queue_build(struct cron_queues *cq, const json_t *manifest)
{
    size_t i;
    json_t *schedule;
    const char *secret = find_secret(manifest);
    list_for_each (item, &cq->queues) {
        list_entry(item, struct cron_queue, link)->wanted = false;
    }
    json_array_foreach(json_object_get(json_object_get(manifest, "events"), "schedules"), i,
                       schedule)
    {
        if (!is_of(schedule, "aws")) {
            build_one(cq, schedule, secret);
        }
    }
    list_for_each (item, &cq->queues) {
        struct cron_queue *q = list_entry(item, struct cron_queue, link);
        if (!q->wanted) {
            queue_consume(q->queue, NULL, NULL, NULL); /* its ticks wait for it to come back */
        }
    }
}

struct cron_queues *cron_queue_create(struct services *s)
{
    struct cron_queues *cq = mem_new(struct cron_queues);
    cq->services = s;
    list_init(&cq->queues);
    return cq;
}
