/* SPDX-License-Identifier: Apache-2.0 */
#include "control/console/log_print.h"

#include <stdio.h>
#include <time.h>

#include "control/text/iso_time.h"
#include "control/text/utf8.h"

#define PRINT_PATH_COLUMNS 32
#define PRINT_FIXED        64 /* what a request's line needs beside its path, about */

static const char *const level_names[] = { "debug", "info", "warn", "error" };
static const char *const level_colours[] = { PRINT_DIM, PRINT_GREEN, PRINT_YELLOW, PRINT_RED };

const char *log_print_colour(const struct print_style *style, const char *sequence)
{
    return style->colour ? sequence : "";
}

const char *log_print_plain(const struct print_style *style)
{
    return style->colour ? "\x1b[0m" : "";
}

int log_print_duration(struct buf *b, uint64_t us)
{
    if (us < 10000) {
        return buf_printf(b, "%.2f ms", (double)us / 1e3);
    }
    if (us < 1000000) {
        return buf_printf(b, "%.0f ms", (double)us / 1e3);
    }
    return buf_printf(b, "%.2f s", (double)us / 1e6);
}

int log_print_time_utc(struct buf *b, uint64_t ms)
{
    char text[ISO_TIME_BYTES];
    return buf_append(b, iso_time_ms(ms, text));
}

static int append_time_local(struct buf *b, const struct print_style *style, uint64_t ms)
{
    struct tm tm = { 0 };
    time_t seconds = (time_t)(ms / 1000);
    (void)localtime_r(&seconds, &tm); /* a time that is none stays zero */
    return buf_printf(b, "%s%02d:%02d:%02d.%03u%s", log_print_colour(style, PRINT_DIM), tm.tm_hour,
                      tm.tm_min, tm.tm_sec, (unsigned int)(ms % 1000), log_print_plain(style));
}

/* "api@3", or "mayfly" for what the platform says. */
static int append_label(struct buf *b, const struct print_style *style,
                        const struct print_source *source)
{
    TRY(buf_printf(b, "%s", log_print_colour(style, PRINT_CYAN)));
    TRY(source->name[0]
            ? buf_printf(b, "%s@%llu", source->name, (unsigned long long)source->version)
            : buf_append(b, STR("mayfly")));
    return buf_printf(b, "%s", log_print_plain(style));
}

int log_print_log_text(struct buf *b, const struct print_style *style,
                       const struct print_source *source, const struct record_log *record,
                       const struct str texts[RECORD_LOG_TEXT_COUNT])
{
    enum utf8_colour colour = style->colour ? UTF8_COLOUR_KEEP : UTF8_COLOUR_DROP;
    TRY(append_time_local(b, style, record->time_ms));
    TRY(buf_printf(b, " %s%-5s%s ", log_print_colour(style, level_colours[record->level]),
                   level_names[record->level], log_print_plain(style)));
    TRY(append_label(b, style, source));
    TRY(buf_append(b, STR(" ")));
    TRY(utf8_append_terminal(b, texts[RECORD_LOG_TEXT], "             ", colour));
    return buf_printf(b, "%s\n", record->truncated ? " [cut]" : "");
}

int log_print_json_field(struct buf *b, const char *key, struct str value)
{
    TRY(buf_printf(b, "\"%s\":\"", key));
    TRY(utf8_append_json(b, value));
    return buf_append(b, STR("\","));
}

static int append_source_json(struct buf *b, const struct print_source *source, uint64_t instance)
{
    if (source->name[0]) {
        TRY(log_print_json_field(b, "function", str_c(source->name)));
        TRY(buf_printf(b, "\"version\":%llu,", (unsigned long long)source->version));
    }
    if (instance) {
        TRY(buf_printf(b, "\"instance\":%llu,", (unsigned long long)instance));
    }
    if (source->endpoint[0]) {
        TRY(log_print_json_field(b, "endpoint", str_c(source->endpoint)));
    }
    return 0;
}

static int append_ids_json(struct buf *b, struct str request, struct str trace)
{
    if (request.len > 0) {
        TRY(log_print_json_field(b, "request", request));
    }
    if (trace.len > 0) {
        TRY(log_print_json_field(b, "trace", trace));
    }
    return 0;
}

static int append_head_json(struct buf *b, const char *type, uint64_t time_ms)
{
    TRY(buf_printf(b, "{\"type\":\"%s\",\"time\":\"", type));
    TRY(log_print_time_utc(b, time_ms));
    return buf_append(b, STR("\","));
}

int log_print_log_json(struct buf *b, const struct print_source *source,
                       const struct record_log *record,
                       const struct str texts[RECORD_LOG_TEXT_COUNT])
{
    TRY(append_head_json(b, "log", record->time_ms));
    TRY(log_print_json_field(b, "level", str_c(level_names[record->level])));
    TRY(log_print_json_field(
        b, "source", record->source == RECORD_SOURCE_PLATFORM ? STR("platform") : STR("console")));
    TRY(append_source_json(b, source, record->instance));
    TRY(append_ids_json(b, texts[RECORD_LOG_REQUEST_ID], texts[RECORD_LOG_TRACE_ID]));
    TRY(log_print_json_field(b, "text", texts[RECORD_LOG_TEXT]));
    return buf_printf(b, "\"truncated\":%s}\n", record->truncated ? "true" : "false");
}

