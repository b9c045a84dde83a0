/* Whether a policy is sound, in the words in which S3 says what is wrong.
 *
 * No I/O.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "base/str.h"

/* Why it is no policy for that bucket, a literal; NULL: it is one. */
const char *s3_policy_check(const json_t *policy, struct str bucket);
