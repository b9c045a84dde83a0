'use strict';

/* cloudflare:node: servers of node:http inside a worker. */

const { test } = require('node:test');
const assert = require('node:assert/strict');
const http = require('node:http');
const net = require('node:net');
const { startInstance } = require('./mock_native');
const consoles = require('../../runtime/js/console');
const web = require('../../runtime/js/web');

process.setMaxListeners(0);
consoles.install();
web.install();

const worker = require('../../runtime/js/dialects/worker');
const { connectHandler, handleAsNodeRequest, httpServerHandler } = require('../../runtime/js/shims/cloudflare-node');

/* An instance of a worker whose default export is made as its module would be loaded: after the worker's dialect. */
function serve(makeDefault) {
  return startInstance({
    adapter: worker,
    modules: {
      get main() {
        return { default: makeDefault() };
      },
    },
    settings: { worker: 'main', format: 'modules' },
    endpoints: [{ name: '/', file: 'worker.js', module: 'main', settings: {} }],
    spec: { name: 'worker/main', bindings: {} },
  });
}

/* Each has a port of its own: no socket is bound, but a process has one table of them. */
let lastPort = 20_000;

function serveListener(listener) {
  const port = (lastPort += 1);
  return serve(() => {
    http.createServer(listener).listen(port);
    return httpServerHandler({ port });
  });
}

test('a server that listens answers what comes to the worker', async () => {
  const gateway = await serveListener(async (req, res) => {
    const parts = [];
    for await (const part of req) {
      parts.push(part);
    }
    res.writeHead(201, { 'x-method': req.method, 'x-url': req.url, 'x-custom': req.headers['x-custom'], 'set-cookie': ['a=1', 'b=2'] });
    res.end(Buffer.concat(parts));
  });
  const body = 'x'.repeat(700_000);
  const reply = await gateway.request('POST /a/b?c=d', { headers: { 'x-custom': 'yes' }, body });
  assert.equal(await reply.text(), body);
  assert.equal(reply.status, 201);
  assert.deepEqual(['x-method', 'x-url', 'x-custom'].map((name) => reply.header(name)), ['POST', '/a/b?c=d', 'yes']);
  assert.deepEqual(reply.headers.filter((_, i, all) => i % 2 === 1 && all[i - 1] === 'set-cookie'), ['a=1', 'b=2']);
});

test('what it writes arrives as it is written, and waits for a slow reader', async () => {
  let proceed;
  const gateway = await serveListener((req, res) => {
    res.write('first');
    proceed = () => {
      for (let i = 0; i < 50; i += 1) {
        res.write(Buffer.alloc(65_536, 97));
      }
      res.end();
    };
  });
  const reply = await gateway.request('GET /');
  await reply.until(() => reply.chunks.length > 0);
  proceed();
  assert.equal((await reply.text()).length, 5 + 50 * 65_536);
});

test('an answer without a body has none', async () => {
  const gateway = await serveListener((req, res) => {
    res.statusCode = 204;
    res.end();
  });
  const reply = await gateway.request('GET /');
  assert.equal(await reply.text(), '');
  assert.equal(reply.status, 204);
});

test('what a listener throws is the error of the request', async () => {
  const gateway = await serveListener(() => {
    throw new RangeError('boom');
  });
  const reply = await gateway.request('GET /');
  await reply.done();
  assert.equal(reply.failure.errorMessage, 'boom');
});

test('a server may be given itself, and begins to listen then', async () => {
  let server;
  const gateway = await serve(() => {
    server = http.createServer((req, res) => res.end('itself'));
    return httpServerHandler(server);
  });
  assert.equal(await (await gateway.request('GET /')).text(), 'itself');
  assert.ok(server.listening);
  server.close();
});

test('servers of node:net take connections of workers by the port that those name', async () => {
  let gone;
  const gateway = await serve(() => {
    const first = (lastPort += 1);
    net.createServer({ allowHalfOpen: true }, (socket) => {
      socket.setEncoding('utf8').setNoDelay(true);
      let got = '';
      socket.on('data', (text) => (got += text)).on('end', () => socket.end(`${socket.localPort === first} ${got.toUpperCase()}`));
    }).listen(first);
    net.createServer((socket) => {
      gone = new Promise((resolve) => socket.on('error', (error) => resolve(error.message)));
      socket.destroy(new Error('no'));
    }).listen(lastPort += 1);
    const talk = async (connecting) => {
      const socket = connecting('tea.example');
      const writer = socket.writable.getWriter();
      await writer.write(new TextEncoder().encode('oolong'));
      await writer.close();
      return Buffer.concat(await Array.fromAsync(socket.readable)).toString();
    };
    return {
      ...connectHandler(),
      fetch: async (request, env, ctx) => Response.json([
        await talk((host) => ctx.exports.default.connect(`${host}:${first}`)),
        await talk((host) => ctx.exports.default.connect(`${host}:${first + 1}`)).catch(() => 'broken off'),
        await talk((host) => ctx.exports.default.connect(`${host}:1`)).catch((error) => error.message),
      ]),
    };
  });
  assert.deepEqual(await (await gateway.request('GET /')).json(), [
    'true OOLONG', 'broken off', 'No net.Server is listening on port 1. Call server.listen(1) to accept connections arriving on that port.',
  ]);
  assert.equal(await gone, 'no');
});

test('a worker may choose what the server answers', async () => {
  const port = (lastPort += 1);
  const gateway = await serve(() => {
    http.createServer((req, res) => res.end(`node ${req.url}`)).listen(port);
    return {
      async fetch(request) {
        const response = await handleAsNodeRequest(port, request);
        return new Response((await response.text()).toUpperCase(), { headers: { 'x-was': String(response.status) } });
      },
    };
  });
  const reply = await gateway.request('GET /x');
  assert.equal(await reply.text(), 'NODE /X');
  assert.equal(reply.header('x-was'), '200');
});

test('who no longer waits for an answer is told, and so is the server', async () => {
  const port = (lastPort += 1);
  const closed = Promise.withResolvers();
  const server = http.createServer((req) => req.on('close', () => closed.resolve(req.errored?.code)));
  await serve(() => httpServerHandler(server.listen(port)));
  const controller = new AbortController();
  const answer = handleAsNodeRequest(port, new Request('http://localhost/', { method: 'POST', body: 'x', signal: controller.signal }));
  controller.abort();
  await assert.rejects(answer, { name: 'AbortError' });
  assert.equal(await closed.promise, 'ECONNRESET');
});

test('what names no server is refused in the words of Workers', async () => {
  const request = new Request('http://localhost/');
  assert.throws(() => httpServerHandler(null), { message: 'Server descriptor cannot be null or undefined' });
  assert.throws(() => httpServerHandler({}), { message: 'Failed to determine port for server' });
  assert.throws(() => httpServerHandler({ port: 65536 }), { message: 'Failed to determine port for server' });
  await assert.rejects(handleAsNodeRequest({}, request), { message: 'Failed to determine port for server' });
  await assert.rejects(handleAsNodeRequest(1234, request), { code: 'ERR_INVALID_ARG_VALUE', message: /^Http server with port 1234 not found/ });
});

test('a process that the bundle brings along is not put in the place of the real one', async () => {
  const gateway = await serve(() => {
    globalThis.process = { getActiveResourcesInfo() { throw new Error('not implemented'); } };
    return { fetch: () => new Response(String(process.versions.node)) };
  });
  assert.equal(await (await gateway.request('GET /')).text(), process.versions.node);
});
