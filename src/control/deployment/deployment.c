/* SPDX-License-Identifier: Apache-2.0 */
#include "control/deployment/deployment.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/chance.h"
#include "base/clock.h"
#include "base/hex.h"
#include "base/limits.h"
#include "base/mem.h"
#include "control/deployment/manifest_check.h"
#include "control/events/queue/queue.h"
#include "control/sign/aws_users.h"
#include "control/text/json_write.h"

#define DEPLOYMENT_REMOVED_KEPT 64
#define DEPLOYMENT_LIVE_MAX     ((size_t)4 * LIMIT_FUNCTIONS)

static struct version *version_of(struct list *item)
{
    return list_entry(item, struct version, link);
}

static void version_free(struct version *v)
{
    list_remove(&v->link);
    json_decref(v->spec);
    free(v->text);
    free(v->unloaded_text);
    free(v);
}

static void build_free(struct build *b)
{
    if (b) {
        json_decref(b->manifest);
        free(b->versions);
        free(b->is_new);
        free(b);
    }
}

static bool build_uses(const struct build *b, const struct version *v)
{
    for (size_t i = 0; b && i < b->count; i++) {
        if (b->versions[i] == v) {
            return true;
        }
    }
    return false;
}

void deployment_init(struct deployment *d, const struct deployment_actions *actions,
                     uint64_t first_id)
{
    *d = (struct deployment){
        .actions = actions, .next_id = first_id, .next_build = first_id, .numbers = json_object()
    };
    list_init(&d->versions);
    list_init(&d->removed);
}

void deployment_finish(struct deployment *d)
{
    list_for_each (item, &d->versions) {
        version_free(version_of(item));
    }
    list_for_each (item, &d->removed) {
        version_free(version_of(item));
    }
    build_free(d->active);
    build_free(d->pending);
    json_decref(d->numbers);
}

static struct version *find_in(const struct list *list, uint64_t id)
{
    for (struct list *item = list->next; item != list; item = item->next) {
        if (version_of(item)->id == id) {
            return version_of(item);
        }
    }
    return NULL;
}

const struct version *deployment_find(const struct deployment *d, uint64_t id)
{
    const struct version *v = find_in(&d->versions, id);
    return v ? v : find_in(&d->removed, id);
}

static void remove_version(struct deployment *d, struct version *v)
{
    d->actions->remove(d, v);
    list_remove(&v->link);
    list_push(&d->removed, &v->link);
    d->live_count--;
    if (++d->removed_count > DEPLOYMENT_REMOVED_KEPT) {
        version_free(version_of(d->removed.next));
        d->removed_count--;
    }
}

/* Removes what no build uses and no request is on. */
static void collect(struct deployment *d)
{
    list_for_each (item, &d->versions) {
        struct version *v = version_of(item);
        if (!build_uses(d->active, v) && !build_uses(d->pending, v) &&
            v->retired_by <= d->drained) {
            remove_version(d, v);
        }
    }
}

static uint32_t free_slot(const struct deployment *d)
{
    bool taken[DEPLOYMENT_LIVE_MAX] = { false };
    for (struct list *item = d->versions.next; item != &d->versions; item = item->next) {
        taken[version_of(item)->slot] = true;
    }
    uint32_t slot = 0;
    while (taken[slot]) {
        slot++; /* deployment_offer() has made sure that one is free */
    }
    return slot;
}

static uint64_t next_number(struct deployment *d, const char *name)
{
    json_int_t number = json_integer_value(json_object_get(d->numbers, name)) + 1;
    (void)json_object_set_new(d->numbers, name, json_integer(number)); /* the name is UTF-8 */
    return (uint64_t)number;
}

/* Workers and middleware alone make requests to the platform itself: to what they stand in front
 * of, and to the services they are bound to. */
static bool asks_platform(const struct version *v)
{
    const char *dialect = json_string_value(json_object_get(v->spec, "dialect"));
    return strcmp(dialect, "worker") == 0 || strcmp(dialect, "middleware") == 0;
}

