'use strict';

const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const http = require('node:http');
const zlib = require('node:zlib');
const { once } = require('node:events');
const { listenOnLoopback } = require('./real_listen');
const { thunk } = require('./mock_native');
const { byFetch, serve } = require('./worker_serve');
const shim = require('../../runtime/js/shims/cloudflare-workers');

/* The gateway's inner address, as far as these tests need one. */
async function innerGateway(t, answer) {
  const seen = [];
  const server = http.createServer(async (req, res) => {
    const chunks = await Array.fromAsync(req);
    seen.push({ method: req.method, url: req.url, headers: req.headers, body: Buffer.concat(chunks) });
    answer(req, res, seen.at(-1));
  });
  listenOnLoopback(server);
  await once(server, 'listening');
  process.env.MAYFLY_ORIGIN = `http://127.0.0.1:${server.address().port}`;
  process.env.MAYFLY_ORIGIN_TOKEN = 'secret-token';
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return seen;
}

test('Hyperdrive tells where its database is', async () => {
  const gateway = await serve(byFetch((_, env) => Response.json([env.PG, env.MY])), {
    bindings: {
      PG: { type: 'hyperdrive', url: 'postgresql://me:p%40ss@[::1]/shop?sslmode=disable' },
      MY: { type: 'hyperdrive', url: 'mysql://me@db.internal:3307/' },
    },
  });
  assert.deepEqual(await (await gateway.request('GET /')).json(), [
    { connectionString: 'postgresql://me:p%40ss@[::1]/shop?sslmode=disable', host: '::1', port: 5432, user: 'me', password: 'p@ss', database: 'shop' },
    { connectionString: 'mysql://me@db.internal:3307/', host: 'db.internal', port: 3307, user: 'me', password: '', database: '' },
  ]);
});

test('a module worker gets request, env and ctx', async () => {
  const gateway = await serve(byFetch(async function handler(request, env, ctx) {
    assert.ok(request instanceof Request);
    assert.equal(this.fetch, handler);
    ctx.waitUntil(Promise.resolve());
    return Response.json({ url: request.url, method: request.method, greeting: env.GREETING, n: env.N,
      props: ctx.props, body: await request.text() });
  }), { bindings: { GREETING: { type: 'var', value: 'hi' }, N: { type: 'var', value: { a: 1 } } } });
  const reply = await gateway.request('POST /a?b=1', { body: 'text' });
  assert.deepEqual(await reply.json(), {
    url: 'http://localhost:3000/a?b=1', method: 'POST', greeting: 'hi', n: { a: 1 }, props: {}, body: 'text',
  });
  await reply.done();
  assert.deepEqual(gateway.violations, []);
});

test('classes that extend WorkerEntrypoint answer, and have env and ctx', async () => {
  class Main extends shim.WorkerEntrypoint {
    async fetch(request) {
      this.ctx.waitUntil(Promise.resolve());
      return new Response(`${this.env.NAME} ${new URL(request.url).pathname}`);
    }
  }
  const gateway = await serve({ default: Main }, { bindings: { NAME: { type: 'var', value: 'x' } } });
  assert.equal(await (await gateway.request('GET /p')).text(), 'x /p');
});

test('a classic worker answers its fetch event once', async () => {
  const gateway = await serve(thunk(() => {
    addEventListener('fetch', (event) => {
      assert.throws(() => {
        event.respondWith(new Response(`${event.type} ${SECRET}`));
        event.respondWith(new Response('twice'));
      }, { name: 'InvalidStateError' });
    });
    return {};
  }), { settings: { format: 'service-worker' }, bindings: { SECRET: { type: 'var', value: 's' } } });
  const reply = await gateway.request('GET /');
  assert.equal(await reply.text(), 'fetch s');
});

test('env and waitUntil come from cloudflare:workers too', async () => {
  const order = [];
  const gateway = await serve(byFetch(async () => {
    shim.waitUntil(new Promise((resolve) => setImmediate(() => resolve(order.push('later')))));
    const inner = await shim.withEnv({ NAME: 'other' }, async () => shim.env.NAME);
    return Response.json([shim.env.NAME, inner, Object.keys(shim.env), 'NAME' in shim.env]);
  }), { bindings: { NAME: { type: 'var', value: 'n' } } });
  const reply = await gateway.request('GET /');
  assert.deepEqual(await reply.json(), ['n', 'other', ['NAME'], true]);
  await reply.done();
  assert.deepEqual(order, ['later']);
});

