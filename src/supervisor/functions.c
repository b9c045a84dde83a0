/* SPDX-License-Identifier: Apache-2.0 */
#include "supervisor/functions.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "sandbox/enter.h"
#include "sandbox/id_map.h"
#include "sandbox/root.h"
#include "supervisor/dying_groups.h"
#include "supervisor/instances.h"
#include "supervisor/roles.h"

/* ready: NULL if it has failed */
static void function_report(struct function *f, const struct message_zygote_ready *ready)
{
    if (f->reported) {
        return;
    }
    f->reported = true;
    struct message_function_loaded loaded = { .type = MESSAGE_FUNCTION_LOADED,
                                              .function = f->id,
                                              .failed = ready == NULL };
    if (ready) {
        loaded.snapshot = ready->snapshot;
        loaded.load_ms = ready->load_ms;
        loaded.unloaded = ready->unloaded;
        memcpy(loaded.unloaded_text, ready->unloaded_text, sizeof(loaded.unloaded_text));
    }
    memcpy(loaded.text, f->reason, sizeof(loaded.text));
    roles_tell_control(f->platform, &loaded, NULL, 0);
}

static void function_failed(struct function *f, const char *reason)
{
    f->state = FUNCTION_FAILED;
    (void)snprintf(f->reason, sizeof(f->reason), "%s", reason);
    function_report(f, NULL);
    instances_function_failed(f);
}

/* ---- zygotes ---- */

static void zygote_free_when_closed(struct zygote *z)
{
    if (--z->closing_handles == 0) {
        free(z);
    }
}

static void zygote_link_closed(struct link *link)
{
    zygote_free_when_closed(container_of(link, struct zygote, link));
}

static void zygote_deadline_closed(uv_handle_t *handle)
{
    zygote_free_when_closed(container_of((uv_timer_t *)handle, struct zygote, deadline));
}

static void zygote_destroy(struct zygote *z)
{
    if (z->closing) {
        return;
    }
    z->closing = true;
    list_remove(&z->item);
    dying_groups_remove(z->function->platform, z->group);
    z->closing_handles = 1 + z->linked;
    if (z->linked) {
        link_close(&z->link, zygote_link_closed);
    }
    uv_close((uv_handle_t *)&z->deadline, zygote_deadline_closed);
}

/* It is dead, or as good as dead. */
static void zygote_gone(struct zygote *z, int wait_status, const char *reason)
{
    struct function *f = z->function;
    bool loading = z->state == ZYGOTE_STARTING || z->state == ZYGOTE_LOADING;
    supervised_kill_zygote(z);
    instances_zygote_gone(z, wait_status);
    zygote_destroy(z);
    if (f->removed) {
        supervised_free_removed(f);
    } else if (loading) {
        function_failed(f, reason);
    } else if (list_is_empty(&f->zygotes)) {
        f->state = FUNCTION_ABSENT;
    }
}

static void zygote_entering(struct zygote *z, const struct message_zygote_entering *entering,
                            pid_t pid)
{
    struct function *f = z->function;
    if (entering->pid_one) {
        z->pid = pid;
        z->state = ZYGOTE_LOADING;
    } else {
        struct message_zygote_mapped mapped = { .type = MESSAGE_ZYGOTE_MAPPED };
        int r = cgroup_add(f->platform->cgroups, z->group, pid);
        if (r == 0 && f->platform->features.bits & SANDBOX_USER_NAMESPACE) {
            uid_t uid = supervised_uid(f);
            r = id_map_write(pid, SANDBOX_UID, uid, uid);
        }
        if (r < 0) {
            log_error("confine %s: %s", f->plan.name, strerror(-r));
            mapped.failed = 1;
        }
        (void)link_send(&z->link, &mapped, NULL, 0); /* a dead peer is seen by the link */
    }
}

/* What it has started stays behind, limited as it was. It itself must not, if it is forked: what
 * each instance uses before it is moved would add up there. */
static void zygote_leave_group(struct zygote *z)
{
    struct function *f = z->function;
    int r = f->snapshot ? cgroup_add(f->platform->cgroups, f->group, z->pid) : 0;
    if (r < 0 && r != -ESRCH) {
        log_warning("limit %s: %s", f->plan.name, strerror(-r));
    }
}

static void load_for_waiting(struct function *f);

static void zygote_ready(struct zygote *z, const struct message_zygote_ready *ready)
{
    struct function *f = z->function;
    (void)uv_timer_stop(&z->deadline); /* cannot fail */
    z->state = ZYGOTE_READY;
    f->state = FUNCTION_READY;
    f->snapshot = ready->snapshot;
    (void)snprintf(f->reason, sizeof(f->reason), "%s", ready->snapshot ? "" : ready->text);
    function_report(f, ready);
    instances_zygote_ready(f);
    load_for_waiting(f);
    zygote_leave_group(z);
    instances_prepare(f);
}

