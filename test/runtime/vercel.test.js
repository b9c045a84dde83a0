'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const http = require('node:http');

require('../../runtime/js/web').install();
const adapter = require('../../runtime/js/dialects/vercel');
const { startInstance, thunk } = require('./mock_native');
const { aStuckModuleFailsAlone } = require('./stuck_module');

/* One instance a case: { name: module }, served under /api/name. */
async function serve(modules, extra = {}) {
  const gateway = await startInstance({
    adapter, modules, ...extra,
    endpoints: Object.keys(modules).map((name) => ({
      name: `/api/${name}`, file: `api/${name}.js`, module: name, settings: {},
    })),
  });
  const names = Object.keys(modules);
  gateway.ask = async (name, line, options) => {
    const reply = await gateway.request(line, { ...options, endpoint: names.indexOf(name) });
    await reply.done();
    assert.deepEqual(gateway.violations, []);
    return reply;
  };
  return gateway;
}

/* A node-form function's answer to one request. */
async function askNode(handler, line = 'GET /api/f', options = {}) {
  const gateway = await serve({ f: { default: handler } });
  return gateway.ask('f', line, options);
}

test('named methods answer as web handlers, others with 405', async () => {
  const gateway = await serve({ f: {
    GET: (request) => new Response(`${request.method} ${request.url}`),
    POST: async (request) => Response.json(await request.json(), { status: 201 }),
  } });
  const get = await gateway.ask('f', 'GET /api/f?a=1');
  assert.equal(get.bytes.toString(), 'GET http://localhost:3000/api/f?a=1');
  const post = await gateway.ask('f', 'POST /api/f', { body: '{"a":1}' });
  assert.deepEqual([post.status, await post.json()], [201, { a: 1 }]);
  for (const line of ['PUT /api/f', 'HEAD /api/f', 'PROPFIND /api/f']) {
    const reply = await gateway.ask('f', line);
    assert.deepEqual([reply.status, reply.bytes.length], [405, 0]);
  }
});

test('export default { fetch } answers every method and keeps its this', async () => {
  const app = { greeting: 'hi', fetch(request) {
    return new Response(`${this.greeting} ${request.method}`);
  } };
  const gateway = await serve({ f: { default: app } });
  for (const method of ['GET', 'POST', 'DELETE']) {
    assert.equal((await gateway.ask('f', `${method} /api/f`)).bytes.toString(), `hi ${method}`);
  }
});

test('a default export wins over named methods, and nested defaults are found', async () => {
  const gateway = await serve({ f: { __esModule: true, GET: () => new Response('named'), default: { default: (req, res) => res.end('node') } } });
  assert.equal((await gateway.ask('f', 'GET /api/f')).bytes.toString(), 'node');
});

test('a module that is the function', async () => {
  const gateway = await serve({ f: Object.assign((req, res) => res.end('common'), {}) });
  assert.equal((await gateway.ask('f', 'GET /api/f')).bytes.toString(), 'common');
});

test('req.query holds the query and the dynamic segments', async () => {
  const gateway = await startInstance({
    adapter, modules: { f: { default: (req, res) => res.json([req.query, req.url]) } },
    endpoints: [{ name: '/api/users/[id]', file: 'api/users/[id].js', module: 'f', settings: {} }],
  });
  const reply = await gateway.request('GET /api/users/7?a=1&a=2&b=x%20y&__proto__=z', { params: { id: '7%20' } });
  const [query, url] = await reply.json();
  assert.deepEqual(Object.entries(query), [['id', '7 '], ['a', ['1', '2']], ['b', 'x y'], ['__proto__', 'z']]);
  assert.equal(url, '/api/users/7?id=7%20&a=1&a=2&b=x%20y&__proto__=z');
});

test('as in vercel dev, a query that names a dynamic segment wins', async () => {
  const gateway = await startInstance({
    adapter, modules: { f: { default: (req, res) => res.json([req.query, req.url]) } },
    endpoints: [{ name: '/api/users/[id]', file: 'api/users/[id].js', module: 'f', settings: {} }],
  });
  const reply = await gateway.request('GET /api/users/7?id=9&x', { params: { id: '7' } });
  assert.deepEqual(await reply.json(), [{ id: '9', x: '' }, '/api/users/7?id=9&x']);
});

test('of a rewritten request a function sees the path as it came and the query as it became', async () => {
  const rewritten = { originalTarget: '/shop/7?q=1' };
  const express = Object.assign((req, res) => res.end(req.url), { listen() {} });
  const modules = { node: { default: (req, res) => res.end(req.url) }, express, web: { GET: (request) => new Response(request.url) } };
  const gateway = await serve(modules);
  for (const name of ['node', 'express']) {
    const reply = await gateway.ask(name, 'GET /api/f?item=7&q=1', rewritten);
    assert.equal(reply.bytes.toString(), '/shop/7?item=7&q=1');
  }
  const reply = await gateway.ask('web', 'GET /api/f', { originalTarget: '/shop/7' });
  assert.match(reply.bytes.toString(), /^http:\/\/[^/]+\/shop\/7$/);
});

