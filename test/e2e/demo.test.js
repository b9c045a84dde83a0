/* The tea shop of examples/demo, all dialects in one folder, as its README promises. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { eventually, ROOT, startPlatform } from './harness.js';

const PROJECT = path.join(ROOT, 'examples/demo');

let platform; /* one for all tests: none of them minds what others have ordered */
const cleanups = [];

/** The shop without orders and without what only an editor needs. */
function copyProject() {
  const copy = mkdtempSync(path.join(os.tmpdir(), 'mayfly-demo-'));
  const isLeftOut = /\/\.mayfly$|\/data\/shop\.db|\/node_modules\/(?:typescript|@typescript|@types)$/;
  cpSync(PROJECT, copy, { recursive: true, filter: (file) => !isLeftOut.test(file) });
  chmodSync(copy, 0o755);
  return copy;
}

before(async () => {
  const project = copyProject();
  platform = await startPlatform({ after: (cleanup) => cleanups.push(cleanup) }, { project });
  cleanups.push(() => rmSync(project, { recursive: true }));
});

after(async () => {
  for (const cleanup of cleanups) {
    await cleanup();
  }
});

const order = (quantity) => ({ email: 'ada@example.com', items: [{ product: 'assam', quantity }] });

test('every function of the demo loads and can be forked', async () => {
  const build = platform.records.find((record) => record.type === 'build');
  assert.deepEqual([...new Set(build.routes.map((route) => route.dialect))].sort(), [
    'lambda', 'netlify', 'next', 'vercel', 'worker',
  ]);
  for (const name of ['app', 'api', 'netlify', 'lambda/shipping', 'lambda/story', 'lambda/thumbnail', 'lambda/order-mail', 'worker/ab-test']) {
    const loaded = await platform.record((record) => record.type === 'function' && record.function === name);
    assert.equal(loaded.snapshot, true, `${name}: ${loaded.reason}`);
  }
});

test('an order is placed, found, listed, paid through a signed webhook, and then cannot be cancelled', async () => {
  const placed = await platform.post('/api/orders', order(2));
  assert.equal(placed.status, 201);
  assert.equal(placed.json.total, 1780);
  assert.equal(placed.json.status, 'pending');
  const url = placed.headers.location;
  assert.equal(url, `/api/orders/${placed.json.id}`);
  assert.deepEqual((await platform.get(url)).json, placed.json);
  const pending = await platform.get('/api/orders?status=pending&limit=100');
  assert.ok(pending.json.orders.some(({ id }) => id === placed.json.id));

  const files = ['--env-file=.env', 'scripts/pay.mjs', placed.json.id, platform.origin];
  const { stdout } = await promisify(execFile)(process.execPath, files, { cwd: platform.project });
  assert.equal(stdout, '200 {"received":true}\n');
  const paid = await platform.get(url);
  assert.equal(paid.json.status, 'paid');
  assert.ok(paid.json.paidAt >= placed.json.createdAt);
  const cancelled = await platform.request('DELETE', url);
  assert.equal(cancelled.status, 409);
  assert.deepEqual(cancelled.json, { error: 'The order is paid' });
});

test('a pending order can be cancelled, an unknown one cannot', async () => {
  const { location } = (await platform.post('/api/orders', order(1))).headers;
  assert.equal((await platform.request('DELETE', location)).status, 204);
  assert.equal((await platform.get(location)).json.status, 'cancelled');
  assert.equal((await platform.request('DELETE', '/api/orders/none')).status, 404);
  assert.equal((await platform.get('/api/orders/none')).status, 404);
});

test('an order that makes no sense is answered with what is wrong with it', async () => {
  const answer = await platform.post('/api/orders', { email: 'nobody', items: [{ product: 'coffee', quantity: 0 }] });
  assert.equal(answer.status, 400);
  assert.deepEqual(answer.json.issues.map((issue) => issue.path), ['email', 'items.0.product', 'items.0.quantity']);
  assert.equal((await platform.post('/api/orders', '{')).status, 400);
  assert.equal((await platform.get('/api/orders?limit=many')).status, 400);
});

test('orders of many clients at once are all kept', async () => {
  const placed = await Promise.all(Array.from({ length: 40 }, () => platform.post('/api/orders', order(3))));
  assert.deepEqual([...new Set(placed.map(({ status }) => status))], [201]);
  const ids = new Set(placed.map(({ json }) => json.id));
  assert.equal(ids.size, 40);
  const { orders } = (await platform.get('/api/orders?limit=100')).json;
  assert.equal(orders.filter(({ id }) => ids.has(id)).length, 40);
});

