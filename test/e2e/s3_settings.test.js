/* What can be set for buckets of S3. */
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  CreateBucketCommand, CreateMultipartUploadCommand, DeleteBucketMetricsConfigurationCommand, GetBucketAnalyticsConfigurationCommand,
  GetBucketInventoryConfigurationCommand, GetBucketMetricsConfigurationCommand, ListBucketIntelligentTieringConfigurationsCommand,
  ListBucketMetricsConfigurationsCommand, PutBucketAnalyticsConfigurationCommand, PutBucketIntelligentTieringConfigurationCommand,
  PutBucketInventoryConfigurationCommand, PutBucketMetricsConfigurationCommand, DeleteBucketCommand, DeleteObjectCommand, DeleteBucketCorsCommand, DeleteBucketLifecycleCommand, GetBucketCorsCommand,
  GetBucketEncryptionCommand, GetObjectCommand, GetBucketLifecycleConfigurationCommand, GetBucketLocationCommand, GetBucketTaggingCommand,
  GetBucketVersioningCommand, GetPublicAccessBlockCommand, HeadBucketCommand, HeadObjectCommand, ListBucketsCommand,
  ListMultipartUploadsCommand, ListObjectVersionsCommand, ListObjectsV2Command, PutBucketVersioningCommand,
  PutBucketCorsCommand, PutBucketEncryptionCommand, PutBucketLifecycleConfigurationCommand, PutBucketTaggingCommand, PutObjectCommand,
  CopyObjectCommand, DeleteBucketEncryptionCommand, GetBucketAbacCommand, PutBucketAbacCommand,
} from '@aws-sdk/client-s3';
import { eventually } from './harness.js';
import { ALICE, FILES, refused, startS3 } from './s3_project.js';

