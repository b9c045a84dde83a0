/* What frameworks' adapters and `vercel build` have built for Vercel, by its Build Output API. */
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { Builder, build, evaluate, functionNamed, projectOf, visit, writeFiles } from './harness.js';

const OUTPUT = '.vercel/output';
const node = { runtime: 'nodejs22.x', handler: 'index.js', launcherType: 'Nodejs' };
const handler = 'export default (request, response) => response.end("x");\n';
const esm = '{ "type": "module" }';

/** @param {Record<string, object>} functions .vc-config.json by path, each with a handler */
function outputOf(config, functions = {}, files = {}) {
  const made = { [`${OUTPUT}/config.json`]: JSON.stringify({ version: 3, ...config }) };
  for (const [name, settings] of Object.entries(functions)) {
    Object.assign(made, {
      [`${OUTPUT}/functions/${name}.func/.vc-config.json`]: JSON.stringify(settings), [`${OUTPUT}/functions/${name}.func/package.json`]: esm,
      [`${OUTPUT}/functions/${name}.func/${settings.handler ?? settings.entrypoint}`]: handler,
    });
  }
  return { ...made, ...Object.fromEntries(Object.entries(files).map(([name, text]) => [`${OUTPUT}/${name}`, text])) };
}

function link(project, name, target) {
  const place = path.join(project, OUTPUT, 'functions', `${name}.func`);
  mkdirSync(path.dirname(place), { recursive: true });
  symlinkSync(target, place);
}

const warnings = (manifest) => manifest.diagnostics.map(({ text }) => text);

test('functions answer at their paths, links lead to one, and rules go through the phases of Vercel', async (t) => {
  const project = projectOf(t, outputOf({
    routes: [
      { src: '/old', status: 308, headers: { Location: '/post/1' } },
      { src: '/assets/(.*)', headers: { 'x-asset': '1' }, continue: true },
      { src: '/assets/.*', headers: { 'cache-control': 'immutable' } },
      { src: '/assets/.*', headers: { 'x-never': 'the rule before has ended the phase' }, continue: true },
      { handle: 'filesystem' },
      { src: '/assets/.*', status: 404, headers: { 'cache-control': 'no-store' } },
      { src: '^/post/([^/]+?)/?$', dest: '/post/[id]?id=$1' },
      { src: '/.*', dest: '_render' },
    ],
  }, { _render: node, 'post/[id]': { ...node, memory: 512, maxDuration: 60 } }, { 'static/assets/app.js': 'app', 'static/index.html': 'home' }));
  link(project, 'api/echo', '../_render.func');
  link(project, 'docs/index', '../_render.func');
  const manifest = await build(t, project);
  const at = (url, method = 'GET') => visit(manifest, method, url);

  assert.deepEqual(warnings(manifest), []);
  assert.deepEqual(manifest.functions.map(({ name }) => name), ['vercel/_render', 'vercel/post/id']);
  assert.deepEqual([functionNamed(manifest, 'vercel/post/id').memory_mb, functionNamed(manifest, 'vercel/post/id').timeout_ms], [512, 60_000]);
  assert.equal(functionNamed(manifest, 'vercel/_render').env.NODE_ENV, 'production');
  assert.deepEqual([at('/api/echo').endpoint, at('/api/echo/').endpoint, at('/docs').endpoint], ['/api/echo', '/api/echo', '/docs']);
  assert.deepEqual([at('/post/7').function, at('/post/7').query, at('/POST/7').function], ['vercel/post/id', 'id=7', 'vercel/post/id']);
  assert.equal(at('/any/where').endpoint, '/_render');
  assert.deepEqual([at('/old').status, at('/old').location], [308, '/post/1']);
  assert.match(at('/assets/app.js').file, /\.vercel\/output\/static\/assets\/app\.js$/);
  assert.deepEqual(at('/assets/app.js').headers, { 'x-asset': '1', 'cache-control': 'immutable' });
  assert.deepEqual(at('/assets/gone.js'), { status: 404, headers: { 'x-asset': '1', 'cache-control': 'no-store' } });
  assert.equal(at('/assets/app.js', 'POST').status, 404);
});

