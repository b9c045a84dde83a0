/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/eventbridge/event_bus.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "control/events/eventbridge/bus_queue.h"
#include "control/events/eventbridge/event_bus_send.h"
#include "control/events/eventbridge/event_bus_state.h"
#include "control/text/json_read.h"
#include "control/text/json_reading.h"
#include "control/text/json_write.h"
#include "control/text/name_tree.h"
#include "store/store_settings.h"

#define BUSES "event bus" /* kinds of settings */
#define RULES "event rule"

static char *key_of(json_t *rule)
{
    return event_bus_rule_key(str_c(json_text(rule, "Bus")), str_c(json_text(rule, "Name")));
}

static void free_rule(struct rule *rule)
{
    if (rule) {
        json_decref(rule->json);
        event_pattern_destroy(rule->pattern);
        free(rule);
    }
}

static void free_slot(void *value)
{
    struct rule_slot *slot = value;
    free_rule(slot->declared);
    free_rule(slot->kept);
    free(slot);
}

/* ---- rules that tick ---- */

/* The API's are in UTC. */
static struct str zone_of(json_t *rule)
{
    const char *zone = json_text(rule, "timezone");
    return str_c(zone ? zone : "");
}

static struct schedule_spec spec_of(struct rule *rule, const char *name, const char *former)
{
    const char *state = json_text(rule->json, "State");
    bool declared = event_bus_is_project(rule->json);
    return (struct schedule_spec){ .name = str_c(name),
                                   .former_name = declared ? str_c(former) : STR(""),
                                   .expression = str_c(json_text(rule->json, "ScheduleExpression")),
                                   .zone = zone_of(rule->json),
                                   .platform = SCHEDULE_RULE,
                                   .enabled = !state || strcmp(state, "DISABLED") != 0,
                                   .catch_up =
                                       !json_is_false(json_object_get(rule->json, "catch_up")),
                                   .tick = event_bus_send_tick,
                                   .context = rule };
}

/* Has what is known now under a rule's key tick, or nothing. */
static void follow(struct event_buses *eb, const char *key)
{
    struct err err = { 0 };
    struct rule *rule = event_bus_rule_in(name_tree_find(eb->rules, str_c(key)));
    scoped_free char *name = mem_format("rule:%s", key);
    scoped_free char *former = mem_format("project:%s", strrchr(key, '/') + 1);
    if (!rule || !json_text(rule->json, "ScheduleExpression")) {
        schedules_remove(eb->schedules, str_c(name));
        return;
    }
    const struct schedule_spec spec = spec_of(rule, name, former);
    if (schedules_set(eb->schedules, &spec, &err) < 0) {
        log_error("%s: %s", name, err.text); /* has been checked: the zone is gone since */
        schedules_remove(eb->schedules, str_c(name));
    }
}

/* ---- changes ---- */

/* What is checked before it is written; takes over the JSON. */
static int make_rule(struct event_buses *eb, json_t *json, struct rule **ret, struct err *err)
{
    struct schedule_time time;
    const char *pattern = json_text(json, "EventPattern");
    const char *expression = json_text(json, "ScheduleExpression");
    struct rule *rule = mem_new(struct rule);
    *rule = (struct rule){ .buses = eb, .json = json };
    int r = pattern ? event_pattern_parse(str_c(pattern), &rule->pattern, err) : 0;
    if (r == 0 && expression) {
        r = schedule_time_parse(str_c(expression), zone_of(json), SCHEDULE_RULE, &time, err);
    }
    if (r < 0) {
        free_rule(rule);
        return r;
    }
    *ret = rule;
    return 0;
}

/* The slot of a key, which is made. */
static struct rule_slot *slot_of(struct event_buses *eb, const char *key)
{
    struct rule_slot *slot = name_tree_find(eb->rules, str_c(key));
    if (!slot) {
        slot = mem_new(struct rule_slot);
        *slot = (struct rule_slot){ NULL, NULL };
        name_tree_put(eb->rules, str_c(key), slot);
    }
    return slot;
}

/* What ticks must have followed before the rule that it replaces is gone: it is its context. */
static void keep_rule(struct event_buses *eb, struct rule *rule)
{
    scoped_free char *key = key_of(rule->json);
    struct rule_slot *slot = slot_of(eb, key);
    struct rule *before = slot->kept;
    slot->kept = rule;
    if (eb->ticks) {
        follow(eb, key);
    }
    free_rule(before);
}

static void forget_rule(struct event_buses *eb, const char *key)
{
    struct rule_slot *slot = name_tree_find(eb->rules, str_c(key));
    struct rule *before = slot ? slot->kept : NULL;
    if (slot) {
        slot->kept = NULL;
    }
    if (slot && !slot->declared) {
        name_tree_remove(eb->rules, str_c(key));
    }
    follow(eb, key);
    free_rule(before);
}

