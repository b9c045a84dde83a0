/* Writes of SQLite's write-ahead log, gathered. SQLite writes each frame of it in two pieces, a
 * head of 24 bytes and a page, so that a commit is a dozen or more system calls. Here what follows
 * one another in the file is kept and written at once, at the latest before the log is synced or
 * read on this connection.
 *
 * Other connections read what a commit wrote once it is in the log's index, and that is after the
 * sync: so every connection that writes needs PRAGMA synchronous=FULL.
 *
 * After a sync of it that failed nothing more is written to a log on that connection.
 *
 * On any thread; a connection's log on the thread that uses the connection.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The name of SQLite's file layer that does so, for sqlite3_open_v2(). Databases and all other
 * files are those of SQLite's layer "unix-excl": a database is this process's alone as long as it
 * is open. */
const char *sql_wal_layer(void);
