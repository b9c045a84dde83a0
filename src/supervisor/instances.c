/* SPDX-License-Identifier: Apache-2.0 */
#include "supervisor/instances.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "sandbox/root.h"
#include "supervisor/dying_groups.h"
#include "supervisor/roles.h"

#ifndef PIDFD_SIGNAL_PROCESS_GROUP
#    define PIDFD_SIGNAL_PROCESS_GROUP (1U << 2)
#endif
#define CPU_LIMIT_EXIT 152 /* runtime/addon/cpu_limit.h */

static struct instance *instance_find(struct platform *p, uint64_t id)
{
    list_for_each (item, &p->instances) {
        struct instance *i = list_entry(item, struct instance, item);
        if (i->id == id) {
            return i;
        }
    }
    return NULL;
}

size_t instances_waiting(const struct function *f)
{
    size_t count = 0;
    list_for_each (item, &f->platform->instances) {
        const struct instance *i = list_entry(item, struct instance, item);
        count += i->function == f && i->state == INSTANCE_WAITING;
    }
    return count;
}

/* ---- the end ---- */

static void instance_exit_closed(uv_handle_t *handle)
{
    struct instance *i = container_of((uv_poll_t *)handle, struct instance, exit);
    scope_close_fd(&i->pidfd);
    free(i);
}

/* Kills it and all it has started: what is in its control group, and where there is none, in its
 * process group. By number that could be others by now: kernels before 6.9 leave it to who reaps
 * it, before that. */
static void instance_kill(struct instance *i)
{
    if (i->pidfd >= 0) {
        (void)syscall(SYS_pidfd_send_signal, i->pidfd, SIGKILL, NULL, 0); /* gone is fine */
        (void)syscall(SYS_pidfd_send_signal, i->pidfd, SIGKILL, NULL, PIDFD_SIGNAL_PROCESS_GROUP);
    }
    if (i->group[0]) { /* else it would be the group of all functions */
        cgroup_kill(i->platform->cgroups, i->group);
    }
}

static void describe_end(const struct instance *i, int wait_status, struct message_instance_gone *g)
{
    struct cgroup_usage usage = { 0 };
    cgroup_read(i->platform->cgroups, i->group, &usage);
    if (i->over_memory || (usage.oom_kills > 0 && WIFSIGNALED(wait_status))) {
        g->why = GONE_MEMORY;
        (void)snprintf(g->text, sizeof(g->text), "it exceeded its memory limit of %u MB",
                       i->function->plan.memory_mb);
    } else if (i->stop_asked) {
        g->why = GONE_STOPPED;
    } else if (WIFSIGNALED(wait_status)) {
        g->why = GONE_SIGNALLED;
        g->status = WTERMSIG(wait_status);
        (void)snprintf(g->text, sizeof(g->text), "it was killed by signal %d (%s)", g->status,
                       strsignal(g->status));
    } else if (WEXITSTATUS(wait_status) == CPU_LIMIT_EXIT && i->function->plan.cpu_ms > 0) {
        g->why = GONE_CPU;
        (void)snprintf(g->text, sizeof(g->text), "it exceeded its CPU time limit of %u ms",
                       i->function->plan.cpu_ms);
    } else {
        g->why = GONE_EXITED;
        g->status = WEXITSTATUS(wait_status);
        (void)snprintf(g->text, sizeof(g->text), "exit status %d", g->status);
    }
}

/* Frees everything of it. */
static void instance_destroy(struct instance *i)
{
    struct platform *p = i->platform;
    instance_kill(i);
    if (i->scratch[0]) {
        root_scratch_unmount(p->options->base, i->function->folder, i->scratch);
    }
    if (i->group[0]) {
        dying_groups_remove(p, i->group);
    }
    channel_fds_close(&i->channel);
    list_remove(&i->item);
    i->function->instance_count--;
    if (i->pidfd >= 0) {
        uv_close((uv_handle_t *)&i->exit, instance_exit_closed);
    } else {
        free(i);
    }
}

static void instance_end(struct instance *i, const struct message_instance_gone *gone)
{
    struct function *f = i->function;
    roles_tell_gateway(i->platform, gone, NULL, 0);
    instance_destroy(i);
    supervised_free_removed(f);
}

static void instance_ended(struct instance *i, int wait_status)
{
    struct message_instance_gone gone = { .type = MESSAGE_INSTANCE_GONE,
                                          .function = i->function->id,
                                          .instance = i->id };
    describe_end(i, wait_status, &gone);
    instance_end(i, &gone);
}

static void instance_not_started(struct instance *i, const char *why)
{
    struct message_instance_gone gone = { .type = MESSAGE_INSTANCE_GONE,
                                          .why = GONE_NOT_STARTED,
                                          .function = i->function->id,
                                          .instance = i->id };
    (void)snprintf(gone.text, sizeof(gone.text), "%s", why);
    instance_end(i, &gone);
}

