/* SPDX-License-Identifier: Apache-2.0 */
#include "control/text/json_read.h"

#include <math.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/hex.h"
#include "base/mem.h"
#include "control/text/utf8.h"

#define UTF8_BYTES_MAX 4

struct reader {
    const char *at, *end;
    size_t flags;
    bool builds; /* else values are only looked at */
    unsigned depth;
    struct buf scratch; /* the last string with escapes */
};

static json_t *read_value(struct reader *r);

static void skip_blanks(struct reader *r)
{
    while (r->at < r->end &&
           (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t')) {
        r->at++;
    }
}

/* Takes the character if it is the next one, blanks aside. */
static bool take(struct reader *r, char c)
{
    skip_blanks(r);
    if (r->at == r->end || *r->at != c) {
        return false;
    }
    r->at++;
    return true;
}

static bool skip_one_of(struct reader *r, char a, char b)
{
    if (r->at < r->end && (*r->at == a || *r->at == b)) {
        r->at++;
        return true;
    }
    return false;
}

/* ---- strings ---- */

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* At what ends a run of characters that stand for themselves; false when one is no UTF-8. */
static bool skip_plain(struct reader *r)
{
    for (;;) {
        while (r->at < r->end && is_plain((unsigned char)*r->at)) {
            r->at++;
        }
        if (r->at == r->end || (unsigned char)*r->at < 0x80) {
            return true;
        }
        uint32_t character;
        size_t len = utf8_next(str_of(r->at, (size_t)(r->end - r->at)), &character);
        if (len == 1) {
            return false;
        }
        r->at += len;
    }
}

/* Four hexadecimal digits: -1 when they are not there. */
static int32_t read_unit(struct reader *r)
{
    int32_t unit = 0;
    if (r->end - r->at < 4) {
        return -1;
    }
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(*r->at++);
        if (digit < 0) {
            return -1;
        }
        unit = unit << 4 | digit;
    }
    return unit;
}

/* Behind \u: a character, or -1. */
static int32_t read_unicode(struct reader *r)
{
    int32_t unit = read_unit(r);
    if (unit < 0xD800 || unit > 0xDFFF) {
        return unit;
    }
    if (unit > 0xDBFF || r->end - r->at < 2 || r->at[0] != '\\' || r->at[1] != 'u') {
        return -1;
    }
    r->at += 2;
    int32_t low = read_unit(r);
    return low < 0xDC00 || low > 0xDFFF ? -1 : 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
}

/* Returns the length. */
static size_t put_utf8(uint32_t c, char *out)
{
    static const uint8_t first[] = { 0, 0, 0xC0, 0xE0, 0xF0 };
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t len = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--) {
        out[i] = (char)(uint8_t)(0x80 | (c & 0x3F));
        c >>= 6;
    }
    out[0] = (char)(first[len] | c);
    return len;
}

/* At a backslash: the length of what the escape stands for. 0: it is none. */
static size_t read_escape(struct reader *r, char ret[UTF8_BYTES_MAX])
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (r->end - r->at < 2) {
        return 0;
    }
    char c = r->at[1];
    r->at += 2;
    if (c == 'u') {
        int32_t character = read_unicode(r);
        return character < 0 ? 0 : put_utf8((uint32_t)character, ret);
    }
    const char *found = c ? strchr(from, c) : NULL;
    *ret = '\0';
    if (found) {
        *ret = to[found - from];
    }
    return found ? 1 : 0;
}

/* From a backslash on; `start` is where the string begins. */
static bool read_escaped(struct reader *r, const char *start, struct str *ret)
{
    buf_clear(&r->scratch);
    while (r->at < r->end && *r->at == '\\') {
        char character[UTF8_BYTES_MAX];
        size_t plain = (size_t)(r->at - start), len = read_escape(r, character);
        if (len == 0 || buf_append(&r->scratch, str_of(start, plain)) < 0 ||
            buf_append(&r->scratch, str_of(character, len)) < 0) {
            return false;
        }
        start = r->at;
        if (!skip_plain(r)) {
            return false;
        }
    }
    int appended = buf_append(&r->scratch, str_of(start, (size_t)(r->at - start)));
    *ret = buf_str(&r->scratch);
    return appended == 0;
}

/* Behind the opening quote. The text is good until the next string is read. */
static bool read_string(struct reader *r, struct str *ret)
{
    const char *start = r->at;
    if (!skip_plain(r)) {
        return false;
    }
    *ret = str_of(start, (size_t)(r->at - start));
    if (r->at < r->end && *r->at == '\\' && !read_escaped(r, start, ret)) {
        return false;
    }
    return skip_one_of(r, '"', '"'); /* else a control character, or the end */
}

static json_t *read_text(struct reader *r)
{
    struct str text;
    if (!read_string(r, &text) ||
        (!(r->flags & JSON_ALLOW_NUL) && str_find(text, '\0') < text.len)) {
        return NULL;
    }
    return r->builds ? json_stringn_nocheck(text.data, text.len) : json_null();
}

/* ---- numbers and words ---- */

static size_t skip_digits(struct reader *r)
{
    const char *start = r->at;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9') {
        r->at++;
    }
    return (size_t)(r->at - start);
}

