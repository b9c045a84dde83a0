/* What `ps` shows of a process.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/scope.h"

/* Once, first thing in main(): remembers where the kernel reads the command line, and moves the
 * environment away from behind it so that there is room. */
void title_init(int argc, char **argv);

/* "mayfly: gateway". Cut to the room there is. */
void title_set(const char *fmt, ...) PRINTF(1, 2);
