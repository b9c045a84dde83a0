/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/eventbridge/target_message.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/limits.h"
#include "control/sign/aws_digest.h"
#include "control/text/json_write.h"

#define FIFO_DEDUP_MS 300000 /* SQS: five minutes */

void target_message_add(const struct sqs_queue *q, const char *group,
                        const struct target_message *m, json_t *attributes,
                        struct message_batch *batch)
{
    char name[LIMIT_TARGET_NAME_BYTES];
    char hash[AWS_HEX_BYTES];
    const uint64_t now = clock_wall_ms();
    (void)snprintf(name, sizeof(name), "sqs:%s", q->name);
    struct batch_message message = {
        .queue = str_c(name), .body = m->text, .dedup = m->dedup, .due_ms = m->due_ms
    };
    json_t *json = attributes ? attributes : json_object();
    if (m->trace.len > 0) {
        (void)json_object_set_new(json, "trace", json_stringn(m->trace.data, m->trace.len));
    }
    if (q->delay_ms > 0 && message.due_ms < now + q->delay_ms) {
        message.due_ms = now + q->delay_ms;
    }
    if (group && q->fifo) {
        uint8_t digest[AWS_DIGEST_BYTES];
        aws_sha256(m->text, digest);
        (void)hex_write(digest, sizeof(digest), hash);
        (void)json_object_set_new(json, "dedup", json_stringn(hash, sizeof(hash)));
        message.group = str_c(group);
        message.dedup = str_of(hash, sizeof(hash));
        message.dedup_since_ms = now - FIFO_DEDUP_MS;
    }
    scoped_free char *text = json_write(json);
    message.attributes = str_c(text ? text : "{}");
    message_batch_add(batch, &message);
    json_decref(json);
}
