/* What S3's answers say beside their codes, as recorded of S3 itself: clients and their users read it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { test } from 'node:test';
import {
  CompleteMultipartUploadCommand, CopyObjectCommand, CreateBucketCommand, CreateMultipartUploadCommand,
  DeleteBucketCommand, DeleteObjectCommand, DeleteObjectTaggingCommand,
  GetObjectAttributesCommand,
  GetBucketLifecycleConfigurationCommand, GetBucketAclCommand, GetBucketLocationCommand, GetBucketTaggingCommand, GetObjectAclCommand,
  GetObjectCommand, GetObjectLegalHoldCommand, GetObjectTaggingCommand, HeadBucketCommand,
  HeadObjectCommand, ListBucketsCommand, ListMultipartUploadsCommand, ListObjectsV2Command, ListPartsCommand,
  PutBucketLifecycleConfigurationCommand, PutBucketAclCommand, PutBucketLoggingCommand, PutBucketTaggingCommand, PutBucketVersioningCommand, PutObjectAclCommand,
  PutObjectCommand, PutObjectLegalHoldCommand, PutObjectLockConfigurationCommand, PutObjectTaggingCommand, S3Client, SelectObjectContentCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { createPresignedPost } from '@aws-sdk/s3-presigned-post';
import { details, refused, startS3 } from './s3_project.js';

test("S3's answers", async (t) => {
  const { s3, bucket, endpoint, client } = await startS3(t);
  const send = (Command, input) => s3.send(new Command(input));

  await t.test('an error names the bucket, the key or the version that it is about', async () => {
    const Bucket = await bucket({ k: 'x' });
    const { VersionId } = { VersionId: '0123456789abcdef0123456789abcdef' };
    const said = async (promise, status, code) => details(await refused(promise, status, code));
    assert.deepEqual(await said(send(GetObjectCommand, { Bucket, Key: 'no' }), 404, 'NoSuchKey'), { Key: 'no' });
    assert.deepEqual(await said(send(GetObjectCommand, { Bucket, Key: 'k', VersionId }), 404, 'NoSuchVersion'), { Key: 'k', VersionId });
    assert.deepEqual(await said(send(GetBucketTaggingCommand, { Bucket }), 404, 'NoSuchTagSet'), { BucketName: Bucket });
    assert.deepEqual(await said(send(GetObjectCommand, { Bucket: 'no-such', Key: 'k' }), 404, 'NoSuchBucket'), { BucketName: 'no-such' });
    const copy = { Bucket, Key: 'copy', CopySource: `${Bucket}/source` };
    assert.deepEqual(await said(send(CopyObjectCommand, copy), 404, 'NoSuchKey'), { Key: 'source' });
    assert.deepEqual(await said(send(DeleteBucketCommand, { Bucket }), 409, 'BucketNotEmpty'), { BucketName: Bucket });
    assert.deepEqual(await said(send(PutObjectCommand, { Bucket, Key: 'k', StorageClass: 'NONE' }), 400, 'InvalidStorageClass'), { StorageClassRequested: 'NONE' });
    await refused(send(GetObjectCommand, { Bucket, Key: 'k', ExpectedBucketOwner: 'me' }), 400, 'InvalidBucketOwnerAWSAccountID');
    await refused(send(GetObjectCommand, { Bucket, Key: 'k', ExpectedBucketOwner: '111111111111' }), 403, 'AccessDenied');
  });

  await t.test('an upload that stops is told so in words that clients try again for', { timeout: 90_000 }, async () => {
    const Bucket = await bucket();
    const url = await getSignedUrl(s3, new PutObjectCommand({ Bucket, Key: 'k' }));
    const request = http.request(url, { method: 'PUT', headers: { 'content-length': 10 } });
    request.write('half');
    const [answer] = await once(request, 'response'); /* half a minute later */
    const text = Buffer.concat(await answer.toArray()).toString();
    assert.equal(answer.statusCode, 400);
    assert.equal(answer.headers.connection, 'close');
    assert.match(text, /<Error><Code>RequestTimeout<\/Code><Message>Your socket connection to the server was not read from/);
    await refused(send(HeadObjectCommand, { Bucket, Key: 'k' }), 404, 'NotFound');
  });

  await t.test('attributes are asked for in one field, or in one each', async () => {
    const Bucket = await bucket({ k: 'hello' });
    const several = client();
    const field = (value) => (next) => (args) => {
      args.request.headers['x-amz-object-attributes'] = value;
      return next(args);
    };
    several.middlewareStack.add(field('StorageClass,ObjectSize'), { step: 'build' });
    several.middlewareStack.add(field(['StorageClass', 'ObjectSize']), { step: 'deserialize' }); /* when it is signed */
    const { StorageClass, ObjectSize } = await several.send(new GetObjectAttributesCommand({ Bucket, Key: 'k', ObjectAttributes: ['ETag'] }));
    assert.deepEqual({ StorageClass, ObjectSize }, { StorageClass: 'STANDARD', ObjectSize: 5 });
    const wrong = send(GetObjectAttributesCommand, { Bucket, Key: 'k', ObjectAttributes: ['ETag', 'Size'] });
    assert.deepEqual(details(await refused(wrong, 400, 'InvalidArgument')), { ArgumentName: 'x-amz-object-attributes', ArgumentValue: 'Size' });
  });

  await t.test('a condition that does not hold is named', async () => {
    const Bucket = await bucket({ k: 'x' });
    const CopySource = `${Bucket}/k`;
    const failed = async (promise) => details(await refused(promise, 412, 'PreconditionFailed'));
    assert.deepEqual(await failed(send(GetObjectCommand, { Bucket, Key: 'k', IfMatch: '"no"' })), { Condition: 'If-Match' });
    assert.deepEqual(await failed(send(GetObjectCommand, { Bucket, Key: 'k', IfUnmodifiedSince: new Date(0) })), { Condition: 'If-Unmodified-Since' });
    assert.deepEqual(await failed(send(PutObjectCommand, { Bucket, Key: 'k', IfNoneMatch: '*' })), { Condition: 'If-None-Match' });
    assert.deepEqual(await failed(send(CopyObjectCommand, { Bucket, Key: 'c', CopySource, CopySourceIfMatch: '"no"' })), { Condition: 'x-amz-copy-source-If-Match' });
    await send(CopyObjectCommand, { Bucket, Key: 'c', CopySource, CopySourceIfModifiedSince: new Date(Date.now() + 1e9) });
  });

  await t.test('a list of parts that is refused says which part it is', async () => {
    const Bucket = await bucket();
    const { UploadId } = await send(CreateMultipartUploadCommand, { Bucket, Key: 'k' });
    const parts = [];
    for (const PartNumber of [1, 2]) {
      const { ETag } = await send(UploadPartCommand, { Bucket, Key: 'k', UploadId, PartNumber, Body: 'small' });
      parts.push({ PartNumber, ETag });
    }
    assert.equal((await send(ListPartsCommand, { Bucket, Key: 'k', UploadId })).NextPartNumberMarker, '2');
    const complete = (Parts, more) => send(CompleteMultipartUploadCommand, { Bucket, Key: 'k', UploadId, MultipartUpload: { Parts }, ...more });
    const ETag = parts[0].ETag.slice(1, -1);
    assert.deepEqual(details(await refused(complete(parts), 400, 'EntityTooSmall')), { ProposedSize: '5', MinSizeAllowed: '5242880', PartNumber: '1', ETag });
    assert.deepEqual(details(await refused(complete([{ PartNumber: 3, ETag }]), 400, 'InvalidPart')), { UploadId, PartNumber: '3', ETag });
    const error = await refused(complete(parts.slice(0, 1), { MpuObjectSize: 7 }), 400, 'InvalidRequest');
    assert.equal(error.message, "The provided 'x-amz-mp-object-size' header value 7 does not match what was computed: 5");
  });

  await t.test('uploads under way are listed with the place to go on from; the whole has a URL', async () => {
    const Bucket = await bucket();
    const Key = 'ä b/—';
    assert.deepEqual((({ NextKeyMarker, Prefix }) => [NextKeyMarker, Prefix])(await send(ListMultipartUploadsCommand, { Bucket })), ['', undefined]);
    const { UploadId } = await send(CreateMultipartUploadCommand, { Bucket, Key });
    const listed = await send(ListMultipartUploadsCommand, { Bucket });
    assert.deepEqual([listed.NextKeyMarker, listed.NextUploadIdMarker, listed.IsTruncated], [Key, UploadId, false]);
    assert.equal((await send(ListMultipartUploadsCommand, { Bucket, UploadIdMarker: UploadId })).UploadIdMarker, '', 'it counts behind a key only');
    const { ETag } = await send(UploadPartCommand, { Bucket, Key, UploadId, PartNumber: 1, Body: 'x' });
    const whole = await send(CompleteMultipartUploadCommand, { Bucket, Key, UploadId, MultipartUpload: { Parts: [{ ETag, PartNumber: 1 }] } });
    assert.equal(whole.Location, `${endpoint}/${Bucket}/%C3%A4%20b/%E2%80%94`);
  });

  await t.test('a copy onto itself has to change something, versions or not', async () => {
    const Bucket = await bucket();
    await send(PutBucketVersioningCommand, { Bucket, VersioningConfiguration: { Status: 'Enabled' } });
    const { VersionId } = await send(PutObjectCommand, { Bucket, Key: 'k', Body: 'x' });
    const copy = (more) => send(CopyObjectCommand, { Bucket, Key: 'k', CopySource: `${Bucket}/k`, ...more });
    await refused(copy(), 400, 'InvalidRequest');
    await copy({ MetadataDirective: 'REPLACE' });
    await copy({ CopySource: `${Bucket}/k?versionId=${VersionId}` });
    assert.equal((await refused(copy({ CopySource: 'nothing' }), 400, 'InvalidArgument')).message, 'Invalid copy source object key');
  });

  await t.test('a bucket may be made with tags, and tells its ARN and its region', async () => {
    const made = await send(CreateBucketCommand, { Bucket: 'tagged', CreateBucketConfiguration: { Tags: [{ Key: 'a', Value: 'b' }] } });
    assert.equal(made.BucketArn, 'arn:aws:s3:::tagged');
    assert.deepEqual((await send(GetBucketTaggingCommand, { Bucket: 'tagged' })).TagSet, [{ Key: 'a', Value: 'b' }]);
    const [one] = (await send(ListBucketsCommand, { Prefix: 'tagged' })).Buckets;
    assert.deepEqual([one.BucketArn, one.BucketRegion], ['arn:aws:s3:::tagged', 'us-east-1']);
    assert.deepEqual((await send(ListBucketsCommand, { BucketRegion: 'eu-west-1' })).Buckets ?? [], []);
    const answer = await fetch(`${endpoint}/?prefix=tagged`, { headers: { host: 'tagged.s3.eu-west-1.amazonaws.com' } });
    assert.ok(answer.status < 500);
  });

  await t.test('tags that are the system\'s, or no tags, are refused', async () => {
    const Bucket = await bucket({ k: 'x' });
    const tag = (Key, Value) => send(PutObjectTaggingCommand, { Bucket, Key: 'k', Tagging: { TagSet: [{ Key, Value }] } });
    assert.equal((await refused(tag('aws:x', 'v'), 400, 'InvalidTag')).message, 'Your TagKey cannot be prefixed with aws:');
    assert.deepEqual(details(await refused(tag('a,b', 'v'), 400, 'InvalidTag')), { TagKey: 'a,b' });
    assert.deepEqual(details(await refused(tag('a', 'v;w'), 400, 'InvalidTag')), { TagKey: 'a', TagValue: 'v;w' });
    const ofBucket = send(PutBucketTaggingCommand, { Bucket, Tagging: { TagSet: [{ Key: 'aws:x', Value: 'v' }] } });
    assert.equal((await refused(ofBucket, 400, 'InvalidTag')).message, 'System tags cannot be added/updated by requester');
    await tag('größe +-=._:/@1', 'ä');
    for (const Tagging of ['a=1&a=2', 'a=1,b=2']) {
      const said = details(await refused(send(PutObjectCommand, { Bucket, Key: 't', Tagging }), 400, 'InvalidArgument'));
      assert.deepEqual(said, { ArgumentName: 'x-amz-tagging', ArgumentValue: Tagging });
    }
    const { message } = await refused(send(PutObjectCommand, { Bucket, Key: 't', Tagging: 'aws:a=1' }), 400, 'InvalidTag');
    assert.equal(message, 'Your TagKey cannot be prefixed with aws:');
  });

  await t.test("a bucket's tags are put without a word, and none is no set of them", async () => {
    const Bucket = await bucket();
    const put = (...TagSet) => send(PutBucketTaggingCommand, { Bucket, Tagging: { TagSet } });
    assert.equal((await put({ Key: 'a', Value: 'b' })).$metadata.httpStatusCode, 204);
    await put();
    await refused(send(GetBucketTaggingCommand, { Bucket }), 404, 'NoSuchTagSet');
  });

  await t.test('a bucket is made in the region that the request is sent to', async () => {
    /* By a URL: else the SDK writes the region of its own. */
    const make = async (region, LocationConstraint) => {
      const there = new S3Client({ endpoint, region, credentials: s3.config.credentials, forcePathStyle: true });
      const Bucket = `in-${region}-${LocationConstraint ?? 'none'}`.toLowerCase();
      const url = await getSignedUrl(there, new CreateBucketCommand({ Bucket }), { unsignableHeaders: new Set(['content-length']) });
      there.destroy();
      const body = `<CreateBucketConfiguration><LocationConstraint>${LocationConstraint}</LocationConstraint></CreateBucketConfiguration>`;
      const answer = await fetch(url, { method: 'PUT', body: LocationConstraint && body });
      return [answer.status, /<Code>(.*)<.Code><Message>(.*)<.Message>/.exec(await answer.text())?.slice(1)].flat();
    };
    const incompatible = (what) => [
      400, 'IllegalLocationConstraintException', `The ${what} location constraint is incompatible for the region specific endpoint this request was sent to.`,
    ];
    assert.deepEqual(await make('us-west-2', 'eu-central-1'), incompatible('eu-central-1'));
    assert.deepEqual(await make('us-west-2', 'us-east-1'), incompatible('us-east-1'));
    assert.deepEqual(await make('us-west-2'), incompatible('unspecified'));
    assert.equal((await make('us-east-1', 'us-east-1'))[1], 'InvalidLocationConstraint');
    for (const where of [['us-west-2', 'us-west-2'], ['eu-west-1', 'EU'], ['us-east-1', 'eu-central-1'], ['us-east-1']]) {
      assert.equal((await make(...where))[0], 200, where.join());
    }
  });

  await t.test('a document that is missing is no malformed one', async () => {
    const Bucket = await bucket();
    const error = await refused(send(PutObjectLockConfigurationCommand, { Bucket }), 400, 'MissingRequestBodyError');
    assert.equal(error.message, 'Request Body is empty');
  });

  await t.test('a copy is checked as what is new', async () => {
    const Bucket = await bucket({ k: 'x' });
    const copy = (more) => send(CopyObjectCommand, { Bucket, Key: 'c', CopySource: `${Bucket}/k`, ...more });
    await refused(copy({ StorageClass: 'STANDARD2' }), 400, 'InvalidStorageClass');
    await refused(copy({ WebsiteRedirectLocation: 'there' }), 400, 'InvalidRedirectLocation');
    await copy({ StorageClass: 'STANDARD_IA', WebsiteRedirectLocation: '/there' });
  });

  await t.test('a rule of a lifecycle has what the schema wants', async () => {
    const Bucket = await bucket();
    const put = (rule) => send(PutBucketLifecycleConfigurationCommand, {
      Bucket, LifecycleConfiguration: { Rules: [{ ID: 'r', Status: 'Enabled', Filter: { Prefix: 'a' }, ...rule }] },
    });
    const malformed = (rule) => refused(put(rule), 400, 'MalformedXML');
    await malformed({ Expiration: { Days: 1 }, Prefix: 'b' });
    await malformed({ Expiration: { Days: 1, ExpiredObjectDeleteMarker: false } });
    await malformed({ Transitions: [{ Days: 1 }] });
    await malformed({ NoncurrentVersionTransitions: [{ StorageClass: 'GLACIER' }] });
    await malformed({ Transitions: [{ Days: 1, StorageClass: 'STANDARD' }] });
    await malformed({ NoncurrentVersionTransitions: [{ NoncurrentDays: 30, StorageClass: 'FROZEN' }] });
    for (const StorageClass of ['STANDARD_IA', 'ONEZONE_IA']) {
      const { message } = await refused(put({ Transitions: [{ Days: 29, StorageClass }] }), 400, 'InvalidArgument');
      assert.equal(message, `'Days' in Transition action must be greater than or equal to 30 for storageClass '${StorageClass}'`);
      await put({ Transitions: [{ Days: 30, StorageClass }] });
    }
    await put({ Expiration: { ExpiredObjectDeleteMarker: true }, NoncurrentVersionTransitions: [{ NoncurrentDays: 3, StorageClass: 'GLACIER' }] });
  });

  await t.test('an entity tag may lack quotation marks', async () => {
    const Bucket = await bucket();
    const put = (Body, IfMatch) => send(PutObjectCommand, { Bucket, Key: 'k', Body, IfMatch });
    const first = await put('1');
    const second = await put('2', first.ETag.replaceAll('"', ''));
    await put('3', second.ETag.slice(1));
    await refused(put('4', second.ETag), 412, 'PreconditionFailed');
    await refused(send(PutObjectCommand, { Bucket, Key: 'no', Body: 'x', IfMatch: first.ETag }), 404, 'NoSuchKey');
  });

  await t.test('a delete marker says what it is', async () => {
    const Bucket = await bucket();
    await send(PutBucketVersioningCommand, { Bucket, VersioningConfiguration: { Status: 'Enabled' } });
    await send(PutObjectCommand, { Bucket, Key: 'k', Body: 'x' });
    const { VersionId } = await send(DeleteObjectCommand, { Bucket, Key: 'k' });
    const error = await refused(send(GetObjectCommand, { Bucket, Key: 'k', VersionId }), 405, 'MethodNotAllowed');
    assert.deepEqual(details(error), { Method: 'GET', ResourceType: 'DeleteMarker' });
    await refused(send(GetObjectTaggingCommand, { Bucket, Key: 'k', VersionId }), 405, 'MethodNotAllowed');
    assert.match((await refused(send(DeleteBucketCommand, { Bucket }), 409, 'BucketNotEmpty')).message, /all versions/);
  });

  await t.test('everything is encrypted, if with nothing else then with AES256', async () => {
    const Bucket = await bucket();
    assert.equal((await send(PutObjectCommand, { Bucket, Key: 'k', Body: 'x' })).ServerSideEncryption, 'AES256');
    assert.equal((await send(HeadObjectCommand, { Bucket, Key: 'k' })).ServerSideEncryption, 'AES256');
  });

  await t.test('lists tell when an object was written by the second, as its head does', async () => {
    const Bucket = await bucket();
    for (const Key of ['a', 'b', 'c']) {
      await send(PutObjectCommand, { Bucket, Key, Body: 'x' }); /* not all three at the beginning of a second */
    }
    const { Contents } = await send(ListObjectsV2Command, { Bucket });
    for (const { Key, LastModified } of Contents) {
      assert.deepEqual(LastModified, (await send(HeadObjectCommand, { Bucket, Key })).LastModified);
    }
    const { CopyObjectResult } = await send(CopyObjectCommand, { Bucket, Key: 'copy', CopySource: `${Bucket}/a` });
    assert.equal(CopyObjectResult.LastModified.getMilliseconds(), 0);
  });

  await t.test('a plus in the source of a copy is a blank, unless it is escaped', async () => {
    const Bucket = await bucket({ 'a b': 'blank', 'a+b': 'plus' });
    for (const [escaped, Key] of [['a+b', 'a b'], ['a%20b', 'a b'], ['a%2Bb', 'a+b']]) {
      await send(CopyObjectCommand, { Bucket, Key: 'copy', CopySource: `${Bucket}/${escaped}` });
      const { Body } = await send(GetObjectCommand, { Bucket, Key: 'copy' });
      assert.equal(await Body.transformToString(), Key === 'a b' ? 'blank' : 'plus', escaped);
    }
  });

  await t.test('a plus in a path is a blank, unless it is escaped, signed or not', async () => {
    const Bucket = await bucket({ 'a b': 'blank', 'a+b': 'plus' });
    await send(PutObjectAclCommand, { Bucket, Key: 'a b', ACL: 'public-read' });
    const signed = async (Key) => getSignedUrl(s3, new GetObjectCommand({ Bucket, Key }));
    const read = async (url) => (await fetch(url)).text();
    assert.equal(await read((await signed('a b')).replace('a%20b', 'a+b')), 'blank');
    assert.equal(await read(await signed('a+b')), 'plus');
    assert.match(await read((await signed('a+b')).replace('a%2Bb', 'a+b')), /<Code>SignatureDoesNotMatch</);
    assert.equal(await read(`${endpoint}/${Bucket}/a+b`), 'blank');
    assert.match(await read(`${endpoint}/${Bucket}/a%2Bb`), /<Code>AccessDenied</);
  });

  await t.test('a body that does not say how long it is is refused', async () => { /* as what a fetch() of a stream sends */
    const Bucket = await bucket();
    const url = await getSignedUrl(s3, new PutObjectCommand({ Bucket, Key: 'k' }));
    const answer = await fetch(url, { method: 'PUT', body: new Blob(['hello']).stream(), duplex: 'half' });
    assert.equal(answer.status, 501);
    assert.match(await answer.text(), /<Code>NotImplemented<\/Code><Message>A header you provided implies [^<]+<\/Message><Header>Transfer-Encoding<\/Header>/);
    await refused(send(HeadObjectCommand, { Bucket, Key: 'k' }), 404, 'NotFound');
  });

  await t.test('an object without Content-Length is not taken for an empty one', async () => { /* as what `curl -X PUT` sends */
    const Bucket = await bucket();
    const put = async (command, headers) => {
      const url = new URL(await getSignedUrl(s3, command));
      return new Promise((resolve, reject) => {
        const request = http.request(url, { method: 'PUT', headers }, async (answer) => {
          resolve([answer.statusCode, Buffer.concat(await answer.toArray()).toString()]);
        });
        request.on('error', reject);
        request.useChunkedEncodingByDefault = false; /* so that it says nothing of a body */
        request.removeHeader('content-length');
        request.end();
      });
    };
    const { UploadId } = await send(CreateMultipartUploadCommand, { Bucket, Key: 'k' });
    for (const command of [new PutObjectCommand({ Bucket, Key: 'k' }), new UploadPartCommand({ Bucket, Key: 'k', UploadId, PartNumber: 1 })]) {
      const [status, text] = await put(command);
      assert.equal(status, 411, text);
      assert.match(text, /<Code>MissingContentLength<\/Code><Message>You must provide the Content-Length HTTP header\.</);
    }
    await refused(send(HeadObjectCommand, { Bucket, Key: 'k' }), 404, 'NotFound');
    await send(PutObjectCommand, { Bucket, Key: 'k', Body: '' });
    assert.equal((await put(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/k` })))[0], 200); /* has no body anyway */
  });

  await t.test('a wrong Content-MD5 is told as that, whatever checksum came with it', async () => {
    const Bucket = await bucket();
    const put = (more) => send(PutObjectCommand, { Bucket, Key: 'k', Body: 'hello', ...more });
    const error = await refused(put({ ContentMD5: 'AAAAAAAAAAAAAAAAAAAAAA==', ChecksumCRC32: 'NhCmhg==' }), 400, 'BadDigest');
    assert.match(error.message, /^The Content-MD5 you specified did not match/);
    assert.deepEqual(details(error), { CalculatedDigest: 'XUFAKrxLKna5cZ2REBfFkg==', ExpectedDigest: '0'.repeat(32) });
    const { UploadId } = await send(CreateMultipartUploadCommand, { Bucket, Key: 'k' });
    const part = await refused(send(UploadPartCommand, { Bucket, Key: 'k', UploadId, PartNumber: 1, Body: 'hello', ContentMD5: 'AAAAAAAAAAAAAAAAAAAAAA==' }), 400, 'BadDigest');
    assert.deepEqual(details(part), { CalculatedDigest: 'XUFAKrxLKna5cZ2REBfFkg==', ExpectedDigest: 'AAAAAAAAAAAAAAAAAAAAAA==' });
    assert.match((await refused(put({ ChecksumCRC32: 'AAAAAA==' }), 400, 'BadDigest')).message, /^The CRC32 you specified/);
  });

  await t.test('a Content-MD5 that is none is given back', async () => {
    const Bucket = await bucket();
    const error = await refused(send(PutObjectCommand, { Bucket, Key: 'k', Body: 'x', ContentMD5: 'none' }), 400, 'InvalidDigest');
    assert.deepEqual(details(error), { 'Content-MD5': 'none' });
  });

  await t.test("a bucket's head tells its ARN, and its lists tell the region", async () => {
    const Bucket = await bucket({ k: 'x' });
    assert.equal((await send(HeadBucketCommand, { Bucket })).BucketArn, `arn:aws:s3:::${Bucket}`);
    const answer = await fetch(await getSignedUrl(s3, new ListObjectsV2Command({ Bucket })));
    assert.equal(answer.headers.get('x-amz-bucket-region'), 'us-east-1');
  });

  await t.test("a lifecycle tells from which size on it moves objects, as Terraform's provider waits for", async () => {
    const Bucket = await bucket();
    const LifecycleConfiguration = { Rules: [{ ID: 'a', Status: 'Enabled', Filter: { Prefix: '' }, Expiration: { Days: 1 } }] };
    const put = (TransitionDefaultMinimumObjectSize) => send(PutBucketLifecycleConfigurationCommand, { Bucket, LifecycleConfiguration, TransitionDefaultMinimumObjectSize });
    const kept = async () => (await send(GetBucketLifecycleConfigurationCommand, { Bucket })).TransitionDefaultMinimumObjectSize;
    assert.equal((await put()).TransitionDefaultMinimumObjectSize, 'all_storage_classes_128K');
    assert.equal(await kept(), 'all_storage_classes_128K');
    await put('varies_by_storage_class');
    assert.equal(await kept(), 'varies_by_storage_class');
    await refused(put('any'), 400, 'InvalidRequest');
  });

  await t.test("a browser's form is told what it lacks, and which condition does not hold", async () => {
    const Bucket = await bucket();
    const post = async (change = {}, Conditions = [], file = 'hello', name = 'name.txt') => {
      const { url, fields } = await createPresignedPost(s3, { Bucket, Key: 'in/${filename}', Conditions, Expires: 60 });
      const data = new FormData();
      Object.entries({ ...fields, ...change }).filter(([, value]) => value !== undefined).forEach(([field, value]) => data.append(field, value));
      data.append('file', name ? new File([file], name) : file);
      const answer = await fetch(url, { method: 'POST', body: data });
      return `${answer.status} ${(await answer.text()).replace(/^.*<Error>|<RequestId>.*$/gs, '')}`;
    };
    const lacks = (name) => `400 <Code>InvalidArgument</Code><Message>Bucket POST must contain a field named '${name}'.  If it is specified, please check the order of the fields.</Message><ArgumentName>${name}</ArgumentName><ArgumentValue></ArgumentValue>`;
    const named = (answer) => answer.replaceAll('&apos;', "'").replace('<ArgumentValue/>', '<ArgumentValue></ArgumentValue>');
    assert.equal(named(await post({ 'X-Amz-Signature': undefined })), lacks('X-Amz-Signature'));
    assert.equal(named(await post({ 'X-Amz-Algorithm': undefined, 'X-Amz-Credential': undefined })), lacks('X-Amz-Algorithm'));
    assert.equal(named(await post({ key: undefined })), lacks('key'));
    const unsigned = Object.fromEntries(['Algorithm', 'Credential', 'Date', 'Signature'].map((name) => [`X-Amz-${name}`, undefined]));
    assert.match(await post(unsigned), /^403 <Code>AccessDenied</);
    assert.match(await post({ 'X-Amz-Signature': '00' }), /^403 <Code>SignatureDoesNotMatch<.*<StringToSign>[\w+/=]+<.*<SignatureProvided>00<.*<StringToSignBytes>65 79 /s);

    const failed = (...condition) => `403 <Code>AccessDenied</Code><Message>Invalid according to Policy: Policy Condition failed: [${condition.map((text) => `"${text}"`).join(', ')}]</Message>`;
    const told = async (condition) => (await post({ 'Content-Type': 'image/x' }, [condition])).replaceAll('&quot;', '"');
    assert.equal(await told({ 'Content-Type': 'text/x' }), failed('eq', '$Content-Type', 'text/x'));
    assert.equal(await told(['starts-with', '$Content-Type', 'text/']), failed('starts-with', '$Content-Type', 'text/'));
    assert.equal(await told(['eq', 'Content-Type', 'image/x']), failed('eq', 'Content-Type', 'image/x'));
    assert.equal(await told(['content-length-range', 'few', '10']), failed('content-length-range', 'few', '10'));
    assert.match(await told({ 'Content-Type': 'image/x', acl: 'private' }), /^400 <Code>InvalidPolicyDocument<.*exactly one property/);
    const sized = [['content-length-range', 2, 4]];
    assert.match(await post({}, sized), /^400 <Code>EntityTooLarge<.*<ProposedSize>5<.*<MaxSizeAllowed>4</);
    assert.match(await post({}, sized, 'x'.repeat(3_000_000)), /^400 <Code>EntityTooLarge<.*<ProposedSize>3000000</);
    assert.match(await post({}, sized, 'x'), /^400 <Code>EntityTooSmall<.*<ProposedSize>1<.*<MinSizeAllowed>2</);

    const tagging = (value) => post({ tagging: value }, [['eq', '$tagging', value]]);
    assert.match(await tagging('not-xml'), /^400 <Code>MalformedXML</);
    assert.match(await tagging('<InvalidXmlTagging></InvalidXmlTagging>'), /^204 /, 'a document of something else has no tags');
    await send(DeleteObjectCommand, { Bucket, Key: 'in/name.txt' });
    assert.match(await post({}, [], 'text', null), /^204 /);
    assert.deepEqual((await send(ListObjectsV2Command, { Bucket })).Contents.map(({ Key }) => Key), ['in/${filename}'], 'a file without a name');
    const wrong = await fetch(`${endpoint}/${Bucket}`, { method: 'POST', body: 'x', headers: { 'content-type': 'text/html' } });
    assert.equal(wrong.status, 412);
    assert.match(await wrong.text(), /<Code>PreconditionFailed<.*<Condition>Bucket POST must be of the enclosure-type multipart\/form-data</);
  });

  await t.test('conditions that S3 does not know of a write are named', async () => {
    const Bucket = await bucket({ k: 'x' });
    const unknown = async (call, Header, additionalMessage) => {
      const error = await refused(call, 501, 'NotImplemented');
      assert.deepEqual([error.message, details(error)], ['A header you provided implies functionality that is not implemented', { Header, additionalMessage }]);
    };
    const value = (name) => `We don't accept the provided value of ${name} header for this API`;
    const copy = (more) => send(CopyObjectCommand, { Bucket, Key: 'c', CopySource: `${Bucket}/k`, ...more });
    const both = ['If-Match,If-None-Match', 'Multiple conditional request headers present in the request'];
    await unknown(send(PutObjectCommand, { Bucket, Key: 'k', Body: 'x', IfMatch: 'abc', IfNoneMatch: '*' }), ...both);
    await unknown(copy({ IfMatch: '*', IfNoneMatch: 'abc' }), ...both);
    await unknown(copy({ IfMatch: '*' }), 'If-Match', value('If-Match'));
    await unknown(copy({ IfNoneMatch: 'abc' }), 'If-None-Match', value('If-None-Match'));
    await copy({ IfNoneMatch: '*' });
  });

  await t.test('a condition on an upload is of what was there when it began', async () => {
    const Bucket = await bucket({ k: 'x' });
    const begin = async () => {
      const { UploadId } = await send(CreateMultipartUploadCommand, { Bucket, Key: 'k' });
      const { ETag } = await send(UploadPartCommand, { Bucket, Key: 'k', UploadId, PartNumber: 1, Body: 'part' });
      return (more) => send(CompleteMultipartUploadCommand, { Bucket, Key: 'k', UploadId, MultipartUpload: { Parts: [{ ETag, PartNumber: 1 }] }, ...more });
    };
    const first = await begin();
    const { ETag: IfMatch } = await send(PutObjectCommand, { Bucket, Key: 'k', Body: 'x' });
    const said = details(await refused(first({ IfMatch }), 409, 'ConditionalRequestConflict'));
    assert.deepEqual(said, { Condition: 'If-Match', Key: 'k' });
    const again = await begin();
    await again({ IfMatch });
    await first(); /* without a condition the last one wins */

    const over = await begin();
    await refused(over({ IfNoneMatch: '*' }), 412, 'PreconditionFailed');
    await send(DeleteObjectCommand, { Bucket, Key: 'k' });
    assert.deepEqual(details(await refused(over({ IfNoneMatch: '*' }), 409, 'ConditionalRequestConflict')), { Condition: 'If-None-Match', Key: 'k' });
    await refused(over({ IfMatch }), 404, 'NoSuchKey');
    await (await begin())({ IfNoneMatch: '*' });

    const unknown = { Bucket, Key: 'k', UploadId: '0'.repeat(32) };
    assert.deepEqual(details(await refused(send(CompleteMultipartUploadCommand, unknown), 404, 'NoSuchUpload')), { UploadId: unknown.UploadId });
  });

  await t.test('a delete marker has nothing to be changed, nor tags', async () => {
    const Bucket = await bucket();
    await send(PutBucketVersioningCommand, { Bucket, VersioningConfiguration: { Status: 'Enabled' } });
    await send(PutObjectCommand, { Bucket, Key: 'k', Body: 'x' });
    const { VersionId } = await send(DeleteObjectCommand, { Bucket, Key: 'k' });
    const k = { Bucket, Key: 'k' };
    for (const [Command, more, Method] of [
      [GetObjectTaggingCommand, {}, 'GET'],
      [PutObjectTaggingCommand, { Tagging: { TagSet: [] } }, 'PUT'],
      [DeleteObjectTaggingCommand, {}, 'DELETE'],
      [PutObjectAclCommand, { ACL: 'private' }, 'PUT'],
      [GetObjectAclCommand, { VersionId }, 'GET'],
    ]) {
      assert.deepEqual(details(await refused(send(Command, { ...k, ...more }), 405, 'MethodNotAllowed')), { Method, ResourceType: 'DeleteMarker' });
    }
    await refused(send(GetObjectAclCommand, k), 404, 'NoSuchKey');
  });

  await t.test('what S3 does not know or allow is refused', async () => {
    const Bucket = await bucket({ k: 'x' });
    const said = async (promise) => details(await refused(promise, 400, 'InvalidArgument'));
    await refused(send(PutObjectCommand, { Bucket, Key: 'k', StorageClass: 'OUTPOSTS' }), 400, 'InvalidStorageClass');
    const { UploadId } = await send(CreateMultipartUploadCommand, { Bucket, Key: 'a' });
    const marker = await said(send(ListMultipartUploadsCommand, { Bucket, KeyMarker: 'b', UploadIdMarker: UploadId }));
    assert.deepEqual(marker, { ArgumentName: 'upload-id-marker', ArgumentValue: UploadId });
    const owner = await refused(send(GetObjectCommand, { Bucket, Key: 'k', ExpectedBucketOwner: 'me' }), 400, 'InvalidBucketOwnerAWSAccountID');
    assert.equal(owner.message, 'The value of the expected bucket owner parameter must be an AWS Account ID... [me]');
  });

  await t.test('a hold that was taken off is told, one that never was is not', async () => {
    const Bucket = await bucket({}, { ObjectLockEnabledForBucket: true });
    const k = { Bucket, Key: 'k' };
    await send(PutObjectCommand, { ...k, Body: 'x' });
    await refused(send(GetObjectLegalHoldCommand, k), 404, 'NoSuchObjectLockConfiguration');
    assert.equal((await send(HeadObjectCommand, k)).ObjectLockLegalHoldStatus, undefined);
    for (const Status of ['ON', 'OFF']) {
      await send(PutObjectLegalHoldCommand, { ...k, LegalHold: { Status } });
      assert.equal((await send(HeadObjectCommand, k)).ObjectLockLegalHoldStatus, Status);
      assert.equal((await send(GetObjectLegalHoldCommand, k)).LegalHold.Status, Status);
    }
  });

  await t.test("the old name of Ireland's region is told as it was given", async () => {
    const ireland = client(undefined, { region: 'eu-west-1' });
    await ireland.send(new CreateBucketCommand({ Bucket: 'in-eu', CreateBucketConfiguration: { LocationConstraint: 'EU' } }));
    assert.equal((await send(GetBucketLocationCommand, { Bucket: 'in-eu' })).LocationConstraint, 'EU');
    assert.equal((await send(HeadBucketCommand, { Bucket: 'in-eu' })).BucketRegion, 'eu-west-1');
    const here = new CreateBucketCommand({ Bucket: 'not-in-eu', CreateBucketConfiguration: { LocationConstraint: 'EU' } });
    const { message } = await refused(client(undefined, { region: 'eu-central-1' }).send(here), 400, 'IllegalLocationConstraintException');
    assert.match(message, /^The EU location constraint is incompatible/);
  });

  await t.test('a grant that cannot be read is named', async () => {
    const Bucket = await bucket();
    const put = async (input, code = 'InvalidArgument') => {
      const error = await refused(send(PutBucketAclCommand, { Bucket, ...input }), 400, code);
      return [error.message, details(error)];
    };
    const argument = (message, ArgumentName, ArgumentValue) => [message, { ArgumentName, ArgumentValue }];
    assert.deepEqual(await put({ GrantRead: 'id="nobody"' }), argument('Invalid id', 'id', 'nobody'));
    assert.deepEqual(await put({ GrantRead: 'uri="http://nowhere"' }), argument('Invalid group uri', 'uri', 'http://nowhere'));
    assert.deepEqual(await put({ GrantWrite: 'who="me"' }), argument('Argument format not recognized', 'x-amz-grant-write', 'who="me"'));
    const { Owner } = await send(GetBucketAclCommand, { Bucket });
    const policy = (Grantee, owner = Owner) => ({ AccessControlPolicy: { Owner: owner, Grants: [{ Permission: 'READ', Grantee }] } });
    const user = { Type: 'CanonicalUser', ID: 'nobody' };
    assert.deepEqual(await put(policy(user)), argument('Invalid id', 'CanonicalUser/ID', 'nobody'));
    assert.deepEqual(await put(policy(user, { ID: 'no owner' })), argument('Invalid id', 'CanonicalUser/ID', 'no owner'));
    assert.deepEqual(await put(policy({ Type: 'Group', URI: 'http://nowhere' })), argument('Invalid group uri', 'Group/URI', 'http://nowhere'));
    await put(policy({ ...user, Type: 'BadType' }), 'MalformedACLError');
    assert.deepEqual(await put({}, 'MissingSecurityHeader'), ['Your request was missing a required header', { MissingHeaderName: 'x-amz-acl' }]);
  });

  await t.test('what is not ASCII comes back as an encoded word, and in Latin-1', async () => {
    const Bucket = await bucket();
    const metadata = async (Key) => (await send(HeadObjectCommand, { Bucket, Key })).Metadata;
    const words = { b: '=?UTF-8?B?w4RNw4Raw5XDkSBTMw==?=', fake: '=?UTF-8?Q?actually-ascii?=', plain: 'a_b=c' };
    await send(PutObjectCommand, { Bucket, Key: 'head', Body: 'x', Metadata: words });
    const told = '=?UTF-8?Q?=C3=84M=C3=84Z=C3=95=C3=91_S3?=';
    assert.deepEqual(await metadata('head'), { b: told, fake: 'actually-ascii', plain: 'a_b=c' });
    await send(CopyObjectCommand, { Bucket, Key: 'copy', CopySource: `${Bucket}/head` });
    assert.deepEqual(await metadata('copy'), await metadata('head'));

    const Fields = { 'x-amz-meta-text': 'ÄMÄZÕÑ S3', 'x-amz-meta-word': words.fake, 'Cache-Control': '_\u2014_é_' };
    const { url, fields } = await createPresignedPost(s3, { Bucket, Key: 'form', Fields, Expires: 60 });
    const data = new FormData();
    Object.entries(fields).forEach(([name, value]) => data.append(name, value));
    data.append('file', new File(['x'], 'x'));
    assert.equal((await fetch(url, { method: 'POST', body: data })).status, 204);
    assert.deepEqual(await metadata('form'), { text: told, word: words.fake }, 'a form is UTF-8 and has no encoded words');
    assert.equal((await send(HeadObjectCommand, { Bucket, Key: 'form' })).CacheControl, '_ _é_');
  });

  await t.test('what S3 serves to new customers no more, and methods that mean nothing', async () => {
    const Bucket = await bucket({ k: 'a,b' });
    const select = { ExpressionType: 'SQL', Expression: 'SELECT * FROM s3object', InputSerialization: { CSV: {} }, OutputSerialization: { CSV: {} } };
    const error = await refused(send(SelectObjectContentCommand, { Bucket, Key: 'k', ...select }), 405, 'MethodNotAllowed');
    assert.match(error.message, /^SelectObjectContent is not served/);
    assert.deepEqual(details(error), { Method: 'POST', ResourceType: 'OBJECT' });
    const anonymous = await (await fetch(`${endpoint}/${Bucket}`, { method: 'PATCH' })).text();
    assert.match(anonymous, /<Code>MethodNotAllowed<.*<Method>PATCH<.*<ResourceType>BUCKET</s);
  });

  await t.test('fields of an answer that cannot be replaced so are named', async () => {
    const Bucket = await bucket({ k: 'x' });
    const get = (more) => send(GetObjectCommand, { Bucket, Key: 'k', ...more });
    assert.equal((await get({ ResponseContentDisposition: 'filename="é"' })).ContentDisposition, 'filename="é"');
    for (const value of ['no-\u2014', 'a\r\nset-cookie: b']) {
      const error = await refused(get({ ResponseCacheControl: value }), 400, 'InvalidArgument');
      assert.equal(error.message, 'Header value cannot be represented using ISO-8859-1.');
      assert.equal(error.ArgumentName, 'response-cache-control');
    }
    const other = new GetObjectCommand({ Bucket, Key: 'k' });
    other.middlewareStack.add((next) => (args) => {
      args.request.query['response-other'] = 'x';
      return next(args);
    }, { step: 'build' });
    const error = await refused(s3.send(other), 400, 'InvalidArgument');
    assert.match(error.message, /^response-other is not in the set of overridable response headers\./);
    assert.deepEqual(details(error), { ArgumentName: 'response-other', ArgumentValue: 'x' });
  });

  await t.test('what a lifecycle, a lock and a log lack is named', async () => {
    const Bucket = await bucket({ k: 'x' });
    const rule = async (more, code) => {
      const Rules = [{ ID: 'r', Status: 'Enabled', Filter: {}, Expiration: { Days: 7 }, ...more }];
      return refused(send(PutBucketLifecycleConfigurationCommand, { Bucket, LifecycleConfiguration: { Rules } }), 400, code);
    };
    await rule({ NoncurrentVersionExpiration: {} }, 'MalformedXML');
    await rule({ Filter: { And: { Prefix: 'test' }, Prefix: '' } }, 'MalformedXML');
    await rule({ Filter: { ObjectSizeGreaterThan: 500, Prefix: '' } }, 'MalformedXML');
    const Tags = ['one', 'two'].map((Value) => ({ Key: 'k', Value }));
    assert.equal((await rule({ Filter: { And: { Tags } } }, 'InvalidRequest')).message, 'Duplicate Tag Keys are not allowed.');

    const Locked = await bucket({}, { ObjectLockEnabledForBucket: true });
    const put = (more) => refused(send(PutObjectCommand, { Bucket: Locked, Key: 'k', Body: 'x', ...more }), 400, 'InvalidArgument');
    assert.deepEqual(details(await put({ ObjectLockMode: 'GOVERNANCE' })), { ArgumentName: 'x-amz-object-lock-retain-until-date' });
    assert.deepEqual(details(await put({ ObjectLockRetainUntilDate: new Date(Date.now() + 1e6) })), { ArgumentName: 'x-amz-object-lock-mode' });

    const logs = (TargetBucket) => send(PutBucketLoggingCommand, { Bucket, BucketLoggingStatus: { LoggingEnabled: { TargetBucket, TargetPrefix: 'l' } } });
    assert.deepEqual(details(await refused(logs('not-there'), 400, 'InvalidTargetBucketForLogging')), { TargetBucket: 'not-there' });
    await send(PutBucketTaggingCommand, { Bucket, Tagging: { TagSet: [{ Key: 'a', Value: 'b' }] } });
    const url = await getSignedUrl(s3, new PutBucketTaggingCommand({ Bucket, Tagging: undefined }));
    assert.equal((await fetch(url, { method: 'PUT', body: '<Tagging/>' })).status, 204);
    await refused(send(GetBucketTaggingCommand, { Bucket }), 404, 'NoSuchTagSet');
  });
});
