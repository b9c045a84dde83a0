/* What the operations on objects share.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/s3/s3_request.h"

/* The object, or the version of it, that the request names; `found` gets it once, if the user may
 * do this with it. Otherwise, and if there is none, that is answered. Its texts live until `found`
 * returns. */
void s3_object_find(struct s3_request *rq, const char *action, enum s3_permission permission,
                    void (*found)(struct s3_request *rq, const struct stored_object *o));

/* In s3_object_get.c: answers with what of an object the request wants, or that its conditions do
 * not hold. */
void s3_object_answer(struct s3_request *rq, const struct stored_object *o);
/* With all of it, which tells another error. */
void s3_object_answer_as(struct s3_request *rq, unsigned status, const struct stored_object *o);

/* "\"0123...\"" with quotes, as it stands in fields. */
void s3_object_put_etag(struct s3_request *rq, struct str etag);
/* x-amz-checksum-*, and its type. */
void s3_object_put_checksum(struct s3_request *rq, struct str stored);

/* How many parts it was uploaded in; 0: as a whole. A copy of one in parts is none, although its
 * bytes lie in the same pieces. */
size_t s3_object_part_count(const struct stored_object *o);
