/* SPDX-License-Identifier: Apache-2.0 */
#include "control/console/build_print.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "control/console/build_rows.h"
#include "control/text/json_write.h"
#include "control/text/utf8.h"

#define DIGEST_DIGITS       64
#define DIGEST_DIGITS_SHOWN 8

static const char *const titles[BUILD_ROWS_COLUMNS] = { "METHOD",  "ROUTE",   "FILE",
                                                        "DIALECT", "RUNTIME", "FUNCTION" };

static const char *text_of(json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static int append_safe(struct buf *b, const char *text, const char *indent)
{
    return utf8_append_terminal(b, str_c(text), indent, UTF8_COLOUR_DROP);
}

static size_t columns_of(const char *text)
{
    size_t columns = 0;
    for (; *text; text++) {
        columns += ((unsigned char)*text & 0xC0) != 0x80;
    }
    return columns;
}

/* Narrow terminals go without these, in this order; what has no width is not shown. */
static const size_t dispensable[] = { COLUMN_RUNTIME, COLUMN_DIALECT, COLUMN_FILE };

static size_t total_of(const size_t widths[BUILD_ROWS_COLUMNS])
{
    size_t total = 0;
    for (size_t c = 0; c < BUILD_ROWS_COLUMNS; c++) {
        total += widths[c] > 0 ? widths[c] + 2 : 0;
    }
    return total;
}

static void fit(size_t widths[BUILD_ROWS_COLUMNS], size_t columns)
{
    for (size_t i = 0; columns > 0 && i < ARRAY_COUNT(dispensable); i++) {
        if (total_of(widths) > columns) {
            widths[dispensable[i]] = 0;
        }
    }
}

static int append_cells(struct buf *b, const struct print_style *style, const char *colour,
                        const struct build_row *row, const size_t *widths)
{
    TRY(buf_printf(b, "  %s", log_print_colour(style, colour)));
    for (size_t c = 0; c < BUILD_ROWS_COLUMNS; c++) {
        const char *text = row->cells[c];
        if (widths[c] == 0) {
            continue;
        }
        size_t pad = c + 1 < BUILD_ROWS_COLUMNS ? widths[c] - columns_of(text) + 2 : 0;
        TRY(buf_printf(b, "%s%*s", text, (int)pad, ""));
    }
    return buf_printf(b, "%s\n", log_print_plain(style));
}

static void widen(size_t widths[BUILD_ROWS_COLUMNS], const struct build_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t c = 0; c < BUILD_ROWS_COLUMNS; c++) {
            size_t columns = columns_of(rows[i].cells[c]);
            widths[c] = columns > widths[c] ? columns : widths[c];
        }
    }
}

/* The CDK names a folder by a digest: its first digits and a * say as much, to a shell too. */
static void cut_digests(char *text)
{
    char *to = text;
    while (*text) {
        size_t digits = strspn(text, "0123456789abcdef");
        size_t taken = digits > 0 ? digits : 1;
        size_t kept = digits == DIGEST_DIGITS ? DIGEST_DIGITS_SHOWN : taken;
        memmove(to, text, kept);
        to += kept;
        text += taken;
        if (kept < taken) {
            *to++ = '*';
        }
    }
    *to = '\0';
}

static void cut_rows(struct build_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t c = 0; c < BUILD_ROWS_COLUMNS; c++) {
            cut_digests(rows[i].cells[c]);
        }
    }
}

static int append_table(struct buf *b, const struct print_style *style,
                        const struct build_row *routes, size_t route_count,
                        const struct build_row *triggers, size_t trigger_count)
{
    struct build_row head = { 0 };
    size_t widths[BUILD_ROWS_COLUMNS] = { 0 };
    for (size_t c = 0; c < BUILD_ROWS_COLUMNS; c++) {
        build_rows_set(head.cells[c], titles[c]);
    }
    widen(widths, &head, 1);
    widen(widths, routes, route_count);
    widen(widths, triggers, trigger_count);
    fit(widths, style->width);
    TRY(append_cells(b, style, PRINT_DIM, &head, widths));
    for (size_t i = 0; i < route_count; i++) {
        TRY(append_cells(b, style, "", &routes[i], widths));
    }
    for (size_t i = 0; i < trigger_count; i++) {
        TRY(append_cells(b, style, "", &triggers[i], widths));
    }
    return 0;
}

