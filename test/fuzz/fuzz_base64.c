/* Base64 from outside: cursors, keys, digests, secrets. Any bytes come back from their text; what
 * is strict has one text for one value; what is taken stands for the same when it is written anew.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "control/sign/aws_digest.h"
#include "control/text/base64.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STRICT_BYTES_MAX 32 /* a key, a SHA-256 */

static void check_encoding(struct str bytes)
{
    size_t len;
    char *text = base64_encode(bytes);
    char *again = base64_decode(str_c(text), &len);
    assert(again && str_eq(str_of(again, len), bytes));
    free(again);
    free(text);
}

static void check_decoding(struct str text)
{
    size_t len;
    char *bytes = base64_decode(text, &len);
    if (bytes) {
        assert(bytes[len] == '\0' && len <= text.len);
        check_encoding(str_of(bytes, len));
    }
    free(bytes);
}

static void check_strict(struct str text, size_t count)
{
    uint8_t bytes[STRICT_BYTES_MAX];
    char again[AWS_BASE64_BYTES(STRICT_BYTES_MAX)];
    if (aws_base64_decode(text, bytes, count)) {
        assert(str_eq(aws_base64(bytes, count, again), text));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_of((const char *)data, size);
    check_encoding(text);
    check_decoding(text);
    for (size_t count = 1; count <= STRICT_BYTES_MAX; count++) {
        check_strict(text, count);
    }
    return 0;
}
