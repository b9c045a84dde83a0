/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "control/deployment.h"
#include "control/manifest_check.h"
#include "leaks.h"

/* Writes down what the deployment asks for: "add api@1, route 1". */
struct scene {
    struct deployment d;
    char asked[4096];
};

static void note(struct deployment *d, const char *what)
{
    struct scene *s = container_of(d, struct scene, d);
    size_t used = strlen(s->asked);
    (void)snprintf(s->asked + used, sizeof(s->asked) - used, "%s%s", used ? ", " : "", what);
}

static void on_add(struct deployment *d, const struct version *version)
{
    char text[200];
    (void)snprintf(text, sizeof(text), "add %s", version->label);
    note(d, text);
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

static void offer(struct scene *s, const char *functions)
{
    struct err err = { 0 };
    json_t *manifest = manifest_of(functions);
    ck_assert_msg(deployment_offer(&s->d, manifest, &err) == 0, "%s", err.text);
    json_decref(manifest);
}

static void settle(struct scene *s, uint64_t function, const char *failure)
{
    struct message_function_loaded m = {
        .function = function, .failed = failure != NULL, .snapshot = 1, .load_ms = 40
    };
    (void)snprintf(m.text, sizeof(m.text), "%s", failure ? failure : "");
    deployment_loaded(&s->d, &m);
}

static void expect(struct scene *s, const char *asked)
{
    ck_assert_str_eq(s->asked, asked);
    s->asked[0] = '\0';
}

START_TEST(the_first_build_is_routed_when_the_supervisor_knows_all_its_functions)
{
    struct scene s;
    scene_open(&s);
    offer(&s, "api=a worker/ab=b");
    expect(&s, "add api@1, add worker/ab@1");
    deployment_loading(&s.d, 1);
    expect(&s, "");
    settle(&s, 2, "SyntaxError");
    expect(&s, "first 1");
    ck_assert(!deployment_has_settled(s.d.active));
    deployment_loading(&s.d, 99); /* of nobody's */
    settle(&s, 1, NULL);
    expect(&s, "");
    ck_assert(deployment_has_settled(s.d.active));
    deployment_finish(&s.d);
}
END_TEST

START_TEST(a_later_build_is_routed_when_all_its_functions_have_loaded)
{
    struct scene s;
    scene_open(&s);
    offer(&s, "api=a");
    settle(&s, 1, NULL);
    expect(&s, "add api@1, first 1");
    offer(&s, "api=A b=b");
    deployment_loading(&s.d, 2);
    deployment_loading(&s.d, 3);
    settle(&s, 2, NULL);
    expect(&s, "add api@2, add b@1");
    settle(&s, 3, NULL);
    expect(&s, "route 2");
    deployment_finish(&s.d);
}
END_TEST

/* What has not worked yet is not kept from being replaced. */
START_TEST(a_build_that_comes_while_the_first_is_loading_takes_its_place)
{
    struct scene s;
    scene_open(&s);
    offer(&s, "api=a");
    deployment_loading(&s.d, 1);
    expect(&s, "add api@1, first 1");
    offer(&s, "api=A");
    deployment_loading(&s.d, 2);
    settle(&s, 1, "SyntaxError");
    expect(&s, "add api@2");
    settle(&s, 2, "SyntaxError");
    expect(&s, "route 2");
    deployment_finish(&s.d);
}
END_TEST

START_TEST(what_is_unchanged_stays_and_the_rest_gets_a_new_version)
{
    struct scene s;
    scene_open(&s);
    offer(&s, "api=a b=b");
    settle(&s, 1, NULL);
    settle(&s, 2, NULL);
    expect(&s, "add api@1, add b@1, first 1");
    offer(&s, "api=A b=b");
    expect(&s, "add api@2");
    settle(&s, 3, NULL);
    expect(&s, "route 2");
    deployment_drained(&s.d, 2);
    expect(&s, "remove api@1");
    deployment_finish(&s.d);
}
END_TEST

START_TEST(a_build_without_new_functions_is_routed_at_once)
{
    struct scene s;
    scene_open(&s);
    offer(&s, "api=a b=b");
    settle(&s, 1, NULL);
    settle(&s, 2, NULL);
    expect(&s, "add api@1, add b@1, first 1");
    offer(&s, "b=b");
    expect(&s, "route 2");
    deployment_drained(&s.d, 2);
    expect(&s, "remove api@1");
    deployment_finish(&s.d);
}
END_TEST

START_TEST(a_newer_manifest_replaces_the_one_that_waits)
{
    struct scene s;
    scene_open(&s);
    offer(&s, "api=a");
    settle(&s, 1, NULL);
    offer(&s, "api=b");
    expect(&s, "add api@1, first 1, add api@2");
    offer(&s, "api=c");
    expect(&s, "add api@3, remove api@2");
    settle(&s, 2, NULL);
    expect(&s, "");
    settle(&s, 3, NULL);
    expect(&s, "route 3");
    deployment_finish(&s.d);
}
END_TEST

START_TEST(going_back_while_the_old_version_drains_uses_it_again)
{
    struct scene s;
    scene_open(&s);
    offer(&s, "api=a");
    settle(&s, 1, NULL);
    offer(&s, "api=b");
    settle(&s, 2, NULL);
    expect(&s, "add api@1, first 1, add api@2, route 2");
    offer(&s, "api=a");
    expect(&s, "route 3");
    deployment_drained(&s.d, 2);
    expect(&s, "");
    deployment_drained(&s.d, 3);
    expect(&s, "remove api@2");
    deployment_finish(&s.d);
}
END_TEST

START_TEST(a_later_drain_covers_the_earlier_ones)
{
    struct scene s;
    scene_open(&s);
    offer(&s, "api=a");
    settle(&s, 1, NULL);
    offer(&s, "api=b");
    settle(&s, 2, NULL);
    offer(&s, "api=c");
    settle(&s, 3, NULL);
    s.asked[0] = '\0';
    deployment_drained(&s.d, 3);
    expect(&s, "remove api@1, remove api@2");
    deployment_drained(&s.d, 2);
    deployment_drained(&s.d, 99);
    expect(&s, "");
    deployment_finish(&s.d);
}
END_TEST

START_TEST(a_function_that_fails_at_the_first_build_is_served_all_the_same)
{
    struct scene s;
    scene_open(&s);
    offer(&s, "api=a b=b");
    settle(&s, 1, "Error: no database");
    settle(&s, 2, NULL);
    expect(&s, "add api@1, add b@1, first 1");
    ck_assert_str_eq(s.d.active->versions[0]->text, "Error: no database");
    deployment_finish(&s.d);
}
END_TEST

START_TEST(a_rebuild_that_breaks_a_working_function_is_rejected)
{
    struct scene s;
    scene_open(&s);
    offer(&s, "api=a b=b");
    settle(&s, 1, NULL);
    settle(&s, 2, NULL);
    s.asked[0] = '\0';
    offer(&s, "api=A b=B");
    settle(&s, 4, NULL);
    settle(&s, 3, "Error: boom");
    expect(&s, "add api@2, add b@2, reject for api@2, remove api@2, remove b@2");
    offer(&s, "api=C b=b");
    settle(&s, 5, NULL);
    expect(&s, "add api@3, route 3");
    deployment_finish(&s.d);
}
END_TEST

START_TEST(what_failed_is_tried_again_by_the_next_build)
{
    struct scene s;
    scene_open(&s);
    offer(&s, "api=a b=b");
    settle(&s, 1, "Error: no database");
    settle(&s, 2, NULL);
    s.asked[0] = '\0';
    offer(&s, "api=a b=b");
    expect(&s, "add api@2");
    settle(&s, 3, "Error: still none");
    expect(&s, "route 2");
    deployment_finish(&s.d);
}
END_TEST

START_TEST(slots_are_small_and_shared_by_no_two_live_versions)
{
    struct scene s;
    scene_open(&s);
    offer(&s, "a=1 b=1");
    settle(&s, 1, NULL);
    settle(&s, 2, NULL);
    offer(&s, "a=2 b=1");
    ck_assert_uint_eq(deployment_find(&s.d, 3)->slot, 2);
    settle(&s, 3, NULL);
    deployment_drained(&s.d, 2);
    offer(&s, "a=3 b=1");
    ck_assert_uint_eq(deployment_find(&s.d, 4)->slot, 0);
    deployment_finish(&s.d);
}
END_TEST

START_TEST(a_removed_version_is_still_known_for_late_records)
{
    struct scene s;
    scene_open(&s);
    offer(&s, "a=0");
    settle(&s, 1, NULL);
    for (unsigned int i = 1; i <= 100; i++) {
        char text[16];
        (void)snprintf(text, sizeof(text), "a=%u", i);
        offer(&s, text);
        settle(&s, i + 1, NULL);
        deployment_drained(&s.d, i + 1);
        ck_assert_str_eq(deployment_find(&s.d, i)->name, "a");
        s.asked[0] = '\0';
    }
    ck_assert_ptr_null(deployment_find(&s.d, 1));
    deployment_finish(&s.d);
}
END_TEST

START_TEST(the_gateway_is_told_no_secrets_and_the_function_all)
{
    struct scene s;
    scene_open(&s);
    offer(&s, "api=a");
    settle(&s, 1, NULL);
    json_t *routes = deployment_routes(s.d.active);
    char *text = json_dumps(routes, 0);
    ck_assert_ptr_null(strstr(text, "hunter2"));
    ck_assert_ptr_null(strstr(text, "/build/a"));
    json_t *function = json_array_get(json_object_get(routes, "functions"), 0);
    ck_assert_int_eq(json_integer_value(json_object_get(function, "id")), 1);
    ck_assert_int_eq(json_integer_value(json_object_get(function, "version")), 1);
    free(text);
    json_decref(routes);
    json_t *spec = deployment_spec(deployment_find(&s.d, 1), "http://localhost:1", NULL);
    ck_assert_ptr_nonnull(json_object_get(json_object_get(spec, "env"), "SECRET"));
    ck_assert_str_eq(json_string_value(json_object_get(spec, "origin")), "http://localhost:1");
    json_decref(spec);
    deployment_finish(&s.d);
}
END_TEST

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static json_t *worker_json(const char *name, const char *hash)
{
    json_t *worker = function_json(name, hash);
    json_t *bindings = json_pack("{s:{s:s,s:s}, s:{s:s,s:s}, s:{s:s,s:n}}", "KEY", "type", "var",
                                 "value", "hunter3", "BACK", "type", "service", "function",
                                 "worker/back", "GONE", "type", "service", "function");
    (void)json_object_set_new(worker, "dialect", json_string("worker"));
    (void)json_object_set_new(worker, "bindings", bindings);
    return worker;
}

START_TEST(a_worker_and_the_gateway_share_a_token_and_nobody_else_has_it)
{
    struct scene s;
    struct err err;
    scene_open(&s);
    json_t *manifest = json_pack("{s:[o,o,o], s:[]}", "functions", worker_json("worker/a", "1"),
                                 worker_json("worker/b", "1"), function_json("api", "1"), "routes");
    ck_assert_int_eq(deployment_offer(&s.d, manifest, &err), 0);
    json_decref(manifest);
    for (uint64_t id = 1; id <= 3; id++) {
        settle(&s, id, NULL);
    }
    json_t *routes = deployment_routes(s.d.active);
    json_t *functions = json_object_get(routes, "functions");
    json_t *spec = deployment_spec(deployment_find(&s.d, 1), "http://localhost:3000", NULL);
    json_t *env = json_object_get(spec, "env");
    const char *token = text_of(json_array_get(functions, 0), "token");
    ck_assert_uint_eq(strlen(token), 2 * DEPLOYMENT_TOKEN_BYTES);
    ck_assert_str_eq(text_of(env, "MAYFLY_ORIGIN_TOKEN"), token);
    ck_assert_str_eq(text_of(env, "MAYFLY_ORIGIN"), "http://127.0.0.1:3000");
    ck_assert_str_eq(text_of(env, "SECRET"), "hunter2");
    ck_assert_str_ne(text_of(json_array_get(functions, 1), "token"), token);
    ck_assert_ptr_null(json_object_get(json_array_get(functions, 2), "token"));
    json_decref(spec);

    json_t *services = json_object_get(json_array_get(functions, 0), "services");
    ck_assert_uint_eq(json_array_size(services), 1);
    ck_assert_str_eq(json_string_value(json_array_get(services, 0)), "worker/back");
    char *text = json_dumps(routes, 0);
    ck_assert_ptr_null(strstr(text, "hunter3"));
    free(text);
    json_decref(routes);

    spec = deployment_spec(deployment_find(&s.d, 3), "http://[::1]:3000", NULL);
    ck_assert_ptr_null(json_object_get(json_object_get(spec, "env"), "MAYFLY_ORIGIN_TOKEN"));
    json_decref(spec);
    spec = deployment_spec(deployment_find(&s.d, 2), "http://[::1]:3000", NULL);
    ck_assert_str_eq(text_of(json_object_get(spec, "env"), "MAYFLY_ORIGIN"), "http://[::1]:3000");
    json_decref(spec);
    /* The manifest's own environment is not changed: it is compared and hashed. */
    env = json_object_get(deployment_find(&s.d, 1)->spec, "env");
    ck_assert_ptr_null(json_object_get(env, "MAYFLY_ORIGIN"));
    deployment_finish(&s.d);
}
END_TEST

static const struct deployment_aws local_aws = { "http://127.0.0.1:4566", STR("ASIA1"),
                                                 STR("hush") };

/* What the environment of a function becomes, given `env`; the caller owns it. */
static json_t *env_with(json_t *env)
{
    struct scene s;
    struct err err;
    scene_open(&s);
    json_t *function = function_json("api", "1");
    (void)json_object_set_new(function, "env", env);
    json_t *manifest = json_pack("{s:[o], s:[]}", "functions", function, "routes");
    ck_assert_int_eq(deployment_offer(&s.d, manifest, &err), 0);
    json_t *spec = deployment_spec(deployment_find(&s.d, 1), "http://localhost:3000", &local_aws);
    json_t *made = json_incref(json_object_get(spec, "env"));
    json_decref(spec);
    deployment_finish(&s.d);
    json_decref(manifest);
    return made;
}

static void expect_env(json_t *env, const char *name, const char *value)
{
    ck_assert_pstr_eq(text_of(env, name), value);
}

START_TEST(aws_clients_of_a_function_find_the_aws_port)
{
    json_t *env = env_with(json_pack("{s:s}", "SECRET", "hunter2"));
    expect_env(env, "AWS_ENDPOINT_URL", "http://127.0.0.1:4566");
    expect_env(env, "AWS_ACCESS_KEY_ID", "ASIA1");
    expect_env(env, "AWS_SECRET_ACCESS_KEY", "hush");
    expect_env(env, "AWS_REGION", "us-east-1");
    expect_env(env, "AWS_DEFAULT_REGION", "us-east-1");
    expect_env(env, "AWS_RESPONSE_CHECKSUM_VALIDATION", "when_required");
    expect_env(env, "SECRET", "hunter2");
    json_decref(env);
    env = env_with(json_pack("{s:s}", "AWS_RESPONSE_CHECKSUM_VALIDATION", "when_supported"));
    expect_env(env, "AWS_RESPONSE_CHECKSUM_VALIDATION", "when_supported");
    json_decref(env);
    env = env_with(json_pack("{s:s}", "AWS_DEFAULT_REGION", "eu-west-1"));
    expect_env(env, "AWS_REGION", "eu-west-1");
    json_decref(env);
    env = env_with(json_pack("{s:s}", "AWS_REGION", "eu-west-3"));
    expect_env(env, "AWS_REGION", "eu-west-3");
    expect_env(env, "AWS_DEFAULT_REGION", "eu-west-3");
    json_decref(env);
}
END_TEST

START_TEST(a_project_that_says_where_its_aws_clients_go_is_left_alone)
{
    static const char *const names[] = { "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
                                         "AWS_PROFILE", "AWS_ENDPOINT_URL" };
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        json_t *env = env_with(json_pack("{s:s, s:s}", names[i], "theirs", "QUEUE_URL",
                                         "https://sqs.us-east-1.amazonaws.com/000000000000/q"));
        ck_assert_uint_eq(json_object_size(env), 2);
        expect_env(env, names[i], "theirs");
        expect_env(env, "QUEUE_URL", "https://sqs.us-east-1.amazonaws.com/000000000000/q");
        json_decref(env);
    }
}
END_TEST

