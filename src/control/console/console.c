/* SPDX-License-Identifier: Apache-2.0 */
#include "control/console/console.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "control/console/build_print.h"
#include "control/console/rate.h"
#include "control/console/writer.h"
#include "control/sign/aws_users.h"
#include "control/text/json_write.h"
#include "control/text/utf8.h"

#define CONSOLE_BUILD_BYTES      (64 * MIB)
#define CONSOLE_LINES_PER_SECOND 100 /* requests and logs, each: more scrolls by unread */
#define CONSOLE_SUMMARY_MS       1000
#define CONSOLE_LAST_WRITE_MS    500
#define CONSOLE_STATUS_CLASSES   6

struct console {
    struct writer *writer; /* owned */
    enum console_format format;
    struct print_style style;
    struct buf buf;
    uv_loop_t *loop;
    uv_timer_t summary; /* runs while something was left out */
    struct rate requests;
    struct rate logs;
    uint64_t left_out_requests[CONSOLE_STATUS_CLASSES]; /* by status / 100 */
    uint64_t left_out_slowest_us;
    uint64_t left_out_logs;
};

/* no-color.org: present and not empty. */
static struct print_style detect_style(int fd, enum console_format format)
{
    struct print_style style = { 0 };
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    struct winsize size;
    if (format != CONSOLE_JSON && isatty(fd)) {
        style.colour = !(no_color && no_color[0]) && !(term && strcmp(term, "dumb") == 0);
        style.width = ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
    }
    return style;
}

struct console *console_create(uv_loop_t *loop, int fd, enum console_format format)
{
    struct console *c = mem_new(struct console);
    c->writer = writer_create(fd);
    c->format = format;
    c->style = detect_style(fd, format);
    c->loop = loop;
    buf_init(&c->buf, CONSOLE_BUILD_BYTES);
    rate_init(&c->requests, CONSOLE_LINES_PER_SECOND, uv_now(loop));
    rate_init(&c->logs, CONSOLE_LINES_PER_SECOND, uv_now(loop));
    (void)uv_timer_init(loop, &c->summary); /* always succeeds */
    return c;
}

bool console_has_room(struct console *c)
{
    return !writer_is_full(c->writer);
}

/* Hands over what was printed; what did not fit (`r` < 0) is left out whole. */
static void console_flush(struct console *c, int r)
{
    if (r == 0) {
        writer_append(c->writer, buf_str(&c->buf));
    }
    buf_clear(&c->buf);
}

/* ---- when there is too much of it ---- */

static int print_left_out_requests(struct console *c, uint64_t total)
{
    int r = buf_printf(&c->buf, " %llu requests more:", (unsigned long long)total);
    for (size_t i = 0; i < CONSOLE_STATUS_CLASSES && r == 0; i++) {
        if (c->left_out_requests[i] > 0) {
            char name[8] = "none";
            if (i > 0) {
                (void)snprintf(name, sizeof(name), "%zuxx", i);
            }
            r = buf_printf(&c->buf, " %s %llu", name, (unsigned long long)c->left_out_requests[i]);
        }
    }
    r = r < 0 ? r : buf_append(&c->buf, STR(", slowest "));
    return r < 0 ? r : log_print_duration(&c->buf, c->left_out_slowest_us);
}

static int print_summary(struct console *c)
{
    uint64_t total = 0;
    for (size_t i = 0; i < CONSOLE_STATUS_CLASSES; i++) {
        total += c->left_out_requests[i];
    }
    int r = buf_printf(&c->buf, "%s             ... and", log_print_colour(&c->style, PRINT_DIM));
    if (r == 0 && total > 0) {
        r = print_left_out_requests(c, total);
    }
    if (r == 0 && c->left_out_logs > 0) {
        r = buf_printf(&c->buf, "%s %llu log lines more", total > 0 ? ";" : "",
                       (unsigned long long)c->left_out_logs);
    }
    return r < 0 ? r : buf_printf(&c->buf, "%s\n", log_print_plain(&c->style));
}

static void console_sum_up(uv_timer_t *timer)
{
    struct console *c = container_of(timer, struct console, summary);
    console_flush(c, print_summary(c));
    memset(c->left_out_requests, 0, sizeof(c->left_out_requests));
    c->left_out_slowest_us = 0;
    c->left_out_logs = 0;
}

static void leave_out(struct console *c, uint64_t *counter)
{
    (*counter)++;
    if (!uv_is_active((uv_handle_t *)&c->summary)) {
        (void)uv_timer_start(&c->summary, console_sum_up, CONSOLE_SUMMARY_MS, 0);
    }
}

