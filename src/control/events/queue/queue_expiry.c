/* Retention: what is too old is given to nobody from that moment on, and leaves the store little by
 * little.
 *
 * A message is due when it was sent or later. So those due before the time from which on messages
 * are kept are all too old: whoever looks begins behind them, in the index, and a timer has them
 * removed. Too old ones that were due later, since they were hidden or delayed, are met by looks,
 * which have them removed by their ids.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "control/events/queue/queue_expiry.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#define STEP_ROWS 2000 /* of a job: some 10 ms of the store's time */
#define RETRY_MS  500

struct expiry {
    struct store_job job;
    struct queue *queue; /* counted */
    uint64_t number;
    uint64_t before_ms;
    uint64_t *ids; /* owned */
    size_t count;
};

uint64_t queue_kept_since_ms(const struct queue *q, uint64_t now_ms)
{
    return q->retention_ms > 0 && q->retention_ms < now_ms ? now_ms - q->retention_ms : 0;
}

/* 1: there may be more. */
static int run_expiry(struct store_job *job, struct sql *db)
{
    const struct expiry *e = container_of(job, struct expiry, job);
    for (size_t i = 0; i < e->count; i++) {
        int r = store_messages_settle(
            db, &(struct message_outcome){ .id = e->ids[i], .fate = FATE_GONE });
        if (r < 0) {
            return r;
        }
    }
    int r = store_messages_expire(db, e->number, e->before_ms, STEP_ROWS);
    return r == STEP_ROWS ? 1 : r < 0 ? r : 0;
}

static void expiry_done(struct store_job *job, int r)
{
    struct expiry *e = container_of(job, struct expiry, job);
    struct queue *q = e->queue;
    if (r < 0) {
        log_error("queue %s: what is too old cannot be removed yet: %s", q->name, strerror(-r));
        queue_wake_at(q, clock_wall_ms() + RETRY_MS);
    } else {
        queue_wake(q);
    }
    e->count = 0;
    if (r == 1 && q->number == e->number) {
        store_submit(q->queues->store, job);
        return;
    }
    q->is_expiring = false;
    free(e->ids);
    free(e);
    queue_unref(q);
}

void queue_expire(struct queue *q, uint64_t before_ms, uint64_t *ids, size_t count)
{
    if (q->is_expiring || q->queues->setting_forward > 0 || !queue_is_open(q)) {
        free(ids); /* they are met again */
        return;
    }
    struct expiry *e = mem_new(struct expiry);
    *e = (struct expiry){ .job = { .run = run_expiry, .done = expiry_done, .makes_room = true },
                          .queue = q,
                          .number = q->number,
                          .before_ms = before_ms,
                          .ids = ids,
                          .count = count };
    q->is_expiring = true;
    q->references++;
    store_submit(q->queues->store, &e->job);
}

void queue_expire_due(struct queue *q, uint64_t now_ms)
{
    uint64_t before_ms = queue_kept_since_ms(q, now_ms);
    if (before_ms > 0 && queue_is_open(q) &&
        store_messages_next_due(q->queues->store, q->number, 0) < before_ms) {
        queue_expire(q, before_ms, NULL, 0);
    }
}

void queue_set_retention(struct queue *q, uint64_t retention_ms)
{
    q->retention_ms = retention_ms;
    queue_expire_due(q, clock_wall_ms());
    queue_wake(q);
}
