/* The answer of a request on its way to the connection's buffer: framing, length, credit.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "gateway/request.h"

/* Status and fields ("name\0value\0...", hostile) of a streamed answer, or of a whole one. 0:
 * nobody is there to be answered, or it has been done, and the request may be gone. 1: the head has
 * been written. Nothing has, and an error can be answered, when it is -EFBIG: the body is over the
 * function's limit, -EMSGSIZE: the head is too long, or -EINVAL: it cannot be sent. */
int reply_head(struct request *rq, unsigned status, struct str fields) MUST_USE;
int reply_whole(struct request *rq, unsigned status, struct str fields, struct str body) MUST_USE;
/* More of a body whose head has been written: 0, or -EFBIG as above. */
int reply_body(struct request *rq, struct str data) MUST_USE;
/* Bytes of a file as body, without copying them; how many, as conn_out_file(). */
size_t reply_file(struct request *rq, int fd, uint64_t offset, size_t len) MUST_USE;
void reply_end(struct request *rq);
/* The answer cannot be completed, and the client must not take it for whole. Needs a connection. */
void reply_abort(struct request *rq);
void reply_informational(struct request *rq, unsigned status, struct str fields);
/* Tells a client that has asked whether it may send the body: once, however often it is called. */
void reply_continue(struct request *rq);
