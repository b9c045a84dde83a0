/* SPDX-License-Identifier: Apache-2.0 */
#include "control/aws/lambda/aws_lambda_operations.h"

void aws_lambda_missing(struct aws_call *c, const struct lambda_named *named)
{
    char arn[LAMBDA_ARN_BYTES];
    lambda_path_arn(c->region, named->name, named->qualifier, arn);
    aws_call_fail(c, 404, "ResourceNotFoundException", "Function not found: %s", arn);
}
