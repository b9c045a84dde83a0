/* Everything around the gateway, for its tests: plays supervisor and control, and runs instances
 * that are written in C (fake_instance.c).
 *
 *     fake_platform ROUTES.json [--dev] [--start-ms N] [--later-start-ms N]
 *
 * Listens on a free port of 127.0.0.1 and prints it, then each record of the gateway as a line of
 * JSON. New routes are read from the file when a line comes in on standard input; after "same" they
 * are of the same build once more; "control" has it take the requests that control has been given
 * until then, and pass them over. Ends with it.
 *
 * A root of static files with `shared` is that folder, opened here: of the even ones before the
 * gateway has the routes, of the odd ones after.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/title.h"
#include "fake_instance.h"
#include "gateway/gateway_main.h"
#include "ipc/message.h"
#include "ipc/record.h"
#include "ipc/socket.h"

#define CHILDREN_MAX 4096

struct child {
    pid_t pid;
    uint64_t function;
    uint64_t instance;
    bool stopped;
};

static struct child children[CHILDREN_MAX];
static size_t child_count;
static uint64_t next_instance = 1;
static int supervisor_fd;
static int control_fd;
static struct channel log_channel;
static int start_ms;
static int later_start_ms; /* of all instances but the first */

static void must(int r, const char *what)
{
    if (r < 0) {
        (void)fprintf(stderr, "%s: %s\n", what, strerror(errno));
        exit(1);
    }
}

static int listen_somewhere(uint16_t *ret_port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    must(fd, "socket");
    must(bind(fd, (struct sockaddr *)&at, len), "bind");
    must(listen(fd, 1024), "listen");
    must(getsockname(fd, (struct sockaddr *)&at, &len), "getsockname");
    *ret_port = ntohs(at.sin_port);
    return fd;
}

/* `port`: control as an instance, which answers nothing here. */
static void start_gateway(int listen_fd, int supervisor, int control, const struct channel_fds *log,
                          const struct channel_fds *port, bool dev)
{
    static const char *const names[] = { "--listen",      "--supervisor",     "--control",
                                         "--log-memory",  "--log-wake-host",  "--log-wake-self",
                                         "--port-memory", "--port-wake-self", "--port-wake-host" };
    const int fds[ARRAY_COUNT(names)] = { listen_fd,    supervisor,      control,
                                          log->memory,  log->wake_host,  log->wake_instance,
                                          port->memory, port->wake_host, port->wake_instance };
    char text[ARRAY_COUNT(names)][16];
    char *argv[2 * ARRAY_COUNT(names) + 3] = { strdup("gateway") };
    int argc = 1;
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        (void)snprintf(text[i], sizeof(text[i]), "%d", fds[i]);
        argv[argc++] = strdup(names[i]);
        argv[argc++] = text[i];
    }
    if (dev) {
        argv[argc++] = strdup("--dev");
    }
    pid_t pid = fork();
    must(pid, "fork");
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)close(supervisor_fd);
        (void)close(control_fd);
        exit(gateway_main(argc, argv));
    }
}

static void send_routes(const char *path, uint64_t build)
{
    int in = open(path, O_RDONLY);
    must(in, path);
    int out = memfd_create("routes", MFD_CLOEXEC);
    char chunk[4096];
    ssize_t n;
    while ((n = read(in, chunk, sizeof(chunk))) > 0) {
        must((int)write(out, chunk, (size_t)n), "write");
    }
    struct message_routes routes = { .type = MESSAGE_ROUTES, .build = build };
    must(ipc_send(control_fd, &routes, sizeof(routes), &out, 1), "send routes");
    (void)close(in);
    (void)close(out);
}

/* As the supervisor: those whose number leaves `rest`. */
static void share_folders(const char *path, uint64_t build, size_t rest)
{
    size_t i;
    json_t *root;
    json_t *manifest = json_load_file(path, 0, NULL);
    json_array_foreach(json_object_get(manifest, "static"), i, root)
    {
        const char *shared = json_string_value(json_object_get(root, "shared"));
        if (!shared || i % 2 != rest) {
            continue;
        }
        const struct message_folder folder = { .type = MESSAGE_FOLDER,
                                               .root = (uint32_t)i,
                                               .build = build };
        int fd = open(shared, O_PATH | O_DIRECTORY | O_CLOEXEC);
        must(fd, shared);
        int r;
        while ((r = ipc_send(supervisor_fd, &folder, sizeof(folder), &fd, 1)) == -EAGAIN) {
            struct pollfd writable = { .fd = supervisor_fd, .events = POLLOUT };
            (void)poll(&writable, 1, -1);
        }
        must(r, "send folder");
        (void)close(fd);
    }
    json_decref(manifest);
}

