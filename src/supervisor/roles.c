/* SPDX-License-Identifier: Apache-2.0 */
#include "supervisor/roles.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "supervisor/spawn.h"

#define CONTROL_FINISH_MS  1000
#define RESTARTS_MAX       5
#define RESTARTS_WINDOW_MS 10000

enum role { GATEWAY, CONTROL, BUILDER, BASE, ROLES };
static const char *const role_names[ROLES] = { "gateway", "control", "builder", "base zygote" };

struct roles {
    const struct role_orders *orders;
    pid_t pids[ROLES];
    struct link
        *links[ROLES]; /* owned; NULL while there is none; the builder talks to control only */
    bool base_ready;
    int kept_fd; /* a control's notes for the next one: we do not read them */
    uint64_t restarts_since_ms;
    unsigned restarts;
};

/* Numbers as arguments. */
struct number {
    char text[16];
};

static struct number number(int value)
{
    struct number n;
    (void)snprintf(n.text, sizeof(n.text), "%d", value);
    return n;
}

static uid_t role_uid(const struct platform *p, uid_t uid)
{
    return p->root ? uid : 0;
}

/* ---- messages ---- */

static void base_message(struct link *link, const union message *m, struct ipc_received *received)
{
    struct platform *p = container_of(link->poll.loop, struct platform, loop);
    (void)received;
    if (m->type == MESSAGE_BASE_READY) {
        log_debug("base zygote ready after %u ms", m->base_ready.warm_ms);
        p->roles->base_ready = true;
        p->roles->orders->base_ready(p);
    }
}

static void role_link_free(struct link *link)
{
    free(link);
}

/* Its process is about to be reaped, or has broken the rules: then it is ended. */
static void role_gone(struct link *link, int why)
{
    struct platform *p = container_of(link->poll.loop, struct platform, loop);
    for (size_t i = 0; i < ROLES; i++) {
        if (p->roles->links[i] == link) {
            if (why < 0) {
                log_error("the %s %s: %s", role_names[i], link_fault(why), strerror(-why));
            }
            if (p->roles->pids[i] > 0) {
                (void)kill(p->roles->pids[i], SIGKILL);
            }
        }
    }
}

static int role_link(struct platform *p, enum role role, int *ret_peer, struct err *err)
{
    static const enum message_role peers[ROLES] = { ROLE_GATEWAY, ROLE_CONTROL, 0,
                                                    ROLE_BASE_ZYGOTE };
    const struct role_orders *orders = p->roles->orders;
    const link_message_fn handlers[ROLES] = { orders->of_gateway, orders->of_control, NULL,
                                              base_message };
    int pair[2];
    int r = ipc_pair(pair);
    if (r < 0) {
        return err_set(err, -r, "connect the %s: %s", role_names[role], strerror(-r));
    }
    struct link *link = mem_new(struct link);
    const struct link_ends ends = { ROLE_SUPERVISOR, peers[role], handlers[role], role_gone };
    r = link_open(link, &p->loop, pair[0], &ends);
    if (r < 0) {
        (void)close(pair[1]);
        free(link);
        return err_set(err, -r, "connect the %s: %s", role_names[role], strerror(-r));
    }
    p->roles->links[role] = link;
    *ret_peer = pair[1];
    return 0;
}

/* ---- starting ---- */

/* What gateway and control share: a connection, and the channel of logs. */
struct wiring {
    int gateway_end;
    int control_end;
    struct channel_fds log;
    struct channel_fds port; /* control as an instance of the gateway's */
    int builder[2];
};

static void wiring_finish(struct wiring *w)
{
    scope_close_fd(&w->gateway_end);
    scope_close_fd(&w->control_end);
    channel_fds_close(&w->log);
    channel_fds_close(&w->port);
    scope_close_fd(&w->builder[0]);
    scope_close_fd(&w->builder[1]);
}

static int wiring_make(struct wiring *w, struct err *err)
{
    *w = (struct wiring){ -1, -1, { -1, -1, -1 }, { -1, -1, -1 }, { -1, -1 } };
    int pair[2];
    int r = ipc_pair(pair);
    if (r == 0) {
        w->gateway_end = pair[0];
        w->control_end = pair[1];
        r = channel_make(LIMIT_LOG_RING_BYTES, &w->log);
    }
    if (r == 0) {
        r = channel_make(LIMIT_CONTROL_RING_BYTES, &w->port);
    }
    if (r == 0 && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, w->builder) < 0) {
        r = -errno;
    }
    if (r < 0) {
        wiring_finish(w);
        return err_set(err, -r, "connect the processes: %s", strerror(-r));
    }
    return 0;
}

