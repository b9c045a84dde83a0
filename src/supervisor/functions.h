/* Functions as the supervisor knows them: a sandbox plan, a zygote that has loaded the code, and
 * the instances forked from it.
 *
 * A function whose process cannot be forked has several zygotes, each of which becomes one
 * instance.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "supervisor/own_memory.h"
#include "supervisor/platform.h"

/* MESSAGE_FUNCTION_ADD: takes over spec_fd. */
void functions_add(struct platform *p, const struct message_function_add *add, int spec_fd);
void functions_remove(struct platform *p, uint64_t id);
void functions_remove_all(struct platform *p);
/* MESSAGE_INSTANCE_START of the gateway: where no zygote can be forked, one is started. */
void functions_start_instance(struct platform *p, const struct message_instance_start *start);

/* The base zygote is ready: starts the zygotes that waited for it. */
void functions_base_ready(struct platform *p);

/* A child has ended: before it is reaped, which is when its process group is killed if it was a
 * zygote, and after; true when it was a zygote's process. */
void functions_ended(struct platform *p, pid_t pid);
bool functions_reaped(struct platform *p, pid_t pid, int wait_status);

/* Ends zygotes of functions that have no instances: those long unused, and the longest unused while
 * there are too many. The next instance loads the function again. */
void functions_evict(struct platform *p);

/* Ends zygotes that use more memory than an instance may: before there is one, or with what
 * instances have left behind. */
void functions_claim_memory(const struct platform *p, struct own_memory *memory);
void functions_check_memory(struct platform *p, const struct own_memory *memory);
