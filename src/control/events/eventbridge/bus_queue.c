/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/eventbridge/bus_queue.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "control/events/eventbridge/event_arn.h"
#include "control/events/eventbridge/event_bus_send.h"
#include "control/events/eventbridge/event_bus_table.h"
#include "control/text/json_read.h"
#include "control/text/json_reading.h"

#define IN_FLIGHT_MAX 10
#define RETRY_MS      5000 /* what could not be written: a full disk */

struct bus_queues {
    struct services *services;
};

static void sent(int r, void *context)
{
    struct delivery *d = context;
    if (r < 0) {
        queue_set_outcome(&d->messages[0], FATE_AGAIN, clock_wall_ms() + RETRY_MS,
                          str_c(strerror(-r)));
    }
    queue_delivered(d);
}

/* The envelope that Lambda puts around what has come of an invocation, of the bus and the function
 * in that order, as recorded of AWS. */
static json_t *lambda_envelope(const char *bus, json_t *record)
{
    char bus_arn[512];
    json_t *context = json_object_get(record, "requestContext");
    const char *condition = json_text(context, "condition");
    bool success = condition && strcmp(condition, "Success") == 0;
    const char *function = json_text(context, "functionArn");
    struct str region = event_arn_region(str_c(function ? function : ""));
    (void)snprintf(bus_arn, sizeof(bus_arn), "arn:aws:events:" STR_FMT ":000000000000:event-bus/%s",
                   STR_ARG(region), bus);
    return json_pack("{s:s,s:s,s:s%,s:[s,s*]}", "source", "lambda", "detail-type",
                     success ? "Lambda Function Invocation Result - Success"
                             : "Lambda Function Invocation Result - Failure",
                     "region", region.data, region.len, "resources", bus_arn, function);
}

/* The message's uuid is the event's id: so one that is handed out again, after the process died in
 * between, is recognized by its targets' queues. */
static int send_event(struct services *s, const char *bus, const struct stored_message *m,
                      json_t *envelope, struct message_batch *batch)
{
    const struct bus_event event = {
        .bus = str_c(bus),
        .id = m->uuid,
        .source = str_c(json_text(envelope, "source")),
        .detail_type = str_c(json_text(envelope, "detail-type")),
        .time_ms = m->sent_ms,
        .region = str_c(json_text(envelope, "region")),
        .resources = json_object_get(envelope, "resources"),
        .detail = m->body,
    };
    return event_bus_send(s->buses, &event, batch);
}

static bool is_envelope(json_t *attributes)
{
    return json_text(attributes, "source") && json_text(attributes, "detail-type") &&
           json_text(attributes, "region");
}

static int send_message(struct services *s, const char *bus, const struct stored_message *m,
                        struct message_batch *batch)
{
    json_t *envelope = json_read(m->attributes, JSON_ALLOW_NUL);
    if (!is_envelope(envelope)) {
        json_t *record = json_read(m->body, JSON_ALLOW_NUL);
        json_decref(envelope);
        envelope = record ? lambda_envelope(bus, record) : NULL;
        json_decref(record);
    }
    int r = envelope ? send_event(s, bus, m, envelope, batch) : -EBADMSG;
    json_decref(envelope);
    return r;
}

static void bus_deliver(struct queue *q, struct delivery *d, void *context)
{
    struct services *s = context;
    const struct stored_message *m = &d->messages[0].message;
    const char *bus = queue_name(q) + strlen("bus:");
    struct message_batch *batch = message_batch_create(s->queues);
    int r = send_message(s, bus, m, batch);
    if (r < 0) {
        message_batch_destroy(batch);
        queue_set_outcome(&d->messages[0], FATE_DEAD, clock_wall_ms(),
                          r == -ENOENT ? STR("there is no such event bus")
                                       : STR("it is no JSON object"));
        queue_delivered(d);
        return;
    }
    message_batch_submit(batch, sent, d);
}

static const struct queue_consumer bus_consumer = { .name = "bus", .deliver = bus_deliver };

static void consume(json_t *bus, void *context)
{
    static const struct queue_policy policy = { .batch_size = 1, .concurrency = IN_FLIGHT_MAX };
    struct bus_queues *bq = context;
    char name[512];
    (void)snprintf(name, sizeof(name), "bus:%s", json_text(bus, "Name"));
    queue_consume(queue_open(bq->services->queues, str_c(name)), &bus_consumer, &policy,
                  bq->services);
}

void bus_queue_update(struct bus_queues *bq)
{
    event_bus_each(bq->services->buses, consume, bq);
}

struct bus_queues *bus_queue_create(struct services *s)
{
    struct bus_queues *bq = mem_new(struct bus_queues);
    bq->services = s;
    return bq;
}
