/* What becomes of asynchronous invocations, and what stands between queues and functions, by AWS's own client. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import {
  CreateEventSourceMappingCommand, DeleteFunctionEventInvokeConfigCommand, GetFunctionConfigurationCommand, GetFunctionEventInvokeConfigCommand, InvokeCommand,
  LambdaClient, ListEventSourceMappingsCommand, ListFunctionEventInvokeConfigsCommand,
  ListFunctionsCommand, ListTagsCommand, PutFunctionConcurrencyCommand, PutFunctionEventInvokeConfigCommand,
  TagResourceCommand, UntagResourceCommand, UpdateEventSourceMappingCommand,
} from '@aws-sdk/client-lambda';
import { CreateQueueCommand, DeleteQueueCommand, GetQueueUrlCommand, ReceiveMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { clients, lambda, TELLS, WHERE } from './aws_project.js';
import { eventually, startPlatform } from './harness.js';

const DEAD = `
resource "aws_sqs_queue" "dead" {
  name = "dead"
}
`;
const ALIAS = `
resource "aws_lambda_alias" "live" {
  name             = "live"
  function_name    = aws_lambda_function.says.function_name
  function_version = "3"
}
`;
const withDeadLetters = lambda('tells').replace('timeout ', 'dead_letter_config {\n    target_arn = aws_sqs_queue.dead.arn\n  }\n  timeout ');
const FILES = {
  'main.tf': DEAD + withDeadLetters + lambda('other') + lambda('says') + lambda('late') + ALIAS, 'tells.js': TELLS,
  'late.js': `exports.handler = async ({ Records: [{ attributes }] }) => {
  console.log('sent ' + attributes.SentTimestamp);
  while (Date.now() <= Number(attributes.SentTimestamp)) {
    await new Promise(setImmediate);
  }
  throw new Error('too late');
};`,
  'says.js': 'exports.handler = async (event, { invokedFunctionArn, functionVersion, clientContext }) => [invokedFunctionArn, functionVersion, clientContext];',
  'other.js': TELLS.replace("'got '", "'other '"),
  'mayfly.json': JSON.stringify({ functions: { tells: { retryDelays: [0, 0] } } }), 'api/where.js': WHERE,
};
const queueArn = (name) => `arn:aws:sqs:us-east-1:000000000000:${name}`;
const functionArn = (name) => `arn:aws:lambda:us-east-1:000000000000:function:${name}`;

async function start(t) {
  const platform = await startPlatform(t, { files: FILES });
  const { lambda: api, sqs } = await clients(t, platform);
  const queue = async (QueueName, Attributes) => (await sqs.send(new CreateQueueCommand({ QueueName, Attributes }))).QueueUrl;
  /* The next message of a queue, which stays there. */
  const next = async (QueueUrl) => {
    const ask = new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 2, MessageAttributeNames: ['All'], MessageSystemAttributeNames: ['All'] });
    let message;
    await eventually(async () => {
      [message] = (await sqs.send(ask)).Messages ?? [];
      return message;
    }, () => `nothing in ${QueueUrl}\n${platform.transcript()}`);
    return message;
  };
  const dead = (await sqs.send(new GetQueueUrlCommand({ QueueName: 'dead' }))).QueueUrl;
  return { platform, api, sqs, queue, next, dead };
}

const invoked = async (api, payload) =>
  (await api.send(new InvokeCommand({ FunctionName: 'tells', InvocationType: 'Event', Payload: JSON.stringify(payload) }))).$metadata.requestId;

const values = (message) => Object.fromEntries(Object.entries(message.MessageAttributes).map(([name, { StringValue }]) => [name, StringValue]));

