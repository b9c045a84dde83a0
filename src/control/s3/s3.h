/* The S3 API on the AWS port.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/services.h"
#include "store/store_contents.h"

struct s3_buckets;
struct s3_expiry;

struct s3 {
    struct services *services;
    struct store_contents *contents;
    struct s3_buckets *buckets;
    struct s3_expiry *expiry;
};

int s3_create(struct services *services, struct s3 **ret, struct err *err) MUST_USE;
void s3_destroy(struct s3 *s); /* NULL is fine; after the store is closed */

/* A request for S3, or for no service that it says. */
void s3_begin(struct services *services, struct exchange *x);
