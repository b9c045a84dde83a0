/* Web pages of other sites that sign with the key that everybody knows (http/http_page.h).
 *
 * Their browser asks the bucket's CORS rules before it sends anything but a form, and before the
 * page gets to see an answer. So such a page may do what a rule for its site lets it. A rule for
 * all sites counts on signatures that not every page can make: with this key it lets in none.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/s3/s3_request.h"

/* `user`: who has signed, or NULL. */
bool s3_page_is_foreign(const struct s3_request *rq, const struct aws_user *user);
