/* What is wrong with how a request names a function, whatever functions there are.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/str.h"

struct aws_lambda_fault {
    unsigned status;
    const char *code;
    char message[2048];
};
/* Whether something is wrong with how a function is named, whatever functions there are: then that
 * is told as Lambda does. An ARN may be of the client's `region`, and of the one that ours have. */
bool aws_lambda_named_fault(const char *named, struct str target, const char *region,
                            struct aws_lambda_fault *ret);
