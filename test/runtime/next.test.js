'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const { promisify } = require('node:util');
const path = require('node:path');

const { adapter, ask, messageOf, serve } = require('./next_serve');
const { NextRequest, NextResponse, NextURL, after, connection, userAgent, ImageResponse } = require('../../runtime/js/shims/next/server');
const { headers, cookies, draftMode } = require('../../runtime/js/shims/next/headers');
const navigation = require('../../runtime/js/shims/next/navigation');
const cache = require('../../runtime/js/shims/next/cache');
const { startInstance, thunk } = require('./mock_native');
const { aStuckModuleFailsAlone } = require('./stuck_module');

const SHIMS = path.join(__dirname, '../../runtime/js/shims/next');

/* Methods */

test('HEAD is derived from GET, OPTIONS lists what is allowed, others get 405, unknown ones 400', async () => {
  const gateway = await serve({ GET: () => new Response('g', { headers: { 'x-g': '1' } }), DELETE: () => new Response('d') });
  const head = await gateway.ask('HEAD /api/x');
  assert.deepEqual([head.status, head.header('x-g')], [200, '1']);
  const options = await gateway.ask('OPTIONS /api/x');
  assert.deepEqual([options.status, options.header('allow'), options.bytes.length], [204, 'DELETE, GET, HEAD, OPTIONS', 0]);
  const post = await gateway.ask('POST /api/x');
  assert.deepEqual([post.status, post.bytes.length, post.header('allow')], [405, 0, null]);
  assert.equal((await gateway.ask('PROPFIND /api/x')).status, 400);
  assert.equal((await gateway.ask('__proto__ /api/x')).status, 400);
  assert.equal((await gateway.ask('constructor /api/x')).status, 400);
});

test('own HEAD and OPTIONS are used; a module without methods allows only OPTIONS', async () => {
  const own = await serve({ HEAD: () => new Response(null, { headers: { a: 'own' } }), OPTIONS: () => new Response('own') });
  assert.equal((await own.ask('HEAD /api/x')).header('a'), 'own');
  assert.equal((await own.ask('OPTIONS /api/x')).bytes.toString(), 'own');
  assert.equal((await own.ask('GET /api/x')).status, 405);
  const none = await serve({ foo: 1, get() {} });
  assert.equal((await none.ask('OPTIONS /api/x')).header('allow'), 'OPTIONS');
  assert.equal((await none.ask('HEAD /api/x')).status, 405);
});

/* Params */

test('params is a promise and also holds the values', async () => {
  const reply = await ask({ GET: async (request, { params }) => {
    const { id } = params;
    return Response.json([params instanceof Promise, id, params.rest, await params, { ...params }]);
  } }, 'GET /api/7/a/b', { params: { id: 'a%20b%2Fc', 'rest*': 'a/b%20c' } }, { name: '/api/[id]/[...rest]' });
  const values = { id: 'a b/c', rest: ['a', 'b c'] };
  assert.deepEqual(await reply.json(), [true, 'a b/c', ['a', 'b c'], values, values]);
});

test('a param named like a promise\'s method does not break the promise', async () => {
  const reply = await ask({ GET: async (request, { params }) => Response.json(await params) },
    'GET /api/v', { params: { then: 'v' } }, { name: '/api/[then]' });
  assert.equal(reply.failure, null);
});

test('an optional catch-all that is absent has no param; a static path has no params', async () => {
  const module = { GET: async (request, context) => Response.json([await context.params ?? null]) };
  const optional = await ask(module, 'GET /api', { params: { 'rest*': '' } }, { name: '/api/[[...rest]]' });
  assert.deepEqual(await optional.json(), [{}]);
  assert.deepEqual(await (await ask(module)).json(), [null]);
});

/* Failures */

