/* The buckets that a project's files declare: made when a build names them, with the versioning and
 * the CORS rules that it says. They stay when no build names them any more, for what is in them is
 * the user's. Their notifications are not stored: they are those of the manifest that is served.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "control/s3/s3_context.h"

/* The manifest that is served from now on (borrowed). */
void s3_declared_build(struct s3 *s3, const json_t *manifest);
