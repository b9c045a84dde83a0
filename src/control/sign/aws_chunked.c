/* SPDX-License-Identifier: Apache-2.0 */
#include "control/sign/aws_chunked.h"

#include <assert.h>
#include <stdio.h>

#include "base/hex.h"
#include "control/sign/aws_digest.h"
#include "http/http_block.h"
#include "http/http_head.h"

/* SHA-256 of nothing, which each chunk's string to sign holds. */
#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define SIZE_DIGITS  16

enum state {
    CHUNK_HEAD,
    CHUNK_HEAD_LF,
    CHUNK_DATA,
    CHUNK_DATA_CR,
    CHUNK_DATA_LF,
    CHUNK_TRAILER,
    CHUNK_TRAILER_LF,
    CHUNK_END
};

void aws_chunked_init(struct aws_chunked *c, const struct aws_signed *head)
{
    *c = (struct aws_chunked){ .state = CHUNK_HEAD,
                               .is_signed = head->body == AWS_BODY_CHUNKS,
                               .has_trailer = head->trailer };
    buf_init(&c->trailer, AWS_TRAILER_BYTES_MAX);
    if (!c->is_signed) {
        return;
    }
    const struct aws_scope *s = &head->scope;
    aws_users_key(head->user, s, c->key);
    (void)snprintf(c->scope, sizeof(c->scope), "%s/%s/%s/aws4_request", s->day, s->region,
                   s->service); /* fits: all have their bounds */
    memcpy(c->date, head->date, sizeof(c->date));
    memcpy(c->previous, head->signature, sizeof(c->previous));
    c->digest = EVP_MD_CTX_new();
    assert(c->digest);
}

void aws_chunked_finish(struct aws_chunked *c)
{
    EVP_MD_CTX_free(c->digest);
    c->digest = NULL;
    buf_finish(&c->trailer);
}

/* Compares and makes it the one that the next builds on. */
static int check_signature(struct aws_chunked *c, struct str to_sign, struct str claimed)
{
    uint8_t digest[AWS_DIGEST_BYTES];
    aws_hmac(str_of((const char *)c->key, sizeof(c->key)), to_sign, digest);
    (void)hex_write(digest, sizeof(digest), c->previous);
    return aws_equal(claimed, str_of(c->previous, sizeof(c->previous))) ? 0 : -EACCES;
}

static int check_chunk(struct aws_chunked *c)
{
    char text[512], hex[AWS_HEX_BYTES];
    uint8_t digest[AWS_DIGEST_BYTES];
    int ok = EVP_DigestFinal_ex(c->digest, digest, NULL);
    assert(ok == 1);
    (void)hex_write(digest, sizeof(digest), hex);
    int len = snprintf(text, sizeof(text),
                       "AWS4-HMAC-SHA256-PAYLOAD\n%s\n%s\n%.64s\n" EMPTY_SHA256 "\n%.64s", c->date,
                       c->scope, c->previous, hex);
    return check_signature(c, str_of(text, (size_t)len), str_of(c->claimed, sizeof(c->claimed)));
}

static bool parse_size(struct str text, uint64_t *ret_size)
{
    uint64_t size = 0;
    if (text.len == 0 || text.len > SIZE_DIGITS) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        int digit = hex_digit(text.data[i]);
        if (digit < 0 || size >> 59 != 0) {
            return false;
        }
        size = size << 4 | (uint64_t)digit;
    }
    *ret_size = size;
    return true;
}

static int begin_chunk(struct aws_chunked *c)
{
    struct str rest = str_of(c->line, c->line_len);
    struct str size = str_trim(str_cut(&rest, ';'));
    struct str name = str_cut(&rest, '=');
    c->line_len = 0;
    if (!parse_size(size, &c->left)) {
        return -EBADMSG;
    }
    if (c->is_signed) {
        if (!str_eq(str_trim(name), STR("chunk-signature")) || rest.len != AWS_HEX_BYTES) {
            return -EBADMSG;
        }
        memcpy(c->claimed, rest.data, rest.len);
        int ok = EVP_DigestInit_ex(c->digest, EVP_sha256(), NULL);
        assert(ok == 1);
    }
    if (c->left > 0) {
        return CHUNK_DATA;
    }
    int r = c->is_signed ? check_chunk(c) : 0;
    return r < 0 ? r : CHUNK_TRAILER;
}

/* The line at the end of c->trailer becomes a field, name\0value\0. */
static int take_field(struct aws_chunked *c)
{
    char *line = c->trailer.data + c->trailer_line;
    struct str value = str_of(line, c->trailer.len - c->trailer_line);
    struct str name = str_cut(&value, ':');
    value = str_trim(value);
    if (!http_is_token(name) || !value.data || !http_is_field_value(value)) {
        return -EBADMSG;
    }
    for (size_t i = 0; i < name.len; i++) {
        line[i] = (char)(line[i] >= 'A' && line[i] <= 'Z' ? line[i] + ('a' - 'A') : line[i]);
    }
    line[name.len] = '\0';
    memmove(line + name.len + 1, value.data, value.len);
    c->trailer.len = c->trailer_line + name.len + 1 + value.len;
    c->trailer_line = c->trailer.len + 1;
    c->signature_seen = c->signature_seen || str_eq(name, STR("x-amz-trailer-signature"));
    return buf_append(&c->trailer, str_of("", 1));
}

