/* From what a request asks for to the operation that does it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/s3/s3_request.h"

/* Finds the operation of a request whose bucket_name, key, params and user are known, and runs it
 * or answers why not. */
void s3_dispatch(struct s3_request *rq);
