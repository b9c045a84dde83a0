/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_answers.h"

#include "store/sql.h"

#define FORGOTTEN_A_PUT 4

static int forget_some(struct sql *db, uint64_t now_ms)
{
    return sql_run(db,
                   "DELETE FROM answers WHERE (route, key) IN "
                   "(SELECT route, key FROM answers WHERE until_ms < ? LIMIT ?)",
                   "ii", (int64_t)now_ms, (int64_t)FORGOTTEN_A_PUT);
}

int store_answers_put(struct sql *db, struct str route, struct str key,
                      const struct stored_answer *a, uint64_t now_ms)
{
    int r = forget_some(db, now_ms);
    return r < 0 ? r
                 : sql_run(db,
                           "INSERT INTO answers (route, key, until_ms, status, headers, body) "
                           "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (route, key) DO UPDATE SET "
                           "until_ms = excluded.until_ms, status = excluded.status, "
                           "headers = excluded.headers, body = excluded.body",
                           "ssiibb", route, key, (int64_t)a->until_ms, (int64_t)a->status,
                           a->headers, a->body);
}

bool store_answers_find(struct store *s, struct str route, struct str key, uint64_t now_ms,
                        store_answer_fn found, void *context)
{
    struct sql *db = store_reader(s);
    sqlite3_stmt *row = sql_prepare(db,
                                    "SELECT status, headers, body, until_ms FROM answers "
                                    "WHERE route = ? AND key = ? AND until_ms >= ?",
                                    "ssi", route, key, (int64_t)now_ms);
    if (sql_step(db, row) != 1) {
        return false;
    }
    const struct stored_answer answer = { .status = (unsigned)sql_int(row, 0),
                                          .headers = sql_str(row, 1),
                                          .body = sql_str(row, 2),
                                          .until_ms = (uint64_t)sql_int(row, 3) };
    found(&answer, context);
    sql_reset(row);
    return true;
}
