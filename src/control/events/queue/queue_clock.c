/* A clock that was ahead, and is put back: what was sent meanwhile would wait until that time comes
 * once more. Nobody can have sent anything after now: such messages are taken for sent now, and
 * wait as long as they were to wait then. What a message was told to wait for a next try while the
 * clock was ahead cannot be told from what it should be, and stays.
 *
 * A clock that was behind, and is set forward, as that of a machine without a battery which starts
 * in 1970 and learns the time from the network: what was sent before would be older by all of the
 * step, and too old to be kept. It is as old as it was, and waits as long as it was to. A machine
 * that has slept has no such step: its clock since the start has gone on, too.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "control/events/queue/queue_clock.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/store_clock.h"

#define STEP_ROWS 2000 /* of a job: some 10 ms of the store's time */

/* Of the wall clock over one that nobody sets. */
static int64_t lead_ms(void)
{
    return (int64_t)clock_wall_ms() - (int64_t)clock_boot_ms();
}

static int run_setting_back(struct store_job *job, struct sql *db)
{
    (void)job;
    return store_clock_set_back(db, clock_wall_ms(), STEP_ROWS);
}

static void wake_all(struct queues *qs)
{
    for (size_t i = 0; i < QUEUE_BUCKETS; i++) {
        list_for_each (item, &qs->buckets[i]) {
            queue_wake(list_entry(item, struct queue, in_bucket));
        }
    }
}

/* After a failure the next start, or the next time that the clock is set, tries again. */
static void setting_back_done(struct store_job *job, int r)
{
    struct queues *qs = container_of(job, struct queues, setting_back);
    if (r > 0) {
        log_warning("of the events %d %s sent by a clock that was ahead: due as if sent now", r,
                    r == 1 ? "was" : "were");
        wake_all(qs);
    }
    qs->is_setting_back = r == STEP_ROWS;
    if (qs->is_setting_back) {
        store_submit(qs->store, job);
    }
}

static void set_back(struct queues *qs)
{
    if (!qs->is_setting_back) {
        qs->is_setting_back = true;
        qs->setting_back = (struct store_job){ .run = run_setting_back,
                                               .done = setting_back_done,
                                               .makes_room = true };
        store_submit(qs->store, &qs->setting_back);
    }
}

struct setting_forward {
    struct store_job job;
    struct queues *queues;
    uint64_t was_ms, by_ms;
};

static int run_setting_forward(struct store_job *job, struct sql *db)
{
    const struct setting_forward *f = container_of(job, struct setting_forward, job);
    return store_clock_set_forward(db, f->was_ms, f->by_ms);
}

static void setting_forward_done(struct store_job *job, int r)
{
    struct setting_forward *f = container_of(job, struct setting_forward, job);
    struct queues *qs = f->queues;
    if (r < 0) {
        log_error("the clock was set forward, and events are older by that: %s", strerror(-r));
    } else if (r > 0) {
        log_warning("the clock was set forward: %d %s as old as before", r,
                    r == 1 ? "event is" : "events are");
    }
    free(f);
    qs->setting_forward--;
    wake_all(qs);
}

static void set_forward(struct queues *qs, uint64_t by_ms)
{
    struct setting_forward *f = mem_new(struct setting_forward);
    *f = (struct setting_forward){
        .job = { .run = run_setting_forward, .done = setting_forward_done, .makes_room = true },
        .queues = qs,
        .was_ms = clock_wall_ms() - by_ms,
        .by_ms = by_ms
    };
    qs->setting_forward++;
    store_submit(qs->store, &f->job);
}

void queues_clock_set(struct queues *qs)
{
    int64_t lead = lead_ms(), by = lead - qs->lead_ms;
    qs->lead_ms = lead;
    if (by > STORE_CLOCK_SLACK_MS) {
        set_forward(qs, (uint64_t)by);
    } else {
        set_back(qs);
    }
}

void queue_clock_look(struct queues *qs)
{
    int64_t lead = lead_ms();
    if (imaxabs(lead - qs->lead_ms) > STORE_CLOCK_SLACK_MS) {
        queues_clock_set(qs);
    }
    qs->lead_ms = lead;
}
