/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/eventbridge/target_attempt.h"

#include "base/buf.h"
#include "base/limits.h"
#include "control/events/eventbridge/target_dead_letter.h"
#include "control/events/queue/attempt.h"
#include "control/events/schedules/schedule_input.h"
#include "control/text/json_read.h"
#include "control/text/json_reading.h"
#include "control/text/json_write.h"

/* Both services say "exponential backoff" and how often and how long, but not when. */
static const struct retry_policy backoff = {
    .retries_max = TARGET_ATTEMPT_RETRIES_MAX,
    .delays_ms = { 1000, 2000, 4000, 8000, 16000, 32000, 64000, 128000, 256000, 300000 },
    .delay_count = 10,
    .max_age_ms = TARGET_ATTEMPT_AGE_MAX_S * 1000ULL,
};

char *target_attempt_attributes(json_t *target, const struct target_message *m)
{
    json_t *attributes = json_pack("{s:O,s:s%,s:I,s:s%}", "target", target, "source", m->arn.data,
                                   m->arn.len, "tick_ms", (json_int_t)m->tick_ms, "execution",
                                   m->execution.data ? m->execution.data : "", m->execution.len);
    char *text = json_write(attributes);
    json_decref(attributes);
    return text;
}

json_t *target_attempt_read(const struct delivery *d)
{
    return json_read(d->messages[0].message.attributes, JSON_ALLOW_NUL);
}

static void follow_dead(struct services *s, struct delivery *d, json_t *attributes,
                        const struct dead_letter *dead)
{
    struct buf text;
    const struct stored_message *message = &d->messages[0].message;
    const char *source = json_text(attributes, "source");
    const char *execution = json_text(attributes, "execution");
    json_t *target = json_object_get(attributes, "target");
    buf_init(&text, LIMIT_EVENT_BYTES);
    if (json_text(target, "api")) {
        schedule_input_append_attempt(&text, message->body, message->attempts);
    }
    const struct target_message m = {
        .text = json_text(target, "api") ? buf_str(&text) : message->body,
        .arn = str_c(source ? source : ""),
        .tick_ms = (uint64_t)json_integer_value(json_object_get(attributes, "tick_ms")),
        .execution = str_c(execution ? execution : ""),
    };
    target_dead_letter_follow(d, s, target, &m, dead);
    buf_finish(&text);
}

/* A policy that has ended it was exhausted by the number of tries, else by their time. */
static const char *exhausted_by(const struct retry_policy *policy, uint32_t retries)
{
    return retries >= policy->retries_max ? "MaximumRetryAttempts" : "MaximumEventAgeInSeconds";
}

static void wait_at_least(struct retry_policy *policy, uint64_t wait_ms)
{
    for (uint32_t i = 0; i < policy->delay_count; i++) {
        policy->delays_ms[i] = policy->delays_ms[i] < wait_ms ? wait_ms : policy->delays_ms[i];
    }
}

void target_attempt_failed(struct services *s, struct delivery *d, const struct target_failure *f)
{
    static const struct retry_policy never = { 0 };
    struct retry_policy policy;
    const bool passes = f->fault == TARGET_FAULT_PASSES;
    const uint32_t retries = d->messages[0].message.attempts - 1; /* the first try is none */
    json_t *attributes = target_attempt_read(d);
    retry_read(json_object_get(attributes, "target"), &backoff, &policy);
    wait_at_least(&policy, f->wait_ms);
    if (!attempt_failed(s, d, passes ? &policy : &never, str_c(f->why))) {
        const struct dead_letter dead = { .code = f->code,
                                          .why = d->messages[0].outcome.error.data, /* sound */
                                          .retries = retries,
                                          .exhausted =
                                              passes ? exhausted_by(&policy, retries) : NULL };
        follow_dead(s, d, attributes, &dead);
    }
    json_decref(attributes);
    queue_delivered(d);
}
