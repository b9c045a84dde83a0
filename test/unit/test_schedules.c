/* Schedules over a store of their own and a clock that the test sets.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "control/events/schedules/schedules.h"
#include "store/store_settings.h"
#include "suite.h"

#define ROUNDS 8 /* more than jobs bring others in turn */

static uint64_t clock_ms;
static uv_loop_t loop;
static struct store *store;
static struct queues *lives[8]; /* queues live as long as the process: one a start */
static size_t life;
static struct schedules *schedules;
static char folder[] = "/tmp/mayfly-test-XXXXXX";
static int overs;

static uint64_t test_now(void)
{
    return clock_ms;
}

static uint64_t ms_of(const char *text)
{
    struct tm tm = { 0 };
    ck_assert_ptr_nonnull(strptime(text, "%Y-%m-%d %H:%M:%S", &tm));
    return (uint64_t)timegm(&tm) * 1000;
}

static void start(void)
{
    struct err err = { 0 };
    ck_assert_msg(store_open(&loop, folder, &store, &err) == 0, "%s", err.text);
    ck_assert_uint_lt(life, ARRAY_COUNT(lives));
    lives[life] = queues_create(&loop, store);
    schedules = schedules_create(&loop, lives[life++], test_now);
}

/* As if the process had died: nothing is said to the schedules. */
static void stop(void)
{
    schedules_destroy(schedules);
    store_close(store);
    (void)uv_run(&loop, UV_RUN_NOWAIT); /* frees them */
}

static void setup(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    clock_ms = ms_of("2026-11-25 10:00:30");
    start();
}

