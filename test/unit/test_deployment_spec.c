/* What of a deployment a function, its sandbox and the gateway are told.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "deployment_fixture.h"

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

int main(void)
{
    TCase *tests;
    Suite *suite = leaks_suite("deployment_spec", &tests);
    tcase_add_test(tests, the_gateway_is_told_no_secrets_and_the_function_all);
    tcase_add_test(tests, a_worker_and_the_gateway_share_a_token_and_nobody_else_has_it);
    tcase_add_test(tests, aws_clients_of_a_function_find_the_aws_port);
    tcase_add_test(tests, a_project_that_says_where_its_aws_clients_go_is_left_alone);
    tcase_add_test(tests, urls_of_the_projects_queues_lead_to_the_aws_port);
    tcase_add_test(tests, a_plan_mounts_the_artifact_first);
    return suite_run(suite);
}
