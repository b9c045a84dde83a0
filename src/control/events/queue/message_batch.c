/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/queue/message_batch.h"

#include "base/chance.h"
#include "base/clock.h"
#include "base/mem.h"
#include "store/store_settings.h"

struct written_message {
    struct stored_message message; /* its texts are the next ones */
    char *uuid, *group, *attributes;
    char *body; /* NULL: it is that of the one before */
    char *queue;
    char *dedup;
    uint64_t dedup_since_ms;
};

struct written_setting {
    char *kind;
    char *name;
    char *value; /* NULL: it is removed */
};

struct message_batch {
    struct store_job job;
    struct queues *queues;
    struct written_message *messages;
    size_t message_count;
    struct written_setting *settings;
    size_t setting_count;
    bool goes_on;
    message_batch_fn done;
    void *context;
};

struct message_batch *message_batch_create(struct queues *queues)
{
    struct message_batch *b = mem_new(struct message_batch);
    b->queues = queues;
    return b;
}

void message_batch_destroy(struct message_batch *b)
{
    if (!b) {
        return;
    }
    for (size_t i = 0; i < b->message_count; i++) {
        struct written_message *w = &b->messages[i];
        free(w->uuid);
        free(w->group);
        free(w->attributes);
        free(w->body);
        free(w->queue);
        free(w->dedup);
    }
    for (size_t i = 0; i < b->setting_count; i++) {
        free(b->settings[i].kind);
        free(b->settings[i].name);
        free(b->settings[i].value);
    }
    free(b->messages);
    free(b->settings);
    free(b);
}

static struct str copy_of(struct str s, char **ret)
{
    *ret = mem_copy_str(s);
    return str_of(*ret, s.len);
}

/* An event comes for one target after the other: fifteen hundred of them share its text, which may
 * have a megabyte. */
static struct str body_of(const struct message_batch *b, struct str body, char **ret)
{
    if (b->message_count > 0) {
        const struct str last = b->messages[b->message_count - 1].message.body;
        if (str_eq(last, body)) {
            return last;
        }
    }
    return copy_of(body, ret);
}

void message_batch_add(struct message_batch *b, const struct batch_message *m)
{
    const uint64_t now = clock_wall_ms();
    char uuid[UUID_BYTES];
    char *own_body = NULL;
    const struct str body = body_of(b, m->body, &own_body);
    chance_uuid(uuid);
    b->messages = mem_resize(b->messages, b->message_count + 1, sizeof(*b->messages));
    struct written_message *w = &b->messages[b->message_count++];
    *w = (struct written_message){
        .queue = mem_copy_str(m->queue),
        .dedup = mem_copy_str(m->dedup),
        .dedup_since_ms = m->dedup_since_ms,
        .body = own_body,
    };
    w->message = (struct stored_message){
        .state = MESSAGE_WAITING,
        .uuid = copy_of(m->uuid.len > 0 ? m->uuid : str_c(uuid), &w->uuid),
        .group = copy_of(m->group, &w->group),
        .attributes = copy_of(m->attributes.len > 0 ? m->attributes : STR("{}"), &w->attributes),
        .body = body,
        .sent_ms = now,
        .due_ms = m->due_ms > now || m->is_kept ? m->due_ms : now,
        .is_kept = m->is_kept,
    };
}

void message_batch_put(struct message_batch *b, struct str kind, struct str name, struct str value)
{
    b->settings = mem_resize(b->settings, b->setting_count + 1, sizeof(*b->settings));
    b->settings[b->setting_count++] =
        (struct written_setting){ .kind = mem_copy_str(kind),
                                  .name = mem_copy_str(name),
                                  .value = value.data ? mem_copy_str(value) : NULL };
}

void message_batch_goes_on(struct message_batch *b)
{
    b->goes_on = true;
}

static int write_settings(const struct message_batch *b, struct sql *db)
{
    int r = 0;
    for (size_t i = 0; i < b->setting_count && r >= 0; i++) {
        const struct written_setting *s = &b->settings[i];
        r = s->value ? store_settings_put(db, str_c(s->kind), str_c(s->name), str_c(s->value))
                     : store_settings_remove(db, str_c(s->kind), str_c(s->name));
    }
    return r;
}

static int run_batch(struct store_job *job, struct sql *db)
{
    struct message_batch *b = container_of(job, struct message_batch, job);
    int r = 0;
    for (size_t i = 0; i < b->message_count && r >= 0; i++) {
        struct written_message *w = &b->messages[i];
        r = store_messages_queue(db, str_c(w->queue), &w->message.queue);
        if (r >= 0) {
            r = store_messages_insert(db, &w->message, str_c(w->dedup), w->dedup_since_ms,
                                      &w->message.id);
        }
    }
    return r < 0 ? r : write_settings(b, db);
}

static void batch_done(struct store_job *job, int r)
{
    struct message_batch *b = container_of(job, struct message_batch, job);
    for (size_t i = 0; i < b->message_count && r >= 0; i++) {
        struct queue *q = queue_find(b->queues, str_c(b->messages[i].queue));
        if (q) {
            queue_wake(q);
        }
    }
    b->done(r < 0 ? r : 0, b->context);
    message_batch_destroy(b);
}

static bool makes_room(const struct message_batch *b)
{
    if (b->message_count > 0 || b->goes_on) {
        return b->message_count == 0;
    }
    for (size_t i = 0; i < b->setting_count; i++) {
        const struct written_setting *s = &b->settings[i];
        if (s->value && store_settings_grows(queues_store(b->queues), str_c(s->kind),
                                             str_c(s->name), str_c(s->value))) {
            return false;
        }
    }
    return true;
}

void message_batch_submit(struct message_batch *b, message_batch_fn done, void *context)
{
    b->job =
        (struct store_job){ .run = run_batch, .done = batch_done, .makes_room = makes_room(b) };
    b->done = done;
    b->context = context;
    store_submit(queues_store(b->queues), &b->job);
}

size_t message_batch_count(const struct message_batch *b)
{
    return b->message_count;
}

uint64_t message_batch_id(const struct message_batch *b, size_t i, const char **ret_queue)
{
    *ret_queue = b->messages[i].queue;
    return b->messages[i].message.id;
}
