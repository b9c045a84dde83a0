/* Whether a manifest's `events` are what doc/events.md says they are: every member of the right
 * type and size, every function, endpoint, queue and bus that is named there. What a schedule's
 * expression or a pattern means is left to those who read it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "base/err.h"

/* `events` may be NULL: there are none. `functions` is the manifest's array, checked already.
 * EINVAL names the first thing that is wrong. */
int manifest_events_check(json_t *events, json_t *functions, struct err *err) MUST_USE;