static bool has_summary(const struct console *c)
{
    return uv_is_active((const uv_handle_t *)&c->summary) != 0;
}

static void console_closed(uv_handle_t *handle)
{
    free(container_of((uv_timer_t *)handle, struct console, summary));
}

void console_destroy(struct console *c)
{
    if (has_summary(c)) {
        console_sum_up(&c->summary);
    }
    writer_finish(c->writer, CONSOLE_LAST_WRITE_MS);
    buf_finish(&c->buf);
    uv_close((uv_handle_t *)&c->summary, console_closed);
}

/* ---- builds ---- */

static int print_listening_json(struct console *c, const char *origin, const char *aws_origin,
                                const char *project)
{
    int r = buf_append(&c->buf, STR("{\"type\":\"listening\","));
    r = r < 0 ? r : log_print_json_field(&c->buf, "url", str_c(origin));
    r = r < 0 ? r : log_print_json_field(&c->buf, "aws_url", str_c(aws_origin));
    r = r < 0 ? r : log_print_json_field(&c->buf, "aws_access_key_id", STR(AWS_ROOT_KEY));
    r = r < 0 ? r : log_print_json_field(&c->buf, "aws_secret_access_key", STR(AWS_ROOT_SECRET));
    r = r < 0 ? r : log_print_json_field(&c->buf, "project", str_c(project));
    return r < 0 ? r : buf_printf(&c->buf, "\"pid\":%d}\n", getpid());
}

static int print_listening(struct console *c, const char *origin, const char *aws_origin,
                           const char *project)
{
    const struct print_style *s = &c->style;
    int r = buf_printf(&c->buf, "\n  %smayfly%s serves ", log_print_colour(s, PRINT_BOLD),
                       log_print_plain(s));
    r = r < 0 ? r : utf8_append_terminal(&c->buf, str_c(project), "", UTF8_COLOUR_DROP);
    r = r < 0 ? r
              : buf_printf(&c->buf, "\n\n    %s%s%s\n", log_print_colour(s, PRINT_CYAN), origin,
                           log_print_plain(s));
    return r < 0 ? r
                 : buf_printf(&c->buf,
                              "    %s%s%s  S3, SQS, Lambda, EventBridge, Scheduler; access key "
                              "%s, secret %s\n\n",
                              log_print_colour(s, PRINT_CYAN), aws_origin, log_print_plain(s),
                              AWS_ROOT_KEY, AWS_ROOT_SECRET);
}

void console_listening(struct console *c, const char *origin, const char *aws_origin,
                       const char *project)
{
    console_flush(c, c->format == CONSOLE_JSON
                         ? print_listening_json(c, origin, aws_origin, project)
                         : print_listening(c, origin, aws_origin, project));
}

static int print_versions(struct console *c, const struct build *build, bool all)
{
    int r = 0;
    for (size_t i = 0; i < build->count && r == 0; i++) {
        if (!all && !build->is_new[i]) {
            continue;
        }
        r = c->format == CONSOLE_JSON ? build_print_version_json(&c->buf, build->versions[i])
                                      : build_print_version(&c->buf, &c->style, build->versions[i]);
    }
    return r;
}

static int print_first_build(struct console *c, const struct build *build)
{
    int r = build_print_routes(&c->buf, &c->style, build);
    r = r < 0 ? r : buf_append(&c->buf, STR("\n"));
    r = r < 0 ? r : print_versions(c, build, true);
    return r < 0 ? r : buf_append(&c->buf, STR("\n"));
}

/* "rebuilt in 31 ms: api@4, worker/ab@2", and only what is worth knowing about them. */
static int print_rebuilt(struct console *c, const struct build *build)
{
    double ms = json_number_value(json_object_get(build->manifest, "build_ms"));
    bool any = false;
    int r =
        buf_printf(&c->buf, "  %srebuilt%s in %.0f ms:", log_print_colour(&c->style, PRINT_GREEN),
                   log_print_plain(&c->style), ms);
    for (size_t i = 0; i < build->count && r == 0; i++) {
        if (build->is_new[i]) {
            r = buf_printf(&c->buf, "%s %s", any ? "," : "", build->versions[i]->label);
            any = true;
        }
    }
    r = r < 0 ? r : buf_append(&c->buf, any ? STR("\n") : STR(" no function changed\n"));
    for (size_t i = 0; i < build->count && r == 0; i++) {
        const struct version *v = build->versions[i];
        if (build->is_new[i] && (v->state == VERSION_FAILED || !v->snapshot)) {
            r = build_print_version(&c->buf, &c->style, v);
        }
    }
    return r;
}