static void make_token(struct version *v)
{
    unsigned char bytes[DEPLOYMENT_TOKEN_BYTES];
    if (!asks_platform(v)) {
        return;
    }
    chance_bytes(bytes, sizeof(bytes));
    *hex_write(bytes, sizeof(bytes), v->token) = '\0';
}

static struct version *add_version(struct deployment *d, json_t *spec)
{
    struct version *v = mem_new(struct version);
    v->id = d->next_id++;
    v->slot = free_slot(d);
    v->spec = json_incref(spec);
    v->name = json_string_value(json_object_get(spec, "name"));
    v->hash = json_string_value(json_object_get(spec, "hash"));
    v->number = next_number(d, v->name);
    v->made_ms = clock_wall_ms();
    v->text = mem_copy_str(STR(""));
    v->unloaded_text = mem_copy_str(STR(""));
    (void)snprintf(v->label, sizeof(v->label), "%.100s@%llu", v->name,
                   (unsigned long long)v->number);
    make_token(v);
    list_push(&d->versions, &v->link);
    d->live_count++;
    return v;
}

/* What failed to load gets another chance with each build: its reason may lie outside its code. */
static struct version *find_same(const struct deployment *d, json_t *spec)
{
    const char *name = json_string_value(json_object_get(spec, "name"));
    const char *hash = json_string_value(json_object_get(spec, "hash"));
    for (struct list *item = d->versions.next; item != &d->versions; item = item->next) {
        struct version *v = version_of(item);
        if (v->state != VERSION_FAILED && strcmp(v->name, name) == 0 &&
            strcmp(v->hash, hash) == 0) {
            return v;
        }
    }
    return NULL;
}

static const struct version *predecessor(const struct build *active, const struct version *v)
{
    for (size_t i = 0; active && i < active->count; i++) {
        if (strcmp(active->versions[i]->name, v->name) == 0) {
            return active->versions[i];
        }
    }
    return NULL;
}

/* What failed to load in the place of one that is in `state`. */
static const struct version *find_failed(const struct deployment *d, enum version_state state)
{
    const struct build *b = d->pending;
    for (size_t i = 0; i < b->count; i++) {
        const struct version *before = predecessor(d->active, b->versions[i]);
        if (b->versions[i]->state == VERSION_FAILED && before && before->state == state) {
            return b->versions[i];
        }
    }
    return NULL;
}

/* The first build may still be loading what the pending one would replace by something broken. */
static bool may_be_broken(const struct deployment *d)
{
    return find_failed(d, VERSION_NEW) || find_failed(d, VERSION_LOADING);
}

static bool has_reached(const struct build *b, enum version_state state)
{
    for (size_t i = 0; i < b->count; i++) {
        if (b->versions[i]->state < state) {
            return false;
        }
    }
    return true;
}

bool deployment_has_settled(const struct build *build)
{
    return has_reached(build, VERSION_LOADED);
}

static void retire_unused(struct deployment *d)
{
    list_for_each (item, &d->versions) {
        struct version *v = version_of(item);
        bool used = build_uses(d->active, v);
        if (used) {
            v->retired_by = 0;
        } else if (v->retired_by == 0) {
            v->retired_by = d->active->number;
        }
    }
}

static void activate(struct deployment *d)
{
    struct build *before = d->active;
    d->active = d->pending;
    d->pending = NULL;
    retire_unused(d);
    d->actions->route(d, d->active, before == NULL);
    build_free(before);
    collect(d);
}

static void settle(struct deployment *d)
{
    if (!d->pending || !has_reached(d->pending, d->active ? VERSION_LOADED : VERSION_LOADING) ||
        may_be_broken(d)) {
        return;
    }
    const struct version *culprit = find_failed(d, VERSION_LOADED);
    if (!culprit) {
        activate(d);
        return;
    }
    struct build *rejected = d->pending;
    d->pending = NULL;
    d->actions->reject(d, rejected, culprit);
    build_free(rejected);
    collect(d);
}