test('request.cf and the headers of Cloudflare are there', async () => {
  const gateway = await serve(byFetch((request) => Response.json({
    cf: request.cf, headers: Object.fromEntries(request.headers),
    copied: new Request(request).cf.country, cloned: request.clone().cf.country,
    own: new Request('http://x/', { cf: { cacheTtl: 1 } }).cf,
  })));
  const reply = await gateway.request('GET /', {
    headers: { 'accept-encoding': 'zstd', 'cf-ipcountry': 'JP', 'x-mayfly-props': 'x' }, remoteAddress: '127.0.0.1',
  });
  const { cf, headers, copied, cloned, own } = await reply.json();
  assert.equal(cf.country, 'JP');
  assert.equal(cf.clientAcceptEncoding, 'zstd');
  assert.equal(typeof cf.latitude, 'string');
  assert.equal(headers['cf-connecting-ip'], '127.0.0.1');
  assert.match(headers['cf-ray'], /^[0-9a-f]{16}-DFW$/);
  assert.equal(headers['accept-encoding'], 'br, gzip');
  assert.equal(headers['x-mayfly-props'], undefined);
  assert.deepEqual([copied, cloned], ['JP', 'JP']);
  assert.deepEqual(own, { cacheTtl: 1 });
});

test('a client elsewhere cannot say who it is', async () => {
  const gateway = await serve(byFetch((request) => Response.json([
    request.headers.get('cf-connecting-ip'), request.cf.country, request.headers.get('cf-worker'),
  ])));
  const reply = await gateway.request('GET /', {
    headers: { 'cf-connecting-ip': '1.1.1.1', 'cf-ipcountry': 'XX', 'cf-worker': 'x' }, remoteAddress: '203.0.113.9',
  });
  assert.deepEqual(await reply.json(), ['203.0.113.9', 'US', null]);
});

test('headers of the incoming request cannot be changed, those of a copy can', async () => {
  const gateway = await serve(byFetch((request) => {
    assert.throws(() => request.headers.set('a', 'b'), TypeError);
    const copy = new Request(request);
    copy.headers.set('a', 'b');
    const moved = new Request('https://other.example/x', request);
    return Response.json([copy.headers.get('a'), moved.url, moved.headers.get('x-kept'), request.redirect]);
  }));
  const reply = await gateway.request('GET /', { headers: { 'x-kept': '1' } });
  assert.deepEqual(await reply.json(), ['b', 'https://other.example/x', '1', 'manual']);
});

test('what is wrong with a worker is told', async () => {
  const cases = [
    [{ default: {} }, 'throw', /does not export a fetch\(\) function/],
    [{}, 'missing', /does not export a fetch\(\) function/],
    [byFetch(() => 'text'), 'invalid', /did not resolve to 'Response'/],
    [byFetch(() => { throw new RangeError('far'); }), 'throw', /^far$/],
    [thunk(() => { throw new Error('at import'); }), 'load', /^at import$/],
  ];
  for (const [exported, kind, message] of cases) {
    const reply = await (await serve(exported)).request('GET /');
    assert.equal(reply.failure?.kind, kind);
    assert.match(reply.failure.errorMessage, message);
  }
});

