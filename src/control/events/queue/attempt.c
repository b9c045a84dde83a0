/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/queue/attempt.h"

#include <errno.h>

#include "base/clock.h"
#include "control/events/queue/event_log.h"
#include "http/http_block.h"

bool attempt_failed(struct services *s, struct delivery *d, const struct retry_policy *policy,
                    struct str error)
{
    struct delivered *m = &d->messages[0];
    uint64_t now = clock_wall_ms();
    uint64_t due;
    bool again = retry_next(policy, m->message.attempts, m->message.sent_ms, now, &due);
    if (again) {
        queue_set_outcome(m, FATE_AGAIN, due, error);
        event_log_again(s, d, m);
    } else {
        queue_set_outcome(m, FATE_DEAD, now, error);
        event_log_dead(s, d, m);
    }
    return again;
}

void attempt_postponed(struct services *s, struct delivery *d, const char *why)
{
    struct delivered *m = &d->messages[0];
    uint64_t due = retry_system_due(m->message.sent_ms, clock_wall_ms());
    m->outcome.attempts--;
    d->is_throttled = true;
    queue_set_outcome(m, FATE_AGAIN, due, str_c(why));
    event_log_again(s, d, m);
}

/* The queue of its function is full, or a deploy: the gateway says so, and not the function. */
static bool is_busy(const struct invocation_result *result)
{
    return result->status == 503 &&
           http_block_find(result->headers, STR("x-mayfly-error")).data != NULL;
}

const char *attempt_hindrance(const struct invocation_result *result)
{
    if (result->error == -EIO) {
        return "it could not be invoked: the gateway broke off";
    }
    return result->error == 0 && is_busy(result)
               ? "it could not be invoked: the platform is busy (status 503)"
               : NULL;
}
