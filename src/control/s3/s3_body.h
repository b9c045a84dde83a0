/* The body of a request: what it must satisfy, by its head, and taking it in.
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/s3/s3_request.h"

/* What the head says of the body's length, digests and coding. False: it contradicts itself, and
 * that was answered. */
bool s3_body_plan(struct s3_request *rq, struct s3_receive_plan *ret) MUST_USE;
/* The same for a body that becomes an object: it has a checksum in any case. */
bool s3_body_plan_object(struct s3_request *rq, struct s3_receive_plan *ret) MUST_USE;
/* Takes the body in; `received` is called when it is what it must be, else the error is answered.
 */
void s3_body_start(struct s3_request *rq, const struct s3_receive_plan *plan,
                   void (*received)(struct s3_request *rq, struct s3_received *received));
/* The same into memory, for documents: rq->text, and then `done`. */
void s3_body_read(struct s3_request *rq, size_t limit,
                  void (*done)(struct s3_request *rq, struct s3_received *received));
/* Lets go of what was taken in; `kept`: a job has counted its file. */
void s3_body_finish(struct s3_request *rq, bool kept);

/* Answers what taking in has failed with, in the words for digests. */
void s3_body_fail(struct s3_request *rq, enum s3_error error);
