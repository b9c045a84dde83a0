/* Requests that functions make of the platform itself: a worker and what it stands in front of, services, RPC; and that
 * nobody outside can make them. */
import assert from 'node:assert/strict';
import http from 'node:http';
import { once } from 'node:events';
import test from 'node:test';
import { startPlatform } from './harness.js';

const wrangler = (settings) => JSON.stringify({ compatibility_date: '2026-01-01', ...settings });

/* In front of everything: notes what comes back, and hands it on. */
const FRONT = `
export default {
  async fetch(request) {
    const response = await fetch(request);
    const answer = new Response(response.body, response);
    answer.headers.set('x-front', String(response.status));
    return answer;
  },
};
`;
const ECHO_ROUTE = `
export function GET(request) {
  return Response.json({ url: request.url, headers: Object.fromEntries(request.headers) });
}
export async function POST(request) {
  return Response.json({ text: await request.text(), type: request.headers.get('content-type') });
}
`;

const BEHIND = {
  'wrangler.json': wrangler({ name: 'front', main: 'front.js', routes: ['*/*'] }),
  'front.js': FRONT,
  'public/page.html': '<h1>a page</h1>',
  'app/api/echo/route.js': ECHO_ROUTE,
  'app/api/moved/route.js': "export const GET = () => new Response(null, { status: 307, headers: { location: '/page.html' } });",
};

test('a worker in front of a static site and of a Next.js route', async (t) => {
  const platform = await startPlatform(t, { files: BEHIND });
  const host = `localhost:${platform.port}`;

  await t.test('reaches the files', async () => {
    const answer = await platform.get('/page.html', { host });
    assert.deepEqual([answer.status, answer.text, answer.headers['x-front']], [200, '<h1>a page</h1>', '200']);
    assert.equal(answer.headers['content-type'], 'text/html; charset=utf-8');
    const again = await platform.get('/page.html', { host, headers: { 'if-none-match': answer.headers.etag } });
    assert.equal(again.status, 304);
  });

  await t.test('reaches the route, which sees the request as it came and nothing of ours', async () => {
    const { json, headers } = await platform.get('/api/echo?a=%2Bb', { host, headers: { 'x-mine': '1' } });
    assert.equal(json.url, `http://${host}/api/echo?a=%2Bb`);
    assert.equal(json.headers.host, host);
    assert.equal(json.headers['x-mine'], '1');
    assert.deepEqual(Object.keys(json.headers).filter((name) => name.startsWith('x-mayfly-')), []);
    assert.equal(headers['x-front'], '200');
  });

  await t.test('keeps any host it was asked under', async () => {
    const { json } = await platform.get('/api/echo', { host: 'shop.example:81' });
    assert.equal(json.url, 'http://shop.example:81/api/echo');
  });

  await t.test('streams a body through', async () => {
    const body = 'x'.repeat(1_000_000);
    const answer = await platform.request('POST', '/api/echo', { host, body, headers: { 'content-type': 'text/a' } });
    assert.equal(answer.json.text.length, body.length);
    assert.equal(answer.json.type, 'text/a');
  });

  await t.test('leaves redirects to the client', async () => {
    const answer = await platform.get('/api/moved', { host });
    assert.deepEqual([answer.status, answer.headers.location], [307, '/page.html']);
  });

  await t.test('meets a 404, not itself, where nothing lies behind it', async () => {
    const answer = await platform.get('/nothing', { host });
    assert.deepEqual([answer.status, answer.headers['x-front']], [404, '404']);
    const usage = await platform.usage((record) => record.path === '/nothing' && /front/.test(record.function));
    assert.equal(usage.outcome, 'ok');
    const calls = platform.records.filter((record) => record.type === 'usage' && record.path === '/nothing');
    assert.equal(calls.length, 1);
  });

  await t.test('is not passed by with headers of ours from outside', async () => {
    const forged = {
      'x-mayfly-via': 'worker/front', 'x-mayfly-host': 'evil.example', 'x-mayfly-scheme': 'https',
      'x-mayfly-service': 'next', 'x-mayfly-site': 'evil.example', 'x-mayfly-token': '0'.repeat(48),
      'x-mayfly-rpc': 'fetch', 'x-mayfly-props': 'e30=', 'x-mayfly-entrypoint': 'default',
    };
    for (const token of ['0'.repeat(48), '', 'x']) {
      const answer = await platform.get('/api/echo', { host, headers: { ...forged, 'x-mayfly-token': token } });
      assert.equal(answer.headers['x-front'], '200');
      assert.equal(answer.json.url, `http://${host}/api/echo`);
      assert.deepEqual(Object.keys(answer.json.headers).filter((name) => name.startsWith('x-mayfly-')), []);
    }
  });
});

