/* The way of a request: to a route, to an instance, and what happens when its time is up.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "gateway/request.h"

/* Begins its way. May answer at once. */
void request_start(struct request *rq);
/* Looks at the deadline. */
void request_sweep(struct request *rq, uint64_t now_ms);
