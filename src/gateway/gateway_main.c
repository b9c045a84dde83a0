/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/gateway_main.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/title.h"
#include "gateway/conn_requests.h"
#include "gateway/control_port.h"
#include "gateway/folders.h"
#include "gateway/instance_requests.h"
#include "gateway/lease.h"
#include "gateway/listener.h"
#include "gateway/routes_json.h"
#include "gateway/turn.h"

#define ROUTES_BYTES_MAX (64 * MIB)

/* What the supervisor says. */

static void on_instance(struct gateway *g, const struct message_instance *m,
                        struct ipc_received *received)
{
    struct channel_fds fds = { .memory = take_fd(&received->fds[0]),
                               .wake_host = take_fd(&received->fds[1]),
                               .wake_instance = take_fd(&received->fds[2]) };
    struct message_instance_stop stop = { .type = MESSAGE_INSTANCE_STOP,
                                          .reason = STOP_DRAINED,
                                          .instance = m->instance };
    list_for_each (item, &g->functions) {
        struct function *f = list_entry(item, struct function, in_gateway);
        if (f->id != m->function) {
            continue;
        }
        lease_started(f);
        int r = instance_find(g, m->instance) ? -EEXIST : instance_create(g, f, m->instance, &fds);
        if (r == 0) {
            lease_offer(instance_find(g, m->instance));
            return;
        }
        if (r != -EEXIST) {
            fds = (struct channel_fds){ -1, -1, -1 }; /* were taken over nonetheless */
        }
        log_error("instance %llu: %s", (unsigned long long)m->instance, strerror(-r));
        break;
    }
    channel_fds_close(&fds); /* of a function that is no more */
    (void)link_send(&g->supervisor, &stop, NULL, 0);
}

static void on_instance_gone(struct gateway *g, const struct message_instance_gone *m)
{
    static const enum error_kind kinds[] = {
        [GONE_STOPPED] = ERROR_CRASH, [GONE_EXITED] = ERROR_CRASH, [GONE_SIGNALLED] = ERROR_CRASH,
        [GONE_MEMORY] = ERROR_MEMORY, [GONE_CPU] = ERROR_CPU,      [GONE_NOT_STARTED] = ERROR_START,
    };
    char text[MESSAGE_TEXT_MAX + 64];
    struct instance *i = instance_find(g, m->instance);
    enum error_kind kind = m->why < ARRAY_COUNT(kinds) ? kinds[m->why] : ERROR_CRASH;
    int len = m->text[0]              ? snprintf(text, sizeof(text), "%s", m->text)
              : m->why == GONE_EXITED ? snprintf(text, sizeof(text), "exit status %d", m->status)
              : m->why == GONE_SIGNALLED
                  ? snprintf(text, sizeof(text), "signal %d (%s)", m->status, strsignal(m->status))
                  : snprintf(text, sizeof(text), "%s", "");
    struct str detail = str_of(text, (size_t)len);
    struct function *f = NULL;
    list_for_each (item, &g->functions) {
        struct function *candidate = list_entry(item, struct function, in_gateway);
        f = candidate->id == m->function ? candidate : f;
    }
    if (i) {
        instance_gone(i, kind, detail);
    }
    if (f && m->why == GONE_NOT_STARTED) {
        lease_not_started(f, detail, i == NULL);
    }
}

static void on_supervisor(struct link *link, const union message *message,
                          struct ipc_received *received)
{
    struct gateway *g = container_of(link, struct gateway, supervisor);
    gateway_turn(g);
    switch (message->type) {
    case MESSAGE_INSTANCE:
        on_instance(g, &message->instance, received);
        break;
    case MESSAGE_INSTANCE_GONE:
        on_instance_gone(g, &message->instance_gone);
        break;
    case MESSAGE_FOLDER:
        folders_take(g, &message->folder, take_fd(&received->fds[0]));
        break;
    default:
        break; /* message_check() lets no other through */
    }
}

/* What control says. */

static void read_routes(struct gateway *g, int fd, uint64_t build)
{
    struct err err = { 0 };
    struct stat st;
    struct routes_file file = { 0 };
    if (fstat(fd, &st) < 0 || st.st_size <= 0 || (size_t)st.st_size > ROUTES_BYTES_MAX) {
        log_error("routes of build %llu: not readable", (unsigned long long)build);
        return;
    }
    scoped_free char *text = mem_alloc((size_t)st.st_size);
    ssize_t n = pread(fd, text, (size_t)st.st_size, 0);
    int r = n != st.st_size ? err_set(&err, EIO, "short read")
                            : routes_json_read(str_of(text, (size_t)n), &file, &err);
    if (r < 0) {
        log_error("routes of build %llu: %s", (unsigned long long)build, err.text);
        return;
    }
    folders_give(g, file.router, build);
    lease_build(g, &file, build);
    listener_resume(g);
    routes_file_finish(&file);
}

