/* What is acknowledged, and what a client holds, right before a crash: of control, or of everything at once. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import {
  CreateArchiveCommand, CreateEventBusCommand, DescribeArchiveCommand, DescribeEventBusCommand, DescribeRuleCommand, PutRuleCommand,
} from '@aws-sdk/client-eventbridge';
import {
  ChangeMessageVisibilityCommand, CreateQueueCommand, DeleteMessageBatchCommand, DeleteMessageCommand, GetQueueAttributesCommand,
  ListMessageMoveTasksCommand, ListQueueTagsCommand, ReceiveMessageCommand, SendMessageBatchCommand, StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs';
import { clients, scheduleSoon, WHERE } from './aws_project.js';
import { eventually, runMayfly, startPlatform } from './harness.js';

async function killControl(platform) {
  process.kill((await platform.process('mayfly: control')).pid, 'SIGKILL');
}

/** Kills all of it as it stands, and starts it again over the same project. */
async function crash(t, platform) {
  platform.processes();
  process.kill(platform.pid, 'SIGKILL');
  await platform.exited;
  return startPlatform(t, { project: platform.project });
}

/* ---- clients of SQS ---- */

async function startSqs(t) {
  const platform = await startPlatform(t, { files: { 'api/where.js': WHERE } });
  const { sqs } = await clients(t, platform);
  const create = async (QueueName, Attributes) => (await sqs.send(new CreateQueueCommand({ QueueName, Attributes }))).QueueUrl;
  const receive = async (QueueUrl, more = {}) =>
    (await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, ...more }))).Messages ?? [];
  const send = (QueueUrl, bodies, more = {}) => sqs.send(new SendMessageBatchCommand({
    QueueUrl, Entries: bodies.map((MessageBody, i) => ({ Id: `${i}`, MessageBody, ...more })),
  }));
  return { platform, sqs, create, receive, send };
}

const bodies = (messages) => messages.map(({ Body }) => Body);

test('a message is deleted by a handle of before the crash', async (t) => {
  const { platform, sqs, create, receive, send } = await startSqs(t);
  const QueueUrl = await create('q', { VisibilityTimeout: '600' });
  await send(QueueUrl, ['done', 'not done']);
  const held = await receive(QueueUrl);
  assert.equal(held.length, 2);
  await killControl(platform);
  const handle = (body) => held.find(({ Body }) => Body === body).ReceiptHandle;
  await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: handle('done') }));
  await sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle: handle('not done'), VisibilityTimeout: 0 }));
  assert.deepEqual(bodies(await receive(QueueUrl, { WaitTimeSeconds: 20 })), ['not done']);
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }));
  assert.deepEqual([Attributes.ApproximateNumberOfMessages, Attributes.ApproximateNumberOfMessagesNotVisible], ['0', '1']);
});

test("a FIFO queue's group goes on in order after a crash in its middle", async (t) => {
  const { platform, sqs, create, receive, send } = await startSqs(t);
  const QueueUrl = await create('q.fifo', { FifoQueue: 'true', ContentBasedDeduplication: 'true', VisibilityTimeout: '600' });
  await send(QueueUrl, ['1', '2', '3', '4', '5'], { MessageGroupId: 'group' });
  const [first, second] = await receive(QueueUrl, { MaxNumberOfMessages: 2 });
  await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: first.ReceiptHandle }));
  await killControl(platform);
  assert.deepEqual(await receive(QueueUrl), []); /* the second is still in somebody's hands */
  await send(QueueUrl, ['1', '6'], { MessageGroupId: 'group' }); /* the first is known, though it is gone */
  await sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle: second.ReceiptHandle, VisibilityTimeout: 0 }));
  assert.deepEqual(bodies(await receive(QueueUrl, { WaitTimeSeconds: 20 })), ['2', '3', '4', '5', '6']);
});

