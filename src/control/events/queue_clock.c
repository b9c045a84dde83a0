/* A clock that was ahead, and is put back: what was sent meanwhile would wait until that time comes
 * once more. Nobody can have sent anything after now: such messages are taken for sent now, and
 * wait as long as they were to wait then. What a message was told to wait for a next try while the
 * clock was ahead cannot be told from what it should be, and stays.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "control/events/queue_clock.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"

#define STEP_ROWS 2000 /* of a job: some 10 ms of the store's time */

/* Of the wall clock over one that nobody sets. */
static int64_t lead_ms(void)
{
    return (int64_t)clock_wall_ms() - (int64_t)(uv_hrtime() / 1000000);
}

static int run_setting_back(struct store_job *job, struct sql *db)
{
    (void)job;
    return store_messages_set_back(db, clock_wall_ms(), STEP_ROWS);
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

void queues_clock_set(struct queues *qs)
{
    qs->lead_ms = lead_ms();
    if (!qs->is_setting_back) {
        qs->is_setting_back = true;
        qs->setting_back = (struct store_job){ .run = run_setting_back,
                                               .done = setting_back_done,
                                               .makes_room = true };
        store_submit(qs->store, &qs->setting_back);
    }
}

void queue_clock_look(struct queues *qs)
{
    int64_t lead = lead_ms();
    if (lead + STORE_CLOCK_SLACK_MS < qs->lead_ms) {
        queues_clock_set(qs);
    }
    qs->lead_ms = lead;
}
