/* SPDX-License-Identifier: Apache-2.0 */
#include "control/control.h"

#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <uv.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/str.h"
#include "base/title.h"
#include "control/aws/aws_port.h"
#include "control/aws/call/aws_call.h"
#include "control/commands.h"
#include "control/console/console.h"
#include "control/console/log_reader.h"
#include "control/console/output.h"
#include "control/deployment/builder_link.h"
#include "control/deployment/deployment.h"
#include "control/events/events.h"
#include "control/events/lambda/lambda_concurrency.h"
#include "control/s3/s3.h"
#include "control/s3/s3_declared.h"
#include "control/s3/s3_webhook.h"
#include "control/services.h"
#include "control/sign/aws_seed.h"
#include "control/text/json_write.h"
#include "control/text/text_file.h"
#include "ipc/link.h"

#define CONTROL_KEEP_BYTES (4 * MIB) /* freed, and not given back to the kernel */
#define SEND_AGAIN_MS      200

struct control {
    uv_loop_t loop;
    uv_signal_t stop;
    struct link supervisor;
    struct link gateway;
    struct builder_link builder;
    struct log_reader logs;
    struct deployment deployment;
    int kept_fd;  /* the supervisor's: the manifest that is served, for the control after this */
    json_t *kept; /* owned: what was found there, until the builder has a manifest; or NULL */
    bool is_first_build;   /* that the active build is the first, of deployment */
    uint64_t routed_build; /* that requests reach */
    uint64_t told_build;   /* on the console */
    uv_timer_t again;      /* runs while something could not be sent: */
    bool is_unrouted;      /* ... the active build's routes */
    struct console *console;
    const char *origin;
    struct exchange_port *port; /* owned, as what is in services */
    struct services services;
    struct events *events;
};

struct control_arguments {
    uint64_t supervisor;
    uint64_t gateway;
    uint64_t builder;
    uint64_t kept;
    uint64_t log_memory;
    uint64_t log_wake_self;
    uint64_t log_wake_host;
    uint64_t port_memory;
    uint64_t port_wake_self;
    uint64_t port_wake_host;
    const char *project;
    const char *origin;
    const char *aws_origin;
    const char *data;
    const char *log;
};

/* ---- what the deployment wants done ---- */

static struct control *control_of(struct deployment *d)
{
    return container_of(d, struct control, deployment);
}

static void send_again(uv_timer_t *timer);

/* Sends `message` with the JSON as its descriptor; the JSON is used up. What cannot be sent, there
 * being no descriptor left, is asked for again by send_again(). */
static int send_json(struct control *c, struct link *link, const void *message, const char *name,
                     json_t *json)
{
    scoped_free char *text = json_write(json);
    json_decref(json);
    scoped_fd int fd = text ? text_file_seal(name, text) : -ENOMEM;
    int r = fd < 0 ? fd : link_send(link, message, &fd, 1);
    if (r < 0 && r != -EPIPE && !uv_is_active((const uv_handle_t *)&c->again)) {
        log_error("cannot send %s yet: %s", name, strerror(-r));
        (void)uv_timer_start(&c->again, send_again, SEND_AGAIN_MS, SEND_AGAIN_MS); /* works */
    }
    return r == -EPIPE ? 0 : r; /* who is gone is started again, and we with it */
}

static int control_add(struct deployment *d, const struct version *version)
{
    struct control *c = control_of(d);
    struct message_function_add add = { .type = MESSAGE_FUNCTION_ADD, .function = version->id };
    const struct aws_user *user = aws_users_function(c->services.users, str_c(version->name));
    const struct deployment_aws aws = { c->services.aws_origin, user->access_key, user->secret };
    deployment_plan(version, &add.plan);
    return send_json(c, &c->supervisor, &add, "function",
                     deployment_spec(version, c->origin, &aws));
}

static void control_remove(struct deployment *d, const struct version *version)
{
    const struct message_function_remove remove = { .type = MESSAGE_FUNCTION_REMOVE,
                                                    .function = version->id };
    (void)link_send(&control_of(d)->supervisor, &remove, NULL, 0); /* its loss ends us */
}

