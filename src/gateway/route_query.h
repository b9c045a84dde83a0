/* Queries, "a=1&b=2", pair by pair and as they are written.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/buf.h"

/* Appends what `query` has and `other` does not name, each pair with a `separator` before it, which
 * is '&' from then on. 0, or what buf_append() says. */
int route_query_append(struct buf *out, struct str query, struct str other,
                       const char **in_out_separator) MUST_USE;
