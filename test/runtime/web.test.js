'use strict';
/* The fast Request, Response and Headers do what undici's do: each case runs with both and must give
 * the same value or the same error. */

const test = require('node:test');
const assert = require('node:assert/strict');
const { inspect } = require('node:util');
const http = require('node:http');
const zlib = require('node:zlib');
const web = require('../../runtime/js/web');
const { serveWeb } = require('./web_serve');

web.install();

const fast = { Request, Response, Headers };

/* What a case did, in a form that can be compared. */
async function outcome(fn) {
  try {
    return { value: await fn() };
  } catch (error) {
    return { error: error?.name, message: error?.message };
  }
}

function same(name, cases) {
  for (const [label, run] of Object.entries(cases)) {
    test(`${name}: ${label}`, async () => {
      const expected = await outcome(() => run(web.real));
      const actual = await outcome(() => run(fast));
      assert.deepEqual(actual, expected);
      assert.ok('error' in expected || expected.value !== undefined, 'the case says something');
    });
  }
}

const list = (headers) => [...headers];
const attempt = (fn) => {
  try {
    return fn() ?? 'nothing';
  } catch (error) {
    return `${error.name}: ${error.message}`;
  }
};

same('Headers', {
  'iterates sorted and lower-cased': ({ Headers: H }) => list(new H({ 'X-B': '2', accept: 'a', 'X-a': '1' })),
  'joins what is appended': ({ Headers: H }) => {
    const h = new H([['a', '1']]);
    h.append('A', '2');
    h.append('cookie', 'x=1');
    h.append('cookie', 'y=2');
    return [list(h), h.get('a'), h.get('Cookie')];
  },
  'keeps cookies apart': ({ Headers: H }) => {
    const h = new H([['set-cookie', 'a'], ['b', '1'], ['Set-Cookie', 'b']]);
    return [list(h), h.getSetCookie(), h.get('set-cookie')];
  },
  'set replaces every value': ({ Headers: H }) => {
    const h = new H([['a', '1'], ['b', '2'], ['a', '3']]);
    h.set('A', '4');
    h.set('set-cookie', 'x');
    h.append('set-cookie', 'y');
    h.set('Set-Cookie', 'z');
    return [list(h), h.getSetCookie()];
  },
  'delete and has': ({ Headers: H }) => {
    const h = new H({ a: '1', b: '2', 'set-cookie': 'c' });
    h.delete('A');
    h.delete('set-cookie');
    h.delete('never');
    return [h.has('a'), h.has('B'), h.get('a'), list(h), h.getSetCookie()];
  },
  'trims values': ({ Headers: H }) => list(new H([['a', ' \t x y \r\n'], ['b', '']])),
  'converts values': ({ Headers: H }) => list(new H({ a: 1, b: null, c: undefined, d: true, e: { toString: () => 'x' } })),
  'refuses a bad name': ({ Headers: H }) => new H({ 'a b': '1' }),
  'refuses an empty name': ({ Headers: H }) => new H([['', '1']]),
  'refuses a line break': ({ Headers: H }) => new H({ a: 'x\r\ny: z' }),
  'refuses a NUL': ({ Headers: H }) => new H({ a: 'x\0y' }),
  'refuses wide characters': ({ Headers: H }) => new H({ a: '\u20ac' }),
  'takes latin-1': ({ Headers: H }) => list(new H({ a: '\xe9' })),
  'allows control characters as undici does': ({ Headers: H }) => list(new H({ a: 'x\x01y' })),
  'refuses a bad pair': ({ Headers: H }) => new H([['a']]),
  'refuses null': ({ Headers: H }) => new H(null),
  'refuses text': ({ Headers: H }) => new H('a: b'),
  'takes an iterable': ({ Headers: H }) => list(new H(new Map([['a', '1'], ['B', '2']]))),
  'takes Headers of either kind': ({ Headers: H }) => [
    list(new H(new fast.Headers({ a: '1' }))), list(new H(new web.real.Headers([['set-cookie', '1'], ['set-cookie', '2']]))),
    list(new web.real.Headers(new H([['set-cookie', '1'], ['set-cookie', '2'], ['a', 'b']]))),
  ],
  'append needs two arguments': ({ Headers: H }) => new H().append('a'),
  'get needs an argument': ({ Headers: H }) => new H().get(),
  'get refuses a bad name': ({ Headers: H }) => new H().get('a b'),
  'has refuses a bad name': ({ Headers: H }) => new H().has(''),
  'delete refuses a bad name': ({ Headers: H }) => new H().delete('a b'),
  'set refuses a bad value': ({ Headers: H }) => new H().set('a', '\n\0'),
  'get converts the name': ({ Headers: H }) => [new H({ 1: 'x' }).get(1), new H({ null: 'x' }).get(null)],
  'keys, values, entries, forEach': ({ Headers: H }) => {
    const h = new H({ b: '2', a: '1' });
    const seen = [];
    h.forEach(function each(value, name, all) {
      seen.push([value, name, all === h, this.x]);
    }, { x: 1 });
    return [[...h.keys()], [...h.values()], [...h.entries()], seen];
  },
  'forEach needs a function': ({ Headers: H }) => new H().forEach('x'),
  'iterators are live': ({ Headers: H }) => {
    const h = new H({ a: '1', c: '3' });
    const seen = [];
    for (const [name] of h) {
      seen.push(name);
      if (name === 'a') h.set('b', '2');
      if (name === 'b') h.delete('c');
    }
    return seen;
  },
  'changing a pair that was given out changes nothing': ({ Headers: H }) => {
    const h = new H({ a: '1' });
    const [pair] = h;
    pair[1] = 'x';
    return list(h);
  },
  'looks like itself': ({ Headers: H }) => {
    const h = new H({ a: '1', 'set-cookie': 'x' });
    return [Object.prototype.toString.call(h), inspect(h), h.constructor === Headers, h instanceof Headers,
      Object.keys(h), JSON.stringify(h), Object.prototype.toString.call(h.keys()), String(h.keys()[Symbol.toStringTag])];
  },
  'members refuse other objects': () => [attempt(() => Headers.prototype.get.call({}, 'a')),
    attempt(() => Headers.prototype.get.call(new Response('x'), 'a'))],
  'needs new': ({ Headers: H }) => H(),
  'can be extended': ({ Headers: H }) => {
    class Mine extends H {
      shout(name) {
        return this.get(name).toUpperCase();
      }
    }
    const mine = new Mine({ a: 'b' });
    return [mine.shout('a'), mine instanceof Mine, mine instanceof H, list(mine)];
  },
});

