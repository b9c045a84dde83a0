/* Entering a sandbox: what a child of the base zygote does to itself before it loads a line of the
 * user's code, and what an instance does after it was forked. Runs inside Node.js in a single-threaded
 * forked child, so libc only, and no heap where it can be avoided.
 *
 * A plan is data before it is action: struct message_zygote_start carries it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "ipc/message.h"

/* Called in the outer child. Makes the user namespace, asks the supervisor over `link_fd` to write
 * its maps (MESSAGE_ZYGOTE_ENTERING / _MAPPED), makes the other namespaces and forks: the child is process 1 of the
 * sandbox and returns 0; the outer process _exits and never returns. Signals of `link_fd`'s
 * messages: the supervisor learns both pids from the kernel. */
int enter_namespaces(const struct message_zygote_start *plan, int link_fd, struct err *err) MUST_USE;

/* Called in process 1: the root, the task's mounts, /proc, the host name; then drops every
 * capability and the uid, sets no_new_privs, rlimits, seccomp, and undumpable. After this the
 * process can do no more than its instances. */
int enter_confine(const struct message_zygote_start *plan, struct err *err) MUST_USE;

/* Called in an instance: opens /run/tmp/<scratch> as SANDBOX_TMP_FD, makes the process dumpable for
 * itself again, and enters a Landlock domain of its own so that it can neither signal, trace nor read the /tmp
 * of its siblings. */
int enter_instance(uint32_t isolation, const char *scratch, struct err *err) MUST_USE;
