/* SPDX-License-Identifier: Apache-2.0 */
#include "control/build_print.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "control/route_label.h"
#include "control/utf8.h"

#define COLUMN_COUNT     6
#define COLUMN_BYTES_MAX ((size_t)200) /* of a cell; more is cut */

/* Ends a chain of appends at the first that fails. */
#define TRY(call)                                                                                  \
    do {                                                                                           \
        int try_r = (call);                                                                        \
        if (try_r < 0) {                                                                           \
            return try_r;                                                                          \
        }                                                                                          \
    } while (0)

struct cell {
    char text[COLUMN_BYTES_MAX + 1];
};

struct row {
    struct cell cells[COLUMN_COUNT]; /* methods, route, file, dialect, runtime, function */
};

static const char *const titles[COLUMN_COUNT] = { "METHOD",  "ROUTE",   "FILE",
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

/* Cuts what is too long; that is all that can go wrong. */
static void set_cell(struct cell *cell, const char *text)
{
    struct buf b;
    buf_init(&b, 4 * COLUMN_BYTES_MAX);
    (void)!utf8_append_terminal(&b, str_of(text, strnlen(text, COLUMN_BYTES_MAX)), "",
                                UTF8_COLOUR_DROP);
    size_t len = b.len < COLUMN_BYTES_MAX ? b.len : COLUMN_BYTES_MAX;
    if (len > 0) {
        memcpy(cell->text, b.data, len);
    }
    cell->text[len] = '\0';
    buf_finish(&b);
}

static void set_methods(struct cell *cell, json_t *methods)
{
    char text[COLUMN_BYTES_MAX] = "";
    size_t used = 0;
    size_t i;
    json_t *method;
    json_array_foreach(methods, i, method)
    {
        const char *name = json_string_value(method);
        int n = snprintf(text + used, sizeof(text) - used, "%s%s", i ? "," : "", name ? name : "?");
        used += n > 0 && (size_t)n < sizeof(text) - used ? (size_t)n : 0;
    }
    set_cell(cell, json_array_size(methods) > 0 ? text : "any");
}

static void set_route(struct cell *cell, json_t *route)
{
    char text[COLUMN_BYTES_MAX];
    route_label_write(route, text, sizeof(text));
    set_cell(cell, text);
}

static const char *runtime_of(json_t *function, json_t *endpoint)
{
    const char *of_endpoint = text_of(json_object_get(endpoint, "settings"), "runtime");
    const char *of_function = text_of(json_object_get(function, "settings"), "runtime");
    if (of_endpoint[0]) {
        return of_endpoint;
    }
    if (of_function[0]) {
        return of_function;
    }
    return strcmp(text_of(function, "dialect"), "bootstrap") == 0 ? "provided" : "nodejs";
}

static bool fill_row(struct row *row, const struct build *build, json_t *route)
{
    json_t *index = json_object_get(route, "function");
    json_int_t i = json_integer_value(index);
    const char *shown = json_string_value(json_object_get(route, "shown"));
    if (shown && !shown[0]) {
        return false;
    }
    if (!json_is_integer(index) || i < 0 || (size_t)i >= build->count) {
        return false;
    }
    const struct version *version = build->versions[i];
    json_t *endpoints = json_object_get(version->spec, "endpoints");
    json_int_t at = json_integer_value(json_object_get(route, "endpoint"));
    json_t *endpoint = json_array_get(endpoints, at < 0 ? SIZE_MAX : (size_t)at);
    json_t *methods = json_object_get(route, "methods");
    set_methods(&row->cells[0], methods ? methods : json_object_get(endpoint, "methods"));
    set_route(&row->cells[1], route);
    set_cell(&row->cells[2], text_of(endpoint, "file"));
    set_cell(&row->cells[3], text_of(version->spec, "dialect"));
    set_cell(&row->cells[4], runtime_of(version->spec, endpoint));
    set_cell(&row->cells[5], version->label);
    return true;
}

static size_t columns_of(const char *text)
{
    size_t columns = 0;
    for (; *text; text++) {
        columns += ((unsigned char)*text & 0xC0) != 0x80;
    }
    return columns;
}

static bool is_listed(const struct row *rows, size_t count, const struct row *row)
{
    for (size_t i = 0; i < count; i++) {
        if (memcmp(&rows[i], row, sizeof(*row)) == 0) {
            return true;
        }
    }
    return false;
}

/* Entries that read the same ("/x" with and without a slash at its end) are one. */
static struct row *collect_rows(const struct build *build, size_t *ret_count)
{
    json_t *routes = json_object_get(build->manifest, "routes");
    struct row *rows = mem_alloc((json_array_size(routes) + 1) * sizeof(*rows));
    size_t count = 0;
    size_t i;
    json_t *route;
    json_array_foreach(routes, i, route)
    {
        if (fill_row(&rows[count], build, route) && !is_listed(rows, count, &rows[count])) {
            count++;
        } else {
            rows[count] = (struct row){ 0 };
        }
    }
    *ret_count = count;
    return rows;
}

static int append_cells(struct buf *b, const struct print_style *style, const char *colour,
                        const struct row *row, const size_t *widths)
{
    TRY(buf_printf(b, "  %s", log_print_colour(style, colour)));
    for (size_t c = 0; c < COLUMN_COUNT; c++) {
        const char *text = row->cells[c].text;
        size_t pad = c + 1 < COLUMN_COUNT ? widths[c] - columns_of(text) + 2 : 0;
        TRY(buf_printf(b, "%s%*s", text, (int)pad, ""));
    }
    return buf_printf(b, "%s\n", log_print_plain(style));
}

static int append_table(struct buf *b, const struct print_style *style, const struct row *rows,
                        size_t count)
{
    struct row head = { 0 };
    size_t widths[COLUMN_COUNT];
    for (size_t c = 0; c < COLUMN_COUNT; c++) {
        set_cell(&head.cells[c], titles[c]);
        widths[c] = strlen(titles[c]);
        for (size_t i = 0; i < count; i++) {
            size_t columns = columns_of(rows[i].cells[c].text);
            widths[c] = columns > widths[c] ? columns : widths[c];
        }
    }
    TRY(append_cells(b, style, PRINT_DIM, &head, widths));
    for (size_t i = 0; i < count; i++) {
        TRY(append_cells(b, style, "", &rows[i], widths));
    }
    return 0;
}

int build_print_routes(struct buf *b, const struct print_style *style, const struct build *build)
{
    size_t count;
    struct row *rows = collect_rows(build, &count);
    int r = count > 0 ? append_table(b, style, rows, count)
                      : buf_append(b, STR("  no functions found; `mayfly help dev` says where they "
                                          "are looked for\n"));
    free(rows);
    return r;
}

int build_print_version(struct buf *b, const struct print_style *style,
                        const struct version *version)
{
    TRY(buf_printf(b, "  %s%s%s  ", log_print_colour(style, PRINT_CYAN), version->label,
                   log_print_plain(style)));
    if (version->state == VERSION_FAILED) {
        TRY(buf_printf(b, "%sdid not load:%s ", log_print_colour(style, PRINT_RED),
                       log_print_plain(style)));
        TRY(append_safe(b, version->text, "    "));
        return buf_append(b, STR("\n"));
    }
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

int build_print_version_json(struct buf *b, const struct version *version)
{
    TRY(buf_append(b, STR("{\"type\":\"function\",")));
    TRY(log_print_json_field(b, "function", str_c(version->name)));
    TRY(log_print_json_field(b, "dialect", str_c(text_of(version->spec, "dialect"))));
    if (version->text[0]) {
        TRY(log_print_json_field(b, "reason", str_c(version->text)));
    }
    return buf_printf(b, "\"version\":%llu,\"loaded\":%s,\"snapshot\":%s,\"load_ms\":%u}\n",
                      (unsigned long long)version->number,
                      version->state == VERSION_LOADED ? "true" : "false",
                      version->snapshot ? "true" : "false", version->load_ms);
}

static int append_route_json(struct buf *b, const struct row *row)
{
    static const char *const keys[COLUMN_COUNT] = { "methods", "route",   "file",
                                                    "dialect", "runtime", "function" };
    TRY(buf_append(b, STR("{")));
    for (size_t c = 0; c < COLUMN_COUNT; c++) {
        TRY(log_print_json_field(b, keys[c], str_c(row->cells[c].text)));
    }
    b->data[b->len - 1] = '}'; /* was the last field's comma */
    return 0;
}

static int append_rows_json(struct buf *b, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        TRY(buf_append(b, i > 0 ? STR(",") : STR("")));
        TRY(append_route_json(b, &rows[i]));
    }
    return 0;
}

int build_print_json(struct buf *b, const struct build *build, uint64_t time_ms)
{
    TRY(buf_append(b, STR("{\"type\":\"build\",\"time\":\"")));
    TRY(log_print_time_utc(b, time_ms));
    TRY(buf_printf(b, "\",\"build\":%llu,\"build_ms\":%.1f,\"routes\":[",
                   (unsigned long long)build->number,
                   json_number_value(json_object_get(build->manifest, "build_ms"))));
    size_t count;
    struct row *rows = collect_rows(build, &count);
    int r = append_rows_json(b, rows, count);
    free(rows);
    TRY(r);
    return buf_append(b, STR("]}\n"));
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

static int append_diagnostic(struct buf *b, const struct print_style *style, json_t *diagnostic)
{
    bool error = strcmp(text_of(diagnostic, "severity"), "error") == 0;
    const char *frame = text_of(diagnostic, "frame");
    TRY(buf_printf(b, "  %s%s%s  ", log_print_colour(style, error ? PRINT_RED : PRINT_YELLOW),
                   error ? "error" : "warning", log_print_plain(style)));
    TRY(append_place(b, diagnostic));
    TRY(buf_printf(b, "%s", log_print_colour(style, PRINT_BOLD)));
    TRY(append_safe(b, text_of(diagnostic, "text"), "         "));
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
