/* The answer of a request on its way to the connection's buffer: framing, length, credit.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "gateway/request.h"

/* Status and fields ("name\0value\0...", hostile) of a streamed answer, or of a whole one. Answers
 * with an error instead when they cannot be sent; reply_head() is false then, and when nobody is
 * there to be answered. */
bool reply_head(struct request *rq, unsigned status, struct str fields);
void reply_whole(struct request *rq, unsigned status, struct str fields, struct str body);
void reply_body(struct request *rq, struct str data);
/* Bytes of a file as body, without copying them; how many, as conn_out_file(). */
size_t reply_file(struct request *rq, int fd, uint64_t offset, size_t len) MUST_USE;
void reply_end(struct request *rq);
void reply_informational(struct request *rq, unsigned status, struct str fields);

/* The connection has sent something: credits the function. */
void reply_drained(struct request *rq);
