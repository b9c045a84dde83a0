/* What the console prints, through the pure functions it is made of, and the console itself over a
 * pipe.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "control/console/build_print.h"
#include "control/console/console.h"
#include "control/console/rate.h"
#include "control/console/writer.h"
#include "control/text/line_split.h"
#include "print_fixture.h"

static const struct print_source api = { .name = "api", .version = 3, .endpoint = "/api/orders" };
static const struct print_source nobody = { .name = "", .endpoint = "" };

START_TEST(durations_are_short)
{
    static const struct {
        uint64_t us;
        const char *text;
    } cases[] = { { 0, "0.00 ms" },       { 173, "0.17 ms" },   { 9990, "9.99 ms" },
                  { 31400, "31 ms" },     { 999400, "999 ms" }, { 2400000, "2.40 s" },
                  { 61000000, "61.00 s" } };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct buf b = fresh();
        ck_assert_int_eq(log_print_duration(&b, cases[i].us), 0);
        expect(&b, cases[i].text);
    }
}
END_TEST

START_TEST(a_request_is_one_line)
{
    struct buf b = fresh();
    const struct record_usage usage = { .function = 3,
                                        .instance = 17,
                                        .start_ms = 1767225600123,
                                        .duration_us = 3200,
                                        .status = 200,
                                        .cold = 1 };
    const struct str texts[RECORD_USAGE_TEXT_COUNT] = {
        [RECORD_USAGE_METHOD] = STR("GET"), [RECORD_USAGE_PATH] = STR("/api/orders?x=1")
    };
    ck_assert_int_eq(log_print_usage_text(&b, &plain, &api, &usage, texts), 0);
    expect(&b, "00:00:00.123 GET   /api/orders?x=1                  200 3.20 ms cold api@3 #17\n");
}
END_TEST

START_TEST(a_request_that_nothing_answers_says_so)
{
    struct buf b = fresh();
    const struct record_usage usage = { .status = 404 };
    const struct str texts[RECORD_USAGE_TEXT_COUNT] = {
        [RECORD_USAGE_METHOD] = STR("GET"), [RECORD_USAGE_PATH] = STR("/nope")
    };
    ck_assert_int_eq(log_print_usage_text(&b, &plain, &nobody, &usage, texts), 0);
    expect(&b, "00:00:00.000 GET   /nope                            404 0.00 ms no route\n");
}
END_TEST

START_TEST(a_failed_request_says_why)
{
    struct buf b = fresh();
    const struct record_usage usage = { .function = 3,
                                        .instance = 2,
                                        .start_ms = 1767225600000,
                                        .duration_us = 1000000,
                                        .status = 504,
                                        .outcome = RECORD_TIMEOUT };
    const struct str texts[RECORD_USAGE_TEXT_COUNT] = { [RECORD_USAGE_METHOD] = STR("DELETE"),
                                                        [RECORD_USAGE_PATH] = STR("/slow"),
                                                        [RECORD_USAGE_ERROR] = STR("1 s") };
    ck_assert_int_eq(log_print_usage_text(&b, &plain, &api, &usage, texts), 0);
    expect(&b, "00:00:00.000 DELETE /slow                            504 1.00 s warm api@3 #2 "
               "timeout: 1 s\n");
}
END_TEST

START_TEST(an_error_of_many_lines_leaves_a_request_one_line)
{
    struct buf b = fresh();
    const struct record_usage usage = { .function = 3, .status = 500, .outcome = RECORD_THROW };
    const struct str texts[RECORD_USAGE_TEXT_COUNT] = {
        [RECORD_USAGE_METHOD] = STR("GET"),
        [RECORD_USAGE_PATH] = STR("/queue"),
        [RECORD_USAGE_ERROR] = STR("Error: no token\n\nTo fix this, log in")
    };
    ck_assert_int_eq(log_print_usage_text(&b, &plain, &api, &usage, texts), 0);
    expect(&b, "00:00:00.000 GET   /queue                           500 0.00 ms warm api@3 "
               "throw: Error: no token\n");
}
END_TEST

START_TEST(a_path_is_shortened_on_a_terminal_and_never_breaks_the_line)
{
    struct buf b = fresh();
    const struct print_style narrow = { .width = 80 };
    const struct record_usage usage = { .function = 1, .status = 200 };
    const struct str texts[RECORD_USAGE_TEXT_COUNT] = {
        [RECORD_USAGE_METHOD] = STR("GET"),
        [RECORD_USAGE_PATH] =
            STR("/\x1b[2J\xC3\xA9\xC3\xA9/0123456789012345678901234567890123456")
    };
    ck_assert_int_eq(log_print_usage_text(&b, &narrow, &nobody, &usage, texts), 0);
    expect(&b,
           "00:00:00.000 GET   /\\x1b[2J\xC3\xA9\xC3\xA9/012345678901234567890123... 200 0.00 ms "
           "warm mayfly\n");
}
END_TEST

START_TEST(an_event_is_named_instead_of_the_request_that_brings_it)
{
    struct buf b = fresh();
    const struct record_usage usage = { .function = 1, .status = 200 };
    const struct str texts[RECORD_USAGE_TEXT_COUNT] = {
        [RECORD_USAGE_METHOD] = STR("POST"),
        [RECORD_USAGE_PATH] = STR("/2015-03-31/functions/mail/invocations"),
        [RECORD_USAGE_EVENT] = STR("sqs:mails #3 +4")
    };
    ck_assert_int_eq(log_print_usage_text(&b, &plain, &nobody, &usage, texts), 0);
    expect(&b, "00:00:00.000 EVENT sqs:mails #3 +4                  200 0.00 ms warm mayfly\n");
}
END_TEST

START_TEST(a_log_of_many_lines_is_indented)
{
    struct buf b = fresh();
    const struct record_log log = { .time_ms = 1767225600123, .level = 3, .truncated = 1 };
    const struct str texts[RECORD_LOG_TEXT_COUNT] = { [RECORD_LOG_TEXT] = STR(
                                                          "Error: boom\n    at handler\x07\n") };
    ck_assert_int_eq(log_print_log_text(&b, &plain, &api, &log, texts), 0);
    expect(&b, "00:00:00.123 error api@3 Error: boom\n                 at handler\\x07 [cut]\n");
}
END_TEST

START_TEST(colours_appear_only_where_they_are_wanted)
{
    struct buf b = fresh();
    const struct print_style colour = { .colour = true };
    const struct record_log log = { .level = 2 };
    const struct str texts[RECORD_LOG_TEXT_COUNT] = { [RECORD_LOG_TEXT] =
                                                          STR("\x1b[32mok\x1b[0m") };
    ck_assert_int_eq(log_print_log_text(&b, &plain, &api, &log, texts), 0);
    ck_assert_ptr_null(memchr(b.data, '\x1b', b.len));
    buf_clear(&b);
    ck_assert_int_eq(log_print_log_text(&b, &colour, &api, &log, texts), 0);
    ck_assert_ptr_nonnull(memmem(b.data, b.len, PRINT_YELLOW "warn", 9));
    ck_assert_ptr_nonnull(memmem(b.data, b.len, "\x1b[32mok\x1b[0m", 11));
    buf_finish(&b);
}
END_TEST

/* What JSON says must be JSON, whatever functions and clients put into it. */
static const char *field(json_t *json, const char *key)
{
    return json_string_value(json_object_get(json, key));
}