test('what a handler throws or forgets to return fails the request with Next\'s message', async () => {
  const gateway = await serve({
    GET: () => {
      throw new TypeError('boom');
    },
    POST: async () => 'text',
    PUT: () => {},
    PATCH: async () => null,
    DELETE: () => ({ status: 200 }),
  });
  const get = await gateway.ask('GET /api/x');
  assert.deepEqual([get.failure.kind, get.failure.errorType, get.failure.errorMessage], ['throw', 'TypeError', 'boom']);
  assert.match(get.logs[0].text, /TypeError: boom\n {4}at /);
  assert.equal(get.logs.length, 1);
  for (const [method, type] of [['POST', 'string'], ['PUT', 'undefined'], ['PATCH', 'null'], ['DELETE', 'Object']]) {
    const { failure } = await gateway.ask(`${method} /api/x?q`);
    assert.equal(failure.kind, 'invalid');
    assert.equal(failure.errorMessage, `No response is returned from route handler 'app/api/x/route.ts'. Expected a Response `
      + `object but received '${type}' (method: ${method}, url: /api/x). Ensure you return a \`Response\` or a `
      + '`NextResponse` in all branches of your handler.');
  }
});

test('a module that throws at import fails alone', async () => {
  const gateway = await startInstance({
    adapter,
    modules: { bad: thunk(() => {
      throw new Error('no key');
    }), good: { GET: () => new Response('ok') } },
  });
  const bad = await gateway.request('GET /bad', { endpoint: 0 });
  assert.deepEqual([bad.failure.kind, bad.failure.errorMessage], ['load', 'no key']);
  assert.equal((await gateway.request('GET /good', { endpoint: 1 })).status, 200);
});

test('a module that never finishes loading fails alone', aStuckModuleFailsAlone(adapter));

test('development warns of lower-case methods and default exports', async (t) => {
  const before = process.env.NODE_ENV;
  process.env.NODE_ENV = 'development';
  const said = t.mock.method(console, 'error', () => {});
  try {
    await serve({ get() {}, default() {} });
  } finally {
    if (before === undefined) delete process.env.NODE_ENV;
    else process.env.NODE_ENV = before;
  }
  const lines = said.mock.calls.map((call) => call.arguments[0]);
  assert.deepEqual(lines, [
    "Detected lowercase method 'get' in 'app/api/x/route.ts'. Export the uppercase 'GET' method name to fix this error.",
    "Detected default export in 'app/api/x/route.ts'. Export a named export for each HTTP method instead.",
    "No HTTP methods exported in 'app/api/x/route.ts'. Export a named export for each HTTP method.",
  ]);
});

/* next/navigation */

for (const [name, run, status, location] of [
  ['redirect', () => navigation.redirect('/to?x=1'), 307, '/to?x=1'],
  ['redirect with semicolons', () => navigation.redirect('https://e.com/a;b;c', navigation.RedirectType.push), 307, 'https://e.com/a;b;c'],
  ['permanentRedirect', () => navigation.permanentRedirect('/p'), 308, '/p'],
  ['notFound', () => navigation.notFound(), 404, null],
  ['redirect in try/finally', () => {
    try {
      navigation.redirect('/f');
    } finally {
      void 0;
    }
  }, 307, '/f'],
  ['redirect rethrown', () => {
    try {
      navigation.redirect('/r');
    } catch (error) {
      navigation.unstable_rethrow(new Error('wrapped', { cause: error }));
    }
  }, 307, '/r'],
]) {
  test(`${name} answers ${status}`, async () => {
    for (const GET of [run, async () => run()]) {
      const reply = await ask({ GET });
      assert.deepEqual([reply.status, reply.header('location'), reply.bytes.length, reply.logs.length], [status, location, 0, 0]);
    }
  });
}

test('forbidden and unauthorized need authInterrupts', async () => {
  const module = { GET: () => navigation.forbidden(), POST: () => navigation.unauthorized() };
  const off = await ask(module);
  assert.match(off.failure.errorMessage, /^`forbidden\(\)` is experimental/);
  const on = await serve(module, { settings: { auth_interrupts: true } });
  assert.equal((await on.ask('GET /api/x')).status, 403);
  assert.equal((await on.ask('POST /api/x')).status, 401);
});