struct change {
    struct event_buses *buses;
    struct rule *rule; /* put; owned until it counts */
    json_t *bus;       /* put; owned until it counts */
    char *removed_bus;
    char *removed_rule;
    message_batch_fn done;
    void *context;
};

static void apply_change(const struct change *c)
{
    struct event_buses *eb = c->buses;
    if (c->rule) {
        keep_rule(eb, c->rule);
    } else if (c->bus) {
        name_tree_put(eb->buses, str_c(json_text(c->bus, "Name")), c->bus);
        bus_queue_update(eb->services->bus_queues);
    } else if (c->removed_rule) {
        scoped_free char *key = event_bus_rule_key(str_c(c->removed_bus), str_c(c->removed_rule));
        forget_rule(eb, key);
    } else {
        name_tree_remove(eb->buses, str_c(c->removed_bus));
    }
}

static void change_written(int r, void *context)
{
    struct change *c = context;
    struct schedules *schedules = c->buses->schedules;
    message_batch_fn done = c->done;
    void *for_whom = c->context;
    bool ticks = c->rule && json_text(c->rule->json, "ScheduleExpression");
    if (r == 0) {
        apply_change(c);
    } else {
        json_decref(c->bus);
        free_rule(c->rule);
    }
    free(c->removed_bus);
    free(c->removed_rule);
    free(c);
    if (r == 0 && ticks) {
        schedules_settle(schedules, done, for_whom);
    } else {
        done(r, for_whom);
    }
}

static void write_change(const struct change *change, const char *kind, const char *name,
                         json_t *value)
{
    struct change *c = mem_new(struct change);
    struct message_batch *b = message_batch_create(change->buses->services->queues);
    char *text = json_write(value);
    *c = *change;
    message_batch_put(b, str_c(kind), str_c(name), text ? str_c(text) : str_of(NULL, 0));
    free(text);
    message_batch_submit(b, change_written, c);
}

void event_bus_put(struct event_buses *eb, json_t *bus, message_batch_fn done, void *context)
{
    const struct change c = { .buses = eb, .bus = bus, .done = done, .context = context };
    write_change(&c, BUSES, json_text(bus, "Name"), bus);
}

void event_bus_remove(struct event_buses *eb, struct str bus, message_batch_fn done, void *context)
{
    const struct change c = {
        .buses = eb, .removed_bus = mem_copy_str(bus), .done = done, .context = context
    };
    write_change(&c, BUSES, c.removed_bus, NULL);
}

int event_bus_put_rule(struct event_buses *eb, json_t *rule, message_batch_fn done, void *context,
                       struct err *err)
{
    struct change c = { .buses = eb, .done = done, .context = context };
    scoped_free char *key = key_of(rule);
    int r = make_rule(eb, rule, &c.rule, err);
    if (r == 0) {
        write_change(&c, RULES, key, rule);
    }
    return r;
}

void event_bus_remove_rule(struct event_buses *eb, struct str bus, struct str rule,
                           message_batch_fn done, void *context)
{
    scoped_free char *key = event_bus_rule_key(bus, rule);
    const struct change c = { .buses = eb,
                              .removed_bus = mem_copy_str(bus),
                              .removed_rule = mem_copy_str(rule),
                              .done = done,
                              .context = context };
    write_change(&c, RULES, key, NULL);
}

/* ---- the start, and builds ---- */

static void load_bus(struct str name, struct str value, void *context)
{
    struct event_buses *eb = context;
    json_t *bus = json_read(value, JSON_ALLOW_NUL);
    if (bus && json_text(bus, "Name")) {
        name_tree_put(eb->buses, name, bus);
    } else {
        json_decref(bus);
    }
}

static void load_rule(struct str name, struct str value, void *context)
{
    struct event_buses *eb = context;
    struct rule *rule;
    struct err err = { 0 };
    json_t *json = json_read(value, JSON_ALLOW_NUL);
    if (!json || !json_text(json, "Name") || !json_text(json, "Bus")) {
        json_decref(json);
    } else if (make_rule(eb, json, &rule, &err) == 0) {
        keep_rule(eb, rule);
    } else {
        log_error("rule " STR_FMT ": %s", STR_ARG(name), err.text);
    }
}

static json_t *new_bus(const char *name, bool is_project)
{
    json_int_t now = (json_int_t)(clock_wall_ms() / 1000);
    return json_pack("{s:s,s:I,s:I,s:b}", "Name", name, "CreationTime", now, "LastModifiedTime",
                     now, EVENT_BUS_PROJECT, is_project);
}