test('fetch of its own URL goes to what the worker stands in front of', async (t) => {
  const seen = await innerGateway(t, (_req, res) => {
    res.writeHead(200, { 'x-origin': 'yes', 'set-cookie': ['a=1', 'b=2'], 'content-type': 'text/plain' });
    res.end('from the origin');
  });
  /* The A/B worker of the serverless pattern, as it stands there. */
  const gateway = await serve(byFetch(async (request) => {
    const country = request.cf?.country || 'US';
    const response = await fetch(request, { cf: { cacheEverything: true, cacheTtl: 60 } });
    assert.throws(() => response.headers.set('x', 'y'), TypeError);
    const modifiedResponse = new Response(response.body, response);
    modifiedResponse.headers.set('X-Variant', 'A');
    modifiedResponse.headers.set('X-Country', country);
    return modifiedResponse;
  }));
  const reply = await gateway.request('POST /page?q=1', {
    headers: { 'x-mine': '1', connection: 'keep-alive', 'x-mayfly-via': 'worker/front' }, body: 'payload',
  });
  assert.equal(await reply.text(), 'from the origin');
  assert.equal(reply.header('x-variant'), 'A');
  assert.equal(reply.header('x-country'), 'US');
  assert.equal(reply.header('x-origin'), 'yes');
  assert.deepEqual(reply.headerList('set-cookie'), ['a=1', 'b=2']);
  assert.equal(reply.header('connection'), null);
  const [request] = seen;
  assert.equal(request.method, 'POST');
  assert.equal(request.url, '/page?q=1');
  assert.equal(request.body.toString(), 'payload');
  assert.equal(request.headers['x-mayfly-host'], 'localhost:3000');
  assert.equal(request.headers['x-mayfly-token'], 'secret-token');
  assert.equal(request.headers['x-mayfly-via'], 'worker/front,worker/main');
  assert.equal(request.headers['x-mayfly-scheme'], 'http');
  assert.equal(request.headers['x-mine'], '1');
  assert.equal(process.env.MAYFLY_ORIGIN_TOKEN, undefined);
  assert.deepEqual(gateway.violations, []);
});

test('every request onwards counts, and says whose site it came to', async (t) => {
  const seen = await innerGateway(t, (_req, res) => res.end());
  const bindings = { OTHER: { type: 'service', service: 'other', function: 'worker/other' } };
  const gateway = await serve(byFetch(async (request, env) => {
    await fetch(request);
    await env.OTHER.fetch('https://any.host/');
    await fetch('http://localhost:3000/same');
    return fetch('http://127.0.0.1:3000/same', { headers: { 'x-mayfly-via': 'worker/forged' } });
  }), { bindings });
  const from = { 'x-mayfly-via': 'worker/main,worker/a', 'x-mayfly-site': 'localhost:3000', 'x-mayfly-proxy-hops': '4' };
  await gateway.request('GET /', { headers: { host: 'any.host', ...from } });
  assert.equal(seen.length, 4);
  for (const { headers } of seen) {
    assert.equal(headers['x-mayfly-via'], 'worker/main,worker/a');
    assert.equal(headers['x-mayfly-site'], 'localhost:3000');
    assert.equal(headers['x-mayfly-proxy-hops'], '5');
  }
});

test('a redirect that is followed does not show the token to where it leads', async (t) => {
  const shown = [];
  const elsewhere = http.createServer((req, res) => {
    shown.push(req.headers);
    res.end('elsewhere');
  });
  listenOnLoopback(elsewhere);
  await once(elsewhere, 'listening');
  t.after(() => elsewhere.close().closeAllConnections());
  const seen = await innerGateway(t, (req, res) => {
    const locations = { '/out': `http://127.0.0.1:${elsewhere.address().port}/x`, '/in': '/there', '/round': '/round' };
    res.writeHead(locations[req.url] ? 302 : 200, { location: locations[req.url] ?? '' });
    res.end('inside');
  });
  const gateway = await serve(byFetch(async (request) => {
    const { pathname } = new URL(request.url);
    const response = await fetch(`http://localhost:3000${pathname}`, { method: 'POST', body: 'b', headers: { cookie: 'a=1' } });
    return Response.json({ url: response.url, redirected: response.redirected, text: await response.text() });
  }));
  const inside = await (await gateway.request('GET /in')).json();
  assert.deepEqual(inside, { url: 'http://localhost:3000/there', redirected: true, text: 'inside' });
  assert.deepEqual([seen[1].method, seen[1].body.length, seen[1].headers.cookie], ['GET', 0, 'a=1']);
  assert.equal((await (await gateway.request('GET /out')).json()).text, 'elsewhere');
  assert.equal(shown[0].cookie, 'a=1'); /* as Workers have it, unlike browsers */
  assert.deepEqual(Object.keys(shown[0]).filter((name) => name.startsWith('x-mayfly-')), []);
  assert.match((await gateway.request('GET /round')).failure.errorMessage, /Too many redirects/);
});

test('redirects of the origin are left to the client, those of other sites are not', async (t) => {
  await innerGateway(t, (_req, res) => {
    res.writeHead(302, { location: '/elsewhere' });
    res.end();
  });
  const gateway = await serve(byFetch((request) => fetch(request)));
  const reply = await gateway.request('GET /');
  assert.equal(reply.status, 302);
  assert.equal(reply.header('location'), '/elsewhere');
});

