/* What happens to objects, told to functions, queues and EventBridge's rules: by AWS's own clients, and by a MinIO outside. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CompleteMultipartUploadCommand, CopyObjectCommand, CreateBucketCommand, CreateMultipartUploadCommand, DeleteObjectCommand,
  DeleteObjectsCommand, GetBucketNotificationConfigurationCommand, PutBucketLifecycleConfigurationCommand,
  PutBucketNotificationConfigurationCommand,
  ListObjectVersionsCommand, PutBucketVersioningCommand, PutObjectCommand, PutObjectTaggingCommand, RestoreObjectCommand, S3Client, UploadPartCommand,
} from '@aws-sdk/client-s3';
import { EventBridgeClient, PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { createPresignedPost } from '@aws-sdk/s3-presigned-post';
import { TELLS, gotten, lambda } from './aws_project.js';
import { startPlatform } from './harness.js';

const arnOfFunction = (name) => `arn:aws:lambda:us-east-1:000000000000:function:${name}`;
const ARN_OF_KEEP = arnOfFunction('keep');
const arnOfQueue = (name) => `arn:aws:sqs:us-east-1:000000000000:${name}`;

const TOKEN = 'a-token-of-minio';

const PROJECT = {
  'main.tf': `${lambda('keep')}${lambda('traced')}
resource "aws_s3_bucket" "photos" { bucket = "photos" }
resource "aws_s3_bucket" "plain" { bucket = "plain" }
resource "aws_s3_bucket" "refusing" { bucket = "refusing" }
resource "aws_sqs_queue" "uploads" { name = "uploads" }
resource "aws_s3_bucket_notification" "photos" {
  bucket      = aws_s3_bucket.photos.id
  eventbridge = true
  lambda_function {
    id                  = "thumbnails"
    lambda_function_arn = aws_lambda_function.keep.arn
    events              = ["s3:ObjectCreated:*"]
    filter_prefix       = "in/"
    filter_suffix       = ".jpg"
  }
  queue {
    queue_arn = aws_sqs_queue.uploads.arn
    events    = ["s3:ObjectRemoved:*"]
  }
}
resource "aws_cloudwatch_event_rule" "created" {
  name          = "created"
  event_pattern = jsonencode({ source = ["aws.s3"], detail-type = ["Object Created"], detail = { bucket = { name = ["photos"] }, object = { key = [{ prefix = "rule/" }] } } })
}
resource "aws_cloudwatch_event_target" "created" {
  rule = aws_cloudwatch_event_rule.created.name
  arn  = aws_lambda_function.keep.arn
}
`,
  'keep.js': TELLS,
  'traced.js': 'exports.handler = async () => console.log(`traced ${process.env._X_AMZN_TRACE_ID}`);',
  'mayfly.json': JSON.stringify({ events: { minio: { token: '$MINIO_TOKEN' } } }),
  '.env': `MINIO_TOKEN=${TOKEN}\n`,
};

/** Clients that do one thing: `s3(PutObjectCommand, {...})`. */
function connect(t, platform) {
  const made = [S3Client, SQSClient, EventBridgeClient].map((Client) => new Client({ ...platform.aws, forcePathStyle: true }));
  t.after(() => made.forEach((client) => client.destroy()));
  const [s3, sqs, events] = made.map((client) => (Command, input) => client.send(new Command(input)));
  return { platform, s3, sqs, events, client: made[0] };
}

async function makeQueue(sqs, QueueName) {
  return (await sqs(CreateQueueCommand, { QueueName })).QueueUrl;
}

/** Takes so many messages from a queue. */
async function take(sqs, QueueUrl, count) {
  const bodies = [];
  while (bodies.length < count) {
    const { Messages = [] } = await sqs(ReceiveMessageCommand, { QueueUrl, WaitTimeSeconds: 20, MaxNumberOfMessages: 10, VisibilityTimeout: 600 });
    assert.ok(Messages.length > 0, `${bodies.length} of ${count} messages came`);
    bodies.push(...Messages.map(({ Body }) => JSON.parse(Body)));
  }
  assert.equal(bodies.length, count);
  return bodies;
}

const watchAll = (queue) => ({ QueueConfigurations: [{ QueueArn: arnOfQueue(queue), Events: ['s3:ObjectCreated:*', 's3:ObjectRemoved:*'] }] });

