/* A deployment that writes down what it asks for, and manifests for it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "control/deployment/deployment.h"
#include "leaks.h"

/* Writes down what the deployment asks for: "add api@1, route 1". */
struct scene {
    struct deployment d;
    bool is_full; /* nothing can be added */
    char asked[4096];
};

static void note(struct deployment *d, const char *what)
{
    struct scene *s = container_of(d, struct scene, d);
    size_t used = strlen(s->asked);
    (void)snprintf(s->asked + used, sizeof(s->asked) - used, "%s%s", used ? ", " : "", what);
}

static int on_add(struct deployment *d, const struct version *version)
{
    char text[200];
    if (container_of(d, struct scene, d)->is_full) {
        return -EMFILE;
    }
    (void)snprintf(text, sizeof(text), "add %s", version->label);
    note(d, text);
    return 0;
}

static void on_remove(struct deployment *d, const struct version *version)
{
    char text[200];
    (void)snprintf(text, sizeof(text), "remove %s", version->label);
    note(d, text);
}

static void on_route(struct deployment *d, const struct build *build, bool first)
{
    char text[200];
    (void)snprintf(text, sizeof(text), "%s %llu", first ? "first" : "route",
                   (unsigned long long)build->number);
    note(d, text);
}

static void on_reject(struct deployment *d, const struct build *build,
                      const struct version *culprit)
{
    char text[200];
    (void)build;
    (void)snprintf(text, sizeof(text), "reject for %s", culprit->label);
    note(d, text);
}

static const struct deployment_actions actions = {
    .add = on_add,
    .remove = on_remove,
    .route = on_route,
    .reject = on_reject,
};

static json_t *function_json(const char *name, const char *hash)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:[], s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i,"
                     " s:{s:s}, s:[{s:s}]}",
                     "name", name, "dialect", "next", "artifact", "/build/a", "entry", "e.cjs",
                     "hash", hash, "mounts", "memory_mb", 256, "timeout_ms", 1000, "cpu_ms", 0,
                     "tmp_mb", 64, "concurrency", 64, "min_instances", 0, "max_instances", 10,
                     "body_max_bytes", 0, "response_max_bytes", 0, "env", "SECRET", "hunter2",
                     "endpoints", "name", "/api");
}

/* "api=1 worker=2": names and hashes. */
static json_t *manifest_of(const char *functions)
{
    json_t *list = json_array();
    for (struct str rest = str_c(functions); rest.data;) {
        struct str one = str_cut(&rest, ' ');
        struct str name = str_cut(&one, '=');
        scoped_free char *name_text = mem_copy_str(name);
        scoped_free char *hash_text = mem_copy_str(one);
        json_array_append_new(list, function_json(name_text, hash_text));
    }
    return json_pack("{s:o, s:[], s:[]}", "functions", list, "routes", "static");
}

static void scene_open(struct scene *s)
{
    *s = (struct scene){ 0 };
    deployment_init(&s->d, &actions, 1);
}

static inline void offer(struct scene *s, const char *functions)
{
    struct err err = { 0 };
    json_t *manifest = manifest_of(functions);
    ck_assert_msg(deployment_offer(&s->d, manifest, &err) == 0, "%s", err.text);
    json_decref(manifest);
}

static inline void settle(struct scene *s, uint64_t function, const char *failure)
{
    struct message_function_loaded m = {
        .function = function, .failed = failure != NULL, .snapshot = 1, .load_ms = 40
    };
    (void)snprintf(m.text, sizeof(m.text), "%s", failure ? failure : "");
    deployment_loaded(&s->d, &m);
}

static inline void expect(struct scene *s, const char *asked)
{
    ck_assert_str_eq(s->asked, asked);
    s->asked[0] = '\0';
}

/* A scene in which these functions are loaded and served, with nothing asked since. */
static inline void scene_open_serving(struct scene *s, const char *functions)
{
    scene_open(s);
    offer(s, functions);
    for (uint64_t id = 1; deployment_find(&s->d, id); id++) {
        settle(s, id, NULL);
    }
    s->asked[0] = '\0';
}