test('a web handler\'s request has a body, empty if none came, but for GET and HEAD', async () => {
  const handler = async (request) => Response.json([request.body === null, request.bodyUsed, await request.text()]);
  const gateway = await serve({ f: { GET: handler, POST: handler, DELETE: handler } });
  assert.deepEqual(await (await gateway.ask('f', 'GET /api/f')).json(), [true, false, '']);
  for (const method of ['POST', 'DELETE']) {
    assert.deepEqual(await (await gateway.ask('f', `${method} /api/f`)).json(), [false, false, ''], method);
  }
  const streamed = await serve({
    f: { async PUT(request) {
      let length = 0;
      for await (const chunk of request.body) length += chunk.length;
      return Response.json([length, request.bodyUsed]);
    } },
  });
  assert.deepEqual(await (await streamed.ask('f', 'PUT /api/f')).json(), [0, true]);
});

test('a web handler finds the dynamic segments in its URL', async () => {
  const gateway = await startInstance({
    adapter, modules: { f: { GET: (request) => new Response(new URL(request.url).searchParams.get('id')) } },
    endpoints: [{ name: '/api/users/[id]', file: 'api/users/[id].js', module: 'f', settings: {} }],
  });
  const reply = await gateway.request('GET /api/users/7', { params: { id: '7' } });
  assert.equal(await reply.text(), '7');
});

test('req.cookies', async () => {
  const reply = await askNode((req, res) => res.json(req.cookies), 'GET /api/f', {
    headers: { cookie: 'a=1; b=%20x; c="quoted"; a=2; d=%zz; broken; __proto__=p' },
  });
  assert.deepEqual(Object.entries(await reply.json()), [['a', '1'], ['b', ' x'], ['c', 'quoted'], ['d', '%zz'], ['__proto__', 'p']]);
});

for (const [type, body, expected] of [
  ['application/json', '{"a":[1]}', { a: [1] }],
  ['Application/JSON; charset=utf-8', '"x"', 'x'],
  ['application/json', '', {}],
  ['application/x-www-form-urlencoded', 'a=1&a=2&b=%20', { a: ['1', '2'], b: ' ' }],
  ['text/plain', 'h\u00e9', 'h\u00e9'],
  ['image/png', 'x', null],
  [undefined, 'x', ''],
]) {
  test(`req.body of ${type} ${JSON.stringify(body)}`, async () => {
    const reply = await askNode((req, res) => res.send(JSON.stringify(req.body ?? null)), 'POST /api/f', {
      body, headers: type ? { 'content-type': type } : {},
    });
    assert.deepEqual(JSON.parse(reply.bytes.toString()), expected);
  });
}

test('what is kept of a body is no property of the request that a handler meets', async () => {
  const own = (req) => Object.keys(req).filter((name) => !Object.keys(new http.IncomingMessage()).includes(name));
  const reply = await askNode((req, res) => res.json(own(req)), 'POST /api/f', { headers: { 'content-type': 'text/plain' }, body: 'a' });
  assert.deepEqual(JSON.parse(reply.bytes.toString()), []);
});

test('req.body of octets is a Buffer', async () => {
  const reply = await askNode((req, res) => res.send(req.body), 'POST /api/f', {
    body: 'raw', headers: { 'content-type': 'application/octet-stream' },
  });
  assert.deepEqual([reply.bytes.toString(), reply.header('content-type')], ['raw', 'application/octet-stream']);
});

test('invalid JSON throws where req.body is read, and fails the function if nobody catches it', async () => {
  const options = { body: '{', headers: { 'content-type': 'application/json' } };
  const caught = await askNode((req, res) => {
    try {
      void req.body;
      res.end('no');
    } catch (error) {
      res.status(error.statusCode).send(error.message);
    }
  }, 'POST /api/f', options);
  assert.deepEqual([caught.status, caught.bytes.toString()], [400, 'Invalid JSON']);
  for (const handler of [(req, res) => res.json(req.body), async (req, res) => res.json(req.body)]) {
    const { failure } = await askNode(handler, 'POST /api/f', options);
    assert.deepEqual([failure.kind, failure.errorMessage], ['throw', 'Invalid JSON']);
  }
  assert.equal((await askNode((req, res) => res.end('unread'), 'POST /api/f', options)).bytes.toString(), 'unread');
});

test('a body that helpers have read can still be streamed', async () => {
  const reply = await askNode(async (req, res) => {
    const chunks = await Array.fromAsync(req);
    res.json([req.body, Buffer.concat(chunks).toString()]);
  }, 'POST /api/f', { body: '{"a":1}', headers: { 'content-type': 'application/json' } });
  assert.deepEqual(await reply.json(), [{ a: 1 }, '{"a":1}']);
});

