/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/routes_json.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>

#include "base/limits.h"
#include "base/mem.h"
#include "channel/frame.h"

#define ROUTES_MAX          65536
#define ENDPOINTS_MAX       65536
#define TEXTS_MAX           1024 /* in a list */
#define CONDITIONS_MAX      64
#define ROOTS_MAX           1024
#define BROKEN_BYTES_MAX    (64 * KIB) /* of what is told of a function that was not built */
#define METHODS_BYTES_MAX   (4 * KIB)
#define DEFAULT_CONCURRENCY 64
#define DEFAULT_TIMEOUT_MS  300000
#define DEFAULT_IDLE_MS     300000
#define DEFAULT_INSTANCES   1000 /* Lambda's concurrency of an account */
#define TOKEN_BYTES_MIN     32

static void json_scope(json_t **json)
{
    json_decref(*json);
}
#define scoped_json SCOPED(json_scope)

static char *copy_text(const json_t *value)
{
    return json_is_string(value)
               ? mem_copy_str(str_of(json_string_value(value), json_string_length(value)))
               : NULL;
}

/* A text without NUL, or absent. */
static int read_text(const json_t *object, const char *key, char **ret, struct err *err)
{
    const json_t *value = json_object_get(object, key);
    if (!value || json_is_null(value)) {
        return 0;
    }
    if (!json_is_string(value) || strlen(json_string_value(value)) != json_string_length(value)) {
        return err_set(err, EINVAL, "%s: not a text", key);
    }
    *ret = copy_text(value);
    return 0;
}

static int read_number(const json_t *object, const char *key, uint64_t max, uint64_t *ret,
                       struct err *err)
{
    const json_t *value = json_object_get(object, key);
    if (!value || json_is_null(value)) {
        return 0;
    }
    double number = json_is_number(value) ? json_number_value(value) : -1;
    if (number < 0 || number > (double)max) {
        return err_set(err, EINVAL, "%s: not a number from 0 to %llu", key,
                       (unsigned long long)max);
    }
    *ret = json_is_integer(value) ? (uint64_t)json_integer_value(value) : (uint64_t)number;
    return 0;
}

static int read_texts(const json_t *object, const char *key, char ***ret, size_t *ret_count,
                      struct err *err)
{
    const json_t *array = json_object_get(object, key);
    if (!array || json_is_null(array)) {
        return 0;
    }
    if (!json_is_array(array) || json_array_size(array) > TEXTS_MAX) {
        return err_set(err, EINVAL, "%s: not a list of at most %d texts", key, TEXTS_MAX);
    }
    size_t count = json_array_size(array);
    *ret = mem_alloc((count + 1) * sizeof(void *));
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_array_get(array, i);
        if (!json_is_string(value)) {
            return err_set(err, EINVAL, "%s: not a list of texts", key);
        }
        (*ret)[(*ret_count)++] = copy_text(value);
    }
    return 0;
}

static int read_pattern(const json_t *object, const char *key, uint32_t options, pcre2_code **ret,
                        struct err *err)
{
    const json_t *value = json_object_get(object, key);
    if (!value || json_is_null(value)) {
        return 0;
    }
    if (!json_is_string(value)) {
        return err_set(err, EINVAL, "%s: not a pattern", key);
    }
    struct str text = str_of(json_string_value(value), json_string_length(value));
    return router_compile(text, options, ret, err) < 0 ? err_wrap(err, "%s", key) : 0;
}

/* Functions. */

/* "app/a.ts:3:7: Expected ..." and the code frame. */
static char *describe_broken(const json_t *broken)
{
    struct buf text;
    buf_init(&text, BROKEN_BYTES_MAX);
    const char *file = json_string_value(json_object_get(broken, "file"));
    const char *what = json_string_value(json_object_get(broken, "text"));
    const char *frame = json_string_value(json_object_get(broken, "frame"));
    int r = buf_printf(&text, "%s:%lld:%lld: %s\n%s%s", file ? file : "?",
                       (long long)json_integer_value(json_object_get(broken, "line")),
                       (long long)json_integer_value(json_object_get(broken, "column")),
                       what ? what : "", frame ? "\n" : "", frame ? frame : "");
    char *copy = mem_copy_str(r == 0 ? buf_str(&text) : STR("the build failed"));
    buf_finish(&text);
    return copy;
}

