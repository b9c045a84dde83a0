/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/routes/routes.h"

#include <errno.h>
#include <stdio.h>

#include "base/limits.h"
#include "base/mem.h"
#include "control/events/lambda/lambda_invoke.h"
#include "control/events/routes/route.h"
#include "http/http_block.h"

#define CONCURRENCY 64 /* stored requests of one route that are delivered at a time */

struct routes {
    struct services *services;
    struct list routes;
};

static void name_of(struct str function, struct str endpoint, char ret[ROUTE_NAME_BYTES])
{
    (void)snprintf(ret, ROUTE_NAME_BYTES, "%.*s#%.*s",
                   (int)(function.len < 100 ? function.len : 100), function.data,
                   (int)(endpoint.len < 140 ? endpoint.len : 140), endpoint.data);
}

static struct route *find(const struct routes *rs, const char *name)
{
    list_for_each (item, &rs->routes) {
        struct route *r = list_entry(item, struct route, link);
        if (strcmp(r->name, name) == 0) {
            return r;
        }
    }
    return NULL;
}

/* The endpoint's own name: its number changes when others are added. */
static const char *endpoint_name(const json_t *manifest, const char *function, uint64_t endpoint)
{
    const json_t *functions = json_object_get(manifest, "functions");
    for (size_t i = 0; i < json_array_size(functions); i++) {
        const json_t *f = json_array_get(functions, i);
        const char *name = json_string_value(json_object_get(f, "name"));
        if (name && strcmp(name, function) == 0) {
            const json_t *e = json_array_get(json_object_get(f, "endpoints"), endpoint);
            return json_string_value(json_object_get(e, "name"));
        }
    }
    return NULL;
}

static void open_queue(struct route *r)
{
    char name[ROUTE_NAME_BYTES + 16];
    (void)snprintf(name, sizeof(name), "route:%s", r->name);
    if (!r->queue) {
        r->queue = queue_open(r->services->queues, str_c(name));
    }
    route_durable_consume(r, CONCURRENCY);
}

static void build_one(struct routes *rs, const json_t *manifest, const json_t *entry)
{
    char name[ROUTE_NAME_BYTES];
    const char *function = json_string_value(json_object_get(entry, "function"));
    uint64_t endpoint = (uint64_t)json_integer_value(json_object_get(entry, "endpoint"));
    const char *shown = function ? endpoint_name(manifest, function, endpoint) : NULL;
    if (!shown) {
        return;
    }
    name_of(str_c(function), str_c(shown), name);
    struct route *r = find(rs, name);
    if (!r) {
        r = mem_new(struct route);
        r->services = rs->services;
        r->name = mem_copy_str(str_c(name));
        list_init(&r->claims);
        list_push(&rs->routes, &r->link);
    }
    route_config_finish(&r->config);
    route_config_read(entry, &r->config);
    r->wanted = true;
    if (r->config.durable || r->config.background) {
        open_queue(r);
    }
}

void routes_build(struct routes *rs, const json_t *manifest)
{
    const json_t *entries = json_object_get(json_object_get(manifest, "events"), "routes");
    list_for_each (item, &rs->routes) {
        list_entry(item, struct route, link)->wanted = false;
    }
    for (size_t i = 0; i < json_array_size(entries); i++) {
        build_one(rs, manifest, json_array_get(entries, i));
    }
    list_for_each (item, &rs->routes) {
        struct route *r = list_entry(item, struct route, link);
        if (!r->wanted && r->queue) {
            queue_consume(r->queue, NULL, NULL, NULL); /* its requests wait */
        }
    }
}

struct routes *routes_create(struct services *s)
{
    struct routes *rs = mem_new(struct routes);
    rs->services = s;
    list_init(&rs->routes);
    return rs;
}

static void routes_over(struct exchange *x)
{
    (void)x; /* answered while its body was read: there is nothing of ours */
}

/* The gateway is a build behind, or the build came while the body did. */
static void refuse_changed(struct exchange *x)
{
    exchange_respond(x, 503, STR("content-type\0text/plain\0"),
                     STR("this route has just been changed: try again\n"));
}

/* Nothing could tell whether it has come before. */
static void refuse_without_key(struct exchange *x, const struct route_config *config)
{
    char text[256];
    const char *kind = config->key == ROUTE_KEY_JSON ? "its JSON body at " : "the header ";
    const char *name = config->key_name ? config->key_name : "webhook-id";
    int n = snprintf(text, sizeof(text),
                     "a request to this route is known again by what it has in %s%.150s: this one "
                     "has nothing there\n",
                     kind, name); /* fits */
    exchange_respond(x, 400, STR("content-type\0text/plain\0"), str_of(text, (size_t)n));
}

static void have_body(struct exchange *x, int r, struct str body)
{
    struct route *route = x->user;
    x->user = NULL;
    if (!route->wanted) {
        refuse_changed(x);
        return;
    }
    if (r == -EMSGSIZE) {
        exchange_respond(x, 413, STR("content-type\0text/plain\0"),
                         STR("a request to this route may have 8 MB\n"));
        return;
    }
    if (r == -EBUSY) {
        exchange_respond(x, 503, STR("content-type\0text/plain\0"),
                         STR("too much is sent at once\n"));
        return;
    }
    if (r < 0) {
        exchange_end(x);
        return;
    }
    scoped_free char *key = route_config_key(&route->config, x->headers, body);
    bool is_stored = route->config.durable || route->config.background;
    if (!key && (route->config.key != ROUTE_KEY_NONE || !is_stored)) {
        refuse_without_key(x, &route->config);
    } else if (is_stored) {
        route_durable_begin(route, x, body, key ? str_c(key) : STR(""));
    } else {
        route_once_begin(route, x, body, str_c(key));
    }
}

void routes_begin(struct routes *rs, struct exchange *x)
{
    static const struct exchange_events events = { .over = routes_over };
    struct str function = http_block_find(x->headers, STR("x-mayfly-function"));
    struct str endpoint = http_block_find(x->headers, STR("x-mayfly-endpoint"));
    if (!endpoint.data) { /* only Lambda's Invoke API comes without one */
        lambda_invoke_begin(rs->services, x, function);
        return;
    }
    char name[ROUTE_NAME_BYTES];
    name_of(function, endpoint, name);
    struct route *route = find(rs, name);
    if (!route || !route->wanted) {
        refuse_changed(x);
        return;
    }
    x->events = &events;
    x->user = route;
    exchange_read_body(x, ROUTE_BODY_BYTES_MAX, have_body);
}
