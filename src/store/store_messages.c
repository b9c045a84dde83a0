/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_messages.h"

#include "store/sql.h"
#include "store/store_groups.h"

/* Not in one that was dropped. */
#define IN_A_QUEUE                                                                                 \
    "EXISTS (SELECT 1 FROM queues q WHERE q.id = messages.queue AND q.name IS NOT NULL)"

#define KEEP_DEDUP_MS ((uint64_t)24 * 3600 * 1000) /* keys that are always looked for */
#define READ_AGAIN_MS 1000                         /* what cannot be read now is looked at again */

#define COLUMNS                                                                                    \
    "id, queue, state, due_ms, sent_ms, first_ms, attempts, uuid, fifo, attributes, error, body"

/* ---- on the store's thread ---- */

int store_messages_queue(struct sql *db, struct str name, uint64_t *ret_queue)
{
    int64_t id = sql_number(db, 0, "SELECT id FROM queues WHERE name = ?", "s", name);
    if (id == 0) {
        int r = sql_run(db, "INSERT INTO queues (name) VALUES (?)", "s", name);
        if (r < 0) {
            return r;
        }
        id = sql_last_id(db);
    }
    *ret_queue = (uint64_t)id;
    return 0;
}

/* 1: there is such a message already, *ret_id. */
static int find_duplicate(struct sql *db, uint64_t queue, struct str dedup, uint64_t since_ms,
                          uint64_t *ret_id)
{
    int64_t id =
        sql_number(db, 0, "SELECT message FROM dedup WHERE queue = ? AND key = ? AND sent_ms >= ?",
                   "isi", (int64_t)queue, dedup, (int64_t)since_ms);
    *ret_id = (uint64_t)id;
    return id != 0;
}

/* The next of its key will look back as far as this one has. */
static int insert_dedup(struct sql *db, const struct stored_message *m, struct str dedup,
                        uint64_t since_ms, uint64_t id)
{
    const uint64_t keep_ms = since_ms > 0 && since_ms < m->sent_ms ? m->sent_ms - since_ms : 0;
    return sql_run(db,
                   "INSERT INTO dedup (queue, key, message, sent_ms, keep_ms, uuid) "
                   "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (queue, key) DO UPDATE SET "
                   "message = excluded.message, sent_ms = excluded.sent_ms, "
                   "keep_ms = excluded.keep_ms, uuid = excluded.uuid",
                   "isiiis", (int64_t)m->queue, dedup, (int64_t)id, (int64_t)m->sent_ms,
                   (int64_t)keep_ms, m->uuid);
}

static int add_kept(struct sql *db, const struct stored_message *m)
{
    return sql_run(db,
                   "INSERT INTO kept (queue, count, bytes) VALUES (?, 1, ?) ON CONFLICT (queue) "
                   "DO UPDATE SET count = count + 1, bytes = bytes + excluded.bytes",
                   "ii", (int64_t)m->queue, (int64_t)m->body.len);
}

int store_messages_insert(struct sql *db, const struct stored_message *m, struct str dedup,
                          uint64_t since_ms, uint64_t *ret_id)
{
    if (dedup.len > 0 && find_duplicate(db, m->queue, dedup, since_ms, ret_id)) {
        return 1;
    }
    int r =
        sql_run(db,
                "INSERT INTO messages (queue, state, due_ms, sent_ms, first_ms, attempts, uuid, "
                "fifo, attributes, error, body, behind) VALUES (?1, ?, ?, ?, ?, ?, ?, ?8, ?, ?, ?, "
                "CASE ?8 WHEN '' THEN 0 ELSE EXISTS (SELECT 1 FROM " STORE_GROUPS_WAITING(
                    "?1", "?8") ") END)",
                "iiiiiissssb", (int64_t)m->queue, (int64_t)m->state, (int64_t)m->due_ms,
                (int64_t)m->sent_ms, (int64_t)m->first_ms, (int64_t)m->attempts, m->uuid, m->group,
                m->attributes, m->error, m->body);
    if (r < 0) {
        return r;
    }
    *ret_id = (uint64_t)sql_last_id(db);
    r = m->is_kept ? add_kept(db, m) : 0;
    if (r < 0) {
        return r;
    }
    return dedup.len > 0 ? insert_dedup(db, m, dedup, since_ms, *ret_id) : 0;
}

uint64_t store_messages_next(struct sql *db)
{
    return 1 + (uint64_t)sql_number(db, 0,
                                    "SELECT seq FROM sqlite_sequence WHERE name = 'messages'", "");
}

