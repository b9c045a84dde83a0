/* Serving forks: the loops in which zygotes wait, in native code, because JavaScript that ran
 * between forks would make every later child larger and slower.
 *
 *   serveBase      the base zygote; returns only in a child that has become process 1 of a sandbox
 *   serveFunction  a function zygote at rest; returns only in a child that has become an instance
 *   awaitInstance  a function that cannot be forked: the process itself becomes the instance, later
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "zygote.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "addon.h"
#include "base/child.h"
#include "base/limits.h"
#include "base/mem.h"
#include "ipc/socket.h"
#include "process_fork.h"
#include "rest.h"
#include "sandbox/enter.h"
#include "sandbox/enter_init.h"
#include "sandbox/features.h"

static void send_failed(int link_fd, const char *text)
{
    struct message_zygote_failed failed = { .type = MESSAGE_ZYGOTE_FAILED };
    (void)snprintf(failed.text, sizeof(failed.text), "%s", text);
    (void)!ipc_send(link_fd, &failed, sizeof(failed), NULL,
                    0); /* the supervisor sees the end, too */
}

/* The whole of a memfd as a JavaScript string. */
static napi_value read_spec(napi_env env, int fd, struct err *err)
{
    struct stat st;
    if (fstat(fd, &st) < 0 || st.st_size <= 0) {
        (void)err_set(err, EINVAL, "the function's description is empty");
        return NULL;
    }
    void *at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (at == MAP_FAILED) {
        (void)err_sys(err, "read the function's description");
        return NULL;
    }
    napi_value text = NULL;
    if (napi_create_string_utf8(env, at, (size_t)st.st_size, &text) != napi_ok) {
        (void)err_set(err, ENOMEM, "the function's description is too long");
    }
    (void)munmap(at, (size_t)st.st_size);
    return text;
}

/* What ps shows. */
static void set_title_of(const char *role, const char *name)
{
    char title[MESSAGE_NAME_MAX + 32];
    (void)snprintf(title, sizeof(title), "mayfly: %s %s", role, name);
    (void)uv_set_process_title(title); /* only ENOBUFS: then it stays as it was */
}

/* In the first child: never returns but in process 1 of the new sandbox, or in its child where the
 * function cannot be forked, with { spec, task, snapshot }. */
static napi_value become_function(struct addon *addon, const struct message_zygote_start *start,
                                  int spec_fd, int link_fd, int output_fd)
{
    struct err err = { 0 };
    (void)close(addon->parent_link_fd);
    addon->parent_link_fd = -1;
    int r = dup2(output_fd, STDOUT_FILENO) < 0 || dup2(output_fd, STDERR_FILENO) < 0
                ? err_sys(&err, "redirect the output")
                : 0;
    (void)close(output_fd);
    if (r == 0) {
        r = inherited_replace(&addon->inherited, &err);
    }
    if (r == 0) {
        r = enter_namespaces(start, link_fd, &err);
    }
    bool below_init = !start->snapshot && start->isolation & SANDBOX_PID_NAMESPACE;
    if (r == 0 && below_init) {
        enter_init_choose_pid();
    }
    if (r == 0) {
        r = enter_confine(start, addon->filter, &err);
    }
    if (r == 0 && below_init) {
        set_title_of("init", start->plan.name);
        r = enter_init(link_fd, &err);
    }
    if (r == 0) {
        r = process_fork_child(addon->loop);
        if (r < 0) {
            (void)err_set(&err, -r, "restart the event loop");
        }
    }
    napi_value text = r == 0 ? read_spec(addon->env, spec_fd, &err) : NULL;
    (void)close(spec_fd);
    if (!text) {
        send_failed(link_fd, err.text);
        _exit(1);
    }
    addon->link_fd = link_fd;
    addon->isolation = start->isolation;
    napi_value object = NULL;
    (void)napi_create_object(addon->env, &object);
    value_set(addon->env, object, "spec", text);
    value_set(addon->env, object, "task", value_text(addon->env, enter_task_path(start)));
    return value_set(addon->env, object, "snapshot", value_number(addon->env, start->snapshot));
}

