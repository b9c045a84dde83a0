/* Calls of AWS's APIs by the names that its SDKs have for them, as "sqs:sendMessage", with their
 * input as JSON: what EventBridge Scheduler's universal targets say. Which of them the AWS port
 * here answers, and what an SDK would send it for them.
 *
 * No I/O.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#define AWS_SDK_ARN "arn:aws:scheduler:::aws-sdk:" /* with the call behind it: a target */

/* Whether Scheduler refuses a schedule with such a call. Then `err` has its words. */
bool aws_sdk_refuses(struct str call, struct str input, struct err *err);

/* A call as HTTP, unsigned. */
struct aws_sdk_request {
    const char *service; /* for its signature */
    const char *method;
    struct buf target;
    struct buf headers; /* "name\0value\0"... */
    struct buf body;
};

/* ENOSYS: it is of a service that is not here; EINVAL: its input says nothing that could be sent;
 * EMSGSIZE: it says too much. Then there is nothing to finish. */
int aws_sdk_request_init(struct aws_sdk_request *rq, struct str call, struct str input,
                         struct err *err) MUST_USE;
void aws_sdk_request_finish(struct aws_sdk_request *rq);

struct aws_sdk_error {
    char code[128];
    char message[512];
};
/* What an answer that is no success says, in JSON, XML or headers. */
void aws_sdk_error_read(struct aws_sdk_error *ret, struct str headers, struct str body);
