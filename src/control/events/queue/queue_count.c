/* How many messages a queue has. All that wait are a range of an index, which has to be walked: of
 * a short queue it is, of a long one a little in each turn of the loop.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/mem.h"
#include "control/events/queue/queue.h"
#include "control/events/queue/queue_expiry.h"

#define COUNT_ROWS   10000 /* in a turn: a millisecond or two */
#define COUNT_AGE_MS 1000  /* then it is counted anew, if somebody asks */

struct counting {
    uv_idle_t turn;
    struct queue *queue; /* counted */
    uint64_t number;
    struct message_place place;
    struct message_counts counts;
};

static void counting_free(uv_handle_t *handle)
{
    free(container_of((uv_idle_t *)handle, struct counting, turn));
}

static void keep(struct queue *q, const struct message_counts *counts)
{
    q->counts = *counts;
    q->counted_ms = clock_wall_ms();
}

static void count_some(uv_idle_t *turn)
{
    struct counting *c = container_of(turn, struct counting, turn);
    struct queue *q = c->queue;
    if (q->number == c->number && store_messages_tally(q->queues->store, c->number, clock_wall_ms(),
                                                       COUNT_ROWS, &c->place, &c->counts)) {
        return;
    }
    if (q->number == c->number) { /* else it was purged */
        keep(q, &c->counts);
    }
    q->is_counting = false;
    queue_unref(q);
    uv_close((uv_handle_t *)turn, counting_free);
}

/* What is too old does not count. */
static struct message_place first_kept(const struct queue *q)
{
    return (struct message_place){ .due_ms = queue_kept_since_ms(q, clock_wall_ms()) };
}

static void start_counting(struct queue *q)
{
    struct counting *c = mem_new(struct counting);
    *c = (struct counting){ .queue = q, .number = q->number, .place = first_kept(q) };
    q->is_counting = true;
    q->references++;
    (void)uv_idle_init(q->queues->loop, &c->turn); /* always succeeds */
    (void)uv_idle_start(&c->turn, count_some);     /* has a callback: works */
}

static void count_stored(struct queue *q, struct message_counts *ret)
{
    struct store *store = q->queues->store;
    struct message_place place = first_kept(q);
    uint64_t since = place.due_ms;
    uint64_t now = clock_wall_ms();
    *ret = (struct message_counts){ 0 };
    if (q->number == 0 || !store_messages_tally(store, q->number, now, COUNT_ROWS, &place, ret)) {
        return; /* these are all */
    }
    if (q->counted_ms == 0) {
        store_messages_count(store, q->number, since, now, ret);
        keep(q, ret);
    } else {
        *ret = q->counts;
        if (!q->is_counting && now - q->counted_ms >= COUNT_AGE_MS) {
            start_counting(q);
        }
    }
}

/* What is in a consumer's hands waits like any in the database, but nobody else gets it. */
void queue_count(struct queue *q, struct message_counts *ret)
{
    count_stored(q, ret);
    list_for_each (item, &q->in_flight) {
        ret->hidden += list_entry(item, struct delivery, link)->count;
    }
}