static char *join_methods(const json_t *methods)
{
    struct buf text;
    buf_init(&text, METHODS_BYTES_MAX);
    for (size_t i = 0; i < json_array_size(methods); i++) {
        const char *method = json_string_value(json_array_get(methods, i));
        if (!method || buf_printf(&text, "%s%s", i > 0 ? ", " : "", method) < 0) {
            break;
        }
    }
    char *copy = text.len > 0 ? mem_copy_str(buf_str(&text)) : NULL;
    buf_finish(&text);
    return copy;
}

static int read_endpoint(const json_t *json, struct endpoint *e, struct err *err)
{
    int r = read_text(json, "name", &e->name, err);
    if (r == 0) {
        r = read_number(json, "timeout_ms", UINT32_MAX, &e->timeout_ms, err);
    }
    const json_t *settings = json_object_get(json, "settings");
    const json_t *broken = json_object_get(settings, "broken");
    const char *via = json_string_value(json_object_get(json, "via"));
    e->via = !via                     ? ENDPOINT_VIA_NOTHING
             : !strcmp(via, "events") ? ENDPOINT_VIA_EVENTS
                                      : ENDPOINT_VIA_EVENTS_UNLESS_SAFE;
    const char *api = json_string_value(json_object_get(settings, "api"));
    e->api = !api                   ? ENDPOINT_API_NONE
             : !strcmp(api, "rest") ? ENDPOINT_API_REST
                                    : ENDPOINT_API_HTTP;
    e->invoke = json_is_true(json_object_get(settings, "invoke"));
    if (json_is_string(broken)) {
        e->broken = copy_text(broken);
    } else if (json_is_object(broken)) {
        e->broken = describe_broken(broken);
    }
    e->allow = join_methods(json_object_get(json, "methods"));
    return r;
}

static int read_endpoints(const json_t *json, struct function *f, struct err *err)
{
    const json_t *array = json_object_get(json, "endpoints");
    if (array && (!json_is_array(array) || json_array_size(array) > ENDPOINTS_MAX)) {
        return err_set(err, EINVAL, "endpoints: not a list");
    }
    f->endpoints = mem_alloc((json_array_size(array) + 1) * sizeof(*f->endpoints));
    for (size_t i = 0; i < json_array_size(array); i++) {
        int r = read_endpoint(json_array_get(array, i), &f->endpoints[f->endpoint_count++], err);
        if (r < 0) {
            return err_wrap(err, "endpoint %zu", i);
        }
    }
    return 0;
}

/* Seconds with a fraction; null is never. */
static int read_idle(const json_t *json, uint64_t *ret_ms, struct err *err)
{
    const json_t *value = json_object_get(json, "idle_s");
    if (!value) {
        return 0;
    }
    if (json_is_null(value)) {
        *ret_ms = UINT64_MAX;
        return 0;
    }
    double seconds = json_is_number(value) ? json_number_value(value) : -1;
    if (!(seconds >= 0) || seconds > 1e9) {
        return err_set(err, EINVAL, "idle_s: not a number of seconds");
    }
    *ret_ms = (uint64_t)llround(seconds * 1000);
    return 0;
}

