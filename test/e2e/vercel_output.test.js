/* What was built for Vercel, through the whole platform: by its Build Output API. */
import assert from 'node:assert/strict';
import { renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { eventually, startPlatform } from './harness.js';

const OUTPUT = '.vercel/output';
const nodeSettings = JSON.stringify({ runtime: 'nodejs22.x', handler: 'server/index.mjs', launcherType: 'Nodejs', supportsResponseStreaming: true });

const config = {
  version: 3,
  routes: [
    { src: '.*', continue: true, transforms: [{ type: 'request.query', op: 'delete', target: { key: '__pathname' } }] },
    { src: '^/guarded(/.*)?$', middlewarePath: 'middleware', continue: true },
    { src: '/old', status: 307, headers: { Location: '/' } },
    { src: '/assets/(.*)', headers: { 'cache-control': 'public, max-age=31536000, immutable' }, continue: true },
    { handle: 'filesystem' },
    { src: '/assets/.*', status: 404, headers: { 'cache-control': 'no-store' } },
    { src: '^/(page/.*)$', dest: '/isr?__pathname=/$1' },
    { src: '^/edge$', dest: '/edge' },
    { src: '/.*', dest: '/![-]/catchall' },
  ],
  overrides: { 'about.html': { path: 'about' }, feed: { contentType: 'application/rss+xml' } },
};

const files = {
  'package.json': '{ "type": "module", "devDependencies": { "@sveltejs/kit": "2" } }',
  [`${OUTPUT}/config.json`]: JSON.stringify(config),
  [`${OUTPUT}/static/assets/app.js`]: 'app',
  [`${OUTPUT}/static/about.html`]: '<h1>about',
  [`${OUTPUT}/static/feed`]: '<rss>',
  [`${OUTPUT}/functions/![-]/catchall.func/.vc-config.json`]: nodeSettings,
  [`${OUTPUT}/functions/![-]/catchall.func/server/index.mjs`]: `import { readFileSync } from 'node:fs';
import { tea } from 'tea';
export default {
  async fetch(request) {
    const { pathname, search } = new URL(request.url);
    if (pathname === '/stream') {
      const { readable, writable } = new TransformStream();
      const writer = writable.getWriter();
      writer.write(new TextEncoder().encode('first '));
      setTimeout(() => writer.write(new TextEncoder().encode('second')).then(() => writer.close()), 200);
      return new Response(readable);
    }
    return Response.json({ path: pathname + search, method: request.method, body: await request.text(), tea, data: readFileSync('server/data.txt', 'utf8') });
  },
};
`,
  [`${OUTPUT}/functions/![-]/catchall.func/server/data.txt`]: 'data',
  [`${OUTPUT}/functions/![-]/catchall.func/node_modules/tea/index.js`]: "exports.tea = 'green';\n",
  [`${OUTPUT}/functions/isr.func`]: { link: '![-]/catchall.func' },
  [`${OUTPUT}/functions/isr.prerender-config.json`]: '{ "expiration": 60, "allowQuery": ["__pathname", "q"], "passQuery": true }',
  [`${OUTPUT}/functions/listener.func/.vc-config.json`]: nodeSettings,
  [`${OUTPUT}/functions/listener.func/server/index.mjs`]: 'export default (request, response) => { response.end(`${request.url} ${typeof response.json} ${request.body}`); };\n',
  [`${OUTPUT}/functions/web.func/.vc-config.json`]: JSON.stringify({
    ...JSON.parse(nodeSettings), useWebApi: true, filePathMap: { 'server/index.mjs': 'build/server.mjs', 'server/words.mjs': 'build/words.mjs' },
  }),
  'build/server.mjs': "import { word } from './words.mjs';\nexport default (request) => new Response(word + new URL(request.url).pathname);\n",
  'build/words.mjs': "export const word = 'web';\n",
  [`${OUTPUT}/functions/edge.func/.vc-config.json`]: '{ "runtime": "edge", "entrypoint": "index.js" }',
  [`${OUTPUT}/functions/middleware.func/.vc-config.json`]: '{ "runtime": "edge", "entrypoint": "middleware.js" }',
  [`${OUTPUT}/functions/middleware.func/middleware.js`]: `export default (request) => {
  const headers = { 'x-middleware-next': '1', 'x-guard': 'passed' };
  if (request.url.endsWith('/moved')) return new Response(null, { headers: { 'x-middleware-rewrite': new URL('/about', request.url).href } });
  return request.headers.has('authorization') ? new Response(null, { headers }) : new Response('who are you?', { status: 401 });
};
`,
  [`${OUTPUT}/functions/edge.func/index.js`]: 'export default (request) => new Response(typeof EdgeRuntime + request.url.slice(-5));\n',
};

test('functions, files, redirects, streams and middleware of a build', async (t) => {
  const platform = await startPlatform(t, { files });

  assert.deepEqual((await platform.request('POST', '/any/Page?a=1', { body: 'tea' })).json, {
    path: '/any/Page?a=1', method: 'POST', body: 'tea', tea: 'green', data: 'data',
  });
  assert.equal((await platform.get('/page/1?q=1&other=2&__pathname=/else')).json.path, '/page/1?__pathname=/page/1&q=1');
  assert.equal((await platform.get('/listener?x=1')).text, '/listener?x=1 undefined undefined');
  assert.equal((await platform.get('/web')).text, 'web/web');
  assert.equal((await platform.get('/edge')).text, 'string/edge');
  assert.equal((await platform.get('/stream')).text, 'first second');
  assert.deepEqual([(await platform.get('/old')).status, (await platform.get('/old')).headers.location], [307, '/']);

  assert.deepEqual([(await platform.get('/guarded')).status, (await platform.get('/guarded/moved')).text], [401, '<h1>about']);
  const passed = await platform.get('/guarded/x?a=1', { headers: { authorization: 'tea' } });
  assert.deepEqual([passed.json.path, passed.headers['x-guard']], ['/guarded/x?a=1', 'passed']);

  const asset = await platform.get('/assets/app.js');
  assert.deepEqual([asset.text, asset.headers['cache-control']], ['app', 'public, max-age=31536000, immutable']);
  const missing = await platform.get('/assets/gone.js');
  assert.deepEqual([missing.status, missing.headers['cache-control']], [404, 'no-store']);
  assert.equal((await platform.get('/about')).text, '<h1>about');
  assert.equal((await platform.get('/feed')).headers['content-type'], 'application/rss+xml');
});

test('a build while it is served: the last one answers until the new one is there', async (t) => {
  const platform = await startPlatform(t, { files });
  const away = path.join(platform.project, '.vercel/away');
  const output = path.join(platform.project, OUTPUT);
  assert.equal((await platform.get('/x')).json.data, 'data');

  renameSync(output, away);
  await eventually(() => platform.records.some(({ type, diagnostics }) => type === 'failed' && /is gone, as while/.test(diagnostics[0].text)), 'it is not told');
  assert.equal((await platform.get('/x')).json.data, 'data');
  writeFileSync(path.join(away, 'functions/![-]/catchall.func/server/data.txt'), 'new');
  writeFileSync(path.join(away, 'static/about.html'), '<h1>new');
  renameSync(away, output);
  await eventually(async () => (await platform.get('/x')).json.data === 'new', 'the new build is not served');
  assert.equal((await platform.get('/about')).text, '<h1>new');
});
