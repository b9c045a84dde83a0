/* What is said of an SQS message to whom it is handed: ReceiveMessage's clients, Lambda functions.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "control/events/sqs/sqs_queue.h"

/* Names the message, the time it was handed out and when the request for it came:
 * "ID:ATTEMPTS:MILLISECONDS:UUID" in base64. The caller
 * frees. */
char *sqs_record_receipt(const struct stored_message *m, uint64_t received_ms);

/* Its system attributes (SenderId, SentTimestamp...), all of them. `stored`: its attributes (see
 * sqs_queue.h). The caller owns the object. */
json_t *sqs_record_system(const struct stored_message *m, const json_t *stored, bool fifo,
                          struct str region);
