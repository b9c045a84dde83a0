/* WebSockets through the whole platform. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import test from 'node:test';
import { eventually, startPlatform } from './harness.js';

const SERVER = `
const { createHash } = require('node:crypto');
const http = require('node:http');
const accept = (key) => createHash('sha1').update(key + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64');
const server = http.createServer((req, res) => res.end('page'));
server.on('upgrade', (req, socket) => {
  if (req.url === '/deny') return void socket.end('HTTP/1.1 401 Unauthorized\\r\\ncontent-length: 6\\r\\n\\r\\ndenied');
  if (req.url === '/exit') process.exit(3);
  socket.write('HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n'
    + 'Sec-WebSocket-Accept: ' + accept(req.headers['sec-websocket-key']) + '\\r\\n\\r\\n');
  socket.on('error', () => {}).on('close', () => console.log('socket closed'));
  socket.pipe(socket);
});
server.listen(process.env.PORT);
`;

const WORKER = `
export default {
  fetch(request) {
    const [client, server] = Object.values(new WebSocketPair());
    server.accept();
    server.addEventListener('message', ({ data }) => (data === 'close' ? server.close(4000, 'as asked') : server.send(data)));
    server.addEventListener('close', ({ code }) => console.log('closed with ' + code));
    return new Response(null, { status: 101, webSocket: client });
  },
};
`;

const wrangler = JSON.stringify({ name: 'main', main: 'main.js', compatibility_date: '2026-01-01' });
const serverFiles = { 'package.json': JSON.stringify({ scripts: { start: 'node server.js' } }), 'server.js': SERVER };

/** Resolves to the socket of an upgraded connection, or to a response that is none. */
async function upgrade(platform, path = '/') {
  const key = Buffer.from('sixteen bytes key').subarray(0, 16).toString('base64');
  const request = http.request({
    port: platform.port, path,
    headers: { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': key },
  }).end();
  const { promise, resolve, reject } = Promise.withResolvers();
  request.on('upgrade', (response, socket, head) => resolve({ response, socket, head, key }));
  request.on('response', (response) => resolve({ response }));
  request.on('error', reject);
  return promise;
}

const acceptOf = (key) => createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');

/** Reads so many bytes. */
async function read(socket, count) {
  const parts = [];
  let bytes = 0;
  while (bytes < count) {
    const [part] = await once(socket, 'data');
    parts.push(part);
    bytes += part.length;
  }
  return Buffer.concat(parts);
}

test('a plain server', async (t) => {
  const platform = await startPlatform(t, { files: serverFiles });

  await t.test('gets the connection of a client that upgrades, and long messages both ways', async () => {
    const { response, socket, key } = await upgrade(platform);
    assert.deepEqual([response.statusCode, response.headers['sec-websocket-accept'], response.headers.upgrade],
      [101, acceptOf(key), 'websocket']);
    const long = Buffer.alloc(3_000_000, 'mayfly');
    socket.write(long);
    assert.deepEqual(await read(socket, long.length), long);
    socket.end();
    await once(socket, 'close');
    await platform.log('socket closed');
  });

  await t.test('hears of a client that is gone', async () => {
    const before = platform.records.filter((record) => record.text === 'socket closed').length;
    const { socket } = await upgrade(platform);
    socket.resetAndDestroy();
    await eventually(() => platform.records.filter((record) => record.text === 'socket closed').length > before,
      'the socket was not closed');
  });

  await t.test('may refuse, and is asked for a page without an upgrade', async () => {
    const { response } = await upgrade(platform, '/deny');
    assert.equal(response.statusCode, 401);
    assert.equal(String(await read(response, 6)), 'denied');
    assert.equal((await platform.get('/')).text, 'page');
  });

  await t.test('that ends closes its connections', async () => {
    const { socket } = await upgrade(platform);
    socket.write('x');
    await read(socket, 1);
    const closed = once(socket.resume(), 'close');
    const { response } = await upgrade(platform, '/exit');
    assert.equal(response.statusCode, 500);
    await closed;
  });

  await t.test('of an older version closes them, too, so that clients come back to the new one', async () => {
    const { socket } = await upgrade(platform);
    socket.write('x');
    await read(socket, 1);
    const closed = once(socket.resume(), 'close');
    await platform.save('server.js', SERVER.replace("'page'", "'other page'"));
    await closed;
    await eventually(async () => (await platform.get('/')).text === 'other page', 'the new version did not come');
  });
});

test('a worker gives one side of a pair to its client', async (t) => {
  const platform = await startPlatform(t, { files: { 'wrangler.json': wrangler, 'main.js': WORKER } });
  const socket = new WebSocket(`ws://127.0.0.1:${platform.port}/`);
  socket.binaryType = 'arraybuffer';
  await once(socket, 'open');
  const next = async () => (await once(socket, 'message'))[0].data;
  socket.send('hello');
  assert.equal(await next(), 'hello');
  const long = Buffer.alloc(1_000_000, 'mayfly');
  socket.send(long);
  assert.deepEqual(Buffer.from(await next()), long);
  socket.send('close');
  const [{ code, reason, wasClean }] = await once(socket, 'close');
  assert.deepEqual([code, reason, wasClean], [4000, 'as asked', true]);
  await platform.log('closed with 4000');
});
