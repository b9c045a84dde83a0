/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/sqs_attempt.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

#define KEPT_MS  300000 /* SQS: five minutes */
#define KEPT_MAX 1000   /* of a queue */

struct sqs_attempt *sqs_attempt_create(const char *id, uint64_t now_ms)
{
    struct sqs_attempt *a = mem_new(struct sqs_attempt);
    (void)snprintf(a->id, sizeof(a->id), "%s", id);
    a->made_ms = now_ms;
    list_init(&a->link);
    return a;
}

void sqs_attempt_add(struct sqs_attempt *a, const struct stored_message *m)
{
    if (a->count < SQS_ATTEMPT_MESSAGES) {
        a->messages[a->count].id = m->id;
        a->messages[a->count++].attempts = m->attempts;
    }
}

static void forget(struct sqs_attempt *a)
{
    list_remove(&a->link);
    free(a);
}

void sqs_attempt_keep(struct list *attempts, struct sqs_attempt *a)
{
    size_t count = 0;
    struct sqs_attempt *same = sqs_attempt_find(attempts, a->id, a->made_ms);
    if (same) {
        forget(same);
    }
    list_push_front(attempts, &a->link);
    list_for_each (item, attempts) {
        struct sqs_attempt *other = list_entry(item, struct sqs_attempt, link);
        if (++count > KEPT_MAX || a->made_ms - other->made_ms > KEPT_MS) {
            forget(other);
        }
    }
}

struct sqs_attempt *sqs_attempt_find(const struct list *attempts, const char *id, uint64_t now_ms)
{
    list_for_each (item, attempts) {
        struct sqs_attempt *a = list_entry(item, struct sqs_attempt, link);
        if (strcmp(a->id, id) == 0 && now_ms - a->made_ms <= KEPT_MS) {
            return a;
        }
    }
    return NULL;
}

void sqs_attempt_forget_all(struct list *attempts)
{
    list_for_each (item, attempts) {
        forget(list_entry(item, struct sqs_attempt, link));
    }
}