test('passThroughOnException sends the request on to the origin', async (t) => {
  const seen = await innerGateway(t, (_req, res) => res.end('the origin'));
  let reads = false;
  const gateway = await serve(byFetch(async (request, _env, ctx) => {
    ctx.passThroughOnException();
    if (reads) {
      await request.text();
    }
    throw new Error('broken');
  }));
  const reply = await gateway.request('POST /', { body: 'x' });
  assert.equal(await reply.text(), 'the origin');
  assert.equal(seen[0].body.toString(), 'x');
  assert.ok(reply.logs.some(({ text }) => text.includes('broken')));
  reads = true;
  assert.equal((await gateway.request('POST /', { body: 'x' })).failure.errorMessage, 'broken');
});

test('a service binding reaches another worker by fetch', async (t) => {
  const seen = await innerGateway(t, (_req, res) => {
    res.writeHead(201);
    res.end('other');
  });
  const gateway = await serve(byFetch(async (request, env) => {
    const response = await env.OTHER.fetch('https://any.host/path', { method: 'PUT', body: 'b', headers: { a: '1' } });
    return new Response(await response.text(), response);
  }), { bindings: { OTHER: { type: 'service', service: 'other', function: 'worker/other', entrypoint: 'Admin', props: { k: 1 } } } });
  const reply = await gateway.request('GET /');
  assert.equal(reply.status, 201);
  const [{ method, url, headers }] = seen;
  assert.deepEqual([method, url, headers['x-mayfly-host'], headers['x-mayfly-scheme']], ['PUT', '/path', 'any.host', 'https']);
  assert.equal(headers['x-mayfly-service'], 'worker/other');
  assert.equal(headers['x-mayfly-entrypoint'], 'Admin');
  assert.deepEqual(JSON.parse(Buffer.from(headers['x-mayfly-props'], 'base64')), { k: 1 });
});

test('a worker calls its own entrypoints without leaving the process', async () => {
  class Inner extends shim.WorkerEntrypoint {
    async fetch(request) {
      return new Response(`inner ${new URL(request.url).pathname} ${this.ctx.props.tag ?? ''}`);
    }

    twice(n) {
      return n * 2;
    }
  }
  const gateway = await serve({
    Inner,
    default: {
      async fetch(_request, env, ctx) {
        const viaExports = await ctx.exports.Inner({ props: { tag: 't' } }).fetch('http://x/a');
        const viaBinding = await env.SELF.fetch('http://x/b');
        return Response.json([await viaExports.text(), await viaBinding.text(), await ctx.exports.Inner.twice(4)]);
      },
    },
  }, { bindings: { SELF: { type: 'service', service: 'main', function: 'worker/main', entrypoint: 'Inner' } } });
  assert.deepEqual(await (await gateway.request('GET /')).json(), ['inner /a t', 'inner /b ', 8]);
});

test('a service that does not exist answers 503', async () => {
  const gateway = await serve(byFetch((_request, env) => env.GONE.fetch('http://x/')), {
    bindings: { GONE: { type: 'service', service: 'gone', function: null } },
  });
  const reply = await gateway.request('GET /');
  assert.equal(reply.status, 503);
  assert.match(await reply.text(), /"gone" is not a worker of this project/);
});

