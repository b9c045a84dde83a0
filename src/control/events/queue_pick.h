/* One look at a queue: which messages are next. For queue_dispatch.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/events/queue_state.h"

#define QUEUE_PICK_EXPIRED_MAX 2000 /* messages that are too old, at a look */

/* The groups that have a message in somebody's hands, or one that is not due: those behind it wait.
 */
struct queue_groups {
    char **names; /* owned */
    size_t count;
};

/* `queue`, `max` and `bytes_max` are the caller's, the rest is zero at first. */
struct queue_pick {
    struct queue *queue;
    struct delivered *messages; /* owned */
    size_t count;
    size_t max;
    size_t bytes;
    size_t bytes_max;          /* 0: no bound */
    struct message_place last; /* of the messages, in the order of being due */
    uint64_t now_ms;
    uint64_t since_ms; /* what was sent before is too old */
    uint64_t *expired; /* owned: ids of such */
    size_t expired_count;
    uint64_t later_ms; /* a message was passed over that is due then; UINT64_MAX: none */
    size_t looked;
    size_t group_start; /* where the messages of the group begin that is being picked */
    struct queue_groups blocked;
    struct queue_groups passed; /* of the look for the group that is next: their first were seen */
    struct message_place first; /* the first message of that group; id 0: none yet */
};

/* Copies what may be handed out, in order: of a FIFO queue (`ordered`) the messages of at most so
 * many groups. Has removed what it meets that is too old. */
void queue_pick_run(struct queue_pick *p, bool ordered, size_t groups_max);
/* So much was too old that what is behind was not looked at. */
static inline bool queue_pick_is_behind(const struct queue_pick *p)
{
    return p->expired_count == QUEUE_PICK_EXPIRED_MAX;
}
