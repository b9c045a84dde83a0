/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/queue_pick.h"

#include <assert.h>

#include "base/mem.h"

#define ORDERED_LOOK_MAX 20000 /* messages of a FIFO queue that are looked at for a free group */

static bool groups_has(const struct queue_groups *g, struct str name)
{
    for (size_t i = 0; i < g->count; i++) {
        if (str_eq(str_c(g->names[i]), name)) {
            return true;
        }
    }
    return false;
}

static void groups_add(struct queue_groups *g, struct str name)
{
    if (!groups_has(g, name)) {
        g->names = mem_resize(g->names, g->count + 1, sizeof(*g->names));
        g->names[g->count++] = mem_copy_str(name);
    }
}

static void groups_finish(struct queue_groups *g)
{
    for (size_t i = 0; i < g->count; i++) {
        free(g->names[i]);
    }
    free(g->names);
}

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
    assert(!queue_pick_is_behind(p)); /* a look ends there */
    if (p->expired_count == 0) {
        p->expired = mem_alloc(QUEUE_PICK_EXPIRED_MAX * sizeof(*p->expired));
    }
    p->expired[p->expired_count++] = m->id;
    return true;
}

static bool pick_due(const struct stored_message *m, void *context)
{
    struct queue_pick *p = context;
    if (id_set_has(&p->queue->held, m->id)) {
        return true;
    }
    if (is_too_old(p, m)) {
        return !queue_pick_is_behind(p);
    }
    if (!has_room(p, m)) {
        return false;
    }
    pick_add(p, m);
    p->last = (struct message_place){ m->due_ms, m->id };
    return p->count < p->max;
}

static bool pick_ordered(const struct stored_message *m, void *context)
{
    struct queue_pick *p = context;
    if (++p->looked > ORDERED_LOOK_MAX) {
        return false;
    }
    if (groups_has(&p->blocked, m->group)) {
        return true;
    }
    bool is_held = id_set_has(&p->queue->held, m->id);
    if (!is_held && is_too_old(p, m)) {
        return !queue_pick_is_behind(p);
    }
    if (is_held || m->due_ms > p->now_ms) {
        groups_add(&p->blocked, m->group);
        p->later_ms = m->due_ms > p->now_ms && m->due_ms < p->later_ms ? m->due_ms : p->later_ms;
        return true;
    }
    if (p->count > p->group_start && !str_eq(p->messages[p->group_start].message.group, m->group)) {
        return true;
    }
    if (!has_room(p, m)) {
        return false;
    }
    pick_add(p, m);
    return p->count < p->max;
}

/* The messages of one group, then those of the next, as long as there is room. */
static void pick_groups(struct queue_pick *p, size_t groups_max)
{
    uint64_t after = 0;
    for (size_t i = 0; i < groups_max; i++) {
        p->group_start = p->count;
        store_messages_ordered(p->queue->queues->store, p->queue->number, after, pick_ordered, p);
        if (p->count == p->group_start || p->count == p->max || queue_pick_is_behind(p)) {
            return;
        }
        const struct stored_message *first = &p->messages[p->group_start].message;
        groups_add(&p->blocked, first->group);
        after = first->id; /* the next group's first message is behind this one's */
    }
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
    p->now_ms = queue_now_ms();
    p->since_ms = queue_kept_since_ms(p->queue, p->now_ms);
    p->later_ms = UINT64_MAX;
    if (ordered) {
        pick_groups(p, groups_max);
    } else {
        pick_from(p);
    }
    groups_finish(&p->blocked);
    if (p->expired_count > 0) {
        queue_expire(p->queue, p->since_ms, p->expired, p->expired_count);
    }
}