START_TEST(a_usage_record_is_an_object_with_every_figure)
{
    struct buf b = fresh();
    const struct record_usage usage = { .instance = 9,
                                        .start_ms = 1767225600123,
                                        .duration_us = 1500,
                                        .init_us = 700,
                                        .cpu_us = 900,
                                        .memory_peak_bytes = 3000000,
                                        .bytes_in = 5,
                                        .bytes_out = 6,
                                        .status = 201,
                                        .cold = 1 };
    const struct str texts[RECORD_USAGE_TEXT_COUNT] = { STR("req-1"),
                                                        STR("0af7651916cd43dd8448eb211c80319c"),
                                                        STR("P\"ST"), STR("/\xFF\n"),
                                                        STR("e\\rr") };
    ck_assert_int_eq(log_print_usage_json(&b, &api, &usage, texts), 0);
    json_t *json = parse(&b);
    ck_assert_str_eq(field(json, "type"), "usage");
    ck_assert_str_eq(field(json, "time"), "2026-01-01T00:00:00.123Z");
    ck_assert_str_eq(field(json, "function"), "api");
    ck_assert_str_eq(field(json, "endpoint"), "/api/orders");
    ck_assert_str_eq(field(json, "request"), "req-1");
    ck_assert_str_eq(field(json, "trace"), "0af7651916cd43dd8448eb211c80319c");
    ck_assert_str_eq(field(json, "method"), "P\"ST");
    ck_assert_str_eq(field(json, "path"), "/\xEF\xBF\xBD\n");
    ck_assert_str_eq(field(json, "error"), "e\\rr");
    ck_assert_int_eq(json_integer_value(json_object_get(json, "version")), 3);
    ck_assert_int_eq(json_integer_value(json_object_get(json, "status")), 201);
    ck_assert(json_is_true(json_object_get(json, "cold")));
    ck_assert_double_eq(json_number_value(json_object_get(json, "duration_ms")), 1.5);
    ck_assert_double_eq(json_number_value(json_object_get(json, "init_ms")), 0.7);
    ck_assert_double_eq(json_number_value(json_object_get(json, "cpu_ms")), 0.9);
    ck_assert_int_eq(json_integer_value(json_object_get(json, "memory_peak_bytes")), 3000000);
    json_decref(json);
}
END_TEST

