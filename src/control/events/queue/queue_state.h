/* What queue.c and queue_*.c share: the insides of a queue.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/id_set.h"
#include "control/events/queue/queue.h"

#define QUEUE_BUCKETS 1024

/* A look at what may be forgotten: at keys, then at what is done or dead of one queue after the
 * other. */
struct queue_history {
    struct store_job job;
    uint64_t queue; /* 0: keys */
    uint64_t now_ms;
    bool is_on;
};

struct queues {
    uv_loop_t *loop;
    struct store *store;
    struct list buckets[QUEUE_BUCKETS]; /* of struct queue, by name */
    struct list dirty;                  /* to be looked at before the loop waits */
    struct list stopped;                /* handed out nothing more: too much is in hands */
    size_t in_hands_bytes;              /* of the bodies of all deliveries */
    uv_idle_t idle;
    uv_idle_cb look;  /* at the dirty ones: queue.c's */
    uv_timer_t timer; /* looks at what may be forgotten now and then */
    struct queue_history history;
    struct store_job sweep; /* removes what dropped queues have left */
    bool is_sweeping;
    struct store_job setting_back; /* queue_clock.c's, as the next three */
    bool is_setting_back;
    unsigned setting_forward; /* jobs that do: what is too old is not known before they have */
    int64_t lead_ms;  /* of the wall clock over that since the start, when it was looked at */
    bool has_dropped; /* a queue since the start: it may not be written yet */
};

struct queue {
    struct queues *queues;
    char *name;          /* owned */
    uint64_t number;     /* 0: not yet known */
    uint32_t references; /* being known, jobs, deliveries */
    struct list in_bucket;
    struct list dirty;
    struct list stopped;
    struct list waiters; /* of struct queue_waiter */
    uv_timer_t timer;
    uint64_t timer_ms; /* when it is set to, 0: not */

    const struct queue_consumer *consumer; /* NULL: none */
    struct queue_policy policy;
    void *context;
    bool ordered;
    bool dropped;
    bool is_expiring;      /* a job removes what is too old */
    uint64_t retention_ms; /* 0: nothing is ever too old */
    uint32_t purges;       /* that are not durable yet: then `number` is about to be another */
    uint32_t batches;      /* in the consumer's hands */
    uint32_t throttled_to; /* what was in them as one came back throttled: there was no more room */
    uint64_t throttled_ms; /* when, by the boot clock; 0: never */
    struct list in_flight; /* of struct delivery, until their outcome is durable */
    /* Every waiting message up to here is held or too old: so a look at what is due need not begin
     * at the front, where those in hands are. */
    struct message_place looked;
    struct message_counts counts; /* of a long queue, as of counted_ms (0: never) */
    uint64_t counted_ms;
    bool is_counting;
    struct id_set held; /* ids of messages that must not be handed out now */
};

void queue_unref(struct queue *q);
/* A job has learnt the number. */
void queue_set_number(struct queue *q, uint64_t number);
/* Whether its messages may be handed out. */
bool queue_is_open(const struct queue *q);
/* A message that is due then may be in front of where was looked. */
void queue_look_back(struct queue *q, uint64_t due_ms);
/* To be looked at before the loop waits. */
void queue_mark(struct queue *q);
void queue_tell_waiters(struct queue *q);
void queue_wake_at(struct queue *q, uint64_t due_ms);
