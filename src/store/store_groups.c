/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_groups.h"

#include "store/sql.h"

#define SET_BEHIND                                                                                 \
    "behind = id > (SELECT min(m.id) FROM " STORE_GROUPS_WAITING("messages.queue",                 \
                                                                 "messages.fifo") ")"

/* The one after this, in its group. */
#define NEXT                                                                                       \
    "(SELECT (SELECT min(m.id) FROM " STORE_GROUPS_WAITING(                                        \
        "f.queue", "f.fifo") " AND m.id > f.id) FROM messages f WHERE f.id = ?1 AND f.state = 0 "  \
                             "AND f.fifo <> '' AND f.behind = 0)"

int store_groups_leave(struct sql *db, uint64_t id)
{
    return sql_run(db, "UPDATE messages SET behind = 0 WHERE id = " NEXT, "i", (int64_t)id);
}

int store_groups_return(struct sql *db, uint64_t id)
{
    int r = sql_run(db, "UPDATE messages SET " SET_BEHIND " WHERE id = ?1 AND fifo <> ''", "i",
                    (int64_t)id);
    return r < 0 ? r
                 : sql_run(db, "UPDATE messages SET behind = 1 WHERE id = " NEXT, "i", (int64_t)id);
}

int store_groups_return_many(struct sql *db, uint64_t queue)
{
    return sql_run(db,
                   "UPDATE messages INDEXED BY messages_groups SET " SET_BEHIND
                   " WHERE state = 0 AND fifo <> '' AND queue = ?",
                   "i", (int64_t)queue);
}
