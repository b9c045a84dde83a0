/* Middleware in front of a project: what it answers itself, what it lets pass and how that is changed. The answers are
 * those that `next start` and `vercel dev` give. */
import assert from 'node:assert/strict';
import http from 'node:http';
import { once } from 'node:events';
import test from 'node:test';
import { startPlatform } from './harness.js';

const ECHO = `
import { cookies } from 'next/headers';
async function echo(request) {
  const seen = await cookies();
  const answer = Response.json({
    url: request.url, headers: Object.fromEntries(request.headers), body: await request.text(), cookies: seen.getAll().map(({ name }) => name),
  });
  answer.headers.append('set-cookie', 'handler=1');
  answer.headers.set('x-both', 'handler');
  return answer;
}
export { echo as GET, echo as POST, echo as DELETE };
`;
const STREAM = `
export const GET = () => new Response(new ReadableStream({
  async start(controller) {
    for (const word of ['one ', 'two ', 'three']) {
      controller.enqueue(new TextEncoder().encode(word));
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    controller.close();
  },
}));
`;
const MIDDLEWARE = `
import { NextResponse } from 'next/server';
export async function middleware(request, event) {
  const { searchParams, pathname } = request.nextUrl;
  const to = (path) => new URL(path, request.url);
  switch (searchParams.get('do')) {
    case 'answer': return NextResponse.json({ pathname, method: request.method }, { status: 401, headers: { 'x-mine': '1' } });
    case 'add': {
      const response = NextResponse.next({ headers: { 'x-added': 'yes', 'x-both': 'middleware' } });
      response.cookies.set('seen', '1', { httpOnly: true });
      return response;
    }
    case 'change': {
      const headers = new Headers(request.headers);
      headers.set('x-user', 'ada');
      headers.delete('x-secret');
      return NextResponse.next({ request: { headers } });
    }
    case 'rewrite': return NextResponse.rewrite(to('/api/echo?rewritten=1'));
    case 'file': return NextResponse.rewrite(to('/note.txt'));
    case 'past': return NextResponse.rewrite(to('/old'));
    case 'outside': return NextResponse.rewrite(process.env.OTHER_SITE + '/there?b=2');
    case 'redirect': return NextResponse.redirect(to('/login?from=' + pathname));
    case 'forever': return NextResponse.redirect('https://example.com/', 308);
    case 'throw': throw new Error('lost its way');
    case 'wrong': return 'text';
    case 'read': return NextResponse.next({ headers: { 'x-length': String((await request.text()).length) } });
    case 'later': event.waitUntil(Promise.resolve().then(() => console.log('later of', pathname))); return undefined;
  }
}
export const config = { matcher: ['/api/:path*', '/note.txt', '/nowhere'] };
`;
const CONFIG = `module.exports = {
  async headers() { return [{ source: '/api/:path*', headers: [{ key: 'x-both', value: 'config' }, { key: 'x-config', value: '1' }] }]; },
  async redirects() { return [{ source: '/old', destination: '/new', permanent: true }]; },
};`;