/* Its process is gone. How it went is told by its parent, the zygote, a moment later; if that is
 * the same process, the supervisor reaps it itself. */
static void instance_exit(uv_poll_t *poll, int status, int events)
{
    struct instance *i = container_of(poll, struct instance, exit);
    (void)status;
    (void)events;
    (void)uv_poll_stop(poll); /* always succeeds on an open handle */
    i->state = INSTANCE_ENDING;
}

/* ---- the beginning ---- */

static int instance_make_group(struct instance *i, struct err *err)
{
    const struct function *f = i->function;
    struct cgroup_limits limits = supervised_limits(f);
    (void)snprintf(i->group, sizeof(i->group), "%s/%llu", f->group, (unsigned long long)i->id);
    return cgroup_create(i->platform->cgroups, i->group, &limits, err);
}

static int instance_make_scratch(struct instance *i, struct err *err)
{
    const struct function *f = i->function;
    char name[sizeof(i->scratch)];
    (void)snprintf(name, sizeof(name), "%llx", (unsigned long long)i->id);
    int r = root_scratch_mount(i->platform->options->base, f->folder, name, f->plan.tmp_mb,
                               supervised_uid(f), err);
    if (r == 0) {
        memcpy(i->scratch, name, sizeof(name));
    }
    return r;
}

/* An instance of nothing but its resources. */
static struct instance *instance_create(struct function *f, struct err *err)
{
    struct instance *i = mem_new(struct instance);
    i->platform = f->platform;
    i->function = f;
    i->id = ++f->platform->last_instance;
    i->pidfd = -1;
    i->channel = (struct channel_fds){ -1, -1, -1 };
    list_push(&f->platform->instances, &i->item);
    f->instance_count++;
    int r = channel_make(LIMIT_RING_BYTES, &i->channel);
    if (r < 0) {
        (void)err_set(err, -r, "make a channel: %s", strerror(-r));
    } else {
        r = instance_make_group(i, err);
    }
    if (r == 0) {
        r = instance_make_scratch(i, err);
    }
    if (r < 0) {
        instance_destroy(i);
        return NULL;
    }
    return i;
}

void instances_prepare(struct function *f)
{
    struct err err;
    if (!f->prepared && !f->removed) {
        f->prepared = instance_create(f, &err);
    }
}

void instances_drop_prepared(struct function *f)
{
    if (f->prepared) {
        instance_destroy(f->prepared);
        f->prepared = NULL;
    }
}

static void instance_fork(struct instance *i, struct zygote *z)
{
    struct message_zygote_fork fork_message = { .type = MESSAGE_ZYGOTE_FORK, .instance = i->id };
    (void)snprintf(fork_message.scratch, sizeof(fork_message.scratch), "%s", i->scratch);
    int fds[3] = { i->channel.memory, i->channel.wake_host, i->channel.wake_instance };
    int r = link_send(&z->link, &fork_message, fds, 3);
    channel_fds_close(&i->channel);
    i->zygote = z;
    i->state = INSTANCE_FORKING;
    if (!i->function->snapshot) {
        z->state = ZYGOTE_IS_INSTANCE;
        z->instance = i;
    }
    if (r < 0) {
        supervised_kill_zygote(z); /* it cannot be reached; the instance ends with it */
    }
}

static void instance_try(struct instance *i)
{
    struct zygote *z = supervised_zygote(i->function);
    if (z) {
        instance_fork(i, z);
    }
}

static void refuse(struct platform *p, uint64_t function, const char *why)
{
    struct message_instance_gone gone = { .type = MESSAGE_INSTANCE_GONE,
                                          .why = GONE_NOT_STARTED,
                                          .function = function,
                                          .instance = ++p->last_instance };
    (void)snprintf(gone.text, sizeof(gone.text), "%s", why);
    roles_tell_gateway(p, &gone, NULL, 0);
}

void instances_start(struct platform *p, const struct message_instance_start *start)
{
    struct function *f = supervised_find(p, start->function);
    struct err err = { 0 };
    if (!f || f->removed) {
        refuse(p, start->function, "the function was removed");
        return;
    }
    struct instance *i = f->prepared ? take_ptr(f->prepared) : instance_create(f, &err);
    if (!i) {
        refuse(p, start->function, err.text);
        return;
    }
    struct message_instance made = { .type = MESSAGE_INSTANCE,
                                     .function = f->id,
                                     .instance = i->id };
    int fds[3] = { i->channel.memory, i->channel.wake_host, i->channel.wake_instance };
    i->state = INSTANCE_WAITING;
    roles_tell_gateway(p, &made, fds, 3);
    instance_try(i);
    instances_prepare(f);
}

void instances_zygote_ready(struct function *f)
{
    list_for_each (item, &f->platform->instances) {
        struct instance *i = list_entry(item, struct instance, item);
        if (i->function == f && i->state == INSTANCE_WAITING) {
            instance_try(i);
        }
    }
}