static void teardown(void)
{
    char command[64];
    stop();
    (void)snprintf(command, sizeof(command), "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

/* Its messages are the times of its ticks. */
static void add_message(const struct schedule_tick *tick, void *context)
{
    char body[32];
    (void)context;
    (void)snprintf(body, sizeof(body), "%" PRIu64, tick->time_ms);
    message_batch_add(tick->batch, &(struct batch_message){ .queue = STR("ticks"),
                                                            .body = str_c(body),
                                                            .dedup = tick->dedup });
}

static void count_over(struct str name, void *context)
{
    (void)context;
    overs++;
    schedules_remove(schedules, name);
}

static struct schedule_spec spec_of(enum schedule_platform platform, const char *expression)
{
    return (struct schedule_spec){ .name = STR("one"),
                                   .expression = str_c(expression),
                                   .zone = STR(""),
                                   .platform = platform,
                                   .enabled = true,
                                   .catch_up = true,
                                   .tick = add_message,
                                   .over = count_over };
}

static void set(const struct schedule_spec *spec)
{
    struct err err = { 0 };
    ck_assert_msg(schedules_set(schedules, spec, &err) == 0, "%s", err.text);
}

#define TICK_TEXT 9 /* "10:05:00 " */

struct written {
    char text[512];
};

/* Newest first: each goes before those that are newer. */
static bool prepend_body(const struct stored_message *m, void *context)
{
    struct written *w = context;
    char body[32] = "";
    char tick[TICK_TEXT + 1];
    memcpy(body, m->body.data, m->body.len);
    time_t seconds = (time_t)(strtoull(body, NULL, 10) / 1000);
    struct tm tm;
    (void)gmtime_r(&seconds, &tm);
    (void)strftime(tick, sizeof(tick), "%H:%M:%S ", &tm);
    memmove(w->text + TICK_TEXT, w->text, sizeof(w->text) - TICK_TEXT - 1);
    memcpy(w->text, tick, TICK_TEXT);
    return true;
}

static void count_queue(uint64_t queue, struct str name, void *context)
{
    if (str_eq(name, STR("ticks"))) {
        *(uint64_t *)context = queue;
    }
}

/* The ticks that are durable, in the order in which they were written. */
struct barrier {
    struct store_job job;
    bool is_done;
};

static int run_nothing(struct store_job *job, struct sql *db)
{
    (void)job;
    (void)db;
    return 0;
}

static void barrier_done(struct store_job *job, int r)
{
    (void)r;
    container_of(job, struct barrier, job)->is_done = true;
}

/* Jobs are done in their order, and those that are under way may bring others. */
static void settle(void)
{
    for (int round = 0; round < ROUNDS; round++) {
        struct barrier b = { .job = { .run = run_nothing, .done = barrier_done } };
        store_submit(store, &b.job);
        while (!b.is_done) {
            (void)uv_run(&loop, UV_RUN_ONCE);
        }
    }
}

static const char *ticks(void)
{
    static struct written w;
    uint64_t queue = 0;
    memset(w.text, 0, sizeof(w.text));
    settle();
    store_messages_queues(store, count_queue, &queue);
    if (queue) {
        struct message_filter filter = { .queue = queue, .state = -1 };
        ck_assert(!store_messages_list(store, &filter, UINT32_MAX, prepend_body, &w));
    }
    return w.text;
}

static void at(const char *time)
{
    clock_ms = ms_of(time);
    schedules_run(schedules);
    (void)ticks(); /* what is written is written before the clock goes on */
}

static void be_down_until(const char *time)
{
    stop();
    clock_ms = ms_of(time);
    start();
}

/* Somebody sets it. */
static void put_clock(const char *time)
{
    clock_ms = ms_of(time);
    schedules_clock_set(schedules);
}

START_TEST(each_tick_happens_once_when_it_is_due)
{
    struct schedule_spec spec = spec_of(SCHEDULE_VERCEL, "*/5 * * * *");
    set(&spec);
    at("2026-11-25 10:04:59");
    ck_assert_str_eq(ticks(), "");
    at("2026-11-25 10:05:00");
    at("2026-11-25 10:05:01");
    at("2026-11-25 10:10:07");
    ck_assert_str_eq(ticks(), "10:05:00 10:10:00 ");
}
END_TEST

START_TEST(a_restart_neither_loses_nor_repeats_a_tick)
{
    struct schedule_spec spec = spec_of(SCHEDULE_VERCEL, "*/5 * * * *");
    set(&spec);
    at("2026-11-25 10:05:00");
    stop();
    start();
    set(&spec);
    at("2026-11-25 10:05:02");
    ck_assert_str_eq(ticks(), "10:05:00 ");
    be_down_until("2026-11-25 10:10:20"); /* down at the tick, up again at once */
    spec.catch_up = false;
    set(&spec);
    at("2026-11-25 10:10:21");
    ck_assert_str_eq(ticks(), "10:05:00 10:10:00 ");
}
END_TEST

static void count_mark(struct str name, struct str value, void *context)
{
    (void)name;
    (void)value;
    ++*(int *)context;
}

static void count_marks(int r, void *context)
{
    ck_assert_int_eq(r, 0);
    store_settings_each(store, STR("schedule"), count_mark, context);
}

START_TEST(what_is_settled_is_known_to_the_next_process)
{
    struct schedule_spec spec = spec_of(SCHEDULE_SCHEDULER, "at(2026-11-25T10:01:00)");
    int marks = 0;
    set(&spec);
    schedules_settle(schedules, count_marks, &marks);
    settle();
    ck_assert_int_eq(marks, 1);
    be_down_until("2026-11-25 10:07:00"); /* down at its only time */
    set(&spec);
    at("2026-11-25 10:07:00");
    ck_assert_str_eq(ticks(), "10:01:00 ");
}
END_TEST

START_TEST(a_tick_that_failed_is_not_tried_again_when_disabled)
{
    struct schedule_spec spec = spec_of(SCHEDULE_VERCEL, "*/5 * * * *");
    struct rlimit limit;
    set(&spec);
    settle();
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    (void)signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 1, limit.rlim_max }), 0);
    clock_ms = ms_of("2026-11-25 10:05:00");
    schedules_run(schedules); /* is being written */
    spec.enabled = false;
    set(&spec);
    settle();
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    at("2026-11-25 10:06:00");
    ck_assert_str_eq(ticks(), "");
}
END_TEST

START_TEST(what_was_missed_is_caught_up_once_or_skipped)
{
    struct schedule_spec spec = spec_of(SCHEDULE_VERCEL, "*/5 * * * *");
    set(&spec);
    be_down_until("2027-03-01 12:03:00");
    set(&spec);
    at("2027-03-01 12:03:00");
    ck_assert_str_eq(ticks(), "12:00:00 ");
    at("2027-03-01 12:05:00");
    ck_assert_str_eq(ticks(), "12:00:00 12:05:00 ");
    be_down_until("2027-03-01 18:03:00");
    spec.catch_up = false;
    set(&spec);
    at("2027-03-01 18:03:00");
    at("2027-03-01 18:05:00");
    ck_assert_str_eq(ticks(), "12:00:00 12:05:00 18:05:00 ");
}
END_TEST

