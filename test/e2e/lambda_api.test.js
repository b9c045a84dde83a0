/* The Lambda API by AWS's own client. */
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  CreateEventSourceMappingCommand,
  DeleteEventSourceMappingCommand,
  DeleteFunctionEventInvokeConfigCommand,
  GetEventSourceMappingCommand,
  GetFunctionCommand,
  GetFunctionEventInvokeConfigCommand,
  InvokeCommand,
  ListFunctionsCommand,
  PutFunctionEventInvokeConfigCommand,
  UpdateEventSourceMappingCommand,
} from '@aws-sdk/client-lambda';
import { CreateQueueCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { clients, gotten, got, lambda, TELLS, WHERE } from './aws_project.js';
import { eventually, startPlatform } from './harness.js';

const FILES = { 'main.tf': lambda('tells') + lambda('other'), 'tells.js': TELLS, 'other.js': TELLS.replace("'got '", "'other '"), 'api/where.js': WHERE };
const ARN = 'arn:aws:sqs:us-east-1:000000000000:q';

async function start(t, files = FILES) {
  const platform = await startPlatform(t, { files });
  return { platform, ...await clients(t, platform) };
}

const text = (payload) => Buffer.from(payload ?? []).toString();

test('a function is invoked, with its log, without a wait, or not at all', async (t) => {
  const { platform, lambda: api } = await start(t);
  const invoke = (Payload, more = {}) => api.send(new InvokeCommand({ FunctionName: 'tells', Payload, ...more }));
  const answer = await invoke('{"a":1}', { LogType: 'Tail' });
  assert.equal(answer.StatusCode, 200);
  assert.equal(text(answer.Payload), '"fine"');
  assert.equal(answer.ExecutedVersion, '$LATEST');
  assert.match(Buffer.from(answer.LogResult, 'base64').toString(), /got \{"a":1\}/);
  const failed = await invoke('{"fail":"boom"}');
  assert.equal(failed.FunctionError, 'Unhandled');
  assert.equal(JSON.parse(text(failed.Payload)).errorMessage, 'boom');
  assert.equal((await invoke('{"b":2}', { InvocationType: 'Event' })).StatusCode, 202);
  assert.equal((await invoke('{}', { InvocationType: 'DryRun' })).StatusCode, 204);
  const events = await gotten(platform, 3);
  assert.deepEqual(events.at(-1), { b: 2 });
  await assert.rejects(api.send(new InvokeCommand({ FunctionName: 'none' })), { name: 'ResourceNotFoundException' });
});

test('functions are listed and described', async (t) => {
  const { lambda: api } = await start(t);
  const { Functions } = await api.send(new ListFunctionsCommand({}));
  assert.deepEqual(Functions.map(({ FunctionName }) => FunctionName).sort(), ['other', 'tells']);
  const { Configuration } = await api.send(new GetFunctionCommand({ FunctionName: 'tells' }));
  assert.equal(Configuration.Runtime, 'nodejs22.x');
  assert.equal(Configuration.State, 'Active');
});

test('two functions share a queue; each of its messages is for one of them', async (t) => {
  const { platform, lambda: api, sqs } = await start(t);
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'q' }));
  const map = (FunctionName) => api.send(new CreateEventSourceMappingCommand({ FunctionName, EventSourceArn: ARN, BatchSize: 1 }));
  const { UUID, EventSourceMappingArn, $metadata } = await map('tells');
  assert.equal($metadata.httpStatusCode, 202);
  assert.equal(EventSourceMappingArn, `arn:aws:lambda:us-east-1:000000000000:event-source-mapping:${UUID}`);
  await map('other');
  await assert.rejects(map('other'), { name: 'ResourceConflictException' });
  const sent = Array.from({ length: 12 }, (_, i) => `m${i}`);
  await Promise.all(sent.map((MessageBody) => sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }))));
  const seen = (word) => platform.records.filter((record) => record.type === 'log' && record.text.startsWith(`${word} `))
    .flatMap((record) => JSON.parse(record.text.slice(word.length + 1)).Records.map(({ body }) => body));
  await eventually(() => seen('got').length + seen('other').length >= 12, () => platform.transcript());
  assert.deepEqual([...seen('got'), ...seen('other')].sort(), [...sent].sort());
  assert.ok(seen('got').length > 0 && seen('other').length > 0, 'one of them got nothing');
});

test('a mapping is changed, stopped and removed', async (t) => {
  const { platform, lambda: api, sqs } = await start(t);
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'q' }));
  const { UUID } = await api.send(new CreateEventSourceMappingCommand({ FunctionName: 'tells', EventSourceArn: ARN, Enabled: false }));
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'a' }));
  await assert.rejects(api.send(new UpdateEventSourceMappingCommand({ UUID, BatchSize: 100 })), { name: 'InvalidParameterValueException' });
  assert.equal((await api.send(new GetEventSourceMappingCommand({ UUID }))).State, 'Disabled');
  assert.deepEqual(got(platform), []);
  await api.send(new UpdateEventSourceMappingCommand({ UUID, Enabled: true }));
  const [{ Records }] = await gotten(platform, 1);
  assert.equal(Records[0].body, 'a');
  assert.equal(Records[0].eventSourceARN, ARN);
  await api.send(new DeleteEventSourceMappingCommand({ UUID }));
  await assert.rejects(api.send(new GetEventSourceMappingCommand({ UUID })), { name: 'ResourceNotFoundException' });
});

test('what becomes of asynchronous events is configured', async (t) => {
  const { lambda: api } = await start(t);
  const FunctionName = 'tells';
  await assert.rejects(api.send(new GetFunctionEventInvokeConfigCommand({ FunctionName })), { name: 'ResourceNotFoundException' });
  await api.send(new PutFunctionEventInvokeConfigCommand({ FunctionName, MaximumRetryAttempts: 1, MaximumEventAgeInSeconds: 60 }));
  const config = await api.send(new GetFunctionEventInvokeConfigCommand({ FunctionName }));
  assert.deepEqual([config.MaximumRetryAttempts, config.MaximumEventAgeInSeconds], [1, 60]);
  await assert.rejects(api.send(new PutFunctionEventInvokeConfigCommand({ FunctionName, MaximumRetryAttempts: 3 })), { name: 'InvalidParameterValueException' });
  assert.equal((await api.send(new DeleteFunctionEventInvokeConfigCommand({ FunctionName }))).$metadata.httpStatusCode, 204);
  await assert.rejects(api.send(new DeleteFunctionEventInvokeConfigCommand({ FunctionName })), { name: 'ResourceNotFoundException' });
});
