/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/queue/queue.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "control/events/queue/queue_clock.h"
#include "control/events/queue/queue_dispatch.h"
#include "control/events/queue/queue_expiry.h"
#include "control/events/queue/queue_state.h"

#define KEEP_DONE_MS  ((uint64_t)3600 * 1000)
#define KEEP_DEAD_MS  ((uint64_t)14 * 24 * 3600 * 1000)
#define HISTORY_MS    30000 /* between two looks at what may be forgotten */
#define HISTORY_ROWS  2000  /* of a kind in a job: it is a short one among the others */
#define SWEEP_ROWS    2000  /* of dropped queues, in a job: some 10 ms of the store's time */
#define OPEN_RETRY_MS 1000

/* ---- which there are ---- */

static size_t bucket_of(struct str name)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (size_t i = 0; i < name.len; i++) {
        hash = (hash ^ (unsigned char)name.data[i]) * 1099511628211u;
    }
    return hash % QUEUE_BUCKETS;
}

struct queue *queue_find(struct queues *qs, struct str name)
{
    list_for_each (item, &qs->buckets[bucket_of(name)]) {
        struct queue *q = list_entry(item, struct queue, in_bucket);
        if (str_eq(str_c(q->name), name)) {
            return q;
        }
    }
    return NULL;
}

const char *queue_name(const struct queue *q)
{
    return q->name;
}

uint64_t queue_number(const struct queue *q)
{
    return q->number;
}

/* Asks the store for the queue's number. */
struct queue_opening {
    struct store_job job;
    struct queue *queue; /* counted */
    uint64_t number;
    uv_timer_t again; /* a full disk */
    bool has_failed;
};

static int run_opening(struct store_job *job, struct sql *db)
{
    struct queue_opening *o = container_of(job, struct queue_opening, job);
    return store_messages_queue(db, str_c(o->queue->name), &o->number);
}

static void opening_free(uv_handle_t *handle)
{
    struct queue_opening *o = container_of((uv_timer_t *)handle, struct queue_opening, again);
    queue_unref(o->queue);
    free(o);
}

/* Somebody may have removed the queue, or sent a message to it, meanwhile. */
static void opening_again(uv_timer_t *timer)
{
    struct queue_opening *o = container_of(timer, struct queue_opening, again);
    if (o->queue->dropped || o->queue->number != 0) {
        uv_close((uv_handle_t *)timer, opening_free);
    } else {
        store_submit(o->queue->queues->store, &o->job);
    }
}

/* What waits in a queue that is not open would be handed out to nobody. */
static void opening_done(struct store_job *job, int r)
{
    struct queue_opening *o = container_of(job, struct queue_opening, job);
    struct queue *q = o->queue;
    if (r < 0) {
        if (!o->has_failed) {
            log_error("queue %s cannot be opened yet: %s", q->name, strerror(-r));
        }
        o->has_failed = true;
        (void)uv_timer_start(&o->again, opening_again, OPEN_RETRY_MS,
                             0); /* has a callback: works */
        return;
    }
    if (q->number == 0) {
        queue_set_number(q, o->number);
        queue_wake(q);
    }
    uv_close((uv_handle_t *)&o->again, opening_free);
}

static void begin_opening(struct queue *q)
{
    struct queue_opening *o = mem_new(struct queue_opening);
    *o = (struct queue_opening){
        .job = { .run = run_opening, .done = opening_done, .makes_room = true }, .queue = q
    };
    (void)uv_timer_init(q->queues->loop, &o->again); /* always succeeds */
    q->references++;
    store_submit(q->queues->store, &o->job);
}

/* After a start what is stored is known at once: nobody may take a queue for empty that is not. A
 * queue that has just been dropped may still be read. */
static uint64_t known_number(const struct queues *qs, struct str name)
{
    return qs->has_dropped ? 0 : store_messages_queue_find(qs->store, name);
}

struct queue *queue_open(struct queues *qs, struct str name)
{
    struct queue *q = queue_find(qs, name);
    if (q) {
        return q;
    }
    q = mem_new(struct queue);
    *q = (struct queue){
        .queues = qs, .name = mem_copy_str(name), .number = known_number(qs, name), .references = 1
    };
    list_init(&q->dirty);
    list_init(&q->stopped);
    list_init(&q->waiters);
    list_init(&q->in_flight);
    list_push(&qs->buckets[bucket_of(name)], &q->in_bucket);
    (void)uv_timer_init(qs->loop, &q->timer); /* always succeeds */
    if (q->number == 0) {
        begin_opening(q);
    }
    return q;
}

