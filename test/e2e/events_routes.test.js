/* Requests that control has first: idempotent and durable routes, background functions; and crons of Vercel and Netlify. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import test from 'node:test';
import { eventually, runMayfly, startPlatform } from './harness.js';

const mayfly = (config) => JSON.stringify(config);
const shown = (platform) =>
  platform.records.filter(({ text }) => text?.startsWith('GOT ')).map(({ text }) => JSON.parse(text.slice(4)));
const showAll = (platform, count) =>
  eventually(
    () => shown(platform).length >= count && shown(platform),
    () => platform.transcript(),
  );

/* Idempotent routes */

const counting = {
  'api/hook.js': `
    let count = 0;
    export async function POST(request) {
      const body = await request.json();
      console.log('GOT ' + JSON.stringify(body.id));
      if (body.wait) await new Promise((done) => setTimeout(done, 300));
      if (body.fail) return new Response('refused', { status: body.fail });
      return Response.json({ id: body.id, count: ++count }, { status: 201, headers: { 'x-made': 'yes' } });
    }`,
};

test('a request with a known key is answered as the first one, without the function', async (t) => {
  const platform = await startPlatform(t, {
    files: { ...counting, 'mayfly.json': mayfly({ routes: { '/api/hook': { idempotent: '$.id' } } }) },
  });
  const first = await platform.post('/api/hook', { id: 'a' });
  const again = await platform.post('/api/hook', { id: 'a', other: true });
  const other = await platform.post('/api/hook', { id: 'b' });
  assert.deepEqual([first.status, first.json, first.headers['x-made']], [201, { id: 'a', count: 1 }, 'yes']);
  assert.deepEqual([again.status, again.json, again.headers['x-made']], [201, { id: 'a', count: 1 }, 'yes']);
  assert.equal(other.json.id, 'b');
  assert.deepEqual(await showAll(platform, 2), ['a', 'b']);
});

test('of many at once with one key, one runs and all are answered', async (t) => {
  const platform = await startPlatform(t, {
    files: {
      ...counting,
      'mayfly.json': mayfly({ routes: { 'api/hook.js': { idempotent: { header: 'Idempotency-Key' } } } }),
    },
  });
  const ask = (key) => platform.post('/api/hook', { id: key, wait: true }, { headers: { 'idempotency-key': key } });
  const answers = await Promise.all([...Array.from({ length: 10 }, () => ask('k')), ask('l')]);
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [201]);
  assert.equal(new Set(answers.map(({ text }) => text)).size, 2);
  assert.deepEqual((await showAll(platform, 2)).sort(), ['k', 'l']);
});

test('a refusal or a failure is not kept: the next try runs', async (t) => {
  const platform = await startPlatform(t, {
    files: { ...counting, 'mayfly.json': mayfly({ routes: { '/api/hook': { idempotent: '$.id' } } }) },
  });
  for (const status of [400, 500]) {
    const refused = await platform.post('/api/hook', { id: 'x', fail: status });
    assert.deepEqual([refused.status, refused.text], [status, 'refused']);
  }
  assert.equal((await platform.post('/api/hook', { id: 'x' })).status, 201);
  assert.deepEqual(await showAll(platform, 3), ['x', 'x', 'x']);
});

test('what only asks is answered by the function itself, of an idempotent and of a durable route', async (t) => {
  const asked = `
    export const GET = (request) => new Response(new URL(request.url).searchParams.get('hub.challenge'));
    export const HEAD = () => new Response(null);
    export const OPTIONS = () => new Response(null, { status: 204, headers: { 'access-control-allow-headers': 'idempotency-key' } });
    export const POST = () => new Response('done');`;
  const platform = await startPlatform(t, {
    files: {
      'api/once.js': asked,
      'api/later.js': asked,
      'mayfly.json': mayfly({ routes: { '/api/once': { idempotent: { header: 'Idempotency-Key' } }, '/api/later': { durable: true } } }),
    },
  });
  for (const route of ['/api/once', '/api/later']) {
    const verified = await platform.get(`${route}?hub.challenge=1158201444`);
    assert.deepEqual([verified.status, verified.text], [200, '1158201444']);
    const preflight = await platform.request('OPTIONS', route, { headers: { origin: 'http://shop.test', 'access-control-request-method': 'POST' } });
    assert.deepEqual([preflight.status, preflight.headers['access-control-allow-headers']], [204, 'idempotency-key']);
    assert.equal((await platform.request('HEAD', route)).status, 200);
  }
  assert.equal((await platform.post('/api/once', '')).status, 400);
  assert.equal((await platform.post('/api/later', '')).status, 202);
});

