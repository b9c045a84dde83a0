/* The shop's database: SQLite in a file, or PostgreSQL where DATABASE_URL says so.
 *
 * It is opened by the first request that needs it, not when the module is imported: an open connection cannot be
 * shared by forked instances, so a function that connects at import would give up its snapshot. */
import { accessSync, constants } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Pool } from 'pg';

type Value = string | number | null;

export interface Database {
  /** Values are `$1`, `$2`... in the text, for both databases. */
  query<Row>(sql: string, values?: Value[]): Promise<Row[]>;
}

/** Money is in cents and times are ISO 8601, so that both databases answer alike. */
const SCHEMA = `
  create table if not exists orders (
    id text primary key,
    email text not null,
    items text not null,
    total integer not null,
    status text not null,
    created_at text not null,
    paid_at text
  );
  create table if not exists users (
    id text primary key,
    email text not null unique,
    name text not null,
    password text not null,
    created_at text not null
  );`;

let opening: Promise<Database> | undefined;

export function db(): Promise<Database> {
  opening ??= open().catch((error) => {
    opening = undefined; // the next request tries again
    throw error;
  });
  return opening;
}

async function open(): Promise<Database> {
  const url = process.env.DATABASE_URL;
  return url ? openPostgres(url) : openSqlite();
}

async function openPostgres(connectionString: string): Promise<Database> {
  const pool = new Pool({ connectionString, max: 4 });
  pool.on('error', (error) => console.warn('lost a connection to the database', error));
  // Of several instances that start at once, one makes the tables.
  await pool.query(`select pg_advisory_xact_lock(7); ${SCHEMA}`);
  return {
    async query(sql, values = []) {
      return (await pool.query(sql, values)).rows;
    },
  };
}

/**
 * The project's data/, which mayfly.json makes a volume. Where it cannot be written, as on other serverless platforms, an
 * instance has only its own /tmp, and orders live as long as it does.
 */
function folder(): string {
  try {
    accessSync('data', constants.W_OK);
    return 'data';
  } catch {
    return tmpdir();
  }
}

function openSqlite(): Database {
  const file = new DatabaseSync(path.join(folder(), 'shop.db'), { timeout: 5_000 });
  file.exec(SCHEMA);
  return {
    async query<Row>(sql: string, values: Value[] = []) {
      const named = Object.fromEntries(values.map((value, i) => [`$${i + 1}`, value]));
      return file.prepare(sql).all(named) as Row[];
    },
  };
}