test('S3 keeps what is set for a bucket', async (t) => {
  const { s3, bucket, client, endpoint, platform } = await startS3(t);
  const send = (Command, input) => s3.send(new Command(input));

  await t.test('buckets are made, listed and removed', async () => {
    const Bucket = await bucket({ k: 'x' });
    await send(CreateBucketCommand, { Bucket }); /* in us-east-1 that is fine */
    await refused(client(ALICE).send(new CreateBucketCommand({ Bucket })), 409, 'BucketAlreadyExists');
    assert.ok((await send(ListBucketsCommand, {})).Buckets.some((one) => one.Name === Bucket));
    assert.deepEqual((await client(ALICE).send(new ListBucketsCommand({}))).Buckets ?? [], []);
    await refused(send(DeleteBucketCommand, { Bucket }), 409, 'BucketNotEmpty');
    const empty = await bucket();
    await send(DeleteBucketCommand, { Bucket: empty });
    await refused(send(HeadBucketCommand, { Bucket: empty }), 404, 'NotFound');
    await refused(send(CreateBucketCommand, { Bucket: 'No_Bucket' }), 400, 'InvalidBucketName');
  });

  await t.test('a region is told if it was said', async () => {
    const where = async (Bucket) => (await send(GetBucketLocationCommand, { Bucket })).LocationConstraint;
    assert.equal(await where(await bucket()), undefined);
    assert.equal(await where(await bucket({}, { CreateBucketConfiguration: { LocationConstraint: 'eu-central-1' } })), 'eu-central-1');
  });

  await t.test('what was never set has an error of its own', async () => {
    const Bucket = await bucket();
    await refused(send(GetBucketCorsCommand, { Bucket }), 404, 'NoSuchCORSConfiguration');
    await refused(send(GetBucketLifecycleConfigurationCommand, { Bucket }), 404, 'NoSuchLifecycleConfiguration');
    await refused(send(GetBucketTaggingCommand, { Bucket }), 404, 'NoSuchTagSet');
    await refused(send(GetBucketEncryptionCommand, { Bucket }), 404, 'ServerSideEncryptionConfigurationNotFoundError');
    await refused(send(GetPublicAccessBlockCommand, { Bucket }), 404, 'NoSuchPublicAccessBlockConfiguration');
    assert.equal((await send(GetBucketVersioningCommand, { Bucket })).Status, undefined);
  });

  await t.test('browsers of other origins may do what the rules say', async () => {
    const Bucket = await bucket({ k: 'x' }, { ACL: 'public-read' });
    const CORSRules = [{ AllowedMethods: ['GET', 'PUT'], AllowedOrigins: ['https://*.example'], AllowedHeaders: ['x-amz-*'], ExposeHeaders: ['ETag'], MaxAgeSeconds: 60 }];
    await send(PutBucketCorsCommand, { Bucket, CORSConfiguration: { CORSRules } });
    assert.deepEqual((await send(GetBucketCorsCommand, { Bucket })).CORSRules, CORSRules);
    const expose = (...ExposeHeaders) => send(PutBucketCorsCommand, { Bucket, CORSConfiguration: { CORSRules: [{ ...CORSRules[0], ExposeHeaders }] } });
    assert.match((await refused(expose('ETag', 'x-*'), 400, 'InvalidRequest')).message, /^ExposeHeader "x-\*" contains wildcard\. /);
    assert.equal((await refused(expose('x_y'), 400, 'InvalidRequest')).message, 'ExposeHeader "x_y" contains invalid character.');
    const ask = (origin, method, fields) => fetch(`${endpoint}/${Bucket}/k`, {
      method: 'OPTIONS', headers: { origin, 'access-control-request-method': method, 'access-control-request-headers': fields },
    });
    const yes = await ask('https://shop.example', 'PUT', 'x-amz-acl');
    assert.deepEqual([yes.status, yes.headers.get('access-control-allow-origin')], [200, 'https://shop.example']);
    assert.equal((await ask('https://shop.other', 'PUT', 'x-amz-acl')).status, 403);
    assert.equal((await ask('https://shop.example', 'DELETE', 'x-amz-acl')).status, 403);
    assert.equal((await ask('https://shop.example', 'PUT', 'x-other')).status, 403);
    const plain = await fetch(`${endpoint}/${Bucket}/k`, { headers: { origin: 'https://shop.example' } });
    assert.equal(plain.headers.get('access-control-expose-headers'), 'ETag'); /* on refusals, too */
    assert.equal((await ask('https://shop.example', 'PUT', 'X-Amz-ACL,x-amz-tagging')).headers.get('access-control-allow-headers'), 'x-amz-acl, x-amz-tagging');
    const wants = { origin: 'https://shop.example', 'access-control-request-headers': 'x-other' };
    assert.equal((await fetch(`${endpoint}/${Bucket}/k`, { headers: wants })).headers.get('access-control-allow-origin'), null);

    const refusal = async (answer) => [answer.status, ...(await answer.text()).match(/(?<=<(Code|Message|Method|ResourceType)>).*?(?=<)/g)];
    const [status, code, , ...subject] = await refusal(await ask('https://shop.other', 'PUT', ''));
    assert.deepEqual([status, code, ...subject], [403, 'AccessForbidden', 'PUT', 'OBJECT']);
    const bare = (headers, name = Bucket) => fetch(`${endpoint}/${name}/k`, { method: 'OPTIONS', headers });
    assert.deepEqual(await refusal(await bare({})), [400, 'BadRequest', 'Insufficient information. Origin request header needed.']);
    assert.equal((await refusal(await ask('https://shop.example', 'PATCH', 'x')))[2], 'Invalid Access-Control-Request-Method: PATCH');
    assert.deepEqual(await refusal(await bare({ origin: 'a' }, 'no-such')), [403, 'AccessForbidden', 'CORSResponse: Bucket not found', 'OPTIONS', 'BUCKET']);
    await send(DeleteBucketCorsCommand, { Bucket });
    assert.deepEqual(await refusal(await ask('https://shop.example', 'PUT', 'x-amz-acl')), [403, 'AccessForbidden', 'CORSResponse: CORS is not enabled for this bucket.', 'PUT', 'BUCKET']);
  });

  await t.test('encryption by default is told with each object', async () => {
    const Bucket = await bucket();
    const ApplyServerSideEncryptionByDefault = { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: 'key-1' };
    await send(PutBucketEncryptionCommand, { Bucket, ServerSideEncryptionConfiguration: { Rules: [{ ApplyServerSideEncryptionByDefault }] } });
    await send(PutObjectCommand, { Bucket, Key: 'k', Body: 'x' });
    const { ServerSideEncryption, SSEKMSKeyId } = await send(HeadObjectCommand, { Bucket, Key: 'k' });
    assert.deepEqual([ServerSideEncryption, SSEKMSKeyId], ['aws:kms', 'key-1']);
    await send(PutObjectCommand, { Bucket, Key: 'k', Body: 'x', ServerSideEncryption: 'AES256' });
    assert.equal((await send(HeadObjectCommand, { Bucket, Key: 'k' })).ServerSideEncryption, 'AES256');
  });

  await t.test('a bucket key goes with keys of KMS, unless a request says no', async () => {
    const Bucket = await bucket();
    const rule = { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: 'key' }, BucketKeyEnabled: true };
    await send(PutBucketEncryptionCommand, { Bucket, ServerSideEncryptionConfiguration: { Rules: [rule] } });
    const put = async (Key, more) => {
      const { BucketKeyEnabled, ServerSideEncryption } = await send(PutObjectCommand, { Bucket, Key, Body: 'x', ...more });
      assert.equal((await send(HeadObjectCommand, { Bucket, Key })).BucketKeyEnabled, BucketKeyEnabled);
      return [ServerSideEncryption, BucketKeyEnabled];
    };
    assert.deepEqual(await put('a'), ['aws:kms', true]);
    assert.deepEqual(await put('b', { BucketKeyEnabled: false }), ['aws:kms', undefined]);
    assert.deepEqual(await put('c', { ServerSideEncryption: 'AES256' }), ['AES256', undefined]);
    await send(DeleteBucketEncryptionCommand, { Bucket });
    const copied = await send(CopyObjectCommand, { Bucket, Key: 'a', CopySource: `${Bucket}/a` });
    assert.equal(copied.ServerSideEncryption, 'AES256', 'that it is encrypted otherwise is a change');
  });

  await t.test('configurations with an id are kept, listed in pages and removed', async () => {
    const Bucket = await bucket();
    const metrics = (Id, Prefix = 'logs/') => send(PutBucketMetricsConfigurationCommand, { Bucket, Id, MetricsConfiguration: { Id, Filter: { Prefix } } });
    const ids = Array.from({ length: 102 }, (_, i) => `m-${100 + i}`);
    for (const Id of ids.toReversed()) {
      assert.equal((await metrics(Id)).$metadata.httpStatusCode, 204);
    }
    await metrics('m-100', 'new/');
    const one = await send(GetBucketMetricsConfigurationCommand, { Bucket, Id: 'm-100' });
    assert.deepEqual(one.MetricsConfiguration, { Id: 'm-100', Filter: { Prefix: 'new/' } });
    const first = await send(ListBucketMetricsConfigurationsCommand, { Bucket });
    assert.deepEqual([first.IsTruncated, first.MetricsConfigurationList.map((m) => m.Id)], [true, ids.slice(0, 100)]);
    const second = await send(ListBucketMetricsConfigurationsCommand, { Bucket, ContinuationToken: first.NextContinuationToken });
    assert.deepEqual([second.IsTruncated, second.MetricsConfigurationList.map((m) => m.Id)], [false, ids.slice(100)]);
    await send(DeleteBucketMetricsConfigurationCommand, { Bucket, Id: 'm-100' });
    await refused(send(DeleteBucketMetricsConfigurationCommand, { Bucket, Id: 'm-100' }), 404, 'NoSuchConfiguration');
    await refused(send(GetBucketMetricsConfigurationCommand, { Bucket, Id: 'm-100' }), 404, 'NoSuchConfiguration');
    await refused(send(GetBucketAnalyticsConfigurationCommand, { Bucket, Id: 'm-101' }), 404, 'NoSuchConfiguration');
    await refused(metrics('no id'), 400, 'InvalidArgument');

    const Tierings = [{ AccessTier: 'ARCHIVE_ACCESS', Days: 90 }];
    const tiering = (Id, more) => send(PutBucketIntelligentTieringConfigurationCommand, {
      Bucket, Id, IntelligentTieringConfiguration: { Id: 'old', Status: 'Enabled', Tierings, ...more },
    });
    await tiering('old');
    await refused(tiering('other'), 400, 'MalformedXML');
    await refused(tiering('old', { Status: 'Maybe' }), 400, 'MalformedXML');
    const archives = (await send(ListBucketIntelligentTieringConfigurationsCommand, { Bucket })).IntelligentTieringConfigurationList;
    assert.deepEqual(archives, [{ Id: 'old', Status: 'Enabled', Tierings }]);

    const inventory = {
      Id: 'i', IsEnabled: true, IncludedObjectVersions: 'All', OptionalFields: ['Size', 'ETag'], Schedule: { Frequency: 'Daily' },
      Destination: { S3BucketDestination: { Bucket: `arn:aws:s3:::${Bucket}`, Format: 'CSV' } },
    };
    const put = (Id, more) => send(PutBucketInventoryConfigurationCommand, { Bucket, Id, InventoryConfiguration: { ...inventory, ...more } });
    await put('i');
    assert.deepEqual((await send(GetBucketInventoryConfigurationCommand, { Bucket, Id: 'i' })).InventoryConfiguration, inventory);
    await refused(put('j'), 400, 'IdMismatch');
    await refused(put('i', { Schedule: { Frequency: 'Hourly' } }), 400, 'MalformedXML');
    await refused(put('i', { OptionalFields: ['Colour'] }), 400, 'MalformedXML');
    await refused(put('i', { Destination: { S3BucketDestination: { Bucket, Format: 'CSV' } } }), 400, 'InvalidS3DestinationBucket');
    const analytics = (Id, more) => send(PutBucketAnalyticsConfigurationCommand, { Bucket, Id, AnalyticsConfiguration: { Id: 'a', StorageClassAnalysis: {}, ...more } });
    await analytics('a');
    await refused(analytics('b'), 400, 'MalformedXML');
  });

  await t.test('tags of a bucket', async () => {
    const Bucket = await bucket();
    const TagSet = [{ Key: 'team', Value: 'tea' }];
    await send(PutBucketTaggingCommand, { Bucket, Tagging: { TagSet } });
    assert.deepEqual((await send(GetBucketTaggingCommand, { Bucket })).TagSet, TagSet);
  });

  await t.test('access by tags of a bucket is on or off', async () => {
    const Bucket = await bucket();
    const put = (Status) => send(PutBucketAbacCommand, { Bucket, AbacStatus: { Status } });
    const get = async () => (await send(GetBucketAbacCommand, { Bucket })).AbacStatus;
    assert.deepEqual(await get(), { Status: 'Disabled' });
    await put('Enabled');
    assert.deepEqual(await get(), { Status: 'Enabled' });
    await refused(put('Maybe'), 400, 'MalformedXML');
  });

  await t.test('rules of a lifecycle are checked, kept and given back', async () => {
    const Bucket = await bucket();
    const rule = { ID: 'logs', Status: 'Enabled', Filter: { Prefix: 'logs/' }, Expiration: { Days: 30 } };
    const put = (...Rules) => send(PutBucketLifecycleConfigurationCommand, { Bucket, LifecycleConfiguration: { Rules } });
    await put(rule);
    assert.deepEqual((await send(GetBucketLifecycleConfigurationCommand, { Bucket })).Rules, [rule]);
    await refused(put(rule, rule), 400, 'InvalidArgument');
    await refused(put({ ...rule, Expiration: { Days: 0 } }), 400, 'InvalidArgument');
    await refused(put({ ...rule, Status: 'maybe' }), 400, 'MalformedXML');
    await refused(put({ ...rule, Expiration: undefined }), 400, 'InvalidRequest');
    await refused(put({ ...rule, Expiration: {} }), 400, 'MalformedXML');
    await refused(put({ ...rule, Expiration: { Days: 1, Date: new Date('2030-01-01T00:00:00Z') } }), 400, 'MalformedXML');
    await refused(put({ ...rule, Expiration: undefined, AbortIncompleteMultipartUpload: {} }), 400, 'MalformedXML');
    const wrong = async (more) => (await refused(put({ ...rule, ...more }), 400, 'InvalidRequest')).message;
    assert.equal(await wrong({ Filter: { Prefix: 'p'.repeat(1025) } }), 'The maximum size of a prefix is 1024.');
    assert.equal(await wrong({ Filter: { And: { Prefix: 'p'.repeat(1025), Tags: [{ Key: 'a', Value: 'b' }] } } }), 'The maximum size of a prefix is 1024.');
    assert.equal(await wrong({ Filter: { Tag: { Key: 'k'.repeat(129), Value: '' } } }), 'A Tag\'s Key must be a length between 1 and 128.');
    assert.equal(await wrong({ Filter: { Tag: { Key: 'k', Value: 'v'.repeat(257) } } }), 'A Tag\'s Value must be a length between 0 and 256.');
    await put({ ...rule, Filter: { Tag: { Key: 'ä'.repeat(128), Value: 'ö'.repeat(256) } } });
    const moves = (...Transitions) => ({ ...rule, Expiration: undefined, Transitions });
    const days = (Days, StorageClass = 'GLACIER') => ({ Days, StorageClass });
    assert.equal((await refused(put(moves(days(-1))), 400, 'InvalidArgument')).message, "'Days' in Transition action must be nonnegative");
    assert.equal(await wrong(moves(days(1), days(2))), "'StorageClass' must be different for 'Transition' actions in same 'Rule' with prefix 'logs/'");
    assert.match(await wrong(moves(days(1), { Date: new Date('2030-01-01T00:00:00Z'), StorageClass: 'DEEP_ARCHIVE' })), /^Found mixed 'Date' and 'Days' /);
    await refused(put(moves({ StorageClass: 'GLACIER' })), 400, 'MalformedXML');
    await put(moves(days(0), days(2, 'DEEP_ARCHIVE')));
    const old = (more) => ({ ...rule, Expiration: undefined, ...more });
    assert.equal((await refused(put(old({ NoncurrentVersionExpiration: { NoncurrentDays: 0 } })), 400, 'InvalidArgument')).message,
      "'NoncurrentDays' for NoncurrentVersionExpiration action must be a positive integer");
    await put(old({ NoncurrentVersionTransitions: [{ NoncurrentDays: 0, StorageClass: 'GLACIER' }] }));
    await send(DeleteBucketLifecycleCommand, { Bucket });
    await refused(send(GetBucketLifecycleConfigurationCommand, { Bucket }), 404, 'NoSuchLifecycleConfiguration');
  });

  await t.test('what a lifecycle says is over goes by itself', async () => {
    const Bucket = await bucket({ 'logs/old': 'x', 'logs/big': 'x'.repeat(100), keep: 'x' });
    await send(PutObjectCommand, { Bucket, Key: 'tagged', Body: 'x', Tagging: 'for=a-day' });
    await send(CreateMultipartUploadCommand, { Bucket, Key: 'logs/upload' });
    const past = { Date: new Date('2020-01-01T00:00:00Z') };
    const rule = (Filter, more) => ({ Status: 'Enabled', Filter, ...more });
    await send(PutBucketLifecycleConfigurationCommand, { Bucket, LifecycleConfiguration: { Rules: [
      rule({ And: { Prefix: 'logs/', ObjectSizeLessThan: 50 } }, { ID: 'old', Expiration: past }),
      rule({ Tag: { Key: 'for', Value: 'a-day' } }, { ID: 'a "day", ü\n', Expiration: { Days: 1 } }),
      { ...rule({ Prefix: '' }, { ID: 'off', Expiration: past }), Status: 'Disabled' },
    ] } });
    const keys = async () => (await send(ListObjectsV2Command, { Bucket })).Contents.map((object) => object.Key);
    await eventually(async () => !(await keys()).includes('logs/old'), 'logs/old is still there');
    assert.deepEqual(await keys(), ['keep', 'logs/big', 'tagged']);
    const { $metadata, ...head } = await send(HeadObjectCommand, { Bucket, Key: 'tagged' });
    const [, date, id] = /^expiry-date="(.*)", rule-id="([^"]*)"$/.exec(head.Expiration);
    assert.equal(decodeURIComponent(id), 'a "day", ü\n');
    const left = Date.parse(date) - head.LastModified;
    assert.ok(left >= 86_400_000 && left <= 2 * 86_400_000, `${date} for ${head.LastModified}`);
    assert.equal((await send(HeadObjectCommand, { Bucket, Key: 'keep' })).Expiration, undefined);
    assert.equal((await send(ListMultipartUploadsCommand, { Bucket })).Uploads.length, 1);
  });

  await t.test('what a lifecycle says moves to colder storage classes, the small only by a size of its own', async () => {
    const big = 'x'.repeat(128 * 1024);
    const Bucket = await bucket({ 'a/big': big, 'a/small': 'x', 'b/big': big, 'b/small': 'x' });
    await send(PutObjectCommand, { Bucket, Key: 'a/cold', Body: big, StorageClass: 'DEEP_ARCHIVE', Metadata: { who: 'Ada' } });
    const to = (...classes) => classes.map((StorageClass) => ({ Date: new Date('2020-01-01T00:00:00Z'), StorageClass }));
    const put = (TransitionDefaultMinimumObjectSize) => send(PutBucketLifecycleConfigurationCommand, { Bucket, TransitionDefaultMinimumObjectSize, LifecycleConfiguration: { Rules: [
      { ID: 'a', Status: 'Enabled', Filter: { Prefix: 'a/' }, Transitions: to('GLACIER', 'STANDARD_IA') },
      { ID: 'b', Status: 'Enabled', Filter: { And: { Prefix: 'b/', ObjectSizeLessThan: 10 } }, Transitions: to('STANDARD_IA') },
    ] } });
    const classes = async () => Object.fromEntries((await send(ListObjectsV2Command, { Bucket })).Contents.map((o) => [o.Key, o.StorageClass]));
    await put();
    await eventually(async () => (await classes())['b/small'] === 'STANDARD_IA', 'b/small is still in STANDARD');
    assert.deepEqual(await classes(),
      { 'a/big': 'GLACIER', 'a/cold': 'DEEP_ARCHIVE', 'a/small': 'STANDARD', 'b/big': 'STANDARD', 'b/small': 'STANDARD_IA' });
    await refused(send(GetObjectCommand, { Bucket, Key: 'a/big' }), 403, 'InvalidObjectState');
    assert.equal((await send(HeadObjectCommand, { Bucket, Key: 'a/cold' })).Metadata.who, 'Ada');
    await put('varies_by_storage_class');
    await eventually(async () => (await classes())['a/small'] === 'GLACIER', 'a/small is still in STANDARD');
  });

  await t.test('a project says how long a day of lifecycles is', async () => {
    const Bucket = await bucket({ 'logs/a': 'x', keep: 'x' });
    const Rules = [{ ID: 'soon', Status: 'Enabled', Filter: { Prefix: 'logs/' }, Expiration: { Days: 1 } }];
    await send(PutBucketLifecycleConfigurationCommand, { Bucket, LifecycleConfiguration: { Rules } });
    const count = async () => (await send(ListObjectsV2Command, { Bucket })).KeyCount;
    assert.equal(await count(), 2);
    await platform.save('mayfly.json', JSON.stringify({ ...JSON.parse(FILES['mayfly.json']), events: { ...JSON.parse(FILES['mayfly.json']).events, lifecycleDay: 1 } }));
    await eventually(async () => (await count()) === 1, 'logs/a is still there');
    await platform.save('mayfly.json', FILES['mayfly.json']);
  });

  await t.test('of a key with more versions than are looked at in one turn as many stay as its rule says', async () => {
    const Bucket = await bucket();
    await send(PutBucketVersioningCommand, { Bucket, VersioningConfiguration: { Status: 'Enabled' } });
    for (let i = 0; i < 44; i++) {
      await Promise.all(Array.from({ length: 25 }, () => send(PutObjectCommand, { Bucket, Key: 'k', Body: 'x' })));
    }
    await send(DeleteObjectCommand, { Bucket, Key: 'marker' });
    const ids = async () => (await send(ListObjectVersionsCommand, { Bucket, Prefix: 'k' })).Versions.map((v) => v.VersionId);
    const newest = (await ids()).slice(0, 4);
    const Rules = [{ ID: 'r', Status: 'Enabled', Filter: { Prefix: '' }, Expiration: { ExpiredObjectDeleteMarker: true },
      NoncurrentVersionExpiration: { NoncurrentDays: 1, NewerNoncurrentVersions: 3 } }];
    await send(PutBucketLifecycleConfigurationCommand, { Bucket, LifecycleConfiguration: { Rules } });
    await platform.save('mayfly.json', JSON.stringify({ ...JSON.parse(FILES['mayfly.json']), events: { ...JSON.parse(FILES['mayfly.json']).events, lifecycleDay: 1 } }));
    await eventually(async () => (await ids()).length === 4, 'more than four are still there');
    assert.deepEqual(await ids(), newest);
    await eventually(async () => !(await send(ListObjectVersionsCommand, { Bucket })).DeleteMarkers, 'the marker behind them is still there');
    await platform.save('mayfly.json', FILES['mayfly.json']);
  });

  await t.test('in a versioned bucket a delete marker takes its place', async () => {
    const Bucket = await bucket();
    await send(PutBucketVersioningCommand, { Bucket, VersioningConfiguration: { Status: 'Enabled' } });
    await send(PutObjectCommand, { Bucket, Key: 'k', Body: 'x' });
    const Rules = [{ ID: 'r', Status: 'Enabled', Filter: { Prefix: '' }, Expiration: { Date: new Date('2020-01-01T00:00:00Z') } }];
    await send(PutBucketLifecycleConfigurationCommand, { Bucket, LifecycleConfiguration: { Rules } });
    const versions = () => send(ListObjectVersionsCommand, { Bucket });
    const { Versions } = await eventually(async () => {
      const all = await versions();
      return all.DeleteMarkers?.length === 1 && all;
    }, 'no delete marker');
    await send(DeleteObjectCommand, { Bucket, Key: 'k', VersionId: Versions[0].VersionId });
    Rules[0].Expiration = { ExpiredObjectDeleteMarker: true };
    await send(PutBucketLifecycleConfigurationCommand, { Bucket, LifecycleConfiguration: { Rules } });
    await eventually(async () => !(await versions()).DeleteMarkers, 'the delete marker hides nothing and is still there');
  });
});