test('the Cache API keeps what may be kept', async () => {
  const results = {};
  const gateway = await serve(byFetch(async () => {
    const cache = caches.default;
    const put = (url, body, headers, init) => cache.put(url, new Response(body, { headers, ...init }));
    await put('http://c/fresh', 'fresh', { 'cache-control': 'max-age=60', etag: '"v1"' });
    await put('http://c/none', 'none', {});
    await put('http://c/private', 'p', { 'cache-control': 'private, max-age=60' });
    await put('http://c/cookie', 'c', { 'cache-control': 'max-age=60', 'set-cookie': 'a=1' });
    await put('http://c/stripped', 'c', { 'cache-control': 'max-age=60, private=set-cookie', 'set-cookie': 'a=1' });
    const text = async (key, options) => (await cache.match(key, options))?.text();
    results.fresh = await text('http://c/fresh#fragment');
    results.status = (await cache.match('http://c/fresh')).headers.get('cf-cache-status');
    results.none = await text('http://c/none');
    results.private = await text('http://c/private');
    results.cookie = await text('http://c/cookie');
    results.stripped = (await cache.match('http://c/stripped')).headers.get('set-cookie');
    const post = new Request('http://c/fresh', { method: 'POST' });
    results.post = [await text(post), await text(post, { ignoreMethod: true })];
    const ranged = await cache.match(new Request('http://c/fresh', { headers: { range: 'bytes=1-2' } }));
    results.range = [ranged.status, await ranged.text(), ranged.headers.get('content-range')];
    results.unchanged = (await cache.match(new Request('http://c/fresh', { headers: { 'if-none-match': '"v0", W/"v1"' } }))).status;
    results.beyond = (await cache.match(new Request('http://c/fresh', { headers: { range: 'bytes=99-' } }))).status;
    const other = await caches.open('other');
    results.other = await other.match('http://c/fresh');
    results.deleted = [await cache.delete('http://c/fresh'), await cache.delete('http://c/fresh')];
    await assert.rejects(cache.put(post, new Response('x')), { name: 'TypeError', message: /non-GET/ });
    await assert.rejects(put('http://c/x', 'x', {}, { status: 206 }), { message: /206 Partial Content/ });
    await assert.rejects(put('http://c/x', 'x', { vary: '*' }), { message: /Vary: \*/ });
    await assert.rejects(cache.match('/relative'), { name: 'TypeError' });
    return new Response('ok');
  }));
  const reply = await gateway.request('GET /');
  assert.equal(reply.failure, null);
  assert.deepEqual(results, {
    fresh: 'fresh', status: 'HIT', none: undefined, private: undefined, cookie: undefined, stripped: null,
    post: [undefined, 'fresh'], range: [206, 're', 'bytes 1-2/5'], unchanged: 304, beyond: 416,
    other: undefined, deleted: [true, false],
  });
});

test('the globals of Workers are there', async () => {
  const gateway = await serve(byFetch(async () => {
    const bytes = (text) => new TextEncoder().encode(text);
    const digest = new crypto.DigestStream('SHA-256');
    await new Response('abc').body.pipeTo(digest);
    const fixed = new FixedLengthStream(3);
    const writing = new Response('abcd').body.pipeTo(fixed.writable);
    await assert.rejects(Promise.all([writing, new Response(fixed.readable).text()]), TypeError);
    assert.throws(() => crypto.subtle.timingSafeEqual(bytes('a'), bytes('ab')), TypeError);
    await scheduler.wait(1);
    return Response.json({
      agent: navigator.userAgent, self: self === globalThis,
      equal: crypto.subtle.timingSafeEqual(bytes('a'), bytes('a')),
      digest: Buffer.from(await digest.digest).toString('hex').slice(0, 8), written: String(digest.bytesWritten),
      identity: await new Response(new Response('id').body.pipeThrough(new IdentityTransformStream())).text(),
    });
  }));
  const reply = await gateway.request('GET /');
  assert.deepEqual(await reply.json(), {
    agent: 'Cloudflare-Workers', self: true, equal: true, digest: 'ba7816bf', written: '3', identity: 'id',
  });
});

test('fetch options that Workers refuse are refused', async () => {
  const gateway = await serve(byFetch(async () => {
    await assert.rejects(async () => fetch('http://x/', { cache: 'force-cache' }), { message: 'Unsupported cache mode: force-cache' });
    await assert.rejects(async () => fetch('http://x/', { cf: { cacheControl: 'a', cacheTtl: 1 } }), { message: /mutually exclusive/ });
    await assert.rejects(async () => fetch('ftp://x/'), { message: 'Fetch API cannot load: ftp://x/' });
    await assert.rejects(async () => fetch('/relative'), { name: 'TypeError', message: 'Invalid URL: /relative' });
    assert.throws(() => new Request('http://x/', { cache: 'only-if-cached' }), TypeError);
    assert.equal(new Request('http://x/', { cache: 'no-store' }).method, 'GET');
    return new Response('ok');
  }));
  assert.equal(await (await gateway.request('GET /')).text(), 'ok');
});

