/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/eventbridge/event_archive.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "control/text/json_read.h"
#include "control/text/json_reading.h"
#include "control/text/json_write.h"
#include "store/store_settings.h"

#define KIND       STR("event archive")
#define SWEEP_MS   3600000 /* how often what is past its days is removed */
#define SWEEP_ROWS 5000    /* a job: others come in between */
#define DAY_MS     86400000
#define NAME_BYTES 64

static const char *name_of(const struct event_archive *a)
{
    return json_text(a->config, "ArchiveName");
}

struct event_archive *event_archive_find(const struct event_archives *all, struct str name)
{
    return name_tree_find(all->archives, name);
}

struct str event_archive_name_in(const char *arn, const char *mark)
{
    struct str name = arn ? str_behind(str_c(arn), str_c(mark)) : STR("");
    return name.data ? name : STR("");
}

struct str event_archive_bus(const struct event_archive *a)
{
    return event_archive_name_in(json_text(a->config, "EventSourceArn"), ":event-bus/");
}

static void queue_name_of(const struct event_archive *a, char ret[NAME_BYTES])
{
    (void)snprintf(ret, NAME_BYTES, "archive:%.48s", name_of(a));
}

uint64_t event_archive_queue(const struct event_archive *a)
{
    char name[NAME_BYTES];
    queue_name_of(a, name);
    const struct queue *q = queue_find(a->all->services->queues, str_c(name));
    return q ? queue_number(q) : 0;
}

void event_archive_count(const struct event_archive *a, struct store_backlog *ret)
{
    uint64_t queue = event_archive_queue(a);
    *ret = (struct store_backlog){ 0 };
    if (queue) {
        store_messages_kept(a->all->services->store, queue, ret);
    }
}

/* ---- keeping ---- */

static void add_event(const struct event_archive *a, const struct bus_event *event,
                      struct message_batch *batch)
{
    char queue[NAME_BYTES];
    char dedup[64];
    json_t *rest =
        json_pack("{s:s%, s:s%, s:s%, s:O*}", "source", event->source.data, event->source.len,
                  "detail-type", event->detail_type.data, event->detail_type.len, "region",
                  event->region.data, event->region.len, "resources", event->resources);
    scoped_free char *attributes = json_write(rest);
    json_decref(rest);
    queue_name_of(a, queue);
    (void)snprintf(dedup, sizeof(dedup), STR_FMT, STR_ARG(event->id));
    message_batch_add(batch, &(struct batch_message){
                                 .queue = str_c(queue),
                                 .uuid = event->id,
                                 .attributes = attributes ? str_c(attributes) : STR("{}"),
                                 .body = event->detail,
                                 .dedup = str_c(dedup), /* one that comes again after a crash */
                                 .due_ms = event->time_ms,
                                 .is_kept = true });
}

void event_archive_keep(const struct event_archives *all, struct str bus,
                        const struct bus_event *event, json_t *json, struct message_batch *batch)
{
    if (event->replay.len > 0) {
        return;
    }
    for (GTreeNode *n = g_tree_node_first(all->archives); n; n = g_tree_node_next(n)) {
        const struct event_archive *a = g_tree_node_value(n);
        if (str_eq(event_archive_bus(a), bus) &&
            (!a->pattern || event_pattern_matches(a->pattern, json))) {
            add_event(a, event, batch);
        }
    }
}

/* ---- which there are ---- */

static void archive_free(void *archive)
{
    struct event_archive *a = archive;
    json_decref(a->config);
    event_pattern_destroy(a->pattern);
    free(a);
}

/* Takes over the config; EINVAL: its pattern is none. */
static int make(struct event_archives *all, json_t *config, struct event_archive **ret,
                struct err *err)
{
    const char *pattern = json_text(config, "EventPattern");
    struct event_archive *a = mem_new(struct event_archive);
    *a = (struct event_archive){ .all = all, .config = config };
    int r = pattern ? event_pattern_parse(str_c(pattern), &a->pattern, err) : 0;
    if (r < 0) {
        archive_free(a);
        return r;
    }
    *ret = a;
    return 0;
}

/* In place of one of its name. Its queue is known from here on. */
static void insert(struct event_archives *all, struct event_archive *a)
{
    char queue[NAME_BYTES];
    queue_name_of(a, queue);
    (void)queue_open(all->services->queues, str_c(queue));
    name_tree_put(all->archives, str_c(name_of(a)), a);
}

