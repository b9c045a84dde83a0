/* A function that serves one request at a time, and many events for it: they wait, and are not tried in vain over and over. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { InvokeCommand, PutFunctionConcurrencyCommand } from '@aws-sdk/client-lambda';
import { CreateQueueCommand, SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import { clients, lambda, WHERE } from './aws_project.js';
import { eventually, startPlatform } from './harness.js';

const EVENTS = 200;
/* A first look with all that a mapping hands out, then one or two in a second: far from one for every event. */
const VAIN_TRIES_MAX = 60;

const SLOW = `
exports.handler = async ({ n, ms, Records }) => {
  await new Promise((resolve) => setTimeout(resolve, ms ?? 5));
  console.log('done ' + (Records ? Records.map(({ body }) => body).join(',') : n));
};
`;
const FROM_QUEUE = `
resource "aws_sqs_queue" "jobs" {
  name = "jobs"
}
resource "aws_lambda_event_source_mapping" "jobs" {
  event_source_arn = aws_sqs_queue.jobs.arn
  function_name    = aws_lambda_function.slow.function_name
  batch_size       = 1
}
`;
const FILES = {
  'main.tf': lambda('slow').replace('timeout ', 'reserved_concurrent_executions = 1\n  timeout ') + lambda('free') + FROM_QUEUE,
  'slow.js': SLOW, 'free.js': SLOW, 'api/where.js': WHERE,
};

async function start(t) {
  const platform = await startPlatform(t, { files: FILES });
  return { platform, ...(await clients(t, platform)) };
}

const invoke = (api, FunctionName, input, InvocationType = 'Event') =>
  api.send(new InvokeCommand({ FunctionName, InvocationType, Payload: JSON.stringify(input) }));

async function invokeMany(api, name) {
  for (let from = 0; from < EVENTS; from += 20) {
    await Promise.all(Array.from({ length: 20 }, (_, i) => invoke(api, name, { n: from + i })));
  }
}

const done = (platform) => platform.records.filter(({ type, text }) => type === 'log' && text.startsWith('done ')).map(({ text }) => text.slice(5));
const vainTries = (platform) => platform.transcript().split('\n').filter((line) => /no instance had room in time/.test(line));

async function allDone(platform) {
  await eventually(() => done(platform).length >= EVENTS, () => `${done(platform).length} done\n${platform.transcript().slice(-3000)}`, 60_000);
  assert.equal(new Set(done(platform)).size, EVENTS);
}

test('events for a function with one reserved request are handled one after the other, none tried in vain', async (t) => {
  const { platform, lambda: api } = await start(t);
  await invokeMany(api, 'slow');
  await allDone(platform);
  assert.deepEqual(vainTries(platform), []);
});

test('so it is when the concurrency is reserved while events wait', async (t) => {
  const { platform, lambda: api } = await start(t);
  await api.send(new PutFunctionConcurrencyCommand({ FunctionName: 'free', ReservedConcurrentExecutions: 1 }));
  await invokeMany(api, 'free');
  await allDone(platform);
  assert.deepEqual(vainTries(platform), []);
});

test('while somebody who waits for an answer has the only place, events look now and then', async (t) => {
  const { platform, lambda: api } = await start(t);
  const waiting = invoke(api, 'slow', { n: 'waited', ms: 4000 }, 'RequestResponse');
  await invokeMany(api, 'slow');
  await waiting;
  await eventually(() => done(platform).length >= EVENTS + 1, () => platform.transcript().slice(-3000), 60_000);
  const vain = vainTries(platform).length;
  assert.ok(vain <= VAIN_TRIES_MAX, `${vain} tries in vain`);
});

test('messages of a queue wait in the queue for their function, too', async (t) => {
  const { platform, sqs } = await start(t);
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'jobs' }));
  for (let from = 0; from < EVENTS; from += 10) {
    await sqs.send(new SendMessageBatchCommand({
      QueueUrl, Entries: Array.from({ length: 10 }, (_, i) => ({ Id: `m${i}`, MessageBody: String(from + i) })),
    }));
  }
  await allDone(platform);
  const vain = vainTries(platform).length;
  assert.ok(vain <= VAIN_TRIES_MAX, `${vain} tries in vain`);
});
