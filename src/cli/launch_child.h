/* Making the supervisor's process: a child in the strongest set of namespaces that this kernel
 * gives this user.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <signal.h>

#include "cli/workspace.h"
#include "supervisor/supervisor.h"

struct launch_child {
    pid_t pid;
    int lifeline; /* owned; stays open for as long as the launcher lives */
};

/* The caller has blocked the signals it waits for; `signals` is the mask before that, which the
 * child gets back. Says on standard error which namespaces could not be had. The child never
 * returns. */
int launch_child_start(struct launch_child *ret, const struct supervisor_options *options,
                       struct workspace *workspace, const sigset_t *signals,
                       struct err *err) MUST_USE;
