'use strict';
/* What Next.js keeps: static answers of route handlers, and results by next/cache. */

const test = require('node:test');
const assert = require('node:assert/strict');

const { adapter, ask, messageOf, serve } = require('./next_serve');
const { headers, cookies } = require('../../runtime/js/shims/next/headers');
const cache = require('../../runtime/js/shims/next/cache');
const { startInstance } = require('./mock_native');

/* Static answers */

test('force-static answers once, sees nothing of the request, and is kept', async () => {
  let calls = 0;
  const gateway = await serve({ dynamic: 'force-static', GET: async (request) => {
    calls += 1;
    return Response.json({ calls, search: request.nextUrl.search, url: request.url, headers: [...request.headers].length, cookies: cookies().getAll().length, more: (await headers()).get('x-a') });
  } });
  const options = { headers: { 'x-a': '1', cookie: 'a=1' } };
  for (let i = 0; i < 3; i++) {
    const reply = await gateway.ask(`GET /api/x?q=${i}`, options);
    assert.deepEqual(await reply.json(), { calls: 1, search: '', url: 'http://localhost:3000/api/x', headers: 0, cookies: 0, more: null });
    assert.deepEqual([reply.header('x-nextjs-cache'), reply.header('cache-control')], ['HIT', 's-maxage=31536000']);
  }
  const post = await gateway.ask('POST /api/x');
  assert.deepEqual([post.status, post.bytes.toString(), post.header('allow')], [405, 'Method Not Allowed', 'GET, HEAD']);
});

test('generateStaticParams names what a build would have made; the rest is made when it is asked for, or is not there', async () => {
  const module = {
    dynamic: 'force-static', generateStaticParams: async () => [{ id: '1' }, { id: 2 }],
    GET: async (request, { params }) => Response.json(await params),
  };
  const endpoints = [{ name: '/x/[id]', file: 'app/x/[id]/route.ts', module: 'm', settings: {} }];
  const ask = async (gateway, id) => {
    const reply = await gateway.request(`GET /x/${id}`, { params: { id } });
    await reply.done();
    return [reply.status, reply.header('x-nextjs-cache')];
  };
  const open = await startInstance({ adapter, modules: { m: module }, endpoints });
  assert.deepEqual(await ask(open, '1'), [200, 'HIT']);
  assert.deepEqual(await ask(open, '2'), [200, 'HIT']);
  assert.deepEqual(await ask(open, '3'), [200, 'MISS']);
  assert.deepEqual(await ask(open, '3'), [200, 'HIT']);
  const closed = await startInstance({ adapter, modules: { m: { ...module, dynamicParams: false } }, endpoints });
  assert.deepEqual(await ask(closed, '1'), [200, 'HIT']);
  assert.equal((await ask(closed, '3'))[0], 404);
});

test('revalidate keeps an answer unless the handler looks at its request', async () => {
  let calls = 0;
  const kept = await serve({ revalidate: 60, GET: () => Response.json(++calls) });
  await kept.ask('GET /api/x');
  const again = await kept.ask('GET /api/x');
  assert.deepEqual([await again.json(), again.header('cache-control')], [1, 's-maxage=60, stale-while-revalidate=31535940']);
  const dynamic = await serve({ revalidate: 60, GET: (request) => new Response(request.nextUrl.searchParams.get('a')) });
  for (const value of ['1', '2']) {
    const reply = await dynamic.ask(`GET /api/x?a=${value}`);
    assert.deepEqual([reply.bytes.toString(), reply.header('x-nextjs-cache')], [value, null]);
  }
});

test('a static answer is made again after its time, and after revalidatePath', async (t) => {
  let calls = 0;
  const gateway = await serve({ revalidate: 60, GET: () => Response.json(++calls) });
  const value = async () => {
    const reply = await gateway.ask('GET /api/x');
    return [await reply.json(), reply.header('x-nextjs-cache')];
  };
  await value();
  const now = performance.now();
  const clock = t.mock.method(performance, 'now', () => now + 61_000);
  assert.deepEqual(await value(), [1, 'STALE']);
  assert.deepEqual(await value(), [2, 'HIT']);
  clock.mock.restore();
  await ask({ GET: () => {
    cache.revalidatePath('/api/x');
    return new Response(null);
  } });
  assert.deepEqual(await value(), [3, 'HIT']);
});

