'use strict';
/* How a Response leaves, and how a request's body comes in. */

const test = require('node:test');
const assert = require('node:assert/strict');
const web = require('../../runtime/js/web');
const { serveWeb } = require('./web_serve');

web.install();

let gateway;
serveWeb((it) => { gateway = it; });

async function answer(handle, line = 'GET /', options) {
  gateway.app.handle = handle;
  const reply = gateway.start(line, options);
  return reply.until((it) => it.status !== 0 || it.complete);
}

test('a JSON answer leaves whole, with its type', async () => {
  const reply = await answer(() => Response.json({ hello: 'world' }));
  assert.deepEqual([reply.status, reply.headers, reply.whole, await reply.text()],
    [200, ['content-type', 'application/json'], true, '{"hello":"world"}']);
});

test('cookies stay apart on the wire', async () => {
  const reply = await answer(() => {
    const r = new Response('x');
    r.headers.append('set-cookie', 'a=1');
    r.headers.append('set-cookie', 'b=2');
    return r;
  });
  assert.deepEqual(reply.headerList('set-cookie'), ['a=1', 'b=2']);
});

/* Node.js's platforms have it so; Workers are in worker_headers.test.js. */
test('a header\'s value is a string of its bytes, and what is more than a byte is refused', async () => {
  const headers = { 'x-name': 'José' }; /* sent as UTF-8 by the test's client */
  const read = await answer((request) => new Response(request.headers.get('x-name')), 'GET /', { headers });
  assert.equal(await read.text(), 'JosÃ©');
  const passed = await answer((request) => new Response('x', { headers: request.headers }), 'GET /', { headers });
  assert.equal(passed.header('x-name'), 'JosÃ©');
  const made = await answer(() => new Response('x', { headers: { 'x-name': 'José' } }));
  assert.equal(made.header('x-name'), 'Jos\xe9');
  assert.throws(() => new Headers({ 'x-name': '日' }), /ByteString/);
});

for (const [name, handle] of Object.entries({
  'a control character in a header': () => new Response('x', { headers: { a: 'x\x01y' } }),
  'no Response': () => ({ status: 200 }),
  undefined: () => undefined,
  'Response.error()': () => Response.error(),
  'a Response read already': async () => {
    const r = new Response('x');
    await r.text();
    return r;
  },
  'a Response whose stream is locked': () => {
    const r = new Response('x');
    r.body.getReader();
    return r;
  },
  'a streamed Response read already': async () => {
    const r = new Response(new Blob(['x']).stream());
    await r.text();
    return r;
  },
})) {
  test(`${name} is an invalid answer`, async () => {
    const reply = await answer(handle);
    assert.equal(reply.failure?.kind, 'invalid');
    assert.equal(reply.failure.errorType, 'TypeError');
    assert.equal(reply.logs.filter(({ level }) => level === 3).length, 1);
  });
}

test('a Response whose stream was only looked at leaves whole', async () => {
  const reply = await answer(() => {
    const r = new Response('x');
    assert.ok(r.body);
    return r;
  });
  assert.equal(await reply.text(), 'x');
});

test('a Response made of another\'s body, to change its headers, leaves whole, too, and is that body to whoever reads it', async () => {
  let streamed = 0;
  const reply = await answer((request, exchange) => {
    const { head } = exchange;
    exchange.head = (...args) => { streamed += 1; return head.apply(exchange, args); };
    const first = Response.json({ a: 1 }, { status: 201 });
    const second = new Response(first.body, first);
    second.headers.set('x-b', '2');
    return new Response(second.body, second);
  });
  assert.deepEqual([await reply.text(), reply.status, reply.header('content-type'), reply.header('x-b'), streamed],
    ['{"a":1}', 201, 'application/json', '2', 0]);

  const pair = (body = 'text') => {
    const first = new Response(body);
    return [first, new Response(first.body)];
  };
  const [first, second] = pair();
  assert.deepEqual([second.body === first.body, first.bodyUsed, second.bodyUsed, second.headers.get('content-type')], [true, false, false, null]);
  assert.equal(await second.text(), 'text');
  assert.deepEqual([first.bodyUsed, second.bodyUsed], [true, true]);
  await assert.rejects(first.text(), TypeError);
  const [read, late] = pair(new Uint8Array([65]));
  assert.deepEqual([await read.text(), late.bodyUsed], ['A', true]);
  await assert.rejects(late.bytes(), TypeError);
  assert.throws(() => new Response(read.body), TypeError);
  const copy = pair()[1].clone();
  assert.equal(await copy.text(), 'text');
  assert.throws(() => new Response(pair()[0].body, { status: 204 }), TypeError);
});

