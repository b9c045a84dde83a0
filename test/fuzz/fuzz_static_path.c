/* Paths of files: decoding never leaves the folder and never writes past its buffer.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/static_files.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t room = size > 0 && data[0] < 128 ? data[0] + 1U : 4096;
    char *out = malloc(room);
    int len = static_path_decode(str_of((const char *)data, size), out, room);
    if (len >= 0) {
        assert((size_t)len < room && strlen(out) == (size_t)len && out[0] != '/');
        struct str rest = str_of(out, (size_t)len);
        while (rest.data && rest.len > 0) {
            struct str part = str_cut(&rest, '/');
            assert(part.len > 0 && !str_eq(part, STR("..")) && !str_eq(part, STR(".")));
        }
    }
    free(out);
    return 0;
}