/** A bucket all of whose events go to a queue of its own; what S3 says first of it is taken. */
async function watched(s3, sqs, name) {
  const url = await makeQueue(sqs, name);
  await s3(CreateBucketCommand, { Bucket: name });
  await s3(PutBucketNotificationConfigurationCommand, { Bucket: name, NotificationConfiguration: watchAll(name) });
  const [test] = await take(sqs, url, 1);
  return { url, test };
}

async function everyWay({ s3, sqs, client }) {
  const Bucket = 'watched';
  const { url, test: first } = await watched(s3, sqs, Bucket);
  assert.deepEqual({ ...first, Time: '', RequestId: '', HostId: '' },
    { Service: 'Amazon S3', Event: 's3:TestEvent', Time: '', Bucket, RequestId: '', HostId: '' });

  const put = await s3(PutObjectCommand, { Bucket, Key: 'a b+ü/1.txt', Body: 'hello' });
  await s3(CopyObjectCommand, { Bucket, Key: 'copy', CopySource: `${Bucket}/${encodeURIComponent('a b+ü/1.txt')}` });
  const { UploadId } = await s3(CreateMultipartUploadCommand, { Bucket, Key: 'parts' });
  const { ETag } = await s3(UploadPartCommand, { Bucket, Key: 'parts', UploadId, PartNumber: 1, Body: 'part' });
  await s3(CompleteMultipartUploadCommand, { Bucket, Key: 'parts', UploadId, MultipartUpload: { Parts: [{ ETag, PartNumber: 1 }] } });
  const form = await createPresignedPost(client, { Bucket, Key: 'form' });
  const fields = new FormData();
  Object.entries(form.fields).forEach(([name, value]) => fields.append(name, value));
  fields.append('file', new Blob(['posted']));
  assert.equal((await fetch(form.url, { method: 'POST', body: fields })).status, 204);
  await s3(DeleteObjectCommand, { Bucket, Key: 'copy' });

  const records = (await take(sqs, url, 5)).map(({ Records }) => Records[0]);
  assert.deepEqual(records.map(({ eventName, s3: { object } }) => [eventName, object.key]), [
    ['ObjectCreated:Put', 'a+b%2B%C3%BC/1.txt'],
    ['ObjectCreated:Copy', 'copy'],
    ['ObjectCreated:CompleteMultipartUpload', 'parts'],
    ['ObjectCreated:Post', 'form'],
    ['ObjectRemoved:Delete', 'copy'],
  ]);
  const [record] = records;
  assert.deepEqual(Object.keys(record).sort(), ['awsRegion', 'eventName', 'eventSource', 'eventTime', 'eventVersion', 'requestParameters', 'responseElements', 's3', 'userIdentity']);
  assert.equal(record.eventVersion, '2.1');
  assert.equal(record.eventSource, 'aws:s3');
  assert.equal(record.awsRegion, 'us-east-1');
  assert.match(record.eventTime, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.equal(record.requestParameters.sourceIPAddress, '127.0.0.1');
  assert.equal(record.responseElements['x-amz-request-id'], put.$metadata.requestId);
  assert.equal(record.s3.s3SchemaVersion, '1.0');
  assert.ok(record.s3.configurationId);
  assert.equal(record.s3.bucket.name, Bucket);
  assert.equal(record.s3.bucket.arn, `arn:aws:s3:::${Bucket}`);
  assert.equal(record.s3.object.size, 5);
  assert.equal(record.s3.object.eTag, put.ETag.replaceAll('"', ''));
  assert.equal(record.s3.object.versionId, undefined);
  const order = records.map(({ s3: { object } }) => object.sequencer);
  assert.deepEqual(order, order.toSorted(), 'a later event of a key has a larger sequencer');
  assert.equal(new Set(order).size, order.length);
}

/** What was recorded of S3 and is not to be guessed. */
async function peculiarities({ s3, sqs }) {
  const Bucket = 'peculiar';
  const url = await makeQueue(sqs, Bucket);
  await s3(CreateBucketCommand, { Bucket });
  const put = (QueueConfigurations) => s3(PutBucketNotificationConfigurationCommand, { Bucket, NotificationConfiguration: { QueueConfigurations } });
  const rules = [{ Name: 'PREFIX', Value: 'a' }, { Name: 'suffix', Value: '' }];
  await put([{ Id: 'one', QueueArn: arnOfQueue(Bucket), Events: ['s3:ObjectRemoved:*', 's3:ObjectTagging:*', 's3:ObjectAcl:Put'], Filter: { Key: { FilterRules: rules } } }]);
  await take(sqs, url, 1); /* S3's test */
  const { QueueConfigurations: [kept] } = await s3(GetBucketNotificationConfigurationCommand, { Bucket });
  assert.deepEqual(kept.Filter.Key.FilterRules, [{ Name: 'Prefix', Value: 'a' }, { Name: 'Suffix', Value: '' }]);

  await s3(PutObjectCommand, { Bucket, Key: 'a', Body: '1' });
  await s3(PutObjectTaggingCommand, { Bucket, Key: 'a', Tagging: { TagSet: [{ Key: 'k', Value: 'v' }] } });
  await s3(DeleteObjectsCommand, { Bucket, Delete: { Objects: [{ Key: 'a' }, { Key: 'a-never-was' }] } });
  const told = (await take(sqs, url, 3)).map(({ Records: [{ eventName, s3: { object } }] }) => [eventName, object.key, Object.keys(object).sort().join(' ')]);
  assert.deepEqual(told, [
    ['ObjectTagging:Put', 'a', 'eTag key'],
    ['ObjectRemoved:Delete', 'a', 'key sequencer'],
    ['ObjectRemoved:Delete', 'a-never-was', 'key sequencer'],
  ]);

  const fifo = 'peculiar.fifo';
  await sqs(CreateQueueCommand, { QueueName: fifo, Attributes: { FifoQueue: 'true' } });
  const refused = await put([{ QueueArn: arnOfQueue(fifo), Events: ['s3:ObjectCreated:*'] }]).catch((error) => error);
  assert.deepEqual([refused.name, refused.ArgumentValue], ['InvalidArgument', 'FIFO SQS queues are not supported.']);
}

/** The trace of who writes an object goes on with its events. */
async function traces({ platform, s3, sqs }) {
  const Bucket = 'traced';
  const { url } = await watched(s3, sqs, Bucket);
  const NotificationConfiguration = { ...watchAll(Bucket), LambdaFunctionConfigurations: [{ LambdaFunctionArn: arnOfFunction('traced'), Events: ['s3:ObjectTagging:Put'] }] };
  await s3(PutBucketNotificationConfigurationCommand, { Bucket, NotificationConfiguration });
  await take(sqs, url, 1); /* S3's test */
  const trace = `Root=1-5f84c7a1-${'ab'.repeat(12)};Parent=${'cd'.repeat(8)};Sampled=1`;
  const client = new S3Client({ ...platform.aws, forcePathStyle: true });
  const header = (next) => (args) => next(Object.assign(args, { request: Object.assign(args.request, { headers: { ...args.request.headers, 'x-amzn-trace-id': trace } }) }));
  client.middlewareStack.add(header, { step: 'build' });
  await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }));
  await client.send(new PutObjectTaggingCommand({ Bucket, Key: 'k', Tagging: { TagSet: [{ Key: 'k', Value: 'v' }] } }));
  client.destroy();
  const { Messages } = await sqs(ReceiveMessageCommand, { QueueUrl: url, WaitTimeSeconds: 20, MessageSystemAttributeNames: ['AWSTraceHeader'] });
  assert.equal(Messages[0].Attributes.AWSTraceHeader, trace);
  await platform.log(/^traced Root=1-5f84c7a1-/);
}

