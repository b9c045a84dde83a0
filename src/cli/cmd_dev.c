/* mayfly dev: serve a project on this machine, with hot reload.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/str.h"
#include "cli/cli.h"
#include "cli/launch.h"
#include "cli/listen.h"
#include "cli/options.h"
#include "cli/parts.h"
#include "cli/workspace.h"
#include "sandbox/cgroup.h"

#define AWS_PORT 4566 /* the emulators' usual one */

struct dev {
    const char *folder;
    const char *host;
    const char *log;
    const char *data;
    const char *aws_port_text; /* NULL: not said */
    uint16_t port;
    uint16_t aws_port;
    bool help;
    bool verbose;
    char project[PATH_MAX];
    char origin[300];
    char aws_origin[64];
    char data_path[PATH_MAX];
    char group[32];
};

static int check_log_format(const char *format, struct err *err)
{
    static const char *const formats[] = { "text", "json", "none" };
    for (size_t i = 0; i < ARRAY_COUNT(formats); i++) {
        if (strcmp(format, formats[i]) == 0) {
            return 0;
        }
    }
    return err_set(err, EINVAL, "--log is text, json or none, not %.64s", format);
}

static int read_port(const char *option, const char *text, uint16_t *ret, struct err *err)
{
    uint64_t port;
    if (!str_to_u64(str_c(text), &port) || port > UINT16_MAX) {
        return err_set(err, EINVAL, "--%s is a number from 0 to 65535, not %.64s", option, text);
    }
    *ret = (uint16_t)port;
    return 0;
}

static int dev_read_arguments(struct dev *d, int argc, char **argv, struct err *err)
{
    const char *port_text = "3000";
    const struct option options[] = {
        { "port", &port_text, NULL },     { "host", &d->host, NULL },
        { "log", &d->log, NULL },         { "aws-port", &d->aws_port_text, NULL },
        { "data", &d->data, NULL },       { "help", NULL, &d->help },
        { "verbose", NULL, &d->verbose }, { NULL, NULL, NULL },
    };
    int r = options_parse(argc, argv, options, &d->folder, 1, err);
    if (r < 0) {
        return r;
    }
    r = read_port("port", port_text, &d->port, err);
    if (r == 0 && d->aws_port_text) {
        r = read_port("aws-port", d->aws_port_text, &d->aws_port, err);
    }
    return r == 0 ? check_log_format(d->log, err) : r;
}

static int dev_check_folder(struct dev *d, struct err *err)
{
    struct stat st;
    if (!realpath(d->folder, d->project)) {
        return errno == ENOENT ? err_set(err, ENOENT, "there is no folder %.200s", d->folder)
                               : err_sys(err, "%.200s", d->folder);
    }
    if (stat(d->project, &st) < 0) {
        return err_sys(err, "%.200s", d->folder);
    }
    if (!S_ISDIR(st.st_mode)) {
        return err_set(err, ENOTDIR, "%.200s is not a folder", d->folder);
    }
    return 0;
}

/* What a person types into a browser: an address that means "all" is not one. */
static void dev_set_origin(struct dev *d, uint16_t port)
{
    bool all = strcmp(d->host, "0.0.0.0") == 0 || strcmp(d->host, "::") == 0;
    const char *host = all ? "localhost" : d->host;
    bool bare_v6 = strchr(host, ':') != NULL;
    (void)snprintf(d->origin, sizeof(d->origin), "http://%s%.255s%s:%u", bare_v6 ? "[" : "", host,
                   bare_v6 ? "]" : "", port);
}