test('orders outlive the instance and the version that took them, in a file of the project', async () => {
  const placed = await platform.post('/api/orders', order(4));
  const route = 'app/api/orders/[id]/route.ts';
  const source = readFileSync(path.join(platform.project, route), 'utf8');
  await platform.save(route, source.replace('There is no such order', 'There never was such an order'));
  assert.equal((await platform.get('/api/orders/none')).json.error, 'There never was such an order');
  const found = await platform.get(placed.headers.location);
  assert.notEqual(found.instance, placed.instance);
  assert.deepEqual(found.json, placed.json);

  const database = statSync(path.join(platform.project, 'data/shop.db'));
  assert.equal(database.uid, statSync(platform.project).uid, 'the file belongs to the owner of the project');
});

test('a user is created once and never shown with a password', async () => {
  const user = { email: `${crypto.randomUUID()}@example.com`, name: 'Grace', password: 'nanosecond' };
  const created = await platform.post('/api/users', user);
  assert.equal(created.status, 201);
  assert.deepEqual(Object.keys(created.json).sort(), ['email', 'id', 'name']);
  assert.equal((await platform.post('/api/users', user)).status, 409);
  const { users, limit } = (await platform.get('/api/users?limit=1000')).json;
  assert.equal(limit, 100);
  assert.ok(users.every((one) => !('password' in one)));
});

test('a webhook that Stripe did not sign is refused', async () => {
  const forged = await platform.post('/api/webhooks/stripe', { id: 'evt_forged', type: 'payment_intent.succeeded' });
  assert.equal(forged.status, 400);
  assert.deepEqual(forged.json, { error: 'Invalid signature' });
});

/** The answer's chunks with the milliseconds at which each came. */
async function chunksOf(target, host) {
  const request = http.get({ host: '127.0.0.1', port: platform.port, path: target, headers: host ? { host } : {} });
  const [response] = await once(request, 'response');
  const chunks = [];
  for await (const chunk of response) {
    chunks.push({ text: chunk.toString(), at: performance.now() });
  }
  return chunks;
}

test('a payment that Stripe tells of twice is acted on once, and answered the same', async () => {
  const { json: { id: orderId } } = await platform.post('/api/orders', order(1));
  const payload = JSON.stringify({
    id: `evt_${crypto.randomUUID()}`, object: 'event', type: 'payment_intent.succeeded',
    data: { object: { object: 'payment_intent', metadata: { orderId } } },
  });
  const from = platform.records.length;
  const [first, second] = [await platform.post('/api/webhooks/stripe', payload, signed(payload)), await platform.post('/api/webhooks/stripe', payload, signed(payload))];
  assert.deepEqual([first.status, first.json, second.status, second.json], [200, { received: true }, 200, { received: true }]);
  await platform.log('order paid', { from });
  const handled = platform.records.slice(from).filter(({ text }) => /order paid|no pending order/.test(text ?? ''));
  assert.equal(handled.length, 1);
});

function signed(payload) {
  const stamp = Math.floor(Date.now() / 1000);
  const signature = createHmac('sha256', 'whsec_mayfly_demo_not_a_real_secret').update(`${stamp}.${payload}`).digest('hex');
  return { headers: { 'content-type': 'application/json', 'stripe-signature': `t=${stamp},v1=${signature}` } };
}

test('the nightly clean-up is for the schedule only', async () => {
  assert.equal((await platform.get('/api/cron/cleanup')).status, 401);
  const headers = { authorization: 'Bearer only-the-schedule-knows' };
  assert.deepEqual((await platform.get('/api/cron/cleanup', { headers })).json, { forgotten: 0 });
});

test('a picture that is uploaded becomes a thumbnail, made by a Lambda function', async () => {
  const sharp = createRequire(path.join(PROJECT, 'package.json'))('sharp');
  const blank = { width: 1600, height: 900, channels: 3, background: 'teal' };
  const picture = await sharp({ create: blank }).png().toBuffer();
  const uploaded = await platform.post('/api/photos', picture, { headers: { 'content-type': 'image/png' } });
  assert.equal(uploaded.status, 202, uploaded.text);
  const thumbnail = await eventually(async () => {
    const answer = await platform.get(uploaded.headers.location);
    return answer.status === 200 && answer;
  }, () => platform.transcript());
  const { format, width, height } = await sharp(thumbnail.body).metadata();
  assert.deepEqual({ format, width, height }, { format: 'webp', width: 320, height: 180 });
  assert.equal((await platform.post('/api/photos', 'no picture', { headers: { 'content-type': 'image/gif' } })).status, 400);
  assert.equal((await platform.get('/api/photos/none')).status, 404);
});

test('an order sends an e-mail by a queue, and what a full mailbox refuses waits there', async () => {
  const from = platform.records.length;
  await platform.post('/api/orders', { ...order(1), email: 'full@example.com' });
  await platform.post('/api/orders', { ...order(1), email: 'grace@example.com' });
  await platform.log('mail to grace@example.com: Your order', { from });
  await platform.log('the mailbox is full', { from });
});