test('arguments are checked as Workers check them', async () => {
  const gateway = await serve(byFetch(async (request) => {
    assert.equal(new Request(request).redirect, 'manual');
    assert.equal(new Request(request, { redirect: 'follow' }).redirect, 'follow');
    assert.equal(new Request('http://x/', { mode: 'navigate', referrer: 'x', method: 'post' }).method, 'POST');
    assert.throws(() => new Request('http://x/', { method: 'foo' }), { message: 'Invalid HTTP method string: foo' });
    assert.throws(() => new Request('http://x/', { redirect: 'error' }), /Invalid redirect value/);
    assert.throws(() => new Request('/x'), { message: 'Invalid URL: /x' });
    assert.throws(() => new Response('', { status: 600 }), RangeError);
    assert.throws(() => new Response('x', { status: 204 }), { message: /null body status/ });
    assert.equal(new Response('', { status: 204 }).body, null);
    const headers = new Headers([['set-cookie', 'a=1'], ['set-cookie', 'b=2']]);
    assert.deepEqual(headers.getAll('Set-Cookie'), ['a=1', 'b=2']);
    assert.throws(() => headers.getAll('x'), TypeError);
    return Response.error();
  }));
  const reply = await gateway.request('GET /');
  assert.match(reply.failure.errorMessage, /must not be an error response/);
});

test('a worker may set the version in its process, as OpenNext\'s does', async () => {
  const gateway = await serve(byFetch(() => {
    Object.assign(process, { version: process.version || 'v22.14.0' });
    Object.assign(process.versions, { node: '22.14.0', ...process.versions });
    return Response.json([process.version, process.versions.node]);
  }));
  const { node } = process.versions;
  assert.deepEqual(await (await gateway.request('GET /')).json(), [`v${node}`, node]);
});

test('the modules of cloudflare: can be imported by ES modules', async () => {
  const workers = await import('../../runtime/js/shims/cloudflare-workers.js');
  for (const name of ['env', 'waitUntil', 'WorkerEntrypoint', 'DurableObject', 'RpcTarget', 'exports', 'withEnv']) {
    assert.ok(name in workers, name);
  }
  assert.ok('connect' in await import('../../runtime/js/shims/cloudflare-sockets.js'));
  assert.ok('NonRetryableError' in await import('../../runtime/js/shims/cloudflare-workflows.js'));
  assert.ok('EmailMessage' in await import('../../runtime/js/shims/cloudflare-email.js'));
});

test('cloudflare:sockets speaks TCP', async (t) => {
  const net = require('node:net');
  const { connect } = require('../../runtime/js/shims/cloudflare-sockets');
  const echo = listenOnLoopback(net.createServer((socket) => socket.pipe(socket)));
  t.after(() => echo.close());
  await once(echo, 'listening');
  const socket = connect(`127.0.0.1:${echo.address().port}`);
  assert.match((await socket.opened).remoteAddress, /^127\.0\.0\.1:/);
  const writer = socket.writable.getWriter();
  await writer.write(new TextEncoder().encode('ping'));
  const { value } = await socket.readable.getReader().read();
  assert.equal(Buffer.from(value).toString(), 'ping');
  await socket.close();
  assert.throws(() => connect('nonsense'), TypeError);
  const refused = connect({ hostname: '127.0.0.1', port: 1 });
  await assert.rejects(refused.opened);
});

test('a response that says it is compressed gets compressed, unless it is already', async () => {
  const gateway = await serve(byFetch((request) => (request.url.endsWith('/manual')
    ? new Response(zlib.gzipSync('made'), { encodeBody: 'manual', headers: { 'content-encoding': 'gzip' } })
    : new Response('plain', { headers: { 'content-encoding': 'gzip' } }))));
  for (const [path, text] of [['/auto', 'plain'], ['/manual', 'made']]) {
    const reply = await (await gateway.request(`GET ${path}`)).done();
    assert.equal(reply.header('content-encoding'), 'gzip');
    assert.equal(zlib.gunzipSync(reply.bytes).toString(), text);
  }
});

test('bodies stream through', async () => {
  const gateway = await serve(byFetch((request) => new Response(
    request.body.pipeThrough(new TextDecoderStream()).pipeThrough(new TransformStream({
      transform: (chunk, controller) => controller.enqueue(chunk.toUpperCase()),
    })).pipeThrough(new TextEncoderStream()))));
  const reply = gateway.start('POST /', { body: 'open' });
  await reply.send('ab');
  await reply.until((it) => it.bytes.toString() === 'AB');
  await reply.send('cd');
  reply.finish();
  assert.equal(await reply.text(), 'ABCD');
});
