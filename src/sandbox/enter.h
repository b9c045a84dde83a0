/* Entering a sandbox: what a child of the base zygote does to itself before it loads a line of the
 * user's code, and what an instance does after it was forked. Runs inside Node.js in a
 * single-threaded forked child, so libc only, and no heap where it can be avoided.
 *
 * A plan is data before it is action: struct message_zygote_start carries it. plan->isolation names
 * the steps that are taken; a step that fails fails the whole, never silently less.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "ipc/message.h"
#include "sandbox/root.h"
#include "sandbox/syscall_filter.h"

/* The one user and group that a sandbox knows. */
#define SANDBOX_UID 1000

/* Called in the outer child, in the same native call as its fork and with every mapping still
 * marked MADV_DOFORK, because it forks. Makes the user namespace, asks the supervisor over
 * `link_fd` (blocking) to write its maps (ZYGOTE_ENTERING{pid_one 0}; waits for ZYGOTE_MAPPED, also
 * where there is no user namespace), makes the other namespaces and forks: the child is process 1
 * of the sandbox, sends ZYGOTE_ENTERING{pid_one 1}, waits for nothing and returns 0; the outer
 * process _exits and never returns. The supervisor learns both pids from the kernel. What the
 * supervisor does to the outer process before it answers (its control group) holds for process 1
 * too. */
int enter_namespaces(const struct message_zygote_start *plan, int link_fd,
                     struct err *err) MUST_USE;

/* Called in process 1: the root, the task's mounts (in order; each target exists), /proc, the host
 * name, a /tmp of the zygote's own; then rlimits, Landlock's scopes, no capabilities, no_new_privs,
 * `filter`, and undumpable. Closes descriptors of folders: they would lead out. The working
 * directory is the task's. After this the process can do no more than its instances. */
int enter_confine(const struct message_zygote_start *plan, const struct syscall_filter *filter,
                  struct err *err) MUST_USE;

/* Called in an instance: opens /run/tmp/<scratch> (the name as root_scratch_mount() made it) as
 * SANDBOX_TMP_FD, copies what the function left in the zygote's /tmp while it loaded, makes the
 * process dumpable for itself again, and enters a Landlock domain of its own so that it can neither
 * signal, trace nor read the /tmp of its siblings. `scratch` is NULL where the zygote itself
 * becomes the instance and has a /tmp (SANDBOX_MOUNT_NAMESPACE): it keeps that, with what it has
 * open. */
int enter_instance(uint32_t isolation, const char *scratch, struct err *err) MUST_USE;

/* Where the function lies: SANDBOX_TASK, or in the host's file system where a sandbox has no root
 * of its own. There TMPDIR must be "/proc/self/fd/1000" too, and the runtime is where it is for the
 * base zygote. */
const char *enter_task_path(const struct message_zygote_start *plan);
