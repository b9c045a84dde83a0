/* Mounting, with what user namespaces make difficult taken care of.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/err.h"

enum mounts_restriction {
    MOUNTS_READ_ONLY = 1 << 0,
    MOUNTS_NO_DEVICES = 1 << 1,
    MOUNTS_NO_SUID = 1 << 2,
    MOUNTS_NO_EXEC = 1 << 3
};

/* Takes rights from the mount at `path` and, where the kernel can (mount_setattr, Linux 5.12), from
 * all below it. Never gives any back: flags that a user namespace has locked stay. */
int mounts_restrict(const char *path, unsigned restrictions, struct err *err) MUST_USE;

/* The same for the mount at `path` alone; what is mounted below it keeps its rights. */
int mounts_restrict_one(const char *path, unsigned restrictions, struct err *err) MUST_USE;

/* Binds `source` with all below it to `target`, which must exist, and restricts it. */
int mounts_bind(const char *source, const char *target, unsigned restrictions,
                struct err *err) MUST_USE;

/* Binds the open folder `source`, without what is mounted below it, to `target`, with the users of
 * its files mapped as the user namespace `namespace` says (id_map_create). EINVAL, ENOSYS where the
 * file system or the kernel (before 5.12) cannot. */
int mounts_bind_mapped(int source, const char *target, unsigned restrictions, int namespace,
                       struct err *err) MUST_USE;

/* Makes the mount point for `source` (a folder for a folder, else an empty file), then binds. */
int mounts_bind_new(const char *source, const char *target, unsigned restrictions,
                    struct err *err) MUST_USE;

/* mkdir with all parents; existing folders are fine. */
int mounts_make_folders(const char *path, unsigned mode, struct err *err) MUST_USE;
