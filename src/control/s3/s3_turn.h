/* Requests that take more than a turn of the loop should: each goes on in a later one, one of them
 * a turn, and everything else comes between.
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/s3/s3_request.h"

struct s3_turns;

struct s3_turns *s3_turns_create(uv_loop_t *loop);
/* Calls `go_on` in a later turn. Until then the request is not answered, be its client gone or not.
 */
void s3_turns_wait(struct s3_request *rq, void (*go_on)(struct s3_request *rq));
