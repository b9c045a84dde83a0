/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/sqs/sqs_queue.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "control/events/queue/setting_write.h"
#include "control/text/json_read.h"
#include "control/text/json_write.h"
#include "control/text/name_tree.h"
#include "store/store_settings.h"

#define KIND             STR("sqs")
#define DELETED_PAUSE_MS 60000 /* AWS: so long no other queue of a name is made */

/* SQS's defaults and what they are called there. */
static const struct {
    const char *name;
    size_t offset;
    uint64_t otherwise; /* in the attribute's unit */
    uint64_t unit;
} numbers[] = {
    { "VisibilityTimeout", offsetof(struct sqs_queue, visibility_ms), 30, 1000 },
    { "DelaySeconds", offsetof(struct sqs_queue, delay_ms), 0, 1000 },
    { "ReceiveMessageWaitTimeSeconds", offsetof(struct sqs_queue, wait_ms), 0, 1000 },
    { "MessageRetentionPeriod", offsetof(struct sqs_queue, retention_ms), 345600, 1000 },
    { "MaximumMessageSize", offsetof(struct sqs_queue, max_bytes), 1048576, 1 },
};

static uint64_t number_of(const json_t *attributes, const char *name, uint64_t otherwise)
{
    const char *text = json_string_value(json_object_get(attributes, name));
    uint64_t number;
    return text && str_to_u64(str_c(text), &number) ? number : otherwise;
}

static bool attribute_is(const json_t *attributes, const char *name, const char *value)
{
    const char *text = json_string_value(json_object_get(attributes, name));
    return text && strcmp(text, value) == 0;
}

static void read_redrive(struct sqs_queue *q)
{
    const char *text = json_string_value(json_object_get(q->attributes, "RedrivePolicy"));
    json_t *policy = text ? json_loads(text, 0, NULL) : NULL;
    const char *arn = json_string_value(json_object_get(policy, "deadLetterTargetArn"));
    const json_t *max = json_object_get(policy, "maxReceiveCount");
    const char *name = arn ? strrchr(arn, ':') : NULL;
    uint64_t count = 0;
    if (json_is_string(max)) {
        (void)!str_to_u64(str_c(json_string_value(max)), &count); /* it was checked */
    } else {
        count = (uint64_t)json_integer_value(max);
    }
    free(q->dead_letter);
    q->dead_letter = name && count > 0 ? mem_copy_str(str_c(name + 1)) : NULL;
    q->max_receives = (uint32_t)count;
    json_decref(policy);
}

bool sqs_queue_is_fifo(struct str name)
{
    struct str suffix = STR(".fifo");
    return name.len > suffix.len && str_eq(str_skip(name, name.len - suffix.len), suffix);
}

static void apply(struct sqs_queue *q)
{
    for (size_t i = 0; i < ARRAY_COUNT(numbers); i++) {
        uint64_t n = number_of(q->attributes, numbers[i].name, numbers[i].otherwise);
        memcpy((char *)q + numbers[i].offset, &(uint64_t){ n * numbers[i].unit }, sizeof(n));
    }
    q->fifo = sqs_queue_is_fifo(str_c(q->name));
    q->content_dedup = attribute_is(q->attributes, "ContentBasedDeduplication", "true");
    q->dedup_by_group = attribute_is(q->attributes, "DeduplicationScope", "messageGroup");
    read_redrive(q);
    queue_set_ordered(q->queue, q->fifo);
    queue_set_retention(q->queue, q->retention_ms);
}

struct sqs_queue *sqs_queue_find(const struct sqs_queues *all, struct str name)
{
    char key[SQS_NAME_MAX + 1];
    (void)snprintf(key, sizeof(key), STR_FMT, STR_ARG(name)); /* a longer one is none's */
    struct sqs_queue *q = g_tree_lookup(all->by_name, key);
    return q && str_eq(str_c(q->name), name) ? q : NULL;
}

