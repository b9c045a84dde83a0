/* Allocation that aborts instead of returning NULL: the supervisor restarts the process. A size
 * that comes from outside is first checked against a named limit.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "base/str.h"

void *mem_alloc(size_t size); /* zeroed */
void *mem_resize(void *p, size_t count, size_t size);
char *mem_copy_str(struct str s); /* NUL-terminated copy; the caller frees */

#define mem_new(type) ((type *)mem_alloc(sizeof(type)))
