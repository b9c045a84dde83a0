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

static void groups_clear(struct queue_groups *g)
{
    for (size_t i = 0; i < g->count; i++) {
        free(g->names[i]);
    }
    free(g->names);
    *g = (struct queue_groups){ 0 };
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

/* Whether it may be handed out now; if not, its time is noted. */
static bool is_free(struct queue_pick *p, const struct stored_message *m)
{
    if (m->due_ms > p->now_ms && m->due_ms < p->later_ms) {
        p->later_ms = m->due_ms;
    }
    return m->due_ms <= p->now_ms && !id_set_has(&p->queue->held, m->id);
}

/* The first message of a group. Ids are as old as messages: of those that were never handed out
 * the first waits longest, and ends the look. */
static bool consider_first(struct queue_pick *p, const struct stored_message *m)
{
    bool is_new = m->attempts == 0;
    if (p->first.id == 0 || m->due_ms < p->first.due_ms ||
        (is_new && m->due_ms == p->first.due_ms)) {
        p->first = (struct message_place){ m->due_ms, m->id };
    }
    groups_add(&p->passed, m->group);
    return !is_new;
}

static bool find_first(const struct stored_message *m, void *context)
{
    struct queue_pick *p = context;
    if (++p->looked > ORDERED_LOOK_MAX || (p->first.id != 0 && m->sent_ms > p->first.due_ms)) {
        return false; /* what is behind was sent after that came back */
    }
    if (groups_has(&p->blocked, m->group) || groups_has(&p->passed, m->group)) {
        return true;
    }
    bool is_held = id_set_has(&p->queue->held, m->id);
    if (!is_held && is_too_old(p, m)) {
        return !queue_pick_is_behind(p);
    }
    if (!is_free(p, m)) {
        groups_add(&p->blocked, m->group);
        return true;
    }
    return consider_first(p, m);
}

/* Of the group that is being picked. */
static bool pick_ordered(const struct stored_message *m, void *context)
{
    struct queue_pick *p = context;
    if (p->count > p->group_start && !str_eq(p->messages[p->group_start].message.group, m->group)) {
        return ++p->looked <= ORDERED_LOOK_MAX;
    }
    if (!is_free(p, m) || !has_room(p, m)) {
        return false;
    }
    pick_add(p, m);
    return p->count < p->max && ++p->looked <= ORDERED_LOOK_MAX;
}

/* The messages of one group, then those of the next, as long as there is room. The group comes
 * first that could be had first: SQS puts one whose message came back behind the others, or a
 * message that fails again and again would keep them waiting. */
static void pick_groups(struct queue_pick *p, size_t groups_max)
{
    struct store *store = p->queue->queues->store;
    uint64_t after = 0;
    for (size_t i = 0; i < groups_max; i++) {
        p->group_start = p->count;
        p->first = (struct message_place){ 0 };
        store_messages_ordered(store, p->queue->number, after, find_first, p);
        bool is_only = p->passed.count == 1;
        groups_clear(&p->passed);
        if (p->first.id == 0) {
            return;
        }
        store_messages_ordered(store, p->queue->number, p->first.id - 1, pick_ordered, p);
        if (p->count == p->group_start || p->count == p->max || queue_pick_is_behind(p)) {
            return;
        }
        groups_add(&p->blocked, p->messages[p->group_start].message.group);
        after = is_only ? p->first.id : after; /* the next group's first message is behind it */
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
    groups_clear(&p->blocked);
    if (p->expired_count > 0) {
        queue_expire(p->queue, p->since_ms, p->expired, p->expired_count);
    }
}