test('a function has its folder, with its packages and links, and no more', async (t) => {
  const project = projectOf(t, {
    ...outputOf({}, { index: node }), 'secret.txt': 's',
    [`${OUTPUT}/functions/index.func/index.js`]: "import { tea } from 'tea';\nimport { readFileSync, existsSync } from 'node:fs';\n" +
      "export const seen = [tea, readFileSync('data.txt', 'utf8'), existsSync('out.txt'), import.meta.dirname];\nexport default () => {};\n",
    [`${OUTPUT}/functions/index.func/data.txt`]: 'data',
    [`${OUTPUT}/functions/index.func/node_modules/.store/tea/index.js`]: "export const tea = 'green';\n",
    [`${OUTPUT}/functions/index.func/node_modules/.store/tea/package.json`]: '{ "name": "tea", "type": "module", "main": "index.js" }',
    'lib/shared.js': 'export const shared = 1;\n',
    [`${OUTPUT}/functions/index.func/.vc-config.json`]: JSON.stringify({
      ...node, environment: { FROM_BUILD: 'yes' }, filePathMap: { 'lib/shared.js': 'lib/shared.js', '../up.js': 'lib/shared.js', 'etc.txt': '../../../etc/hostname' },
    }),
  });
  symlinkSync('.store/tea', path.join(project, OUTPUT, 'functions/index.func/node_modules/tea'));
  symlinkSync('../../../../secret.txt', path.join(project, OUTPUT, 'functions/index.func/out.txt'));
  const manifest = await build(t, project);
  const fn = functionNamed(manifest, 'vercel/index');

  assert.deepEqual(warnings(manifest), []);
  assert.equal(fn.env.FROM_BUILD, 'yes');
  const [tea, data, hasOut, folder] = evaluate(fn, "load('function').then((module) => module.seen)");
  assert.deepEqual([tea, data, hasOut, folder], ['green', 'data', false, fn.artifact]);
  const { readdirSync } = await import('node:fs');
  assert.deepEqual(readdirSync(fn.artifact).sort(), ['.vc-config.json', '___mayfly.cjs', 'data.txt', 'index.js', 'lib', 'node_modules', 'package.json']);
});

test('files under other names and of other types, and a page for what is not there', async (t) => {
  const manifest = await build(t, projectOf(t, outputOf({
    overrides: { 'about.html': { path: 'about' }, 'feed': { contentType: 'application/rss+xml' }, 'home.html': { path: '' }, '404.html': { path: '404' } },
    routes: [{ handle: 'error' }, { src: '/.*', dest: '/gone.html', status: 404 }, { src: '/.*', dest: '/404', status: 404 }, { src: '/.*', dest: '/500', status: 500 }],
  }, {}, { 'static/about.html': 'a', 'static/feed': 'f', 'static/home.html': 'h', 'static/404.html': '4' })));
  const at = (url) => visit(manifest, 'GET', url);

  for (const [url, file] of [['/about', 'about.html'], ['/about/', 'about.html'], ['/', 'home.html'], ['/feed', 'feed']]) {
    assert.equal(path.basename(at(url).file ?? ''), file, url);
  }
  assert.deepEqual(at('/feed').headers, { 'content-type': 'application/rss+xml' });
  assert.deepEqual([path.basename(at('/no/such').file), at('/no/such').status], ['404.html', 404]);
  assert.deepEqual([manifest.functions, warnings(manifest)], [[], []]);
});

test('crons are schedules, once where vercel.json says the same', async (t) => {
  const manifest = await build(t, projectOf(t, {
    ...outputOf({ crons: [{ path: '/tick', schedule: '*/5 * * * *' }, { path: '/own', schedule: '0 1 * * *' }], routes: [{ src: '/.*', dest: '/index' }] }, { index: node }),
    'vercel.json': '{ "crons": [{ "path": "/own", "schedule": "0 1 * * *" }] }',
  }));

  assert.deepEqual(manifest.events.schedules.map(({ name, expression, target }) => [name, expression, target]), [
    ['/own', '0 1 * * *', { path: '/own' }], ['/tick', '*/5 * * * *', { path: '/tick' }],
  ]);
});

test('a prerendered page\'s function is told of the query that the page depends on', async (t) => {
  const manifest = await build(t, projectOf(t, outputOf({ routes: [{ src: '(?<url>/blog/.*)', dest: '/blog?__url=$url' }] }, { blog: node }, {
    'functions/blog.prerender-config.json': '{ "expiration": 60, "group": 1, "allowQuery": ["__url"], "passQuery": true }',
  })));
  const { query, settings } = visit(manifest, 'GET', '/blog/x');

  assert.deepEqual([query, settings.allow_query], ['__url=/blog/x', ['__url']]);
});

