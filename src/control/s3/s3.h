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
struct s3_access_logs;
struct s3_expiry;

struct s3 {
    struct services *services;
    struct store_contents *contents;
    struct s3_buckets *buckets;
    struct s3_expiry *expiry;
    struct s3_access_logs *access_logs;
    uint64_t lifecycle_day_ms; /* of a lifecycle's day: s3_lifecycle.h */
    unsigned declaring;        /* buckets that a build has named and that are being made */
};

int s3_create(struct services *services, struct s3 **ret, struct err *err) MUST_USE;

/* Whether there is a build and its buckets are made: requests that come before that wait for it
 * (aws_hold.h). */
bool s3_is_served(const struct s3 *s);
/* A request for S3, or for no service that it says. */
void s3_begin(struct services *services, struct exchange *x);
