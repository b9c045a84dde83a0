/* Object lock: retention and legal holds, which keep versions from being removed.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/s3/s3_request.h"

/* From x-amz-object-lock-*, or the bucket's default. False: not right, and that was answered. */
bool s3_lock_read_headers(struct s3_request *rq, enum object_lock_mode *ret_mode,
                          uint64_t *ret_until_ms, enum object_hold *ret_hold) MUST_USE;
/* Adds x-amz-object-lock-* of an object to the answer. */
void s3_lock_put_headers(struct s3_request *rq, const struct stored_object *o);
/* Whether a version may be removed: for the check of a removal. `bypass`: governance does not
 * count.
 */
bool s3_lock_allows_removal(const struct stored_object *o, uint64_t now_ms, bool bypass);
/* "ON", "OFF". */
bool s3_lock_parse_hold(struct str text, enum object_hold *ret) MUST_USE;
struct str s3_lock_hold_name(enum object_hold hold);
/* Whether the request may and wants to get around governance. */
bool s3_lock_bypasses(struct s3_request *rq);
