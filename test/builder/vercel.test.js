import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { build, evaluate, functionNamed, projectOf, visit } from './harness.js';

const hook = 'export default () => new Response();\nexport const config = { matcher: "/secret" };\n';
const handler = 'export default (request, response) => response.end("x");\n';

test('files of api answer under their names, helpers do not', async (t) => {
  const project = projectOf(t, {
    'api/index.ts': handler, 'api/hello.js': handler, 'api/users/[id].mts': handler, 'api/users/[id]/posts/[post].cjs': handler,
    'api/_lib/db.ts': handler, 'api/_helper.ts': handler, 'api/.hidden.js': handler, 'api/types.d.ts': 'export {};\n',
    'api/orders/index.mjs': handler,
  });
  const manifest = await build(t, project);
  const file = (url) => visit(manifest, 'GET', url).file;

  assert.equal(file('/api'), 'api/index.ts');
  assert.equal(file('/api/'), 'api/index.ts');
  assert.equal(file('/api/hello'), 'api/hello.js');
  assert.equal(file('/api/hello.js'), 'api/hello.js');
  assert.equal(file('/api/orders'), 'api/orders/index.mjs');
  assert.equal(file('/api/orders/index'), 'api/orders/index.mjs');
  assert.deepEqual(visit(manifest, 'GET', '/api/users/7').params, { id: '7' });
  assert.deepEqual(visit(manifest, 'GET', '/api/users/7/posts/9').params, { id: '7', post: '9' });
  for (const url of ['/api/_helper', '/api/_lib/db', '/api/.hidden', '/api/types', '/api/types.d']) {
    assert.equal(visit(manifest, 'GET', url).status, 404, url);
  }
});

test('without a build, a folder public or an outputDirectory the project itself is the site', async (t) => {
  const files = {
    'api/hello.js': handler, 'index.html': '<h1>hi</h1>', 'css/a.css': 'a{}', '.well-known/security.txt': 'x', 'package.json': '{}',
    '.env': 'SECRET=1', '.git/config': 'x', 'css/.htpasswd': 'x', 'node_modules/a/index.js': '', 'vercel.json': '{}', 'middleware.js': hook,
    'mayfly.json': '{ "volumes": ["data", "var/c++"] }', 'data/shop.db': 'x', 'var/c++/shop.db': 'x',
  };
  const manifest = await build(t, projectOf(t, files));
  const served = (url) => visit(manifest, 'GET', url).file?.endsWith(url === '/' ? '/index.html' : decodeURIComponent(url)) === true;

  for (const url of ['/', '/index.html', '/css/a.css', '/.well-known/security.txt']) {
    assert.ok(served(url), url);
  }
  for (const url of ['/.env', '/%2Eenv', '/.git/config', '/css/.htpasswd', '/node_modules/a/index.js', '/api/hello.js', '/package.json', '/vercel.json', '/middleware.js',
    '/data/shop.db', '/var/c++/shop.db']) {
    assert.ok(!served(url), url);
  }
  assert.equal(visit(manifest, 'GET', '/api/hello').file, 'api/hello.js');

  const site = async (more) => (await build(t, projectOf(t, { ...files, ...more }))).static.map(({ directory }) => path.basename(directory));
  assert.deepEqual(await site({ 'public/a.txt': 'a' }), ['public']);
  assert.deepEqual((await build(t, projectOf(t, { 'api/hello.js': handler, 'server.key': 'x', 'lib/a.js': '' }))).static, [], 'functions alone are no site');
  assert.deepEqual(await site({ 'package.json': '{ "scripts": { "build": "vite build" } }' }), []);
  assert.deepEqual(await site({ 'vercel.json': '{ "outputDirectory": "dist" }', 'dist/index.html': 'x' }), ['dist']);
});

