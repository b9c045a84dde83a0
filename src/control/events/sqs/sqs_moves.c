/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/sqs/sqs_moves.h"

#include "base/chance.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "control/events/queue/setting_write.h"
#include "control/text/json_read.h"
#include "control/text/json_write.h"
#include "store/store_settings.h"

#define KIND        STR("sqs-move")
#define BATCH_MAX   10
#define HIDDEN_MS   30000 /* a step takes much less */
#define RETRY_MS    1000  /* after a step that could not be written, or taken yet */
#define FINISHED    10    /* so many that are over are kept, of all queues */
#define LOST_REASON "AWS.SimpleQueueService.NonExistentQueue"
#define FROM_REASON "CouldNotDetermineMessageSource"

static const char *const statuses[] = { "RUNNING", "COMPLETED", "CANCELLING", "CANCELLED",
                                        "FAILED" };

const char *sqs_moves_status(const struct sqs_move *m)
{
    return statuses[m->status];
}

/* ---- keeping ---- */

static char *task_text(const struct sqs_move *m, enum sqs_move_status status, const char *reason)
{
    json_t *json = json_pack("{s:s, s:s?, s:I, s:I, s:I, s:I, s:i, s:s?}", "source", m->source,
                             "destination", m->destination, "rate", (json_int_t)m->rate, "started",
                             (json_int_t)m->started_ms, "moved", (json_int_t)m->moved, "toMove",
                             (json_int_t)m->to_move, "status", (int)status, "reason", reason);
    char *text = json_write(json);
    json_decref(json);
    return text;
}

static void task_free(uv_handle_t *timer)
{
    struct sqs_move *m = container_of((uv_timer_t *)timer, struct sqs_move, timer);
    free(m->source);
    free(m->destination);
    free(m);
}

/* The oldest that are over are forgotten. */
static void forget_old(struct sqs_moves *all)
{
    size_t over = 0;
    list_for_each (item, &all->tasks) {
        struct sqs_move *m = list_entry(item, struct sqs_move, link);
        bool running = m->status == SQS_MOVE_RUNNING || m->status == SQS_MOVE_CANCELLING;
        if (!running && ++over > FINISHED) {
            setting_write(all->services->store, KIND, m->id, NULL, NULL, NULL);
            list_remove(item);
            uv_close((uv_handle_t *)&m->timer, task_free);
        }
    }
}

static void on_timer(uv_timer_t *timer);

static void wait_for(struct sqs_move *m, uint64_t ms)
{
    (void)uv_timer_start(&m->timer, on_timer, ms, 0); /* it has a callback */
}

static void tell_written(struct sqs_move *m, int r)
{
    setting_written_fn written = m->written;
    m->written = NULL;
    if (written) {
        written(r, m->context);
    }
}

static void status_written(int r, void *context)
{
    struct sqs_move *m = context;
    m->is_busy = false;
    if (r == 0) {
        m->status = m->next;
        m->reason = m->next_reason;
    }
    tell_written(m, r);
    if (r < 0 || m->status == SQS_MOVE_CANCELLING) {
        wait_for(m, r < 0 ? RETRY_MS : 0);
    } else {
        forget_old(m->moves);
    }
}

/* Between two steps, which write it too. */
static void set_status(struct sqs_move *m, enum sqs_move_status status, const char *reason)
{
    m->next = status;
    m->next_reason = reason;
    m->is_busy = true;
    (void)uv_timer_stop(&m->timer); /* always succeeds */
    setting_write_end(m->moves->services->store, KIND, m->id, task_text(m, status, reason),
                      status_written, m);
}

/* ---- a step ---- */

struct moving {
    struct stored_message message; /* the new one; its texts point into memory */
    char *memory;                  /* owned */
    char *attributes;              /* owned */
    char uuid[UUID_BYTES];
    struct message_outcome back; /* of the old one, which stays if this cannot be written */
    struct queue *to;
};

