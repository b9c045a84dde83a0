/* ACLs in requests: what fields ask for, and the operations on them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/s3/s3_acl.h"
#include "control/s3/s3_request.h"

/* What x-amz-acl and x-amz-grant-* ask for something new of the request's user in a bucket of
 * `bucket_owner`; as it is stored, in *ret, which is empty for a private one. False: it cannot be,
 * and that was answered. */
bool s3_acl_request_read(struct s3_request *rq, struct str bucket_owner, struct buf *ret) MUST_USE;
/* Whether there are such fields. */
bool s3_acl_request_has(const struct s3_request *rq);