static void share_folders(struct control *c, const struct build *build)
{
    size_t i;
    json_t *root;
    json_array_foreach(json_object_get(build->manifest, "static"), i, root)
    {
        struct message_folder_share share = { .type = MESSAGE_FOLDER_SHARE,
                                              .root = (uint32_t)i,
                                              .build = build->number };
        const char *path = json_string_value(json_object_get(root, "directory"));
        if (path && path[0] == '/' && strlen(path) < sizeof(share.path)) {
            (void)snprintf(share.path, sizeof(share.path), "%s", path);
            (void)link_send(&c->supervisor, &share, NULL, 0); /* its loss ends us */
        }
    }
}

static struct str member(json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);
    return str_of(json_string_value(value), json_string_length(value));
}

/* mayfly.json's users take the place of those of the build before. */
static void set_users(struct control *c, const struct build *build)
{
    size_t i;
    json_t *entry;
    aws_users_clear_project(c->services.users);
    json_array_foreach(json_object_get(json_object_get(build->manifest, "events"), "users"), i,
                       entry)
    {
        const struct aws_user user = { .kind = AWS_USER_PROJECT,
                                       .name = member(entry, "name"),
                                       .access_key = member(entry, "access_key"),
                                       .secret = member(entry, "secret_key"),
                                       .canonical_id = member(entry, "canonical_id"),
                                       .display_name = member(entry, "display_name"),
                                       .email = member(entry, "email") };
        if (aws_users_add(c->services.users, &user) < 0) {
            log_error("user %s: its access key is another's", user.name.data);
        }
    }
}

static void send_routes(struct control *c, const struct build *build)
{
    const struct message_routes message = { .type = MESSAGE_ROUTES, .build = build->number };
    json_t *routes = deployment_routes(build);
    lambda_concurrency_apply(&c->services, json_object_get(routes, "functions"));
    c->is_unrouted = send_json(c, &c->gateway, &message, "routes", routes) < 0;
}

static void send_again(uv_timer_t *timer)
{
    struct control *c = container_of(timer, struct control, again);
    const bool all_told = deployment_tell(&c->deployment);
    if (c->is_unrouted) {
        send_routes(c, c->deployment.active);
    }
    if (all_told && !c->is_unrouted) {
        (void)uv_timer_stop(timer); /* always succeeds */
    }
}

static void control_routes_changed(struct services *s)
{
    struct control *c = container_of(s, struct control, services);
    if (c->deployment.active) {
        send_routes(c, c->deployment.active);
    }
}

/* A control that is killed in here leaves the beginning of a manifest, which is none. */
static void keep(const struct control *c, const struct build *build)
{
    scoped_free char *text = json_write(build->manifest);
    int r = !text || ftruncate(c->kept_fd, 0) < 0 || lseek(c->kept_fd, 0, SEEK_SET) < 0
                ? -EIO
                : text_file_write(c->kept_fd, text);
    if (r < 0) {
        log_error("after a crash this build is not served before it is built anew: %s",
                  strerror(-r));
    }
}

static void control_route(struct deployment *d, const struct build *build, bool first)
{
    struct control *c = control_of(d);
    share_folders(c, build);
    set_users(c, build);
    s3_declared_build(c->services.s3, build->manifest);
    send_routes(c, build);
    keep(c, build);
    c->is_first_build = first;
    events_build(c->events, build->manifest);
}

static void control_reject(struct deployment *d, const struct build *build,
                           const struct version *culprit)
{
    (void)build;
    console_rejected(control_of(d)->console, culprit);
}

static const struct deployment_actions control_actions = {
    .add = control_add,
    .remove = control_remove,
    .route = control_route,
    .reject = control_reject,
};

/* ---- what comes in ---- */

/* A build is told of when requests reach it, not before: who reads of it may send one at once. And
 * when its functions have loaded, or why not is not known. */
static void tell_build(struct control *c)
{
    const struct build *active = c->deployment.active;
    if (active && active->number == c->routed_build && active->number != c->told_build &&
        deployment_has_settled(active)) {
        c->told_build = active->number;
        console_build(c->console, active, c->is_first_build);
    }
}

