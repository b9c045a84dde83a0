/* Random bytes from the kernel, drawn many at a time for each thread: a draw costs a system call.
 * Not for processes that fork afterwards, whose children would share what is left.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#define CHANCE_BYTES_MAX 4096
#define UUID_BYTES       37 /* with its NUL */

/* `len` is at most CHANCE_BYTES_MAX. */
void chance_bytes(void *ret, size_t len);
/* A UUID of version 4 (RFC 9562, 5.4), as text. */
void chance_uuid(char ret[UUID_BYTES]);