/* Returns whether the version had to be added. */
static bool use_version(struct deployment *d, json_t *spec, struct version **ret)
{
    struct version *same = find_same(d, spec);
    *ret = same ? same : add_version(d, spec);
    return !same;
}

bool deployment_tell(struct deployment *d)
{
    bool all = true;
    list_for_each (item, &d->versions) {
        struct version *v = version_of(item);
        v->is_told = v->is_told || d->actions->add(d, v) == 0;
        all = all && v->is_told;
    }
    return all;
}

int deployment_offer(struct deployment *d, json_t *manifest, struct err *err)
{
    int r = manifest_check(manifest, err);
    if (r < 0) {
        return r;
    }
    json_t *functions = json_object_get(manifest, "functions");
    if (d->live_count + json_array_size(functions) >= DEPLOYMENT_LIVE_MAX) {
        return err_set(err, ENOSPC, "too many versions are alive: requests still run on them");
    }
    struct build *b = mem_new(struct build);
    b->number = d->next_build++;
    b->manifest = json_incref(manifest);
    b->count = json_array_size(functions);
    b->versions = mem_alloc((b->count + 1) * sizeof(struct version *));
    b->is_new = mem_alloc((b->count + 1) * sizeof(bool));
    for (size_t i = 0; i < b->count; i++) {
        b->is_new[i] = use_version(d, json_array_get(functions, i), &b->versions[i]);
    }
    struct build *superseded = d->pending;
    d->pending = b;
    (void)deployment_tell(d); /* the rest later */
    build_free(superseded);
    collect(d);
    settle(d);
    return 0;
}

void deployment_loading(struct deployment *d, uint64_t id)
{
    struct version *v = find_in(&d->versions, id);
    if (v && v->state == VERSION_NEW) {
        v->state = VERSION_LOADING;
        settle(d);
    }
}

void deployment_loaded(struct deployment *d, const struct message_function_loaded *loaded)
{
    struct version *v = find_in(&d->versions, loaded->function);
    if (!v) {
        return;
    }
    v->state = loaded->failed ? VERSION_FAILED : VERSION_LOADED;
    v->snapshot = loaded->snapshot != 0;
    v->load_ms = loaded->load_ms;
    free(v->text);
    v->text = mem_copy_str(str_c(loaded->text));
    v->unloaded = loaded->unloaded;
    free(v->unloaded_text);
    v->unloaded_text = mem_copy_str(str_c(loaded->unloaded_text));
    settle(d);
}

void deployment_drained(struct deployment *d, uint64_t build)
{
    if (build > d->drained && build < d->next_build) {
        d->drained = build;
        collect(d);
    }
}

static uint32_t number_of(const struct version *v, const char *field)
{
    return (uint32_t)json_integer_value(json_object_get(v->spec, field)); /* manifest_check() */
}

static void add_mount(struct message_function *plan, const char *source, const char *target,
                      bool writable)
{
    struct message_mount *mount = &plan->mounts[plan->mount_count++];
    mount->writable = writable;
    (void)snprintf(mount->source, sizeof(mount->source), "%s", source);
    (void)snprintf(mount->target, sizeof(mount->target), "%s", target);
}

void deployment_plan(const struct version *version, struct message_function *ret)
{
    json_t *mounts = json_object_get(version->spec, "mounts");
    size_t i;
    json_t *mount;
    *ret = (struct message_function){ .number = version->slot,
                                      .memory_mb = number_of(version, "memory_mb"),
                                      .tmp_mb = number_of(version, "tmp_mb"),
                                      .cpu_ms = number_of(version, "cpu_ms"),
                                      .pids_max = LIMIT_INSTANCE_PIDS };
    (void)snprintf(ret->name, sizeof(ret->name), "%s", version->label);
    add_mount(ret, json_string_value(json_object_get(version->spec, "artifact")), "", false);
    json_array_foreach(mounts, i, mount)
    {
        add_mount(ret, json_string_value(json_object_get(mount, "source")),
                  json_string_value(json_object_get(mount, "target")),
                  json_is_true(json_object_get(mount, "writable")));
    }
}