void console_build(struct console *c, const struct build *active, bool first)
{
    int r;
    if (c->format == CONSOLE_JSON) {
        r = print_versions(c, active, false);
        r = r < 0 ? r : build_print_json(&c->buf, active, clock_wall_ms());
    } else {
        r = first ? print_first_build(c, active) : print_rebuilt(c, active);
        r = r < 0 ? r
                  : build_print_diagnostics(&c->buf, &c->style,
                                            json_object_get(active->manifest, "diagnostics"));
    }
    console_flush(c, r);
}

void console_rejected(struct console *c, const struct version *culprit)
{
    int r = c->format == CONSOLE_JSON ? build_print_version_json(&c->buf, culprit)
                                      : build_print_version(&c->buf, &c->style, culprit);
    if (c->format != CONSOLE_JSON) {
        r = r < 0 ? r : buf_append(&c->buf, STR("  the last good version stays up\n"));
    }
    console_flush(c, r);
}

static int print_failed_json(struct console *c, json_t *diagnostics)
{
    int r = buf_append(&c->buf, STR("{\"type\":\"failed\",\"time\":\""));
    r = r < 0 ? r : log_print_time_utc(&c->buf, clock_wall_ms());
    char *text = json_write(diagnostics);
    r = r < 0 ? r : buf_printf(&c->buf, "\",\"diagnostics\":%s}\n", text ? text : "[]");
    free(text);
    return r;
}

void console_failed(struct console *c, json_t *diagnostics, bool serving)
{
    int r;
    if (c->format == CONSOLE_JSON) {
        r = print_failed_json(c, diagnostics);
    } else {
        r = build_print_diagnostics(&c->buf, &c->style, diagnostics);
        r = r < 0
                ? r
                : buf_append(&c->buf, serving ? STR("  the last good version stays up\n")
                                              : STR("  nothing is served until this is mended\n"));
    }
    console_flush(c, r);
}

void console_note(struct console *c, enum record_level level, struct str text)
{
    const struct record_log record = { .time_ms = clock_wall_ms(),
                                       .level = (uint8_t)level,
                                       .source = RECORD_SOURCE_PLATFORM };
    const struct str texts[RECORD_LOG_TEXT_COUNT] = { [RECORD_LOG_TEXT] = text };
    console_log(c, NULL, &record, texts);
}

/* ---- records ---- */

static struct print_source source_of(const struct version *version, uint32_t endpoint)
{
    struct print_source source = { .name = "", .endpoint = "" };
    if (version) {
        json_t *endpoints = json_object_get(version->spec, "endpoints");
        const char *name =
            json_string_value(json_object_get(json_array_get(endpoints, endpoint), "name"));
        source.name = version->name;
        source.version = version->number;
        source.endpoint = name ? name : "";
    }
    return source;
}

void console_log(struct console *c, const struct version *version, const struct record_log *record,
                 const struct str texts[RECORD_LOG_TEXT_COUNT])
{
    if (c->format == CONSOLE_NONE && version) {
        return;
    }
    struct print_source source = source_of(version, record->endpoint);
    if (c->format == CONSOLE_JSON) {
        console_flush(c, log_print_log_json(&c->buf, &source, record, texts));
    } else if (version && !rate_take(&c->logs, uv_now(c->loop))) {
        leave_out(c, &c->left_out_logs);
    } else {
        console_flush(c, log_print_log_text(&c->buf, &c->style, &source, record, texts));
    }
}

void console_usage(struct console *c, const struct version *version,
                   const struct record_usage *record,
                   const struct str texts[RECORD_USAGE_TEXT_COUNT])
{
    if (c->format == CONSOLE_NONE) {
        return;
    }
    struct print_source source = source_of(version, record->endpoint);
    if (c->format == CONSOLE_JSON) {
        console_flush(c, log_print_usage_json(&c->buf, &source, record, texts));
    } else if (!rate_take(&c->requests, uv_now(c->loop))) {
        size_t class = record->status / 100;
        if (record->duration_us > c->left_out_slowest_us) {
            c->left_out_slowest_us = record->duration_us;
        }
        leave_out(c, &c->left_out_requests[class < CONSOLE_STATUS_CLASSES ? class : 0]);
    } else {
        console_flush(c, log_print_usage_text(&c->buf, &c->style, &source, record, texts));
    }
}