/* Digits without a point or an exponent. */
static json_t *read_integer(struct reader *r, const char *start)
{
    bool is_negative = *start == '-';
    uint64_t most = (uint64_t)INT64_MAX + is_negative, value;
    struct str digits = str_skip(str_of(start, (size_t)(r->at - start)), is_negative);
    if (!str_to_u64(digits, &value) || value > most) {
        return NULL;
    }
    return r->builds ? json_integer((json_int_t)(is_negative ? -value : value)) : json_null();
}

static json_t *read_real(struct reader *r, const char *start)
{
    scoped_free char *text = mem_copy_str(str_of(start, (size_t)(r->at - start)));
    double value = strtod(text, NULL); /* the locale is C's */
    return isinf(value) ? NULL : r->builds ? json_real(value) : json_null();
}

static bool skip_fraction(struct reader *r)
{
    return !skip_one_of(r, '.', '.') || skip_digits(r) > 0;
}

static bool skip_exponent(struct reader *r)
{
    if (!skip_one_of(r, 'e', 'E')) {
        return true;
    }
    (void)skip_one_of(r, '+', '-');
    return skip_digits(r) > 0;
}

static json_t *read_number(struct reader *r)
{
    const char *start = r->at;
    (void)skip_one_of(r, '-', '-');
    const char *first = r->at;
    size_t digits = skip_digits(r);
    if (digits == 0 || (digits > 1 && *first == '0')) {
        return NULL;
    }
    const char *after_digits = r->at;
    if (!skip_fraction(r) || !skip_exponent(r)) {
        return NULL;
    }
    return r->at == after_digits && !(r->flags & JSON_DECODE_INT_AS_REAL) ? read_integer(r, start)
                                                                          : read_real(r, start);
}

static json_t *read_word(struct reader *r, struct str word, json_t *value)
{
    struct str rest = str_of(r->at, (size_t)(r->end - r->at));
    if (!str_starts(rest, word)) {
        return NULL;
    }
    r->at += word.len;
    return value;
}

/* ---- what holds others ---- */

static bool read_member(struct reader *r, json_t *object)
{
    struct str text;
    if (!take(r, '"') || !read_string(r, &text) || str_find(text, '\0') < text.len) {
        return false;
    }
    /* The value may be written over it. */
    scoped_free char *copy = text.data == r->scratch.data ? mem_copy_str(text) : NULL;
    json_t *value = take(r, ':') ? read_value(r) : NULL;
    return value && (!r->builds || json_object_setn_new_nocheck(object, copy ? copy : text.data,
                                                                text.len, value) == 0);
}

static bool read_item(struct reader *r, json_t *array)
{
    json_t *value = read_value(r);
    return value && (!r->builds || json_array_append_new(array, value) == 0);
}

/* Behind the opening bracket. Takes the value it fills. */
static json_t *read_all_of(struct reader *r, json_t *value, char end,
                           bool (*read_one)(struct reader *r, json_t *value))
{
    if (take(r, end)) {
        return value;
    }
    do {
        if (!read_one(r, value)) {
            json_decref(value);
            return NULL;
        }
    } while (take(r, ','));
    if (!take(r, end)) {
        json_decref(value);
        return NULL;
    }
    return value;
}

static json_t *read_any(struct reader *r)
{
    skip_blanks(r);
    char c = '\0';
    if (r->at < r->end) {
        c = *r->at;
    }
    switch (c) {
    case '{':
        r->at++;
        return read_all_of(r, r->builds ? json_object() : json_null(), '}', read_member);
    case '[':
        r->at++;
        return read_all_of(r, r->builds ? json_array() : json_null(), ']', read_item);
    case '"':
        r->at++;
        return read_text(r);
    case 't':
        return read_word(r, STR("true"), json_true());
    case 'f':
        return read_word(r, STR("false"), json_false());
    case 'n':
        return read_word(r, STR("null"), json_null());
    default:
        return read_number(r);
    }
}

/* Recursion is bounded as jansson bounds its own, and so are the values it can free. */
static json_t *read_value(struct reader *r)
{
    if (r->depth == JSON_PARSER_MAX_DEPTH) {
        return NULL;
    }
    r->depth++;
    json_t *value = read_any(r);
    r->depth--;
    return value;
}

static json_t *read_whole(struct str text, size_t flags, bool builds)
{
    struct reader r = {
        .at = text.data, .end = text.data + text.len, .flags = flags, .builds = builds
    };
    skip_blanks(&r);
    bool is_scalar = r.at == r.end || (*r.at != '{' && *r.at != '[');
    if (is_scalar && !(flags & JSON_DECODE_ANY)) {
        return NULL;
    }
    buf_init(&r.scratch, text.len);
    json_t *value = read_value(&r);
    buf_finish(&r.scratch);
    skip_blanks(&r);
    if (value && r.at < r.end) { /* something follows */
        json_decref(value);
        return NULL;
    }
    return value;
}

json_t *json_read(struct str text, size_t flags)
{
    return read_whole(text, flags, true);
}

bool json_is_sound(struct str text, size_t flags)
{
    return read_whole(text, flags, false) != NULL;
}
