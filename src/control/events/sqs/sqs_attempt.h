/* What was handed out to a ReceiveMessage of a FIFO queue that named its attempt
 * (ReceiveRequestAttemptId). Whoever has had no answer asks with the same id within five minutes,
 * and is given the same messages: nobody else is, as long as they are hidden.
 *
 * A queue's attempts are an object, in the order in which they were made: id to { "made_ms",
 * "messages": [[id, the time that it was handed out]] }. They are known to the process only: after
 * a crash the messages come when their visibility time-out is over.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "store/store_messages.h"

#define SQS_ATTEMPT_MESSAGES 10

struct sqs_attempt {
    uint64_t made_ms; /* what was said when it was kept */
    size_t count;
    struct {
        uint64_t id;
        uint32_t attempts;
    } messages[SQS_ATTEMPT_MESSAGES];
};

void sqs_attempt_add(struct sqs_attempt *a, const struct stored_message *m);
/* Instead of one of the same id; those that are too old, or too many, are forgotten. */
void sqs_attempt_keep(json_t *attempts, const char *id, const struct sqs_attempt *a,
                      uint64_t now_ms);
/* False: there is none, or it is too old. */
bool sqs_attempt_find(const json_t *attempts, const char *id, uint64_t now_ms,
                      struct sqs_attempt *ret);
