/* S3 as AWS's SDK for JavaScript uses it: with its default checksums, streams, parts, signed URLs and forms, by path and by
 * host name. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import {
  CompleteMultipartUploadCommand, CopyObjectCommand, CreateBucketCommand, CreateMultipartUploadCommand, DeleteBucketCommand,
  DeleteObjectCommand, DeleteObjectsCommand, GetObjectAttributesCommand, GetObjectCommand, GetObjectTaggingCommand, HeadBucketCommand,
  HeadObjectCommand, ListObjectVersionsCommand, ListPartsCommand, PutBucketVersioningCommand, PutObjectCommand, S3Client,
  UploadPartCommand, UploadPartCopyCommand, paginateListObjectsV2, waitUntilBucketExists, waitUntilBucketNotExists, waitUntilObjectExists,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { createPresignedPost } from '@aws-sdk/s3-presigned-post';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { startPlatform } from './harness.js';

const FILES = { 'api/hello.js': 'export const GET = () => new Response("hello");' };
const CHECKSUMS = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'];
const PART = 5 * 1024 * 1024;
const PATIENCE = { maxWaitTime: 60 };

/* Names below "localhost" are this machine; not every resolver knows that. */
const lookup = (name, options, done) => (options.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4));

/** Three ways to name a bucket: in the path, at an address, and in the host's name. */
function connect(t, platform) {
  const { port } = new URL(platform.aws.endpoint);
  const httpAgent = new http.Agent({ keepAlive: true, lookup });
  const made = {
    path: new S3Client({ ...platform.aws, forcePathStyle: true }),
    address: new S3Client(platform.aws),
    host: new S3Client({ ...platform.aws, endpoint: `http://localhost:${port}`, requestHandler: { httpAgent } }),
  };
  t.after(() => Object.values(made).forEach((client) => client.destroy()));
  return made;
}

/** What a browser or curl does with a URL. */
async function send(method, url, { body, headers } = {}) {
  const request = http.request(url, { method, headers, lookup });
  request.end(body);
  const [answer] = await once(request, 'response');
  return { status: answer.statusCode, headers: answer.headers, text: Buffer.concat(await answer.toArray()).toString() };
}

/** A form with one file, as a browser encodes it. */
function formOf(fields, file, name = 'cat.txt') {
  const boundary = 'boundary-of-the-form';
  const parts = Object.entries(fields).map(([field, value]) => `--${boundary}\r\nContent-Disposition: form-data; name="${field}"\r\n\r\n${value}\r\n`);
  parts.push(`--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\nContent-Type: text/plain\r\n\r\n${file}\r\n--${boundary}--\r\n`);
  return { body: parts.join(''), headers: { 'content-type': `multipart/form-data; boundary=${boundary}` } };
}

const bytesOf = async ({ Body }) => Buffer.from(await Body.transformToByteArray());

/** Bytes that come in pieces of a size that is no divisor of anything. */
function* pieces(bytes) {
  for (let at = 0; at < bytes.length; at += 99_991) {
    yield bytes.subarray(at, at + 99_991);
  }
}

/** A bucket of the test's own, and what does one thing in it. */
async function bucket(client, Bucket) {
  const go = (Command, input, options) => client.send(new Command({ Bucket, ...input }), options);
  await go(CreateBucketCommand, {});
  await waitUntilBucketExists({ client, ...PATIENCE }, { Bucket });
  return go;
}

async function styles(clients) {
  await bucket(clients.path, 'styles');
  for (const [style, client] of Object.entries(clients)) {
    const Key = `${style}/a b+ü%41&=?#`;
    const go = (Command, input) => client.send(new Command({ Bucket: 'styles', Key, ...input }));
    const put = await go(PutObjectCommand, { Body: 'hello', ContentType: 'text/x-test', CacheControl: 'max-age=5', Metadata: { who: 'Ada' } });
    assert.equal(put.ETag, `"${createHash('md5').update('hello').digest('hex')}"`);
    assert.equal(put.ChecksumCRC32, 'NhCmhg==', 'the SDK sends one by itself');
    const got = await go(GetObjectCommand, {});
    assert.equal(String(await bytesOf(got)), 'hello');
    assert.deepEqual([got.ContentType, got.CacheControl, got.Metadata.who, got.ContentLength], ['text/x-test', 'max-age=5', 'Ada', 5]);
  }
}

