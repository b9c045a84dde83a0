/* What the platform has to say about a request, beside what its function prints.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "gateway/request.h"

/* level: 0 debug to 3 error. */
void request_log(struct request *rq, unsigned level, struct str text);
/* What the function printed; rq NULL: not of a request. */
void request_log_console(struct instance *i, struct request *rq, unsigned level, struct str text,
                         bool truncated);
/* About an instance as a whole. */
void request_log_instance(struct instance *i, unsigned level, struct str text);
