/* A turn is one round of the gateway's loop. Callbacks read sockets and channels and append to
 * buffers and rings; then, in the check phase, what they wrote leaves, and before the loop waits
 * again every channel that was read from announces that its reader sleeps. Now and then a sweep
 * looks at all that has a time.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "gateway/gateway.h"

/* From here on the loop has turns, and sweeps. */
void turn_begin(struct gateway *g);
