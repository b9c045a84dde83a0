/* The memory that malloc holds for an instance: of bodies, objects, images, whatever Node.js keeps
 * outside of its own heap.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

struct instance_memory {
    bool is_busy; /* a request came since it was idle */
};

void instance_memory_open(struct instance_memory *m);
/* At each request. */
void instance_memory_use(struct instance_memory *m);
/* None has come for a while: what is free is given back. */
void instance_memory_idle(struct instance_memory *m);
