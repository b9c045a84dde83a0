/* Patterns in which "*" stands for any text and "?" for one byte.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/str.h"

bool wildcard_matches(struct str pattern, struct str text);
/* Where the case of ASCII letters counts for nothing. */
bool wildcard_matches_nocase(struct str pattern, struct str text);