test('with a reserved concurrency of zero an event is given up at once, and tells so', async (t) => {
  const { api, queue, next, dead } = await start(t);
  const failed = await queue('failed');
  await api.send(new PutFunctionEventInvokeConfigCommand({ FunctionName: 'tells', DestinationConfig: { OnFailure: { Destination: queueArn('failed') } } }));
  await api.send(new PutFunctionConcurrencyCommand({ FunctionName: 'tells', ReservedConcurrentExecutions: 0 }));
  const requestId = await invoked(api, { n: 1 });
  const message = await next(failed);
  const { timestamp, ...record } = JSON.parse(message.Body);
  assert.match(timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.deepEqual(record, {
    version: '1.0', requestPayload: { n: 1 },
    requestContext: { requestId, functionArn: `${functionArn('tells')}:$LATEST`, condition: 'ZeroReservedConcurrency', approximateInvokeCount: 0 },
  });
  assert.match(message.Attributes.AWSTraceHeader, /^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=[01]$/);
  const letter = await next(dead);
  assert.equal(letter.Body, '{"n":1}');
  assert.equal(values(letter).RequestID, requestId);
});

test('an event for an alias is its version\'s, and so is what comes of it', async (t) => {
  const { api, queue, next } = await start(t);
  const done = await queue('done');
  const OnSuccess = { Destination: queueArn('done') };
  await api.send(new PutFunctionEventInvokeConfigCommand({ FunctionName: 'says', Qualifier: 'live', DestinationConfig: { OnSuccess } }));
  await api.send(new InvokeCommand({ FunctionName: 'says', InvocationType: 'Event', Qualifier: 'live' }));
  const { requestContext, responseContext, responsePayload } = JSON.parse((await next(done)).Body);
  const arn = functionArn('says:live');
  assert.deepEqual([requestContext.functionArn, responseContext.executedVersion, responsePayload], [arn, '3', [arn, '3', null]]);
});

test("a client's context is told to whom it waits for, not with an event", async (t) => {
  const { api, queue, next } = await start(t);
  const done = await queue('done');
  const context = (letters) => Buffer.from(JSON.stringify({ custom: { a: 'x'.repeat(letters) } })).toString('base64');
  const invoke = (ClientContext, InvocationType) => api.send(new InvokeCommand({ FunctionName: 'says', ClientContext, InvocationType }));
  const OnSuccess = { Destination: queueArn('done') };
  await api.send(new PutFunctionEventInvokeConfigCommand({ FunctionName: 'says', DestinationConfig: { OnSuccess } }));
  const { Payload } = await invoke(context(1));
  assert.deepEqual(JSON.parse(Payload.transformToString())[2], { custom: { a: 'x' } });
  await invoke(context(1), 'Event');
  assert.equal(JSON.parse((await next(done)).Body).responsePayload[2], null);
  const longest = context(2665);
  assert.equal(longest.length, 3580);
  assert.equal((await invoke(longest)).StatusCode, 200);
  await assert.rejects(invoke(context(2668)), { name: 'InvalidRequestContentException', message: /3583 bytes/ });
});

test('what becomes of an event goes to a bus, as an event of the bus and the function', async (t) => {
  const { platform, api, queue, next } = await start(t);
  const { events } = await clients(t, platform);
  const url = await queue('heard');
  const Destination = 'arn:aws:events:us-east-1:000000000000:event-bus/default';
  await events.send(new PutRuleCommand({ Name: 'heard', EventPattern: JSON.stringify({ source: ['lambda'] }) }));
  await events.send(new PutTargetsCommand({ Rule: 'heard', Targets: [{ Id: '1', Arn: queueArn('heard') }] }));
  await api.send(new PutFunctionEventInvokeConfigCommand({ FunctionName: 'tells', DestinationConfig: { OnSuccess: { Destination } } }));
  const requestId = await invoked(api, { n: 1 });
  const { 'detail-type': type, resources, detail } = JSON.parse((await next(url)).Body);
  assert.equal(type, 'Lambda Function Invocation Result - Success');
  assert.deepEqual(resources, [Destination, `${functionArn('tells')}:$LATEST`]);
  assert.equal(detail.requestContext.requestId, requestId);
});

test('how events are retried is said of a version or an alias alone, and stays so after a crash', async (t) => {
  const { platform, api, queue, next } = await start(t);
  const FunctionName = 'says';
  const [latest, live] = [await queue('latest'), await queue('live')];
  const put = (Qualifier, to, more) => api.send(new PutFunctionEventInvokeConfigCommand({
    FunctionName, Qualifier, DestinationConfig: { OnSuccess: { Destination: queueArn(to) } }, ...more,
  }));
  const list = async (more) => {
    const { FunctionEventInvokeConfigs: all, NextMarker } = await api.send(new ListFunctionEventInvokeConfigsCommand({ FunctionName, ...more }));
    return [all.map(({ FunctionArn, MaximumRetryAttempts }) => [FunctionArn, MaximumRetryAttempts]), NextMarker];
  };
  const [ofLatest, ofLive] = ['$LATEST', 'live'].map((qualifier) => functionArn(`${FunctionName}:${qualifier}`));
  assert.equal((await put(undefined, 'latest', { MaximumRetryAttempts: 0 })).FunctionArn, ofLatest);
  await assert.rejects(api.send(new GetFunctionEventInvokeConfigCommand({ FunctionName, Qualifier: 'live' })),
    { name: 'ResourceNotFoundException', message: `The function ${ofLive} doesn't have an EventInvokeConfig` });
  await put('live', 'live', { MaximumRetryAttempts: 1 });
  assert.deepEqual(await list(), [[[ofLatest, 0], [ofLive, 1]], undefined]);
  const [first, NextMarker] = await list({ MaxItems: 1 });
  assert.deepEqual([first, await list({ Marker: NextMarker })], [[[ofLatest, 0]], [[[ofLive, 1]], undefined]]);

  process.kill((await platform.process('mayfly: control')).pid, 'SIGKILL');
  for (const [Qualifier, url, arn] of [[undefined, latest, functionArn(FunctionName)], ['live', live, ofLive]]) {
    await api.send(new InvokeCommand({ FunctionName, InvocationType: 'Event', Qualifier }));
    assert.equal(JSON.parse((await next(url)).Body).responsePayload[0], arn);
  }
  await api.send(new DeleteFunctionEventInvokeConfigCommand({ FunctionName, Qualifier: 'live' }));
  assert.deepEqual(await list(), [[[ofLatest, 0]], undefined]);
});

test('a message that a function refuses too often is a dead letter that says when it was sent', async (t) => {
  const { platform, api, sqs, queue, next, dead } = await start(t);
  const redrive = (maxReceiveCount) => JSON.stringify({ deadLetterTargetArn: queueArn('dead'), maxReceiveCount });
  const QueueUrl = await queue('in', { VisibilityTimeout: '40', RedrivePolicy: redrive(1) });
  await api.send(new CreateEventSourceMappingCommand({ EventSourceArn: queueArn('in'), FunctionName: 'late' }));
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: '{}' }));
  const { Attributes: { SentTimestamp } } = await next(dead);
  const sent = () => platform.records.find(({ type, text }) => type === 'log' && text.startsWith('sent '))?.text;
  await eventually(sent, () => platform.transcript());
  assert.equal(sent(), `sent ${SentTimestamp}`);
});

