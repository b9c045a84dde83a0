/* SPDX-License-Identifier: Apache-2.0 */
#include "instance_memory.h"

#include <malloc.h>

#include "base/limits.h"

/* Free memory that malloc keeps, while requests come and else: with its own 128 KiB every
 * collection of a body's buffers would give them back to the kernel and every next one fetch them
 * again, page by page. */
#define KEEP_BYTES      (64 * MIB)
#define IDLE_KEEP_BYTES (8 * MIB)
/* From here on it is the kernel's each time. Lambda's payloads have 6 MB. */
#define MMAP_BYTES (8 * MIB)

static void set(int what, size_t bytes)
{
    (void)mallopt(what, (int)bytes); /* valid: never refused */
}

void instance_memory_open(struct instance_memory *m)
{
    *m = (struct instance_memory){ .is_busy = false };
    set(M_TRIM_THRESHOLD, IDLE_KEEP_BYTES);
    set(M_MMAP_THRESHOLD, MMAP_BYTES);
}

void instance_memory_use(struct instance_memory *m)
{
    if (!m->is_busy) {
        m->is_busy = true;
        set(M_TRIM_THRESHOLD, KEEP_BYTES);
    }
}

void instance_memory_idle(struct instance_memory *m)
{
    m->is_busy = false;
    set(M_TRIM_THRESHOLD, IDLE_KEEP_BYTES);
    if (mallinfo2().fordblks > IDLE_KEEP_BYTES) {
        (void)malloc_trim(0); /* nothing to trim is fine */
    }
}
