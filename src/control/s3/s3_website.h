/* Static websites: what browsers get of "bucket.s3-website-us-east-1.amazonaws.com", or of
 * "bucket.s3-website.localhost:4566".
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/WebsiteHosting.html
 *
 * Everybody is anonymous here: what is not public is 403. Requests are reads of objects, with an
 * index document for a folder and redirects before them, and an error document behind them.
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/s3/s3_request.h"

/* The bucket that a host is the website of, or empty. */
struct str s3_website_bucket(struct str host);
/* Instead of s3_begin()'s own way, when bucket_name and key are known. */
void s3_website_begin(struct s3_request *rq);
