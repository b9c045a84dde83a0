/* What all files of S3 share.
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
struct s3_lanes_pool;
struct s3_turns;

struct s3 {
    struct services *services;
    struct store_contents *contents;
    struct s3_lanes_pool *lanes;
    struct s3_buckets *buckets;
    struct s3_expiry *expiry;
    struct s3_access_logs *access_logs;
    struct s3_turns *turns;
    uint64_t lifecycle_day_ms; /* of a lifecycle's day: s3_lifecycle.h */
    unsigned declaring;        /* buckets that a build has named and that are being made */
};

/* Whether there is a build and its buckets are made: requests that come before that wait for it
 * (aws_hold.h). */
static inline bool s3_is_served(const struct s3 *s)
{
    return s->services->deployment->active && s->declaring == 0;
}
