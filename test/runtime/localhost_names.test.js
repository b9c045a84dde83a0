'use strict';

const { test } = require('node:test');
const assert = require('node:assert/strict');
const dns = require('node:dns');
const http = require('node:http');
const { once } = require('node:events');
const { promisify } = require('node:util');
const { install } = require('../../runtime/js/localhost_names');

install();

test('a name below localhost is this machine, for every way to ask', async (t) => {
  const server = http.createServer((req, res) => res.end(req.headers.host)).listen(0, '127.0.0.1');
  t.after(() => server.closeAllConnections());
  t.after(() => server.close());
  await once(server, 'listening');
  const host = `front.localhost:${server.address().port}`;
  assert.equal(await (await fetch(`http://${host}/`)).text(), host);
  const [answer] = await once(http.get(`http://${host}/`), 'response');
  answer.resume();
  assert.equal(answer.statusCode, 200);
  const { lookup } = await import('node:dns/promises');
  for (const ask of [promisify(dns.lookup), dns.promises.lookup, lookup]) {
    assert.deepEqual(await ask('A.b.LOCALHOST.', { family: 4 }), { address: '127.0.0.1', family: 4 });
  }
});

test('other names, and what is none, are asked for as ever', async () => {
  assert.deepEqual(await dns.promises.lookup('127.0.0.2'), { address: '127.0.0.2', family: 4 });
  assert.throws(() => dns.lookup(7, () => {}), { code: 'ERR_INVALID_ARG_TYPE' });
});
