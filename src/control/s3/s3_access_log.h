/* Server access logs: what is asked of a bucket that has logging is written, line after line, into
 * objects of the bucket that its configuration names.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html
 *
 * Delivery is best effort, as S3's: lines wait in memory for a few seconds (S3 says hours), and
 * what waits when control ends is lost. It is held to what AWS holds it to: a target whose policy
 * or ACL does not let the log's service in gets nothing; that is said once, where a developer sees
 * it.
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/s3/s3_access_record.h"

struct s3_access_logs;

struct s3_access_logs *s3_access_logs_create(struct s3 *s3);

/* A request is over; does nothing unless its bucket has logging. */
void s3_access_log_request(struct s3_request *rq);
/* The same of one key of a DeleteObjects. */
void s3_access_log_deletion(struct s3_request *rq, const struct s3_access_deletion *d);
