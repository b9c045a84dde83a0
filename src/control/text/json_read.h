/* Reads JSON (RFC 8259) into jansson's values. jansson's own reader takes 25 to 80 ns a byte, which
 * for a payload of 6 MB is half a second of the loop: doc/decisions/0013-json.md. This one
 * takes and refuses what that one does, which test/fuzz/fuzz_json_read.c holds it to.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "base/str.h"

/* The value, or NULL if it is not sound: also for what jansson cannot hold (integers beyond 64
 * bits, numbers beyond doubles, NUL in a name) and for more than JSON_PARSER_MAX_DEPTH in one
 * another. Flags are jansson's: JSON_DECODE_ANY, JSON_ALLOW_NUL, JSON_DECODE_INT_AS_REAL. */
json_t *json_read(struct str text, size_t flags) MUST_USE;

/* Whether json_read() would return a value, without the memory for it. */
bool json_is_sound(struct str text, size_t flags) MUST_USE;
