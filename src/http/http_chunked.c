/* SPDX-License-Identifier: Apache-2.0 */
#include "http/http_chunked.h"

#include <errno.h>

#include "base/limits.h"
#include "http/http_head.h"

#define EXTENSION_BYTES_MAX (16 * KIB) /* as Node.js: of one body, in all its chunks */
#define SIZE_DIGITS_MAX     16

enum state {
    CHUNK_SIZE,
    CHUNK_EXTENSION,
    CHUNK_SIZE_LF,
    CHUNK_DATA,
    CHUNK_DATA_CR,
    CHUNK_DATA_LF,
    CHUNK_TRAILER,
    CHUNK_TRAILER_LF,
    CHUNK_END_LF,
    CHUNK_END
};

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int take_size(struct http_chunked *c, char byte)
{
    int digit = hex_digit(byte);
    if (digit >= 0) {
        if (++c->digits > SIZE_DIGITS_MAX || c->left >> 59 != 0) {
            return -EBADMSG;
        }
        c->left = c->left << 4 | (uint64_t)digit;
        return CHUNK_SIZE;
    }
    if (c->digits == 0) {
        return -EBADMSG;
    }
    /* RFC 9112 allows blanks before an extension's semicolon as "bad whitespace"; nothing else may
     * follow them. */
    return byte == '\r' ? CHUNK_SIZE_LF : byte == ';' ? CHUNK_EXTENSION : -EBADMSG;
}

static int take_extension(struct http_chunked *c, char byte)
{
    if (byte == '\r') {
        return CHUNK_SIZE_LF;
    }
    if (!http_is_field_value(str_of(&byte, 1)) || ++c->extensions > EXTENSION_BYTES_MAX) {
        return -EBADMSG;
    }
    return CHUNK_EXTENSION;
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
    c->digits = 0;
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
    case CHUNK_EXTENSION:
        return take_extension(c, byte);
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
    case CHUNK_DATA:
    case CHUNK_END:
        break;
    }
    return -EBADMSG; /* not reached: the caller handles data and the end */
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
