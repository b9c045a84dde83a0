/* One line of a server access log: what was asked of a bucket, by whom, and what came of it.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html
 *
 * Its fields up to "ACL required", which every parser knows. What clients say stands in quotes;
 * quotes and control characters in it are escaped as in URLs, so that a line stays one.
 *
 * No I/O.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/s3/s3_request.h"

#define S3_ACCESS_RECORD_BYTES_MAX (128 * KIB) /* a head of 32 KiB may become three times that */

/* Of a request that is over, whose bucket is known; `now_ms`: when its answer was sent. With its
 * newline. */
int s3_access_record_put(struct buf *out, const struct s3_request *rq, uint64_t now_ms) MUST_USE;
/* Of one key of a DeleteObjects. `error`: its code, or NULL. */
struct s3_access_deletion {
    struct str key, version; /* version empty: none was named */
    const char *error;
    unsigned status;
};
int s3_access_record_put_deletion(struct buf *out, const struct s3_request *rq,
                                  const struct s3_access_deletion *d) MUST_USE;