test('what git or Vercel ignores of a site without a build is not served', async (t) => {
  const files = {
    'index.html': '<h1>hi</h1>', 'api/hello.js': handler, 'a.css': '', 'notes.txt': '', 'notes/a.txt': '', 'server.pem': '', 'certs/server.pem': '', 'certs/public.pem': '',
    'tmp/a/b.html': '', 'docs/tmp/a.html': '', 'docs/draft-1.html': '', 'docs/draft-x.html': '', 'docs/a b.html': '', 'docs/a+b.html': '', 'blog/secret/a.html': '',
    'blog/open/a.html': '', 'debug.log': '', 'x/Debug/y/z.html': '', 'x/y/debug/z.html': '', '#a.html': '', 'all/a/b/c.html': '', 'all/a/c.html': '', 'blog/.gitignore': 'secret\n',
    '.gitignore': '# notes\n*.pem\n!public.pem\n/tmp/\nnotes.txt/\ndocs/draft-[!a-z].html\na\\ b.html  \r\n*.log\n[Dd]ebug/\n\\#a.html\nall/**/c.html\n[z-a]\n!\n',
  };
  const ignored = ['server.pem', 'certs/server.pem', 'tmp/a/b.html', 'docs/draft-1.html', 'docs/a b.html', 'debug.log', 'x/Debug/y/z.html', 'x/y/debug/z.html', '#a.html',
    'all/a/b/c.html', 'all/a/c.html', 'blog/secret/a.html'];
  const html = Object.keys(files).filter((file) => !/(^|\/)\.|^api/.test(file));
  const served = async (more = {}) => {
    const manifest = await build(t, projectOf(t, { ...files, ...more }));
    return html.filter((file) => visit(manifest, 'GET', `/${encodeURI(file).replace('#', '%23')}`).file?.endsWith(`/${file}`)).sort();
  };
  const without = (some) => html.filter((file) => !some.includes(file)).sort();

  assert.deepEqual(await served(), without(ignored));
  assert.deepEqual(await served({ 'api/hello.js': '', 'netlify.toml': '[build]\npublish = "."\n' }), without(ignored), 'Netlify builds what is in git');
  assert.deepEqual(await served({ '.vercelignore': '*.html\n!/index.html\n' }), without(html.filter((file) => file.endsWith('.html') && file !== 'index.html')));
  assert.deepEqual(await served({ '.gitignore': '/*\n!/docs/\n' }), html.filter((file) => file.startsWith('docs/')).sort());
  assert.deepEqual(await served({ 'vercel.json': '{ "outputDirectory": ".", "buildCommand": "make" }' }), without([]), 'what a build makes is mostly ignored');
});

test('middleware of a project that has only pages is found', async (t) => {
  const manifest = await build(t, projectOf(t, { 'index.html': '<h1>hi</h1>', 'middleware.js': hook }));
  assert.equal(visit(manifest, 'GET', '/secret').function, 'middleware');
  assert.match(visit(manifest, 'GET', '/').file, /index\.html$/);

  /* A helper of a server has that name, too. */
  const server = await build(t, projectOf(t, {
    'package.json': '{ "type": "module", "scripts": { "start": "node server.js" } }',
    'server.js': "import auth from './middleware.js';\nimport http from 'node:http';\nhttp.createServer(auth).listen(3000);\n",
    'middleware.js': 'export default (request, response) => response.end("x");\n', 'index.html': 'x',
  }));
  assert.deepEqual(server.functions.map(({ name }) => name), ['server']);
});

test('vercel.json: redirects, rewrites, headers, clean URLs', async (t) => {
  const project = projectOf(t, {
    'api/user.ts': handler,
    'public/about.html': 'about',
    'vercel.json': JSON.stringify({
      redirects: [{ source: '/old/:id', destination: '/api/user?id=:id', permanent: false }],
      rewrites: [
        { source: '/u/:id(\\d+)', destination: '/api/user?id=:id' },
        { source: '/only', has: [{ type: 'header', key: 'x-beta', value: 'yes' }], destination: '/api/user' },
      ],
      headers: [{ source: '/api/(.*)', headers: [{ key: 'X-Robots', value: 'none' }] }],
      cleanUrls: true,
      crons: [{ path: '/api/user', schedule: '0 2 * * *' }],
    }),
  });
  const manifest = await build(t, project);

  assert.deepEqual(manifest.diagnostics, []);
  assert.deepEqual(visit(manifest, 'GET', '/old/7'), { status: 307, location: '/api/user?id=7', headers: {} });
  assert.deepEqual(visit(manifest, 'GET', '/u/7').query, 'id=7');
  assert.equal(visit(manifest, 'GET', '/u/x').status, 404);
  assert.equal(visit(manifest, 'GET', '/only').status, 404);
  assert.equal(visit(manifest, 'GET', '/only', { headers: { 'x-beta': 'yes' } }).file, 'api/user.ts');
  assert.deepEqual(visit(manifest, 'GET', '/api/user').headers, { 'X-Robots': 'none' });
  assert.equal(visit(manifest, 'GET', '/about.html').status, 308);
  assert.match(visit(manifest, 'GET', '/about').file, /public\/about\.html$/);
  assert.equal(visit(manifest, 'GET', '/api/user.ts').location, '/api/user');
  assert.equal(visit(manifest, 'GET', '/OLD/7').status, 404);
  assert.deepEqual(manifest.events.schedules.map(({ name, expression }) => [name, expression]), [['/api/user', '0 2 * * *']]);
});

