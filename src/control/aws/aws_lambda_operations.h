/* The Lambda API's operations, by file. Each ends its call, at once or later.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/aws/aws_call.h"
#include "control/aws/aws_lambda_path.h"

/* Invocations, which are no JSON calls: reads the payload itself. */
void aws_lambda_invoke(struct services *s, struct exchange *x);

/* `rest`: of the path behind the function's name. */
void aws_lambda_functions_list(struct aws_call *c);
void aws_lambda_functions_get(struct aws_call *c, const json_t *function, struct str rest);
/* ".../event-invoke-config" of a function, all methods. */
void aws_lambda_async(struct aws_call *c, const json_t *function);
/* "/2015-03-31/event-source-mappings/...", all methods. */
void aws_lambda_mappings(struct aws_call *c);

/* "Function not found: ARN", as Lambda says it. */
void aws_lambda_functions_missing(struct aws_call *c, const char *named);
