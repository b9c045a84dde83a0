/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <time.h>

#include "control/events/schedules/schedule_time.h"
#include "leaks.h"

static uint64_t ms_of(const char *text)
{
    struct tm tm = { 0 };
    ck_assert_ptr_nonnull(strptime(text, "%Y-%m-%d %H:%M:%S", &tm));
    return (uint64_t)timegm(&tm) * 1000;
}

static const char *text_of(uint64_t ms)
{
    static char text[32];
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    (void)gmtime_r(&seconds, &tm);
    (void)strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
    return ms == SCHEDULE_NEVER ? "never" : text;
}

static struct schedule_time parse(enum schedule_platform platform, const char *expression,
                                  const char *zone)
{
    struct schedule_time t;
    struct err err = { 0 };
    int r = schedule_time_parse(str_c(expression), str_c(zone), platform, &t, &err);
    ck_assert_msg(r == 0, "%s: %s", expression, err.text);
    return t;
}

static void refuse(enum schedule_platform platform, const char *expression, const char *zone)
{
    struct schedule_time t;
    struct err err = { 0 };
    ck_assert_msg(schedule_time_parse(str_c(expression), str_c(zone), platform, &t, &err) ==
                      -EINVAL,
                  "%s", expression);
    ck_assert_uint_gt(strlen(err.text), 0);
}

/* It is made at `from` and ticks next at these times. */
static void expect(const struct schedule_time *t, const char *from, const char *const *times)
{
    uint64_t at = ms_of(from);
    for (; *times; times++) {
        at = schedule_time_next(t, at, ms_of(from));
        ck_assert_msg(strcmp(text_of(at), *times) == 0, "%s, not %s", text_of(at), *times);
    }
}

#define EXPECT(t, from, ...) expect(t, from, (const char *const[]){ __VA_ARGS__, NULL })

START_TEST(a_rule_takes_only_the_rates_that_aws_takes)
{
    static const char *const wrong[] = {
        "rate(10 seconds)",   "rate(10 years)",    "rate(1 minutes)",
        "rate(1 hours)",      "rate(1 days)",      "rate(10 minute)",
        "rate(10 hour)",      "rate(10 day)",      "rate()",
        "rate(10)",           "rate(10 minutess)", "rate(foo minutes)",
        "rate(0 minutes)",    "rate(-10 minutes)", "rate(10 MINUTES)",
        "rate( 10 minutes )", " rate(10 minutes)", "at(2026-12-31T23:59:59)",
        "rate(1 minute) ",    "cron(0 1 * * * *)",
    };
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        refuse(SCHEDULE_RULE, wrong[i], "");
    }
    refuse(SCHEDULE_RULE, "rate(1 minute)", "Mars/Olympus");
    struct schedule_time t = parse(SCHEDULE_RULE, "rate(1 minute)", "");
    EXPECT(&t, "2026-11-25 10:00:07", "2026-11-25 10:01:07", "2026-11-25 10:02:07");
    t = parse(SCHEDULE_RULE, "rate(2 hours)", "");
    EXPECT(&t, "2026-11-25 23:00:07", "2026-11-26 01:00:07");
}
END_TEST

START_TEST(the_scheduler_takes_what_aws_was_seen_to_take)
{
    static const char *const wrong[] = {
        "cron()",
        "rate(10 seconds)",
        "rate(10 years)",
        "rate()",
        "rate(10)",
        "rate(10 minutess)",
        "rate(foo minutes)",
        "rate(-10 minutes)",
        "rate( 10 minutes )",
        " rate(10 minutes)",
        "at(2021-12-31T23:59:59Z)",
        "at(2021-12-31)",
        "at(2021-06-31T00:00:00)",
        "at(2021-13-01T00:00:00)",
        "at( 021-12-01T00:00:00)",
        "at(2021-12-01T24:00:00)",
        "0 0 * * ? *",
    };
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        refuse(SCHEDULE_SCHEDULER, wrong[i], "");
    }
    refuse(SCHEDULE_SCHEDULER, "rate(1 day)", "Mars/Olympus");
    struct schedule_time t = parse(SCHEDULE_SCHEDULER, "rate(1 minutes)", "");
    ck_assert_uint_eq(t.period_ms, 60000);
    t = parse(SCHEDULE_SCHEDULER, "rate(5 minute)", "");
    ck_assert_uint_eq(t.period_ms, 300000);
}
END_TEST

START_TEST(a_rate_counts_from_its_start_date)
{
    struct schedule_time t = parse(SCHEDULE_SCHEDULER, "rate(5 minutes)", "");
    t.start_ms = ms_of("2026-11-25 12:00:00");
    t.end_ms = ms_of("2026-11-25 12:06:00");
    EXPECT(&t, "2026-11-25 10:00:00", "2026-11-25 12:00:00", "2026-11-25 12:05:00", "never");
    /* made long after the start: on the same beat */
    t.end_ms = 0;
    EXPECT(&t, "2026-11-26 10:03:00", "2026-11-26 10:05:00");
}
END_TEST

START_TEST(a_rate_of_the_scheduler_without_a_start_date_begins_when_it_is_made)
{
    struct schedule_time t = parse(SCHEDULE_SCHEDULER, "rate(5 minutes)", "");
    uint64_t made = ms_of("2026-11-25 10:00:00");
    ck_assert_uint_eq(schedule_time_next(&t, made - 1, made), made);
    ck_assert_uint_eq(schedule_time_next(&t, made, made), made + 300000);
}
END_TEST