test('an error with a forged digest is an error', async () => {
  for (const digest of ['NEXT_REDIRECT;replace;/x;200;', 'NEXT_REDIRECT;__proto__;/x;307;', 'NEXT_HTTP_ERROR_FALLBACK;500', 'x', 5]) {
    const reply = await ask({ GET: () => {
      throw Object.assign(new Error('e'), { digest });
    } });
    assert.equal(reply.failure.kind, 'throw');
  }
});

/* next/headers */

test('headers() can be awaited and used directly, and cannot be changed', async () => {
  const reply = await ask({ GET: async () => {
    const direct = headers();
    const awaited = await headers();
    return Response.json({
      direct: direct.get('X-A'), awaited: awaited.get('x-a'), same: headers() === direct, all: [...direct].length === [...awaited].length,
      isHeaders: awaited instanceof Headers, hidden: awaited.get('rsc'), has: awaited.has('next-router-prefetch'),
      refused: messageOf(() => awaited.set('a', 'b')), refusedDirect: messageOf(() => direct.append('a', 'b')),
    });
  } }, 'GET /api/x', { headers: { 'x-a': '1', rsc: '1', 'next-router-prefetch': '1' } });
  const refused = 'Headers cannot be modified. Read more: https://nextjs.org/docs/app/api-reference/functions/headers';
  assert.deepEqual(await reply.json(), {
    direct: '1', awaited: '1', same: true, all: true, isHeaders: true, hidden: null, has: false, refused, refusedDirect: refused,
  });
});

test('cookies() reads the request and sets the answer; the response\'s own win', async () => {
  const reply = await ask({ GET: async () => {
    const jar = await cookies();
    cookies().set('direct', 'd');
    jar.set('one', '1').set({ name: 'two', value: '2 2', httpOnly: true, sameSite: 'lax', maxAge: 60 });
    jar.delete('three');
    return Response.json([jar.get('z'), jar.get('one'), jar.has('three'), cookies().get('z').value], { headers: { 'set-cookie': 'one=own; Path=/p' } });
  } }, 'GET /api/x', { headers: { cookie: 'z=%20; three=3' } });
  assert.deepEqual(await reply.json(), [{ name: 'z', value: ' ', path: '/' }, { name: 'one', value: '1', path: '/' }, true, ' ']);
  const set = reply.headerList('set-cookie');
  assert.equal(set[0], 'one=own; Path=/p');
  assert.equal(set[1], 'three=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT');
  assert.equal(set[2], 'direct=d; Path=/');
  assert.match(set[3], /^two=2%202; Path=\/; Expires=.* GMT; Max-Age=60; HttpOnly; SameSite=lax$/);
});

test('cookies set before a redirect leave with it', async () => {
  const reply = await ask({ GET: async () => {
    (await cookies()).set('a', 'b');
    navigation.redirect('/x');
  } });
  assert.deepEqual([reply.status, reply.header('set-cookie')], [307, 'a=b; Path=/']);
});

test('two requests at the same time see their own headers and cookies', async () => {
  const gateway = await serve({ GET: async () => {
    await new Promise(setImmediate);
    (await cookies()).set('mine', headers().get('x-a'));
    return new Response(headers().get('x-a'));
  } });
  const replies = await Promise.all(['1', '2', '3'].map((value) => gateway.ask('GET /api/x', { headers: { 'x-a': value } })));
  assert.deepEqual(replies.map((reply) => [reply.bytes.toString(), reply.header('set-cookie')]),
    ['1', '2', '3'].map((value) => [value, `mine=${value}; Path=/`]));
});

test('draftMode is switched by its cookie', async () => {
  const gateway = await serve({
    GET: async () => Response.json([(await draftMode()).isEnabled, draftMode().isEnabled]),
    POST: async () => {
      (await draftMode()).enable();
      return new Response(null);
    },
    DELETE: () => {
      draftMode().disable();
      return new Response(null);
    },
  });
  const on = (await gateway.ask('POST /api/x')).header('set-cookie');
  assert.match(on, /^__prerender_bypass=[0-9a-f]{32}; Path=\/; Secure; HttpOnly; SameSite=none$/);
  assert.deepEqual(await (await gateway.ask('GET /api/x', { headers: { cookie: on.split(';')[0] } })).json(), [true, true]);
  assert.deepEqual(await (await gateway.ask('GET /api/x', { headers: { cookie: '__prerender_bypass=no' } })).json(), [false, false]);
  assert.match((await gateway.ask('DELETE /api/x')).header('set-cookie'), /^__prerender_bypass=; Path=\/; Expires=Thu, 01 Jan 1970/);
});

