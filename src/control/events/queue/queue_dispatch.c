/* How messages leave a queue: which are next, to whom they are handed, what becomes of them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "control/events/queue/queue_dispatch.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "control/events/queue/queue_pick.h"
#include "control/text/utf8.h"

#define HAND_OUTS_MAX   64 /* in a turn of the loop */
#define SETTLE_RETRY_MS 500
#define THROTTLE_MS     1000 /* Lambda's first delay after a throttled event */
#define THROTTLE_STEPS  10   /* from one batch to more than any consumer takes */

static void messages_free(struct delivered *messages, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(messages[i].memory);
        free(messages[i].error);
    }
    free(messages);
}

/* ---- handing out ---- */

static void hold(struct queue *q, const struct delivered *messages, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        id_set_add(&q->held, messages[i].message.id);
    }
}

/* One that is to be handled again is in front of where was looked, as long as it is due. */
static void let_go(struct queue *q, const struct message_outcome *o)
{
    id_set_remove(&q->held, o->id);
    if (o->fate == FATE_AGAIN) {
        queue_look_back(q, o->due_ms);
    }
}

/* Waits for more? Then for until when, else 0. */
static uint64_t fills_until(const struct queue *q, const struct queue_pick *p)
{
    const struct queue_policy *policy = &q->policy;
    if (policy->window_ms == 0 || p->count == 0 || p->count == p->max) {
        return 0;
    }
    uint64_t until = p->messages[0].message.due_ms + policy->window_ms;
    bool is_large = policy->window_bytes > 0 && p->bytes >= policy->window_bytes;
    return until > p->now_ms && !is_large ? until : 0;
}

static struct delivery *delivery_of(struct queue *q, struct queue_pick *p)
{
    struct delivery *d = mem_new(struct delivery);
    *d = (struct delivery){ .queue = q,
                            .messages = p->messages,
                            .count = p->count,
                            .started_ms = p->now_ms,
                            .bytes = p->bytes };
    list_init(&d->follows);
    list_push(&q->in_flight, &d->link);
    hold(q, d->messages, d->count);
    if (p->last.id != 0) {
        q->looked = p->last;
    }
    q->references++;
    q->batches++;
    q->queues->in_hands_bytes += d->bytes;
    return d;
}

static bool is_expired(const struct queue *q, const struct delivered *m, uint64_t now_ms)
{
    return q->policy.max_age_ms > 0 && m->message.sent_ms + q->policy.max_age_ms < now_ms;
}

/* Too old messages go without a try, in a delivery of their own. True: that is what this was. */
static bool expire(struct queue *q, struct delivery *d)
{
    if (!is_expired(q, &d->messages[0], d->started_ms)) {
        return false;
    }
    for (size_t i = 0; i < d->count; i++) {
        struct delivered *m = &d->messages[i];
        if (!is_expired(q, m, d->started_ms)) {
            m->outcome.attempts--; /* it was not its turn */
            queue_set_outcome(m, FATE_AGAIN, m->message.due_ms, m->message.error);
            continue;
        }
        queue_set_outcome(m, FATE_DEAD, d->started_ms,
                          STR("its maximum age passed before it could be handled"));
        m->outcome.attempts--;
        if (q->consumer->expired) {
            q->consumer->expired(q, d, m, q->context);
        }
    }
    queue_delivered(d);
    return true;
}

/* False: there is nothing to hand out now. */
static bool hand_out(struct queue *q)
{
    struct queue_pick p = { .queue = q,
                            .max = q->policy.batch_size,
                            .bytes_max = q->policy.window_bytes };
    queue_pick_run(&p, q->policy.ordered || q->ordered, 1);
    uint64_t until = fills_until(q, &p);
    if (p.count == 0 || until > 0) {
        uint64_t wake = until > 0 && until < p.later_ms ? until : p.later_ms;
        messages_free(p.messages, p.count);
        if (wake != UINT64_MAX) {
            queue_wake_at(q, wake);
        }
        return false;
    }
    struct delivery *d = delivery_of(q, &p);
    if (!expire(q, d)) {
        q->consumer->deliver(q, d, q->context);
    }
    return true;
}