static void zygote_message(struct link *link, const union message *m, struct ipc_received *received)
{
    struct zygote *z = container_of(link, struct zygote, link);
    switch ((enum message_type)m->type) {
    case MESSAGE_ZYGOTE_ENTERING:
        if (z->state == ZYGOTE_STARTING) {
            zygote_entering(z, &m->zygote_entering, received->pid);
        }
        break;
    case MESSAGE_ZYGOTE_READY:
        if (z->state == ZYGOTE_LOADING) {
            zygote_ready(z, &m->zygote_ready);
        }
        break;
    case MESSAGE_ZYGOTE_FAILED:
        zygote_gone(z, 0, m->zygote_failed.text);
        break;
    case MESSAGE_ZYGOTE_HELLO:
        instances_hello(z, m->zygote_hello.instance, received);
        break;
    case MESSAGE_ZYGOTE_EXITED:
        instances_exited(z, m->zygote_exited.instance, m->zygote_exited.wait_status);
        break;
    default: /* the table of messages lets nothing else through */
        break;
    }
}

static void zygote_link_gone(struct link *link, int why)
{
    struct zygote *z = container_of(link, struct zygote, link);
    if (z->state == ZYGOTE_IS_INSTANCE) {
        return; /* an instance has no link; its end is seen by its pid */
    }
    if (why < 0) {
        log_warning("%s %s (%s) and is ended", z->function->plan.name, link_fault(why),
                    strerror(-why));
    }
    if (z->pid == 0) {
        zygote_gone(z, 0, "its sandbox could not be entered");
    } else {
        supervised_kill_zygote(z); /* the rest follows when it is reaped, with its status */
    }
}

static void zygote_await_load(uv_timer_t *timer)
{
    struct zygote *z = container_of(timer, struct zygote, deadline);
    uint64_t left_ms = load_time_left_ms(&z->load, uv_now(timer->loop));
    if (left_ms > 0) {
        (void)uv_timer_start(&z->deadline, zygote_await_load, left_ms, 0); /* cannot fail */
        return;
    }
    char text[MESSAGE_TEXT_MAX];
    (void)snprintf(text, sizeof(text),
                   "it did not finish loading within %d seconds: is there an endless loop, or a "
                   "top-level await that never settles?",
                   LIMIT_LOAD_MS / 1000);
    zygote_gone(z, 0, text);
}

static int zygote_send_start(struct zygote *z, int peer_fd)
{
    struct function *f = z->function;
    struct message_zygote_start start = { .type = MESSAGE_ZYGOTE_START,
                                          .function = f->id,
                                          .snapshot = f->snapshot,
                                          .plan = f->plan,
                                          .isolation = f->platform->features.bits };
    const char *base = f->platform->options->base;
    (void)snprintf(start.root, sizeof(start.root), "%s/root", base);
    (void)snprintf(start.scratch, sizeof(start.scratch), "%s/scratch/%s", base, f->folder);
    int fds[3] = { f->spec_fd, peer_fd, f->output_fd };
    return roles_ask_base(f->platform, &start, fds, 3);
}

/* Connects a zygote and has the base zygote fork it. */
static int zygote_launch(struct zygote *z)
{
    struct platform *p = z->function->platform;
    int pair[2];
    int r = ipc_pair(pair);
    if (r < 0) {
        return r;
    }
    const struct link_ends ends = { ROLE_SUPERVISOR, ROLE_FUNCTION_ZYGOTE, zygote_message,
                                    zygote_link_gone };
    r = link_open(&z->link, &p->loop, pair[0], &ends);
    if (r == 0) {
        z->linked = true;
        ipc_tell_sender(z->link.fd);
        load_time_begin(&z->load, &p->pressure, uv_now(&p->loop));
        zygote_await_load(&z->deadline);
        r = zygote_send_start(z, pair[1]);
    }
    (void)close(pair[1]);
    return r;
}

static int zygote_make_group(struct zygote *z, struct err *err)
{
    struct function *f = z->function;
    (void)snprintf(z->group, sizeof(z->group), "%s/load-%llu", f->group,
                   (unsigned long long)++f->platform->last_zygote);
    struct cgroup_limits limits = supervised_limits(f);
    return cgroup_create(f->platform->cgroups, z->group, &limits, err);
}

