/* SQS queues: which there are, and their attributes. A queue's messages are in the queue
 * "sqs:NAME".
 *
 * They come from the manifest, or from CreateQueue: then they are kept in the settings (kind
 * "sqs"). Where both name one, what was set last counts: the attributes of the API, until the
 * manifest says others than it did then.
 *
 * A message's attributes, as JSON: { "messageAttributes": { NAME: { "DataType", "StringValue" or
 * "BinaryValue" (base64) } }, "trace", "dedup", "from": the queue whose dead letter it is }, each
 * of which may be missing.
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>
#include <jansson.h>

#include "control/events/queue/setting_write.h"
#include "control/services.h"

#define SQS_NAME_MAX 80 /* characters, ".fifo" included */
#define SQS_ACCOUNT  "000000000000"

struct sqs_queue {
    char *name; /* owned */
    struct queue *queue;
    json_t *attributes; /* owned: texts by SQS's names, only those that were set */
    json_t *tags;       /* owned */
    uint64_t created_s;
    uint64_t modified_s;
    json_t *attempts;   /* owned: sqs_attempt.h */
    uint64_t purged_ms; /* when PurgeQueue was last called, 0: never */
    bool fifo;
    bool content_dedup;
    bool dedup_by_group; /* DeduplicationScope: what is the same is so within its group */
    uint64_t visibility_ms;
    uint64_t delay_ms;
    uint64_t wait_ms;
    uint64_t retention_ms;
    uint64_t max_bytes;
    char *dead_letter;     /* owned: the queue's name; NULL: none */
    uint32_t max_receives; /* before that */
    json_t *declared;    /* owned: the attributes that the manifest says; NULL: none has said any */
    bool removed;        /* nobody finds it any more */
    uint32_t references; /* being known, calls that are not answered yet */
};

struct sqs_queues {
    struct services *services;
    GTree *by_name;  /* of struct sqs_queue */
    GTree *changes;  /* name_tree.h: what is being written */
    json_t *deleted; /* owned: name to when, of the last minute at least */
};

/* Reads what was created before. */
struct sqs_queues *sqs_queues_create(struct services *s);
/* `events.queues` of the manifest that is served from now on (borrowed). */
void sqs_queues_build(struct sqs_queues *all, const json_t *manifest);

bool sqs_queue_is_fifo(struct str name);                                         /* "NAME.fifo" */
struct sqs_queue *sqs_queue_find(const struct sqs_queues *all, struct str name); /* or NULL */
/* Makes one in memory. */
struct sqs_queue *sqs_queue_add(struct sqs_queues *all, struct str name, json_t *attributes,
                                json_t *tags);
/* For what uses it over more than one turn of the loop. */
struct sqs_queue *sqs_queue_ref(struct sqs_queue *q);
void sqs_queue_unref(struct sqs_queue *q);
/* Forgets it, and its messages; `done` is called when that is durable. Who waits for messages is
 * told. */
void sqs_queue_remove(struct sqs_queues *all, struct sqs_queue *q, setting_written_fn done,
                      void *context);
/* Whether one of that name was removed in the last minute: AWS makes no other so soon. A restart
 * forgets it. */
bool sqs_queue_was_removed(const struct sqs_queues *all, const char *name);

/* Makes the queue of that name, or changes it: to these attributes and tags (both used up; NULL: as
 * they are). They count when they are durable, and `done` is called. One change of a name at a
 * time: sqs_queue_wait() first. */
void sqs_queue_save(struct sqs_queues *all, const char *name, json_t *attributes, json_t *tags,
                    setting_written_fn done, void *context);

/* What would change a queue while another change of it is being written. */
struct sqs_waiter {
    void (*again)(struct sqs_waiter *w);
};
/* True: one of that name is being written; `again` is called when that is over. */
bool sqs_queue_wait(const struct sqs_queues *all, const char *name, struct sqs_waiter *w) MUST_USE;

/* "arn:aws:sqs:REGION:000000000000:NAME"; at most SQS_ARN_BYTES with its NUL. */
#define SQS_ARN_BYTES 160
void sqs_queue_arn(const char *name, struct str region, char *ret);

/* A message that would be handed out once too often is moved to the dead-letter queue, in one
 * transaction. `m` has been taken (queue_take) and is in nobody's hands but the caller's. False:
 * that queue is gone, and the message stays: it is handed out as any. Else `done` is called when it
 * is durable, or failed.
 */
bool sqs_queue_bury(const struct sqs_queues *all, struct sqs_queue *q,
                    const struct stored_message *m, void (*done)(void *context), void *context);
/* The attributes of a message of `q` as a dead letter's; the caller frees. */
char *sqs_queue_dead_attributes(const struct sqs_queue *q, struct str attributes);
