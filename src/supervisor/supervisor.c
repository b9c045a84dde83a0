/* SPDX-License-Identifier: Apache-2.0 */
#include "supervisor/supervisor.h"

#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/child.h"
#include "base/log.h"
#include "base/title.h"
#include "sandbox/root.h"
#include "supervisor/data_folder.h"
#include "supervisor/dying_groups.h"
#include "supervisor/functions.h"
#include "supervisor/instances.h"
#include "supervisor/orders.h"
#include "supervisor/platform.h"
#include "supervisor/roles.h"

#define WATCH_MS 200

static void check_memory(struct platform *p)
{
    struct own_memory memory = { 0 };
    if (!(p->features.bits & SANDBOX_MEMORY_LIMIT)) {
        own_memory_look(&memory);
        instances_claim_memory(p, &memory);
        functions_claim_memory(p, &memory);
    }
    instances_check_memory(p, &memory);
    functions_check_memory(p, &memory);
    own_memory_finish(&memory);
}

static void on_watch(uv_timer_t *timer)
{
    struct platform *p = container_of(timer, struct platform, watch);
    dying_groups_sweep(p);
    check_memory(p);
    functions_evict(p);
}

/* As process 1 we inherit every orphan, so everything is waited for, known or not. */
static void on_child(uv_signal_t *handle, int number)
{
    struct platform *p = container_of(handle->loop, struct platform, loop);
    (void)number;
    for (pid_t pid = child_ended(); pid > 0; pid = child_ended()) {
        int status = 0;
        functions_ended(p, pid);
        (void)waitpid(pid, &status, 0); /* it has ended: does not wait */
        if (!roles_reaped(p, pid, status)) {
            (void)functions_reaped(p, pid, status); /* else an orphan */
        }
    }
}

static void on_stop(uv_signal_t *handle, int number)
{
    (void)number;
    uv_stop(handle->loop);
}

static int prepare(struct platform *p, struct err *err)
{
    const struct supervisor_options *o = p->options;
    features_probe(&p->features);
    pressure_init(&p->pressure);
    p->root = p->features.bits & SANDBOX_SEPARATE_UIDS;
    int r = cgroups_open(o->group, &p->cgroups, err);
    if (r == 0) {
        struct root_sources sources = { .runtime = o->runtime, .addon = o->addon, .node = o->node };
        r = root_create(o->base, &sources, err);
    }
    if (r == 0) {
        r = data_folder_open(p, p->data, sizeof(p->data), err);
    }
    if (r < 0) {
        return r;
    }
    if (!features_is_isolated(p->features.bits)) {
        log_warning("functions run WITHOUT full isolation from each other and from your files; run "
                    "`mayfly doctor` to learn why");
    }
    return 0;
}

static int watch_signals(struct platform *p, uv_signal_t signals[3])
{
    static const struct {
        int number;
        uv_signal_cb callback;
    } watched[3] = { { SIGCHLD, on_child }, { SIGTERM, on_stop }, { SIGINT, on_stop } };
    for (size_t i = 0; i < ARRAY_COUNT(watched); i++) {
        int r = uv_signal_init(&p->loop, &signals[i]);
        if (r == 0) {
            r = uv_signal_start(&signals[i], watched[i].callback, watched[i].number);
        }
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

/* Nothing may be left: as process 1 everyone else in the namespace is ours. */
static void end_everything(struct platform *p)
{
    p->stopping = true;
    roles_finish_control(p); /* first: what ends because of us is no failure of an event's */
    functions_remove_all(p);
    roles_destroy(p);
    if (getpid() == 1) {
        (void)kill(-1, SIGKILL);
        while (waitpid(-1, NULL, 0) > 0) {
        }
    }
    dying_groups_sweep(p);
    cgroups_destroy(p->cgroups);
    (void)umount2(p->options->base, MNT_DETACH); /* not mounted is fine */
}

int supervisor_main(const struct supervisor_options *options)
{
    struct platform p = { .options = options };
    struct err err = { 0 };
    uv_signal_t signals[3];
    log_open("supervisor");
    title_set("mayfly: supervisor");
    list_init(&p.functions);
    list_init(&p.instances);
    list_init(&p.dying_groups);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); /* sandboxes' first processes become ours */
    int r = uv_loop_init(&p.loop);
    if (r == 0) {
        r = watch_signals(&p, signals);
    }
    if (r < 0) {
        log_error("start the event loop: %s", uv_strerror(r));
        return 1;
    }
    r = prepare(&p, &err);
    if (r == 0) {
        r = roles_start(&p, &supervisor_orders, &err);
    }
    if (r == 0) {
        (void)uv_timer_init(&p.loop, &p.watch); /* neither can fail */
        (void)uv_timer_start(&p.watch, on_watch, WATCH_MS, WATCH_MS);
        (void)uv_run(&p.loop, UV_RUN_DEFAULT); /* until uv_stop */
    } else {
        log_error("%s", err.text);
    }
    end_everything(&p);
    return r < 0 || p.failed ? 1 : 0;
}