const facts = (r) => [r.status, r.statusText, r.ok, r.type, r.url, r.redirected, r.bodyUsed, list(r.headers)];
const bodies = {
  text: 'h\u00e9llo \u20ac', empty: '', bom: '\ufeffx', surrogate: 'a\ud800b', bytes: new Uint8Array([1, 2, 255]),
  buffer: Buffer.from('hello'), array: new Uint8Array([104, 105]).buffer, view: new DataView(new ArrayBuffer(2)),
  floats: new Float32Array([1]), nothing: null, absent: undefined, number: 42, object: {},
  params: new URLSearchParams({ a: 'b c' }), blob: new Blob(['hi'], { type: 'text/x' }), json: '{"a":[1,2]}',
};

for (const [kind, body] of Object.entries(bodies)) {
  same(`Response of ${kind}`, {
    facts: ({ Response: R }) => facts(new R(body)),
    'facts with init': ({ Response: R }) => facts(new R(body, { status: 201, statusText: 'Made', headers: { 'X-A': '1' } })),
    'own content type': ({ Response: R }) => facts(new R(body, { headers: { 'Content-Type': 'a/b' } })),
    text: ({ Response: R }) => new R(body).text(),
    json: ({ Response: R }) => new R(body).json(),
    bytes: ({ Response: R }) => new R(body).bytes(),
    arrayBuffer: async ({ Response: R }) => {
      const buffer = await new R(body).arrayBuffer();
      return [buffer.constructor.name, [...new Uint8Array(buffer)]];
    },
    blob: async ({ Response: R }) => {
      const blob = await new R(body).blob();
      return [blob.type, blob.size, await blob.text()];
    },
    formData: async ({ Response: R }) => [...await new R(body).formData()],
    textStream: async ({ Response: R }) => (await Array.fromAsync(new R(body).textStream())).join(''),
    'the stream': async ({ Response: R }) => {
      const r = new R(body);
      if (!r.body) return [r.body, r.bodyUsed];
      const sizes = [r.body === r.body, r.body.locked, r.bodyUsed];
      const parts = await Array.fromAsync(r.body);
      return [...sizes, Buffer.concat(parts).toString('hex'), r.bodyUsed, await outcome(() => r.text())];
    },
    'read twice': async ({ Response: R }) => {
      const r = new R(body);
      await r.text();
      return [r.bodyUsed, await outcome(() => r.text()), await outcome(() => r.arrayBuffer()),
        await outcome(() => r.json()), await outcome(() => r.blob()), attempt(() => typeof r.clone()),
        r.body && r.body.locked];
    },
    clone: async ({ Response: R }) => {
      const r = new R(body, { status: 202, headers: { a: 'b' } });
      const c = r.clone();
      c.headers.set('only', 'clone');
      return [facts(r), facts(c), await r.text(), await c.text(), r.bodyUsed, c.bodyUsed];
    },
    'clone after the stream was seen': async ({ Response: R }) => {
      const r = new R(body, { status: 202 });
      void r.body;
      const c = r.clone();
      return [facts(c), await c.text(), await r.text()];
    },
    'a new one of its stream': async ({ Response: R }) => {
      const r = new R(body, { status: 203, headers: { a: 'b' } });
      const next = new R(r.body, r);
      return [facts(next), await next.text(), r.bodyUsed];
    },
  });
}

