/* What the launcher tells the supervisor.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SUPERVISOR_LISTEN_MAX 4 /* of each kind */

struct supervisor_options {
    const char *project;    /* absolute */
    const char *base;       /* an empty folder of our own; becomes a private tmpfs */
    const char *log_format; /* "text", "json" or "none" */
    const char *program;    /* this executable */
    const char *node;       /* the pinned node */
    const char *runtime;    /* folder with js/ */
    const char *addon;      /* mayfly.node */
    const char *builder;    /* builder/main.js */
    const char *origin;     /* "http://localhost:3000" */
    const char *group;      /* name of the platform's cgroup, "mayfly-<launcher's pid>" */
    int listen_fds[SUPERVISOR_LISTEN_MAX];
    size_t listen_count;
    int aws_fds[SUPERVISOR_LISTEN_MAX]; /* the AWS port */
    size_t aws_count;
    const char *aws_origin; /* "http://127.0.0.1:4566" */
    const char *data;       /* absolute; made if it is missing */
    uint16_t port;
    bool dev;
};
