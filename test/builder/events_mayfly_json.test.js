/* What mayfly.json says of events: routes, functions, buckets and queues. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { build, functionNamed, projectOf } from './harness.js';

const handler = 'exports.handler = async () => 1;\n';
const texts = (manifest) => manifest.diagnostics.map(({ text }) => text);
const api = { 'api/tick.ts': 'export const GET = () => new Response();\nexport const POST = GET;\n' };
const next = { 'app/api/webhooks/stripe/route.ts': 'export const POST = () => new Response();\n' };
const mailer = 'export default { fetch() {}, scheduled() {}, queue() {} };\n';
const withConfig = (config) => ({ 'mayfly.json': JSON.stringify(config) });

test('mayfly.json: routes that are answered once, or kept until they are done', async (t) => {
  const { events, functions, diagnostics } = await build(t, projectOf(t, {
    ...api, ...next, '.env': 'HOOK_SECRET=whsec_c2VjcmV0\n', 'worker.ts': mailer,
    ...withConfig({
      routes: {
        '/api/webhooks/stripe': { idempotent: '$.data.items[0].id', idempotentSeconds: 60, durable: true },
        '/api/tick': {
          idempotent: { header: 'Idempotency-Key' }, durable: { retries: 2, delays: [1, 10], maxAge: 3600 },
          onSuccess: { url: 'https://example.com/done', secret: '$HOOK_SECRET' }, onFailure: { queue: 'failed' },
        },
        worker: { idempotent: 'standard-webhooks' },
      },
      events: { queues: { failed: {} } },
    }),
  }));
  assert.deepEqual(diagnostics, []);
  const nobody = { on_success: null, on_failure: null };
  assert.deepEqual(events.routes, [
    {
      function: 'app', endpoint: 0, background: null, ...nobody, idempotent: { key: 'json:$.data.items[0].id', ttl_s: 60 },
      durable: { max_retries: 5, retry_delays_s: [5, 60, 300], max_age_s: 86_400 },
    },
    {
      function: 'api', endpoint: 0, background: null, idempotent: { key: 'header:idempotency-key', ttl_s: 86_400 },
      durable: { max_retries: 2, retry_delays_s: [1, 10], max_age_s: 3600 },
      on_success: { url: 'https://example.com/done', secret: 'whsec_c2VjcmV0' }, on_failure: { queue: 'failed' },
    },
    { function: 'worker', endpoint: 0, background: null, ...nobody, idempotent: { key: 'standard-webhooks', ttl_s: 86_400 }, durable: null },
  ]);
  assert.deepEqual(functions.flatMap(({ endpoints }) => endpoints.map(({ via }) => via)), Array(3).fill('events-unless-safe'));
  assert.ok(!JSON.stringify(functions).includes('example.com'));
});

test('mayfly.json: what could be a route is said by the names that it is written with', async (t) => {
  const files = { ...api, 'f.js': 'exports.handler = async () => 1;\n' };
  const config = { functions: { f: { handler: 'f.handler' } }, routes: { '/api/none': { durable: true } } };
  const told = texts(await build(t, projectOf(t, { ...files, ...withConfig(config) })));
  assert.deepEqual(told, ['mayfly.json: routes["/api/none"]: no function answers that path; there are /api/tick, lambda/f']);
});

test('mayfly.json: a route whose function is only asked is told that nothing of it is kept', async (t) => {
  const files = { 'api/tick.js': 'export const GET = () => new Response();\n' };
  const told = texts(await build(t, projectOf(t, { ...files, ...withConfig({ routes: { '/api/tick': { durable: true } } }) })));
  assert.deepEqual(told, ['mayfly.json: routes["/api/tick"]: answers GET alone, which is never kept or answered again: let it be POST']);
});

test('mayfly.json: wrong routes are told with a fix and left out', async (t) => {
  const wrong = {
    '/api/none': [{ idempotent: '$.id' }, /no function answers that path; there are \/api\/tick/],
    '/api/tick': [{ idempotent: 'id' }, /"idempotent" must be a path in the JSON body such as "\$\.id"/],
    'api/tick.ts': [{ durable: 7 }, /"durable" must be true or/],
    'api/tick': [{}, /needs "idempotent" or "durable"/],
    api: [{ durable: { retries: -1, delays: [] } }, /delays must be a list of seconds/],
  };
  const routes = Object.fromEntries(Object.entries(wrong).map(([name, [entry]]) => [name, entry]));
  const told = texts(await build(t, projectOf(t, { ...api, ...withConfig({ routes }) })));
  for (const [name, [, pattern]] of Object.entries(wrong)) {
    assert.ok(told.some((text) => pattern.test(text) && text.startsWith(`mayfly.json: routes${name === 'api' ? '.api' : `["${name}"]`}: `)), `${name}: ${told}`);
  }
  assert.equal(told.filter((text) => text.startsWith('mayfly.json: routes["/api/tick"]')).length, 1, 'one mistake, one line');
  const manifest = await build(t, projectOf(t, {
    ...api, ...withConfig({ routes: { '/api/tick': { durable: true, onFailure: { url: 'ftp://x' }, onSuccess: { url: 'https://x.example', secret: '$NOT_SET' } } } }),
  }));
  const unsigned = { '/api/tick': { durable: true, onSuccess: { url: 'https://x.example', secret: 'whsec_a-b' } } };
  assert.match(texts(await build(t, projectOf(t, { ...api, ...withConfig({ routes: unsigned }) })))[0], /onSuccess\.secret: what follows whsec_ must be base64/);
  assert.match(texts(manifest).join('\n'), /variable NOT_SET is not set; set it in \.env\.local/);
  assert.match(texts(manifest).join('\n'), /onFailure must be \{ "url"/);
  assert.deepEqual(manifest.events.routes[0].on_success, { url: 'https://x.example' });
});

test('mayfly.json: retries of functions, schedules, users; buckets and queues of its own functions', async (t) => {
  const { events, diagnostics } = await build(t, projectOf(t, {
    ...api, 'f.js': handler, 'g.js': handler, '.env': 'KEY=k-1\nSECRET=s3cret\n',
    'vercel.json': JSON.stringify({ crons: [{ path: '/api/tick', schedule: '0 2 * * *' }] }),
    'main.tf': 'resource "aws_cloudwatch_event_rule" "r" {\n  name = "r"\n  schedule_expression = "rate(1 day)"\n}\n',
    ...withConfig({
      functions: {
        f: { handler: 'f.handler', retries: 1, retryDelays: [1], maxAge: 120, onFailure: { function: 'g' } },
        g: { handler: 'g.handler', schedule: 'rate(5 minutes)' },
      },
      events: {
        catchUp: 'skip',
        lifecycleDay: 10,
        schedules: { r: { timezone: 'Asia/Tokyo', enabled: false }, '/api/tick': { timezone: 'Europe/Berlin', enabled: false, catchUp: 'once' } },
        users: { alice: { accessKeyId: '$KEY', secretAccessKey: '$SECRET', email: 'a@example.com' } },
        buckets: { photos: { versioning: true, notifications: [{ events: ['s3:ObjectCreated:*'], prefix: 'in/', function: 'f' }, { events: 's3:ObjectRemoved:*', queue: 'jobs' }] } },
        queues: { jobs: { function: 'g', visibility: 60, deadLetter: 'dead', maxReceives: 2, batchSize: 3 }, dead: {} },
      },
    }),
  }));
  assert.deepEqual(diagnostics, []);
  assert.deepEqual(events.async, [{
    function: 'lambda/f', max_age_s: 120, max_retries: 1, retry_delays_s: [1], on_success: null, on_failure: { function: 'lambda/g' }, dead_letter: null,
  }]);
  assert.deepEqual(events.schedules.map(({ name, timezone, enabled, catch_up: up }) => [name, timezone, enabled, up]), [
    ['/api/tick', 'Europe/Berlin', false, 'once'], ['g', 'UTC', true, 'skip'],
  ]);
  assert.deepEqual(events.rules.map(({ name, timezone, enabled, catch_up: up }) => [name, timezone, enabled, up]), [['r', 'Asia/Tokyo', false, 'skip']]);
  assert.deepEqual(events.users, [{ name: 'alice', display_name: 'alice', email: 'a@example.com', access_key: 'k-1', secret_key: 's3cret' }]);
  assert.deepEqual(events.buckets[0].notifications.map((one) => [one.prefix, one.function ?? one.queue]), [['in/', 'lambda/f'], ['', 'jobs']]);
  assert.deepEqual(events.queues.map(({ name, redrive }) => [name, redrive]), [['jobs', { queue: 'dead', max_receives: 2 }], ['dead', undefined]]);
  assert.deepEqual(events.consumers.map((one) => [one.queue, one.function, one.batch_size]), [['jobs', 'lambda/g', 3]]);
  assert.equal(events.lifecycle_day_s, 10);
});

test('mayfly.json: nonsense in events is told, never fatal', async (t) => {
  const nonsense = [7, [], null, { a: 7, api: null }, { api: { function: 7, notifications: 7, catchUp: 7, timezone: 'Mars' } }];
  for (const value of nonsense) {
    const events = { buckets: value, queues: value, schedules: value, users: value, catchUp: value };
    const functions = { api: { retries: value, onFailure: value, schedule: value } };
    const manifest = await build(t, projectOf(t, { ...api, ...withConfig({ events, routes: value, functions }) }));
    assert.equal(manifest.type, 'manifest');
    assert.deepEqual(manifest.logs.filter(({ level }) => level === 'error'), [], JSON.stringify(value));
    assert.equal(functionNamed(manifest, 'api').endpoints.length, 1);
  }
  assert.match(texts(await build(t, projectOf(t, { ...api, ...withConfig({ events: 7 }) })))[0], /^mayfly\.json: events: must be an object/);
});
