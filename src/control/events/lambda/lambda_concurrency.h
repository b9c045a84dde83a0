/* How many requests at a time a Lambda function serves: what the API has set for it, or the
 * project's files.
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "control/services.h"

/* What the API calls it, and what is kept under that name for a function. */
#define LAMBDA_CONCURRENCY_RESERVED "ReservedConcurrentExecutions"

/* -1: none is reserved. `function`: the manifest's. */
int64_t lambda_concurrency_reserved(const struct services *s, const json_t *function);
/* Sets "reserved" of those functions of a build's routes (deployment_routes()) that have one. */
void lambda_concurrency_apply(const struct services *s, json_t *functions);
/* A new object as the API tells it, or NULL: none is reserved. */
json_t *lambda_concurrency_of(const struct services *s, const json_t *function);
