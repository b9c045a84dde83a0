/* Sends the bytes of an object as an answer's body, from wherever they lie.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/s3/s3_request.h"

/* Answers with rq->headers and `length` bytes of the object from `offset`. `crypt`: NULL, or what
 * it is encrypted with. Content-Length is added. */
void s3_send(struct s3_request *rq, unsigned status, const struct stored_object *o,
             const struct s3_crypt *crypt, uint64_t offset, uint64_t length);