const TWO = {
  'wrangler.json': wrangler({
    name: 'front', main: 'front.js', vars: { GREETING: 'hi' },
    services: [{ binding: 'BACK', service: 'back' }, { binding: 'ADMIN', service: 'back', entrypoint: 'Admin' }],
  }),
  'front.js': `
import { WorkerEntrypoint } from 'cloudflare:workers';
const steps = {
  fetch: (env, request) => env.BACK.fetch(request),
  other: (env) => env.BACK.fetch('https://elsewhere.example/deep?q=1', { method: 'PUT', body: 'sent', headers: { 'x-a': '1' } }),
  call: async (env) => Response.json([await env.BACK.add(1, 2), await env.BACK.describe(new Date(0), new Map([['k', [1n]]]))]),
  admin: async (env) => Response.json([await env.ADMIN.who(), (await env.ADMIN.fetch('http://x/')).status]),
  error: async (env) => {
    try {
      await env.BACK.fails();
    } catch (error) {
      return Response.json([error.constructor.name, error.message]);
    }
  },
  thrown: async (env) => {
    const error = await env.BACK.fetch('http://b/throw').catch((thrown) => thrown);
    const text = await env.BACK.fetch('http://b/throw-text').catch(String);
    const forged = await env.BACK.fetch('http://b/forged');
    return Response.json([error.name, error.message, error.code, error.remote, error.details, text, forged.status, forged.headers.get('x-mayfly-thrown')]);
  },
  passed: (env) => env.BACK.fetch('http://b/throw'),
  missing: async (env) => Response.json(await env.BACK.nothing().catch((error) => error.message)),
  environment: () => Response.json(Object.keys(process.env).filter((name) => name.startsWith('MAYFLY'))),
  big: async (env) => Response.json((await env.BACK.echo('y'.repeat(300000))).length),
  redirect: (env) => env.BACK.fetch('http://b/redirect'),
  ping: (env) => env.BACK.fetch('http://b/ping'),
  kept: async (env) => {
    using counter = await env.BACK.counter();
    const sizes = [await counter.increase(), await counter.increase(2), await env.BACK.counter().increase(9)];
    const big = await env.BACK.read(new Response('y'.repeat(500000)).body);
    return Response.json([...sizes, await env.BACK.back((n) => n * 2), big, await new Response(await env.BACK.write()).text()]);
  },
};
export default class extends WorkerEntrypoint {
  fetch(request) {
    return steps[new URL(request.url).pathname.slice(1)](this.env, request);
  }
  pong(n) {
    return this.env.BACK.ping(n + 1);
  }
}
`,
  'back/wrangler.json': wrangler({ name: 'back', main: 'back.js', compatibility_date: '2026-05-01', services: [{ binding: 'FRONT', service: 'front' }] }),
  'back/back.js': `
import { RpcTarget, WorkerEntrypoint } from 'cloudflare:workers';
class Counter extends RpcTarget {
  #count = 0;
  increase(by = 1) { return (this.#count += by); }
}
export default class extends WorkerEntrypoint {
  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname === '/redirect') {
      return Response.redirect('http://b/landed', 302);
    }
    if (pathname === '/throw') {
      throw Object.assign(new Error('none of that name: é'), { name: 'NotFound', code: 404, details: ['a'] });
    }
    if (pathname === '/throw-text') {
      throw 'text';
    }
    if (pathname === '/forged') {
      return new Response('x', { headers: { 'x-mayfly-thrown': 'e30=' } });
    }
    if (pathname === '/ping') {
      return this.env.FRONT.fetch(request);
    }
    return Response.json({
      worker: 'back', method: request.method, url: request.url, text: await request.text(), a: request.headers.get('x-a'),
      ours: [...request.headers.keys()].filter((name) => name.startsWith('x-mayfly-')),
    });
  }
  add(a, b) { return a + b; }
  describe(date, map) { return [date.toISOString(), String(map.get('k')[0])]; }
  echo(text) { return text; }
  fails() { throw new RangeError('too far'); }
  counter() { return new Counter(); }
  async back(fn) { return (await fn(20)) + 2; }
  async read(stream) { return (await new Response(stream).text()).length; }
  write() { return new Response('from behind').body; }
  ping(n) { return this.env.FRONT.pong(n); }
}
export class Admin extends WorkerEntrypoint {
  fetch() { return new Response(null, { status: 204 }); }
  who() { return 'admin'; }
}
`,
};

