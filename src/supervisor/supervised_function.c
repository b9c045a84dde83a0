/* SPDX-License-Identifier: Apache-2.0 */
#include "supervisor/supervised_function.h"

#include <signal.h>
#include <stdlib.h>

#include "base/limits.h"
#include "sandbox/root.h"
#include "supervisor/dying_groups.h"

struct function *supervised_find(struct platform *p, uint64_t id)
{
    list_for_each (item, &p->functions) {
        struct function *f = list_entry(item, struct function, item);
        if (f->id == id) {
            return f;
        }
    }
    return NULL;
}

uid_t supervised_uid(const struct function *f)
{
    if (!f->platform->root) {
        return 0;
    }
    bool own = f->platform->features.bits & SANDBOX_USER_NAMESPACE;
    return own ? MAYFLY_UID_FUNCTION + f->plan.number : MAYFLY_UID_ZYGOTE;
}

struct cgroup_limits supervised_limits(const struct function *f)
{
    /* What it keeps in /tmp is charged to the group too, but is no memory of the function's; how
     * much of the sum its processes have taken is looked at by functions_check_memory() and
     * instances_check_memory(). */
    uint64_t mb = f->plan.memory_mb ? (uint64_t)f->plan.memory_mb + f->plan.tmp_mb : 0;
    return (struct cgroup_limits){ .memory_bytes = mb * MIB, .pids_max = f->plan.pids_max };
}

struct zygote *supervised_zygote(struct function *f)
{
    f->last_used_ms = uv_now(&f->platform->loop);
    list_for_each (item, &f->zygotes) {
        struct zygote *z = list_entry(item, struct zygote, item);
        if (z->state == ZYGOTE_READY) {
            return z;
        }
    }
    return NULL;
}

void supervised_kill_zygote(struct zygote *z)
{
    if (z->pid > 0) {
        (void)kill(z->pid, SIGKILL); /* our child and not reaped yet: the pid is still its */
    }
}

void supervised_free_removed(struct function *f)
{
    if (!f->removed || !list_is_empty(&f->zygotes) || f->instance_count > 0) {
        return;
    }
    root_scratch_remove_function(f->platform->options->base, f->folder);
    root_task_remove(f->platform->options->base, f->folder);
    dying_groups_remove(f->platform, f->group);
    list_remove(&f->item);
    scope_close_fd(&f->spec_fd);
    scope_close_fd(&f->output_fd);
    free(f);
}
