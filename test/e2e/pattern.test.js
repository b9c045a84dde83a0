/* The samples of examples/pattern, each called as its platform would call it. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { ROOT, startPlatform } from './harness.js';

const PROJECT = path.join(ROOT, 'examples/pattern');
const OWN_TIMEOUT_MS = 25_000; /* app/api/slow/route.ts */

/** A server of the test's own; it ends with the test. */
async function startServer(t, handler) {
  const server = http.createServer(handler).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${server.address().port}`;
}

const start = (t, env) => startPlatform(t, { project: PROJECT, env });

test('the users API creates, pages and hides passwords', async (t) => {
  const platform = await start(t);
  const first = await platform.post('/api/users', { email: 'ada@example.com', name: 'Ada', password: 'analytical' });
  assert.equal(first.status, 201);
  assert.deepEqual(Object.keys(first.json).sort(), ['email', 'id', 'name']);
  const second = await platform.post('/api/users', { email: 'grace@example.com', name: 'Grace', password: 'nanosecond' });
  assert.equal(second.status, 201);

  const all = await platform.get('/api/users');
  assert.deepEqual(all.json, { users: [first.json, second.json], page: 1, limit: 10 });
  const page = await platform.get('/api/users?page=2&limit=1');
  assert.deepEqual(page.json, { users: [second.json], page: 2, limit: 1 });
});

test('the users API tells what zod found, and answers 500 for a body that is no JSON', async (t) => {
  const platform = await start(t);
  const invalid = await platform.post('/api/users', { email: 'nobody', name: '', password: 'short' });
  assert.equal(invalid.status, 400);
  assert.deepEqual(invalid.json.error.map(({ path: [field] }) => field), ['email', 'name', 'password']);

  const broken = await platform.post('/api/users', '{');
  assert.equal(broken.status, 500);
  assert.deepEqual(broken.json, { error: 'Internal server error' });
  assert.equal((await platform.request('DELETE', '/api/users')).status, 405);
});

test('the cron job wants its secret and deletes what is older than 30 days, once', async (t) => {
  const platform = await start(t);
  const refused = await platform.get('/api/cron/cleanup');
  assert.equal(refused.status, 401);
  assert.deepEqual(refused.json, { error: 'Unauthorized' });

  const headers = { authorization: 'Bearer every-night-at-two' };
  assert.deepEqual((await platform.get('/api/cron/cleanup', { headers })).json, { deleted: 2 });
  await platform.log('Deleted 2 expired sessions');
  assert.deepEqual((await platform.get('/api/cron/cleanup', { headers })).json, { deleted: 0 });
});

/** As Stripe signs what it delivers. */
function signed(event, { secret = 'whsec_pattern_not_a_real_secret', time = Date.now() } = {}) {
  const body = JSON.stringify(event);
  const stamp = Math.floor(time / 1000);
  const signature = createHmac('sha256', secret).update(`${stamp}.${body}`).digest('hex');
  return [body, { headers: { 'content-type': 'application/json', 'stripe-signature': `t=${stamp},v1=${signature}` } }];
}

function paymentEvent(type, orderId) {
  const object = { object: 'payment_intent', metadata: { orderId }, receipt_email: 'ada@example.com' };
  return { id: 'evt_1', object: 'event', type, data: { object } };
}

test('the Stripe webhook acts on events that are signed, and on no others', async (t) => {
  const platform = await start(t);
  const event = paymentEvent('payment_intent.succeeded', 'order-1');
  const forgeries = [
    signed(event, { secret: 'whsec_somebody_elses' }),
    signed(event, { time: Date.now() - 3_600_000 }),
    [JSON.stringify(event), {}],
  ];
  for (const [body, options] of forgeries) {
    const answer = await platform.post('/api/webhooks/stripe', body, options);
    assert.equal(answer.status, 400);
    assert.deepEqual(answer.json, { error: 'Invalid signature' });
  }
  assert.ok(!platform.records.some(({ text }) => text?.includes('mail to')));

  const paid = await platform.post('/api/webhooks/stripe', ...signed(event));
  assert.equal(paid.status, 200);
  assert.deepEqual(paid.json, { received: true });
  await platform.log('mail to ada@example.com: Payment Successful');

  await platform.post('/api/webhooks/stripe', ...signed(paymentEvent('payment_intent.payment_failed', 'order-1')));
  await platform.log('payment failed: order-1');
  await platform.post('/api/webhooks/stripe', ...signed(paymentEvent('payout.paid', 'order-1')));
  await platform.log('Unhandled event type: payout.paid');
});

test('the worker adds variant and country to what its origin answers', async (t) => {
  const platform = await start(t);
  const variants = new Set();
  for (let i = 0; i < 64 && variants.size < 2; i++) {
    const answer = await platform.get('/', { host: `worker.localhost:${platform.port}` });
    assert.equal(answer.status, 200);
    assert.match(answer.headers['content-type'], /^text\/html/);
    assert.match(answer.text, /<title>Origin<\/title>/);
    assert.equal(answer.headers['x-country'], 'US');
    variants.add(answer.headers['x-variant']);
  }
  assert.deepEqual([...variants].sort(), ['A', 'B']);
});

test('the worker passes on that its origin has no such page', async (t) => {
  const platform = await start(t);
  const answer = await platform.get('/nowhere');
  assert.equal(answer.status, 404);
  assert.match(answer.headers['x-variant'], /^[AB]$/);
});

test('the edge route and the cached route answer with the headers that they set', async (t) => {
  const platform = await start(t);
  assert.deepEqual((await platform.get('/api/fast')).json, { message: 'Fast!' });
  const cached = await platform.get('/api/cached');
  assert.deepEqual(cached.json, { expensive: true });
  assert.equal(cached.headers['content-type'], 'application/json');
  assert.equal(cached.headers['cache-control'], 'public, s-maxage=3600, stale-while-revalidate=86400');
});

test('a route with a time-out of its own answers 504 when it passes, and 500 for another failure', async (t) => {
  let mood = 'quick';
  const api = await startServer(t, (request, response) => {
    if (mood === 'quick') {
      response.end('{}');
    } else if (mood === 'broken') {
      request.socket.destroy();
    } /* 'slow': never */
  });
  const platform = await start(t, { SLOW_API: api });
  assert.equal((await platform.get('/api/slow')).status, 200);
  mood = 'broken';
  assert.equal((await platform.get('/api/slow')).status, 500);
  mood = 'slow';
  const started = performance.now();
  const answer = await platform.get('/api/slow');
  assert.equal(answer.status, 504);
  assert.deepEqual(answer.json, { error: 'Timeout' });
  assert.ok(performance.now() - started >= OWN_TIMEOUT_MS - 100);
});

test('an upload to the bucket of the sample becomes a thumbnail, by the sample as it stands', async (t) => {
  const load = createRequire(path.join(PROJECT, 'package.json'));
  const sharp = load('sharp');
  const { GetObjectCommand, PutObjectCommand, S3Client } = load('@aws-sdk/client-s3');
  const data = mkdtempSync(path.join(os.tmpdir(), 'mayfly-pattern-'));
  t.after(() => rmSync(data, { recursive: true, force: true }));
  const platform = await startPlatform(t, { project: PROJECT, args: ['--data', path.join(data, 'data')] });
  const s3 = new S3Client(platform.aws);
  t.after(() => s3.destroy());

  const blank = { width: 1600, height: 900, channels: 3, background: 'teal' };
  const photo = await sharp({ create: blank }).png().toBuffer();
  await s3.send(new PutObjectCommand({ Bucket: 'images', Key: 'elsewhere/cat.png', Body: photo }));
  await s3.send(new PutObjectCommand({ Bucket: 'images', Key: 'uploads/cat.png', Body: photo }));
  await platform.log('Processed: uploads/cat.png → thumbnails/cat.png');

  const { ContentType: type, Body: body } = await s3.send(new GetObjectCommand({ Bucket: 'images', Key: 'thumbnails/cat.png' }));
  assert.equal(type, 'image/jpeg');
  const { format, width, height } = await sharp(await body.transformToByteArray()).metadata();
  assert.deepEqual({ format, width, height }, { format: 'jpeg', width: 800, height: 450 });
  assert.ok(!platform.records.some(({ text }) => text?.includes('elsewhere/cat.png')), 'the prefix decides');
});
