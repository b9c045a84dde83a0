/* Long bodies and streams through the whole platform: what they cost in memory, and that nobody waits for anybody. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { test } from 'node:test';
import { eventually, startPlatform } from './harness.js';

const MIB = 2 ** 20;
const LONG = 256 * MIB;
const CHUNK = Buffer.alloc(64 * 1024, 'x');
const BUDGET = { instance: 32 * MIB, gateway: 8 * MIB }; /* a tenth of what passes, and less */

const FILES = {
  'package.json': '{"type":"module"}',
  'mayfly.json': '{ "functions": { "api": { "maxInstances": 1 } } }', /* its state is one instance's */
  'lib/state.js': 'export const state = { aborted: [], sent: 0, go: null };',
  'api/count.js': `
    export async function POST(request) {
      let bytes = 0;
      for await (const chunk of request.body) bytes += chunk.byteLength;
      return new Response(String(bytes));
    }`,
  'api/node.js': `
    export default async function (request, response) {
      let bytes = 0;
      for await (const chunk of request) bytes += chunk.length;
      response.end(String(bytes));
    }`,
  'api/make.js': `
    import { state } from '../lib/state.js';
    const chunk = new Uint8Array(65536).fill(120);
    export function GET(request) {
      let left = Number(new URL(request.url).searchParams.get('bytes'));
      state.sent = 0;
      request.signal.addEventListener('abort', () => state.aborted.push('make'));
      return new Response(new ReadableStream({
        pull(controller) {
          if (left <= 0) return controller.close();
          controller.enqueue(chunk);
          state.sent += chunk.length;
          left -= chunk.length;
        },
      }));
    }`,
  'api/wait.js': `
    import { state } from '../lib/state.js';
    export async function POST(request) {
      request.signal.addEventListener('abort', () => state.aborted.push('wait'));
      for await (const chunk of request.body) state.sent = chunk.byteLength;
      return new Response('complete');
    }`,
  'api/events.js': `
    import { state } from '../lib/state.js';
    export function GET() {
      const encoder = new TextEncoder();
      return new Response(new ReadableStream({
        async start(controller) {
          for (let i = 0; i < 5; i++) {
            const asked = new Promise((resolve) => { state.go = resolve; });
            controller.enqueue(encoder.encode('data: ' + i + '\\n\\n'));
            await asked;
          }
          controller.close();
        },
      }), { headers: { 'content-type': 'text/event-stream' } });
    }`,
  'api/state.js': `
    import { state } from '../lib/state.js';
    export function GET() { return Response.json(state); }
    export function POST() { state.go(); return new Response('gone'); }`,
};

/** Memory that no other process has; none of one that has just ended. */
function privateBytes(pid) {
  let text = '';
  try {
    text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  } catch (error) {
    assert.match(error.code, /ENOENT|ESRCH/);
  }
  return [...text.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+) kB$/gm)].reduce((sum, [, kb]) => sum + Number(kb) * 1024, 0);
}

/** The most that the gateway and the instances have at any time until `done`. */
async function peaks(platform, done) {
  const peak = { gateway: 0, instance: 0 };
  const look = () => {
    for (const { pid, title } of platform.processes()) {
      const kind = /^mayfly: (gateway|instance)/.exec(title)?.[1];
      if (kind) peak[kind] = Math.max(peak[kind], privateBytes(pid));
    }
  };
  const timer = setInterval(look, 20);
  try {
    await done;
  } finally {
    clearInterval(timer);
  }
  return peak;
}

function assertSmall(peak) {
  for (const [kind, bytes] of Object.entries(peak)) {
    assert.ok(bytes > 0 && bytes < BUDGET[kind], `the ${kind} had ${bytes / MIB} MB`);
  }
}

function upload(platform, target, bytes, headers = { 'content-length': bytes }) {
  const request = http.request({ host: '127.0.0.1', port: platform.port, path: target, method: 'POST', headers });
  return { request, answer: once(request, 'response').then(async ([response]) => Buffer.concat(await response.toArray()).toString()) };
}

async function write(request, bytes) {
  for (let left = bytes; left > 0; left -= CHUNK.length) {
    if (!request.write(CHUNK)) await once(request, 'drain');
  }
}

test('bodies', async (t) => {
  const platform = await startPlatform(t, { files: FILES });
  const state = async () => (await platform.get('/api/state')).json;

  for (const [name, target, headers] of [
    ['with a length', '/api/count', { 'content-length': LONG }],
    ['in chunks', '/api/count', {}],
    ['of a Node.js handler', '/api/node', { 'content-length': LONG }],
  ]) {
    await t.test(`a long upload ${name} costs little memory`, async () => {
      const { request, answer } = upload(platform, target, LONG, headers);
      const sent = write(request, LONG).then(() => request.end());
      const peak = await peaks(platform, Promise.all([sent, answer]));
      assert.equal(await answer, String(LONG));
      assertSmall(peak);
    });
  }

  await t.test('a long download costs little memory', async () => {
    let got = 0;
    const [response] = await once(http.get(platform.origin + `/api/make?bytes=${LONG}`), 'response');
    response.on('data', (chunk) => (got += chunk.length));
    const peak = await peaks(platform, once(response, 'end'));
    assert.equal(got, LONG);
    assertSmall(peak);
  });

  await t.test('an idle instance gives back what a long body took of its channel', async () => {
    const { pid } = await platform.process(/^mayfly: gateway/);
    const shared = () => Number(/^RssShmem:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;
    await eventually(() => shared() < MIB / 2, () => `the gateway has ${shared()} bytes of channels`);
  });

  await t.test('each event of a stream arrives before the next is made', async () => {
    const [response] = await once(http.get(`${platform.origin}/api/events`), 'response');
    const events = [];
    for await (const data of response) {
      events.push(data.toString());
      assert.equal((await platform.request('POST', '/api/state')).text, 'gone');
    }
    assert.deepEqual(events, [0, 1, 2, 3, 4].map((i) => `data: ${i}\n\n`));
  });

  await t.test('a client that reads nothing holds nobody up, and little memory', async () => {
    const socket = net.connect(platform.port, '127.0.0.1');
    socket.pause();
    socket.write(`GET /api/make?bytes=${LONG} HTTP/1.1\r\nHost: a\r\n\r\n`);
    let sent = -1;
    await eventually(async () => {
      const before = sent;
      ({ sent } = await state());
      return sent > 0 && sent === before;
    }, 'it goes on and on');
    assert.ok(sent < LONG / 4, `${sent} bytes were made for nobody`);
    const { pid } = await platform.process(/^mayfly: gateway/);
    assert.ok(privateBytes(pid) < BUDGET.gateway);
    socket.destroy();
    await eventually(async () => (await state()).aborted.includes('make'), 'the function was not told');
  });

  await t.test('a client that sends nothing holds nobody up; when it goes, the function is told', async () => {
    const { request, answer } = upload(platform, '/api/wait', MIB);
    answer.catch(() => {});
    request.write('x');
    await eventually(async () => (await state()).sent === 1, 'its byte has not arrived');
    assert.equal((await platform.post('/api/count', 'abc')).text, '3');
    request.destroy();
    await eventually(async () => (await state()).aborted.includes('wait'), 'the function was not told');
  });
});