async function restorations({ s3, sqs }) {
  const Bucket = 'restored';
  const url = await makeQueue(sqs, Bucket);
  await s3(CreateBucketCommand, { Bucket });
  const QueueConfigurations = [{ QueueArn: arnOfQueue(Bucket), Events: ['s3:ObjectRestore:*'] }];
  await s3(PutBucketNotificationConfigurationCommand, { Bucket, NotificationConfiguration: { QueueConfigurations } });
  await take(sqs, url, 1); /* S3's test */
  await s3(PutObjectCommand, { Bucket, Key: 'k', Body: 'ice', StorageClass: 'GLACIER' });
  await s3(RestoreObjectCommand, { Bucket, Key: 'k', RestoreRequest: { Days: 1 } });
  const records = (await take(sqs, url, 2)).map(({ Records: [record] }) => record);
  assert.deepEqual(records.map(({ eventName, eventVersion, s3: { object } }) => [eventName, eventVersion, object.key, object.size]), [
    ['ObjectRestore:Post', '2.1', 'k', 3], ['ObjectRestore:Completed', '2.1', 'k', 3],
  ]);
  const { restoreEventData } = records[1].glacierEventData;
  assert.equal(restoreEventData.lifecycleRestoreStorageClass, 'GLACIER');
  assert.ok(Date.parse(restoreEventData.lifecycleRestorationExpiryTime) > Date.now());
}

