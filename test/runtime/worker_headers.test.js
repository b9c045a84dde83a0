'use strict';
/* What bytes and texts are to each other in Workers' headers: UTF-8, both ways. Measured with workerd 2026-11-17. */

const { once } = require('node:events');
const http = require('node:http');
const net = require('node:net');
const { test } = require('node:test');
const { inspect } = require('node:util');
const assert = require('node:assert/strict');
const { byFetch, byPath, serve } = require('./worker_serve');
const { listenOnLoopback } = require('./real_listen');

/* As a string of bytes, which is how headers cross the channel. */
const bytes = (text) => Buffer.from(text, 'utf8').toString('latin1');
const sent = { 'x-name': 'José 日本', 'x-old': Buffer.from('Jos\xe9', 'latin1') };

/* A server that answers with `head` and no more, whatever it is asked, and keeps the heads of what it was asked. */
async function upstream(t, head) {
  const heads = [];
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      heads.push(chunk.toString('latin1'));
      socket.end(Buffer.from(`${head}\r\n\r\n`, 'latin1'));
    });
  });
  listenOnLoopback(server);
  await once(server, 'listening');
  t.after(() => server.close());
  return { heads, url: `http://127.0.0.1:${server.address().port}/` };
}

const fieldOf = (head, name) => new RegExp(`^${name}: (.*)\r$`, 'im').exec(head)?.[1];

test('a client\'s headers are read as UTF-8, and bytes that are none as U+FFFD', async () => {
  let seen;
  const gateway = await serve(byFetch((request) => {
    const copies = [request, request.clone(), new Request('http://a/', request), new Request(request), { headers: new Headers(request.headers) },
      { headers: new Headers([...request.headers]) }, { headers: new Headers(Object.fromEntries(request.headers)) }];
    seen = copies.map(({ headers }) => [headers.get('X-Name'), headers.get('x-old')]);
    return new Response();
  }));
  await gateway.request('POST /', { headers: sent, body: 'a' });
  assert.deepEqual(seen, Array(7).fill(['José 日本', 'Jos\ufffd']));
});

test('headers that are handed on untouched keep their bytes', async () => {
  const gateway = await serve(byFetch((request) => new Response('ok', { headers: request.headers })));
  const reply = await gateway.request('GET /', { headers: sent });
  assert.deepEqual([reply.header('x-name'), reply.header('x-old')], [bytes('José 日本'), 'Jos\xe9']);
});

test('a response\'s headers are sent as UTF-8, however they were set and whatever its body is', async () => {
  const headers = { 'x-name': 'José 日本', location: '/日本' };
  const changed = (response) => {
    response.headers.set('x-name', 'José');
    response.headers.append('x-name', '日本');
    response.headers.append('location', '/日本');
    return response;
  };
  const made = {
    text: () => new Response('ok', { headers }),
    pairs: () => new Response('ok', { headers: Object.entries(headers) }),
    iterable: () => new Response('ok', { headers: new Map(Object.entries(headers)) }),
    headers: () => new Response('ok', { headers: new Headers(headers) }),
    json: () => Response.json({}, { headers }),
    stream: () => new Response(new Blob(['ok']).stream(), { headers }),
    streamOfHeaders: () => new Response(new Blob(['ok']).stream(), { headers: new Headers(headers) }),
    jsonOfHeaders: () => Response.json({}, { headers: new Headers(headers) }),
    clone: () => new Response('ok', { headers }).clone(),
    again: () => new Response('other', new Response('ok', { headers })),
    streamAgain: () => new Response(new Blob(['ok']).stream(), new Response('ok', { headers })),
    changed: () => changed(new Response('ok')),
    changedStream: () => changed(new Response(new Blob(['ok']).stream())),
    empty: () => new Response(null, { status: 302, headers }),
    form: () => new Response(new URLSearchParams('a=1'), { headers }),
  };
  const gateway = await byPath(made);
  for (const name of Object.keys(made)) {
    const reply = await gateway.request(`GET /${name}`);
    assert.equal(reply.failure, null, name);
    assert.ok([bytes('José 日本'), bytes('José, 日本')].includes(reply.header('x-name')), name);
    assert.equal(reply.header('location'), bytes('/日本'), name);
  }
});

