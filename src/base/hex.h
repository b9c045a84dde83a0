/* Hexadecimal digits, two a byte.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/str.h"

/* The digit's value, of either case; -1: it is none. */
int hex_digit(char c);
/* Lower case; no NUL is added. Returns what follows the last digit. */
char *hex_write(const uint8_t *bytes, size_t count, char *ret_text);
/* False unless `text` is exactly 2 * count digits, of either case. */
bool hex_read(struct str text, uint8_t *ret_bytes, size_t count) MUST_USE;
