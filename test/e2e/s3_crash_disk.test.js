/* A full disk: what would not fit is refused with its own status, what is stored stays readable and can be removed, and
 * room that comes back is used at once. */
import assert from 'node:assert/strict';
import { readdirSync, rmSync, statSync, symlinkSync, truncateSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import {
  CompleteMultipartUploadCommand, CreateBucketCommand, CreateMultipartUploadCommand, DeleteObjectCommand, GetObjectCommand, ListObjectsV2Command,
  PutObjectCommand, S3Client, UploadPartCommand,
} from '@aws-sdk/client-s3';
import {
  CreateArchiveCommand, DeleteRuleCommand, DescribeArchiveCommand, DescribeReplayCommand, DisableRuleCommand, EventBridgeClient, ListArchivesCommand,
  ListReplaysCommand, ListRulesCommand, PutRuleCommand, PutTargetsCommand, RemoveTargetsCommand, StartReplayCommand, UpdateArchiveCommand,
} from '@aws-sdk/client-eventbridge';
import {
  CreateEventSourceMappingCommand, DeleteEventSourceMappingCommand, DeleteFunctionEventInvokeConfigCommand, GetEventSourceMappingCommand,
  GetFunctionEventInvokeConfigCommand, LambdaClient, ListEventSourceMappingsCommand, ListTagsCommand, PutFunctionEventInvokeConfigCommand, TagResourceCommand,
  UpdateEventSourceMappingCommand,
} from '@aws-sdk/client-lambda';
import { CreateScheduleCommand, DeleteScheduleCommand, ListSchedulesCommand, SchedulerClient } from '@aws-sdk/client-scheduler';
import {
  AddPermissionCommand, CreateQueueCommand, DeleteMessageCommand, DeleteQueueCommand, GetQueueAttributesCommand, ListQueueTagsCommand, ListQueuesCommand,
  ReceiveMessageCommand, RemovePermissionCommand, SQSClient, SendMessageCommand, SetQueueAttributesCommand, TagQueueCommand, UntagQueueCommand,
} from '@aws-sdk/client-sqs';
import { lambda, TELLS } from './aws_project.js';
import { eventually, startPlatform } from './harness.js';
import { fill, isFull, testOnDisk } from './small_disk.js';

const Bucket = 'full';
const MIB = 1024 * 1024;
const KEEPS = { 'main.tf': lambda('keep'), 'keep.js': TELLS };

function connect(t, platform) {
  const options = { ...platform.aws, forcePathStyle: true, maxAttempts: 1 };
  const clients = [new S3Client(options), new SQSClient(options)];
  t.after(() => clients.forEach((client) => client.destroy()));
  return {
    s3: (Command, input) => clients[0].send(new Command({ Bucket, ...input })),
    sqs: (Command, input) => clients[1].send(new Command(input)),
  };
}

function eventsOf(t, platform) {
  const client = new EventBridgeClient({ ...platform.aws, maxAttempts: 1 });
  t.after(() => client.destroy());
  return (Command, input) => client.send(new Command(input));
}

/** Does it again and again until it is refused; says how often it was done. */
async function untilFull(act, name) {
  for (let n = 0; ; n++) {
    try {
      await act(n);
    } catch (error) {
      assert.equal(error.$metadata?.httpStatusCode, 507, `${error.name}: ${error.message}`);
      assert.equal(error.name, name);
      return n;
    }
    assert.ok(n < 10_000, 'it is never full');
  }
}

/** Takes all that is left of the disk, and of the room within the database. Returns the file that can be removed again. */
async function fillUp(data, sqs, QueueUrl) {
  const ballast = path.join(data, 'ballast');
  fill(ballast);
  await untilFull((n) => sqs(SendMessageCommand, { QueueUrl, MessageBody: `${n}`.repeat(3000) }), 'InternalFailure');
  return ballast;
}

const object = (n) => Buffer.alloc(MIB, `object ${n} `);

testOnDisk('a full disk refuses what is new, keeps what is old, and recovers', async (t, data) => {
  const platform = await startPlatform(t, { files: KEEPS, args: ['--data', data] });
  const { s3, sqs } = connect(t, platform);
  await s3(CreateBucketCommand, {});
  const { QueueUrl } = await sqs(CreateQueueCommand, { QueueName: 'jobs' });
  await sqs(SendMessageCommand, { QueueUrl, MessageBody: 'before' });
  const { UploadId } = await s3(CreateMultipartUploadCommand, { Key: 'begun' });
  const { ETag } = await s3(UploadPartCommand, { Key: 'begun', UploadId, PartNumber: 1, Body: object(9) });
  const event = () => platform.post('/2015-03-31/functions/keep/invocations', { n: 1 }, { headers: { 'x-amz-invocation-type': 'Event' } });

  const large = await untilFull((n) => s3(PutObjectCommand, { Key: `large/${n}`, Body: object(n) }), 'InsufficientStorage');
  assert.ok(large > 5, `${large} objects found room`);
  await untilFull((n) => s3(PutObjectCommand, { Key: `small/${n}`, Body: `small ${n} `.repeat(300) }), 'InsufficientStorage');
  const ballast = await fillUp(data, sqs, QueueUrl);
  await eventually(async () => (await event()).status === 507, 'an event is accepted on a full disk');
  await assert.rejects(s3(PutObjectCommand, { Key: 'more', Body: object(0) }), isFull);

  await s3(CompleteMultipartUploadCommand, { Key: 'begun', UploadId, MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] } });
  const begun = await s3(GetObjectCommand, { Key: 'begun' });
  assert.ok(Buffer.from(await begun.Body.transformToByteArray()).equals(object(9)), 'what was begun before the disk was full could not end');

  for (let n = 0; n < large; n++) {
    const { Body } = await s3(GetObjectCommand, { Key: `large/${n}` });
    assert.ok(Buffer.from(await Body.transformToByteArray()).equals(object(n)), `large/${n}`);
  }
  assert.equal((await s3(ListObjectsV2Command, { Prefix: 'large/' })).KeyCount, large);
  const { Messages } = await sqs(ReceiveMessageCommand, { QueueUrl });
  await sqs(DeleteMessageCommand, { QueueUrl, ReceiptHandle: Messages[0].ReceiptHandle });

  for (let n = 0; n < 5; n++) {
    await s3(DeleteObjectCommand, { Key: `large/${n}` });
  }
  await eventually(() => s3(PutObjectCommand, { Key: 'again', Body: object(7) }).then(() => true, (error) => !isFull(error)), 'no room after objects were deleted');

  fill(ballast);
  await assert.rejects(s3(PutObjectCommand, { Key: 'more', Body: object(1) }), isFull);
  rmSync(ballast);
  await s3(PutObjectCommand, { Key: 'more', Body: object(1) });
  await sqs(SendMessageCommand, { QueueUrl, MessageBody: 'after' });
  assert.equal((await event()).status, 202);
  await platform.log('got {"n":1}');
});

