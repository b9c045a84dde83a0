/* Lambda functions, asynchronously: the consumer of the queue "lambda:NAME" of each (NAME as in the
 * manifest). AWS Lambda Developer Guide, "Invoking a function asynchronously" and "Retain records".
 *
 * A message's body is the payload; its attributes may have "clientContext". Its uuid is the request
 * id, the same for all tries.
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "control/services.h"

#define LAMBDA_ASYNC_KIND STR("lambda-async") /* of settings: what the API has set, by function */

struct lambda_queues;

struct lambda_queues *lambda_queues_create(struct services *s);
/* The functions and `events.async` of the manifest that is served from now on (borrowed). */
void lambda_queues_build(struct lambda_queues *lq, const json_t *manifest);

/* What counts for a function; NULL: nothing was set but its delays and dead letters. */
const json_t *lambda_queues_config(const struct lambda_queues *lq, const char *function);
/* Where its dead letters go, of its files; NULL: nowhere. */
const json_t *lambda_queues_dead_letter(const struct lambda_queues *lq, const char *function);
/* Replaces what the manifest says of a function's asynchronous invocations, but for its dead
 * letters and the delays between retries; NULL: that again. For PutFunctionEventInvokeConfig.
 * -ENOENT: there is no such function. */
int lambda_queues_configure(struct lambda_queues *lq, const char *function,
                            const json_t *config) MUST_USE;
