/* Bodies in both directions: as they come, no faster than the other side takes them, however long. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import { once } from 'node:events';
import { test } from 'node:test';
import { API, startGateway, Wire } from './http_gateway.js';

async function memoryOf(gateway) {
  const pids = (await readFile(`/proc/${gateway.child.pid}/task/${gateway.child.pid}/children`, 'utf8')).trim().split(' ');
  const status = await readFile(`/proc/${pids[0]}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)[1]) * 1024;
}

function post(gateway, target, headers = {}) {
  const request = http.request(gateway.url(target), { method: 'POST', headers });
  return { request, response: once(request, 'response').then(([r]) => r) };
}

async function textOf(response) {
  let text = '';
  for await (const chunk of response) text += chunk;
  return text;
}

test('streams', async (t) => {
  const gateway = await startGateway(t, { functions: [{ ...API, max_instances: 1 }] });

  await t.test('events arrive in chunks', async () => {
    const wire = new Wire(gateway.port).send('GET /sse?5 HTTP/1.1\r\nHost: a\r\n\r\n');
    const text = await wire.until((r) => r.endsWith('0\r\n\r\n'));
    assert.equal(text.match(/tick/g).length, 5);
    assert.match(text, /transfer-encoding: chunked/);
    wire.destroy();
  });

  await t.test('each piece of an answer arrives before the next is made', async () => {
    const { request, response } = post(gateway, '/echo');
    request.write('piece 0');
    const chunks = (await response)[Symbol.asyncIterator]();
    for (let i = 0; i < 5; i++) {
      assert.equal(String((await chunks.next()).value), `piece ${i}`);
      request[i < 4 ? 'write' : 'end'](`piece ${i + 1}`);
    }
    assert.equal(String((await chunks.next()).value), 'piece 5');
    assert.equal((await chunks.next()).done, true);
  });

  await t.test('a long download arrives whole', async () => {
    const response = await gateway.fetch(`/big?${30 << 20}`);
    let bytes = 0;
    for await (const chunk of response.body) bytes += chunk.length;
    assert.equal(bytes, 30 << 20);
  });

  await t.test('a long upload with a length and one in chunks arrive whole', async () => {
    for (const headers of [{ 'content-length': 20 << 20 }, {}]) {
      const { request, response } = post(gateway, '/count', headers);
      const piece = Buffer.alloc(1 << 20, 'y');
      for (let i = 0; i < 20; i++) {
        if (!request.write(piece)) await once(request, 'drain');
      }
      request.end();
      assert.equal(await textOf(await response), String(20 << 20));
    }
  });

  await t.test('a long echo arrives whole', async () => {
    const { request, response } = post(gateway, '/echo');
    const piece = Buffer.alloc(1 << 16, 'z');
    const sender = (async () => {
      for (let i = 0; i < 160; i++) {
        if (!request.write(piece)) await once(request, 'drain');
      }
      request.end();
    })();
    let bytes = 0;
    for await (const chunk of await response) bytes += chunk.length;
    await sender;
    assert.equal(bytes, 160 << 16);
  });

  await t.test('a client that reads nothing holds the function up, not our memory', async () => {
    const before = await memoryOf(gateway);
    const wires = Array.from({ length: 8 }, () => {
      const wire = new Wire(gateway.port);
      wire.socket.pause();
      return wire.send(`GET /big?${1 << 30} HTTP/1.1\r\nHost: a\r\n\r\n`);
    });
    const answer = await gateway.fetch('/hello');
    await answer.text();
    for (let i = 0; i < 20; i++) await (await gateway.fetch('/slow?10')).text();
    assert.ok((await memoryOf(gateway)) - before < 24 << 20);
    for (const wire of wires) wire.destroy();
  });

  await t.test('a function that reads nothing holds the client up', async () => {
    const { request, response } = post(gateway, '/hang', { 'content-length': 1 << 30 });
    request.on('error', () => {});
    response.catch(() => {});
    const piece = Buffer.alloc(1 << 20);
    for (let i = 0; i < 32; i++) request.write(piece); // more than the sockets between them hold
    for (let i = 0; i < 10; i++) await (await gateway.fetch('/slow?10')).text();
    assert.ok(request.writableLength > 0, 'some of it waits in the client');
    request.destroy();
  });

  await t.test('a client that leaves ends the function\'s work', async () => {
    const aborts = async () => Number(await (await gateway.fetch('/aborts')).text());
    const before = await aborts();
    const wire = new Wire(gateway.port).send('GET /hang HTTP/1.1\r\nHost: a\r\n\r\n');
    await once(wire.socket, 'connect');
    await (await gateway.fetch('/slow?20')).text();
    wire.destroy();
    assert.equal((await gateway.record((r) => r.usage === 'GET /hang' && r.outcome === 'client')).outcome, 'client');
    assert.ok((await aborts()) > before);
  });

  await t.test('a client that resets in the middle of a download ends it', async () => {
    const wire = new Wire(gateway.port).send(`GET /big?${1 << 29} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await wire.until((r) => r.length > 1 << 20);
    wire.socket.resetAndDestroy();
    await gateway.record((r) => r.usage === `GET /big?${1 << 29}` && r.outcome === 'client');
  });

  await t.test('half a body is no request', async () => {
    const wire = new Wire(gateway.port).send('POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc');
    await once(wire.socket, 'connect');
    wire.socket.end();
    assert.equal(await wire.end(), '');
    await gateway.record((r) => r.usage === 'POST /count' && r.outcome === 'client');
  });

  await t.test('an answer before the end of the body, and the connection goes on', async () => {
    const wire = new Wire(gateway.port).send('POST /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc');
    await wire.until((r) => r.endsWith('}'));
    wire.send('def').send('GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    assert.equal((await wire.end()).match(/200 OK/g).length, 2);
  });

  await t.test('usage tells bytes, CPU and memory', async () => {
    const { request, response } = post(gateway, '/echo?usage');
    request.end('12345');
    await textOf(await response);
    const usage = await gateway.usage('POST /echo?usage');
    assert.deepEqual([usage.in, usage.out, usage.cpu, usage.memory], [5, 5, 7, 1 << 20]);
  });
});

test('a slow head times out', async (t) => {
  const gateway = await startGateway(t);
  const wire = new Wire(gateway.port).send('GET / HTTP/1.1\r\n');
  assert.match(await wire.end(), /^HTTP\/1\.1 408 /);
});
