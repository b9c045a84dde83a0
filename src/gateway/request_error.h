/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "gateway/request.h"

/* Answers with a status of a route, or with ours for what no route matched, in the style of the
 * route's dialect. The request may be gone afterwards. */
void request_error_status(struct request *rq, unsigned status, struct str detail);
