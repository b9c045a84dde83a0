/* Groups of FIFO queues. A waiting message that has another of its group before it is `behind`,
 * whatever becomes of that one: a look at a queue reads the first of each group only, however many
 * wait behind it. Who makes messages wait, or wait no more, tells it here, within the same change;
 * a new message learns it where it is inserted.
 *
 * On the store's thread. Return 0, or a negative errno: the change fails then.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "base/scope.h"

struct sql;

/* The waiting messages of a group, in SQL; `queue` and `group` are expressions. */
#define STORE_GROUPS_WAITING(queue, group)                                                         \
    "messages m INDEXED BY messages_groups WHERE m.state = 0 AND m.fifo <> '' AND m.queue "        \
    "= " queue " AND m.fifo = " group

/* To be run before the waiting messages leave that `gone`, the rest of a query for ids, is about:
 * whoever comes after the first of a group is the first then. */
#define STORE_GROUPS_LEAVE_MANY(gone)                                                              \
    "WITH gone AS MATERIALIZED (SELECT id FROM " gone                                              \
    ") UPDATE messages SET behind = 0 WHERE id IN (SELECT (SELECT m.id "                           \
    "FROM " STORE_GROUPS_WAITING("f.queue", "f.fifo") " AND m.id NOT IN gone ORDER BY m.id "       \
                                                      "LIMIT 1) FROM messages f "                  \
                                                      "WHERE f.id IN gone AND f.fifo <> '' "       \
                                                      "AND f.behind = 0)"

/* Before a message leaves, if it waits. */
int store_groups_leave(struct sql *db, uint64_t id) MUST_USE;
/* After a message has begun to wait again. */
int store_groups_return(struct sql *db, uint64_t id) MUST_USE;
/* After many of a queue have. */
int store_groups_return_many(struct sql *db, uint64_t queue) MUST_USE;