int store_messages_settle(struct sql *db, const struct message_outcome *o)
{
    static const int states[] = {
        [FATE_DONE] = MESSAGE_DONE, [FATE_AGAIN] = MESSAGE_WAITING, [FATE_DEAD] = MESSAGE_DEAD
    };
    int r = o->fate == FATE_AGAIN ? 0 : store_groups_leave(db, o->id);
    if (r < 0) {
        return r;
    }
    r = o->fate == FATE_GONE
            ? sql_run(db, "DELETE FROM messages WHERE id = ? AND state = 0", "i", (int64_t)o->id)
            : sql_run(db,
                      "UPDATE messages SET state = ?, due_ms = ?, first_ms = ?, attempts = ?, "
                      "error = ? WHERE id = ? AND state = 0",
                      "iiiisi", (int64_t)states[o->fate], (int64_t)o->due_ms, (int64_t)o->first_ms,
                      (int64_t)o->attempts, o->error, (int64_t)o->id);
    return r < 0 ? r : sql_changes(db) == 0;
}

/* SQLite takes a partial index only where its condition stands in the query word for word. */
#define OVER "state > 0 AND state = "

#define WAIT_AGAIN "UPDATE messages SET state = 0, attempts = 0, first_ms = 0, due_ms = ? WHERE "

int store_messages_replay(struct sql *db, uint64_t queue, const uint64_t *ids, size_t count,
                          uint64_t due_ms)
{
    int total = 0;
    for (size_t i = 0; i < count; i++) {
        int r = sql_run(db, WAIT_AGAIN "queue = ? AND state > 0 AND id = ?", "iii", (int64_t)due_ms,
                        (int64_t)queue, (int64_t)ids[i]);
        int changed = sql_changes(db);
        r = r < 0 || changed == 0 ? r : store_groups_return(db, ids[i]);
        if (r < 0) {
            return r;
        }
        total += changed;
    }
    return total;
}

int store_messages_replay_dead(struct sql *db, uint64_t queue, uint64_t due_ms, uint32_t limit,
                               uint64_t *in_out_after)
{
    const int64_t after = (int64_t)*in_out_after;
    int64_t last =
        sql_number(db, 0,
                   "SELECT max(id) FROM (SELECT id FROM messages INDEXED BY messages_over "
                   "WHERE queue = ? AND " OVER "2 AND id > ? ORDER BY id LIMIT ?)",
                   "iii", (int64_t)queue, after, (int64_t)limit);
    if (last == 0) {
        return 0;
    }
    int r = sql_run(db, WAIT_AGAIN "queue = ? AND " OVER "2 AND id > ? AND id <= ?", "iiii",
                    (int64_t)due_ms, (int64_t)queue, after, last);
    int total = sql_changes(db);
    r = r < 0 ? r : store_groups_return_many(db, queue);
    if (r < 0) {
        return r;
    }
    *in_out_after = (uint64_t)last;
    return total;
}

static int purge(struct sql *db, const char *text, uint64_t queue, uint64_t before_ms,
                 uint32_t limit)
{
    int r = sql_run(db, text, "iii", (int64_t)queue, (int64_t)before_ms, (int64_t)limit);
    return r < 0 ? r : sql_changes(db);
}

#define PURGE(rows) "DELETE FROM messages WHERE id IN (SELECT id FROM " rows ")"

#define WAITING                                                                                    \
    "messages INDEXED BY messages_waiting WHERE queue = ?1 AND state = 0 AND sent_ms < ?2 "        \
    "ORDER BY due_ms, id LIMIT ?3"

static int purge_waiting(struct sql *db, uint64_t queue, uint64_t before_ms, uint32_t limit)
{
    /* Nothing is read for a queue without kept messages: it has no row. */
    int r = sql_run(db,
                    "UPDATE kept SET (count, bytes) = (SELECT kept.count - count(*), "
                    "kept.bytes - ifnull(sum(length(body)), 0) FROM (SELECT body FROM " WAITING
                    ")) WHERE queue = ?1",
                    "iii", (int64_t)queue, (int64_t)before_ms, (int64_t)limit);
    r = r < 0 ? r : purge(db, STORE_GROUPS_LEAVE_MANY(WAITING), queue, before_ms, limit);
    return r < 0 ? r : purge(db, PURGE(WAITING), queue, before_ms, limit);
}