/* The signature is the last field, over those before it in their canonical form. */
static int check_trailer(struct aws_chunked *c)
{
    char text[512], hex[AWS_HEX_BYTES];
    uint8_t digest[AWS_DIGEST_BYTES];
    struct buf canonical;
    struct str rest = buf_str(&c->trailer), claimed = { NULL, 0 }, name, value;
    int r = 0;
    buf_init(&canonical, (size_t)2 * AWS_TRAILER_BYTES_MAX);
    while (r == 0 && http_block_next(&rest, &name, &value)) {
        if (str_eq(name, STR("x-amz-trailer-signature"))) {
            claimed = value;
        } else {
            r = buf_printf(&canonical, STR_FMT ":" STR_FMT "\n", STR_ARG(name), STR_ARG(value));
        }
    }
    aws_sha256(buf_str(&canonical), digest);
    buf_finish(&canonical);
    (void)hex_write(digest, sizeof(digest), hex);
    int len = snprintf(text, sizeof(text), "AWS4-HMAC-SHA256-TRAILER\n%s\n%s\n%.64s\n%.64s",
                       c->date, c->scope, c->previous, hex);
    return r < 0 ? -EBADMSG : check_signature(c, str_of(text, (size_t)len), claimed);
}

static int end_trailer_line(struct aws_chunked *c)
{
    if (c->trailer.len > c->trailer_line) {
        return take_field(c) < 0 ? -EBADMSG : CHUNK_TRAILER;
    }
    if (!c->is_signed || !c->has_trailer) {
        return CHUNK_END;
    }
    if (!c->signature_seen) {
        return CHUNK_TRAILER;
    }
    int r = check_trailer(c);
    return r < 0 ? r : CHUNK_END;
}

static int take_trailer(struct aws_chunked *c, char byte)
{
    /* Signed trailers are sent as AWS's examples have them: "name:value\n\r\n", an LF that belongs
     * to what is signed before the line's end. */
    if (byte == '\r') {
        return CHUNK_TRAILER_LF;
    }
    if (byte == '\n') {
        return end_trailer_line(c);
    }
    return buf_append(&c->trailer, str_of(&byte, 1)) < 0 ? -EBADMSG : CHUNK_TRAILER;
}

static int take_head(struct aws_chunked *c, char byte)
{
    if (byte == '\r') {
        return CHUNK_HEAD_LF;
    }
    if (c->line_len == sizeof(c->line) || !http_is_field_value(str_of(&byte, 1))) {
        return -EBADMSG;
    }
    c->line[c->line_len++] = byte;
    return CHUNK_HEAD;
}

static int end_data(struct aws_chunked *c)
{
    int r = c->is_signed ? check_chunk(c) : 0;
    return r < 0 ? r : CHUNK_HEAD;
}

/* The state after one byte that is no data, or negative. */
static int take_byte(struct aws_chunked *c, char byte)
{
    switch ((enum state)c->state) {
    case CHUNK_HEAD:
        return take_head(c, byte);
    case CHUNK_HEAD_LF:
        return byte == '\n' ? begin_chunk(c) : -EBADMSG;
    case CHUNK_DATA_CR:
        return byte == '\r' ? CHUNK_DATA_LF : -EBADMSG;
    case CHUNK_DATA_LF:
        return byte == '\n' ? end_data(c) : -EBADMSG;
    case CHUNK_TRAILER:
        return take_trailer(c, byte);
    case CHUNK_TRAILER_LF:
        return byte == '\n' ? end_trailer_line(c) : -EBADMSG;
    case CHUNK_DATA:
    case CHUNK_END:
        break;
    }
    return -EBADMSG; /* not reached: the caller handles data and the end */
}

static void take_data(struct aws_chunked *c, struct str *in, struct str *ret_data)
{
    size_t len = in->len < c->left ? in->len : (size_t)c->left;
    *ret_data = str_of(in->data, len);
    *in = str_skip(*in, len);
    c->left -= len;
    c->decoded += len;
    if (c->is_signed) {
        int ok = EVP_DigestUpdate(c->digest, ret_data->data, len);
        assert(ok == 1);
    }
    c->state = c->left > 0 ? CHUNK_DATA : CHUNK_DATA_CR;
}

int aws_chunked_decode(struct aws_chunked *c, struct str *in, struct str *ret_data)
{
    while (c->state != CHUNK_END && in->len > 0) {
        if (c->state == CHUNK_DATA) {
            take_data(c, in, ret_data);
            return AWS_CHUNKED_DATA;
        }
        int next = take_byte(c, in->data[0]);
        if (next < 0) {
            return next;
        }
        c->state = next;
        *in = str_skip(*in, 1);
    }
    if (c->state == CHUNK_END && in->len > 0) {
        return -EBADMSG; /* something behind the end */
    }
    return c->state == CHUNK_END ? AWS_CHUNKED_END : AWS_CHUNKED_MORE;
}
