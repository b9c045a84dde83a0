/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/eventbridge/json_table.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "control/text/json_read.h"
#include "control/text/json_write.h"
#include "control/text/name_tree.h"
#include "store/store_settings.h"

struct json_table {
    struct queues *queues;
    const char *kind;
    GTree *tree;
    GTree *declared;
};

static void load(struct str name, struct str value, void *context)
{
    struct json_table *t = context;
    json_t *json = json_read(value, JSON_ALLOW_NUL);
    if (json_is_object(json)) {
        name_tree_put(t->tree, name, json);
    } else {
        log_error("the %s " STR_FMT " is damaged and left out", t->kind, STR_ARG(name));
        json_decref(json);
    }
}

struct json_table *json_table_create(struct queues *queues, const char *kind)
{
    struct json_table *t = mem_new(struct json_table);
    *t = (struct json_table){ .queues = queues, .kind = kind };
    t->tree = name_tree_create_json();
    t->declared = name_tree_create_json();
    store_settings_each(queues_store(queues), str_c(kind), load, t);
    return t;
}

json_t *json_table_find(struct json_table *t, struct str name)
{
    json_t *declared = name_tree_find(t->declared, name);
    return declared ? declared : name_tree_find(t->tree, name);
}

static GTreeNode *node_from(GTree *tree, struct str prefix)
{
    GTreeNode *n = name_tree_from(tree, prefix);
    return n && str_starts(str_c(g_tree_node_key(n)), prefix) ? n : NULL;
}

static GTreeNode *node_behind(GTreeNode *n, struct str prefix)
{
    GTreeNode *next = g_tree_node_next(n);
    return next && str_starts(str_c(g_tree_node_key(next)), prefix) ? next : NULL;
}

void json_table_each(struct json_table *t, struct str prefix, json_table_fn each, void *context)
{
    GTreeNode *kept = node_from(t->tree, prefix);
    GTreeNode *declared = node_from(t->declared, prefix);
    while (kept || declared) {
        int order = !kept       ? 1
                    : !declared ? -1
                                : strcmp(g_tree_node_key(kept), g_tree_node_key(declared));
        GTreeNode *n = order < 0 ? kept : declared;
        each(g_tree_node_key(n), g_tree_node_value(n), context);
        kept = order <= 0 ? node_behind(kept, prefix) : kept;
        declared = order >= 0 ? node_behind(declared, prefix) : declared;
    }
}

/* ---- what is declared ---- */

static void set_times(json_t *json, json_t *before, const char *made, const char *changed)
{
    json_t *now = json_integer((json_int_t)(clock_wall_ms() / 1000));
    json_t *then_made = json_object_get(before, made);
    json_t *then_changed = json_object_get(before, changed);
    (void)json_object_set(json, made, then_made ? then_made : now); /* literals, sound values */
    (void)json_object_set(json, changed, then_changed ? then_changed : now);
    if (before && !json_equal(json, before)) {
        (void)json_object_set(json, changed, now);
    }
    json_decref(now);
}

void json_table_declare(struct json_table *t, json_t *by_name, const char *made,
                        const char *changed)
{
    GTree *declared = name_tree_create_json();
    const char *name;
    json_t *json;
    json_object_foreach(by_name, name, json)
    {
        set_times(json, name_tree_find(t->declared, str_c(name)), made, changed);
        name_tree_put(declared, str_c(name), json_incref(json));
    }
    json_decref(by_name);
    g_tree_destroy(t->declared);
    t->declared = declared;
}

bool json_table_is_declared(struct json_table *t, struct str name)
{
    return name_tree_find(t->declared, name) != NULL;
}

/* ---- what is kept ---- */

struct change {
    struct json_table *table;
    char *name;
    json_t *json; /* NULL: it is removed */
    message_batch_fn done;
    void *context;
};

static void written(int r, void *context)
{
    struct change *c = context;
    if (r < 0) {
        json_decref(c->json);
    } else if (c->json) {
        name_tree_put(c->table->tree, str_c(c->name), c->json);
    } else {
        name_tree_remove(c->table->tree, str_c(c->name));
    }
    c->done(r, c->context);
    free(c->name);
    free(c);
}

static void write_change(const struct change *change)
{
    struct change *c = mem_new(struct change);
    struct message_batch *b = message_batch_create(change->table->queues);
    char *text = json_write(change->json);
    *c = *change;
    message_batch_put(b, str_c(c->table->kind), str_c(c->name),
                      text ? str_c(text) : str_of(NULL, 0));
    free(text);
    message_batch_submit(b, written, c);
}

void json_table_put(struct json_table *t, struct str name, json_t *json, message_batch_fn done,
                    void *context)
{
    const struct change c = { t, mem_copy_str(name), json, done, context };
    write_change(&c);
}

void json_table_remove(struct json_table *t, struct str name, message_batch_fn done, void *context)
{
    const struct change c = { t, mem_copy_str(name), NULL, done, context };
    write_change(&c);
}