struct event_buses *event_bus_create(struct services *s, struct schedules *schedules)
{
    struct event_buses *eb = mem_new(struct event_buses);
    struct str name = STR("default");
    eb->services = s;
    eb->schedules = schedules;
    eb->buses = name_tree_create_json();
    eb->rules = name_tree_create(free_slot);
    name_tree_put(eb->buses, name, new_bus(name.data, false));
    store_settings_each(s->store, STR(BUSES), load_bus, eb);
    store_settings_each(s->store, STR(RULES), load_rule, eb);
    return eb;
}

/* A rule of the manifest in the form of this table. AWS's form of its targets is for the APIs. */
static json_t *project_rule(json_t *said)
{
    json_t *pattern = json_object_get(said, "pattern");
    const char *catch_up = json_text(said, "catch_up");
    bool enabled = !json_is_false(json_object_get(said, "enabled"));
    char *text = pattern ? json_write(pattern) : NULL;
    json_t *rule =
        json_pack("{s:O,s:O,s:s,s:s*,s:O*,s:O*,s:b,s:O,s:s*,s:O*,s:O,s:b}", "Name",
                  json_object_get(said, "name"), "Bus", json_object_get(said, "bus"), "State",
                  enabled ? "ENABLED" : "DISABLED", "EventPattern", text, "ScheduleExpression",
                  json_object_get(said, "schedule"), "timezone", json_object_get(said, "timezone"),
                  "catch_up", !catch_up || strcmp(catch_up, "skip") != 0, "Region",
                  json_object_get(said, "region"), "Description", json_text(said, "description"),
                  "RoleArn", json_object_get(said, "role_arn"), "targets",
                  json_object_get(said, "targets"), EVENT_BUS_PROJECT, true);
    free(text);
    return rule;
}

static void declare_rule(struct event_buses *eb, json_t *said)
{
    struct rule *rule;
    struct err err = { 0 };
    json_t *json = project_rule(said);
    if (json && make_rule(eb, json, &rule, &err) == 0) {
        scoped_free char *key = key_of(json);
        struct rule_slot *slot = slot_of(eb, key);
        free_rule(slot->declared); /* names are unique: there is none */
        slot->declared = rule;
    } else {
        struct str text = str_c(err.text[0] ? err.text : "is not sound");
        log_warning("the rule %s of the project is left out: " STR_FMT, json_text(said, "name"),
                    STR_ARG(text));
    }
}

/* Those that the API made, and those declared, which may be known. */
static void build_buses(struct event_buses *eb, json_t *declared)
{
    GTree *buses = name_tree_create_json();
    size_t i;
    json_t *said;
    for (GTreeNode *n = g_tree_node_first(eb->buses); n; n = g_tree_node_next(n)) {
        json_t *bus = g_tree_node_value(n);
        if (!event_bus_is_project(bus)) {
            name_tree_put(buses, str_c(g_tree_node_key(n)), json_incref(bus));
        }
    }
    json_array_foreach(declared, i, said)
    {
        const char *name = json_text(said, "name");
        json_t *known = name ? event_bus_find(eb, str_c(name)) : NULL;
        if (name) {
            name_tree_put(buses, str_c(name), known ? json_incref(known) : new_bus(name, true));
        }
    }
    g_tree_destroy(eb->buses);
    eb->buses = buses;
}

/* What the API has made goes over into a new tree. */
static GTree *take_kept(GTree *rules)
{
    GTree *kept = name_tree_create(free_slot);
    for (GTreeNode *n = g_tree_node_first(rules); n; n = g_tree_node_next(n)) {
        struct rule_slot *slot = g_tree_node_value(n);
        if (slot->kept) {
            struct rule_slot *own = mem_new(struct rule_slot);
            *own = (struct rule_slot){ .kept = slot->kept };
            slot->kept = NULL;
            name_tree_put(kept, str_c(g_tree_node_key(n)), own);
        }
    }
    return kept;
}

/* The tree of the last build goes when nothing that ticks has a rule of it as its context. */
static void build_rules(struct event_buses *eb, json_t *list)
{
    GTree *before = eb->rules;
    size_t i;
    json_t *said;
    eb->rules = take_kept(before);
    json_array_foreach(list, i, said)
    {
        declare_rule(eb, said);
    }
    eb->ticks = true;
    for (GTreeNode *n = g_tree_node_first(before); n; n = g_tree_node_next(n)) {
        if (!name_tree_find(eb->rules, str_c(g_tree_node_key(n)))) {
            follow(eb, g_tree_node_key(n));
        }
    }
    for (GTreeNode *n = g_tree_node_first(eb->rules); n; n = g_tree_node_next(n)) {
        follow(eb, g_tree_node_key(n));
    }
    g_tree_destroy(before);
}

void event_bus_build(struct event_buses *eb, const json_t *manifest)
{
    json_t *events = json_object_get(manifest, "events");
    build_buses(eb, json_object_get(events, "buses"));
    build_rules(eb, json_object_get(events, "rules"));
}
