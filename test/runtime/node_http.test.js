'use strict';
/* (req, res) over frames behaves as over a socket: listeners run on a real server and on ours, and what a
 * client sees must be the same. */

const test = require('node:test');
const assert = require('node:assert/strict');
const http = require('node:http');
const net = require('node:net');
const fs = require('node:fs');
const { pipeline } = require('node:stream/promises');

const { serveNodeRequest } = require('../../runtime/js/node_http');
const { startInstance } = require('./mock_native');

const turn = () => new Promise(setImmediate);

let gateway;
test.before(async () => {
  gateway = await startInstance({ adapter: {
    load: async () => ({ target: null }),
    handle: (app, exchange) => serveNodeRequest(exchange, app.target),
  } });
});
test.afterEach(() => {
  assert.deepEqual(gateway.violations, []);
});

function start(target, line = 'GET /', options = {}) {
  gateway.app.target = target;
  return gateway.start(line, options);
}

async function ask(target, line, options) {
  return start(target, line, options).done();
}

/* The same request to a real server. */
async function askReal(listener, line, { headers = {}, body } = {}) {
  const [method, path] = line.split(' ');
  const server = http.createServer(listener).listen(0, '127.0.0.1');
  await new Promise((resolve) => {
    server.once('listening', resolve);
  });
  try {
    return await new Promise((resolve, reject) => {
      const informational = [];
      const request = http.request({
        host: '127.0.0.1', port: server.address().port, method, path, agent: false, headers: { host: 'localhost:3000', ...headers },
      }, async (response) => {
        const chunks = await Array.fromAsync(response);
        resolve({ status: response.statusCode, reason: response.statusMessage, headers: response.rawHeaders, bytes: Buffer.concat(chunks), informational });
      });
      request.on('information', (info) => informational.push([info.statusCode, info.rawHeaders.map((it) => it.toLowerCase())]));
      request.on('error', reject);
      request.end(body);
    });
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/* The gateway's own business, and what depends on how a body is framed. */
const FRAMING = new Set(['date', 'connection', 'keep-alive', 'transfer-encoding', 'trailer']);

function visible({ status, reason = http.STATUS_CODES[status] ?? 'unknown', headers, bytes, informational }, method) {
  const fields = [];
  let phrase = reason;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i].toLowerCase();
    if (name === ':reason') phrase = headers[i + 1];
    if (name === ':reason' || FRAMING.has(name) || (name === 'content-length' && method !== 'HEAD')) continue;
    fields.push(`${name}: ${headers[i + 1]}`);
  }
  return { status, phrase, fields, body: bytes.toString('latin1'), informational };
}

