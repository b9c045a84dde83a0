/* Lambda answers when the event loop of a function is empty, whatever kept it busy until then. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { startPlatform } from './harness.js';

const MAIN = `
resource "aws_lambda_function" "idle" {
  function_name = "idle"
  handler       = "idle.handler"
  runtime       = "nodejs22.x"
  filename      = "idle.zip"
  timeout       = 60
}
`;
const HANDLER = `
const net = require('node:net');
const zlib = require('node:zlib');
const fs = require('node:fs');

const kinds = {
  /* answered at once, but only when all of these are over */
  timer: () => setTimeout(() => console.log('over: timer'), 300),
  timers: () => setTimeout(() => setTimeout(() => setTimeout(() => console.log('over: timers'), 120), 120), 120),
  pool: () => zlib.gzip(Buffer.alloc(20_000_000), () => console.log('over: pool')),
  file: () => fs.readFile(__filename, () => console.log('over: file')),
  immediate: () => setImmediate(() => setImmediate(() => console.log('over: immediate'))),
  socket: () => {
    const server = net.createServer((socket) => setTimeout(() => socket.end(), 200)).listen(0, '127.0.0.1', () => {
      net.connect(server.address().port, '127.0.0.1').resume().on('close', () => server.close(() => console.log('over: socket')));
    });
  },
  nothing: () => {},
  unref: () => setTimeout(() => {}, 600_000).unref(),
  long: () => setTimeout(() => {}, 600_000), /* beyond the time-out */
};

exports.handler = (event, context, callback) => {
  if (event.stuck) {
    return new Promise(() => {});
  }
  kinds[event.kind]();
  if (event.quick) {
    context.callbackWaitsForEmptyEventLoop = false;
  }
  if (!event.silent) {
    callback(null, event.kind);
  }
};
`;

test('a callback of Lambda', async (t) => {
  const platform = await startPlatform(t, { files: { 'main.tf': MAIN, 'idle.js': HANDLER } });
  const invoke = async (event) => {
    const answer = await platform.post('/2015-03-31/functions/idle/invocations', event);
    assert.equal(answer.status, 200, answer.text);
    return { value: answer.json, error: answer.headers['x-amz-function-error'] };
  };
  for (const kind of ['timer', 'timers', 'pool', 'file', 'immediate', 'socket']) {
    await t.test(`is answered when ${kind} is over`, async () => {
      const from = platform.records.length;
      assert.deepEqual(await invoke({ kind }), { value: kind, error: undefined });
      const answered = Date.now();
      const over = await platform.log(`over: ${kind}`, { from });
      assert.ok(Date.parse(over.time) <= answered, platform.transcript());
    });
  }

  for (const kind of ['nothing', 'unref']) {
    await t.test(`waits for ${kind}, which keeps no loop alive, not at all`, async () => {
      assert.deepEqual(await invoke({ kind }), { value: kind, error: undefined });
    });
  }

  await t.test('that is never called leaves null, once there is nothing left to call it', async () => {
    assert.deepEqual(await invoke({ kind: 'pool', silent: true }), { value: null, error: undefined });
  });

  await t.test('a promise that nothing can settle is given up before the time-out', async () => {
    const { value } = await invoke({ stuck: true });
    assert.doesNotMatch(JSON.stringify(value), /timed out/);
  });

  await t.test('may be answered before what it began is over', async () => {
    assert.deepEqual(await invoke({ kind: 'long', quick: true }), { value: 'long', error: undefined });
  });
});

test('a promise of Node.js 24 that waits for a timer is not given up, however long the handler has computed', async (t) => {
  const handler = `exports.handler = async () => {
    for (const end = Date.now() + 300; Date.now() < end; );
    await new Promise((done) => setTimeout(done, 300));
    return 'settled';
  };\n`;
  const functions = { busy: { handler: 'busy.handler', runtime: 'nodejs24.x' } };
  const platform = await startPlatform(t, { files: { 'busy.js': handler, 'mayfly.json': JSON.stringify({ functions }) } });
  const answer = await platform.post('/2015-03-31/functions/busy/invocations', {});
  assert.equal(answer.json, 'settled');
});
