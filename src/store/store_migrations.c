/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_migrations.h"

#include "store/store_explain.h"

/* clang-format off */
static const char *const steps[] = {
    /* 1: messages. Times are milliseconds since the epoch. Two partial indexes: what is to do, and
     * what was done, so that a long history costs the dispatcher nothing. */
    "CREATE TABLE queues ("
    "  id INTEGER PRIMARY KEY,"
    "  name TEXT NOT NULL UNIQUE"
    ") STRICT;"
    "CREATE TABLE messages ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  queue INTEGER NOT NULL,"
    "  state INTEGER NOT NULL,"
    "  due_ms INTEGER NOT NULL,"
    "  sent_ms INTEGER NOT NULL,"
    "  first_ms INTEGER NOT NULL,"
    "  attempts INTEGER NOT NULL,"
    "  uuid TEXT NOT NULL,"
    "  fifo TEXT NOT NULL,"
    "  attributes TEXT NOT NULL,"
    "  error TEXT NOT NULL,"
    "  body BLOB NOT NULL"
    ") STRICT;"
    "CREATE INDEX messages_waiting ON messages (queue, due_ms, id) WHERE state = 0;"
    "CREATE INDEX messages_ordered ON messages (queue, id) WHERE state = 0 AND fifo <> '';"
    "CREATE INDEX messages_over ON messages (queue, state, id) WHERE state > 0;"
    "CREATE TABLE dedup ("
    "  queue INTEGER NOT NULL,"
    "  key TEXT NOT NULL,"
    "  message INTEGER NOT NULL,"
    "  sent_ms INTEGER NOT NULL,"
    "  PRIMARY KEY (queue, key)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX dedup_sent ON dedup (sent_ms);"
    "CREATE TABLE settings ("
    "  kind TEXT NOT NULL,"
    "  name TEXT NOT NULL,"
    "  value TEXT NOT NULL,"
    "  PRIMARY KEY (kind, name)"
    ") STRICT, WITHOUT ROWID;",
    /* 2: answers that are given again. */
    "CREATE TABLE answers ("
    "  route TEXT NOT NULL,"
    "  key TEXT NOT NULL,"
    "  until_ms INTEGER NOT NULL,"
    "  status INTEGER NOT NULL,"
    "  headers BLOB NOT NULL,"
    "  body BLOB NOT NULL,"
    "  PRIMARY KEY (route, key)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX answers_until ON answers (until_ms);",
    /* 3: buckets and objects (store_objects.h). */
    "CREATE TABLE buckets ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  name TEXT NOT NULL UNIQUE,"
    "  owner TEXT NOT NULL,"
    "  region TEXT NOT NULL,"
    "  created_ms INTEGER NOT NULL,"
    "  versioning INTEGER NOT NULL,"
    "  locks INTEGER NOT NULL"
    ") STRICT;"
    "CREATE TABLE bucket_settings ("
    "  bucket INTEGER NOT NULL,"
    "  kind TEXT NOT NULL,"
    "  value BLOB NOT NULL,"
    "  PRIMARY KEY (bucket, kind)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE contents ("
    "  id INTEGER PRIMARY KEY,"
    "  refs INTEGER NOT NULL,"
    "  data BLOB NOT NULL"
    ") STRICT;"
    "CREATE TABLE files ("
    "  hash BLOB PRIMARY KEY,"
    "  refs INTEGER NOT NULL,"
    "  size INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX files_unused ON files (hash) WHERE refs = 0;"
    "CREATE TABLE objects ("
    "  bucket INTEGER NOT NULL,"
    "  key BLOB NOT NULL,"
    "  rank INTEGER NOT NULL,"
    "  salt INTEGER NOT NULL,"
    "  flags INTEGER NOT NULL,"
    "  size INTEGER NOT NULL,"
    "  modified_ms INTEGER NOT NULL,"
    "  etag TEXT NOT NULL,"
    "  headers BLOB NOT NULL,"
    "  tags BLOB NOT NULL,"
    "  owner TEXT NOT NULL,"
    "  acl TEXT NOT NULL,"
    "  checksum BLOB NOT NULL,"
    "  crypt BLOB NOT NULL,"
    "  lock_mode INTEGER NOT NULL,"
    "  lock_until_ms INTEGER NOT NULL,"
    "  legal_hold INTEGER NOT NULL,"
    "  row INTEGER NOT NULL,"
    "  hash BLOB NOT NULL,"
    "  parts BLOB NOT NULL,"
    "  upload BLOB NOT NULL,"
    "  PRIMARY KEY (bucket, key, rank)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE uploads ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  salt INTEGER NOT NULL,"
    "  started_ms INTEGER NOT NULL,"
    "  initiator TEXT NOT NULL,"
    "  bucket INTEGER NOT NULL,"
    "  key BLOB NOT NULL,"
    "  headers BLOB NOT NULL,"
    "  tags BLOB NOT NULL,"
    "  owner TEXT NOT NULL,"
    "  acl TEXT NOT NULL,"
    "  checksum BLOB NOT NULL,"
    "  crypt BLOB NOT NULL,"
    "  lock_mode INTEGER NOT NULL,"
    "  lock_until_ms INTEGER NOT NULL,"
    "  legal_hold INTEGER NOT NULL"
    ") STRICT;"
    "CREATE INDEX uploads_key ON uploads (bucket, key, id);"
    "CREATE TABLE parts ("
    "  upload INTEGER NOT NULL,"
    "  number INTEGER NOT NULL,"
    "  size INTEGER NOT NULL,"
    "  modified_ms INTEGER NOT NULL,"
    "  etag TEXT NOT NULL,"
    "  hash BLOB NOT NULL,"
    "  checksum BLOB NOT NULL,"
    "  PRIMARY KEY (upload, number)"
    ") STRICT, WITHOUT ROWID;",
    /* 4: a queue without a name was dropped: nobody finds its messages, which are removed little by
     * little. Numbers are not used again, so that nothing late gets into another queue. */
    "CREATE TABLE named_queues ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  name TEXT UNIQUE"
    ") STRICT;"
    "INSERT INTO named_queues SELECT id, name FROM queues;"
    "DROP TABLE queues;"
    "ALTER TABLE named_queues RENAME TO queues;",
    /* 5: how many messages of an archive there are and how long their bodies, as it changes. */
    "CREATE TABLE kept ("
    "  queue INTEGER PRIMARY KEY,"
    "  count INTEGER NOT NULL,"
    "  bytes INTEGER NOT NULL"
    ") STRICT;"
    "INSERT INTO kept SELECT queue, count(*), sum(length(body)) FROM messages WHERE state = 0 AND "
    "  queue IN (SELECT id FROM queues WHERE name GLOB 'archive:*') GROUP BY queue;",
    /* 6: whether the key had an object when the upload began. */
    "ALTER TABLE uploads ADD COLUMN had_object INTEGER NOT NULL DEFAULT 0;",
    /* 7: which waiting messages have one of their group before them. So a look at a FIFO queue costs
     * nothing for what waits behind a group's first. No triggers: they cost all messages. */
    "ALTER TABLE messages ADD COLUMN behind INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX messages_groups ON messages (queue, fifo, id) WHERE state = 0 AND fifo <> '';"
    "UPDATE messages SET behind = 1 WHERE state = 0 AND fifo <> '' AND id > (SELECT min(m.id) "
    "  FROM messages m WHERE m.state = 0 AND m.fifo <> '' AND m.queue = messages.queue "
    "  AND m.fifo = messages.fifo);"
    "CREATE INDEX messages_first ON messages (queue, due_ms, id) "
    "  WHERE state = 0 AND fifo <> '' AND behind = 0;",
    /* 8: keys that are looked for longer than a day. A key is in one of the indexes. */
    "ALTER TABLE dedup ADD COLUMN keep_ms INTEGER NOT NULL DEFAULT 0;"
    "DROP INDEX dedup_sent;"
    "CREATE INDEX dedup_sent ON dedup (sent_ms) WHERE keep_ms = 0;"
    "CREATE INDEX dedup_kept ON dedup (sent_ms + keep_ms) WHERE keep_ms > 0;",
    /* 9: what the sender of a key's message was told, when the message is gone, too. */
    "ALTER TABLE dedup ADD COLUMN uuid TEXT NOT NULL DEFAULT '';"
    "UPDATE dedup SET uuid = ifnull((SELECT m.uuid FROM messages m WHERE m.id = dedup.message), '');",
};
/* clang-format on */