static int purge_all(struct sql *db, uint64_t queue, uint64_t before_ms, uint32_t limit)
{
    int waiting = purge_waiting(db, queue, before_ms, limit);
    if (waiting < 0 || (uint32_t)waiting == limit) {
        return waiting;
    }
    int over = purge(db,
                     PURGE("messages INDEXED BY messages_over WHERE queue = ? AND state > 0 "
                           "AND sent_ms < ? LIMIT ?"),
                     queue, before_ms, limit - (uint32_t)waiting);
    return over < 0 ? over : waiting + over;
}

/* Looks at the oldest only: they are over in about the order in which they came, and a history of
 * which nothing is to go is not read from end to end. */
#define PURGE_OVER(state)                                                                          \
    PURGE("(SELECT id, due_ms FROM messages INDEXED BY messages_over WHERE queue = ?1 AND " OVER   \
              state " ORDER BY id LIMIT ?3) WHERE due_ms < ?2")

int store_messages_purge(struct sql *db, uint64_t queue, int state, uint64_t before_ms,
                         uint32_t limit)
{
    switch (state) {
    case MESSAGE_WAITING:
        return purge_waiting(db, queue, before_ms, limit);
    case MESSAGE_DONE:
        return purge(db, PURGE_OVER("1"), queue, before_ms, limit);
    case MESSAGE_DEAD:
        return purge(db, PURGE_OVER("2"), queue, before_ms, limit);
    default:
        return purge_all(db, queue, before_ms, limit);
    }
}

#define DUE_BEFORE                                                                                 \
    "messages INDEXED BY messages_waiting WHERE state = 0 AND queue = ? AND due_ms < ? "           \
    "ORDER BY due_ms, id LIMIT ?"

int store_messages_expire(struct sql *db, uint64_t queue, uint64_t before_ms, uint32_t limit)
{
    int r = purge(db, STORE_GROUPS_LEAVE_MANY(DUE_BEFORE), queue, before_ms, limit);
    return r < 0 ? r : purge(db, PURGE(DUE_BEFORE), queue, before_ms, limit);
}

int store_messages_forget_dedup(struct sql *db, uint64_t now_ms, uint32_t limit)
{
    int r = sql_run(db,
                    "DELETE FROM dedup WHERE (queue, key) IN "
                    "(SELECT queue, key FROM dedup WHERE keep_ms = 0 AND sent_ms < ? LIMIT ?)",
                    "ii", (int64_t)(now_ms - KEEP_DEDUP_MS), (int64_t)limit);
    int day = sql_changes(db);
    r = r < 0 ? r
              : sql_run(db,
                        "DELETE FROM dedup WHERE (queue, key) IN (SELECT queue, key FROM dedup "
                        "WHERE keep_ms > 0 AND sent_ms + keep_ms < ? LIMIT ?)",
                        "ii", (int64_t)now_ms, (int64_t)limit);
    return r < 0 ? r : day + sql_changes(db);
}

uint64_t store_messages_next_history(struct sql *db, uint64_t after)
{
    return (uint64_t)sql_number(db, 0,
                                "SELECT queue FROM messages INDEXED BY messages_over "
                                "WHERE state > 0 AND queue > ? ORDER BY queue LIMIT 1",
                                "i", (int64_t)after);
}

int store_messages_drop_queue(struct sql *db, struct str name)
{
    return sql_run(db, "UPDATE queues SET name = NULL WHERE name = ?", "s", name);
}

static int purge_dedup(struct sql *db, uint64_t queue, uint32_t limit)
{
    int r = sql_run(db,
                    "DELETE FROM dedup WHERE queue = ?1 AND key IN "
                    "(SELECT key FROM dedup WHERE queue = ?1 LIMIT ?2)",
                    "ii", (int64_t)queue, (int64_t)limit);
    return r < 0 ? r : sql_changes(db);
}

int store_messages_sweep(struct sql *db, uint32_t limit)
{
    int64_t queue = sql_number(db, 0, "SELECT id FROM queues WHERE name IS NULL LIMIT 1", "");
    if (queue == 0) {
        return 0;
    }
    int messages = purge_all(db, (uint64_t)queue, INT64_MAX, limit);
    if (messages < 0 || (uint32_t)messages == limit) {
        return messages < 0 ? messages : 1;
    }
    uint32_t left = limit - (uint32_t)messages;
    int keys = purge_dedup(db, (uint64_t)queue, left);
    if (keys < 0 || (uint32_t)keys == left) {
        return keys < 0 ? keys : 1;
    }
    int r = sql_run(db, "DELETE FROM kept WHERE queue = ?", "i", queue);
    r = r < 0 ? r : sql_run(db, "DELETE FROM queues WHERE id = ?", "i", queue);
    return r < 0 ? r : 1;
}

