/* A durable route: a request is stored, acknowledged, and delivered to the function later, with
 * retries.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>

#include "base/chance.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "control/events/queue/attempt.h"
#include "control/events/queue/destination.h"
#include "control/events/queue/event_log.h"
#include "control/events/routes/route.h"
#include "control/events/routes/stored_request.h"
#include "control/text/iso_time.h"
#include "control/text/json_write.h"
#include "http/http_block.h"

#define BACKGROUND_TIMEOUT_MS "900000" /* Netlify: 15 minutes */

/* ---- storing ---- */

struct storing {
    struct queue_send send;
    struct exchange *x; /* NULL: gone */
    struct route *route;
    struct buf body;
    char *attributes; /* owned */
    char *key;        /* owned */
    char uuid[UUID_BYTES];
};

static void acknowledge(struct storing *s, int r)
{
    char body[80];
    if (r < 0) {
        exchange_respond(s->x, r == -ENOSPC ? 507 : 500, STR("content-type\0text/plain\0"),
                         r == -ENOSPC ? STR("the disk is full: this was not kept\n")
                                      : STR("this could not be kept\n"));
    } else if (s->route->config.background) {
        exchange_respond(s->x, 202, STR(""), STR(""));
    } else {
        if (s->send.is_duplicate) {
            queue_send_original(&s->send, s->uuid);
        }
        int len = snprintf(body, sizeof(body), "{\"id\":\"%s\"}", s->uuid);
        exchange_respond(s->x, 202, STR("content-type\0application/json\0"),
                         str_of(body, (size_t)len));
    }
}

static void storing_sent(struct queue_send *send, int r)
{
    struct storing *s = container_of(send, struct storing, send);
    if (s->x) {
        s->x->user = NULL;
        acknowledge(s, r);
    }
    buf_finish(&s->body);
    free(s->attributes);
    free(s->key);
    free(s);
}

static void storing_over(struct exchange *x)
{
    struct storing *s = x->user;
    if (s) {
        s->x = NULL; /* what is being written is written */
    }
}

/* For people: what `mayfly events ls` shows. Bytes that are no text are left out. */
static char *attributes_of(const struct exchange *x)
{
    json_t *json = json_pack("{s:s%, s:s%}", "method", x->method.data, x->method.len, "path",
                             x->target.data, x->target.len);
    char *text = json_write(json);
    json_decref(json);
    return text ? text : mem_copy_str(STR("{}"));
}

void route_durable_begin(struct route *route, struct exchange *x, struct str body, struct str key)
{
    static const struct exchange_events events = { .over = storing_over };
    struct storing *s = mem_new(struct storing);
    const struct stored_request rq = { .method = x->method,
                                       .target = x->target,
                                       .host = x->host,
                                       .headers = x->headers,
                                       .body = body };
    *s = (struct storing){
        .x = x, .route = route, .attributes = attributes_of(x), .key = mem_copy_str(key)
    };
    chance_uuid(s->uuid);
    buf_init(&s->body, ROUTE_BODY_BYTES_MAX + 2 * LIMIT_REQUEST_HEAD_BYTES);
    if (stored_request_pack(&rq, &s->body) < 0) {
        abort(); /* the limit is above what is packed */
    }
    x->events = &events;
    x->user = s;
    uint64_t now = clock_wall_ms();
    s->send = (struct queue_send){ .queue = route->queue,
                                   .message = { .uuid = str_c(s->uuid),
                                                .group = STR(""),
                                                .attributes = str_c(s->attributes),
                                                .body = buf_str(&s->body),
                                                .error = STR(""),
                                                .sent_ms = now,
                                                .due_ms = now },
                                   .dedup = str_c(s->key),
                                   .dedup_since_ms = now - route->config.ttl_ms,
                                   .sent = storing_sent };
    queue_send(&s->send);
}

/* ---- delivering ---- */

struct attempt {
    struct route *route;
    struct delivery *delivery;
};

static void send_outcome(const struct route *route, struct delivery *d, const char *type,
                         unsigned status, const json_t *destination)
{
    if (!destination) {
        return;
    }
    const struct delivered *m = &d->messages[0];
    char time[ISO_TIME_BYTES];
    (void)iso_time_ms(clock_wall_ms(), time);
    json_t *record =
        json_pack("{s:s, s:s, s:{s:s, s:s, s:i, s:i, s:s%}}", "type", type, "timestamp", time,
                  "data", "id", m->message.uuid.data, "route", route->name, "attempts",
                  (int)m->outcome.attempts, "status", (int)status, "error",
                  m->outcome.error.data ? m->outcome.error.data : "", m->outcome.error.len);
    char *text = json_write(record);
    destination_send(route->services, d, destination, str_c(text ? text : "{}"), STR(""));
    free(text);
    json_decref(record);
}