test('a rewrite to another site becomes a proxy with its captures', async (t) => {
  const project = projectOf(t, {
    'api/a.ts': handler,
    'vercel.json': JSON.stringify({ rewrites: [{ source: '/v1/:path*', destination: 'https://example.com/:path*' }] }),
  });
  const manifest = await build(t, project);
  const visited = visit(manifest, 'GET', '/v1/a/b');
  const proxy = functionNamed(manifest, 'proxy/vercel');

  assert.equal(proxy.dialect, 'proxy');
  assert.equal(visited.function, 'proxy/vercel');
  assert.equal(visited.settings.destination, 'https://example.com/$1');
  assert.deepEqual(visited.params, { 1: 'a/b' });
});

test('older projects: builds and routes', async (t) => {
  const project = projectOf(t, {
    'index.js': 'module.exports = (request, response) => response.end("app");\n',
    'vercel.json': JSON.stringify({
      version: 2, builds: [{ src: 'index.js', use: '@vercel/node' }], routes: [{ src: '/(.*)', dest: '/index.js' }],
    }),
  });
  const manifest = await build(t, project);
  assert.equal(visit(manifest, 'POST', '/any/path').file, 'index.js');
});

test('older projects: an index is its folder, builds name the files of the site, and env is the functions\'', async (t) => {
  const manifest = await build(t, projectOf(t, {
    'index.js': handler, 'v1/index.js': handler, 'public/docs/index.html': '', 'public/a.css': '', 'public/.env': '', 'other/b.css': '', 'page.html': '',
    'vercel.json': JSON.stringify({
      env: { MODE: 'demo', TOKEN: '@token', 1: 'x' },
      builds: [{ src: '**/index.js', use: '@vercel/node' }, { src: 'public/**', use: '@vercel/static' }, { src: '*.html', use: '@now/static' }],
    }),
  }));
  assert.equal(visit(manifest, 'GET', '/').file, 'index.js');
  assert.deepEqual(['/v1', '/v1/', '/v1/index.js/index'].map((url) => visit(manifest, 'GET', url).file), ['v1/index.js', 'v1/index.js', undefined]);
  assert.equal(visit(manifest, 'GET', '/v1/index.js').file, 'v1/index.js');
  const served = (url) => visit(manifest, 'GET', url).file?.endsWith(url) === true;
  assert.deepEqual(['/public/a.css', '/page.html', '/other/b.css', '/public/.env', '/vercel.json'].map(served), [true, true, false, false, false]);
  assert.match(visit(manifest, 'GET', '/public/docs').file, /public\/docs\/index\.html$/);
  const { MODE, TOKEN, 1: one } = functionNamed(manifest, 'api').env;
  assert.deepEqual([MODE, TOKEN, one], ['demo', undefined, undefined]);
});

test('older projects: files of one name are functions of their own, and builds say what they bring along', async (t) => {
  const manifest = await build(t, projectOf(t, {
    'run.js': 'module.exports = () => "js";\n', 'run.mjs': 'export default () => "mjs";\n', 'plain.js': handler, 'data/a.txt': 'a',
    'vercel.json': JSON.stringify({ builds: [{ src: 'run.*', use: '@vercel/node' }, { src: 'plain.js', use: '@vercel/node', config: { helpers: false, includeFiles: 'data/**' } }] }),
  }));
  const fn = functionNamed(manifest, 'api');
  const modules = ['/run.js', '/run.mjs'].map((url) => fn.endpoints.find(({ file }) => file === visit(manifest, 'GET', url).file).module);
  const said = evaluate(fn, `Promise.all(${JSON.stringify(modules)}.map(load)).then((all) => all.map((one) => (one.default?.default ?? one.default ?? one)()))`);
  assert.deepEqual(said, ['js', 'mjs']);
  assert.equal(visit(manifest, 'GET', '/plain.js').settings.helpers, false);
  assert.equal(readFileSync(`${fn.artifact}/data/a.txt`, 'utf8'), 'a');
});