/* A command line with room for what only some platforms have. */
struct arguments {
    const char *argv[64];
    size_t count;
    struct number numbers[32];
    size_t number_count;
    struct spawn spawn;
};

static void add_text(struct arguments *a, const char *name, const char *value)
{
    a->argv[a->count++] = name;
    a->argv[a->count++] = value;
}

/* A descriptor that the process inherits. */
static void add_fd(struct arguments *a, const char *name, int fd)
{
    struct number *n = &a->numbers[a->number_count++];
    *n = number(fd);
    add_text(a, name, n->text);
    a->spawn.fds[a->spawn.fd_count++] = fd;
}

static struct arguments *arguments_of(const struct platform *p, const char *role, uid_t uid)
{
    struct arguments *a = mem_new(struct arguments);
    a->argv[a->count++] = p->options->program;
    a->argv[a->count++] = role;
    a->spawn = (struct spawn){ .argv = a->argv, .fd_three = -1, .uid = role_uid(p, uid) };
    return a;
}

/* A control has noted what it serves: the one after it will, too. */
static bool has_served(const struct platform *p)
{
    struct stat st;
    return fstat(p->roles->kept_fd, &st) == 0 && st.st_size > 0;
}

static int start_gateway(struct platform *p, const struct wiring *w, struct err *err)
{
    const struct supervisor_options *o = p->options;
    scoped_fd int supervisor = -1;
    int r = role_link(p, GATEWAY, &supervisor, err);
    if (r < 0) {
        return r;
    }
    scoped_free struct arguments *a = arguments_of(p, "gateway", MAYFLY_UID_GATEWAY);
    add_fd(a, "--supervisor", supervisor);
    add_fd(a, "--control", w->gateway_end);
    add_fd(a, "--log-memory", w->log.memory);
    add_fd(a, "--log-wake-host", w->log.wake_host);
    add_fd(a, "--log-wake-self", w->log.wake_instance);
    add_fd(a, "--port-memory", w->port.memory);
    add_fd(a, "--port-wake-self", w->port.wake_host);
    add_fd(a, "--port-wake-host", w->port.wake_instance);
    for (size_t i = 0; i < o->listen_count; i++) {
        add_fd(a, "--listen", o->listen_fds[i]);
    }
    for (size_t i = 0; i < o->aws_count; i++) {
        add_fd(a, "--aws", o->aws_fds[i]);
    }
    if (o->dev) {
        a->argv[a->count++] = "--dev";
    }
    if (has_served(p)) {
        a->argv[a->count++] = "--again";
    }
    return spawn_process(&a->spawn, &p->roles->pids[GATEWAY], err);
}

static int start_control(struct platform *p, const struct wiring *w, struct err *err)
{
    const struct supervisor_options *o = p->options;
    scoped_fd int supervisor = -1;
    int r = role_link(p, CONTROL, &supervisor, err);
    if (r < 0) {
        return r;
    }
    scoped_free struct arguments *a = arguments_of(p, "control", MAYFLY_UID_CONTROL);
    add_fd(a, "--supervisor", supervisor);
    add_fd(a, "--gateway", w->control_end);
    add_fd(a, "--builder", w->builder[0]);
    add_fd(a, "--kept", p->roles->kept_fd);
    add_fd(a, "--log-memory", w->log.memory);
    add_fd(a, "--log-wake-self", w->log.wake_host);
    add_fd(a, "--log-wake-host", w->log.wake_instance);
    add_fd(a, "--port-memory", w->port.memory);
    add_fd(a, "--port-wake-self", w->port.wake_instance);
    add_fd(a, "--port-wake-host", w->port.wake_host);
    add_text(a, "--project", o->project);
    add_text(a, "--origin", o->origin);
    add_text(a, "--aws-origin", o->aws_origin);
    add_text(a, "--data", p->data);
    add_text(a, "--log", o->log_format);
    return spawn_process(&a->spawn, &p->roles->pids[CONTROL], err);
}