static bool may_hand_out(const struct queue *q)
{
    return q->consumer && queue_is_open(q) && q->batches < q->policy.concurrency;
}

/* How many batches there is room for is not known here: others use the function, too. One that came
 * back tells, and every THROTTLE_MS without another twice as many are tried. True: no more now. */
static bool is_throttled(struct queue *q)
{
    uint64_t steps =
        q->throttled_ms > 0 ? (clock_boot_ms() - q->throttled_ms) / THROTTLE_MS : THROTTLE_STEPS;
    if (steps >= THROTTLE_STEPS) {
        return false;
    }
    uint64_t room = steps == 0 || q->throttled_to > 0 ? q->throttled_to : 1;
    if (q->batches < room << steps) {
        return false;
    }
    queue_wake_at(q, clock_wall_ms() + THROTTLE_MS);
    return true;
}

/* Of what consumers have so much is kept in memory: who has nothing yet gets something all the
 * same, so that slow ones hold up nobody. */
static bool must_stop(struct queue *q)
{
    struct queues *qs = q->queues;
    bool must = q->batches > 0 && qs->in_hands_bytes >= LIMIT_IN_HANDS_BYTES;
    if (must && list_is_empty(&q->stopped)) {
        list_push(&qs->stopped, &q->stopped);
    }
    return must;
}

/* Those that stopped go on, once there is room. */
static void put_down(struct queues *qs, size_t bytes)
{
    qs->in_hands_bytes -= bytes;
    while (qs->in_hands_bytes < LIMIT_IN_HANDS_BYTES && !list_is_empty(&qs->stopped)) {
        struct queue *q = list_entry(qs->stopped.next, struct queue, stopped);
        list_remove(&q->stopped);
        queue_mark(q);
    }
}

void queue_dispatch(struct queue *q)
{
    for (size_t i = 0; may_hand_out(q) && !is_throttled(q) && !must_stop(q) && hand_out(q); i++) {
        if (i == HAND_OUTS_MAX) {
            queue_mark(q); /* others come between, as the outcomes do that are ready at once */
            return;
        }
    }
}

void queue_delivery_name(const struct delivery *d, char ret[QUEUE_DELIVERY_NAME_BYTES])
{
    char more[24] = "";
    if (d->count > 1) {
        (void)snprintf(more, sizeof(more), " +%zu", d->count - 1); /* fits */
    }
    (void)snprintf(ret, QUEUE_DELIVERY_NAME_BYTES, "%.80s #%llu%s", d->queue->name,
                   (unsigned long long)d->messages[0].message.id, more); /* fits */
}

/* Errors have what functions and hosts outside say: cut anywhere, and perhaps no text. */
static char *error_text(struct str error)
{
    struct buf text;
    buf_init(&text, 3 * LIMIT_LOG_LINE_BYTES); /* U+FFFD for each byte */
    error.len = error.len < LIMIT_LOG_LINE_BYTES ? error.len : LIMIT_LOG_LINE_BYTES;
    int r = error.data ? utf8_append_sound(&text, error) : 0;
    char *copy = r == 0 && text.len > 0 ? mem_copy_str(buf_str(&text)) : NULL;
    buf_finish(&text);
    return copy;
}

void queue_set_outcome(struct delivered *m, enum message_fate fate, uint64_t due_ms,
                       struct str error)
{
    free(m->error);
    m->error = error_text(error);
    m->outcome.fate = fate;
    m->outcome.due_ms = due_ms;
    m->outcome.error = m->error ? str_c(m->error) : STR("");
}

/* ---- what becomes of them ---- */

struct queue_follow {
    struct list link;
    struct queue *to; /* counted */
    bool is_lost;     /* that queue was dropped meanwhile */
    struct stored_message message;
    struct str dedup;
    char *memory; /* owned: what the texts point into */
    char *key;    /* owned: dedup's */
};

