/* Errors of Lambda functions: of their URLs, of API Gateway and of the Invoke API.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "gateway/error_out.h"

/* Returns the status. */
unsigned errors_lambda_answer(struct error_out *o, const struct error_case *e);

/* What Lambda says where its runtime cannot; Netlify hands it on. */
void errors_lambda_timeout(struct error_out *o, const struct error_case *e);
void errors_lambda_end(struct error_out *o, const struct error_case *e);
