/* Landlock: rights that a process takes from itself and its children, per instance and without
 * mounts. libc has no wrappers and Debian 12's kernel headers lack the scopes, so both are here.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/err.h"

/* The kernel's ABI version, 0 when there is no Landlock. 2: files whole (renames between folders);
 * 6: scopes. */
int landlock_abi(void);

#define LANDLOCK_ABI_FILES 2
#define LANDLOCK_ABI_SCOPE 6

/* No abstract socket that another sandbox or the host has bound, no signal to a process outside:
 * from the function's first line on, for all its processes. Needs no_new_privs, as the next does.
 */
int landlock_enter_function(struct err *err) MUST_USE;

enum landlock_flag {
    LANDLOCK_SCOPED = 1,    /* no signal to a process that is not this one's child */
    LANDLOCK_LISTS_ROOT = 2 /* / can be listed, and with it all below it that permissions allow */
};

/* All files of the sandbox but of those in /run only the ones in the folder `tmp_fd`; no tracing.
 * `flags` of enum landlock_flag. */
int landlock_enter_instance(int tmp_fd, unsigned flags, struct err *err) MUST_USE;