/* None of these can fail but for lack of memory: the keys are ours and the values exist. */
static void set(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value);
}

/* The address people type, with a name that needs no looking up: sandboxes share our loopback. */
static json_t *inner_origin(const char *origin)
{
    static const char named[] = "http://localhost:";
    size_t len = sizeof(named) - 1;
    return strncmp(origin, named, len) == 0 ? json_sprintf("http://127.0.0.1:%s", origin + len)
                                            : json_string(origin);
}

/* Whoever sets one of these means to go elsewhere. */
static bool goes_elsewhere(json_t *env)
{
    static const char *const names[] = { "AWS_ACCESS_KEY_ID",
                                         "AWS_SECRET_ACCESS_KEY",
                                         "AWS_PROFILE",
                                         "AWS_ENDPOINT_URL",
                                         "AWS_WEB_IDENTITY_TOKEN_FILE",
                                         "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                                         "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI" };
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (json_object_get(env, names[i])) {
            return true;
        }
    }
    return false;
}

/* The URL of a queue is written down by the builder as it would be at AWS, whose address clients
 * take from it: "https://sqs.us-east-1.amazonaws.com/000000000000/jobs". */
static void move_queue_urls(json_t *env, const char *origin)
{
    static const char host[] = ".amazonaws.com";
    const char *name;
    void *next;
    json_t *value;
    json_object_foreach_safe(env, next, name, value)
    {
        const char *text = json_string_value(value);
        const char *path = text && strncmp(text, "https://sqs.", 12) == 0
                               ? strstr(text, ".amazonaws.com/" AWS_ACCOUNT_ID "/")
                               : NULL;
        if (path && !memchr(text + 12, '/', (size_t)(path - text - 12))) {
            set(env, name, json_sprintf("%s%s", origin, path + sizeof(host) - 1));
        }
    }
}

static void set_default(json_t *env, const char *name, json_t *value)
{
    if (json_object_get(env, name)) {
        json_decref(value);
    } else {
        set(env, name, value);
    }
}

static const char *region_of(const json_t *env)
{
    const char *region = json_string_value(json_object_get(env, "AWS_REGION"));
    const char *other = json_string_value(json_object_get(env, "AWS_DEFAULT_REGION"));
    return region ? region : other ? other : "us-east-1";
}

const char *deployment_region(const json_t *function)
{
    return region_of(json_object_get(function, "env"));
}

static void add_aws(json_t *env, const struct deployment_aws *aws)
{
    const char *region = region_of(env);
    set(env, "AWS_ENDPOINT_URL", json_string(aws->origin));
    set(env, "AWS_ACCESS_KEY_ID", json_stringn(aws->access_key.data, aws->access_key.len));
    set(env, "AWS_SECRET_ACCESS_KEY", json_stringn(aws->secret.data, aws->secret.len));
    /* Python's clients read the second only. */
    set_default(env, "AWS_REGION", json_string(region));
    set_default(env, "AWS_DEFAULT_REGION", json_string(region));
    /* Else the SDK for JavaScript computes a checksum of all it gets: 7 ms a MB of CRC-64/NVME. It
     * would be about a network that is not there. "Data integrity protections", AWS SDKs and Tools
     * Reference Guide. */
    set_default(env, "AWS_RESPONSE_CHECKSUM_VALIDATION", json_string("when_required"));
    move_queue_urls(env, aws->origin);
}

