/* Text from functions and clients is bytes: made safe for a terminal or for JSON on its way out.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "base/buf.h"

/* The character at the start of `s` (not empty); returns its length. What is no UTF-8 (cut short,
 * overlong, a surrogate) is U+FFFD of length 1. */
size_t utf8_next(struct str s, uint32_t *ret_character);

/* The bytes as text: at most three for one. */
int utf8_append_sound(struct buf *b, struct str s) MUST_USE;

/* The same, to be free()d. A text that was cut may end inside a character, and is no JSON then. */
char *utf8_copy_sound(struct str s);

/* The bytes as the inside of a JSON string, without the quotes. */
int utf8_append_json(struct buf *b, struct str s) MUST_USE;

enum utf8_colour { UTF8_COLOUR_DROP, UTF8_COLOUR_KEEP };

/* The bytes as a terminal may see them: control characters (also C1, and those that turn the
 * direction of writing) become visible escapes; a line break is followed by `indent`. Colours
 * (ESC [ ... m) are kept or dropped whole; kept ones are reset at the end. Trailing line breaks go.
 */
int utf8_append_terminal(struct buf *b, struct str s, const char *indent,
                         enum utf8_colour colour) MUST_USE;
