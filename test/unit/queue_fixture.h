/* A store with one queue, "test:q", messages that are put into it, and a consumer that notes what
 * it is given. Each test runs in a process of its own.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdio.h>
#include <stdlib.h>

#include "base/chance.h"
#include "base/clock.h"
#include "base/mem.h"
#include "control/events/queue/queue.h"
#include "store/sql.h"
#include "suite.h"

#define MESSAGES_MAX 64

static uv_loop_t loop;
static struct store *store;
static struct queues *queues;
static struct queue *q;
static char folder[] = "/tmp/mayfly-test-XXXXXX";

/* What the consumer saw: "a b|c" is a batch of a and b, then one of c. */
static char seen[1024];
static enum message_fate fate;
static uint64_t fate_due_ms;
static bool is_throttled;
static int deliveries;

static struct queue_send sends[MESSAGES_MAX];
static char uuids[MESSAGES_MAX][UUID_BYTES];
static size_t sent_count, send_count;

static inline void open_queue(void)
{
    struct err err = { 0 };
    ck_assert_msg(store_open(&loop, folder, &store, &err) == 0, "%s", err.text);
    queues = queues_create(&loop, store);
    q = queue_open(queues, STR("test:q"));
}

static inline void setup(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    open_queue();
    fate = FATE_DONE;
}

static inline void teardown(void)
{
    char command[64];
    store_close(store);
    (void)uv_run(&loop, UV_RUN_NOWAIT);
    (void)snprintf(command, sizeof(command), "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static inline void run_until(const int *counter, int wanted)
{
    while (*counter < wanted) {
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
}

static inline void on_sent(struct queue_send *send, int r)
{
    (void)send;
    ck_assert_int_eq(r, 0);
    sent_count++;
}

static inline struct queue_send *put(const char *body, const char *group, const char *dedup)
{
    struct queue_send *s = &sends[send_count];
    uint64_t now = clock_wall_ms();
    chance_uuid(uuids[send_count]);
    *s = (struct queue_send){ .queue = q,
                              .message = { .uuid = str_c(uuids[send_count]),
                                           .group = str_c(group),
                                           .attributes = STR("{}"),
                                           .error = STR(""),
                                           .body = str_c(body),
                                           .sent_ms = now,
                                           .due_ms = now },
                              .dedup = str_c(dedup),
                              .sent = on_sent };
    send_count++;
    queue_send(s);
    return s;
}

static inline void until_sent(void)
{
    while (sent_count < send_count) {
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
}

struct submitted {
    struct store_job job;
    int done;
};

static inline void is_done(struct store_job *job, int r)
{
    ck_assert_int_eq(r, 0);
    container_of(job, struct submitted, job)->done = 1;
}

/* Runs a job that succeeds, once the queue's number is known. */
static inline void submit(int (*run)(struct store_job *job, struct sql *db))
{
    struct submitted j = { .job = { .run = run, .done = is_done } };
    while (queue_number(q) == 0) {
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
    store_submit(store, &j.job);
    run_until(&j.done, 1);
}

/* Makes a database one of step 6, together with a user_version. */
#define UNDO_GROUPS                                                                                \
    "DROP INDEX messages_first; DROP INDEX messages_groups;"                                       \
    "ALTER TABLE messages DROP COLUMN behind;"                                                     \
    "DROP INDEX dedup_kept; DROP INDEX dedup_sent;"                                                \
    "ALTER TABLE dedup DROP COLUMN uuid; "                                                         \
    "ALTER TABLE dedup DROP COLUMN keep_ms; CREATE INDEX dedup_sent ON dedup (sent_ms);"

/* In the database, found or not. */
static inline int64_t rows(void)
{
    return sql_number(store_reader(store), -1,
                      "SELECT (SELECT count(*) FROM messages) + (SELECT count(*) FROM dedup)", "");
}

static inline void until_rows(int64_t wanted)
{
    while (rows() != wanted) {
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
}

static inline void deliver(struct queue *queue, struct delivery *d, void *context)
{
    (void)queue;
    (void)context;
    for (size_t i = 0; i < d->count; i++) {
        size_t len = strlen(seen);
        (void)snprintf(seen + len, sizeof(seen) - len, "%s%s",
                       i     ? " "
                       : len ? "|"
                             : "",
                       d->messages[i].message.body.data);
        queue_set_outcome(&d->messages[i], fate, fate_due_ms, STR("why"));
    }
    deliveries++;
    d->is_throttled = is_throttled;
    queue_delivered(d);
}

static const struct queue_consumer consumer = { .name = "test", .deliver = deliver };

static inline void consume(uint32_t batch, uint32_t concurrency, bool ordered)
{
    const struct queue_policy policy = { .batch_size = batch,
                                         .concurrency = concurrency,
                                         .ordered = ordered };
    queue_consume(q, &consumer, &policy, NULL);
}

static inline void open_again(void)
{
    store_close(store);
    (void)uv_run(&loop, UV_RUN_NOWAIT);
    open_queue();
}

struct taking {
    struct queue_taken taken;
    bool is_over;
};

static inline void was_taken(struct queue_taken *t)
{
    ck_assert_uint_gt(t->count, 0);
    container_of(t, struct taking, taken)->is_over = true;
}

/* The next `max` that are free, hidden for so long; says which in `ret`, as "a b". */
static inline void take_for(size_t max, uint64_t hidden_ms, char ret[64])
{
    struct taking t = { .taken = { .taken = was_taken } };
    queue_take(q, max, clock_wall_ms() + hidden_ms, &t.taken);
    while (t.taken.count > 0 && !t.is_over) {
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
    ret[0] = '\0';
    for (size_t i = 0; i < t.taken.count; i++) {
        size_t len = strlen(ret);
        (void)snprintf(ret + len, 64 - len, "%s%s", len > 0 ? " " : "",
                       t.taken.messages[i].message.body.data);
    }
    queue_taken_free(&t.taken);
}

static inline void take(size_t max, char ret[64])
{
    take_for(max, 3600 * 1000, ret);
}

/* A suite of one case with the fixture; add tests to `*ret_case`. */
static inline Suite *queue_fixture_suite(const char *name, TCase **ret_case)
{
    return suite_make(name, setup, teardown, ret_case);
}
