'use strict';

const { createHash } = require('node:crypto');
const { once } = require('node:events');
const http = require('node:http');
const { test } = require('node:test');
const assert = require('node:assert/strict');
const { byPath, failureOf } = require('./worker_serve');
const { listenOnLoopback } = require('./real_listen');
const { FrameReader, writeFrame } = require('../../runtime/js/dialects/worker/websocket_wire');

const CONTINUATION = 0;
const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

const UPGRADE = {
  connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==', 'sec-websocket-version': '13',
};

/* A client's frame: masked. */
function clientFrame(opcode, payload, { isLast = true, reserved = 0 } = {}) {
  const plain = writeFrame(opcode, Buffer.from(payload));
  const body = Buffer.from(payload);
  const mask = Buffer.from([1, 2, 3, 4]);
  const head = Buffer.from(plain.subarray(0, plain.length - body.length));
  head[0] = (isLast ? 0x80 : 0) | reserved | opcode;
  head[1] |= 0x80;
  return Buffer.concat([head, mask, body.map((byte, i) => byte ^ mask[i & 3])]);
}

const closeFrame = (code, reason = '') => clientFrame(CLOSE, Buffer.concat([Buffer.from([code >> 8, code & 255]), Buffer.from(reason)]));

function framesOf(bytes) {
  const frames = [];
  new FrameReader(({ opcode, payload }) => frames.push([opcode, Buffer.from(payload)])).take(Buffer.from(bytes));
  return frames;
}

/** What a server has sent: 'text', [bytes], { close } or { pong }. */
function said(reply) {
  return framesOf(reply.bytes).map(([opcode, payload]) => {
    if (opcode === TEXT) return payload.toString();
    if (opcode === BINARY) return [...payload];
    if (opcode === PONG) return { pong: payload.toString() };
    return { close: payload.length < 2 ? null : [payload.readUInt16BE(0), payload.toString('utf8', 2)] };
  });
}

/** A worker that echoes, and notes what it hears. */
async function serveEcho(change = () => {}, settings = { compatibility_date: '2026-03-01' }) {
  const events = [];
  const gateway = await byPath({
    socket() {
      const [client, server] = Object.values(new WebSocketPair());
      server.accept();
      server.addEventListener('message', ({ data }) => {
        events.push(typeof data === 'string' ? data : [...new Uint8Array(data)]);
        server.send(data);
      });
      server.addEventListener('close', ({ code, reason, wasClean }) => events.push({ code, reason, wasClean, state: server.readyState }));
      server.addEventListener('error', ({ message }) => events.push({ message }));
      change(server);
      return new Response(null, { status: 101, webSocket: client, headers: { 'x-a': 'b' } });
    },
  }, { settings });
  return { gateway, events };
}

async function connect(gateway) {
  const reply = gateway.start('GET /socket', { headers: UPGRADE });
  await reply.until((it) => it.status !== 0 || it.failure);
  return reply;
}

/** Waits until the server has said so many things. */
const hear = async (reply, count) => said(await reply.until((it) => said(it).length >= count));

test('the sockets of a pair reach each other', async () => {
  const events = [];
  let found;
  const gateway = await byPath({ async pair() {
    const [a, b] = Object.values(new WebSocketPair());
    const early = await failureOf(() => a.send('x'));
    b.accept();
    b.send('one');
    b.send(new Uint8Array([1, 2]));
    a.addEventListener('message', ({ data }) => events.push(typeof data === 'string' ? data : [...new Uint8Array(data)]));
    a.accept();
    const closed = new Promise((resolve) => a.addEventListener('close', ({ code, reason, wasClean }) => resolve([code, reason, wasClean])));
    b.close(3001, 'bye');
    const states = [await closed, a.readyState, b.readyState];
    const late = await failureOf(() => b.send('x'));
    found = [a instanceof WebSocket, early, ...states, late, await failureOf(() => a.close(5))];
    return new Response();
  } }, { settings: { compatibility_date: '2026-03-01' } });
  await gateway.request('GET /pair');
  assert.deepEqual(events, ['one', [1, 2]]);
  assert.deepEqual(found, [true,
    'TypeError: You must call one of accept() or state.acceptWebSocket() on this WebSocket before sending messages.',
    [3001, 'bye', true], 2, 2, "TypeError: Can't call WebSocket send() after close().",
    'InvalidAccessError: Invalid WebSocket close code: 5.']);
});

