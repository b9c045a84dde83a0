/* What was handed out to a ReceiveMessage of a FIFO queue that named its attempt
 * (ReceiveRequestAttemptId). Whoever has had no answer asks with the same id within five minutes,
 * and is given the same messages: nobody else is, as long as they are hidden.
 *
 * It is known to the process only: after a crash they come when their visibility time-out is over.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/list.h"
#include "store/store_messages.h"

#define SQS_ATTEMPT_ID_MAX   128 /* characters */
#define SQS_ATTEMPT_MESSAGES 10

struct sqs_attempt {
    struct list link;
    char id[SQS_ATTEMPT_ID_MAX + 1];
    uint64_t made_ms;
    size_t count;
    struct {
        uint64_t id;
        uint32_t attempts; /* the time that it was handed out */
    } messages[SQS_ATTEMPT_MESSAGES];
};

/* A new one, in no list; `id` has been checked. */
struct sqs_attempt *sqs_attempt_create(const char *id, uint64_t now_ms);
void sqs_attempt_add(struct sqs_attempt *a, const struct stored_message *m);
/* Takes it over, instead of one of the same id. The oldest is forgotten when there are too many. */
void sqs_attempt_keep(struct list *attempts, struct sqs_attempt *a);
/* One that is not too old; NULL: none. */
struct sqs_attempt *sqs_attempt_find(const struct list *attempts, const char *id, uint64_t now_ms);
void sqs_attempt_forget_all(struct list *attempts);