/* Begins a zygote; it waits if the base zygote is not ready yet. */
static void zygote_start(struct function *f)
{
    struct zygote *z = mem_new(struct zygote);
    struct err err = { 0 };
    z->function = f;
    list_push(&f->zygotes, &z->item);
    (void)uv_timer_init(&f->platform->loop, &z->deadline); /* cannot fail */
    if (zygote_make_group(z, &err) < 0) {
        zygote_gone(z, 0, err.text);
    } else if (roles_base_is_ready(f->platform) && zygote_launch(z) < 0) {
        zygote_gone(z, 0, "the base zygote could not be reached");
    }
}

static void function_load(struct function *f)
{
    f->state = FUNCTION_LOADING;
    zygote_start(f);
}

void functions_base_ready(struct platform *p)
{
    list_for_each (item, &p->functions) {
        struct function *f = list_entry(item, struct function, item);
        list_for_each (z_item, &f->zygotes) {
            struct zygote *z = list_entry(z_item, struct zygote, item);
            if (!z->linked && zygote_launch(z) < 0) {
                zygote_gone(z, 0, "the base zygote could not be reached");
            }
        }
    }
}

/* Where instances are not forked, each needs a zygote of its own. */
static void load_for_waiting(struct function *f)
{
    size_t waiting = instances_waiting(f);
    size_t loading = 0;
    list_for_each (item, &f->zygotes) {
        loading += list_entry(item, struct zygote, item)->state != ZYGOTE_IS_INSTANCE;
    }
    if (waiting > 0 && (loading == 0 || (!f->snapshot && loading < waiting))) {
        function_load(f);
    }
}

void functions_start_instance(struct platform *p, const struct message_instance_start *start)
{
    instances_start(p, start);
    struct function *f = supervised_find(p, start->function);
    if (f) {
        load_for_waiting(f);
    }
}

static struct zygote *zygote_find(struct platform *p, pid_t pid)
{
    list_for_each (item, &p->functions) {
        struct function *f = list_entry(item, struct function, item);
        list_for_each (z_item, &f->zygotes) {
            struct zygote *z = list_entry(z_item, struct zygote, item);
            if (z->pid == pid) {
                return z;
            }
        }
    }
    return NULL;
}

void functions_ended(struct platform *p, pid_t pid)
{
    if (zygote_find(p, pid)) {
        (void)kill(-pid, SIGKILL); /* where that was no process 1; nobody is left is fine */
    }
}

static void describe_over_memory(const struct function *f, char text[MESSAGE_TEXT_MAX])
{
    (void)snprintf(text, MESSAGE_TEXT_MAX, "it exceeded its memory limit of %u MB while loading",
                   f->plan.memory_mb);
}

static void describe_end(const struct zygote *z, int wait_status, char text[MESSAGE_TEXT_MAX])
{
    struct cgroup_usage usage = { 0 };
    cgroup_read(z->function->platform->cgroups, z->group, &usage);
    if (WIFSIGNALED(wait_status) && usage.oom_kills > 0) {
        describe_over_memory(z->function, text);
    } else {
        (void)snprintf(text, MESSAGE_TEXT_MAX,
                       WIFSIGNALED(wait_status) ? "it was killed by signal %d while loading"
                                                : "it ended with status %d while loading",
                       WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : WEXITSTATUS(wait_status));
    }
}

bool functions_reaped(struct platform *p, pid_t pid, int wait_status)
{
    struct zygote *z = zygote_find(p, pid);
    if (!z) {
        return false;
    }
    char text[MESSAGE_TEXT_MAX];
    describe_end(z, wait_status, text);
    z->pid = 0;
    zygote_gone(z, wait_status, text);
    return true;
}

/* ---- functions ---- */

static int function_make_output(struct function *f)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) < 0) {
        return -errno;
    }
    f->output_fd = fds[1];
    /* Who opens it again (/dev/stdout) may write, and not read what others have written. */
    (void)fchmod(fds[1], 0222); /* of a pipe of our own: works */
    struct message_function_output output = { .type = MESSAGE_FUNCTION_OUTPUT, .function = f->id };
    roles_tell_control(f->platform, &output, &fds[0], 1);
    (void)close(fds[0]);
    return 0;
}

static void function_name_group(struct function *f)
{
    (void)snprintf(f->group, sizeof(f->group), "%s.%llu", f->plan.name, (unsigned long long)f->id);
    for (char *c = f->group; *c; c++) {
        if (*c == '/') {
            *c = '.'; /* one directory */
        }
    }
    if (f->group[0] == '.') {
        f->group[0] = '_';
    }
}