struct sqs_queue *sqs_queue_add(struct sqs_queues *all, struct str name, json_t *attributes,
                                json_t *tags)
{
    char queue_name[SQS_NAME_MAX + 8];
    struct sqs_queue *q = mem_new(struct sqs_queue);
    q->attempts = json_object();
    q->references = 1;
    (void)snprintf(queue_name, sizeof(queue_name), "sqs:" STR_FMT, STR_ARG(name));
    q->name = mem_copy_str(name);
    q->queue = queue_open(all->services->queues, str_c(queue_name));
    q->attributes = attributes ? attributes : json_object();
    q->tags = tags ? tags : json_object();
    q->created_s = q->modified_s = clock_wall_ms() / 1000;
    g_tree_replace(all->by_name, q->name, q);
    apply(q);
    return q;
}

/* Takes over new attributes, and does what they say from now on. */
static void set_attributes(struct sqs_queue *q, json_t *attributes)
{
    json_decref(q->attributes);
    q->attributes = attributes;
    q->modified_s = clock_wall_ms() / 1000;
    apply(q);
}

struct sqs_queue *sqs_queue_ref(struct sqs_queue *q)
{
    q->references++;
    return q;
}

void sqs_queue_unref(struct sqs_queue *q)
{
    if (--q->references > 0) {
        return;
    }
    json_decref(q->attributes);
    json_decref(q->tags);
    json_decref(q->declared);
    json_decref(q->attempts);
    free(q->dead_letter);
    free(q->name);
    free(q);
}

static bool is_recent(const json_t *when)
{
    return clock_wall_ms() - (uint64_t)json_integer_value(when) < DELETED_PAUSE_MS;
}

static void note_removal(struct sqs_queues *all, const char *name)
{
    const char *other;
    json_t *when;
    void *next;
    json_object_foreach_safe(all->deleted, next, other, when)
    {
        if (!is_recent(when)) {
            (void)json_object_del(all->deleted, other);
        }
    }
    (void)json_object_set_new(all->deleted, name, json_integer((json_int_t)clock_wall_ms()));
}

bool sqs_queue_was_removed(const struct sqs_queues *all, const char *name)
{
    const json_t *when = json_object_get(all->deleted, name);
    return when && is_recent(when);
}

void sqs_queue_remove(struct sqs_queues *all, struct sqs_queue *q, setting_written_fn done,
                      void *context)
{
    note_removal(all, q->name);
    q->removed = true;
    (void)g_tree_remove(all->by_name, q->name); /* it is there */
    queue_drop(q->queue); /* first: a crash must not leave messages to a later queue of the name */
    setting_write(all->services->store, KIND, q->name, NULL, done, context);
    sqs_queue_unref(q);
}

void sqs_queue_arn(const char *name, struct str region, char *ret)
{
    region.len = region.len < 32 ? region.len : 32;
    (void)snprintf(ret, SQS_ARN_BYTES, "arn:aws:sqs:" STR_FMT ":" SQS_ACCOUNT ":%.*s",
                   STR_ARG(region), SQS_NAME_MAX, name);
}

/* ---- keeping ---- */

/* What is being written of a name. */
struct change {
    struct sqs_queues *all;
    char *name;         /* owned */
    json_t *config;     /* owned: as it is stored */
    GPtrArray *waiting; /* of struct sqs_waiter */
    setting_written_fn done;
    void *context;
};

/* Does what is stored of a queue. A build may have declared it otherwise since that was written. */
static void configure(struct sqs_queues *all, struct str name, const json_t *config)
{
    json_t *attributes = json_object_get(config, "attributes");
    json_t *tags = json_incref(json_object_get(config, "tags"));
    json_t *declared = json_object_get(config, "declared");
    struct sqs_queue *q = sqs_queue_find(all, name);
    if (!q) {
        q = sqs_queue_add(all, name, json_incref(attributes), tags);
        q->declared = json_incref(declared);
    } else {
        if (!q->declared || json_equal(q->declared, declared)) {
            set_attributes(q, json_incref(attributes));
        }
        json_decref(q->tags);
        q->tags = tags;
    }
    q->created_s = (uint64_t)json_integer_value(json_object_get(config, "created"));
    q->modified_s = (uint64_t)json_integer_value(json_object_get(config, "modified"));
}

