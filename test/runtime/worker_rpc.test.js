'use strict';
/* Calls between workers: what is called, what crosses, and when it is let go. Expectations were measured under wrangler
 * dev 4.164; the other worker is a real instance behind a gateway in memory. */

const { test } = require('node:test');
const assert = require('node:assert/strict');
const http = require('node:http');
const { once } = require('node:events');
const { listenOnLoopback } = require('./real_listen');
const { byFetch, failureOf, serve } = require('./worker_serve');
const shim = require('../../runtime/js/shims/cloudflare-workers');

const PASSED_ON = ['x-mayfly-rpc', 'x-mayfly-entrypoint', 'x-mayfly-props'];

/* What the gateway does with a conversation: both ways at once. */
async function relay(callee, req, res) {
  const headers = Object.fromEntries(PASSED_ON.filter((name) => req.headers[name]).map((name) => [name, req.headers[name]]));
  const reply = callee.start('POST /', { headers, body: 'open' });
  const upwards = (async () => {
    for await (const chunk of req) await reply.send(chunk);
    reply.finish();
  })();
  await reply.until((it) => it.status !== 0 || it.complete);
  res.writeHead(reply.status || 500, { 'content-type': reply.header('content-type') ?? '' });
  for (let sent = 0; ;) {
    for (; sent < reply.chunks.length; sent += 1) res.write(reply.chunks[sent]);
    if (reply.complete) break;
    await reply.until((it) => it.chunks.length > sent || it.complete);
  }
  res.end();
  await upwards.catch(() => {}); /* the test is over */
}

const disposed = [];

class Counter extends shim.RpcTarget {
  #count = 0;
  own = 'kept for itself';

  increase(by = 1) {
    this.#count += by;
    return this.#count;
  }

  get count() {
    return this.#count;
  }

  child() {
    return new Counter();
  }

  [Symbol.dispose]() {
    disposed.push(this.#count);
  }
}

class Callee extends shim.WorkerEntrypoint {
  instance = 'kept for itself';

  add(a, b) {
    return { sum: a + b, who: this.ctx.props.who, when: new Date(0) };
  }

  echo(value) {
    return value;
  }

  counter() {
    return new Counter();
  }

  adder() {
    return (n) => n + 10;
  }

  nested() {
    return { counter: new Counter(), say: () => 'hello', plain: 1 };
  }

  async call(fn) {
    return (await fn(5)) + 1;
  }

  async increaseTwice(counter) {
    return [await counter.increase(2), await counter.increase(3)];
  }

  stream() {
    return new Response('streamed').body;
  }

  async read(stream) {
    return new Response(stream).text();
  }

  response() {
    return new Response('a response', { status: 201, headers: { 'x-a': '1' } });
  }

  async request(request) {
    return [request.method, request.url, await request.text()];
  }

  get settings() {
    return { deep: { er: 3 } };
  }

  fail() {
    throw new RangeError('too far');
  }

  failPlainly() {
    throw 'text';
  }

  failWith(what) {
    class NotFound extends Error {
      name = 'NotFound';
      code = 404;
      details = { path: ['a'] };
      retry = () => {};
    }
    const looping = new TypeError('loops');
    looping.cause = looping;
    throw {
      own: new NotFound('no such thing', { cause: new RangeError('inner') }), looping, list: [1, { a: 2 }],
      abort: new DOMException('stopped', 'AbortError'), many: new AggregateError([new TypeError('one')], 'many'),
    }[what];
  }

  unknown() {
    return new (class Unknown {})();
  }

  async askFor(worker) {
    return [await worker.echo('through'), await (await worker.fetch('http://it/')).text()];
  }

  fetch() {
    return new Response('fetched');
  }

  symbol() {
    return Symbol('s');
  }

