/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/lambda/lambda_source.h"

#include <stdio.h>

#include "base/chance.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "control/events/eventbridge/event_target.h"
#include "control/events/lambda/lambda_batch.h"
#include "control/events/queue/setting_write.h"
#include "control/text/json_read.h"
#include "control/text/json_reading.h"
#include "control/text/json_write.h"
#include "store/store_settings.h"

#define KIND            STR("lambda-source")
#define DECLARED        "declared" /* of a config: what the manifest says */
#define CONCURRENCY     10         /* Lambda begins with 5 and grows while there is a backlog */
#define BATCH_MAX       10000      /* Lambda's */
#define BATCH_BYTES_MAX (6 * MIB)
#define WINDOW_MS_MAX   300000

static uint32_t number_of(const json_t *config, const char *name, uint32_t otherwise, uint32_t max)
{
    json_int_t n = json_integer_value(json_object_get(config, name));
    return n <= 0 ? otherwise : n < (json_int_t)max ? (uint32_t)n : max;
}

static void drop_filters(struct lambda_source *ls)
{
    while (ls->filter_count > 0) {
        event_pattern_destroy(ls->filters[--ls->filter_count]);
    }
}

static int read_filters(struct lambda_source *ls, const json_t *filters, struct err *err)
{
    drop_filters(ls);
    for (size_t i = 0; i < json_array_size(filters); i++) {
        if (ls->filter_count == LAMBDA_SOURCE_FILTERS) {
            return err_set(err, EINVAL, "there may be %d filters", LAMBDA_SOURCE_FILTERS);
        }
        int r = event_pattern_of(json_array_get(filters, i), &ls->filters[ls->filter_count], err);
        if (r < 0) {
            return r;
        }
        ls->filter_count++;
    }
    return 0;
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static bool consumes(const struct lambda_source *ls, const char *queue)
{
    return ls->enabled && strcmp(ls->queue, queue) == 0;
}

/* Before the first build no function can be reached. */
void lambda_sources_consume(struct lambda_sources *all, const char *queue)
{
    struct sqs_queue *q = sqs_queue_find(all->services->sqs, str_c(queue));
    struct queue_policy policy = { .batch_size = BATCH_MAX,
                                   .window_ms = WINDOW_MS_MAX,
                                   .window_bytes = BATCH_BYTES_MAX,
                                   .ordered = q && q->fifo };
    list_for_each (item, &all->sources) {
        const struct lambda_source *ls = list_entry(item, struct lambda_source, link);
        if (consumes(ls, queue)) {
            uint32_t window = number_of(ls->config, "window_ms", 0, WINDOW_MS_MAX);
            policy.batch_size =
                least(policy.batch_size, number_of(ls->config, "batch_size", 10, BATCH_MAX));
            policy.window_ms = least((uint32_t)policy.window_ms, window);
            policy.concurrency += ls->concurrency;
        }
    }
    if (q && all->services->deployment->active) {
        queue_consume(q->queue, policy.concurrency > 0 ? &lambda_batch_consumer : NULL, &policy,
                      all);
    }
}

static void apply(struct lambda_source *changed)
{
    changed->concurrency = number_of(changed->config, "max_concurrency", CONCURRENCY, 1000);
    lambda_sources_consume(changed->services->lambda_sources, changed->queue);
}

/* The one with the smallest part of its concurrency in use, among equals who had the fewest. */
struct lambda_source *lambda_source_pick(const struct lambda_sources *all, const char *queue)
{
    struct lambda_source *best = NULL;
    list_for_each (item, &all->sources) {
        struct lambda_source *ls = list_entry(item, struct lambda_source, link);
        if (!consumes(ls, queue)) {
            continue;
        }
        uint64_t used = best ? (uint64_t)ls->batches * best->concurrency : 0;
        uint64_t best_used = best ? (uint64_t)best->batches * ls->concurrency : 0;
        if (!best || used < best_used || (used == best_used && ls->given < best->given)) {
            best = ls;
        }
    }
    return best;
}

static char *copy_member(const json_t *config, const char *name)
{
    const char *text = json_string_value(json_object_get(config, name));
    return mem_copy_str(str_c(text ? text : ""));
}

/* The manifest's entry, or NULL. */
static const json_t *entry_of(const struct services *s, const char *function)
{
    const json_t *functions = s->deployment->active
                                  ? json_object_get(s->deployment->active->manifest, "functions")
                                  : NULL;
    for (size_t i = 0; i < json_array_size(functions); i++) {
        const json_t *f = json_array_get(functions, i);
        const char *name = json_string_value(json_object_get(f, "name"));
        if (name && strcmp(name, function) == 0) {
            return f;
        }
    }
    return NULL;
}

static void set_function(struct lambda_source *ls)
{
    free(ls->function);
    free(ls->function_name);
    free(ls->region);
    ls->function = copy_member(ls->config, "function");
    const json_t *entry = entry_of(ls->services, ls->function);
    const char *aws = json_text(json_object_get(entry, "settings"), "function_name");
    ls->function_name = mem_copy_str(str_c(aws ? aws : ls->function));
    ls->region = mem_copy_str(str_c(deployment_region(entry)));
}

static int configure(struct lambda_source *ls, struct err *err)
{
    set_function(ls);
    int r = read_filters(ls, json_object_get(ls->config, "filters"), err);
    const json_t *enabled = json_object_get(ls->config, "enabled");
    ls->report_failures = json_is_true(json_object_get(ls->config, "report_failures"));
    ls->enabled = r == 0 && (!enabled || json_is_true(enabled));
    ls->modified_ms = clock_wall_ms();
    return r;
}

struct lambda_source *lambda_source_find(const struct lambda_sources *all, struct str uuid)
{
    list_for_each (item, &all->sources) {
        struct lambda_source *ls = list_entry(item, struct lambda_source, link);
        if (str_eq(str_c(ls->uuid), uuid)) {
            return ls;
        }
    }
    return NULL;
}

int lambda_source_make(struct lambda_sources *all, json_t *config, struct lambda_source **ret,
                       struct err *err)
{
    struct lambda_source *ls = mem_new(struct lambda_source);
    ls->services = all->services;
    ls->references = 1;
    ls->config = config;
    ls->queue = copy_member(config, "queue");
    list_init(&ls->link);
    const char *uuid = json_string_value(json_object_get(config, "uuid"));
    if (uuid && strlen(uuid) == sizeof(ls->uuid) - 1) {
        memcpy(ls->uuid, uuid, sizeof(ls->uuid));
    } else {
        chance_uuid(ls->uuid);
    }
    int r = configure(ls, err);
    if (r < 0) {
        lambda_source_unref(ls);
        return r;
    }
    *ret = ls;
    return 0;
}

static int add(struct lambda_sources *all, json_t *config, struct lambda_source **ret,
               struct err *err)
{
    int r = lambda_source_make(all, config, ret, err);
    if (r == 0) {
        list_push(&all->sources, &(*ret)->link);
        apply(*ret);
    }
    return r;
}

/* `changes` is used up. */
static int change(struct lambda_source *ls, json_t *changes, struct err *err)
{
    json_t *before = json_deep_copy(ls->config);
    (void)json_object_update(ls->config, changes);
    json_decref(changes);
    int r = configure(ls, err);
    if (r < 0) {
        json_decref(ls->config);
        ls->config = before;
        (void)!configure(ls, NULL); /* it was sound */
    } else {
        json_decref(before);
    }
    apply(ls);
    return r;
}

/* The reference of being known is the caller's now. */
static void forget(struct lambda_source *ls)
{
    ls->enabled = false;
    apply(ls);
    list_remove(&ls->link);
}

void lambda_source_unref(struct lambda_source *ls)
{
    if (--ls->references > 0) {
        return;
    }
    drop_filters(ls);
    json_decref(ls->config);
    free(ls->queue);
    free(ls->function);
    free(ls->function_name);
    free(ls->region);
    free(ls);
}

/* ---- keeping ---- */

struct writing {
    struct lambda_source *source; /* a reference */
    json_t *changes;              /* owned; NULL: it is new, or it is removed */
    setting_written_fn done;
    void *context;
};

/* Uses up `config`; NULL: the mapping is removed. */
static void save(const struct writing *writing, json_t *config, setting_written_fn written)
{
    struct lambda_source *ls = writing->source;
    struct writing *w = mem_new(struct writing);
    *w = *writing;
    ls->is_being_written = true;
    if (config) {
        (void)json_object_set_new(config, "uuid", json_string(ls->uuid));
    }
    setting_write(ls->services->store, KIND, ls->uuid, json_write(config), written, w);
    json_decref(config);
}

static void finish(struct writing *w, int r)
{
    w->source->is_being_written = false;
    w->done(r, w->context);
    lambda_source_unref(w->source);
    free(w);
}

/* A build may have taken it away since. */
static bool is_known(const struct lambda_source *ls)
{
    return lambda_source_find(ls->services->lambda_sources, str_c(ls->uuid)) == ls;
}

static void creation_written(int r, void *context)
{
    struct writing *w = context;
    struct lambda_source *ls = w->source;
    list_remove(&ls->link);
    if (r == 0) {
        ls->references++; /* being known */
        list_push(&ls->services->lambda_sources->sources, &ls->link);
        set_function(ls); /* a build may have come since */
        apply(ls);
    }
    finish(w, r);
}

static void change_written(int r, void *context)
{
    struct writing *w = context;
    if (r < 0 || !is_known(w->source)) {
        json_decref(w->changes);
    } else {
        (void)!change(w->source, w->changes, NULL); /* its filters are sound */
    }
    finish(w, r);
}

static void removal_written(int r, void *context)
{
    struct writing *w = context;
    if (r == 0 && is_known(w->source)) {
        forget(w->source);
        w->source->references--; /* that of the writing is left */
    }
    finish(w, r);
}

void lambda_source_begin(struct lambda_source *ls, setting_written_fn done, void *context)
{
    const struct writing w = { ls, NULL, done, context };
    list_push(&ls->services->lambda_sources->beginning, &ls->link);
    save(&w, json_copy(ls->config), creation_written);
}

int lambda_source_change(struct lambda_source *ls, json_t *changes, setting_written_fn done,
                         void *context, struct err *err)
{
    struct lambda_source trial = { 0 };
    int r = read_filters(&trial, json_object_get(changes, "filters"), err);
    drop_filters(&trial);
    if (r < 0) {
        json_decref(changes);
        return r;
    }
    const struct writing w = { ls, changes, done, context };
    json_t *config = json_copy(ls->config);
    (void)json_object_update(config, changes);
    ls->references++;
    save(&w, config, change_written);
    return 0;
}

void lambda_source_remove(struct lambda_source *ls, setting_written_fn done, void *context)
{
    const struct writing w = { ls, NULL, done, context };
    ls->references++;
    save(&w, NULL, removal_written);
}

static void read_one(struct str name, struct str value, void *context)
{
    struct lambda_sources *all = context;
    struct lambda_source *ls;
    struct err err;
    json_t *config = json_read(value, JSON_ALLOW_NUL);
    (void)name;
    if (config && add(all, config, &ls, &err) < 0) {
        log_warning("an event source mapping is left out: %s", err.text);
    } else if (config) {
        ls->from_manifest = json_object_get(config, DECLARED) != NULL;
    }
}

struct lambda_sources *lambda_sources_create(struct services *s)
{
    struct lambda_sources *all = mem_new(struct lambda_sources);
    all->services = s;
    s->lambda_sources = all; /* reading looks at the others */
    list_init(&all->sources);
    list_init(&all->beginning);
    store_settings_each(s->store, KIND, read_one, all);
    return all;
}

/* ---- the manifest's ---- */

/* Whether it is that of the manifest's entry, though the API may have moved it to another function.
 */
static bool is_same(const struct lambda_source *ls, const json_t *consumer)
{
    const char *queue = json_string_value(json_object_get(consumer, "queue"));
    const char *function = json_string_value(json_object_get(consumer, "function"));
    const char *declared = json_text(json_object_get(ls->config, DECLARED), "function");
    return queue && function && strcmp(ls->queue, queue) == 0 &&
           strcmp(declared ? declared : ls->function, function) == 0;
}

/* The entry as a config, a new reference. */
static json_t *declared_config(const json_t *consumer)
{
    json_t *config = json_deep_copy(consumer);
    (void)json_object_set_new(config, DECLARED, json_deep_copy(consumer)); /* a new value */
    return config;
}

/* What the API has changed since the manifest said the same stays. */
static int declare(struct lambda_source *ls, const json_t *consumer, struct err *err)
{
    if (json_equal(json_object_get(ls->config, DECLARED), consumer)) {
        apply(ls); /* its queue or function may be here only now */
        return 0;
    }
    return change(ls, declared_config(consumer), err);
}

static void build_one(struct lambda_sources *all, const json_t *consumer)
{
    struct err err;
    struct lambda_source *ls = NULL;
    list_for_each (item, &all->sources) {
        struct lambda_source *known = list_entry(item, struct lambda_source, link);
        ls = is_same(known, consumer) ? known : ls;
    }
    int r = ls ? declare(ls, consumer, &err) : add(all, declared_config(consumer), &ls, &err);
    if (r < 0) {
        log_warning("the filters between %s and its function are left out, and it with them: %s",
                    json_string_value(json_object_get(consumer, "queue")), err.text);
        return;
    }
    ls->from_manifest = true;
    ls->wanted = true;
}

void lambda_sources_build(struct lambda_sources *all, const json_t *manifest)
{
    const json_t *consumers = json_object_get(json_object_get(manifest, "events"), "consumers");
    list_for_each (item, &all->sources) {
        struct lambda_source *ls = list_entry(item, struct lambda_source, link);
        ls->wanted = !ls->from_manifest;
    }
    for (size_t i = 0; i < json_array_size(consumers); i++) {
        const json_t *consumer = json_array_get(consumers, i);
        const char *platform = json_string_value(json_object_get(consumer, "platform"));
        if (platform && strcmp(platform, "lambda") == 0) {
            build_one(all, consumer);
        }
    }
    list_for_each (item, &all->sources) {
        struct lambda_source *ls = list_entry(item, struct lambda_source, link);
        if (!ls->wanted) {
            setting_write(all->services->store, KIND, ls->uuid, NULL, NULL, NULL);
            forget(ls);
            lambda_source_unref(ls);
            continue;
        }
        set_function(ls); /* of an older build, or of none */
        if (!ls->from_manifest) {
            apply(ls); /* its queue or function may be here only now */
        }
    }
}