async function versions({ s3, sqs }) {
  const Bucket = 'versions';
  const { url } = await watched(s3, sqs, Bucket);
  await s3(PutBucketVersioningCommand, { Bucket, VersioningConfiguration: { Status: 'Enabled' } });
  const put = await s3(PutObjectCommand, { Bucket, Key: 'k', Body: '1' });
  const marker = await s3(DeleteObjectCommand, { Bucket, Key: 'k' });
  await s3(DeleteObjectsCommand, { Bucket, Delete: { Objects: [{ Key: 'k', VersionId: put.VersionId }] } });
  const told = (await take(sqs, url, 3)).map(({ Records: [{ eventName, s3: { object } }] }) => [eventName, object.versionId]);
  assert.deepEqual(told, [
    ['ObjectCreated:Put', put.VersionId],
    ['ObjectRemoved:DeleteMarkerCreated', marker.VersionId],
    ['ObjectRemoved:Delete', put.VersionId],
  ]);
}

/** What a rule of a bucket's lifecycle removes is told, too: nobody has asked for it, so S3 itself has done it. */
async function lifecycles({ s3, sqs, events }) {
  const Bucket = 'lifecycles';
  const [url, bus] = [await makeQueue(sqs, Bucket), await makeQueue(sqs, 'expired')];
  const expire = () => s3(PutBucketLifecycleConfigurationCommand, {
    Bucket, LifecycleConfiguration: { Rules: [{ ID: 'past', Status: 'Enabled', Filter: { Prefix: '' }, Expiration: { Date: new Date('2020-01-01T00:00:00Z') } }] },
  });
  await s3(CreateBucketCommand, { Bucket });
  await s3(PutBucketNotificationConfigurationCommand, {
    Bucket,
    NotificationConfiguration: { EventBridgeConfiguration: {}, QueueConfigurations: [{ QueueArn: arnOfQueue(Bucket), Events: ['s3:LifecycleExpiration:*'] }] },
  });
  await take(sqs, url, 1); /* S3's test */
  await events(PutRuleCommand, { Name: 'expired', EventPattern: JSON.stringify({ source: ['aws.s3'], detail: { reason: ['Lifecycle Expiration'] } }) });
  await events(PutTargetsCommand, { Rule: 'expired', Targets: [{ Id: '1', Arn: arnOfQueue('expired') }] });

  await s3(PutObjectCommand, { Bucket, Key: 'k', Body: 'over' });
  await expire();
  const [{ Records: [record] }] = await take(sqs, url, 1);
  assert.deepEqual([record.eventName, record.eventVersion, record.userIdentity, record.requestParameters],
    ['LifecycleExpiration:Delete', '2.3', { principalId: 's3.amazonaws.com' }, { sourceIPAddress: 's3.amazonaws.com' }]);
  assert.deepEqual({ ...record.s3.object, sequencer: '' }, { key: 'k', sequencer: '' });
  const [{ detail }] = await take(sqs, bus, 1);
  assert.deepEqual({ ...detail, object: detail.object.key, 'request-id': '' }, {
    version: '0', bucket: { name: Bucket }, object: 'k', 'request-id': '', requester: 's3.amazonaws.com',
    reason: 'Lifecycle Expiration', 'deletion-type': 'Permanently Deleted',
  });

  await s3(PutBucketVersioningCommand, { Bucket, VersioningConfiguration: { Status: 'Enabled' } });
  await s3(PutObjectCommand, { Bucket, Key: 'v', Body: 'over' });
  await expire();
  const [{ Records: [marked] }] = await take(sqs, url, 1);
  const { Versions, DeleteMarkers: [marker] } = await s3(ListObjectVersionsCommand, { Bucket });
  assert.deepEqual([marked.eventName, marked.s3.object.versionId], ['LifecycleExpiration:DeleteMarkerCreated', marker.VersionId]);
  assert.equal(Versions.length, 1);
  assert.equal((await take(sqs, bus, 1))[0].detail['deletion-type'], 'Delete Marker Created');
}

