/* What is printed of a build: its table, its functions, what is wrong with it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "control/console/build_print.h"
#include "control/console/build_rows.h"
#include "control/console/route_label.h"
#include "print_fixture.h"

static json_t *spec(const char *name, const char *dialect, const char *endpoints)
{
    json_error_t error;
    json_t *list = json_loads(endpoints, 0, &error);
    ck_assert_msg(list != NULL, "%s", error.text);
    return json_pack("{s:s, s:s, s:o}", "name", name, "dialect", dialect, "endpoints", list);
}

static void expect_build(json_t *manifest, struct version *versions, size_t count, const char *text)
{
    struct version *list[4];
    bool is_new[4] = { true, true, true, true };
    for (size_t i = 0; i < count; i++) {
        list[i] = &versions[i];
    }
    const struct build build = {
        .manifest = manifest, .count = count, .versions = list, .is_new = is_new
    };
    struct buf b = fresh();
    ck_assert_int_eq(build_print_routes(&b, &plain, &build), 0);
    expect(&b, text);
    b = fresh();
    ck_assert_int_eq(build_print_json(&b, &build, 0), 0);
    json_decref(parse(&b));
}

START_TEST(the_table_shows_what_is_served_where)
{
    json_t *manifest = json_loads(
        "{\"routes\":[{\"src\":\"^/api/users/([^/]+?)/?$\",\"params\":[\"id\"],\"function\":0,"
        "\"endpoint\":0},"
        "{\"label\":\"filesystem\"},{\"static\":true},"
        "{\"path\":\"/hello\",\"function\":0,\"endpoint\":1},"
        "{\"path\":\"/hello\",\"function\":0,\"endpoint\":1},"
        "{\"host\":\"^ab\\\\.example$\",\"src\":\"^\",\"methods\":[\"GET\"],\"function\":1,"
        "\"endpoint\":0},{\"src\":\"^\",\"function\":9,\"endpoint\":0}]}",
        0, NULL);
    struct version versions[2] = {
        { .label = "api@1",
          .spec = spec("api", "next",
                       "[{\"name\":\"/api/users/[id]\",\"file\":\"app/u/[id]/route.ts\","
                       "\"methods\":[\"GET\",\"POST\"]},"
                       "{\"name\":\"/hello\",\"file\":\"app/hello/route.ts\","
                       "\"settings\":{\"runtime\":\"edge\"}}]") },
        { .label = "worker/ab@2",
          .spec = spec("worker/ab", "worker", "[{\"name\":\"fetch\",\"file\":\"ab.ts\"}]") }
    };
    expect_build(
        manifest, versions, 2,
        "  METHOD    ROUTE            FILE                 DIALECT  RUNTIME  FUNCTION\n"
        "  GET,POST  /api/users/[id]  app/u/[id]/route.ts  next     nodejs   api@1\n"
        "  any       /hello           app/hello/route.ts   next     edge     api@1\n"
        "  GET       ab.example*      ab.ts                worker   nodejs   worker/ab@2\n");
    json_decref(versions[0].spec);
    json_decref(versions[1].spec);
    json_decref(manifest);
}
END_TEST

START_TEST(a_narrow_terminal_is_shown_fewer_columns)
{
    json_t *manifest =
        json_loads("{\"routes\":[{\"path\":\"/hello\",\"function\":0,\"endpoint\":0}]}", 0, NULL);
    struct version version = {
        .label = "api@1",
        .spec =
            spec("api", "next",
                 "[{\"name\":\"/hello\",\"file\":\"app/hello/route.ts\",\"methods\":[\"GET\"]}]")
    };
    struct version *list[] = { &version };
    const struct build build = { .manifest = manifest, .count = 1, .versions = list };
    static const struct {
        size_t width;
        const char *text;
    } cases[] = {
        { 65, "  METHOD  ROUTE   FILE                DIALECT  RUNTIME  FUNCTION\n"
              "  GET     /hello  app/hello/route.ts  next     nodejs   api@1\n" },
        { 60, "  METHOD  ROUTE   FILE                DIALECT  FUNCTION\n"
              "  GET     /hello  app/hello/route.ts  next     api@1\n" },
        { 50, "  METHOD  ROUTE   FILE                FUNCTION\n"
              "  GET     /hello  app/hello/route.ts  api@1\n" },
        { 20, "  METHOD  ROUTE   FUNCTION\n"
              "  GET     /hello  api@1\n" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct buf b = fresh();
        const struct print_style narrow = { .width = cases[i].width };
        ck_assert_int_eq(build_print_routes(&b, &narrow, &build), 0);
        expect(&b, cases[i].text);
    }
    json_decref(version.spec);
    json_decref(manifest);
}
END_TEST

START_TEST(a_table_of_many_routes_takes_no_long_time)
{
    enum { ROUTES = 20000 };
    struct version version = { .label = "api@1",
                               .spec =
                                   spec("api", "next", "[{\"name\":\"/a\",\"file\":\"a.ts\"}]") };
    struct version *versions[] = { &version };
    struct build build = { .count = 1, .versions = versions };
    json_t *routes = json_array();
    size_t count;
    for (int i = 0; i < ROUTES; i++) {
        char path[32];
        (void)snprintf(path, sizeof(path), "/api/route-%d", i);
        ck_assert_int_eq(json_array_append_new(routes, json_pack("{s:s,s:i,s:i}", "path", path,
                                                                 "function", 0, "endpoint", 0)),
                         0);
    }
    build.manifest = json_pack("{s:o}", "routes", routes);
    clock_t start = clock(); /* of the processor: a busy machine does not count */
    free(build_rows_routes(&build, &count));
    ck_assert_int_lt((clock() - start) / CLOCKS_PER_SEC, 3);
    ck_assert_uint_eq(count, ROUTES);
    json_decref(version.spec);
    json_decref(build.manifest);
}
END_TEST

