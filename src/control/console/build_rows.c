/* SPDX-License-Identifier: Apache-2.0 */
#include "control/console/build_rows.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "control/console/route_label.h"
#include "control/events/schedules/schedule_time.h"
#include "control/text/json_reading.h"
#include "control/text/utf8.h"

#define TRIGGERS_MAX 1000 /* more nobody reads */

struct rows {
    const struct build *build;
    struct build_row *list;
    size_t count;
    size_t capacity;
    GHashTable *seen; /* of GBytes: the rows that are kept */
};

static const char *text_of(json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

void build_rows_set(char cell[BUILD_ROWS_CELL_SIZE], const char *text)
{
    struct buf b;
    buf_init(&b, 4 * BUILD_ROWS_CELL_MAX);
    (void)!utf8_append_terminal(&b, str_of(text, strnlen(text, BUILD_ROWS_CELL_MAX)), "",
                                UTF8_COLOUR_DROP);
    size_t len = b.len < BUILD_ROWS_CELL_MAX ? b.len : BUILD_ROWS_CELL_MAX;
    if (len > 0) {
        memcpy(cell, b.data, len);
    }
    cell[len] = '\0';
    buf_finish(&b);
}

/* The next row, empty; it counts only once it is kept. */
static struct build_row *next_row(struct rows *rows)
{
    if (rows->count == rows->capacity) {
        rows->capacity = 2 * rows->capacity + 16;
        rows->list = mem_resize(rows->list, rows->capacity, sizeof(*rows->list));
    }
    rows->list[rows->count] = (struct build_row){ 0 };
    return &rows->list[rows->count];
}

static void keep_row(struct rows *rows)
{
    const struct build_row *row = &rows->list[rows->count];
    if (g_hash_table_add(rows->seen, g_bytes_new(row, sizeof(*row)))) {
        rows->count++;
    }
}

static struct rows rows_of(const struct build *build)
{
    return (struct rows){ .build = build,
                          .seen = g_hash_table_new_full(g_bytes_hash, g_bytes_equal,
                                                        (GDestroyNotify)g_bytes_unref, NULL) };
}

static struct build_row *rows_end(struct rows *rows, size_t *ret_count)
{
    g_hash_table_destroy(rows->seen);
    *ret_count = rows->count;
    return rows->list;
}

static const char *runtime_of(json_t *function, json_t *endpoint)
{
    const char *of_endpoint = text_of(json_object_get(endpoint, "settings"), "runtime");
    const char *of_function = text_of(json_object_get(function, "settings"), "runtime");
    if (of_endpoint[0]) {
        return of_endpoint;
    }
    if (of_function[0]) {
        return of_function;
    }
    return strcmp(text_of(function, "dialect"), "bootstrap") == 0 ? "provided" : "nodejs";
}

/* The columns that say what answers. */
static void set_function(struct build_row *row, const struct version *version, json_t *endpoint)
{
    build_rows_set(row->cells[COLUMN_FILE], text_of(endpoint, "file"));
    build_rows_set(row->cells[COLUMN_DIALECT], text_of(version->spec, "dialect"));
    build_rows_set(row->cells[COLUMN_RUNTIME], runtime_of(version->spec, endpoint));
    build_rows_set(row->cells[COLUMN_FUNCTION], version->label);
}

/* ---- routes ---- */

static void set_methods(struct build_row *row, json_t *methods)
{
    char text[BUILD_ROWS_CELL_MAX] = "";
    size_t used = 0;
    size_t i;
    json_t *method;
    json_array_foreach(methods, i, method)
    {
        const char *name = json_string_value(method);
        int n = snprintf(text + used, sizeof(text) - used, "%s%s", i ? "," : "", name ? name : "?");
        used += n > 0 && (size_t)n < sizeof(text) - used ? (size_t)n : 0;
    }
    build_rows_set(row->cells[COLUMN_METHODS], json_array_size(methods) > 0 ? text : "any");
}

static void add_route(struct rows *rows, json_t *route)
{
    json_t *index = json_object_get(route, "function");
    json_int_t i = json_integer_value(index);
    const char *shown = json_string_value(json_object_get(route, "shown"));
    if ((shown && !shown[0]) || !json_is_integer(index) || i < 0 ||
        (size_t)i >= rows->build->count) {
        return;
    }
    const struct version *version = rows->build->versions[i];
    json_t *endpoints = json_object_get(version->spec, "endpoints");
    json_int_t at = json_integer_value(json_object_get(route, "endpoint"));
    json_t *endpoint = json_array_get(endpoints, at < 0 ? SIZE_MAX : (size_t)at);
    json_t *methods = json_object_get(route, "methods");
    char text[BUILD_ROWS_CELL_MAX];
    struct build_row *row = next_row(rows);
    route_label_write(route, text, sizeof(text));
    build_rows_set(row->cells[COLUMN_ROUTE], text);
    set_methods(row, methods ? methods : json_object_get(endpoint, "methods"));
    set_function(row, version, endpoint);
    keep_row(rows);
}

struct build_row *build_rows_routes(const struct build *build, size_t *ret_count)
{
    struct rows rows = rows_of(build);
    size_t i;
    json_t *route;
    json_array_foreach(json_object_get(build->manifest, "routes"), i, route)
    {
        add_route(&rows, route);
    }
    return rows_end(&rows, ret_count);
}

/* ---- triggers ---- */

static const struct version *version_named(const struct build *build, const char *name)
{
    for (size_t i = 0; i < build->count; i++) {
        if (strcmp(build->versions[i]->name, name) == 0) {
            return build->versions[i];
        }
    }
    return NULL;
}

/* The endpoint called `path`, of any function. */
static json_t *endpoint_at(const struct build *build, const char *path,
                           const struct version **ret_version)
{
    for (size_t v = 0; v < build->count; v++) {
        size_t i;
        json_t *endpoint;
        json_array_foreach(json_object_get(build->versions[v]->spec, "endpoints"), i, endpoint)
        {
            if (strcmp(text_of(endpoint, "name"), path) == 0) {
                *ret_version = build->versions[v];
                return endpoint;
            }
        }
    }
    return NULL;
}

/* Where a trigger leads: to a function, to a path, or to something with a name. */
static void set_target(const struct rows *rows, struct build_row *row, json_t *target)
{
    const char *path = text_of(target, "path");
    const struct version *version = version_named(rows->build, text_of(target, "function"));
    json_t *endpoint =
        path[0] ? endpoint_at(rows->build, path, &version)
                : json_array_get(version ? json_object_get(version->spec, "endpoints") : NULL, 0);
    if (version) {
        set_function(row, version, endpoint);
        return;
    }
    static const struct {
        const char *member;
        const char *before;
    } kinds[] = { { "queue", "queue " },
                  { "endpoint", "destination " },
                  { "api", "" },
                  { "path", "" },
                  { "bus", "bus " } };
    char text[BUILD_ROWS_CELL_SIZE] = "";
    for (size_t i = 0; i < ARRAY_COUNT(kinds) && !text[0]; i++) {
        const char *name = text_of(target, kinds[i].member);
        (void)snprintf(text, sizeof(text), "%s%.180s", name[0] ? kinds[i].before : "", name);
    }
    build_rows_set(row->cells[COLUMN_FUNCTION], text);
}

static void add_trigger(struct rows *rows, const char *kind, const char *what, json_t *target)
{
    if (rows->count == TRIGGERS_MAX) {
        return;
    }
    struct build_row *row = next_row(rows);
    build_rows_set(row->cells[COLUMN_METHODS], kind);
    build_rows_set(row->cells[COLUMN_ROUTE], what);
    set_target(rows, row, target);
    keep_row(rows);
}

/* "images/uploads/" and a star and ".jpg", with the kind of event. */
static void add_notifications(struct rows *rows, json_t *bucket)
{
    size_t i;
    json_t *notification;
    json_array_foreach(json_object_get(bucket, "notifications"), i, notification)
    {
        size_t e;
        json_t *event;
        json_array_foreach(json_object_get(notification, "events"), e, event)
        {
            char text[BUILD_ROWS_CELL_SIZE];
            const char *name = json_string_value(event);
            (void)snprintf(text, sizeof(text), "%.63s/%.60s*%.40s %.40s", text_of(bucket, "name"),
                           text_of(notification, "prefix"), text_of(notification, "suffix"),
                           name && strncmp(name, "s3:", 3) == 0 ? name + 3 : "");
            add_trigger(rows, "s3", text, notification);
        }
    }
}

static void add_consumer(struct rows *rows, json_t *consumer)
{
    json_t *target = json_pack("{s:O}", "function", json_object_get(consumer, "function"));
    add_trigger(rows, "queue", text_of(consumer, "queue"), target);
    json_decref(target);
}

/* "in 25 s", "in 3 h"; from two days on the date, in UTC. */
static void describe_time(uint64_t time_ms, uint64_t now_ms, char *ret, size_t size)
{
    static const struct {
        uint64_t below_s, unit_s;
        const char *unit;
    } units[] = { { 120, 1, "s" }, { 7200, 60, "min" }, { 172800, 3600, "h" } };
    uint64_t left_s = (time_ms - now_ms + 999) / 1000;
    time_t seconds = (time_t)(time_ms / 1000);
    struct tm tm;
    (void)gmtime_r(&seconds, &tm); /* fails for years of ten digits only */
    (void)strftime(ret, size, "%Y-%m-%d %H:%M UTC", &tm);
    for (size_t i = 0; i < ARRAY_COUNT(units); i++) {
        if (left_s < units[i].below_s) {
            (void)snprintf(ret, size, "in %u %s", (unsigned)(left_s / units[i].unit_s),
                           units[i].unit);
            return;
        }
    }
}

/* When it is due next; "" of a rate, which says how often itself. */
static void describe_next(struct str expression, struct str zone, enum schedule_platform platform,
                          char *ret, size_t size)
{
    struct schedule_time t;
    struct err err;
    char when[40];
    ret[0] = '\0';
    if (schedule_time_parse(expression, zone, platform, &t, &err) < 0 || t.kind == SCHEDULE_RATE) {
        return;
    }
    uint64_t now_ms = clock_wall_ms() / 1000 * 1000;
    uint64_t next_ms = schedule_time_next(&t, now_ms, now_ms);
    if (next_ms == SCHEDULE_NEVER) {
        (void)snprintf(ret, size, ", never again");
        return;
    }
    describe_time(next_ms, now_ms, when, sizeof(when));
    (void)snprintf(ret, size, ", next %s", when);
}

/* A row of what a schedule, or a rule with one, leads to. */
static void add_tick(struct rows *rows, json_t *entry, const char *expression,
                     enum schedule_platform platform, json_t *target)
{
    char text[BUILD_ROWS_CELL_SIZE];
    char next[64] = " (off)";
    const char *zone = text_of(entry, "timezone");
    bool is_utc = strcmp(zone, "UTC") == 0;
    if (!json_is_false(json_object_get(entry, "enabled"))) {
        describe_next(str_c(expression), str_c(zone), platform, next, sizeof(next));
    }
    (void)snprintf(text, sizeof(text), "%.100s%s%.60s%s", expression, is_utc ? "" : " ",
                   is_utc ? "" : zone, next);
    add_trigger(rows, "cron", text, target);
}

static void add_schedule(struct rows *rows, json_t *schedule)
{
    enum schedule_platform platform;
    if (schedule_time_platform(str_c(text_of(schedule, "platform")), &platform) == 0) {
        add_tick(rows, schedule, text_of(schedule, "expression"), platform,
                 json_object_get(schedule, "target"));
    }
}

static void add_rule_ticks(struct rows *rows, json_t *rule)
{
    const char *expression = json_text(rule, "schedule");
    size_t i;
    json_t *target;
    json_array_foreach(expression ? json_object_get(rule, "targets") : NULL, i, target)
    {
        add_tick(rows, rule, expression, SCHEDULE_RULE, target);
    }
}

static void add_rule_events(struct rows *rows, json_t *rule)
{
    bool matches = json_is_object(json_object_get(rule, "pattern"));
    size_t i;
    json_t *target;
    json_array_foreach(matches ? json_object_get(rule, "targets") : NULL, i, target)
    {
        char text[BUILD_ROWS_CELL_SIZE];
        (void)snprintf(text, sizeof(text), "%.80s/%.80s", text_of(rule, "bus"),
                       text_of(rule, "name"));
        add_trigger(rows, "event", text, target);
    }
}

struct build_row *build_rows_triggers(const struct build *build, size_t *ret_count)
{
    static const struct {
        const char *list;
        void (*add)(struct rows *rows, json_t *entry);
    } kinds[] = {
        { "buckets", add_notifications }, { "consumers", add_consumer },
        { "schedules", add_schedule },    { "rules", add_rule_ticks },
        { "rules", add_rule_events },
    };
    struct rows rows = rows_of(build);
    json_t *events = json_object_get(build->manifest, "events");
    for (size_t k = 0; k < ARRAY_COUNT(kinds); k++) {
        size_t i;
        json_t *entry;
        json_array_foreach(json_object_get(events, kinds[k].list), i, entry)
        {
            kinds[k].add(&rows, entry);
        }
    }
    return rows_end(&rows, ret_count);
}
