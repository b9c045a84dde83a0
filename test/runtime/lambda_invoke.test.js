'use strict';

/* The Invoke API around a function: types, versions, logs, and results as a stream of events. */

const { test } = require('node:test');
const assert = require('node:assert/strict');
const { crc32 } = require('node:zlib');
const { startInstance, thunk } = require('./mock_native');
const consoles = require('../../runtime/js/console');
const lambda = require('../../runtime/js/dialects/lambda');

process.setMaxListeners(0);
consoles.install();

const ARN = 'arn:aws:lambda:us-east-1:000000000000:function:orders';
const INVOKE = '/2015-03-31/functions/orders/invocations';
const STREAM = '/2021-11-15/functions/orders/response-streaming-invocations';

function serve(handler, { env = {}, ...settings } = {}) {
  for (const name of ['AWS_LAMBDA_LOG_FORMAT', 'AWS_LAMBDA_LOG_LEVEL']) delete process.env[name];
  Object.assign(process.env, env);
  return startInstance({
    adapter: lambda,
    modules: { index: typeof handler === 'function' && !handler.thunk ? { handler } : handler },
    settings: { handler: 'index.handler', function_name: 'orders', runtime: 'nodejs24.x', ...settings },
    endpoints: [{ name: '/', file: 'index.js', module: 'index', settings: { invoke: true } }],
  });
}

async function invoke(gateway, path = INVOKE, headers = {}, body = '{}') {
  const reply = await gateway.request(`POST ${path}`, { headers, body, requestId: 'r-1' });
  await reply.done();
  return reply;
}

/* Messages of an event stream, their sums checked. */
function eventsOf(bytes) {
  const events = [];
  for (let at = 0; at < bytes.length;) {
    const total = bytes.readUInt32BE(at);
    const headersEnd = at + 12 + bytes.readUInt32BE(at + 4);
    assert.equal(bytes.readUInt32BE(at + 8), crc32(bytes.subarray(at, at + 8)));
    assert.equal(bytes.readUInt32BE(at + total - 4), crc32(bytes.subarray(at, at + total - 4)));
    const headers = {};
    for (let h = at + 12; h < headersEnd;) {
      const nameEnd = h + 1 + bytes[h];
      const valueEnd = nameEnd + 3 + bytes.readUInt16BE(nameEnd + 1);
      assert.equal(bytes[nameEnd], 7);
      headers[bytes.toString('utf8', h + 1, nameEnd)] = bytes.toString('utf8', nameEnd + 3, valueEnd);
      h = valueEnd;
    }
    events.push({ headers, payload: bytes.subarray(headersEnd, at + total - 4).toString() });
    at += total;
  }
  return events;
}

test('DryRun answers 204 and calls nobody; a type or a kind of log that is none is refused', async () => {
  let calls = 0;
  const gateway = await serve(async () => { calls += 1; });
  const dry = await invoke(gateway, INVOKE, { 'x-amz-invocation-type': 'DryRun' });
  assert.deepEqual([dry.status, dry.bytes.length, calls], [204, 0, 0]);
  const bad = await invoke(gateway, INVOKE, { 'x-amz-invocation-type': 'Later' });
  assert.deepEqual([bad.status, bad.header('x-amzn-errortype')], [400, 'ValidationException']);
  assert.match(JSON.parse(bad.bytes).message, /Value 'Later' at 'invocationType'/);
  const log = await invoke(gateway, INVOKE, { 'x-amz-log-type': 'All' });
  assert.deepEqual([log.status, log.header('x-amzn-errortype')], [400, 'ValidationException']);
  assert.match(JSON.parse(log.bytes).message, /Value 'All' at 'logType' failed to satisfy constraint: Member must satisfy enum value set: \[None, Tail\]/);
  assert.equal(calls, 0);
  const event = await invoke(gateway, STREAM, { 'x-amz-invocation-type': 'Event' });
  assert.equal(event.status, 400);
});