struct step {
    struct store_job job;
    struct sqs_move *task;
    struct moving messages[BATCH_MAX];
    size_t count;
    uint64_t moved_before;
    char *value;        /* owned: the task, when all are moved */
    const char *reason; /* not NULL: it ends there */
};

static int move_one(struct sql *db, struct moving *mv)
{
    const struct message_outcome gone = { .id = mv->back.id, .fate = FATE_GONE };
    uint64_t id;
    int r = store_messages_settle(db, &gone);
    if (r != 0) {
        return r < 0 ? r : 0; /* 1: it was deleted meanwhile */
    }
    r = store_messages_queue(db, str_c(queue_name(mv->to)), &mv->message.queue);
    return r < 0 ? r : store_messages_insert(db, &mv->message, STR(""), 0, &id);
}

static int run_step(struct store_job *job, struct sql *db)
{
    struct step *s = container_of(job, struct step, job);
    for (size_t i = 0; i < s->count; i++) {
        int r = move_one(db, &s->messages[i]);
        if (r < 0) {
            return r;
        }
    }
    return store_settings_put(db, KIND, str_c(s->task->id), str_c(s->value));
}

/* A step that was not written, or that a crash has ended, leaves what it had taken hidden. */
static void await_hidden(struct sqs_move *m)
{
    m->hidden_until_ms = clock_wall_ms() + HIDDEN_MS;
}

static bool has_hidden(const struct sqs_move *m, const struct sqs_queue *source)
{
    struct message_counts counts;
    if (clock_wall_ms() >= m->hidden_until_ms) {
        return false;
    }
    queue_count(source->queue, &counts);
    return counts.hidden > 0;
}

static void back_again(struct queue_settle *settle, int r)
{
    (void)r; /* then it is hidden a little longer */
    free(settle);
}

/* What was taken and goes nowhere is in the queue as before. */
static void put_back(const struct sqs_move *m, const struct message_outcome *back)
{
    const struct sqs_queue *source = sqs_queue_find(m->moves->services->sqs, str_c(m->source));
    if (!source) {
        return;
    }
    struct queue_settle *settle = mem_new(struct queue_settle);
    *settle = (struct queue_settle){ .queue = source->queue, .outcome = *back, .done = back_again };
    queue_settle(settle);
}

static void step_free(struct step *s)
{
    for (size_t i = 0; i < s->count; i++) {
        free(s->messages[i].memory);
        free(s->messages[i].attributes);
    }
    free(s->value);
    free(s);
}

static void step_done(struct store_job *job, int r)
{
    struct step *s = container_of(job, struct step, job);
    struct sqs_move *m = s->task;
    if (r < 0) {
        log_error("queue %s: its messages cannot be moved yet: %s", m->source, strerror(-r));
        m->moved = s->moved_before;
        await_hidden(m);
    }
    for (size_t i = 0; i < s->count; i++) {
        if (r < 0) {
            put_back(m, &s->messages[i].back);
        } else {
            queue_wake(s->messages[i].to);
        }
    }
    m->is_busy = false;
    if (m->written) {
        set_status(m, SQS_MOVE_CANCELLING, NULL);
    } else if (s->reason) {
        set_status(m, SQS_MOVE_FAILED, s->reason);
    } else {
        wait_for(m, r < 0 ? RETRY_MS : m->rate > 0 ? 1000 * s->count / m->rate : 0);
    }
    step_free(s);
}

/* Where a message goes; NULL: nowhere, for a reason. */
static struct sqs_queue *target_of(const struct sqs_move *m, const json_t *attributes,
                                   const char **ret_reason)
{
    const char *from = json_string_value(json_object_get(attributes, "from"));
    const char *name = m->destination ? m->destination : from;
    struct sqs_queue *q = name ? sqs_queue_find(m->moves->services->sqs, str_c(name)) : NULL;
    *ret_reason = q ? NULL : name ? LOST_REASON : FROM_REASON;
    return q;
}

static struct message_outcome back_of(const struct stored_message *old)
{
    return (struct message_outcome){ .id = old->id,
                                     .fate = FATE_AGAIN,
                                     .due_ms = clock_wall_ms(),
                                     .first_ms = old->first_ms,
                                     .attempts = old->attempts - 1,
                                     .error = STR("") };
}

