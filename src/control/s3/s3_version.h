/* The ids of versions, as S3's clients see them. No I/O.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "store/store_objects.h"

#define S3_VERSION_TEXT 33

/* "null", or 32 hexadecimal digits. */
struct str s3_version_text(int64_t rank, uint64_t salt, unsigned flags,
                           char ret_text[S3_VERSION_TEXT]);
/* The version of a parameter "versionId"; false: it is none. Absent: the current one. */
bool s3_version_parse(struct str text, struct object_version *ret) MUST_USE;