test('an upload of another type streams, however large', async () => {
  const gateway = await serve({ f: { default: async (req, res) => {
    let size = 0;
    for await (const chunk of req) size += chunk.length;
    res.json({ size, body: req.body === undefined });
  } } });
  const reply = gateway.start('POST /api/f', { body: 'open', headers: { 'content-type': 'video/mp4' } });
  for (let i = 0; i < 16; i++) await reply.send(Buffer.alloc(256 * 1024));
  reply.finish();
  assert.deepEqual(await reply.json(), { size: 16 * 256 * 1024, body: true });
});

test('helper properties can be replaced', async () => {
  const reply = await askNode((req, res) => {
    req.query = { mine: 1 };
    req.body = 'b';
    res.json([req.query, req.body, req instanceof http.IncomingMessage, res instanceof http.ServerResponse]);
  });
  assert.deepEqual(await reply.json(), [{ mine: 1 }, 'b', true, true]);
});

const sends = {
  text: [(res) => res.send('h\u00e9'), 200, 'h\u00e9', { 'content-type': 'text/html; charset=utf-8', etag: 'W/"3-llZREsZn62PmcrVsRAHQVB7q2g4"' }],
  'an object': [(res) => res.send({ a: 1 }), 200, '{"a":1}', { 'content-type': 'application/json; charset=utf-8' }],
  null: [(res) => res.send(null), 200, '', { 'content-type': null, etag: 'W/"0-2jmj7l5rSw0yVb/vlWAYkK/YBwk"' }],
  'a number': [(res) => res.send(5), 200, '5', { 'content-type': 'application/json; charset=utf-8' }],
  'a Buffer': [(res) => res.send(Buffer.from('x')), 200, 'x', { 'content-type': 'application/octet-stream' }],
  'text of its own type': [(res) => {
    res.setHeader('content-type', 'text/css; b="q\\"x"; a=1');
    res.send('x');
  }, 200, 'x', { 'content-type': 'text/css; a=1; b="q\\"x"; charset=utf-8' }],
  'with 204': [(res) => res.status(204).send('dropped'), 204, '', { 'content-type': null, 'content-length': null }],
  json: [(res) => res.status(201).json([1]), 201, '[1]', { 'content-type': 'application/json; charset=utf-8' }],
  'a redirect': [(res) => res.redirect('/x'), 307, '', { location: '/x' }],
  'a redirect with status': [(res) => res.redirect(301, 'https://x/'), 301, '', { location: 'https://x/' }],
};
for (const [name, [run, status, body, headers]] of Object.entries(sends)) {
  test(`sending ${name}`, async () => {
    const reply = await askNode((req, res) => run(res));
    assert.deepEqual([reply.status, reply.bytes.toString()], [status, body]);
    for (const [header, value] of Object.entries(headers)) assert.equal(reply.header(header), value, header);
  });
}

test('invalid redirects and unsendable bodies throw', async () => {
  const reply = await askNode((req, res) => {
    const messages = [];
    for (const run of [() => res.redirect(307), () => res.send(() => {})]) {
      try {
        run();
      } catch (error) {
        messages.push(error.message);
      }
    }
    res.json(messages);
  });
  const [redirect, send] = await reply.json();
  assert.match(redirect, /^Invalid redirect arguments/);
  assert.match(send, /is not a valid string, object, boolean, number, Stream, or Buffer/);
});

test('HEAD answers without a body but with its length', async () => {
  const reply = await askNode((req, res) => res.send('hello'), 'HEAD /api/f');
  assert.deepEqual([reply.bytes.length, reply.header('content-length')], [0, '5']);
});

test('an Express app is called without helpers', async () => {
  const app = Object.assign((req, res) => res.end(String('query' in req)), { listen() {} });
  const reply = await askNode(app);
  assert.equal(reply.bytes.toString(), 'false');
});

test('a module that starts a server is served by it, and no port is opened', async () => {
  const { listen } = http.Server.prototype;
  let server;
  const gateway = await serve({ f: thunk(() => {
    server = http.createServer((req, res) => res.end(`server ${req.url}`)).listen(3000, () => assert.fail('listens'));
    return {};
  }) });
  assert.equal((await gateway.ask('f', 'GET /api/f?x')).bytes.toString(), 'server /api/f?x');
  assert.equal(server.listening, false);
  assert.equal(http.Server.prototype.listen, listen);
});

