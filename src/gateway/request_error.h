/* What becomes of a request that fails: the answer, the record's error, the platform's log.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "gateway/request.h"

/* Answers with an error of ours in the dialect's way, or breaks off an answer that has begun. The
 * request may be gone afterwards, here and below. */
void request_fail(struct request *rq, enum error_kind kind, struct str detail);
/* Answers, or if the answer cannot be sent, says so. */
void request_answer(struct request *rq, unsigned status, struct str fields, struct str body);
/* What reply_head() and its kin said; nothing, if they were content. */
void request_fail_reply(struct request *rq, int r);
/* Answers what has no request, or instead of it. */
void request_refuse(struct conn *c, unsigned status);
/* Answers with a status of a route, or with ours for what no route matched, in the style of the
 * route's dialect. */
void request_error_status(struct request *rq, unsigned status, struct str detail);
/* Refuses what a web page of another site wants invoked by Lambda's own path, which leads to
 * functions that have no other: false if that is not the case. */
bool request_error_foreign(struct request *rq);