async function checksums({ path: client }) {
  const go = await bucket(client, 'checksums');
  for (const ChecksumAlgorithm of CHECKSUMS) {
    const member = `Checksum${ChecksumAlgorithm}`;
    for (const size of [10, 300_000]) {
      const Key = `${ChecksumAlgorithm}-${size}`;
      const bytes = randomBytes(size);
      const body = { whole: bytes, stream: Readable.from(pieces(bytes)) };
      for (const [kind, Body] of Object.entries(body)) {
        const put = await go(PutObjectCommand, { Key, Body, ContentLength: size, ChecksumAlgorithm });
        assert.ok(put[member], `${Key} ${kind}`);
        const head = await go(HeadObjectCommand, { Key, ChecksumMode: 'ENABLED' });
        assert.deepEqual([head[member], head.ChecksumType], [put[member], 'FULL_OBJECT']);
        assert.ok((await bytesOf(await go(GetObjectCommand, { Key, ChecksumMode: 'ENABLED' }))).equals(bytes), `${Key} ${kind}`);
      }
      const attributes = await go(GetObjectAttributesCommand, { Key, ObjectAttributes: ['Checksum', 'ObjectSize'] });
      assert.ok(attributes.Checksum[member]);
      assert.equal(attributes.ObjectSize, size);
    }
  }
  const wrong = { Key: 'wrong', Body: 'x', ChecksumSHA256: createHash('sha256').update('y').digest('base64') };
  await assert.rejects(go(PutObjectCommand, wrong), { name: 'BadDigest' });
  await assert.rejects(go(HeadObjectCommand, { Key: 'wrong' }), { name: 'NotFound' });
}

async function parts({ path: client }) {
  const go = await bucket(client, 'parts');
  const bytes = randomBytes(2 * PART + 12_345);
  for (const ChecksumAlgorithm of CHECKSUMS) {
    const Key = `by ${ChecksumAlgorithm}`;
    const params = { Bucket: 'parts', Key, Body: Readable.from(pieces(bytes)), ChecksumAlgorithm };
    const done = await new Upload({ client, params, partSize: PART, queueSize: 3 }).done();
    assert.match(done.ETag, /^"[0-9a-f]{32}-3"$/);
    assert.ok((await bytesOf(await go(GetObjectCommand, { Key, ChecksumMode: 'ENABLED' }))).equals(bytes), Key);
  }
  const Key = 'by CRC32';
  const second = await go(GetObjectCommand, { Key, PartNumber: 2 });
  assert.deepEqual([second.ContentLength, second.PartsCount], [PART, 3]);
  assert.ok((await bytesOf(second)).equals(bytes.subarray(PART, 2 * PART)));
  const across = await go(GetObjectCommand, { Key, Range: `bytes=${PART - 10}-${2 * PART + 9}` });
  assert.equal(across.ContentRange, `bytes ${PART - 10}-${2 * PART + 9}/${bytes.length}`);
  assert.ok((await bytesOf(across)).equals(bytes.subarray(PART - 10, 2 * PART + 10)));

  const { UploadId } = await go(CreateMultipartUploadCommand, { Key: 'copied' });
  const upload = { Key: 'copied', UploadId };
  const first = await go(UploadPartCopyCommand, { ...upload, PartNumber: 1, CopySource: 'parts/by CRC32', CopySourceRange: `bytes=5-${PART + 4}` });
  const last = await go(UploadPartCommand, { ...upload, PartNumber: 2, Body: 'the end' });
  assert.deepEqual((await go(ListPartsCommand, upload)).Parts.map(({ PartNumber, Size }) => [PartNumber, Size]), [[1, PART], [2, 7]]);
  const Parts = [{ PartNumber: 1, ETag: first.CopyPartResult.ETag }, { PartNumber: 2, ETag: last.ETag }];
  await go(CompleteMultipartUploadCommand, { ...upload, MultipartUpload: { Parts } });
  const copied = await bytesOf(await go(GetObjectCommand, { Key: 'copied' }));
  assert.ok(copied.equals(Buffer.concat([bytes.subarray(5, PART + 5), Buffer.from('the end')])));
  await go(CopyObjectCommand, { Key: 'whole copy', CopySource: 'parts/copied' });
  assert.ok((await bytesOf(await go(GetObjectCommand, { Key: 'whole copy' }))).equals(copied));
}