test('a queue that is made again has the mappings of the one before', async (t) => {
  const { platform, api, sqs, queue } = await start(t);
  const QueueUrl = await queue('in');
  await api.send(new CreateEventSourceMappingCommand({ EventSourceArn: queueArn('in'), FunctionName: 'other' }));
  await sqs.send(new DeleteQueueCommand({ QueueUrl }));
  await platform.stop(); /* else the name is free after a minute */
  const again = await startPlatform(t, { project: platform.project });
  const { sqs: client } = await clients(t, again);
  const made = await client.send(new CreateQueueCommand({ QueueName: 'in' }));
  await client.send(new SendMessageCommand({ QueueUrl: made.QueueUrl, MessageBody: 'hello' }));
  await eventually(
    () => again.records.some(({ text }) => text?.startsWith('other ') && text.includes('hello')),
    () => again.transcript(),
  );
});

test("a configuration of the API replaces neither the function's dead letters nor the delays of its file", async (t) => {
  const { api, next, dead } = await start(t);
  const none = { name: 'ResourceNotFoundException', message: /doesn't have an EventInvokeConfig/ };
  await assert.rejects(api.send(new GetFunctionEventInvokeConfigCommand({ FunctionName: 'tells' })), none);
  await api.send(new PutFunctionEventInvokeConfigCommand({ FunctionName: 'tells', MaximumRetryAttempts: 2 }));
  const config = await api.send(new GetFunctionConfigurationCommand({ FunctionName: 'tells' }));
  assert.deepEqual(config.DeadLetterConfig, { TargetArn: queueArn('dead') });
  const fail = `${'ä'.repeat(600)}!`; /* 1201 bytes, of which 1 KB is told */
  const RequestID = await invoked(api, { fail });
  assert.deepEqual(values(await next(dead)), { RequestID, ErrorCode: '200', ErrorMessage: 'ä'.repeat(512) });
});

test('a mapping is checked by the model, tagged, paged and moved to another function', async (t) => {
  const { platform, api, sqs, queue } = await start(t);
  const EventSourceArn = queueArn('q');
  const QueueUrl = await queue('q', { VisibilityTimeout: '60' });
  await queue('q.fifo', { FifoQueue: 'true' });
  const create = (more = {}) => api.send(new CreateEventSourceMappingCommand({ FunctionName: 'tells', EventSourceArn, ...more }));
  const wrong = { name: 'ValidationException' };
  await assert.rejects(create({ BatchSize: 0 }), { ...wrong, message: /Value '0' at 'batchSize' failed to satisfy constraint: Member must have value greater than or equal to 1/ });
  await assert.rejects(create({ BatchSize: 10001 }), wrong);
  await assert.rejects(create({ MaximumBatchingWindowInSeconds: 301 }), wrong);
  await assert.rejects(create({ ScalingConfig: { MaximumConcurrency: 1 } }), { ...wrong, message: /'scalingConfig.maximumConcurrency'/ });
  await assert.rejects(create({ FunctionResponseTypes: ['No'] }), wrong);
  const invalid = { name: 'InvalidParameterValueException' };
  await assert.rejects(create({ BisectBatchOnFunctionError: true }), { ...invalid, message: /Unsupported BisectBatchOnFunctionError parameter/ });
  await assert.rejects(create({ Tags: { 'aws:x': 'y' } }), invalid);
  await assert.rejects(create({ EventSourceArn: queueArn('q.fifo'), MaximumBatchingWindowInSeconds: 1 }), { ...invalid, message: 'Batching window is not supported for FIFO queues' });

  const made = await create({ Tags: { team: 'tea' }, ScalingConfig: { MaximumConcurrency: 2 } });
  const { UUID, EventSourceMappingArn: Resource } = made;
  assert.deepEqual(made.ScalingConfig, { MaximumConcurrency: 2 });
  await api.send(new TagResourceCommand({ Resource, Tags: { stage: 'dev' } }));
  await api.send(new UntagResourceCommand({ Resource, TagKeys: ['team'] }));
  assert.deepEqual((await api.send(new ListTagsCommand({ Resource }))).Tags, { stage: 'dev' });
  const abroad = new LambdaClient({ ...platform.aws, region: 'eu-west-1' });
  t.after(() => abroad.destroy());
  const there = EventSourceArn.replace('us-east-1', 'eu-west-1'); /* what Terraform gave and compares */
  const { EventSourceMappings: [seen] } = await abroad.send(new ListEventSourceMappingsCommand({ EventSourceArn: there }));
  assert.deepEqual([seen.UUID, seen.EventSourceArn, seen.FunctionArn], [UUID, there, functionArn('tells').replace('us-east-1', 'eu-west-1')]);
  const none = Resource.replace(UUID, '00000000-0000-4000-8000-000000000000');
  await assert.rejects(api.send(new ListTagsCommand({ Resource: none })), { name: 'ResourceNotFoundException', message: `Event source mapping not found: ${none}` });

  await create({ FunctionName: 'other', Enabled: false, EventSourceArn: queueArn('dead') });
  const page = (more) => api.send(new ListEventSourceMappingsCommand({ MaxItems: 1, ...more }));
  const first = await page();
  const second = await page({ Marker: first.NextMarker });
  assert.deepEqual([first.EventSourceMappings.length, second.EventSourceMappings.length, second.NextMarker], [1, 1, undefined]);
  await assert.rejects(api.send(new ListFunctionsCommand({ MaxItems: 10001 })), { ...wrong, message: /'maxItems'/ });

  const moved = await api.send(new UpdateEventSourceMappingCommand({ UUID, FunctionName: 'other', ScalingConfig: {} }));
  assert.deepEqual([moved.FunctionArn, moved.ScalingConfig], [functionArn('other'), undefined]);
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'a' }));
  await eventually(() => platform.records.some(({ text = '' }) => text.startsWith('other ') && text.includes('"body":"a"')), () => platform.transcript());
});

