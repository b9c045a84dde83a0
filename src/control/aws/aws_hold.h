/* Requests of the AWS port are held until the project is served and its buckets are made: until
 * then nobody knows its buses, queues and functions, and a call would be told that they do not
 * exist. An upload right after a crash would find its bucket, but not yet whom it notifies: the
 * event would be lost.
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/services.h"

/* Calls `begin` once the project is served, with what of the body has come by then, which is at
 * most a window; or answers by `refuse` that this takes too long. */
typedef void (*aws_hold_fn)(struct services *s, struct exchange *x);
void aws_hold(struct services *s, struct exchange *x, aws_hold_fn begin, aws_hold_fn refuse);
