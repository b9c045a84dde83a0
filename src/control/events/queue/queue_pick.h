/* One look at a queue: which messages are next. For queue_dispatch.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/events/queue/queue_state.h"

#define QUEUE_PICK_EXPIRED_MAX 2000 /* messages that are too old, at a look */

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
    uint64_t later_ms;  /* a message was passed over that is due then; UINT64_MAX: none */
    size_t groups_left; /* of a FIFO queue: so many more may be picked from */
    bool is_behind;     /* too much was too old to look at what is behind: look again */
};

/* Copies what may be handed out, in order: of a FIFO queue (`ordered`) the messages of at most so
 * many groups. Has removed what it meets that is too old. */
void queue_pick_run(struct queue_pick *p, bool ordered, size_t groups_max);