test('Headers give back what was put in, in every way there is to look', async () => {
  let seen;
  const gateway = await serve(byFetch(() => {
    const headers = new Headers({ a: '日本', b: 'é' });
    headers.append('set-cookie', 'c=日');
    headers.append('set-cookie', 'd=é');
    headers.append('b', '😀');
    const each = [];
    headers.forEach((value, name) => each.push([name, value]));
    seen = {
      get: headers.get('b'), has: headers.has('a'), cookies: headers.getSetCookie(), all: headers.getAll('Set-Cookie'),
      entries: [...headers.entries()], values: [...headers.values()], each, printed: inspect(headers),
      real: [...new Response(new Blob([]).stream(), { headers: { a: '日', b: 'é' } }).headers],
      request: new Request('http://a/', { headers: { a: '日' } }).headers.get('a'),
      type: new Response('', { headers: { 'content-type': 'text/日' } }).headers.get('content-type'),
      trimmed: new Headers({ a: '\t é \n' }).get('a'),
    };
    return new Response();
  }));
  await gateway.request('GET /');
  const pairs = [['a', '日本'], ['b', 'é, 😀'], ['set-cookie', 'c=日'], ['set-cookie', 'd=é']];
  assert.deepEqual(seen, {
    get: 'é, 😀', has: true, cookies: ['c=日', 'd=é'], all: ['c=日', 'd=é'], entries: pairs, values: pairs.map(([, value]) => value),
    each: pairs, printed: seen.printed, real: [['a', '日'], ['b', 'é']], request: '日', type: 'text/日', trimmed: 'é',
  });
  assert.match(seen.printed, /'?a'?: '日本'/);
});

test('fetch sends UTF-8 and reads it', async (t) => {
  const { url, heads } = await upstream(t, ['HTTP/1.1 200 OK', `x-name: ${bytes('José 日本')}`, 'x-old: Jos\xe9', `set-cookie: a=${bytes('日')}`,
    'connection: close', 'content-length: 0'].join('\r\n'));
  let seen;
  const headers = { 'x-name': 'José 日本' };
  const asked = {
    record: () => fetch(url, { headers }),
    headers: () => fetch(url, { headers: new Headers(headers) }),
    request: () => fetch(new Request(url, { headers })),
    both: () => fetch(new Request(url), { headers }),
    passed: (request) => fetch(url, request),
    passedHeaders: (request) => fetch(url, { headers: request.headers }),
    wrapped: (request) => fetch(new Request(url, request)),
  };
  const gateway = await serve(byFetch(async (request) => {
    const response = await asked[new URL(request.url).pathname.slice(1)](request);
    seen = [response.headers.get('x-name'), response.headers.get('x-old'), response.headers.getSetCookie()];
    return new Response(response.body, response);
  }));
  for (const name of Object.keys(asked)) {
    const reply = await gateway.request(`GET /${name}`, { headers: sent });
    assert.equal(reply.failure, null, name);
    assert.equal(fieldOf(heads.at(-1), 'x-name'), bytes('José 日本'), name);
    assert.deepEqual(seen, ['José 日本', 'Jos\ufffd', ['a=日']], name);
    assert.deepEqual([reply.header('x-name'), reply.header('x-old')], [bytes('José 日本'), 'Jos\xe9'], name);
  }
  assert.equal(fieldOf(heads.at(-1), 'x-old'), 'Jos\xe9');
});

test('what the cache keeps and gives', async () => {
  const gateway = await serve(byFetch(async () => {
    const cache = caches.default;
    await cache.put('http://a/', new Response('x', { headers: { 'cache-control': 'max-age=60', 'x-name': 'José 日本' } }));
    const found = await cache.match('http://a/');
    return new Response(found.headers.get('x-name'), found);
  }));
  const reply = await gateway.request('GET /');
  assert.deepEqual([await reply.text(), reply.header('x-name')], ['José 日本', bytes('José 日本')]);
});

test('calls between workers carry headers as texts', async () => {
  const { RpcTarget, WorkerEntrypoint } = require('../../runtime/js/shims/cloudflare-workers');
  class Other extends WorkerEntrypoint {
    headersOf(value) {
      return [...value.headers];
    }

    response() {
      return new Response('a', { headers: { 'x-name': 'é日' } });
    }

    fetch(request) {
      return new Response(request.headers.get('x-name'), { headers: { 'x-back': request.headers.get('x-name') } });
    }
  }
  let seen;
  const gateway = await serve({
    Other,
    RpcTarget,
    default: {
      async fetch(request, env, { exports }) {
        const asked = await exports.Other.fetch('http://a/', { headers: { 'x-name': 'é日' } });
        seen = [await exports.Other.headersOf(new Request('http://a/', { headers: { 'x-name': 'é日' } })),
          [...(await exports.Other.response()).headers].at(-1), asked.headers.get('x-back'), await asked.text()];
        return new Response();
      },
    },
  });
  await gateway.request('GET /');
  assert.deepEqual(seen, [[['x-name', 'é日']], ['x-name', 'é日'], 'é日', 'é日']);
});