/* ---- the end of messages ---- */

static int run_sweep(struct store_job *job, struct sql *db)
{
    (void)job;
    return store_messages_sweep(db, SWEEP_ROWS);
}

/* After a failure the next look at what may be forgotten tries again. */
static void sweep_done(struct store_job *job, int r)
{
    struct queues *qs = container_of(job, struct queues, sweep);
    qs->is_sweeping = r > 0;
    if (r > 0) {
        store_submit(qs->store, job);
    }
}

static void sweep(struct queues *qs)
{
    if (!qs->is_sweeping) {
        qs->is_sweeping = true;
        qs->sweep = (struct store_job){ .run = run_sweep, .done = sweep_done, .makes_room = true };
        store_submit(qs->store, &qs->sweep);
    }
}

struct queue_dropping {
    struct store_job job;
    struct queue *queue; /* counted */
};

static int run_dropping(struct store_job *job, struct sql *db)
{
    const struct queue_dropping *d = container_of(job, struct queue_dropping, job);
    return store_messages_drop_queue(db, str_c(d->queue->name));
}

static void dropping_done(struct store_job *job, int r)
{
    struct queue_dropping *d = container_of(job, struct queue_dropping, job);
    if (r < 0) {
        log_error("queue %s cannot be removed: %s", d->queue->name, strerror(-r));
    }
    sweep(d->queue->queues);
    queue_unref(d->queue);
    free(d);
}

void queue_drop(struct queue *q)
{
    struct queue_dropping *d = mem_new(struct queue_dropping);
    *d = (struct queue_dropping){
        .job = { .run = run_dropping, .done = dropping_done, .makes_room = true }, .queue = q
    };
    q->queues->has_dropped = true;
    q->consumer = NULL;
    q->dropped = true;
    list_remove(&q->in_bucket);
    list_remove(&q->dirty);
    list_remove(&q->stopped);
    (void)uv_timer_stop(&q->timer); /* always succeeds */
    queue_tell_waiters(q);
    store_submit(q->queues->store, &d->job); /* takes over the reference of being known */
}

static int run_purging(struct store_job *job, struct sql *db)
{
    struct queue_purge *p = container_of(job, struct queue_purge, job);
    struct str name = str_c(p->queue->name);
    int r = store_messages_drop_queue(db, name);
    return r < 0 ? r : store_messages_queue(db, name, &p->number);
}

static void purging_done(struct store_job *job, int r)
{
    struct queue_purge *p = container_of(job, struct queue_purge, job);
    struct queue *q = p->queue;
    q->purges--;
    if (r == 0) {
        queue_set_number(q, p->number);
        q->counted_ms = 0;
        sweep(q->queues);
    }
    queue_wake(q);
    p->purged(p, r); /* may free it */
    queue_unref(q);
}

void queue_purge(struct queue_purge *p)
{
    p->job = (struct store_job){ .run = run_purging, .done = purging_done, .makes_room = true };
    p->queue->purges++;
    p->queue->references++;
    store_submit(p->queue->queues->store, &p->job);
}

/* ---- waking ---- */

static void run_dirty(uv_idle_t *idle)
{
    struct queues *qs = container_of(idle, struct queues, idle);
    struct list now;
    list_init(&now);
    /* Those that wake again meanwhile wait for the next turn. */
    while (!list_is_empty(&qs->dirty)) {
        struct list *item = qs->dirty.next;
        list_remove(item);
        list_push(&now, item);
    }
    (void)uv_idle_stop(idle); /* always succeeds */
    while (!list_is_empty(&now)) {
        struct queue *q = list_entry(now.next, struct queue, dirty);
        list_remove(&q->dirty);
        queue_dispatch(q);
        queue_tell_waiters(q);
    }
}

void queue_wait(struct queue *q, struct queue_waiter *w)
{
    uint64_t due = q->number ? store_messages_next_due(q->queues->store, q->number, clock_wall_ms())
                             : UINT64_MAX;
    list_push(&q->waiters, &w->link);
    if (due != UINT64_MAX) {
        queue_wake_at(q, due);
    }
}

/* ---- consumers ---- */

void queue_consume(struct queue *q, const struct queue_consumer *consumer,
                   const struct queue_policy *policy, void *context)
{
    q->consumer = consumer;
    q->policy = policy ? *policy : (struct queue_policy){ 0 };
    q->context = context;
    queue_mark(q);
}

void queue_set_ordered(struct queue *q, bool ordered)
{
    q->ordered = ordered;
}

/* ---- sending ---- */