testOnDisk('what waits in a queue is handed out by a platform that starts on a full disk', async (t, data) => {
  const options = { files: KEEPS, args: ['--data', data] };
  const first = await startPlatform(t, options);
  const { QueueUrl } = await connect(t, first).sqs(CreateQueueCommand, { QueueName: 'jobs' });
  await connect(t, first).sqs(SendMessageCommand, { QueueUrl, MessageBody: 'before' });
  await first.stop();
  rmSync(path.join(data, 'reserve')); /* as it is once the disk was full: some of that room is left */
  const ballast = path.join(data, 'ballast');
  fill(ballast);
  truncateSync(ballast, statSync(ballast).size - MIB / 2);
  const { sqs } = connect(t, await startPlatform(t, options));
  const { Messages } = await sqs(ReceiveMessageCommand, { QueueUrl: '/000000000000/jobs', WaitTimeSeconds: 5 });
  assert.deepEqual(Messages?.map(({ Body }) => Body), ['before']);
});

testOnDisk('a schedule can be removed on a full disk, and does not come back', async (t, data) => {
  const options = { files: KEEPS, args: ['--data', data] };
  const first = await startPlatform(t, options);
  const schedulerOf = (platform) => {
    const client = new SchedulerClient({ ...platform.aws, maxAttempts: 1 });
    t.after(() => client.destroy());
    return client;
  };
  const scheduler = schedulerOf(first);
  const { sqs } = connect(t, first);
  const { QueueUrl } = await sqs(CreateQueueCommand, { QueueName: 'jobs' });
  const create = (Name) => scheduler.send(new CreateScheduleCommand({
    Name, ScheduleExpression: 'rate(1 day)', FlexibleTimeWindow: { Mode: 'OFF' },
    Target: { Arn: 'arn:aws:lambda:us-east-1:000000000000:function:keep', RoleArn: 'arn:aws:iam::000000000000:role/x' },
  }));
  const names = async (client) => (await client.send(new ListSchedulesCommand({}))).Schedules.map(({ Name }) => Name);
  await create('gone');
  await create('kept');
  await fillUp(data, sqs, QueueUrl);

  await scheduler.send(new DeleteScheduleCommand({ Name: 'gone' }));
  assert.deepEqual(await names(scheduler), ['kept']);
  await first.stop();
  assert.deepEqual(await names(schedulerOf(await startPlatform(t, options))), ['kept']);
});