test('outside of a request these say so', () => {
  for (const [fn, name] of [[headers, 'headers'], [cookies, 'cookies'], [draftMode, 'draftMode'], [connection, 'connection']]) {
    assert.match(messageOf(fn), new RegExp(`^\`${name}\` was called outside a request scope`));
  }
  assert.match(messageOf(() => after(() => {})), /^`after` was called outside a request scope/);
  assert.match(messageOf(() => cache.revalidatePath('/x')), /static generation store missing/);
});

/* next/server */

test('the handler gets a NextRequest', async () => {
  const reply = await ask({ POST: async (request) => Response.json({
    is: [request instanceof NextRequest, request instanceof Request], url: request.url, method: request.method,
    next: [request.nextUrl.pathname, request.nextUrl.searchParams.get('a'), request.nextUrl.basePath, request.nextUrl.locale, `${request.nextUrl}`],
    cookies: request.cookies.getAll(), geo: request.geo === undefined, ip: request.ip === undefined, body: await request.json(),
    removed: [messageOf(() => request.page), messageOf(() => request.ua)].map((text) => text.split('\n')[0]),
  }) }, 'POST /api/x?a=1', { host: '127.0.0.1:3000', body: '{"b":2}', headers: { cookie: 'a=1; b=%20x; c' } });
  assert.deepEqual(await reply.json(), {
    is: [true, true], url: 'http://localhost:3000/api/x?a=1', method: 'POST',
    next: ['/api/x', '1', '', '', 'http://localhost:3000/api/x?a=1'],
    cookies: [{ name: 'a', value: '1' }, { name: 'b', value: ' x' }, { name: 'c', value: 'true' }], geo: true, ip: true, body: { b: 2 },
    removed: ['The request.page has been deprecated in favour of `URLPattern`.', 'The request.ua has been removed in favour of `userAgent` function.'],
  });
});

test('a handler sees the URL as it came, without the basePath, and its query as Next.js writes it', async () => {
  const module = { GET: (request) => Response.json([request.url, request.nextUrl.search]) };
  const seen = async (target, extra) => (await (await ask(module, `GET ${target}`, { originalTarget: target }, extra)).json())
    .map((text) => text.replace(/^http:\/\/[^/]+/, ''));
  assert.deepEqual(await seen('/api/x?a=1'), ['/api/x?a=1', '?a=1']);
  assert.deepEqual(await seen('/api/x?'), ['/api/x', '']);
  assert.deepEqual(await seen('/api/x?a=%20+%2B&b&a=2'), ['/api/x?a=++%2B&a=2&b=', '?a=++%2B&a=2&b=']);
  const below = { settings: { basePath: '/shop' } };
  assert.deepEqual(await seen('/shop/api/x?a=1', below), ['/api/x?a=1', '?a=1']);
  assert.deepEqual(await seen('/shop', below), ['/', '']);
});

test('request.cookies change the request\'s headers', async () => {
  const reply = await ask({ GET: (request) => {
    request.cookies.set('x', 'y').delete('a');
    return new Response(request.headers.get('cookie'));
  } }, 'GET /api/x', { headers: { cookie: 'a=1; b=2' } });
  assert.equal(reply.bytes.toString(), 'b=2; x=y');
});

test('NextRequest can be constructed', async () => {
  const request = new NextRequest('https://e.com/p/?q=1', { method: 'POST', body: 'b', headers: { cookie: 'a=b' } });
  assert.deepEqual([request.nextUrl.href, request.cookies.get('a').value, await request.text()], ['https://e.com/p/?q=1', 'b', 'b']);
  assert.equal(new NextRequest(new Request('https://e.com/x', { method: 'PUT' })).method, 'PUT');
  assert.match(messageOf(() => new NextRequest('/relative')), /^URL is malformed "\/relative"/);
});

