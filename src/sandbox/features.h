/* What isolation this kernel and this user allow. Probed once at start by trying, never by version.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum sandbox_feature {
    SANDBOX_USER_NAMESPACE = 1 << 0,
    SANDBOX_MOUNT_NAMESPACE = 1 << 1, /* with pivot_root: a root of its own */
    SANDBOX_PID_NAMESPACE = 1 << 2,
    SANDBOX_IPC_NAMESPACE = 1 << 3,
    SANDBOX_UTS_NAMESPACE = 1 << 4,
    SANDBOX_CGROUP_NAMESPACE = 1 << 5,
    SANDBOX_PROC = 1 << 6,          /* a /proc of its own can be mounted */
    SANDBOX_SEPARATE_UIDS = 1 << 7, /* root: a uid a function */
    SANDBOX_SECCOMP = 1 << 8,
    SANDBOX_LANDLOCK_FS = 1 << 9,     /* Landlock for files */
    SANDBOX_LANDLOCK_SCOPE = 1 << 10, /* Landlock ABI 6: signals and abstract sockets */
    SANDBOX_MEMORY_LIMIT = 1 << 11,   /* a memory controller that we may use */
    SANDBOX_PIDS_LIMIT = 1 << 12,
    SANDBOX_CPU_SHARE = 1 << 13,
    SANDBOX_FEATURE_COUNT = 14
};

struct sandbox_feature_state {
    bool available;
    char reason[160]; /* why not, and what to do about it; "" when available */
};

struct sandbox_features {
    uint32_t bits; /* of enum sandbox_feature */
    struct sandbox_feature_state states[SANDBOX_FEATURE_COUNT];
};

/* Tries each in a child process. Takes some milliseconds; leaves nothing behind. */
void features_probe(struct sandbox_features *ret);

/* A feature's short name ("user namespace") and what is lost without it, for `mayfly doctor`. */
const char *features_name(enum sandbox_feature feature);
const char *features_loss(enum sandbox_feature feature);

/* Whether functions are isolated from each other and from the user's files. Without, the platform
 * still runs, and says so loudly. */
bool features_is_isolated(uint32_t bits);
