/* The id maps of user namespaces, user_namespaces(7), and namespaces that exist for theirs alone:
 * what mount_setattr(2) wants for a mount in which files belong to other users than on disk.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

#include "base/err.h"

/* In the new user namespace of `pid` there is one user and one group, `inside`, which are `uid` and
 * `gid` of the namespace around it. 0 or what open(2) or write(2) said. */
int id_map_write(pid_t pid, uid_t inside, uid_t uid, gid_t gid) MUST_USE;

/* In the new user namespace of `pid` every user and group is who it is around it. For a root that
 * has them all: -EPERM where this namespace has fewer. */
int id_map_write_all(pid_t pid) MUST_USE;

/* Files of `uid` and `gid` on disk are seen as files of `seen` (user and group), and the other way
 * round; those of all others as nobody's. The caller is root and closes *ret_fd. About 0.2 ms. */
int id_map_create(uid_t uid, gid_t gid, uid_t seen, int *ret_fd, struct err *err) MUST_USE;
