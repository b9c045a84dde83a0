/* The AWS port itself: who one is there, and what is said to clients of services that are not. */
import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { startPlatform } from './harness.js';

const hmac = (key, text) => createHmac('sha256', key).update(text).digest();
const sha256 = (text) => createHash('sha256').update(text).digest('hex');

/** A call of a service that takes forms, signed with Signature Version 4, as are the fields that are given. */
async function call(aws, service, Action, { accessKeyId, secretAccessKey } = aws.credentials, more = {}) {
  const body = `Action=${Action}&Version=2011-06-15`, date = new Date().toISOString().replace(/[-:]|\.\d+/g, ''), day = date.slice(0, 8);
  const headers = { 'content-type': 'application/x-www-form-urlencoded', host: new URL(aws.endpoint).host, 'x-amz-date': date, ...more };
  const scope = `${day}/us-east-1/${service}/aws4_request`, fields = Object.entries(headers).sort(), names = fields.map(([name]) => name).join(';');
  const canonical = `POST\n/\n\n${fields.map(([name, value]) => `${name}:${value}\n`).join('')}\n${names}\n${sha256(body)}`;
  const key = ['us-east-1', service, 'aws4_request'].reduce(hmac, hmac(`AWS4${secretAccessKey}`, day));
  const signature = hmac(key, `AWS4-HMAC-SHA256\n${date}\n${scope}\n${sha256(canonical)}`).toString('hex');
  const authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`;
  const request = http.request(aws.endpoint, { method: 'POST', headers: { ...headers, authorization, 'content-length': body.length } }).end(body);
  const [answer] = await once(request, 'response');
  return { status: answer.statusCode, text: await text(answer) };
}

test('STS tells who one is, and other services that they are not here, in XML', async (t) => {
  const platform = await startPlatform(t, { files: {
    'api/hello.js': 'export const GET = () => new Response("hello");',
    'mayfly.json': JSON.stringify({ events: { users: { 'a<b': { accessKeyId: 'ALICEALICEALICEALICE', secretAccessKey: 'secret' } } } }),
  } });
  const { aws } = platform;
  const root = await call(aws, 'sts', 'GetCallerIdentity');
  assert.equal(root.status, 200);
  assert.match(root.text, /<Arn>arn:aws:iam::000000000000:root<\/Arn><UserId>[^<]+<\/UserId><Account>000000000000<\/Account>/);
  const alice = await call(aws, 'sts', 'GetCallerIdentity', { accessKeyId: 'ALICEALICEALICEALICE', secretAccessKey: 'secret' });
  assert.match(alice.text, /<Arn>arn:aws:iam::000000000000:user\/a&lt;b<\/Arn>/);

  const wrong = await call(aws, 'sts', 'GetCallerIdentity', { ...aws.credentials, secretAccessKey: 'wrong' });
  assert.equal(wrong.status, 403);
  assert.match(wrong.text, /<Code>SignatureDoesNotMatch<\/Code>/);
  const unknown = await call(aws, 'sts', 'GetCallerIdentity', { accessKeyId: 'NOBODY', secretAccessKey: 'x' });
  assert.match(unknown.text, /<Code>InvalidClientTokenId<\/Code><Message>The security token included in the request is invalid\.<\/Message>/);
  assert.match((await call(aws, 'sts', 'AssumeRole')).text, /<Code>InvalidAction<\/Code>/);

  const iam = await call(aws, 'iam', 'ListRoles');
  assert.equal(iam.status, 400, 'which no SDK tries again');
  assert.match(iam.text, /<Code>UnknownService<\/Code><Message>Mayfly serves [^<]+, not iam: give it an endpoint of its own in \.env, as in AWS_ENDPOINT_URL_IAM=[^<]+<\/Message><\/Error>/);
  const secrets = await call(aws, 'secretsmanager', 'GetSecretValue');
  assert.match(secrets.text, / AWS_ENDPOINT_URL_SECRETS_MANAGER=/, 'as the SDKs call it');
  await call(aws, 'secretsmanager', 'GetSecretValue');
  const told = () => platform.records.filter(({ type, level, text: said }) => type === 'log' && level === 'warn' && /^Mayfly serves .*, not /.test(said));
  await platform.log(/^Mayfly serves .*, not secretsmanager: give it an endpoint/);
  assert.equal(told().length, 2, 'the developer is told of each once');
});

test('who calls a service by HTTP/2, as the client of Bedrock does, is told that it is not here', async (t) => {
  const platform = await startPlatform(t, { files: { 'api/hello.js': 'export const GET = () => new Response("hello");' } });
  for (let i = 0; i < 2; i += 1) {
    const session = http2.connect(platform.aws.endpoint);
    session.on('error', () => {});
    const request = session.request({ ':method': 'POST', ':path': '/model/m/invoke' });
    await assert.rejects(once(request, 'response'));
    session.destroy();
  }
  await platform.log(/^Mayfly serves S3, .*, not what is called by HTTP\/2, .*: give it an endpoint of its own in \.env, as in AWS_ENDPOINT_URL_BEDROCK_RUNTIME=/);
  assert.equal(platform.records.filter(({ text: said }) => /called by HTTP\/2/.test(said)).length, 1, 'once');
});

test('a signature may cover what is between a client and the port', async (t) => {
  const { aws } = await startPlatform(t, { files: { 'api/hello.js': 'export const GET = () => new Response("hello");' } });
  for (const fields of [{ expect: '100-Continue' }, { connection: 'close' }, { connection: 'te', te: 'trailers' }]) { /* of boto 2, and of who signs all */
    const { status, text } = await call(aws, 'sts', 'GetCallerIdentity', aws.credentials, fields);
    assert.equal(status, 200, text);
  }
});

test('names of fields have the capitals that S3 gives them, which some clients of it look for', async (t) => { /* samtools writes of no object whose parts have an etag */
  const { aws } = await startPlatform(t, { files: { 'api/hello.js': 'export const GET = () => new Response("hello");' } });
  const s3 = new S3Client({ ...aws, forcePathStyle: true });
  t.after(() => s3.destroy());
  await s3.send(new CreateBucketCommand({ Bucket: 'photos' }));
  await s3.send(new PutObjectCommand({ Bucket: 'photos', Key: 'k', Body: 'x', ACL: 'public-read', Metadata: { 'of-mine': 'A-b' } }));
  const [answer] = await once(http.get(`${aws.endpoint}/photos/k`), 'response');
  answer.resume();
  const names = answer.rawHeaders.filter((_, i) => i % 2 === 0);
  for (const name of ['ETag', 'Last-Modified', 'Accept-Ranges', 'Content-Type', 'Content-Length', 'Date', 'Server', 'x-amz-request-id', 'x-amz-meta-of-mine']) {
    assert.ok(names.includes(name), `${name} of ${names}`);
  }
  assert.equal(answer.headers['x-amz-meta-of-mine'], 'A-b');
});

test('a form for SQS is one, be its operation named for the other protocol, too', async (t) => {
  const { aws } = await startPlatform(t, { files: { 'api/hello.js': 'export const GET = () => new Response("hello");' } });
  const { status, text } = await call(aws, 'sqs', 'ListQueues', aws.credentials, { 'x-amz-target': 'AmazonSQSv20121105.ListQueues' }); /* Perl's Amazon::SQS::Simple */
  assert.equal(status, 200, text);
  assert.match(text, /<ListQueuesResponse /);
});

/** What the port answers to a head whose body does not come. */
async function answerToHead(t, aws, path, fields) {
  const { hostname, port, host } = new URL(aws.endpoint);
  const socket = net.connect(port, hostname).setEncoding('latin1');
  t.after(() => socket.destroy());
  socket.write(`POST ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 3000000\r\n${fields.join('\r\n')}\r\n\r\n`);
  for await (const text of socket) return text;
}

test('who is not known is told so before the body is taken', { timeout: 10_000 }, async (t) => {
  const { aws } = await startPlatform(t, { files: { 'api/hello.js': 'export const GET = () => new Response("hello");' } });
  const iso = (date) => date.toISOString().replace(/[-:]|\.\d+/g, '');
  const signed = (service, key, date = iso(new Date())) => [`X-Amz-Date: ${date}`,
    `Authorization: AWS4-HMAC-SHA256 Credential=${key}/${date.slice(0, 8)}/us-east-1/${service}/aws4_request, SignedHeaders=host, Signature=${'0'.repeat(64)}`];
  const lambda = '/2015-03-31/functions/hello/invocations';
  const target = 'X-Amz-Target: AmazonSQS.SendMessage', known = aws.credentials.accessKeyId;

  assert.match(await answerToHead(t, aws, '/', [target, ...signed('sqs', 'NOBODY')]), /^HTTP\/1\.1 403 .*UnrecognizedClientException/s);
  assert.match(await answerToHead(t, aws, lambda, signed('lambda', 'NOBODY')), /^HTTP\/1\.1 403 .*UnrecognizedClientException/s);
  assert.match(await answerToHead(t, aws, '/', ['X-Amz-Target: AWSEvents.PutEvents', ...signed('events', 'NOBODY')]), /^HTTP\/1\.1 403 .*UnrecognizedClientException/s);
  assert.match(await answerToHead(t, aws, '/', ['Content-Type: application/x-www-form-urlencoded', ...signed('sts', 'NOBODY')]), /^HTTP\/1\.1 403 .*InvalidClientTokenId/s);
  assert.match(await answerToHead(t, aws, lambda, signed('lambda', known, iso(new Date(Date.now() - 3_600_000)))), /^HTTP\/1\.1 403 .*InvalidSignatureException/s);
});

test('what comes before the first build is served waits for it', async (t) => {
  const bytes = Buffer.alloc(100_000, 'x');
  let put;
  const platform = await startPlatform(t, {
    files: { 'main.tf': 'resource "aws_s3_bucket" "early" {\n  bucket = "early"\n}\n', 'index.html': 'hello' },
    whenListening: async (platform) => {
      const builder = await platform.process(/builder/);
      process.kill(builder.pid, 'SIGSTOP');
      const s3 = new S3Client({ ...platform.aws, forcePathStyle: true, maxAttempts: 1 });
      put = s3.send(new PutObjectCommand({ Bucket: 'early', Key: 'one', Body: bytes }));
      assert.equal(await Promise.race([put, sleep(300, 'waits')]), 'waits');
      process.kill(builder.pid, 'SIGCONT');
    },
  });
  await put;
  const s3 = new S3Client({ ...platform.aws, forcePathStyle: true });
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'early', Key: 'one' }));
  assert.deepEqual(Buffer.from(await Body.transformToByteArray()), bytes);
});