static void on_control(struct link *link, const union message *message,
                       struct ipc_received *received)
{
    struct gateway *g = container_of(link, struct gateway, control);
    gateway_turn(g);
    static const struct sockaddr_storage nobody = { .ss_family = AF_UNIX };
    switch (message->type) {
    case MESSAGE_ROUTES:
        read_routes(g, received->fds[0], message->routes.build);
        break;
    case MESSAGE_CONNECTION:
        conn_create(g, take_fd(&received->fds[0]), DOOR_CONTROL, &nobody);
        break;
    case MESSAGE_FILE:
        control_port_file(g, &message->file, take_fd(&received->fds[0]));
        break;
    default:
        break; /* message_check() lets no other through */
    }
}

static void on_supervisor_gone(struct link *link, int why)
{
    struct gateway *g = container_of(link, struct gateway, supervisor);
    g->status = why < 0 ? 1 : 0;
    uv_stop(&g->loop);
}

static void on_control_gone(struct link *link, int why)
{
    struct gateway *g = container_of(link, struct gateway, control);
    if (why < 0) {
        log_error("control %s: %s", link_fault(why), strerror(-why));
        g->status = 1;
        uv_stop(&g->loop);
    } else {
        link_close(link, NULL); /* the supervisor sees it too: it says so, and ends us */
    }
}

/* Start and end. */

struct options {
    struct {
        int fd;
        enum door door;
    } listen[GATEWAY_LISTENERS_MAX];
    size_t listen_count;
    int supervisor;
    int control;
    struct channel_fds log;
    struct channel_fds port; /* control as an instance */
    bool dev;
    bool again; /* a gateway before this one has served a build */
};

static bool read_fd(const char *text, int *ret)
{
    uint64_t number;
    if (!text || !str_to_u64(str_c(text), &number) || number > 1 << 20) {
        return false;
    }
    *ret = (int)number;
    return true;
}

enum option_code {
    SUPERVISOR = 1, /* from here to PORT_SELF: descriptors that must be there */
    CONTROL,
    LOG_MEMORY,
    LOG_HOST,
    LOG_SELF,
    PORT_MEMORY,
    PORT_HOST,
    PORT_SELF,
    LISTEN,
    AWS,
    DEV,
    AGAIN
};

static int *descriptor_of(struct options *o, int code)
{
    int *const all[] = { [SUPERVISOR] = &o->supervisor,        [CONTROL] = &o->control,
                         [LOG_MEMORY] = &o->log.memory,        [LOG_HOST] = &o->log.wake_host,
                         [LOG_SELF] = &o->log.wake_instance,   [PORT_MEMORY] = &o->port.memory,
                         [PORT_HOST] = &o->port.wake_instance, [PORT_SELF] = &o->port.wake_host };
    return all[code];
}

static bool add_listener(struct options *o, const char *text, enum door door)
{
    if (o->listen_count == GATEWAY_LISTENERS_MAX ||
        !read_fd(text, &o->listen[o->listen_count].fd)) {
        return false;
    }
    o->listen[o->listen_count++].door = door;
    return true;
}

static bool read_option(struct options *o, int code, const char *text)
{
    switch (code) {
    case LISTEN:
        return add_listener(o, text, DOOR_PUBLIC);
    case AWS:
        return add_listener(o, text, DOOR_AWS);
    case DEV:
        return o->dev = true;
    case AGAIN:
        return o->again = true;
    default:
        return code >= SUPERVISOR && code <= PORT_SELF && read_fd(text, descriptor_of(o, code));
    }
}

