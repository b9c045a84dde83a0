/* Which operation a request asks for.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/s3/s3_request.h"

/* NULL: there is no such operation; *ret_error says how to tell. */
const struct s3_operation *s3_route_find(const struct s3_request *rq, enum s3_error *ret_error);
