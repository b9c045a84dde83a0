/* SPDX-License-Identifier: Apache-2.0 */
#include "supervisor/dying_groups.h"

#include "base/mem.h"

struct dying_group {
    struct list item;
    char *path; /* owned */
};

void dying_groups_remove(struct platform *p, const char *path)
{
    if (!cgroup_remove(p->cgroups, path)) {
        struct dying_group *dying = mem_new(struct dying_group);
        dying->path = mem_copy_str(str_c(path));
        list_push(&p->dying_groups, &dying->item);
    }
}

void dying_groups_sweep(struct platform *p)
{
    list_for_each (item, &p->dying_groups) {
        struct dying_group *dying = list_entry(item, struct dying_group, item);
        cgroup_kill(p->cgroups, dying->path);
        if (cgroup_remove(p->cgroups, dying->path)) {
            list_remove(&dying->item);
            free(dying->path);
            free(dying);
        }
    }
}
