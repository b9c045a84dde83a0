/* What a function's processes write to their standard output and error past `console`: native code,
 * children, a dying Node.js. Each line becomes a log record of the function.
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <uv.h>

#include "control/console/console.h"
#include "control/deployment/deployment.h"

/* Reads from `fd`, which it takes over, until the last writer is gone. Frees itself then. */
void output_open(uv_loop_t *loop, int fd, uint64_t function, struct console *console,
                 const struct deployment *deployment);
