/* A byte of flags, then JSON: json_read() takes what jansson takes, as the same value, and refuses
 * what it refuses; json_is_sound() says which. What json_write() makes of the value is that value.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "control/text/json_read.h"
#include "control/text/json_write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_written(const json_t *value)
{
    char *text = json_write(value);
    json_t *again = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    assert(json_equal(value, again));
    json_decref(again);
    free(text);
}

static size_t flags_of(uint8_t byte)
{
    return (byte & 1 ? JSON_DECODE_ANY : 0) | (byte & 2 ? JSON_ALLOW_NUL : 0) |
           (byte & 4 ? JSON_DECODE_INT_AS_REAL : 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) {
        return 0;
    }
    size_t flags = flags_of(data[0]);
    struct str text = str_of((const char *)data + 1, size - 1);
    /* jansson 2.14 overlooks a NUL behind a number that is to be real. */
    bool has_nul = str_find(text, '\0') < text.len;
    json_t *expected = has_nul ? NULL : json_loadb(text.data, text.len, flags, NULL);
    json_t *value = json_read(text, flags);
    assert(!value == !expected);
    assert(!value || json_equal(value, expected));
    assert(json_is_sound(text, flags) == (value != NULL));
    if (value) {
        check_written(value);
    }
    json_decref(value);
    json_decref(expected);
    return 0;
}
