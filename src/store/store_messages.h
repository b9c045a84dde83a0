/* Messages in queues: the one event log. See doc/events.md.
 *
 * A message is waiting (until it is due), done, or dead. That it is being handled just now is known
 * to the process only: when that ends, it is handled again. Ids grow in the order of arrival.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/str.h"
#include "store/store.h"

enum message_state { MESSAGE_WAITING, MESSAGE_DONE, MESSAGE_DEAD };

struct stored_message {
    uint64_t id;
    uint64_t queue;
    enum message_state state;
    struct str uuid;       /* what its sender was told */
    struct str group;      /* FIFO: one after the other within it; empty: none */
    struct str attributes; /* JSON object; its queue's consumer knows what it means */
    struct str body;
    struct str error; /* of the last try, empty: none */
    uint64_t sent_ms;
    uint64_t due_ms;   /* waiting: not before. done, dead: since */
    uint64_t first_ms; /* first handed out, 0: never */
    uint32_t attempts; /* times handed out */
    bool is_kept;      /* to be written: it counts in store_messages_kept() */
};

/* What becomes of a message that was handed out. */
enum message_fate {
    FATE_DONE,
    FATE_AGAIN, /* at due_ms */
    FATE_DEAD,
    FATE_GONE /* leaves no trace: an SQS message that was deleted */
};

struct message_outcome {
    uint64_t id;
    enum message_fate fate;
    uint64_t due_ms;
    uint64_t first_ms;
    uint32_t attempts;
    struct str error;
};

/* On the store's thread, in a job's run: */

/* The queue's number, made if there is none of that name. */
int store_messages_queue(struct sql *db, struct str name, uint64_t *ret_queue) MUST_USE;
/* Writes `m` but for its id, which is returned. `dedup`: when not empty, and the queue has had a
 * message with that key at or after `since_ms`, none is written, *ret_id is that one's and 1 is
 * returned. */
int store_messages_insert(struct sql *db, const struct stored_message *m, struct str dedup,
                          uint64_t since_ms, uint64_t *ret_id) MUST_USE;
/* The id that the next message will have, larger than that of any before it. */
uint64_t store_messages_next(struct sql *db);
/* A message that is no longer waiting stays as it is: 1 is returned then. */
int store_messages_settle(struct sql *db, const struct message_outcome *outcome) MUST_USE;
/* Dead or done messages wait again, with no attempts. Returns how many. */
int store_messages_replay(struct sql *db, uint64_t queue, const uint64_t *ids, size_t count,
                          uint64_t due_ms) MUST_USE;
/* The same of a queue's dead ones with ids over *in_out_after, 0 at first, which becomes the last
 * of theirs: at most `limit`, and none twice that is dead again meanwhile. */
int store_messages_replay_dead(struct sql *db, uint64_t queue, uint64_t due_ms, uint32_t limit,
                               uint64_t *in_out_after) MUST_USE;
/* Removes messages in `state` (all: -1) that arrived before `before_ms`, at most `limit`. Returns
 * how many. */
int store_messages_purge(struct sql *db, uint64_t queue, int state, uint64_t before_ms,
                         uint32_t limit) MUST_USE;
/* Removes waiting messages that were due before `before_ms`, longest due first, at most `limit`.
 * Returns how many. */
int store_messages_expire(struct sql *db, uint64_t queue, uint64_t before_ms,
                          uint32_t limit) MUST_USE;
/* Removes keys that nobody looks for any more, some `limit` of them: they are older than the
 * message of the key itself looked back or, where it looked back without end, than a day. Returns
 * how many. */
int store_messages_forget_dedup(struct sql *db, uint64_t now_ms, uint32_t limit) MUST_USE;
/* The next queue behind the number `after` with messages that are done or dead, 0: there is none.
 */
uint64_t store_messages_next_history(struct sql *db, uint64_t after);
/* Takes a queue's name away, if there is one: from here on nobody finds it or its messages, and who
 * asks for the name gets another queue. However many messages there are, this takes no time. */
