/* The MD5 sums by which SQS's clients check what arrived.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "base/str.h"

#define SQS_MD5_BYTES 33 /* hexadecimal, with its NUL */

void sqs_md5_body(struct str body, char ret[SQS_MD5_BYTES]);
/* Of { NAME: { "DataType", "StringValue" or "BinaryValue" } }; false: there are none. */
bool sqs_md5_attributes(const json_t *attributes, char ret[SQS_MD5_BYTES]);