START_TEST(dates_bound_a_cron)
{
    struct schedule_time t = parse(SCHEDULE_SCHEDULER, "cron(0 12 * * ? *)", "");
    t.start_ms = ms_of("2026-12-01 12:00:00");
    t.end_ms = ms_of("2026-12-02 12:00:00");
    EXPECT(&t, "2026-11-25 10:00:00", "2026-12-01 12:00:00", "2026-12-02 12:00:00", "never");
}
END_TEST

START_TEST(a_point_in_time_comes_once_whatever_the_dates)
{
    struct schedule_time t = parse(SCHEDULE_SCHEDULER, "at(2026-12-01T12:00:30)", "Europe/Berlin");
    t.end_ms = ms_of("2026-11-30 00:00:00");
    EXPECT(&t, "2026-11-25 10:00:00", "2026-12-01 11:00:30", "never");
    t = parse(SCHEDULE_SCHEDULER, "at(2022-12-31T23:59:59)", "");
    EXPECT(&t, "2026-11-25 10:00:00", "never");
    t = parse(SCHEDULE_SCHEDULER, "at(2026-03-08T02:30:00)", "America/New_York");
    EXPECT(&t, "2026-03-01 00:00:00", "2026-03-08 07:30:00");
}
END_TEST

START_TEST(in_the_spring_what_clocks_skip_is_left_out)
{
    struct schedule_time t = parse(SCHEDULE_SCHEDULER, "cron(30 2 * * ? *)", "America/New_York");
    EXPECT(&t, "2026-03-06 12:00:00", "2026-03-07 07:30:00", "2026-03-09 06:30:00");
    t = parse(SCHEDULE_SCHEDULER, "cron(0/30 1-3 8 3 ? 2026)", "America/New_York");
    EXPECT(&t, "2026-03-08 00:00:00", "2026-03-08 06:00:00", "2026-03-08 06:30:00",
           "2026-03-08 07:00:00", "2026-03-08 07:30:00", "never");
}
END_TEST

START_TEST(in_the_autumn_what_comes_twice_happens_once)
{
    struct schedule_time t = parse(SCHEDULE_SCHEDULER, "cron(30 1 * * ? *)", "America/New_York");
    EXPECT(&t, "2026-10-31 12:00:00", "2026-11-01 05:30:00", "2026-11-02 06:30:00");
    EXPECT(&t, "2026-11-01 06:10:00", "2026-11-02 06:30:00");
    t = parse(SCHEDULE_SCHEDULER, "cron(0 * * * ? *)", "America/New_York");
    EXPECT(&t, "2026-11-01 04:00:00", "2026-11-01 05:00:00", "2026-11-01 07:00:00");
    /* a day of a rate is 24 hours, clocks or not */
    t = parse(SCHEDULE_SCHEDULER, "rate(1 day)", "America/New_York");
    EXPECT(&t, "2026-10-31 12:00:00", "2026-11-01 12:00:00", "2026-11-02 12:00:00");
}
END_TEST

/* The last Sunday of March at half past two. */
START_TEST(what_clocks_skip_every_year_never_comes)
{
    struct schedule_time t = parse(SCHEDULE_WORKERS, "30 2 * 3 1L", "Europe/Berlin");
    EXPECT(&t, "2026-01-01 00:00:00", "never");
    t = parse(SCHEDULE_SCHEDULER, "cron(30 2 ? 3 1L *)", "Europe/Berlin");
    EXPECT(&t, "2026-01-01 00:00:00", "never");
}
END_TEST

/* mayfly.json can give any of them one. */
START_TEST(the_others_are_in_utc_unless_they_have_a_zone)
{
    struct schedule_time t = parse(SCHEDULE_NETLIFY, "@daily", "UTC");
    EXPECT(&t, "2026-10-31 12:00:00", "2026-11-01 00:00:00");
    t = parse(SCHEDULE_VERCEL, "0 2 * * *", "Europe/Berlin");
    EXPECT(&t, "2026-10-24 12:00:00", "2026-10-25 00:00:00", "2026-10-26 01:00:00");
    t = parse(SCHEDULE_RULE, "cron(0 2 * * ? *)", "Asia/Tokyo");
    EXPECT(&t, "2026-10-24 12:00:00", "2026-10-24 17:00:00");
    refuse(SCHEDULE_VERCEL, "0 0 * * *", "Mars/Olympus");
    refuse(SCHEDULE_WORKERS, "cron(0 0 * * ? *)", "");
    char longest[400];
    memset(longest, ' ', sizeof(longest));
    memcpy(longest, "* * * * *", 9);
    longest[sizeof(longest) - 1] = '\0';
    refuse(SCHEDULE_VERCEL, longest, "");
}
END_TEST

int main(void)
{
    TCase *tc;
    Suite *suite = leaks_suite("schedule_time", &tc);
    tcase_add_test(tc, a_rule_takes_only_the_rates_that_aws_takes);
    tcase_add_test(tc, the_scheduler_takes_what_aws_was_seen_to_take);
    tcase_add_test(tc, a_rate_counts_from_its_start_date);
    tcase_add_test(tc, a_rate_of_the_scheduler_without_a_start_date_begins_when_it_is_made);
    tcase_add_test(tc, dates_bound_a_cron);
    tcase_add_test(tc, a_point_in_time_comes_once_whatever_the_dates);
    tcase_add_test(tc, in_the_spring_what_clocks_skip_is_left_out);
    tcase_add_test(tc, in_the_autumn_what_comes_twice_happens_once);
    tcase_add_test(tc, the_others_are_in_utc_unless_they_have_a_zone);
    tcase_add_test(tc, what_clocks_skip_every_year_never_comes);
    return suite_run(suite);
}