static int run_step(struct sql *db, size_t number, char **ret_why)
{
    char version[64];
    (void)snprintf(version, sizeof(version), "PRAGMA user_version=%zu;", number);
    int r = sql_script(db, steps[number - 1], ret_why);
    return r < 0 ? r : sql_script(db, version, ret_why);
}

/* All or none, so that a database that cannot be brought up can still be used as it was. */
static int run_steps_after(struct sql *db, size_t at, struct err *err)
{
    char *why = NULL;
    int r = sql_script(db, "BEGIN IMMEDIATE;", &why);
    for (size_t number = at + 1; r == 0 && number <= ARRAY_COUNT(steps); number++) {
        r = run_step(db, number, &why);
    }
    r = r == 0 ? sql_script(db, "COMMIT;", &why) : r;
    if (r < 0) {
        (void)(r == -ENOSPC ? store_explain("the database", ENOSPC, err)
                            : err_set(err, -r, "bring the database up from step %zu: %.120s", at,
                                      why ? why : ""));
        (void)!sql_script(db, "ROLLBACK;", NULL); /* the first error is the one to tell */
    }
    sqlite3_free(why);
    return r;
}

int store_migrate(struct sql *db, struct err *err)
{
    int64_t at = sql_number(db, 0, "PRAGMA user_version", "");
    if (sql_failure(db) < 0) {
        return store_explain("the database", -sql_failure(db), err);
    }
    if (at < 0 || (size_t)at > ARRAY_COUNT(steps)) {
        return err_set(err, ENOTSUP,
                       "the database was written by a later Mayfly (step %lld, this one knows "
                       "%zu): use that one, or another --data folder",
                       (long long)at, ARRAY_COUNT(steps));
    }
    return (size_t)at == ARRAY_COUNT(steps) ? 0 : run_steps_after(db, (size_t)at, err);
}
