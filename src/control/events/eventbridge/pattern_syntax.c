/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/eventbridge/pattern_syntax.h"

#include <ctype.h>
#include <jansson.h>

#define SHOWN_BYTES 500 /* of the text; Jackson's */
#define VALUES      "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"

static int append_place(struct buf *out, struct str text, int line, int column)
{
    struct str shown = str_of(text.data, text.len < SHOWN_BYTES ? text.len : SHOWN_BYTES);
    while (shown.len < text.len && (text.data[shown.len] & 0xc0) == 0x80) {
        shown.len--; /* not within a character */
    }
    TRY(buf_printf(out, "\n at [Source: (String)\"" STR_FMT "\"", STR_ARG(shown)));
    if (shown.len < text.len) {
        TRY(buf_printf(out, "[truncated %zu chars]", text.len - shown.len));
    }
    return buf_printf(out, "; line: %d, column: %d]", line, column);
}

/* It is JSON, but of another kind: Jackson has seen how it begins. */
static int append_not_object(struct buf *out, struct str text)
{
    size_t start = 0;
    while (start < text.len && strchr(" \t\r\n", text.data[start])) {
        start++;
    }
    TRY(buf_append(out, STR("Filter is not an object")));
    return append_place(out, text, 1, (int)start + 2);
}

/* `end` is behind a word that is none of JSON's. */
static int append_word(struct buf *out, struct str text, size_t end)
{
    size_t start = end;
    while (start > 0 && isalnum((unsigned char)text.data[start - 1])) {
        start--;
    }
    return buf_printf(out, "Unrecognized token '%.*s': was expecting " VALUES, (int)(end - start),
                      text.data + start);
}

/* Whether a member's name is to come at `at`: behind "{", or "," which cannot tell. */
static bool is_name_next(struct str text, size_t at)
{
    while (at > 0 && strchr(" \t\r\n", text.data[at - 1])) {
        at--;
    }
    return at > 0 && text.data[at - 1] == '{';
}

static int append_character(struct buf *out, struct str text, size_t at)
{
    const unsigned char c = (unsigned char)text.data[at];
    TRY(buf_printf(out, "Unexpected character ('%c' (code %u)): ", c < 0x80 ? c : '?', c));
    return is_name_next(text, at)
               ? buf_append(out, STR("was expecting double-quote to start field name"))
               : buf_append(out, STR("expected a valid value " VALUES));
}

static int append_fault(struct buf *out, struct str text, const json_error_t *why)
{
    const size_t read = why->position > 0 ? (size_t)why->position : 0;
    if (read == 0 || read > text.len || json_error_code(why) == json_error_premature_end_of_input) {
        TRY(buf_append(out, STR("Unexpected end-of-input")));
        return append_place(out, text, why->line, why->column + 1);
    }
    if (isalnum((unsigned char)text.data[read - 1])) {
        TRY(append_word(out, text, read));
        return append_place(out, text, why->line, why->column + 1);
    }
    TRY(append_character(out, text, read - 1));
    return append_place(out, text, why->line, why->column);
}

int pattern_syntax_append_place(struct buf *out, struct str text, size_t read)
{
    int line = 1;
    int column = 1;
    for (size_t i = 0; i < read; i++) {
        const unsigned char c = (unsigned char)text.data[i];
        column += (c & 0xc0) != 0x80; /* characters, of which */
        column += c >= 0xf0;          /* Java's strings take some for two */
        if (c == '\n') {
            line++;
            column = 1;
        }
    }
    return append_place(out, text, line, column);
}

bool pattern_syntax_fault(struct str text, struct buf *out)
{
    json_error_t why;
    json_t *json = json_loadb(text.data, text.len, JSON_DECODE_ANY, &why);
    const bool fine = json_is_object(json);
    if (!json) {
        (void)append_fault(out, text, &why);
    } else if (!fine) {
        (void)append_not_object(out, text);
    }
    json_decref(json);
    return !fine;
}