static bool is_success(const struct route *route, const struct invocation_result *result)
{
    if (result->error < 0) {
        return false;
    }
    /* Netlify looks at the function's execution, not at what it answers. */
    return route->config.background ? result->status < 500
                                    : result->status >= 200 && result->status < 300;
}

static void function_failed(struct route *route, struct delivery *d,
                            const struct invocation_result *result)
{
    char error[512];
    if (result->error < 0) {
        (void)snprintf(error, sizeof(error), "its answer was too large");
    } else {
        struct str text = result->body;
        text.len = text.len < 400 ? text.len : 400;
        (void)snprintf(error, sizeof(error), "status %u%s" STR_FMT, result->status,
                       text.len > 0 ? ": " : "", STR_ARG(text));
    }
    if (!attempt_failed(route->services, d, &route->config.policy, str_c(error))) {
        send_outcome(route, d, "event.failed", result->status, route->config.on_failure);
    }
}

static void attempt_done(const struct invocation_result *result, void *context)
{
    struct attempt *a = context;
    struct route *route = a->route;
    struct delivery *d = a->delivery;
    const char *hindrance = attempt_hindrance(result);
    free(a);
    if (hindrance) {
        attempt_postponed(route->services, d, hindrance);
    } else if (is_success(route, result)) {
        send_outcome(route, d, "event.succeeded", result->status, route->config.on_success);
    } else {
        function_failed(route, d, result);
    }
    queue_delivered(d);
}

static int delivery_headers(const struct route *route, const struct delivered *m,
                            struct str headers, struct buf *ret)
{
    int r = http_block_add(ret, STR("x-mayfly-direct"), STR("1"));
    r = r == 0 ? http_block_add(ret, STR("x-mayfly-request-id"), m->message.uuid) : r;
    if (route->config.background) {
        r = r == 0 ? http_block_add(ret, STR("x-mayfly-event"), STR("background")) : r;
        r = r == 0 ? http_block_add(ret, STR("x-mayfly-timeout-ms"), STR(BACKGROUND_TIMEOUT_MS))
                   : r;
    }
    return r == 0 ? stored_request_fields(ret, headers) : r;
}

static void durable_deliver(struct queue *queue, struct delivery *d, void *context)
{
    struct route *route = context;
    struct delivered *m = &d->messages[0];
    struct stored_request stored;
    struct buf headers;
    (void)queue;
    buf_init(&headers, 4 * LIMIT_REQUEST_HEAD_BYTES);
    if (stored_request_unpack(m->message.body, &stored) < 0 ||
        delivery_headers(route, m, stored.headers, &headers) < 0) {
        queue_set_outcome(m, FATE_DEAD, clock_wall_ms(), STR("what is stored is no request"));
        buf_finish(&headers);
        queue_delivered(d);
        return;
    }
    struct attempt *a = mem_new(struct attempt);
    *a = (struct attempt){ .route = route, .delivery = d };
    char name[QUEUE_DELIVERY_NAME_BYTES];
    queue_delivery_name(d, name);
    const struct invocation_request rq = { .method = stored.method,
                                           .target = stored.target,
                                           .event = str_c(name),
                                           .host = stored.host,
                                           .headers = buf_str(&headers),
                                           .body = stored.body,
                                           .response_max_bytes = ROUTE_RESPONSE_BYTES_MAX };
    (void)invoker_call(route->services->invoker, &rq, attempt_done, a);
    buf_finish(&headers);
}

static void durable_expired(struct queue *queue, struct delivery *d, struct delivered *m,
                            void *context)
{
    const struct route *route = context;
    (void)queue;
    send_outcome(route, d, "event.failed", 0, route->config.on_failure);
    event_log_dead(route->services, d, m);
}

void route_durable_consume(struct route *route, uint32_t concurrency)
{
    static const struct queue_consumer consumer = { .name = "route",
                                                    .deliver = durable_deliver,
                                                    .expired = durable_expired };
    const struct queue_policy policy = { .batch_size = 1,
                                         .concurrency = concurrency,
                                         .max_age_ms = route->config.policy.max_age_ms };
    queue_consume(route->queue, &consumer, &policy, route);
}
