/* How much memory a process of a function's has, beside what its control group limits: that knows
 * only what was first touched in it, and is not everywhere.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/* What is not shared with a file or with other processes by shared memory; what an instance still
 * shares with its zygote counts, as it would on the function's own platform. 0 when it is gone. */
uint64_t own_memory_bytes(pid_t pid);