int build_print_routes(struct buf *b, const struct print_style *style, const struct build *build)
{
    size_t route_count;
    size_t trigger_count;
    scoped_free struct build_row *routes = build_rows_routes(build, &route_count);
    scoped_free struct build_row *triggers = build_rows_triggers(build, &trigger_count);
    if (route_count + trigger_count == 0) {
        bool has_files = json_array_size(json_object_get(build->manifest, "static")) > 0;
        return buf_printf(b,
                          "  no functions found%s; `mayfly help dev` says where they are looked "
                          "for\n",
                          has_files ? ", only files are served" : "");
    }
    cut_rows(routes, route_count);
    cut_rows(triggers, trigger_count);
    return append_table(b, style, routes, route_count, triggers, trigger_count);
}

static int append_unloaded(struct buf *b, const struct print_style *style, const char *text)
{
    TRY(buf_printf(b, "%sdid not load:%s ", log_print_colour(style, PRINT_RED),
                   log_print_plain(style)));
    TRY(append_safe(b, text, "    "));
    return buf_append(b, STR("\n"));
}

static int append_loaded(struct buf *b, const struct print_style *style,
                         const struct version *version)
{
    TRY(buf_printf(b, "loaded in %u ms, ", version->load_ms));
    if (version->snapshot) {
        return buf_printf(b, "%ssnapshot%s\n", log_print_colour(style, PRINT_GREEN),
                          log_print_plain(style));
    }
    TRY(buf_printf(b, "%sno snapshot%s", log_print_colour(style, PRINT_YELLOW),
                   log_print_plain(style)));
    if (version->text[0]) {
        TRY(buf_append(b, STR(": ")));
        TRY(append_safe(b, version->text, "    "));
    }
    return buf_append(b, STR("\n"));
}

int build_print_version(struct buf *b, const struct print_style *style,
                        const struct version *version)
{
    const char *unloaded = version->unloaded_text;
    TRY(buf_printf(b, "  %s%s%s  ", log_print_colour(style, PRINT_CYAN), version->label,
                   log_print_plain(style)));
    if (version->state == VERSION_FAILED) {
        return append_unloaded(b, style, version->text);
    }
    if (unloaded[0] &&
        version->unloaded == json_array_size(json_object_get(version->spec, "endpoints"))) {
        return append_unloaded(b, style, unloaded);
    }
    TRY(append_loaded(b, style, version));
    if (!unloaded[0]) {
        return 0;
    }
    TRY(buf_append(b, STR("    ")));
    return append_unloaded(b, style, unloaded);
}

int build_print_version_json(struct buf *b, const struct version *version)
{
    TRY(buf_append(b, STR("{\"type\":\"function\",")));
    TRY(log_print_json_field(b, "function", str_c(version->name)));
    TRY(log_print_json_field(b, "dialect", str_c(text_of(version->spec, "dialect"))));
    if (version->text[0]) {
        TRY(log_print_json_field(b, "reason", str_c(version->text)));
    }
    if (version->unloaded_text[0]) {
        TRY(log_print_json_field(b, "unloaded", str_c(version->unloaded_text)));
    }
    return buf_printf(b, "\"version\":%llu,\"loaded\":%s,\"snapshot\":%s,\"load_ms\":%u}\n",
                      (unsigned long long)version->number,
                      version->state == VERSION_LOADED ? "true" : "false",
                      version->snapshot ? "true" : "false", version->load_ms);
}

static int append_row_json(struct buf *b, const struct build_row *row,
                           const char *const keys[BUILD_ROWS_COLUMNS])
{
    TRY(buf_append(b, STR("{")));
    for (size_t c = 0; c < BUILD_ROWS_COLUMNS; c++) {
        TRY(log_print_json_field(b, keys[c], str_c(row->cells[c])));
    }
    b->data[b->len - 1] = '}'; /* was the last field's comma */
    return 0;
}

