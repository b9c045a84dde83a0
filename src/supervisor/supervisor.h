/* PROCESS supervisor: starts, confines, watches and kills every other process; parses nothing that
 * came over the network. It is process 1 of its own pid namespace where the kernel allows, so that
 * nothing survives it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

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

/* Runs until SIGTERM or SIGINT, or until a process it cannot do without keeps dying. Returns the
 * exit status. Everything it started is gone when it returns. */
int supervisor_main(const struct supervisor_options *options);