const listeners = {
  'end with text': (req, res) => res.end('h\u00e9llo'),
  'end with a Buffer and a status': (req, res) => {
    res.statusCode = 418;
    res.end(Buffer.from([0, 255, 10]));
  },
  'end with latin-1': (req, res) => res.end('\xe9', 'latin1'),
  'end with base64': (req, res) => res.end('aGk=', 'base64'),
  'nothing': (req, res) => res.end(),
  'several writes': (req, res) => {
    res.write('a');
    res.write(Buffer.from('b'));
    res.write('63', 'hex');
    res.end('d');
  },
  'writes in later turns': async (req, res) => {
    for (const part of ['a', 'b', 'c']) {
      res.write(part);
      await turn();
    }
    res.end();
  },
  'writeHead with headers': (req, res) => {
    res.setHeader('x-a', 'before');
    res.setHeader('x-b', 'kept');
    res.writeHead(201, { 'x-a': 'after', 'Set-Cookie': ['a=1', 'b=2'] });
    res.end('x');
  },
  'writeHead with a list': (req, res) => res.writeHead(200, 'Fine', ['A', '1', 'A', '2', 'B', 'x']).end(),
  'a reason of its own': (req, res) => {
    res.statusMessage = 'Tea Time';
    res.statusCode = 299;
    res.end('x');
  },
  'an unknown status': (req, res) => res.writeHead(299).end('x'),
  'a streamed reason': async (req, res) => {
    res.writeHead(404, 'Not Here');
    res.write('a');
    await new Promise(setImmediate);
    res.end('b');
  },
  'writeHead with pairs': (req, res) => res.writeHead(200, [['A', '1'], ['A', '2']]).end(),
  'headers of every kind': (req, res) => {
    res.setHeader('x-number', 5);
    res.setHeader('x-list', ['a', 'b']);
    res.setHeaders(new Headers({ 'x-from': 'headers' }));
    res.appendHeader('x-list', 'c');
    res.setHeader('x-gone', '1');
    res.removeHeader('x-gone');
    res.setHeader('x-latin', '\xe9');
    /* With text for a body Node would send the whole head as UTF-8. */
    res.end(Buffer.from(JSON.stringify([res.getHeaderNames(), res.getHeader('X-LIST'), res.hasHeader('x-gone'), res.headersSent])));
  },
  'flushHeaders first': async (req, res) => {
    res.setHeader('x-a', '1');
    res.flushHeaders();
    await turn();
    res.end(String(res.headersSent));
  },
  '204 drops its body': (req, res) => {
    res.statusCode = 204;
    res.end('dropped');
  },
  '304 keeps its headers': (req, res) => res.writeHead(304, { etag: '"x"' }).end(),
  'errors of misuse': (req, res) => {
    const codes = [];
    const attempt = (fn) => {
      try {
        fn();
        codes.push('fine');
      } catch (error) {
        codes.push(error.code);
      }
    };
    attempt(() => res.setHeader('a b', '1'));
    attempt(() => res.setHeader('a', 'x\r\ny'));
    attempt(() => res.setHeader('a', undefined));
    attempt(() => res.setHeader('a', '\u20ac'));
    attempt(() => res.writeHead(99));
    attempt(() => res.write(null));
    attempt(() => res.write(5));
    res.write('x');
    attempt(() => res.setHeader('a', '1'));
    attempt(() => res.writeHead(200));
    attempt(() => res.writeEarlyHints({ link: '</x>; rel=preload' }));
    res.end(JSON.stringify(codes));
  },
  'a write after the end': (req, res) => {
    res.on('error', () => {});
    res.end('x');
    res.write('y');
    res.end('z');
  },
  'informational answers': (req, res) => {
    res.writeProcessing();
    res.writeEarlyHints({ link: ['</a.css>; rel=preload; as=style', '</b.js>; rel=preload'], 'x-hint': '1' });
    res.end('x');
  },
  'the request': (req, res) => {
    res.end(JSON.stringify([req.method, req.url, req.httpVersion, req.headers.host, req.headers['x-a'],
      req.headersDistinct['x-a'], req.trailers, req instanceof http.IncomingMessage, res instanceof http.ServerResponse, res.req === req]));
  },
  'an echo': (req, res) => req.pipe(res),
  'a body by events': (req, res) => {
    const chunks = [];
    req.setEncoding('utf8');
    req.on('data', (chunk) => chunks.push(chunk));
    req.on('end', () => res.end(chunks.join('') + req.complete));
  },
  'a body by iteration': async (req, res) => {
    const chunks = await Array.fromAsync(req);
    res.end(Buffer.concat(chunks));
  },
  'a body nobody reads': (req, res) => res.end('unread'),
  'a file': (req, res) => fs.createReadStream(__filename).pipe(res),
  'a pipeline': (req, res) => pipeline(fs.createReadStream(__filename, { highWaterMark: 100 }), res),
  'a prototype put in place of its own, as Express does': (req, res) => {
    Object.setPrototypeOf(req, Object.create(http.IncomingMessage.prototype, { extra: { get: () => 'req' } }));
    Object.setPrototypeOf(res, Object.create(http.ServerResponse.prototype, { send: { value(text) {
      this.setHeader('x-sent', '1');
      return this.end(text);
    } } }));
    req.on('data', () => {});
    req.on('end', () => res.send(req.extra));
  },
  'wrapped write and end, as compression does': (req, res) => {
    const { write, end } = res;
    res.write = (chunk, ...rest) => write.call(res, String(chunk).toUpperCase(), ...rest);
    res.end = (chunk, ...rest) => {
      if (chunk) res.write(chunk);
      return end.call(res, undefined, ...rest);
    };
    res.write('a');
    res.end('b');
  },
};

for (const [name, listener] of Object.entries(listeners)) {
  for (const [line, options] of [
    ['GET /path?q=1', { headers: { 'x-a': '1' } }], ['HEAD /path', {}],
    ['POST /path', { body: 'h\u00e9llo body', headers: { 'content-type': 'text/plain', 'content-length': '11' } }],
  ]) {
    test(`${line.split(' ')[0]}: ${name}`, async () => {
      const method = line.split(' ')[0];
      const expected = visible(await askReal(listener, line, options), method);
      const reply = await ask(listener, line, options);
      assert.equal(reply.failure, null);
      const informational = reply.informational.map(({ status, headers }) => [status, headers]);
      assert.deepEqual(visible({ ...reply, bytes: reply.bytes, informational }, method), expected);
    });
  }
}

/* The order in which things are told */

