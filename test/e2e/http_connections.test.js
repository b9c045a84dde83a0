/* Clients that read late, say much at once, or close their sending side. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { API, CATCH_ALL, startGateway, Wire } from './http_gateway.js';
import { processTree, titleOf } from './machine.js';

const SOCKET_BYTES = 8 << 20; /* more than the sockets between client and gateway hold */

/** A client that does not read until it is told to. */
async function connect(gateway) {
  const socket = net.connect({ port: gateway.port, host: '127.0.0.1', allowHalfOpen: true });
  socket.pause();
  await once(socket, 'connect');
  return socket;
}

/** Writes `text` over and over until nobody takes it any more; how often. */
async function writeUntilBlocked(socket, text) {
  for (let times = 1; ; times++) {
    if (socket.write(text)) continue;
    const taken = once(socket, 'drain').then(() => true);
    if (!(await Promise.race([taken, sleep(1000, false)]))) return times;
  }
}

async function readAll(socket) {
  return Buffer.concat(await socket.toArray()).toString('latin1');
}

test('connections', async (t) => {
  const long = { path: '/missing', headers: { 'x-fill': 'f'.repeat(8000) }, continue: true };
  const routes = [long, { path: '/missing', status: 404 }, ...CATCH_ALL];
  const gateway = await startGateway(t, { functions: [{ ...API, max_instances: 1 }], routes });

  await t.test('who asks without reading is held up, and gets every answer when he reads', async () => {
    const socket = await connect(gateway);
    const request = `GET /missing HTTP/1.1\r\nHost: a\r\nX-Fill: ${'f'.repeat(8000)}\r\n\r\n`;
    const times = await writeUntilBlocked(socket, request);
    assert.equal(await (await gateway.fetch('/hello')).text(), '{"hello":"world"}', 'others are served');
    socket.end();
    assert.equal((await readAll(socket)).match(/HTTP\/1\.1 404 /g).length, times);
  });

  await t.test('hints that nobody reads cost no memory, and the answer follows', async () => {
    const socket = await connect(gateway);
    socket.write('GET /hints?100000 HTTP/1.1\r\nHost: a\r\n\r\n');
    await gateway.usage('GET /hints?100000');
    socket.end();
    const said = await readAll(socket);
    assert.ok(said.length < SOCKET_BYTES);
    assert.match(said, /^HTTP\/1\.1 103 /);
    assert.match(said, /\r\nhinted$/);
  });

  await t.test('a client that has closed its sending side gets a long answer that it reads slowly', async () => {
    const socket = await connect(gateway);
    socket.end(`GET /sized?${SOCKET_BYTES} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await sleep(500); /* longer than a client that takes nothing and says nothing is waited for */
    assert.ok((await readAll(socket)).length > SOCKET_BYTES);
  });

  await t.test('all that came before the end of the sending side is answered', async () => {
    const socket = await connect(gateway);
    const first = 'GET /slow?100 HTTP/1.1\r\nHost: a\r\n\r\n';
    socket.end(first + 'GET /hello HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(5000));
    assert.equal((await readAll(socket)).match(/HTTP\/1\.1 200 /g).length, 5001);
  });

  await t.test('half a request behind a whole one ends the connection behind its answer', async () => {
    const wire = new Wire(gateway.port).send('GET /hello HTTP/1.1\r\nHost: a\r\n\r\nGET /he');
    wire.socket.end();
    assert.match(await wire.end(), /^HTTP\/1\.1 200 .*"world"}$/s);
  });
});

test('an answer to HTTP/1.0 that is broken off ends with a reset', async (t) => {
  const gateway = await startGateway(t, { functions: [{ ...API, timeout_ms: 300 }] });
  const say = (text) => new Wire(gateway.port).send(text);
  const half = 'POST /echo HTTP/1.0\r\nContent-Length: 8\r\n\r\nheld';

  await t.test('when the function\'s time is up', async () => {
    const wire = say(half);
    assert.match(await wire.end(), /^HTTP\/1\.1 200 .*held$/s);
    assert.ok(wire.reset);
  });

  await t.test('... and the client has said more than was looked at', async () => {
    const wire = say('GET /sse?100 HTTP/1.0\r\n\r\nGET /he');
    assert.match(await wire.end(), /^HTTP\/1\.1 200 /);
    assert.ok(wire.reset);
  });

  await t.test('when the client closes its sending side too soon', async () => {
    const wire = say(half);
    await wire.until((r) => r.endsWith('held'));
    wire.socket.end();
    await wire.end();
    assert.ok(wire.reset);
  });

  await t.test('and not when it is whole', async () => {
    const wire = say('GET /big?1000 HTTP/1.0\r\n\r\nGET /he');
    assert.match(await wire.end(), /x{1000}$/);
    assert.ok(!wire.reset);
  });

  await t.test('and when the gateway is killed, if not all of it was sent', async () => {
    const whole = say('GET /big?1000 HTTP/1.0\r\n\r\nGET /he');
    await whole.until((r) => /x{1000}$/.test(r) && whole.closed);
    const wire = say(half);
    await wire.until((r) => r.endsWith('held'));
    const { pid } = processTree(gateway.child.pid).find(({ pid }) => titleOf(pid) === 'mayfly: gateway');
    process.kill(pid, 'SIGKILL');
    await wire.end();
    assert.ok(wire.reset);
    assert.ok(!whole.reset);
  });
});

test('where few files may be open, connections leave enough for instances, and who comes later waits', async (t) => {
  const gateway = await startGateway(t, { openFiles: 256 });
  const idle = await Promise.all(Array.from({ length: 300 }, () => connect(gateway)));
  const wire = new Wire(gateway.port).send('GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  assert.equal(await Promise.race([wire.end(), sleep(500, 'it waits')]), 'it waits');
  idle[0].write('GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  assert.match(await readAll(idle[0]), /^HTTP\/1\.1 200 .*"world"}$/s, 'it needs a new instance');
  assert.match(gateway.errors, /^mayfly gateway: warning: 85 connections are open, .*: others wait$/m);
  idle.forEach((socket) => socket.destroy());
  assert.match(await wire.end(), /^HTTP\/1\.1 200 .*"world"}$/s);
  assert.equal(gateway.errors.match(/others wait/g).length, 1);
});