static void deploy(const char *path, uint64_t build)
{
    share_folders(path, build, 0);
    send_routes(path, build);
    share_folders(path, build, 1);
}

static void start_instance(uint64_t function)
{
    struct channel_fds fds;
    must(channel_make(LIMIT_RING_BYTES, &fds), "channel");
    struct child *c = NULL;
    for (size_t i = 0; i < CHILDREN_MAX && !c; i++) {
        c = children[i].pid == 0 ? &children[i] : NULL;
    }
    *c = (struct child){ .function = function, .instance = next_instance++ };
    child_count++;
    struct message_instance m = { .type = MESSAGE_INSTANCE,
                                  .function = function,
                                  .instance = c->instance };
    int list[] = { fds.memory, fds.wake_host, fds.wake_instance };
    must(ipc_send(supervisor_fd, &m, sizeof(m), list, 3), "send instance");
    c->pid = fork();
    must(c->pid, "fork");
    if (c->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)usleep((useconds_t)(c->instance > 1 ? later_start_ms : start_ms) * 1000);
        fake_instance_serve(&fds);
    }
    channel_fds_close(&fds);
    (void)printf("{\"started\":%llu}\n", (unsigned long long)c->instance);
}

static void stop_instance(uint64_t instance)
{
    for (size_t i = 0; i < CHILDREN_MAX; i++) {
        if (children[i].pid > 0 && children[i].instance == instance) {
            children[i].stopped = true;
            (void)kill(children[i].pid, SIGKILL);
        }
    }
}

static void reap(void)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        size_t i = 0;
        while (i < CHILDREN_MAX && children[i].pid != pid) {
            i++;
        }
        if (i == CHILDREN_MAX) {
            exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1); /* the gateway */
        }
        struct child *c = &children[i];
        struct message_instance_gone gone = {
            .type = MESSAGE_INSTANCE_GONE,
            .why = c->stopped          ? GONE_STOPPED
                   : WIFEXITED(status) ? GONE_EXITED
                                       : GONE_SIGNALLED,
            .status = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status),
            .function = c->function,
            .instance = c->instance,
        };
        must(ipc_send(supervisor_fd, &gone, sizeof(gone), NULL, 0), "send gone");
        (void)printf("{\"gone\":%llu}\n", (unsigned long long)c->instance);
        *c = (struct child){ 0 };
        child_count--;
    }
}

static void on_supervisor(void)
{
    union message m;
    struct ipc_received received;
    int r = ipc_receive(supervisor_fd, &m, sizeof(m), &received);
    if (r <= 0) {
        exit(1);
    }
    must(message_check(&m, received.size, received.fd_count, ROLE_GATEWAY, ROLE_SUPERVISOR),
         "message");
    if (m.type == MESSAGE_INSTANCE_START) {
        start_instance(m.instance_start.function);
    } else {
        (void)printf("{\"stop\":%llu,\"reason\":%u}\n",
                     (unsigned long long)m.instance_stop.instance, m.instance_stop.reason);
        stop_instance(m.instance_stop.instance);
    }
}

static void on_control(void)
{
    union message m;
    struct ipc_received received;
    if (ipc_receive(control_fd, &m, sizeof(m), &received) <= 0) {
        exit(1);
    }
    (void)printf("{\"routes\":%llu,\"drained\":%u}\n", (unsigned long long)m.routes_done.build,
                 m.routes_done.drained);
}

static void print_usage(const void *payload, size_t size)
{
    struct record_usage u;
    struct str t[RECORD_USAGE_TEXT_COUNT];
    must(record_usage_read(payload, size, &u, t), "usage record");
    (void)printf("{\"usage\":\"" STR_FMT " " STR_FMT
                 "\",\"status\":%u,\"outcome\":\"%s\",\"cold\":%u,"
                 "\"in\":%llu,\"out\":%llu,\"cpu\":%llu,\"memory\":%llu,\"trace\":\"" STR_FMT
                 "\",\"error\":\"" STR_FMT "\"}\n",
                 STR_ARG(t[RECORD_USAGE_METHOD]), STR_ARG(t[RECORD_USAGE_PATH]), u.status,
                 record_outcome_name(u.outcome), u.cold, (unsigned long long)u.bytes_in,
                 (unsigned long long)u.bytes_out, (unsigned long long)u.cpu_us,
                 (unsigned long long)u.memory_peak_bytes, STR_ARG(t[RECORD_USAGE_TRACE_ID]),
                 STR_ARG(t[RECORD_USAGE_ERROR]));
}