/* ---- on the loop's thread ---- */

static struct stored_message read_row(sqlite3_stmt *row)
{
    return (struct stored_message){ .id = (uint64_t)sql_int(row, 0),
                                    .queue = (uint64_t)sql_int(row, 1),
                                    .state = (enum message_state)sql_int(row, 2),
                                    .due_ms = (uint64_t)sql_int(row, 3),
                                    .sent_ms = (uint64_t)sql_int(row, 4),
                                    .first_ms = (uint64_t)sql_int(row, 5),
                                    .attempts = (uint32_t)sql_int(row, 6),
                                    .uuid = sql_str(row, 7),
                                    .group = sql_str(row, 8),
                                    .attributes = sql_str(row, 9),
                                    .error = sql_str(row, 10),
                                    .body = sql_str(row, 11) };
}

static void walk(struct sql *db, sqlite3_stmt *rows, store_message_fn each, void *context)
{
    while (sql_step(db, rows) == 1) {
        const struct stored_message m = read_row(rows);
        if (!each(&m, context)) {
            sql_reset(rows);
            return;
        }
    }
}

void store_messages_due(struct store *s, uint64_t queue, const struct message_place *after,
                        uint64_t now_ms, store_message_fn each, void *context)
{
    struct sql *db = store_reader(s);
    walk(db,
         sql_prepare(db,
                     "SELECT " COLUMNS " FROM messages INDEXED BY messages_waiting "
                     "WHERE state = 0 AND queue = ? AND (due_ms, id) > (?, ?) AND due_ms <= ? "
                     "ORDER BY due_ms, id",
                     "iiii", (int64_t)queue, (int64_t)after->due_ms, (int64_t)after->id,
                     (int64_t)now_ms),
         each, context);
}

void store_messages_ordered(struct store *s, uint64_t queue, store_message_fn each, void *context)
{
    struct sql *db = store_reader(s);
    walk(db,
         sql_prepare(db,
                     "SELECT " COLUMNS " FROM messages INDEXED BY messages_ordered "
                     "WHERE state = 0 AND fifo <> '' AND queue = ? ORDER BY id",
                     "i", (int64_t)queue),
         each, context);
}

/* The first messages of their groups. */
#define FIRST "messages INDEXED BY messages_first WHERE state = 0 AND fifo <> '' AND behind = 0"

void store_messages_first(struct store *s, uint64_t queue, uint64_t now_ms, store_message_fn each,
                          void *context)
{
    struct sql *db = store_reader(s);
    walk(db,
         sql_prepare(db,
                     "SELECT " COLUMNS " FROM " FIRST " AND queue = ? AND due_ms <= ? "
                     "ORDER BY due_ms, id",
                     "ii", (int64_t)queue, (int64_t)now_ms),
         each, context);
}

void store_messages_group(struct store *s, uint64_t queue, struct str group, store_message_fn each,
                          void *context)
{
    struct sql *db = store_reader(s);
    walk(db,
         sql_prepare(db,
                     "SELECT " COLUMNS " FROM messages INDEXED BY messages_groups "
                     "WHERE state = 0 AND fifo <> '' AND queue = ? AND fifo = ? ORDER BY id",
                     "is", (int64_t)queue, group),
         each, context);
}

static uint64_t next_due(struct store *s, const char *text, uint64_t queue, uint64_t after_ms)
{
    struct sql *db = store_reader(s);
    int64_t due = sql_number(db, -1, text, "ii", (int64_t)queue, (int64_t)after_ms);
    if (due < 0 && sql_failure(db) < 0) {
        return after_ms + READ_AGAIN_MS;
    }
    return due < 0 ? UINT64_MAX : (uint64_t)due;
}

uint64_t store_messages_next_due(struct store *s, uint64_t queue, uint64_t after_ms)
{
    return next_due(s,
                    "SELECT due_ms FROM messages INDEXED BY messages_waiting "
                    "WHERE state = 0 AND queue = ? AND due_ms > ? ORDER BY due_ms LIMIT 1",
                    queue, after_ms);
}

uint64_t store_messages_next_first(struct store *s, uint64_t queue, uint64_t after_ms)
{
    return next_due(s,
                    "SELECT due_ms FROM " FIRST " AND queue = ? AND due_ms > ? ORDER BY due_ms "
                    "LIMIT 1",
                    queue, after_ms);
}