START_TEST(patterns_are_shown_as_people_write_them)
{
    static const struct {
        const char *route;
        const char *label;
    } cases[] = {
        { "{'path':'/hello/'}", "/hello" },
        { "{'path':'/'}", "/" },
        { "{'src':'^/'}", "/*" },
        { "{'src':'^/a/([^/]+?)/b/(.+?)/?$','params':['id','rest*']}", "/a/[id]/b/[...rest]" },
        { "{'src':'^/shop(?:/(.+?))?/?$','params':['slug*']}", "/shop/[[...slug]]" },
        { "{'src':'(?i)^/quote/([^/]+?)/?$','params':['author']}", "/quote/[author]" },
        { "{'src':'^/fn/(?:[^/]*x(?::|%3[Aa]))?ship(?:(?::)[^/]+)?/run$'}", "/fn/ship/run" },
        { "{'src':'^/v1\\\\.0/.*$','host':'^a(b)?\\\\.dev$'}", "a.dev/v1.0/*" },
        { "{'src':'^/(a|b)$','params':['x']}", "/[x]" },
        { "{'src':'^/a$|^/b$'}", "/a*" },
        { "{'src':'^/(?:a|b)/c$','host':'^d$','shown':'d/a/c'}", "d/a/c" },
        { "{'src':'((((((((((((((((('}", "*" },
        { "{'src':'\\\\','host':'['}", "*" },
        { "{}", "*" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char json[200];
        char label[100];
        (void)snprintf(json, sizeof(json), "%s", cases[i].route);
        for (char *c = json; *c; c++) {
            *c = *c == '\'' ? '"' : *c;
        }
        json_t *route = json_loads(json, 0, NULL);
        ck_assert_msg(route != NULL, "%s", json);
        route_label_write(route, label, sizeof(label));
        ck_assert_str_eq(label, cases[i].label);
        route_label_write(route, label, 3); /* cut, not overrun */
        ck_assert_uint_le(strlen(label), 2);
        json_decref(route);
    }
}
END_TEST

START_TEST(of_a_digest_in_a_name_the_table_shows_the_beginning)
{
    json_t *manifest =
        json_loads("{\"routes\":[{\"path\":\"/a\",\"function\":0,\"endpoint\":0}]}", 0, NULL);
    struct version version = {
        .label = "a@1",
        .spec =
            spec("a", "lambda",
                 "[{\"name\":\"/\",\"file\":\"cdk.out/asset."
                 "50934ac51a8ed82ff9d94930bccba351165bdb565bd0968d7952575c2e73879a/index.js\"}]")
    };
    expect_build(manifest, &version, 1,
                 "  METHOD  ROUTE  FILE                              DIALECT  RUNTIME  FUNCTION\n"
                 "  any     /a     cdk.out/asset.50934ac5*/index.js  lambda   nodejs   a@1\n");
    json_decref(version.spec);
    json_decref(manifest);
}
END_TEST

START_TEST(an_empty_project_is_told_what_to_do)
{
    json_t *manifest = json_pack("{s:[]}", "routes");
    expect_build(manifest, NULL, 0,
                 "  no functions found; `mayfly help dev` says where they are looked for\n");
    json_decref(manifest);
    manifest = json_pack("{s:[], s:[{s:s}]}", "routes", "static", "directory", "/p/public");
    expect_build(manifest, NULL, 0,
                 "  no functions found, only files are served; `mayfly help dev` says where they "
                 "are looked for\n");
    json_decref(manifest);
}
END_TEST

START_TEST(names_from_the_project_cannot_write_to_the_terminal)
{
    json_t *manifest =
        json_loads("{\"routes\":[{\"path\":\"/x\",\"function\":0,\"endpoint\":0}]}", 0, NULL);
    struct version version = { .label = "api@1",
                               .spec = spec("api", "next",
                                            "[{\"name\":\"/x\",\"file\":\"a\\u001b[2J\\nb\"}]") };
    struct version *list = &version;
    const struct build build = { .manifest = manifest, .count = 1, .versions = &list };
    struct buf b = fresh();
    ck_assert_int_eq(build_print_routes(&b, &plain, &build), 0);
    ck_assert_ptr_null(memchr(b.data, '\x1b', b.len));
    buf_finish(&b);
    json_decref(version.spec);
    json_decref(manifest);
}
END_TEST

START_TEST(a_loaded_function_tells_whether_it_is_a_snapshot)
{
    struct buf b = fresh();
    struct version v = { .label = "api@1",
                         .name = "api",
                         .state = VERSION_LOADED,
                         .snapshot = true,
                         .load_ms = 41,
                         .text = (char[]){ "" },
                         .unloaded_text = (char[]){ "" } };
    ck_assert_int_eq(build_print_version(&b, &plain, &v), 0);
    expect(&b, "  api@1  loaded in 41 ms, snapshot\n");
    v.snapshot = false;
    v.text = (char[]){ "a connection to 127.0.0.1:5432 is open after loading" };
    ck_assert_int_eq(build_print_version(&b, &plain, &v), 0);
    expect(&b,
           "  api@1  loaded in 41 ms, no snapshot: a connection to 127.0.0.1:5432 is open after "
           "loading\n");
    v.state = VERSION_FAILED;
    v.text = (char[]){ "Error: no\n    at x" };
    ck_assert_int_eq(build_print_version(&b, &plain, &v), 0);
    expect(&b, "  api@1  did not load: Error: no\n        at x\n");
}
END_TEST

START_TEST(what_of_a_function_did_not_load_is_told_with_it)
{
    struct buf b = fresh();
    json_t *spec = json_pack("{s:[{}, {}]}", "endpoints");
    struct version v = { .label = "api@1",
                         .name = "api",
                         .state = VERSION_LOADED,
                         .snapshot = true,
                         .load_ms = 41,
                         .unloaded = 1,
                         .spec = spec,
                         .text = (char[]){ "" },
                         .unloaded_text = (char[]){ "api/b.js: Error: no\x1b[2J\n    at x" } };
    ck_assert_int_eq(build_print_version(&b, &plain, &v), 0);
    expect(&b, "  api@1  loaded in 41 ms, snapshot\n"
               "    did not load: api/b.js: Error: no\\x1b[2J\n        at x\n");
    ck_assert_int_eq(build_print_version_json(&b, &v), 0);
    ck_assert_ptr_nonnull(strstr(b.data, "\"unloaded\":\"api/b.js: Error: no"));
    buf_clear(&b);
    v.unloaded = 2;
    ck_assert_int_eq(build_print_version(&b, &plain, &v), 0);
    expect(&b, "  api@1  did not load: api/b.js: Error: no\\x1b[2J\n        at x\n");
    json_decref(spec);
}
END_TEST

START_TEST(a_diagnostic_shows_its_frame)
{
    struct buf b = fresh();
    json_t *diagnostics = json_pack("[{s:s, s:s, s:i, s:i, s:s, s:s}, {s:s, s:s}]", "severity",
                                    "error", "file", "app/x.ts", "line", 3, "column", 7, "text",
                                    "Expected \";\"", "frame", "  3 | a b\n    |   ^", "severity",
                                    "warning", "text", "wrangler.toml has no main");
    ck_assert_int_eq(build_print_diagnostics(&b, &plain, diagnostics), 0);
    expect(&b, "  error  app/x.ts:3:7  Expected \";\"\n\n      3 | a b\n        |   ^\n\n"
               "  warning  wrangler.toml has no main\n");
    json_decref(diagnostics);
    b = fresh();
    diagnostics = json_pack("[{s:s, s:s, s:s}]", "severity", "error", "file", "vercel.json", "text",
                            "vercel.json: crons[0]: the schedule");
    ck_assert_int_eq(build_print_diagnostics(&b, &plain, diagnostics), 0);
    expect(&b, "  error  vercel.json  crons[0]: the schedule\n");
    json_decref(diagnostics);
    b = fresh();
    size_t before = b.len;
    diagnostics = json_pack("[{s:s, s:s, s:b}]", "severity", "warning", "text", "again", "told", 1);
    ck_assert_int_eq(build_print_diagnostics(&b, &plain, diagnostics), 0);
    ck_assert_uint_eq(b.len, before);
    json_decref(diagnostics);
    diagnostics = json_pack("[n, i, {s:i}]", 7, "text", 7);
    ck_assert_int_eq(build_print_diagnostics(&b, &plain, diagnostics), 0);
    json_decref(diagnostics);
    buf_finish(&b);
}
END_TEST

int main(void)
{
    TCase *tests;
    Suite *suite = leaks_suite("build_print", &tests);
    tcase_add_test(tests, the_table_shows_what_is_served_where);
    tcase_add_test(tests, a_narrow_terminal_is_shown_fewer_columns);
    tcase_add_test(tests, a_table_of_many_routes_takes_no_long_time);
    tcase_add_test(tests, patterns_are_shown_as_people_write_them);
    tcase_add_test(tests, an_empty_project_is_told_what_to_do);
    tcase_add_test(tests, of_a_digest_in_a_name_the_table_shows_the_beginning);
    tcase_add_test(tests, names_from_the_project_cannot_write_to_the_terminal);
    tcase_add_test(tests, a_loaded_function_tells_whether_it_is_a_snapshot);
    tcase_add_test(tests, what_of_a_function_did_not_load_is_told_with_it);
    tcase_add_test(tests, a_diagnostic_shows_its_frame);
    return suite_run(suite);
}
