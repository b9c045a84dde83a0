/* The body of a call of the AWS port, in memory, and not before the project is served: until then
 * nobody knows its buses, queues and functions, and a call would be told that they do not exist.
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/services.h"

/* As exchange_read_body(), and -EAGAIN: the project was not served in time. */
void aws_body_read(struct services *s, struct exchange *x, size_t limit, exchange_body_fn done);
