/* A request on its way into an instance's channel.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "gateway/request.h"

/* Puts the request, and what is kept of its body, into the channel. 0; -EAGAIN when the channel is
 * full; -EMSGSIZE when it will never fit. */
int invoke_send(struct request *rq) MUST_USE;

/* How many of `wanted` bytes of body the function takes now; 0: wait for conn_resume_body(). */
size_t invoke_body_room(struct request *rq, size_t wanted);
/* At most what invoke_body_room() said. -EFBIG: the function takes no such body. -EAGAIN: the
 * channel is full, which cannot be when room was asked for. */
int invoke_body(struct request *rq, struct str data) MUST_USE;
/* The same without a copy: where up to *ret_room bytes of body may be written, for
 * invoke_body_commit() to send. NULL: not now, or if there is room, not this way. */
char *invoke_body_reserve(struct request *rq, size_t wanted, size_t *ret_room);
void invoke_body_commit(struct request *rq, size_t len);
void invoke_body_end(struct request *rq);

/* The connection has sent something, or nobody is there to read: where its answer comes from, be it
 * the function or a file, may go on. */
void invoke_drained(struct request *rq);
/* A file of control's answer is sent: on with the next. If the channel is full, later. */
void invoke_next_file(struct request *rq);
/* The channel was full and has room again. */
void invoke_retry(struct request *rq);