test('a move of dead letters goes on after a crash, and moves each once', async (t) => {
  const { platform, sqs, create, receive, send } = await startSqs(t);
  const dead = await create('dead');
  const { Attributes: { QueueArn: SourceArn } } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl: dead, AttributeNames: ['QueueArn'] }));
  const QueueUrl = await create('q', { VisibilityTimeout: '600', RedrivePolicy: JSON.stringify({ deadLetterTargetArn: SourceArn, maxReceiveCount: 3 }) });
  const { Attributes: { QueueArn: DestinationArn } } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }));
  const letters = Array.from({ length: 30 }, (_, i) => `letter ${i}`);
  for (let i = 0; i < letters.length; i += 10) {
    await send(dead, letters.slice(i, i + 10));
  }
  await sqs.send(new StartMessageMoveTaskCommand({ SourceArn, DestinationArn, MaxNumberOfMessagesPerSecond: 10 }));
  const moved = [];
  const take = async () => {
    const some = await receive(QueueUrl, { WaitTimeSeconds: 1 });
    moved.push(...bodies(some));
    if (some.length > 0) {
      await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries: some.map(({ ReceiptHandle }, i) => ({ Id: `${i}`, ReceiptHandle })) }));
    }
    return moved.length;
  };
  await eventually(async () => (await take()) > 0, 'nothing is moved');
  await killControl(platform);
  const task = await eventually(async () => {
    await take();
    const { Results } = await sqs.send(new ListMessageMoveTasksCommand({ SourceArn }));
    return Results[0].Status === 'COMPLETED' && Results[0];
  }, 'the task is not over');
  await eventually(async () => (await take()) >= letters.length, () => `only ${moved} came`);
  assert.deepEqual(moved.toSorted(), letters.toSorted());
  assert.equal(task.ApproximateNumberOfMessagesMoved, letters.length);
});

/* ---- what the APIs keep ---- */

test('what was set with a NUL in it is there after a crash', async (t) => {
  const platform = await startPlatform(t, { files: { 'api/where.js': WHERE } });
  const { events, sqs } = await clients(t, platform);
  const Description = 'one\0two';
  const EventSourceArn = 'arn:aws:events:us-east-1:000000000000:event-bus/default';
  await events.send(new CreateEventBusCommand({ Name: 'kept', Description }));
  await events.send(new PutRuleCommand({ Name: 'kept', EventPattern: '{"source":["shop"]}', Description }));
  await events.send(new CreateArchiveCommand({ ArchiveName: 'kept', EventSourceArn, Description }));
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'kept', Attributes: { DelaySeconds: '7' }, tags: { tag: Description } }));
  await killControl(platform);
  assert.equal((await events.send(new DescribeEventBusCommand({ Name: 'kept' }))).Description, Description);
  assert.ok((await events.send(new DescribeRuleCommand({ Name: 'kept' }))).Description);
  assert.equal((await events.send(new DescribeArchiveCommand({ ArchiveName: 'kept' }))).Description, Description);
  assert.deepEqual((await sqs.send(new ListQueueTagsCommand({ QueueUrl }))).Tags, { tag: Description });
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['DelaySeconds'] }));
  assert.deepEqual(Attributes, { DelaySeconds: '7' });
});

/* ---- a Worker's queue ---- */

test('what a Worker acknowledged stays so, and the rest comes again, whether its instance or control dies', async (t) => {
  const platform = await startPlatform(t, {
    files: {
      /* One instance: the next try must not come to a second that is killed as well. */
      'mayfly.json': JSON.stringify({ volumes: ['data'], functions: { 'worker/w': { maxInstances: 1 } } }),
      'wrangler.json': JSON.stringify({
        name: 'w', main: 'worker.js', compatibility_date: '2026-01-01',
        queues: {
          producers: [{ binding: 'JOBS', queue: 'jobs' }],
          consumers: [{ queue: 'jobs', max_batch_size: 1, max_batch_timeout: 0, max_retries: 3, retry_delay: 0 }],
        },
      }),
      'worker.js': `
        import { appendFileSync, existsSync } from 'node:fs';
        export default {
          async fetch(request, env) {
            await env.JOBS.sendBatch((await request.json()).map((body) => ({ body })));
            return new Response('sent');
          },
          async queue({ messages: [message] }) {
            appendFileSync('data/tries', JSON.stringify([message.body, message.attempts]) + '\\n');
            if (message.body === 'retried' && message.attempts < 3) {
              message.retry();
            } else if (message.body.startsWith('held') && !existsSync('data/go-' + message.body)) {
              await new Promise(() => {});
            }
          },
        };`,
    },
  });
  const tries = (body) => platform.lines('data/tries').map((line) => JSON.parse(line)).filter(([of]) => of === body).map(([, attempts]) => attempts);
  const until = (body, count) => eventually(() => tries(body).length >= count, () => `${body}: ${tries(body)}\n${platform.transcript()}`);
  const go = (body) => writeFileSync(path.join(platform.project, `data/go-${body}`), '');

  await platform.post('/', '["acknowledged", "retried"]');
  await until('acknowledged', 1);
  await until('retried', 3);

  await platform.post('/', '["held by an instance"]');
  await until('held by an instance', 1);
  go('held by an instance');
  platform.processes().filter(({ title }) => title.startsWith('mayfly: instance')).forEach(({ pid }) => process.kill(pid, 'SIGKILL'));
  await until('held by an instance', 2);

  await platform.post('/', '["held by control"]');
  await until('held by control', 1);
  go('held by control');
  await killControl(platform);
  await until('held by control', 2);

  assert.deepEqual(tries('acknowledged'), [1]);
  assert.deepEqual(tries('retried'), [1, 2, 3]);
  assert.deepEqual(tries('held by an instance'), [1, 2]); /* a try that failed */
  assert.deepEqual(tries('held by control'), [1, 1]); /* how that try ended nobody knows */
});