/* One MESSAGE_ZYGOTE_START. Returns a value in the child only. */
static napi_value base_start(struct addon *addon, const struct message_zygote_start *start,
                             struct ipc_received *received)
{
    pid_t pid = fork();
    if (pid == 0) {
        int spec = take_fd(&received->fds[0]);
        int link = take_fd(&received->fds[1]);
        int output = take_fd(&received->fds[2]);
        return become_function(addon, start, spec, link, output);
    }
    if (pid < 0) {
        struct err err;
        (void)err_sys(&err, "fork the base zygote");
        send_failed(received->fds[1], err.text);
    }
    return NULL;
}

static napi_value serve_base(napi_env env, napi_callback_info info)
{
    struct addon *addon = addon_of(env);
    struct arguments arguments = arguments_of(env, info);
    addon->parent_link_fd = (int)value_to_u32(env, arguments.at[0]);
    struct err err = { 0 };
    int r = syscall_filter_create(&addon->filter, &err);
    if (r == 0) {
        r = inherited_find(&addon->inherited, &err);
    }
    if (r == 0) {
        r = process_fork_prepare();
        if (r < 0) {
            (void)err_set(&err, -r, "prepare to fork: %s", strerror(-r));
        }
    }
    if (r < 0) {
        return throw_err(env, &err);
    }
    sigset_t all;
    (void)sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, NULL); /* cannot fail with valid arguments */
    (void)signal(SIGCHLD, SIG_IGN); /* the outer children of sandboxes need no funeral */
    struct message_base_ready ready = { .type = MESSAGE_BASE_READY,
                                        .warm_ms = value_to_u32(env, arguments.at[1]) };
    r = ipc_send(addon->parent_link_fd, &ready, sizeof(ready), NULL, 0);
    while (r >= 0) {
        union message message;
        struct ipc_received received;
        r = ipc_receive(addon->parent_link_fd, &message, sizeof(message), &received);
        if (r > 0) {
            r = message_check(&message, received.size, received.fd_count, ROLE_SUPERVISOR,
                              ROLE_BASE_ZYGOTE);
            napi_value spec = r == 0 ? base_start(addon, &message.zygote_start, &received) : NULL;
            ipc_received_close(&received);
            if (spec) {
                return spec;
            }
        } else if (r == 0) {
            break;
        }
    }
    _exit(r < 0 ? 1 : 0); /* the supervisor is gone */
}

/* The living instances of a function zygote. */
struct children {
    struct child {
        pid_t pid;
        uint64_t instance;
    } * list; /* owned */
    size_t count;
    size_t capacity;
};

static void children_add(struct children *c, pid_t pid, uint64_t instance)
{
    if (c->count == c->capacity) {
        c->capacity = c->capacity ? 2 * c->capacity : 16;
        c->list = mem_resize(c->list, c->capacity, sizeof(*c->list));
    }
    c->list[c->count++] = (struct child){ pid, instance };
}

static size_t children_find(const struct children *c, pid_t pid)
{
    size_t i = 0;
    while (i < c->count && c->list[i].pid != pid) {
        i++;
    }
    return i; /* c->count: none of ours */
}

/* Reaps whatever has ended: instances, and orphans of theirs, which process 1 inherits. An
 * instance's control group ends what it has left behind; where there is none, its process group
 * does, and what has left that ends with the function's last instance. Who is not process 1 sees
 * all that its user runs, and ends nothing. */
static void children_reap(struct children *c, int link_fd)
{
    size_t before = c->count;
    for (pid_t pid = child_ended(); pid > 0; pid = child_ended()) {
        int status = 0;
        size_t i = children_find(c, pid);
        if (i < c->count) {
            (void)kill(-pid, SIGKILL);
        }
        (void)waitpid(pid, &status, 0); /* it has ended: does not wait */
        if (i < c->count) {
            struct message_zygote_exited exited = { .type = MESSAGE_ZYGOTE_EXITED,
                                                    .wait_status = status,
                                                    .instance = c->list[i].instance };
            (void)!ipc_send(link_fd, &exited, sizeof(exited), NULL, 0);
            c->list[i] = c->list[--c->count];
        }
    }
    if (before > 0 && c->count == 0 && getpid() == 1) {
        (void)kill(-1, SIGKILL); /* everybody but us; nobody is left is fine */
    }
}