static void change_written(int r, void *context)
{
    struct change *change = context;
    name_tree_remove(change->all->changes, str_c(change->name));
    if (r == 0) {
        configure(change->all, str_c(change->name), change->config);
    }
    change->done(r, change->context);
    for (guint i = 0; i < change->waiting->len; i++) {
        struct sqs_waiter *w = g_ptr_array_index(change->waiting, i);
        w->again(w);
    }
    g_ptr_array_unref(change->waiting);
    json_decref(change->config);
    free(change->name);
    free(change);
}

static json_t *config_of(const struct sqs_queue *q, json_t *attributes, json_t *tags)
{
    const uint64_t now_s = clock_wall_ms() / 1000;
    const uint64_t modified_s = attributes || !q ? now_s : q->modified_s;
    attributes = attributes ? attributes : q ? json_incref(q->attributes) : json_object();
    tags = tags ? tags : q ? json_incref(q->tags) : json_object();
    return json_pack("{s:o, s:o, s:O*, s:I, s:I}", "attributes", attributes, "tags", tags,
                     "declared", q ? q->declared : NULL, "created",
                     (json_int_t)(q ? q->created_s : now_s), "modified", (json_int_t)modified_s);
}

void sqs_queue_save(struct sqs_queues *all, const char *name, json_t *attributes, json_t *tags,
                    setting_written_fn done, void *context)
{
    struct change *change = mem_new(struct change);
    *change =
        (struct change){ .all = all,
                         .name = mem_copy_str(str_c(name)),
                         .config = config_of(sqs_queue_find(all, str_c(name)), attributes, tags),
                         .waiting = g_ptr_array_new(),
                         .done = done,
                         .context = context };
    name_tree_put(all->changes, str_c(name), change);
    setting_write(all->services->store, KIND, name, json_write(change->config), change_written,
                  change);
}

bool sqs_queue_wait(const struct sqs_queues *all, const char *name, struct sqs_waiter *w)
{
    const struct change *change = name_tree_find(all->changes, str_c(name));
    if (change) {
        g_ptr_array_add(change->waiting, w);
    }
    return change;
}

static void read_one(struct str name, struct str value, void *context)
{
    json_t *config = json_read(value, JSON_ALLOW_NUL);
    configure(context, name, config);
    json_decref(config);
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(a, b);
}

struct sqs_queues *sqs_queues_create(struct services *s)
{
    struct sqs_queues *all = mem_new(struct sqs_queues);
    all->services = s;
    all->by_name = g_tree_new(compare_names);
    all->changes = name_tree_create(NULL);
    all->deleted = json_object();
    store_settings_each(s->store, KIND, read_one, all);
    return all;
}

/* ---- the manifest's ---- */

static void set_number(json_t *attributes, const char *name, const json_t *value)
{
    char text[24];
    if (json_is_number(value)) {
        (void)snprintf(text, sizeof(text), "%.0f", json_number_value(value));
        (void)json_object_set_new(attributes, name, json_string(text));
    }
}

static json_t *attributes_of(const json_t *queue)
{
    static const struct {
        const char *manifest;
        const char *sqs;
    } names[] = { { "visibility_s", "VisibilityTimeout" },
                  { "retention_s", "MessageRetentionPeriod" },
                  { "delay_s", "DelaySeconds" },
                  { "wait_s", "ReceiveMessageWaitTimeSeconds" },
                  { "max_bytes", "MaximumMessageSize" } };
    json_t *attributes = json_object();
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        set_number(attributes, names[i].sqs, json_object_get(queue, names[i].manifest));
    }
    if (json_is_true(json_object_get(queue, "fifo"))) {
        (void)json_object_set_new(attributes, "FifoQueue", json_string("true"));
    }
    if (json_is_true(json_object_get(queue, "content_dedup"))) {
        (void)json_object_set_new(attributes, "ContentBasedDeduplication", json_string("true"));
    }
    const json_t *redrive = json_object_get(queue, "redrive");
    const char *dead = json_string_value(json_object_get(redrive, "queue"));
    if (dead) {
        char text[320];
        (void)snprintf(text, sizeof(text),
                       "{\"deadLetterTargetArn\":\"arn:aws:sqs:us-east-1:" SQS_ACCOUNT
                       ":%.*s\",\"maxReceiveCount\":%lld}",
                       SQS_NAME_MAX, dead,
                       (long long)json_integer_value(json_object_get(redrive, "max_receives")));
        (void)json_object_set_new(attributes, "RedrivePolicy", json_string(text));
    }
    return attributes;
}

