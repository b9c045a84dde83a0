/* The path of a request's target as URL parsers see it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/str.h"

/* Whether the path may have dot segments: most have not, and finding out is cheap. */
static inline bool http_target_may_have_dots(struct str target)
{
    return memmem(target.data, target.len, "/.", 2) || memmem(target.data, target.len, "/%2", 3);
}

/* Resolves "." and "..", which may be written "%2e", in a target that begins with '/': RFC 3986
 * 5.2.4 as the URL standard has it. In place; returns the length that is left. The query stays. */
size_t http_target_remove_dots(char *target, size_t len);
