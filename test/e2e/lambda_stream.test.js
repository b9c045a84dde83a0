/* InvokeWithResponseStream by AWS's own client, on the AWS port. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import test from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { InvokeWithResponseStreamCommand } from '@aws-sdk/client-lambda';
import { clients, lambda, WHERE } from './aws_project.js';
import { startPlatform } from './harness.js';

/* Says "first", goes on when the gate answers, then fails, ends its process, or says so many bytes and "last". */
const TALKS = `
exports.handler = awslambda.streamifyResponse(async (event, out) => {
  out.write('first');
  if (event.gate) {
    await fetch(event.gate);
  }
  if (event.fail) {
    throw new TypeError(event.fail);
  }
  if (event.exit) {
    process.exit(3);
  }
  for (let left = event.bytes ?? 0; left > 0; left -= 65536) {
    if (!out.write(Buffer.alloc(65536, left / 65536 & 0xff))) {
      await new Promise((resolve) => out.once('drain', resolve));
    }
  }
  out.end('last');
});
`;
const FILES = { 'main.tf': lambda('talks'), 'talks.js': TALKS, 'api/where.js': WHERE };

async function start(t) {
  const platform = await startPlatform(t, { files: FILES });
  const { lambda: api } = await clients(t, platform);
  return async (event, more = {}) => {
    const command = new InvokeWithResponseStreamCommand({ FunctionName: 'talks', Payload: JSON.stringify(event), ...more });
    const { EventStream } = await api.send(command);
    return EventStream[Symbol.asyncIterator]();
  };
}

/* A server that answers when it is told to. */
async function gate(t) {
  let open;
  const opened = new Promise((resolve) => { open = resolve; });
  const server = http.createServer(async (_request, response) => {
    await opened;
    response.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { url: `http://127.0.0.1:${server.address().port}/`, open };
}

const text = ({ value }) => Buffer.from(value.PayloadChunk.Payload).toString();

/* Every byte, and what completes it. */
async function readAll(events) {
  const chunks = [];
  for (;;) {
    const { value, done } = await events.next();
    if (done || value.InvokeComplete) {
      return { bytes: Buffer.concat(chunks), complete: value?.InvokeComplete };
    }
    chunks.push(Buffer.from(value.PayloadChunk.Payload));
    await turn(); /* a reader that is no faster than it must */
  }
}

test('what a handler writes is there before it goes on', async (t) => {
  const invoke = await start(t);
  const { url, open } = await gate(t);
  const events = await invoke({ gate: url });
  assert.equal(text(await events.next()), 'first');
  open();
  const { bytes, complete } = await readAll(events);
  assert.equal(bytes.toString(), 'last');
  assert.deepEqual([complete.ErrorCode, complete.LogResult], [undefined, undefined]);
});

test('a failure, and an end of the process, are told behind what had been written', async (t) => {
  const invoke = await start(t);
  for (const [event, errorType] of [[{ fail: 'boom' }, 'TypeError'], [{ exit: true }, 'Runtime.ExitError']]) {
    const { bytes, complete } = await readAll(await invoke(event, { LogType: 'Tail' }));
    assert.equal(bytes.toString(), 'first');
    assert.equal(complete.ErrorCode, 'Unhandled');
    assert.equal(JSON.parse(complete.ErrorDetails).errorType, errorType);
    assert.match(Buffer.from(complete.LogResult, 'base64').toString(), /REPORT RequestId/);
  }
});

test('megabytes come whole and in order, many streams at once', async (t) => {
  const invoke = await start(t);
  const bytes = 12 * 1024 * 1024;
  const expected = createHash('sha256').update('first');
  for (let left = bytes; left > 0; left -= 65536) {
    expected.update(Buffer.alloc(65536, left / 65536 & 0xff));
  }
  const digest = expected.update('last').digest('hex');
  await Promise.all([1, 2, 3].map(async () => {
    const read = await readAll(await invoke({ bytes }));
    assert.equal(createHash('sha256').update(read.bytes).digest('hex'), digest);
    assert.equal(read.complete.ErrorCode, undefined);
  }));
});

test('a client that does not read holds up nobody else, and may leave', async (t) => {
  const invoke = await start(t);
  const waits = await invoke({ bytes: 12 * 1024 * 1024 });
  assert.equal(text(await waits.next()), 'first');
  assert.equal((await readAll(await invoke({}))).bytes.toString(), 'firstlast');
  await waits.return?.();
  assert.equal((await readAll(await invoke({}))).bytes.toString(), 'firstlast');
});