START_TEST(urls_of_the_projects_queues_lead_to_the_aws_port)
{
    static const struct {
        const char *said;
        const char *is;
    } urls[] = {
        { "https://sqs.us-east-1.amazonaws.com/000000000000/q",
          "http://127.0.0.1:4566/000000000000/q" },
        { "https://sqs.eu-west-1.amazonaws.com/000000000000/a.fifo",
          "http://127.0.0.1:4566/000000000000/a.fifo" },
        { "https://sqs.us-east-1.amazonaws.com/123456789012/theirs", NULL },
        { "https://sqs.evil.example/.amazonaws.com/000000000000/q", NULL },
        { "http://sqs.us-east-1.amazonaws.com/000000000000/q", NULL },
        { "https://sqs.", NULL },
    };
    for (size_t i = 0; i < ARRAY_COUNT(urls); i++) {
        json_t *env = env_with(json_pack("{s:s}", "URL", urls[i].said));
        expect_env(env, "URL", urls[i].is ? urls[i].is : urls[i].said);
        json_decref(env);
    }
}
END_TEST

START_TEST(a_plan_mounts_the_artifact_first)
{
    struct scene s;
    struct message_function plan;
    scene_open(&s);
    json_t *manifest = manifest_of("api=a");
    json_t *function = json_array_get(json_object_get(manifest, "functions"), 0);
    json_object_set_new(function, "mounts",
                        json_pack("[{s:s, s:s}, {s:s, s:s, s:b}]", "source", "/p/node_modules",
                                  "target", "node_modules", "source", "/p/data", "target", "data",
                                  "writable", 1));
    struct err err;
    ck_assert_int_eq(deployment_offer(&s.d, manifest, &err), 0);
    json_decref(manifest);
    deployment_plan(deployment_find(&s.d, 1), &plan);
    ck_assert_str_eq(plan.name, "api@1");
    ck_assert_uint_eq(plan.memory_mb, 256);
    ck_assert_uint_eq(plan.mount_count, 3);
    ck_assert_uint_eq(plan.mounts[0].writable + plan.mounts[1].writable, 0);
    ck_assert_str_eq(plan.mounts[2].target, "data");
    ck_assert_uint_eq(plan.mounts[2].writable, 1);
    ck_assert_str_eq(plan.mounts[0].source, "/build/a");
    ck_assert_str_eq(plan.mounts[0].target, "");
    ck_assert_str_eq(plan.mounts[1].target, "node_modules");
    deployment_finish(&s.d);
}
END_TEST