test('frames are the same whole as byte by byte', () => {
  const bytes = Buffer.concat([
    clientFrame(TEXT, 'hello'), clientFrame(BINARY, Buffer.alloc(300, 7)), clientFrame(PING, ''), clientFrame(TEXT, 'a', { isLast: false }),
    clientFrame(PING, 'between'), clientFrame(CONTINUATION, Buffer.alloc(70000, 66)), closeFrame(1000, 'bye'),
  ]);
  const single = [];
  const reader = new FrameReader(({ opcode, payload }) => single.push([opcode, Buffer.from(payload)]));
  for (const byte of bytes) reader.take(Buffer.from([byte]));
  const whole = framesOf(bytes);
  assert.deepEqual(single, whole);
  assert.deepEqual(whole.map(([opcode, payload]) => [opcode, payload.length]),
    [[TEXT, 5], [BINARY, 300], [PING, 0], [TEXT, 1], [PING, 7], [CONTINUATION, 70000], [CLOSE, 5]]);
});

test('a frame that is written is read back, of any length', () => {
  for (const length of [0, 1, 125, 126, 127, 65535, 65536, 100000]) {
    const payload = Buffer.alloc(length, 'x');
    assert.deepEqual(framesOf(writeFrame(TEXT, payload)), [[TEXT, payload]]);
  }
});

