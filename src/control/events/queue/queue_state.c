/* The least that every part of a queue stands on: being known, being looked at again.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "control/events/queue/queue_state.h"

#include <stdlib.h>

#include "base/clock.h"

#define TIMER_MS_MAX ((uint64_t)30000) /* then a clock that was set is noticed, and a sleep */

static void queue_free(uv_handle_t *handle)
{
    struct queue *q = container_of((uv_timer_t *)handle, struct queue, timer);
    id_set_finish(&q->held);
    free(q->name);
    free(q);
}

void queue_unref(struct queue *q)
{
    if (--q->references == 0) {
        uv_close((uv_handle_t *)&q->timer, queue_free);
    }
}

void queue_set_number(struct queue *q, uint64_t number)
{
    if (q->purges == 0 && !q->dropped) {
        q->number = number;
    }
}

bool queue_is_open(const struct queue *q)
{
    return q->number != 0 && q->purges == 0 && !q->dropped;
}

/* ---- waking ---- */

void queue_mark(struct queue *q)
{
    if (list_is_empty(&q->dirty) && !list_is_empty(&q->in_bucket)) {
        list_push(&q->queues->dirty, &q->dirty);
        (void)uv_idle_start(&q->queues->idle, q->queues->look); /* has a callback: works */
    }
}

void queue_look_back(struct queue *q, uint64_t due_ms)
{
    if (due_ms <= q->looked.due_ms) {
        q->looked = (struct message_place){ 0 };
    }
}

void queue_wake(struct queue *q)
{
    queue_look_back(q, 0);
    queue_mark(q);
}

static void on_due(uv_timer_t *timer)
{
    struct queue *q = container_of(timer, struct queue, timer);
    q->timer_ms = 0;
    queue_mark(q);
}

void queue_wake_at(struct queue *q, uint64_t due_ms)
{
    uint64_t now = clock_wall_ms();
    uint64_t delay = due_ms > now ? due_ms - now : 0;
    if (q->timer_ms == 0 || due_ms < q->timer_ms) {
        q->timer_ms = due_ms;
        /* Timers know nothing of a clock that is set, and do not count while the machine sleeps. */
        (void)uv_timer_start(&q->timer, on_due, delay < TIMER_MS_MAX ? delay : TIMER_MS_MAX, 0);
    }
}

void queue_tell_waiters(struct queue *q)
{
    struct list now;
    list_init(&now);
    while (!list_is_empty(&q->waiters)) {
        struct list *item = q->waiters.next;
        list_remove(item);
        list_push(&now, item);
    }
    while (!list_is_empty(&now)) {
        struct queue_waiter *w = list_entry(now.next, struct queue_waiter, link);
        list_remove(&w->link);
        w->available(w);
    }
}
