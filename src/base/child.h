/* Children of this process.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

/* One that has ended and is not reaped yet, 0 if there is none. Until it is, nobody else gets its
 * number or that of its process group: what is to be killed by number is killed now. */
pid_t child_ended(void);
