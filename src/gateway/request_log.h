/* What the platform has to say about a request, beside what its function prints.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "gateway/request.h"

void request_log(struct request *rq, enum record_level level, struct str text);
/* What the function printed, at a level that it says, which may be none; rq NULL: not of a request.
 */
void request_log_console(struct instance *i, struct request *rq, unsigned level, struct str text,
                         bool truncated);
/* About an instance as a whole. */
void request_log_instance(struct instance *i, enum record_level level, struct str text);
/* Why a head was refused, if who asked cannot tell from its answer, once: clients of services that
 * are not here and speak HTTP/2 alone see no more than that the protocol fails. */
void request_log_refused(struct conn *c, struct str head);
