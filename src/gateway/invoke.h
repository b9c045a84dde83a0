/* A request on its way into an instance's channel, and the frames that come back for it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "channel/frame.h"
#include "gateway/request.h"

/* Until the handler has begun, a request may have to move to another instance, with its body: so
 * much of it is taken, and kept. */
#define INVOKE_REPLAY_BYTES (64 * KIB)

/* Puts the request, and what is kept of its body, into the channel. 0; -EAGAIN when the channel is
 * full; -EMSGSIZE when it will never fit. */
int invoke_send(struct request *rq) MUST_USE;

/* How many of `wanted` bytes of body the function takes now; 0: wait for conn_resume_body(). */
size_t invoke_body_room(struct request *rq, size_t wanted);
/* At most what invoke_body_room() said. */
void invoke_body(struct request *rq, struct str data);
/* The same without a copy: where up to *ret_room bytes of body may be written, for
 * invoke_body_commit() to send. NULL: not now, or if there is room, not this way. */
char *invoke_body_reserve(struct request *rq, size_t wanted, size_t *ret_room);
void invoke_body_commit(struct request *rq, size_t len);
void invoke_body_end(struct request *rq);

/* Told once, behind what is in the channel. */
void invoke_cancel(struct request *rq, enum frame_cancel why);
void invoke_credit(struct request *rq, uint64_t bytes);

/* A file of control's answer is sent: on with the next. If the channel is full, later. */
void invoke_next_file(struct request *rq);

/* The channel was full and has room again. */
void invoke_retry(struct request *rq);

/* A frame of this request's stream. -EPROTO: the instance broke the rules. */
int invoke_frame(struct request *rq, const struct frame *frame, const char *payload) MUST_USE;