test('a Response made of a body that was read since is no answer', async () => {
  const reply = await answer(async () => {
    const first = new Response('x');
    const second = new Response(first.body, first);
    await first.text();
    return second;
  });
  assert.equal(reply.failure.kind, 'invalid');
});

test('server-sent events leave one by one', async () => {
  let controller;
  const reply = await answer(() => new Response(new ReadableStream({ start(it) {
    controller = it;
  } }), { headers: { 'content-type': 'text/event-stream' } }));
  for (let i = 1; i <= 3; i++) {
    controller.enqueue(new TextEncoder().encode(`data: ${i}\n\n`));
    await reply.until((it) => it.chunks.length === i);
    assert.equal(reply.complete, false);
  }
  controller.close();
  assert.equal(await reply.text(), 'data: 1\n\ndata: 2\n\ndata: 3\n\n');
});

test('a slow client holds a stream up', async () => {
  let made = 0;
  gateway.app.handle = () => new Response(new ReadableStream({
    pull(controller) {
      made += 1;
      if (made > 64) controller.close();
      else controller.enqueue(new Uint8Array(64 * 1024));
    },
  }, { highWaterMark: 0 }));
  const reply = gateway.start('GET /');
  reply.pause();
  await reply.until((it) => it.window <= 0);
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  assert.ok(made <= 6, `made ${made} chunks for a window of four`);
  reply.resume();
  await reply.text();
  assert.equal(reply.bytes.length, 64 * 64 * 1024);
});

test('a client that leaves cancels the stream and aborts the signal', async () => {
  const cancelled = Promise.withResolvers();
  const aborted = Promise.withResolvers();
  const reply = await answer((request) => {
    request.signal.addEventListener('abort', () => aborted.resolve(request.signal.reason.name));
    return new Response(new ReadableStream({
      start: (controller) => controller.enqueue(new Uint8Array(1)),
      cancel: (reason) => cancelled.resolve(reason.name),
    }));
  });
  reply.cancel();
  assert.equal(await cancelled.promise, 'AbortError');
  assert.equal(await aborted.promise, 'AbortError');
});

test('a stream that fails breaks the answer off and is logged once', async () => {
  const reply = await answer(() => new Response(new ReadableStream({
    pull(controller) {
      controller.enqueue(new TextEncoder().encode('part'));
      controller.error(new Error('broken'));
    },
  }, { highWaterMark: 0 })));
  await reply.done();
  assert.deepEqual([reply.failure.kind, reply.failure.midway, reply.failure.errorMessage], ['throw', true, 'broken']);
  assert.equal(reply.logs.length, 1);
  assert.match(reply.logs[0].text, /Error: broken\n {4}at /);
});

test('HEAD cancels the stream', async () => {
  const cancelled = Promise.withResolvers();
  const reply = await answer(() => new Response(new ReadableStream({ cancel: () => cancelled.resolve() })), 'HEAD /');
  await cancelled.promise;
  assert.equal(await reply.text(), '');
});

test('a request body is read no faster than the handler reads it', async () => {
  const first = Promise.withResolvers();
  const go = Promise.withResolvers();
  let total = 0;
  gateway.app.handle = async (request) => {
    for await (const chunk of request.body) {
      total += chunk.length;
      first.resolve();
      await go.promise;
    }
    return new Response(String(total));
  };
  const reply = gateway.start('POST /', { body: 'open' });
  const sent = reply.send(Buffer.alloc(1024 * 1024)).then(() => reply.finish());
  await first.promise;
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  assert.ok(reply.bodyCredited <= 128 * 1024, `${reply.bodyCredited} bytes were asked for`);
  go.resolve();
  await sent;
  assert.equal(await reply.text(), String(1024 * 1024));
});

test('a client that leaves in the middle of its body fails the reading', async () => {
  const failed = Promise.withResolvers();
  gateway.app.handle = async (request) => {
    const result = await request.text().then((value) => ({ value }), ({ name, message }) => ({ error: name, message }));
    failed.resolve(result);
    return new Response('late');
  };
  const reply = gateway.start('POST /', { body: 'open' });
  await reply.send('half');
  reply.cancel();
  assert.equal((await failed.promise).error, 'AbortError');
});
