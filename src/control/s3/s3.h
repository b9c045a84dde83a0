/* The S3 API on the AWS port.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/s3/s3_context.h"

int s3_create(struct services *services, struct s3 **ret, struct err *err) MUST_USE;

/* A request for S3, or for no service that it says. */
void s3_begin(struct services *services, struct exchange *x);
