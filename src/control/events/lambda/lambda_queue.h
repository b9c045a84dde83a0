/* Lambda functions, asynchronously: the consumer of the queue "lambda:NAME" of each (NAME as in the
 * manifest). AWS Lambda Developer Guide, "Invoking a function asynchronously" and "Retain records".
 *
 * A message's body is the payload; its attributes may have "qualifier", the version or alias that
 * is meant, and "traceId", X-Ray's header. Its uuid is the request id, the same for all tries.
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "control/services.h"

/* Of settings: what the API has set, by the function, and ":" and the version or alias. */
#define LAMBDA_ASYNC_KIND STR("lambda-async")

struct lambda_queues;

struct lambda_queues *lambda_queues_create(struct services *s);
/* The functions and `events.async` of the manifest that is served from now on (borrowed). */
void lambda_queues_build(struct lambda_queues *lq, const json_t *manifest);
/* What the API reserves for a function is another number now (lambda_concurrency.h). */
void lambda_queues_reserved(struct lambda_queues *lq);

/* What counts for a function's version or alias ("": the function's own); NULL: nothing was set but
 * delays and dead letters. What the API sets for one counts for no other; what the files say does
 * for all. */
const json_t *lambda_queues_config(const struct lambda_queues *lq, const char *function,
                                   const char *qualifier);
/* All that counts, by version or alias, as an object; a new reference. */
json_t *lambda_queues_configs(const struct lambda_queues *lq, const char *function);
/* Where its dead letters go, of its files; NULL: nowhere. */
const json_t *lambda_queues_dead_letter(const struct lambda_queues *lq, const char *function);
/* Replaces what the manifest says of asynchronous invocations of a function's version or alias, but
 * for its dead letters and the delays between retries; NULL: that again. For
 * PutFunctionEventInvokeConfig. -ENOENT: there is no such function. */
int lambda_queues_configure(struct lambda_queues *lq, const char *function, const char *qualifier,
                            const json_t *config) MUST_USE;
