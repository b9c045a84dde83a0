/* SPDX-License-Identifier: Apache-2.0 */
#include "http/http_chunked.h"

#include <errno.h>

#include "base/hex.h"
#include "base/limits.h"
#include "http/http_head.h"

#define EXTENSION_BYTES_MAX (16 * KIB) /* as Node.js: of one body, in all its chunks */

enum state {
    CHUNK_SIZE,
    CHUNK_SIZE_LF,
    CHUNK_DATA,
    CHUNK_DATA_CR,
    CHUNK_DATA_LF,
    CHUNK_TRAILER,
    CHUNK_TRAILER_LF,
    CHUNK_END_LF,
    CHUNK_END,

    /* ;name=value or ;name="value", with blanks around ";" and "=" */
    EXTENSION_NEXT, /* blanks, and then a ";" must follow */
    EXTENSION_NAME, /* blanks before it */
    EXTENSION_NAME_MORE,
    EXTENSION_EQUALS, /* blanks behind the name */
    EXTENSION_VALUE,  /* blanks before it */
    EXTENSION_VALUE_MORE,
    EXTENSION_QUOTED,
    EXTENSION_QUOTED_PAIR,
    EXTENSION_QUOTED_END
};

/* Behind what may be the last of a size or an extension. */
static int after_part(char byte, enum state blanks)
{
    switch (byte) {
    case '\r':
        return CHUNK_SIZE_LF;
    case ';':
        return EXTENSION_NAME;
    case ' ':
    case '\t':
        return (int)blanks;
    default:
        return -EBADMSG;
    }
}

static int take_size(struct http_chunked *c, char byte)
{
    int digit = hex_digit(byte);
    if (digit < 0) {
        return c->sized ? after_part(byte, EXTENSION_NEXT) : -EBADMSG;
    }
    bool leading_zero = c->left == 0 && digit == 0;
    if (c->left >> 59 != 0 || (leading_zero && ++c->extensions > EXTENSION_BYTES_MAX)) {
        return -EBADMSG;
    }
    c->left = c->left << 4 | (uint64_t)digit;
    c->sized = true;
    return CHUNK_SIZE;
}

static int take_quoted(enum state state, char byte)
{
    if (!http_is_field_value(str_of(&byte, 1))) {
        return -EBADMSG;
    }
    if (state == EXTENSION_QUOTED_PAIR) {
        return EXTENSION_QUOTED;
    }
    return byte == '"'    ? EXTENSION_QUOTED_END
           : byte == '\\' ? EXTENSION_QUOTED_PAIR
                          : EXTENSION_QUOTED;
}

/* RFC 9112 7.1.1; what the extension says is nobody's business here. */
static int take_extension(struct http_chunked *c, char byte)
{
    enum state state = (enum state)c->state;
    bool blank = byte == ' ' || byte == '\t';
    bool token = http_is_token(str_of(&byte, 1));
    if (++c->extensions > EXTENSION_BYTES_MAX) {
        return -EBADMSG;
    }
    switch (state) {
    case EXTENSION_NEXT:
        return blank ? EXTENSION_NEXT : byte == ';' ? EXTENSION_NAME : -EBADMSG;
    case EXTENSION_NAME:
        return blank ? EXTENSION_NAME : token ? EXTENSION_NAME_MORE : -EBADMSG;
    case EXTENSION_NAME_MORE:
        return token         ? EXTENSION_NAME_MORE
               : byte == '=' ? EXTENSION_VALUE
                             : after_part(byte, EXTENSION_EQUALS);
    case EXTENSION_EQUALS:
        return blank         ? EXTENSION_EQUALS
               : byte == '=' ? EXTENSION_VALUE
               : byte == ';' ? EXTENSION_NAME
                             : -EBADMSG;
    case EXTENSION_VALUE:
        return blank         ? EXTENSION_VALUE
               : byte == '"' ? EXTENSION_QUOTED
               : token       ? EXTENSION_VALUE_MORE
                             : -EBADMSG;
    case EXTENSION_VALUE_MORE:
        return token ? EXTENSION_VALUE_MORE : after_part(byte, EXTENSION_NEXT);
    case EXTENSION_QUOTED_END:
        return after_part(byte, EXTENSION_NEXT);
    default:
        return take_quoted(state, byte);
    }
}

static int take_trailer(struct http_chunked *c, char byte)
{
    if (byte == '\r') {
        if (c->trailer_line == 0) {
            return CHUNK_END_LF;
        }
        return c->trailer_named ? CHUNK_TRAILER_LF : -EBADMSG;
    }
    if (++c->trailers > LIMIT_REQUEST_HEAD_BYTES) {
        return -EBADMSG;
    }
    if (!c->trailer_named && byte == ':' && c->trailer_line > 0) {
        c->trailer_named = true;
    } else if (c->trailer_named ? !http_is_field_value(str_of(&byte, 1))
                                : !http_is_token(str_of(&byte, 1))) {
        return -EBADMSG;
    }
    c->trailer_line++;
    return CHUNK_TRAILER;
}

static int begin_size(struct http_chunked *c)
{
    c->left = 0;
    c->sized = false;
    return CHUNK_SIZE;
}

static int begin_trailer(struct http_chunked *c)
{
    c->trailer_line = 0;
    c->trailer_named = false;
    return CHUNK_TRAILER;
}

/* The state after one byte of framing, or -EBADMSG. */
static int take_byte(struct http_chunked *c, char byte)
{
    switch ((enum state)c->state) {
    case CHUNK_SIZE:
        return take_size(c, byte);
    case CHUNK_SIZE_LF:
        if (byte != '\n') {
            return -EBADMSG;
        }
        return c->left > 0 ? CHUNK_DATA : begin_trailer(c);
    case CHUNK_DATA_CR:
        return byte == '\r' ? CHUNK_DATA_LF : -EBADMSG;
    case CHUNK_DATA_LF:
        return byte == '\n' ? begin_size(c) : -EBADMSG;
    case CHUNK_TRAILER:
        return take_trailer(c, byte);
    case CHUNK_TRAILER_LF:
        return byte == '\n' ? begin_trailer(c) : -EBADMSG;
    case CHUNK_END_LF:
        return byte == '\n' ? CHUNK_END : -EBADMSG;
    default:
        return take_extension(c, byte); /* the caller handles data and the end */
    }
}

int http_chunked_decode(struct http_chunked *c, struct str *in, struct str *ret_data)
{
    while (c->state != CHUNK_END && in->len > 0) {
        if (c->state == CHUNK_DATA) {
            size_t len = in->len < c->left ? in->len : (size_t)c->left;
            *ret_data = str_of(in->data, len);
            *in = str_skip(*in, len);
            c->left -= len;
            c->state = c->left > 0 ? CHUNK_DATA : CHUNK_DATA_CR;
            return HTTP_CHUNKED_DATA;
        }
        int next = take_byte(c, in->data[0]);
        if (next < 0) {
            return next;
        }
        c->state = next;
        *in = str_skip(*in, 1);
    }
    return c->state == CHUNK_END ? HTTP_CHUNKED_END : HTTP_CHUNKED_MORE;
}