test('the newsletter is sent in the background', async () => {
  const answer = await platform.post('/.netlify/functions/newsletter-background', { subject: 'Today' });
  assert.deepEqual([answer.status, answer.text], [202, '']);
  await platform.log('newsletter to margaret@example.com: Today');
});

test('visits of the landing page are counted from a queue, many at once', async () => {
  const from = platform.records.length;
  for (let i = 0; i < 3; i++) {
    await platform.get('/landing', { headers: { cookie: 'variant=A' } });
  }
  const counted = () => platform.records.slice(from).map(({ text }) => /^visits: A (\d+), B/.exec(text ?? '')?.[1]).filter(Boolean);
  await eventually(() => counted().reduce((sum, count) => sum + Number(count), 0) >= 3, () => `counted ${counted()}`);
});

/** Asks until the pieces have come as they were sent: a reader whose machine is busy finds several at once. */
async function piecesOf(target, host, whole, areApart) {
  await eventually(async () => {
    const chunks = await chunksOf(target, host);
    assert.match(chunks.map(({ text }) => text).join(''), whole);
    return areApart(chunks);
  }, 'the pieces come together each time');
}

test('server-sent events arrive one by one, a second apart', async () => {
  const whole = /^id: 1\ndata: \S+Z\n\nid: 2\ndata: \S+Z\n\nid: 3\ndata: \S+Z\n\n$/;
  await piecesOf('/api/clock?ticks=3', null, whole, (chunks) =>
    chunks.length === 3 && chunks[1].at - chunks[0].at > 500 && chunks[2].at - chunks[1].at > 500);
});

test('the streaming Lambda sends its story word by word', async () => {
  await piecesOf('/', `story.localhost:${platform.port}`, /^A mayfly lives for a day, .* mayflies\. \n$/, (chunks) =>
    chunks.length > 10 && chunks.at(-1).at - chunks[0].at > 1000);
});

test('the buffered Lambda answers at its own name, with the environment that Terraform gives it', async () => {
  const ask = async (query) => (await platform.get(`/?${query}`, { host: `shipping.localhost:${platform.port}` })).json;
  assert.equal((await ask('grams=1200')).price, 610);
  assert.equal((await ask('grams=5000')).price, 0);
  assert.match((await ask('country=XX')).error, /We ship to/);
});

test('Vercel functions answer in both shapes', async () => {
  assert.deepEqual((await platform.get('/api/hello?name=Ada')).json, { greeting: 'Hello, Ada!' });
  assert.deepEqual((await platform.get('/api/hello')).json, { greeting: 'Hello, world!' });
  const { rolled } = (await platform.get('/api/dice?sides=20')).json;
  assert.ok(Number.isInteger(rolled) && rolled >= 1 && rolled <= 20);
  assert.equal((await platform.get('/api/dice?sides=1')).status, 400);
});

test('the Netlify function answers at the paths of its own configuration only', async () => {
  assert.equal((await platform.get('/quote/hopper')).json.author, 'Hopper');
  assert.equal(typeof (await platform.get('/quote')).json.text, 'string');
  assert.equal((await platform.get('/quote/nobody')).status, 404);
  assert.equal((await platform.get('/.netlify/functions/quote')).status, 404);
});

test('the worker stands in front of the landing page and keeps visitors in their group', async () => {
  const headlines = { A: 'Good tea, delivered.', B: 'Your next favourite tea is two days away.' };
  const first = await platform.get('/landing');
  assert.equal(first.status, 200);
  const variant = first.headers['x-variant'];
  assert.ok(first.text.includes(`<h1>${headlines[variant]}</h1>`), first.text);
  assert.match(first.headers['set-cookie'][0], new RegExp(`^variant=${variant};`));
  for (const group of ['A', 'B']) {
    const again = await platform.get('/landing', { headers: { cookie: `variant=${group}` } });
    assert.equal(again.headers['x-variant'], group);
    assert.ok(again.text.includes(headlines[group]));
    assert.equal(again.headers['set-cookie'], undefined);
  }
});

test('the page is served, and every route that it tries exists', async () => {
  const page = await platform.get('/');
  assert.equal(page.status, 200);
  assert.match(page.headers['content-type'], /^text\/html/);
  const tried = [...page.text.matchAll(/(?:method: '(\w+)', )?path: '(\/[^']*)'/g)];
  assert.ok(tried.length >= 9, `${tried.length} routes`);
  for (const [, method = 'GET', target] of tried) {
    const answer = await platform.fetch(target, { method, body: method === 'POST' ? '{}' : undefined });
    await answer.body.cancel();
    const expected = target.endsWith('-background') ? 202 : method === 'POST' ? 400 : 200;
    assert.equal(answer.status, expected, `${method} ${target}`);
  }
  assert.doesNotMatch(page.text, /(?:src|href)="?https?:/, 'it loads nothing from elsewhere');
});