async function eventsOf(run, line = 'GET /', options = {}) {
  const listen = (events) => (req, res) => {
    for (const name of ['end', 'close', 'aborted']) req.on(name, () => events.push(`req ${name}`));
    for (const name of ['finish', 'close', 'prefinish']) res.on(name, () => events.push(`res ${name}`));
    run(req, res, events);
  };
  const expected = [];
  await askReal(listen(expected), line, options);
  const actual = [];
  await ask(listen(actual), line, options);
  for (let i = 0; i < 5; i++) await turn();
  return { actual, expected };
}

test('a response finishes, calls back and closes in Node\'s order', async () => {
  const { actual, expected } = await eventsOf((req, res, events) => {
    res.write('a', () => events.push('written'));
    res.end('b', () => events.push(`ended ${res.writableFinished} ${res.writableEnded}`));
  });
  assert.deepEqual(actual.filter((it) => it.startsWith('res') || !it.startsWith('req')),
    expected.filter((it) => it.startsWith('res') || !it.startsWith('req')));
  assert.ok(actual.includes('res close'));
});

test('a request that is read ends and closes; one that is not is dropped', async () => {
  for (const run of [(req, res) => req.resume().on('end', () => res.end()), (req, res) => res.end()]) {
    const { actual, expected } = await eventsOf(run, 'POST /', { body: 'x', headers: { 'content-length': '1' } });
    assert.deepEqual([...actual].sort(), [...expected].sort());
  }
});

test('the whole answer leaves at once when it is written within a turn', async () => {
  const reply = await ask((req, res) => {
    res.writeHead(200, { 'content-length': '2' });
    res.write('a');
    res.end('b');
  });
  assert.deepEqual([reply.whole, reply.header('content-length'), reply.bytes.toString()], [true, null, 'ab']);
});

test('a length given for a stream is kept', async () => {
  const reply = await ask(async (req, res) => {
    res.writeHead(200, { 'content-length': '2' });
    res.write('a');
    await turn();
    res.end('b');
  });
  assert.deepEqual([reply.whole, reply.header('content-length')], [undefined, '2']);
});

test('each write arrives by itself', async () => {
  let response;
  const reply = start((req, res) => {
    response = res;
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    res.flushHeaders();
  });
  await reply.until((it) => it.status === 200);
  for (let i = 1; i <= 3; i++) {
    response.write(`data: ${i}\n\n`);
    await reply.until((it) => it.chunks.length === i);
  }
  response.end();
  await reply.done();
});

test('a slow client makes write return false until drain', async () => {
  let refused = 0;
  let drains = 0;
  const reply = start(async (req, res) => {
    for (let i = 0; i < 64; i++) {
      if (res.write(Buffer.alloc(64 * 1024))) continue;
      refused += 1;
      await new Promise((resolve) => {
        res.once('drain', resolve);
      });
      drains += 1;
    }
    res.end();
  });
  reply.pause();
  await reply.until((it) => it.window <= 0);
  for (let i = 0; i < 20; i++) await turn();
  assert.ok(reply.bytes.length <= 512 * 1024, `${reply.bytes.length} bytes were written to a client that does not read`);
  reply.resume();
  await reply.done();
  assert.equal(reply.bytes.length, 64 * 64 * 1024);
  assert.ok(refused > 0);
  assert.equal(drains, refused);
});

test('a slow reader holds the client up', async () => {
  const go = Promise.withResolvers();
  const reply = start(async (req, res) => {
    let size = 0;
    await go.promise;
    for await (const chunk of req) size += chunk.length;
    res.end(String(size));
  }, 'POST /', { body: 'open' });
  const sent = reply.send(Buffer.alloc(2 * 1024 * 1024)).then(() => reply.finish());
  for (let i = 0; i < 20; i++) await turn();
  assert.equal(reply.bodyCredited, 0);
  go.resolve();
  await sent;
  assert.equal(await reply.text(), String(2 * 1024 * 1024));
});

test('a client that leaves: aborted, ECONNRESET for who reads, close without finish', async () => {
  const events = [];
  const closed = Promise.withResolvers();
  const reply = start((req, res) => {
    req.on('aborted', () => events.push('aborted'));
    req.on('error', (error) => events.push(`${error.code} ${error.message}`));
    req.on('close', () => events.push(`req close ${req.destroyed} ${req.aborted}`));
    req.resume();
    res.on('finish', () => events.push('finish'));
    res.on('close', () => {
      events.push(`close ${res.writableFinished} ${req.socket.destroyed}`);
      setImmediate(closed.resolve);
    });
    res.write('part');
  }, 'POST /', { body: 'open' });
  await reply.send('half');
  await reply.until((it) => it.chunks.length > 0);
  reply.cancel();
  await closed.promise;
  await turn();
  assert.deepEqual(events.sort(), ['ECONNRESET aborted', 'aborted', 'close false true', 'req close true true']);
});

