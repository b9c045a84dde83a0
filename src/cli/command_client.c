/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command_client.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/limits.h"
#include "control/command_port.h"
#include "control/text/json_write.h"
#include "control/text/utf8.h"

static int no_mayfly(const char *folder, struct err *err)
{
    return err_set(err, ECONNREFUSED,
                   "no mayfly runs here (nobody answers in %.100s). Start one with mayfly dev, or "
                   "say where it runs with --project DIR",
                   folder);
}

/* The folder's path may be longer than a socket's address can be. */
static int connect_in(const char *folder, struct err *err)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    scoped_fd int at = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    scoped_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return err_sys(err, "socket");
    }
    if (at < 0) {
        return errno == ENOENT ? no_mayfly(folder, err) : err_sys(err, "open %.150s", folder);
    }
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", at,
                   COMMAND_PORT_NAME);
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
        return errno == EACCES ? err_set(err, EACCES,
                                         "the mayfly in %.100s is another user's: ask as "
                                         "the one who started it",
                                         folder)
               : errno == ENOENT || errno == ECONNREFUSED
                   ? no_mayfly(folder, err)
                   : err_sys(err, "connect in %.100s", folder);
    }
    return take_fd(&fd);
}

static int send_all(int fd, struct str rest, struct err *err)
{
    while (rest.len > 0) {
        ssize_t n = send(fd, rest.data, rest.len, MSG_NOSIGNAL);
        if (n < 0) {
            return err_sys(err, "ask the mayfly that runs");
        }
        rest = str_skip(rest, (size_t)n);
    }
    return 0;
}

/* 1: that was the last. */
static int take_line(const char *text, size_t len, command_line_fn each, void *context,
                     struct err *err)
{
    json_t *line = json_loadb(text, len, JSON_ALLOW_NUL, NULL);
    const char *error = json_string_value(json_object_get(line, "error"));
    bool is_event = json_object_get(line, "id") != NULL;
    int r = 0;
    if (!line) {
        r = err_set(err, EBADMSG, "the mayfly that runs is of another version: its answer is none");
    } else if (error && !is_event) {
        r = err_set(err, EINVAL, "%.240s", error);
    } else if (json_is_true(json_object_get(line, "done"))) {
        r = 1;
    } else {
        each(line, context);
    }
    json_decref(line);
    return r;
}

static int read_lines(int fd, command_line_fn each, void *context, struct err *err)
{
    FILE *in = fdopen(fd, "re");
    char *line = NULL;
    size_t capacity = 0;
    ssize_t len;
    int r = 0;
    if (!in) {
        (void)close(fd);
        return err_sys(err, "fdopen");
    }
    while (r == 0 && (len = getline(&line, &capacity, in)) > 0) {
        r = take_line(line, (size_t)len, each, context, err);
    }
    free(line);
    (void)fclose(in); /* only read from */
    if (r == 0) {
        return err_set(err, EPIPE, "the mayfly that ran has ended before it answered");
    }
    return r < 0 ? r : 0;
}

int command_client_ask(const struct command_client *client, json_t *command, command_line_fn each,
                       void *context, struct err *err)
{
    char folder[PATH_MAX];
    int len = client->data ? snprintf(folder, sizeof(folder), "%s", client->data)
                           : snprintf(folder, sizeof(folder), "%s/.mayfly",
                                      client->project ? client->project : ".");
    char *text = json_write(command);
    json_decref(command);
    int r = len < (int)sizeof(folder) && text
                ? connect_in(folder, err)
                : err_set(err, EINVAL, "the folder's name is too long, or the payload is no text");
    if (r >= 0) {
        int fd = r;
        r = send_all(fd, str_c(text), err);
        r = r < 0 ? r : send_all(fd, STR("\n"), err);
        if (r < 0) {
            (void)close(fd);
        } else {
            r = read_lines(fd, each, context, err);
        }
    }
    free(text);
    return r;
}

const char *command_client_age(json_int_t ms, char ret[COMMAND_AGE_BYTES])
{
    static const struct {
        json_int_t seconds;
        const char *unit;
    } units[] = { { 172800, "days" }, { 86400, "day" }, { 3600, "h" }, { 60, "min" }, { 1, "s" } };
    json_int_t ago = (json_int_t)(clock_wall_ms() / 1000) - ms / 1000;
    json_int_t distance = ago < 0 ? -ago : ago;
    (void)snprintf(ret, COMMAND_AGE_BYTES, "now");
    for (size_t i = 0; i < ARRAY_COUNT(units); i++) {
        if (distance >= units[i].seconds) {
            json_int_t size = units[i].seconds == 172800 ? 86400 : units[i].seconds;
            (void)snprintf(ret, COMMAND_AGE_BYTES, "%s%lld %s%s", ago < 0 ? "in " : "",
                           (long long)(distance / size), units[i].unit, ago < 0 ? "" : " ago");
            break;
        }
    }
    return ret;
}

void command_client_print(const char *text, const char *indent, size_t max)
{
    struct buf out;
    struct str s = str_c(text);
    buf_init(&out, 16 * MIB);
    if (max > 0 && s.len > max) {
        s.len = max;
    }
    (void)fputs(indent, stdout);
    if (utf8_append_terminal(&out, s, indent, UTF8_COLOUR_DROP) == 0 && out.len > 0) {
        (void)fwrite(out.data, 1, out.len, stdout);
    }
    buf_finish(&out);
}
