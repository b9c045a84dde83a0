/* A route as people write it: "/api/users/[id]" for "^/api/users/([^/]+?)/?$".
 *
 * Covers the patterns that the builder makes from platforms' conventions; of a pattern that a user
 * wrote by hand it shows what can be shown and a star for the rest. Where the manifest says what is
 * to be shown (doc/manifest.md), that is it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "base/str.h"

/* Writes "host/path", cut to `size`. Bytes are the project's: not safe for a terminal yet. */
void route_label_write(const json_t *route, char *ret_text, size_t size);