void store_messages_count(struct store *s, uint64_t queue, uint64_t since_ms, uint64_t now_ms,
                          struct message_counts *ret)
{
    struct sql *db = store_reader(s);
    int64_t q = (int64_t)queue;
#define COUNT(index, where, format, ...)                                                           \
    (uint64_t) sql_number(db, 0,                                                                   \
                          "SELECT count(*) FROM messages INDEXED BY messages_" index               \
                          " WHERE queue = ? AND " where,                                           \
                          "i" format, __VA_ARGS__)
    const int64_t now = (int64_t)now_ms;
    ret->waiting = COUNT("waiting", "state = 0 AND due_ms >= ?", "i", q, (int64_t)since_ms);
    ret->delayed = COUNT("waiting", "state = 0 AND due_ms > ? AND attempts = 0", "i", q, now);
    ret->hidden = COUNT("waiting", "state = 0 AND due_ms > ? AND attempts > 0", "i", q, now);
    ret->done = COUNT("over", OVER "1", "", q);
    ret->dead = COUNT("over", OVER "2", "", q);
#undef COUNT
    ret->oldest_ms = (uint64_t)sql_number(
        db, 0,
        "SELECT sent_ms FROM messages INDEXED BY messages_waiting WHERE state = 0 AND queue = ? "
        "ORDER BY due_ms, id LIMIT 1",
        "i", q);
}

bool store_messages_tally(struct store *s, uint64_t queue, uint64_t now_ms, uint32_t rows,
                          struct message_place *place, struct message_counts *counts)
{
    struct sql *db = store_reader(s);
    /* The index alone is read, but for those that are not due. */
    sqlite3_stmt *row = sql_prepare(
        db,
        "SELECT due_ms, id, CASE WHEN due_ms > ?4 THEN attempts ELSE -1 END FROM messages INDEXED "
        "BY messages_waiting WHERE state = 0 AND queue = ?1 AND (due_ms, id) > (?2, ?3) "
        "ORDER BY due_ms, id LIMIT ?5",
        "iiiii", (int64_t)queue, (int64_t)place->due_ms, (int64_t)place->id, (int64_t)now_ms,
        (int64_t)rows);
    uint32_t looked = 0;
    while (sql_step(db, row) == 1) {
        int64_t attempts = sql_int(row, 2);
        looked++;
        counts->waiting++;
        counts->delayed += attempts == 0;
        counts->hidden += attempts > 0;
        *place = (struct message_place){ (uint64_t)sql_int(row, 0), (uint64_t)sql_int(row, 1) };
    }
    return looked == rows;
}

void store_messages_backlog(struct store *s, uint64_t queue, struct store_backlog *ret)
{
    struct sql *db = store_reader(s);
    sqlite3_stmt *row =
        sql_prepare(db,
                    "SELECT count(*), total(length(body)), min(sent_ms) FROM messages INDEXED BY "
                    "messages_waiting WHERE state = 0 AND queue = ?",
                    "i", (int64_t)queue);
    *ret = (struct store_backlog){ 0 };
    if (sql_step(db, row) == 1) {
        *ret = (struct store_backlog){ .count = (uint64_t)sql_int(row, 0),
                                       .bytes = (uint64_t)sql_int(row, 1),
                                       .oldest_ms = (uint64_t)sql_int(row, 2) };
    }
    sql_reset(row);
}

void store_messages_kept(struct store *s, uint64_t queue, struct store_backlog *ret)
{
    struct sql *db = store_reader(s);
    sqlite3_stmt *row =
        sql_prepare(db, "SELECT count, bytes FROM kept WHERE queue = ?", "i", (int64_t)queue);
    *ret = (struct store_backlog){ 0 };
    if (sql_step(db, row) == 1) {
        *ret = (struct store_backlog){ .count = (uint64_t)sql_int(row, 0),
                                       .bytes = (uint64_t)sql_int(row, 1) };
    }
    sql_reset(row);
}

/* ?1: the queue; ?2: the waiting too; ?3, ?4: states of the others. */
#define IDS_OF_QUEUE                                                                               \
    "SELECT id FROM messages INDEXED BY messages_waiting WHERE state = 0 AND queue = ?1 AND ?2 "   \
    "UNION ALL SELECT id FROM messages INDEXED BY messages_over "                                  \
    "WHERE state > 0 AND queue = ?1 AND state IN (?3, ?4)"