test('functions of the edge are bundled, with what they bring along', async (t) => {
  const project = projectOf(t, {
    ...outputOf({ routes: [{ src: '/.*', dest: '/edge' }] }, { edge: { runtime: 'edge', entrypoint: 'index.js' } }),
    [`${OUTPUT}/functions/edge.func/index.js`]: "globalThis.global = globalThis;\nimport { word } from './chunk.js';\nexport default () => new Response(word + typeof global);\n",
    [`${OUTPUT}/functions/edge.func/chunk.js`]: "export const word = 'edge';\n",
  });
  const manifest = await build(t, project);
  const fn = functionNamed(manifest, 'vercel/edge');

  assert.deepEqual([warnings(manifest), fn.settings, visit(manifest, 'GET', '/x').settings.runtime], [[], { edge: true }, 'edge']);
  assert.equal(evaluate(fn, "load('function').then((module) => module.default().text())"), 'edgeobject');
});

test('middleware of a build stands where its route does, unless the project has the source of it', async (t) => {
  const files = outputOf({
    routes: [
      { src: '/first', status: 308, headers: { Location: '/' } },
      { src: '^/admin(/.*)?$', middlewarePath: 'middleware', middlewareRawSrc: ['/admin/:path*'], continue: true },
      { handle: 'filesystem' }, { src: '/.*', dest: '/render' },
    ],
  }, { render: node, middleware: { ...node, useWebApi: true } });
  const manifest = await build(t, projectOf(t, files));

  assert.deepEqual(warnings(manifest), []);
  assert.equal(visit(manifest, 'GET', '/admin/x').function, 'middleware');
  assert.equal(visit(manifest, 'GET', '/other').function, 'vercel/render');
  assert.equal(visit(manifest, 'GET', '/middleware').function, 'vercel/render', 'it is no page');
  assert.equal(functionNamed(manifest, 'middleware').dialect, 'middleware');

  const own = await build(t, projectOf(t, { ...files, 'api/x.js': handler, 'middleware.js': 'export default () => {};\n' }));
  assert.equal(visit(own, 'GET', '/admin/x').file, 'middleware.js');
});

test('transforms: names leave the query, answers get headers', async (t) => {
  const manifest = await build(t, projectOf(t, outputOf({
    routes: [{ src: '/.*', continue: true, transforms: [
      { type: 'request.query', op: 'delete', target: { key: '__pathname' } }, { type: 'request.query', op: 'delete', target: { key: 'a b' } },
      { type: 'response.headers', op: 'set', target: { key: 'x-built' }, args: '1' },
    ] }],
  }, { index: node })));

  assert.deepEqual(warnings(manifest), []);
  assert.equal(manifest.routes[0].without, '__pathname&a%20b');
  assert.deepEqual(visit(manifest, 'GET', '/').headers, { 'x-built': '1' });
});

test('what the project has the sources of is served from those', async (t) => {
  const sources = await build(t, projectOf(t, {
    ...outputOf({ routes: [{ handle: 'filesystem' }, { src: '/.*', dest: '/render' }] }, { 'api/own': node, 'api/built': node, render: node }),
    'api/own.js': handler, 'api/users/[id].js': handler,
  }));
  assert.equal(visit(sources, 'GET', '/api/own').file, 'api/own.js');
  assert.equal(visit(sources, 'GET', '/api/users/7').file, 'api/users/[id].js');
  assert.equal(visit(sources, 'GET', '/api/built').function, 'vercel/api/built');
  assert.equal(visit(sources, 'GET', '/page').function, 'vercel/render');

  const next = await build(t, projectOf(t, {
    ...outputOf({ routes: [{ src: '/.*', dest: '/index' }] }, { index: node }),
    'app/api/x/route.js': 'export const GET = () => new Response("x");\n', 'package.json': '{ "dependencies": { "next": "16" } }',
  }));
  assert.deepEqual([next.functions.map(({ dialect }) => dialect), warnings(next)], [['next'], []]);

  const server = await build(t, projectOf(t, {
    ...outputOf({ routes: [{ src: '/.*', dest: '/index' }] }, { index: node }, { 'builds.json': '{ "builds": [{ "use": "@vercel/express", "src": "index.js" }] }' }),
    'package.json': '{ "scripts": { "start": "node index.js" } }', 'index.js': "require('http').createServer().listen(3000);\n",
  }));
  assert.deepEqual([server.functions.map(({ dialect }) => dialect), warnings(server)], [['server'], []]);

  const alone = await build(t, projectOf(t, outputOf({ routes: [{ src: '/.*', dest: '/index' }] }, { index: node }, {
    'builds.json': '{ "builds": [{ "use": "@vercel/express", "src": "index.js" }] }',
  })));
  assert.deepEqual(alone.functions.map(({ name }) => name), ['vercel/index'], 'without its sources');

  const framework = await build(t, projectOf(t, {
    ...outputOf({ routes: [{ src: '/.*', dest: '/index' }] }, { index: node }, { 'builds.json': '{ "builds": [{ "use": "@vercel/static-build", "src": "package.json" }] }' }),
    'package.json': '{ "scripts": { "start": "node build/index.js" } }', 'build/index.js': "require('http').createServer().listen(3000);\n",
  }));
  assert.deepEqual(framework.functions.map(({ name }) => name), ['vercel/index']);
});