void functions_add(struct platform *p, const struct message_function_add *add, int spec_fd)
{
    struct function *f = mem_new(struct function);
    f->platform = p;
    f->id = add->function;
    f->plan = add->plan;
    f->spec_fd = spec_fd;
    f->output_fd = -1;
    f->snapshot = true;
    list_init(&f->zygotes);
    list_push(&p->functions, &f->item);
    function_name_group(f);
    (void)snprintf(f->folder, sizeof(f->folder), "f%llu", (unsigned long long)f->id);
    struct err err = { 0 };
    /* For those who fork instances, and for what these have left behind. */
    struct cgroup_limits limits = supervised_limits(f);
    limits.memory_bytes += limits.memory_bytes > 0 ? LIMIT_UNMOVED_BYTES : 0;
    limits.pids_max *= 4;
    int r = cgroup_create(p->cgroups, f->group, &limits, &err);
    if (r == 0) {
        r = root_scratch_add_function(p->options->base, f->folder, &err);
    }
    if (r == 0) {
        r = root_task_add(p->options->base, f->folder, p->options->project, supervised_uid(f),
                          &f->plan, &err);
    }
    if (r == 0) {
        r = function_make_output(f);
    }
    if (r < 0) {
        function_failed(f, err.code ? err.text : strerror(-r));
        return;
    }
    function_load(f);
}

static bool function_is_evictable(struct function *f)
{
    if (f->state != FUNCTION_READY || !f->snapshot || f->removed || f->last_used_ms == 0) {
        return false; /* one that was never asked for is kept: it has just been deployed */
    }
    return f->instance_count == (f->prepared ? 1 : 0);
}

static void function_evict(struct function *f)
{
    log_debug("%s is put away until it is asked for", f->plan.name);
    instances_drop_prepared(f);
    list_for_each (item, &f->zygotes) {
        zygote_gone(list_entry(item, struct zygote, item), 0, "it was put away");
    }
}

void functions_evict(struct platform *p)
{
    uint64_t now = uv_now(&p->loop);
    size_t resident = 0;
    struct function *oldest = NULL;
    list_for_each (item, &p->functions) {
        struct function *f = list_entry(item, struct function, item);
        resident += f->state == FUNCTION_READY;
        if (!function_is_evictable(f)) {
            continue;
        }
        if (now - f->last_used_ms > LIMIT_ZYGOTE_IDLE_MS) {
            function_evict(f);
        } else if (!oldest || f->last_used_ms < oldest->last_used_ms) {
            oldest = f;
        }
    }
    if (resident > LIMIT_ZYGOTES && oldest) {
        function_evict(oldest);
    }
}

void functions_claim_memory(const struct platform *p, struct own_memory *memory)
{
    list_for_each (item, &p->functions) {
        list_for_each (z_item, &list_entry(item, struct function, item)->zygotes) {
            own_memory_claim(memory, list_entry(z_item, struct zygote, item)->pid);
        }
    }
}

/* As process 1 it has got what instances have left behind. */
static void zygote_check_memory(struct zygote *z, const struct own_memory *memory)
{
    uint64_t limit = (uint64_t)z->function->plan.memory_mb * MIB;
    bool is_instance = instances_has_process(z->function->platform, z->pid);
    if (limit > 0 && z->pid > 0 && !is_instance && own_memory_is_over(memory, z->pid, limit)) {
        char text[MESSAGE_TEXT_MAX];
        describe_over_memory(z->function, text);
        instances_over_memory(z);
        zygote_gone(z, 0, text);
    }
}

void functions_check_memory(struct platform *p, const struct own_memory *memory)
{
    list_for_each (item, &p->functions) {
        struct function *f = list_entry(item, struct function, item);
        list_for_each (z_item, &f->zygotes) {
            zygote_check_memory(list_entry(z_item, struct zygote, item), memory);
        }
    }
}

static void function_remove(struct function *f)
{
    struct platform *p = f->platform;
    uint64_t id = f->id;
    instances_drop_prepared(f);
    (void)snprintf(f->reason, sizeof(f->reason), "the function was removed");
    instances_function_failed(f); /* no zygote will come for those that wait */
    f->removed = true;            /* from here on the last instance to end frees it */
    list_for_each (item, &f->zygotes) {
        zygote_gone(list_entry(item, struct zygote, item), 0, "it was removed");
        if (!supervised_find(p, id)) {
            return; /* that was the last of it */
        }
    }
    supervised_free_removed(f);
}

void functions_remove(struct platform *p, uint64_t id)
{
    struct function *f = supervised_find(p, id);
    if (f && !f->removed) {
        function_remove(f);
    }
}

void functions_remove_all(struct platform *p)
{
    list_for_each (item, &p->functions) {
        struct function *f = list_entry(item, struct function, item);
        if (!f->removed) {
            function_remove(f);
        }
    }
}
