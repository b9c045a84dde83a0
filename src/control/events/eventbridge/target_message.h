/* What a target of a rule or schedule is sent, and how it becomes a message of an SQS queue, be
 * that the target or where its dead letters go.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/events/queue/message_batch.h"
#include "control/events/sqs/sqs_queue.h"

/* What a target is sent. */
struct target_message {
    struct str text;
    struct str trace;     /* trace_header.h: the event's; empty: none */
    struct str dedup;     /* of the tick or event and this target; empty: none */
    struct str arn;       /* the rule's or schedule's, for dead letters */
    uint64_t due_ms;      /* 0: at once */
    uint64_t tick_ms;     /* the time that it was scheduled for; 0: it comes of an event */
    struct str execution; /* the Scheduler's id of this tick; empty: it comes of a rule */
};

/* Adds it to the batch. `group`: a FIFO queue's, or NULL; `attributes` are of the form of
 * sqs_queue.h, but for the trace and what a FIFO queue's message is known by; used up, NULL: none.
 */
void target_message_add(const struct sqs_queue *q, const char *group,
                        const struct target_message *m, json_t *attributes,
                        struct message_batch *batch);
