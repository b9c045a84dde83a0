/* What a queue hands out, and to whom.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/list.h"
#include "store/store_messages.h"

struct queue;
struct delivery;

/* What a consumer needs to know about one message, owned by its delivery. */
struct delivered {
    struct stored_message message;  /* attempts counts this one */
    char *memory;                   /* what its texts point into */
    struct message_outcome outcome; /* FATE_DONE until the consumer says otherwise */
    char *error;                    /* owned; for the outcome */
};

/* A batch in a consumer's hands. */
struct delivery {
    struct list link;
    struct queue *queue;
    struct delivered *messages;
    size_t count;
    struct list follows; /* of struct queue_follow */
    uint64_t started_ms; /* wall clock */
    size_t bytes;        /* of the bodies */
    void *user;          /* the consumer's */
    bool is_throttled;   /* there was no room for it: fewer are handed out for a while */
};

struct queue_policy {
    uint32_t batch_size;   /* 1.. */
    uint64_t window_ms;    /* wait this long for a batch to fill, from its first message */
    uint64_t window_bytes; /* ... or until it is so large; 0: no bound */
    uint32_t concurrency;  /* batches in flight, 1.. */
    uint64_t max_age_ms;   /* older ones are given up untried; 0: none */
    bool ordered;          /* FIFO: one batch a group at a time, in the order of arrival */
};

struct queue_consumer {
    const char *name;
    /* Handles d->messages; ends with queue_delivered(d), at once or later, having set outcomes. */
    void (*deliver)(struct queue *q, struct delivery *d, void *context);
    /* A message is given up without a try, being too old: it is dead. May be NULL. */
    void (*expired)(struct queue *q, struct delivery *d, struct delivered *m, void *context);
};