static int read_limits(const json_t *json, struct function *f, struct err *err)
{
    uint64_t concurrency = DEFAULT_CONCURRENCY, min = 0, max = DEFAULT_INSTANCES;
    f->timeout_ms = DEFAULT_TIMEOUT_MS;
    f->limits.idle_ms = DEFAULT_IDLE_MS;
    const struct {
        const char *key;
        uint64_t max;
        uint64_t *value;
    } numbers[] = {
        { "id", INT64_MAX, &f->id },
        { "concurrency", FRAME_SLOTS, &concurrency },
        { "min_instances", LIMIT_INSTANCES, &min },
        { "max_instances", UINT32_MAX, &max },
        { "timeout_ms", UINT32_MAX, &f->timeout_ms },
        { "body_max_bytes", INT64_MAX, &f->body_max_bytes },
        { "response_max_bytes", INT64_MAX, &f->response_max_bytes },
    };
    for (size_t i = 0; i < ARRAY_COUNT(numbers); i++) {
        int r = read_number(json, numbers[i].key, numbers[i].max, numbers[i].value, err);
        if (r < 0) {
            return r;
        }
    }
    const json_t *reserved = json_object_get(json, "reserved");
    f->reserved = json_is_integer(reserved) ? json_integer_value(reserved) : -1;
    f->limits.concurrency = concurrency > 0 ? (uint32_t)concurrency : DEFAULT_CONCURRENCY;
    f->limits.max_instances = max > 0 && max < LIMIT_INSTANCES ? (uint32_t)max : LIMIT_INSTANCES;
    f->limits.min_instances = (uint32_t)min;
    return f->id == 0 ? err_set(err, EINVAL, "id: missing")
                      : read_idle(json, &f->limits.idle_ms, err);
}

static int read_dialect(const json_t *json, enum dialect *ret, struct err *err)
{
    const json_t *value = json_object_get(json, "dialect");
    if (!value || json_is_null(value)) {
        return 0;
    }
    const char *text = json_string_value(value);
    enum dialect dialect = text ? dialect_find(str_c(text)) : DIALECT_COUNT;
    if (dialect == DIALECT_COUNT) {
        return err_set(err, EINVAL, "dialect: unknown");
    }
    *ret = dialect;
    return 0;
}

/* A short one would be guessed, an empty one be everybody's. */
static int read_token(const json_t *json, struct function *f, struct err *err)
{
    int r = read_text(json, "token", &f->token, err);
    if (r == 0 && f->token && strlen(f->token) < TOKEN_BYTES_MIN) {
        return err_set(err, EINVAL, "token: too short");
    }
    return r < 0 ? r : read_texts(json, "services", &f->services, &f->service_count, err);
}

static int read_function(const json_t *json, struct function **ret, struct err *err)
{
    scoped_function struct function *f = function_create();
    int r = read_text(json, "name", &f->name, err);
    if (r == 0) {
        r = read_dialect(json, &f->dialect, err);
    }
    if (r == 0) {
        r = read_limits(json, f, err);
    }
    if (r == 0) {
        r = read_endpoints(json, f, err);
    }
    if (r == 0) {
        r = read_token(json, f, err);
    }
    f->edge = json_is_true(json_object_get(json_object_get(json, "settings"), "edge"));
    f->compress = json_is_true(json_object_get(json, "compress"));
    if (r == 0 && !f->name) {
        r = err_set(err, EINVAL, "name: missing");
    }
    if (r == 0) {
        *ret = take_ptr(f);
    }
    return r;
}

static int read_functions(const json_t *root, struct routes_file *file, struct err *err)
{
    const json_t *array = json_object_get(root, "functions");
    if (array && (!json_is_array(array) || json_array_size(array) > LIMIT_FUNCTIONS)) {
        return err_set(err, EINVAL, "functions: not a list of at most %d", LIMIT_FUNCTIONS);
    }
    file->functions = mem_alloc((json_array_size(array) + 1) * sizeof(void *));
    for (size_t i = 0; i < json_array_size(array); i++) {
        int r = read_function(json_array_get(array, i), &file->functions[i], err);
        if (r < 0) {
            return err_wrap(err, "function %zu", i);
        }
        file->function_count++;
    }
    return 0;
}

/* Routes. */