/* In the instance: tells the supervisor its pid, takes the channel over, confines itself further.
 */
static int become_instance(struct addon *addon, const struct message_zygote_fork *request,
                           const char *scratch, struct ipc_received *received, struct err *err)
{
    struct message_zygote_hello hello = { .type = MESSAGE_ZYGOTE_HELLO,
                                          .instance = request->instance };
    int r = ipc_send(addon->link_fd, &hello, sizeof(hello), NULL, 0);
    if (r < 0) {
        return err_set(err, -r, "reach the supervisor");
    }
    addon->instance_id = request->instance;
    addon->channel_fds = (struct channel_fds){ .memory = take_fd(&received->fds[0]),
                                               .wake_host = take_fd(&received->fds[1]),
                                               .wake_instance = take_fd(&received->fds[2]) };
    return enter_instance(addon->isolation, scratch, err);
}

static napi_value forked_instance(struct addon *addon, const struct message_zygote_fork *request,
                                  struct ipc_received *received)
{
    struct err err = { 0 };
    (void)setpgid(0, 0); /* so that it can be killed with its children where there is no cgroup */
    int r = become_instance(addon, request, request->scratch, received, &err);
    if (r == 0) {
        r = process_fork_child(addon->loop);
    }
    if (r < 0) {
        (void)fprintf(stderr, "mayfly: the instance could not be set up: %s\n",
                      err.code ? err.text : strerror(-r));
        _exit(1);
    }
    (void)close(addon->link_fd);
    addon->link_fd = -1;
    return value_number(addon->env, (double)request->instance);
}

/* One message of the supervisor. Returns a value in a new instance only. */
static napi_value function_message(struct addon *addon, struct children *children, int *ret_result)
{
    union message message;
    struct ipc_received received;
    int r = ipc_receive(addon->link_fd, &message, sizeof(message), &received);
    napi_value instance = NULL;
    if (r > 0) {
        r = message_check(&message, received.size, received.fd_count, ROLE_SUPERVISOR,
                          ROLE_FUNCTION_ZYGOTE);
        if (r == 0 && message.type == MESSAGE_ZYGOTE_FORK) {
            pid_t pid = fork();
            if (pid == 0) {
                instance = forked_instance(addon, &message.zygote_fork, &received);
            } else if (pid > 0) {
                children_add(children, pid, message.zygote_fork.instance);
            } else {
                struct message_zygote_exited exited = { .type = MESSAGE_ZYGOTE_EXITED,
                                                        .wait_status = 255 << 8,
                                                        .instance = message.zygote_fork.instance };
                r = ipc_send(addon->link_fd, &exited, sizeof(exited), NULL, 0);
            }
        }
        *ret_result = r;
    } else {
        *ret_result = r == 0 ? -EPIPE : r;
    }
    ipc_received_close(&received);
    return instance;
}

/* Of the arguments loadMs, unloaded, unloadedText; what is too long is cut. */
static struct message_zygote_ready ready_of(napi_env env, const struct arguments *arguments)
{
    struct message_zygote_ready ready = { .type = MESSAGE_ZYGOTE_READY,
                                          .load_ms = value_to_u32(env, arguments->at[0]),
                                          .unloaded = value_to_u32(env, arguments->at[1]) };
    size_t len;
    (void)napi_get_value_string_utf8(env, arguments->at[2], ready.unloaded_text,
                                     sizeof(ready.unloaded_text), &len); /* no string: "" */
    return ready;
}

