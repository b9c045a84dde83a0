/* SQS's queues that the project declares and its API changes: what was set last counts.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "control/events/sqs/sqs_queue.h"
#include "control/services.h"
#include "queue_fixture.h"

static struct services services;
static struct sqs_queues *volatile starts[4]; /* they live as long as the process */
static struct sqs_queues *all;                /* the last of them */

static void start(void)
{
    size_t n = 0;
    while (starts[n]) {
        n++;
    }
    all = starts[n] = sqs_queues_create(&services);
}

static void setup_queues(void)
{
    setup();
    services = (struct services){ .loop = &loop, .store = store, .queues = queues };
    start();
}

static void build(int visibility_s)
{
    json_t *manifest = json_pack("{s:{s:[{s:s, s:s, s:i}]}}", "events", "queues", "name", "jobs",
                                 "platform", "sqs", "visibility_s", visibility_s);
    sqs_queues_build(all, manifest);
    json_decref(manifest);
}

static void on_saved(int r, void *context)
{
    ck_assert_int_eq(r, 0);
    *(int *)context = 1;
}

static void begin_tag(int *done)
{
    sqs_queue_save(all, "jobs", NULL, json_pack("{s:s}", "team", "a"), on_saved, done);
}

static void set_visibility(const char *seconds)
{
    int done = 0;
    sqs_queue_save(all, "jobs", json_pack("{s:s}", "VisibilityTimeout", seconds), NULL, on_saved,
                   &done);
    run_until(&done, 1);
}

static void expect(uint64_t visibility_s, const char *team)
{
    const struct sqs_queue *jobs = sqs_queue_find(all, STR("jobs"));
    ck_assert_uint_eq(jobs->visibility_ms, visibility_s * 1000);
    const char *tag = json_string_value(json_object_get(jobs->tags, "team"));
    ck_assert_str_eq(tag ? tag : "none", team);
}

START_TEST(a_build_that_comes_while_a_tag_is_written_is_not_undone)
{
    int done = 0;
    build(10);
    begin_tag(&done);
    build(20);
    run_until(&done, 1);
    expect(20, "a");
    start(); /* what is stored */
    build(20);
    expect(20, "a");
}
END_TEST

START_TEST(what_the_api_sets_counts_until_the_project_declares_something_else)
{
    build(10);
    set_visibility("30");
    build(10);
    expect(30, "none");
    start();
    build(10);
    expect(30, "none");
    build(20);
    expect(20, "none");
    start(); /* and declares it while nothing ran */
    build(20);
    expect(20, "none");
}
END_TEST

START_TEST(tags_do_not_hold_what_is_declared)
{
    int done = 0;
    build(10);
    begin_tag(&done);
    run_until(&done, 1);
    start();
    build(20);
    expect(20, "a");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sqs_queues");
    TCase *tc = tcase_create("sqs_queues");
    tcase_add_checked_fixture(tc, setup_queues, teardown);
    tcase_add_test(tc, a_build_that_comes_while_a_tag_is_written_is_not_undone);
    tcase_add_test(tc, what_the_api_sets_counts_until_the_project_declares_something_else);
    tcase_add_test(tc, tags_do_not_hold_what_is_declared);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
