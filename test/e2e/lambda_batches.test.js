/* What a Lambda function reports of a batch of SQS messages. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { GetQueueAttributesCommand, GetQueueUrlCommand, SendMessageBatchCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { clients, lambda, WHERE } from './aws_project.js';
import { eventually, startPlatform } from './harness.js';

const FILES = {
  'api/where.js': WHERE,
  'main.tf': `${lambda('reports')}
resource "aws_sqs_queue" "jobs" {
  name                       = "jobs"
  visibility_timeout_seconds = 1
}
resource "aws_lambda_event_source_mapping" "jobs" {
  event_source_arn                   = aws_sqs_queue.jobs.arn
  function_name                      = aws_lambda_function.reports.arn
  batch_size                         = 10
  maximum_batching_window_in_seconds = 1
  function_response_types            = ["ReportBatchItemFailures"]
}
`,
  'reports.js': `
exports.handler = async ({ Records }) => {
  console.log('got ' + JSON.stringify(Records.map(({ body, attributes }) => [body, Number(attributes.ApproximateReceiveCount)]).sort()));
  const wanted = (name) => Records.filter(({ body, attributes }) => body.startsWith(name) && attributes.ApproximateReceiveCount === '1');
  const named = wanted('fails').map(({ messageId }) => ({ itemIdentifier: messageId }));
  const unknown = wanted('unknown').map(() => ({ itemIdentifier: 'of no message' }));
  return { batchItemFailures: [...Array(wanted('often').length ? 20_000 : 1).fill(named).flat(), ...unknown] };
};
`,
};

async function start(t, more = {}) {
  const platform = await startPlatform(t, { files: { ...FILES, ...more } });
  const { sqs } = await clients(t, platform);
  const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: 'jobs' }));
  const send = (...bodies) =>
    sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries: bodies.map((MessageBody, n) => ({ Id: `${n}`, MessageBody })) }));
  const batches = () => platform.records.filter(({ text }) => text?.startsWith('got ')).map(({ text }) => JSON.parse(text.slice(4)));
  const isEmpty = async () => {
    const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }));
    return Object.keys(Attributes).filter((name) => name.startsWith('ApproximateNumber')).every((name) => Attributes[name] === '0');
  };
  const handled = () => eventually(async () => batches().length > 1 && (await isEmpty()) && batches(), () => platform.transcript());
  return { platform, sqs, QueueUrl, send, isEmpty, handled };
}

test('what it names comes again alone, however often it is named', async (t) => {
  const { send, handled } = await start(t);
  await send('fine', 'fails', 'often');
  assert.deepEqual(await handled(), [[['fails', 1], ['fine', 1], ['often', 1]], [['fails', 2]]]);
});

test('a report that names what is not in the batch fails all of it', async (t) => {
  const { send, handled } = await start(t);
  await send('fine', 'fails', 'unknown');
  assert.deepEqual(await handled(), [[['fails', 1], ['fine', 1], ['unknown', 1]], [['fails', 2], ['fine', 2], ['unknown', 2]]]);
});

test('messages that are too long for one event come in several', async (t) => {
  const { platform, sqs, QueueUrl } = await start(t, { 'reports.js': `
exports.handler = async ({ Records }) => {
  for (const { body, attributes } of Records) {
    console.log(['got', body[0], body.length, attributes.ApproximateReceiveCount].join(' '));
  }
};` });
  const length = 900_000;
  for (const letter of 'abcdef') { /* twice as long as JSON */
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: letter.padEnd(length, '"') }));
  }
  const got = () => platform.records.filter(({ text }) => text?.startsWith('got ')).map(({ text }) => text).sort();
  await eventually(() => got().length >= 6, () => platform.transcript());
  assert.deepEqual(got(), [...'abcdef'].map((letter) => `got ${letter} ${length} 1`));
});

test("messages in a function's hands are not visible", async (t) => {
  const { platform, sqs, QueueUrl, send, isEmpty } = await start(t, {
    'mayfly.json': '{ "volumes": ["data"] }',
    'reports.js': `
const { existsSync } = require('node:fs');
exports.handler = async () => {
  console.log('got []');
  while (!existsSync('data/enough')) {
    await new Promise(setImmediate);
  }
};`,
  });
  await send('a', 'b');
  await eventually(() => platform.transcript().includes('got []'), () => platform.transcript());
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }));
  assert.deepEqual([Attributes.ApproximateNumberOfMessages, Attributes.ApproximateNumberOfMessagesNotVisible], ['0', '2']);
  writeFileSync(path.join(platform.project, 'data/enough'), '');
  await eventually(isEmpty, () => platform.transcript());
});

test('what a function fails is told as its error, and where it is when it is given up', async (t) => {
  const { platform, send } = await start(t, {
    'main.tf': `${FILES['main.tf'].replace('= 1\n}', `= 1
  redrive_policy = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead.arn, maxReceiveCount = 2 })
}`)}
resource "aws_sqs_queue" "dead" {
  name = "dead"
}
`,
    'reports.js': "exports.handler = async () => { throw new TypeError('no tea'); };",
  });
  await send('fails');
  const told = (pattern) => eventually(() => platform.records.find(({ text }) => pattern.test(text))?.text, () => platform.transcript());
  assert.match(await told(/^event \d+ of sqs:jobs: try 1 failed/), /again in 1 s: TypeError: no tea$/);
  assert.match(await told(/^event \d+ of sqs:jobs: given up/), /given up after 2 tries: TypeError: no tea; it is in sqs:dead now$/);
});
