/* Whether a manifest is one (doc/manifest.md). A project's files shape it, so nothing in it is
 * trusted: what is checked here may be relied upon behind.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "base/err.h"

/* EINVAL names the first thing that is wrong. */
int manifest_check(json_t *manifest, struct err *err) MUST_USE;
