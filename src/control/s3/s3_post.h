/* A browser's upload: POST to a bucket with a form.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/s3/s3_request.h"

/* Whether a request is one; it is not signed as others are. */
bool s3_post_is(const struct s3_request *rq);
void s3_post_begin(struct s3_request *rq);