void instances_function_failed(struct function *f)
{
    list_for_each (item, &f->platform->instances) {
        struct instance *i = list_entry(item, struct instance, item);
        if (i->function == f && i->state == INSTANCE_WAITING) {
            instance_not_started(i, f->reason);
        }
    }
}

void instances_zygote_gone(struct zygote *z, int wait_status)
{
    list_for_each (item, &z->function->platform->instances) {
        struct instance *i = list_entry(item, struct instance, item);
        if (i->zygote == z) {
            /* With process 1 the kernel ends its whole pid namespace by SIGKILL. */
            instance_ended(i, z->instance == i ? wait_status : SIGKILL);
        }
    }
}

/* The kernel's own descriptor is of who has said it; a number might be another's by now. */
static int take_sender(struct ipc_received *received)
{
    int fd = received->pidfd >= 0 ? take_fd(&received->pidfd)
                                  : (int)syscall(SYS_pidfd_open, received->pid, 0);
    if (fd >= 0 && syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0) < 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

/* One whose end could not be seen must not serve. Its zygote reports that it has ended. */
static void instance_watch(struct instance *i)
{
    int r = uv_poll_init(&i->platform->loop, &i->exit, i->pidfd);
    bool has_handle = r == 0;
    r = has_handle ? uv_poll_start(&i->exit, UV_READABLE, instance_exit) : r;
    if (r < 0) {
        log_error("watch %s: %s", i->group, uv_strerror(r));
        instance_kill(i);
    }
    if (!has_handle) {
        (void)close(i->pidfd);
        i->pidfd = -1;
    }
}

void instances_hello(struct zygote *z, uint64_t id, struct ipc_received *received)
{
    struct instance *i = instance_find(z->function->platform, id);
    pid_t pid = received->pid;
    if (!i || i->zygote != z || i->state != INSTANCE_FORKING || pid <= 0) {
        return; /* a hostile zygote, or one that was stopped meanwhile */
    }
    i->pid = pid;
    i->pidfd = take_sender(received);
    if (i->pidfd < 0) {
        return; /* it has ended already, which its zygote reports */
    }
    i->state = INSTANCE_RUNNING;
    int r = cgroup_add(i->platform->cgroups, i->group, pid);
    if (r < 0 && r != -ESRCH) {
        log_warning("limit %s: %s", i->group, strerror(-r));
    }
    instance_watch(i);
    if (i->stop_asked) {
        instance_kill(i);
    }
}

/* The instance that a zygote has become, where instances are not forked; NULL once it is gone. */
static struct instance *instance_become(const struct zygote *z)
{
    list_for_each (item, &z->function->platform->instances) {
        struct instance *i = list_entry(item, struct instance, item);
        if (i->zygote == z && z->instance == i) {
            return i;
        }
    }
    return NULL;
}

void instances_exited(struct zygote *z, uint64_t id, int wait_status)
{
    struct instance *i = id ? instance_find(z->function->platform, id) : instance_become(z);
    if (i && i->zygote == z && (id == 0 || z->instance != i)) {
        instance_ended(i, wait_status);
    }
}

void instances_stop(struct platform *p, uint64_t id)
{
    struct instance *i = instance_find(p, id);
    if (!i) {
        return;
    }
    i->stop_asked = true;
    if (i->state == INSTANCE_WAITING) {
        instance_ended(i, 0);
    } else if (i->state == INSTANCE_FORKING && i->zygote->instance == i) {
        supervised_kill_zygote(i->zygote); /* that is its process, and may never say hello */
    } else {
        instance_kill(i); /* when it is still being forked: in instances_hello */
    }
}

void instances_claim_memory(const struct platform *p, struct own_memory *memory)
{
    list_for_each (item, &p->instances) {
        own_memory_claim(memory, list_entry(item, struct instance, item)->pid);
    }
}

void instances_check_memory(struct platform *p, const struct own_memory *memory)
{
    list_for_each (item, &p->instances) {
        struct instance *i = list_entry(item, struct instance, item);
        uint64_t limit = (uint64_t)i->function->plan.memory_mb * MIB;
        if (i->state == INSTANCE_RUNNING && limit > 0 &&
            own_memory_is_over(memory, i->pid, limit)) {
            i->over_memory = true;
            instance_kill(i);
        }
    }
}

bool instances_has_process(const struct platform *p, pid_t pid)
{
    list_for_each (item, &p->instances) {
        if (list_entry(item, struct instance, item)->pid == pid) {
            return true;
        }
    }
    return false;
}

void instances_over_memory(const struct zygote *z)
{
    list_for_each (item, &z->function->platform->instances) {
        struct instance *i = list_entry(item, struct instance, item);
        i->over_memory |= i->zygote == z;
    }
}
