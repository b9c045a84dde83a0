/* A set of ids (not 0), in memory that grows with it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct id_set {
    uint64_t *slots; /* owned; 0: free */
    size_t capacity; /* a power of two, or 0 */
    size_t count;
};

void id_set_finish(struct id_set *s); /* empties it */
bool id_set_has(const struct id_set *s, uint64_t id);
/* Adding and removing twice is fine. */
void id_set_add(struct id_set *s, uint64_t id);
void id_set_remove(struct id_set *s, uint64_t id);