void queue_follow(struct delivery *d, struct queue *to, const struct stored_message *m,
                  struct str dedup, uint64_t delay_ms)
{
    struct queue_follow *f = mem_new(struct queue_follow);
    *f = (struct queue_follow){ .to = to, .message = *m, .key = mem_copy_str(dedup) };
    f->message.error = STR("");
    f->memory = queue_copy_texts(&f->message);
    f->dedup = str_c(f->key);
    f->message.state = MESSAGE_WAITING;
    f->message.due_ms = clock_wall_ms() + delay_ms;
    f->message.sent_ms = m->sent_ms > 0 ? m->sent_ms : clock_wall_ms();
    f->message.queue = to->number;
    to->references++;
    list_push(&d->follows, &f->link);
}

static int insert_follows(struct sql *db, const struct delivery *d)
{
    list_for_each (item, &d->follows) {
        struct queue_follow *f = list_entry(item, struct queue_follow, link);
        if (f->is_lost) {
            continue;
        }
        int r = store_messages_queue(db, str_c(f->to->name), &f->message.queue);
        uint64_t id;
        r = r < 0 ? r : store_messages_insert(db, &f->message, f->dedup, 0, &id);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

/* The list goes with its delivery. */
static void free_follows(struct delivery *d)
{
    list_for_each (item, &d->follows) {
        struct queue_follow *f = list_entry(item, struct queue_follow, link);
        queue_set_number(f->to, f->message.queue);
        queue_wake(f->to);
        queue_unref(f->to);
        free(f->memory);
        free(f->key);
        free(f);
    }
}

struct settling {
    struct store_job job;
    uv_timer_t again;
    struct delivery *delivery; /* owned */
    bool has_failed;           /* which was told */
};

static int run_settling(struct store_job *job, struct sql *db)
{
    const struct delivery *d = container_of(job, struct settling, job)->delivery;
    for (size_t i = 0; i < d->count; i++) {
        int r = store_messages_settle(db, &d->messages[i].outcome);
        if (r < 0) {
            return r;
        }
    }
    return insert_follows(db, d);
}

static void settling_free(uv_handle_t *handle)
{
    free(container_of((uv_timer_t *)handle, struct settling, again));
}

static void submit_settling(struct settling *s)
{
    list_for_each (item, &s->delivery->follows) {
        struct queue_follow *f = list_entry(item, struct queue_follow, link);
        f->is_lost = f->to->dropped;
    }
    store_submit(s->delivery->queue->queues->store, &s->job);
}

static void on_again(uv_timer_t *timer)
{
    submit_settling(container_of(timer, struct settling, again));
}

/* A full disk must not make a handled message come again: it is held until this is written. */
static void settling_done(struct store_job *job, int r)
{
    struct settling *s = container_of(job, struct settling, job);
    struct delivery *d = s->delivery;
    struct queue *q = d->queue;
    if (r < 0) {
        if (!s->has_failed) {
            log_error("queue %s: the outcome of %zu messages cannot be kept yet: %s", q->name,
                      d->count, strerror(-r));
        }
        s->has_failed = true;
        (void)uv_timer_start(&s->again, on_again, SETTLE_RETRY_MS, 0); /* has a callback: works */
        return;
    }
    for (size_t i = 0; i < d->count; i++) {
        let_go(q, &d->messages[i].outcome);
    }
    list_remove(&d->link);
    put_down(q->queues, d->bytes);
    free_follows(d);
    messages_free(d->messages, d->count);
    free(d);
    queue_mark(q);
    queue_unref(q);
    uv_close((uv_handle_t *)&s->again, settling_free);
}

void queue_delivered(struct delivery *d)
{
    struct queue *q = d->queue;
    struct settling *s = mem_new(struct settling);
    uint64_t now = clock_wall_ms();
    for (size_t i = 0; i < d->count; i++) {
        struct message_outcome *o = &d->messages[i].outcome;
        o->due_ms = o->fate == FATE_DONE ? now : o->due_ms; /* done since now */
    }
    *s = (struct settling){
        .job = { .run = run_settling, .done = settling_done, .makes_room = true }, .delivery = d
    };
    (void)uv_timer_init(q->queues->loop, &s->again); /* always succeeds */
    q->batches--;
    if (d->is_throttled) {
        q->throttled_to = q->batches;
        q->throttled_ms = clock_boot_ms();
    }
    submit_settling(s);
    queue_mark(q); /* the consumer has room, before this is durable */
}

/* ---- taking ---- */

struct taking {
    struct store_job job;
    struct queue *queue;              /* counted */
    struct message_outcome *outcomes; /* owned */
    size_t count;
    struct queue_taken *taken; /* the caller's */
};

static int run_taking(struct store_job *job, struct sql *db)
{
    const struct taking *t = container_of(job, struct taking, job);
    for (size_t i = 0; i < t->count; i++) {
        int r = store_messages_settle(db, &t->outcomes[i]);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static void taking_done(struct store_job *job, int r)
{
    struct taking *t = container_of(job, struct taking, job);
    struct queue_taken *taken = t->taken;
    struct queue *q = t->queue;
    if (r < 0) {
        log_error("queue %s: %s", q->name, strerror(-r));
        queue_look_back(q, 0);
    }
    for (size_t i = 0; i < t->count; i++) {
        let_go(q, &t->outcomes[i]);
    }
    free(t->outcomes);
    free(t);
    queue_mark(q);
    queue_unref(q);
    taken->result = r;
    taken->taken(taken);
}

void queue_take(struct queue *q, size_t max, uint64_t visible_ms, struct queue_taken *taken)
{
    struct queue_pick p = { .queue = q, .max = max };
    taken->messages = NULL;
    taken->count = 0;
    taken->result = 0;
    taken->is_behind = false;
    if (!queue_is_open(q) || max == 0) {
        return;
    }
    queue_pick_run(&p, q->policy.ordered || q->ordered, max);
    taken->messages = p.messages;
    taken->count = p.count;
    taken->is_behind = p.count == 0 && (p.is_behind || store_read_failure(q->queues->store) < 0);
    if (p.count == 0) {
        return;
    }
    struct taking *t = mem_new(struct taking);
    *t = (struct taking){ .job = { .run = run_taking, .done = taking_done, .makes_room = true },
                          .queue = q,
                          .outcomes = mem_alloc(p.count * sizeof(*t->outcomes)),
                          .count = p.count,
                          .taken = taken };
    for (size_t i = 0; i < p.count; i++) {
        struct message_outcome *o = &t->outcomes[i];
        *o = p.messages[i].outcome;
        o->fate = FATE_AGAIN;
        o->due_ms = visible_ms;
        o->error = STR("");
    }
    hold(q, p.messages, p.count);
    if (p.last.id != 0) {
        q->looked = p.last;
    }
    q->references++;
    store_submit(q->queues->store, &t->job);
}

void queue_taken_free(struct queue_taken *t)
{
    messages_free(t->messages, t->count);
    t->messages = NULL;
    t->count = 0;
}

static int run_settle(struct store_job *job, struct sql *db)
{
    return store_messages_settle(db, &container_of(job, struct queue_settle, job)->outcome);
}

static void settle_done(struct store_job *job, int r)
{
    struct queue_settle *s = container_of(job, struct queue_settle, job);
    struct queue *q = s->queue;
    queue_look_back(q, s->outcome.fate == FATE_AGAIN ? s->outcome.due_ms : UINT64_MAX);
    queue_mark(q);
    if (s->done) {
        s->done(s, r); /* may free it */
    }
    queue_unref(q);
}

void queue_settle(struct queue_settle *s)
{
    s->job = (struct store_job){ .run = run_settle, .done = settle_done, .makes_room = true };
    s->queue->references++;
    store_submit(s->queue->queues->store, &s->job);
}
