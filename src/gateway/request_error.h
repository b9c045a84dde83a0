/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "gateway/request.h"

/* Answers with a status of a route, or with ours for what no route matched, in the style of the
 * route's dialect. The request may be gone afterwards. */
void request_error_status(struct request *rq, unsigned status, struct str detail);
/* Refuses what a web page of another site wants invoked by Lambda's own path, which leads to
 * functions that have no other: false if that is not the case. */
bool request_error_foreign(struct request *rq);
