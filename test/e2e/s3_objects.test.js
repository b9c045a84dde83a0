/* Objects of S3: what is given back, conditions, ranges, checksums, copies, tags, keys of the client's. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import test from 'node:test';
import { crc32 } from 'node:zlib';
import {
  AbortMultipartUploadCommand, CompleteMultipartUploadCommand, CopyObjectCommand, CreateMultipartUploadCommand, DeleteObjectCommand,
  DeleteObjectsCommand, GetObjectAttributesCommand, GetObjectCommand, GetObjectTaggingCommand, HeadObjectCommand,
  ListMultipartUploadsCommand, ListObjectsV2Command, ListPartsCommand, PutObjectCommand, PutObjectTaggingCommand, RestoreObjectCommand, SelectObjectContentCommand, UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { eventually } from './harness.js';
import { refused, startS3, text } from './s3_project.js';

const MIB = 1024 * 1024;
const customerKey = () => {
  const key = randomBytes(32);
  return { SSECustomerAlgorithm: 'AES256', SSECustomerKey: key.toString('base64'), SSECustomerKeyMD5: createHash('md5').update(key).digest('base64') };
};
const asSource = (key) => Object.fromEntries(Object.entries(key).map(([name, value]) => [`CopySource${name}`, value]));

test('S3 keeps objects', async (t) => {
  const { s3, bucket, client, endpoint } = await startS3(t);
  const send = (Command, input) => s3.send(new Command(input));
  const bare = client(undefined, { requestChecksumCalculation: 'WHEN_REQUIRED' });

  await t.test('an object is given back as it was put', async () => {
    const Bucket = await bucket();
    const fields = { ContentType: 'text/x', CacheControl: 'no-cache', ContentDisposition: 'inline', ContentLanguage: 'de', Metadata: { one: '1' } };
    const put = await send(PutObjectCommand, { Bucket, Key: 'ä b', Body: 'hello', ...fields });
    const got = await send(GetObjectCommand, { Bucket, Key: 'ä b' });
    assert.deepEqual(Object.fromEntries(Object.keys(fields).map((name) => [name, got[name]])), fields);
    assert.deepEqual([put.ETag, got.ETag, got.ContentLength], ['"5d41402abc4b2a76b9719d911017c592"', put.ETag, 5]);
    assert.equal(await text(got), 'hello');
    await refused(send(GetObjectCommand, { Bucket, Key: 'none' }), 404, 'NoSuchKey');
    for (const size of [40_000, 60_000, 75_000, 200_000]) { /* in a frame, in a row, in memory, in a file */
      const Body = randomBytes(size);
      await send(PutObjectCommand, { Bucket, Key: 'sized', Body });
      const sized = await send(GetObjectCommand, { Bucket, Key: 'sized' });
      assert.equal(sized.ContentLength, size, 'Content-Length is told');
      assert.ok(Body.equals(Buffer.from(await sized.Body.transformToByteArray())));
    }
  });

  await t.test('metadata whose field comes twice is one list', async () => {
    const Bucket = await bucket({}, { ACL: 'public-read-write' });
    const put = http.request(`${endpoint}/${Bucket}/k`, { method: 'PUT', headers: { 'content-length': 0, 'x-amz-meta-tea': ['green', 'black'], 'x-amz-meta-a': 'b' } });
    put.end();
    assert.equal((await once(put, 'response'))[0].statusCode, 200);
    const { Metadata } = await send(HeadObjectCommand, { Bucket, Key: 'k' });
    assert.deepEqual(Metadata, { tea: 'green,black', a: 'b' }); /* two fields would be "green, black" */
  });

  await t.test('ranges', async () => {
    const Bucket = await bucket({ k: '0123456789' });
    for (const [Range, wanted] of [['bytes=0-3', '0123'], ['bytes=7-', '789'], ['bytes=-2', '89'], ['bytes=5-100', '56789']]) {
      const got = await send(GetObjectCommand, { Bucket, Key: 'k', Range });
      assert.deepEqual([await text(got), got.$metadata.httpStatusCode], [wanted, 206]);
    }
    await refused(send(GetObjectCommand, { Bucket, Key: 'k', Range: 'bytes=10-11' }), 416, 'InvalidRange');
    assert.equal(await text(send(GetObjectCommand, { Bucket, Key: 'k', Range: 'lines=1-2' })), '0123456789');
  });

  await t.test('a version cannot be written to', async () => {
    const Bucket = await bucket({ k: 'x' });
    const put = new PutObjectCommand({ Bucket, Key: 'k', Body: 'y' });
    const name = (next) => (call) => {
      call.request.query.versionId = 'null';
      return next(call);
    };
    put.middlewareStack.add(name, { step: 'build' });
    await refused(s3.send(put), 400, 'InvalidArgument');
    assert.equal(await text(send(GetObjectCommand, { Bucket, Key: 'k' })), 'x');
  });

  await t.test('reads upon conditions', async () => {
    const Bucket = await bucket({ k: 'x' });
    const { ETag, LastModified } = await send(HeadObjectCommand, { Bucket, Key: 'k' });
    const get = (conditions) => send(GetObjectCommand, { Bucket, Key: 'k', ...conditions });
    assert.equal(await text(get({ IfMatch: ETag, IfUnmodifiedSince: new Date(0) })), 'x');
    await refused(get({ IfMatch: '"other"' }), 412, 'PreconditionFailed');
    assert.equal((await get({ IfNoneMatch: ETag }).catch((error) => error)).$metadata.httpStatusCode, 304);
    assert.equal((await get({ IfModifiedSince: LastModified }).catch((error) => error)).$metadata.httpStatusCode, 304);
  });

  await t.test('writes upon conditions', async () => {
    const Bucket = await bucket({ k: 'x' });
    const { ETag } = await send(HeadObjectCommand, { Bucket, Key: 'k' });
    const put = (Key, conditions) => send(PutObjectCommand, { Bucket, Key, Body: 'y', ...conditions });
    await refused(put('k', { IfNoneMatch: '*' }), 412, 'PreconditionFailed');
    await refused(put('k', { IfMatch: '"other"' }), 412, 'PreconditionFailed');
    await refused(put('none', { IfMatch: '*' }), 404, 'NoSuchKey');
    await put('k', { IfMatch: ETag });
    const both = await Promise.allSettled([put('new', { IfNoneMatch: '*' }), put('new', { IfNoneMatch: '*' })]);
    assert.deepEqual(both.map((one) => one.status).sort(), ['fulfilled', 'rejected']);
    await refused(send(DeleteObjectCommand, { Bucket, Key: 'k', IfMatch: ETag }), 412, 'PreconditionFailed');
    await refused(send(DeleteObjectCommand, { Bucket, Key: 'none', IfMatch: ETag }), 404, 'NoSuchKey');
    await send(DeleteObjectCommand, { Bucket, Key: 'k', IfMatch: '*' });
  });

  await t.test('checksums are compared and given back', async () => {
    const Bucket = await bucket();
    const ChecksumSHA256 = createHash('sha256').update('hello').digest('base64');
    await send(PutObjectCommand, { Bucket, Key: 'k', Body: 'hello', ChecksumSHA256 });
    assert.equal((await send(HeadObjectCommand, { Bucket, Key: 'k', ChecksumMode: 'ENABLED' })).ChecksumSHA256, ChecksumSHA256);
    await refused(send(PutObjectCommand, { Bucket, Key: 'bad', Body: 'hullo', ChecksumSHA256 }), 400, 'BadDigest');
    await refused(send(PutObjectCommand, { Bucket, Key: 'bad', Body: 'hello', ContentMD5: 'AAAAAAAAAAAAAAAAAAAAAA==' }), 400, 'BadDigest');
    await refused(send(PutObjectCommand, { Bucket, Key: 'bad', Body: 'hello', ContentMD5: 'x' }), 400, 'InvalidDigest');
    for (const ChecksumAlgorithm of ['CRC32', 'CRC32C', 'SHA1', 'CRC64NVME']) {
      const put = await send(PutObjectCommand, { Bucket, Key: 'k', Body: 'hello', ChecksumAlgorithm });
      const got = await send(GetObjectCommand, { Bucket, Key: 'k', ChecksumMode: 'ENABLED' });
      assert.ok(put[`Checksum${ChecksumAlgorithm}`]);
      assert.equal(got[`Checksum${ChecksumAlgorithm}`], put[`Checksum${ChecksumAlgorithm}`]);
    }
  });

  await t.test('an object has the digest that its client chose, whole or in parts', async () => {
    const Bucket = await bucket();
    const digests = { /* of "hello" */
      MD5: 'XUFAKrxLKna5cZ2REBfFkg==',
      SHA512: 'm3HSJL1i83hdltRq0+o9czGb+8KJDKra4t/3JRlnPKcjI8PZm6XBHXx6zG4UuMXaDEZjR1wuXDre9G9zvN7AQw==',
      XXHASH64: 'JseCfYifbaM=',
      XXHASH3: 'lVXoVVxi3P0=',
      XXHASH128: 'tenBrQcbPn/Hec+qXlI4GA==',
    };
    for (const [ChecksumAlgorithm, digest] of Object.entries(digests)) {
      const member = `Checksum${ChecksumAlgorithm}`;
      const put = await send(PutObjectCommand, { Bucket, Key: 'k', Body: 'hello', [member]: digest });
      const head = await send(HeadObjectCommand, { Bucket, Key: 'k', ChecksumMode: 'ENABLED' });
      assert.deepEqual([put[member], head[member], head.ChecksumType], [digest, digest, 'FULL_OBJECT']);
      await refused(send(PutObjectCommand, { Bucket, Key: 'bad', Body: 'hullo', [member]: digest }), 400, 'BadDigest');
      const upload = { Bucket, Key: 'parts', UploadId: (await send(CreateMultipartUploadCommand, { Bucket, Key: 'parts', ChecksumAlgorithm })).UploadId };
      const { ETag, [member]: told } = await send(UploadPartCommand, { ...upload, PartNumber: 1, Body: 'hello', [member]: digest });
      assert.equal(told, digest);
      const done = await send(CompleteMultipartUploadCommand, { ...upload, MultipartUpload: { Parts: [{ PartNumber: 1, ETag, [member]: digest }] } });
      assert.match(done[member], /-1$/);
      assert.equal(done.ChecksumType, 'COMPOSITE');
      const whole = send(CreateMultipartUploadCommand, { Bucket, Key: 'k', ChecksumAlgorithm, ChecksumType: 'FULL_OBJECT' });
      assert.match((await refused(whole, 400, 'InvalidRequest')).message, /^The FULL_OBJECT checksum type cannot be used/);
    }
  });

  await t.test('who sends no checksum gets the one of S3', async () => {
    const Bucket = await bucket();
    const put = await bare.send(new PutObjectCommand({ Bucket, Key: 'k', Body: '123456789' }));
    assert.deepEqual([put.ChecksumCRC64NVME, put.ChecksumType], ['rosUhgp5mIg=', 'FULL_OBJECT']);
    const copy = await send(CopyObjectCommand, { Bucket, Key: 'copy', CopySource: `${Bucket}/k` });
    assert.equal(copy.CopyObjectResult.ChecksumCRC64NVME, 'rosUhgp5mIg=');
    const head = await send(HeadObjectCommand, { Bucket, Key: 'copy', ChecksumMode: 'ENABLED' });
    assert.deepEqual([head.ChecksumCRC64NVME, head.ChecksumType], ['rosUhgp5mIg=', 'FULL_OBJECT']);
  });

  await t.test('copies keep what they are not told anew', async () => {
    const Bucket = await bucket();
    await send(PutObjectCommand, { Bucket, Key: 'a', Body: 'x', ContentType: 'text/a', Metadata: { one: '1' }, Tagging: 'k=v' });
    await send(CopyObjectCommand, { Bucket, Key: 'b', CopySource: `${Bucket}/a` });
    await send(CopyObjectCommand, { Bucket, Key: 'c', CopySource: `${Bucket}/a`, MetadataDirective: 'REPLACE', Metadata: { two: '2' }, TaggingDirective: 'REPLACE' });
    const [b, c] = await Promise.all(['b', 'c'].map((Key) => send(GetObjectCommand, { Bucket, Key })));
    assert.deepEqual([b.ContentType, b.Metadata, b.TagCount, await text(b)], ['text/a', { one: '1' }, 1, 'x']);
    assert.deepEqual([c.ContentType, c.Metadata, c.TagCount, await text(c)], ['binary/octet-stream', { two: '2' }, undefined, 'x']);
    await refused(send(CopyObjectCommand, { Bucket, Key: 'a', CopySource: `${Bucket}/a` }), 400, 'InvalidRequest');
    await refused(send(CopyObjectCommand, { Bucket, Key: 'd', CopySource: `${Bucket}/a`, CopySourceIfNoneMatch: b.ETag }), 412, 'PreconditionFailed');
    await refused(send(CopyObjectCommand, { Bucket, Key: 'd', CopySource: `${Bucket}/${'k'.repeat(1025)}` }), 400, 'KeyTooLongError');
    await send(DeleteObjectCommand, { Bucket, Key: 'a' });
    assert.equal(await text(send(GetObjectCommand, { Bucket, Key: 'b' })), 'x');
  });

  await t.test('an object that is written over while it is copied is copied as it was or as it is', async () => {
    const Bucket = await bucket({ other: 'y' });
    const put = () => s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }));
    const copy = (Key, from = 'k') => s3.send(new CopyObjectCommand({ Bucket, Key, CopySource: `${Bucket}/${from}` }));
    const Objects = Array.from({ length: 1000 }, (_, i) => ({ Key: `none${i}` }));
    for (let round = 0; round < 5; round++) {
      await put();
      const busy = s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } })); /* what comes behind it waits */
      await Promise.all([busy, copy('k', 'other'), ...[...'abcdefgh'].map((Key) => copy(Key))]);
    }
    await put();
    const deleted = await Promise.allSettled([
      s3.send(new DeleteObjectCommand({ Bucket, Key: 'k' })),
      ...[...'abcdefgh'].map((Key) => copy(Key)),
    ]);
    for (const { reason } of deleted.filter(({ status }) => status === 'rejected')) {
      assert.equal(reason.name, 'NoSuchKey');
    }
  });

  await t.test('tags', async () => {
    const Bucket = await bucket({ k: 'x' });
    const TagSet = [{ Key: 'b', Value: '' }, { Key: 'a', Value: 'ä' }];
    await send(PutObjectTaggingCommand, { Bucket, Key: 'k', Tagging: { TagSet } });
    assert.deepEqual((await send(GetObjectTaggingCommand, { Bucket, Key: 'k' })).TagSet, [TagSet[1], TagSet[0]]);
    const twice = send(PutObjectTaggingCommand, { Bucket, Key: 'k', Tagging: { TagSet: [TagSet[0], TagSet[0]] } });
    await refused(twice, 400, 'InvalidTag');
    const many = Array.from({ length: 11 }, (_, i) => ({ Key: `${i}`, Value: '' }));
    await refused(send(PutObjectTaggingCommand, { Bucket, Key: 'k', Tagging: { TagSet: many } }), 400, 'InvalidTag');
  });

  await t.test('many are deleted at once', async () => {
    const Bucket = await bucket({ a: 'x', b: 'x', c: 'x' });
    const answer = await send(DeleteObjectsCommand, { Bucket, Delete: { Objects: [{ Key: 'a' }, { Key: 'b' }, { Key: 'none' }] } });
    assert.deepEqual(answer.Deleted.map((one) => one.Key), ['a', 'b', 'none']);
    await refused(send(HeadObjectCommand, { Bucket, Key: 'a' }), 404, 'NotFound');
    await send(HeadObjectCommand, { Bucket, Key: 'c' });
  });

  await t.test('only what is archived can be restored, and is', async () => {
    const Bucket = await bucket({ k: 'here' });
    const restore = (Key) => send(RestoreObjectCommand, { Bucket, Key, RestoreRequest: { Days: 1 } });
    await refused(restore('k'), 403, 'InvalidObjectState');
    await refused(restore('none'), 404, 'NoSuchKey');
    await send(PutObjectCommand, { Bucket, Key: 'cold', Body: 'ice', StorageClass: 'GLACIER', Metadata: { a: 'b' } });
    const read = () => text(send(GetObjectCommand, { Bucket, Key: 'cold' }));
    const copy = () => send(CopyObjectCommand, { Bucket, Key: 'warm', CopySource: `${Bucket}/cold` });
    const archived = await refused(read(), 403, 'InvalidObjectState');
    assert.equal(archived.StorageClass, 'GLACIER');
    await refused(copy(), 403, 'InvalidObjectState');
    assert.equal((await send(HeadObjectCommand, { Bucket, Key: 'cold' })).Restore, undefined);
    await refused(send(RestoreObjectCommand, { Bucket, Key: 'cold', RestoreRequest: { Days: 0 } }), 400, 'MalformedXML');

    assert.equal((await restore('cold')).$metadata.httpStatusCode, 202);
    assert.equal(await read(), 'ice');
    const { Restore, Metadata } = await send(HeadObjectCommand, { Bucket, Key: 'cold' });
    const until = Date.parse(/^ongoing-request="false", expiry-date="(.* GMT)"$/.exec(Restore)[1]) - Date.now();
    assert.ok(until > 86_000_000 && until <= 2 * 86_400_000, Restore);
    assert.deepEqual(Metadata, { a: 'b' });
    const { Contents } = await send(ListObjectsV2Command, { Bucket, OptionalObjectAttributes: ['RestoreStatus'] });
    assert.deepEqual(Contents.map(({ Key, RestoreStatus }) => [Key, RestoreStatus?.IsRestoreInProgress]), [['cold', false], ['k', undefined]]);
    assert.equal((await restore('cold')).$metadata.httpStatusCode, 200); /* again: for other days */
    await copy();
    const warm = await send(HeadObjectCommand, { Bucket, Key: 'warm' });
    assert.deepEqual([warm.StorageClass, warm.Restore], [undefined, undefined]);
    await refused(send(SelectObjectContentCommand, {
      Bucket, Key: 'k', Expression: 'SELECT * FROM s3object', ExpressionType: 'SQL', InputSerialization: { CSV: {} }, OutputSerialization: { CSV: {} },
    }), 405, 'MethodNotAllowed');
  });

  await t.test("a client's own key is needed to read what it encrypts", async () => {
    const Bucket = await bucket();
    const key = customerKey(), other = customerKey();
    await send(PutObjectCommand, { Bucket, Key: 'k', Body: '0123456789', ...key });
    assert.equal(await text(send(GetObjectCommand, { Bucket, Key: 'k', Range: 'bytes=3-5', ...key })), '345');
    await refused(send(GetObjectCommand, { Bucket, Key: 'k' }), 400, 'InvalidRequest');
    await refused(send(GetObjectCommand, { Bucket, Key: 'k', ...other }), 400, 'InvalidRequest');
    await send(CopyObjectCommand, { Bucket, Key: 'l', CopySource: `${Bucket}/k`, ...asSource(key), ...other });
    assert.equal(await text(send(GetObjectCommand, { Bucket, Key: 'l', ...other })), '0123456789');
    await refused(send(PutObjectCommand, { Bucket, Key: 'm', Body: 'x', ...key, SSECustomerAlgorithm: 'AES128' }), 400, 'InvalidEncryptionAlgorithmError');
  });
});

