/* Targets that the project's files declare, in the words of AWS's APIs, which show them.
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "control/services.h"

#define DECLARED_TARGET_ARN_BYTES 512

/* Where `target` leads, which it does to what is here. */
void declared_target_arn(const struct services *s, const json_t *target, const char *region,
                         char ret[DECLARED_TARGET_ARN_BYTES]);

/* `target` as event_target.h says. Retries are left out where they are those that AWS has unless it
 * is told otherwise. A new reference. */
json_t *declared_target(const struct services *s, const json_t *target, const char *region);
