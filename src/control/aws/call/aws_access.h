/* Whether a request of the AWS port was signed by somebody we know: for the services whose requests
 * are read whole. S3 has its own way, since bodies come later and strangers may be let in.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/services.h"
#include "control/sign/aws_sign.h"

struct aws_access {
    struct aws_signed who;
    struct aws_fault_answer refusal; /* what to answer ... */
    struct str detail;               /* ... with this behind its message; the request's */
};

/* Whether the head is checked before the body is read; else both are, together. */
bool aws_access_comes_first(const struct exchange *x);

/* Anonymous requests are told that a signature is missing. Without a body, NULL: whether the head
 * can be of somebody we know, so that others' bodies are not even read. */
bool aws_access_check(struct services *s, const struct exchange *x, const struct str *body,
                      enum aws_protocol protocol, struct aws_access *ret) MUST_USE;
