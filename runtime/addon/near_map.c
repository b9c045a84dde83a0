/* Where V8's heap lies. V8 asks for a random place for each piece of its heap, a quarter of a
 * megabyte, and so needs two or three page tables a piece: the tables are most of what a fork
 * copies, a third of what an instance costs, and a process's end takes them down one by one. The
 * base zygote is started with the addon preloaded, and this mmap64() in front of libc's has the
 * pieces follow each other. The first lies where V8 wants it, so the heap's place is still random.
 *
 * Only what V8 asks of the kernel changes, which was free to place it elsewhere all along.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/limits.h"

#define PIECE_BYTES ((size_t)256 * KIB)

/* V8 asks for so much more than it needs that an aligned part is in it, wherever it lies, and gives
 * back the rest. */
#define ALIGN_BYTES (PIECE_BYTES - 4096)

/* Node's addons and V8's other reservations, of gigabytes, are left where they are. */
#define LARGEST_BYTES (64 * MIB)

static void *near_place(void *wanted, size_t len)
{
    static _Atomic uintptr_t next;
    uintptr_t first = 0;
    size_t used = (len - ALIGN_BYTES + PIECE_BYTES - 1) / PIECE_BYTES * PIECE_BYTES;
    (void)atomic_compare_exchange_strong(&next, &first, (uintptr_t)wanted);
    return (void *)atomic_fetch_add(&next, used); /* NOLINT: a hint */
}

/* The names of libc's declaration are reserved. NOLINTNEXTLINE(readability-inconsistent-*) */
__attribute__((visibility("default"))) void *mmap64(void *at, size_t len, int protection, int flags,
                                                    int fd, off64_t offset)
{
    if (at && fd < 0 && !(flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) && len > ALIGN_BYTES &&
        len < LARGEST_BYTES) {
        at = near_place(at, len);
    }
    long r = syscall(SYS_mmap, at, len, protection, flags, fd, offset);
    return (void *)r; /* -1 is MAP_FAILED. NOLINT(performance-no-int-to-ptr) */
}
