/* Where control groups can be made: which hierarchies are mounted, where we are in them, and which
 * folder there takes a group of ours with the controllers it needs.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

enum cgroup_controller { CGROUP_MEMORY = 1 << 0, CGROUP_PIDS = 1 << 1, CGROUP_CPU = 1 << 2 };

#define CGROUP_HIERARCHIES_MAX 3

/* Where version 2 puts the processes of a group that gets groups. */
#define CGROUP_PLACE_LEAF "mayfly-leaf"

struct cgroup_hierarchy {
    bool unified;         /* version 2 */
    unsigned controllers; /* those that it is for, of enum cgroup_controller */
    char own[PATH_MAX];   /* the folder of our own group */
    char leaf[PATH_MAX]; /* where own's processes were moved to so that it may have groups, or "" */
    char parent[PATH_MAX]; /* where ours are made */
};

/* Fills `ret` and returns how many. Version 2 with a controller wins over version 1. Changes
 * nothing. */
size_t cgroup_place_find(struct cgroup_hierarchy ret[CGROUP_HIERARCHIES_MAX]);

/* Decides on h->parent and makes it hand its controllers to groups in it; may move our group's
 * processes into a leaf, because version 2 lets only leaves have processes. Returns -errno, with
 * nothing changed, when there is no such place. */
int cgroup_place_prepare(struct cgroup_hierarchy *h);

/* Undoes what cgroup_place_prepare did to our own group. */
void cgroup_place_restore(struct cgroup_hierarchy *h);

/* Version 2: groups in `folder` get these controllers. */
int cgroup_place_enable(const char *folder, unsigned controllers);

/* Makes a group; -EEXIST: it is there. A signal that waits lets this or a limit fail with EINTR,
 * whatever SA_RESTART says, and that of a child that has ended may come at any time: then it is
 * tried again. */
int cgroup_place_make(const char *folder);
/* Writes a short text to <folder>/<file>, or reads one (cut to size, NUL-terminated, "" on
 * failure). */
int cgroup_place_write(const char *folder, const char *file, const char *text);
int cgroup_place_read(const char *folder, const char *file, char *ret, size_t size);
