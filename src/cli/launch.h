/* The launcher: starts the supervisor in namespaces of its own, passes on the wish to stop, and
 * clears up behind it whatever way it ends.
 *
 * The supervisor is process 1 of a pid namespace where the kernel allows it, so that everything
 * dies with it; where not, the launcher adopts what the supervisor leaves and kills that. Should
 * the launcher itself be killed, the supervisor gets SIGTERM and clears up instead.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/workspace.h"
#include "supervisor/supervisor.h"

/* Runs until the supervisor is gone; removes the workspace and the control groups. Returns the exit
 * status of the whole: 0 when it was asked to stop and did. */
int launch_run(const struct supervisor_options *options, struct workspace *workspace);