static bool read_options(int argc, char **argv, struct options *ret)
{
    static const struct option names[] = {
        { "listen", required_argument, NULL, LISTEN },
        { "aws", required_argument, NULL, AWS },
        { "supervisor", required_argument, NULL, SUPERVISOR },
        { "control", required_argument, NULL, CONTROL },
        { "log-memory", required_argument, NULL, LOG_MEMORY },
        { "log-wake-host", required_argument, NULL, LOG_HOST },
        { "log-wake-self", required_argument, NULL, LOG_SELF },
        { "port-memory", required_argument, NULL, PORT_MEMORY },
        { "port-wake-host", required_argument, NULL, PORT_HOST },
        { "port-wake-self", required_argument, NULL, PORT_SELF },
        { "dev", no_argument, NULL, DEV },
        { "again", no_argument, NULL, AGAIN },
        { 0 },
    };
    *ret = (struct options){
        .supervisor = -1, .control = -1, .log = { -1, -1, -1 }, .port = { -1, -1, -1 }
    };
    optind = 1;
    int code;
    while ((code = getopt_long(argc, argv, "", names, NULL)) != -1) {
        if (!read_option(ret, code, optarg)) {
            return false;
        }
    }
    for (code = SUPERVISOR; code <= PORT_SELF; code++) {
        if (*descriptor_of(ret, code) < 0) {
            return false;
        }
    }
    return optind == argc && ret->listen_count > 0;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* What files we may have open is shared out, a third each: for connections, for the files that they
 * are answered with, and for instances, of which each takes two, and one more while it is received.
 * A process without room for what it is to receive is at its end. */
static void share_files(struct gateway *g)
{
    struct rlimit files = { .rlim_cur = LIMIT_OPEN_FILES_MIN };
    (void)getrlimit(RLIMIT_NOFILE, &files); /* cannot fail for it */
    size_t third = (size_t)files.rlim_cur / 3;
    g->conns_max = smaller(third, LIMIT_CONNECTIONS);
    g->instances_max = smaller(third / 3, LIMIT_INSTANCES);
}

static void init(struct gateway *g, const struct options *options)
{
    struct list *const lists[] = { &g->functions,      &g->drains,          &g->conns,
                                   &g->requests,       &g->spare_requests,  &g->awake,
                                   &g->dirty_conns,    &g->dirty_instances, &g->early_files,
                                   &g->unwanted_files, &g->awaiting_file,   &g->early_folders };
    for (size_t i = 0; i < ARRAY_COUNT(lists); i++) {
        list_init(lists[i]);
    }
    for (size_t i = 0; i < GATEWAY_INSTANCE_HASH; i++) {
        list_init(&g->instances[i]);
    }
    g->conn_events = &conn_requests;
    g->instance_events = &instance_requests;
    g->dev = options->dev;
    share_files(g);
    pressure_init(&g->pressure);
    g->processors = uv_available_parallelism();
    g->scratch = mem_alloc(GATEWAY_SCRATCH_BYTES);
    g->copy = mem_alloc(GATEWAY_SCRATCH_BYTES);
    (void)gateway_date(g);
    turn_begin(g);
}

static const struct link_ends supervisor_ends = { ROLE_GATEWAY, ROLE_SUPERVISOR, on_supervisor,
                                                  on_supervisor_gone };
static const struct link_ends control_ends = { ROLE_GATEWAY, ROLE_CONTROL, on_control,
                                               on_control_gone };

static int open_all(struct gateway *g, const struct options *o)
{
    int r = records_open(&g->records, &g->loop, &o->log);
    if (r == 0) {
        r = link_open(&g->supervisor, &g->loop, o->supervisor, &supervisor_ends);
    }
    if (r == 0) {
        r = link_open(&g->control, &g->loop, o->control, &control_ends);
    }
    if (r == 0) {
        r = control_port_open(g, &o->port);
    }
    for (size_t i = 0; r == 0 && i < o->listen_count; i++) {
        r = listener_open(g, o->listen[i].fd, o->listen[i].door);
    }
    g->patience_until_ms =
        gateway_now_ms(g) + (o->again ? GATEWAY_PATIENCE_AGAIN_MS : GATEWAY_PATIENCE_MS);
    return r;
}

int gateway_main(int argc, char **argv)
{
    struct options options;
    log_open("gateway");
    if (!read_options(argc, argv, &options)) {
        log_error("these are not its arguments");
        return 2;
    }
    title_set("mayfly: gateway");
    (void)signal(SIGPIPE, SIG_IGN); /* a valid signal */
    (void)signal(SIGINT, SIG_IGN);  /* the terminal's Ctrl-C is the supervisor's to handle */
    struct gateway *g = mem_new(struct gateway);
    int r = uv_loop_init(&g->loop);
    if (r == 0) {
        init(g, &options);
        r = open_all(g, &options);
    }
    if (r < 0) {
        log_error("cannot start: %s", strerror(-r));
        return 1;
    }
    (void)uv_run(&g->loop, UV_RUN_DEFAULT); /* ends by uv_stop() */
    records_close(&g->records);
    return g->status; /* the kernel closes the rest */
}
