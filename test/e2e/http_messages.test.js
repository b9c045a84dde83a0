/* Requests and responses as HTTP/1.1 has them: connections, bodies, methods, fields. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exchange, startGateway, statusOf, Wire } from './http_gateway.js';

const GET = (target, fields = '') => `GET ${target} HTTP/1.1\r\nHost: a.example\r\n${fields}\r\n`;
const LAST = (target, fields = '') => GET(target, `Connection: close\r\n${fields}`);
const bodyOf = (response) => response.slice(response.indexOf('\r\n\r\n') + 4);
const countOf = (response) => (response.match(/HTTP\/1\.1 200/g) ?? []).length;

test('messages', async (t) => {
  const gateway = await startGateway(t);
  const say = (text) => exchange(gateway.port, text);

  await t.test('a connection serves one request after the other', async () => {
    const wire = new Wire(gateway.port);
    for (let i = 1; i <= 3; i++) {
      wire.send(GET('/hello'));
      await wire.until((r) => countOf(r) === i && r.endsWith('}'));
    }
    assert.equal(wire.closed, false);
    assert.doesNotMatch(wire.received, /connection:/i);
    wire.destroy();
  });

  await t.test('pipelined requests are answered in their order', async () => {
    const paths = ['/slow?60', '/hello', '/slow?20', '/nowhere', '/hello'];
    const response = await say(paths.map((p) => GET(p)).join('') + LAST('/aborts'));
    const order = [...response.matchAll(/slept|\{"hello":"world"\}|ok|^\d+$/gm)].map((m) => m[0]);
    assert.deepEqual(order, ['slept', '{"hello":"world"}', 'slept', 'ok', '{"hello":"world"}', order[5]]);
    assert.equal(order.length, 6);
  });

  await t.test('hundreds of requests in one piece are all answered', async () => {
    const response = await say(GET('/hello').repeat(700) + LAST('/hello'));
    assert.equal(countOf(response), 701);
  });

  await t.test('pipelined bodies end where they end', async () => {
    const post = (body) => `POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const chunked = 'POST /count HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0001 ; a="b;\\"c" ;d = e\r\n!\r\n00000000000000000000\r\nTrailer: dropped\r\n\r\n';
    const response = await say(post('abc') + chunked + post('') + LAST('/hello'));
    assert.deepEqual([...response.matchAll(/\r\n\r\n(\d+)HTTP/g)].map((m) => m[1]), ['3', '6', '0']);
  });

  await t.test('"Connection: close" closes', async () => {
    assert.match(await say(LAST('/hello')), /\r\nconnection: close\r\n/);
  });

  await t.test('HTTP/1.0 closes unless asked to keep', async () => {
    const closed = await say('GET /hello HTTP/1.0\r\n\r\n');
    assert.equal(statusOf(closed), 200);
    const kept = new Wire(gateway.port).send('GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
    await kept.until((r) => r.endsWith('}'));
    assert.match(kept.received, /\r\nconnection: keep-alive\r\n/);
    kept.send('GET /hello HTTP/1.0\r\n\r\n');
    assert.equal(countOf(await kept.end()), 2);
  });

  await t.test('a stream to an HTTP/1.0 client ends with the connection', async () => {
    const response = await say('GET /big?1000 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
    assert.doesNotMatch(response, /transfer-encoding|content-length/i);
    assert.equal(bodyOf(response), 'x'.repeat(1000));
  });

  await t.test('blank lines before a request are ignored', async () => {
    assert.equal(statusOf(await say(`\r\n\r\n${LAST('/hello')}`)), 200);
  });

  await t.test('an absolute target replaces the Host', async () => {
    const response = await say('GET http://other.example:81/headers?q HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    const lines = bodyOf(response).split('\n');
    assert.equal(lines[0], 'GET /headers?q');
    assert.equal(lines[lines.indexOf('host') + 1], 'other.example:81');
    assert.equal(statusOf(await say('GET http://b?x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')), 200);
  });

  await t.test('OPTIONS * is the server\'s', async () => {
    assert.equal(statusOf(await say('OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')), 200);
  });

  await t.test('TRACE is not answered', async () => {
    assert.equal(statusOf(await say('TRACE / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')), 405);
  });

  await t.test('HEAD has the length of GET and no body', async () => {
    const response = await say('HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\nHEAD /sized?5 HTTP/1.1\r\nHost: a\r\n\r\n' + LAST('/hello'));
    assert.deepEqual([...response.matchAll(/content-length: (\d+)/g)].map((m) => m[1]), ['17', '5', '17']);
    assert.equal(response.match(/hello/g).length, 1);
  });

  await t.test('fields of one hop stay on it', async () => {
    const fields = 'TE: trailers\r\nTrailer: X\r\nKeep-Alive: timeout=5\r\nProxy-Connection: x\r\nUpgrade: h2c\r\n' +
      'Connection: close, X-Private\r\nX-Private: 1\r\nX-Public:   2  \r\nX-Public: 3\r\n';
    const lines = bodyOf(await say(GET('/headers', fields))).split('\n');
    for (const name of ['te', 'trailer', 'keep-alive', 'proxy-connection', 'upgrade', 'connection', 'x-private']) {
      assert.ok(!lines.includes(name), name);
    }
    assert.deepEqual(lines.filter((_, i) => lines[i - 1] === 'x-public'), ['2', '3']);
  });

  await t.test('100-continue is sent before the body is read', async () => {
    const wire = new Wire(gateway.port);
    wire.send('POST /count HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\nConnection: close\r\n\r\n');
    assert.match(await wire.until((r) => r.includes('\r\n\r\n')), /^HTTP\/1\.1 100 Continue\r\n\r\n$/);
    wire.send('abcd');
    assert.equal(bodyOf((await wire.end()).slice('HTTP/1.1 100 Continue\r\n\r\n'.length)), '4');
  });

  await t.test('methods that functions know arrive', async () => {
    for (const method of ['QUERY', 'PURGE', 'M-SEARCH', 'PROPFIND']) {
      const response = await say(LAST('/headers').replace('GET', method));
      assert.equal(bodyOf(response).split('\n')[0], `${method} /headers`);
    }
  });

  await t.test('early hints arrive before the answer, not at HTTP/1.0', async () => {
    assert.match(await say(LAST('/hints')), /^HTTP\/1\.1 103 Early Hints\r\nlink: <\/a.css>\r\n\r\nHTTP\/1\.1 200/);
    assert.match(await say('GET /hints HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 200/);
  });

  await t.test('a date, a length and nothing about us', async () => {
    const asked = Date.now();
    const response = await gateway.fetch('/hello');
    const date = Date.parse(response.headers.get('date'));
    assert.ok(date >= asked - 2000 && date <= Date.now(), 'of this second, or the one before');
    assert.equal(response.headers.get('content-length'), '17');
    assert.equal(response.headers.get('server'), null);
    assert.equal(response.headers.get('x-mayfly-start'), null);
    await response.text();
  });

  await t.test('a client that closes its side still gets its answer', async () => {
    const wire = new Wire(gateway.port).send(GET('/slow?50'));
    wire.socket.end();
    assert.equal(statusOf(await wire.until((r) => r.includes('slept'))), 200);
  });
});

test('what a function answers', async (t) => {
  const gateway = await startGateway(t);
  const raw = (status, fields, body = '', more = '') =>
    exchange(gateway.port, LAST('/raw', `X-Status: ${status}\r\nX-Fields: ${fields}\r\nX-Body: ${body}\r\n${more}`));

  await t.test('204 and 304 have no body', async () => {
    for (const status of [204, 304]) {
      const response = await raw(status, 'content-type:text/plain', 'evil');
      assert.equal(statusOf(response), status);
      assert.equal(bodyOf(response), '');
      assert.doesNotMatch(response, /content-length|transfer-encoding/);
    }
  });

  await t.test('statuses that nobody registered pass', async () => {
    assert.equal(statusOf(await raw(299, '')), 299);
    assert.equal(statusOf(await raw(599, '')), 599);
  });

  await t.test('a status that is no final one is an error', async () => {
    for (const status of [0, 99, 101, 199, 1000]) assert.equal(statusOf(await raw(status, '')), 500);
  });

  await t.test('line breaks in fields never reach the client', async () => {
    const response = await raw(200, 'a:b', '', 'X-Line-Break: 1\r\n');
    assert.equal(statusOf(response), 500);
    assert.doesNotMatch(response, /set-cookie/);
  });

  await t.test('its framing is ours', async () => {
    const response = await raw(200, 'transfer-encoding:chunked|connection:upgrade|keep-alive:x|upgrade:h2c|x-own:1', 'abc');
    assert.doesNotMatch(response, /transfer-encoding|upgrade|keep-alive/);
    assert.match(response, /x-own: 1\r\n/);
    assert.match(response, /content-length: 3\r\n/);
    assert.equal(bodyOf(response), 'abc');
  });

  await t.test('a body longer than its length is cut', async () => {
    const response = await raw(200, 'content-length:2', 'abcdef');
    assert.match(response, /content-length: 2\r\n/);
    assert.equal(bodyOf(response), 'ab');
    await gateway.record((r) => /not as long as its content-length/.test(r.log));
  });

  await t.test('a body shorter than its length ends the connection', async () => {
    const wire = new Wire(gateway.port).send(GET('/raw', 'X-Fields: content-length:9\r\nX-Body: abc\r\n'));
    const response = await wire.end();
    assert.match(response, /content-length: 9\r\n/);
    assert.match(response, /connection: close\r\n/);
  });

  await t.test('lengths that contradict each other do not count', async () => {
    const response = await raw(200, 'content-length:2|content-length:5', 'abc');
    assert.deepEqual(response.match(/content-length: \d+/g), ['content-length: 3']);
  });

  await t.test('cookies stay apart', async () => {
    assert.equal((await raw(200, 'set-cookie:a=1|set-cookie:b=2')).match(/set-cookie: /g).length, 2);
  });

  await t.test('"connection: close" of a function closes', async () => {
    const wire = new Wire(gateway.port).send(GET('/raw', 'X-Fields: connection:close\r\n'));
    assert.match(await wire.end(), /connection: close\r\n/);
  });

  await t.test('a date of its own stays', async () => {
    const response = await raw(200, 'date:Sun, 06 Nov 1994 08:49:37 GMT'.replaceAll(':', ':'));
    assert.equal(response.match(/date: /g).length, 1);
  });
});