test('a client gets the other side of a pair', async () => {
  const { gateway, events } = await serveEcho((server) => server.send('before'));
  const reply = await connect(gateway);
  assert.deepEqual([reply.status, reply.header('sec-websocket-accept'), reply.header('x-a')],
    [101, 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=', 'b']);
  await reply.send(clientFrame(TEXT, 'hi'));
  await reply.send(clientFrame(BINARY, [1, 2]));
  await reply.send(clientFrame(PING, 'are you there'));
  await reply.send(Buffer.concat([clientFrame(TEXT, 'in ', { isLast: false }), clientFrame(CONTINUATION, 'parts')]));
  const heard = await hear(reply, 5);
  assert.deepEqual(heard.filter((one) => !one.pong), ['before', 'hi', [1, 2], 'in parts']);
  assert.deepEqual(heard.filter((one) => one.pong), [{ pong: 'are you there' }]);
  assert.deepEqual(events, ['hi', [1, 2], 'in parts']);
  reply.cancel();
  await reply.done();
});

test('a connection is closed when both sides have said so', async () => {
  const { gateway, events } = await serveEcho((server) => {
    server.addEventListener('close', () => server.close(4000, 'too'));
  });
  const reply = await connect(gateway);
  await reply.send(closeFrame(3001, 'bye'));
  await reply.done();
  assert.deepEqual(said(reply), [{ close: [4000, 'too'] }]);
  assert.deepEqual(events, [{ code: 3001, reason: 'bye', wasClean: true, state: 2 }]);
});

test('from its compatibility date on, a close is answered without the worker', async () => {
  for (const [bytes, heard, event] of [
    [closeFrame(3001, 'bye'), [3001, 'bye'], { code: 3001, reason: 'bye' }], [clientFrame(CLOSE, ''), null, { code: 1005, reason: '' }],
  ]) {
    const { gateway, events } = await serveEcho((server) => server.addEventListener('close', () => server.close(4000, 'late')),
      { compatibility_date: '2026-04-07' });
    const reply = await connect(gateway);
    await reply.send(bytes);
    await reply.done();
    assert.deepEqual(said(reply), [{ close: heard }]);
    assert.deepEqual(events, [{ ...event, wasClean: true, state: 3 }]);
  }
});

test('from its compatibility date on, bytes come as a Blob, if nothing else is asked for', async () => {
  for (const [change, expected] of [[() => {}, 'Blob'], [(server) => (server.binaryType = 'arraybuffer'), 'ArrayBuffer']]) {
    const heard = Promise.withResolvers();
    const { gateway } = await serveEcho((server) => {
      change(server);
      server.addEventListener('message', ({ data }) => heard.resolve(data.constructor.name));
    }, { compatibility_date: '2026-03-17' });
    const reply = await connect(gateway);
    await reply.send(clientFrame(BINARY, [1]));
    assert.equal(await heard.promise, expected);
    reply.cancel();
  }
});

test('a worker that closes waits for its client', async () => {
  const { gateway, events } = await serveEcho((server) => server.close(4001, 'enough'));
  const reply = await connect(gateway);
  assert.deepEqual(await hear(reply, 1), [{ close: [4001, 'enough'] }]);
  assert.equal(reply.over, false);
  await reply.send(clientFrame(CLOSE, ''));
  await reply.done();
  assert.deepEqual(events, []);
});

test('a client that goes without a word is told of with 1006', async () => {
  for (const leave of [(reply) => reply.cancel(), (reply) => reply.finish()]) {
    const closed = Promise.withResolvers();
    const { gateway, events } = await serveEcho((server) => server.addEventListener('close', closed.resolve));
    const reply = await connect(gateway);
    leave(reply);
    await closed.promise;
    await reply.done();
    assert.deepEqual(events, [{ code: 1006, reason: 'WebSocket disconnected without sending Close frame.', wasClean: false, state: 1 }]);
  }
});

const BROKEN = [
  ['a reserved bit', clientFrame(TEXT, 'x', { reserved: 0x40 }), /compression bit was set/],
  ['an opcode nobody knows', clientFrame(3, 'x'), /Unknown opcode 3/],
  ['a continuation of nothing', clientFrame(CONTINUATION, 'x'), /Unexpected continuation frame/],
  ['a message within a message', Buffer.concat([clientFrame(TEXT, 'x', { isLast: false }), clientFrame(TEXT, 'y')]), /Missing continuation frame/],
  ['a control frame in pieces', clientFrame(PING, 'x', { isLast: false }), /Received fragmented control frame/],
  ['a message that is too large', Buffer.from([0x82, 0x7f, 0, 0, 0, 1, 0, 0, 0, 0]), /Message is too large/, 1009],
];

for (const [name, bytes, reason, code = 1002] of BROKEN) {
  test(`what breaks the protocol ends the connection: ${name}`, async () => {
    const failed = Promise.withResolvers();
    const { gateway, events } = await serveEcho((server) => server.addEventListener('error', failed.resolve));
    const reply = await connect(gateway);
    await reply.send(bytes);
    await failed.promise;
    await reply.done();
    const [{ close }] = said(reply);
    assert.equal(close[0], code);
    assert.match(close[1], reason);
    assert.match(events[0].message, new RegExp(`^Uncaught Error: WebSocket protocol error; protocolError.statusCode = ${code}`));
  });
}

test('a request that asks for no upgrade gets no socket', async () => {
  const { gateway } = await serveEcho();
  const { failure } = await gateway.request('GET /socket');
  assert.match(failure.errorMessage, /^Worker tried to return a WebSocket in a response to a request which did not contain/);
});

test('a handshake that is none does not reach the worker', async () => {
  const { gateway, events } = await serveEcho();
  const old = await gateway.request('GET /socket', { headers: { ...UPGRADE, 'sec-websocket-version': '8' } });
  assert.deepEqual([old.status, old.header('sec-websocket-version'), await old.text()],
    [426, '13', 'ERROR: The requested WebSocket version is not supported.']);
  const { 'sec-websocket-key': _, ...keyless } = UPGRADE;
  const without = await gateway.request('GET /socket', { headers: keyless });
  assert.deepEqual([without.status, await without.text()], [400, 'ERROR: Missing Sec-WebSocket-Key']);
  assert.deepEqual(events, []);
});

test('a close inside the worker is answered, too, and its reason fits a frame', async () => {
  const gateway = await byPath({ async pair() {
    const [a, b] = Object.values(new WebSocketPair());
    a.accept();
    b.accept();
    const closed = (socket) => new Promise((resolve) => {
      socket.addEventListener('close', ({ code, reason }) => resolve([code, reason, socket.readyState]));
    });
    const both = Promise.all([closed(a), closed(b)]);
    const tooLong = await failureOf(() => a.close(1000, 'é'.repeat(62)));
    const nothing = await failureOf(() => a.send());
    a.close(3000, 'bye');
    return Response.json({ both: await both, tooLong, nothing });
  } }, { settings: { compatibility_date: '2026-05-01' } });
  assert.deepEqual(await (await gateway.request('GET /pair')).json(), {
    both: [[3000, 'bye', 3], [3000, 'bye', 3]],
    tooLong: 'SyntaxError: WebSocket close reason must not be longer than 123 bytes when UTF-8 encoded.',
    nothing: "TypeError: Failed to execute 'send' on 'WebSocket': parameter 1 is not of type 'ArrayBuffer or ArrayBufferView or string'.",
  });
});

/* A server whose sockets say what they were sent again; /no is answered by 403. */
async function serveSockets(t) {
  const server = http.createServer((request, response) => response.writeHead(403).end(`${request.headers.upgrade} ${request.headers['x-a']}`));
  server.on('upgrade', (request, socket) => {
    if (request.url === '/no') {
      socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    const protocol = request.headers['sec-websocket-protocol'] ? 'sec-websocket-protocol: b\r\n' : '';
    const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: ${accept}\r\n${protocol}\r\n`);
    socket.write(writeFrame(TEXT, Buffer.from(`hello ${request.headers['x-a']}`)));
    const reader = new FrameReader(({ opcode, payload }) => {
      socket.write(writeFrame(opcode, Buffer.from(payload)));
      if (opcode === CLOSE) socket.end();
    });
    socket.on('data', (bytes) => reader.take(bytes)).on('error', () => {});
  });
  listenOnLoopback(server);
  await once(server, 'listening');
  t.after(() => server.close());
  return `http://127.0.0.1:${server.address().port}`;
}

test('fetch opens a WebSocket, hands one on, and tells the status of who refuses', async (t) => {
  const base = await serveSockets(t);
  const gateway = await byPath({
    async open() {
      const response = await fetch(`${base}/`, { headers: { Upgrade: 'websocket', 'x-a': '1', 'sec-websocket-protocol': 'a, b' } });
      const socket = response.webSocket;
      const heard = [];
      socket.binaryType = 'arraybuffer';
      socket.addEventListener('message', ({ data }) => {
        heard.push(typeof data === 'string' ? data : [...new Uint8Array(data)]);
        if (heard.length === 3) socket.close(4000, 'enough');
      });
      const closed = new Promise((resolve) => {
        socket.addEventListener('close', ({ code, reason, wasClean }) => resolve([code, reason, wasClean, socket.readyState]));
      });
      socket.accept();
      socket.send('text');
      socket.send(new Uint8Array([1, 2]));
      return Response.json([response.status, response.headers.get('sec-websocket-protocol'), await closed, ...heard]);
    },
    pass: (request) => fetch(new Request(`${base}/`, request)),
    async no() {
      const response = await fetch(`${base}/no`, { headers: { Upgrade: 'websocket', 'x-a': '3' } });
      return Response.json([response.status, response.webSocket, await response.text()]);
    },
  });
  const opened = await gateway.request('GET /open');
  assert.equal(opened.failure, null);
  assert.deepEqual(await opened.json(), [101, 'b', [4000, 'enough', true, 3], 'hello 1', 'text', [1, 2]]);
  assert.deepEqual(await (await gateway.request('GET /no')).json(), [403, null, 'undefined 3']);
  const passed = gateway.start('GET /pass', { headers: { ...UPGRADE, 'x-a': '2' } });
  await passed.until((it) => it.status !== 0);
  assert.equal(passed.status, 101);
  await passed.send(clientFrame(TEXT, 'through'));
  await passed.until(() => said(passed).length === 2);
  assert.deepEqual(said(passed), ['hello 2', 'through']);
  await passed.send(closeFrame(1000, 'bye'));
  await passed.until(() => said(passed).length === 3);
  assert.deepEqual(said(passed)[2], { close: [1000, 'bye'] });
});
