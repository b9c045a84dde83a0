/* Signature Version 4: what the head of a request proves about its sender, and what is left for its
 * body to prove.
 *
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html; what
 * is S3's own: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html
 *
 * No I/O; time and users are given. How the services say no is a table at the end.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/sign/aws_sign_request.h"

#define AWS_SIGN_EXPIRES_MAX_S 604800 /* of a presigned URL: a week */

/* "KEY/20130524/us-east-1/s3/aws4_request". False: it is none. */
bool aws_scope_parse(struct str credential, struct aws_scope *ret) MUST_USE;
/* Reads who claims to have signed, and for which service, without checking it: to find the service
 * that is meant. A claim that cannot be read is NONE. */
void aws_sign_scope(const struct aws_sign_request *request, struct aws_scope *ret);

/* Checks a request's head, and its body if there is one.
 *
 * *ret is meaningful with AWS_FAULT_NONE, anonymous requests included, but for its scope, which
 * says what was claimed. ret_detail is a literal, or a view into the request or *ret. */
enum aws_fault aws_sign_verify(const struct aws_sign_request *request, struct aws_users *users,
                               struct aws_signed *ret, struct str *ret_detail);

/* Whether a web page of another site has signed with the key that everybody knows, the developer's.
 * aws_sign_verify() has looked for all services but S3, where it depends on the bucket. */
bool aws_sign_is_foreign_page(const struct aws_user *user, struct str headers);

/* For the error of a mismatch: what should have been signed. Appends the canonical request and the
 * string to sign, as far as the buffers take them. */
void aws_sign_explain(const struct aws_sign_request *request, struct buf *canonical,
                      struct buf *to_sign);

/* How a fault is told, in the words of the real service. */
enum aws_protocol { AWS_PROTOCOL_S3, AWS_PROTOCOL_JSON, AWS_PROTOCOL_QUERY };
struct aws_fault_answer {
    unsigned status;
    const char *code;
    const char *message; /* NULL: the detail alone; else the detail may say more */
};
struct aws_fault_answer aws_fault_answer(enum aws_fault fault, enum aws_protocol protocol);
