/* SQS's older protocol: a form in, XML out, turned into and out of the JSON protocol's objects. Of
 * clients that want JSON, as API Gateway, the answer is the same elements in JSON:
 * {"SendMessageResponse":{"SendMessageResult":{...},"ResponseMetadata":{"RequestId":...}}}.
 *
 * "Attribute.1.Name=VisibilityTimeout&Attribute.1.Value=30" is { "Attributes": {
 * "VisibilityTimeout": "30" } }:
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/
 * sqs-making-api-requests-xml.html
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "base/str.h"

/* The input of a form; "Action" is a member like others. Always an object; what makes no sense is
 * left out. The caller owns it. */
json_t *sqs_query_input(struct str form);

/* An answer or an error. Output NULL: the operation has none. The caller frees. */
char *sqs_query_answer(const char *operation, const json_t *output, const char *request_id);
char *sqs_query_answer_json(const char *operation, json_t *output, const char *request_id);
char *sqs_query_error(const char *code, const char *message, unsigned status,
                      const char *request_id);
char *sqs_query_error_json(const char *code, const char *message, unsigned status,
                           const char *request_id);
