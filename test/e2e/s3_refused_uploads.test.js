/* Uploads, copies and configurations that S3 refuses, and how: by its documentation, and as recorded of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CompleteMultipartUploadCommand, CopyObjectCommand, CreateMultipartUploadCommand, GetBucketVersioningCommand, HeadObjectCommand, PutBucketCorsCommand,
  PutBucketLifecycleConfigurationCommand, PutBucketTaggingCommand, PutBucketVersioningCommand, PutObjectCommand, UploadPartCommand, UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { details, refused, startS3 } from './s3_project.js';

test('what S3 refuses of uploads, copies and configurations', async (t) => {
  const { s3, bucket } = await startS3(t);
  const send = (Command, input) => s3.send(new Command(input));
  const said = async (promise, status, code) => (await refused(promise, status, code)).message;

  await t.test('a copy from a bucket that is not the expected account\'s', async () => {
    const source = await bucket({ k: 'x' });
    const Bucket = await bucket();
    const copy = { Bucket, Key: 'c', CopySource: `${source}/k` };
    await refused(send(CopyObjectCommand, { ...copy, ExpectedSourceBucketOwner: '111111111111' }), 403, 'AccessDenied');
    await refused(send(CopyObjectCommand, { ...copy, ExpectedSourceBucketOwner: 'me' }), 400, 'InvalidBucketOwnerAWSAccountID');
    const { UploadId } = await send(CreateMultipartUploadCommand, { Bucket, Key: 'c' });
    const part = { ...copy, UploadId, PartNumber: 1 };
    await refused(send(UploadPartCopyCommand, { ...part, ExpectedSourceBucketOwner: '111111111111' }), 403, 'AccessDenied');
    await send(UploadPartCopyCommand, { ...part, ExpectedSourceBucketOwner: '000000000000' });
    await send(CopyObjectCommand, { ...copy, ExpectedSourceBucketOwner: '000000000000', ExpectedBucketOwner: '000000000000' });
  });

  await t.test('an upload that is completed with other sizes, numbers and checksums than it has', async () => {
    const Bucket = await bucket();
    const begin = async (more) => {
      const { UploadId } = await send(CreateMultipartUploadCommand, { Bucket, Key: 'k', ...more });
      const part = await send(UploadPartCommand, { Bucket, Key: 'k', UploadId, PartNumber: 1, Body: 'hello', ...more });
      return (Part, rest) => send(CompleteMultipartUploadCommand, { Bucket, Key: 'k', UploadId, MultipartUpload: { Parts: [{ PartNumber: 1, ETag: part.ETag, ...Part }] }, ...rest });
    };
    const plain = await begin();
    assert.deepEqual(details(await refused(plain({ PartNumber: -4 }), 400, 'InvalidArgument')), { ArgumentName: 'PartNumber', ArgumentValue: '-4' });
    await refused(plain({ PartNumber: 0 }), 400, 'InvalidArgument');
    assert.equal(await said(plain({}, { MpuObjectSize: -1 }), 400, 'InvalidRequest'), "Value for x-amz-mp-object-size header is less than zero: '-1'");
    await refused(plain({}, { MpuObjectSize: 4 }), 400, 'InvalidRequest');
    await plain({}, { MpuObjectSize: 5 });

    const agreed = await begin({ ChecksumAlgorithm: 'SHA256' });
    const ChecksumSHA256 = 'LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=';
    assert.equal(await said(agreed({}), 400, 'InvalidRequest'), 'The upload was created using a sha256 checksum. The complete request must include '
      + 'the checksum for each part. It was missing for part 1 in the request.');
    assert.equal(await said(agreed({ ChecksumSHA256 }, { ChecksumSHA256: 'no' }), 400, 'InvalidRequest'), 'Value for x-amz-checksum-sha256 header is invalid.');
    await refused(agreed({ ChecksumSHA256 }, { ChecksumSHA256: `${ChecksumSHA256}-1` }), 400, 'BadDigest');
    await refused(agreed({ ChecksumSHA256 }, { ChecksumSHA256, ChecksumSHA1: 'qvTGHdzF6KLavt4PO0gs2a6pQ00=' }), 400, 'InvalidRequest');
    await refused(agreed({ ChecksumSHA256 }, { ChecksumType: 'HALF' }), 400, 'InvalidRequest');
    assert.match((await agreed({ ChecksumSHA256 }, { ChecksumType: 'COMPOSITE' })).ChecksumSHA256, /-1$/);
  });

  await t.test('a type of checksum is told in any case, and one that is none before it is looked for what it belongs to', async () => {
    const Bucket = await bucket();
    const upload = (more) => send(CreateMultipartUploadCommand, { Bucket, Key: 'k', ...more });
    assert.equal((await upload({ ChecksumAlgorithm: 'crc32', ChecksumType: 'full_object' })).ChecksumType, 'FULL_OBJECT');
    assert.equal(await said(upload({ ChecksumType: 'HALF' }), 400, 'InvalidRequest'), 'Value for x-amz-checksum-type header is invalid.');
  });

  await t.test('directives, locks and redirects are refused in S3\'s words', async () => {
    const Bucket = await bucket({ k: 'x' });
    const copy = { Bucket, Key: 'c', CopySource: `${Bucket}/k` };
    assert.equal(await said(send(CopyObjectCommand, { ...copy, MetadataDirective: 'NO' }), 400, 'InvalidArgument'), 'Unknown metadata directive.');
    assert.equal(await said(send(CopyObjectCommand, { ...copy, TaggingDirective: 'NO' }), 400, 'InvalidArgument'), 'Unknown tagging directive.');
    const locked = send(PutObjectCommand, { Bucket, Key: 'l', ObjectLockLegalHoldStatus: 'ON' });
    assert.equal(await said(locked, 400, 'InvalidRequest'), 'Bucket is missing ObjectLockConfiguration');
    await refused(send(PutObjectCommand, { Bucket, Key: 'r', WebsiteRedirectLocation: 'elsewhere' }), 400, 'InvalidRedirectLocation');
    await refused(send(HeadObjectCommand, { Bucket, Key: 'r' }), 404, 'NotFound');
  });

  await t.test('deletions that need a second factor, which nobody has', async () => {
    const Bucket = await bucket();
    const versioning = (VersioningConfiguration) => send(PutBucketVersioningCommand, { Bucket, VersioningConfiguration });
    await refused(versioning({ Status: 'Enabled', MFADelete: 'Enabled' }), 403, 'AccessDenied');
    assert.equal((await send(GetBucketVersioningCommand, { Bucket })).Status, undefined);
    await versioning({ Status: 'Enabled', MFADelete: 'Disabled' });
  });

  await t.test('too many tags, fields that are none, and an And of one thing', async () => {
    const Bucket = await bucket();
    const TagSet = Array.from({ length: 51 }, (_, i) => ({ Key: `k${i}`, Value: 'v' }));
    assert.equal(await said(send(PutBucketTaggingCommand, { Bucket, Tagging: { TagSet } }), 400, 'BadRequest'), 'Bucket tag count cannot be greater than 50');
    await send(PutBucketTaggingCommand, { Bucket, Tagging: { TagSet: TagSet.slice(1) } });
    const cors = (rule) => send(PutBucketCorsCommand, {
      Bucket, CORSConfiguration: { CORSRules: [{ AllowedMethods: ['GET'], AllowedOrigins: ['*'], ...rule }] },
    });
    assert.equal(await said(cors({ AllowedOrigins: ['*a*'] }), 400, 'InvalidRequest'), 'AllowedOrigin "*a*" can not have more than one wildcard.');
    assert.equal(await said(cors({ AllowedHeaders: ['x-*-*'] }), 400, 'InvalidRequest'), 'AllowedHeader "x-*-*" can not have more than one wildcard.');
    assert.equal(await said(cors({ AllowedHeaders: ['X(Custom)'] }), 400, 'InvalidRequest'), 'AllowedHeader "X(Custom)" contains invalid character.');
    await cors({ AllowedHeaders: ['x-amz-*', '*', 'x_under.score'] });
    const rule = (Filter) => send(PutBucketLifecycleConfigurationCommand, {
      Bucket, LifecycleConfiguration: { Rules: [{ Status: 'Enabled', Filter, Expiration: { Days: 1 } }] },
    });
    await refused(rule({ And: { Prefix: 'a' } }), 400, 'MalformedXML');
    await refused(rule({ And: { Tags: [{ Key: 'a', Value: 'b' }] } }), 400, 'MalformedXML');
    await rule({ And: { Prefix: '', Tags: [{ Key: 'a', Value: 'b' }] } });
  });
});
