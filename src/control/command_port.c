/* SPDX-License-Identifier: Apache-2.0 */
#include "control/command_port.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <uv.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "control/text/json_read.h"
#include "control/text/json_write.h"
#include "store/store.h"

#define BACKLOG    16
#define READ_BYTES 65536
#define FULL_BYTES (1 * MIB) /* of an answer, that its client has not read */

struct command_port {
    uv_pipe_t pipe;
    struct services *services;
    void (*run)(struct command *c);
};

struct connection {
    uv_pipe_t pipe;
    struct command_port *port;
    struct command command;
    struct buf in;
    bool started; /* the command has been read */
    bool ended;   /* and answered */
    bool gone;    /* its client has left */
    char chunk[READ_BYTES];
};

struct reply {
    uv_write_t write;
    char *text;
};

static struct connection *connection_of(struct command *c)
{
    return container_of(c, struct connection, command);
}

/* ---- the end ---- */

static void on_closed(uv_handle_t *handle)
{
    struct connection *k = container_of((uv_pipe_t *)handle, struct connection, pipe);
    json_decref(k->command.input);
    buf_finish(&k->in);
    free(k);
}

/* A command that is under way keeps its memory until it ends. */
static void close_if_over(struct connection *k)
{
    if ((k->ended || !k->started) && !uv_is_closing((uv_handle_t *)&k->pipe)) {
        uv_close((uv_handle_t *)&k->pipe, on_closed);
    }
}

static void on_shutdown(uv_shutdown_t *shutdown, int status)
{
    struct connection *k = container_of((uv_pipe_t *)shutdown->handle, struct connection, pipe);
    (void)status;
    free(shutdown);
    close_if_over(k);
}

/* ---- answers ---- */

static void on_written(uv_write_t *write, int status)
{
    struct reply *r = container_of(write, struct reply, write);
    struct connection *k = container_of((uv_pipe_t *)write->handle, struct connection, pipe);
    void (*go_on)(struct command * c) = k->command.go_on;
    (void)status; /* a client that has left hears nothing */
    free(r->text);
    free(r);
    if (go_on && uv_stream_get_write_queue_size((uv_stream_t *)&k->pipe) == 0) {
        k->command.go_on = NULL;
        go_on(&k->command);
    }
}

bool command_port_is_full(struct command *c, void (*go_on)(struct command *c))
{
    const uv_pipe_t *pipe = &connection_of(c)->pipe;
    bool is_full = uv_stream_get_write_queue_size((const uv_stream_t *)pipe) > FULL_BYTES;
    c->go_on = is_full ? go_on : NULL;
    return is_full;
}

void command_port_reply(struct command *c, json_t *line)
{
    struct connection *k = connection_of(c);
    struct reply *r = mem_new(struct reply);
    r->text = json_write(line);
    json_decref(line);
    if (!r->text || k->gone) {
        free(r->text);
        free(r);
        return;
    }
    size_t len = strlen(r->text);
    r->text[len] = '\n'; /* in place of its NUL: what is written lives until it has been */
    uv_buf_t buf = uv_buf_init(r->text, (unsigned)len + 1);
    if (uv_write(&r->write, (uv_stream_t *)&k->pipe, &buf, 1, on_written) < 0) {
        free(r->text);
        free(r);
    }
}

static void finish(struct command *c, json_t *line)
{
    struct connection *k = connection_of(c);
    uv_shutdown_t *shutdown = mem_new(uv_shutdown_t);
    command_port_reply(c, line);
    k->ended = true;
    if (k->gone || uv_shutdown(shutdown, (uv_stream_t *)&k->pipe, on_shutdown) < 0) {
        free(shutdown);
        close_if_over(k);
    }
}

void command_port_end(struct command *c)
{
    finish(c, json_pack("{s:b}", "done", true));
}

/* What could not be read is neither missing nor all there is. */
static bool fail_unread(struct command *c)
{
    bool is_unread = store_read_failure(c->services->store) < 0;
    if (is_unread) {
        finish(c, json_pack("{s:s}", "error", "the database cannot be read"));
    }
    return is_unread;
}

void command_port_end_read(struct command *c)
{
    if (!fail_unread(c)) {
        command_port_end(c);
    }
}

void command_port_fail(struct command *c, const char *fmt, ...)
{
    char text[1024];
    if (fail_unread(c)) {
        return;
    }
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    json_t *line = json_pack("{s:s}", "error", text);
    finish(c, line ? line : json_pack("{s:s}", "error", "what is wrong cannot be said"));
}

/* ---- commands ---- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct connection *k = container_of((uv_pipe_t *)handle, struct connection, pipe);
    (void)suggested;
    *buf = uv_buf_init(k->chunk, sizeof(k->chunk));
}

static void run_line(struct connection *k, struct str line)
{
    k->started = true;
    k->command.input = json_read(line, JSON_ALLOW_NUL);
    if (json_is_object(k->command.input)) {
        k->port->run(&k->command);
    } else {
        command_port_fail(&k->command, "this is no command");
    }
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct connection *k = container_of((uv_pipe_t *)stream, struct connection, pipe);
    if (n < 0) {
        (void)uv_read_stop(stream); /* always succeeds */
        k->gone = true;
        close_if_over(k);
        return;
    }
    if (k->started) {
        return; /* one command a connection */
    }
    if (buf_append(&k->in, str_of(buf->base, (size_t)n)) < 0) {
        k->started = true;
        command_port_fail(&k->command, "the command is larger than %zu bytes", LIMIT_COMMAND_BYTES);
        return;
    }
    struct str rest = buf_str(&k->in);
    struct str line = str_cut(&rest, '\n');
    if (rest.data) {
        run_line(k, line);
    }
}

static void on_connection(uv_stream_t *server, int status)
{
    struct command_port *port = container_of((uv_pipe_t *)server, struct command_port, pipe);
    if (status < 0) {
        return;
    }
    struct connection *k = mem_new(struct connection);
    k->port = port;
    k->command.services = port->services;
    buf_init(&k->in, LIMIT_COMMAND_BYTES);
    (void)uv_pipe_init(server->loop, &k->pipe, 0); /* always succeeds */
    if (uv_accept(server, (uv_stream_t *)&k->pipe) < 0 ||
        uv_read_start((uv_stream_t *)&k->pipe, on_alloc, on_read) < 0) {
        uv_close((uv_handle_t *)&k->pipe, on_closed);
    }
}

/* The folder's path may be longer than a socket's address can be: it is reached through its
 * descriptor, which stays open as long as the process lives. */
static int listen_in(struct command_port *port, int folder)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d/" COMMAND_PORT_NAME, folder);
    (void)unlinkat(folder, COMMAND_PORT_NAME, 0); /* there may be none */
    mode_t before = umask(0177);
    int r = uv_pipe_bind(&port->pipe, path);
    (void)umask(before);
    return r < 0 ? r : uv_listen((uv_stream_t *)&port->pipe, BACKLOG, on_connection);
}

int command_port_open(struct services *s, void (*run)(struct command *c), struct err *err)
{
    struct command_port *port = mem_new(struct command_port);
    int folder = open(store_folder(s->store), O_PATH | O_DIRECTORY | O_CLOEXEC);
    port->services = s;
    port->run = run;
    (void)uv_pipe_init(s->loop, &port->pipe, 0); /* always succeeds */
    int r = folder < 0 ? -errno : listen_in(port, folder);
    if (r < 0) {
        return err_set(err, -r, "listen in the data folder: %s", strerror(-r));
    }
    return 0;
}