testOnDisk('a rule can be disabled and taken away with its targets on a full disk, and does not come back', async (t, data) => {
  const options = { files: KEEPS, args: ['--data', data] };
  const first = await startPlatform(t, options);
  const events = eventsOf(t, first);
  const { sqs } = connect(t, first);
  const { QueueUrl } = await sqs(CreateQueueCommand, { QueueName: 'jobs' });
  for (const Name of ['off', 'gone']) {
    await events(PutRuleCommand, { Name, EventPattern: '{"source":["shop"]}' });
    await events(PutTargetsCommand, { Rule: Name, Targets: [{ Id: '1', Arn: 'arn:aws:sqs:us-east-1:000000000000:jobs' }] });
  }
  await fillUp(data, sqs, QueueUrl);

  await assert.rejects(events(PutRuleCommand, { Name: 'off', EventPattern: '{"source":["shop"]}', Description: 'more' }), isFull);
  await events(DisableRuleCommand, { Name: 'off' });
  await events(RemoveTargetsCommand, { Rule: 'gone', Ids: ['1'] });
  await events(DeleteRuleCommand, { Name: 'gone' });
  await first.stop();
  const { Rules } = await eventsOf(t, await startPlatform(t, options))(ListRulesCommand, {});
  assert.deepEqual(Rules.map(({ Name, State }) => [Name, State]), [['off', 'DISABLED']]);
});

testOnDisk('archives and replays that are refused on a full disk are not there', async (t, data) => {
  const platform = await startPlatform(t, { files: KEEPS, args: ['--data', data] });
  const events = eventsOf(t, platform);
  const { sqs } = connect(t, platform);
  const { QueueUrl } = await sqs(CreateQueueCommand, { QueueName: 'jobs' });
  const Arn = 'arn:aws:events:us-east-1:000000000000:event-bus/default';
  const known = { ArchiveName: 'known', EventSourceArn: Arn, Description: 'before' };
  const replay = {
    ReplayName: 'again', EventSourceArn: 'arn:aws:events:us-east-1:000000000000:archive/known', EventStartTime: new Date(0), EventEndTime: new Date(),
    Destination: { Arn },
  };
  await events(CreateArchiveCommand, known);
  const ballast = await fillUp(data, sqs, QueueUrl);

  await assert.rejects(events(CreateArchiveCommand, { ...known, ArchiveName: 'refused' }), isFull);
  await assert.rejects(events(UpdateArchiveCommand, { ArchiveName: 'known', Description: 'after'.repeat(100) }), isFull);
  await assert.rejects(events(StartReplayCommand, replay), isFull);
  assert.deepEqual((await events(ListArchivesCommand, {})).Archives.map(({ ArchiveName }) => ArchiveName), ['known']);
  assert.equal((await events(DescribeArchiveCommand, { ArchiveName: 'known' })).Description, 'before');
  assert.deepEqual((await events(ListReplaysCommand, {})).Replays, []);

  rmSync(ballast);
  await eventually(() => events(StartReplayCommand, replay).then(() => true, (error) => !isFull(error)), 'no replay after there was room');
  await eventually(async () => (await events(DescribeReplayCommand, { ReplayName: 'again' })).State === 'COMPLETED', 'the replay does not end');
});