static void control_from_supervisor(struct link *link, const union message *message,
                                    struct ipc_received *received)
{
    struct control *c = container_of(link, struct control, supervisor);
    if (message->type == MESSAGE_FUNCTION_LOADED) {
        deployment_loaded(&c->deployment, &message->function_loaded);
        tell_build(c);
    } else if (message->type == MESSAGE_FUNCTION_OUTPUT) {
        uint64_t function = message->function_output.function;
        output_open(&c->loop, take_fd(&received->fds[0]), function, c->console, &c->deployment);
        deployment_loading(&c->deployment, function);
    }
}

static void control_routed(struct control *c, const struct message_routes_done *done)
{
    if (done->drained) {
        deployment_drained(&c->deployment, done->build);
    } else {
        c->routed_build = done->build;
        tell_build(c);
    }
}

static void control_from_gateway(struct link *link, const union message *message,
                                 struct ipc_received *received)
{
    struct control *c = container_of(link, struct control, gateway);
    (void)received; /* carries no descriptors */
    if (message->type == MESSAGE_ROUTES_DONE) {
        control_routed(c, &message->routes_done);
    }
}

static enum record_level level_of(const char *name)
{
    static const char *const names[] = { "debug", "info", "warn", "error" };
    for (int i = 0; name && i < (int)ARRAY_COUNT(names); i++) {
        if (strcmp(names[i], name) == 0) {
            return (enum record_level)i;
        }
    }
    return RECORD_INFO;
}

static void offer(struct control *c, json_t *manifest)
{
    struct err err;
    if (deployment_offer(&c->deployment, manifest, &err) < 0) {
        log_error("the builder's manifest is not sound: %s", err.text);
    }
}

/* What a control before this one served is served again at once: its artifacts are still there, and
 * the builder, which starts anew beside us, needs seconds on a busy machine. */
static void serve_kept(struct control *c)
{
    struct stat st;
    if (fstat(c->kept_fd, &st) < 0 || st.st_size == 0) {
        return;
    }
    size_t size = (size_t)st.st_size;
    void *text = mmap(NULL, size, PROT_READ, MAP_SHARED, c->kept_fd, 0);
    if (text == MAP_FAILED) {
        return;
    }
    c->kept = json_loadb(text, size, 0, NULL);
    (void)munmap(text, size); /* ours */
    if (c->kept) {
        offer(c, c->kept);
    }
}

static void forget_kept(struct control *c)
{
    json_decref(c->kept);
    c->kept = NULL;
}

/* The builder's first manifest may be the one that is served already. */
static bool is_kept(const struct control *c, json_t *manifest)
{
    if (!c->kept) {
        return false;
    }
    (void)json_object_set(c->kept, "build_ms", json_object_get(manifest, "build_ms"));
    return json_equal(c->kept, manifest);
}

static void control_from_builder(struct builder_link *link, const char *type, json_t *message)
{
    struct control *c = container_of(link, struct control, builder);
    if (strcmp(type, "manifest") == 0) {
        if (!is_kept(c, message)) {
            offer(c, message);
        }
        forget_kept(c);
    } else if (strcmp(type, "failed") == 0) {
        forget_kept(c); /* that it can be built again will be news */
        console_failed(c->console, json_object_get(message, "diagnostics"),
                       c->deployment.active != NULL);
    } else if (strcmp(type, "log") == 0) {
        json_t *text = json_object_get(message, "text");
        console_note(c->console, level_of(json_string_value(json_object_get(message, "level"))),
                     str_of(json_string_value(text), json_string_length(text)));
    }
}

/* ---- what others ask of control ---- */

static void control_begin(struct exchange *x, void *context)
{
    struct control *c = context;
    if (x->door == EXCHANGE_AWS) {
        aws_port_begin(&c->services, x);
    } else if (x->door == EXCHANGE_WEBHOOK) {
        s3_webhook_begin(&c->services, x);
    } else {
        events_begin(c->events, x);
    }
}

static int control_send_file(int fd, uint32_t stream, uint64_t offset, uint64_t length,
                             void *context)
{
    struct control *c = context;
    const struct message_file file = {
        .type = MESSAGE_FILE, .stream = stream, .offset = offset, .length = length
    };
    return link_send(&c->gateway, &file, &fd, 1);
}

