/* A project with Lambda functions for tests of the AWS port, and clients of its services. */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { CreateScheduleCommand, SchedulerClient } from '@aws-sdk/client-scheduler';
import { SQSClient } from '@aws-sdk/client-sqs';
import { eventually, runMayfly } from './harness.js';

/** A Lambda function in Terraform, its handler in NAME.js. */
export const lambda = (name) => `
resource "aws_lambda_function" "${name}" {
  function_name = "${name}"
  handler       = "${name}.handler"
  runtime       = "nodejs22.x"
  filename      = "${name}.zip"
  timeout       = 60
}
`;

/** Says on its log what it got, as JSON behind "got ". Throws if the event has `fail`. */
export const TELLS = `
exports.handler = async (event) => {
  console.log('got ' + JSON.stringify(event));
  if (event.fail) {
    throw new TypeError(event.fail);
  }
  return 'fine';
};
`;

/** Where the AWS port is, as a function of the project knows it. */
export const WHERE = `
export const GET = () => Response.json({ endpoint: process.env.AWS_ENDPOINT_URL, region: process.env.AWS_REGION });
`;
const CREDENTIALS = { accessKeyId: 'mayfly', secretAccessKey: 'mayfly-dev-only' };

/** Clients for a platform whose project has WHERE in api/where.js; `more`: options of their own. */
export async function clients(t, platform, more = {}) {
  const { json } = await platform.get('/api/where');
  const options = { ...json, credentials: CREDENTIALS, maxAttempts: 10, ...more };
  const made = {
    events: new EventBridgeClient(options), scheduler: new SchedulerClient(options),
    sqs: new SQSClient(options), lambda: new LambdaClient(options),
  };
  t.after(() => Object.values(made).forEach((client) => client.destroy()));
  return made;
}

/** Makes a schedule for one moment; `clock` tells the time as the schedule does. */
export async function scheduleSoon(scheduler, schedule, clock = (ms) => new Date(ms).toISOString().slice(0, 19)) {
  const at = Math.ceil((Date.now() + 3000) / 1000) * 1000;
  await scheduler.send(new CreateScheduleCommand({ ...schedule, ScheduleExpression: `at(${clock(at)})` }));
}

/** What a function that TELLS got, in order, from record number `from` on. */
export function got(platform, from = 0) {
  return platform.records
    .slice(from)
    .filter((record) => record.type === 'log' && record.text.startsWith('got '))
    .map((record) => JSON.parse(record.text.slice(4)));
}

/** Waits until it got so many. */
export async function gotten(platform, count, from = 0) {
  await eventually(() => got(platform, from).length >= count, () => `not ${count} events:\n${platform.transcript()}`);
  return got(platform, from);
}

const databaseOf = (platform) => path.join(platform.project, '.mayfly/mayfly.db');

/** Changes the database behind the platform's back. Control has it for itself, so control dies first, and nobody starts another meanwhile. */
export async function changeDatabase(platform, change) {
  const supervisor = await platform.process('mayfly: supervisor');
  const control = await platform.process('mayfly: control');
  process.kill(supervisor.pid, 'SIGSTOP');
  try {
    process.kill(control.pid, 'SIGKILL');
    await eventually(() => !platform.processes().some(({ pid }) => pid === control.pid), 'control does not end');
    const database = new DatabaseSync(databaseOf(platform), { timeout: 60_000 });
    change(database);
    database.close();
  } finally {
    process.kill(supervisor.pid, 'SIGCONT');
  }
  const isThere = async () => (await runMayfly(['events', '--project', platform.project])).status === 0;
  await eventually(isThere, () => `control is not started again\n${platform.transcript()}`);
}

/** Looks at a copy of the database as it is now. Which may be torn: then ask again. */
export function lookAtDatabase(platform, look) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'mayfly-e2e-copy-'));
  try {
    const copy = path.join(folder, 'mayfly.db');
    copyFileSync(databaseOf(platform), copy);
    copyFileSync(`${databaseOf(platform)}-wal`, `${copy}-wal`);
    const database = new DatabaseSync(copy);
    const seen = look(database);
    database.close();
    return seen;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Puts so many messages into queues, faster than by their API. */
export function fillQueues(platform, names, count) {
  return changeDatabase(platform, (database) => {
    for (const name of names) {
      database.prepare(`
        INSERT INTO messages (queue, state, due_ms, sent_ms, first_ms, attempts, uuid, fifo, attributes, error, body)
        WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :count)
        SELECT queues.id, 0, :now, :now, 0, 0, 'u' || n, '', '{}', '', CAST('old' AS BLOB)
        FROM numbers, queues WHERE name = :name`).run({ count, now: Date.now(), name: `sqs:${name}` });
    }
  });
}
