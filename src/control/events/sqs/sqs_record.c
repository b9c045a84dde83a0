/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/sqs/sqs_record.h"

#include <stdio.h>

#include "control/text/base64.h"

#define SENDER "AIDAMAYFLY0000000000" /* there is one account, and it has no users */

char *sqs_record_receipt(const struct stored_message *m, uint64_t received_ms)
{
    char handle[128];
    int len = snprintf(handle, sizeof(handle), "%llu:%u:%llu:%.40s", (unsigned long long)m->id,
                       m->attempts, (unsigned long long)received_ms, m->uuid.data);
    return base64_encode(str_of(handle, (size_t)len));
}

static void set_number(json_t *to, const char *name, uint64_t value, int digits_min)
{
    char text[32];
    (void)snprintf(text, sizeof(text), "%0*llu", digits_min, (unsigned long long)value);
    (void)json_object_set_new(to, name, json_string(text));
}

static void set_text(json_t *to, const char *name, const char *value)
{
    if (value) {
        (void)json_object_set_new(to, name, json_string(value));
    }
}

json_t *sqs_record_system(const struct stored_message *m, const json_t *stored, bool fifo,
                          struct str region)
{
    json_t *to = json_object();
    const char *from = json_string_value(json_object_get(stored, "from"));
    set_text(to, "SenderId", SENDER);
    set_number(to, "SentTimestamp", m->sent_ms, 1);
    set_number(to, "ApproximateReceiveCount", m->attempts, 1);
    set_number(to, "ApproximateFirstReceiveTimestamp", m->first_ms, 1);
    set_text(to, "AWSTraceHeader", json_string_value(json_object_get(stored, "trace")));
    set_text(to, "MessageGroupId", m->group.len > 0 ? m->group.data : NULL);
    if (fifo) {
        set_text(to, "MessageDeduplicationId", json_string_value(json_object_get(stored, "dedup")));
        set_number(to, "SequenceNumber", m->id, 20);
    }
    if (from) {
        char arn[SQS_ARN_BYTES];
        sqs_queue_arn(from, region, arn);
        set_text(to, "DeadLetterQueueSourceArn", arn);
    }
    return to;
}
