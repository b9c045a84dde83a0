/* Writes jansson's values as JSON (RFC 8259), compact. jansson's own writer keeps a table of what
 * it is inside of, lest an object hold itself, and hands out every few bytes: it takes eight times
 * as long (doc/decisions/0013-json.md).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "base/scope.h"

/* The text, which the caller frees; NULL of NULL. What is no UTF-8 in a string becomes U+FFFD. The
 * value does not hold itself. */
char *json_write(const json_t *value) MUST_USE;
