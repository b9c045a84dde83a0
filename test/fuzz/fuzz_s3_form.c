/* Forms: the same whole and byte by byte, and a file is a part of what was sent.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdint.h>

#include "control/s3/s3_form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int read_form(const uint8_t *data, size_t size, size_t step, struct buf *file,
                     struct buf *fields)
{
    struct s3_form f;
    struct str piece;
    int r = s3_form_init(&f, STR("multipart/form-data; boundary=\"xyz\""));
    assert(r == 0);
    for (size_t at = 0; r >= 0 && r != S3_FORM_END && at < size; at += step) {
        r = s3_form_feed(&f, str_of((const char *)data + at, size - at < step ? size - at : step));
        while (r >= 0 && (r = s3_form_next(&f, &piece)) == S3_FORM_FILE) {
            assert(buf_append(file, piece) == 0);
        }
    }
    assert(buf_append(fields, buf_str(&f.fields)) == 0);
    s3_form_finish(&f);
    return r < 0 ? -1 : r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf a, b, c, d;
    buf_init(&a, size);
    buf_init(&b, size);
    buf_init(&c, size + 65536);
    buf_init(&d, size + 65536);
    int whole = read_form(data, size, size + 1, &a, &c);
    int bytes = read_form(data, size, 1, &b, &d);
    /* What is malformed may be told earlier or later, but what ends well is the same. */
    if (whole == S3_FORM_END || bytes == S3_FORM_END) {
        assert(whole == bytes && str_eq(buf_str(&a), buf_str(&b)) &&
               str_eq(buf_str(&c), buf_str(&d)));
    }
    buf_finish(&a);
    buf_finish(&b);
    buf_finish(&c);
    buf_finish(&d);
    return 0;
}