testOnDisk('how events are retried does not change when that is refused on a full disk', async (t, data) => {
  const platform = await startPlatform(t, { files: KEEPS, args: ['--data', data] });
  const client = new LambdaClient({ ...platform.aws, maxAttempts: 1 });
  t.after(() => client.destroy());
  const { sqs } = connect(t, platform);
  const { QueueUrl } = await sqs(CreateQueueCommand, { QueueName: 'jobs' });
  await client.send(new PutFunctionEventInvokeConfigCommand({ FunctionName: 'keep', MaximumRetryAttempts: 1 }));
  await fillUp(data, sqs, QueueUrl);

  const more = { FunctionName: 'keep', MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 };
  await assert.rejects(client.send(new PutFunctionEventInvokeConfigCommand(more)), isFull);
  assert.equal((await client.send(new GetFunctionEventInvokeConfigCommand({ FunctionName: 'keep' }))).MaximumRetryAttempts, 1);
  await client.send(new DeleteFunctionEventInvokeConfigCommand({ FunctionName: 'keep' }));
  await assert.rejects(client.send(new GetFunctionEventInvokeConfigCommand({ FunctionName: 'keep' })), { name: 'ResourceNotFoundException' });
});

testOnDisk('an event source mapping that is refused on a full disk is not there, or as it was', async (t, data) => {
  const platform = await startPlatform(t, { files: KEEPS, args: ['--data', data] });
  const client = new LambdaClient({ ...platform.aws, maxAttempts: 1 });
  t.after(() => client.destroy());
  const mapping = (Command, input) => client.send(new Command(input));
  const arnOf = (name) => `arn:aws:sqs:us-east-1:000000000000:${name}`;
  const { sqs } = connect(t, platform);
  const { QueueUrl } = await sqs(CreateQueueCommand, { QueueName: 'jobs' });
  await sqs(CreateQueueCommand, { QueueName: 'known' });
  const { UUID, EventSourceMappingArn: Resource } = await mapping(CreateEventSourceMappingCommand, {
    FunctionName: 'keep', EventSourceArn: arnOf('known'), BatchSize: 3, Enabled: false, Tags: { team: 'before' },
  });
  const ballast = await fillUp(data, sqs, QueueUrl);

  const more = { FunctionName: 'keep', FilterCriteria: { Filters: [{ Pattern: JSON.stringify({ body: ['x'.repeat(3000)] }) }] } };
  await assert.rejects(mapping(CreateEventSourceMappingCommand, { ...more, EventSourceArn: arnOf('jobs') }), isFull);
  await assert.rejects(mapping(UpdateEventSourceMappingCommand, { ...more, UUID, BatchSize: 5, Enabled: true }), isFull);
  await assert.rejects(mapping(TagResourceCommand, { Resource, Tags: Object.fromEntries([...'abcdefghijkl'].map((k) => [k, k.repeat(256)])) }), isFull);
  const { EventSourceMappings } = await mapping(ListEventSourceMappingsCommand, {});
  assert.deepEqual(EventSourceMappings.map((m) => [m.UUID, m.BatchSize, m.State, m.FilterCriteria]), [[UUID, 3, 'Disabled', undefined]]);
  assert.deepEqual((await mapping(ListTagsCommand, { Resource })).Tags, { team: 'before' });

  rmSync(ballast);
  await eventually(() => mapping(UpdateEventSourceMappingCommand, { UUID, BatchSize: 5 }).then(() => true, (error) => !isFull(error)), 'no change after there was room');
  assert.equal((await mapping(GetEventSourceMappingCommand, { UUID })).BatchSize, 5);
  await mapping(DeleteEventSourceMappingCommand, { UUID });
  await mapping(CreateEventSourceMappingCommand, { FunctionName: 'keep', EventSourceArn: arnOf('jobs') });
  await sqs(SendMessageCommand, { QueueUrl, MessageBody: 'at last' });
  await platform.log(/at last/);
});

