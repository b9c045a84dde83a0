/* Whether EventBridge's connections and API destinations in a manifest's `events` are what
 * doc/events.md says they are.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "base/err.h"

/* EINVAL names the first thing that is wrong. */
int manifest_endpoints_check_connection(json_t *entry, struct err *err) MUST_USE;
/* `connections`: the list of them, for the one that it names. */
int manifest_endpoints_check(json_t *entry, json_t *connections, struct err *err) MUST_USE;
