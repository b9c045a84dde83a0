/* Whether a request of the AWS port was signed by somebody we know: for the services whose requests
 * are read whole. S3 has its own way, since bodies come later and strangers may be let in.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/aws/aws_sign.h"
#include "control/services.h"

/* False: *ret_answer is what to answer, with `detail` behind its message. Anonymous requests are
 * told that a signature is missing. */
bool aws_access_check(struct services *s, const struct exchange *x, struct str body,
                      enum aws_protocol protocol, struct aws_signed *ret,
                      struct aws_fault_answer *ret_answer, struct str *ret_detail) MUST_USE;