same('Response', {
  json: async ({ Response: R }) => [facts(R.json({ a: 1 })), await R.json({ a: 1 }).text(), await R.json([1]).json(),
    await R.json('\ud800').text(), await R.json(null).text()],
  'json with init': ({ Response: R }) => facts(R.json(1, { status: 418, headers: [['content-type', 'x/y'], ['a', 'b']] })),
  'json of undefined': ({ Response: R }) => R.json(undefined),
  'json of a function': ({ Response: R }) => R.json(() => {}),
  'json of a bigint': ({ Response: R }) => R.json(1n),
  'json of a cycle': ({ Response: R }) => {
    const a = {};
    a.a = a;
    try {
      return R.json(a);
    } catch (error) {
      return error.name;
    }
  },
  'json of nothing': ({ Response: R }) => R.json(),
  'json with 204': ({ Response: R }) => R.json(1, { status: 204 }),
  redirect: ({ Response: R }) => [facts(R.redirect('http://a/b c')), facts(R.redirect('http://a/', 308)),
    attempt(() => R.redirect('http://a/').headers.set('a', 'b'))],
  'redirect to nowhere': ({ Response: R }) => R.redirect('::'),
  'redirect with 200': ({ Response: R }) => R.redirect('http://a/', 200),
  error: ({ Response: R }) => [facts(R.error()), attempt(() => R.error().headers.append('a', 'b'))],
  'status 199': ({ Response: R }) => new R('', { status: 199 }),
  'status 600': ({ Response: R }) => new R('', { status: 600 }),
  'status 0': ({ Response: R }) => new R('', { status: 0 }),
  'status as text': ({ Response: R }) => facts(new R('', { status: '404' })),
  'status NaN': ({ Response: R }) => new R('', { status: NaN }),
  'status with a fraction': ({ Response: R }) => facts(new R('', { status: 200.7 })),
  'status undefined': ({ Response: R }) => facts(new R('', { status: undefined })),
  'status null': ({ Response: R }) => new R('', { status: null }),
  '204 with a body': ({ Response: R }) => new R('x', { status: 204 }),
  '304 with empty text': ({ Response: R }) => new R('', { status: 304 }),
  '204 without': ({ Response: R }) => facts(new R(null, { status: 204 })),
  'bad statusText': ({ Response: R }) => new R('', { statusText: 'a\nb' }),
  'wide statusText': ({ Response: R }) => new R('', { statusText: '\u20ac' }),
  'statusText of a number': ({ Response: R }) => facts(new R('', { statusText: 5 })),
  'bad headers': ({ Response: R }) => new R('', { headers: { 'a b': 'c' } }),
  'headers null': ({ Response: R }) => new R('', { headers: null }),
  'headers text': ({ Response: R }) => new R('', { headers: 'a' }),
  'init a number': ({ Response: R }) => new R('', 5),
  'init null': ({ Response: R }) => facts(new R('', null)),
  'init a response': ({ Response: R }) => facts(new R('x', new R('y', { status: 404, statusText: 'no', headers: { a: 'b' } }))),
  'init of the other kinds': ({ Response: R }) => [facts(new R('x', new web.real.Response('y', { status: 404 }))),
    facts(new R('x', new fast.Response('y', { status: 405 })))],
  'its headers are its own': ({ Response: R }) => {
    const headers = new Headers({ a: '1' });
    const r = new R('x', { headers });
    headers.set('a', '2');
    r.headers.set('b', '3');
    return [list(r.headers), list(headers), r.headers === r.headers];
  },
  'bytes are copied': async ({ Response: R }) => {
    const bytes = Buffer.from('abc');
    const r = new R(bytes);
    bytes.fill('x');
    const read = await r.bytes();
    return Buffer.from(read).toString();
  },
  'a symbol for a body': ({ Response: R }) => new R(Symbol('x')),
  'a stream': async ({ Response: R }) => {
    const r = new R(new Blob(['abc']).stream());
    return [facts(r), await r.text(), r.bodyUsed];
  },
  'a locked stream': ({ Response: R }) => {
    const stream = new Blob(['abc']).stream();
    stream.getReader();
    return new R(stream);
  },
  'an async iterable': async ({ Response: R }) => new R((async function* parts() {
    yield new TextEncoder().encode('a');
    yield new TextEncoder().encode('b');
  })()).text(),
  'FormData there and back': async ({ Response: R }) => {
    const form = new FormData();
    form.set('a', 'b');
    form.set('f', new File(['x'], 'x.txt', { type: 'text/plain' }));
    const back = await new R(form).formData();
    return [back.get('a'), back.get('f').name, await back.get('f').text()];
  },
  'urlencoded text': async ({ Response: R }) => [...await new R('a=1&b=2', {
    headers: { 'content-type': 'application/x-www-form-urlencoded' } }).formData()],
  'blob takes its type': async ({ Response: R }) => (await new R('x', { headers: { 'content-type': 'Text/HTML; Charset=x' } }).blob()).type,
  'looks like itself': ({ Response: R }) => {
    const r = new R('x', { headers: { a: 'b' } });
    return [Object.prototype.toString.call(r), inspect(r), Object.keys(r), JSON.stringify(r), r.constructor === Response,
      r instanceof Response, Object.getPrototypeOf(r) === Response.prototype, Reflect.ownKeys(r).length];
  },
  'needs new': ({ Response: R }) => R('x'),
  'can be extended': async ({ Response: R }) => {
    class Mine extends R {
      #extra = 1;

      static json(...args) {
        const r = super.json(...args);
        return new this(r.body, r);
      }

      get extra() {
        return this.#extra;
      }

      get status() {
        return super.status + 1;
      }
    }
    const mine = new Mine('x', { status: 200 });
    const json = Mine.json({ a: 1 });
    return [mine.extra, mine.status, mine instanceof R, mine instanceof Mine, await mine.text(), json.extra,
      await json.text(), mine.clone instanceof Function];
  },
  'a proxy around it': async ({ Response: R }) => {
    const r = new R('x', { status: 201 });
    const proxy = new Proxy(r, { get: (target, key) => {
      const value = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    } });
    return [proxy.status, proxy instanceof Response, await proxy.text()];
  },
  'members refuse other objects': async () => {
    const get = (key) => Object.getOwnPropertyDescriptor(Response.prototype, key).get;
    return [attempt(() => get('status').call({})), (await outcome(() => Response.prototype.text.call({}))).error];
  },
});