struct putting {
    struct event_archive *archive; /* owned until it counts */
    bool is_new;
    setting_written_fn done;
    void *context;
};

static void put_written(int r, void *context)
{
    struct putting *p = context;
    struct event_archive *a = p->archive;
    const bool was_removed = !p->is_new && !event_archive_find(a->all, str_c(name_of(a)));
    if (r < 0 || was_removed) {
        archive_free(a);
    } else {
        insert(a->all, a);
    }
    p->done(r, p->context);
    free(p);
}

int event_archive_put(struct event_archives *all, json_t *config, setting_written_fn done,
                      void *context, struct err *err)
{
    struct event_archive *a;
    int r = make(all, config, &a, err);
    if (r < 0) {
        return r;
    }
    struct putting *p = mem_new(struct putting);
    *p = (struct putting){ .archive = a,
                           .is_new = !event_archive_find(all, str_c(name_of(a))),
                           .done = done,
                           .context = context };
    setting_write(all->services->store, KIND, name_of(a), json_write(config), put_written, p);
    return 0;
}

void event_archive_remove(struct event_archive *a, setting_written_fn done, void *context)
{
    char name[NAME_BYTES];
    queue_name_of(a, name);
    struct queue *q = queue_find(a->all->services->queues, str_c(name));
    if (q) {
        queue_drop(q);
    }
    setting_write(a->all->services->store, KIND, name_of(a), NULL, done, context);
    name_tree_remove(a->all->archives, str_c(name_of(a)));
}

/* ---- what is past its days ---- */

struct sweeping {
    struct store_job job;
    struct store *store;
    uint64_t queue;
    uint64_t before_ms;
};

static int run_sweep(struct store_job *job, struct sql *db)
{
    const struct sweeping *s = container_of(job, struct sweeping, job);
    return store_messages_purge(db, s->queue, MESSAGE_WAITING, s->before_ms, SWEEP_ROWS);
}

static void sweep_done(struct store_job *job, int r)
{
    struct sweeping *s = container_of(job, struct sweeping, job);
    if (r == SWEEP_ROWS) {
        store_submit(s->store, &s->job);
        return;
    }
    free(s); /* what could not be removed is in an hour */
}

static void sweep(uv_timer_t *timer)
{
    struct event_archives *all = container_of(timer, struct event_archives, sweep);
    for (GTreeNode *n = g_tree_node_first(all->archives); n; n = g_tree_node_next(n)) {
        const struct event_archive *a = g_tree_node_value(n);
        json_int_t days = json_integer_value(json_object_get(a->config, "RetentionDays"));
        uint64_t queue = days > 0 ? event_archive_queue(a) : 0;
        uint64_t now = clock_wall_ms();
        if (queue && (uint64_t)days < now / DAY_MS) {
            struct sweeping *s = mem_new(struct sweeping);
            *s = (struct sweeping){
                .job = { .run = run_sweep, .done = sweep_done, .makes_room = true },
                .store = all->services->store,
                .queue = queue,
                .before_ms = now - (uint64_t)days * DAY_MS
            };
            store_submit(s->store, &s->job);
        }
    }
}

static void load(struct str name, struct str value, void *context)
{
    struct event_archives *all = context;
    struct event_archive *a;
    struct err err = { 0 };
    json_t *config = json_read(value, JSON_ALLOW_NUL);
    if (!config || !json_text(config, "ArchiveName") || !json_text(config, "EventSourceArn")) {
        log_error("archive " STR_FMT " is left out: it cannot be read", STR_ARG(name));
        json_decref(config);
    } else if (make(all, config, &a, &err) == 0) {
        insert(all, a);
    } else {
        log_error("archive " STR_FMT ": %s", STR_ARG(name), err.text);
    }
}

struct event_archives *event_archives_create(struct services *s)
{
    struct event_archives *all = mem_new(struct event_archives);
    all->services = s;
    all->archives = name_tree_create(archive_free);
    store_settings_each(s->store, KIND, load, all);
    (void)uv_timer_init(s->loop, &all->sweep); /* always succeeds */
    (void)uv_timer_start(&all->sweep, sweep, 0, SWEEP_MS);
    return all;
}