test('what cannot be served is told once', async (t) => {
  const manifest = await build(t, projectOf(t, outputOf({
    images: { sizes: [640], domains: [] }, wildcard: [{ domain: 'example.nl', value: 'nl' }],
    routes: [{ src: '/.*', dest: '/index', transforms: [{ type: 'request.headers', op: 'set', target: { key: 'x' }, args: '1' }] }],
  }, { index: node, py: { runtime: 'python3.12', handler: 'main.py' }, raw: { runtime: 'nodejs22.x', handler: 'index.js' } })));

  assert.deepEqual(warnings(manifest), [
    '/py and 1 more: functions of python3.12 and of Node.js without its launcher do not run here',
    'Vercel\'s image optimization is not here: /_vercel/image answers 404',
    '"transforms" of its routes: only names that leave the query, and headers of answers, are known here',
    '"wildcard": domains are not known here, $wildcard stays as it is',
  ]);
  const other = await build(t, projectOf(t, { ...outputOf({}), [`${OUTPUT}/config.json`]: '{ "version": 2 }' }));
  assert.match(warnings(other)[0], /only version 3 of Vercel's Build Output API is known/);
});

test('while it is built anew the last stays, and then the new one is served', async (t) => {
  const first = outputOf({ routes: [{ src: '/.*', dest: '/one' }] }, { one: node }, { 'static/a.txt': 'a' });
  const project = projectOf(t, { 'package.json': '{}', ...first });
  const builder = new Builder(t, project, { watch: true });
  builder.send({ type: 'build' });
  assert.equal(visit(await builder.next(), 'GET', '/x').function, 'vercel/one');

  rmSync(path.join(project, OUTPUT), { recursive: true });
  const gone = await builder.next();
  assert.deepEqual([gone.type, gone.diagnostics.length], ['failed', 1]);
  writeFiles(project, outputOf({ routes: [{ src: '/.*', dest: '/two' }] }, { two: node }, { 'static/a.txt': 'b' }));
  for (;;) {
    const message = await builder.next();
    if (message.type === 'manifest' && visit(message, 'GET', '/x').function === 'vercel/two') break;
  }
});

test('a folder of static files that was made anew is opened anew', async (t) => {
  const files = outputOf({}, {}, { 'static/a.txt': 'a' });
  const project = projectOf(t, { 'package.json': '{}', ...files });
  const builder = new Builder(t, project, { watch: true });
  builder.send({ type: 'build' });
  const [before] = (await builder.next()).static;

  rmSync(path.join(project, OUTPUT), { recursive: true });
  await builder.next();
  writeFiles(project, files);
  const next = await builder.next();
  assert.equal(next.type, 'manifest');
  assert.notDeepEqual(next.static[0], before);
  assert.equal(next.static[0].directory, before.directory);
});

test('a static site needs no function, and an adapter that has built nothing yet is told of', async (t) => {
  const site = await build(t, projectOf(t, { ...outputOf({}, {}, { 'static/index.html': 'home' }), 'package.json': '{ "dependencies": { "astro": "7" } }', 'public/draft.txt': 'd' }));
  assert.deepEqual([warnings(site), path.basename(visit(site, 'GET', '/index.html').file), visit(site, 'GET', '/draft.txt').status], [[], 'index.html', 404]);

  const beside = await build(t, projectOf(t, {
    ...outputOf({}, {}, { 'static/index.html': 'home' }), 'package.json': '{ "scripts": { "start": "node build.js" } }', 'build.js': "require('http').createServer().listen(3000);\n",
  }));
  assert.deepEqual(beside.functions, [], 'a site is all there is');

  const unbuilt = await build(t, projectOf(t, { 'package.json': '{ "devDependencies": { "@sveltejs/kit": "2", "@sveltejs/adapter-vercel": "6" } }' }));
  assert.deepEqual(warnings(unbuilt), ['what @sveltejs/adapter-vercel builds for Vercel is served: run `npm run build`, and again after changes']);
  const honoFor = async (platform) => warnings(await build(t, projectOf(t, {
    'package.json': '{ "devDependencies": { "@hono/vite-build": "1" } }', 'vite.config.ts': `import build from '@hono/vite-build/${platform}'\n`,
  })));
  assert.deepEqual(await honoFor('vercel'), ['what @hono/vite-build/vercel builds for Vercel is served: run `npm run build`, and again after changes']);
  assert.deepEqual(await honoFor('cloudflare-pages'), []);
});
