/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/workers/worker_metrics.h"

#include "base/clock.h"
#include "base/scope.h"
#include "control/text/json_write.h"

/* Counting holds up the loop: it has a twentieth of its time at most. */
#define COST_SHARE 20

static bool is_fresh(const struct worker_metrics *m, uint64_t now_ms, uint64_t max_age_ms)
{
    const uint64_t least_ms = m->cost_ms * COST_SHARE;
    const uint64_t age_ms = max_age_ms > least_ms ? max_age_ms : least_ms;
    return m->read_ms > 0 && now_ms >= m->read_ms && now_ms - m->read_ms < age_ms;
}

void worker_metrics_read(struct worker_metrics *m, struct store *store, const struct queue *queue,
                         uint64_t max_age_ms)
{
    uint64_t now = clock_wall_ms();
    if (is_fresh(m, now, max_age_ms)) {
        return;
    }
    uint64_t began = uv_hrtime();
    m->read_ms = now;
    m->backlog = (struct store_backlog){ 0 };
    if (queue_number(queue) > 0) {
        store_messages_backlog(store, queue_number(queue), &m->backlog);
    }
    m->cost_ms = (uv_hrtime() - began) / 1000000;
}

void worker_metrics_add(struct worker_metrics *m, const struct store_backlog *sent)
{
    m->backlog.count += sent->count;
    m->backlog.bytes += sent->bytes;
    if (m->backlog.oldest_ms == 0) {
        m->backlog.oldest_ms = sent->oldest_ms;
    }
}

json_t *worker_metrics_json(const struct worker_metrics *m, const struct store_backlog *in_hands)
{
    const struct store_backlog *b = &m->backlog;
    uint64_t count = b->count > in_hands->count ? b->count - in_hands->count : 0;
    uint64_t bytes = count > 0 && b->bytes > in_hands->bytes ? b->bytes - in_hands->bytes : 0;
    json_t *json = json_pack("{s:I, s:I}", "backlogCount", (json_int_t)count, "backlogBytes",
                             (json_int_t)bytes);
    if (count > 0) {
        (void)json_object_set_new(json, "oldestMessageTimestamp",
                                  json_integer((json_int_t)b->oldest_ms)); /* a new value */
    }
    return json;
}

void worker_metrics_answer(const struct worker_metrics *m, struct exchange *x)
{
    const struct store_backlog nothing = { 0 };
    json_t *body = json_pack("{s:o}", "metrics", worker_metrics_json(m, &nothing));
    scoped_free char *text = json_write(body);
    json_decref(body);
    exchange_respond(x, 200, STR("content-type\0application/json\0"), str_c(text ? text : "{}"));
}
