/* Messages for several queues, and settings, written in one transaction: an event for all its
 * targets, a tick and the mark that it has fired.
 *
 * Loop thread only. Copies what it is given.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control/events/queue/queue.h"

struct message_batch;

struct message_batch *message_batch_create(struct queues *queues);
void message_batch_destroy(struct message_batch *b); /* one that is not submitted; NULL is fine */

struct batch_message {
    struct str queue; /* its name; made if there is none */
    struct str uuid;  /* empty: a new one */
    struct str group; /* FIFO */
    struct str attributes;
    struct str body;
    struct str dedup; /* empty: none */
    uint64_t dedup_since_ms;
    uint64_t due_ms; /* 0, or what is past: at once */
    bool is_kept;    /* of what nobody works on: due_ms stays though it is past, and it counts in
                        store_messages_kept() */
};
void message_batch_add(struct message_batch *b, const struct batch_message *m);
/* `value` with data NULL: removes it. */
void message_batch_put(struct message_batch *b, struct str kind, struct str name, struct str value);
/* What is put belongs to what was begun: without messages it is written on a full disk, too, as is
 * what removes settings or replaces them with no longer ones. */
void message_batch_goes_on(struct message_batch *b);

/* Durable, or what failed: -ENOSPC, -EIO; then nothing of it is written. The batch is gone. */
typedef void (*message_batch_fn)(int r, void *context);
void message_batch_submit(struct message_batch *b, message_batch_fn done, void *context);

/* While `done` runs: the messages that were written, with the ids that they have. A message whose
 * dedup key was known has the id of the first of that key. */
size_t message_batch_count(const struct message_batch *b);
uint64_t message_batch_id(const struct message_batch *b, size_t i, const char **ret_queue);
