'use strict';

const { test } = require('node:test');
const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');
const { setImmediate } = require('node:timers/promises');
const { promisify } = require('node:util');
const { startInstance, thunk } = require('./mock_native');
const consoles = require('../../runtime/js/console');
const web = require('../../runtime/js/web');

const server = require('../../runtime/js/dialects/server');
const virtual = require('../../runtime/js/virtual_listen');

process.setMaxListeners(0);
consoles.install();
web.install();
process.env.PORT = '3000';

/* An instance whose program is `main`; what listens when the test ends is closed. */
async function serve(t, main, settings = {}) {
  const gateway = await startInstance({
    adapter: server,
    modules: { server: thunk(main) },
    settings: { main: 'server.js', ...settings },
  });
  t.after(() => {
    for (let open = virtual.chosen(); open; open = virtual.chosen()) open.close();
  });
  return gateway;
}

test('a node:http server answers, and believes that it listens', async (t) => {
  const http = require('node:http');
  const seen = [];
  const gateway = await serve(t, () => {
    const app = http.createServer(async (req, res) => {
      const body = Buffer.concat(await Array.fromAsync(req)).toString();
      res.writeHead(201, { 'x-a': ['1', '2'] });
      res.end(`${req.method} ${req.url} ${body}`);
    });
    assert.equal(app.listening, false);
    app.on('listening', () => seen.push('event'));
    assert.equal(app.listen(process.env.PORT, () => seen.push('callback')), app);
    assert.equal(app.listening, true);
    assert.throws(() => app.listen(1), { code: 'ERR_SERVER_ALREADY_LISTEN' });
    seen.push(app.address().port);
  });
  assert.deepEqual(seen, [3000, 'event', 'callback']);
  const reply = await gateway.request('POST /a?b', { body: 'x' });
  assert.equal(reply.status, 201);
  assert.deepEqual(reply.headerList('x-a'), ['1', '2']);
  assert.equal(await reply.text(), 'POST /a?b x');
  assert.deepEqual(gateway.violations, []);
});

test('a server with a port of its own is told to be reached at the site', async (t) => {
  const http = require('node:http');
  const warn = t.mock.method(console, 'warn', () => {});
  const gateway = await serve(t, () => http.createServer((_req, res) => res.end('here')).listen(8080), { port: 3000 });
  assert.equal(await (await gateway.request('GET /')).text(), 'here');
  assert.deepEqual(warn.mock.calls[0].arguments, ['server.js listens on port 8080, which here is http://localhost:3000']);
});

