/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_clock.h"

#include "store/sql.h"

int store_clock_set_back(struct sql *db, uint64_t now_ms, uint32_t limit)
{
    int64_t now = (int64_t)now_ms;
    int64_t after = now + STORE_CLOCK_SLACK_MS;
    int r = sql_run(db,
                    "UPDATE dedup SET sent_ms = ?1 WHERE (queue, key) IN "
                    "(SELECT queue, key FROM dedup WHERE keep_ms = 0 AND sent_ms > ?2 UNION ALL "
                    "SELECT queue, key FROM dedup WHERE keep_ms > 0 AND sent_ms > ?2 LIMIT ?3)",
                    "iii", now, after, (int64_t)limit);
    if (r < 0) {
        return r;
    }
    r = sql_run(db,
                "UPDATE messages SET due_ms = due_ms - sent_ms + ?1, sent_ms = ?1, "
                "first_ms = min(first_ms, ?1) WHERE id IN (SELECT m.id FROM queues AS q "
                "CROSS JOIN messages AS m INDEXED BY messages_waiting ON m.state = 0 AND "
                "m.queue = q.id AND m.due_ms > ?2 WHERE m.sent_ms > ?2 AND "
                "q.name NOT LIKE 'archive:%' LIMIT ?3)",
                "iii", now, after, (int64_t)limit);
    return r < 0 ? r : sql_changes(db);
}

#define LATER "due_ms = due_ms + ?2, sent_ms = sent_ms + ?2 "

int store_clock_set_forward(struct sql *db, uint64_t was_ms, uint64_t by_ms)
{
    const int64_t was = (int64_t)was_ms, by = (int64_t)by_ms;
    int r =
        sql_run(db, "UPDATE dedup SET sent_ms = sent_ms + ?2 WHERE sent_ms <= ?1", "ii", was, by);
    if (r == 0) { /* those that the step alone would end */
        r = sql_run(db,
                    "UPDATE answers SET until_ms = until_ms + ?2 "
                    "WHERE until_ms > ?1 AND until_ms <= ?1 + ?2",
                    "ii", was, by);
    }
    if (r == 0) { /* history that is kept for a time, from when it was over */
        r = sql_run(db, "UPDATE messages SET " LATER "WHERE state > 0 AND due_ms <= ?1", "ii", was,
                    by);
    }
    if (r == 0) {
        r = sql_run(db,
                    "UPDATE messages SET " LATER ", first_ms = first_ms + ?2 * (first_ms > 0) "
                    "WHERE state = 0 AND sent_ms <= ?1 AND queue NOT IN "
                    "(SELECT id FROM queues WHERE name LIKE 'archive:%')",
                    "ii", was, by);
    }
    return r < 0 ? r : sql_changes(db);
}