START_TEST(any_bytes_in_a_log_make_an_object_of_one_line)
{
    char bytes[256];
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (char)i;
    }
    struct buf b = fresh();
    const struct record_log log = { .level = 1 };
    const struct str texts[RECORD_LOG_TEXT_COUNT] = { [RECORD_LOG_TEXT] = str_of(bytes, 256) };
    ck_assert_int_eq(log_print_log_json(&b, &nobody, &log, texts), 0);
    ck_assert_ptr_eq(memchr(b.data, '\n', b.len), b.data + b.len - 1);
    json_error_t error;
    json_t *json = json_loadb(b.data, b.len, JSON_ALLOW_NUL, &error);
    ck_assert_msg(json != NULL, "%s", error.text);
    ck_assert_ptr_null(json_object_get(json, "function"));
    json_decref(json);
    buf_finish(&b);
}
END_TEST

/* ---- lines and rates ---- */

struct lines {
    struct line_split split;
    char seen[256];
};

static void take_line(struct line_split *split, struct str line, bool cut)
{
    struct lines *l = container_of(split, struct lines, split);
    size_t used = strlen(l->seen);
    (void)snprintf(l->seen + used, sizeof(l->seen) - used, "[%.*s%s]", (int)line.len, line.data,
                   cut ? "..." : "");
}

START_TEST(lines_are_the_same_whole_or_byte_by_byte)
{
    static const char text[] = "one\r\n\ntwo\nmuch too long a line\nfour";
    static const char lines[] = "[one][][two][much too l...][four]";
    struct lines whole = { .seen = "" };
    line_split_init(&whole.split, 10, take_line);
    line_split_feed(&whole.split, str_c(text));
    line_split_end(&whole.split);
    ck_assert_str_eq(whole.seen, lines);
    line_split_finish(&whole.split);
    struct lines bytes = { .seen = "" };
    line_split_init(&bytes.split, 10, take_line);
    for (size_t i = 0; i + 1 < sizeof(text); i++) {
        line_split_feed(&bytes.split, str_of(text + i, 1));
    }
    line_split_end(&bytes.split);
    ck_assert_str_eq(bytes.seen, lines);
    line_split_finish(&bytes.split);
}
END_TEST

static int take_many(struct rate *r, uint64_t from_ms, uint64_t to_ms, uint64_t step_ms)
{
    int shown = 0;
    for (uint64_t now = from_ms; now < to_ms; now += step_ms) {
        shown += rate_take(r, now);
    }
    return shown;
}

START_TEST(a_rate_shows_all_of_a_few_and_goes_quiet_under_load)
{
    struct rate r;
    rate_init(&r, 10, 1000);
    ck_assert_int_eq(take_many(&r, 1000, 5000, 200), 20); /* 5 a second: all of them */
    ck_assert_int_eq(take_many(&r, 5000, 8000, 10), 10);  /* 100 a second: until it is too much */
    ck_assert_int_eq(take_many(&r, 8000, 9000, 200), 0);  /* fewer, but that shows later */
    ck_assert_int_eq(take_many(&r, 9000, 10000, 200), 5);
    ck_assert_int_eq(take_many(&r, 10000, 11000, 1), 10);
    ck_assert(rate_take(&r, 100000)); /* after a pause at once */
    ck_assert(rate_take(&r, 5));      /* a clock that goes back is no reason to stop */
}
END_TEST

/* ---- the console over a pipe ---- */

struct piped {
    uv_loop_t loop;
    struct console *console;
    int read_fd;
    int write_fd;
};

static void piped_open(struct piped *p, enum console_format format)
{
    int fds[2];
    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    ck_assert_int_eq(uv_loop_init(&p->loop), 0);
    p->read_fd = fds[0];
    p->write_fd = fds[1];
    p->console = console_create(&p->loop, fds[1], format);
}

/* Everything that was printed; the caller frees it. */
static char *piped_close(struct piped *p)
{
    char *text = calloc(1, MIB);
    size_t used = 0;
    console_destroy(p->console);
    ck_assert_int_eq(uv_run(&p->loop, UV_RUN_DEFAULT), 0);
    ck_assert_int_eq(uv_loop_close(&p->loop), 0);
    close(p->write_fd);
    for (ssize_t n = 1; n > 0; used += (size_t)n) {
        n = read(p->read_fd, text + used, MIB - 1 - used);
        ck_assert_int_ge(n, 0);
    }
    close(p->read_fd);
    return text;
}