  never() {
    return new Promise(() => {});
  }
}

/* Runs fn(env.SUMS) in a worker whose binding leads to Callee, through HTTP. */
async function calling(t, fn, exported = { default: {}, Callee }, settings = {}) {
  const callee = await serve(exported, { name: 'worker/callee', settings });
  const server = http.createServer((req, res) => relay(callee, req, res));
  listenOnLoopback(server);
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  process.env.MAYFLY_ORIGIN = `http://127.0.0.1:${server.address().port}`;
  process.env.MAYFLY_ORIGIN_TOKEN = 'secret-token';
  let result;
  const caller = await serve(byFetch(async (_request, env) => {
    result = await fn(env.THERE);
    return new Response('ok');
  }), { settings, bindings: { THERE: { type: 'service', service: 'callee', function: 'worker/callee', entrypoint: 'Callee', props: { who: 'me' } } } });
  const reply = await caller.request('GET /');
  await reply.done();
  for (const conversation of callee.replies.values()) await conversation.done();
  assert.equal(reply.failure, null);
  assert.deepEqual([caller.violations, callee.violations], [[], []]);
  return { result, callee };
}

const failing = async (fn) => {
  try {
    return await fn();
  } catch (error) {
    return `${error.name}: ${error.message}`;
  }
};

test('methods and getters of another worker', async (t) => {
  const missing = (name) => `TypeError: The RPC receiver does not implement the method "${name}".`;
  const { result } = await calling(t, async (there) => [
    await there.add(2, 3), await there.settings, await there.settings.deep.er, await Promise.all([1, 2].map((n) => there.echo(n))),
    await failing(() => there.nothing()), await failing(() => there.instance), await failing(() => there.env),
    await failing(() => there.settings()), await failing(() => there.scheduled()), await failing(() => there.echo(Symbol('x'))),
    typeof there, typeof there.add, String(there), JSON.stringify({ there }), typeof (await Promise.resolve(there)),
  ]);
  assert.deepEqual(result, [
    { sum: 5, who: 'me', when: new Date(0) }, { deep: { er: 3 } }, 3, [1, 2],
    missing('nothing'), missing('instance'), missing('env'), 'TypeError: "settings" is not a function.', missing('scheduled'),
    'DataCloneError: Symbol(x) could not be cloned.', 'object', 'function', '[object Fetcher]', '{"there":{}}', 'object',
  ]);
});

test('values are copied, with their references to each other', async (t) => {
  const circle = { list: [1, [2]], map: new Map([['k', new Set([1n])]]), bytes: new Uint8Array([1, 2]), nothing: undefined, error: new TypeError('t') };
  circle.self = circle;
  const { result } = await calling(t, async (there) => {
    const copy = await there.echo(circle);
    return [copy !== circle && copy.self === copy, copy.list, copy.map.get('k').has(1n), [...copy.bytes], 'nothing' in copy,
      copy.error instanceof TypeError, copy.bytes.buffer.byteLength];
  });
  assert.deepEqual(result, [true, [1, [2]], true, [1, 2], true, true, 2]);
});

test('errors keep their kind where both sides know it', async (t) => {
  const { result } = await calling(t, async (there) => {
    const error = await there.fail().catch((thrown) => thrown);
    const plain = await there.failPlainly().catch((thrown) => thrown);
    return [error instanceof RangeError, error.message, error.remote, Object.keys(error), String(plain),
      await failing(() => there.unknown()), await failing(() => there.symbol())];
  });
  assert.deepEqual(result, [true, 'too far', true, ['remote'], 'Error: text',
    'DataCloneError: Could not serialize object of type "Unknown". This type does not support serialization.',
    'DataCloneError: Symbol(s) could not be cloned.']);
});

test('errors keep their name and what they hold', async (t) => {
  const { result } = await calling(t, async (there) => {
    const found = {};
    for (const what of ['own', 'looping', 'list', 'abort', 'many']) {
      found[what] = await there.failWith(what).catch((thrown) => thrown);
    }
    const { own, looping, list, abort, many } = found;
    const copy = await there.echo({ error: Object.assign(new RangeError('r'), { code: 1 }) });
    return [String(own), own.constructor === Error, Object.keys(own), own.code, own.details, String(own.cause), own.cause instanceof RangeError,
      looping.cause === looping, list, abort instanceof DOMException, String(abort), abort.remote, many.errors.map(String), many instanceof AggregateError,
      copy.error instanceof RangeError, copy.error.code, copy.error.remote];
  });
  assert.deepEqual(result, ['NotFound: no such thing', true, ['name', 'code', 'details', 'remote'], 404, { path: ['a'] }, 'RangeError: inner', true,
    true, Object.assign([1, { a: 2 }], { remote: true }), true, 'AbortError: stopped', true, ['TypeError: one'], true, true, 1, undefined]);
});

test('before 2026-04-21 an error\'s name becomes a part of its message, and what it holds stays behind', async (t) => {
  const { result } = await calling(t, async (there) => {
    const own = await there.failWith('own').catch((thrown) => thrown);
    return [String(own), Object.keys(own), own.code];
  }, undefined, { compatibility_date: '2026-04-20' });
  assert.deepEqual(result, ['Error: NotFound: no such thing', ['remote'], undefined]);
});

test('what is no name of a method, what is too long, and what stubs say of themselves', async (t) => {
  const { result } = await calling(t, async (there) => {
    const counter = await there.counter();
    const plain = new shim.RpcStub({ a: 1, f: () => 2 });
    const call = there.add(1, 2);
    return [await failing(() => there.dup()), await failing(() => there.alarm()), (await failing(() => there.echo('x'.repeat(33 * 1024 * 1024)))).replace(/\d{8}/, 'N'),
      (await there.add(1, 1)).sum, String(counter), `${there.add}`, String(call), await call.then(() => 'over'), there.hasOwnProperty('add'), String(new Counter()), await plain.a, await plain.f(),
      await failing(() => new shim.RpcStub(3)), await failing(() => new shim.RpcPromise())];
  });
  const reserved = (name) => `TypeError: '${name}' is a reserved method and cannot be called over RPC.`;
  assert.deepEqual(result, [reserved('dup'), reserved('alarm'),
    'Error: Serialized RPC arguments or return values are limited to 32MiB, but the size of this value was: N bytes.', 2,
    '[object JsRpcStub]', '[object JsRpcProperty]', '[object JsRpcPromise]', 'over', false, '[object JsRpcTarget]', 1, 2,
    "TypeError: Failed to construct 'JsRpcStub': constructor parameter 1 is not of type 'Object'.", 'TypeError: Illegal constructor']);
});

test('objects and functions stay where they are, and are called there', async (t) => {
  disposed.length = 0;
  const { result } = await calling(t, async (there) => {
    const counter = await there.counter();
    const add = await there.adder();
    const nested = await there.nested();
    const found = [await counter.increase(), await counter.increase(5), await counter.count, await add(5),
      await nested.counter.increase(2), await nested.say(), nested.plain, typeof counter, await failing(() => counter.own),
      await there.counter().increase(7), await there.counter().child().increase(2), await there.adder()(1), await there.nested().plain];
    nested[Symbol.dispose]();
    const copy = counter.dup();
    counter[Symbol.dispose]();
    return [...found, await copy.increase(), await failing(() => counter.increase())];
  });
  assert.deepEqual(result, [1, 6, 6, 15, 2, 'hello', 1, 'function',
    'TypeError: The RPC receiver does not implement the method "own".', 7, 2, 11, 1, 7, 'Error: RPC stub used after being disposed.']);
  assert.deepEqual(disposed.sort(), [0, 0, 2, 2, 7, 7]);
});

test('what is given away is called back', async (t) => {
  class Local extends shim.RpcTarget {
    #sum = 0;

    increase(by) {
      this.#sum += by;
      return this.#sum;
    }
  }
  const { result } = await calling(t, async (there) => [
    await there.call((n) => n * 2), await failing(() => there.call(() => { throw new RangeError('called back'); })),
    await there.increaseTwice(new Local()), await there.increaseTwice({ increase: (n) => n * 10 }),
    await there.increaseTwice(await there.counter()), await (await there.echo((n) => n + 1))(1),
  ]);
  assert.deepEqual(result, [11, 'RangeError: called back', [2, 5], [20, 30], [2, 5], 2]);
});

test('streams, requests and responses cross', async (t) => {
  const { result } = await calling(t, async (there) => {
    const response = await there.response();
    return [await new Response(await there.stream()).text(), await there.read(new Response('x'.repeat(300_000)).body).then((text) => text.length),
      response instanceof Response, response.status, response.headers.get('x-a'), await response.text(),
      await there.request(new Request('http://q/', { method: 'PUT', body: 'sent' }))];
  });
  assert.deepEqual(result, ['streamed', 300_000, true, 201, '1', 'a response', ['PUT', 'http://q/', 'sent']]);
});

test('blobs cross, and files do not', async (t) => {
  const { result } = await calling(t, async (there) => {
    const one = await there.echo(new Blob(['hé'], { type: 'text/x' }));
    const many = await there.echo({ list: [new Blob(['a'])], map: new Map([['key', new Blob([])]]) });
    return [one instanceof Blob, one.type, await one.text(), await many.list[0].text(), many.map.get('key').size,
      await failing(() => there.echo(new File(['x'], 'name'))), await failing(() => there.echo([new Blob(['x']), Symbol('s')]))];
  });
  assert.deepEqual(result, [true, 'text/x', 'hé', 'a', 0,
    'DataCloneError: Could not serialize object of type "File". This type does not support serialization.',
    'DataCloneError: Symbol(s) could not be cloned.']);
});

test('a binding may be given to another worker, which asks by way of it', async (t) => {
  const { result } = await calling(t, (there) => there.askFor(there));
  assert.deepEqual(result, ['through', 'fetched']);
});

test('a conversation ends with the request that began it, whatever was kept', async (t) => {
  const { callee } = await calling(t, async (there) => {
    await there.counter(); /* never disposed */
    there.never().catch(() => {});
    return there.adder();
  });
  assert.equal(callee.replies.size, 3);
});

test('a worker that cannot be called says so', async (t) => {
  const { result } = await calling(t, (there) => failing(() => there.add(1, 2)), { default: {} });
  assert.equal(result, 'Error: The worker "callee" did not answer the call: status 500.');
});

class Taking extends shim.WorkerEntrypoint {
  async connect(socket) {
    const { localAddress } = await socket.opened;
    const writer = socket.writable.getWriter();
    await writer.write(new TextEncoder().encode(`${localAddress} ${this.ctx.props.who} `));
    for await (const chunk of socket.readable) {
      await writer.write(chunk.map((byte) => (byte === 97 ? 65 : byte)));
    }
    await writer.close();
  }
}

const readAll = async (stream) => Buffer.concat(await Array.fromAsync(stream)).toString();

test('a connection to another worker carries bytes both ways', async (t) => {
  const { result } = await calling(t, async (there) => {
    const socket = there.connect('example.com:1234');
    const { remoteAddress } = await socket.opened;
    const writer = socket.writable.getWriter();
    const read = readAll(socket.readable);
    await writer.write(new TextEncoder().encode('tea '));
    await writer.write(Buffer.alloc(300_000, 'a').buffer);
    await writer.close();
    const text = await read;
    await socket.closed;
    return [remoteAddress, text.slice(0, 30), text.length];
  }, { default: {}, Callee: Taking });
  assert.deepEqual(result, ['example.com:1234', 'example.com:1234 me teA AAAAAA', 300_024]);
});

test('a worker without a handler of connections refuses them, and one that throws breaks them off', async (t) => {
  const refused = async (there) => {
    const socket = there.connect({ hostname: 'localhost', port: 1 });
    return [await failing(() => socket.opened), await failing(() => socket.closed), await failing(() => readAll(socket.readable)),
      await failing(async () => there.connect('no address'))];
  };
  const { result } = await calling(t, refused);
  const text = 'Error: Handler does not export a connect() function.';
  assert.deepEqual(result, [text, text, text, 'TypeError: Specified address could not be parsed.']);

  class Throwing extends shim.WorkerEntrypoint {
    async connect(socket) {
      await socket.readable.getReader().read();
      throw new RangeError('not that');
    }
  }
  const broken = await calling(t, async (there) => {
    const socket = there.connect('localhost:1');
    await socket.writable.getWriter().write(new Uint8Array(1));
    return failing(() => readAll(socket.readable));
  }, { default: {}, Callee: Throwing });
  assert.equal(broken.result, 'RangeError: not that');
});

test('within a worker the same holds', async () => {
  const gateway = await serve({
    Callee,
    default: {
      async fetch(_request, env, ctx) {
        const { SELF } = env;
        const counter = await ctx.exports.Callee({ props: { who: 'exports' } }).counter();
        const own = new shim.RpcStub((n) => n + 1);
        return Response.json([
          await SELF.add(1, 2), await counter.increase(3), await SELF.call((n) => n), await failing(() => SELF.nothing()),
          await own(1), await failureOf(() => SELF.fetch()),
        ]);
      },
    },
  }, { bindings: { SELF: { type: 'service', service: 'main', function: 'worker/main', entrypoint: 'Callee', props: { who: 'self' } } } });
  assert.deepEqual(await (await gateway.request('GET /')).json(), [
    { sum: 3, who: 'self', when: '1970-01-01T00:00:00.000Z' }, 3, 6,
    'TypeError: The RPC receiver does not implement the method "nothing".', 2,
    "TypeError: Failed to execute 'fetch' on 'Fetcher': parameter 1 is not of type 'Request or string'.",
  ]);
});