START_TEST(a_clock_that_jumps_neither_repeats_nor_skips)
{
    struct schedule_spec spec = spec_of(SCHEDULE_VERCEL, "0 * * * *");
    set(&spec);
    at("2026-11-25 11:00:00");
    put_clock("2026-11-25 10:30:00"); /* back: 11:00 has been */
    at("2026-11-25 11:00:01");
    ck_assert_str_eq(ticks(), "11:00:00 ");
    put_clock("2026-11-25 15:20:00"); /* forward over four ticks: once */
    ck_assert_str_eq(ticks(), "11:00:00 15:00:00 ");
    at("2026-11-25 16:00:00");
    put_clock("2026-11-20 08:30:00"); /* it had been wrong for days */
    at("2026-11-20 09:00:00");
    ck_assert_str_eq(ticks(), "11:00:00 15:00:00 16:00:00 09:00:00 ");
}
END_TEST

/* As that of a machine whose clock was taken for another zone's. */
START_TEST(a_clock_that_was_wrong_by_hours_has_had_none_of_the_ticks_that_come)
{
    struct schedule_spec spec = spec_of(SCHEDULE_VERCEL, "0 * * * *");
    set(&spec);
    at("2026-11-25 11:00:00");
    at("2026-11-25 16:00:00");
    put_clock("2026-11-25 10:30:00");
    at("2026-11-25 11:00:00");
    ck_assert_str_eq(ticks(), "11:00:00 16:00:00 11:00:00 ");
}
END_TEST

/* It counts elapsed time, whatever the clock says. */
START_TEST(a_rate_goes_on_when_the_clock_is_put_back)
{
    struct schedule_spec spec = spec_of(SCHEDULE_RULE, "rate(10 minutes)");
    spec.start_ms = _i ? ms_of("2026-11-25 09:00:30") : 0;
    set(&spec);
    at("2026-11-25 10:10:30");
    put_clock("2026-11-25 10:10:00"); /* less than a minute: a correction */
    at("2026-11-25 10:20:30");
    at("2026-11-25 11:20:30");
    put_clock("2026-11-25 10:05:00"); /* an hour and more */
    at("2026-11-25 10:15:00");
    at("2026-11-25 10:25:00");
    ck_assert_str_eq(ticks(), "10:10:30 10:20:30 11:20:30 10:10:30 10:20:30 ");
    put_clock("2026-11-25 11:21:00"); /* and forward again: not twice */
    at("2026-11-25 11:30:30");
    ck_assert_str_eq(ticks() + (size_t)5 * TICK_TEXT, "11:30:30 ");
}
END_TEST

/* It has not ticked yet, and is to do so for years when the clock is found to be wrong. */
START_TEST(a_rate_that_was_made_by_a_wrong_clock_goes_by_the_new_time)
{
    struct schedule_spec spec = spec_of(SCHEDULE_RULE, "rate(10 minutes)");
    clock_ms = ms_of("2030-01-01 00:00:00");
    set(&spec);
    put_clock("2026-11-25 10:00:30");
    at("2026-11-25 10:05:00");
    stop();
    start();
    set(&spec);
    at("2026-11-25 10:10:30");
    at("2026-11-25 10:20:30");
    ck_assert_str_eq(ticks(), "10:10:30 10:20:30 ");
}
END_TEST

/* A small machine without a battery begins in 1970, and learns the time from the network. */
START_TEST(a_machine_that_starts_without_the_time_repeats_nothing_once_it_has_it)
{
    struct schedule_spec daily = spec_of(SCHEDULE_VERCEL, "0 9 * * *");
    struct schedule_spec once = spec_of(SCHEDULE_SCHEDULER, "at(2026-11-25T11:00:00)");
    struct schedule_spec rate = spec_of(SCHEDULE_RULE, "rate(1 day)");
    once.name = STR("two");
    once.over = NULL;
    rate.name = STR("three");
    set(&daily); /* at 10:00:30 */
    set(&once);
    set(&rate);
    at("2026-11-25 11:00:00");
    at("2026-11-26 09:00:00");
    at("2026-11-26 10:00:30");
    ck_assert_str_eq(ticks(), "11:00:00 09:00:00 10:00:30 ");
    for (int i = 0; i < 2; i++) {
        be_down_until("1970-01-01 00:00:20");
        set(&daily);
        set(&once);
        set(&rate);
        at("1970-01-01 09:00:00");
    }
    put_clock("2026-11-26 20:00:00");
    ck_assert_str_eq(ticks(), "11:00:00 09:00:00 10:00:30 09:00:00 ");
    at("2026-11-27 09:00:00");
    at("2026-11-27 10:00:30");
    ck_assert_str_eq(ticks(), "11:00:00 09:00:00 10:00:30 09:00:00 09:00:00 10:00:30 ");
}
END_TEST

