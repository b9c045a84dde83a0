/* Control groups: one a function (its zygote and the sum), one an instance below it. Version 2 where it has
 * the controllers, else version 1, each controller where it is; as an ordinary user in a delegated
 * subtree. Where there is none, calls succeed and do nothing, and features_probe() has said so.
 *
 * Supervisor only, on its loop's thread. Directories are named mayfly-<supervisor pid>/<function>/<instance>,
 * so that what a killed supervisor left can be found and removed.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct cgroups; /* where each controller is, opened once */

struct cgroup_limits {
    uint64_t memory_bytes; /* 0: none */
    uint32_t pids_max;     /* 0: none */
};

/* `name` is the platform's own group, unique on the machine. */
int cgroups_open(const char *name, struct cgroups **ret, struct err *err) MUST_USE;
/* Kills what is left in it and removes every group. */
void cgroups_destroy(struct cgroups *c);
/* Removes the groups of platforms whose supervisor is gone. */
void cgroups_sweep(void);

/* `path`: "api@3" or "api@3/17". 60-200 us. */
int cgroup_create(struct cgroups *c, const char *path, const struct cgroup_limits *limits,
                  struct err *err) MUST_USE;
int cgroup_add(struct cgroups *c, const char *path, pid_t pid) MUST_USE; /* about 60 us */
/* SIGKILL to all in it, descendants that escaped their session included. */
void cgroup_kill(struct cgroups *c, const char *path);
/* Removes it; true when done, false when processes are still dying in it (call again). */
bool cgroup_remove(struct cgroups *c, const char *path);

struct cgroup_usage {
    uint64_t memory_peak_bytes;
    uint64_t oom_kills; /* how often the kernel killed for memory */
};
void cgroup_read(struct cgroups *c, const char *path, struct cgroup_usage *ret);
