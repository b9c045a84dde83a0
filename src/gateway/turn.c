/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/turn.h"

#include "gateway/conn.h"
#include "gateway/instance.h"
#include "gateway/lease.h"
#include "gateway/request_steps.h"

#define SWEEP_IDLE_MS  100 /* with instances that may have to go */
#define SWEEP_QUIET_MS 1000
#define FLUSH_ROUNDS   4 /* a turn: answers that make others possible at once */

/* ---- the sweep ---- */

static void arm_sweep(struct gateway *g)
{
    uint64_t delay = g->request_count > 0    ? GATEWAY_SWEEP_MS
                     : g->instance_count > 0 ? SWEEP_IDLE_MS
                                             : SWEEP_QUIET_MS;
    if (g->request_count + g->instance_count + g->conn_count == 0 && list_is_empty(&g->drains) &&
        list_is_empty(&g->functions) && g->accepting) {
        return;
    }
    (void)uv_timer_start(&g->sweep, g->on_sweep, delay, 0); /* has a callback: works */
}

/* One request's end may be the end of others: a cursor keeps the place. */
static void sweep_requests(struct gateway *g, uint64_t now_ms)
{
    struct list cursor;
    struct list *item = g->requests.next;
    while (item != &g->requests) {
        list_push_front(item, &cursor);
        request_sweep(list_entry(item, struct request, in_gateway), now_ms);
        item = cursor.next;
        list_remove(&cursor);
    }
}

static void on_sweep(uv_timer_t *timer)
{
    struct gateway *g = container_of(timer, struct gateway, sweep);
    uint64_t now = gateway_now_ms(g);
    gateway_turn(g);
    (void)gateway_date(g);
    sweep_requests(g, now);
    for (size_t k = 0; g->instance_count > 0 && k < GATEWAY_INSTANCE_HASH; k++) {
        list_for_each (item, &g->instances[k]) {
            instance_sweep(list_entry(item, struct instance, in_gateway), now);
        }
    }
    list_for_each (item, &g->conns) {
        conn_sweep(list_entry(item, struct conn, in_gateway), now);
    }
    lease_sweep(g, now);
    listener_resume(g);
    arm_sweep(g);
}

/* ---- reading and writing ---- */

static void read_awake(struct gateway *g)
{
    list_for_each (item, &g->awake) {
        instance_read(list_entry(item, struct instance, awake));
    }
}

static void wake_instances(struct gateway *g)
{
    while (!list_is_empty(&g->dirty_instances)) {
        struct instance *i = list_entry(g->dirty_instances.next, struct instance, dirty);
        list_remove(&i->dirty);
        channel_flush(&i->channel);
    }
}

/* One pass: a connection that makes itself dirty again waits for the next. */
static void flush_conns(struct gateway *g)
{
    struct list now;
    list_init(&now);
    if (list_is_empty(&g->dirty_conns)) {
        return;
    }
    now = g->dirty_conns;
    now.next->prev = &now;
    now.prev->next = &now;
    list_init(&g->dirty_conns);
    while (!list_is_empty(&now)) {
        conn_flush(list_entry(now.next, struct conn, dirty));
    }
}

static void on_again(uv_idle_t *idle)
{
    (void)idle; /* its being active makes the loop not wait */
}

static void on_check(uv_check_t *check)
{
    struct gateway *g = container_of(check, struct gateway, check);
    if (!g->in_turn) {
        return;
    }
    g->in_turn = false;
    wake_instances(g); /* first: they work while we write */
    read_awake(g);
    for (int i = 0; i < FLUSH_ROUNDS && !list_is_empty(&g->dirty_conns); i++) {
        flush_conns(g);
    }
    wake_instances(g);
    if (g->conn_left) {
        g->conn_left = false;
        listener_resume(g);
    }
}

/* Before the wait: whoever has nothing to say is told that we sleep. */
static void on_prepare(uv_prepare_t *prepare)
{
    struct gateway *g = container_of(prepare, struct gateway, prepare);
    bool again = !list_is_empty(&g->dirty_conns) || !list_is_empty(&g->dirty_instances);
    list_for_each (item, &g->awake) {
        struct instance *i = list_entry(item, struct instance, awake);
        if (instance_sleep(i)) {
            list_remove(&i->awake);
        } else {
            again = true;
        }
    }
    if (again) {
        g->in_turn = true;
        (void)uv_idle_start(&g->again, on_again); /* has a callback: works */
    } else {
        (void)uv_idle_stop(&g->again); /* always works */
    }
}

void turn_begin(struct gateway *g)
{
    g->on_sweep = on_sweep;
    (void)uv_timer_init(&g->loop, &g->sweep); /* none of these can fail */
    (void)uv_prepare_init(&g->loop, &g->prepare);
    (void)uv_check_init(&g->loop, &g->check);
    (void)uv_idle_init(&g->loop, &g->again);
    (void)uv_prepare_start(&g->prepare, on_prepare);
    (void)uv_check_start(&g->check, on_check);
    arm_sweep(g);
}
