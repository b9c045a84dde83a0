/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/lease.h"

#include <errno.h>

#include "base/limits.h"
#include "base/mem.h"
#include "gateway/conn.h"
#include "gateway/gateway.h"
#include "gateway/invoke.h"
#include "gateway/reply.h"
#include "gateway/request_error.h"
#include "gateway/routes_json.h"

/* Instances whose process is not there yet, and that nothing was sent to: to those who wait they
 * are as good as asked for. */
static size_t count_unready(const struct function *f)
{
    size_t count = 0;
    list_for_each (item, &f->open) {
        const struct instance *i = list_entry(item, struct instance, in_function);
        count += !i->ready && instance_used(i) == 0;
    }
    return count;
}

static struct pool_state state_of(const struct gateway *g, const struct function *f)
{
    size_t unready = count_unready(f);
    return (struct pool_state){ .waiting = f->waiting_count,
                                .starting = f->starting + unready,
                                .forking = f->instance_count - f->ready_count - unready,
                                .instances = f->instance_count - unready,
                                .unused = f->unused_count - unready,
                                .used_ms = f->used_ms,
                                .start_rate = f->start_rate,
                                .now_ms = gateway_now_ms(g),
                                .processors = g->processors,
                                .start_failed = f->start_failed };
}

/* Of all functions, those that are asked for included. */
static size_t count_instances(const struct gateway *g)
{
    size_t count = g->instance_count;
    list_for_each (item, &g->functions) {
        count += list_entry(item, struct function, in_gateway)->starting;
    }
    return count;
}

static void start_instances(struct gateway *g, struct function *f, size_t count)
{
    struct message_instance_start start = { .type = MESSAGE_INSTANCE_START, .function = f->id };
    size_t all = count > 0 ? count_instances(g) : 0;
    for (size_t i = 0; i < count && all + i < g->instances_max; i++) {
        if (link_send(&g->supervisor, &start, NULL, 0) < 0) {
            return; /* the supervisor is gone, and so are we */
        }
        f->starting++;
    }
}

static void start_for_waiting(struct gateway *g, struct function *f)
{
    struct pool_state state = state_of(g, f);
    start_instances(g, f, pool_starts_for_waiting(&f->limits, &state));
}

static struct instance *first_open(const struct function *f)
{
    list_for_each (item, &f->open) {
        struct instance *i = list_entry(item, struct instance, in_function);
        if (instance_takes_requests(i)) {
            return i;
        }
    }
    return NULL;
}

/* This request is counted already. */
static bool is_over_reserved(const struct function *f)
{
    return f->reserved >= 0 && f->request_count > (uint64_t)f->reserved;
}

/* It has room for the request, which goes there. */
static void give(struct instance *i, struct request *rq)
{
    instance_bind(i, rq);
    rq->served_by = i->id;
    rq->leased_ns = uv_hrtime();
    request_count_time(rq, i->ready ? 0 : LIMIT_LOAD_MS);
    rq->step = REQUEST_REPLY; /* a body that came before, to another instance, follows at once */
    int r = invoke_send(rq);
    if (r == -EAGAIN) {
        instance_unbind(i, rq);
        instance_sort(i);
        rq->attempts--; /* nobody died */
        lease_again(rq);
        return;
    }
    if (r < 0) {
        instance_unbind(i, rq);
        request_fail(rq, ERROR_HEAD, STR(""));
        request_done(rq, 0, 0);
        return;
    }
    /* Control says when it wants the body: it may refuse it by the head. */
    if (!request_is_controls(rq)) {
        reply_continue(rq);
    }
    if (rq->conn) {
        conn_resume_body(rq->conn);
    }
}

int lease_acquire(struct request *rq)
{
    struct function *f = rq->function;
    struct instance *i = first_open(f);
    f->used_ms = gateway_now_ms(rq->gateway);
    if (is_over_reserved(f)) {
        return -EAGAIN;
    }
    if (i) {
        give(i, rq);
        return 0;
    }
    if (f->waiting_count >= LIMIT_QUEUE_PER_FUNCTION) {
        return -EAGAIN;
    }
    list_push(&f->waiting, &rq->waiting);
    f->waiting_count++;
    start_for_waiting(rq->gateway, f);
    return 0;
}

void lease_again(struct request *rq)
{
    struct function *f = rq->function;
    rq->step = REQUEST_LEASE;
    list_push_front(&f->waiting, &rq->waiting);
    f->waiting_count++;
    struct instance *i = first_open(f);
    if (i) {
        lease_offer(i);
    } else {
        start_for_waiting(rq->gateway, f);
    }
}

void lease_offer(struct instance *i)
{
    struct function *f = i->function;
    while (instance_takes_requests(i) && !list_is_empty(&f->waiting)) {
        struct request *rq = list_entry(f->waiting.next, struct request, waiting);
        request_stop_waiting(rq);
        give(i, rq);
    }
}

void lease_started(struct function *f)
{
    f->starting -= f->starting > 0;
}

void lease_up(struct instance *i)
{
    i->function->has_served = true;
    i->function->start_failed = false;
    lease_offer(i);
    start_for_waiting(i->gateway, i->function);
}

void lease_not_started(struct function *f, struct str text, bool unheard)
{
    f->start_failed = true;
    if (unheard) {
        lease_started(f);
    }
    if (f->starting > 0 || f->instance_count > 0) {
        return; /* others may still serve those who wait */
    }
    (void)function_ref(f); /* of a build that is no more, it lives as long as they do */
    while (!list_is_empty(&f->waiting)) {
        struct request *rq = list_entry(f->waiting.next, struct request, waiting);
        request_stop_waiting(rq);
        request_fail(rq, ERROR_START, text);
        request_done(rq, 0, 0);
    }
    function_unref(f);
}