/* ---- in flight when the platform ends ---- */

test('an event in flight is tried again as if that try had not been, when Mayfly is stopped or its gateway dies', async (t) => {
  const files = {
    'mayfly.json': JSON.stringify({
      volumes: ['data'],
      functions: { once: { handler: 'once.handler', timeout: 60, retries: 0 } },
      routes: { '/api/once': { durable: { retries: 0 } } },
    }),
    'api/once.js': `
      import { appendFileSync, existsSync } from 'node:fs';
      export async function POST() {
        appendFileSync('data/route', 'x\\n');
        while (!existsSync('data/go')) await new Promise((done) => setTimeout(done, 20));
        return new Response('done');
      }`,
    'once.js': `
      const { appendFileSync, existsSync } = require('node:fs');
      exports.handler = async () => {
        appendFileSync('data/function', 'x\\n');
        while (!existsSync('data/go')) await new Promise((done) => setTimeout(done, 20));
      };`,
    'api/where.js': WHERE,
  };
  const first = await startPlatform(t, { files });
  const tried = (platform, count) => eventually(
    () => ['data/route', 'data/function'].every((file) => platform.lines(file).length >= count),
    () => platform.transcript(),
  );
  await first.post('/api/once', {});
  await runMayfly(['trigger', 'once', '--no-wait', '--project', first.project]);
  await tried(first, 1);
  process.kill((await first.process('mayfly: gateway')).pid, 'SIGKILL');
  await tried(first, 2);
  await first.stop('SIGINT');
  assert.deepEqual(first.records.filter(({ type, level, text }) => type === 'log' && level === 'error' && !/gateway ended/.test(text)), []);

  const next = await startPlatform(t, { project: first.project });
  await tried(next, 3);
  writeFileSync(path.join(next.project, 'data/go'), '');
  const events = async () => {
    const { stdout } = await runMayfly(['events', '--json', '--project', next.project]);
    return stdout.trimEnd().split('\n').map((line) => JSON.parse(line)).map(({ queue, state, attempts }) => [queue, state, attempts]).sort();
  };
  const done = [['lambda:lambda/once', 'done', 1], ['route:api#/api/once', 'done', 1]];
  await eventually(async () => JSON.stringify(await events()) === JSON.stringify(done), next.transcript());
  await next.stop();
});

/* ---- everything at once ---- */

test('what is acknowledged before everything is killed is there when it starts again', async (t) => {
  const said = (name) => `
    const { appendFileSync } = require('node:fs');
    exports.handler = async (event) => appendFileSync('data/${name}', JSON.stringify(event.id ?? event.Records[0].s3.object.key) + '\\n');`;
  const first = await startPlatform(t, {
    files: {
      'mayfly.json': JSON.stringify({
        volumes: ['data'],
        functions: { objects: { handler: 'objects.handler' }, ticks: { handler: 'ticks.handler' } },
        routes: { '/api/once': { idempotent: '$.id' } },
        events: { buckets: { uploads: { notifications: [{ events: 's3:ObjectCreated:*', function: 'objects' }] } } },
      }),
      'objects.js': said('objects'),
      'ticks.js': said('ticks'),
      'api/where.js': WHERE,
      'api/once.js': 'export const POST = () => Response.json({ run: crypto.randomUUID() });',
    },
  });
  const { scheduler } = await clients(t, first);
  const s3 = new S3Client({ ...first.aws, forcePathStyle: true, maxAttempts: 1 });
  t.after(() => s3.destroy());
  const answer = await first.post('/api/once', { id: 'a' });
  await scheduleSoon(scheduler, {
    Name: 'soon', FlexibleTimeWindow: { Mode: 'OFF' },
    Target: { Arn: 'arn:aws:lambda:us-east-1:000000000000:function:ticks', RoleArn: 'arn:aws:iam::000000000000:role/any', Input: '{"id":"tick"}' },
  });
  await s3.send(new PutObjectCommand({ Bucket: 'uploads', Key: 'teapot.jpg', Body: 'jpeg' }));

  const next = await crash(t, first);
  await eventually(() => next.lines('data/objects').includes('"teapot.jpg"'), () => `the upload was told to nobody\n${next.transcript()}`);
  await eventually(() => next.lines('data/ticks').includes('"tick"'), () => `the schedule did not fire\n${next.transcript()}`);
  assert.deepEqual((await next.post('/api/once', { id: 'a' })).json, answer.json);
  await next.stop();
});
