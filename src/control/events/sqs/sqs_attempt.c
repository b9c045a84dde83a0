/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/sqs/sqs_attempt.h"

#define KEPT_MS  300000 /* SQS: five minutes */
#define KEPT_MAX 1000   /* of a queue */

void sqs_attempt_add(struct sqs_attempt *a, const struct stored_message *m)
{
    if (a->count < SQS_ATTEMPT_MESSAGES) {
        a->messages[a->count].id = m->id;
        a->messages[a->count++].attempts = m->attempts;
    }
}

static bool is_old(const json_t *attempt, uint64_t now_ms)
{
    json_int_t made_ms = json_integer_value(json_object_get(attempt, "made_ms"));
    return now_ms - (uint64_t)made_ms > KEPT_MS;
}

static void forget_old(json_t *attempts, uint64_t now_ms)
{
    void *oldest = json_object_iter(attempts); /* they are in the order of their coming */
    while (oldest && (json_object_size(attempts) > KEPT_MAX ||
                      is_old(json_object_iter_value(oldest), now_ms))) {
        (void)json_object_del(attempts, json_object_iter_key(oldest)); /* it is there */
        oldest = json_object_iter(attempts);
    }
}

void sqs_attempt_keep(json_t *attempts, const char *id, const struct sqs_attempt *a,
                      uint64_t now_ms)
{
    json_t *messages = json_array();
    for (size_t i = 0; i < a->count; i++) {
        (void)json_array_append_new(messages, json_pack("[I,I]", (json_int_t)a->messages[i].id,
                                                        (json_int_t)a->messages[i].attempts));
    }
    (void)json_object_del(attempts, id); /* it may not be there; the new one is the last */
    (void)json_object_set_new(attempts, id,
                              json_pack("{s:I, s:o}", "made_ms", (json_int_t)now_ms, "messages",
                                        messages)); /* a new value */
    forget_old(attempts, now_ms);
}

bool sqs_attempt_find(const json_t *attempts, const char *id, uint64_t now_ms,
                      struct sqs_attempt *ret)
{
    const json_t *known = json_object_get(attempts, id);
    const json_t *messages = json_object_get(known, "messages");
    if (!known || is_old(known, now_ms)) {
        return false;
    }
    *ret = (struct sqs_attempt){ .made_ms = (uint64_t)json_integer_value(
                                     json_object_get(known, "made_ms")),
                                 .count = json_array_size(messages) };
    for (size_t i = 0; i < ret->count; i++) {
        const json_t *m = json_array_get(messages, i);
        ret->messages[i].id = (uint64_t)json_integer_value(json_array_get(m, 0));
        ret->messages[i].attempts = (uint32_t)json_integer_value(json_array_get(m, 1));
    }
    return true;
}