/* serveFunction(loadMs, unloaded, unloadedText) */
static napi_value serve_function(napi_env env, napi_callback_info info)
{
    struct addon *addon = addon_of(env);
    struct arguments arguments = arguments_of(env, info);
    struct message_zygote_ready ready = ready_of(env, &arguments);
    ready.snapshot = 1;
    sigset_t all;
    (void)sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, NULL); /* cannot fail with valid arguments */
    (void)signal(SIGCHLD, SIG_DFL);             /* libuv's handler is for JavaScript's children */
    (void)prctl(PR_SET_DUMPABLE, 0); /* the bundle may have set it: no instance may trace us */
    sigset_t child;
    (void)sigemptyset(&child);
    (void)sigaddset(&child, SIGCHLD);
    int signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    int r = signals < 0 ? -errno : process_fork_prepare();
    if (r == 0) {
        r = ipc_send(addon->link_fd, &ready, sizeof(ready), NULL, 0);
    }
    struct children children = { 0 };
    while (r >= 0) {
        struct pollfd polls[2] = { { .fd = addon->link_fd, .events = POLLIN },
                                   { .fd = signals, .events = POLLIN } };
        if (poll(polls, 2, -1) < 0 && errno != EINTR) {
            r = -errno;
        }
        if (polls[1].revents) {
            struct signalfd_siginfo taken;
            (void)!read(signals, &taken, sizeof(taken)); /* waitpid tells the rest */
            children_reap(&children, addon->link_fd);
        }
        if (r >= 0 && polls[0].revents) {
            napi_value instance = function_message(addon, &children, &r);
            if (instance) {
                (void)close(signals);
                free(children.list);
                return instance;
            }
        }
    }
    _exit(1); /* the supervisor is gone, and with us, process 1, all instances go */
}

/* In a callback scope: what of the function runs before the scope ends, its first request, may
 * throw where nobody catches, which is a matter of 'uncaughtException' as it is at any other time.
 */
static void call_become(struct addon *addon)
{
    napi_env env = addon->env;
    napi_handle_scope handles;
    napi_callback_scope scope;
    napi_async_context async;
    napi_value resource;
    napi_value name;
    napi_value callback;
    napi_value global;
    if (napi_open_handle_scope(env, &handles) != napi_ok ||
        napi_create_object(env, &resource) != napi_ok ||
        napi_create_string_utf8(env, "mayfly", NAPI_AUTO_LENGTH, &name) != napi_ok ||
        napi_async_init(env, resource, name, &async) != napi_ok ||
        napi_open_callback_scope(env, resource, async, &scope) != napi_ok) {
        abort(); /* out of memory */
    }
    napi_value id = value_number(env, (double)addon->instance_id);
    if (napi_get_reference_value(env, addon->become, &callback) != napi_ok ||
        napi_get_global(env, &global) != napi_ok ||
        napi_call_function(env, global, callback, 1, &id, NULL) != napi_ok) {
        abort(); /* it resolves a promise of ours, and does not throw */
    }
    (void)napi_close_callback_scope(env, scope); /* runs process.nextTick and promises */
    (void)napi_async_destroy(env, async);
    (void)napi_delete_reference(env, addon->become);
    addon->become = NULL;
    (void)napi_close_handle_scope(env, handles);
}

static void link_closed(uv_handle_t *handle)
{
    struct addon *addon = container_of((uv_poll_t *)handle, struct addon, link_poll);
    (void)close(addon->link_fd);
    addon->link_fd = -1;
}

static void link_readable(uv_poll_t *poll, int status, int events)
{
    struct addon *addon = container_of(poll, struct addon, link_poll);
    union message message;
    struct ipc_received received;
    int r = ipc_receive(addon->link_fd, &message, sizeof(message), &received);
    if (status < 0 || !(events & UV_READABLE) || r <= 0 ||
        message_check(&message, received.size, received.fd_count, ROLE_SUPERVISOR,
                      ROLE_FUNCTION_ZYGOTE) < 0) {
        if (r == -EAGAIN) {
            return;
        }
        _exit(1); /* the supervisor is gone */
    }
    struct err err = { 0 };
    const struct message_zygote_fork *request = &message.zygote_fork;
    const char *scratch = addon->isolation & SANDBOX_MOUNT_NAMESPACE ? NULL : request->scratch;
    if (message.type == MESSAGE_ZYGOTE_FORK &&
        become_instance(addon, request, scratch, &received, &err) < 0) {
        (void)fprintf(stderr, "mayfly: the instance could not be set up: %s\n", err.text);
        _exit(1);
    }
    ipc_received_close(&received);
    if (addon->instance_id) {
        uv_close((uv_handle_t *)poll, link_closed);
        call_become(addon);
    }
}

