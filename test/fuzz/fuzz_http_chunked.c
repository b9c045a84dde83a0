/* Chunked bodies: the same data and the same end whole and byte by byte.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/http_chunked.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    char *body;
    size_t len;
    size_t used;
    int r;
};

static struct outcome decode(const uint8_t *data, size_t size, size_t step)
{
    struct outcome o = { .body = malloc(size + 1) };
    struct http_chunked c = { 0 };
    while (o.used < size && o.r >= 0 && o.r != HTTP_CHUNKED_END) {
        size_t left = size - o.used;
        struct str in = str_of((const char *)data + o.used, left < step ? left : step);
        size_t before = in.len;
        do {
            struct str piece = { 0 };
            o.r = http_chunked_decode(&c, &in, &piece);
            if (o.r == HTTP_CHUNKED_DATA) {
                memcpy(o.body + o.len, piece.data, piece.len);
                o.len += piece.len;
            }
        } while (o.r == HTTP_CHUNKED_DATA);
        o.used += before - in.len;
    }
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct outcome whole = decode(data, size, SIZE_MAX);
    struct outcome bytes = decode(data, size, 1);
    assert(whole.r == bytes.r && whole.len == bytes.len);
    assert(memcmp(whole.body, bytes.body, whole.len) == 0);
    assert(whole.r != HTTP_CHUNKED_END || whole.used == bytes.used);
    free(whole.body);
    free(bytes.body);
    return 0;
}