static void add_message(struct step *s, const struct stored_message *old, struct sqs_queue *q,
                        json_t *attributes)
{
    struct moving *mv = &s->messages[s->count++];
    uint64_t now = clock_wall_ms();
    (void)json_object_del(attributes, "from"); /* absent is fine */
    chance_uuid(mv->uuid);
    mv->attributes = json_write(attributes);
    mv->back = back_of(old);
    mv->to = q->queue;
    mv->message = (struct stored_message){ .uuid = str_c(mv->uuid),
                                           .group = old->group,
                                           .attributes = str_c(mv->attributes),
                                           .body = old->body,
                                           .error = STR(""),
                                           .sent_ms = now,
                                           .due_ms = now + q->delay_ms };
    mv->memory = queue_copy_texts(&mv->message);
}

static void on_taken(struct queue_taken *t)
{
    struct sqs_move *m = container_of(t, struct sqs_move, taken);
    if (t->result < 0) { /* others may be given them, too */
        queue_taken_free(t);
        m->is_busy = false;
        wait_for(m, m->written ? 0 : RETRY_MS);
        return;
    }
    struct step *s = mem_new(struct step);
    *s = (struct step){ .job = { .run = run_step, .done = step_done },
                        .task = m,
                        .moved_before = m->moved };
    for (size_t i = 0; i < t->count; i++) {
        const struct stored_message *old = &t->messages[i].message;
        json_t *attributes = json_read(old->attributes, JSON_ALLOW_NUL);
        attributes = attributes ? attributes : json_object();
        struct sqs_queue *q = s->reason ? NULL : target_of(m, attributes, &s->reason);
        if (q) {
            add_message(s, old, q, attributes);
        } else {
            const struct message_outcome back = back_of(old);
            put_back(m, &back);
        }
        json_decref(attributes);
    }
    queue_taken_free(t);
    m->moved += s->count;
    s->value = task_text(m, m->status, m->reason);
    store_submit(m->moves->services->store, &s->job);
}

static void on_timer(uv_timer_t *timer)
{
    struct sqs_move *m = container_of(timer, struct sqs_move, timer);
    const struct sqs_queues *queues = m->moves->services->sqs;
    const struct sqs_queue *source = sqs_queue_find(queues, str_c(m->source));
    if (m->status == SQS_MOVE_CANCELLING || m->written) {
        set_status(m, m->written ? SQS_MOVE_CANCELLING : SQS_MOVE_CANCELLED, NULL);
        return;
    }
    if (!source || (m->destination && !sqs_queue_find(queues, str_c(m->destination)))) {
        set_status(m, SQS_MOVE_FAILED, LOST_REASON);
        return;
    }
    size_t max = m->rate > 0 && m->rate < BATCH_MAX ? 1 : BATCH_MAX;
    queue_take(source->queue, max, clock_wall_ms() + HIDDEN_MS, &m->taken);
    m->is_busy = m->taken.count > 0;
    if (m->taken.is_behind || (m->taken.count == 0 && has_hidden(m, source))) {
        wait_for(m, RETRY_MS);
    } else if (m->taken.count == 0) {
        set_status(m, SQS_MOVE_COMPLETED, NULL);
    }
}

/* ---- which there are ---- */

static struct sqs_move *task_create(struct sqs_moves *all, const char *source,
                                    const char *destination)
{
    struct sqs_move *m = mem_new(struct sqs_move);
    m->moves = all;
    m->source = mem_copy_str(str_c(source));
    m->destination = destination ? mem_copy_str(str_c(destination)) : NULL;
    m->taken.taken = on_taken;
    (void)uv_timer_init(all->services->loop, &m->timer); /* always succeeds */
    return m;
}

/* A task that could not be kept is none: its caller is told so. */
static void start_saved(int r, void *context)
{
    struct sqs_move *m = context;
    m->is_busy = false;
    m->is_known = r == 0;
    tell_written(m, r);
    if (r < 0) {
        list_remove(&m->link);
        uv_close((uv_handle_t *)&m->timer, task_free);
    } else {
        wait_for(m, 0);
    }
}