START_TEST(a_schedule_that_is_new_changed_or_enabled_does_not_fire_the_past)
{
    struct schedule_spec spec = spec_of(SCHEDULE_VERCEL, "0 9 * * *");
    set(&spec); /* 10:00:30 */
    at("2026-11-25 10:10:00");
    spec.expression = STR("0 10 * * *");
    set(&spec);
    at("2026-11-25 10:20:00");
    spec.enabled = false;
    set(&spec);
    at("2026-11-26 10:20:00");
    spec.enabled = true;
    set(&spec);
    at("2026-11-26 10:21:00");
    ck_assert_str_eq(ticks(), "");
    at("2026-11-27 10:00:00");
    ck_assert_str_eq(ticks(), "10:00:00 ");
    schedules_remove(schedules, STR("one"));
    at("2026-11-28 10:20:00");
    set(&spec);
    at("2026-11-28 10:21:00");
    ck_assert_str_eq(ticks(), "10:00:00 ");
}
END_TEST

/* AWS's precision is a minute, and the call that sets it takes a while. */
START_TEST(a_point_in_time_that_has_just_passed_fires_once_when_it_is_set)
{
    struct schedule_spec spec = spec_of(SCHEDULE_SCHEDULER, "at(2026-11-25T10:00:29)");
    spec.over = NULL;
    set(&spec); /* 10:00:30 */
    at("2026-11-25 10:00:31");
    ck_assert_str_eq(ticks(), "10:00:29 ");
    spec.start_ms = clock_ms; /* another schedule, of the same moment */
    set(&spec);
    at("2026-11-25 10:00:32");
    stop();
    start();
    set(&spec);
    at("2026-11-25 10:00:33");
    ck_assert_str_eq(ticks(), "10:00:29 ");
    spec.expression = STR("at(2026-11-25T09:59:30)");
    set(&spec);
    at("2026-11-25 10:00:34");
    ck_assert_str_eq(ticks(), "10:00:29 ");
}
END_TEST

START_TEST(a_schedule_that_was_gone_for_a_while_begins_anew)
{
    struct schedule_spec spec = spec_of(SCHEDULE_VERCEL, "*/5 * * * *");
    set(&spec);
    at("2026-11-25 10:05:00");
    stop();
    start();
    schedules_forget_unset(schedules);
    at("2026-11-25 12:02:00");
    set(&spec);
    at("2026-11-25 12:03:00");
    ck_assert_str_eq(ticks(), "10:05:00 ");
}
END_TEST

START_TEST(a_rate_keeps_its_beat_over_restarts)
{
    struct schedule_spec spec = spec_of(SCHEDULE_RULE, "rate(10 minutes)");
    set(&spec); /* 10:00:30 */
    at("2026-11-25 10:10:31");
    stop();
    start();
    set(&spec);
    at("2026-11-25 10:20:30");
    ck_assert_str_eq(ticks(), "10:10:30 10:20:30 ");
}
END_TEST

/* Down at the tick while it gets another name: what has fired under the old one counts, and is
 * neither needed nor kept afterwards. */
START_TEST(a_schedule_that_an_earlier_version_named_otherwise_goes_on)
{
    struct schedule_spec spec = spec_of(SCHEDULE_RULE, "rate(10 minutes)");
    spec.name = STR("project:one");
    set(&spec); /* 10:00:30 */
    at("2026-11-25 10:10:31");
    stop();
    spec.former_name = spec.name;
    spec.name = STR("rule:default/one");
    for (int i = 0; i < 2; i++) {
        int marks = 0;
        clock_ms = ms_of("2026-11-25 10:22:00");
        start();
        set(&spec);
        schedules_forget_unset(schedules);
        at("2026-11-25 10:22:01");
        ck_assert_str_eq(ticks(), "10:10:30 10:20:30 ");
        schedules_settle(schedules, count_marks, &marks);
        (void)ticks();
        ck_assert_int_eq(marks, 1);
        stop();
    }
    start();
}
END_TEST

START_TEST(the_last_tick_is_told_and_a_rate_of_the_scheduler_begins_at_once)
{
    struct schedule_spec spec = spec_of(SCHEDULE_SCHEDULER, "at(2026-11-25T10:00:35)");
    overs = 0;
    set(&spec);
    at("2026-11-25 10:00:36");
    ck_assert_str_eq(ticks(), "10:00:35 ");
    ck_assert_int_eq(overs, 1);
    spec = spec_of(SCHEDULE_SCHEDULER, "rate(1 hour)");
    set(&spec);
    at("2026-11-25 10:00:36");
    ck_assert_str_eq(ticks(), "10:00:35 10:00:36 ");
}
END_TEST