async function otherSite(t) {
  const server = http.createServer((request, response) => {
    response.end(JSON.stringify({ url: request.url, host: request.headers['x-forwarded-host'] }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return `http://127.0.0.1:${server.address().port}`;
}

test('middleware of a Next.js project', async (t) => {
  const platform = await startPlatform(t, {
    files: {
      'app/api/echo/route.js': ECHO, 'app/api/stream/route.js': STREAM, 'app/free/route.js': "export const GET = () => new Response('free');",
      'public/note.txt': 'a note', 'middleware.js': MIDDLEWARE, 'next.config.js': CONFIG,
    },
    env: { OTHER_SITE: await otherSite(t) },
  });
  const host = `localhost:${platform.port}`;
  const get = (target, headers = {}) => platform.get(target, { host, headers });

  await t.test('lets pass what it returns nothing for, and knows paths that it has no part in', async () => {
    const { status, json, headers } = await get('/api/echo?q=%2B', { 'x-secret': 's' });
    assert.equal(status, 200);
    assert.equal(json.url, `http://${host}/api/echo?q=%2B`);
    assert.equal(json.headers['x-secret'], 's');
    assert.equal(json.headers.host, host);
    assert.equal(json.headers['x-forwarded-for'], '127.0.0.1');
    assert.deepEqual(Object.keys(json.headers).filter((name) => name.startsWith('x-mayfly')), []);
    assert.equal(headers['x-both'], 'config');
    assert.match(headers['x-mayfly-instance'], /^\d+$/);
    assert.equal((await get('/free?do=answer')).text, 'free');
    assert.equal((await get('/nowhere')).status, 404);
    assert.equal((await get('/note.txt')).text, 'a note');
  });

  await t.test('answers by itself', async () => {
    const answer = await get('/api/echo?do=answer');
    assert.deepEqual([answer.status, answer.json], [401, { pathname: '/api/echo', method: 'GET' }]);
    assert.equal(answer.headers['x-mine'], '1');
    assert.equal((await get('/note.txt?do=answer')).status, 401);
    const head = await platform.request('HEAD', '/api/echo?do=answer', { host });
    assert.deepEqual([head.status, head.text], [401, '']);
  });

  await t.test('adds headers and cookies to the answer, and wins over the handler and next.config', async () => {
    const { headers, json } = await get('/api/echo?do=add');
    assert.equal(headers['x-added'], 'yes');
    assert.equal(headers['x-both'], 'middleware');
    assert.equal(headers['x-config'], '1');
    assert.deepEqual(headers['set-cookie'], ['seen=1; Path=/; HttpOnly', 'handler=1']);
    assert.equal(headers['x-middleware-set-cookie'], undefined);
    assert.equal(json.headers['x-added'], 'yes');
    assert.deepEqual(json.cookies, []);
  });

  await t.test('changes the headers of the request', async () => {
    const { json, headers } = await get('/api/echo?do=change', { 'x-secret': 's', 'x-other': 'o' });
    assert.equal(json.headers['x-user'], 'ada');
    assert.equal(json.headers['x-secret'], undefined);
    assert.equal(json.headers['x-other'], 'o');
    assert.deepEqual(Object.keys(headers).filter((name) => name.startsWith('x-middleware')), []);
  });

  await t.test('rewrites to a route, which sees the URL as it came, to a file, and to another site', async () => {
    const { json, headers } = await get('/nowhere?do=rewrite');
    assert.equal(json.url, `http://${host}/nowhere?do=rewrite`);
    assert.equal(headers['x-middleware-rewrite'], '/api/echo?rewritten=1');
    assert.equal(headers['x-config'], undefined);
    assert.equal((await get('/api/echo?do=file')).text, 'a note');
    assert.equal((await get('/api/echo?do=past')).status, 404, 'redirects of next.config are behind it');
    assert.deepEqual((await get('/api/echo?do=outside')).json, { url: '/there?b=2', host });
  });

  await t.test('redirects within the site by the path alone', async () => {
    const answer = await get('/api/echo?do=redirect');
    assert.deepEqual([answer.status, answer.headers.location], [307, '/login?from=/api/echo']);
    const forever = await get('/api/echo?do=forever');
    assert.deepEqual([forever.status, forever.headers.location], [308, 'https://example.com/']);
  });

  await t.test('a body that it reads is still there for the handler', async () => {
    for (const [method, headers] of [['POST', {}], ['DELETE', { 'transfer-encoding': 'chunked' }]]) {
      const { json, headers: said } = await platform.request(method, '/api/echo?do=read', { host, headers, body: 'hällo' });
      assert.equal(json.body, 'hällo');
      assert.equal(said['x-length'], '5');
      assert.equal((await platform.request(method, '/api/echo', { host, headers, body: 'hällo' })).json.body, 'hällo');
    }
  });

  await t.test('streams pass', async () => {
    assert.equal((await get('/api/stream')).text, 'one two three');
  });

  await t.test('its failures are answered 500 and logged', async () => {
    for (const action of ['throw', 'wrong']) {
      const answer = await get(`/api/echo?do=${action}`);
      assert.equal(answer.status, 500);
      assert.equal(answer.headers['x-vercel-error'], 'MIDDLEWARE_INVOCATION_FAILED');
    }
    await platform.log(/lost its way[^]*middleware\.js/);
    await platform.log('Expected an instance of Response to be returned');
  });

  await t.test('waitUntil goes on after the answer', async () => {
    await get('/api/echo?do=later');
    await platform.log('later of /api/echo');
  });

  await t.test('both are in the trace of the request', async () => {
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    const from = platform.records.length;
    await get('/api/echo?do=add', { traceparent });
    const isOf = (name) => ({ type, trace, function: fn }) => type === 'usage' && trace === 'a'.repeat(32) && fn?.startsWith(name);
    await platform.record(isOf('middleware'), { from });
    await platform.record(isOf('app'), { from });
  });

  await t.test('nobody outside can speak for it', async () => {
    const forged = {
      'x-mayfly-via': 'middleware', 'x-mayfly-target': '/free', 'x-mayfly-address': '10.0.0.1', 'x-middleware-next': '1',
      'x-middleware-rewrite': '/free', 'x-middleware-subrequest': 'middleware:middleware:middleware',
    };
    const answer = await get('/api/echo?do=answer', forged);
    assert.equal(answer.status, 401);
    const { json } = await get('/api/echo', forged);
    assert.equal(json.headers['x-forwarded-for'], '127.0.0.1');
    assert.equal(json.headers['x-middleware-rewrite'], undefined);
  });
});

test('proxy.ts is Next.js 16\'s name for it', async (t) => {
  const platform = await startPlatform(t, {
    files: {
      'app/api/x/route.ts': "export const GET = () => new Response('x');",
      'proxy.ts': "export default function proxy(request: Request) { return new Response('proxied ' + new URL(request.url).pathname); }",
    },
  });
  assert.equal((await platform.get('/api/x')).text, 'proxied /api/x');
});

test('middleware of a Vercel project', async (t) => {
  const platform = await startPlatform(t, {
    files: {
      'api/hello.js': 'export default (req, res) => res.json({ url: req.url, user: req.headers["x-user"] ?? null, ip: req.headers["x-real-ip"] });',
      'public/page.html': '<p>page</p>',
      'middleware.js': `
        const passing = (headers) => new Response(null, { headers: { 'x-middleware-next': '1', ...headers } });
        export default function (request, context) {
          const { pathname } = new URL(request.url);
          context.waitUntil(Promise.resolve());
          if (pathname === '/denied') return new Response('no', { status: 403 });
          if (pathname === '/moved') return Response.redirect(new URL('/page.html', request.url), 302);
          if (pathname === '/hi') return new Response(null, { headers: { 'x-middleware-rewrite': new URL('/api/hello?a=1', request.url).href } });
          return passing({ 'x-seen': '1', 'x-middleware-override-headers': 'x-user', 'x-middleware-request-x-user': 'ada' });
        }`,
    },
  });
  const host = `localhost:${platform.port}`;
  const get = (target) => platform.get(target, { host });
  const hello = await get('/api/hello?q=1');
  assert.deepEqual(hello.json, { url: '/api/hello?q=1', user: 'ada', ip: '127.0.0.1' });
  assert.equal(hello.headers['x-seen'], '1');
  assert.equal((await get('/page.html')).text, '<p>page</p>');
  assert.deepEqual([(await get('/denied')).status, (await get('/denied')).text], [403, 'no']);
  assert.deepEqual([(await get('/moved')).status, (await get('/moved')).headers.location], [302, `http://${host}/page.html`]);
  assert.deepEqual((await get('/hi')).json, { url: '/hi?a=1', user: null, ip: '127.0.0.1' });
});