static int start_builder(struct platform *p, const struct wiring *w, struct err *err)
{
    const struct supervisor_options *o = p->options;
    char out[MESSAGE_PATH_MAX];
    (void)snprintf(out, sizeof(out), "%s/build", o->base);
    if (p->root && chown(out, MAYFLY_UID_BUILDER, MAYFLY_UID_BUILDER) < 0) {
        return err_sys(err, "give %s to the builder", out);
    }
    struct number port = number(o->port);
    /* V8 lets the young generation grow to 48 MB in a build and keeps it; builds are as fast
     * without. */
    const char *argv[] = { o->node,    "--max-semi-space-size=1",
                           o->builder, "--project",
                           o->project, "--out",
                           out,        "--port",
                           port.text,  o->dev ? "--watch" : NULL,
                           NULL };
    struct spawn s = { .argv = argv,
                       .fd_three = w->builder[1],
                       .uid = role_uid(p, MAYFLY_UID_BUILDER),
                       .reads_any_file = true };
    return spawn_process(&s, &p->roles->pids[BUILDER], err);
}

static int start_base(struct platform *p, struct err *err)
{
    const struct supervisor_options *o = p->options;
    scoped_fd int link = -1;
    int r = role_link(p, BASE, &link, err);
    if (r < 0) {
        return r;
    }
    char script[MESSAGE_PATH_MAX];
    (void)snprintf(script, sizeof(script), "%s/js/zygote.js", o->runtime);
    struct number fd = number(link);
    /* One thread, so that a fork loses none (doc/decisions/0001-forked-instances.md); SIGUSR1 must
     * not open a debugger. */
    const char *argv[] = { o->node,
                           "--single-threaded",
                           "--v8-pool-size=1",
                           "--disable-sigusr1",
                           script,
                           fd.text,
                           o->addon,
                           NULL };
    /* runtime/addon/near_map.c; a list of preloaded files is separated by colons or spaces. */
    char preload[MESSAGE_PATH_MAX + 16];
    (void)snprintf(preload, sizeof(preload), "LD_PRELOAD=%s",
                   strpbrk(o->addon, ": ") ? "" : o->addon);
    /* libuv's io_uring would be shared by all forks; what it has of it nevertheless is replaced
     * there (runtime/addon/inherited.h). */
    const char *env[] = { "UV_USE_IO_URING=0", "PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/tmp",
                          preload, NULL };
    /* Where user namespaces may not be made, it keeps the rights that its children need. */
    bool keeps_root = p->root && !(p->features.bits & SANDBOX_USER_NAMESPACE);
    struct spawn s = { .argv = argv,
                       .env = env,
                       .fd_three = -1,
                       .uid = keeps_root ? 0 : role_uid(p, MAYFLY_UID_ZYGOTE),
                       .fds = { link },
                       .fd_count = 1 };
    p->roles->base_ready = false;
    return spawn_process(&s, &p->roles->pids[BASE], err);
}

static int start_trio(struct platform *p, struct err *err)
{
    struct wiring w;
    int r = wiring_make(&w, err);
    if (r == 0) {
        r = start_control(p, &w, err);
    }
    if (r == 0) {
        r = start_gateway(p, &w, err);
    }
    if (r == 0) {
        r = start_builder(p, &w, err);
    }
    wiring_finish(&w);
    return r;
}

int roles_start(struct platform *p, const struct role_orders *orders, struct err *err)
{
    p->roles = mem_new(struct roles);
    p->roles->orders = orders;
    p->roles->kept_fd = memfd_create("kept", MFD_CLOEXEC);
    if (p->roles->kept_fd < 0) {
        return err_sys(err, "make a file in memory");
    }
    int r = start_base(p, err);
    return r < 0 ? r : start_trio(p, err);
}

/* ---- ending ---- */

