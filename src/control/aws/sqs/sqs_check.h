/* What a message must be to be sent to an SQS queue.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/aws/sqs/sqs_call.h"

#define SQS_MESSAGE_BYTES_MAX 1048576 /* of a message, of a batch, attributes included */
#define SQS_VISIBILITY_MAX_S  43200

/* What is wrong with a request, in SQS's words. */
struct sqs_fault {
    enum sqs_error error;
    char text[512];
};

/* Fills it; always -1. */
int sqs_check_fault(struct sqs_fault *f, enum sqs_error error, const char *fmt, ...) PRINTF(3, 4);

/* Attributes by name (NULL: none); their bytes are added. 0, or -1 and the fault. */
int sqs_check_attributes(const json_t *attributes, size_t *bytes, struct sqs_fault *f) MUST_USE;

/* A SendMessage's input, or a batch's entry. The same. */
int sqs_check_message(const struct sqs_queue *q, const json_t *entry, bool in_batch,
                      struct sqs_fault *f) MUST_USE;

/* A FIFO queue's entries in whose absence of group or deduplication id the whole batch fails. */
int sqs_check_batch_ids(const struct sqs_queue *q, const json_t *entries,
                        struct sqs_fault *f) MUST_USE;

/* Whether a text is one of the ids that a client makes up: 1 to 128 characters. -1: filled. */
int sqs_check_token(const char *parameter, const char *text, struct sqs_fault *f);