test('ARN and version are those that were asked for; one that is not there is not found', async () => {
  const gateway = await serve(async (_event, context) => [context.invokedFunctionArn, context.functionVersion], { aliases: { live: '3', 3: '3' } });
  const cases = [
    [INVOKE, ARN, '$LATEST'],
    [`${INVOKE}?Qualifier=$LATEST`, `${ARN}:$LATEST`, '$LATEST'],
    ['/2015-03-31/functions/orders:live/invocations', `${ARN}:live`, '3'],
    [`/2015-03-31/functions/${encodeURIComponent(`${ARN}:3`)}/invocations`, `${ARN}:3`, '3'],
    ['/2015-03-31/functions/000000000000:function:orders/invocations', ARN, '$LATEST'],
  ];
  for (const [path, arn, version] of cases) {
    const reply = await invoke(gateway, path);
    assert.deepEqual(JSON.parse(reply.bytes), [arn, version], path);
    assert.equal(reply.header('x-amz-executed-version'), version, path);
    assert.equal(reply.header('x-amzn-requestid'), 'r-1');
  }
  const missing = await invoke(gateway, `${INVOKE}?Qualifier=7`);
  assert.deepEqual([missing.status, missing.header('x-amzn-errortype')], [404, 'ResourceNotFoundException']);
  assert.deepEqual(JSON.parse(missing.bytes), { Type: 'User', Message: `Function not found: ${ARN}:7` });
});

test('a payload that is no JSON, or no UTF-8, is refused', async () => {
  const gateway = await serve(async (event) => event);
  for (const body of ['{oops', Buffer.from([0x22, 0x87, 0x22])]) {
    const reply = await invoke(gateway, INVOKE, {}, body);
    assert.deepEqual([reply.status, reply.header('x-amzn-errortype')], [400, 'InvalidRequestContentException']);
    const { Type, message } = JSON.parse(reply.bytes);
    assert.equal(Type, 'User');
    assert.match(message, /^Could not parse request body into json: Could not parse payload into json: /);
  }
});

function tailOf(reply) {
  return Buffer.from(reply.header('x-amz-log-result'), 'base64').toString();
}

test('the log of an invocation comes with its answer when it is asked for', async () => {
  const gateway = await serve(async () => {
    console.log('order %d', 7, { a: 1 });
    console.warn('two\nlines');
    console.fatal('the end');
    process.stdout.write('bare\n');
    return 1;
  });
  assert.equal((await invoke(gateway)).header('x-amz-log-result'), null);
  const lines = tailOf(await invoke(gateway, INVOKE, { 'x-amz-log-type': 'Tail' })).split('\n');
  assert.equal(lines[0], 'START RequestId: r-1 Version: $LATEST');
  assert.match(lines[1], /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\tr-1\tINFO\torder 7 \{ a: 1 \}$/);
  assert.match(lines[2], /Z\tr-1\tWARN\ttwo$/);
  assert.equal(lines[3], 'lines');
  assert.match(lines[4], /Z\tr-1\tFATAL\tthe end$/);
  assert.equal(lines[5], 'bare');
  assert.equal(lines[6], 'END RequestId: r-1');
  assert.match(lines[7], new RegExp('^REPORT RequestId: r-1\\tDuration: \\d+\\.\\d\\d ms\\tBilled Duration: \\d+ ms\\t' +
    'Memory Size: \\d+ MB\\tMax Memory Used: \\d+ MB\\t$'));
});

test('the first invocation of an instance says how long its function took to load', async () => {
  const gateway = await serve(async () => 1);
  const report = async () => tailOf(await invoke(gateway, INVOKE, { 'x-amz-log-type': 'Tail' })).split('\n').find((line) => line.startsWith('REPORT'));
  const [, duration, billed, init] = /\tDuration: ([\d.]+) ms\tBilled Duration: (\d+) ms\t.*\tInit Duration: (\d+\.\d\d) ms\t$/.exec(await report());
  assert.ok(Number(billed) >= Number(duration) + Number(init) - 0.01);
  assert.doesNotMatch(await report(), /Init/);
});

