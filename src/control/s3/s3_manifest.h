/* What the manifest that is served says of buckets.
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "control/s3/s3_context.h"

/* All of a bucket, or NULL. Borrowed until the next build. */
const json_t *s3_manifest_bucket(const struct s3 *s3, struct str bucket);
/* Whether one of its notifications (`bucket` may be NULL) has that Id. */
bool s3_manifest_has_notification(const json_t *bucket, struct str id);
