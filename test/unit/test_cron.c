/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <time.h>

#include "control/events/schedules/cron.h"
#include "control/events/schedules/zone.h"
#include "leaks.h"

static int64_t minute_of(const char *text)
{
    struct tm tm = { 0 };
    ck_assert_ptr_nonnull(strptime(text, "%Y-%m-%d %H:%M", &tm));
    return timegm(&tm) / 60;
}

static const char *text_of(int64_t minute)
{
    static char text[32];
    time_t seconds = minute * 60;
    struct tm tm;
    (void)gmtime_r(&seconds, &tm);
    (void)strftime(text, sizeof(text), "%Y-%m-%d %H:%M", &tm);
    return text;
}

static struct cron parse(enum cron_dialect dialect, const char *expression)
{
    struct cron c;
    struct err err = { 0 };
    int r = cron_parse(str_c(expression), dialect, &c, &err);
    ck_assert_msg(r == 0, "%s: %s", expression, err.text);
    return c;
}

static void refuse(enum cron_dialect dialect, const char *expression)
{
    struct cron c;
    struct err err = { 0 };
    ck_assert_msg(cron_parse(str_c(expression), dialect, &c, &err) == -EINVAL, "%s", expression);
    ck_assert_uint_gt(strlen(err.text), 0);
}

/* After `from` it matches at exactly these times first. */
static void expect(enum cron_dialect dialect, const char *expression, const char *from,
                   const char *const *times)
{
    struct cron c = parse(dialect, expression);
    int64_t at = minute_of(from);
    for (; *times; times++) {
        ck_assert_msg(cron_next(&c, at, &at), "%s after %s", expression, text_of(at));
        ck_assert_msg(strcmp(text_of(at), *times) == 0, "%s: %s, not %s", expression, text_of(at),
                      *times);
    }
}

#define EXPECT(dialect, expression, from, ...)                                                     \
    expect(dialect, expression, from, (const char *const[]){ __VA_ARGS__, NULL })

static void never(enum cron_dialect dialect, const char *expression)
{
    struct cron c = parse(dialect, expression);
    int64_t at = minute_of("2026-01-01 00:00");
    ck_assert_msg(!cron_next(&c, at, &at), "%s: %s", expression, text_of(at));
}

START_TEST(vercel_has_five_fields_of_numbers)
{
    EXPECT(CRON_VERCEL, "0 2 * * *", "2026-02-27 02:00", "2026-02-28 02:00", "2026-03-01 02:00");
    EXPECT(CRON_VERCEL, "*/20 5-6 * * *", "2026-01-01 05:39", "2026-01-01 05:40",
           "2026-01-01 06:00", "2026-01-01 06:20", "2026-01-01 06:40", "2026-01-02 05:00");
    EXPECT(CRON_VERCEL, "0 0 * * 0", "2026-11-25 00:00", "2026-11-29 00:00", "2026-12-06 00:00");
    EXPECT(CRON_VERCEL, "0 0 1,15 * *", "2026-12-10 00:00", "2026-12-15 00:00", "2027-01-01 00:00");
    static const char *const wrong[] = {
        "",
        "* * * *",
        "* * * * * *",
        "0 0 * * MON",
        "0 0 * JAN *",
        "0 0 * * 7",
        "60 * * * *",
        "0 24 * * *",
        "0 0 0 * *",
        "0 0 32 * *",
        "0 0 * 13 *",
        "5-1 * * * *",
        "*/0 * * * *",
        "1,,2 * * * *",
        "0 0 1 * 1",
        "0 0 */2 * 1",
        "0 0 L * *",
        "0 0 ? * *",
        "@daily",
        "-5 * * * *",
        "1-2-3 * * * *",
        "1/2/3 * * * *",
        "99999999999999999999 * * * *",
    };
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        refuse(CRON_VERCEL, wrong[i]);
    }
}
END_TEST

