/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_version.h"

#include <stdio.h>

#include "base/hex.h"

struct str s3_version_text(int64_t rank, uint64_t salt, unsigned flags,
                           char ret_text[S3_VERSION_TEXT])
{
    if (flags & OBJECT_NULL_VERSION) {
        return STR("null");
    }
    (void)snprintf(ret_text, S3_VERSION_TEXT, "%016llx%016llx", 0 - (unsigned long long)rank,
                   (unsigned long long)salt); /* fits */
    return str_of(ret_text, S3_VERSION_TEXT - 1);
}

static bool parse_hex(struct str text, uint64_t *ret)
{
    uint8_t bytes[8];
    if (!hex_read(text, bytes, sizeof(bytes))) {
        return false;
    }
    *ret = 0;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        *ret = *ret << 8 | bytes[i];
    }
    return true;
}

bool s3_version_parse(struct str text, struct object_version *ret)
{
    uint64_t rank, salt;
    *ret = (struct object_version){ .which = VERSION_CURRENT };
    if (!text.data) {
        return true;
    }
    if (str_eq(text, STR("null"))) {
        ret->which = VERSION_NULL;
        return true;
    }
    if (text.len != S3_VERSION_TEXT - 1 || !parse_hex(str_of(text.data, 16), &rank) ||
        !parse_hex(str_skip(text, 16), &salt)) {
        return false;
    }
    *ret = (struct object_version){ VERSION_EXACT, (int64_t)(0 - rank), salt };
    char as_told[S3_VERSION_TEXT]; /* an id has one spelling */
    return str_eq(text, s3_version_text(ret->rank, ret->salt, 0, as_told));
}