test('Express', async (t) => {
  const express = require('express');
  const gateway = await serve(t, () => {
    const app = express();
    app.use(express.json());
    app.get('/users/:id', (req, res) => res.cookie('a', '1').json({ id: req.params.id, ip: req.ip }));
    app.post('/echo', (req, res) => res.status(201).send(req.body));
    app.get('/boom', () => { throw new Error('express broke'); });
    app.get('/redirect', (_req, res) => res.redirect('/users/1'));
    app.listen(3000);
  });
  const user = await gateway.request('GET /users/7');
  assert.deepEqual(await user.json(), { id: '7', ip: '127.0.0.1' });
  assert.deepEqual(user.headerList('set-cookie'), ['a=1; Path=/']);
  assert.match(user.header('etag'), /^W\//);
  const echoed = await gateway.request('POST /echo', { headers: { 'content-type': 'application/json' }, body: '{"n":[1]}' });
  assert.deepEqual([echoed.status, await echoed.json()], [201, { n: [1] }]);
  assert.equal((await gateway.request('GET /none')).status, 404);
  const boom = await gateway.request('GET /boom');
  assert.equal(boom.status, 500);
  assert.match(await boom.text(), /express broke/);
  const redirect = await gateway.request('GET /redirect');
  assert.deepEqual([redirect.status, redirect.header('location')], [302, '/users/1']);
  assert.deepEqual(gateway.violations, []);
});

test('Fastify, awaited at the top level', async (t) => {
  const fastify = require('fastify');
  let address;
  const gateway = await serve(t, async () => {
    const app = fastify();
    app.get('/hello/:name', { schema: { response: { 200: { type: 'object', properties: { hello: { type: 'string' } } } } } },
      async (request) => ({ hello: request.params.name, secret: 1 }));
    app.post('/', async (request, reply) => reply.code(202).send(request.body));
    address = await app.listen({ port: 3000, host: '0.0.0.0' });
  });
  assert.match(address, /:3000$/);
  assert.deepEqual(await (await gateway.request('GET /hello/a')).json(), { hello: 'a' });
  const posted = await gateway.request('POST /', { headers: { 'content-type': 'application/json' }, body: '{"a":1}' });
  assert.deepEqual([posted.status, await posted.json()], [202, { a: 1 }]);
  assert.equal((await gateway.request('GET /none')).status, 404);
});

test('Hono on its Node server', async (t) => {
  const { Hono } = await import('hono');
  const { serve: listen } = await import('@hono/node-server');
  const { streamText } = await import('hono/streaming');
  let info;
  const gateway = await serve(t, () => {
    const app = new Hono();
    app.get('/json', (c) => c.json({ q: c.req.query('q') }));
    app.post('/form', async (c) => c.text((await c.req.parseBody()).name));
    app.get('/stream', (c) => streamText(c, async (stream) => {
      await stream.write('one');
      await stream.sleep(1);
      await stream.write('two');
    }));
    listen({ fetch: app.fetch, port: 3000 }, (given) => { info = given; });
  });
  assert.equal(info.port, 3000);
  assert.deepEqual(await (await gateway.request('GET /json?q=1')).json(), { q: '1' });
  const form = await gateway.request('POST /form', { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'name=ada' });
  assert.equal(await form.text(), 'ada');
  assert.equal(await (await gateway.request('GET /stream')).text(), 'onetwo');
});

test('Koa', async (t) => {
  const Koa = require('koa');
  const gateway = await serve(t, () => {
    const app = new Koa();
    app.silent = true;
    app.use(async (ctx) => {
      if (ctx.path === '/boom') ctx.throw(418, 'teapot');
      ctx.set('x-from', 'koa');
      ctx.body = { path: ctx.path };
    });
    app.listen(3000);
  });
  const reply = await gateway.request('GET /p');
  assert.deepEqual(await reply.json(), { path: '/p' });
  assert.equal(reply.header('x-from'), 'koa');
  assert.equal((await gateway.request('GET /boom')).status, 418);
});

test('of several servers the one on PORT answers, else the first', async (t) => {
  const http = require('node:http');
  const saying = (text) => http.createServer((_req, res) => res.end(text));
  const gateway = await serve(t, () => {
    saying('metrics').listen(9090);
    const main = saying('main').listen(3000);
    saying('admin').listen(0, () => {});
    return main;
  });
  assert.equal(await (await gateway.request('GET /')).text(), 'main');
  virtual.chosen().close();
});

test('a server that listens late is waited for', async (t) => {
  const http = require('node:http');
  const gateway = await serve(t, () => {
    setTimeout(() => http.createServer((_req, res) => res.end('late')).listen(3000), 20);
  });
  assert.equal(await (await gateway.request('GET /')).text(), 'late');
});

test('close() stops it, with its callback and event', async (t) => {
  const http = require('node:http');
  let app;
  const gateway = await serve(t, () => {
    app = http.createServer((_req, res) => res.end('x')).listen();
  });
  assert.equal(await (await gateway.request('GET /')).text(), 'x');
  const events = [];
  app.on('close', () => events.push('event'));
  await new Promise((resolve) => app.close((error) => resolve(events.push(error ?? 'callback'))));
  assert.deepEqual(events.sort(), ['callback', 'event']);
  assert.equal(app.listening, false);
  assert.equal((await gateway.request('GET /')).failure.kind, 'missing');
});

test('listen() refuses bad ports, and an aborted signal closes', async (t) => {
  const http = require('node:http');
  const controller = new AbortController();
  await serve(t, () => {
    for (const port of [-1, 65536, 1.5, 'x1', {}]) {
      assert.throws(() => http.createServer().listen({ port }), { code: 'ERR_SOCKET_BAD_PORT' }, String(port));
    }
    http.createServer().listen({ port: 3000, signal: controller.signal });
  });
  const open = virtual.chosen();
  controller.abort();
  assert.equal(open.listening, false);
});

test('what listens while requests are served can be connected to', async (t) => {
  const http = require('node:http');
  const net = require('node:net');
  const open = (one) => new Promise((resolve) => { one.listen(0, '127.0.0.1', () => resolve(one.address().port)); });
  const gateway = await serve(t, () => {
    http.createServer(async (_req, res) => {
      const web = http.createServer((req, answer) => answer.end(`heard ${req.url}`));
      const plain = net.createServer((socket) => socket.end('plain'));
      const [webPort, plainPort] = [await open(web), await open(plain)];
      const text = await (await fetch(`http://127.0.0.1:${webPort}/x`)).text();
      const bytes = await net.connect(plainPort, '127.0.0.1').toArray();
      web.closeAllConnections();
      [web, plain].forEach((one) => one.close());
      res.end(`${text}, ${Buffer.concat(bytes)}`);
    }).listen(3000);
  });
  assert.equal(await (await gateway.request('GET /')).text(), 'heard /x, plain');
});

test('servers that cannot work here say why', async () => {
  const cases = [
    [() => require('node:https').createServer().listen(443), /TLS ends at the gateway/],
    [() => require('node:http2').createServer().listen(80), /HTTP\/2 ends at the gateway/],
    [() => require('node:http2').createSecureServer().listen(443), /HTTP\/2 ends at the gateway/],
    [() => require('node:net').createServer().listen(6379), /Only HTTP servers/],
  ];
  for (const [main, message] of cases) {
    await assert.rejects(startInstance({ adapter: server, modules: { server: thunk(main) } }), message);
  }
});

test('a program that throws at its start fails to load', async () => {
  await assert.rejects(startInstance({
    adapter: server, modules: { server: thunk(() => { throw new Error('no database'); }) },
  }), /no database/);
});

test('a program that could not be built is not looked for', async () => {
  const endpoints = [{ name: '/', file: 'server.ts', module: 'server', settings: { broken: { text: 'Expected ";"' } } }];
  assert.deepEqual(await server.load({ endpoints, settings: {} }, () => assert.fail('it is not there')), {});
});

test('a program that never listens is told so', async () => {
  const program = `
    const { startInstance, thunk } = require(${JSON.stringify(path.join(__dirname, 'mock_native'))});
    const server = require(${JSON.stringify(require.resolve('../../runtime/js/dialects/server'))});
    startInstance({ adapter: server, settings: { main: 'cli.js' }, modules: { server: thunk(() => setTimeout(() => {}, 5)) } })
      .catch((error) => console.log(error.message));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', program], { timeout: 120_000 });
  assert.match(stdout, /^cli\.js has no HTTP server that listens/);
});

test('a server leaves no timer behind for its snapshot', async (t) => {
  const http = require('node:http');
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const before = timers();
  let app;
  await serve(t, () => {
    app = http.createServer(() => {}).listen(3000);
  });
  assert.equal(timers(), before);
  const interval = Object.getOwnPropertySymbols(app).find((symbol) => /connectionsCheckingInterval/i.test(symbol.description));
  assert.ok(interval === undefined || app[interval] === undefined || app[interval] === null);
});

test('of several servers the one on PORT is meant, whichever began first; any port is another', async (t) => {
  const http = require('node:http');
  const ports = [];
  const gateway = await serve(t, () => {
    const admin = http.createServer((_req, res) => res.end('admin')).listen(0);
    const main = http.createServer((_req, res) => res.end('main')).listen(process.env.PORT);
    ports.push(admin.address().port, main.address().port);
  });
  assert.equal(await (await gateway.request('GET /')).text(), 'main');
  assert.ok(ports[0] > 40000 && ports[1] === 3000, String(ports));
});

const UPGRADE = {
  connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==', 'sec-websocket-version': '13',
};

/* A server whose upgrade listener is given; its pages answer 'page'. */
function serveUpgrades(t, listener) {
  const http = require('node:http');
  return serve(t, () => {
    http.createServer((_req, res) => res.end('page')).on('upgrade', listener).listen(process.env.PORT);
  });
}

test('a server that waits for upgrades gets the connection', async (t) => {
  const gateway = await serveUpgrades(t, (req, socket, head) => {
    assert.deepEqual([req.url, req.headers.upgrade, head.length, req.socket === socket], ['/chat', 'websocket', 0, true]);
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX-A: b\r\n\r\nfirst ');
    socket.on('data', (data) => socket.write(`<${data}>`));
    socket.on('end', () => socket.end('last'));
  });
  const reply = gateway.start('GET /chat', { headers: UPGRADE });
  await reply.until((it) => it.bytes.includes('first'));
  assert.deepEqual([reply.status, reply.header('x-a')], [101, 'b']);
  await reply.send('one');
  await reply.until((it) => it.bytes.includes('<one>'));
  reply.finish();
  await reply.done();
  assert.equal(reply.bytes.toString(), 'first <one>last');
  assert.equal(await (await gateway.request('GET /')).text(), 'page');
});

test('what an upgraded connection carries is held up by who does not read', async (t) => {
  const held = Promise.withResolvers();
  const gateway = await serveUpgrades(t, (_req, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n');
    held.resolve(socket);
  });
  const reply = gateway.start('GET /', { headers: UPGRADE });
  const socket = await held.promise;
  let sent = false;
  const sending = reply.send(Buffer.alloc(2 * 1024 * 1024, 'x')).then(() => (sent = true));
  while (reply.bodyWindow > 0) await setImmediate();
  assert.equal(sent, false);
  let bytes = 0;
  socket.on('data', (data) => (bytes += data.length));
  await sending;
  reply.finish();
  await once(socket, 'end');
  assert.equal(bytes, 2 * 1024 * 1024);
  socket.end();
  await reply.done();
});

test('an upgrade may be refused with any answer', async (t) => {
  const gateway = await serveUpgrades(t, (_req, socket) => {
    socket.write('HTTP/1.1 401 Unauthorized\r\nContent-Le');
    socket.end('ngth: 2\r\n\r\nno');
  });
  const reply = gateway.start('GET /', { headers: UPGRADE });
  assert.equal(await reply.text(), 'no');
  assert.deepEqual([reply.status, reply.header('content-length')], [401, '2']);
  await reply.done();
});

test('a listener that closes without an answer, or writes none, is told of', async (t) => {
  for (const act of [(socket) => socket.destroy(), (socket) => socket.end('hello\r\n\r\n')]) {
    const gateway = await serveUpgrades(t, (_req, socket) => act(socket));
    const reply = gateway.start('GET /', { headers: UPGRADE });
    await reply.done();
    assert.match(reply.failure.errorMessage, /without an answer to its upgrade/);
    virtual.chosen().close();
  }
});

test('a client that leaves closes the socket of its upgrade', async (t) => {
  const closed = Promise.withResolvers();
  const gateway = await serveUpgrades(t, (_req, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n');
    socket.on('close', closed.resolve);
  });
  const reply = gateway.start('GET /', { headers: UPGRADE });
  await reply.until((it) => it.status === 101);
  reply.cancel();
  await closed.promise;
});

test('without a listener for upgrades the server is asked for a page', async (t) => {
  const http = require('node:http');
  const gateway = await serve(t, () => {
    http.createServer((_req, res) => res.end('page')).listen(process.env.PORT);
  });
  assert.equal(await (await gateway.request('GET /', { headers: UPGRADE })).text(), 'page');
});

test('a cluster is refused in words', async () => {
  virtual.install();
  assert.throws(() => require('node:cluster').fork(), /Have the server listen without cluster/);
  const { fork } = await import('node:cluster');
  assert.throws(() => fork(), /as many instances of the server/);
});

test('an answer to HEAD says nothing of a length that the server has not said', async (t) => {
  const http = require('node:http');
  const gateway = await serve(t, () => {
    http.createServer((req, res) => {
      if (req.url === '/known') res.setHeader('content-length', '5');
      res.end('12345');
    }).listen(process.env.PORT);
  });
  const unknown = await gateway.request('HEAD /');
  await unknown.done();
  assert.deepEqual([unknown.status, Boolean(unknown.whole), unknown.header('content-length')], [200, false, null]);
  const known = await gateway.request('HEAD /known');
  await known.done();
  assert.equal(known.header('content-length'), '5');
});