static bool is_sqs(const json_t *queue)
{
    const char *platform = json_string_value(json_object_get(queue, "platform"));
    return platform && strcmp(platform, "sqs") == 0;
}

static void build_one(struct sqs_queues *all, const json_t *queue)
{
    const char *name = json_string_value(json_object_get(queue, "name"));
    if (!name || strlen(name) > SQS_NAME_MAX) {
        return;
    }
    json_t *declared = attributes_of(queue);
    struct sqs_queue *q = sqs_queue_find(all, str_c(name));
    if (!q) {
        q = sqs_queue_add(all, str_c(name), json_incref(declared), NULL);
    } else if (!q->declared || !json_equal(q->declared, declared)) {
        set_attributes(q, json_incref(declared));
    }
    json_decref(q->declared);
    q->declared = declared;
}

void sqs_queues_build(struct sqs_queues *all, const json_t *manifest)
{
    const json_t *queues = json_object_get(json_object_get(manifest, "events"), "queues");
    for (size_t i = 0; i < json_array_size(queues); i++) {
        if (is_sqs(json_array_get(queues, i))) {
            build_one(all, json_array_get(queues, i));
        }
    }
}

/* ---- dead letters ---- */

struct burial {
    struct store_job job;
    struct queue *from;
    struct queue *to;
    struct stored_message message; /* its texts point into memory */
    char *memory;                  /* owned */
    char *attributes;              /* owned */
    void (*done)(void *context);
    void *context;
};

static int run_burial(struct store_job *job, struct sql *db)
{
    struct burial *b = container_of(job, struct burial, job);
    const struct message_outcome gone = { .id = b->message.id, .fate = FATE_GONE };
    uint64_t id;
    int r = store_messages_settle(db, &gone);
    if (r != 0) {
        return r; /* 1: it was deleted meanwhile */
    }
    r = store_messages_queue(db, str_c(queue_name(b->to)), &b->message.queue);
    return r < 0 ? r : store_messages_insert(db, &b->message, STR(""), 0, &id);
}

static void burial_done(struct store_job *job, int r)
{
    struct burial *b = container_of(job, struct burial, job);
    if (r < 0) {
        log_error("queue %s: message %llu cannot be moved to its dead-letter queue: %s",
                  queue_name(b->from), (unsigned long long)b->message.id, strerror(-r));
    }
    queue_wake(b->to);
    b->done(b->context);
    free(b->attributes);
    free(b->memory);
    free(b);
}

char *sqs_queue_dead_attributes(const struct sqs_queue *q, struct str attributes)
{
    json_t *json = json_read(attributes, JSON_ALLOW_NUL);
    json = json ? json : json_object();
    (void)json_object_set_new(json, "from", json_string(q->name));
    char *text = json_write(json);
    json_decref(json);
    return text;
}

bool sqs_queue_bury(const struct sqs_queues *all, struct sqs_queue *q,
                    const struct stored_message *m, void (*done)(void *context), void *context)
{
    struct sqs_queue *dead = q->dead_letter ? sqs_queue_find(all, str_c(q->dead_letter)) : NULL;
    if (!dead) {
        return false;
    }
    struct burial *b = mem_new(struct burial);
    *b = (struct burial){ .job = { .run = run_burial, .done = burial_done, .makes_room = true },
                          .from = q->queue,
                          .to = dead->queue,
                          .message = *m,
                          .attributes = sqs_queue_dead_attributes(q, m->attributes),
                          .done = done,
                          .context = context };
    b->message.attributes = str_c(b->attributes);
    b->memory = queue_copy_texts(&b->message);
    b->message.due_ms = clock_wall_ms();
    b->message.sent_ms = q->fifo ? b->message.due_ms : m->sent_ms; /* as SQS: it is kept so long */
    /* It keeps its count, unless it counts for a dead-letter queue further on. */
    b->message.attempts = dead->dead_letter ? 0 : m->attempts - 1;
    store_submit(all->services->store, &b->job);
    return true;
}