test('the classes describe themselves as undici\'s do', () => {
  for (const name of ['Request', 'Response', 'Headers']) {
    assert.equal(globalThis[name].name, name);
    assert.equal(globalThis[name].length, web.real[name].length);
    assert.equal(globalThis[name].prototype, web.real[name].prototype);
    assert.ok(new web.real.Response() instanceof Response);
    const flags = Object.getOwnPropertyDescriptor(globalThis, name);
    assert.deepEqual([flags.writable, flags.enumerable, flags.configurable], [true, false, true]);
  }
});

/* Requests: ours comes from an exchange, undici's from its constructor. */

let gateway;
serveWeb((it) => { gateway = it; });

/* Runs fn(request) in a handler and gives its outcome. */
async function inHandler(line, options, fn) {
  let result;
  gateway.app.handle = async (request, exchange) => {
    result = await outcome(() => fn(request, exchange));
    return new Response('done');
  };
  const reply = await gateway.request(line, options);
  await reply.done();
  return result;
}

function sameRequest(name, { line = 'POST /a/b?c=d', body, headers = {} }, run) {
  test(`Request: ${name}`, async () => {
    const [method, path] = line.split(' ');
    const all = [['host', 'localhost:3000'], ...Object.entries(headers)];
    if (body !== undefined) all.push(['content-length', String(Buffer.byteLength(body))]);
    const real = () => new web.real.Request(`http://localhost:3000${path}`, {
      method, headers: all,
      ...(body !== undefined && method !== 'GET' && { body: new Blob([body]).stream(), duplex: 'half' }),
    });
    const expected = await outcome(() => run(real()));
    const actual = await inHandler(line, { body, headers }, run);
    assert.deepEqual(actual, expected);
  });
}

