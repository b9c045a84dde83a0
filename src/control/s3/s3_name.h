/* Which names buckets and keys may have.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/limits.h"
#include "base/str.h"

#define S3_KEY_BYTES_MAX KIB

bool s3_name_is_bucket(struct str name);
/* Keys are UTF-8. */
bool s3_name_is_utf8(struct str text);
