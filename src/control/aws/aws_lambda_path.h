/* What a path of the Lambda API names, and the functions it can name.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "control/services.h"

#define AWS_LAMBDA_NAME_BYTES 200
#define AWS_LAMBDA_ARN_BYTES  320

/* The part of the path behind `prefix` up to the next "/" or "?", percent-decoded; false: the path
 * is another or too long. `ret_rest` (may be NULL): what follows, without the query. */
bool aws_lambda_path_part(struct str target, struct str prefix, char ret[AWS_LAMBDA_NAME_BYTES],
                          struct str *ret_rest);
/* A parameter of the query, percent-decoded; false: there is none. */
bool aws_lambda_path_query(struct str target, struct str name, char ret[AWS_LAMBDA_NAME_BYTES]);

/* The manifest's entry of the function that a name, a partial or a whole ARN means, whatever the
 * qualifier; NULL: there is none. */
const json_t *aws_lambda_path_function(const struct services *s, const char *named);
/* Its name at AWS. */
const char *aws_lambda_path_name(const json_t *function);
void aws_lambda_path_arn(const json_t *function, char ret[AWS_LAMBDA_ARN_BYTES]);
