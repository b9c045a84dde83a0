/* Workers through the whole platform, where that is more than their dialect. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { startPlatform } from './harness.js';

const wrangler = (settings) => JSON.stringify({ name: 'main', main: 'main.js', compatibility_date: '2026-01-01', ...settings });

const MAIN = `
const later = () => new Promise((resolve) => setTimeout(() => resolve(new Response('answered')), 30));
const handlers = {
  timer() {
    setTimeout(() => { throw new Error('from a timer'); }, 1);
    return later();
  },
  promise() {
    Promise.reject(new Error('from a promise'));
    return later();
  },
  listener() {
    const target = new EventTarget();
    target.addEventListener('x', () => { throw new Error('from a listener'); });
    target.dispatchEvent(new Event('x'));
    return later();
  },
  text() { throw 'plain'; },
  undefined() {},
  big: () => new Response('x'.repeat(300000)),
  stream: () => new Response(new ReadableStream({ start(c) { c.enqueue(new Uint8Array([65])); c.close(); } })),
  broken: () => new Response(new ReadableStream({ start(c) { c.error(new Error('early')); } })),
  strict: () => new Response(String((function () { return this === undefined; })())),
  environment: () => Response.json(process.env),
  never: () => new Promise(() => {}),
  slowly: () => new Promise((resolve) => { AbortSignal.timeout(600).onabort = () => resolve(new Response('after a while')); }),
};
export default { fetch: (request, env, ctx) => handlers[new URL(request.url).pathname.slice(1)](request, env, ctx) };
`;

test('a worker answers as under wrangler dev', async (t) => {
  const platform = await startPlatform(t, {
    files: { 'wrangler.json': wrangler({ vars: { TEXT: 'a', OBJECT: { b: 1 } } }), 'main.js': MAIN },
  });

  await t.test('whatever fails beside its handler', async () => {
    for (const name of ['timer', 'promise', 'listener']) {
      const answer = await platform.get(`/${name}`);
      assert.deepEqual([answer.status, answer.text], [200, 'answered'], name);
      await platform.log(`from a ${name}`);
    }
  });

  await t.test('with an error for what is thrown and no error', async () => {
    const answer = await platform.get('/text');
    assert.deepEqual([answer.status, answer.text], [500, 'Error: plain']);
  });

  await t.test('without the platform\'s frames where no code is to blame', async () => {
    const answer = await platform.get('/undefined');
    assert.deepEqual([answer.status, answer.text],
      [500, "TypeError: Incorrect type for Promise: the Promise did not resolve to 'Response'."]);
  });

  await t.test('with the length of a body that is known, however large', async () => {
    const answer = await platform.get('/big');
    assert.deepEqual([answer.headers['content-length'], answer.body.length], ['300000', 300000]);
    const head = await platform.request('HEAD', '/big');
    assert.deepEqual([head.headers['content-length'], head.body.length], ['300000', 0]);
  });

  await t.test('without a length for HEAD of a stream', async () => {
    const head = await platform.request('HEAD', '/stream');
    assert.deepEqual([head.status, head.headers['content-length'], head.body.length], [200, undefined, 0]);
    assert.equal((await platform.get('/stream')).text, 'A');
  });

  await t.test('500 where a stream fails at once', async () => {
    const answer = await platform.get('/broken');
    assert.equal(answer.status, 500);
    assert.match(answer.text, /^Error: early/);
  });

  await t.test('that it hangs where it can never answer, and only there', async () => {
    const [never, slowly] = await Promise.all([platform.get('/never'), platform.get('/slowly')]);
    assert.equal(never.status, 500);
    assert.match(never.text, /^Error: The Workers runtime canceled this request because it detected that your Worker's code had hung/);
    assert.deepEqual([slowly.status, slowly.text], [200, 'after a while']);
  });

  await t.test('in strict mode, with no variables but its own', async () => {
    assert.equal((await platform.get('/strict')).text, 'true');
    assert.deepEqual((await platform.get('/environment')).json, { TEXT: 'a', OBJECT: '{"b":1}' });
  });
});

test('a worker with assets', async (t) => {
  const platform = await startPlatform(t, {
    files: {
      'wrangler.json': wrangler({ assets: { directory: 'public', binding: 'ASSETS', not_found_handling: '404-page' } }),
      'main.js': `
export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    return pathname === '/page' ? env.ASSETS.fetch(new URL('/about', request.url)) : new Response('worker ' + pathname, { status: 201 });
  },
};`,
      'public/about.html': '<h1>about</h1>',
      'public/404.html': 'none such',
      'public/big.bin': Buffer.alloc(1_000_000, 7),
      'public/_headers': '/about\n  x-site: mine\n',
    },
  });
  const about = await platform.get('/about');
  assert.deepEqual([about.status, about.text, about.headers['x-site'], about.headers['content-type'], about.headers['content-length']],
    [200, '<h1>about</h1>', 'mine', 'text/html; charset=utf-8', '14']);
  assert.equal((await platform.get('/about', { headers: { 'if-none-match': about.headers.etag } })).status, 304);
  const moved = await platform.get('/about.html');
  assert.deepEqual([moved.status, moved.headers.location], [307, '/about']);
  assert.equal((await platform.get('/page')).text, '<h1>about</h1>');
  assert.deepEqual(await platform.get('/api').then(({ status, text }) => [status, text]), [201, 'worker /api']);
  const big = await platform.get('/big.bin');
  assert.deepEqual([big.body.length, big.headers['content-length']], [1_000_000, '1000000']);
  const head = await platform.request('HEAD', '/about');
  assert.deepEqual([head.status, head.headers['content-length'], head.body.length], [200, '14', 0]);
});

test('assets without a worker', async (t) => {
  const platform = await startPlatform(t, {
    files: {
      'wrangler.json': JSON.stringify({ name: 'site', assets: { directory: 'public', not_found_handling: 'single-page-application' } }),
      'public/index.html': 'the app',
    },
  });
  assert.equal((await platform.get('/any/path')).text, 'the app');
  assert.equal((await platform.request('POST', '/')).status, 405);
});

const KEEPER = `
export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (request.method === 'PUT') {
      await env.KV.put(pathname, await request.text(), { metadata: { by: env.NAME } });
      return new Response(null, { status: 204 });
    }
    return Response.json([await env.KV.getWithMetadata(pathname), (await env.KV.list()).keys.length]);
  },
};`;

test('a KV namespace is shared by workers and instances, and stays', async (t) => {
  const keeper = (name) => JSON.stringify({ name, main: 'index.js', vars: { NAME: name }, kv_namespaces: [{ binding: 'KV', id: 'shared' }] });
  const platform = await startPlatform(t, {
    files: { 'a/wrangler.json': keeper('a'), 'a/index.js': KEEPER, 'b/wrangler.json': keeper('b'), 'b/index.js': KEEPER },
  });
  const from = (name) => ({ host: `${name}.localhost` });
  assert.equal((await platform.request('PUT', '/k', { ...from('a'), body: 'kept' })).status, 204);
  assert.deepEqual((await platform.get('/k', from('b'))).json, [{ value: 'kept', metadata: { by: 'a' }, cacheStatus: null }, 1]);
  for (let i = 0; i < 4; i += 1) { /* old versions are removed with their folders mounted in them */
    await platform.save('b/index.js', KEEPER.replace('keys.length', `keys.concat(${i})`));
    assert.deepEqual((await platform.get('/k', from('b'))).json[1], [{ name: '/k', metadata: { by: 'a' } }, i]);
  }
});
