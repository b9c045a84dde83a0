/* Requests that S3 refuses, and how, as recorded of S3 itself. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CreateBucketCommand, CreateMultipartUploadCommand, DeleteBucketCommand, DeleteObjectCommand, DeleteObjectsCommand, GetObjectCommand,
  HeadBucketCommand, HeadObjectCommand, ListMultipartUploadsCommand, ListObjectVersionsCommand, ListObjectsV2Command, ListPartsCommand,
  PutBucketAccelerateConfigurationCommand, PutBucketReplicationCommand, PutBucketVersioningCommand, PutObjectCommand, UpdateObjectEncryptionCommand,
} from '@aws-sdk/client-s3';
import { refused, startS3, text } from './s3_project.js';

test('what S3 refuses', async (t) => {
  const { s3, bucket, client, platform, endpoint } = await startS3(t);
  const send = (Command, input) => s3.send(new Command(input));

  await t.test('a delete that is conditional finds what it names, or nothing is deleted', async () => {
    const Bucket = await bucket({ k: 'x' });
    const remove = (Key, IfMatch) => send(DeleteObjectCommand, { Bucket, Key, IfMatch });
    await refused(remove('no', '*'), 404, 'NoSuchKey');
    await refused(remove('no', '"badetag"'), 404, 'NoSuchKey');
    await refused(remove('k', '"badetag"'), 412, 'PreconditionFailed');
    const { Errors, Deleted } = await send(DeleteObjectsCommand, { Bucket, Delete: { Objects: [{ Key: 'no', ETag: 'a' }, { Key: 'no' }] } });
    assert.deepEqual([Errors.map(({ Key, Code }) => `${Key} ${Code}`), Deleted], [['no NoSuchKey'], [{ Key: 'no' }]]);
    await send(PutBucketVersioningCommand, { Bucket, VersioningConfiguration: { Status: 'Enabled' } });
    const { ETag } = await send(HeadObjectCommand, { Bucket, Key: 'k' });
    assert.equal((await remove('k', ETag)).DeleteMarker, true);
    await refused(remove('k', ETag), 404, 'NoSuchKey');
    await refused(remove('k', '*'), 404, 'NoSuchKey');
    const [{ VersionId }] = (await send(ListObjectVersionsCommand, { Bucket })).Versions;
    const version = (IfMatch) => send(DeleteObjectCommand, { Bucket, Key: 'k', VersionId, IfMatch });
    await refused(version('"badetag"'), 412, 'PreconditionFailed');
    await version(ETag);
    await version('*'); /* as Ceph has it; S3 takes no condition on a version */
    assert.equal((await send(ListObjectVersionsCommand, { Bucket })).DeleteMarkers.length, 1);
  });

  await t.test('a key without a bucket is refused, whatever is asked of it', async () => {
    const { pid } = await platform.process('mayfly: control');
    for (const [method, target] of [['PUT', '//k'], ['GET', '//k'], ['HEAD', '//k'], ['DELETE', '//k'], ['POST', '//k?uploads'], ['GET', '//k?acl']]) {
      const answer = await fetch(`${endpoint}${target}`, { method, body: method === 'PUT' ? 'x' : undefined });
      assert.equal(answer.status, 400, `${method} ${target}`);
      assert.match(await answer.text(), method === 'HEAD' ? /^$/ : /<Code>InvalidBucketName</);
    }
    assert.equal((await platform.process('mayfly: control')).pid, pid);
  });

  await t.test('a number of a list that is none is told by its name', async () => {
    const Bucket = await bucket();
    const { UploadId } = await send(CreateMultipartUploadCommand, { Bucket, Key: 'k' });
    const wrong = async (Command, more) => (await refused(send(Command, { Bucket, Key: 'k', UploadId, ...more }), 400, 'InvalidArgument')).message;
    assert.equal(await wrong(ListPartsCommand, { MaxParts: -42 }), 'Argument max-parts must be an integer between 0 and 2147483647');
    assert.equal(await wrong(ListPartsCommand, { MaxParts: 2 ** 31 }), 'Provided max-parts not an integer or within integer range');
    assert.equal(await wrong(ListPartsCommand, { PartNumberMarker: '-1' }), 'Argument part-number-marker must be an integer between 0 and 2147483647');
    assert.equal(await wrong(ListMultipartUploadsCommand, { MaxUploads: -1 }), 'Argument max-uploads must be an integer between 0 and 2147483647');
    assert.equal(await wrong(ListObjectsV2Command, { MaxKeys: -1 }), 'Argument maxKeys must be an integer between 0 and 2147483647');
    assert.equal(await wrong(ListObjectsV2Command, { MaxKeys: 2 ** 31 }), 'Provided max-keys not an integer or within integer range');
  });

  await t.test('a range that is none asks for all, also beyond the end and of nothing', async () => {
    const Bucket = await bucket({ k: 'hello', empty: '' });
    const get = async (Key, Range) => {
      const { ContentRange, Body } = await send(GetObjectCommand, { Bucket, Key, Range });
      return [ContentRange, await Body.transformToString()];
    };
    assert.deepEqual(await get('k', 'bytes=3-1'), [undefined, 'hello']);
    assert.deepEqual(await get('k', 'bytes=10-9'), [undefined, 'hello']);
    assert.deepEqual(await get('empty', 'bytes=10-9'), [undefined, '']);
    assert.deepEqual(await get('empty', 'bytes=-1'), [undefined, '']);
    await refused(get('empty', 'bytes=-0'), 416, 'InvalidRange');
    await refused(get('empty', 'bytes=0-'), 416, 'InvalidRange');
    await refused(get('k', 'bytes=5-9'), 416, 'InvalidRange');
  });

  await t.test('only what has versions is replicated', async () => {
    const Bucket = await bucket();
    const elsewhere = await bucket();
    const rule = { Status: 'Enabled', Destination: { Bucket: `arn:aws:s3:::${elsewhere}` } };
    const replicate = (...Rules) => send(PutBucketReplicationCommand, { Bucket, ReplicationConfiguration: { Role: 'arn:aws:iam::000000000000:role/r', Rules: Rules.length ? Rules : [rule] } });
    assert.match((await refused(replicate(), 400, 'InvalidRequest')).message, /^Versioning must be 'Enabled' on the bucket/);
    const version = (name) => send(PutBucketVersioningCommand, { Bucket: name, VersioningConfiguration: { Status: 'Enabled' } });
    await version(Bucket);
    assert.equal((await refused(replicate(), 400, 'InvalidRequest')).message, 'Destination bucket must have versioning enabled.');
    await refused(replicate({ ...rule, Destination: { Bucket: 'arn:aws:s3:::bucket-nowhere' } }), 400, 'InvalidRequest');
    await version(elsewhere);
    await refused(replicate({ ...rule, Status: 'Maybe' }), 400, 'MalformedXML');
    await refused(replicate({ ...rule, Destination: { Bucket: elsewhere } }), 400, 'InvalidArgument');
    await refused(replicate({ ...rule, ID: 'i'.repeat(256) }), 400, 'InvalidArgument');
    await replicate();
  });

  await t.test('a request that names a part of a thing leaves the thing alone', async () => {
    const Bucket = await bucket({ k: 'precious' });
    const empty = await bucket();
    const key = { Bucket, Key: 'k' };
    await refused(send(UpdateObjectEncryptionCommand, { ...key, ObjectEncryption: { SSEKMS: { KMSKeyArn: 'arn:aws:kms:us-east-1:000000000000:key/1' } } }), 405, 'MethodNotAllowed');
    const ask = async (Command, input, query) => {
      const one = client();
      one.middlewareStack.add((next) => (args) => {
        Object.assign(args.request.query, query);
        return next(args);
      }, { step: 'build', priority: 'low' });
      return one.send(new Command(input));
    };
    await refused(ask(PutObjectCommand, { ...key, Body: 'x' }, { annotation: '', annotationName: 'a' }), 501, 'NotImplemented');
    await refused(ask(DeleteObjectCommand, key, { annotation: '' }), 501, 'NotImplemented');
    await refused(ask(DeleteObjectCommand, key, { acl: '' }), 405, 'MethodNotAllowed');
    await refused(ask(DeleteBucketCommand, { Bucket: empty }, { acl: '' }), 405, 'MethodNotAllowed');
    await refused(ask(DeleteBucketCommand, { Bucket: empty }, { versioning: '' }), 405, 'MethodNotAllowed');
    assert.equal(await text(send(GetObjectCommand, key)), 'precious');
    await send(HeadBucketCommand, { Bucket: empty });
  });

  await t.test('a bucket is made anew in us-east-1 alone; it is accelerated or not', async () => {
    const Bucket = await bucket();
    await send(CreateBucketCommand, { Bucket });
    const elsewhere = client(undefined, { region: 'eu-north-1' });
    await refused(elsewhere.send(new CreateBucketCommand({ Bucket })), 409, 'BucketAlreadyOwnedByYou');
    const accelerate = (Status) => send(PutBucketAccelerateConfigurationCommand, { Bucket, AccelerateConfiguration: { Status } });
    await refused(accelerate('Fast'), 400, 'MalformedXML');
    await accelerate('Suspended');
  });
});
