/* What people read about events: a line when one is tried again or given up. One that
 * was handled shows as its invocation.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/services.h"

/* Each looks at the message's outcome. */
void event_log_again(struct services *s, const struct delivery *d, const struct delivered *m);
/* It stays where it is. */
void event_log_dead(struct services *s, const struct delivery *d, const struct delivered *m);
/* It is in the queue `to` from now on, as an event of another number. */
void event_log_moved(struct services *s, const struct delivery *d, const struct delivered *m,
                     const char *to);