const withBody = { body: '{"h\u00e9":[1,2]}', headers: { 'content-type': 'application/json', 'x-a': '1' } };

sameRequest('facts', withBody, (r) => [r.method, r.url, list(r.headers), r.destination, r.referrer, r.referrerPolicy,
  r.mode, r.credentials, r.cache, r.redirect, r.integrity, r.keepalive, r.isReloadNavigation, r.isHistoryNavigation,
  r.duplex, r.bodyUsed, r.signal.aborted, r.signal === r.signal, r.headers === r.headers, r.body === r.body,
  r instanceof Request, Object.prototype.toString.call(r), Object.keys(r), r.constructor === Request]);
sameRequest('inspect', withBody, (r) => inspect(r));
sameRequest('text', withBody, (r) => r.text());
sameRequest('json', withBody, (r) => r.json());
sameRequest('bytes', withBody, (r) => r.bytes());
sameRequest('arrayBuffer', withBody, async (r) => {
  const buffer = await r.arrayBuffer();
  return [buffer instanceof ArrayBuffer, [...new Uint8Array(buffer)]];
});
sameRequest('blob', withBody, async (r) => {
  const blob = await r.blob();
  return [blob.type, await blob.text()];
});
sameRequest('formData of JSON', withBody, (r) => r.formData());
sameRequest('formData', { body: 'a=1&b=%20', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
  async (r) => [...await r.formData()]);
sameRequest('multipart', {
  body: '--x\r\nContent-Disposition: form-data; name="f"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\nhi\r\n--x--\r\n',
  headers: { 'content-type': 'multipart/form-data; boundary=x' },
}, async (r) => {
  const file = (await r.formData()).get('f');
  return [file.name, file.type, await file.text()];
});
sameRequest('bad JSON', { body: '{' }, (r) => r.json());
sameRequest('JSON of nothing', {}, (r) => r.json());
sameRequest('text of nothing', {}, async (r) => [await r.text(), r.bodyUsed, r.body, await r.text()]);
sameRequest('read twice', withBody, async (r) => {
  await r.text();
  return [r.bodyUsed, r.body.locked, await outcome(() => r.text()), await outcome(() => r.json()),
    await outcome(() => r.formData()), await outcome(() => r.blob()), await outcome(() => r.arrayBuffer()),
    attempt(() => r.clone())];
});
sameRequest('the stream', withBody, async (r) => {
  const before = [r.bodyUsed, r.body.locked];
  const parts = await Array.fromAsync(r.body);
  return [before, Buffer.concat(parts).toString(), r.bodyUsed, await outcome(() => r.text())];
});
sameRequest('text after the stream was seen', withBody, async (r) => [r.body.locked, await r.text(), r.bodyUsed]);
sameRequest('a locked stream', withBody, async (r) => {
  r.body.getReader();
  return [r.bodyUsed, await outcome(() => r.text())];
});
sameRequest('clone', withBody, async (r) => {
  const c = r.clone();
  c.headers.set('x-a', '2');
  return [await c.json(), r.bodyUsed, await r.json(), c.url, c.method, r.headers.get('x-a'), c.headers.get('x-a')];
});
sameRequest('clone without a body', { line: 'GET /x' }, async (r) => [list(r.clone().headers), r.clone().body]);
sameRequest('new Request of it', withBody, async (r) => {
  const n = new Request(r, { headers: { a: 'b' } });
  return [n.method, n.url, list(n.headers), await n.text(), r.bodyUsed, await outcome(() => r.text())];
});
sameRequest('new Request of a read one', withBody, async (r) => {
  await r.text();
  return new Request(r);
});
sameRequest('new Request of a read one with a body', withBody, async (r) => {
  await r.text();
  return new Request(r, { body: 'x' }).text();
});
sameRequest('new Request with it as init', withBody, async (r) => {
  const n = new Request('http://other/', r);
  return [n.method, n.url, list(n.headers), await n.text()];
});
sameRequest('headers can be changed', withBody, (r) => {
  r.headers.set('x-a', '2');
  r.headers.delete('content-type');
  r.headers.append('new', '1');
  return list(r.headers);
});
sameRequest('its stream as a Response', withBody, async (r) => new Response(r.body).text());
sameRequest('members cannot be set', withBody, (r) => [attempt(() => {
  r.url = 'x';
}), Reflect.set(r, 'method', 'PUT'), r.method]);
for (const target of ['/', '/?', '/a?b#c', '/a/../b', '/a/./b/', '/a/%2e%2E/b', '/a//b', '//evil/x', '/a"<>`{}b', "/q?'\"<>",
  '/\\x', '/a|b', '/a?x|y', '/%zz', '/a;b=c', '/.well-known/x', '/a/..', '/a?/../b', '/[x]', '/^']) {
  sameRequest(`url of ${target}`, { line: `GET ${target.replace('#c', '')}` }, (r) => r.url);
}
for (const host of ['localhost:80', 'EXAMPLE.com', 'a.b-c.d:8080', '[::1]:3000', '127.0.0.1', '0x7f.1', 'xn--nxasmq6b']) {
  test(`Request: url with host ${host}`, async () => {
    const { value } = await inHandler('GET /x', { host }, (r) => r.url);
    assert.equal(value, new URL(`http://${host}/x`).href);
  });
}

test('a GET has no body, whatever the client sent', async () => {
  const { value } = await inHandler('GET /x', { body: 'surprise' }, async (r) => [r.body, await r.text()]);
  assert.deepEqual(value, [null, '']);
});

test('a request object of a subclass', async () => {
  class Mine extends Request {
    get shout() {
      return this.url.toUpperCase();
    }
  }
  const { value } = await inHandler('POST /x', { body: 'b' }, async (r, exchange) => {
    const mine = web.requestOf(exchange, Mine);
    return [mine instanceof Mine, mine.shout, await mine.text()];
  });
  assert.deepEqual(value, [true, 'HTTP://LOCALHOST:3000/X', 'b']);
});

test('subclasses of Request take a fast one', async () => {
  class Mine extends Request {
    extra = 1;
  }
  const { value } = await inHandler('PUT /x', { body: 'b' }, async (r) => {
    const mine = new Mine(r);
    return [mine.extra, mine.method, mine.url, await mine.text(), r.bodyUsed];
  });
  assert.deepEqual(value, [1, 'PUT', 'http://localhost:3000/x', 'b', true]);
});

/* fetch with ours, against a real server */

async function withServer(handler, fn) {
  const server = http.createServer(handler).listen(0, '127.0.0.1');
  await new Promise((resolve) => {
    server.once('listening', resolve);
  });
  try {
    return await fn(`127.0.0.1:${server.address().port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test('fetch(request) forwards method, headers and body', async () => {
  await withServer(async (req, res) => {
    const body = (await Array.fromAsync(req)).join('');
    res.end(JSON.stringify([req.method, req.url, req.headers['x-a'], req.headers.host, body]));
  }, async (host) => {
    const { value } = await inHandler('POST /a?b', {
      host, body: 'hello', headers: { 'x-a': '1', connection: 'keep-alive', 'transfer-encoding': 'chunked' },
    }, async (r) => (await fetch(r)).json());
    assert.deepEqual(value, ['POST', '/a?b', '1', host, 'hello']);
  });
});

test('fetch(request, init) and fetch(new Request(url, request))', async () => {
  await withServer(async (req, res) => {
    const body = (await Array.fromAsync(req)).join('');
    res.end(JSON.stringify([req.method, req.url, body]));
  }, async (host) => {
    const { value } = await inHandler('POST /a', { host, body: 'first' }, async (r) => [
      await (await fetch(r, { body: 'other' })).json(),
      await (await fetch(new Request(`http://${host}/z`, r))).json(),
    ]);
    assert.deepEqual(value, [['POST', '/a', 'other'], ['POST', '/z', 'first']]);
  });
});

test('fetch of nothing rejects as always', async () => {
  const expected = await outcome(() => fetch());
  assert.equal(expected.error, 'TypeError');
});

test('a fetched response goes out decoded, without the headers of its encoding', async () => {
  const packed = zlib.gzipSync('hello');
  await withServer((req, res) => {
    res.writeHead(201, { 'content-encoding': 'gzip', 'content-length': packed.length, 'x-a': '1' }).end(packed);
  }, async (host) => {
    for (const handle of [() => fetch(`http://${host}/`), async () => {
      const r = await fetch(`http://${host}/`);
      return new Response(r.body, r);
    }]) {
      gateway.app.handle = handle;
      const reply = await gateway.request('GET /');
      assert.equal(await reply.text(), 'hello');
      assert.equal(reply.status, 201);
      assert.equal(reply.header('content-encoding'), null);
      assert.equal(reply.header('content-length'), null);
      assert.equal(reply.header('x-a'), '1');
    }
  });
});