static int read_condition(const json_t *json, bool wanted, struct condition *c, struct err *err)
{
    const char *type = json_string_value(json_object_get(json, "type"));
    static const char *const types[] = { [CONDITION_HEADER] = "header",
                                         [CONDITION_COOKIE] = "cookie",
                                         [CONDITION_QUERY] = "query",
                                         [CONDITION_HOST] = "host" };
    size_t i = 0;
    while (i < ARRAY_COUNT(types) && (!type || strcmp(type, types[i]) != 0)) {
        i++;
    }
    if (i == ARRAY_COUNT(types)) {
        return err_set(err, EINVAL, "type: unknown");
    }
    c->type = (enum condition_type)i;
    c->wanted = wanted;
    int r = read_text(json, "key", &c->key, err);
    if (r == 0 && !c->key && c->type != CONDITION_HOST) {
        return err_set(err, EINVAL, "key: missing");
    }
    for (char *p = c->key; r == 0 && p && *p && c->type == CONDITION_HEADER; p++) {
        *p = (char)(*p >= 'A' && *p <= 'Z' ? *p | 0x20 : *p);
    }
    uint32_t options = c->type == CONDITION_HOST ? PCRE2_CASELESS : 0;
    return r < 0 ? r : read_pattern(json, "value", options, &c->pattern, err);
}

static int read_conditions(const json_t *json, const char *key, bool wanted, struct route *route,
                           struct err *err)
{
    const json_t *array = json_object_get(json, key);
    if (!array || json_is_null(array)) {
        return 0;
    }
    size_t count = json_array_size(array);
    if (!json_is_array(array) || count > CONDITIONS_MAX) {
        return err_set(err, EINVAL, "%s: not a list of at most %d", key, CONDITIONS_MAX);
    }
    route->conditions = mem_resize(route->conditions, route->condition_count + count + 1,
                                   sizeof(*route->conditions));
    for (size_t i = 0; i < count; i++) {
        struct condition *c = &route->conditions[route->condition_count++];
        *c = (struct condition){ 0 };
        int r = read_condition(json_array_get(array, i), wanted, c, err);
        if (r < 0) {
            return err_wrap(err, "%s %zu", key, i);
        }
    }
    return 0;
}

static int read_headers(const json_t *json, struct route *route, struct err *err)
{
    json_t *object = json_object_get(json, "headers");
    if (!object || json_is_null(object)) {
        return 0;
    }
    if (!json_is_object(object)) {
        return err_set(err, EINVAL, "headers: not an object");
    }
    route->headers = mem_alloc((json_object_size(object) + 1) * sizeof(*route->headers));
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        if (!http_is_token(str_c(name)) || !json_is_string(value) ||
            !http_is_field_value(str_of(json_string_value(value), json_string_length(value)))) {
            return err_set(err, EINVAL, "header %s: cannot be sent", name);
        }
        route->headers[route->header_count++] =
            (struct route_header){ .name = mem_copy_str(str_c(name)), .value = copy_text(value) };
    }
    return 0;
}

static int read_target(const json_t *json, const struct routes_file *file, struct route *route,
                       struct err *err)
{
    uint64_t function = 0, endpoint = 0, status = 0;
    int r = read_number(json, "function", UINT32_MAX, &function, err);
    if (r == 0) {
        r = read_number(json, "endpoint", UINT32_MAX, &endpoint, err);
    }
    if (r == 0) {
        r = read_number(json, "status", 999, &status, err);
    }
    if (r < 0) {
        return r;
    }
    route->has_function = json_is_number(json_object_get(json, "function"));
    if (route->has_function &&
        (function >= file->function_count ||
         (endpoint > 0 && endpoint >= file->functions[function]->endpoint_count))) {
        return err_set(err, EINVAL, "function: there is none of that number");
    }
    if (status > 0 && status < 200) {
        return err_set(err, EINVAL, "status: cannot be an answer");
    }
    route->function = (uint32_t)function;
    route->endpoint = (uint32_t)endpoint;
    route->status = (unsigned)status;
    route->is_static = json_is_true(json_object_get(json, "static"));
    route->is_control = json_is_true(json_object_get(json, "control"));
    route->check = json_is_true(json_object_get(json, "check"));
    route->goes_on = json_is_true(json_object_get(json, "continue"));
    if (route->has_function) {
        route->dialect = file->functions[function]->dialect;
    }
    return read_dialect(json, &route->dialect, err);
}