test('a site without index.html, a destination without a slash, and a page with a status', async (t) => {
  const site = await build(t, projectOf(t, {
    'about.html': '', 'lost.html': '',
    'vercel.json': JSON.stringify({ routes: [{ src: '/a', dest: 'about.html' }, { handle: 'filesystem' }, { src: '/(.*)', status: 404, dest: '/lost.html' }] }),
  }));
  const at = (url) => [visit(site, 'GET', url).status, path.basename(visit(site, 'GET', url).file ?? '')];
  assert.deepEqual(['/about.html', '/a', '/else'].map(at), [[undefined, 'about.html'], [undefined, 'about.html'], [404, 'lost.html']]);

  const rewritten = await build(t, projectOf(t, { 'a.html': '', 'vercel.json': JSON.stringify({ rewrites: [{ source: '/b', destination: 'a.html' }] }) }));
  assert.match(visit(rewritten, 'GET', '/b').file, /a\.html$/);
});

test('what .vercelignore names is no function', async (t) => {
  const manifest = await build(t, projectOf(t, { 'api/one.js': handler, 'api/two.js': handler, '.vercelignore': 'api/two.js\n', 'vercel.json': '{}' }));
  assert.equal(visit(manifest, 'GET', '/api/one').file, 'api/one.js');
  assert.equal(visit(manifest, 'GET', '/api/two').status, 404);
});

test('a runtime that is none, and a matcher that is no path, are told', async (t) => {
  const { diagnostics } = await build(t, projectOf(t, {
    'api/a.js': "export const config = { runtime: 'egde' };\nexport default () => new Response('x');\n",
    'middleware.js': "export const config = { matcher: 'about' };\nexport default () => {};\n",
  }));
  assert.deepEqual(diagnostics.map(({ severity, text }) => [severity, text]).sort(), [
    ['error', 'api/a.js: its runtime "egde" is none: there are nodejs, edge, experimental-edge'],
    ['error', 'middleware.js: matcher "about": it must be a path that starts with /'],
  ]);
});

test('memory and duration by glob, included files beside the code', async (t) => {
  const project = projectOf(t, {
    'api/big.ts': handler, 'api/small.ts': handler, 'templates/a.html': 'a', 'templates/b.txt': 'b',
    'vercel.json': JSON.stringify({
      functions: { 'api/big.ts': { memory: 3008, maxDuration: 60 }, 'api/*.ts': { includeFiles: 'templates/**' } },
    }),
  });
  const manifest = await build(t, project);
  const big = functionNamed(manifest, 'api/3008mb');

  assert.equal(big.endpoints[0].timeout_ms, 60_000);
  assert.equal(functionNamed(manifest, 'api').memory_mb, 2048);
  const { existsSync } = await import('node:fs');
  assert.ok(existsSync(`${functionNamed(manifest, 'api').artifact}/templates/b.txt`));
  assert.ok(!existsSync(`${big.artifact}/templates/b.txt`));
});

