/* How much memory a function's processes have, beside what their control group limits: that knows
 * only what was first touched in it, and is not everywhere.
 *
 * Where no control group limits memory, a process counts together with all that it has started
 * (its descendants, and what is in its process group), else alone: the group has the others.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct own_process;

/* All processes, as they were at one moment. Owned by who looked. */
struct own_memory {
    struct own_process *processes; /* by pid; NULL: each counts alone */
    size_t count;
};

void own_memory_look(struct own_memory *ret);
void own_memory_finish(struct own_memory *m);

/* `pid` is one that own_memory_is_over() is asked of: what it has started is its own, and no more
 * that of who has started it. */
void own_memory_claim(struct own_memory *m, pid_t pid);

/* Whether it has more than `limit` bytes that are not shared with a file. What an instance still
 * shares with its zygote counts, as it would on the function's own platform; with others, only its
 * part. False when it is gone. */
bool own_memory_is_over(const struct own_memory *m, pid_t pid, uint64_t limit);
