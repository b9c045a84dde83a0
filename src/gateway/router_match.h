/* Matching one request against a router's routes; see router_find() in router.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "gateway/router.h"

/* Groups of a pattern that can be told; of one match, those of its path and its conditions. */
#define ROUTER_CAPTURES_MAX 64

/* The bucket of a literal path. */
size_t router_bucket(const struct router *r, struct str path);