/* In development @vercel/queue looks up by process.cwd() which handlers a topic has. */
test("of Vercel's queues it is told what brings messages here, and vercel.json lies where their package reads it", async (t) => {
  const project = projectOf(t, {
    'api/jobs.ts': handler, 'api/send.ts': handler,
    'vercel.json': JSON.stringify({ functions: { 'api/jobs.ts': { experimentalTriggers: [{ type: 'queue/v2beta', topic: 'jobs' }] } } }),
  });
  const manifest = await build(t, project);

  assert.match(manifest.diagnostics[0].text, /^vercel\.json: functions\["api\/jobs\.ts"\]\.experimentalTriggers: Vercel's queues are not here/);
  const { artifact } = functionNamed(manifest, 'api');
  assert.equal(readFileSync(`${artifact}/vercel.json`, 'utf8'), readFileSync(`${project}/vercel.json`, 'utf8'));
});

test('a wrong vercel.json is told with its place, and its functions still work', async (t) => {
  const broken = await build(t, projectOf(t, { 'api/a.ts': handler, 'vercel.json': '{\n  "rewrites": [\n}' }));
  assert.equal(broken.diagnostics[0].file, 'vercel.json');
  assert.equal(broken.diagnostics[0].line, 3);
  assert.equal(visit(broken, 'GET', '/api/a').file, 'api/a.ts');

  const wrong = await build(t, projectOf(t, {
    'api/a.ts': handler,
    'vercel.json': JSON.stringify({
      functions: { 'api/a.ts': { memory: 'lots' } }, rewrites: {}, crons: [{ path: 'x' }],
      redirects: [{ source: '/(', destination: '/' }],
    }),
  }));
  assert.equal(wrong.type, 'manifest');
  assert.equal(wrong.diagnostics.length, 4);
  assert.equal(visit(wrong, 'GET', '/api/a').file, 'api/a.ts');
});

test('a rule of vercel.json that Vercel refuses is told with its place, and the others hold', async (t) => {
  const manifest = await build(t, projectOf(t, {
    'api/a.ts': handler,
    'vercel.json': JSON.stringify({
      redirects: [{ source: '/old', destination: '/api/a', statusCode: '302' }, { source: '/older', destination: '/api/a' }, { source: '/x', destination: '/y', statusCode: 3000 }],
      rewrites: [{ source: '/a', destination: 1 }, { source: '/b', destination: '/api/a' }, { source: '/c' }, 'd'],
      headers: [{ source: '/b', headers: [{ key: 'x-a', value: true }] }, { source: '/b', headers: [{ key: 'x-b', value: 'b' }] }],
    }),
  }));
  assert.deepEqual(manifest.diagnostics.map(({ severity, text }) => [severity, text]).sort(), [
    'headers[0].headers[0].value must be a text', 'redirects[0].statusCode must be a whole number', 'redirects[2].statusCode must be from 100 to 999',
    'rewrites[0].destination must be a text', 'rewrites[2] needs "destination"', 'rewrites[3] must be an object',
  ].map((text) => ['error', `vercel.json: ${text}`]));
  assert.equal(visit(manifest, 'GET', '/older').status, 308);
  assert.equal(visit(manifest, 'GET', '/b').file, 'api/a.ts');
  assert.deepEqual(visit(manifest, 'GET', '/b').headers, { 'x-b': 'b' });

  const routed = await build(t, projectOf(t, { 'api/a.ts': handler, 'vercel.json': JSON.stringify({ routes: [{ src: [], dest: '/x' }, { src: '/b', dest: '/api/a' }] }) }));
  assert.deepEqual(routed.diagnostics.map(({ text }) => text), ['vercel.json: routes[0].src must be a text']);
  assert.equal(visit(routed, 'GET', '/b').file, 'api/a.ts');
});

test('a setting of vercel.json that is misspelt is told, and one that Vercel alone knows is not', async (t) => {
  const { diagnostics } = await build(t, projectOf(t, {
    'api/a.ts': handler, 'vercel.json': JSON.stringify({ cron: [], clean_urls: true, build: {}, framework: null, images: {} }),
  }));
  assert.deepEqual(diagnostics.map(({ severity, text }) => [severity, text]), [
    ['warning', 'vercel.json: "cron" means nothing: did you mean "crons"?'],
    ['warning', 'vercel.json: "clean_urls" means nothing: did you mean "cleanUrls"?'],
  ]);
});

test('a folder api of another platform is not Vercel\'s, unless vercel.json says so', async (t) => {
  const dialects = async (files) => (await build(t, projectOf(t, files))).functions.map(({ name, dialect }) => [name, dialect]).sort();
  const worker = {
    'wrangler.jsonc': '{ "name": "shop", "main": "./api/index.js" }',
    'api/index.js': "import { rows } from './rows.js';\nexport default { fetch: () => Response.json(rows) };\n",
    'api/rows.js': 'export const rows = [];\n',
  };
  assert.deepEqual(await dialects(worker), [['worker/shop', 'worker']]);
  assert.deepEqual(await dialects({ ...worker, 'vercel.json': '{}' }), [['api', 'vercel'], ['worker/shop', 'worker']]);

  const lambda = {
    'serverless.yml': 'service: shop\nprovider: { name: aws }\nfunctions: { hello: { handler: api/hello.handler, events: [httpApi: GET /api/hello] } }\n',
    'api/hello.js': "exports.handler = async () => 'hello';\n",
  };
  assert.deepEqual(await dialects(lambda), [['lambda/shop-dev-hello', 'lambda']]);
  assert.deepEqual(await dialects({ ...lambda, 'api/mixed.js': 'export const GET = () => new Response();\nexport const handler = GET;\n' }), [
    ['api', 'vercel'], ['lambda/shop-dev-hello', 'lambda'],
  ]);
});

test('names that are catch-alls in Next.js alone are told, with what leads there instead', async (t) => {
  const handler = 'export const GET = () => new Response();\n';
  const files = { 'api/[[...route]].ts': handler, 'api/files/[...path].js': handler };
  const { diagnostics, ...manifest } = await build(t, projectOf(t, files));
  assert.deepEqual(diagnostics.map(({ file, text }) => `${file}: ${text}`), [
    'api/files/[...path].js: only paths of one more segment lead here: Vercel knows catch-alls of Next.js only. Call it api/files/index.js, with {"rewrites":[{"source":"/api/files/(.*)","destination":"/api/files"}]} in vercel.json',
    'api/[[...route]].ts: no path leads here: Vercel knows catch-alls of Next.js only. Call it api/index.ts, with {"rewrites":[{"source":"/api/(.*)","destination":"/api"}]} in vercel.json',
  ]);
  assert.equal(visit(manifest, 'GET', '/api/files/a').function, 'api');
  assert.equal(visit(manifest, 'GET', '/api/files/a/b').status, 404);

  const config = '{ "rewrites": [{ "source": "/(.*)", "destination": "/api/[[...route]]" }] }';
  const led = await build(t, projectOf(t, { 'api/[[...route]].ts': handler, 'vercel.json': config }));
  assert.deepEqual(led.diagnostics, []);
  assert.equal(visit(led, 'GET', '/a/b').function, 'api');

  const index = await build(t, projectOf(t, { 'api/index.ts': handler, 'vercel.json': '{"rewrites":[{"source":"/api/(.*)","destination":"/api"}]}' }));
  assert.equal(visit(index, 'GET', '/api/a/b').function, 'api', 'what was told works');
});

test('functions in languages that do not run here are told', async (t) => {
  const told = async (files) => (await build(t, projectOf(t, files))).diagnostics.map(({ file, text }) => `${file}: ${text}`);
  const others = { 'api/index.py': 'x', 'api/time.go': 'x', 'api/_lib.py': 'x' };
  const [text] = await told({ ...others, 'vercel.json': '{}' });
  assert.match(text, /^api\/index\.py: api\/index\.py.*: of Vercel's functions those in JavaScript and TypeScript run here/);
  assert.equal((await told({ ...others, 'api/a.js': handler })).length, 1);
  assert.deepEqual(await told({ ...others, 'package.json': '{}' }), []);
});

test('files of the folder api that export nothing for Vercel are not its functions in a project of AWS', async (t) => {
  const files = { 'api/handler.js': 'exports.timestamp = async () => ({ statusCode: 200 });\n', 'api/get.ts': 'export const get = async () => ({ body: "x" });\n' };
  const service = 'service: s\nprovider: { name: aws, runtime: nodejs24.x }\nfunctions: { time: { handler: api/handler.timestamp } }\n';
  const mixed = await build(t, projectOf(t, { ...files, 'serverless.yml': service, 'api/hello.js': 'export const GET = () => new Response();\n' }));
  assert.deepEqual(mixed.functions.map(({ name }) => name).toSorted(), ['api', 'lambda/s-dev-time']);
  assert.deepEqual(mixed.functions.find(({ name }) => name === 'api').endpoints.map(({ name }) => name), ['/api/hello']);
  const own = await build(t, projectOf(t, files));
  assert.deepEqual(own.functions.flatMap(({ endpoints }) => endpoints.map(({ name }) => name)).toSorted(), ['/api/get', '/api/handler']);
});
