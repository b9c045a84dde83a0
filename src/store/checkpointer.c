/* SPDX-License-Identifier: Apache-2.0 */
#include "store/checkpointer.h"

#include "store/sql.h"

#define LONG_LOG_PAGES 4000 /* 16 MB: of fewer, more of what is written is soon written again */
#define LOG_PAGES_MAX  8000 /* then commits wait for a checkpoint */

static bool wait_for_work(struct checkpointer *c)
{
    uv_mutex_lock(&c->mutex);
    while (c->state != CHECKPOINTER_RUNS && !c->closing) {
        uv_cond_wait(&c->changed, &c->mutex);
    }
    bool any = c->state == CHECKPOINTER_RUNS;
    uv_mutex_unlock(&c->mutex);
    return any;
}

static void end_work(struct checkpointer *c)
{
    uv_mutex_lock(&c->mutex);
    c->state = CHECKPOINTER_DONE;
    uv_cond_broadcast(&c->changed);
    uv_mutex_unlock(&c->mutex);
}

static void checkpointer_thread(void *context)
{
    struct checkpointer *c = context;
    while (wait_for_work(c)) {
        (void)!sql_checkpoint(c->db, SQL_BESIDE_COMMITS); /* is tried again */
        end_work(c);
    }
}

int checkpointer_start(struct checkpointer *c, const char *path, struct err *err)
{
    *c = (struct checkpointer){ .state = CHECKPOINTER_IDLE };
    int r = sql_open(path, SQL_WRITER, &c->db, err);
    if (r < 0) {
        return r;
    }
    (void)uv_mutex_init(&c->mutex); /* these fail only without memory */
    (void)uv_cond_init(&c->changed);
    r = uv_thread_create(&c->thread, checkpointer_thread, c);
    if (r < 0) {
        uv_cond_destroy(&c->changed);
        uv_mutex_destroy(&c->mutex);
        sql_close(c->db);
        return err_set(err, -r, "start the store: %s", uv_strerror(r));
    }
    return 0;
}

void checkpointer_stop(struct checkpointer *c)
{
    uv_mutex_lock(&c->mutex);
    c->closing = true;
    uv_cond_broadcast(&c->changed);
    uv_mutex_unlock(&c->mutex);
    (void)uv_thread_join(&c->thread); /* ours */
    uv_cond_destroy(&c->changed);
    uv_mutex_destroy(&c->mutex);
    sql_close(c->db);
}

static void begin(struct checkpointer *c)
{
    c->state = CHECKPOINTER_RUNS;
    uv_cond_broadcast(&c->changed);
}

static void wait_for_end(struct checkpointer *c)
{
    while (c->state == CHECKPOINTER_RUNS) {
        uv_cond_wait(&c->changed, &c->mutex);
    }
}

void checkpointer_follow(struct checkpointer *c, struct sql *writer)
{
    int pages = sql_log_pages(writer);
    if (pages < LONG_LOG_PAGES) {
        return;
    }
    uv_mutex_lock(&c->mutex);
    if (c->state == CHECKPOINTER_IDLE) {
        begin(c);
    }
    if (pages >= LOG_PAGES_MAX) {
        wait_for_end(c);
    }
    bool is_done = c->state == CHECKPOINTER_DONE;
    c->state = is_done ? CHECKPOINTER_IDLE : c->state;
    uv_mutex_unlock(&c->mutex);
    if (is_done) {
        (void)!sql_checkpoint(writer, SQL_PASSIVE); /* what was committed meanwhile */
    }
}

void checkpointer_settle(struct checkpointer *c)
{
    uv_mutex_lock(&c->mutex);
    wait_for_end(c);
    c->state = CHECKPOINTER_IDLE;
    uv_mutex_unlock(&c->mutex);
}