test('a request without its route\'s key is refused, durable or not, with where the key is to be', async (t) => {
  const post = 'export const POST = () => new Response("done");\n';
  const platform = await startPlatform(t, {
    files: {
      'api/json.js': post, 'api/header.js': post, 'api/standard.js': post,
      'mayfly.json': mayfly({ routes: {
        '/api/json': { idempotent: '$.event.id' }, '/api/header': { idempotent: { header: 'X-Request' }, durable: true }, '/api/standard': { idempotent: 'standard-webhooks', durable: true },
      } }),
    },
  });
  for (const [name, where] of [['json', 'its JSON body at $.event.id'], ['header', 'the header x-request'], ['standard', 'the header webhook-id']]) {
    const { status, text } = await platform.post(`/api/${name}`, { id: 'a' });
    assert.deepEqual([status, text], [400, `a request to this route is known again by what it has in ${where}: this one has nothing there\n`]);
  }
});

test('a duplicate on a durable route is told the id of the event that is kept', async (t) => {
  const platform = await startPlatform(t, {
    files: { ...counting, 'mayfly.json': mayfly({ routes: { '/api/hook': { durable: true, idempotent: '$.id' } } }) },
  });
  const [first, again, other] = [
    await platform.post('/api/hook', { id: 'a' }), await platform.post('/api/hook', { id: 'a' }), await platform.post('/api/hook', { id: 'b' }),
  ];
  assert.deepEqual([first.status, again.status, other.status], [202, 202, 202]);
  assert.equal(JSON.parse(again.text).id, JSON.parse(first.text).id);
  assert.notEqual(JSON.parse(other.text).id, JSON.parse(first.text).id);
  assert.deepEqual(await showAll(platform, 2), ['a', 'b']);
});

test('a head as large as one may be is passed on, by every way that it goes inside', async (t) => {
  const config = { routes: { '/api/hook': { idempotent: '$.id' }, '/api/later': { durable: true } } };
  const platform = await startPlatform(t, {
    files: { ...counting, 'api/later.js': counting['api/hook.js'], 'mayfly.json': mayfly(config) },
  });
  const many = Object.fromEntries(Array.from({ length: 94 }, (_, i) => [`x-${10 + i}`, 'v'.repeat(338)])); /* nearly 32 KB, 100 fields */
  const one = { x: 'v'.repeat(16_200) };
  const query = `?${'q'.repeat(16_300)}`;
  assert.equal((await platform.post('/api/hook', { id: 'a' }, { headers: many })).status, 201);
  assert.equal((await platform.post(`/api/hook${query}`, { id: 'b' }, { headers: one })).status, 201);
  assert.equal((await platform.post('/api/later', { id: 'c' }, { headers: many })).status, 202);
  assert.deepEqual(await showAll(platform, 3), ['a', 'b', 'c']);
});

test('of bodies that take their time only so much is kept', { timeout: 60_000 }, async (t) => {
  const platform = await startPlatform(t, {
    files: { ...counting, 'mayfly.json': mayfly({ routes: { '/api/hook': { durable: true } } }) },
  });
  const most = Buffer.alloc(7_900_000);
  const begin = () => {
    const socket = net.connect(platform.port, '127.0.0.1').setEncoding('latin1').on('error', () => {});
    t.after(() => socket.destroy());
    socket.write('POST /api/hook HTTP/1.1\r\nHost: a\r\nContent-Length: 8000000\r\n\r\n');
    socket.write(most);
    return once(socket, 'data');
  };
  const first = await Promise.race(Array.from({ length: 40 }, begin)); /* 300 MB */
  assert.match(first[0], /^HTTP\/1\.1 503 /);
  assert.equal((await platform.post('/api/hook', { id: 'a' })).status, 202);
});

test('of bodies that a function does not take only so much is kept', { timeout: 90_000 }, async (t) => {
  const platform = await startPlatform(t, {
    files: {
      'mayfly.json': mayfly({ volumes: ['data'], routes: { '/api/hook': { idempotent: { header: 'idempotency-key' } } } }),
      'api/hook.js': `
        import { existsSync } from 'node:fs';
        export async function POST(request) {
          while (!existsSync('data/go')) await new Promise((done) => setTimeout(done, 50));
          return Response.json((await request.arrayBuffer()).byteLength);
        }`,
    },
  });
  const body = Buffer.alloc(7_900_000);
  const answers = [];
  const send = (key) => new Promise((sent) => { /* one after the other, so that control has read nearly all */
    const request = http.request({ port: platform.port, host: '127.0.0.1', method: 'POST', path: '/api/hook', headers: { 'idempotency-key': key } });
    answers.push(once(request, 'response').then(([response]) => response.statusCode));
    request.end(body, sent);
  });
  for (let n = 0; n < 40; n++) { /* 316 MB */
    await send(`key-${n}`);
  }
  assert.equal(await Promise.race(answers), 503);
  writeFileSync(path.join(platform.project, 'data/go'), '');
  assert.deepEqual([...new Set(await Promise.all(answers))].sort(), [200, 503]);
  assert.equal((await platform.post('/api/hook', body, { headers: { 'idempotency-key': 'another' } })).status, 200);
});

