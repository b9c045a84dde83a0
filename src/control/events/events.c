/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/events.h"

#include "base/mem.h"
#include "control/events/eventbridge/api_queue.h"
#include "control/events/eventbridge/bus_queue.h"
#include "control/events/eventbridge/endpoint_queue.h"
#include "control/events/eventbridge/event_bus.h"
#include "control/events/eventbridge/event_connection.h"
#include "control/events/eventbridge/event_replay.h"
#include "control/events/eventbridge/json_table.h"
#include "control/events/lambda/lambda_queue.h"
#include "control/events/lambda/lambda_source.h"
#include "control/events/routes/routes.h"
#include "control/events/routes/webhook_queue.h"
#include "control/events/scheduler/scheduler.h"
#include "control/events/schedules/project_schedules.h"
#include "control/events/sqs/sqs_moves.h"
#include "control/events/sqs/sqs_queue.h"
#include "control/events/workers/worker_queue.h"

struct events {
    struct services *services;
    struct worker_queues *worker;
    struct routes *routes;
    struct webhook_queues *webhooks;
};

struct events *events_create(struct services *s)
{
    struct events *e = mem_new(struct events);
    e->services = s;
    s->sqs = sqs_queues_create(s);
    s->sqs_moves = sqs_moves_create(s);
    s->lambda_queues = lambda_queues_create(s);
    s->lambda_sources = lambda_sources_create(s);
    s->lambda_permissions = json_table_create(s->queues, "lambda permission");
    s->lambda_tags = json_table_create(s->queues, "lambda tags");
    s->lambda_concurrency = json_table_create(s->queues, "lambda concurrency");
    e->worker = worker_queues_create(s);
    e->routes = routes_create(s);
    e->webhooks = webhook_queues_create(s);
    s->schedules = schedules_create(s->loop, s->queues, NULL);
    schedules_hold(s->schedules, true); /* until their targets are known */
    s->bus_queues = bus_queue_create(s);
    api_queue_open(s);
    s->connections = event_connections_create(s);
    s->endpoints = endpoint_queues_create(s);
    s->archives = event_archives_create(s);
    s->buses = event_bus_create(s, s->schedules);
    s->replays = event_replays_create(s);
    s->scheduler = scheduler_create(s);
    s->project_schedules = project_schedules_create(s);
    return e;
}

void events_build(struct events *e, const json_t *manifest)
{
    sqs_queues_build(e->services->sqs, manifest);
    sqs_moves_build(e->services->sqs_moves);
    lambda_queues_build(e->services->lambda_queues, manifest);
    lambda_sources_build(e->services->lambda_sources, manifest);
    worker_queues_build(e->worker, manifest);
    routes_build(e->routes, manifest);
    webhook_queues_build(e->webhooks, manifest);
    event_connections_build(e->services->connections, manifest);
    endpoint_queues_build(e->services->endpoints, manifest);
    event_bus_build(e->services->buses, manifest);
    bus_queue_update(e->services->bus_queues);
    event_replays_build(e->services->replays);
    scheduler_build(e->services->scheduler, manifest);
    project_schedules_build(e->services->project_schedules, manifest);
    schedules_forget_unset(e->services->schedules);
    schedules_hold(e->services->schedules, false);
}

void events_begin(struct events *e, struct exchange *x)
{
    if (x->door == EXCHANGE_FUNCTION) {
        worker_queues_begin(e->worker, x);
    } else {
        routes_begin(e->routes, x);
    }
}
