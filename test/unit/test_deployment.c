/* SPDX-License-Identifier: Apache-2.0 */
#include "control/deployment/manifest_check.h"
#include "deployment_fixture.h"

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

START_TEST(what_cannot_be_added_is_added_when_that_is_possible)
{
    struct scene s;
    scene_open_serving(&s, "api=a");
    s.is_full = true;
    offer(&s, "api=b");
    ck_assert(!deployment_tell(&s.d));
    offer(&s, "api=c");
    expect(&s, "remove api@2");
    s.is_full = false;
    ck_assert(deployment_tell(&s.d));
    ck_assert(deployment_tell(&s.d));
    expect(&s, "add api@3");
    settle(&s, 3, NULL);
    expect(&s, "route 3");
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
    scene_open_serving(&s, "api=a b=b");
    offer(&s, "api=A b=b c=c");
    expect(&s, "add api@2, add c@1");
    deployment_loading(&s.d, 4);
    settle(&s, 3, NULL);
    expect(&s, ""); /* a later build waits for all of them to be loaded */
    settle(&s, 4, NULL);
    expect(&s, "route 2");
    deployment_drained(&s.d, 2);
    expect(&s, "remove api@1");
    deployment_finish(&s.d);
}
END_TEST

START_TEST(a_build_without_new_functions_is_routed_at_once)
{
    struct scene s;
    scene_open_serving(&s, "api=a b=b");
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
    scene_open_serving(&s, "api=a");
    offer(&s, "api=b");
    expect(&s, "add api@2");
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
    scene_open_serving(&s, "api=a");
    offer(&s, "api=b");
    settle(&s, 2, NULL);
    expect(&s, "add api@2, route 2");
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
    scene_open_serving(&s, "api=a");
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
    scene_open_serving(&s, "api=a b=b");
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

START_TEST(a_build_that_fails_while_the_first_is_loading_waits_for_whether_that_works)
{
    static const char *const failures[] = { NULL, "Error: no database" };
    for (size_t i = 0; i < ARRAY_COUNT(failures); i++) {
        struct scene s;
        scene_open(&s);
        offer(&s, "api=a");
        deployment_loading(&s.d, 1);
        offer(&s, "api=A");
        settle(&s, 2, "Error: boom");
        expect(&s, "add api@1, first 1, add api@2");
        settle(&s, 1, failures[i]);
        expect(&s, failures[i] ? "route 2" : "reject for api@2, remove api@2");
        deployment_finish(&s.d);
    }
}
END_TEST

START_TEST(a_version_that_two_builds_wait_for_breaks_neither_when_it_fails)
{
    struct scene s;
    scene_open_serving(&s, "api=a b=b");
    offer(&s, "api=A b=b");
    offer(&s, "api=A b=B"); /* another file was saved meanwhile */
    s.asked[0] = '\0';
    settle(&s, 3, "Error: boom");
    settle(&s, 4, NULL);
    expect(&s, "reject for api@2, remove api@2, remove b@2");
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
    scene_open_serving(&s, "a=1 b=1");
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
    scene_open_serving(&s, "a=0");
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
    tcase_add_test(tests, what_cannot_be_added_is_added_when_that_is_possible);
    tcase_add_test(tests, a_build_that_comes_while_the_first_is_loading_takes_its_place);
    tcase_add_test(tests, what_is_unchanged_stays_and_the_rest_gets_a_new_version);
    tcase_add_test(tests, a_build_without_new_functions_is_routed_at_once);
    tcase_add_test(tests, a_newer_manifest_replaces_the_one_that_waits);
    tcase_add_test(tests, going_back_while_the_old_version_drains_uses_it_again);
    tcase_add_test(tests, a_later_drain_covers_the_earlier_ones);
    tcase_add_test(tests, a_function_that_fails_at_the_first_build_is_served_all_the_same);
    tcase_add_test(tests, a_rebuild_that_breaks_a_working_function_is_rejected);
    tcase_add_test(tests,
                   a_build_that_fails_while_the_first_is_loading_waits_for_whether_that_works);
    tcase_add_test(tests, a_version_that_two_builds_wait_for_breaks_neither_when_it_fails);
    tcase_add_test(tests, what_failed_is_tried_again_by_the_next_build);
    tcase_add_test(tests, slots_are_small_and_shared_by_no_two_live_versions);
    tcase_add_test(tests, a_removed_version_is_still_known_for_late_records);
    tcase_add_test(tests, a_manifest_that_is_not_sound_changes_nothing);
    tcase_add_test(tests, whatever_json_is_no_manifest);
    return suite_run(suite);
}