struct sqs_move *sqs_moves_start(struct sqs_moves *all, const struct sqs_queue *source,
                                 const struct sqs_queue *destination, uint32_t rate,
                                 setting_written_fn done, void *context)
{
    struct sqs_move *m = task_create(all, source->name, destination ? destination->name : NULL);
    struct message_counts counts;
    uint64_t now = clock_wall_ms();
    queue_count(source->queue, &counts);
    chance_uuid(m->id);
    m->rate = rate;
    m->started_ms = now;
    uint64_t away = counts.hidden + counts.delayed; /* counted at other times, in a long queue */
    m->to_move = counts.waiting > away ? counts.waiting - away : 0;
    list_push_front(&all->tasks, &m->link);
    m->written = done;
    m->context = context;
    m->is_busy = true;
    setting_write(all->services->store, KIND, m->id, task_text(m, m->status, NULL), start_saved, m);
    return m;
}

struct sqs_move *sqs_moves_find(const struct sqs_moves *all, struct str id)
{
    list_for_each (item, &all->tasks) {
        struct sqs_move *m = list_entry(item, struct sqs_move, link);
        if (m->is_known && str_eq(str_c(m->id), id)) {
            return m;
        }
    }
    return NULL;
}

bool sqs_moves_cancel(struct sqs_move *m, setting_written_fn done, void *context)
{
    if (m->written) {
        return false;
    }
    m->written = done;
    m->context = context;
    if (!m->is_busy) {
        set_status(m, SQS_MOVE_CANCELLING, NULL);
    }
    return true;
}

static uint64_t number(const json_t *json, const char *name)
{
    json_int_t n = json_integer_value(json_object_get(json, name));
    return n > 0 ? (uint64_t)n : 0;
}

/* Their names are random: they are put in the order of their start. */
static void insert(struct sqs_moves *all, struct sqs_move *m)
{
    struct list *at = all->tasks.next;
    while (at != &all->tasks && list_entry(at, struct sqs_move, link)->started_ms > m->started_ms) {
        at = at->next;
    }
    list_push(at, &m->link); /* in front of it */
}

static void read_one(struct str name, struct str value, void *context)
{
    struct sqs_moves *all = context;
    json_t *json = json_read(value, JSON_ALLOW_NUL);
    const char *source = json_string_value(json_object_get(json, "source"));
    uint64_t status = number(json, "status");
    if (source && name.len == UUID_BYTES - 1 && status < ARRAY_COUNT(statuses)) {
        struct sqs_move *m =
            task_create(all, source, json_string_value(json_object_get(json, "destination")));
        const char *reason = json_string_value(json_object_get(json, "reason"));
        memcpy(m->id, name.data, name.len);
        m->rate = (uint32_t)number(json, "rate");
        m->started_ms = number(json, "started");
        m->moved = number(json, "moved");
        m->to_move = number(json, "toMove");
        m->status = (enum sqs_move_status)status;
        m->is_known = true;
        m->reason = !reason ? NULL : strcmp(reason, FROM_REASON) == 0 ? FROM_REASON : LOST_REASON;
        await_hidden(m);
        insert(all, m);
    }
    json_decref(json);
}

struct sqs_moves *sqs_moves_create(struct services *s)
{
    struct sqs_moves *all = mem_new(struct sqs_moves);
    all->services = s;
    list_init(&all->tasks);
    store_settings_each(s->store, KIND, read_one, all);
    return all;
}

void sqs_moves_build(struct sqs_moves *all)
{
    if (all->is_going) {
        return;
    }
    all->is_going = true;
    list_for_each (item, &all->tasks) {
        struct sqs_move *m = list_entry(item, struct sqs_move, link);
        if (m->status == SQS_MOVE_RUNNING || m->status == SQS_MOVE_CANCELLING) {
            wait_for(m, 0);
        }
    }
}
