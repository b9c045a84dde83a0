/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/events.h"

#include "base/mem.h"
#include "control/events/lambda_queue.h"
#include "control/events/routes.h"
#include "control/events/webhook_queue.h"
#include "control/events/worker_queue.h"

struct events {
    struct lambda_queues *lambda;
    struct worker_queues *worker;
    struct routes *routes;
    struct webhook_queues *webhooks;
};

struct events *events_create(struct services *s)
{
    struct events *e = mem_new(struct events);
    e->lambda = lambda_queues_create(s);
    e->worker = worker_queues_create(s);
    e->routes = routes_create(s);
    e->webhooks = webhook_queues_create(s);
    return e;
}

void events_build(struct events *e, const json_t *manifest)
{
    lambda_queues_build(e->lambda, manifest);
    worker_queues_build(e->worker, manifest);
    routes_build(e->routes, manifest);
    webhook_queues_build(e->webhooks, manifest);
}

void events_begin(struct events *e, struct exchange *x)
{
    if (x->door == EXCHANGE_FUNCTION) {
        worker_queues_begin(e->worker, x);
    } else {
        routes_begin(e->routes, x);
    }
}