async function signedUrls(clients) {
  await bucket(clients.path, 'signed');
  for (const style of ['path', 'host']) {
    const client = clients[style];
    const Key = `${style}/a b+ü`;
    const url = (Command, input, options) => getSignedUrl(client, new Command({ Bucket: 'signed', Key, ...input }), { expiresIn: 60, ...options });
    const put = await send('PUT', await url(PutObjectCommand, {}), { body: 'signed' });
    assert.equal(put.status, 200, put.text);
    const get = await url(GetObjectCommand, { ResponseContentType: 'x/y', ResponseContentDisposition: 'attachment; filename="a b"' });
    const got = await send('GET', get);
    assert.deepEqual([got.status, got.text, got.headers['content-type'], got.headers['content-disposition']], [200, 'signed', 'x/y', 'attachment; filename="a b"']);
    assert.equal((await send('HEAD', await url(HeadObjectCommand, {}))).status, 200);

    const tampered = [get.replace(/Signature=../, 'Signature=00'), get.replace('x%2Fy', 'x%2Fz'), get.replace('a%20b', 'a%20c'), get.replace('Expires=60', 'Expires=600')];
    for (const one of tampered) {
      assert.notEqual(one, get);
      const refused = await send('GET', one);
      assert.equal(refused.status, 403);
      assert.match(refused.text, /<Code>SignatureDoesNotMatch</);
    }
    assert.equal((await send('DELETE', get)).status, 403, 'it was signed for another method');
    const expired = await send('GET', await url(GetObjectCommand, {}, { signingDate: new Date(Date.now() - 3_600_000) }));
    assert.equal(expired.status, 403);
    assert.match(expired.text, /<Code>AccessDenied<.*<Message>Request has expired<.*<X-Amz-Expires>60<.*<Expires>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ<.*<ServerTime>\d{4}-/s);
    assert.equal((await send('DELETE', await url(DeleteObjectCommand, {}))).status, 204);
    assert.equal((await send('GET', await url(GetObjectCommand, {}))).status, 404);
  }
}

async function forms(clients) {
  await bucket(clients.path, 'forms');
  for (const style of ['path', 'host']) {
    const { url, fields } = await createPresignedPost(clients[style], {
      Bucket: 'forms',
      Key: `${style}/\${filename}`,
      Conditions: [['content-length-range', 1, 100], ['starts-with', '$key', `${style}/`], ['starts-with', '$Content-Type', 'text/']],
      Fields: { success_action_status: '201' },
      Expires: 60,
    });
    const post = (more, file = 'by form') => send('POST', url, formOf({ ...fields, 'Content-Type': 'text/plain', ...more }, file));
    const done = await post({});
    assert.equal(done.status, 201, done.text);
    const location = `${url.replace(/\/$/, '')}/${style}/cat.txt`;
    assert.match(done.text, new RegExp(`<PostResponse>.*<Location>${location}<.*<Bucket>forms<.*<Key>${style}/cat.txt<.*<ETag>`, 's'));
    assert.equal(done.headers.location, location);
    const { Body, ContentType } = await clients.path.send(new GetObjectCommand({ Bucket: 'forms', Key: `${style}/cat.txt` }));
    assert.deepEqual([await Body.transformToString(), ContentType], ['by form', 'text/plain']);
    const refused = async (answer, status, code) => {
      const { status: got, text } = await answer;
      assert.equal(got, status, text);
      assert.match(text, new RegExp(`<Code>${code}<`));
    };
    await refused(post({}, 'x'.repeat(101)), 400, 'EntityTooLarge');
    await refused(post({ 'Content-Type': 'image/png' }), 403, 'AccessDenied');
    await refused(post({ 'Content-Type': 'text/plain\r\nX-Other: 1' }), 400, 'InvalidArgument'); /* no answer could have it */
    await refused(post({ key: 'elsewhere/cat.txt' }), 403, 'AccessDenied');
    await refused(post({ 'X-Amz-Signature': '0'.repeat(64) }), 403, 'SignatureDoesNotMatch');
  }
}

