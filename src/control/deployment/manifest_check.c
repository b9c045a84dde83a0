/* SPDX-License-Identifier: Apache-2.0 */
#include "control/deployment/manifest_check.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/limits.h"
#include "base/str.h"
#include "control/deployment/manifest_events.h"
#include "ipc/message.h"

#define MANIFEST_NAME_MAX   100
#define MANIFEST_ROUTES_MAX 65536

static bool name_is_sound(const char *name)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/-";
    size_t len = strlen(name);
    return len > 0 && len <= MANIFEST_NAME_MAX && strspn(name, allowed) == len && name[0] != '/' &&
           name[0] != '.' && !strstr(name, "..") && !strstr(name, "//") && name[len - 1] != '/';
}

/* Fits, and does not climb. */
static bool path_is_sound(const char *path, size_t max)
{
    if (!path || strlen(path) >= max) {
        return false;
    }
    for (struct str rest = str_c(path); rest.data;) {
        if (str_eq(str_cut(&rest, '/'), STR(".."))) {
            return false;
        }
    }
    return true;
}

static int check_limits(json_t *function, const char *name, struct err *err)
{
    static const struct {
        const char *field;
        json_int_t min;
        json_int_t max;
    } limits[] = {
        { "memory_mb", 1, 1 << 20 }, /* a terabyte */
        { "timeout_ms", 0, INT32_MAX },
        { "cpu_ms", 0, INT32_MAX },
        { "tmp_mb", 0, 1 << 20 },
        { "concurrency", 1, 65536 },
        { "min_instances", 0, LIMIT_INSTANCES },
        { "max_instances", 0, INT32_MAX },
        { "body_max_bytes", 0, INT64_MAX },
        { "response_max_bytes", 0, INT64_MAX },
    };
    for (size_t i = 0; i < ARRAY_COUNT(limits); i++) {
        json_t *value = json_object_get(function, limits[i].field);
        if (!json_is_integer(value) || json_integer_value(value) < limits[i].min ||
            json_integer_value(value) > limits[i].max) {
            return err_set(err, EINVAL, "function %s: %s is not a sound number", name,
                           limits[i].field);
        }
    }
    json_t *reserved = json_object_get(function, "reserved"); /* absent: any */
    if (reserved && (!json_is_integer(reserved) || json_integer_value(reserved) < 0)) {
        return err_set(err, EINVAL, "function %s: reserved is not a sound number", name);
    }
    return 0;
}

static int check_mounts(json_t *function, const char *name, struct err *err)
{
    json_t *mounts = json_object_get(function, "mounts");
    size_t i;
    json_t *mount;
    /* The artifact takes one place. */
    if (!json_is_array(mounts) || json_array_size(mounts) > MESSAGE_MOUNTS_MAX - 1) {
        return err_set(err, EINVAL, "function %s: at most %d mounts", name, MESSAGE_MOUNTS_MAX - 1);
    }
    json_array_foreach(mounts, i, mount)
    {
        const char *source = json_string_value(json_object_get(mount, "source"));
        const char *target = json_string_value(json_object_get(mount, "target"));
        if (!path_is_sound(source, MESSAGE_PATH_MAX) || source[0] != '/' ||
            !path_is_sound(target, sizeof(((struct message_mount *)0)->target)) ||
            target[0] == '/' || target[0] == '\0' ||
            strstr(target, "..")) { /* message_check() is no finer */
            return err_set(err, EINVAL, "function %s: mount %zu is not sound", name, i);
        }
        json_t *writable = json_object_get(mount, "writable");
        if (writable && !json_is_boolean(writable)) {
            return err_set(err, EINVAL, "function %s: mount %zu: writable is true or false", name,
                           i);
        }
    }
    return 0;
}

static bool is_via(const char *via)
{
    return via && (strcmp(via, "events") == 0 || strcmp(via, "events-unless-safe") == 0);
}

static int check_endpoints(json_t *function, const char *name, struct err *err)
{
    json_t *endpoints = json_object_get(function, "endpoints");
    size_t i;
    json_t *endpoint;
    if (!json_is_array(endpoints) || json_array_size(endpoints) > MANIFEST_ROUTES_MAX) {
        return err_set(err, EINVAL, "function %s: endpoints", name);
    }
    json_array_foreach(endpoints, i, endpoint)
    {
        if (!json_is_string(json_object_get(endpoint, "name"))) {
            return err_set(err, EINVAL, "function %s: endpoint %zu has no name", name, i);
        }
        json_t *via = json_object_get(endpoint, "via");
        if (via && !is_via(json_string_value(via))) {
            return err_set(err, EINVAL, "function %s: endpoint %zu: via", name, i);
        }
    }
    return 0;
}

static int check_function(json_t *function, struct err *err)
{
    const char *name = json_string_value(json_object_get(function, "name"));
    if (!name || !name_is_sound(name)) {
        return err_set(err, EINVAL, "a function's name is missing or not sound: %.120s",
                       name ? name : "");
    }
    const char *artifact = json_string_value(json_object_get(function, "artifact"));
    const char *hash = json_string_value(json_object_get(function, "hash"));
    if (!path_is_sound(artifact, MESSAGE_PATH_MAX) || artifact[0] != '/') {
        return err_set(err, EINVAL, "function %s: artifact is not an absolute path", name);
    }
    if (!hash || hash[0] == '\0' || !json_is_string(json_object_get(function, "dialect"))) {
        return err_set(err, EINVAL, "function %s: hash or dialect is missing", name);
    }
    int r = check_limits(function, name, err);
    if (r == 0) {
        r = check_mounts(function, name, err);
    }
    return r < 0 ? r : check_endpoints(function, name, err);
}

static int check_functions(json_t *functions, struct err *err)
{
    json_t *names = json_object();
    size_t i;
    json_t *function;
    int r = 0;
    json_array_foreach(functions, i, function)
    {
        r = check_function(function, err);
        const char *name = r == 0 ? json_string_value(json_object_get(function, "name")) : NULL;
        if (name && json_object_get(names, name)) {
            r = err_set(err, EINVAL, "two functions are called %s", name);
        }
        if (r < 0) {
            break;
        }
        (void)json_object_set_new(names, name, json_true()); /* fails only for lack of memory */
    }
    json_decref(names);
    return r;
}

int manifest_check(json_t *manifest, struct err *err)
{
    json_t *functions = json_object_get(manifest, "functions");
    json_t *routes = json_object_get(manifest, "routes");
    if (!json_is_array(functions) || json_array_size(functions) > LIMIT_FUNCTIONS) {
        return err_set(err, EINVAL, "functions is not an array of at most %d", LIMIT_FUNCTIONS);
    }
    if (!json_is_array(routes) || json_array_size(routes) > MANIFEST_ROUTES_MAX) {
        return err_set(err, EINVAL, "routes is not an array of at most %d", MANIFEST_ROUTES_MAX);
    }
    int r = check_functions(functions, err);
    return r < 0 ? r : manifest_events_check(json_object_get(manifest, "events"), functions, err);
}