testOnDisk('a queue that is refused on a full disk is not there', async (t, data) => {
  const platform = await startPlatform(t, { files: KEEPS, args: ['--data', data] });
  const { sqs } = connect(t, platform);
  const { QueueUrl } = await sqs(CreateQueueCommand, { QueueName: 'jobs' });
  const ballast = await fillUp(data, sqs, QueueUrl);
  const names = async () => (await sqs(ListQueuesCommand, {})).QueueUrls.map((url) => path.basename(url));

  const more = { QueueName: 'more', tags: { why: 'it needs room '.repeat(15) } };
  await Promise.all([1, 2, 3].map(() => assert.rejects(sqs(CreateQueueCommand, more), isFull)));
  await assert.rejects(sqs(CreateQueueCommand, more), isFull);
  assert.deepEqual(await names(), ['jobs']);
  await assert.rejects(sqs(SendMessageCommand, { QueueUrl: '/000000000000/more', MessageBody: 'x' }), { name: 'QueueDoesNotExist' });

  rmSync(ballast);
  await eventually(() => sqs(CreateQueueCommand, more).then(() => true, (error) => !isFull(error)), 'no queue after there was room');
  assert.deepEqual(await names(), ['jobs', 'more']);
});

testOnDisk('what is set on a queue can be taken away on a full disk, and does not change by what is refused there', async (t, data) => {
  const platform = await startPlatform(t, { files: KEEPS, args: ['--data', data] });
  const { sqs } = connect(t, platform);
  const long = 'before '.repeat(30);
  const { QueueUrl } = await sqs(CreateQueueCommand, {
    QueueName: 'jobs', Attributes: { VisibilityTimeout: '7' }, tags: Object.fromEntries([...'abcdefghijklmnopqrst'].map((key) => [key, long])),
  });
  const allowed = { QueueUrl, Label: 'one', AWSAccountIds: ['111111111111'], Actions: ['SendMessage'] };
  await sqs(AddPermissionCommand, allowed);
  const all = async () => {
    const { Attributes: { Policy, VisibilityTimeout } } = await sqs(GetQueueAttributesCommand, { QueueUrl, AttributeNames: ['Policy', 'VisibilityTimeout'] });
    return { Policy, VisibilityTimeout, ...(await sqs(ListQueueTagsCommand, { QueueUrl })).Tags };
  };
  const before = await all();
  await fillUp(data, sqs, QueueUrl);

  await assert.rejects(sqs(SetQueueAttributesCommand, { QueueUrl, Attributes: { VisibilityTimeout: '9', DelaySeconds: '3' } }), isFull);
  await assert.rejects(sqs(AddPermissionCommand, { ...allowed, Label: 'two' }), isFull);
  await assert.rejects(sqs(TagQueueCommand, { QueueUrl, Tags: { u: long } }), isFull);
  assert.deepEqual(await all(), before);
  await sqs(SetQueueAttributesCommand, { QueueUrl, Attributes: { VisibilityTimeout: '9' } });
  await sqs(UntagQueueCommand, { QueueUrl, TagKeys: ['b'] });
  await sqs(RemovePermissionCommand, { QueueUrl, Label: 'one' });
  const { b: _, ...rest } = before;
  assert.deepEqual(await all(), { ...rest, VisibilityTimeout: '9', Policy: undefined });
  await sqs(DeleteQueueCommand, { QueueUrl });
  await assert.rejects(all(), { name: 'QueueDoesNotExist' });
});