/* All that pass, if the queue has at most so many of the state; else nothing is done. */
static bool list_short(struct store *s, const struct message_filter *f, int64_t before,
                       uint32_t rows, store_message_fn each, void *context)
{
    struct sql *db = store_reader(s);
    int64_t queue = (int64_t)f->queue;
    int64_t waiting = f->state < 0 || f->state == MESSAGE_WAITING;
    int64_t one = f->state < 0 ? MESSAGE_DONE : f->state;
    int64_t other = f->state < 0 ? MESSAGE_DEAD : f->state;
    int64_t count = sql_number(db, INT64_MAX, "SELECT count(*) FROM (" IDS_OF_QUEUE " LIMIT ?5)",
                               "iiiii", queue, waiting, one, other, (int64_t)rows + 1);
    if (count > rows) {
        return false;
    }
    walk(db,
         sql_prepare(db,
                     "SELECT " COLUMNS " FROM messages WHERE id IN (" IDS_OF_QUEUE ") AND id < ?5 "
                     "AND sent_ms >= ?6 AND " IN_A_QUEUE " ORDER BY id DESC",
                     "iiiiii", queue, waiting, one, other, before, (int64_t)f->since_ms),
         each, context);
    return true;
}

static bool passes(sqlite3_stmt *row, const struct message_filter *f)
{
    return (f->queue == 0 || (uint64_t)sql_int(row, 1) == f->queue) &&
           (f->state < 0 || sql_int(row, 2) == f->state) &&
           (uint64_t)sql_int(row, 4) >= f->since_ms && sql_int(row, 12) != 0;
}

bool store_messages_list(struct store *s, struct message_filter *f, uint32_t rows,
                         store_message_fn each, void *context)
{
    struct sql *db = store_reader(s);
    int64_t before = f->before_id > 0 ? (int64_t)f->before_id : INT64_MAX;
    if (f->queue != 0 && list_short(s, f, before, rows, each, context)) {
        return false;
    }
    sqlite3_stmt *row = sql_prepare(db,
                                    "SELECT " COLUMNS ", " IN_A_QUEUE
                                    " FROM messages WHERE id < ? ORDER BY id DESC LIMIT ?",
                                    "ii", before, (int64_t)rows);
    uint32_t looked = 0;
    bool wants_more = true;
    while (wants_more && sql_step(db, row) == 1) {
        looked++;
        f->before_id = (uint64_t)sql_int(row, 0);
        if (passes(row, f)) {
            const struct stored_message m = read_row(row);
            wants_more = each(&m, context);
        }
    }
    sql_reset(row);
    return wants_more && looked == rows;
}

bool store_messages_find(struct store *s, uint64_t id, store_message_fn each, void *context)
{
    struct sql *db = store_reader(s);
    sqlite3_stmt *row = sql_prepare(
        db, "SELECT " COLUMNS " FROM messages WHERE id = ? AND " IN_A_QUEUE, "i", (int64_t)id);
    if (sql_step(db, row) != 1) {
        return false;
    }
    const struct stored_message m = read_row(row);
    (void)each(&m, context); /* there is no more to walk */
    sql_reset(row);
    return true;
}

void store_messages_original(struct store *s, uint64_t queue, struct str dedup, char *ret,
                             size_t size)
{
    sqlite3_stmt *row =
        sql_prepare(store_reader(s), "SELECT uuid FROM dedup WHERE queue = ? AND key = ?", "is",
                    (int64_t)queue, dedup);
    if (sql_step(store_reader(s), row) != 1) {
        return;
    }
    struct str uuid = sql_str(row, 0);
    if (uuid.len > 0 && uuid.len < size) {
        memcpy(ret, uuid.data, uuid.len);
        ret[uuid.len] = '\0';
    }
    sql_reset(row);
}

uint64_t store_messages_queue_find(struct store *s, struct str name)
{
    return (uint64_t)sql_number(store_reader(s), 0, "SELECT id FROM queues WHERE name = ?", "s",
                                name);
}

void store_messages_queues(struct store *s,
                           void (*each)(uint64_t queue, struct str name, void *context),
                           void *context)
{
    struct sql *db = store_reader(s);
    sqlite3_stmt *rows =
        sql_prepare(db, "SELECT id, name FROM queues WHERE name IS NOT NULL ORDER BY id", "");
    while (sql_step(db, rows) == 1) {
        each((uint64_t)sql_int(rows, 0), sql_str(rows, 1), context);
    }
}