static const char *status_colour(const struct record_usage *record)
{
    if (record->status >= 500 || record->outcome != RECORD_OK) {
        return PRINT_RED;
    }
    return record->status >= 400 ? PRINT_YELLOW : record->status >= 300 ? PRINT_CYAN : PRINT_GREEN;
}

/* Whole characters, at most `columns` of them (wide ones count as one: close enough). */
static struct str cut_columns(struct str s, size_t columns)
{
    size_t at = 0;
    for (size_t i = 0; i < columns && at < s.len; i++) {
        uint32_t character;
        at += utf8_next(str_skip(s, at), &character);
    }
    return str_of(s.data, at);
}

static int append_path(struct buf *b, const struct print_style *style, struct str path)
{
    size_t columns = style->width > PRINT_FIXED + PRINT_PATH_COLUMNS ? style->width - PRINT_FIXED
                                                                     : PRINT_PATH_COLUMNS;
    struct str shown = style->width > 0 ? cut_columns(path, columns) : path;
    size_t before = b->len;
    TRY(utf8_append_terminal(b, shown, "", UTF8_COLOUR_DROP));
    if (shown.len < path.len) {
        TRY(buf_append(b, STR("...")));
    }
    size_t used = b->len - before;
    return buf_printf(b, "%*s", used < PRINT_PATH_COLUMNS ? (int)(PRINT_PATH_COLUMNS - used) : 0,
                      "");
}

/* Of an error its first line: the whole of it stands above, with its stack or its code frame. */
static int append_outcome(struct buf *b, const struct print_style *style,
                          const struct record_usage *record, struct str error)
{
    if (record->outcome == RECORD_OK) {
        return 0;
    }
    TRY(buf_printf(b, " %s%s", log_print_colour(style, PRINT_RED),
                   record_outcome_name(record->outcome)));
    if (error.len > 0) {
        TRY(buf_append(b, STR(": ")));
        TRY(utf8_append_terminal(b, str_cut(&error, '\n'), "", UTF8_COLOUR_DROP));
    }
    return buf_printf(b, "%s", log_print_plain(style));
}

int log_print_usage_text(struct buf *b, const struct print_style *style,
                         const struct print_source *source, const struct record_usage *record,
                         const struct str texts[RECORD_USAGE_TEXT_COUNT])
{
    bool is_event = texts[RECORD_USAGE_EVENT].len > 0;
    struct str method = is_event ? STR("EVENT") : texts[RECORD_USAGE_METHOD];
    TRY(append_time_local(b, style, record->start_ms));
    TRY(buf_printf(b, " %s", log_print_colour(style, PRINT_BOLD)));
    TRY(utf8_append_terminal(b, cut_columns(method, 16), "", UTF8_COLOUR_DROP));
    TRY(buf_printf(b, "%s%*s ", log_print_plain(style), method.len < 5 ? (int)(5 - method.len) : 0,
                   ""));
    TRY(append_path(b, style, texts[is_event ? RECORD_USAGE_EVENT : RECORD_USAGE_PATH]));
    TRY(buf_printf(b, " %s%3u%s ", log_print_colour(style, status_colour(record)), record->status,
                   log_print_plain(style)));
    TRY(log_print_duration(b, record->duration_us));
    if (record->function == 0) {
        return buf_append(b, STR(" no route\n"));
    }
    TRY(buf_printf(b, " %s%s%s ", log_print_colour(style, record->cold ? PRINT_BLUE : PRINT_DIM),
                   record->cold ? "cold" : "warm", log_print_plain(style)));
    TRY(append_label(b, style, source));
    if (record->instance) {
        TRY(buf_printf(b, " %s#%llu%s", log_print_colour(style, PRINT_DIM),
                       (unsigned long long)record->instance, log_print_plain(style)));
    }
    TRY(append_outcome(b, style, record, texts[RECORD_USAGE_ERROR]));
    return buf_append(b, STR("\n"));
}

int log_print_usage_json(struct buf *b, const struct print_source *source,
                         const struct record_usage *record,
                         const struct str texts[RECORD_USAGE_TEXT_COUNT])
{
    TRY(append_head_json(b, "usage", record->start_ms));
    TRY(append_source_json(b, source, record->instance));
    TRY(append_ids_json(b, texts[RECORD_USAGE_REQUEST_ID], texts[RECORD_USAGE_TRACE_ID]));
    TRY(log_print_json_field(b, "method", texts[RECORD_USAGE_METHOD]));
    TRY(log_print_json_field(b, "path", texts[RECORD_USAGE_PATH]));
    if (texts[RECORD_USAGE_EVENT].len > 0) {
        TRY(log_print_json_field(b, "event", texts[RECORD_USAGE_EVENT]));
    }
    TRY(log_print_json_field(b, "outcome", str_c(record_outcome_name(record->outcome))));
    if (texts[RECORD_USAGE_ERROR].len > 0) {
        TRY(log_print_json_field(b, "error", texts[RECORD_USAGE_ERROR]));
    }
    return buf_printf(b,
                      "\"status\":%u,\"cold\":%s,\"duration_ms\":%.3f,\"init_ms\":%.3f,"
                      "\"cpu_ms\":%.3f,\"memory_peak_bytes\":%llu,\"bytes_in\":%llu,"
                      "\"bytes_out\":%llu}\n",
                      record->status, record->cold ? "true" : "false",
                      (double)record->duration_us / 1e3, (double)record->init_us / 1e3,
                      (double)record->cpu_us / 1e3, (unsigned long long)record->memory_peak_bytes,
                      (unsigned long long)record->bytes_in, (unsigned long long)record->bytes_out);
}
