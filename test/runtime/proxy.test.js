'use strict';

const { test } = require('node:test');
const assert = require('node:assert/strict');
const http = require('node:http');
const { once } = require('node:events');
const { startInstance } = require('./mock_native');
const proxy = require('../../runtime/js/dialects/proxy');
const consoles = require('../../runtime/js/console');

process.setMaxListeners(0);
consoles.install();

async function site(t, listener) {
  const server = http.createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${server.address().port}`;
}

function serve(destination, headers) {
  return startInstance({
    adapter: proxy,
    endpoints: [{ name: destination, file: '', module: 'proxy/0', settings: { destination, headers } }],
  });
}

const echo = async (req, res) => {
  const body = Buffer.concat(await Array.fromAsync(req)).toString();
  res.writeHead(201, { 'content-type': 'application/json', 'set-cookie': ['a=1', 'b=2'], connection: 'x-hop', 'x-hop': '1' });
  res.end(JSON.stringify({ method: req.method, url: req.url, headers: req.headers, body }));
};

test('a request goes on with its body, and the answer comes back', async (t) => {
  const host = await site(t, echo);
  const gateway = await serve(`http://${host}/base/$1?fixed=1`);
  const reply = await gateway.request('POST /blog/a%20b/c?x=2&fixed=9', {
    params: { 1: 'a%20b/c' }, body: 'payload', scheme: 'https', remoteAddress: '203.0.113.9',
    headers: { 'x-mine': 'yes', connection: 'x-private', 'x-private': 'no', 'x-forwarded-for': '198.51.100.1', te: 'trailers' },
  });
  const seen = await reply.json();
  assert.equal(reply.status, 201);
  assert.deepEqual(reply.headerList('set-cookie'), ['a=1', 'b=2']);
  assert.equal(reply.header('connection'), null);
  assert.equal(reply.header('x-hop'), null);
  assert.equal(seen.method, 'POST');
  assert.equal(seen.url, '/base/a%20b/c?fixed=1&x=2');
  assert.equal(seen.body, 'payload');
  assert.equal(seen.headers.host, host);
  assert.equal(seen.headers['x-mine'], 'yes');
  assert.equal(seen.headers['x-private'], undefined);
  assert.equal(seen.headers.te, undefined);
  assert.equal(seen.headers['x-forwarded-for'], '198.51.100.1, 203.0.113.9');
  assert.equal(seen.headers['x-forwarded-host'], 'localhost:3000');
  assert.equal(seen.headers['x-forwarded-proto'], 'https');
  assert.deepEqual(gateway.violations, []);
});

test('headers that the rule gives go in the place of the client\'s', async (t) => {
  const host = await site(t, echo);
  const gateway = await serve(`http://${host}/`, { Authorization: 'Bearer site', 'X-From': 'Netlify' });
  const { headers } = await (await gateway.request('GET /', { headers: { authorization: 'Bearer client', 'x-mine': 'yes' } })).json();
  assert.deepEqual([headers.authorization, headers['x-from'], headers['x-mine']], ['Bearer site', 'Netlify', 'yes']);
});

test('bodies stream both ways', async (t) => {
  const host = await site(t, (req, res) => {
    res.writeHead(200);
    req.on('data', (chunk) => res.write(String(chunk).toUpperCase()));
    req.on('end', () => res.end());
  });
  const gateway = await serve(`http://${host}/`);
  const reply = gateway.start('POST /', { body: 'open', headers: { 'transfer-encoding': 'chunked' } });
  await reply.send('one');
  await reply.until((it) => it.bytes.toString() === 'ONE');
  await reply.send('two');
  reply.finish();
  assert.equal(await reply.text(), 'ONETWO');
});

test('redirects and compressed bodies are left as they are', async (t) => {
  const host = await site(t, (_req, res) => {
    res.writeHead(302, { location: '/next', 'content-encoding': 'gzip' });
    res.end('not really gzip');
  });
  const gateway = await serve(`http://${host}`);
  const reply = await gateway.request('GET /');
  assert.equal(reply.status, 302);
  assert.equal(reply.header('location'), '/next');
  assert.equal(reply.header('content-encoding'), 'gzip');
  assert.equal(await reply.text(), 'not really gzip');
});

test('HEAD keeps the length', async (t) => {
  const host = await site(t, (_req, res) => res.writeHead(200, { 'content-length': '5' }).end());
  const reply = await (await serve(`http://${host}`)).request('HEAD /');
  assert.equal(reply.status, 200);
  assert.equal(reply.header('content-length'), '5');
});

test('a site that is not there is 502', async (t) => {
  const host = await site(t, (req) => req.socket.destroy());
  const reply = await (await serve(`http://${host}`)).request('GET /');
  assert.equal(reply.status, 502);
  assert.equal(reply.logs.length, 1);
});

test('an answer that breaks off fails midway', async (t) => {
  const host = await site(t, (_req, res) => {
    res.writeHead(200, { 'content-length': '100' });
    res.write('part');
    setImmediate(() => res.destroy());
  });
  const reply = await (await (await serve(`http://${host}`)).request('GET /')).until((it) => it.complete);
  assert.equal(reply.failure.midway, true);
});

test('a client that goes away ends the request to the site', async (t) => {
  const isClosed = Promise.withResolvers();
  const host = await site(t, (req) => req.on('close', isClosed.resolve));
  const gateway = await serve(`http://${host}`);
  const reply = gateway.start('GET /');
  setImmediate(() => setImmediate(() => setTimeout(() => reply.cancel(), 20)));
  await isClosed.promise;
  await reply.until((it) => it.complete);
});

test('the path cannot choose another host', async () => {
  const gateway = await serve('http://$tenant.example.invalid/$1');
  for (const tenant of ['evil.com/', 'a@evil.com', 'evil.com%2F', '', 'a:1']) {
    const reply = await gateway.request('GET /', { params: { tenant, 1: '//evil.com' } });
    assert.equal(reply.status, 502, tenant);
    assert.match(reply.logs[0].text, /does not give a host name/);
  }
});

test('a rewrite that leads back to itself ends', async (t) => {
  const gateway = await serve('http://127.0.0.1:1/');
  const reply = await gateway.request('GET /', { headers: { 'x-mayfly-proxy-hops': '20' } });
  assert.equal(reply.status, 502);
  assert.match(reply.logs[0].text, /leads back to itself/);
});