/* One field of a sound manifest's function is replaced; that makes the whole unsound. */
static void expect_unsound(const char *field, json_t *value)
{
    struct err err = { 0 };
    struct scene s;
    scene_open(&s);
    json_t *manifest = manifest_of("api=a");
    json_object_set_new(json_array_get(json_object_get(manifest, "functions"), 0), field, value);
    ck_assert_int_eq(deployment_offer(&s.d, manifest, &err), -EINVAL);
    ck_assert_uint_gt(strlen(err.text), 0);
    ck_assert_ptr_null(s.d.pending);
    expect(&s, "");
    json_decref(manifest);
    deployment_finish(&s.d);
}

START_TEST(a_manifest_that_is_not_sound_changes_nothing)
{
    static const char *const names[] = { "",     "/a",  "a/", "../a", "a/../b",
                                         "a//b", "a b", ".a", "a\n",  "\xC3\xA9" };
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        expect_unsound("name", json_string(names[i]));
    }
    expect_unsound("name", json_integer(7));
    expect_unsound("hash", json_string(""));
    expect_unsound("artifact", json_string("relative"));
    expect_unsound("artifact", json_string("/a/../etc"));
    expect_unsound("memory_mb", json_integer(0));
    expect_unsound("memory_mb", json_real(1.5));
    expect_unsound("memory_mb", json_integer(INT64_MAX));
    expect_unsound("cpu_ms", json_integer(-1));
    expect_unsound("mounts", json_null());
    expect_unsound("mounts", json_pack("[{s:s, s:s}]", "source", "/a", "target", ""));
    expect_unsound("mounts", json_pack("[{s:s, s:s}]", "source", "/a", "target", "/etc"));
    expect_unsound("mounts", json_pack("[{s:s, s:s}]", "source", "/a", "target", "x/.."));
    expect_unsound("mounts", json_pack("[{s:s, s:s}]", "source", "a", "target", "x"));
    expect_unsound("mounts",
                   json_pack("[{s:s, s:s, s:i}]", "source", "/a", "target", "x", "writable", 1));
    expect_unsound("endpoints", json_pack("[{s:i}]", "name", 1));
}
END_TEST

