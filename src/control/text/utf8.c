/* SPDX-License-Identifier: Apache-2.0 */
#include "control/text/utf8.h"

#include <string.h>

#include "base/mem.h"

#define UTF8_REPLACEMENT 0xFFFD
#define UTF8_COLOUR_MAX  32 /* the longest colour sequence that is believed */

size_t utf8_next(struct str s, uint32_t *ret_character)
{
    static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
    unsigned char first = (unsigned char)s.data[0];
    size_t len = first < 0x80 ? 1 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 0;
    *ret_character = UTF8_REPLACEMENT;
    if (len == 1) {
        *ret_character = first;
        return 1;
    }
    if (len == 0 || len > s.len || first >= 0xF8) {
        return 1;
    }
    uint32_t character = first & (0xFFU >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        unsigned char c = (unsigned char)s.data[i];
        if ((c & 0xC0) != 0x80) {
            return 1;
        }
        character = character << 6 | (c & 0x3F);
    }
    if (character < smallest[len] || character > 0x10FFFF ||
        (character >= 0xD800 && character < 0xE000)) {
        return 1;
    }
    *ret_character = character;
    return len;
}

int utf8_append_sound(struct buf *b, struct str s)
{
    int r = 0;
    while (s.len > 0 && r == 0) {
        uint32_t character;
        size_t len = utf8_next(s, &character);
        r = buf_append(b,
                       character == UTF8_REPLACEMENT ? STR("\xEF\xBF\xBD") : str_of(s.data, len));
        s = str_skip(s, len);
    }
    return r;
}

char *utf8_copy_sound(struct str s)
{
    struct buf text;
    buf_init(&text, SIZE_MAX);
    (void)!utf8_append_sound(&text, s); /* it has no limit */
    char *copy = mem_copy_str(buf_str(&text));
    buf_finish(&text);
    return copy;
}

static bool is_plain_json(unsigned char c)
{
    return c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
}

static int append_json_character(struct buf *b, struct str as_it_is, uint32_t character)
{
    switch (character) {
    case '"':
        return buf_append(b, STR("\\\""));
    case '\\':
        return buf_append(b, STR("\\\\"));
    case '\n':
        return buf_append(b, STR("\\n"));
    case '\r':
        return buf_append(b, STR("\\r"));
    case '\t':
        return buf_append(b, STR("\\t"));
    case UTF8_REPLACEMENT:
        return buf_append(b, STR("\xEF\xBF\xBD"));
    default:
        return character < 0x20 || character == 0x7F ? buf_printf(b, "\\u%04x", character)
                                                     : buf_append(b, as_it_is);
    }
}

int utf8_append_json(struct buf *b, struct str s)
{
    int r = 0;
    while (s.len > 0 && r == 0) {
        size_t plain = 0;
        while (plain < s.len && is_plain_json((unsigned char)s.data[plain])) {
            plain++;
        }
        r = buf_append(b, str_of(s.data, plain));
        s = str_skip(s, plain);
        if (s.len > 0 && r == 0) {
            uint32_t character;
            size_t len = utf8_next(s, &character);
            r = append_json_character(b, str_of(s.data, len), character);
            s = str_skip(s, len);
        }
    }
    return r;
}

/* The length of a colour sequence at the start of `s`, 0 when there is none. */
static size_t colour_length(struct str s)
{
    if (s.len < 3 || s.data[0] != '\x1b' || s.data[1] != '[') {
        return 0;
    }
    for (size_t i = 2; i < s.len && i < UTF8_COLOUR_MAX; i++) {
        if (s.data[i] == 'm') {
            return i + 1;
        }
        if (!strchr("0123456789;", s.data[i])) {
            return 0;
        }
    }
    return 0;
}

/* Those that move the cursor, start sequences, or make text read other than it is written. */
static bool is_dangerous(uint32_t c)
{
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x200E || c == 0x200F ||
           (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) || c == 0xFEFF;
}

static int append_terminal_character(struct buf *b, struct str *s, const char *indent)
{
    uint32_t character;
    size_t len = utf8_next(*s, &character);
    struct str as_it_is = str_of(s->data, len);
    *s = str_skip(*s, len);
    if (character == '\n') {
        return buf_printf(b, "\n%s", indent);
    }
    if (character == '\t') {
        return buf_append(b, as_it_is);
    }
    if (character == '\r' && s->len > 0 && s->data[0] == '\n') {
        return 0;
    }
    if (character == UTF8_REPLACEMENT) {
        return buf_append(b, STR("\xEF\xBF\xBD"));
    }
    if (is_dangerous(character)) {
        return buf_printf(b, character < 0x100 ? "\\x%02x" : "\\u%04x", character);
    }
    return buf_append(b, as_it_is);
}

int utf8_append_terminal(struct buf *b, struct str s, const char *indent, enum utf8_colour colour)
{
    bool coloured = false;
    int r = 0;
    while (s.len > 0 && (s.data[s.len - 1] == '\n' || s.data[s.len - 1] == '\r')) {
        s.len--;
    }
    while (s.len > 0 && r == 0) {
        size_t sequence = colour_length(s);
        if (sequence == 0) {
            r = append_terminal_character(b, &s, indent);
            continue;
        }
        if (colour == UTF8_COLOUR_KEEP) {
            r = buf_append(b, str_of(s.data, sequence));
            coloured = true;
        }
        s = str_skip(s, sequence);
    }
    return r == 0 && coloured ? buf_append(b, STR("\x1b[0m")) : r;
}
