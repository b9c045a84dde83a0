/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/eventbridge/target_dead_letter.h"

#include <stdio.h>

#include "base/log.h"
#include "base/mem.h"
#include "control/events/eventbridge/aws_sdk.h"
#include "control/events/queue/destination.h"
#include "control/text/iso_time.h"
#include "control/text/json_reading.h"
#include "control/text/json_write.h"

static void set_attribute(json_t *attributes, const char *name, struct str text)
{
    (void)json_object_set_new(attributes, name,
                              json_pack("{s:s,s:s%}", "DataType", "String", "StringValue",
                                        text.data, text.len)); /* sound text */
}

/* What only a schedule's dead letter says. */
static void set_schedule(json_t *attributes, const struct target_message *m)
{
    char time[ISO_TIME_BYTES];
    set_attribute(attributes, "SCHEDULE_ARN", m->arn);
    set_attribute(attributes, "SCHEDULED_TIME", iso_time_s(m->tick_ms, time));
    set_attribute(attributes, "EXECUTION_ID", m->execution);
    set_attribute(attributes, "IS_PAYLOAD_TRUNCATED", STR("false"));
}

/* AWS's attributes of a dead letter, a new reference. */
static json_t *dead_letter_attributes(json_t *target, const struct target_message *m,
                                      const struct dead_letter *dead)
{
    char retries[12];
    const char *arn = json_text(target, "arn");
    const char *api = json_text(target, "api");
    scoped_free char *api_arn = api ? mem_format("%s%s", AWS_SDK_ARN, api) : NULL;
    (void)snprintf(retries, sizeof(retries), "%u", dead->retries);
    json_t *attributes = json_object();
    if (m->execution.len > 0) {
        set_schedule(attributes, m);
    } else {
        set_attribute(attributes, "RULE_ARN", m->arn);
    }
    set_attribute(attributes, "ERROR_CODE", str_c(dead->code));
    set_attribute(attributes, "ERROR_MESSAGE", str_c(dead->why));
    set_attribute(attributes, "RETRY_ATTEMPTS", str_c(retries));
    if (dead->exhausted) {
        set_attribute(attributes, "EXHAUSTED_RETRY_CONDITION", str_c(dead->exhausted));
    }
    if (arn || api_arn) {
        set_attribute(attributes, "TARGET_ARN", str_c(arn ? arn : api_arn));
    }
    return json_pack("{s:o}", "messageAttributes", attributes);
}

/* The target's dead-letter queue; NULL: it has none that is there. AWS takes standard queues only.
 */
static const struct sqs_queue *find_dead_queue(struct services *s, json_t *target)
{
    const char *name = json_text(json_object_get(target, "dead_letter"), "queue");
    const struct sqs_queue *dead = name ? sqs_queue_find(s->sqs, str_c(name)) : NULL;
    return dead && !dead->fifo ? dead : NULL;
}

void target_dead_letter_add(struct services *s, json_t *target, const struct target_message *m,
                            const char *code, const char *why, struct message_batch *batch)
{
    const struct sqs_queue *queue = find_dead_queue(s, target);
    if (!queue) {
        log_warning("an event of " STR_FMT " is dropped: %s", STR_ARG(m->arn), why);
        return;
    }
    const struct dead_letter dead = { .code = code, .why = why };
    target_message_add(queue, NULL, m, dead_letter_attributes(target, m, &dead), batch);
}

void target_dead_letter_follow(struct delivery *d, struct services *s, json_t *target,
                               const struct target_message *m, const struct dead_letter *dead)
{
    if (find_dead_queue(s, target)) {
        json_t *attributes = dead_letter_attributes(target, m, dead);
        scoped_free char *text = json_write(attributes);
        destination_send(s, d, json_object_get(target, "dead_letter"), m->text,
                         text ? str_c(text) : STR("{}"));
        json_decref(attributes);
    }
}
