/* A database that is damaged in a place: what cannot be read is neither absent nor lost, and nothing is done again. */
import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { CreateBucketCommand, DeleteBucketCommand, GetObjectCommand, HeadObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { runMayfly, startPlatform } from './harness.js';

const PAGE = 4096; /* SQLite's */

/** Writes over the page of the database that has this text. */
function damage(data, text) {
  const file = path.join(data, 'mayfly.db');
  const database = new DatabaseSync(file);
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)'); /* all is in the file itself */
  database.close();
  const at = readFileSync(file).indexOf(text);
  assert.ok(at >= PAGE, 'it is not in the database');
  const fd = openSync(file, 'r+');
  writeSync(fd, Buffer.alloc(PAGE, 0xff), 0, PAGE, at - at % PAGE);
  closeSync(fd);
}

const files = {
  'mayfly.json': JSON.stringify({ volumes: ['ran'], routes: { '/api/once': { idempotent: '$.id' }, '/api/later': { durable: true } } }),
  'api/once.js': `
    import { appendFileSync } from 'node:fs';
    export async function POST(request) {
      appendFileSync('ran/ids', (await request.json()).id + '\\n');
      return new Response('ran');
    }`,
  'api/later.js': 'export const POST = () => new Response();',
};

/** A platform that is stopped after `prepare`, and another one with its data after `text` of them is no more. */
async function startDamaged(t, text, prepare) {
  const data = mkdtempSync(path.join(os.tmpdir(), 'mayfly-e2e-damage-'));
  t.after(() => rmSync(data, { recursive: true, force: true }));
  const first = await startPlatform(t, { files, args: ['--data', data] });
  await prepare(first, data);
  await first.stop();
  damage(data, text);
  return startPlatform(t, { files, args: ['--data', data] });
}

function connect(t, platform) {
  const client = new S3Client({ ...platform.aws, forcePathStyle: true, maxAttempts: 1 });
  t.after(() => client.destroy());
  return (Command, input) => client.send(new Command({ Bucket: 'pictures', ...input }));
}

test('objects that cannot be read are answered with a server error', async (t) => {
  const platform = await startDamaged(t, 'a-teapot.jpg', async (first) => {
    const s3 = connect(t, first);
    await s3(CreateBucketCommand, {});
    await s3(PutObjectCommand, { Key: 'a-teapot.jpg', Body: 'x' });
  });
  const s3 = connect(t, platform);
  const isFailure = (error) => error.$metadata?.httpStatusCode === 500;
  await assert.rejects(s3(GetObjectCommand, { Key: 'a-teapot.jpg' }), isFailure);
  await assert.rejects(s3(HeadObjectCommand, { Key: 'a-teapot.jpg' }), isFailure);
  await assert.rejects(s3(ListObjectsV2Command, {}), isFailure);
  await assert.rejects(s3(DeleteBucketCommand, {}), isFailure);
});

test('a webhook whose answer cannot be read is not run again', async (t) => {
  const body = { id: 'an-event-of-its-own' };
  const platform = await startDamaged(t, body.id, async (first) => {
    assert.equal((await first.post('/api/once', body)).status, 200);
  });
  assert.equal((await platform.post('/api/once', body)).status, 500);
  assert.deepEqual(platform.lines('ran/ids'), []);
});

test('events that cannot be read are not said to be missing', async (t) => {
  const body = { id: 'an-event-to-look-at' };
  let events, id;
  await startDamaged(t, body.id, async (first, data) => {
    events = (...args) => runMayfly(['events', ...args, '--data', data]);
    assert.equal((await first.post('/api/later', body)).status, 202);
    ({ id } = JSON.parse((await events('ls', '--json')).stdout));
  });
  for (const args of [['show', `${id}`], ['replay', `${id}`], ['ls']]) {
    const { status, stderr } = await events(...args);
    assert.equal(status, 1, args[0]);
    assert.match(stderr, /the database cannot be read/, args[0]);
  }
});
