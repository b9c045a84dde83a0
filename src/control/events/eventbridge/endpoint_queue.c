/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/eventbridge/endpoint_queue.h"

#include <stdio.h>

#include "base/limits.h"
#include "base/mem.h"
#include "control/events/eventbridge/endpoint_request.h"
#include "control/events/eventbridge/event_arn.h"
#include "control/events/eventbridge/event_connection.h"
#include "control/events/eventbridge/target_attempt.h"
#include "control/text/json_reading.h"

#define KIND           "endpoint:"
#define IN_FLIGHT      16  /* of one destination, a thread each */
#define RESPONSE_BYTES 512 /* of what it says, for the error */

struct endpoint {
    struct list link;
    struct endpoint_queues *all;
    struct queue *queue;
    uint64_t free_ms; /* the loop's time from which the rate allows the next request */
};

struct endpoint_queues {
    struct services *services;
    struct json_table *table;
    struct list endpoints;
};

/* One try. */
struct
try {
    uv_timer_t turn; /* until the rate allows it */
    struct endpoint *endpoint;
    struct delivery *delivery;
    json_t *attributes; /* owned */
    char *shown;        /* by which it has authorized itself; owned */
};

struct json_table *endpoint_queues_table(struct endpoint_queues *eq)
{
    return eq->table;
}

void endpoint_queues_arn(const json_t *destination, const char *region, char *ret, size_t size)
{
    (void)snprintf(ret, size, "arn:aws:events:%s:000000000000:api-destination/%s/%s", region,
                   json_text(destination, "Name"), json_text(destination, "Uuid"));
}

static json_t *find_destination(const struct try *t)
{
    return json_table_find(t->endpoint->all->table,
                           str_c(queue_name(t->endpoint->queue) + strlen(KIND)));
}

static json_t *find_connection(const struct try *t)
{
    return event_connection_find(t->endpoint->all->services->connections,
                                 json_text(find_destination(t), "ConnectionArn"));
}

/* ---- what came of it ---- */

static void try_free(uv_handle_t *handle)
{
    struct try *t = container_of((uv_timer_t *)handle, struct try, turn);
    json_decref(t->attributes);
    free(t->shown);
    free(t);
}

static void try_over(struct try *t, const struct target_failure *failure)
{
    if (failure) {
        target_attempt_failed(t->endpoint->all->services, t->delivery, failure);
    } else {
        queue_delivered(t->delivery);
    }
    uv_close((uv_handle_t *)&t->turn, try_free);
}

/* "Error codes" of API destinations in EventBridge's guide. */
static bool passes(unsigned status)
{
    return status == 401 || status == 407 || status == 409 || status == 429 || status >= 500;
}

static void sent(const struct outgoing_result *result, void *context)
{
    struct try *t = context;
    char why[RESPONSE_BYTES + 256];
    const unsigned status = result->status;
    const char *code = status == 0     ? "CONNECTION_FAILURE"
                       : status == 429 ? "THROTTLING"
                                       : "ERROR_FROM_TARGET";
    if (status >= 200 && status <= 299) {
        try_over(t, NULL);
        return;
    }
    if (status == 401 || status == 407) {
        const char *name = json_text(find_connection(t), "Name");
        event_connection_refused(t->endpoint->all->services->connections, name ? name : "",
                                 t->shown);
    }
    (void)(status == 0 ? snprintf(why, sizeof(why), "%s", result->error)
                       : snprintf(why, sizeof(why), "status %u: " STR_FMT, status,
                                  STR_ARG(result->body))); /* what does not fit is cut */
    const struct target_failure failure = { .fault = status == 0 || passes(status)
                                                         ? TARGET_FAULT_PASSES
                                                         : TARGET_FAULT_STAYS,
                                            .code = code,
                                            .why = why,
                                            .wait_ms = result->retry_after_s * 1000 };
    try_over(t, &failure);
}

/* ---- trying ---- */

static void send_event(const char *header, const char *value, const char *why, void *context)
{
    struct try *t = context;
    struct endpoint_request rq;
    json_t *target = json_object_get(t->attributes, "target");
    json_t *secret = json_object_get(find_connection(t), "secret");
    const struct endpoint_said said = {
        .destination = find_destination(t),
        .http = json_object_get(target, "http_parameters"),
        .invocation = json_object_get(secret, "InvocationHttpParameters"),
        .header = header,
        .authorized = value,
    };
    if (!value || !said.destination) {
        try_over(t, &(struct target_failure){ TARGET_FAULT_PASSES, "NO_PERMISSIONS",
                                              value ? "the API destination is gone meanwhile" : why,
                                              0 });
        return;
    }
    if (endpoint_request_init(&rq, &said, t->delivery->messages[0].message.body) < 0) {
        try_over(t, &(struct target_failure){ TARGET_FAULT_STAYS, "INVALID_PARAMETER",
                                              "its parameters cannot be sent", 0 });
        return;
    }
    t->shown = mem_copy_str(str_c(value));
    endpoint_request_send(&rq, t->endpoint->all->services->loop, RESPONSE_BYTES, sent, t);
}