static int control_connect(int fd, void *context)
{
    struct control *c = context;
    const struct message_connection connection = { .type = MESSAGE_CONNECTION };
    return link_send(&c->gateway, &connection, &fd, 1);
}

/* So are we. */
static void control_supervisor_gone(struct link *link, int why)
{
    struct control *c = container_of(link, struct control, supervisor);
    if (why < 0) {
        log_error("the supervisor %s: %s", link_fault(why), strerror(-why));
    }
    uv_stop(&c->loop);
}

/* The supervisor sees it too, and starts us both again. */
static void control_gateway_gone(struct link *link, int why)
{
    (void)why;
    link_close(link, NULL);
}

static void control_stop(uv_signal_t *handle, int number)
{
    (void)number;
    uv_stop(handle->loop);
}

/* ---- start ---- */

static int read_arguments(int argc, char **argv, struct control_arguments *ret)
{
    const struct {
        const char *name;
        uint64_t *number;
        const char **text;
    } known[] = {
        { "supervisor", &ret->supervisor, NULL },
        { "gateway", &ret->gateway, NULL },
        { "builder", &ret->builder, NULL },
        { "kept", &ret->kept, NULL },
        { "log-memory", &ret->log_memory, NULL },
        { "log-wake-self", &ret->log_wake_self, NULL },
        { "log-wake-host", &ret->log_wake_host, NULL },
        { "port-memory", &ret->port_memory, NULL },
        { "port-wake-self", &ret->port_wake_self, NULL },
        { "port-wake-host", &ret->port_wake_host, NULL },
        { "project", NULL, &ret->project },
        { "origin", NULL, &ret->origin },
        { "aws-origin", NULL, &ret->aws_origin },
        { "data", NULL, &ret->data },
        { "log", NULL, &ret->log },
    };
    struct option options[ARRAY_COUNT(known) + 1] = { 0 };
    size_t given = 0;
    for (size_t i = 0; i < ARRAY_COUNT(known); i++) {
        options[i] = (struct option){ .name = known[i].name, .has_arg = required_argument };
    }
    int at;
    while (getopt_long(argc, argv, "", options, &at) == 0) {
        if (known[at].text) {
            *known[at].text = optarg;
        } else if (!str_to_u64(str_c(optarg), known[at].number) || *known[at].number > INT_MAX) {
            return -EINVAL;
        }
        given++;
    }
    return given == ARRAY_COUNT(known) ? 0 : -EINVAL;
}

/* Never given before: a control that died leaves no ids to its successor, but its start time is
 * earlier, and it gave fewer than a thousand a millisecond. */
static uint64_t fresh_id(void)
{
    return clock_wall_ms() * 1000;
}

static enum console_format format_of(const char *name)
{
    return strcmp(name, "json") == 0   ? CONSOLE_JSON
           : strcmp(name, "none") == 0 ? CONSOLE_NONE
                                       : CONSOLE_TEXT;
}

static int control_open(struct control *c, const struct control_arguments *a)
{
    /* Control is the channel's host: what it sleeps on is the host's. */
    const struct channel_fds log = { .memory = (int)a->log_memory,
                                     .wake_host = (int)a->log_wake_self,
                                     .wake_instance = (int)a->log_wake_host };
    static const struct link_ends supervisor = { ROLE_CONTROL, ROLE_SUPERVISOR,
                                                 control_from_supervisor, control_supervisor_gone };
    static const struct link_ends gateway = { ROLE_CONTROL, ROLE_GATEWAY, control_from_gateway,
                                              control_gateway_gone };
    int r = link_open(&c->supervisor, &c->loop, (int)a->supervisor, &supervisor);
    if (r == 0) {
        r = link_open(&c->gateway, &c->loop, (int)a->gateway, &gateway);
    }
    if (r == 0) {
        r = log_reader_open(&c->logs, &c->loop, &log, c->console, &c->deployment);
    }
    if (r == 0) {
        r = builder_link_open(&c->builder, &c->loop, (int)a->builder, control_from_builder);
    }
    return r;
}

