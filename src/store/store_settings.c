/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_settings.h"

#include "store/sql.h"

#define STATE_BYTES 3 /* so much longer is the name of another state */

int store_settings_put(struct sql *db, struct str kind, struct str name, struct str value)
{
    return sql_run(db,
                   "INSERT INTO settings (kind, name, value) VALUES (?, ?, ?) "
                   "ON CONFLICT (kind, name) DO UPDATE SET value = excluded.value",
                   "sss", kind, name, value);
}

int store_settings_remove(struct sql *db, struct str kind, struct str name)
{
    int r = sql_run(db, "DELETE FROM settings WHERE kind = ? AND name = ?", "ss", kind, name);
    return r < 0 ? r : sql_changes(db) == 0;
}

bool store_settings_grows(struct store *s, struct str kind, struct str name, struct str value)
{
    int64_t now = sql_number(store_reader(s), -1,
                             "SELECT length(CAST(value AS BLOB)) FROM settings WHERE kind = ? AND "
                             "name = ?",
                             "ss", kind, name);
    return now < 0 || value.len > (size_t)now + STATE_BYTES;
}

void store_settings_each(struct store *s, struct str kind, store_setting_fn each, void *context)
{
    struct sql *db = store_reader(s);
    sqlite3_stmt *rows =
        sql_prepare(db, "SELECT name, value FROM settings WHERE kind = ? ORDER BY name", "s", kind);
    while (sql_step(db, rows) == 1) {
        each(sql_str(rows, 0), sql_str(rows, 1), context);
    }
}