int store_messages_drop_queue(struct sql *db, struct str name) MUST_USE;
/* Removes what dropped queues have left, at most `limit` rows. 1: there may be more. */
int store_messages_sweep(struct sql *db, uint32_t limit) MUST_USE;

/* On the loop's thread: */

/* The queue's number, 0: there is none of that name. */
uint64_t store_messages_queue_find(struct store *s, struct str name);

/* Called for each message; its texts live until it returns. False ends the walk. */
typedef bool (*store_message_fn)(const struct stored_message *m, void *context);

/* A place in the order in which messages are due; both 0: its start. */
struct message_place {
    uint64_t due_ms;
    uint64_t id;
};
/* The waiting messages of a queue behind `after` that are due at `now_ms`, longest due first (ids
 * first among equals). */
void store_messages_due(struct store *s, uint64_t queue, const struct message_place *after,
                        uint64_t now_ms, store_message_fn each, void *context);
/* When the next waiting message is due after `after_ms`, UINT64_MAX: there is none. */
uint64_t store_messages_next_due(struct store *s, uint64_t queue, uint64_t after_ms);

/* Of FIFO queues: the waiting messages that have a group, in the order of arrival. */
void store_messages_ordered(struct store *s, uint64_t queue, store_message_fn each, void *context);
/* ... those of one group, in that order, */
void store_messages_group(struct store *s, uint64_t queue, struct str group, store_message_fn each,
                          void *context);
/* ... the first of each group that are due at `now_ms`, longest due first, */
void store_messages_first(struct store *s, uint64_t queue, uint64_t now_ms, store_message_fn each,
                          void *context);
/* ... and when the next first one is due. */
uint64_t store_messages_next_first(struct store *s, uint64_t queue, uint64_t after_ms);

struct message_counts {
    uint64_t waiting; /* due or not, handed out or not */
    uint64_t delayed; /* ... of them not due for the first time */
    uint64_t hidden;  /* ... of them not due again */
    uint64_t dead;
    uint64_t done;
    uint64_t oldest_ms; /* of the waiting, 0: none */
};
/* Those that were due before `since_ms` do not count as waiting. */
void store_messages_count(struct store *s, uint64_t queue, uint64_t since_ms, uint64_t now_ms,
                          struct message_counts *ret);

/* Adds the waiting, delayed and hidden ones behind `place` to `counts`, at most `rows` of them.
 * True: there may be more, behind the new `place`. */
bool store_messages_tally(struct store *s, uint64_t queue, uint64_t now_ms, uint32_t rows,
                          struct message_place *place, struct message_counts *counts);

struct store_backlog {
    uint64_t count;
    uint64_t bytes;     /* of their bodies */
    uint64_t oldest_ms; /* 0: there is none */
};
/* All that wait in a queue, due or not, handed out or not: it is walked over. */
void store_messages_backlog(struct store *s, uint64_t queue, struct store_backlog *ret);

/* Of a queue whose messages were all written as kept, as an archive's are: how many there are
 * changes with them and need not be counted. oldest_ms is not known. */
void store_messages_kept(struct store *s, uint64_t queue, struct store_backlog *ret);

struct message_filter {
    uint64_t queue;     /* 0: any */
    int state;          /* -1: any */
    uint64_t before_id; /* newest first, from here on; 0: from the newest */
    uint64_t since_ms;
};
/* Looks at `rows` messages at most, so that a walk over a million of them holds up nobody; a queue
 * that has no more of them is looked at alone. True: there may be more, from the new before_id on.
 */
bool store_messages_list(struct store *s, struct message_filter *filter, uint32_t rows,
                         store_message_fn each, void *context);
/* False: there is none. */
bool store_messages_find(struct store *s, uint64_t id, store_message_fn each, void *context);
/* After a duplicate was inserted: the uuid of the message that was kept for its key, whether that
 * is still there or not. If it is not known, or `size` is too small, `ret` stays as it is. */
void store_messages_original(struct store *s, uint64_t queue, struct str dedup, char *ret,
                             size_t size);
/* Calls `each` with the number and name of every queue that has ever had a message. */
void store_messages_queues(struct store *s,
                           void (*each)(uint64_t queue, struct str name, void *context),
                           void *context);