/* Spares and idle instances. */

/* A burst shows in the rate after some sweeps, and is forgotten within about a quarter second. */
#define RATE_MS    20
#define RATE_SHARE 0.3 /* of what was counted last */

static void rate_starts(struct function *f, uint64_t now_ms)
{
    uint64_t passed = now_ms - f->rated_ms;
    if (passed >= RATE_MS) {
        double rate = (double)f->start_counted * 1000 / (double)passed;
        f->start_rate += (rate - f->start_rate) * RATE_SHARE;
        f->start_counted = 0;
        f->rated_ms = now_ms;
    }
}

static size_t count_idle(const struct function *f, uint64_t now_ms)
{
    size_t count = 0;
    list_for_each (item, &f->open) {
        const struct instance *i = list_entry(item, struct instance, in_function);
        count += instance_used(i) == 0 && f->limits.idle_ms != UINT64_MAX &&
                 now_ms - i->unused_ms >= f->limits.idle_ms;
    }
    return count;
}

static struct instance *longest_unused(const struct function *f)
{
    struct instance *found = NULL;
    list_for_each (item, &f->open) {
        struct instance *i = list_entry(item, struct instance, in_function);
        if (instance_used(i) == 0 && (!found || i->unused_ms < found->unused_ms)) {
            found = i;
        }
    }
    return found;
}

/* Tunnels have no end of their own, and their clients come back to the new version. */
static void end_tunnels(struct instance *i)
{
    for (uint32_t k = 0; k < i->slot_count; k++) {
        struct request *rq = i->slots[k];
        if (rq && rq->tunnel && rq->conn) {
            instance_cancel(rq, FRAME_CANCEL_DRAIN);
            reply_abort(rq);
        }
    }
}

static void stop_retired(struct function *f)
{
    struct list *lists[] = { &f->open, &f->closed };
    for (size_t k = 0; k < ARRAY_COUNT(lists); k++) {
        list_for_each (item, lists[k]) {
            struct instance *i = list_entry(item, struct instance, in_function);
            end_tunnels(i);
            if (instance_used(i) == 0 && i->stop_ms == 0) {
                instance_stop(i);
            }
        }
    }
}

static void sweep_function(struct gateway *g, struct function *f, uint64_t now_ms)
{
    if (f->waiting_count > 0) {
        start_for_waiting(g, f); /* of a build that is no more, too: nothing else serves them */
    } else if (f->retired) {
        stop_retired(f);
    }
    if (f->retired) {
        function_release(f);
        return;
    }
    rate_starts(f, now_ms);
    struct pool_state state = state_of(g, f);
    start_instances(g, f, pool_starts_ahead(&f->limits, &state));
    for (size_t n = pool_stops(&f->limits, &state, count_idle(f, now_ms)); n > 0; n--) {
        struct instance *i = longest_unused(f);
        if (!i) {
            break;
        }
        instance_stop(i);
    }
}

/* Builds. */

struct drain {
    struct list item;
    uint64_t build;
};

static void say_done(struct gateway *g, uint64_t build, bool drained)
{
    struct message_routes_done done = { .type = MESSAGE_ROUTES_DONE,
                                        .drained = drained,
                                        .build = build };
    (void)link_send(&g->control, &done, NULL, 0); /* control's end is ours, on_gone() */
}

static void sweep_drains(struct gateway *g)
{
    list_for_each (item, &g->functions) {
        const struct function *f = list_entry(item, struct function, in_gateway);
        if (f->retired && f->request_count > 0) {
            return;
        }
    }
    while (!list_is_empty(&g->drains)) {
        struct drain *d = list_entry(g->drains.next, struct drain, item);
        say_done(g, d->build, true);
        list_remove(&d->item);
        free(d);
    }
}

void lease_sweep(struct gateway *g, uint64_t now_ms)
{
    list_for_each (item, &g->functions) {
        sweep_function(g, list_entry(item, struct function, in_gateway), now_ms);
    }
    if (!list_is_empty(&g->drains)) {
        sweep_drains(g);
    }
}

static struct function *find_function(struct gateway *g, uint64_t id)
{
    list_for_each (item, &g->functions) {
        struct function *f = list_entry(item, struct function, in_gateway);
        if (f->id == id) {
            return f;
        }
    }
    return NULL;
}

void lease_build(struct gateway *g, struct routes_file *file, uint64_t build)
{
    struct router *router = take_ptr(file->router);
    list_for_each (item, &g->functions) {
        list_entry(item, struct function, in_gateway)->retired = true;
    }
    router->functions = mem_alloc((file->function_count + 1) * sizeof(void *));
    for (size_t k = 0; k < file->function_count; k++) {
        struct function *f = find_function(g, file->functions[k]->id);
        if (!f) {
            f = take_ptr(file->functions[k]);
            f->rated_ms = gateway_now_ms(g);
            list_push(&g->functions, &f->in_gateway);
        } else {
            f->reserved = file->functions[k]->reserved; /* it may change while a function stays */
        }
        f->retired = false;
        router->functions[router->function_count++] = f;
    }
    router->build = build;
    router_unref(g->router);
    g->router = router;
    struct drain *d = mem_new(struct drain);
    d->build = build;
    list_push(&g->drains, &d->item);
    say_done(g, build, false);
    lease_sweep(g, gateway_now_ms(g));
    gateway_expect_sweep(g);
}
