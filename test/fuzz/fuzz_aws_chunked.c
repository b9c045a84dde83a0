/* Bodies in chunks: the same whole and byte by byte, and nothing comes out that did not go in.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "control/sign/aws_chunked.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int decode(const uint8_t *data, size_t size, size_t step, struct buf *out)
{
    struct aws_signed head = { .body = AWS_BODY_CHUNKS_UNSIGNED, .trailer = true };
    struct aws_chunked chunked;
    int r = AWS_CHUNKED_MORE;
    aws_chunked_init(&chunked, &head);
    for (size_t at = 0; r >= 0 && at < size; at += step) {
        struct str in = str_of((const char *)data + at, size - at < step ? size - at : step), piece;
        while ((r = aws_chunked_decode(&chunked, &in, &piece)) == AWS_CHUNKED_DATA) {
            assert(buf_append(out, piece) == 0);
        }
    }
    assert(r < 0 || chunked.decoded == out->len);
    aws_chunked_finish(&chunked);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole, bytes;
    buf_init(&whole, size);
    buf_init(&bytes, size);
    int a = decode(data, size, size + 1, &whole), b = decode(data, size, 1, &bytes);
    assert(a == b && str_eq(buf_str(&whole), buf_str(&bytes)));
    buf_finish(&whole);
    buf_finish(&bytes);
    return 0;
}