test('S3 takes uploads in parts', async (t) => {
  const { platform, s3, bucket, client } = await startS3(t);
  const send = (Command, input) => s3.send(new Command(input));
  const bare = client(undefined, { requestChecksumCalculation: 'WHEN_REQUIRED' });

  /** Uploads parts; returns what completes them. */
  async function upload(Bucket, Key, bodies, more = {}, each = {}, by = s3) {
    const { UploadId } = await by.send(new CreateMultipartUploadCommand({ Bucket, Key, ...more }));
    const Parts = [];
    for (const [i, Body] of bodies.entries()) {
      const { ETag, ChecksumCRC32 } = await by.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: i + 1, Body, ...each }));
      Parts.push({ PartNumber: i + 1, ETag, ...(more.ChecksumAlgorithm && { ChecksumCRC32 }) });
    }
    return { Bucket, Key, UploadId, MultipartUpload: { Parts } };
  }

  await t.test('the parts make one object, and can be read one by one', async () => {
    const Bucket = await bucket();
    const bodies = [randomBytes(5 * MIB), randomBytes(5 * MIB + 1), randomBytes(3)];
    const completion = await upload(Bucket, 'k', bodies, { Metadata: { one: '1' } });
    const { ETag } = await send(CompleteMultipartUploadCommand, completion);
    const md5 = createHash('md5').update(Buffer.concat(bodies.map((body) => createHash('md5').update(body).digest()))).digest('hex');
    assert.equal(ETag, `"${md5}-3"`);
    const got = await send(GetObjectCommand, { Bucket, Key: 'k' });
    assert.deepEqual(got.Metadata, { one: '1' });
    assert.ok(Buffer.concat(bodies).equals(Buffer.from(await got.Body.transformToByteArray())));
    const part = await send(GetObjectCommand, { Bucket, Key: 'k', PartNumber: 3 });
    assert.ok(bodies[2].equals(Buffer.from(await part.Body.transformToByteArray())));
    assert.deepEqual([part.PartsCount, part.ContentRange], [3, `bytes ${10 * MIB + 1}-${10 * MIB + 3}/${10 * MIB + 4}`]);
    await refused(send(GetObjectCommand, { Bucket, Key: 'k', PartNumber: 4 }), 400, 'InvalidPart');
    const across = await send(GetObjectCommand, { Bucket, Key: 'k', Range: `bytes=${5 * MIB - 2}-${5 * MIB + 1}` });
    assert.ok(Buffer.concat(bodies).subarray(5 * MIB - 2, 5 * MIB + 2).equals(Buffer.from(await across.Body.transformToByteArray())));
    const attributes = await send(GetObjectAttributesCommand, { Bucket, Key: 'k', ObjectAttributes: ['ObjectParts', 'ObjectSize'] });
    assert.deepEqual([attributes.ObjectParts.TotalPartsCount, attributes.ObjectSize], [3, 10 * MIB + 4]);
    assert.equal((await send(CompleteMultipartUploadCommand, completion)).ETag, ETag); /* the answer was lost */
  });

  await t.test('an upload without checksums has one of the whole, and its copies are one piece', async () => {
    const Bucket = await bucket();
    const bodies = [randomBytes(5 * MIB), randomBytes(100)];
    const whole = Buffer.concat(bodies);
    const wanted = await bare.send(new PutObjectCommand({ Bucket, Key: 'whole', Body: whole }));
    const completion = await upload(Bucket, 'k', bodies, {}, {}, bare);
    assert.deepEqual((await send(ListPartsCommand, completion)).Parts.map((part) => part.ChecksumCRC64NVME), [undefined, undefined]);
    const [{ ETag }] = completion.MultipartUpload.Parts;
    const named = { Parts: [{ PartNumber: 1, ETag, ChecksumCRC32: 'AAAAAA==' }] };
    await refused(send(CompleteMultipartUploadCommand, { ...completion, MultipartUpload: named }), 400, 'InvalidPart');
    const { ChecksumCRC64NVME, ChecksumType } = await send(CompleteMultipartUploadCommand, completion);
    assert.deepEqual([ChecksumCRC64NVME, ChecksumType], [wanted.ChecksumCRC64NVME, 'FULL_OBJECT']);
    const attributes = await send(GetObjectAttributesCommand, { Bucket, Key: 'k', ObjectAttributes: ['ObjectParts'] });
    assert.equal(attributes.ObjectParts.TotalPartsCount, 2);

    const copy = await send(CopyObjectCommand, { Bucket, Key: 'copy', CopySource: `${Bucket}/k` });
    assert.deepEqual([copy.CopyObjectResult.ETag, copy.CopyObjectResult.ChecksumCRC64NVME], [wanted.ETag, wanted.ChecksumCRC64NVME]);
    await send(DeleteObjectCommand, { Bucket, Key: 'k' });
    const got = await send(GetObjectCommand, { Bucket, Key: 'copy', PartNumber: 1 });
    assert.ok(whole.equals(Buffer.from(await got.Body.transformToByteArray())));
    assert.equal(got.PartsCount, undefined);
  });

  await t.test('checksums of parts are those that were agreed on', async () => {
    const Bucket = await bucket();
    const completion = await upload(Bucket, 'k', ['small'], { ChecksumAlgorithm: 'CRC32' }, { ChecksumAlgorithm: 'CRC32' });
    const { ETag, ChecksumCRC32 } = completion.MultipartUpload.Parts[0];
    const complete = (part, more) => send(CompleteMultipartUploadCommand, { ...completion, MultipartUpload: { Parts: [{ PartNumber: 1, ETag, ...part }] }, ...more });
    const other = await refused(complete({ ChecksumSHA1: 'AAAA' }), 400, 'BadDigest');
    assert.match(other.message, /The sha1 you specified for part 1 did not match/);
    await refused(complete({ ChecksumCRC32 }, { ChecksumType: 'FULL_OBJECT' }), 400, 'InvalidRequest');
    await refused(complete({ ChecksumCRC32 }, { ChecksumCRC32: 'AAAAAA==' }), 400, 'BadDigest');
    const composite = Buffer.alloc(4);
    composite.writeUInt32BE(crc32(Buffer.from(ChecksumCRC32, 'base64')));
    const whole = composite.toString('base64'); // the SDK for Go names it so, Amazon with the number of parts
    assert.equal((await complete({ ChecksumCRC32 }, { ChecksumCRC32: whole })).ChecksumCRC32, `${whole}-1`);
    const { ObjectParts } = await send(GetObjectAttributesCommand, { Bucket, Key: 'k', ObjectAttributes: ['ObjectParts'] });
    assert.deepEqual(ObjectParts.Parts.map((part) => part.ChecksumCRC32), [ChecksumCRC32]);
  });

  await t.test("an upload's checksum may be named as a body's is, as minio-py does", async () => {
    const Bucket = await bucket();
    const minio = client();
    minio.middlewareStack.add((next) => (args) => {
      args.request.headers['x-amz-sdk-checksum-algorithm'] = 'crc32';
      return next(args);
    }, { step: 'build' });
    const { UploadId } = await minio.send(new CreateMultipartUploadCommand({ Bucket, Key: 'k' }));
    const { ETag, ChecksumCRC32 } = await minio.send(new UploadPartCommand({ Bucket, Key: 'k', UploadId, PartNumber: 1, Body: 'x', ChecksumAlgorithm: 'CRC32' }));
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag, ChecksumCRC32 }] };
    assert.match((await send(CompleteMultipartUploadCommand, { Bucket, Key: 'k', UploadId, MultipartUpload })).ChecksumCRC32, /-1$/);
  });

  await t.test('a reader gets all parts of an object that is removed meanwhile; one that leaves harms no other', async () => {
    const Bucket = await bucket();
    const bodies = [6, 6, 6, 1].map((size) => randomBytes(size * MIB));
    await send(CompleteMultipartUploadCommand, await upload(Bucket, 'k', bodies));
    for (let i = 0; i < 5; i++) {
      (await send(GetObjectCommand, { Bucket, Key: 'k' })).Body.destroy();
    }
    const first = await send(GetObjectCommand, { Bucket, Key: 'k' }); /* nobody reads it yet */
    const second = await send(GetObjectCommand, { Bucket, Key: 'k', Range: `bytes=${MIB}-` });
    await send(DeleteObjectCommand, { Bucket, Key: 'k' });
    await refused(send(GetObjectCommand, { Bucket, Key: 'k' }), 404, 'NoSuchKey');
    const [one, two] = await Promise.all([first, second].map((answer) => answer.Body.transformToByteArray()));
    assert.ok(Buffer.concat(bodies).equals(Buffer.from(one)));
    assert.ok(Buffer.concat(bodies).subarray(MIB).equals(Buffer.from(two)));
  });

  await t.test('an upload that is completed or aborted twice at once is so once', async () => {
    const Bucket = await bucket();
    const begin = async (Key) => {
      const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
      const { ETag } = await s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: 'part' }));
      const complete = () => s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] } }));
      return { complete, abort: () => s3.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId })) };
    };
    for (let round = 0; round < 10; round++) {
      const twice = await begin('twice');
      const [one, two] = await Promise.all([twice.complete(), twice.complete()]); /* as who has lost the answer does */
      assert.equal(one.ETag, two.ETag);
      const aborted = await begin(`aborted${round}`);
      const [abort, complete] = await Promise.allSettled([aborted.abort(), aborted.complete()]);
      assert.equal(abort.status, 'fulfilled'); /* S3 says so of what is completed, too */
      assert.ok(complete.status === 'fulfilled' || complete.reason.name === 'NoSuchUpload');
      assert.equal((await send(ListObjectsV2Command, { Bucket, Prefix: `aborted${round}` })).KeyCount, complete.reason ? 0 : 1);
    }
  });

  await t.test('an upload that its object came of is over, whoever ends it once more', async () => {
    const Bucket = await bucket();
    const completion = await upload(Bucket, 'k', ['part']);
    const { Key, UploadId } = completion;
    const abort = () => send(AbortMultipartUploadCommand, { Bucket, Key, UploadId });
    await send(CompleteMultipartUploadCommand, completion);
    assert.equal((await abort()).$metadata.httpStatusCode, 204);
    assert.equal(await text(send(GetObjectCommand, { Bucket, Key })), 'part');
    await send(DeleteObjectCommand, { Bucket, Key });
    await refused(abort(), 404, 'NoSuchUpload');
  });

  await t.test('lists that do not fit the parts are refused', async () => {
    const Bucket = await bucket();
    const completion = await upload(Bucket, 'k', ['small', 'small']);
    const complete = (Parts, more) => send(CompleteMultipartUploadCommand, { ...completion, MultipartUpload: { Parts }, ...more });
    const [one, two] = completion.MultipartUpload.Parts;
    await refused(complete([two, one]), 400, 'InvalidPartOrder');
    await refused(complete([one, two]), 400, 'EntityTooSmall');
    await refused(complete([{ ...one, ETag: '"0"' }]), 400, 'InvalidPart');
    await refused(complete([one, { ...two, PartNumber: 7 }]), 400, 'EntityTooSmall');
    await refused(send(CompleteMultipartUploadCommand, { ...completion, UploadId: '0'.repeat(32) }), 404, 'NoSuchUpload');
    await complete([one], { IfNoneMatch: '*' });
    assert.equal(await text(send(GetObjectCommand, { Bucket, Key: 'k' })), 'small');
    const again = await upload(Bucket, 'k', ['other']);
    await refused(send(CompleteMultipartUploadCommand, { ...again, IfNoneMatch: '*' }), 412, 'PreconditionFailed');
  });

  await t.test('uploads under way are listed, and forgotten when aborted', async () => {
    const Bucket = await bucket();
    const { UploadId } = await upload(Bucket, 'k', ['one', 'two']);
    assert.deepEqual((await send(ListMultipartUploadsCommand, { Bucket })).Uploads.map((u) => [u.Key, u.UploadId]), [['k', UploadId]]);
    const page = await send(ListPartsCommand, { Bucket, Key: 'k', UploadId, MaxParts: 1 });
    assert.deepEqual([page.Parts.map((p) => p.PartNumber), page.IsTruncated, page.NextPartNumberMarker], [[1], true, '1']);
    assert.equal((await send(ListPartsCommand, { Bucket, Key: 'k', UploadId, MaxParts: 0 })).IsTruncated, false);
    const keys = async (query) => (await send(ListMultipartUploadsCommand, { Bucket, ...query })).Uploads?.map((u) => u.Key);
    await upload(Bucket, 'b', ['one']);
    assert.deepEqual([await keys({ Prefix: 'k', KeyMarker: 'a' }), await keys({ KeyMarker: 'b' }), await keys({ Prefix: 'b', KeyMarker: 'b' })], [['k'], ['k'], undefined]);
    assert.equal((await send(ListMultipartUploadsCommand, { Bucket, MaxUploads: 0 })).IsTruncated, false);
    await send(AbortMultipartUploadCommand, { Bucket, Key: 'b', UploadId: (await send(ListMultipartUploadsCommand, { Bucket })).Uploads[0].UploadId });
    await send(AbortMultipartUploadCommand, { Bucket, Key: 'k', UploadId });
    assert.equal((await send(ListMultipartUploadsCommand, { Bucket })).Uploads, undefined);
    await refused(send(ListPartsCommand, { Bucket, Key: 'k', UploadId }), 404, 'NoSuchUpload');
  });

  await t.test('a part may be a piece of another object', async () => {
    const Bucket = await bucket({ source: '0123456789' });
    const { UploadId } = await send(CreateMultipartUploadCommand, { Bucket, Key: 'k' });
    const copy = (CopySourceRange) => send(UploadPartCopyCommand, { Bucket, Key: 'k', UploadId, PartNumber: 1, CopySource: `${Bucket}/source`, CopySourceRange });
    const { CopyPartResult: { ETag } } = await copy('bytes=2-4');
    await refused(copy('bytes=2-10'), 400, 'InvalidArgument');
    await refused(copy('bytes=x'), 400, 'InvalidArgument');
    await send(CompleteMultipartUploadCommand, { Bucket, Key: 'k', UploadId, MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] } });
    assert.equal(await text(send(GetObjectCommand, { Bucket, Key: 'k' })), '234');
  });

  await t.test("each part, and completing them, needs the client's key", async () => {
    const Bucket = await bucket();
    const key = customerKey(), other = customerKey();
    const completion = await upload(Bucket, 'k', ['secret'], key, key);
    const { message } = await refused(send(UploadPartCommand, { ...completion, PartNumber: 1, Body: 'x' }), 400, 'InvalidRequest');
    assert.match(message, /^The multipart upload initiate requested encryption\./);
    await refused(send(UploadPartCommand, { ...completion, PartNumber: 1, Body: 'x', ...other }), 400, 'InvalidRequest');
    await refused(send(CompleteMultipartUploadCommand, { ...completion, ...other }), 400, 'InvalidRequest');
    await refused(send(CompleteMultipartUploadCommand, completion), 400, 'InvalidRequest');
    await send(CompleteMultipartUploadCommand, { ...completion, ...key });
    assert.equal(await text(send(GetObjectCommand, { Bucket, Key: 'k', ...key })), 'secret');
  });

  await t.test('clients that leave before their object comes leave no file open', async () => {
    const Bucket = await bucket({ k: randomBytes(MIB) });
    const url = new URL(await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key: 'k' })));
    const { pid } = await platform.process('mayfly: gateway');
    const leave = (n) => new Promise((resolve) => {
      const socket = net.connect(url.port, url.hostname, () => {
        socket.write(`GET ${url.pathname}${url.search} HTTP/1.1\r\nhost: ${url.host}\r\n\r\n`);
        setTimeout(() => socket.resetAndDestroy(), n % 30);
      });
      socket.on('error', () => {}).on('close', resolve).resume();
    });
    await Promise.all(Array.from({ length: 400 }, (_, n) => leave(n)));
    const open = () => readdirSync(`/proc/${pid}/fd`).filter((fd) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${fd}`).includes('/objects/');
      } catch {
        return false; /* closed meanwhile */
      }
    });
    assert.equal((await text(send(GetObjectCommand, { Bucket, Key: 'k' }))).length > 0, true);
    await eventually(() => open().length === 0, () => `${open().length} are open`);
  });
});
