/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/queue/queue_pick.h"

#include <assert.h>

#include "base/clock.h"
#include "base/mem.h"
#include "control/events/queue/queue_expiry.h"

char *queue_copy_texts(struct stored_message *m)
{
    struct str *const parts[] = { &m->uuid, &m->group, &m->attributes, &m->error, &m->body };
    size_t bytes = 0;
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++) {
        bytes += parts[i]->len + 1;
    }
    char *memory = mem_alloc(bytes);
    char *at = memory;
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++) {
        if (parts[i]->len > 0) {
            memcpy(at, parts[i]->data, parts[i]->len);
        }
        at[parts[i]->len] = '\0';
        parts[i]->data = at;
        at += parts[i]->len + 1;
    }
    return memory;
}

static void pick_add(struct queue_pick *p, const struct stored_message *m)
{
    if (p->count == 0) {
        p->messages = mem_alloc(p->max * sizeof(*p->messages));
    }
    struct delivered *d = &p->messages[p->count++];
    d->message = *m;
    d->memory = queue_copy_texts(&d->message);
    d->message.attempts++;
    d->message.first_ms = m->first_ms ? m->first_ms : p->now_ms;
    d->outcome = (struct message_outcome){ .id = m->id,
                                           .fate = FATE_DONE,
                                           .due_ms = p->now_ms,
                                           .first_ms = d->message.first_ms,
                                           .attempts = d->message.attempts };
    p->bytes += m->body.len;
}

static bool has_room(const struct queue_pick *p, const struct stored_message *m)
{
    return p->count < p->max &&
           (p->bytes_max == 0 || p->count == 0 || p->bytes + m->body.len <= p->bytes_max);
}

static bool is_too_old(struct queue_pick *p, const struct stored_message *m)
{
    if (m->sent_ms >= p->since_ms) {
        return false;
    }
    assert(!p->is_behind); /* a look ends there */
    if (p->expired_count == 0) {
        p->expired = mem_alloc(QUEUE_PICK_EXPIRED_MAX * sizeof(*p->expired));
    }
    p->expired[p->expired_count++] = m->id;
    p->is_behind = p->expired_count == QUEUE_PICK_EXPIRED_MAX;
    return true;
}

static bool pick_due(const struct stored_message *m, void *context)
{
    struct queue_pick *p = context;
    if (id_set_has(&p->queue->held, m->id)) {
        return true;
    }
    if (is_too_old(p, m)) {
        return !p->is_behind;
    }
    if (!has_room(p, m)) {
        return false;
    }
    pick_add(p, m);
    p->last = (struct message_place){ m->due_ms, m->id };
    return p->count < p->max;
}

/* In the order of arrival the oldest come first, hidden ones too. */
static bool find_too_old(const struct stored_message *m, void *context)
{
    struct queue_pick *p = context;
    return id_set_has(&p->queue->held, m->id) || (is_too_old(p, m) && !p->is_behind);
}

static bool pick_ordered(const struct stored_message *m, void *context)
{
    struct queue_pick *p = context;
    bool is_free =
        m->due_ms <= p->now_ms && m->sent_ms >= p->since_ms && !id_set_has(&p->queue->held, m->id);
    if (!is_free || !has_room(p, m)) {
        return false;
    }
    pick_add(p, m);
    return p->count < p->max;
}

/* The messages of the group whose first message this is. */
static bool pick_group(const struct stored_message *m, void *context)
{
    struct queue_pick *p = context;
    struct queue *q = p->queue;
    if (id_set_has(&q->held, m->id)) {
        return true; /* those behind it wait */
    }
    if (is_too_old(p, m)) {
        return !p->is_behind;
    }
    if (!has_room(p, m)) {
        return false;
    }
    store_messages_group(q->queues->store, q->number, m->group, pick_ordered, p);
    return p->count < p->max && --p->groups_left > 0;
}

/* The messages of one group, then those of the next, as long as there is room. The group comes
 * first that could be had first: SQS puts one whose message came back behind the others, or a
 * message that fails again and again would keep them waiting. What is too old goes before all. */
static void pick_groups(struct queue_pick *p)
{
    struct queue *q = p->queue;
    struct store *store = q->queues->store;
    if (p->since_ms > 0) {
        store_messages_ordered(store, q->number, find_too_old, p);
    }
    if (p->expired_count == 0) {
        store_messages_first(store, q->number, p->now_ms, pick_group, p);
        p->later_ms = store_messages_next_first(store, q->number, p->now_ms);
    }
    p->is_behind = p->expired_count > 0;
}

static void pick_from(struct queue_pick *p)
{
    struct queue *q = p->queue;
    struct store *store = q->queues->store;
    if (q->looked.due_ms < p->since_ms) {
        q->looked = (struct message_place){ .due_ms = p->since_ms };
    }
    store_messages_due(store, q->number, &q->looked, p->now_ms, pick_due, p);
    if (p->count < p->max) {
        p->later_ms = store_messages_next_due(store, q->number, p->now_ms);
    }
}

void queue_pick_run(struct queue_pick *p, bool ordered, size_t groups_max)
{
    p->now_ms = clock_wall_ms();
    p->since_ms = queue_kept_since_ms(p->queue, p->now_ms);
    p->later_ms = UINT64_MAX;
    p->groups_left = groups_max;
    if (ordered) {
        pick_groups(p);
    } else {
        pick_from(p);
    }
    if (p->expired_count > 0) {
        queue_expire(p->queue, p->since_ms, p->expired, p->expired_count);
    }
}