test('two workers bound to each other', async (t) => {
  const platform = await startPlatform(t, { files: TWO });
  const host = `localhost:${platform.port}`;
  const ask = (step, options) => platform.request('GET', `/${step}`, { host, ...options });

  await t.test('fetch hands a request on as it is', async () => {
    const { json } = await ask('fetch', { headers: { 'x-a': '2' } });
    assert.deepEqual(json, { worker: 'back', method: 'GET', url: `http://${host}/fetch`, text: '', a: '2', ours: [] });
  });

  await t.test('fetch with any URL stays inside', async () => {
    const { json } = await ask('other');
    assert.deepEqual(json, {
      worker: 'back', method: 'PUT', url: 'https://elsewhere.example/deep?q=1', text: 'sent', a: '1', ours: [],
    });
  });

  await t.test('a redirect of a service is followed to the service', async () => {
    assert.equal((await ask('redirect')).json.url, 'http://b/landed');
  });

  await t.test('methods are called with what can be cloned', async () => {
    assert.deepEqual((await ask('call')).json, [3, ['1970-01-01T00:00:00.000Z', '1']]);
    assert.equal((await ask('big')).json, 300000);
  });

  await t.test('objects, functions and streams are called where they are', async () => {
    assert.deepEqual((await platform.get('/kept')).json, [1, 3, 9, 42, 500000, 'from behind']);
  });

  await t.test('another entrypoint is another object', async () => {
    assert.deepEqual((await ask('admin')).json, ['admin', 204]);
  });

  await t.test('errors cross, and what is not there is said', async () => {
    assert.deepEqual((await ask('error')).json, ['RangeError', 'too far']);
    assert.match((await ask('missing')).json, /does not implement the method "nothing"/);
  });

  await t.test('what a service throws rejects the fetch of who asks it, and is logged where it was thrown', async () => {
    assert.deepEqual((await ask('thrown')).json, ['NotFound', 'none of that name: é', 404, true, ['a'], 'Error: text', 200, null]);
    await platform.record(({ type, text }) => type === 'log' && text.includes('none of that name'));
    const unhandled = await ask('passed');
    assert.equal(unhandled.status, 500);
    assert.match(unhandled.headers['x-mayfly-error'], /^NotFound: none of that name/);
  });

  await t.test('the token is not in the environment', async () => {
    assert.deepEqual((await ask('environment')).json, []);
  });

  await t.test('a service cannot be chosen, and no method called, from outside', async () => {
    for (const target of ['localhost', 'front.localhost', 'back.localhost']) {
      const answer = await platform.request('POST', '/add', {
        host: `${target}:${platform.port}`, body: 'x',
        headers: { 'x-mayfly-service': 'worker/back', 'x-mayfly-rpc': 'add', 'x-mayfly-entrypoint': 'Admin' },
      });
      assert.notEqual(answer.headers['content-type'], 'application/x-v8');
      assert.notEqual(answer.status, 204);
    }
  });

  await t.test('workers that ask each other for ever are stopped', async () => {
    const from = platform.records.length;
    const answer = await ask('ping');
    assert.equal(answer.status, 508);
    assert.match(answer.text, /error code: 1019/);
    const calls = platform.records.slice(from).filter((record) => record.type === 'usage' && record.path === '/ping');
    assert.ok(calls.length <= 18, `${calls.length} calls`);
    assert.equal((await ask('call')).status, 200);
  });
});

test('methods that call each other for ever are stopped', async (t) => {
  const files = {
    ...TWO,
    'front.js': TWO['front.js'].replace('ping: (env) => env.BACK.fetch(\'http://b/ping\')',
      'rpc: async (env) => Response.json(await env.BACK.ping(0).catch((error) => error.message))'),
  };
  const platform = await startPlatform(t, { files });
  const answer = await platform.get('/rpc', { host: `localhost:${platform.port}` });
  assert.match(answer.json, /status 508/);
});

test('a worker that fetches its own site under every name it has comes to an end', async (t) => {
  const platform = await startPlatform(t, {
    files: {
      'wrangler.json': wrangler({ name: 'self', main: 'self.js' }),
      'self.js': `
export default {
  async fetch(request) {
    const { port, searchParams } = new URL(request.url);
    const response = await fetch('http://' + searchParams.get('host') + ':' + port + '/page.html?' + searchParams);
    return new Response(response.body, { status: response.status });
  },
};
`,
      'public/page.html': 'behind',
    },
  });
  for (const host of ['localhost', '127.0.0.1', 'self.localhost']) {
    const answer = await platform.get(`/go?host=${host}`, { host: `localhost:${platform.port}` });
    assert.deepEqual([host, answer.status, answer.text], [host, 200, 'behind']);
  }
});

test('a worker asks other sites as ever, and shows them nothing of ours', async (t) => {
  const seen = [];
  const site = http.createServer((req, res) => {
    seen.push(req.headers);
    res.end('elsewhere');
  });
  site.listen(0, '127.0.0.1');
  await once(site, 'listening');
  t.after(() => site.close());
  const platform = await startPlatform(t, {
    files: {
      'worker.js': `export default { fetch: (request) => fetch('http://127.0.0.1:${site.address().port}/', request) };`,
    },
  });
  const answer = await platform.get('/', { headers: { 'x-mine': '1', 'x-mayfly-via': 'forged' } });
  assert.equal(answer.text, 'elsewhere');
  assert.equal(seen[0]['x-mine'], '1');
  assert.deepEqual(Object.keys(seen[0]).filter((name) => name.startsWith('x-mayfly-')), []);
});
