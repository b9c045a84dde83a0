/* middleware.ts and proxy.ts: where they are looked for, and which paths they stand in front of. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { build, functionNamed, projectOf, visit } from './harness.js';

const ROUTE = 'export const GET = () => new Response();\n';
const hook = (matcher, name = 'middleware') =>
  `export function ${name}() {}\n${matcher === undefined ? '' : `export const config = { matcher: ${JSON.stringify(matcher)} };\n`}`;

const passes = (manifest, url, options) => visit(manifest, 'GET', url, options).function === 'middleware';

test('without a matcher it stands in front of every path, but after redirects', async (t) => {
  const manifest = await build(t, projectOf(t, {
    'app/api/x/route.ts': ROUTE, 'middleware.ts': hook(), 'public/a.txt': 'a',
    'next.config.js': "module.exports = { redirects: async () => [{ source: '/old', destination: '/new', permanent: true }] };",
  }));
  for (const url of ['/', '/api/x', '/a.txt', '/nowhere']) {
    assert.ok(passes(manifest, url), url);
  }
  assert.equal(visit(manifest, 'GET', '/old').location, '/new');
  const { dialect, env, settings } = functionNamed(manifest, 'middleware');
  assert.equal(dialect, 'middleware');
  assert.deepEqual([env.NEXT_RUNTIME, functionNamed(manifest, 'app').env.NEXT_RUNTIME], ['edge', 'nodejs']);
  assert.equal(settings.platform, 'next');
});

test('matchers are paths with parameters and patterns, and may ask for headers', async (t) => {
  const matcher = ['/api/:path*', '/((?!static|.*\\.png$).+)-page', { source: '/c', has: [{ type: 'header', key: 'x-on' }] }];
  const manifest = await build(t, projectOf(t, { 'app/api/x/route.ts': ROUTE, 'middleware.js': hook(matcher) }));
  for (const url of ['/api', '/api/x', '/api/x/y', '/some-page']) {
    assert.ok(passes(manifest, url), url);
  }
  for (const url of ['/', '/apis', '/API/x', '/static-page', '/c', '/other']) {
    assert.ok(!passes(manifest, url), url);
  }
  assert.ok(passes(manifest, '/c', { headers: { 'x-on': '1' } }));
});

test('a matcher lies below the basePath', async (t) => {
  const manifest = await build(t, projectOf(t, {
    'app/api/x/route.ts': ROUTE, 'middleware.ts': hook('/api/:path*'), 'next.config.js': "module.exports = { basePath: '/shop' };",
  }));
  assert.ok(passes(manifest, '/shop/api/x'));
  assert.ok(!passes(manifest, '/api/x'));
});

test('proxy.ts is found too, beside the folder app', async (t) => {
  const inSrc = await build(t, projectOf(t, { 'src/app/api/x/route.ts': ROUTE, 'src/proxy.ts': hook(undefined, 'proxy') }));
  assert.equal(functionNamed(inSrc, 'middleware').endpoints[0].file, 'src/proxy.ts');
  const elsewhere = await build(t, projectOf(t, { 'src/app/api/x/route.ts': ROUTE, 'proxy.ts': hook(undefined, 'proxy') }));
  assert.equal(functionNamed(elsewhere, 'middleware'), undefined);
});

test('a config that is computed is told, and then it runs for every path', async (t) => {
  const text = 'export default function middleware() {}\nexport const config = make();\n';
  const manifest = await build(t, projectOf(t, { 'app/api/x/route.ts': ROUTE, 'middleware.ts': text }));
  assert.match(manifest.diagnostics[0].text, /config must be written as plain values/);
  assert.ok(passes(manifest, '/anything'));
});

test('a Vercel project may have one, a folder of Node.js code does not', async (t) => {
  const files = { 'api/x.js': 'export const GET = () => new Response();', 'middleware.js': 'export default () => {};' };
  const vercel = await build(t, projectOf(t, files));
  assert.ok(passes(vercel, '/api/x'));
  assert.equal(functionNamed(vercel, 'middleware').settings.platform, 'vercel');
  const server = await build(t, projectOf(t, {
    'server.js': "require('http').createServer().listen(3000);", 'middleware.js': files['middleware.js'],
  }));
  assert.equal(functionNamed(server, 'middleware'), undefined);
});
