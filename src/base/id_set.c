/* Open addressing with linear probing; a removal moves up what lay behind, so that there are no
 * tombstones.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/id_set.h"

#include <stdlib.h>

#include "base/mem.h"

#define FIRST_CAPACITY 16

static size_t home(const struct id_set *s, uint64_t id)
{
    return (size_t)(id * 0x9e3779b97f4a7c15u >> 32) & (s->capacity - 1);
}

/* Where the id is, or would be put. */
static size_t find(const struct id_set *s, uint64_t id)
{
    size_t at = home(s, id);
    while (s->slots[at] != 0 && s->slots[at] != id) {
        at = (at + 1) & (s->capacity - 1);
    }
    return at;
}

void id_set_finish(struct id_set *s)
{
    free(s->slots);
    *s = (struct id_set){ 0 };
}

bool id_set_has(const struct id_set *s, uint64_t id)
{
    return s->count > 0 && s->slots[find(s, id)] == id;
}

static void grow(struct id_set *s)
{
    struct id_set old = *s;
    s->capacity = old.capacity ? old.capacity * 2 : FIRST_CAPACITY;
    s->slots = mem_alloc(s->capacity * sizeof(*s->slots));
    for (size_t i = 0; i < old.capacity; i++) {
        if (old.slots[i] != 0) {
            s->slots[find(s, old.slots[i])] = old.slots[i];
        }
    }
    free(old.slots);
}

void id_set_add(struct id_set *s, uint64_t id)
{
    if (s->count * 2 >= s->capacity) {
        grow(s);
    }
    size_t at = find(s, id);
    s->count += s->slots[at] == 0;
    s->slots[at] = id;
}

void id_set_remove(struct id_set *s, uint64_t id)
{
    if (!id_set_has(s, id)) {
        return;
    }
    size_t mask = s->capacity - 1;
    size_t hole = find(s, id);
    for (size_t at = (hole + 1) & mask; s->slots[at] != 0; at = (at + 1) & mask) {
        /* It may move into the hole unless its home lies behind the hole. */
        if (((at - home(s, s->slots[at])) & mask) >= ((at - hole) & mask)) {
            s->slots[hole] = s->slots[at];
            hole = at;
        }
    }
    s->slots[hole] = 0;
    s->count--;
}
