/* Forking a Node.js process that is at rest.
 *
 * Rules learned from crashes (doc/decisions/0001-forked-instances.md): V8 marks its heap
 * MADV_DONTFORK, so every private mapping is marked MADV_DOFORK first, in the same native call as
 * the forks, because what V8 maps in between would be missing in the child.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>
#include <uv.h>

#include "base/scope.h"

/* Marks every mapping so that forks inherit it. 0.2-0.3 ms. Once before any number of forks with no
 * JavaScript in between. */
int process_fork_prepare(void) MUST_USE;

/* After fork() in a child that goes on running JavaScript. */
int process_fork_child(uv_loop_t *loop) MUST_USE;