test('the head of a WebSocket\'s answer, and of one that a worker asks for', async (t) => {
  const heads = [];
  const server = http.createServer();
  server.on('upgrade', (request, socket) => {
    heads.push(request.headers['x-name']);
    socket.end('HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n');
  });
  server.on('request', (request, response) => response.end());
  listenOnLoopback(server);
  await once(server, 'listening');
  t.after(() => server.close());
  const gateway = await serve(byFetch(async () => {
    await fetch(`http://127.0.0.1:${server.address().port}/`, { headers: { upgrade: 'websocket', 'x-name': 'é日' } });
    const { 0: client, 1: own } = new WebSocketPair();
    own.accept();
    return new Response(null, { status: 101, webSocket: client, headers: { 'x-name': 'é日' } });
  }));
  const reply = await gateway.request('GET /', {
    headers: { upgrade: 'websocket', connection: 'Upgrade', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==', 'sec-websocket-version': '13' },
  });
  assert.equal(reply.header('x-name'), bytes('é日'));
  assert.deepEqual(heads, [bytes('é日')]);
});

/* A server that answers with the heads that it is sent, without what is of the connection; at /there redirects to another host's. */
async function echoing(t) {
  const answer = (request, response) => {
    const { port } = request.socket.address();
    if (request.url === '/there') return response.writeHead(307, { location: `http://localhost:${port}/` }).end();
    const kept = request.rawHeaders.map((field, i) => (i % 2 ? `${request.rawHeaders[i - 1].toLowerCase()}: ${field}` : ''));
    const own = kept.filter((line) => line !== '' && !/^(?:host|connection):/.test(line)).sort();
    return request.on('data', () => {}).on('end', () => response.end(JSON.stringify(own)));
  };
  const server = http.createServer(answer);
  listenOnLoopback(server);
  await once(server, 'listening');
  t.after(() => server.close().closeAllConnections());
  return `http://127.0.0.1:${server.address().port}`;
}

test('fetch sends the headers that were set, and no others', async (t) => {
  const url = await echoing(t);
  const stream = (text) => {
    const { readable, writable } = new FixedLengthStream(text.length);
    const writer = writable.getWriter();
    writer.write(new TextEncoder().encode(text)).then(() => writer.close());
    return readable;
  };
  const connection = { connection: 'close', 'keep-alive': 'timeout=5', te: 'trailers', expect: '100-continue', upgrade: 'h2c', host: 'other', 'x-a': '1' };
  const asked = {
    plain: () => fetch(url),
    url: () => fetch(new URL(url)),
    request: () => fetch(new Request(url, { headers: { 'X-A': '1' } })),
    mixed: () => fetch(url, { headers: { 'X-Mixed': '1', Cookie: 'a=1' } }),
    own: () => fetch(url, { headers: { accept: 'a/b', 'accept-encoding': 'identity', 'accept-language': 'de', 'user-agent': 'me' } }),
    connection: () => fetch(url, { headers: connection }),
    text: () => fetch(url, { method: 'POST', body: 'abc', headers: { 'content-length': '7', 'content-type': 'a/b' } }),
    known: () => fetch(url, { method: 'POST', body: stream('abc') }),
    knownRequest: () => fetch(new Request(url, { method: 'POST', body: stream('abc') })),
    passed: (request) => fetch(url, { method: 'POST', body: request.body }),
    passedRequest: (request) => fetch(new Request(url, request)),
    passedHeaders: (request) => fetch(url, { method: 'POST', headers: request.headers, body: 'abc' }),
    redirected: () => fetch(`${url}/there`, { headers: { cookie: 'a=1', authorization: 'Basic x', 'x-a': '1' } }),
  };
  const gateway = await serve(byFetch(async (request) => {
    const heads = await (await asked[new URL(request.url).pathname.slice(1)](request)).json();
    return Response.json(heads.filter((line) => !/^(?:cf-|accept-encoding: br, gzip)/.test(line)));
  }));
  const found = {};
  for (const name of Object.keys(asked)) {
    const reply = await gateway.request(`POST /${name}`, { headers: { 'x-in': '1', connection: 'keep-alive' }, body: 'hello' });
    found[name] = reply.failure?.errorMessage ?? await reply.json();
  }
  assert.deepEqual(found, {
    plain: [],
    url: [],
    request: ['x-a: 1'],
    mixed: ['cookie: a=1', 'x-mixed: 1'],
    own: ['accept-encoding: identity', 'accept-language: de', 'accept: a/b', 'user-agent: me'],
    connection: ['x-a: 1'],
    text: ['content-length: 3', 'content-type: a/b'],
    known: ['content-length: 3'],
    knownRequest: ['content-length: 3'],
    passed: ['content-length: 5'],
    passedRequest: ['content-length: 5', 'x-in: 1'],
    passedHeaders: ['content-length: 3', 'content-type: text/plain;charset=UTF-8', 'x-in: 1'],
    redirected: ['cookie: a=1', 'x-a: 1'],
  });
});

test('a body whose length is known leaves with it, through clones too', async (t) => {
  const url = await echoing(t);
  const gateway = await byPath({
    same: (request) => new Response(request.body),
    clone: (request) => new Response(request.clone().body),
    fetched: async () => {
      const response = await fetch(url);
      response.clone();
      return response;
    },
    fetchedClone: async () => (await fetch(url)).clone(),
    changed: (request) => new Response(request.body.pipeThrough(new TransformStream())),
  });
  const lengthAt = async (name) => (await gateway.request(`POST /${name}`, { body: 'hello' })).header('content-length');
  assert.deepEqual([await lengthAt('same'), await lengthAt('clone'), await lengthAt('fetched'), await lengthAt('fetchedClone'), await lengthAt('changed')],
    ['5', '5', '2', '2', null]);
});
