/* Process 1 of a sandbox whose function is not forked.
 *
 * A function zygote that is forked is process 1 itself, and its instances have pids of their own.
 * Where each instance loads the function, each would be process 1 of a sandbox of its own: all with
 * the same pid, without an heir for orphans, and deaf to signals that it has no handler for. So
 * process 1 stays behind and waits there, and its child becomes the instance.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/err.h"

/* Before enter_confine(), while that is allowed: the next child gets the pid that process 1 has
 * outside of the sandbox, which no other living process has. Where the kernel refuses, pids are
 * small numbers. */
void enter_init_choose_pid(void);

/* After enter_confine(), with every mapping still marked MADV_DOFORK. Returns 0 in the child.
 * Process 1 never returns: it reaps until the child ends, tells that over `link_fd`
 * (ZYGOTE_EXITED{instance 0}), and ends itself. */
int enter_init(int link_fd, struct err *err) MUST_USE;