START_TEST(workers_count_weekdays_from_sunday_as_one)
{
    EXPECT(CRON_WORKERS, "0 17 * * sun", "2026-11-25 00:00", "2026-11-29 17:00",
           "2026-12-06 17:00");
    EXPECT(CRON_WORKERS, "0 17 * * 1", "2026-11-25 00:00", "2026-11-29 17:00", "2026-12-06 17:00");
    EXPECT(CRON_WORKERS, "10 7 * * 2-6", "2026-11-27 07:10", "2026-11-30 07:10");
    EXPECT(CRON_WORKERS, "10 7 * * mon-fri", "2026-11-27 07:10", "2026-11-30 07:10");
    EXPECT(CRON_WORKERS, "0 0 * JAN SAT-SUN", "2026-01-01 00:00", "2026-01-03 00:00",
           "2026-01-04 00:00", "2026-01-10 00:00");
    EXPECT(CRON_WORKERS, "0 18 * * friL", "2026-11-01 00:00", "2026-11-27 18:00",
           "2026-12-25 18:00");
    EXPECT(CRON_WORKERS, "0 18 * * 6L", "2026-11-01 00:00", "2026-11-27 18:00", "2026-12-25 18:00");
    EXPECT(CRON_WORKERS, "0 0 * * SAT#5", "2020-01-01 00:00", "2020-02-29 00:00",
           "2020-05-30 00:00", "2020-08-29 00:00", "2020-10-31 00:00");
    EXPECT(CRON_WORKERS, "0 0 * * L", "2026-11-25 00:00", "2026-11-28 00:00");
    static const char *const wrong[] = { "0 0 * * 0",     "0 0 * * 8",    "0 0 * * 2,L",
                                         "0 0 * * SAT#6", "0 0 * * #3",   "0 0 1W,3 * *",
                                         "0 0 3,L * *",   "0 0 L-0 * *",  "0 0 L-31 * *",
                                         "0 0 */31 * *",  "*,* * * * *",  "0 0 ? * *",
                                         "0/60 * * * *",  "0 0 * * mond", "0 0 * 0 *" };
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        refuse(CRON_WORKERS, wrong[i]);
    }
}
END_TEST

START_TEST(workers_know_last_and_working_days)
{
    EXPECT(CRON_WORKERS, "59 23 LW * *", "2020-05-01 00:00", "2020-05-29 23:59",
           "2020-06-30 23:59");
    EXPECT(CRON_WORKERS, "0 0 L-1 FEB *", "2023-01-01 00:00", "2023-02-27 00:00",
           "2024-02-28 00:00");
    EXPECT(CRON_WORKERS, "0 0 1W MAY *", "2020-01-01 00:00", "2020-05-01 00:00", "2021-05-03 00:00",
           "2022-05-02 00:00");
    EXPECT(CRON_WORKERS, "0 0 L-1W MAY *", "2020-01-01 00:00", "2020-05-29 00:00",
           "2021-05-31 00:00");
    EXPECT(CRON_WORKERS, "0 0 L-28W 2 *", "1971-03-01 00:00", "1972-02-01 00:00",
           "1976-02-02 00:00", "1980-02-01 00:00", "1984-02-01 00:00", "1988-02-01 00:00",
           "1992-02-03 00:00");
    EXPECT(CRON_WORKERS, "0 20-4/2 * * *", "2020-01-01 00:00", "2020-01-01 02:00",
           "2020-01-01 04:00", "2020-01-01 20:00", "2020-01-01 22:00");
    EXPECT(CRON_WORKERS, "59-0 23-0 31-1 12-1 *", "2020-12-02 00:00", "2020-12-31 00:00",
           "2020-12-31 00:59", "2020-12-31 23:00", "2020-12-31 23:59", "2021-01-01 00:00");
}
END_TEST

START_TEST(workers_and_netlify_take_either_kind_of_day)
{
    EXPECT(CRON_WORKERS, "0 0 13 * 6", "2026-11-25 00:00", "2026-11-27 00:00", "2026-12-04 00:00",
           "2026-12-11 00:00", "2026-12-13 00:00");
    EXPECT(CRON_NETLIFY, "0 0 13 * 5", "2026-11-25 00:00", "2026-11-27 00:00", "2026-12-04 00:00",
           "2026-12-11 00:00", "2026-12-13 00:00");
    EXPECT(CRON_NETLIFY, "0 0 */1 * 5", "2026-11-25 00:00", "2026-11-27 00:00", "2026-12-04 00:00");
    EXPECT(CRON_NETLIFY, "0 0 13 * 1-7", "2026-11-25 00:00", "2026-12-13 00:00");
    EXPECT(CRON_NETLIFY, "0 0 13 * 0-6", "2026-11-25 00:00", "2026-11-26 00:00"); /* as there */
    EXPECT(CRON_WORKERS, "0 0 */1 * 6", "2026-11-25 00:00", "2026-11-26 00:00");  /* saffron's */
}
END_TEST