async function everyday({ path: client }) {
  const Bucket = 'everyday';
  const go = await bucket(client, Bucket);
  await Promise.all(Array.from({ length: 25 }, (_, i) => go(PutObjectCommand, { Key: `pages/${i}`, Body: `${i}` })));
  const pages = [];
  for await (const { Contents } of paginateListObjectsV2({ client, pageSize: 10 }, { Bucket, Prefix: 'pages/' })) {
    pages.push(Contents.length);
  }
  assert.deepEqual(pages, [10, 10, 5]);
  await waitUntilObjectExists({ client, ...PATIENCE }, { Bucket, Key: 'pages/1' });

  await assert.rejects(go(GetObjectCommand, { Key: 'no' }), { name: 'NoSuchKey' });
  await assert.rejects(go(HeadObjectCommand, { Key: 'no' }), { name: 'NotFound' });
  await assert.rejects(client.send(new HeadBucketCommand({ Bucket: 'no-such-bucket' })), { name: 'NotFound' });
  await assert.rejects(go(DeleteBucketCommand, {}), { name: 'BucketNotEmpty' });
  await assert.rejects(go(PutObjectCommand, { Key: 'pages/1', Body: 'x', IfNoneMatch: '*' }), { name: 'PreconditionFailed' });
  await assert.rejects(go(GetObjectCommand, { Key: 'pages/1', Range: 'bytes=10-' }), { name: 'InvalidRange' });

  await go(PutObjectCommand, { Key: 'tagged', Body: 'x', Tagging: 'a=b&c=d' });
  assert.equal((await go(GetObjectCommand, { Key: 'tagged' })).TagCount, 2);
  assert.deepEqual((await go(GetObjectTaggingCommand, { Key: 'tagged' })).TagSet, [{ Key: 'a', Value: 'b' }, { Key: 'c', Value: 'd' }]);

  const key = randomBytes(32);
  const secret = { Key: 'secret', SSECustomerAlgorithm: 'AES256', SSECustomerKey: key.toString('base64'), SSECustomerKeyMD5: createHash('md5').update(key).digest('base64') };
  await go(PutObjectCommand, { ...secret, Body: 'secret' });
  assert.equal(String(await bytesOf(await go(GetObjectCommand, secret))), 'secret');
  await assert.rejects(go(GetObjectCommand, { Key: 'secret' }), { name: 'InvalidRequest' });

  await go(PutBucketVersioningCommand, { VersioningConfiguration: { Status: 'Enabled' } });
  const first = await go(PutObjectCommand, { Key: 'v', Body: '1' });
  await go(PutObjectCommand, { Key: 'v', Body: '2' });
  assert.equal((await go(DeleteObjectCommand, { Key: 'v' })).DeleteMarker, true);
  await assert.rejects(go(GetObjectCommand, { Key: 'v' }), { name: 'NoSuchKey' });
  assert.equal(String(await bytesOf(await go(GetObjectCommand, { Key: 'v', VersionId: first.VersionId }))), '1');

  const { Versions, DeleteMarkers } = await go(ListObjectVersionsCommand, {});
  const Objects = [...Versions, ...DeleteMarkers].map(({ Key, VersionId }) => ({ Key, VersionId }));
  assert.equal((await go(DeleteObjectsCommand, { Delete: { Objects } })).Errors, undefined);
  await go(DeleteBucketCommand, {});
  await waitUntilBucketNotExists({ client, ...PATIENCE }, { Bucket });
}

test('the SDK for JavaScript', async (t) => {
  const platform = await startPlatform(t, { files: FILES });
  const clients = connect(t, platform);
  await t.test('a bucket is named in the path, at an address, and in the host', () => styles(clients));
  await t.test('all its checksums, of whole bodies and of streams', () => checksums(clients));
  await t.test('uploads in parts, and what is read of them', () => parts(clients));
  await t.test('signed URLs, expired and tampered ones too', () => signedUrls(clients));
  await t.test('signed forms', () => forms(clients));
  await t.test('what is done every day', () => everyday(clients));
});
