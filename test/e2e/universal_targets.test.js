/* EventBridge Scheduler's universal targets: calls of AWS's APIs, as AWS's own clients see them. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import { GetObjectCommand, CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { PutFunctionConcurrencyCommand } from '@aws-sdk/client-lambda';
import { CreateScheduleCommand, UpdateScheduleCommand } from '@aws-sdk/client-scheduler';
import { CreateQueueCommand, DeleteMessageCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { clients, gotten, lambda, scheduleSoon, TELLS, WHERE } from './aws_project.js';
import { eventually, runMayfly, startPlatform } from './harness.js';

const FILES = { 'main.tf': lambda('tells'), 'tells.js': TELLS, 'api/where.js': WHERE };
const RoleArn = 'arn:aws:iam::000000000000:role/any';
const FlexibleTimeWindow = { Mode: 'OFF' };
const target = (api, input, more = {}) => ({ Arn: `arn:aws:scheduler:::aws-sdk:${api}`, RoleArn, Input: JSON.stringify(input), ...more });

async function start(t, files = FILES) {
  const platform = await startPlatform(t, { files });
  const made = await clients(t, platform);
  const queue = async (QueueName) => (await made.sqs.send(new CreateQueueCommand({ QueueName }))).QueueUrl;
  const receive = async (QueueUrl) => {
    const { Messages: [message] } = await made.sqs.send(
      new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20, MessageAttributeNames: ['All'] }));
    await made.sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message.ReceiptHandle }));
    const { Body, MessageAttributes = {} } = message;
    return { Body, ...Object.fromEntries(Object.entries(MessageAttributes).map(([name, { StringValue }]) => [name, StringValue])) };
  };
  const soon = (Name, Target) => scheduleSoon(made.scheduler, { Name, FlexibleTimeWindow, Target });
  return { platform, ...made, queue, receive, soon };
}

test('a schedule sends messages with all that SQS lets a message have', async (t) => {
  const { queue, receive, soon } = await start(t);
  const one = await queue('one');
  const many = await queue('many');
  const color = { DataType: 'String', StringValue: 'red' };
  await Promise.all([
    soon('one', target('sqs:sendMessage', { QueueUrl: one, MessageBody: '<aws.scheduler.schedule-arn>', MessageAttributes: { color } })),
    soon('many', target('sqs:sendMessageBatch', { QueueUrl: many, Entries: [{ Id: '1', MessageBody: 'a' }, { Id: '2', MessageBody: 'b' }] })),
  ]);
  assert.deepEqual(await receive(one), { Body: 'arn:aws:scheduler:us-east-1:000000000000:schedule/default/one', color: 'red' });
  const bodies = [await receive(many), await receive(many)].map(({ Body }) => Body);
  assert.deepEqual(bodies.sort(), ['a', 'b']);
});

test('a schedule puts events, invokes functions and writes objects', async (t) => {
  const { platform, events, soon } = await start(t);
  const { json: { endpoint } } = await platform.get('/api/where');
  const s3 = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials: { accessKeyId: 'mayfly', secretAccessKey: 'mayfly-dev-only' } });
  t.after(() => s3.destroy());
  await s3.send(new CreateBucketCommand({ Bucket: 'notes' }));
  await events.send(new PutRuleCommand({ Name: 'shop', EventPattern: '{"source":["shop"]}' }));
  const function_ = 'arn:aws:lambda:us-east-1:000000000000:function:tells';
  await events.send(new PutTargetsCommand({ Rule: 'shop', Targets: [{ Id: '1', Arn: function_, InputPath: '$.detail' }] }));
  const entry = { Source: 'shop', DetailType: 'order', Detail: '{"n":1}' };
  await Promise.all([
    soon('events', target('eventbridge:putEvents', { Entries: [entry] })),
    soon('invoke', target('lambda:invoke', { FunctionName: function_, InvocationType: 'Event', Payload: '{"n":2}' })),
    soon('wait', target('lambda:invoke', { FunctionName: 'tells', Payload: '{"n":3}' })),
    soon('object', target('s3:putObject', { Bucket: 'notes', Key: 'a b/ü+.txt', Body: 'hello', ContentType: 'text/plain', Metadata: { mood: 'fine' } })),
  ]);
  const numbers = (await gotten(platform, 3)).map(({ n }) => n);
  assert.deepEqual(numbers.sort(), [1, 2, 3]);
  const read = () => s3.send(new GetObjectCommand({ Bucket: 'notes', Key: 'a b/ü+.txt' })).catch(() => null);
  await eventually(read, 'there is no object');
  const { Body, ContentType, Metadata } = await read();
  assert.deepEqual([await Body.transformToString(), ContentType, Metadata], ['hello', 'text/plain', { mood: 'fine' }]);
});

test("what an API refuses goes to the schedule's dead-letter queue, with the API's own words", async (t) => {
  const { queue, receive, soon } = await start(t);
  const dead = await queue('dead');
  const more = { DeadLetterConfig: { Arn: 'arn:aws:sqs:us-east-1:000000000000:dead' } };
  const gone = { QueueUrl: dead.replace(/dead$/, 'gone'), MessageBody: 'x' };
  const calls = [
    ['sqs:sendMessage', gone, 'AWS.SimpleQueueService.NonExistentQueue', /queue does not exist/],
    ['lambda:invoke', { FunctionName: 'gone', ClientContext: '<aws.scheduler.execution-id>' }, 'ResourceNotFoundException', /Function not found: .*gone/],
    ['eventbridge:putRule', { Name: 'x', EventPattern: '[' }, 'InvalidEventPatternException', /not valid/],
    ['s3:deleteObject', { Bucket: 'gone', Key: 'x' }, 'NoSuchBucket', /bucket does not exist/],
    ['ec2:stopInstances', { InstanceIds: ['i-1'] }, 'NO_RESOURCE', /ec2:stopInstances is of a service that is not here/],
  ];
  await Promise.all(calls.map(([api, input], i) => soon(`call-${i}`, target(api, input, more))));
  const letters = [];
  while (letters.length < calls.length) {
    letters.push(await receive(dead));
  }
  for (const [i, [api, input, code, why]] of calls.entries()) {
    const letter = letters.find(({ SCHEDULE_ARN }) => SCHEDULE_ARN.endsWith(`/call-${i}`));
    const { ERROR_MESSAGE, EXECUTION_ID, SCHEDULED_TIME, ...rest } = letter;
    assert.match(ERROR_MESSAGE, why);
    assert.match(`${EXECUTION_ID} ${SCHEDULED_TIME}`, /^[0-9a-f]{16} \d{4}-\d\d-\d\dT[\d:]{8}Z$/);
    assert.deepEqual(rest, { Body: JSON.stringify(input).replace('<aws.scheduler.execution-id>', EXECUTION_ID), SCHEDULE_ARN: `arn:aws:scheduler:us-east-1:000000000000:schedule/default/call-${i}`,
      TARGET_ARN: `arn:aws:scheduler:::aws-sdk:${api}`, ERROR_CODE: code, RETRY_ATTEMPTS: '0', IS_PAYLOAD_TRUNCATED: 'false' });
  }
});

test('targets that a schedule cannot have are refused, in the words of AWS', async (t) => {
  const { scheduler } = await start(t);
  const create = (Target) => scheduler.send(new CreateScheduleCommand({ Name: 'x', FlexibleTimeWindow, ScheduleExpression: 'rate(1 day)', Target }));
  const refused = (Target, message) => assert.rejects(create(Target), { name: 'ValidationException', message });
  const QueueUrl = 'http://localhost/000000000000/q';
  await refused({ Arn: 'arn:aws:scheduler:us-east-1:000000000000:aws-sdk:sqs:sendMessage', RoleArn, Input: '{}' },
    'scheduler is not a supported service for a target.');
  await refused({ Arn: 'arn:aws:backup:us-east-1:000000000000:x', RoleArn, Input: '{}' }, 'backup is not a supported service for a target.');
  await refused(target('sqs:getQueueUrl', { QueueName: 'q' }), 'getQueueUrl API is not supported.');
  await refused(target('sqs:listQueues', {}), 'listQueues API is not supported.');
  await refused({ Arn: 'arn:aws:scheduler:::aws-sdk:sqs:sendMessage', RoleArn }, 'You must provide an input to set this target for your schedule.');
  await refused(target('sqs:sendMessage', { QueueUrl }),
    'Invalid RequestJson provided. Reason Request payload is missing the following field(s): MessageBody.');
  await refused(target('sqs:sendMessage', { queueUrl: QueueUrl, messageBody: 'x' }),
    'Invalid RequestJson provided. Reason Request payload is missing the following field(s): QueueUrl, MessageBody.');
  const sqs = { Arn: 'arn:aws:sqs:us-east-1:000000000000:q', RoleArn };
  await refused({ ...sqs, DeadLetterConfig: { Arn: 'arn:aws:sqs:us-east-1:000000000000:dead.fifo' } },
    /^1 validation error detected: Value 'arn:aws:sqs:us-east-1:000000000000:dead.fifo' at 'target.deadLetterConfig.arn' failed to satisfy constraint/);
  await refused({ ...sqs, EventBridgeParameters: { DetailType: 'x', Source: 'aws.x' } }, /Value 'aws\.x' at 'target.eventBridgeParameters.source' failed/);
  await create(target('sqs:sendMessage', { QueueUrl, MessageBody: 'x' }));
  await assert.rejects(scheduler.send(new UpdateScheduleCommand({ Name: 'x', FlexibleTimeWindow, ScheduleExpression: 'rate(1 day)',
    Target: target('sqs:listQueues', {}) })), { name: 'ValidationException' });
});

test('each attempt of a call has its number', async (t) => {
  const { platform, lambda: client, queue, receive, soon } = await start(t);
  const reserve = (n) => client.send(new PutFunctionConcurrencyCommand({ FunctionName: 'tells', ReservedConcurrentExecutions: n }));
  await reserve(0);
  const dead = await queue('dead');
  const call = (more) => target('lambda:invoke', { FunctionName: 'tells', Payload: '{"n":<aws.scheduler.attempt-number>}' }, more);
  await soon('given-up', call({ DeadLetterConfig: { Arn: 'arn:aws:sqs:us-east-1:000000000000:dead' }, RetryPolicy: { MaximumRetryAttempts: 1 } }));
  await soon('patient', call());
  const { Body, RETRY_ATTEMPTS, ERROR_CODE } = await receive(dead);
  assert.deepEqual([JSON.parse(Body).Payload, RETRY_ATTEMPTS, ERROR_CODE], ['{"n":2}', '1', 'TooManyRequestsException']);
  await eventually(() => [...platform.transcript().matchAll(/try 1 failed/g)].length === 2, 'it is not tried');
  await reserve(5);
  const [{ n }] = await gotten(platform, 1);
  assert.ok(Number.isInteger(n) && n > 1, `attempt ${n}`);
});

test('a schedule of the project may call an API, too', async (t) => {
  const schedule = `
resource "aws_sqs_queue" "ticks" { name = "ticks" }
resource "aws_scheduler_schedule" "tick" {
  name                = "tick"
  schedule_expression = "rate(1 minute)"
  flexible_time_window { mode = "OFF" }
  target {
    arn      = "arn:aws:scheduler:::aws-sdk:sqs:sendMessage"
    role_arn = "${RoleArn}"
    input    = jsonencode({ QueueUrl = aws_sqs_queue.ticks.url, MessageBody = "<aws.scheduler.schedule-arn>" })
  }
}`;
  const { platform, queue, receive } = await start(t, { ...FILES, 'main.tf': lambda('tells') + schedule });
  assert.equal((await runMayfly(['trigger', 'tick', '--project', platform.project])).status, 0);
  assert.deepEqual(await receive(await queue('ticks')), { Body: 'arn:aws:scheduler:us-east-1:000000000000:schedule/default/tick' });
});

test('a schedule of the project puts an event on a bus, with what it says of it', async (t) => {
  const schedule = `
resource "aws_sqs_queue" "heard" { name = "heard" }
resource "aws_cloudwatch_event_rule" "ticks" {
  name          = "ticks"
  event_pattern = jsonencode({ source = ["my.clock"], "detail-type" = ["tick"], detail = { n = [1] } })
}
resource "aws_cloudwatch_event_target" "heard" {
  rule       = aws_cloudwatch_event_rule.ticks.name
  arn        = aws_sqs_queue.heard.arn
  input_path = "$.detail"
}
resource "aws_scheduler_schedule" "tick" {
  name                = "tick"
  schedule_expression = "rate(1 minute)"
  flexible_time_window { mode = "OFF" }
  target {
    arn      = "arn:aws:events:us-east-1:000000000000:event-bus/default"
    role_arn = "${RoleArn}"
    input    = jsonencode({ n = 1 })
    eventbridge_parameters {
      detail_type = "tick"
      source      = "my.clock"
    }
  }
}`;
  const { platform, queue, receive } = await start(t, { ...FILES, 'main.tf': lambda('tells') + schedule });
  assert.equal((await runMayfly(['trigger', 'tick', '--project', platform.project])).status, 0);
  assert.deepEqual(await receive(await queue('heard')), { Body: '{"n":1}' });
});

test('who has an account of its own has nothing done that it may not do itself', async (t) => {
  const users = { alice: { accessKeyId: 'alicealice', secretAccessKey: 'alice-secret' } };
  const { platform, queue, receive, soon } = await start(t, { ...FILES, 'mayfly.json': JSON.stringify({ events: { users } }) });
  const { json: { endpoint } } = await platform.get('/api/where');
  const s3 = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials: { accessKeyId: 'mayfly', secretAccessKey: 'mayfly-dev-only' } });
  t.after(() => s3.destroy());
  await s3.send(new CreateBucketCommand({ Bucket: 'private' }));
  const { scheduler } = await clients(t, platform, { credentials: users.alice });
  const dead = await queue('dead');
  const DeadLetterConfig = { Arn: 'arn:aws:sqs:us-east-1:000000000000:dead' };
  const write = target('s3:putObject', { Bucket: 'private', Key: 'x', Body: 'y' }, { DeadLetterConfig });
  await scheduleSoon(scheduler, { Name: 'alices', FlexibleTimeWindow, Target: write });
  const { ERROR_CODE: code, SCHEDULE_ARN: arn } = await receive(dead);
  assert.deepEqual([code, arn.split('/').at(-1)], ['AccessDenied', 'alices']);
  await soon('roots', target('s3:putObject', { Bucket: 'private', Key: 'z', Body: 'y' }));
  await eventually(() => s3.send(new GetObjectCommand({ Bucket: 'private', Key: 'z' })).catch(() => null), 'there is no object');
  await assert.rejects(s3.send(new GetObjectCommand({ Bucket: 'private', Key: 'x' })), { name: 'NoSuchKey' });
});
