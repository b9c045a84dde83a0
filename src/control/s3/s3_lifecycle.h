/* When the rules of a bucket's lifecycle say that something of it goes, or moves to another storage
 * class. Times round up to the next midnight, as S3 counts days; how long a day is a project can
 * say (events.lifecycleDay).
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
 *
 * No I/O; s3_expiry.c applies it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/s3/s3_request.h"

#define S3_LIFECYCLE_NEVER  UINT64_MAX
#define S3_LIFECYCLE_DAY_MS ((uint64_t)24 * 3600 * 1000)

/* So many days (at most INT32_MAX) after `from_ms`, rounded up to the next midnight. */
uint64_t s3_lifecycle_after_days(uint64_t from_ms, uint64_t days, uint64_t day_ms);

/* The setting of a bucket that says from which size on its lifecycle moves objects. */
#define S3_LIFECYCLE_LEAST STR("lifecycle-least")

struct s3_lifecycle {
    const struct s3_xml_node *rules; /* a LifecycleConfiguration */
    uint64_t day_ms;
    bool archives_small; /* objects of any size move to GLACIER and DEEP_ARCHIVE */
};
/* Of a bucket that has one. */
struct s3_lifecycle s3_lifecycle_of(const struct s3 *s3, const struct s3_bucket *bucket);

/* When the current version expires, and by which rule (a view into the document; may be NULL). */
uint64_t s3_lifecycle_current_ms(const struct s3_lifecycle *l, const struct stored_object *o,
                                 struct str *ret_rule);
/* A version that is current no more. */
struct s3_noncurrent {
    uint64_t since_ms;
    size_t newer; /* versions that are not current either */
};
/* When it goes. */
uint64_t s3_lifecycle_noncurrent_ms(const struct s3_lifecycle *l, const struct stored_object *o,
                                    struct s3_noncurrent n);
/* The storage class that a version is to move to by now, a view into the document; data NULL: none.
 * `n`: of one that is not current, else NULL.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html
 */
struct str s3_lifecycle_class(const struct s3_lifecycle *l, const struct stored_object *o,
                              const struct s3_noncurrent *n, uint64_t now_ms);
/* Whether a delete marker that hides nothing any more goes at this time. */
bool s3_lifecycle_drops_marker(const struct s3_lifecycle *l, const struct stored_object *o,
                               uint64_t now_ms);
/* When an upload that was begun at `started_ms` is given up. */
uint64_t s3_lifecycle_upload_ms(const struct s3_lifecycle *l, const struct stored_object *o,
                                uint64_t started_ms);

/* x-amz-expiration: of a current version, if it has one. */
void s3_lifecycle_put_header(struct s3_request *rq, const struct stored_object *o);
