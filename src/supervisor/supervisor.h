/* PROCESS supervisor: starts, confines, watches and kills every other process; parses nothing that
 * came over the network. It is process 1 of its own pid namespace where the kernel allows, so that
 * nothing survives it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "supervisor/supervisor_options.h"

/* Runs until SIGTERM or SIGINT, or until a process it cannot do without keeps dying. Returns the
 * exit status. Everything it started is gone when it returns. */
int supervisor_main(const struct supervisor_options *options);