static void trigger_done(int r, void *context)
{
    const char *queue;
    ck_assert_int_eq(r, 0);
    ck_assert_uint_eq(message_batch_count(context), 1);
    ck_assert_uint_gt(message_batch_id(context, 0, &queue), 0);
    ck_assert_str_eq(queue, "ticks");
}

START_TEST(a_trigger_is_a_tick_more)
{
    struct schedule_view view;
    struct schedule_spec spec = spec_of(SCHEDULE_VERCEL, "0 11 * * *");
    set(&spec);
    struct message_batch *batch = message_batch_create(lives[0]);
    ck_assert_int_eq(schedules_trigger(schedules, STR("two"), batch), -ENOENT);
    ck_assert_int_eq(schedules_trigger(schedules, STR("one"), batch), 0);
    message_batch_submit(batch, trigger_done, batch);
    ck_assert(schedules_find(schedules, STR("one"), &view));
    ck_assert_uint_eq(view.next_ms, ms_of("2026-11-25 11:00:00"));
    at("2026-11-25 11:00:00");
    ck_assert_str_eq(ticks(), "10:00:30 11:00:00 ");
}
END_TEST

/* Of these every 60th is due at eleven, if it is still there. */
START_TEST(of_ten_thousand_those_fire_that_are_due)
{
    struct message_counts counts;
    struct schedule_spec spec = spec_of(SCHEDULE_VERCEL, "");
    uint64_t queue = 0;
    uint64_t due = 0;
    for (int i = 0; i < 10000; i++) {
        char name[32];
        char expression[32];
        (void)snprintf(name, sizeof(name), "n%d", i);
        (void)snprintf(expression, sizeof(expression), "%d %d * * *", i * 7 % 60, 11 + i * 13 % 12);
        spec.name = str_c(name);
        spec.expression = str_c(expression);
        set(&spec);
        if (i % 7 == 0) {
            schedules_remove(schedules, spec.name);
        } else {
            due += i % 60 == 0;
        }
    }
    at("2026-11-25 10:59:59");
    ck_assert_str_eq(ticks(), "");
    at("2026-11-25 11:00:00");
    store_messages_queues(store, count_queue, &queue);
    store_messages_count(store, queue, 0, clock_wall_ms(), &counts);
    ck_assert_uint_eq(counts.waiting, due);
}
END_TEST

int main(void)
{
    TCase *tc;
    Suite *suite = suite_make("schedules", setup, teardown, &tc);
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, each_tick_happens_once_when_it_is_due);
    tcase_add_test(tc, a_restart_neither_loses_nor_repeats_a_tick);
    tcase_add_test(tc, what_is_settled_is_known_to_the_next_process);
    tcase_add_test(tc, a_tick_that_failed_is_not_tried_again_when_disabled);
    tcase_add_test(tc, what_was_missed_is_caught_up_once_or_skipped);
    tcase_add_test(tc, a_clock_that_jumps_neither_repeats_nor_skips);
    tcase_add_test(tc, a_clock_that_was_wrong_by_hours_has_had_none_of_the_ticks_that_come);
    tcase_add_loop_test(tc, a_rate_goes_on_when_the_clock_is_put_back, 0, 2);
    tcase_add_test(tc, a_rate_that_was_made_by_a_wrong_clock_goes_by_the_new_time);
    tcase_add_test(tc, a_machine_that_starts_without_the_time_repeats_nothing_once_it_has_it);
    tcase_add_test(tc, a_schedule_that_is_new_changed_or_enabled_does_not_fire_the_past);
    tcase_add_test(tc, a_point_in_time_that_has_just_passed_fires_once_when_it_is_set);
    tcase_add_test(tc, a_schedule_that_was_gone_for_a_while_begins_anew);
    tcase_add_test(tc, a_rate_keeps_its_beat_over_restarts);
    tcase_add_test(tc, a_schedule_that_an_earlier_version_named_otherwise_goes_on);
    tcase_add_test(tc, the_last_tick_is_told_and_a_rate_of_the_scheduler_begins_at_once);
    tcase_add_test(tc, a_trigger_is_a_tick_more);
    tcase_add_test(tc, of_ten_thousand_those_fire_that_are_due);
    return suite_run(suite);
}