/* One that is not there yet, in the folder around it, which must be. */
static int dev_set_new_data(struct dev *d, struct err *err)
{
    char around[PATH_MAX], parent[PATH_MAX];
    struct str rest = str_c(d->data);
    while (rest.len > 1 && rest.data[rest.len - 1] == '/') {
        rest.len--;
    }
    const char *slash = memrchr(rest.data, '/', rest.len);
    struct str name = slash ? str_skip(rest, (size_t)(slash + 1 - rest.data)) : rest;
    struct str before = slash ? str_of(rest.data, (size_t)(slash + 1 - rest.data)) : STR(".");
    if (!str_keep(before, around, sizeof(around))) {
        return err_set(err, ENAMETOOLONG, "--data %.160s: %s", d->data, strerror(ENAMETOOLONG));
    }
    if (name.len == 0 || !realpath(around, parent)) {
        return err_set(err, ENOENT, "--data %.160s: the folder around it does not exist", d->data);
    }
    int n = snprintf(d->data_path, sizeof(d->data_path), "%s/" STR_FMT, parent, STR_ARG(name));
    return n < (int)sizeof(d->data_path)
               ? 0
               : err_set(err, ENAMETOOLONG, "--data %.160s: %s", d->data, strerror(ENAMETOOLONG));
}

/* The default lies in the project; a folder that is given is made absolute here, where a relative
 * path means what its writer meant. */
static int dev_set_data(struct dev *d, struct err *err)
{
    if (!d->data) {
        (void)snprintf(d->data_path, sizeof(d->data_path), "%.4000s/.mayfly", d->project);
        return 0;
    }
    if (realpath(d->data, d->data_path)) {
        return 0;
    }
    return errno == ENOENT ? dev_set_new_data(d, err) : err_sys(err, "--data %.160s", d->data);
}

static int dev_start(struct dev *d, struct listen *l, struct listen *aws, const struct parts *parts,
                     struct err *err)
{
    struct workspace workspace;
    int r = workspace_create(&workspace, err);
    if (r < 0) {
        return r;
    }
    dev_set_origin(d, l->port);
    (void)snprintf(d->aws_origin, sizeof(d->aws_origin), "http://127.0.0.1:%u", aws->port);
    (void)snprintf(d->group, sizeof(d->group), "mayfly-%d", getpid());
    struct supervisor_options options = { .project = d->project,
                                          .base = workspace.path,
                                          .log_format = d->log,
                                          .program = parts->program,
                                          .node = parts->node,
                                          .runtime = parts->runtime,
                                          .addon = parts->addon,
                                          .builder = parts->builder,
                                          .origin = d->origin,
                                          .group = d->group,
                                          .aws_origin = d->aws_origin,
                                          .aws_count = aws->count,
                                          .data = d->data_path,
                                          .listen_count = l->count,
                                          .port = l->port,
                                          .dev = true };
    memcpy(options.listen_fds, l->fds, l->count * sizeof(l->fds[0]));
    memcpy(options.aws_fds, aws->fds, aws->count * sizeof(aws->fds[0]));
    return launch_run(&options, &workspace);
}

static int dev_run(struct dev *d, struct err *err)
{
    struct listen l = { 0 };
    struct listen aws = { 0 };
    struct parts parts;
    int r = dev_check_folder(d, err);
    if (r == 0) {
        r = parts_find(&parts, err);
    }
    if (r == 0) {
        r = listen_open(&l, "--port", d->host, d->port, err);
    }
    if (r == 0) {
        r = d->aws_port_text ? listen_open(&aws, "--aws-port", "localhost", d->aws_port, err)
                             : listen_open_near(&aws, "--aws-port", "localhost", AWS_PORT, err);
    }
    if (r == 0) {
        r = dev_set_data(d, err);
    }
    if (r == 0) {
        workspace_sweep();
        cgroups_sweep();
        r = dev_start(d, &l, &aws, &parts, err);
    }
    listen_close(&l);
    listen_close(&aws);
    return r;
}

int cmd_dev(int argc, char **argv)
{
    struct dev d = { .folder = ".", .host = "localhost", .log = "text" };
    struct err err;
    if (dev_read_arguments(&d, argc, argv, &err) < 0) {
        (void)fprintf(stderr, "mayfly dev: %s\nmayfly help dev says more.\n", err.text);
        return CLI_USAGE;
    }
    if (d.help) {
        (void)fputs(cli_help("dev"), stdout);
        return CLI_OK;
    }
    if (d.verbose) {
        (void)setenv("MAYFLY_DEBUG", "1", 1); /* read by log_open() in each of our processes */
    }
    int r = dev_run(&d, &err);
    if (r < 0) {
        (void)fprintf(stderr, "mayfly dev: %s\n", err.text);
        return CLI_FAILED;
    }
    return r;
}