test('an object whose file is damaged is refused as a whole, and can be put again', async (t) => {
  const platform = await startPlatform(t, { files: KEEPS });
  const { s3 } = connect(t, platform);
  await s3(CreateBucketCommand, {});
  await s3(PutObjectCommand, { Key: 'large', Body: object(1) });
  const objects = path.join(platform.project, '.mayfly/objects');
  const file = readdirSync(objects, { recursive: true, withFileTypes: true }).find((entry) => entry.isFile());
  const isDamaged = (error) => error.$metadata?.httpStatusCode === 500 && error.name === 'InternalError';
  truncateSync(path.join(file.parentPath, file.name), 1000);
  await assert.rejects(s3(GetObjectCommand, { Key: 'large' }), isDamaged);
  const isWhole = async () => {
    const { Body } = await s3(GetObjectCommand, { Key: 'large' });
    assert.ok(Buffer.from(await Body.transformToByteArray()).equals(object(1)));
  };
  await s3(PutObjectCommand, { Key: 'large', Body: object(1) }); /* the same bytes are the same file */
  await isWhole();
  rmSync(path.join(file.parentPath, file.name));
  await assert.rejects(s3(GetObjectCommand, { Key: 'large', Range: 'bytes=0-9' }), isDamaged);
  await eventually(() => platform.errors.match(/upload it again/g)?.length === 2, 'both are told');
  symlinkSync('nothing', path.join(file.parentPath, file.name)); /* of all that there is and cannot be read, as on a disk that fails */
  await assert.rejects(s3(GetObjectCommand, { Key: 'large' }), isDamaged);
  await eventually(() => /object large of bucket \S+ cannot be read: Too many levels of symbolic links/.test(platform.errors), 'so is this');
  assert.equal(platform.errors.match(/upload it again/g).length, 2, 'it may be whole');
  rmSync(path.join(file.parentPath, file.name));
  await s3(DeleteObjectCommand, { Key: 'large' });
  await s3(PutObjectCommand, { Key: 'large', Body: object(1) });
  await isWhole();
});

test('what is sent after the data folder was removed is refused, and not lost at the next start', async (t) => {
  const platform = await startPlatform(t, { files: KEEPS });
  const { s3, sqs } = connect(t, platform);
  await s3(CreateBucketCommand, {});
  const { QueueUrl } = await sqs(CreateQueueCommand, { QueueName: 'jobs' });
  rmSync(path.join(platform.project, '.mayfly'), { recursive: true });
  const isRefused = (error) => error.$metadata?.httpStatusCode === 500;
  await assert.rejects(s3(PutObjectCommand, { Key: 'small', Body: 'x' }), isRefused);
  await assert.rejects(s3(PutObjectCommand, { Key: 'large', Body: object(1) }), isRefused);
  await assert.rejects(sqs(SendMessageCommand, { QueueUrl, MessageBody: 'x' }), isRefused);
  await eventually(() => /error: the data folder was removed while it is in use/.test(platform.errors), () => platform.transcript());
});

testOnDisk('a webhook is handled once on a full disk, too', async (t, data) => {
  const files = {
    'mayfly.json': JSON.stringify({ volumes: ['ran'], routes: { '/api/once': { idempotent: '$.id' } } }),
    'api/once.js': `
      import { appendFileSync } from 'node:fs';
      export async function POST(request) {
        const { id } = await request.json();
        appendFileSync('ran/ids', id + '\\n');
        return new Response('x'.repeat(100_000));
      }`,
    'wrangler.json': JSON.stringify({
      name: 'w', main: 'worker.js', compatibility_date: '2026-01-01', routes: ['worker.test/*'], queues: { producers: [{ binding: 'JOBS', queue: 'jobs' }] },
    }),
    'worker.js': `
      export default {
        fetch: (request, env) => env.JOBS.send('x').then(() => new Response('sent'), (error) => new Response(error.message, { status: 507 })),
      };`,
  };
  const platform = await startPlatform(t, { files, args: ['--data', data] });
  const once = async (id) => (await platform.post('/api/once', { id })).status;
  assert.equal(await once('event-0'), 200);
  const ballast = path.join(data, 'ballast');
  fill(ballast);
  const refused = [];
  for (let n = 1; refused.length < 3; n++) {
    const status = await once(`event-${n}`);
    assert.ok(status === 200 || status === 507, `event-${n}: ${status}`);
    assert.ok(n < 200, 'it is never full');
    if (status === 507) {
      refused.push(`event-${n}`);
    }
  }
  assert.deepEqual(platform.lines('ran/ids').filter((id) => refused.includes(id)), [], 'what could not be kept was run');
  assert.equal(await once('event-0'), 200); /* answers that are there are given */
  assert.equal((await platform.get('/', { headers: { host: 'worker.test' } })).text, 'Queue send failed: the disk is full');
  rmSync(ballast);
  for (const id of refused) {
    await eventually(async () => (await once(id)) === 200, `${id} is refused`);
  }
  const ran = platform.lines('ran/ids');
  assert.deepEqual(ran, [...new Set(ran)]);
});
