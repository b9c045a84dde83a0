/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/bus_queue.h"

#include <stdio.h>

#include "base/mem.h"

#define IN_FLIGHT_MAX 10

struct bus_queues {
    struct services *services;
};

static const char *text_of(json_t *object, const char *member)
{
    return json_string_value(json_object_get(object, member));
}

static void sent(int r, void *context)
{
    struct delivery *d = context;
    if (r < 0) {
        queue_set_outcome(&d->messages[0], FATE_AGAIN, queue_now_ms() + 5000, str_c(strerror(-r)));
    }
    queue_delivered(d);
}

/* The message's uuid is the event's id: so one that is handed out again, after the process died in
 * between, is recognized by its targets' queues. */
static int send_record(struct services *s, const char *bus, const struct stored_message *m,
                       json_t *record, struct message_batch *batch)
{
    char time[EVENT_TIME_BYTES];
    char bus_arn[512];
    json_t *context = json_object_get(record, "requestContext");
    const char *condition = text_of(context, "condition");
    const char *function = text_of(context, "functionArn");
    bool success = condition && strcmp(condition, "Success") == 0;
    (void)snprintf(bus_arn, sizeof(bus_arn), "arn:aws:events:us-east-1:000000000000:event-bus/%s",
                   bus);
    json_t *resources = json_pack("[s*,s]", function, bus_arn);
    event_bus_time(m->sent_ms, time);
    const struct bus_event event = {
        .bus = str_c(bus),
        .id = m->uuid,
        .source = STR("lambda"),
        .detail_type = success ? STR("Lambda Function Invocation Result - Success")
                               : STR("Lambda Function Invocation Result - Failure"),
        .time = str_c(time),
        .region = STR("us-east-1"),
        .resources = resources,
        .detail = m->body,
    };
    int r = event_bus_send(s->buses, &event, batch);
    json_decref(resources);
    return r;
}

static void bus_deliver(struct queue *q, struct delivery *d, void *context)
{
    struct services *s = context;
    const struct stored_message *m = &d->messages[0].message;
    const char *bus = queue_name(q) + strlen("bus:");
    json_t *record = json_loadb(m->body.data, m->body.len, JSON_ALLOW_NUL, NULL);
    struct message_batch *batch = message_batch_create(s->queues);
    int r = record ? send_record(s, bus, m, record, batch) : -EBADMSG;
    json_decref(record);
    if (r < 0) {
        message_batch_destroy(batch);
        queue_set_outcome(&d->messages[0], FATE_DEAD, queue_now_ms(),
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
    (void)snprintf(name, sizeof(name), "bus:%s", text_of(bus, "Name"));
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