/** Objects that a rule moves to another storage class are told, with the class. */
async function transitions({ s3, sqs, events }) {
  const Bucket = 'transitions';
  const [url, bus] = [await makeQueue(sqs, Bucket), await makeQueue(sqs, 'moved')];
  await s3(CreateBucketCommand, { Bucket });
  await s3(PutBucketNotificationConfigurationCommand, {
    Bucket,
    NotificationConfiguration: { EventBridgeConfiguration: {}, QueueConfigurations: [{ QueueArn: arnOfQueue(Bucket), Events: ['s3:LifecycleTransition'] }] },
  });
  await take(sqs, url, 1); /* S3's test */
  await events(PutRuleCommand, { Name: 'moved', EventPattern: JSON.stringify({ source: ['aws.s3'], 'detail-type': ['Object Storage Class Changed'] }) });
  await events(PutTargetsCommand, { Rule: 'moved', Targets: [{ Id: '1', Arn: arnOfQueue('moved') }] });
  const { ETag } = await s3(PutObjectCommand, { Bucket, Key: 'k', Body: 'old' });
  await s3(PutBucketLifecycleConfigurationCommand, {
    Bucket, LifecycleConfiguration: { Rules: [{
      ID: 'old', Status: 'Enabled', Filter: { ObjectSizeGreaterThan: 1 }, Transitions: [{ Date: new Date('2020-01-01T00:00:00Z'), StorageClass: 'GLACIER' }],
    }] },
  });
  const [{ Records: [record] }] = await take(sqs, url, 1);
  assert.deepEqual([record.eventName, record.eventVersion, record.s3.object.key, record.lifecycleEventData],
    ['LifecycleTransition', '2.3', 'k', { transitionEventData: { destinationStorageClass: 'GLACIER' } }]);
  const [{ detail }] = await take(sqs, bus, 1);
  assert.deepEqual({ ...detail, 'request-id': '' }, {
    version: '0', bucket: { name: Bucket }, object: { key: 'k', size: 3, etag: ETag.slice(1, -1) }, 'request-id': '', requester: 's3.amazonaws.com',
    'destination-storage-class': 'GLACIER',
  });
}

async function declared({ platform, s3, sqs }) {
  const Bucket = 'photos';
  const from = platform.records.length;
  await s3(PutObjectCommand, { Bucket, Key: 'in/cat.jpg', Body: 'cat' });
  await s3(PutObjectCommand, { Bucket, Key: 'in/cat.png', Body: 'no' });
  await s3(PutObjectCommand, { Bucket, Key: 'out/cat.jpg', Body: 'no' });
  await s3(PutObjectCommand, { Bucket, Key: 'in/dog.jpg', Body: 'dog' });
  const told = await gotten(platform, 2, from);
  const keys = told.map(({ Records: [{ s3: { object, configurationId } }] }) => `${object.key} by ${configurationId}`);
  assert.deepEqual(keys.sort(), ['in/cat.jpg by thumbnails', 'in/dog.jpg by thumbnails'], 'in any order');

  const declared = {
    LambdaFunctionConfigurations: [{
      Id: 'thumbnails', LambdaFunctionArn: ARN_OF_KEEP, Events: ['s3:ObjectCreated:*'],
      Filter: { Key: { FilterRules: [{ Name: 'Prefix', Value: 'in/' }, { Name: 'Suffix', Value: '.jpg' }] } },
    }],
    QueueConfigurations: [{ Id: 'tf-queue-1', QueueArn: arnOfQueue('uploads'), Events: ['s3:ObjectRemoved:*'] }],
    EventBridgeConfiguration: {},
  };
  const get = async () => {
    const { $metadata, ...configuration } = await s3(GetBucketNotificationConfigurationCommand, { Bucket });
    return configuration;
  };
  assert.deepEqual(await get(), declared);
  await makeQueue(sqs, 'more');
  const more = { Id: 'more', QueueArn: arnOfQueue('more'), Events: ['s3:ObjectTagging:*'] };
  const added = { ...declared, QueueConfigurations: [...declared.QueueConfigurations, more] };
  await s3(PutBucketNotificationConfigurationCommand, { Bucket, NotificationConfiguration: added });
  assert.deepEqual(await get(), added);
  await s3(PutBucketNotificationConfigurationCommand, { Bucket, NotificationConfiguration: {} });
  assert.deepEqual(await get(), declared);
}