static void role_stop(struct platform *p, enum role role)
{
    struct roles *roles = p->roles;
    pid_t pid = roles->pids[role];
    if (pid > 0) {
        /* With the builder its bundler, at once: that would complain of being left alone. */
        (void)kill(role == BUILDER ? -pid : pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
        roles->pids[role] = 0;
    }
    if (roles->links[role]) {
        link_close(roles->links[role], role_link_free);
        roles->links[role] = NULL;
    }
}

/* A signal, as of another child's end, does not make it shorter. */
static void await_end(pid_t pid, uint64_t patience_ms)
{
    scoped_fd int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd ended = { .fd = pidfd, .events = POLLIN };
    uint64_t until_ms = uv_hrtime() / 1000000 + patience_ms;
    int r = pidfd < 0 ? 0 : -1;
    while (r < 0) {
        uint64_t now_ms = uv_hrtime() / 1000000;
        r = poll(&ended, 1, now_ms < until_ms ? (int)(until_ms - now_ms) : 0);
        r = r < 0 && errno != EINTR ? 0 : r;
    }
}

void roles_finish_control(struct platform *p)
{
    if (!p->roles) {
        return;
    }
    role_stop(p, BUILDER); /* or it would end by itself when control does */
    if (p->roles->pids[GATEWAY] > 0) {
        (void)kill(p->roles->pids[GATEWAY], SIGSTOP); /* it has nothing to say about this */
    }
    pid_t pid = p->roles->pids[CONTROL];
    if (pid <= 0 || kill(pid, SIGTERM) < 0) {
        return;
    }
    await_end(pid, CONTROL_FINISH_MS);
    role_stop(p, CONTROL); /* in case it is late */
}

void roles_destroy(struct platform *p)
{
    if (p->roles) {
        for (size_t i = 0; i < ROLES; i++) {
            role_stop(p, (enum role)i);
        }
        scope_close_fd(&p->roles->kept_fd);
        free(p->roles);
        p->roles = NULL;
    }
}

static bool may_restart(struct platform *p)
{
    struct roles *roles = p->roles;
    uint64_t now = uv_now(&p->loop);
    if (now - roles->restarts_since_ms > RESTARTS_WINDOW_MS) {
        roles->restarts_since_ms = now;
        roles->restarts = 0;
    }
    return ++roles->restarts <= RESTARTS_MAX;
}

/* From outside, or by the kernel for want of memory: that says nothing against starting it again.
 */
static bool was_killed(int wait_status)
{
    return WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGKILL;
}

/* Ends everything, with a status that tells of it; why has been said. */
static void give_up(struct platform *p)
{
    p->failed = true;
    uv_stop(&p->loop);
}

static void role_died(struct platform *p, enum role role, int wait_status)
{
    log_error("the %s ended (%s %d) and is started again", role_names[role],
              WIFSIGNALED(wait_status) ? "signal" : "status",
              WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : WEXITSTATUS(wait_status));
    struct err err = { 0 };
    int r;
    if (role == BASE) {
        p->roles->base_ready = false;
        role_stop(p, BASE);
        r = start_base(p, &err);
    } else {
        role_stop(p, CONTROL); /* first: that functions end is no failure of their events' */
        role_stop(p, GATEWAY);
        role_stop(p, BUILDER);
        p->roles->orders->functions_lost(p);
        r = start_trio(p, &err);
    }
    if (r < 0) {
        log_error("%s", err.text);
        give_up(p);
    }
}

bool roles_reaped(struct platform *p, pid_t pid, int wait_status)
{
    for (size_t i = 0; i < ROLES; i++) {
        if (p->roles->pids[i] != pid) {
            continue;
        }
        p->roles->pids[i] = 0;
        if (p->stopping) {
            return true;
        }
        if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == ROLE_EXIT_HOPELESS) {
            give_up(p);
        } else if (was_killed(wait_status) || may_restart(p)) {
            role_died(p, (enum role)i, wait_status);
        } else {
            log_error("the %s keeps ending: giving up; run with MAYFLY_DEBUG=1 to learn more",
                      role_names[i]);
            give_up(p);
        }
        return true;
    }
    return false;
}

static void tell(struct platform *p, enum role role, const void *message, const int *fds,
                 size_t count)
{
    struct link *link = p->roles ? p->roles->links[role] : NULL;
    int r = link ? link_send(link, message, fds, count) : 0;
    if (r < 0 && r != -EPIPE && p->roles->pids[role] > 0) {
        log_error("messages do not get through to the %s (%s)", role_names[role], strerror(-r));
        (void)kill(p->roles->pids[role], SIGKILL);
    }
}

void roles_tell_gateway(struct platform *p, const void *message, const int *fds, size_t count)
{
    tell(p, GATEWAY, message, fds, count);
}

void roles_tell_control(struct platform *p, const void *message, const int *fds, size_t count)
{
    tell(p, CONTROL, message, fds, count);
}

bool roles_base_is_ready(const struct platform *p)
{
    return p->roles && p->roles->base_ready && p->roles->links[BASE];
}

int roles_ask_base(struct platform *p, const void *message, const int *fds, size_t count)
{
    if (!roles_base_is_ready(p)) {
        return -EAGAIN;
    }
    return link_send(p->roles->links[BASE], message, fds, count);
}