test('the log is the last 4 KiB, and has the error of one that fails', async () => {
  const gateway = await serve(async () => {
    for (let i = 0; i < 500; i += 1) console.log(`line ${i} ü`);
    throw new Error('in the end');
  });
  const reply = await invoke(gateway, INVOKE, { 'x-amz-log-type': 'Tail' });
  assert.equal(reply.header('x-amz-function-error'), 'Unhandled');
  const tail = tailOf(reply);
  assert.ok(Buffer.byteLength(tail) <= 4096 + 3 && tail.includes('line 499') && !tail.includes('line 3 '));
  assert.match(tail, /\tr-1\tERROR\tInvoke Error \t\{"errorType":"Error","errorMessage":"in the end"/);
});

test('lines are JSON and levels are dropped where the function says so', async () => {
  const gateway = await serve(async () => {
    console.debug('not this');
    console.info({ order: 7 });
    console.log('two', 'values');
    console.error('failed:', new RangeError('far'));
    const circular = {};
    circular.self = circular;
    console.warn(circular);
    return 1;
  }, { env: { AWS_LAMBDA_LOG_FORMAT: 'JSON', AWS_LAMBDA_LOG_LEVEL: 'info' } });
  await invoke(gateway);
  const records = gateway.logs.map(({ text }) => JSON.parse(text));
  assert.deepEqual(records.map(({ level, requestId, message }) => [level, requestId, message]), [
    ['INFO', 'r-1', { order: 7 }], ['INFO', 'r-1', 'two values'], ['ERROR', 'r-1', records[2].message],
    ['WARN', 'r-1', '<ref *1> { self: [Circular *1] }'],
  ]);
  assert.deepEqual([records[2].errorType, records[2].errorMessage], ['RangeError', 'far']);
  assert.match(records[2].stackTrace[0], /^RangeError: far/);
});

test('what the console says by its other methods is a line like any, of their level', async () => {
  const gateway = await serve(async () => {
    console.count('cups');
    console.table([{ tea: 1 }]);
    console.assert(false, 'no sugar');
    return 1;
  }, { env: { AWS_LAMBDA_LOG_FORMAT: 'JSON', AWS_LAMBDA_LOG_LEVEL: 'info' } });
  await invoke(gateway);
  const records = gateway.logs.map(({ text }) => JSON.parse(text));
  assert.deepEqual(records.map(({ level, message }) => [level, message.split('\n').length, message.split('\n')[0].slice(0, 16)]), [
    ['INFO', 1, 'cups: 1'], ['INFO', 5, '┌─────────┬─────'], ['WARN', 1, 'Assertion failed'],
  ]);
});

test('a stream of events has what is written as it is written, then how it ended', async () => {
  let release;
  const gateway = await serve(thunk(() => ({
    handler: awslambda.streamifyResponse(async (_event, stream) => {
      stream.write('one');
      await new Promise((resolve) => { release = resolve; });
      stream.end('two');
    }),
  })));
  const reply = gateway.start(`POST ${STREAM}`, { body: '{}', headers: { 'x-amz-log-type': 'Tail' } });
  await reply.until((it) => it.bytes.length > 0);
  assert.deepEqual(eventsOf(reply.bytes).map(({ payload }) => payload), ['one']);
  release();
  await reply.done();
  assert.equal(reply.header('content-type'), 'application/vnd.amazon.eventstream');
  const events = eventsOf(reply.bytes);
  assert.deepEqual(events.map(({ headers }) => headers[':event-type']), ['PayloadChunk', 'PayloadChunk', 'InvokeComplete']);
  assert.equal(events[0].headers[':content-type'], 'application/octet-stream');
  assert.equal(events[2].headers[':message-type'], 'event');
  const { ErrorCode, LogResult } = JSON.parse(events[2].payload);
  assert.equal(ErrorCode, undefined);
  assert.match(Buffer.from(LogResult, 'base64').toString(), /^START/);
});

test('a stream of events tells of a failure before and after its first byte, and of a plain handler', async () => {
  const failing = (early) => thunk(() => ({
    handler: awslambda.streamifyResponse(async (_event, stream) => {
      if (!early) await new Promise((resolve) => { stream.write('part', resolve); });
      throw new RangeError('far');
    }),
  }));
  for (const early of [true, false]) {
    const reply = await invoke(await serve(failing(early)), STREAM);
    const events = eventsOf(reply.bytes);
    assert.equal(events.length, early ? 1 : 2);
    const { ErrorCode, ErrorDetails } = JSON.parse(events.at(-1).payload);
    assert.equal(ErrorCode, 'Unhandled');
    assert.equal(JSON.parse(ErrorDetails).errorType, 'RangeError');
  }
  const plain = await invoke(await serve(async () => ({ a: 1 })), STREAM);
  assert.deepEqual(eventsOf(plain.bytes).map(({ payload }) => payload), ['{"a":1}', '{}']);
});

test('an answer that is too large has no trace: Lambda finds it out', async () => {
  const gateway = await serve(async () => 'x'.repeat(6291555));
  assert.deepEqual(JSON.parse((await invoke(gateway)).bytes), {
    errorType: 'Function.ResponseSizeTooLarge',
    errorMessage: 'Response payload size exceeded maximum allowed payload size (6291556 bytes).',
  });
});