async function eventBridge({ platform, s3, sqs, events }) {
  const from = platform.records.length;
  const put = await s3(PutObjectCommand, { Bucket: 'photos', Key: 'rule/ä b.png', Body: 'declared' });
  const [event] = await gotten(platform, 1, from);
  const { id, time, detail, ...rest } = event;
  assert.deepEqual(rest, {
    version: '0', 'detail-type': 'Object Created', source: 'aws.s3', account: '000000000000', region: 'us-east-1', resources: ['arn:aws:s3:::photos'],
  });
  assert.match(id, /^[0-9a-f-]{36}$/);
  assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  const { sequencer, ...object } = detail.object;
  assert.match(sequencer, /^[0-9A-F]+$/);
  assert.deepEqual({ ...detail, object }, {
    version: '0', bucket: { name: 'photos' }, object: { key: 'rule/ä b.png', size: 8, etag: put.ETag.replaceAll('"', '') },
    'request-id': put.$metadata.requestId, requester: '000000000000', 'source-ip-address': '127.0.0.1', reason: 'PutObject',
  });

  const url = await makeQueue(sqs, 'deleted');
  await events(PutRuleCommand, { Name: 'deleted', EventPattern: JSON.stringify({ source: ['aws.s3'], 'detail-type': ['Object Deleted'] }) });
  await events(PutTargetsCommand, { Rule: 'deleted', Targets: [{ Id: '1', Arn: arnOfQueue('deleted') }] });
  await s3(PutObjectCommand, { Bucket: 'plain', Key: 'x', Body: 'x' });
  await s3(DeleteObjectCommand, { Bucket: 'plain', Key: 'x' });
  await s3(PutBucketNotificationConfigurationCommand, { Bucket: 'plain', NotificationConfiguration: { EventBridgeConfiguration: {} } });
  await s3(PutBucketVersioningCommand, { Bucket: 'plain', VersioningConfiguration: { Status: 'Enabled' } });
  await s3(PutObjectCommand, { Bucket: 'plain', Key: 'y', Body: 'x' });
  const marker = await s3(DeleteObjectCommand, { Bucket: 'plain', Key: 'y' });
  await s3(DeleteObjectCommand, { Bucket: 'plain', Key: 'y', VersionId: marker.VersionId });
  const told = (await take(sqs, url, 2)).map(({ detail: one }) => [one.object.key, one.object['version-id'], one.reason, one['deletion-type']]);
  assert.deepEqual(told, [
    ['y', marker.VersionId, 'DeleteObject', 'Delete Marker Created'],
    ['y', marker.VersionId, 'DeleteObject', 'Permanently Deleted'],
  ]);
}

/** What EventBridge is told of a restoration, as recorded of S3. */
async function bridgedRestorations({ s3, sqs, events }) {
  const Bucket = 'bridged';
  const url = await makeQueue(sqs, Bucket);
  const EventPattern = JSON.stringify({ source: ['aws.s3'], 'detail-type': [{ prefix: 'Object Restore' }], detail: { bucket: { name: [Bucket] } } });
  await events(PutRuleCommand, { Name: Bucket, EventPattern });
  await events(PutTargetsCommand, { Rule: Bucket, Targets: [{ Id: '1', Arn: arnOfQueue(Bucket) }] });
  await s3(CreateBucketCommand, { Bucket });
  await s3(PutBucketNotificationConfigurationCommand, { Bucket, NotificationConfiguration: { EventBridgeConfiguration: {} } });
  await s3(PutObjectCommand, { Bucket, Key: 'k', Body: 'ice', StorageClass: 'GLACIER' });
  await s3(RestoreObjectCommand, { Bucket, Key: 'k', RestoreRequest: { Days: 1 } });
  const told = await take(sqs, url, 2);
  assert.deepEqual(told.map((one) => [one['detail-type'], Object.keys(one.detail).sort().join(' '), Object.keys(one.detail.object).sort().join(' ')]), [
    ['Object Restore Initiated', 'bucket object request-id requester source-ip-address source-storage-class version', 'etag key size'],
    ['Object Restore Completed', 'bucket object request-id requester restore-expiry-time source-storage-class version', 'etag key size'],
  ]);
  assert.equal(told[0].detail['source-storage-class'], 'GLACIER');
  assert.match(told[1].detail['restore-expiry-time'], /^\d{4}-\d\d-\d\dT00:00:00Z$/);
}

