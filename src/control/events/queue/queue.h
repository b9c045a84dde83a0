/* Queues in control: which there are, who consumes them, and what is handed out just now.
 *
 * A queue is found or made by name. Names of Mayfly's own begin with their kind: "lambda:NAME"
 * holds a function's asynchronous invocations, "cron:NAME" a schedule's ticks, "route:NAME" a
 * durable route's requests, "webhook:URL" outgoing ones, "api:aws" calls of the AWS port,
 * "endpoint:NAME" events for API destinations. SQS's and Workers' queues are "sqs:NAME" and
 * "worker:NAME".
 *
 * A queue with a consumer is dispatched: due messages are handed to the consumer in batches.
 * Without one, its messages wait to be taken (queue_take: SQS's ReceiveMessage).
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/chance.h"
#include "control/events/queue/queue_delivery.h"

struct queues;

struct queues *queues_create(uv_loop_t *loop, struct store *store);
struct store *queues_store(struct queues *qs);

/* Made if there is none: a write, so a new one's number is known a little later. Until then
 * messages may be sent to it already. After a start what is stored is known at once. The name is
 * copied. */
struct queue *queue_open(struct queues *qs, struct str name);
struct queue *queue_find(struct queues *qs, struct str name); /* or NULL */
const char *queue_name(const struct queue *q);
uint64_t queue_number(const struct queue *q); /* 0: not yet known */
/* Its messages are dropped with it, in flight ones too: at once for whoever looks, in the store
 * little by little, after a restart too. Nothing may be sent to it any more. Who waits is told, for
 * the last time. What is written after this call is written after the queue is gone. */
void queue_drop(struct queue *q);
/* Drops the messages, in flight ones and the keys of earlier ones too, that were sent before this
 * call. Embedded in the caller's request. */
struct queue_purge {
    struct store_job job;
    struct queue *queue;
    uint64_t number;                              /* queue.c's */
    void (*purged)(struct queue_purge *p, int r); /* durable, or it failed */
};
void queue_purge(struct queue_purge *p);

/* NULL consumer: none from here on; what is in flight ends. */
void queue_consume(struct queue *q, const struct queue_consumer *consumer,
                   const struct queue_policy *policy, void *context);
/* FIFO also where it has no consumer: for queue_take. */
void queue_set_ordered(struct queue *q, bool ordered);
/* What was sent longer ago than that is too old: nobody gets it, and it is removed without a word.
 * 0, as at first: nothing is. */
void queue_set_retention(struct queue *q, uint64_t retention_ms);

/* Sending. Embedded in the caller's request; copies nothing: texts must live until `sent`. */
struct queue_send {
    struct store_job job;
    struct queue *queue;
    struct stored_message message; /* id is set when sent; sent_ms and due_ms by the caller */
    struct str dedup;
    uint64_t dedup_since_ms;
    bool is_duplicate;
    void (*sent)(struct queue_send *send, int r); /* durable, or -ENOSPC, -EIO */
};
void queue_send(struct queue_send *send);
/* After a duplicate was sent: the uuid of the message that was kept. If it is not known, since an
 * earlier Mayfly kept it and it is gone, `ret` stays as it is. */
void queue_send_original(const struct queue_send *send, char ret[UUID_BYTES]);
/* For messages that a job of somebody else's has inserted (store_messages_insert): tells the queue
 * once they are durable. */
void queue_wake(struct queue *q);

/* The clock was set, perhaps. Called where that is noticed; so does a test. */
void queues_clock_set(struct queues *qs);

/* A message that is sent together with the delivery's outcomes, in the same transaction: to a
 * destination, a dead-letter queue. Everything is copied; `m` needs no id, queue or times.
 * `delay_ms` from the time when it is written. */
void queue_follow(struct delivery *d, struct queue *to, const struct stored_message *m,
                  struct str dedup, uint64_t delay_ms);

/* "order-mails #3 +4": its queue, its first message and how many come with it; a long name is cut.
 */
#define QUEUE_DELIVERY_NAME_BYTES 128
void queue_delivery_name(const struct delivery *d, char ret[QUEUE_DELIVERY_NAME_BYTES]);

/* Ends a delivery: outcomes are made durable, then memory is freed and the queue goes on. */
void queue_delivered(struct delivery *d);
/* Sets an outcome; `error` is copied (at most 32 KiB of it), NULL: none. */
void queue_set_outcome(struct delivered *m, enum message_fate fate, uint64_t due_ms,
                       struct str error);

/* Taking, for queues without a consumer: at most `max` messages, in order, whose groups are free,
 * those of a group behind one another as SQS has it; they are not handed out again before
 * `visible_ms`. With some, `taken` is called when that is durable; whoever is given them before
 * that could see them twice after a crash. A negative result: it cannot be written, and they come
 * again at once. With count 0 there is no call; `is_behind` then says that nothing can be told yet,
 * since there is too much in front that is too old, or it cannot be read: wait (queue_wait) and
 * take again. The caller settles messages by id, and frees them with queue_taken_free(). */
struct queue_taken {
    struct delivered *messages;
    size_t count;
    int result;
    bool is_behind;
    void (*taken)(struct queue_taken *t);
};
void queue_take(struct queue *q, size_t max, uint64_t visible_ms, struct queue_taken *t);
void queue_taken_free(struct queue_taken *t);
/* A taken message may be handed out at due_ms, instead of what was said when it was taken;
 * FATE_GONE deletes it. `done` may be NULL. */
struct queue_settle {
    struct store_job job;
    struct queue *queue;
    struct message_outcome outcome;
    void (*done)(struct queue_settle *settle, int r); /* 1: it was no longer there */
};
void queue_settle(struct queue_settle *settle);
/* How many wait, are delayed and hidden, those in a consumer's hands included: of a long queue as
 * it was some seconds ago, since to count a million takes a while. (The first time it is counted at
 * once.) */
void queue_count(struct queue *q, struct message_counts *ret);
/* Copies a message's texts into one piece of memory, which the caller frees, and has them point
 * there, each with a NUL behind it. */
char *queue_copy_texts(struct stored_message *m);
/* Called on the loop each time something became available; for long polling. */
struct queue_waiter {
    struct list link;
    void (*available)(struct queue_waiter *w);
};
void queue_wait(struct queue *q, struct queue_waiter *w);