static int append_rows_json(struct buf *b, const struct build_row *rows, size_t count,
                            const char *const keys[BUILD_ROWS_COLUMNS])
{
    for (size_t i = 0; i < count; i++) {
        TRY(buf_append(b, i > 0 ? STR(",") : STR("")));
        TRY(append_row_json(b, &rows[i], keys));
    }
    return 0;
}

int build_print_json(struct buf *b, const struct build *build, uint64_t time_ms)
{
    static const char *const of_routes[BUILD_ROWS_COLUMNS] = { "methods", "route",   "file",
                                                               "dialect", "runtime", "function" };
    static const char *const of_triggers[BUILD_ROWS_COLUMNS] = { "kind",    "trigger", "file",
                                                                 "dialect", "runtime", "function" };
    size_t route_count;
    size_t trigger_count;
    scoped_free struct build_row *routes = build_rows_routes(build, &route_count);
    scoped_free struct build_row *triggers = build_rows_triggers(build, &trigger_count);
    TRY(buf_append(b, STR("{\"type\":\"build\",\"time\":\"")));
    TRY(log_print_time_utc(b, time_ms));
    TRY(buf_printf(b, "\",\"build\":%llu,\"build_ms\":%.1f,\"routes\":[",
                   (unsigned long long)build->number,
                   json_number_value(json_object_get(build->manifest, "build_ms"))));
    TRY(append_rows_json(b, routes, route_count, of_routes));
    TRY(buf_append(b, STR("],\"triggers\":[")));
    TRY(append_rows_json(b, triggers, trigger_count, of_triggers));
    scoped_free char *diagnostics = json_write(json_object_get(build->manifest, "diagnostics"));
    return buf_printf(b, "],\"diagnostics\":%s}\n", diagnostics ? diagnostics : "[]");
}

static int append_place(struct buf *b, json_t *diagnostic)
{
    const char *file = text_of(diagnostic, "file");
    json_int_t line = json_integer_value(json_object_get(diagnostic, "line"));
    json_int_t column = json_integer_value(json_object_get(diagnostic, "column"));
    if (!file[0]) {
        return 0;
    }
    TRY(append_safe(b, file, ""));
    if (line > 0) {
        TRY(buf_printf(b, ":%lld", (long long)line));
    }
    if (line > 0 && column > 0) {
        TRY(buf_printf(b, ":%lld", (long long)column));
    }
    return buf_append(b, STR("  "));
}

/* What it says, without the file that stands in front already. */
static const char *words_of(json_t *diagnostic)
{
    const char *text = text_of(diagnostic, "text");
    const char *file = text_of(diagnostic, "file");
    size_t len = strlen(file);
    bool again = len > 0 && strncmp(text, file, len) == 0 && strncmp(text + len, ": ", 2) == 0;
    return again ? text + len + 2 : text;
}

static int append_diagnostic(struct buf *b, const struct print_style *style, json_t *diagnostic)
{
    bool error = strcmp(text_of(diagnostic, "severity"), "error") == 0;
    const char *frame = text_of(diagnostic, "frame");
    if (json_is_true(json_object_get(diagnostic, "told"))) {
        return 0;
    }
    TRY(buf_printf(b, "  %s%s%s  ", log_print_colour(style, error ? PRINT_RED : PRINT_YELLOW),
                   error ? "error" : "warning", log_print_plain(style)));
    TRY(append_place(b, diagnostic));
    TRY(buf_printf(b, "%s", log_print_colour(style, PRINT_BOLD)));
    TRY(append_safe(b, words_of(diagnostic), "         "));
    TRY(buf_printf(b, "%s\n", log_print_plain(style)));
    if (frame[0]) {
        TRY(buf_append(b, STR("\n    ")));
        TRY(append_safe(b, frame, "    "));
        TRY(buf_append(b, STR("\n\n")));
    }
    return 0;
}

int build_print_diagnostics(struct buf *b, const struct print_style *style, json_t *diagnostics)
{
    size_t i;
    json_t *diagnostic;
    json_array_foreach(diagnostics, i, diagnostic)
    {
        TRY(append_diagnostic(b, style, diagnostic));
    }
    return 0;
}
