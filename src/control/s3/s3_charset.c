/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_charset.h"

#include <errno.h>
#include <openssl/evp.h>

#include "base/hex.h"
#include "control/text/utf8.h"

#define REPLACEMENT 0xfffd

static int put_byte(struct buf *out, unsigned byte)
{
    char c = (char)byte;
    return buf_append(out, str_of(&c, 1));
}

/* ---- reading ---- */

/* A character of Latin-1. */
static int put_latin1(struct buf *out, unsigned char c)
{
    if (c < 0x80) {
        return put_byte(out, c);
    }
    int r = put_byte(out, 0xc0 | c >> 6);
    return r < 0 ? r : put_byte(out, 0x80 | (c & 0x3f));
}

static int decode_quoted(struct buf *out, struct str text)
{
    int r = 0;
    while (r == 0 && text.len > 0) {
        uint8_t byte = (uint8_t)(text.data[0] == '_' ? ' ' : text.data[0]);
        bool is_escape =
            text.data[0] == '=' && text.len >= 3 && hex_read(str_of(text.data + 1, 2), &byte, 1);
        text = str_skip(text, is_escape ? 3 : 1);
        r = put_byte(out, byte);
    }
    return r;
}

/* -EBADMSG: it is none. */
static int decode_base64(struct buf *out, struct str text)
{
    char *at;
    size_t digits = str_find(text, '='), padding = text.len - digits;
    if (text.len % 4 != 0 || padding > 2 || (padding == 2 && text.data[text.len - 1] != '=')) {
        return -EBADMSG;
    }
    TRY(buf_reserve(out, text.len, &at));
    int len = EVP_DecodeBlock((unsigned char *)at, (const unsigned char *)text.data, (int)text.len);
    if (len < 0) {
        return -EBADMSG;
    }
    out->len += (size_t)len - padding; /* it has written zeros for that */
    return 0;
}

/* Cuts an encoded word off the front. */
static bool cut_word(struct str *text, char *ret_coding, struct str *ret_inside)
{
    const struct str begin = STR("=?UTF-8?");
    struct str rest = *text;
    if (rest.len < begin.len + 2 || !str_eq_nocase(str_of(rest.data, begin.len), begin)) {
        return false;
    }
    *ret_coding = (char)(rest.data[begin.len] | 0x20);
    if ((*ret_coding != 'q' && *ret_coding != 'b') || rest.data[begin.len + 1] != '?') {
        return false;
    }
    rest = str_skip(rest, begin.len + 2);
    const char *end = memmem(rest.data, rest.len, "?=", 2);
    if (!end) {
        return false;
    }
    *ret_inside = str_of(rest.data, (size_t)(end - rest.data));
    *text = str_skip(rest, ret_inside->len + 2);
    return true;
}

/* Blanks between two encoded words are not part of the text. */
static struct str skip_gap(struct str text)
{
    struct str next = text, inside;
    while (next.len > 0 && (next.data[0] == ' ' || next.data[0] == '\t')) {
        next = str_skip(next, 1);
    }
    struct str word = next;
    char coding;
    return cut_word(&word, &coding, &inside) ? next : text;
}

int s3_charset_from_field(struct buf *out, struct str value)
{
    int r = 0;
    while (r == 0 && value.len > 0) {
        char coding;
        struct str inside, after = value;
        bool is_word = cut_word(&after, &coding, &inside);
        if (is_word) {
            r = coding == 'q' ? decode_quoted(out, inside) : decode_base64(out, inside);
            is_word = r != -EBADMSG;
        }
        if (is_word) {
            value = skip_gap(after);
        } else {
            r = put_latin1(out, (unsigned char)value.data[0]);
            value = str_skip(value, 1);
        }
    }
    return r;
}

/* ---- writing ---- */

/* What S3 lets stand in an encoded word. */
static bool is_safe(unsigned char c)
{
    return c == '\t' || (c > ' ' && c < 0x7f && c != '=' && c != '?' && c != '_');
}

static bool is_plain(unsigned char c)
{
    return is_safe(c) || c == ' ' || c == '=' || c == '?' || c == '_';
}

/* Controls, what only formats, and what is for private use. */
static bool is_unprintable(uint32_t c)
{
    return (c < ' ' && c != '\t') || (c >= 0x7f && c < 0xa0) || c == 0xad ||
           (c >= 0x200b && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) ||
           (c >= 0x2060 && c <= 0x206f) || (c >= 0xe000 && c <= 0xf8ff) || c == 0xfeff ||
           c == REPLACEMENT || c >= 0xf0000;
}

static bool has_unprintable(struct str text)
{
    uint32_t c = ' ';
    while (text.len > 0 && !is_unprintable(c)) {
        text = str_skip(text, utf8_next(text, &c));
    }
    return is_unprintable(c);
}

static int put_quoted(struct buf *out, struct str text)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        r = c == ' '     ? put_byte(out, '_')
            : is_safe(c) ? put_byte(out, c)
                         : buf_printf(out, "=%02X", c);
    }
    return r;
}

static int put_base64(struct buf *out, struct str text)
{
    char *at;
    TRY(buf_reserve(out, (text.len + 2) / 3 * 4 + 1, &at)); /* and a NUL */
    int len = EVP_EncodeBlock((unsigned char *)at, (const unsigned char *)text.data, (int)text.len);
    out->len += (size_t)len;
    return 0;
}

int s3_charset_put_word(struct buf *out, struct str text)
{
    size_t plain = 0;
    while (plain < text.len && is_plain((unsigned char)text.data[plain])) {
        plain++;
    }
    if (plain == text.len) {
        return buf_append(out, text);
    }
    bool by_base64 = has_unprintable(text);
    TRY(buf_append(out, by_base64 ? STR("=?UTF-8?B?") : STR("=?UTF-8?Q?")));
    TRY(by_base64 ? put_base64(out, text) : put_quoted(out, text));
    return buf_append(out, STR("?="));
}

int s3_charset_to_latin1(struct buf *out, struct str text)
{
    int r = 0, lacks = 0;
    while (r == 0 && text.len > 0) {
        uint32_t c;
        text = str_skip(text, utf8_next(text, &c));
        lacks = c > 0xff ? 1 : lacks;
        r = put_byte(out, c > 0xff ? ' ' : c);
    }
    return r < 0 ? r : lacks;
}