static int control_open_services(struct control *c, const struct control_arguments *a,
                                 struct err *err)
{
    static const struct exchange_actions actions = { control_begin, control_send_file };
    const struct channel_fds port = { .memory = (int)a->port_memory,
                                      .wake_host = (int)a->port_wake_host,
                                      .wake_instance = (int)a->port_wake_self };
    struct services *s = &c->services;
    uint8_t seed[AWS_SEED_BYTES];
    int r = store_open(&c->loop, a->data, &s->store, err);
    if (r == 0) {
        r = aws_seed_load(a->data, seed, err);
    }
    if (r < 0) {
        return r;
    }
    s->loop = &c->loop;
    s->console = c->console;
    s->deployment = &c->deployment;
    s->routes_changed = control_routes_changed;
    s->project = a->project;
    s->origin = a->origin;
    s->aws_origin = a->aws_origin;
    s->queues = queues_create(&c->loop, s->store);
    s->users = aws_users_create();
    s->turns = aws_call_turns_create();
    aws_users_set_seed(s->users, seed);
    aws_users_set_root(s->users, STR("mayfly"), STR(AWS_ROOT_KEY), STR(AWS_ROOT_SECRET));
    s->invoker = invoker_create(&c->loop, control_connect, c);
    r = s3_create(s, &s->s3, err);
    if (r < 0) {
        return r;
    }
    c->events = events_create(s);
    r = store_read_failure(s->store);
    if (r < 0) { /* rules, schedules and queues would be missing */
        return err_set(err, -r, "the database cannot be read: %s", strerror(-r));
    }
    r = exchange_port_open(&c->loop, &port, &actions, c, &c->port);
    if (r < 0) {
        return err_set(err, -r, "open the gateway's channel: %s", strerror(-r));
    }
    return command_port_open(s, commands_run, err);
}

static int control_run(struct control *c, const struct control_arguments *a)
{
    struct err err = { 0 };
    c->origin = a->origin;
    c->kept_fd = (int)a->kept;
    c->console = console_create(&c->loop, STDOUT_FILENO, format_of(a->log));
    (void)uv_timer_init(&c->loop, &c->again); /* always succeeds */
    deployment_init(&c->deployment, &control_actions, fresh_id());
    console_listening(c->console, a->origin, a->aws_origin, a->project);
    if (control_open_services(c, a, &err) < 0) {
        log_error("cannot start: %s", err.text);
        return ROLE_EXIT_HOPELESS;
    }
    int r = control_open(c, a);
    if (r < 0) {
        log_error("cannot start: %s", strerror(-r));
        return 1;
    }
    serve_kept(c);
    (void)uv_run(&c->loop, UV_RUN_DEFAULT); /* until uv_stop */
    log_reader_finish(&c->logs);
    store_close(c->services.store); /* calls back once more, and who is called may print */
    console_destroy(c->console);
    return 0; /* the kernel frees the rest */
}

/* Pieces of objects come and go. By itself malloc() gives each back to the kernel at once, which
 * clears it again for the next: a third of the CPU time of a large upload. */
static void control_keep_memory(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, 1 * MIB); /* hints */
    (void)mallopt(M_TRIM_THRESHOLD, CONTROL_KEEP_BYTES);
}

int control_main(int argc, char **argv)
{
    struct control c = { 0 };
    struct control_arguments arguments = { 0 };
    log_open("control");
    title_set("mayfly: control");
    control_keep_memory();
    (void)signal(SIGPIPE, SIG_IGN); /* cannot fail for this signal */
    if (read_arguments(argc, argv, &arguments) < 0) {
        log_error("is started by the supervisor only");
        return 2;
    }
    int r = uv_loop_init(&c.loop);
    if (r == 0) {
        r = uv_signal_init(&c.loop, &c.stop);
    }
    if (r == 0) {
        r = uv_signal_start(&c.stop, control_stop, SIGTERM);
    }
    if (r < 0) {
        log_error("cannot start: %s", uv_strerror(r));
        return 1;
    }
    return control_run(&c, &arguments);
}