async function refusals({ s3, sqs }) {
  const Bucket = 'refusing';
  await makeQueue(sqs, 'there');
  const queue = (more) => ({ QueueArn: arnOfQueue('there'), Events: ['s3:ObjectCreated:*'], ...more });
  const filter = (...rules) => ({ Filter: { Key: { FilterRules: rules.map(([Name, Value]) => ({ Name, Value })) } } });
  const refused = async (configurations, message) => {
    const NotificationConfiguration = { QueueConfigurations: configurations };
    await assert.rejects(s3(PutBucketNotificationConfigurationCommand, { Bucket, NotificationConfiguration }), (error) => {
      assert.equal(error.name, 'InvalidArgument');
      assert.equal(error.$metadata.httpStatusCode, 400);
      assert.match(error.message, message);
      return true;
    });
  };
  await refused([queue({ QueueArn: arnOfQueue('nowhere') })], /^Unable to validate the following destination configurations$/);
  await refused([queue({ QueueArn: 'queue' })], /^The ARN could not be parsed$/);
  await refused([queue({ Events: ['s3:ObjectCreated:Sometimes'] })], /^The event is not supported for notifications$/);
  await refused([queue(filter(['middle', 'x']))], /^filter rule name must be either prefix or suffix$/);
  await refused([queue(filter(['suffix', 'x'.repeat(1025)]))], /^The value of a filter rule must be of at most 1024 bytes$/);
  await refused([queue(filter(['prefix', 'a'], ['prefix', 'b']))], /^Cannot specify more than one prefix/);
  await refused([queue({ Id: 'a' }), queue({ Events: ['s3:ObjectCreated:Put'], ...filter(['prefix', 'in/']) })], /^Configuration is ambiguously defined\./);
  await refused([queue({ Id: 'a' }), queue({ Id: 'a', Events: ['s3:ObjectRemoved:*'] })], /IDs must be unique$/);
  const { $metadata, ...kept } = await s3(GetBucketNotificationConfigurationCommand, { Bucket });
  assert.deepEqual(kept, {});

  const apart = [queue({ Id: 'a', ...filter(['prefix', 'a/']) }), queue({ Id: 'b', ...filter(['prefix', 'b/']) })];
  await s3(PutBucketNotificationConfigurationCommand, { Bucket, NotificationConfiguration: { QueueConfigurations: apart } });
  assert.equal((await s3(GetBucketNotificationConfigurationCommand, { Bucket })).QueueConfigurations.length, 2);
}

/* What MinIO's webhook target posts: https://min.io/docs/minio/linux/administration/monitoring/publish-events-to-webhook.html */
const minioPost = (Key, sequencer) => ({
  EventName: 's3:ObjectCreated:Put',
  Key: `photos/${Key}`,
  Records: [{
    eventVersion: '2.0', eventSource: 'minio:s3', awsRegion: '', eventTime: '2026-11-25T10:00:00.000Z', eventName: 's3:ObjectCreated:Put',
    userIdentity: { principalId: 'minioadmin' },
    requestParameters: { principalId: 'minioadmin', region: '', sourceIPAddress: '10.0.0.7' },
    responseElements: { 'x-amz-request-id': '17A', 'x-minio-origin-endpoint': 'http://10.0.0.2:9000' },
    s3: {
      s3SchemaVersion: '1.0', configurationId: 'Config',
      bucket: { name: 'photos', ownerIdentity: { principalId: 'minioadmin' }, arn: 'arn:aws:s3:::photos' },
      object: { key: encodeURIComponent(Key), size: 3, eTag: 'acbd18db4cc2f85cedef654fccc4a4d8', contentType: 'image/jpeg', sequencer },
    },
    source: { host: '10.0.0.7', port: '', userAgent: 'MinIO' },
  }],
});

