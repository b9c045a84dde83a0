/* Metadata: whatever a head has comes back as a field's value, and means the same when it is sent
 * again.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdint.h>

#include "control/s3/s3_charset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_field(struct str told)
{
    for (size_t i = 0; i < told.len; i++) {
        assert(told.data[i] == '\t' || (told.data[i] >= ' ' && told.data[i] <= '~'));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf text, told, again;
    buf_init(&text, 2 * size + 64);
    buf_init(&told, 8 * size + 64);
    buf_init(&again, 16 * size + 128);
    assert(s3_charset_from_field(&text, str_of((const char *)data, size)) == 0);
    assert(s3_charset_put_word(&told, buf_str(&text)) == 0);
    check_field(buf_str(&told));
    /* What is plain may look like an encoded word, as it does at S3. */
    if (!str_eq(buf_str(&told), buf_str(&text))) {
        assert(s3_charset_from_field(&again, buf_str(&told)) == 0);
        assert(str_eq(buf_str(&again), buf_str(&text)));
    }
    buf_clear(&again);
    assert(s3_charset_to_latin1(&again, buf_str(&text)) >= 0);
    buf_finish(&text);
    buf_finish(&told);
    buf_finish(&again);
    return 0;
}
