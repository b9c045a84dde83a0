'use strict';
/* What Workers say and refuse, as wrangler dev 4.164 does: texts were measured there. */

const { once } = require('node:events');
const http = require('node:http');
const { test } = require('node:test');
const assert = require('node:assert/strict');
const { byFetch, byPath, failureOf, serve } = require('./worker_serve');
const { thunk } = require('./mock_native');
const { listenOnLoopback } = require('./real_listen');

const U = 'https://example.com/';
const bytes = (text) => new TextEncoder().encode(text);
const used = 'TypeError: Body has already been used. It can only be used once. Use tee() first if you need to read it twice.';
const immutable = "TypeError: Can't modify immutable headers.";

/* Runs fn inside a worker and returns what it gives. */
async function inside(fn, options) {
  let result;
  const gateway = await serve(byFetch(async (request, env, ctx) => {
    result = await fn(request, env, ctx);
    return new Response('ok');
  }), options);
  const reply = await gateway.request('GET /');
  assert.equal(reply.failure, null);
  return result;
}

const fails = (cases) => inside(async (...args) => {
  const found = {};
  for (const [name, fn] of Object.entries(cases)) {
    found[name] = await failureOf(() => fn(...args));
  }
  return found;
});

test('headers are refused in the words of Workers', async () => {
  assert.deepEqual(await fails({
    name: () => new Headers({ 'a b': '1' }),
    setName: () => new Headers().set('a:', '1'),
    value: () => new Headers({ a: 'x\ny' }),
    count: () => new Headers().set('a'),
    pairs: () => new Headers([['a']]),
    incoming: (request) => request.headers.set('a', '1'),
    clone: (request) => request.clone().headers.set('a', '1'),
    redirect: () => Response.redirect(U).headers.set('a', '1'),
    call: () => Headers({}),
  }), {
    name: 'TypeError: Invalid header name.',
    setName: 'TypeError: Invalid header name.',
    value: 'TypeError: Invalid header value.',
    count: "TypeError: Failed to execute 'set' on 'Headers': parameter 2 is not of type 'string'.",
    pairs: 'TypeError: To initialize a Headers object from a sequence, each inner sequence must have exactly two elements.',
    incoming: immutable,
    clone: immutable,
    redirect: immutable,
    call: "TypeError: Failed to construct 'Headers': Please use the 'new' operator, this object constructor cannot be called as a function.",
  });
});

test('bodies are used once, and are what their type says', async () => {
  const twice = async (response) => {
    await response.text();
    return response.text();
  };
  assert.deepEqual(await fails({
    twice: () => twice(new Response('x')),
    request: () => twice(new Request(U, { method: 'POST', body: 'x' })),
    locked: () => {
      const response = new Response('x');
      response.body.getReader();
      return response.text();
    },
    form: () => new Response('a').formData(),
    formType: () => new Response(bytes('a')).formData(),
    boundary: () => new Response('a', { headers: { 'content-type': 'multipart/form-data' } }).formData(),
    get: () => new Request(U, { body: 'x' }),
    url: () => new Request(undefined),
    chunk: () => new Response(new ReadableStream({ start(c) { c.enqueue(5); c.close(); } })).text(),
    empty: () => new Response(null).text().then(() => new Response('').text()),
  }), {
    twice: used,
    request: used,
    locked: 'TypeError: This ReadableStream is currently locked to a reader.',
    form: 'TypeError: Unrecognized Content-Type header value. FormData can only parse the following MIME types: multipart/form-data, application/x-www-form-urlencoded',
    formType: 'TypeError: Parsing a Body as FormData requires a Content-Type header.',
    boundary: "TypeError: No boundary string in Content-Type header. The multipart/form-data MIME type requires a boundary parameter, e.g. 'Content-Type: multipart/form-data; boundary=\"abcd\"'. See RFC 7578, section 4.",
    get: 'TypeError: Request with a GET or HEAD method cannot have a body.',
    url: 'TypeError: Invalid URL: undefined',
    chunk: 'TypeError: This ReadableStream did not return bytes.',
    empty: 'nothing',
  });
});

