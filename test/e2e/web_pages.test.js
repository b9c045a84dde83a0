/* Web pages of other sites in the developer's browser reach every port of the machine, and the AWS port's credentials in
 * development are known to all: such a page may do nothing with them. */
import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import { text } from 'node:stream/consumers';
import test from 'node:test';
import { CreateBucketCommand, GetObjectCommand, PutBucketCorsCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { createPresignedPost } from '@aws-sdk/s3-presigned-post';
import { startPlatform } from './harness.js';

const EVIL = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
const hmac = (key, text) => createHmac('sha256', key).update(text).digest();

/** The target of a request that a page has signed in its query, for whichever host it asks. */
function sign({ method, service, host, path = '/', query = {}, credentials: { accessKeyId, secretAccessKey } }) {
  const date = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const scope = `${date.slice(0, 8)}/us-east-1/${service}/aws4_request`;
  const all = {
    ...query, 'X-Amz-Algorithm': 'AWS4-HMAC-SHA256', 'X-Amz-Credential': `${accessKeyId}/${scope}`, 'X-Amz-Date': date, 'X-Amz-Expires': '60',
    'X-Amz-SignedHeaders': 'host',
  };
  const sorted = Object.entries(all).map(([name, value]) => `${name}=${encodeURIComponent(value)}`).sort().join('&');
  const content = service === 's3' ? 'UNSIGNED-PAYLOAD' : createHash('sha256').update('').digest('hex');
  const canonical = `${method}\n${path}\n${sorted}\nhost:${host}\n\nhost\n${content}`;
  const key = ['us-east-1', service, 'aws4_request'].reduce(hmac, hmac(`AWS4${secretAccessKey}`, date.slice(0, 8)));
  const toSign = `AWS4-HMAC-SHA256\n${date}\n${scope}\n${createHash('sha256').update(canonical).digest('hex')}`;
  return `${path}?${sorted}&X-Amz-Signature=${hmac(key, toSign).toString('hex')}`;
}

async function ask(aws, method, service, { host = new URL(aws.endpoint).host, path, query, headers = {}, credentials = aws.credentials }) {
  const target = sign({ method, service, host, path, query, credentials });
  const request = http.request(new URL(target, aws.endpoint), { method, headers: { host, ...headers } }).end();
  const [answer] = await once(request, 'response');
  return { status: answer.statusCode, text: await text(answer) };
}

test('pages of other sites', async (t) => {
  const alice = { accessKeyId: 'ALICEALICEALICEALICE', secretAccessKey: 'of alice alone' };
  const platform = await startPlatform(t, { files: {
    'mayfly.json': JSON.stringify({ functions: { hidden: { handler: 'hidden.handler' } }, events: { users: { alice } } }),
    'hidden.js': "exports.handler = async () => { console.log('invoked'); return 'served'; };\n",
  } });
  const { aws } = platform;
  const port = new URL(aws.endpoint).port;
  const s3 = new S3Client({ ...aws, forcePathStyle: true });
  t.after(() => s3.destroy());
  await s3.send(new CreateBucketCommand({ Bucket: 'private' }));
  await s3.send(new PutObjectCommand({ Bucket: 'private', Key: 'k', Body: 'secret' }));
  const object = { path: '/private/k' };
  const queues = { query: { Action: 'CreateQueue', QueueName: 'q', Version: '2012-11-05' } };

  await t.test('may not act with the credentials that everybody knows', async () => {
    for (const headers of [EVIL, { origin: 'null' }, { origin: 'http://6.6.6.6:8000' }, { origin: 'http://localhost.evil.example' }]) {
      const answers = [
        await ask(aws, 'GET', 'sqs', { ...queues, headers }), await ask(aws, 'POST', 'sqs', { ...queues, headers }),
        await ask(aws, 'POST', 's3', { path: '/private', query: { delete: '' }, headers }),
      ];
      assert.deepEqual(answers.map(({ status }) => status), [403, 403, 403], JSON.stringify(headers));
      answers.forEach((one) => assert.match(one.text, /web pages of other sites may not use it: serve the page from localhost/));
    }
    /* An image's or a form's request of another site does not say which. */
    assert.equal((await ask(aws, 'GET', 'sqs', { ...queues, headers: { 'sec-fetch-site': 'cross-site' } })).status, 403);
    const form = await createPresignedPost(s3, { Bucket: 'private', Key: 'k' });
    const data = new FormData();
    Object.entries(form.fields).forEach(([name, value]) => data.append(name, value));
    data.append('file', new Blob(['overwritten']), 'name.txt');
    assert.equal((await fetch(form.url, { method: 'POST', body: data, headers: EVIL })).status, 403);
    assert.equal(await (await s3.send(new GetObjectCommand({ Bucket: 'private', Key: 'k' }))).Body.transformToString(), 'secret');
  });

  await t.test('may not read by a name of theirs that leads here', async () => {
    assert.equal((await ask(aws, 'GET', 's3', { ...object, host: `evil.example:${port}` })).status, 403);
  });

  await t.test('may do in S3 what a rule for their site lets them, and one for all sites does not', async () => {
    const allow = (...AllowedOrigins) => s3.send(new PutBucketCorsCommand({
      Bucket: 'private', CORSConfiguration: { CORSRules: [{ AllowedOrigins, AllowedMethods: ['GET', 'PUT', 'POST'] }] },
    }));
    const statuses = async () => [
      (await ask(aws, 'GET', 's3', { ...object, headers: EVIL })).status, (await ask(aws, 'PUT', 's3', { path: '/private/theirs', headers: EVIL })).status,
    ];
    await allow('*');
    assert.deepEqual(await statuses(), [403, 403]);
    await allow('https://friend.example');
    assert.deepEqual(await statuses(), [200, 200], 'as a program: no browser lets a page of that site read it, or send such a PUT');
    await allow('https://*.example');
    assert.deepEqual(await statuses(), [200, 200]);
    assert.equal((await ask(aws, 'POST', 's3', { path: '/private', query: { delete: '' }, headers: EVIL })).status, 400, 'without a document');
  });

  await t.test('may not invoke what has no URL', async () => {
    const path = '/2015-03-31/functions/hidden/invocations';
    for (const headers of [EVIL, { origin: 'http://evil.example:3000' }]) {
      const answer = await platform.post(path, 'text', { headers });
      assert.equal(answer.status, 403);
      assert.match(answer.text, /not for web pages of other sites/);
    }
    assert.equal(platform.records.filter(({ text }) => text === 'invoked').length, 0);
    assert.equal((await platform.post(path, {})).json, 'served');
    assert.equal((await platform.post(path, {}, { headers: { origin: 'http://localhost:5173' } })).json, 'served');
  });

  await t.test('are not those of this machine, and not who has a key of their own', async () => {
    for (const origin of ['http://localhost:3000', 'http://shop.localhost:3000', 'http://127.0.0.1:8000', 'http://[::1]:3000', 'https://shop.test']) {
      assert.equal((await ask(aws, 'GET', 's3', { ...object, headers: { origin, 'sec-fetch-site': 'cross-site' } })).text, 'secret', origin);
    }
    assert.equal((await ask(aws, 'GET', 's3', { ...object, headers: { 'sec-fetch-site': 'cross-site' } })).text, 'secret', 'an image in a page of 127.0.0.1');
    for (const host of [`localhost:${port}`, `mayfly:${port}`, `host.docker.internal:${port}`, 's3.us-east-1.amazonaws.com']) {
      assert.equal((await ask(aws, 'GET', 's3', { ...object, host })).text, 'secret', host);
    }
    const bucket = { path: '/alices', credentials: alice, headers: EVIL };
    assert.equal((await ask(aws, 'PUT', 's3', bucket)).status, 200);
  });
});