START_TEST(netlify_has_macros_and_two_sundays)
{
    EXPECT(CRON_NETLIFY, "@hourly", "2026-11-25 10:00", "2026-11-25 11:00");
    EXPECT(CRON_NETLIFY, "@daily", "2026-11-25 10:00", "2026-11-26 00:00");
    EXPECT(CRON_NETLIFY, "@weekly", "2026-11-25 10:00", "2026-11-29 00:00");
    EXPECT(CRON_NETLIFY, "@monthly", "2026-11-25 10:00", "2026-12-01 00:00");
    EXPECT(CRON_NETLIFY, "@yearly", "2026-11-25 10:00", "2027-01-01 00:00");
    EXPECT(CRON_NETLIFY, "0 0 * * 7", "2026-11-25 10:00", "2026-11-29 00:00");
    EXPECT(CRON_NETLIFY, "0 0 * * 5-7", "2026-11-25 10:00", "2026-11-27 00:00", "2026-11-28 00:00",
           "2026-11-29 00:00", "2026-12-04 00:00");
    EXPECT(CRON_NETLIFY, "0 0 1,L * ?", "2026-11-25 10:00", "2026-11-30 00:00", "2026-12-01 00:00",
           "2026-12-31 00:00");
    EXPECT(CRON_NETLIFY, "0 0 * * 5L,1", "2026-11-25 10:00", "2026-11-27 00:00",
           "2026-11-30 00:00");
    EXPECT(CRON_NETLIFY, "0 0 * * 5#3", "2026-11-25 10:00", "2026-12-18 00:00");
    EXPECT(CRON_NETLIFY, "5/20 * * * *", "2026-11-25 10:00", "2026-11-25 10:05", "2026-11-25 10:25",
           "2026-11-25 10:45", "2026-11-25 11:05");
    static const char *const wrong[] = { "@annually",  "@reboot",     "@HOURLY",      "0 0 * * 8",
                                         "0 0 LW * *", "0 0 * * L",   "0 ? * * *",    "? 0 * * *",
                                         "* * * *",    "0 0 15W * *", "0 0 * * 5#3,1" };
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        refuse(CRON_NETLIFY, wrong[i]);
    }
}
END_TEST

START_TEST(aws_takes_what_aws_was_seen_to_take)
{
    static const char *const right[] = {
        "0 2 ? * SAT *",
        "0 12 * * ? *",
        "5,35 14 * * ? *",
        "15 10 ? * 6L 2002-2005",
        "0 2 ? * SAT#3 *",
        "* * ? * SAT#3 *",
        "0/5 5 ? JAN 1-5 2022",
        "0 18 ? * MON-FRI *",
        "0 8 1 * ? *",
        "0/30 20-23 ? * MON-FRI *",
        "0-15/1 8-8 ? * 2,3,4,5,6,7 *",
        "30-30 13-13 ? * 2,4,6 *",
        "1-31/30 1-1 ? * 1,7 *",
        "*/15 * * * ? *",
        "0-59/10 0-23/2 ? * * *",
    };
    static const char *const wrong[] = {
        "0 1 * * * *",           "7 20 * * NOT *", "INVALID",
        "0 dummy ? * MON-FRI *", "71 8 1 * ? *",   "",
        "0 0 ? * ? *",           "0 0 1 * 1 *",    "0 0 * * ?",
        "0 0 1 * ? 1969",        "0 0 1 * ? 2200", "0 0 ? * 0 *",
        "0 0 ? * 3#1,6#3 *",     "? * * * ? *",
    };
    for (size_t i = 0; i < ARRAY_COUNT(right); i++) {
        (void)parse(CRON_AWS, right[i]);
    }
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        refuse(CRON_AWS, wrong[i]);
    }
}
END_TEST

START_TEST(aws_years_bound_a_schedule)
{
    EXPECT(CRON_AWS, "15 10 ? * 6L 2002-2005", "2001-06-01 00:00", "2002-01-25 10:15",
           "2002-02-22 10:15", "2002-03-29 10:15");
    EXPECT(CRON_AWS, "0/5 5 ? JAN 1-5 2022", "2022-01-31 05:54", "2022-01-31 05:55");
    EXPECT(CRON_AWS, "0 0 1 1 ? 2020/50", "2026-01-01 00:00", "2070-01-01 00:00",
           "2120-01-01 00:00", "2170-01-01 00:00");
    EXPECT(CRON_AWS, "0 2 ? * SAT#3 *", "2026-11-25 00:00", "2026-12-19 02:00");
    never(CRON_AWS, "15 10 ? * 6L 2002-2005");
    struct cron c = parse(CRON_AWS, "* * * * ? *");
    int64_t at = minute_of("2199-12-31 23:58");
    ck_assert(cron_next(&c, at, &at));
    ck_assert_str_eq(text_of(at), "2199-12-31 23:59");
    ck_assert(!cron_next(&c, at, &at));
}
END_TEST