test('NextURL knows basePath and locales', () => {
  const url = new NextURL('https://e.com/base/fr/x/?a=1#h', { nextConfig: { basePath: '/base', i18n: { locales: ['en', 'fr'], defaultLocale: 'en' } } });
  assert.deepEqual([url.basePath, url.locale, url.defaultLocale, url.pathname, url.href], ['/base', 'fr', 'en', '/x/', 'https://e.com/base/fr/x/?a=1#h']);
  url.locale = 'en';
  url.pathname = '/y';
  url.searchParams.set('b', '2');
  assert.equal(url.href, 'https://e.com/base/y/?a=1&b=2#h');
  assert.throws(() => {
    url.locale = 'de';
  }, TypeError);
  assert.equal(url.clone().href, 'https://e.com/base/y/?a=1&b=2#h');
  assert.equal(JSON.stringify({ url: new NextURL('/z', 'http://[::1]:1/') }), '{"url":"http://localhost:1/z"}');
});

test('NextResponse: json, redirect and cookies', async () => {
  const json = NextResponse.json({ a: 1 }, { status: 201, headers: { 'x-a': '1' } });
  assert.deepEqual([json instanceof NextResponse, json instanceof Response, json.status, await json.json()], [true, true, 201, { a: 1 }]);
  const reply = await ask({
    GET: () => {
      const response = NextResponse.json({ a: 1 });
      response.cookies.set('s', 'v 1', { httpOnly: true });
      response.cookies.set({ name: 't', value: '2', path: '/p', secure: true, domain: 'e.com', priority: 'high', partitioned: true });
      response.cookies.delete('u');
      assert.equal(response.cookies.get('s').value, 'v 1');
      return response;
    },
  });
  assert.deepEqual(reply.headerList('set-cookie'), ['s=v%201; Path=/; HttpOnly',
    't=2; Path=/p; Domain=e.com; Secure; Partitioned; Priority=high', 'u=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT']);
  assert.equal(reply.header('x-middleware-set-cookie'), null);
  const redirect = await ask({ GET: (request) => NextResponse.redirect(new URL('/new', request.url)) });
  assert.deepEqual([redirect.status, redirect.header('location')], [307, 'http://localhost:3000/new']);
  assert.equal(NextResponse.redirect('https://x/', 301).status, 301);
  assert.equal(NextResponse.redirect('https://x/', { status: 303, headers: { a: 'b' } }).headers.get('a'), 'b');
  assert.throws(() => NextResponse.redirect('https://x/', 200), RangeError);
  assert.match(messageOf(() => NextResponse.redirect('/new')), /^URL is malformed/);
});

test('NextResponse.rewrite and next are refused in a route handler', async () => {
  const gateway = await serve({ GET: () => NextResponse.rewrite('https://x/'), POST: () => NextResponse.next() });
  assert.match((await gateway.ask('GET /api/x')).failure.errorMessage, /^NextResponse.rewrite\(\) was used in a app route handler/);
  assert.match((await gateway.ask('POST /api/x')).failure.errorMessage, /^NextResponse.next\(\) was used in a app route handler/);
});

test('headers about the framing of a body do not leave', async () => {
  const reply = await ask({ GET: () => new Response('hello', { headers: { 'content-length': '3', 'content-encoding': 'gzip', 'transfer-encoding': 'x', a: 'b' } }) });
  assert.deepEqual(reply.headers, ['a', 'b', 'content-type', 'text/plain;charset=UTF-8'].sort((a, b) => reply.headers.indexOf(a) - reply.headers.indexOf(b)));
  assert.equal(await reply.text(), 'hello');
});

