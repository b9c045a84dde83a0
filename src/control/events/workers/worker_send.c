/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/workers/worker_send.h"

#include <errno.h>
#include <jansson.h>

#include "base/chance.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "control/events/workers/worker_delay.h"
#include "control/text/base64.h"
#include "control/text/json_read.h"
#include "control/text/json_write.h"

/* Cloudflare: 100 messages or 256 KB a batch; base64 and JSON are around them. */
#define MESSAGES_MAX   100
#define BODY_BYTES_MAX (512 * KIB)

struct one {
    struct stored_message message;
    char uuid[UUID_BYTES];
    char *body; /* owned */
    size_t body_len;
    char *attributes; /* owned */
};

struct sending {
    struct store_job job;
    struct exchange *x; /* NULL: gone */
    struct store *store;
    struct queue *queue;
    struct worker_metrics *metrics;
    uint64_t delay_ms;
    struct one *ones; /* owned */
    size_t count;
};

static void sending_free(struct sending *s)
{
    for (size_t i = 0; i < s->count; i++) {
        free(s->ones[i].body);
        free(s->ones[i].attributes);
    }
    free(s->ones);
    free(s);
}

static void refuse(struct exchange *x, int r)
{
    static const char json[] = "content-type\0application/json";
    struct str type = str_of(json, sizeof(json));
    if (r == -EINVAL) {
        exchange_respond(x, 400, type, STR("{\"error\":\"Bad Request\"}"));
    } else if (r == -EMSGSIZE) {
        exchange_respond(x, 413, type, STR("{\"error\":\"Payload Too Large\"}"));
    } else {
        exchange_respond(x, r == -ENOSPC ? 507 : 500, type,
                         r == -ENOSPC ? STR("{\"error\":\"the disk is full\"}")
                                      : STR("{\"error\":\"Internal Server Error\"}"));
    }
}

static void count(const struct sending *s)
{
    struct store_backlog sent = { .count = s->count };
    for (size_t i = 0; i < s->count; i++) {
        sent.bytes += s->ones[i].body_len;
        sent.oldest_ms = s->ones[i].message.sent_ms;
    }
    worker_metrics_add(s->metrics, &sent);
    worker_metrics_read(s->metrics, s->store, s->queue, WORKER_METRICS_AGE_MS);
}

/* All or none. */
static int run_sending(struct store_job *job, struct sql *db)
{
    struct sending *s = container_of(job, struct sending, job);
    uint64_t number;
    int r = store_messages_queue(db, str_c(queue_name(s->queue)), &number);
    for (size_t i = 0; r >= 0 && i < s->count; i++) {
        uint64_t id;
        s->ones[i].message.queue = number;
        r = store_messages_insert(db, &s->ones[i].message, STR(""), 0, &id);
    }
    return r;
}

static void sending_done(struct store_job *job, int r)
{
    struct sending *s = container_of(job, struct sending, job);
    queue_wake(s->queue);
    if (r >= 0) {
        count(s);
    }
    if (s->x) {
        s->x->user = NULL;
        if (r < 0) {
            refuse(s->x, r);
        } else {
            worker_metrics_answer(s->metrics, s->x);
        }
    }
    sending_free(s);
}

static int read_one(struct sending *s, const json_t *message, struct one *one)
{
    const json_t *body = json_object_get(message, "body");
    const json_t *type = json_object_get(message, "contentType");
    uint64_t wait_ms = s->delay_ms;
    if (!json_is_string(body) || !json_is_string(type) ||
        worker_delay_read(message, &wait_ms) < 0) {
        return -EINVAL;
    }
    one->body =
        base64_decode(str_of(json_string_value(body), json_string_length(body)), &one->body_len);
    json_t *attributes = json_pack("{s:s}", "contentType", json_string_value(type));
    one->attributes = json_write(attributes);
    json_decref(attributes);
    if (!one->body || !one->attributes) {
        return -EINVAL;
    }
    uint64_t now = clock_wall_ms();
    chance_uuid(one->uuid);
    one->message = (struct stored_message){ .uuid = str_c(one->uuid),
                                            .group = STR(""),
                                            .attributes = str_c(one->attributes),
                                            .body = str_of(one->body, one->body_len),
                                            .error = STR(""),
                                            .sent_ms = now,
                                            .due_ms = now + wait_ms };
    return 0;
}

static int read_all(struct sending *s, struct str body)
{
    json_t *json = json_read(body, 0);
    const json_t *messages = json_object_get(json, "messages");
    size_t count = json_array_size(messages);
    int r = count > 0 && count <= MESSAGES_MAX ? 0 : -EINVAL;
    if (r == 0) {
        s->ones = mem_alloc(count * sizeof(*s->ones));
        s->count = count;
    }
    for (size_t i = 0; r == 0 && i < count; i++) {
        r = read_one(s, json_array_get(messages, i), &s->ones[i]);
    }
    json_decref(json);
    return r;
}

static void sending_over(struct exchange *x)
{
    struct sending *s = x->user;
    if (s) {
        s->x = NULL; /* what is being written is written */
    }
}

static const struct exchange_events events = { .over = sending_over };

static void have_body(struct exchange *x, int r, struct str body)
{
    struct sending *s = x->user;
    r = r < 0 ? r : read_all(s, body);
    if (r < 0) {
        x->user = NULL;
        refuse(x, r);
        sending_free(s);
        return;
    }
    s->job = (struct store_job){ .run = run_sending, .done = sending_done };
    store_submit(s->store, &s->job);
}

void worker_send_begin(struct store *store, struct exchange *x, struct queue *queue,
                       uint64_t delay_ms, struct worker_metrics *metrics)
{
    struct sending *s = mem_new(struct sending);
    *s = (struct sending){
        .store = store, .x = x, .queue = queue, .metrics = metrics, .delay_ms = delay_ms
    };
    x->events = &events;
    x->user = s;
    exchange_read_body(x, BODY_BYTES_MAX, have_body);
}