static void print_requests(struct console *c, unsigned int count, uint16_t status)
{
    const struct record_usage usage = { .status = status, .duration_us = 2000 };
    const struct str texts[RECORD_USAGE_TEXT_COUNT] = { [RECORD_USAGE_PATH] = STR("/x") };
    for (unsigned int i = 0; i < count; i++) {
        console_usage(c, NULL, &usage, texts);
    }
}

START_TEST(more_requests_than_anybody_reads_are_summed_up)
{
    struct piped p;
    piped_open(&p, CONSOLE_TEXT);
    print_requests(p.console, 160, 200);
    print_requests(p.console, 5, 503);
    char *text = piped_close(&p);
    ck_assert_ptr_nonnull(
        strstr(text, "... and 65 requests more: 2xx 60 5xx 5, slowest 2.00 ms\n"));
    free(text);
}
END_TEST

START_TEST(json_leaves_nothing_out)
{
    struct piped p;
    piped_open(&p, CONSOLE_JSON);
    print_requests(p.console, 200, 200);
    char *text = piped_close(&p);
    unsigned int lines = 0;
    for (const char *at = strchr(text, '\n'); at; at = strchr(at + 1, '\n')) {
        lines++;
    }
    ck_assert_uint_eq(lines, 200);
    free(text);
}
END_TEST

START_TEST(none_prints_no_requests_but_failed_builds)
{
    struct piped p;
    piped_open(&p, CONSOLE_NONE);
    print_requests(p.console, 3, 200);
    json_t *diagnostics = json_pack("[{s:s, s:s}]", "severity", "error", "text", "boom");
    console_failed(p.console, diagnostics, true);
    json_decref(diagnostics);
    char *text = piped_close(&p);
    ck_assert_str_eq(text, "  error  boom\n  the last good version stays up\n");
    free(text);
}
END_TEST

START_TEST(a_reader_that_stops_holds_nobody_up)
{
    struct piped p;
    piped_open(&p, CONSOLE_JSON);
    unsigned int rounds = 0;
    while (console_has_room(p.console) && rounds < 1000) {
        print_requests(p.console, 100, 200);
        rounds++;
    }
    ck_assert_uint_lt(rounds, 1000);
    ck_assert(!console_has_room(p.console));
    /* Reading makes room again, and nothing was lost or cut. */
    char bytes[4096];
    size_t lines = 0;
    while (lines < (size_t)rounds * 100) {
        ssize_t n = read(p.read_fd, bytes, sizeof(bytes));
        ck_assert_int_gt(n, 0);
        for (ssize_t i = 0; i < n; i++) {
            lines += bytes[i] == '\n';
        }
    }
    while (!console_has_room(p.console)) {
        (void)sched_yield(); /* the writing thread has yet to count what it has written */
    }
    char *rest = piped_close(&p);
    ck_assert_str_eq(rest, "");
    free(rest);
}
END_TEST

int main(void)
{
    TCase *tests;
    (void)setenv("TZ", "UTC", 1);
    suite_open_libuv();
    Suite *suite = leaks_suite("console", &tests);
    tcase_add_test(tests, durations_are_short);
    tcase_add_test(tests, a_request_is_one_line);
    tcase_add_test(tests, a_request_that_nothing_answers_says_so);
    tcase_add_test(tests, a_failed_request_says_why);
    tcase_add_test(tests, an_error_of_many_lines_leaves_a_request_one_line);
    tcase_add_test(tests, a_path_is_shortened_on_a_terminal_and_never_breaks_the_line);
    tcase_add_test(tests, an_event_is_named_instead_of_the_request_that_brings_it);
    tcase_add_test(tests, a_log_of_many_lines_is_indented);
    tcase_add_test(tests, colours_appear_only_where_they_are_wanted);
    tcase_add_test(tests, a_usage_record_is_an_object_with_every_figure);
    tcase_add_test(tests, any_bytes_in_a_log_make_an_object_of_one_line);
    tcase_add_test(tests, lines_are_the_same_whole_or_byte_by_byte);
    tcase_add_test(tests, a_rate_shows_all_of_a_few_and_goes_quiet_under_load);
    tcase_add_test(tests, more_requests_than_anybody_reads_are_summed_up);
    tcase_add_test(tests, json_leaves_nothing_out);
    tcase_add_test(tests, none_prints_no_requests_but_failed_builds);
    tcase_add_test(tests, a_reader_that_stops_holds_nobody_up);
    return suite_run(suite);
}