test('responses are checked', async () => {
  const range = 'RangeError: Responses may only be constructed with status codes in the range 200 to 599, inclusive.';
  assert.deepEqual(await fails({
    low: () => new Response(null, { status: 101 }),
    none: () => new Response(null, { status: null }),
    init: () => new Response('x', 201),
    json: () => Response.json(),
    json204: () => Response.json({}, { status: 204 }),
    redirect: () => Response.redirect(U, 200),
    relative: () => Response.redirect('/x'),
    encode: () => new Response('x', { encodeBody: 'x' }),
    integrity: () => new Request(U, { integrity: 'sha' }),
    cf: () => new Request(U, { cf: 5 }),
    socket: () => new Response(null, { status: 101, webSocket: {} }),
  }), {
    low: range,
    none: range,
    init: "TypeError: Failed to construct 'Response': constructor parameter 2 is not of type 'InitializerDict or Response'.",
    json: "TypeError: Failed to execute 'json' on 'Response': parameter 1 is not of type 'Value'.",
    json204: 'TypeError: Response with null body status (101, 204, 205, or 304) cannot have a body.',
    redirect: 'RangeError: 200 is not a redirect status code. It must be one of: 301, 302, 303, 307, or 308.',
    relative: 'TypeError: Unable to parse URL: /x',
    encode: 'TypeError: encodeBody: unexpected value: x',
    integrity: 'TypeError: Subrequest integrity checking is not implemented. The integrity option must be either undefined or an empty string.',
    cf: "TypeError: Incorrect type for the 'cf' field on 'RequestInitializerDict': the provided value is not of type 'Object'.",
    socket: "TypeError: Incorrect type for the 'webSocket' field on 'InitializerDict': the provided value is not of type 'WebSocket'.",
  });
});

test('a request knows nothing of browsers, and its cf cannot be changed', async () => {
  const known = await inside((request) => [
    ['mode', 'credentials', 'referrer', 'destination'].filter((name) => name in request),
    Object.isFrozen(request.cf), Object.isFrozen(request.cf.botManagement), request.cf.tlsVersion,
    new Response('x', { cf: { a: 1 } }).cf, request.clone().redirect, new Request(request).redirect,
  ]);
  assert.deepEqual(known, [[], true, true, 'TLSv1.3', { a: 1 }, 'manual', 'manual']);
});

test('a request may be the init of another, with its body', async () => {
  const gateway = await byPath({
    incoming: async (request) => {
      const copy = new Request('https://b.example/x', request);
      return Response.json([copy.url, copy.method, copy.headers.get('x-a'), copy.redirect, await copy.text()]);
    },
    made: async () => {
      const copy = new Request('https://b.example/x', new Request(U, { method: 'PUT', body: 'made', headers: { 'x-a': '2' } }));
      return Response.json([copy.url, copy.method, copy.headers.get('x-a'), copy.redirect, await copy.text()]);
    },
  });
  const ask = async (line, options) => (await gateway.request(line, options)).json();
  assert.deepEqual(await ask('POST /incoming', { body: 'sent', headers: { 'x-a': '1' } }), ['https://b.example/x', 'POST', '1', 'manual', 'sent']);
  assert.deepEqual(await ask('GET /made'), ['https://b.example/x', 'PUT', '2', 'follow', 'made']);
});

test('what fails beside the handler is logged and fails no request', async () => {
  const gateway = await byPath({ wait: () => new Promise((resolve) => setTimeout(resolve, 10, new Response('answered'))) });
  const reply = gateway.start('GET /wait');
  await new Promise(setImmediate);
  /* A program that listens itself would be left alone: the other instances of this file seem to. */
  const others = process.rawListeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  gateway.instance.uncaught(new Error('from a timer'), 'uncaughtException'); /* e2e: how it gets there */
  others.forEach((other) => process.on('uncaughtException', other));
  assert.equal(await reply.text(), 'answered');
  assert.equal(reply.failure, null);
  assert.ok(gateway.logs.some(({ level, text }) => level === 3 && text.includes('from a timer')));
});

test('a timer is something to wait for, though the loop does not know of it', async () => {
  const gateway = await byPath({
    later: () => new Promise((resolve) => setTimeout(() => resolve(new Response('later')), 400)),
  });
  require('../../runtime/js/dialects/worker/hung').start({ loopAlive: () => false });
  assert.equal(await (await gateway.request('GET /later')).text(), 'later');
});

