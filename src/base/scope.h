/* Scoped ownership: what a function acquires and may abandon is `scoped_`, what it hands on leaves
 * through `take_`. Cleanup runs in reverse order of declaration and preserves errno.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define SCOPED(cleanup_fn) __attribute__((cleanup(cleanup_fn)))
#define MUST_USE           __attribute__((warn_unused_result))
#define PRINTF(fmt, args)  __attribute__((format(printf, fmt, args)))

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))
#define ARRAY_COUNT(a)                  (sizeof(a) / sizeof((a)[0]))

/* Defines foo_scope(), the cleanup handler for a `struct foo *`. */
#define DEFINE_SCOPED(name)                                                                        \
    static inline void name##_scope(struct name **p)                                               \
    {                                                                                              \
        int saved_errno = errno;                                                                   \
        name##_destroy(*p);                                                                        \
        errno = saved_errno;                                                                       \
    }

static inline void scope_close_fd(int *fd)
{
    if (*fd >= 0) {
        int saved_errno = errno;
        (void)close(*fd); /* never retried: Linux has released the number even after EINTR */
        errno = saved_errno;
    }
}

static inline void scope_free(void *p)
{
    int saved_errno = errno;
    free(*(void **)p);
    errno = saved_errno;
}

#define scoped_fd   SCOPED(scope_close_fd)
#define scoped_free SCOPED(scope_free)

static inline int take_fd(int *fd)
{
    int taken = *fd;
    *fd = -1;
    return taken;
}

#define take_ptr(p)                                                                                \
    ({                                                                                             \
        __typeof__(p) *take_at = &(p);                                                             \
        __typeof__(p) taken = *take_at;                                                            \
        *take_at = NULL;                                                                           \
        taken;                                                                                     \
    })
