/* Moving a dead-letter queue's messages back to where they came from, or elsewhere
 * (StartMessageMoveTask).
 *
 * A task is kept in the settings (kind "sqs-move") with how far it has come, in the transaction of
 * each step: after a crash it goes on. A message that is moved is a new one, as at AWS.
 *
 * Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/chance.h"
#include "control/events/queue/setting_write.h"
#include "control/events/sqs/sqs_queue.h"

enum sqs_move_status {
    SQS_MOVE_RUNNING,
    SQS_MOVE_COMPLETED,
    SQS_MOVE_CANCELLING,
    SQS_MOVE_CANCELLED,
    SQS_MOVE_FAILED
};

struct sqs_move {
    struct list link;
    struct sqs_moves *moves;
    char id[UUID_BYTES];
    char *source;      /* owned; the queue's name */
    char *destination; /* owned; NULL: each message's own source */
    uint32_t rate;     /* messages a second, 0: no bound */
    uint64_t started_ms;
    uint64_t moved;
    uint64_t to_move; /* as many were there at the start */
    enum sqs_move_status status;
    const char *reason;        /* why it failed; NULL: it has not */
    enum sqs_move_status next; /* what is being written to follow them */
    const char *next_reason;
    uint64_t hidden_until_ms; /* until then there may be more of them than can be taken */
    uv_timer_t timer;
    struct queue_taken taken;
    bool is_known;              /* it is kept: until then it shows nowhere */
    bool is_busy;               /* something of it is being taken or written */
    setting_written_fn written; /* who waits for its start or its cancellation, or NULL */
    void *context;
};

struct sqs_moves {
    struct services *services;
    struct list tasks; /* the newest first */
    bool is_going;     /* the first build is known */
};

/* Reads what was begun before; it goes on once the project is served. */
struct sqs_moves *sqs_moves_create(struct services *s);
/* The project's queues are known: tasks go on. */
void sqs_moves_build(struct sqs_moves *all);

/* Texts are copied; `done` is called when it is durable. */
struct sqs_move *sqs_moves_start(struct sqs_moves *all, const struct sqs_queue *source,
                                 const struct sqs_queue *destination, uint32_t rate,
                                 setting_written_fn done, void *context);
/* The one with that id; NULL: there is none. */
struct sqs_move *sqs_moves_find(const struct sqs_moves *all, struct str id);
/* Of one that is running. It stops before its next step; `done` is called when that is durable, or
 * nothing has changed. False: it is being cancelled already. */
bool sqs_moves_cancel(struct sqs_move *m, setting_written_fn done, void *context);

/* "RUNNING"... */
const char *sqs_moves_status(const struct sqs_move *m);