static int run_send(struct store_job *job, struct sql *db)
{
    struct queue_send *s = container_of(job, struct queue_send, job);
    int r = s->message.queue == 0
                ? store_messages_queue(db, str_c(s->queue->name), &s->message.queue)
                : 0;
    return r < 0 ? r
                 : store_messages_insert(db, &s->message, s->dedup, s->dedup_since_ms,
                                         &s->message.id);
}

static void send_done(struct store_job *job, int r)
{
    struct queue_send *s = container_of(job, struct queue_send, job);
    struct queue *q = s->queue;
    s->is_duplicate = r == 1;
    if (r == 0) {
        queue_set_number(q, s->message.queue);
        queue_look_back(q, s->message.due_ms);
        queue_mark(q);
    }
    s->sent(s, r < 0 ? r : 0); /* may free it */
    queue_unref(q);
}

void queue_send(struct queue_send *s)
{
    /* 0: the job finds it by name, or writes that, too. */
    s->message.queue = s->queue->purges == 0 ? s->queue->number : 0;
    s->job = (struct store_job){ .run = run_send,
                                 .done = send_done,
                                 .is_one_write = s->message.queue != 0 && s->dedup.len == 0 &&
                                                 !s->message.is_kept };
    s->queue->references++;
    store_submit(s->queue->queues->store, &s->job);
}

void queue_send_original(const struct queue_send *s, char ret[UUID_BYTES])
{
    store_messages_original(s->queue->queues->store, s->message.queue, s->dedup, ret, UUID_BYTES);
}

/* ---- history ---- */

/* Of one kind, then on to the next. 1: there may be more. */
static int run_history(struct store_job *job, struct sql *db)
{
    struct queue_history *h = container_of(job, struct queue_history, job);
    int done = 0;
    int r;
    if (h->queue == 0) {
        r = store_messages_forget_dedup(db, h->now_ms, HISTORY_ROWS);
    } else {
        done = store_messages_purge(db, h->queue, MESSAGE_DONE, h->now_ms - KEEP_DONE_MS,
                                    HISTORY_ROWS);
        r = store_messages_purge(db, h->queue, MESSAGE_DEAD, h->now_ms - KEEP_DEAD_MS,
                                 HISTORY_ROWS);
    }
    if (done < 0 || r < 0) {
        return done < 0 ? done : r;
    }
    bool has_more = done + r >= HISTORY_ROWS;
    if (!has_more) {
        h->queue = store_messages_next_history(db, h->queue);
    }
    return has_more || h->queue > 0;
}

/* After a failure the next look tries again. */
static void history_done(struct store_job *job, int r)
{
    struct queues *qs = container_of(job, struct queues, history.job);
    qs->history.is_on = r > 0;
    if (r > 0) {
        store_submit(qs->store, job);
    }
}

/* However much comes in: as much is forgotten, in short jobs that others come between. */
static void forget_history(struct queues *qs, uint64_t now_ms)
{
    if (!qs->history.is_on) {
        qs->history = (struct queue_history){
            .job = { .run = run_history, .done = history_done, .makes_room = true },
            .now_ms = now_ms,
            .is_on = true
        };
        store_submit(qs->store, &qs->history.job);
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct queues *qs = container_of(timer, struct queues, timer);
    uint64_t now = clock_wall_ms();
    sweep(qs);
    queue_clock_look(qs);
    forget_history(qs, now);
    for (size_t i = 0; i < QUEUE_BUCKETS; i++) {
        list_for_each (item, &qs->buckets[i]) {
            queue_expire_due(list_entry(item, struct queue, in_bucket), now);
        }
    }
}

struct queues *queues_create(uv_loop_t *loop, struct store *store)
{
    struct queues *qs = mem_new(struct queues);
    qs->loop = loop;
    qs->store = store;
    qs->look = run_dirty;
    qs->lead_ms = CLOCK_NOT_SEEN_MS;
    list_init(&qs->dirty);
    list_init(&qs->stopped);
    for (size_t i = 0; i < QUEUE_BUCKETS; i++) {
        list_init(&qs->buckets[i]);
    }
    (void)uv_idle_init(loop, &qs->idle); /* none of these can fail */
    (void)uv_timer_init(loop, &qs->timer);
    (void)uv_timer_start(&qs->timer, on_timer, HISTORY_MS, HISTORY_MS);
    sweep(qs); /* what an earlier process has not come to; so is the last */
    queues_clock_set(qs);
    forget_history(qs, clock_wall_ms());
    return qs;
}

struct store *queues_store(struct queues *qs)
{
    return qs->store;
}