test('what the API sets on a mapping of the files counts until they say something else', async (t) => {
  const { platform, api } = await start(t);
  const mapping = (size) => `
resource "aws_lambda_event_source_mapping" "dead" {
  event_source_arn = aws_sqs_queue.dead.arn
  function_name    = aws_lambda_function.says.arn
  batch_size       = ${size}
}
`;
  const list = async () => (await api.send(new ListEventSourceMappingsCommand({}))).EventSourceMappings;
  const says = async (...wanted) => isDeepStrictEqual((await list()).map(({ BatchSize, FunctionArn }) => [BatchSize, FunctionArn]), wanted);
  /* Control and builder may have died just now: then there is no telling whose build it is. */
  const becomes = (file, more, ...wanted) => {
    writeFileSync(path.join(platform.project, file), FILES[file] + more);
    return eventually(() => says(...wanted), () => `not ${JSON.stringify(wanted)}:\n${platform.transcript()}`);
  };
  const die = async () => process.kill((await platform.process('mayfly: control')).pid, 'SIGKILL');
  await becomes('main.tf', mapping(3), [3, functionArn('says')]);
  const [{ UUID }] = await list();
  await api.send(new UpdateEventSourceMappingCommand({ UUID, BatchSize: 5, FunctionName: 'other' }));
  await platform.save('says.js', FILES['says.js'].replace('[invoked', '[ invoked'));
  assert.ok(await says([5, functionArn('other')]));
  await die();
  assert.ok(await says([5, functionArn('other')]));
  assert.equal((await list())[0].UUID, UUID);
  await becomes('main.tf', mapping(4), [4, functionArn('says')]);
  await becomes('main.tf', '');
  await die();
  assert.ok(await says());
});

test('tags of functions have bounds', async (t) => {
  const { api } = await start(t);
  const tag = (Tags) => api.send(new TagResourceCommand({ Resource: functionArn('tells'), Tags }));
  for (const Tags of [{ ['k'.repeat(129)]: '' }, { '': 'v' }, { k: 'v'.repeat(257) }, { 'AWS:k': 'v' }]) {
    await assert.rejects(tag(Tags), { name: 'InvalidParameterValueException' });
  }
  await tag({ ['ä'.repeat(128)]: '☕'.repeat(256) });
  assert.deepEqual((await api.send(new ListTagsCommand({ Resource: functionArn('tells') }))).Tags, { ['ä'.repeat(128)]: '☕'.repeat(256) });
});
