/* Cgroups whose processes are killed and not yet gone: a group can be removed only behind its last.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "supervisor/platform.h"

/* Removes the group, now or when its last process is gone. */
void dying_groups_remove(struct platform *p, const char *path);
/* Removes those that can be removed by now. Called now and then. */
void dying_groups_sweep(struct platform *p);