START_TEST(whatever_json_is_no_manifest)
{
    static const char *const texts[] = { "{}",
                                         "[]",
                                         "{\"functions\":{}}",
                                         "{\"functions\":[]}",
                                         "{\"functions\":[null],\"routes\":[]}",
                                         "{\"functions\":[[]],\"routes\":[]}" };
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        struct err err;
        json_t *manifest = json_loads(texts[i], 0, NULL);
        ck_assert_ptr_nonnull(manifest);
        ck_assert_int_eq(manifest_check(manifest, &err), -EINVAL);
        json_decref(manifest);
    }
    json_t *twice = manifest_of("a=1 a=2");
    struct err err;
    ck_assert_int_eq(manifest_check(twice, &err), -EINVAL);
    json_decref(twice);
}
END_TEST

int main(void)
{
    TCase *tests;
    Suite *suite = leaks_suite("deployment", &tests);
    tcase_add_test(tests, the_first_build_is_routed_when_the_supervisor_knows_all_its_functions);
    tcase_add_test(tests, a_later_build_is_routed_when_all_its_functions_have_loaded);
    tcase_add_test(tests, a_build_that_comes_while_the_first_is_loading_takes_its_place);
    tcase_add_test(tests, what_is_unchanged_stays_and_the_rest_gets_a_new_version);
    tcase_add_test(tests, a_build_without_new_functions_is_routed_at_once);
    tcase_add_test(tests, a_newer_manifest_replaces_the_one_that_waits);
    tcase_add_test(tests, going_back_while_the_old_version_drains_uses_it_again);
    tcase_add_test(tests, a_later_drain_covers_the_earlier_ones);
    tcase_add_test(tests, a_function_that_fails_at_the_first_build_is_served_all_the_same);
    tcase_add_test(tests, a_rebuild_that_breaks_a_working_function_is_rejected);
    tcase_add_test(tests, what_failed_is_tried_again_by_the_next_build);
    tcase_add_test(tests, slots_are_small_and_shared_by_no_two_live_versions);
    tcase_add_test(tests, a_removed_version_is_still_known_for_late_records);
    tcase_add_test(tests, the_gateway_is_told_no_secrets_and_the_function_all);
    tcase_add_test(tests, a_worker_and_the_gateway_share_a_token_and_nobody_else_has_it);
    tcase_add_test(tests, aws_clients_of_a_function_find_the_aws_port);
    tcase_add_test(tests, a_project_that_says_where_its_aws_clients_go_is_left_alone);
    tcase_add_test(tests, urls_of_the_projects_queues_lead_to_the_aws_port);
    tcase_add_test(tests, a_plan_mounts_the_artifact_first);
    tcase_add_test(tests, a_manifest_that_is_not_sound_changes_nothing);
    tcase_add_test(tests, whatever_json_is_no_manifest);
    return suite_run(suite);
}
