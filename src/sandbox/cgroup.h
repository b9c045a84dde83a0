/* Control groups: one a function (its zygote and the sum), one an instance below it. They limit
 * memory and processes, and share out busy processors: as much for all functions together as for
 * the platform, as much for one as for another (decision 14).
 *
 * Version 2 where it has the controllers, else version 1, each controller where it is; as an
 * ordinary user in a delegated subtree. Where there is none, calls succeed and do nothing, and
 * features_probe() has said so.
 *
 * Supervisor only, on its loop's thread. Folders are named <name>/<function>/<instance>, below or
 * (version 2, not delegated) beside the supervisor's own group, locked while it lives, so that what
 * a killed supervisor left can be found and removed.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct cgroups; /* where each controller is, opened once */

struct cgroup_limits {
    uint64_t memory_bytes; /* 0: none. Swap is never granted beside it */
    uint32_t pids_max;     /* 0: none */
};

/* `name` is the platform's own group, "mayfly-" and something unique on the machine. Version 2: may
 * move the processes of our own group into a leaf of it, where it is ours to divide. */
int cgroups_open(const char *name, struct cgroups **ret, struct err *err) MUST_USE;
/* Kills what is left in it and removes every group; waits up to a second for the dying. */
void cgroups_destroy(struct cgroups *c);
/* Removes the groups of platforms whose supervisor is gone, with all that runs in them. */
void cgroups_sweep(void);

enum cgroups_limit {
    CGROUPS_MEMORY = 1 << 0,
    CGROUPS_PIDS = 1 << 1,
    CGROUPS_CPU = 1 << 2 /* no limit: each group has its share of busy processors */
};
/* What holds here, of enum cgroups_limit. */
unsigned cgroups_limits(const struct cgroups *c);

/* `path`: "api@3", where the limits are those of its own processes and not of the sum, or
 * "api@3/17". 60-200 us. */
int cgroup_create(struct cgroups *c, const char *path, const struct cgroup_limits *limits,
                  struct err *err) MUST_USE;
/* About 60 us. Returns -ESRCH when the process is gone, as for 0, which is nobody's. */
int cgroup_add(struct cgroups *c, const char *path, pid_t pid) MUST_USE;
/* SIGKILL to all in it, descendants that escaped their session included. It has a name: "" would be
 * all. */
void cgroup_kill(struct cgroups *c, const char *path);
/* Removes it; true when done, false when processes are still dying in it (call again). */
bool cgroup_remove(struct cgroups *c, const char *path);

struct cgroup_usage {
    uint64_t memory_peak_bytes; /* version 2 before Linux 5.19: of now */
    uint64_t oom_kills;         /* how often the kernel killed for memory, groups below included */
};
void cgroup_read(struct cgroups *c, const char *path, struct cgroup_usage *ret);