test('a null-body response can be returned again and again', async () => {
  const shared = new Response(null, { status: 304, headers: { etag: '"x"' } });
  const gateway = await serve({ GET: async () => {
    (await cookies()).set('a', 'b');
    return shared;
  } });
  for (let i = 0; i < 3; i++) assert.equal((await gateway.ask('GET /api/x')).headerList('set-cookie').length, 1);
  assert.equal(shared.headers.has('set-cookie'), false);
});

test('after() runs when the answer has left, keeps the invocation and its context, and cannot set cookies', async () => {
  const go = Promise.withResolvers();
  const seen = [];
  const gateway = await serve({ GET: (request) => {
    after(async () => {
      seen.push(`callback ${headers().get('x-a')}`);
      seen.push(messageOf(() => cookies().set('a', 'b')));
      after(() => seen.push('nested'));
      await go.promise;
    });
    after(Promise.reject(new Error('background')));
    after(() => {
      throw new Error('in after');
    });
    seen.push('handler');
    return new Response(request.method);
  } });
  const reply = gateway.start('GET /api/x', { headers: { 'x-a': '1' } });
  await reply.text();
  assert.deepEqual([seen, reply.over], [['handler'], false]);
  go.resolve();
  await reply.done();
  assert.match(seen[2], /^Cookies can only be modified in a Server Action or Route Handler/);
  assert.deepEqual([seen[1], seen[3], reply.header('set-cookie')], ['callback 1', 'nested', null]);
});

test('after() also runs when the handler throws or the client leaves', async () => {
  let ran = 0;
  const gateway = await serve({
    GET: () => {
      after(() => {
        ran += 1;
      });
      throw new Error('x');
    },
    POST: () => new Promise((resolve) => {
      after(() => {
        ran += 1;
        resolve(new Response('late'));
      });
    }),
  });
  await gateway.ask('GET /api/x');
  assert.equal(ran, 1);
  const reply = gateway.start('POST /api/x');
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  reply.cancel();
  await reply.done();
  assert.equal(ran, 2);
});

test('userAgent', () => {
  const agent = (text) => userAgent({ headers: new Headers(text ? { 'user-agent': text } : {}) });
  const phone = agent('Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.1 Mobile/15E148 Safari/604.1');
  assert.deepEqual([phone.browser.name, phone.os, phone.device.type, phone.isBot], ['Mobile Safari', { name: 'iOS', version: '17.1' }, 'mobile', false]);
  const edge = agent('Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36 Edg/120.0.1');
  assert.deepEqual([edge.browser, edge.engine.name, edge.os.version, edge.cpu.architecture], [{ name: 'Edge', version: '120.0.1', major: '120' }, 'Blink', '10', 'amd64']);
  assert.equal(agent('Mozilla/5.0 (compatible; Googlebot/2.1)').isBot, true);
  assert.equal(agent(undefined).isBot, false);
});

test('ImageResponse says what it needs', () => {
  assert.match(messageOf(() => new ImageResponse()), /npm install next/);
});

/* How bundles import the shims */

test('ES modules import every name from the shims, and require gets the same', async () => {
  const names = {
    server: ['NextRequest', 'NextResponse', 'userAgent', 'userAgentFromString', 'after', 'connection', 'URLPattern', 'ImageResponse'],
    headers: ['headers', 'cookies', 'draftMode'],
    navigation: ['redirect', 'permanentRedirect', 'notFound', 'forbidden', 'unauthorized', 'RedirectType', 'unstable_rethrow', 'ReadonlyURLSearchParams'],
    cache: ['revalidatePath', 'revalidateTag', 'updateTag', 'unstable_cache', 'unstable_noStore', 'cacheLife', 'cacheTag', 'refresh'],
  };
  const lines = Object.entries(names).map(([file, list]) => `import { ${list.map((name) => `${name} as ${file}_${name}`).join(', ')} } from ${JSON.stringify(path.join(SHIMS, `${file}.js`))};
    if ([${list.map((name) => `${file}_${name}`).join(', ')}].some((it) => it === undefined)) throw new Error('missing in ${file}');`);
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', `${lines.join('\n')}; console.log('all there')`]);
  assert.equal(stdout, 'all there\n');
});