test('dynamic = "error" refuses dynamic functions', async () => {
  const reply = await ask({ dynamic: 'error', GET: async () => new Response((await headers()).get('a')) });
  assert.match(reply.failure.errorMessage, /with `dynamic = "error"` couldn't be rendered statically because it used `headers\(\)`/);
});

/* next/cache */

test('unstable_cache keeps results by arguments until a tag is revalidated', async (t) => {
  t.mock.method(console, 'warn', () => {});
  let calls = 0;
  const load = cache.unstable_cache(async (x) => ({ x, call: ++calls, at: new Date(0) }), ['key'], { tags: ['things'], revalidate: 60 });
  const gateway = await serve({
    GET: async () => Response.json([await load(1), await load(1), await load(2)]),
    DELETE: () => {
      cache.revalidateTag('things');
      return new Response(null);
    },
  });
  const first = await (await gateway.ask('GET /api/x')).json();
  assert.deepEqual(first.map(({ call }) => call), [1, 1, 2]);
  assert.deepEqual((await (await gateway.ask('GET /api/x')).json()).map(({ call }) => call), [1, 1, 2]);
  await gateway.ask('DELETE /api/x');
  assert.deepEqual((await (await gateway.ask('GET /api/x')).json()).map(({ call }) => call), [3, 3, 4]);
  assert.throws(() => cache.unstable_cache(() => {}, [], { revalidate: 0 }), /revalidate: 0/);
});

test('what a function with \'use cache\' gives is kept until its life is over or a tag of it, or of what it calls, is revalidated', async (t) => {
  let calls = 0;
  const inner = (n) => cache.___useCache('inner', [n], async () => {
    cache.cacheTag(`tag-${n}`);
    return new Map([['call', ++calls]]);
  });
  const outer = (n) => cache.___useCache('outer', [n], async () => {
    cache.cacheLife({ revalidate: 60, expire: 120 });
    return { inner: (await inner(n)).get('call'), call: ++calls };
  });
  const fails = () => cache.___useCache('fails', [], async () => { throw new Error(`failed ${++calls}`); });
  const gateway = await serve({
    GET: async () => Response.json([await outer(1), await outer(2)]),
    PUT: async () => Response.json([await fails().catch(String), await fails().catch(String)]),
    DELETE: () => { cache.revalidateTag('tag-1', { expire: 0 }); return new Response(); },
  });
  const get = async () => (await (await gateway.ask('GET /api/x')).json()).map(({ inner: of, call }) => `${of}+${call}`);
  assert.deepEqual(await get(), ['1+2', '3+4']);
  assert.deepEqual(await get(), ['1+2', '3+4']);
  await gateway.ask('DELETE /api/x');
  assert.deepEqual(await get(), ['5+6', '3+4']);
  assert.deepEqual(await (await gateway.ask('PUT /api/x')).json(), ['Error: failed 7', 'Error: failed 8']);
  const { now } = performance;
  t.mock.method(performance, 'now', () => now.call(performance) + 121_000);
  assert.deepEqual(await get(), ['5+9', '3+10']);
});

test('a profile of next.config says how long a result lives, and what the default is', async (t) => {
  let calls = 0;
  const blog = () => cache.___useCache('blog', [], async () => { cache.cacheLife('blog'); return ++calls; });
  const plain = () => cache.___useCache('plain', [], async () => ++calls);
  const settings = { cache_life: { blog: { revalidate: 3, expire: 5 }, default: { revalidate: 60, expire: 70 } } };
  const gateway = await serve({ GET: async () => Response.json([await blog(), await plain()]) }, { settings });
  const get = async () => (await gateway.ask('GET /api/x')).json();
  assert.deepEqual(await get(), [1, 2]);
  const { now } = performance;
  t.mock.method(performance, 'now', () => now.call(performance) + 6000);
  assert.deepEqual(await get(), [3, 2]);
  t.mock.method(performance, 'now', () => now.call(performance) + 80_000);
  assert.deepEqual(await get(), [4, 5]);
});

test('a profile of cacheLife that is not known is told, once, and what is none is refused', async (t) => {
  const warn = t.mock.method(console, 'warn', () => {});
  const typo = (id) => cache.___useCache(id, [], async () => { cache.cacheLife('huors'); return id; });
  const wrong = () => cache.___useCache('wrong', [], async () => cache.cacheLife(60));
  const gateway = await serve({ GET: async () => Response.json([await typo('a'), await typo('b'), await wrong().catch(String)]) });
  assert.deepEqual(await (await gateway.ask('GET /api/x')).json(),
    ['a', 'b', 'Error: Invalid `cacheLife()` option. Either pass a profile name or object.']);
  assert.deepEqual(warn.mock.calls.map(({ arguments: [text] }) => /^Unknown `cacheLife\(\)` profile "huors"/.test(text)), [true]);
});

test('updateTag, refresh and cacheLife say where they belong', async () => {
  for (const [fn, pattern] of [[cache.updateTag, /Server Action/], [cache.refresh, /Server Action/], [cache.cacheLife, /inside a "use cache" function/], [cache.cacheTag, /inside a "use cache" function/]]) {
    assert.match(messageOf(fn), pattern);
  }
});