static void print_log(const void *payload, size_t size)
{
    struct record_log l;
    struct str t[RECORD_LOG_TEXT_COUNT];
    must(record_log_read(payload, size, &l, t), "log record");
    (void)printf("{\"log\":\"" STR_FMT "\",\"level\":%u}\n", STR_ARG(t[RECORD_LOG_TEXT]), l.level);
}

static void read_log(bool quiet)
{
    do {
        struct frame frame;
        const void *payload;
        channel_awake(&log_channel);
        while (ring_peek(&log_channel.in, &frame, &payload) > 0) {
            if (!quiet && frame.type == FRAME_DONE) {
                print_usage(payload, frame.length);
            } else if (!quiet) {
                print_log(payload, frame.length);
            }
            ring_consume(&log_channel.in);
        }
        channel_flush(&log_channel);
    } while (!channel_sleep(&log_channel));
}

static void take_requests(struct channel *port)
{
    struct frame frame;
    const void *payload;
    while (ring_peek(&port->in, &frame, &payload) > 0) {
        ring_consume(&port->in);
    }
    channel_flush(port);
    (void)printf("{\"control\":true}\n");
}

static void on_child(int signal_number)
{
    (void)signal_number; /* interrupts poll() */
}

int main(int argc, char **argv)
{
    title_init(argc, argv);
    bool dev = false;
    bool quiet = false;
    uint64_t build = 1;
    for (int i = 2; i < argc; i++) {
        dev = dev || strcmp(argv[i], "--dev") == 0;
        quiet = quiet || strcmp(argv[i], "--quiet") == 0;
        if (strcmp(argv[i], "--start-ms") == 0 && i + 1 < argc) {
            start_ms = later_start_ms = (int)strtol(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--later-start-ms") == 0 && i + 1 < argc) {
            later_start_ms = (int)strtol(argv[++i], NULL, 10);
        }
    }
    if (argc < 2) {
        return 2;
    }
    int supervisor[2], control[2];
    uint16_t port;
    struct channel_fds log, port_channel;
    must(ipc_pair(supervisor), "socketpair");
    must(ipc_pair(control), "socketpair");
    must(channel_make(LIMIT_LOG_RING_BYTES, &log), "channel");
    must(channel_make(LIMIT_CONTROL_RING_BYTES, &port_channel), "channel");
    supervisor_fd = supervisor[0];
    control_fd = control[0];
    int listen_fd = listen_somewhere(&port);
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    (void)sigaction(SIGCHLD, &(struct sigaction){ .sa_handler = on_child }, NULL);
    start_gateway(listen_fd, supervisor[1], control[1], &log, &port_channel, dev);
    (void)close(listen_fd);
    (void)close(supervisor[1]);
    (void)close(control[1]);
    struct channel port_end;
    must(channel_open(&log_channel, &log, CHANNEL_HOST), "log channel");
    must(channel_open(&port_end, &port_channel, CHANNEL_INSTANCE), "control's channel");
    deploy(argv[1], build++);
    (void)printf("{\"port\":%u}\n", port);
    for (;;) {
        struct pollfd fds[] = { { .fd = supervisor_fd, .events = POLLIN },
                                { .fd = control_fd, .events = POLLIN },
                                { .fd = log_channel.wake_self, .events = POLLIN },
                                { .fd = STDIN_FILENO, .events = POLLIN } };
        reap();
        read_log(quiet);
        /* The time-out is for a child that ended just before the wait. */
        if (poll(fds, 4, 100) < 0) {
            continue;
        }
        if (fds[0].revents) {
            on_supervisor();
        }
        if (fds[1].revents) {
            on_control();
        }
        if (fds[3].revents) {
            char line[64];
            if (read(STDIN_FILENO, line, sizeof(line)) <= 0) {
                return 0;
            }
            if (strncmp(line, "control", 7) == 0) {
                take_requests(&port_end);
            } else if (strncmp(line, "same", 4) == 0) {
                send_routes(argv[1], build - 1);
            } else {
                deploy(argv[1], build++);
            }
        }
    }
}