async function minio({ platform }) {
  const post = (body, token) => platform.post('/minio/webhook', body, { headers: token ? { authorization: `Bearer ${token}` } : {} });
  const from = platform.records.length;
  assert.equal((await post(minioPost('in/no.jpg', '1'))).status, 401);
  assert.equal((await post(minioPost('in/no.jpg', '1'), 'wrong')).status, 401);
  assert.equal((await post({ hello: 1 }, TOKEN)).status, 400);
  assert.equal((await post('{', TOKEN)).status, 400);
  assert.equal((await post({ ...minioPost('in/no.jpg', '1'), Records: [{ s3: {} }] }, TOKEN)).status, 400);
  assert.equal((await post(minioPost('elsewhere/no.jpg', '1'), TOKEN)).status, 200, 'nobody wants it');
  const sent = minioPost('in/minio cat.jpg', '16F00A');
  for (let twice = 0; twice < 2; twice++) {
    assert.equal((await post(sent, TOKEN)).status, 200);
  }
  assert.equal((await post(minioPost('in/last.jpg', '16F00B'), TOKEN)).status, 200);
  const told = await gotten(platform, 2, from);
  const cat = told.find(({ Records: [{ s3: { object } }] }) => object.key === 'in/minio+cat.jpg');
  const [{ s3: place, ...record }] = sent.Records;
  assert.deepEqual(cat, {
    Records: [{ ...record, eventVersion: '2.1', eventSource: 'aws:s3', awsRegion: 'us-east-1', eventName: 'ObjectCreated:Put', s3: { ...place, configurationId: 'thumbnails', object: { ...place.object, key: 'in/minio+cat.jpg' } } }],
  });
  assert.equal(told.length, 2, 'what was sent twice is told once');
}

test('events of a MinIO are not accepted where none is configured', async (t) => {
  const platform = await startPlatform(t, { files: { 'api/hello.js': 'export const GET = () => new Response("hello");' } });
  assert.equal((await platform.post('/minio/webhook', minioPost('x', '1'), { headers: { authorization: `Bearer ${TOKEN}` } })).status, 404);
});

test('notifications of S3', async (t) => {
  const platform = await startPlatform(t, { files: PROJECT });
  const scene = connect(t, platform);
  await t.test('every way to make and to remove an object tells the queue of it', () => everyWay(scene));
  await t.test('what S3 does not tell, and what it tells beside', () => peculiarities(scene));
  await t.test('the trace of who writes an object goes on with its events', () => traces(scene));
  await t.test('the restoration of what is archived is told', () => restorations(scene));
  await t.test('events of a versioned bucket name the version', () => versions(scene));
  await t.test('what the rules of a lifecycle remove is told', () => lifecycles(scene));
  await t.test('what the rules of a lifecycle move to another storage class is told', () => transitions(scene));
  await t.test('what a project declares is told, shown, and not changed by a Put', () => declared(scene));
  await t.test('EventBridge gets S3\'s events, and its rules pick from them', () => eventBridge(scene));
  await t.test('EventBridge is told of restorations', () => bridgedRestorations(scene));
  await t.test('a configuration that cannot work is refused as S3 does, and changes nothing', () => refusals(scene));
  await t.test('a MinIO outside tells the functions that want to know, once', () => minio(scene));
});

test('a bucket is there as soon as the build that declares it', async (t) => {
  const bucket = (name) => `resource "aws_s3_bucket" "${name}" { bucket = "${name}" }\n`;
  const platform = await startPlatform(t, { files: { 'main.tf': lambda('keep') + bucket('bucket-0'), 'keep.js': TELLS } });
  const { s3 } = connect(t, platform);
  await s3(PutObjectCommand, { Bucket: 'bucket-0', Key: 'key', Body: 'first' });
  for (let i = 1; i < 4; i++) {
    await platform.save('main.tf', lambda('keep') + bucket(`bucket-${i}`));
    await s3(PutObjectCommand, { Bucket: `bucket-${i}`, Key: 'key', Body: 'first' });
  }
});
