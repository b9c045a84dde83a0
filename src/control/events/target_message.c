/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/target_message.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/limits.h"
#include "control/aws/aws_digest.h"

#define FIFO_DEDUP_MS 300000 /* SQS: five minutes */

void target_message_add(const struct sqs_queue *q, const char *group,
                        const struct target_message *m, struct str attributes,
                        struct message_batch *batch)
{
    char name[LIMIT_TARGET_NAME_BYTES];
    char hash[AWS_HEX_BYTES];
    char fifo_attributes[AWS_HEX_BYTES + 32];
    const uint64_t now = clock_wall_ms();
    (void)snprintf(name, sizeof(name), "sqs:%s", q->name);
    struct batch_message message = { .queue = str_c(name),
                                     .attributes = attributes,
                                     .body = m->text,
                                     .dedup = m->dedup,
                                     .due_ms = m->due_ms };
    if (q->delay_ms > 0 && message.due_ms < now + q->delay_ms) {
        message.due_ms = now + q->delay_ms;
    }
    if (group && q->fifo) {
        uint8_t digest[AWS_DIGEST_BYTES];
        aws_sha256(m->text, digest);
        (void)hex_write(digest, sizeof(digest), hash);
        (void)snprintf(fifo_attributes, sizeof(fifo_attributes), "{\"dedup\":\"%.*s\"}",
                       AWS_HEX_BYTES, hash);
        message.group = str_c(group);
        message.attributes = str_c(fifo_attributes);
        message.dedup = str_of(hash, sizeof(hash));
        message.dedup_since_ms = now - FIFO_DEDUP_MS;
    }
    message_batch_add(batch, &message);
}
