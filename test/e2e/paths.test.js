/* Paths that are written in more than one way, and what an edge route of Next.js that fails says: as `next start`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startPlatform } from './harness.js';

test('a Next.js route is found by any path that is its own to a URL parser', async (t) => {
  const platform = await startPlatform(t, {
    files: {
      'app/api/where/route.js': 'export function GET(request) { return new Response(request.url); }',
      'app/api/edge/route.js': `export const runtime = 'edge';
        export function GET(request) {
          if (new URL(request.url).search === '?nothing') return;
          throw new Error('boom');
        }`,
      'app/api/tea/route.js': 'export const GET = () => new Response("x", { status: 203, statusText: "Tea Time" });',
      'app/api/node/route.js': 'export function GET() { throw new Error("boom"); }',
      'middleware.js': `export function middleware(request) {
          return request.nextUrl.pathname === '/api/secret' ? new Response('no', { status: 403 }) : undefined;
        }
        export const config = { matcher: '/api/secret' };`,
    },
  });

  await t.test('dot segments are resolved before anything is matched', async () => {
    for (const target of ['/api/../api/where', '/api/./where', '/api/x/%2e%2E/where', '/../api/where?a=1']) {
      const answer = await platform.get(target, { host: 'a.example' });
      assert.equal(answer.status, 200, target);
      assert.equal(answer.text, `http://a.example/api/where${target.match(/\?.*|$/)[0]}`);
    }
    const folder = await platform.get('/api/where/.?a=/../b');
    assert.equal(folder.status, 308);
    assert.equal(folder.headers.location, '/api/where?a=/../b');
    assert.equal((await platform.get('/x/../api/secret')).status, 403);
  });

  await t.test('one redirect takes all superfluous slashes away', async () => {
    for (const [target, location] of [
      ['//api//where', '/api/where'], ['/api///where', '/api/where'], ['//api///where?a=//b', '/api/where?a=//b'], ['//', '/'], ['/api/where/', '/api/where'],
    ]) {
      const answer = await platform.get(target);
      assert.equal(answer.status, 308, target);
      assert.equal(answer.headers.location, location, target);
    }
  });

  await t.test('a reason phrase is the route\'s own', async () => {
    const response = await fetch(`${platform.origin}/api/tea`);
    assert.deepEqual([response.status, response.statusText, await response.text()], [203, 'Tea Time', 'x']);
  });

  await t.test('there is a page for what is not there', async () => {
    const answer = await platform.get('/api/nothing');
    assert.deepEqual([answer.status, answer.headers['content-type']], [404, 'text/html; charset=utf-8']);
    assert.match(answer.headers['cache-control'], /no-store/);
    assert.match(answer.text, /<title>404: This page could not be found\.<\/title>/);
  });

  await t.test('an edge route that fails says so, one on Node.js says nothing', async () => {
    for (const target of ['/api/edge', '/api/edge?nothing']) {
      const answer = await platform.get(target);
      assert.equal(answer.status, 500);
      assert.equal(answer.headers['content-type'], 'text/plain');
      assert.match(answer.headers['cache-control'], /no-store/);
      assert.equal(answer.text, 'Internal Server Error');
    }
    const answer = await platform.get('/api/node');
    assert.equal(answer.status, 500);
    assert.equal(answer.text, '');
    assert.match(answer.headers.vary, /^rsc, next-router-state-tree, /);
  });
});

test('a plain server says its reason, and may close the connection', async (t) => {
  const platform = await startPlatform(t, {
    files: {
      'package.json': JSON.stringify({ scripts: { start: 'node server.js' } }),
      'server.js': `require('node:http').createServer((request, response) => {
          if (request.url === '/bye') response.setHeader('Connection', 'close');
          response.writeHead(299, 'Tea Time');
          response.end('x');
        }).listen(3000);`,
    },
  });
  const kept = await fetch(`${platform.origin}/`);
  assert.deepEqual([kept.status, kept.statusText, kept.headers.get('connection'), await kept.text()], [299, 'Tea Time', null, 'x']);
  const closed = await fetch(`${platform.origin}/bye`);
  assert.deepEqual([closed.headers.get('connection'), await closed.text()], ['close', 'x']);
});

test('a plain server reads the path as it came', async (t) => {
  const platform = await startPlatform(t, {
    files: {
      'package.json': JSON.stringify({ scripts: { start: 'node server.js' } }),
      'server.js': 'require("node:http").createServer((request, response) => response.end(request.url)).listen(process.env.PORT);',
    },
  });
  for (const target of ['/a/../b?c=/./d', '/./a', '/a/%2e%2e']) {
    assert.equal((await platform.get(target)).text, target);
  }
});
