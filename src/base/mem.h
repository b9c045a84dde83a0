/* Allocation that aborts instead of returning NULL: the supervisor restarts the process. A size
 * that comes from outside is first checked against a named limit.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "base/str.h"

/* What there is no memory for: says so, and aborts. For libraries that return NULL. */
__attribute__((noreturn)) void mem_fail(void);

void *mem_alloc(size_t size); /* zeroed */
void *mem_resize(void *p, size_t count, size_t size);
char *mem_copy_str(struct str s); /* NUL-terminated copy; the caller frees */

/* As printf(3); the caller frees. */
__attribute__((format(printf, 1, 2))) char *mem_format(const char *fmt, ...);

#define mem_new(type) ((type *)mem_alloc(sizeof(type)))
