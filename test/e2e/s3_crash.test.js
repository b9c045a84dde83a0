/* S3 and crashes: while clients write, copy and delete, our processes are killed. Afterwards each object is one that was
 * sent, in full, and not older than the last one acknowledged; each acknowledged change was told; and no file of an
 * object is left that nothing needs. */
import assert from 'node:assert/strict';
import { createHash, randomInt } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  AbortMultipartUploadCommand, CompleteMultipartUploadCommand, CopyObjectCommand, CreateBucketCommand, CreateMultipartUploadCommand,
  DeleteObjectCommand, GetObjectCommand, ListMultipartUploadsCommand, ListObjectsV2Command, PutBucketNotificationConfigurationCommand,
  PutObjectCommand, S3Client, UploadPartCommand,
} from '@aws-sdk/client-s3';
import { CreateQueueCommand, DeleteMessageBatchCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { eventually, startPlatform } from './harness.js';

const FILES = { 'api/hello.js': 'export const GET = () => new Response("hello");' };
const Bucket = 'crash';
const WRITERS = 6;
const STEPS = 16; /* of each writer */
const KILLS = 6;
const SMALL = 700; /* lies in the database */
const LARGE = 300_000; /* is a file */
const PART = 5 * 1024 * 1024;

/** The bytes of one generation of one key: told apart by every piece of them. */
function contents(key, generation, size) {
  const line = Buffer.from(`${key} ${generation} ${size}\n`);
  return Buffer.alloc(size, line);
}

const md5 = (bytes) => createHash('md5').update(bytes).digest('hex');

/** Does something until it is acknowledged, as a client that was cut off does. `tries` counts. */
async function insist(act) {
  for (;;) {
    try {
      return await act();
    } catch (error) {
      const refused = error.$metadata?.httpStatusCode;
      assert.ok(!refused || refused >= 500, `${error.name}: ${error.message}`);
      await sleep(20);
    }
  }
}

class Scene {
  constructor(t, platform) {
    const options = { ...platform.aws, forcePathStyle: true, maxAttempts: 1, requestHandler: { requestTimeout: 20_000 } };
    const clients = [new S3Client(options), new SQSClient({ ...options, maxAttempts: 10 })];
    t.after(() => clients.forEach((client) => client.destroy()));
    this.s3 = (Command, input) => clients[0].send(new Command({ Bucket, ...input }));
    this.sqs = (Command, input) => clients[1].send(new Command({ QueueUrl: this.queue, ...input }));
  }

  async prepare() {
    const { QueueUrl } = await this.sqs(CreateQueueCommand, { QueueName: 'told' });
    this.queue = QueueUrl;
    await this.s3(CreateBucketCommand, {});
    await this.s3(PutBucketNotificationConfigurationCommand, {
      NotificationConfiguration: { QueueConfigurations: [{ QueueArn: 'arn:aws:sqs:us-east-1:000000000000:told', Events: ['s3:ObjectCreated:*', 's3:ObjectRemoved:*'] }] },
    });
  }

  async get(Key) {
    try {
      const { Body, ETag } = await this.s3(GetObjectCommand, { Key });
      return { bytes: Buffer.from(await Body.transformToByteArray()), ETag };
    } catch (error) {
      if (error.name === 'NoSuchKey') {
        return null;
      }
      throw error;
    }
  }

  async putParts(Key, bytes) {
    const { UploadId } = await this.s3(CreateMultipartUploadCommand, { Key });
    const parts = [bytes.subarray(0, PART), bytes.subarray(PART)];
    const Parts = [];
    for (const [i, Body] of parts.entries()) {
      const { ETag } = await insist(() => this.s3(UploadPartCommand, { Key, UploadId, PartNumber: i + 1, Body }));
      Parts.push({ ETag, PartNumber: i + 1 });
    }
    try {
      return await this.s3(CompleteMultipartUploadCommand, { Key, UploadId, MultipartUpload: { Parts } });
    } catch (error) {
      if (error.name === 'NoSuchUpload') {
        return null; /* an earlier try has completed it, unheard */
      }
      throw error;
    }
  }
}

/** One client with a key of its own and a copy of it. `sent` and `acknowledged` are what it knows; null is "deleted". */
class Writer {
  sent = [];
  acknowledged = undefined;
  copied = [];
  told = []; /* [event, key, eTag] of what was acknowledged */

  constructor(scene, name) {
    this.scene = scene;
    this.key = `${name}/object`;
    this.copy = `${name}/copy`;
  }

  async put(generation, size, how) {
    const bytes = contents(this.key, generation, size);
    this.sent.push(bytes);
    const answer = await insist(() => how(bytes));
    this.acknowledged = bytes;
    this.sent = [bytes];
    if (answer) {
      this.told.push([this.key, answer.ETag.replaceAll('"', '')]);
    }
  }

  async step(generation) {
    const { scene, key: Key } = this;
    const simple = (Body) => scene.s3(PutObjectCommand, { Key, Body });
    const kind = generation % 6;
    if (kind === 4 && this.acknowledged) {
      this.copied.push(this.acknowledged);
      const { CopyObjectResult } = await insist(() => scene.s3(CopyObjectCommand, { Key: this.copy, CopySource: `${Bucket}/${Key}` }));
      this.copied = [this.acknowledged];
      this.told.push([this.copy, CopyObjectResult.ETag.replaceAll('"', '')]);
    } else if (kind === 5) {
      this.sent.push(null);
      await insist(() => scene.s3(DeleteObjectCommand, { Key }));
      this.acknowledged = null;
      this.sent = [null];
      this.told.push([Key, undefined]);
    } else if (kind === 2) {
      await this.put(generation, PART + 1000, (bytes) => scene.putParts(Key, bytes));
    } else {
      await this.put(generation, kind % 2 ? LARGE : SMALL, simple);
    }
  }

  async run() {
    for (let generation = 0; generation < STEPS && !this.stopped; generation++) {
      await this.step(generation);
    }
  }

  /** What is there is one of what was sent since the last acknowledgement, or that itself; in full. */
  async verify() {
    for (const [key, allowed] of [[this.key, [...this.sent, this.acknowledged ?? null]], [this.copy, this.copied]]) {
      const found = await this.scene.get(key);
      if (allowed.length === 0) {
        continue; /* never copied */
      }
      const same = (bytes) => (bytes === null ? found === null : found !== null && found.bytes.equals(bytes));
      const head = found && `${found.bytes.length} bytes: ${found.bytes.subarray(0, 60)}`;
      assert.ok(allowed.some(same), `${key} is ${head}, not one of ${allowed.map((one) => one && String(one.subarray(0, 30)))}`);
      if (found && !found.ETag.includes('-')) {
        assert.equal(found.ETag, `"${md5(found.bytes)}"`);
      }
    }
  }
}

async function listing(scene) {
  const found = [];
  let ContinuationToken;
  do {
    const page = await scene.s3(ListObjectsV2Command, { ContinuationToken, MaxKeys: 5 });
    found.push(...(page.Contents ?? []).map(({ Key, Size }) => [Key, Size]));
    ContinuationToken = page.NextContinuationToken;
  } while (ContinuationToken);
  return found;
}

/** Takes all that the queue has, until every one of `wanted` was among it. */
async function assertTold(scene, wanted) {
  const missing = new Set(wanted.map((one) => one.join(' ')));
  for (let empty = 0; missing.size > 0 && empty < 5;) {
    const { Messages = [] } = await scene.sqs(ReceiveMessageCommand, { MaxNumberOfMessages: 10, WaitTimeSeconds: 1 });
    empty = Messages.length === 0 ? empty + 1 : 0;
    for (const { key, eTag } of Messages.flatMap(({ Body }) => (JSON.parse(Body).Records ?? []).map(({ s3: { object } }) => object))) {
      missing.delete([decodeURIComponent(key), eTag].join(' '));
    }
    if (Messages.length > 0) {
      await scene.sqs(DeleteMessageBatchCommand, { Entries: Messages.map(({ ReceiptHandle }, i) => ({ Id: String(i), ReceiptHandle })) });
    }
  }
  assert.deepEqual([...missing], [], 'acknowledged, but not told');
}

async function assertConsistent(scene, writers) {
  for (const writer of writers) {
    await writer.verify();
  }
  const sizes = [];
  for (const [key, size] of await listing(scene)) {
    assert.equal((await scene.get(key)).bytes.length, size, key);
    sizes.push(key);
  }
  assert.equal(new Set(sizes).size, sizes.length);
  await assertTold(scene, writers.flatMap((writer) => writer.told));
}

/** Files of objects and of what is being sent. */
function objectFiles(data) {
  const folder = path.join(data, 'objects');
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
}

/** When everything is deleted and what was begun is given up, no file is left. */
async function assertSwept(scene, data) {
  for (const [Key] of await listing(scene)) {
    await scene.s3(DeleteObjectCommand, { Key });
  }
  const { Uploads = [] } = await scene.s3(ListMultipartUploadsCommand, {});
  for (const { Key, UploadId } of Uploads) {
    await scene.s3(AbortMultipartUploadCommand, { Key, UploadId });
  }
  await eventually(() => objectFiles(data).length === 0, () => `left: ${objectFiles(data).map((entry) => entry.name)}`);
}

function kill(platform, title) {
  const victim = platform.processes().find((one) => title.test(one.title));
  try {
    if (victim) {
      process.kill(victim.pid, 'SIGKILL');
    }
  } catch {
    /* it was just being ended with another */
  }
}

function dataFolder(t) {
  const data = mkdtempSync(path.join(os.tmpdir(), 'mayfly-e2e-data-'));
  t.after(() => rmSync(data, { recursive: true, force: true }));
  return data;
}

function makeWriters(scene) {
  return Array.from({ length: WRITERS }, (_, i) => new Writer(scene, `writer-${i}`));
}

test('control and gateway are killed again and again, and nothing acknowledged is lost', async (t) => {
  const data = dataFolder(t);
  const platform = await startPlatform(t, { files: FILES, args: ['--data', data] });
  const scene = new Scene(t, platform);
  await scene.prepare();
  const writers = makeWriters(scene);
  const done = () => writers.reduce((sum, writer) => sum + writer.told.length, 0);
  let over = false;
  const killer = async () => {
    for (let i = 0; i < KILLS && !over; i++) {
      const reached = ((i + 1) * WRITERS * STEPS) / (KILLS + 2);
      await eventually(() => over || done() >= reached, () => `${done()} changes`, 120_000);
      await sleep(randomInt(30)); /* somewhere in the next ones */
      kill(platform, i % 2 === 0 ? /^mayfly: control/ : /^mayfly: gateway/);
    }
  };
  const writing = Promise.all(writers.map((writer) => writer.run())).finally(() => { over = true; });
  await Promise.all([writing, killer()]);
  await assertConsistent(scene, writers);
  await assertSwept(scene, data);
});

test('all of it is killed at once, and what was acknowledged is there when it runs again', async (t) => {
  const data = dataFolder(t);
  const first = await startPlatform(t, { files: FILES, args: ['--data', data] });
  const scene = new Scene(t, first);
  await scene.prepare();
  const writers = makeWriters(scene);
  const running = writers.map((writer) => writer.run().catch(() => {}));
  const done = () => writers.reduce((sum, writer) => sum + writer.told.length, 0);
  await eventually(() => done() >= 30, () => `${done()} changes`, 120_000);
  writers.forEach((writer) => { writer.stopped = true; });
  kill(first, /^mayfly: supervisor/);
  await first.exited;

  const second = await startPlatform(t, { files: FILES, args: ['--data', data, '--aws-port', new URL(first.aws.endpoint).port] });
  await Promise.all(running);
  const later = new Scene(t, second);
  later.queue = scene.queue;
  writers.forEach((writer) => { writer.scene = later; });
  await assertConsistent(later, writers);
  await assertSwept(later, data);
});