test('edge functions: default of the web form, with its context', async () => {
  const settled = Promise.withResolvers();
  const gateway = await serve({
    f: { config: { runtime: 'edge' }, default: (request, context) => {
      context.waitUntil(settled.promise);
      return new Response(request.method);
    } },
    nothing: { config: { runtime: 'edge' }, default: () => undefined },
  });
  const reply = gateway.start('PATCH /api/f', { endpoint: 0 });
  assert.equal(await reply.text(), 'PATCH');
  assert.equal(reply.over, false);
  settled.resolve();
  await reply.done();
  const none = await gateway.ask('nothing', 'GET /api/nothing');
  assert.deepEqual([none.failure.kind, none.failure.errorMessage], ['invalid', 'Edge Function did not return a response.']);
});

test('a web handler that returns nothing answers an empty 200', async () => {
  const gateway = await serve({ f: { GET() {} } });
  const reply = await gateway.ask('f', 'GET /api/f');
  assert.deepEqual([reply.status, reply.bytes.length], [200, 0]);
});

test('a web handler may answer with the Response of a library', async () => {
  class Foreign {
    status = 201;
    statusText = 'Made';
    headers = new Map([['x-from', 'library']]);
    body = { async* [Symbol.asyncIterator]() { yield Buffer.from('in '); yield Buffer.from('parts'); } };
  }
  const gateway = await serve({ f: { default: { fetch: async () => new Foreign() } } });
  const reply = await gateway.ask('f', 'GET /api/f');
  assert.deepEqual([reply.status, reply.header('x-from'), reply.bytes.toString()], [201, 'library', 'in parts']);
});

test('throwing and rejecting fail the request, logged once with the stack', async () => {
  const gateway = await serve({
    web: { GET: async () => {
      throw new Error('web broke');
    } },
    node: { default: () => {
      throw new Error('node broke');
    } },
    late: { default: async (req, res) => {
      res.write('part');
      await new Promise(setImmediate);
      throw new Error('late broke');
    } },
  });
  for (const name of ['web', 'node', 'late']) {
    const reply = await gateway.ask(name, `GET /api/${name}`);
    assert.deepEqual([reply.failure.kind, reply.failure.errorMessage], ['throw', `${name} broke`]);
    assert.equal(reply.failure.midway, name === 'late');
    assert.equal(reply.logs.length, 1);
    assert.match(reply.logs[0].text, /broke\n {4}at /);
  }
});

test('a module that fails to load fails alone', async () => {
  const gateway = await serve({
    bad: thunk(() => {
      throw new Error('no database');
    }),
    useless: { something: 1 },
    good: { GET: () => new Response('fine') },
  });
  assert.equal((await gateway.ask('good', 'GET /api/good')).bytes.toString(), 'fine');
  const bad = await gateway.ask('bad', 'GET /api/bad');
  assert.deepEqual([bad.failure.kind, bad.failure.errorMessage], ['load', 'no database']);
  const useless = await gateway.ask('useless', 'GET /api/useless');
  assert.equal(useless.failure.kind, 'load');
  assert.match(useless.failure.errorMessage, /^Can't detect way to handle request: .* exports something, and no function as default or as GET, POST\.\.\.$/);
});

test('a module that never finishes loading fails alone', aStuckModuleFailsAlone(adapter));

test('the request context of @vercel/functions', async () => {
  const settled = Promise.withResolvers();
  const get = () => globalThis[Symbol.for('@vercel/request-context')].get();
  const gateway = await serve({ f: { GET: async () => {
    await new Promise(setImmediate);
    get().waitUntil(settled.promise);
    return new Response(get().headers['x-a']);
  } } });
  const reply = gateway.start('GET /api/f', { headers: { 'x-a': '1' } });
  assert.equal(await reply.text(), '1');
  assert.equal(reply.over, false);
  settled.reject(new Error('background broke'));
  await reply.done();
  assert.match(reply.logs[0].text, /background broke/);
  assert.equal(get(), undefined);
});

test('the proxy\'s headers, which a client cannot forge', async () => {
  const gateway = await serve({ f: { GET: (request) => Response.json(Object.fromEntries(request.headers)) } });
  const reply = await gateway.ask('f', 'GET /api/f', {
    remoteAddress: '192.0.2.7', headers: { 'x-real-ip': '6.6.6.6', 'x-vercel-id': 'forged', 'x-forwarded-proto': 'https' },
  });
  const headers = await reply.json();
  assert.equal(headers['x-real-ip'], '192.0.2.7');
  assert.match(headers['x-vercel-id'], /^dev1::req-/);
  assert.equal(headers['x-forwarded-host'], 'localhost:3000');
  assert.equal(headers['x-forwarded-proto'], 'https');
  assert.equal(headers['x-forwarded-for'], '192.0.2.7');

  const passed = await gateway.ask('f', 'GET /api/f', { remoteAddress: '192.0.2.7', headers: { 'x-forwarded-for': '1.2.3.4' } });
  assert.equal((await passed.json())['x-forwarded-for'], '1.2.3.4,192.0.2.7');
});