test('a host as long as a head may be is passed on', async (t) => {
  const platform = await startPlatform(t, {
    files: { ...counting, 'mayfly.json': mayfly({ routes: { '/api/hook': { idempotent: '$.id' } } }) },
  });
  const answer = await platform.post('/api/hook', { id: 'a' }, { host: 'h'.repeat(12_000) });
  assert.deepEqual([answer.status, answer.json.count], [201, 1]);
  assert.equal((await platform.post('/api/hook', { id: 'a' })).json.count, 1);
});

/* Durable routes */

/** A server that takes webhooks. */
async function receiver(t) {
  const received = [];
  const server = http
    .createServer(async (request, response) => {
      received.push({
        url: request.url,
        headers: request.headers,
        body: Buffer.concat(await Array.fromAsync(request)).toString(),
      });
      response.end();
    })
    .listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { received, url: `http://127.0.0.1:${server.address().port}` };
}

test('a durable request is answered once it is kept, tried until it is done, and its end is told by a signed webhook', async (t) => {
  const { received, url } = await receiver(t);
  const key = Buffer.from('a secret of many bytes');
  const platform = await startPlatform(t, {
    files: {
      'api/work.js': `
        let tries = 0;
        export async function POST(request) {
          tries += 1;
          console.log('GOT ' + JSON.stringify([tries, await request.text(), request.headers.get('x-own'), request.url.split('?')[1]]));
          return new Response('tried', { status: tries < 3 ? 503 : 200 });
        }`,
      'mayfly.json': mayfly({
        functions: { api: { maxInstances: 1, minInstances: 1 } },
        routes: {
          '/api/work': {
            durable: { retries: 5, delays: [0] },
            onSuccess: { url: `${url}/done`, secret: '$HOOK_SECRET' },
          },
        },
      }),
      '.env': `HOOK_SECRET=whsec_${key.toString('base64')}\n`,
    },
  });
  const answer = await platform.post('/api/work?q=1', 'the work', { headers: { 'x-own': 'kept' } });
  assert.equal(answer.status, 202);
  assert.deepEqual(
    await showAll(platform, 3),
    [1, 2, 3].map((tries) => [tries, 'the work', 'kept', 'q=1']),
  );

  const [hook] = await eventually(
    () => received.length > 0 && received,
    () => platform.transcript(),
  );
  const { 'webhook-id': id, 'webhook-timestamp': time, 'webhook-signature': signature } = hook.headers;
  assert.equal(hook.url, '/done');
  assert.equal(signature, `v1,${createHmac('sha256', key).update(`${id}.${time}.${hook.body}`).digest('base64')}`);
});

test('what a failed request answered is told as far as it is text', async (t) => {
  const { received, url } = await receiver(t);
  const platform = await startPlatform(t, {
    files: {
      'api/long.js': "export const POST = () => new Response('ab' + '\u3042'.repeat(300), { status: 500 });",
      'api/bytes.js': "export const POST = () => new Response(new Uint8Array([0x61, 0xff, 0x00, 0x62]), { status: 500 });",
      'mayfly.json': mayfly({
        routes: Object.fromEntries(['long', 'bytes'].map((name) => [`/api/${name}`, { durable: { retries: 0 }, onFailure: { url: `${url}/${name}` } }])),
      }),
    },
  });
  for (const name of ['long', 'bytes']) {
    assert.equal((await platform.post(`/api/${name}`, 'x')).status, 202);
  }
  const hooks = await eventually(() => received.length === 2 && received, () => platform.transcript());
  const errorOf = (name) => JSON.parse(hooks.find((hook) => hook.url === `/${name}`).body).data?.error;
  assert.match(errorOf('long'), /^status 500: ab\u3042{100,}/);
  assert.match(errorOf('bytes'), /^status 500: a\ufffd/);
  const events = await runMayfly(['events', 'ls', '--state', 'dead', '--json', '--project', platform.project]);
  const errors = events.stdout.trim().split('\n').map((line) => JSON.parse(line).error);
  assert.deepEqual(errors.toSorted(), [errorOf('bytes'), errorOf('long')].toSorted());
});

