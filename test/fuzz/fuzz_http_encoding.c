/* Encodings: whatever the client accepts and the function gave, an answer has one coding at most,
 * and what was compressed in pieces is the body again. The input is a byte for the pieces' size and
 * flags, a request's fields, an empty line, and the function's fields, which are the body, too.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <isa-l.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "http/http_block.h"
#include "http/http_encoding.h"
#include "http/http_gzip.h"
#include "http/http_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_reply(struct str fields, unsigned flags, bool accepted)
{
    struct http_encoding_input in = { .fields = fields,
                                      .whole = flags & 1,
                                      .body_length = flags & 1 ? 2000 : 0 };
    unsigned encoding = http_encoding_choose(&in, accepted);
    assert(accepted || !(encoding & HTTP_ENCODING_GZIP));
    assert(!(encoding & HTTP_ENCODING_GZIP) ||
           !http_block_find(fields, STR("content-encoding")).data);
    struct http_reply reply = { .status = 200,
                                .minor = 1,
                                .whole = in.whole,
                                .body_length = 100,
                                .fields = fields,
                                .encoding = encoding,
                                .date = STR("Sun, 06 Nov 1994 08:49:37 GMT") };
    struct buf out;
    buf_init(&out, MIB);
    if (http_reply_write(&out, &reply) == 0 && (encoding & HTTP_ENCODING_GZIP)) {
        assert(reply.framing == (in.whole ? HTTP_FRAMING_LENGTH : HTTP_FRAMING_CHUNKED));
        assert(!in.whole || reply.length == 100);
    }
    buf_finish(&out);
}

static void check_body(struct str body, size_t piece)
{
    struct http_gzip_tables *tables = http_gzip_tables_create();
    struct http_gzip z = { 0 };
    struct buf sent;
    buf_init(&sent, 16 * MIB);
    struct str rest = body;
    while (rest.len > 0) {
        struct str one = str_of(rest.data, rest.len < piece ? rest.len : piece);
        assert(buf_append(&sent, http_gzip_piece(tables, &z, one, false)) == 0);
        rest = str_skip(rest, one.len);
    }
    assert(buf_append(&sent, http_gzip_piece(tables, &z, STR(""), true)) == 0);
    struct inflate_state *state = calloc(1, sizeof(*state));
    uint8_t *back = malloc(body.len + 1);
    isal_inflate_init(state);
    state->crc_flag = ISAL_GZIP;
    state->next_in = (uint8_t *)sent.data;
    state->avail_in = (uint32_t)sent.len;
    state->next_out = back;
    state->avail_out = (uint32_t)body.len + 1;
    assert(isal_inflate(state) == ISAL_DECOMP_OK && state->block_state == ISAL_BLOCK_FINISH);
    assert(state->total_out == body.len && memcmp(back, body.data, body.len) == 0);
    free(back);
    free(state);
    buf_finish(&sent);
    http_gzip_tables_destroy(tables);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char line[] = "GET / HTTP/1.1\r\nHost: a\r\n";
    struct http_scan scan = { 0 };
    struct http_head head;
    if (size < 1) {
        return 0;
    }
    size_t len = sizeof(line) - 1 + size - 1;
    char *text = malloc(len);
    memcpy(text, line, sizeof(line) - 1);
    memcpy(text + sizeof(line) - 1, data + 1, size - 1);
    int end = http_head_scan(&scan, str_of(text, len));
    if (end > 0 && http_head_parse(text, (size_t)end, &head) == 0) {
        struct str fields = str_of(text + end, len - (size_t)end);
        check_reply(fields, data[0], http_encoding_accepts_gzip(&head));
        check_body(fields, (size_t)data[0] + 1);
    }
    free(text);
    return 0;
}
