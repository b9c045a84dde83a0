/* Signature Version 2 of S3: tools from before 2014 and small devices still sign that way, and S3
 * takes it. https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html
 *
 * No I/O; time and users are given.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/sign/aws_sign_request.h"

/* Checks a request of which aws_sign.c knows that it is signed so; *ret and ret_detail as there.
 * The body is not part of what is signed. */
enum aws_fault aws_sign_v2_verify(const struct aws_sign_request *request,
                                  const struct aws_users *users, struct aws_signed *ret,
                                  struct str *ret_detail);
/* Appends what should have been signed. */
void aws_sign_v2_explain(const struct aws_sign_request *request, struct buf *to_sign);

/* HMAC-SHA1 of `text` with a user's secret, in base64: browsers' forms are signed so, too. */
bool aws_sign_v2_is_signature(const struct aws_user *user, struct str text, struct str signature);