/* Vercel and Netlify */

test('Vercel: a cron is a request with the secret, and what it answers is what mayfly trigger says', async (t) => {
  const platform = await startPlatform(t, {
    files: {
      'vercel.json': mayfly({ crons: [{ path: '/api/tick?from=cron', schedule: '0 2 * * *' }] }),
      '.env': 'CRON_SECRET=only-ours\n',
      'api/tick.js': `export function GET(request) {
        const names = ['authorization', 'user-agent', 'x-mayfly-event'];
        console.log('GOT ' + JSON.stringify([new URL(request.url).search, ...names.map((name) => request.headers.get(name))]));
        return new Response('ticked');
      }`,
    },
  });
  const trigger = await runMayfly(['trigger', '/api/tick?from=cron', '--project', platform.project]);
  assert.equal(trigger.status, 0, trigger.stdout + trigger.stderr);
  assert.deepEqual(await showAll(platform, 1), [['?from=cron', 'Bearer only-ours', 'vercel-cron/1.0', null]]);
});

test('Vercel: a cron that answers 503 of its own has failed, as with any other status', async (t) => {
  const platform = await startPlatform(t, {
    files: {
      'vercel.json': mayfly({ crons: [{ path: '/api/tick', schedule: '0 2 * * *' }] }),
      'api/tick.js': "export const GET = () => new Response('not now', { status: 503 });",
    },
  });
  const { status, stdout } = await runMayfly(['trigger', '/api/tick', '--project', platform.project]);
  assert.equal(status, 1);
  assert.match(stdout, /^event \d+: failed$/m);
  assert.match(stdout, /it answered 503\s+not now/);
});

test('Netlify: a schedule gives the next run, a background function is answered at once and runs once', async (t) => {
  const platform = await startPlatform(t, {
    files: {
      'netlify/functions/nightly.mjs': `
        export default async (request) => {
          console.log('GOT ' + JSON.stringify([request.method, Object.keys(await request.json()), request.headers.get('x-mayfly-event')]));
        };
        export const config = { schedule: '@daily' };`,
      'netlify/functions/mail-background.mjs': `export default async (request, context) => {
        console.log('GOT ' + JSON.stringify([request.method, await request.text(), request.headers.get('x-mayfly-event')]));
        return new Response('nobody reads this', { status: 418 });
      };`,
    },
  });
  const trigger = await runMayfly(['trigger', 'nightly', '--project', platform.project]);
  assert.equal(trigger.status, 0, trigger.stdout + trigger.stderr);
  assert.deepEqual(await showAll(platform, 1), [['POST', ['next_run'], null]]);

  const answer = await platform.request('PUT', '/.netlify/functions/mail-background', { body: 'to all' });
  assert.deepEqual([answer.status, answer.text], [202, '']);
  assert.deepEqual((await showAll(platform, 2))[1], ['PUT', 'to all', null]);
});

test('what is acknowledged while routes are changed is handled, whatever number its endpoint has then', async (t) => {
  const durable = { durable: true };
  const platform = await startPlatform(t, {
    files: {
      'mayfly.json': mayfly({ volumes: ['data'], routes: { '/api/m': durable } }),
      'api/m.js': `
        import { appendFileSync } from 'node:fs';
        export async function POST(request) {
          appendFileSync('data/handled', (await request.json()).id + '\\n');
          return new Response('done');
        }`,
    },
  });
  const acknowledged = [];
  const refused = [];
  let over = false;
  const clients = Array.from({ length: 64 }, async (_, client) => {
    for (let n = 0; !over; n++) {
      const id = `${client}-${n}`;
      const { status, text } = await platform.post('/api/m', { id });
      (status === 202 ? acknowledged : refused).push(status === 202 ? id : `${status} ${text}`);
    }
  });
  for (const name of ['l', 'k', 'j', 'i', 'h', 'g']) { /* each before those that are there */
    await platform.save(`api/${name}.js`, 'export const GET = () => new Response("here");');
  }
  over = true;
  await Promise.all(clients);
  assert.deepEqual(refused, []);
  const missing = () => acknowledged.filter((id) => !platform.lines('data/handled').includes(id));
  await eventually(() => missing().length === 0, () => `missing of ${acknowledged.length}: ${missing().slice(0, 9)}\n${platform.errors}`, 20_000);
});
