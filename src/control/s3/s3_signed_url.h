/* Signed URLs: what their query says in the head's stead. A client that signs a URL for another to
 * use puts fields of Amazon's own ("x-amz-acl", "x-amz-meta-...") there, so that the other need not
 * send them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/s3/s3_request.h"

/* Makes rq->head of the exchange's and of a signed URL's parameters, which have been read; a field
 * that was sent comes first. Without a signature in the query it does nothing. */
void s3_signed_url_read_head(struct s3_request *rq);
/* Whether it is signed the old way: then what is signed includes those fields. */
bool s3_signed_url_is_v2(const struct s3_request *rq);