/* awaitInstance(loadMs, unloaded, unloadedText, reason, callback) */
static napi_value await_instance(napi_env env, napi_callback_info info)
{
    struct addon *addon = addon_of(env);
    struct arguments arguments = arguments_of(env, info);
    struct message_zygote_ready ready = ready_of(env, &arguments);
    size_t len;
    if (napi_get_value_string_utf8(env, arguments.at[3], ready.text, sizeof(ready.text), &len) !=
            napi_ok ||
        napi_create_reference(env, arguments.at[4], 1, &addon->become) != napi_ok) {
        (void)napi_throw_type_error(env, NULL, "awaitInstance: reason and callback");
        return NULL;
    }
    int r = uv_poll_init(addon->loop, &addon->link_poll, addon->link_fd);
    if (r == 0) {
        r = uv_poll_start(&addon->link_poll, UV_READABLE, link_readable);
    }
    if (r == 0) {
        r = ipc_send(addon->link_fd, &ready, sizeof(ready), NULL, 0);
    }
    if (r < 0) {
        _exit(1);
    }
    return value_undefined(env);
}

/* loadFailed(text): tells the supervisor why, and ends. */
static napi_value load_failed(napi_env env, napi_callback_info info)
{
    struct arguments arguments = arguments_of(env, info);
    char text[MESSAGE_TEXT_MAX] = "";
    size_t len;
    (void)napi_get_value_string_utf8(env, arguments.at[0], text, sizeof(text), &len);
    send_failed(addon_of(env)->link_fd, text);
    _exit(1);
}

/* restScan(linkFd) -> { activity, busy, reason }; the argument is for the base zygote. */
static napi_value rest_scan_js(napi_env env, napi_callback_info info)
{
    struct addon *addon = addon_of(env);
    struct arguments arguments = arguments_of(env, info);
    int link_fd = addon->link_fd >= 0 ? addon->link_fd : (int)value_to_u32(env, arguments.at[0]);
    int known[] = { link_fd, -1 };
    struct rest rest;
    rest_scan(addon->loop, known, &rest);
    napi_value object;
    if (napi_create_object(env, &object) != napi_ok) {
        return NULL;
    }
    value_set(env, object, "activity", value_number(env, (double)(rest.activity >> 11)));
    value_set(env, object, "busy", value_text(env, rest.busy));
    return value_set(env, object, "reason", value_text(env, rest.reason));
}

static napi_value exit_now(napi_env env, napi_callback_info info)
{
    struct arguments arguments = arguments_of(env, info);
    /* Not exit(): the platform's destructor would wait for threads that a fork has lost. */
    _exit((int)value_to_u32(env, arguments.at[0]));
}

/* pid(): of this process; process.pid was read before the forks. */
static napi_value pid_now(napi_env env, napi_callback_info info)
{
    (void)info;
    return value_number(env, getpid());
}

/* setTitle(text): what ps shows. */
static napi_value set_title(napi_env env, napi_callback_info info)
{
    struct arguments arguments = arguments_of(env, info);
    char title[MESSAGE_NAME_MAX + 32] = "";
    size_t len;
    (void)napi_get_value_string_utf8(env, arguments.at[0], title, sizeof(title), &len);
    (void)uv_set_process_title(title); /* only ENOBUFS: then it stays as it was */
    (void)prctl(PR_SET_NAME, title);
    return value_undefined(env);
}

napi_status zygote_define(napi_env env, napi_value exports)
{
    static const struct addon_call calls[] = {
        { "serveBase", serve_base },         { "serveFunction", serve_function },
        { "awaitInstance", await_instance }, { "loadFailed", load_failed },
        { "restScan", rest_scan_js },        { "exit", exit_now },
        { "setTitle", set_title },           { "pid", pid_now },
    };
    return addon_define(env, exports, calls, ARRAY_COUNT(calls));
}
