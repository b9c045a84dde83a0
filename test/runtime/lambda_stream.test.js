'use strict';

const { test } = require('node:test');
const assert = require('node:assert/strict');
const zlib = require('node:zlib');
const { pipeline } = require('node:stream/promises');
const { Readable } = require('node:stream');
const { thunk } = require('./mock_native');
const { invokeEndpoint, serve } = require('./lambda_serve');

test('a streamed answer has the head of its metadata and arrives as it is written', async () => {
  const gate = Promise.withResolvers();
  const gateway = await serve(thunk(() => ({
    handler: awslambda.streamifyResponse(async (_event, stream) => {
      const out = awslambda.HttpResponseStream.from(stream, {
        statusCode: 202, headers: { 'Content-Type': 'text/event-stream' }, cookies: ['a=1'],
      });
      out.write('one');
      await gate.promise;
      out.write(Buffer.from('two'));
      out.end('three');
    }),
  })));
  const reply = await gateway.request('GET /');
  assert.equal(reply.status, 202);
  assert.equal(reply.header('content-type'), 'text/event-stream');
  assert.deepEqual(reply.headerList('set-cookie'), ['a=1']);
  await reply.until((it) => it.bytes.toString() === 'one');
  assert.equal(reply.complete, false);
  gate.resolve();
  assert.equal(await reply.text(), 'onetwothree');
  await reply.done();
  assert.deepEqual(gateway.violations, []);
});

test('a stream without metadata has the content type that was set', async () => {
  const gateway = await serve(thunk(() => ({
    handler: awslambda.streamifyResponse(async (_event, stream) => {
      stream.setContentType('text/plain');
      stream.write({ a: 1 });
      assert.throws(() => stream.setContentType('x'), { name: 'Runtime.InvalidStreamingOperation' });
      stream.end();
    }),
  })));
  const reply = await gateway.request('GET /');
  assert.equal(reply.header('content-type'), 'text/plain');
  assert.equal(await reply.text(), '{"a":1}');
});

test('pipelines into the stream obey the reader', async () => {
  const total = 2 * 1024 * 1024;
  let produced = 0;
  function* source() {
    while (produced < total) {
      produced += 65536;
      yield Buffer.alloc(65536, 1);
    }
  }
  const gateway = await serve(thunk(() => ({
    handler: awslambda.streamifyResponse(async (_event, stream) => {
      await pipeline(Readable.from(source()), zlib.createGzip({ level: 0 }), stream);
    }),
  })));
  const reply = gateway.start('GET /');
  reply.pause();
  await reply.until((it) => it.window <= 0);
  assert.ok(produced < total);
  reply.resume();
  await reply.done();
  assert.equal(zlib.gunzipSync(reply.bytes).length, total);
});

test('a streaming handler that fails before or after its first byte', async () => {
  let when;
  const gateway = await serve(thunk(() => ({
    handler: awslambda.streamifyResponse(async (_event, stream) => {
      if (when === 'late') {
        stream.write('x');
        await new Promise(setImmediate);
      }
      throw new Error('broken');
    }),
  })));
  const early = await gateway.request('GET /');
  assert.equal(early.status, 0);
  assert.equal(early.failure.errorMessage, 'broken');
  when = 'late';
  const late = await (await gateway.request('GET /')).until((it) => it.complete);
  assert.equal(late.status, 200);
  assert.equal(late.failure.midway, true);
  assert.deepEqual(gateway.violations, []);
});

test('a streaming handler must be async, unless it has said everything', async () => {
  const sync = await serve(thunk(() => ({
    handler: awslambda.streamifyResponse((_event, stream) => { stream.write('x'); }),
  })), invokeEndpoint);
  const value = await (await sync.request('POST /', { body: '{}' })).json();
  assert.deepEqual([value.errorType, value.errorMessage], ['string', 'Streaming does not support non-async handlers.']);

  const done = await serve(thunk(() => ({
    handler: awslambda.streamifyResponse((_event, stream) => { stream.end('x'); }),
  })), invokeEndpoint);
  assert.equal(await (await done.request('POST /', { body: '{}' })).text(), 'x');
});

test('the Invoke API gets the bytes of a stream', async () => {
  const gateway = await serve(thunk(() => ({
    handler: awslambda.streamifyResponse(async (event, stream) => { stream.end(`got ${event.n}`); }),
  })), invokeEndpoint);
  const reply = await gateway.request('POST /', { body: '{"n":1}' });
  assert.equal(await reply.text(), 'got 1');
});

test('metadata that is no JSON object fails the request', async () => {
  const gateway = await serve(thunk(() => ({
    handler: awslambda.streamifyResponse(async (_event, stream) => {
      stream.setContentType('application/vnd.awslambda.http-integration-response');
      stream.end('{"statusCode":200}');
    }),
  })));
  assert.match((await gateway.request('GET /')).failure.errorMessage, /inside its metadata/);
});
