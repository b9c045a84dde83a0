/* The mounts of a sandbox, made by process 1 in its own mount namespace.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/err.h"
#include "ipc/message.h"

/* Makes plan->root with all that belongs into it the root of the namespace; nothing else remains
 * reachable. */
int enter_root(const struct message_zygote_start *plan, struct err *err) MUST_USE;