static void on_turn(uv_timer_t *turn)
{
    struct try *t = container_of(turn, struct try, turn);
    json_t *connection = find_connection(t);
    if (connection) {
        event_connection_authorize(t->endpoint->all->services->connections, connection, send_event,
                                   t);
    } else {
        try_over(t, &(struct target_failure){
                        TARGET_FAULT_STAYS, "NO_RESOURCE",
                        "the API destination or its connection does not exist", 0 });
    }
}

/* Requests are as far apart as the rate says. */
static uint64_t wait_of(struct try *t)
{
    struct endpoint *e = t->endpoint;
    const uint64_t now = uv_now(t->turn.loop);
    json_t *said = json_object_get(find_destination(t), "InvocationRateLimitPerSecond");
    const json_int_t rate = json_is_integer(said) ? json_integer_value(said) : ENDPOINT_RATE;
    const uint64_t at = e->free_ms > now ? e->free_ms : now;
    e->free_ms = at + (rate > 0 && rate < 1000 ? (uint64_t)(1000 / rate) : 0);
    return at - now;
}

static void endpoint_deliver(struct queue *q, struct delivery *d, void *context)
{
    struct try *t = mem_new(struct try);
    (void)q;
    t->endpoint = context;
    t->delivery = d;
    t->attributes = target_attempt_read(d);
    (void)uv_timer_init(t->endpoint->all->services->loop, &t->turn); /* cannot fail */
    (void)uv_timer_start(&t->turn, on_turn, wait_of(t), 0);
}

/* ---- which there are ---- */

static void consume(struct endpoint_queues *eq, struct str queue_name_)
{
    static const struct queue_consumer consumer = { .name = "endpoint",
                                                    .deliver = endpoint_deliver };
    static const struct queue_policy policy = { .batch_size = 1, .concurrency = IN_FLIGHT };
    struct queue *q = queue_open(eq->services->queues, queue_name_);
    list_for_each (item, &eq->endpoints) {
        if (list_entry(item, struct endpoint, link)->queue == q) {
            return;
        }
    }
    struct endpoint *e = mem_new(struct endpoint);
    *e = (struct endpoint){ .all = eq, .queue = q };
    list_push(&eq->endpoints, &e->link);
    queue_consume(q, &consumer, &policy, e);
}

void endpoint_queues_open(struct endpoint_queues *eq, struct str name)
{
    char queue[LIMIT_TARGET_NAME_BYTES];
    (void)snprintf(queue, sizeof(queue), KIND STR_FMT, STR_ARG(name)); /* names are short */
    consume(eq, str_c(queue));
}

static void open_stored(uint64_t number, struct str name, void *context)
{
    (void)number;
    if (str_starts(name, STR(KIND))) {
        consume(context, name);
    }
}

struct endpoint_queues *endpoint_queues_create(struct services *s)
{
    struct endpoint_queues *eq = mem_new(struct endpoint_queues);
    eq->services = s;
    eq->table = json_table_create(s->queues, "event destination");
    list_init(&eq->endpoints);
    return eq;
}

/* One of the manifest in the form of this table. Its connection is found by its name. */
static json_t *declared_endpoint(json_t *said)
{
    char arn[256];
    (void)snprintf(arn, sizeof(arn),
                   "arn:aws:events:" EVENT_ARN_REGION ":000000000000:connection/%s/declared",
                   json_text(said, "connection")); /* names are short */
    return json_pack("{s:O,s:O,s:s,s:O,s:O,s:O,s:O*}", "Name", json_object_get(said, "name"),
                     "Uuid", json_object_get(said, "uuid"), "ConnectionArn", arn,
                     "InvocationEndpoint", json_object_get(said, "url"), "HttpMethod",
                     json_object_get(said, "method"), "InvocationRateLimitPerSecond",
                     json_object_get(said, "rate"), "Description",
                     json_object_get(said, "description"));
}

void endpoint_queues_build(struct endpoint_queues *eq, const json_t *manifest)
{
    json_t *by_name = json_object();
    size_t i;
    json_t *said;
    json_array_foreach(json_object_get(json_object_get(manifest, "events"), "endpoints"), i, said)
    {
        const char *name = json_text(said, "name");
        endpoint_queues_open(eq, str_c(name));
        (void)json_object_set_new(by_name, name, declared_endpoint(said)); /* a new value */
    }
    json_table_declare(eq->table, by_name, "CreationTime", "LastModifiedTime");
    store_messages_queues(eq->services->store, open_stored, eq);
}