/* Where @netlify/blobs finds its stores: s3_blobs.h. The deploy "0" is that of netlify dev. */
static void add_blobs(json_t *env, const struct deployment_aws *aws)
{
    const char *site = json_string_value(json_object_get(env, "SITE_ID"));
    json_t *token =
        json_sprintf(STR_FMT "." STR_FMT, STR_ARG(aws->access_key), STR_ARG(aws->secret));
    json_t *context =
        json_pack("{s:s,s:s,s:o,s:s,s:s,s:s}", "edgeURL", aws->origin, "uncachedEdgeURL",
                  aws->origin, "token", token, "siteID", site ? site : "unlinked", "deployID", "0",
                  "primaryRegion", "us-east-2");
    char *dump = json_write(context);
    size_t len = dump ? strlen(dump) : 0;
    char *text = mem_alloc(AWS_BASE64_BYTES(len));
    struct str encoded = aws_base64((const uint8_t *)dump, len, text);
    set_default(env, "NETLIFY_BLOBS_CONTEXT", json_stringn(encoded.data, encoded.len));
    free(text);
    free(dump);
    json_decref(context);
}

json_t *deployment_spec(const struct version *version, const char *origin,
                        const struct deployment_aws *aws)
{
    json_t *spec = json_copy(version->spec);
    json_t *given = json_object_get(spec, "env");
    json_t *env = given ? json_copy(given) : json_object();
    if (version->token[0]) {
        set(env, "MAYFLY_ORIGIN", inner_origin(origin));
        set(env, "MAYFLY_ORIGIN_TOKEN", json_string(version->token));
    }
    const char *dialect = json_string_value(json_object_get(spec, "dialect"));
    if (aws && strcmp(dialect, "netlify") == 0) {
        add_blobs(env, aws);
    }
    if (aws && !goes_elsewhere(env)) {
        add_aws(env, aws);
    }
    set(spec, "env", env);
    set(spec, "version", json_integer((json_int_t)version->number));
    set(spec, "function", json_integer((json_int_t)version->id));
    set(spec, "origin", json_string(origin));
    return spec;
}

/* Names of the functions that the version's bindings lead to. */
static json_t *services_of(const struct version *v)
{
    json_t *services = json_array();
    const char *name;
    json_t *binding;
    json_object_foreach(json_object_get(v->spec, "bindings"), name, binding)
    {
        const char *type = json_string_value(json_object_get(binding, "type"));
        json_t *function = json_object_get(binding, "function");
        if (type && strcmp(type, "service") == 0 && json_is_string(function)) {
            (void)json_array_append(services, function); /* fails only for lack of memory */
        }
    }
    return services;
}

/* The gateway faces the network: what it need not know (secrets, files) it does not get. */
static json_t *gateway_function(const struct version *v)
{
    static const char *const private_fields[] = { "env",    "bindings", "artifact",
                                                  "mounts", "entry",    "hash" };
    json_t *function = json_copy(v->spec);
    for (size_t i = 0; i < ARRAY_COUNT(private_fields); i++) {
        (void)json_object_del(function, private_fields[i]); /* absent is fine */
    }
    set(function, "id", json_integer((json_int_t)v->id));
    set(function, "version", json_integer((json_int_t)v->number));
    if (v->token[0]) {
        set(function, "token", json_string(v->token));
        set(function, "services", services_of(v));
    }
    return function;
}

json_t *deployment_routes(const struct build *build)
{
    static const char *const copied[] = { "project", "routes", "static" };
    json_t *routes = json_object();
    json_t *functions = json_array();
    for (size_t i = 0; i < ARRAY_COUNT(copied); i++) {
        json_t *part = json_object_get(build->manifest, copied[i]);
        if (part) {
            set(routes, copied[i], json_incref(part));
        }
    }
    for (size_t i = 0; i < build->count; i++) {
        (void)json_array_append_new(functions, gateway_function(build->versions[i]));
    }
    set(routes, "functions", functions);
    set(routes, "build", json_integer((json_int_t)build->number));
    return routes;
}