START_TEST(impossible_and_rare_days_come_to_an_end)
{
    never(CRON_VERCEL, "0 0 30 2 *");
    never(CRON_VERCEL, "0 0 31 4,6,9,11 *");
    never(CRON_WORKERS, "0 0 30W 2 *");
    EXPECT(CRON_VERCEL, "0 0 29 2 *", "2096-03-01 00:00", "2104-02-29 00:00");
    EXPECT(CRON_NETLIFY, "0 0 * 2 1#5", "2026-01-01 00:00", "2044-02-29 00:00", "2072-02-29 00:00",
           "2112-02-29 00:00");
}
END_TEST

START_TEST(a_zone_tells_its_offset_in_far_years_too)
{
    const struct zone *zone = zone_find(STR("America/New_York"));
    ck_assert_ptr_nonnull(zone);
    ck_assert_ptr_eq(zone, zone_find(STR("America/New_York")));
    ck_assert_int_eq(zone_offset_s(zone, minute_of("2026-07-01 00:00") * 60), -4 * 3600);
    ck_assert_int_eq(zone_offset_s(zone, minute_of("2150-01-15 00:00") * 60), -5 * 3600);
    ck_assert_int_eq(zone_offset_s(zone, minute_of("2150-07-15 00:00") * 60), -4 * 3600);
    ck_assert_int_eq(zone_offset_s(zone_find(STR("")), 0), 0);
    ck_assert_int_eq(zone_offset_s(zone_find(STR("Etc/GMT+12")), 0), -12 * 3600);
    static const char *const wrong[] = {
        "Mars/Olympus", "../../etc/passwd", "tzdata.zi",    "+03:00",          "/UTC",
        "Europe/",      "Europe",           "Europe//Rome", "america/new_york"
    };
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        ck_assert_ptr_null(zone_find(str_c(wrong[i])));
    }
}
END_TEST

START_TEST(clocks_that_skip_or_repeat_an_hour_have_one_first_moment)
{
    const struct zone *zone = zone_find(STR("America/New_York"));
    int64_t utc;
    ck_assert(!zone_to_utc(zone, minute_of("2026-03-08 02:30") * 60, &utc));
    ck_assert(zone_to_utc(zone, minute_of("2026-03-08 03:00") * 60, &utc));
    ck_assert_str_eq(text_of(utc / 60), "2026-03-08 07:00");
    ck_assert(zone_to_utc(zone, minute_of("2026-11-01 01:30") * 60, &utc));
    ck_assert_str_eq(text_of(utc / 60), "2026-11-01 05:30");
    ck_assert(zone_to_utc(zone, minute_of("2026-11-01 02:00") * 60, &utc));
    ck_assert_str_eq(text_of(utc / 60), "2026-11-01 07:00");
    ck_assert(
        zone_to_utc(zone_find(STR("Asia/Kathmandu")), minute_of("2026-01-01 05:45") * 60, &utc));
    ck_assert_str_eq(text_of(utc / 60), "2026-01-01 00:00");
}
END_TEST

int main(void)
{
    TCase *tc;
    Suite *suite = leaks_suite("cron", &tc);
    tcase_add_test(tc, vercel_has_five_fields_of_numbers);
    tcase_add_test(tc, workers_count_weekdays_from_sunday_as_one);
    tcase_add_test(tc, workers_know_last_and_working_days);
    tcase_add_test(tc, workers_and_netlify_take_either_kind_of_day);
    tcase_add_test(tc, netlify_has_macros_and_two_sundays);
    tcase_add_test(tc, aws_takes_what_aws_was_seen_to_take);
    tcase_add_test(tc, aws_years_bound_a_schedule);
    tcase_add_test(tc, impossible_and_rare_days_come_to_an_end);
    tcase_add_test(tc, a_zone_tells_its_offset_in_far_years_too);
    tcase_add_test(tc, clocks_that_skip_or_repeat_an_hour_have_one_first_moment);
    return suite_run(suite);
}
