/* One call of SQS: its input as a JSON object whichever of SQS's two protocols it came by, its
 * answer, its errors as clients of that protocol know them.
 *
 * JSON 1.0: the operation is in x-amz-target ("AmazonSQS.SendMessage"). Query (older clients): a
 * form, answered in XML; sqs_query.h turns one into the other. Members have the names of the JSON
 * protocol: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/
 *
 * Loop thread only. A call lives until its exchange is over.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "control/events/sqs/sqs_queue.h"

enum sqs_protocol { SQS_JSON, SQS_QUERY };

enum sqs_error {
    SQS_ERROR_NO_QUEUE,
    SQS_ERROR_QUEUE_EXISTS,
    SQS_ERROR_RECEIPT,
    SQS_ERROR_NOT_IN_FLIGHT,
    SQS_ERROR_ATTRIBUTE_NAME,
    SQS_ERROR_ATTRIBUTE_VALUE,
    SQS_ERROR_CONTENTS,
    SQS_ERROR_BATCH_EMPTY,
    SQS_ERROR_BATCH_LARGE,
    SQS_ERROR_BATCH_LONG,
    SQS_ERROR_BATCH_TWICE,
    SQS_ERROR_BATCH_ID,
    SQS_ERROR_PURGING,
    SQS_ERROR_DELETED_RECENTLY,
    SQS_ERROR_PARAMETER,
    SQS_ERROR_MISSING,
    SQS_ERROR_SERIALIZATION,
    SQS_ERROR_OPERATION,
    SQS_ERROR_UNSUPPORTED,
    SQS_ERROR_NO_RESOURCE,
    SQS_ERROR_ACCESS, /* the text begins with the fault's own code */
    SQS_ERROR_THROTTLED,
    SQS_ERROR_FULL,
    SQS_ERROR_INTERNAL,
    SQS_ERROR_COUNT
};

#define SQS_OPERATION_BYTES 48

struct sqs_call {
    struct services *services;
    struct sqs_queues *queues;
    struct exchange *exchange;
    enum sqs_protocol protocol;
    bool wants_json; /* of SQS_QUERY: instead of XML */
    char operation[SQS_OPERATION_BYTES];
    char region[AWS_SCOPE_BYTES];
    json_t *input; /* an object; owned */
    bool answered;
    void (*run)(struct sqs_call *c);
    /* The exchange is over before the call was answered: what waits for it is to be given up. */
    void (*gone)(struct sqs_call *c);
    void *context; /* the operation's; of sqs_call_saved() the output, or NULL */
    struct sqs_waiter waiter;
};

/* Reads the body, checks the signature, has `run` called with operation and input, or answers what
 * is wrong. */
void sqs_call_begin(struct services *s, struct exchange *x, void (*run)(struct sqs_call *c));

/* Each ends the call. The output (an object, or NULL: the operation has none) is used up. */
void sqs_call_answer(struct sqs_call *c, json_t *output);
void sqs_call_fail(struct sqs_call *c, enum sqs_error error, const char *fmt, ...) PRINTF(3, 4);

/* What a write has come to: 0 answers with the output in c->context. A setting_written_fn. */
void sqs_call_saved(int r, void *call);

/* A batch's entry that failed: { "Id", "Code", "Message", "SenderFault" }. */
json_t *sqs_call_entry_error(const struct sqs_call *c, const char *id, enum sqs_error error,
                             const char *message);

/* Members: NULL or false when absent. Query has numbers as texts, so both are taken. */
const char *sqs_call_text(const json_t *object, const char *name);
bool sqs_call_number(const json_t *object, const char *name, int64_t *ret);

/* The queue of QueueUrl or the path; NULL: there is none, and the call has failed. */
struct sqs_queue *sqs_call_queue(struct sqs_call *c);
/* The same, of a call that changes it. NULL also: another change is being written, and the call is
 * run again when that is over. */
struct sqs_queue *sqs_call_queue_to_change(struct sqs_call *c);
/* The latter alone. */
bool sqs_call_waits(struct sqs_call *c, const char *name) MUST_USE;
/* "http://HOST/000000000000/NAME", by the host under which the client knows us. */
#define SQS_URL_BYTES 512
void sqs_call_url(const struct sqs_call *c, const char *name, char *ret);