test('a handler that can never answer is told so, one that waits for something is not', async () => {
  let isBusy = false;
  let checks = Promise.withResolvers();
  let count = 0;
  const loopAlive = () => {
    count += 1;
    if (count % 3 === 0) checks.resolve();
    return isBusy;
  };
  const gateway = await byPath({
    never: () => new Promise(() => {}),
    body: async (request) => new Response(await request.text()),
    quick: () => new Response('quick'),
  });
  require('../../runtime/js/dialects/worker/hung').start({ loopAlive }, () => false);
  const body = gateway.start('POST /body', { body: 'open' });
  const { failure } = await gateway.start('GET /never').until((it) => it.complete);
  assert.match(failure.errorMessage, /^The Workers runtime canceled this request because it detected that your Worker's code had hung/);
  assert.deepEqual(failure.trace.length, 1);
  await body.send('still sent');
  body.finish();
  assert.equal(await body.text(), 'still sent');
  isBusy = true;
  const waits = gateway.start('GET /never');
  count = 0;
  checks = Promise.withResolvers();
  await checks.promise; /* more than it takes to tell */
  assert.equal(waits.complete, false);
  isBusy = false;
  await waits.until((it) => it.complete);
  assert.equal(await gateway.start('GET /quick').text(), 'quick');
});

test('what is thrown and is no error is one in the answer', async () => {
  const gateway = await byPath({
    text: () => { throw 'plain'; },
    nothing: () => { throw null; },
    response: () => { throw new Response('x'); },
  });
  const told = async (name) => (await gateway.request(`GET /${name}`)).failure.trace;
  assert.deepEqual(await told('text'), ['Error: plain']);
  assert.deepEqual(await told('nothing'), ['Error: null']);
  assert.deepEqual(await told('response'), ['Error: [object Response]']);
});

test('lengths are measured, not believed', async () => {
  const gateway = await byPath({
    wrong: () => new Response('hello', { headers: { 'content-length': '3' } }),
    buffer: () => new Response(new ArrayBuffer(3)),
    blob: () => new Response(new Blob(['ab'])),
    query: () => new Response(new URLSearchParams('a=1')),
    fixed: () => {
      const { readable, writable } = new FixedLengthStream(2);
      new Response('hi').body.pipeTo(writable);
      return new Response(readable);
    },
    stream: () => new Response(new ReadableStream({ start(c) { c.enqueue(bytes('abc')); c.close(); } }), { headers: { 'content-length': '9' } }),
  });
  const lengthOf = async (name) => {
    const reply = await gateway.request(`GET /${name}`);
    await reply.text();
    return [reply.header('content-length'), reply.whole === true];
  };
  assert.deepEqual(await lengthOf('wrong'), [null, true]); /* the gateway counts */
  assert.deepEqual(await lengthOf('buffer'), [null, true]);
  assert.deepEqual(await lengthOf('blob'), ['2', false]);
  assert.deepEqual(await lengthOf('query'), ['3', false]);
  assert.deepEqual(await lengthOf('fixed'), ['2', false]);
  assert.deepEqual(await lengthOf('stream'), [null, false]);
});

test('a stream that fails before its first byte fails the answer', async () => {
  const gateway = await byPath({
    start: () => new Response(new ReadableStream({ start(c) { c.error(new Error('early')); } })),
    pull: () => new Response(new ReadableStream({ pull() { throw new Error('pulled'); } })),
    later: () => new Response(new ReadableStream({
      start(c) {
        c.enqueue(bytes('a'));
        setTimeout(() => c.error(new Error('late')), 5);
      },
    })),
  });
  assert.deepEqual(await gateway.request('GET /start').then(({ status, failure }) => [status, failure.errorMessage]), [0, 'early']);
  assert.deepEqual(await gateway.request('GET /pull').then(({ status, failure }) => [status, failure.errorMessage]), [0, 'pulled']);
  const later = await gateway.request('GET /later').then((reply) => reply.until((it) => it.complete));
  assert.deepEqual([later.status, later.failure.midway, later.bytes.toString()], [200, true, 'a']);
});

test('HEAD of a stream tells no length that is not known', async () => {
  const gateway = await byPath({
    stream: () => new Response(new ReadableStream({ start(c) { c.close(); } })),
    told: () => new Response(new ReadableStream(), { headers: { 'content-length': '7' } }),
  });
  const head = async (name) => {
    const reply = await (await gateway.request(`HEAD /${name}`)).done();
    return [reply.header('content-length'), reply.whole === true, reply.bytes.length];
  };
  assert.deepEqual(await head('stream'), [null, false, 0]);
  assert.deepEqual(await head('told'), ['7', false, 0]);
});

test('streams of bytes pass what is written when it is asked for', async () => {
  const found = await inside(async () => {
    const { readable, writable } = new IdentityTransformStream();
    const writer = writable.getWriter();
    let isWritten = false;
    writer.write(bytes('hello')).then(() => { isWritten = true; });
    await scheduler.wait(2);
    const before = isWritten;
    const reader = readable.getReader({ mode: 'byob' });
    const first = await reader.read(new Uint8Array(2));
    const rest = await reader.readAtLeast(2, new Uint8Array(9));
    const refused = await failureOf(() => new FixedLengthStream('x'));
    const wrong = new IdentityTransformStream();
    wrong.readable.getReader().read().catch(() => {});
    return [before, isWritten, Buffer.from(first.value).toString(), Buffer.from(rest.value).toString(), refused,
      await failureOf(() => wrong.writable.getWriter().write(5)), await failureOf(() => new CompressionStream('x'))];
  });
  assert.deepEqual(found, [false, true, 'he', 'llo', 'TypeError: The value cannot be converted because it is not an integer.',
    'TypeError: This TransformStream is being used as a byte stream, but received an object of non-ArrayBuffer/ArrayBufferView type on its writable side.',
    "TypeError: The compression format must be either 'deflate', 'deflate-raw' or 'gzip'."]);
});

test('what belongs to a request is refused while the module loads', async () => {
  const found = {};
  const gateway = await serve(thunk(async () => {
    const refused = {
      timer: () => setTimeout(() => {}, 1), random: () => crypto.getRandomValues(new Uint8Array(1)),
      uuid: () => crypto.randomUUID(), fetch: () => fetch(U), cache: () => caches.default.match(U),
      wait: () => scheduler.wait(1), timeout: () => AbortSignal.timeout(1),
    };
    for (const [name, fn] of Object.entries(refused)) {
      found[name] = (await failureOf(fn)).slice(0, 61);
    }
    found.allowed = await failureOf(() => [new Response('x'), new Request(U), new AbortController(), Math.random()]);
    const { setTimeout: kept } = globalThis;
    return byFetch(() => new Promise((resolve) => kept(resolve, 1, new Response(crypto.randomUUID().slice(14, 15)))));
  }));
  const disallowed = 'Error: Disallowed operation called within global scope. Asynch';
  assert.deepEqual(found, {
    ...Object.fromEntries(['timer', 'random', 'uuid', 'fetch', 'cache', 'wait', 'timeout'].map((name) => [name, disallowed.slice(0, 61)])),
    allowed: 'nothing',
  });
  assert.equal(await (await gateway.request('GET /')).text(), '4');
});

test('process.env has the worker\'s variables and nothing of the machine', async () => {
  process.env.PATH ??= '/bin';
  process.env.HOME ??= '/tmp';
  const path = process.env.PATH;
  assert.deepEqual(await inside(() => ['PATH', 'HOME'].filter((name) => name in process.env)), []);
  process.env.PATH = path;
});

test('cached responses are the cache\'s, whole with their date and length', async () => {
  const cases = await inside(async () => {
    const cache = caches.default;
    const headers = { 'cache-control': 'max-age=60' };
    await cache.put(U, new Response('hi', { headers }));
    await cache.put(new Request(`${U}private`, { headers: { authorization: 'x' } }), new Response('hi', { headers }));
    const found = await cache.match(U);
    return [found.headers.get('content-length'), Number.isNaN(Date.parse(found.headers.get('date'))),
      await failureOf(() => found.headers.set('a', '1')), new Response(found.body, found).headers.get('cf-cache-status'),
      await cache.match(`${U}private`), await failureOf(() => cache.match(U, { ignoreSearch: true })),
      await failureOf(() => cache.match('/x')), await failureOf(() => cache.put(U)), await failureOf(() => caches.open()),
      await failureOf(() => new Cache()), String(caches), typeof cache.keys];
  });
  assert.deepEqual(cases, ['2', false, immutable, 'HIT', undefined,
    "Error: The 'ignoreSearch' field on 'CacheQueryOptions' is not implemented.", 'TypeError: Invalid URL: /x',
    "TypeError: Failed to execute 'put' on 'Cache': parameter 2 is not of type 'Response'.",
    "TypeError: Failed to execute 'open' on 'CacheStorage': parameter 1 is not of type 'string'.",
    'TypeError: Illegal constructor', '[object CacheStorage]', 'function']);
});

test('crypto digests streams and MD5, and refuses what it does not know', async () => {
  const found = await inside(async () => [
    Buffer.from(await crypto.subtle.digest('MD5', bytes('x'))).toString('hex'),
    await failureOf(() => crypto.subtle.digest('nope', bytes('x'))),
    await failureOf(() => crypto.subtle.timingSafeEqual('a', 'b')),
    await failureOf(() => new crypto.DigestStream('nope')),
  ]);
  const unknown = 'NotSupportedError: Unrecognized or unimplemented digest algorithm requested.';
  assert.deepEqual(found, ['9dd4e461268c8034f5c8564e155c67a6', unknown,
    "TypeError: Failed to execute 'timingSafeEqual' on 'SubtleCrypto': parameter 1 is not of type 'BufferSource'.", unknown]);
});

test('fetch says what Workers say', async () => {
  assert.deepEqual(await fails({
    none: () => fetch(),
    refused: () => fetch('http://127.0.0.1:1/'),
    wait: (_request, _env, ctx) => ctx.waitUntil(),
    detached: (_request, _env, { waitUntil }) => waitUntil(Promise.resolve()),
  }), {
    none: "TypeError: Failed to execute 'fetch' on 'ServiceWorkerGlobalScope': parameter 1 is not of type 'Request or string'.",
    refused: 'Error: Network connection lost.',
    wait: "TypeError: Failed to execute 'waitUntil' on 'ExecutionContext': parameter 1 is not of type 'Promise'.",
    detached: 'TypeError: Illegal invocation: function called with incorrect `this` reference. See https://developers.cloudflare.com/workers/observability/errors/#illegal-invocation-errors for details.',
  });
});

test('a binding of a kind that is not offered says so when it is used', async () => {
  const bindings = { DB: { type: 'missing', kind: 'D1 database', key: 'd1_databases' } };
  const found = await inside(async (_request, env) => {
    const { DB } = await Promise.resolve(env);
    return ['DB' in env, await Promise.resolve(DB) === DB, await failureOf(() => DB.prepare('select 1')), await failureOf(() => DB())];
  }, { bindings });
  const told = "Error: env.DB is a binding of a kind that Mayfly does not offer yet: D1 database (d1_databases in the worker's " +
    'wrangler configuration). Until it does, keep such data behind a service that the worker fetches.';
  assert.deepEqual(found, [true, true, told, told]);
});

test('code from text is made while the module loads and not afterwards', async () => {
  const DISALLOWED = 'EvalError: Code generation from strings disallowed for this context';
  let early;
  let found;
  const gateway = await serve(thunk(() => {
    early = [new Function('return 1')(), (0, eval)('2')];
    return byFetch(async () => {
      found = await Promise.all([
        () => new Function('return 1'), () => Function('return 1'), () => (0, eval)('1'), () => (async () => {}).constructor('1'),
      ].map(failureOf));
      return new Response((() => {}) instanceof Function && (0, eval)(5) === 5 ? 'still functions' : 'no');
    });
  }));
  assert.equal(await (await gateway.request('GET /')).text(), 'still functions');
  assert.deepEqual(early, [1, 2]);
  assert.deepEqual(found, Array(4).fill(DISALLOWED));
});

test('a context says what it is, and may end its invocation', async () => {
  let caught = 'nothing';
  const gateway = await byPath({
    look: (request, env, ctx) => Response.json([String(ctx), Object.keys(ctx), JSON.stringify(ctx)]),
    abort: (request, env, ctx) => {
      try {
        ctx.abort(new Error('enough'));
      } catch (error) {
        caught = error.message;
      }
      return new Response('went on');
    },
  });
  assert.deepEqual(await (await gateway.request('GET /look')).json(),
    ['[object ExecutionContext]', ['tracing', 'access', 'cache', 'props', 'exports'], '{"tracing":{},"props":{},"exports":{}}']);
  assert.deepEqual([(await gateway.request('GET /abort')).failure.errorMessage, caught], ['enough', 'enough']);
});

test('TCP connections are refused and fail in the words of Workers', async () => {
  const { connect } = require('../../runtime/js/shims/cloudflare-sockets');
  assert.deepEqual(await fails({
    address: () => connect('nope'),
    transport: () => connect('127.0.0.1:1', { secureTransport: 'x' }),
    opened: () => connect('127.0.0.1:1').opened,
    closed: () => connect('127.0.0.1:1').closed,
  }), {
    address: 'TypeError: Specified address is missing port.',
    transport: 'TypeError: Unsupported value in secureTransport socket option: x',
    opened: 'Error: proxy request failed, cannot connect to the specified address',
    closed: 'Error: proxy request failed, cannot connect to the specified address',
  });
});

test('a version tells its id and when it came', async () => {
  const version = await inside((request, env) => env.VERSION, { bindings: { VERSION: { type: 'version' } }, hash: 'abc' });
  assert.match(version.id, /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  assert.equal(version.tag, '');
  assert.equal(new Date(version.timestamp).toISOString(), version.timestamp);
});

test('a data set takes what is written to it', async () => {
  const taken = await inside((request, env) => [env.VISITS.writeDataPoint({ blobs: ['/'], doubles: [1], indexes: ['a'] })], { bindings: { VISITS: { type: 'dataset' } } });
  assert.deepEqual(taken, [undefined]);
});

test('what only some requests, sockets and events have', async () => {
  assert.deepEqual(await fails({
    upgrade: () => new Response('body', { status: 101, webSocket: new WebSocketPair()[0] }),
    connect: () => new Request(U, { method: 'CONNECT' }),
    wait: () => scheduler.wait(60_000, { signal: AbortSignal.abort(new TypeError('mine')) }),
  }), {
    upgrade: 'TypeError: Response with null body status (101, 204, 205, or 304) cannot have a body.',
    connect: 'TypeError: Invalid HTTP method string: CONNECT',
    wait: 'TypeError: mine',
  });
  assert.deepEqual(await inside((request) => [request.cache, new Request(U, { cache: 'no-store' }).cache, request.fetcher]),
    [undefined, 'no-store', null]);
  assert.equal(await inside(() => new PromiseRejectionEvent('unhandledrejection', { reason: 5 }).reason), 5);
});

test('what can be iterated is a stream of its parts, as Astro answers; before 2026-02-19 it was its text', async () => {
  async function* parts() {
    yield 'a';
    yield new Uint8Array([98]);
  }
  const handlers = {
    generator: () => new Response(parts()),
    list: () => new Response(['a', 'b']),
    upload: async () => new Response(await new Request('http://a', { method: 'POST', body: parts() }).text()),
    text: () => new Response(new String('text')),
    number: () => new Response(12),
    form: () => new Response(new URLSearchParams('a=b')),
    wrong: async () => new Response(await failureOf(() => new Response([1]).text())),
    symbol: async () => new Response(await failureOf(() => new Response(Symbol('x')))),
  };
  const answers = async (settings) => {
    const gateway = await byPath(handlers, { settings });
    return Object.fromEntries(await Promise.all(Object.keys(handlers).map(async (path) => (
      [path, await (await gateway.request(`GET /${path}`)).text()]))));
  };
  assert.deepEqual(await answers({ compatibility_date: '2026-02-19' }), {
    generator: 'ab', list: 'ab', upload: 'ab', text: 'text', number: '12', form: 'a=b',
    wrong: 'TypeError: This ReadableStream did not return bytes.', symbol: 'TypeError: Cannot convert a Symbol value to a string',
  });
  const before = await answers({ compatibility_date: '2026-02-18' });
  assert.deepEqual([before.generator, before.list, before.number], ['[object AsyncGenerator]', 'a,b', '12']);
  const flagged = await answers({ compatibility_date: '2025-01-01', compatibility_flags: ['fetch_iterable_type_support'] });
  assert.equal(flagged.generator, 'ab');
});

test('who deletes headers while iterating over them still meets all', async () => {
  const gateway = await byPath({ strip(request) {
    const headers = new Headers(request.headers);
    for (const [name] of headers) {
      if (name.startsWith('x-')) headers.delete(name);
    }
    const names = ['a', 'b', 'c'];
    const others = new Headers(names.map((name) => [name, '1']));
    others.forEach((_, name) => others.delete(name));
    assert.throws(() => others.forEach(null), TypeError);
    return Response.json([[...headers.keys()].filter((name) => name.startsWith('x-')), [...others], [...new Headers(headers)].length > 0]);
  } });
  const reply = await gateway.request('GET /strip', { headers: { 'x-a': '1', 'x-b': '2', 'x-c': '3' } });
  assert.deepEqual(await reply.json(), [[], [], true]);
});

test('lengths as text, undefined as JSON and the early name of Ed25519', async () => {
  const gateway = await byPath({
    length: () => {
      const { readable, writable } = new FixedLengthStream('3');
      const writer = writable.getWriter();
      writer.write(new TextEncoder().encode('abc'));
      writer.close();
      return new Response(readable);
    },
    json: () => Response.json(undefined, { status: 201 }),
    async keys() {
      const { publicKey, privateKey } = await crypto.subtle.generateKey(
        { name: 'NODE-ED25519', namedCurve: 'NODE-ED25519' }, true, ['sign', 'verify']);
      const message = new TextEncoder().encode('ping');
      const signature = await crypto.subtle.sign('NODE-ED25519', privateKey, message);
      const key = await crypto.subtle.importKey('raw', await crypto.subtle.exportKey('raw', publicKey),
        { name: 'NODE-ED25519', namedCurve: 'NODE-ED25519', public: true }, true, ['verify']);
      return Response.json(await crypto.subtle.verify('NODE-ED25519', key, signature, message));
    },
  });
  const length = await gateway.request('GET /length');
  assert.deepEqual([await length.text(), length.header('content-length')], ['abc', '3']);
  const json = await gateway.request('GET /json');
  assert.deepEqual([json.status, json.header('content-type'), await json.text()], [201, 'application/json', 'undefined']);
  assert.equal(await (await gateway.request('GET /keys')).json(), true);
});

test('fetch: redirects that lead nowhere, answers that break off, and a URL with a password', async (t) => {
  const server = http.createServer((request, response) => {
    if (request.url === '/loop') return response.writeHead(302, { location: '/loop' }).end();
    if (request.url === '/nowhere') return response.writeHead(302, { location: 'http://' }).end();
    if (request.url === '/cut') {
      response.writeHead(200, { 'content-length': '100' }).write('abc');
      return setTimeout(() => response.destroy(), 20);
    }
    return response.end(String(request.headers.authorization));
  });
  listenOnLoopback(server);
  await once(server, 'listening');
  t.after(() => server.close());
  const host = `127.0.0.1:${server.address().port}`;
  const gateway = await byPath({ async all() {
    const failures = await Promise.all(['loop', 'nowhere', 'cut'].map((path) => failureOf(async () => (await fetch(`http://${host}/${path}`)).text())));
    const texts = await Promise.all([fetch(`http://user:p%40@${host}/`), fetch(new Request(`http://user@${host}/`))].map(async (it) => (await it).text()));
    return Response.json([...failures, ...texts]);
  } });
  const reply = await gateway.request('GET /all');
  assert.equal(reply.failure, null);
  assert.deepEqual(await reply.json(), [
    'TypeError: Too many redirects.', 'TypeError: Invalid Location header; unable to follow redirect.',
    'Error: Network connection lost.', 'undefined', 'undefined',
  ]);
});
