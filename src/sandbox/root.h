/* The file system of sandboxes, prepared by the supervisor in its own mount namespace:
 *
 *   <base>/root            template of a sandbox's root: read-only binds of what Node and native modules
 *                          need (/usr, /lib*, certificates, zoneinfo, resolver files), the runtime at
 *                          /var/runtime, empty /var/task, /run/tmp, /proc, /dev with harmless devices,
 *                          /tmp -> /proc/self/fd/SANDBOX_TMP_FD
 *   <base>/scratch/<fn>    shared mount point below which each instance's /tmp (a bounded tmpfs) is
 *                          mounted; mounts made here later appear in the sandboxes at /run/tmp
 *   <base>/build           the builder's artifacts
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* The descriptor that is /tmp in each instance: a symlink leads through it. High, so that nobody
 * collides with it, and below the usual limit of 1024. */
#define SANDBOX_TMP_FD 1000

/* Makes <base> a private tmpfs and all of the above in it. `runtime` is the folder with js/ and
 * `addon` the file of the addon. The caller is in a mount namespace of its own. */
int root_create(const char *base, const char *runtime, const char *addon, struct err *err) MUST_USE;

int root_scratch_add_function(const char *base, const char *function, struct err *err) MUST_USE;
void root_scratch_remove_function(const char *base, const char *function);

/* Mounts a tmpfs of `tmp_mb`, owned by uid, at <base>/scratch/<function>/<name>. About 0.1 ms. */
int root_scratch_mount(const char *base, const char *function, const char *name, uint32_t tmp_mb,
                       uid_t uid, struct err *err) MUST_USE;
void root_scratch_unmount(const char *base, const char *function, const char *name);