test('nothing breaks when a gone client is written to and nobody listens', async () => {
  const written = Promise.withResolvers();
  const reply = start(async (req, res) => {
    res.write('a');
    while (!res.destroyed) {
      await turn(); /* it learns of it, but listens to nothing */
    }
    res.write('b');
    res.end('c');
    written.resolve();
  });
  await reply.until((it) => it.chunks.length > 0);
  reply.cancel();
  await written.promise;
  await turn();
  assert.equal(reply.bytes.toString(), 'a');
});

test('destroying the connection fails the request', async () => {
  for (const run of [(req) => req.socket.destroy(), (req, res) => res.destroy(), (req) => req.destroy()]) {
    const reply = await ask(run);
    assert.deepEqual([reply.failure.kind, reply.status], ['throw', 0]);
  }
  const midway = await ask(async (req, res) => {
    res.write('a');
    await turn();
    res.destroy(new Error('enough'));
  });
  assert.deepEqual([midway.failure.midway, midway.failure.errorMessage], [true, 'enough']);
});

test('the socket tells who the client is, and takes what sockets take', async () => {
  const reply = await ask((req, res) => {
    const { socket } = req;
    socket.setTimeout(5, () => {});
    socket.setKeepAlive(true);
    socket.setNoDelay(true);
    socket.ref();
    socket.unref();
    res.end(JSON.stringify([socket.remoteAddress, socket.remotePort, socket.remoteFamily, socket.localPort, socket.encrypted,
      socket instanceof net.Socket, socket === res.socket, req.connection === socket, socket.readyState, socket.writable, socket.readable]));
  }, 'GET /', { remoteAddress: '2001:db8::1', scheme: 'https', host: 'shop.example' });
  assert.deepEqual(JSON.parse(reply.bytes), ['2001:db8::1', 40000, 'IPv6', 443, true, true, true, true, 'open', true, true]);
});

test('a time-out that the function sets is told to who listens, or closes the connection', async () => {
  for (const listen of [
    (req, res) => res.setTimeout(5, () => res.end('response')),
    (req, res) => { req.socket.setTimeout(5); res.on('timeout', () => res.end('socket')); },
    (req, res) => { req.setTimeout(5); res.on('timeout', (socket) => res.end(String(socket === req.socket))); },
  ]) {
    const real = await askReal(listen, 'GET /');
    assert.equal(String((await ask(listen, 'GET /')).bytes), String(real.bytes));
  }
  const silent = await ask((req) => req.setTimeout(5, () => {}), 'GET /');
  assert.match(silent.failure.errorMessage, /5 ms of the time-out/);

  const server = http.createServer(() => {});
  server.setTimeout(5, (socket) => socket._httpMessage.end('server'));
  assert.equal(String((await ask(server, 'GET /')).bytes), 'server');
});

test('a time-out begins anew with each piece, and ends with the answer', async () => {
  let expired = 0;
  const reply = await ask(async (req, res) => {
    res.setTimeout(60_000, () => { expired += 1; });
    res.write('a');
    req.socket.setTimeout(1, () => { expired += 1; });
    res.end('b');
    await new Promise((resolve) => { res.on('close', resolve); });
    await new Promise((resolve) => { setTimeout(resolve, 10); });
  }, 'GET /');
  assert.deepEqual([String(reply.bytes), expired], ['ab', 0]);
});

test('who ends the socket without an answer has closed the connection', async () => {
  const reply = await ask((req) => req.socket.end(), 'GET /');
  assert.match(reply.failure.errorMessage, /closed the connection before/);
});

test('a response that shall not keep the connection alive says so', async () => {
  const close = (reply) => reply.headers.filter((_, i) => /^connection$/i.test(reply.headers[i - 1] ?? ''));
  const listener = (req, res) => { res.shouldKeepAlive = false; res.end('x'); };
  const [real, ours] = [await askReal(listener, 'GET /'), await ask(listener, 'GET /')];
  assert.deepEqual([close(real), close(ours)], [['close'], ['close']]);
});

test('an http.Server is served by its listeners', async () => {
  const server = http.createServer();
  server.on('request', (req, res) => res.end(String(req.socket.server === server)));
  assert.equal((await ask(server)).bytes.toString(), 'true');
});

test('an informational status is no answer', async () => {
  const reply = await ask((req, res) => {
    res.statusCode = 101;
    res.end();
  });
  assert.equal(reply.failure.kind, 'invalid');
});