static int read_route(const json_t *json, const struct routes_file *file, struct route *route,
                      struct err *err)
{
    const struct {
        const char *key;
        char **value;
    } texts[] = { { "path", &route->path },     { "location", &route->location },
                  { "dest", &route->dest },     { "label", &route->label },
                  { "suffix", &route->suffix }, { "without", &route->without } };
    int r = json_is_object(json) ? 0 : err_set(err, EINVAL, "not an object");
    for (size_t i = 0; r == 0 && i < ARRAY_COUNT(texts); i++) {
        r = read_text(json, texts[i].key, texts[i].value, err);
    }
    if (r == 0) {
        r = read_pattern(json, "src", PCRE2_ANCHORED, &route->src, err);
    }
    if (r == 0) {
        r = read_pattern(json, "host", PCRE2_CASELESS, &route->host, err);
    }
    if (r == 0) {
        r = read_texts(json, "methods", &route->methods, &route->method_count, err);
    }
    if (r == 0) {
        r = read_texts(json, "params", &route->params, &route->param_count, err);
    }
    if (r == 0) {
        r = read_conditions(json, "has", true, route, err);
    }
    if (r == 0) {
        r = read_conditions(json, "missing", false, route, err);
    }
    if (r == 0) {
        r = read_headers(json, route, err);
    }
    return r < 0 ? r : read_target(json, file, route, err);
}

static int read_routes(const json_t *root, struct routes_file *file, struct err *err)
{
    const json_t *array = json_object_get(root, "routes");
    size_t count = json_array_size(array);
    struct router *router = file->router;
    if (!json_is_array(array) || count > ROUTES_MAX) {
        return err_set(err, EINVAL, "routes: not a list of at most %d", ROUTES_MAX);
    }
    router->routes = mem_alloc((count + 1) * sizeof(*router->routes));
    for (size_t i = 0; i < count; i++) {
        int r =
            read_route(json_array_get(array, i), file, &router->routes[router->route_count++], err);
        if (r < 0) {
            return err_wrap(err, "route %zu", i);
        }
    }
    return 0;
}

static int read_static(const json_t *root, struct router *router, struct err *err)
{
    const json_t *array = json_object_get(root, "static");
    size_t count = json_array_size(array);
    if (count > ROOTS_MAX) {
        return err_set(err, EINVAL, "static: not a list of at most %d", ROOTS_MAX);
    }
    router->roots = mem_alloc((count + 1) * sizeof(*router->roots));
    for (size_t i = 0; i < count; i++) {
        const json_t *json = json_array_get(array, i);
        const char *prefix = json_string_value(json_object_get(json, "prefix"));
        const char *directory = json_string_value(json_object_get(json, "directory"));
        if (!prefix || prefix[0] != '/' || !directory || directory[0] != '/') {
            return err_set(err, EINVAL, "static %zu: needs a prefix and an absolute folder", i);
        }
        struct static_root *opened = &router->roots[router->root_count++];
        static_root_open(opened, str_c(prefix), directory);
        opened->compress = json_is_true(json_object_get(json, "compress"));
        opened->named = json_is_true(json_object_get(json, "named"));
        pcre2_code *except = NULL;
        int r = read_pattern(json, "except", 0, &except, err);
        if (r < 0) {
            return err_wrap(err, "static %zu", i);
        }
        static_root_keep_back(opened, except);
    }
    return 0;
}

int routes_json_read(struct str json, struct routes_file *ret, struct err *err)
{
    json_error_t error;
    scoped_json json_t *root = json_loadb(json.data, json.len, 0, &error);
    struct routes_file file = { .router = router_create() };
    int r = json_is_object(root) ? 0 : err_set(err, EINVAL, "line %d: %s", error.line, error.text);
    if (r == 0) {
        r = read_functions(root, &file, err);
    }
    if (r == 0) {
        r = read_routes(root, &file, err);
    }
    if (r == 0) {
        r = read_static(root, file.router, err);
    }
    if (r < 0) {
        routes_file_finish(&file);
        return r;
    }
    router_index(file.router);
    *ret = file;
    return 0;
}

void routes_file_finish(struct routes_file *file)
{
    router_unref(file->router);
    for (size_t i = 0; i < file->function_count; i++) {
        function_destroy(file->functions[i]);
    }
    free(file->functions);
    *file = (struct routes_file){ 0 };
}
