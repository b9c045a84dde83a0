/* What is said of a pattern that is no JSON object, in the words of Jackson, by which AWS reads
 * patterns: what, and where.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"

/* Appends it, as far as the buffer takes it. False: it is one. */
bool pattern_syntax_fault(struct str text, struct buf *out);

/* " at [Source: ...]" for one that is: so many bytes of it had been read when something was wrong.
 */
int pattern_syntax_append_place(struct buf *out, struct str text, size_t read) MUST_USE;
