import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import { build, functionNamed, projectOf, visit } from './harness.js';

const modern = (config) => `export default async () => new Response('x');\nexport const config = ${config};\n`;
const v1 = "exports.handler = async () => ({ statusCode: 200 });\n";

test('functions are files, or folders with a file of the same name or index', async (t) => {
  const project = projectOf(t, {
    'netlify/functions/plain.js': v1, 'netlify/functions/folder/folder.ts': v1, 'netlify/functions/other/index.mjs': modern('{}'),
    'netlify/functions/folder/helper.ts': 'export const x = 1;\n', 'netlify/functions/deep/er/x.js': v1,
  });
  const manifest = await build(t, project);
  const names = functionNamed(manifest, 'netlify').endpoints.map((endpoint) => endpoint.settings.function_name);

  assert.deepEqual(names.sort(), ['folder', 'other', 'plain']);
  assert.equal(visit(manifest, 'POST', '/.netlify/functions/folder').file, 'netlify/functions/folder/folder.ts');
  assert.equal(visit(manifest, 'GET', '/.netlify/functions/plain/sub/path').file, 'netlify/functions/plain.js');
  assert.equal(visit(manifest, 'GET', '/.netlify/functions/plainer').status, 404);
  assert.equal(visit(manifest, 'GET', '/.netlify/builders/plain/7').file, 'netlify/functions/plain.js');
});

test('config.path takes the default URL\'s place; methods, exclusions and static files are heeded', async (t) => {
  const project = projectOf(t, {
    'netlify/functions/user.ts': `import type { Config } from '@netlify/functions';\nexport default async () => new Response();\nexport const config: Config = { path: ['/users/:id', '/people/:id{/:tab}?'], method: 'GET' };\n`,
    'netlify/functions/files.mts': modern("{ path: '/files/*', excludedPath: ['/files/private/*', '/files/one'] }"),
    'netlify/functions/page.ts': modern("{ path: '/page.html' }"),
    'netlify/functions/quiet.ts': modern("{ path: '/quiet.html', preferStatic: true }"),
    'public/page.html': 'x', 'public/quiet.html': 'x', 'netlify.toml': '[build]\npublish = "public"\n',
  });
  const manifest = await build(t, project);
  const at = (url, method = 'GET') => visit(manifest, method, url);

  assert.deepEqual(manifest.diagnostics, []);
  assert.deepEqual(at('/users/7').params, { id: '7' });
  assert.equal(at('/users/7/').endpoint, '/.netlify/functions/user');
  assert.equal(at('/USERS/7').endpoint, '/.netlify/functions/user');
  assert.deepEqual({ ...at('/people/7/posts').params }, { id: '7', tab: 'posts' });
  assert.equal(at('/users/7', 'POST').status, 405);
  assert.equal(at('/.netlify/functions/user').status, 404);
  assert.deepEqual(at('/files/a/b').params, { 0: 'a/b' });
  assert.equal(at('/files/private/a').status, 404);
  assert.equal(at('/files/one').status, 404);
  assert.equal(at('/page.html').endpoint, '/.netlify/functions/page');
  assert.match(at('/quiet.html').file, /public\/quiet\.html$/);
  assert.match(at('/quiet.html', 'POST').endpoint, /quiet/);
});

test('redirects of netlify.toml and _redirects: splats, placeholders, rewrites, status', async (t) => {
  const project = projectOf(t, {
    'netlify/functions/api.js': v1,
    'public/real.html': 'real',
    'public/_redirects': '# comment\n/blog/:year/:slug  /posts/:slug?y=:year  302\n/store id=:id  /product/:id  301\n/gone /404.html 404\n/real.html /api\n',
    'netlify.toml': `
[build]
publish = "public"
functions = "netlify/functions"
[[redirects]]
from = "/api/*"
to = "/.netlify/functions/api/:splat"
status = 200
[[redirects]]
from = "/remote/*"
to = "https://example.com/:splat"
status = 200
headers = { X-From = "Netlify" }
[[redirects]]
from = "/real.html"
to = "/forced"
force = true
[[headers]]
for = "/*"
[headers.values]
X-Frame-Options = "DENY"
`,
  });
  const manifest = await build(t, project);
  const at = (url) => visit(manifest, 'GET', url);

  assert.deepEqual(manifest.diagnostics, []);
  assert.equal(at('/api/a/b').path, '/.netlify/functions/api/a/b');
  assert.equal(at('/api').endpoint, '/.netlify/functions/api');
  assert.equal(at('/blog/2026/x').location, '/posts/x?y=2026');
  assert.equal(at('/blog/2026/x').status, 302);
  assert.equal(at('/store?id=7').status, 301);
  assert.equal(at('/gone').status, 404);
  assert.equal(at('/remote/x').function, 'proxy/netlify');
  assert.deepEqual(at('/remote/x').params, { splat: 'x' });
  assert.deepEqual(at('/remote/x').settings.headers, { 'X-From': 'Netlify' });
  assert.equal(at('/real.html').location, '/forced');
  assert.equal(at('/api').headers['X-Frame-Options'], 'DENY');
});

test('settings: another folder, environment, included files, background time', async (t) => {
  const project = projectOf(t, {
    'src/fns/job-background.ts': modern('{}'), 'src/fns/a.ts': v1, 'data/x.json': '{}', 'data/y.txt': '',
    'netlify.toml': '[functions]\ndirectory = "src/fns"\nincluded_files = ["data/**", "!data/*.txt"]\n[build.environment]\nFLAVOUR = "sweet"\n',
    '.env': 'FROM_FILE=1\n',
  });
  const fn = functionNamed(await build(t, project), 'netlify');
  const job = fn.endpoints.find((endpoint) => endpoint.name.endsWith('job-background'));
  const { existsSync } = await import('node:fs');

  assert.equal(job.timeout_ms, 900_000);
  assert.equal(fn.env.FLAVOUR, 'sweet');
  assert.equal(fn.env.FROM_FILE, '1');
  assert.ok(existsSync(`${fn.artifact}/data/x.json`));
  assert.ok(!existsSync(`${fn.artifact}/data/y.txt`));
});

test('beside other platforms a pattern for everything waits for their paths', async (t) => {
  const project = projectOf(t, {
    'netlify/functions/all.ts': modern("{ path: '/*' }"),
    'app/api/x/route.ts': 'export const GET = () => new Response();\n',
  });
  const manifest = await build(t, project);
  assert.equal(visit(manifest, 'GET', '/api/x').function, 'app');
  assert.equal(visit(manifest, 'GET', '/else').function, 'netlify');
});

test('a path that is none is told', async (t) => {
  const project = projectOf(t, {
    'netlify/functions/a.ts': modern("{ path: 'no-slash' }"), 'netlify/functions/b.ts': modern("{ path: '/(' }"),
    'netlify/functions/c.ts': v1,
  });
  const manifest = await build(t, project);
  assert.equal(manifest.diagnostics.length, 2);
  assert.equal(visit(manifest, 'GET', '/.netlify/functions/c').function, 'netlify');
});

test('pages have pretty URLs, and rules answer with a page and a status', async (t) => {
  const manifest = await build(t, projectOf(t, {
    'netlify.toml': '[build]\npublish = "public"\n[[redirects]]\nfrom = "/left"\nto = "/gone.html"\nstatus = 410\n',
    'public/about.html': 'a', 'public/gone.html': 'g', 'public/_redirects': '/shop/* /missing.html 404\n/shop2/* /404.html 404\n',
    'public/missing.html': 'm', 'netlify/functions/x.mjs': modern('{}'),
  }));
  assert.match(visit(manifest, 'GET', '/about').file, /public\/about\.html$/);
  const gone = visit(manifest, 'GET', '/left');
  assert.deepEqual([gone.file.replace(/.*public/, 'public'), gone.status], ['public/gone.html', 410]);
  const missing = visit(manifest, 'GET', '/shop/any/thing');
  assert.deepEqual([missing.file.replace(/.*public/, 'public'), missing.status], ['public/missing.html', 404]);
  assert.deepEqual(visit(manifest, 'GET', '/shop2/x').status, 404);
});

test('a rewrite reaches a function by its own path, and a star needs something to match', async (t) => {
  const manifest = await build(t, projectOf(t, {
    'netlify/functions/own.mjs': modern("{ path: ['/own', '/wild/*'] }"), 'netlify.toml': '',
    '_redirects': '/short /own 200\n',
  }));
  assert.equal(visit(manifest, 'GET', '/short').endpoint, '/.netlify/functions/own');
  assert.equal(visit(manifest, 'GET', '/wild/a/b/').endpoint, '/.netlify/functions/own');
  assert.deepEqual(visit(manifest, 'GET', '/wild/a/b').params, { 0: 'a/b' });
  assert.equal(visit(manifest, 'GET', '/wild/').status, 404);
  assert.equal(visit(manifest, 'GET', '/wild').status, 404);
});

test('rules for a country, and for one of several languages', async (t) => {
  const manifest = await build(t, projectOf(t, {
    'netlify.toml': '', '_redirects': '/here /us 302 Country=de,us\n/there /de 302 Country=de\n/lang /x 302 Language=en,de\n/role /y 302 Role=admin\n',
  }));
  assert.equal(visit(manifest, 'GET', '/here').location, '/us'); /* where netlify dev says that everybody is */
  assert.equal(visit(manifest, 'GET', '/there').status, 404);
  assert.equal(visit(manifest, 'GET', '/lang', { headers: { 'accept-language': 'de-DE' } }).location, '/x');
  assert.equal(visit(manifest, 'GET', '/lang', { headers: { 'accept-language': 'fr' } }).status, 404);
  assert.deepEqual(manifest.diagnostics.map(({ text }) => text),
    ['the redirect from /role depends on a role of Netlify Identity, which is not known here: left out']);
});

test('the country and the language that a site keeps in its cookies count', async (t) => {
  const manifest = await build(t, projectOf(t, {
    'netlify.toml': '', '_redirects': '/there /de 302 Country=de\n/here /us 302 Country=us\n/lang /x 302 Language=de\n',
  }));
  const at = (url, headers) => visit(manifest, 'GET', url, { headers });
  assert.equal(at('/there', { cookie: 'nf_country=DE' }).location, '/de');
  assert.equal(at('/here', { cookie: 'nf_country=de' }).status, 404);
  assert.equal(at('/lang', { cookie: 'nf_lang=de', 'accept-language': 'fr' }).location, '/x');
  assert.equal(at('/lang', { cookie: 'nf_lang=fr', 'accept-language': 'de' }).status, 404);
  assert.equal(at('/lang', { 'accept-language': 'de' }).location, '/x');
});

test('a header of several values is text of several lines or a list; what cannot be sent is left out', async (t) => {
  const manifest = await build(t, projectOf(t, {
    'netlify.toml': `[[headers]]
for = "/*"
[headers.values]
Cache-Control = '''
max-age=0,
no-cache'''
Link = ["</a>; rel=preload", "</b>; rel=preload"]
X-Broken = "one\\ntwo"
`,
  }));
  assert.deepEqual(visit(manifest, 'GET', '/').headers, {
    'Cache-Control': 'max-age=0, no-cache', Link: '</a>; rel=preload, </b>; rel=preload',
  });
  assert.deepEqual(manifest.diagnostics.map(({ severity, text }) => [severity, text]), [
    ['warning', 'the header "X-Broken" of ^(?:/.*)?$ cannot be sent: its value must be text on one line. It is left out'],
  ]);
});

test('a signature that a redirect asks for is told to be missing', async (t) => {
  const manifest = await build(t, projectOf(t, {
    'netlify.toml': '[[redirects]]\nfrom = "/x"\nto = "https://example.com/"\nstatus = 200\nsigned = "KEY"\n',
  }));
  assert.deepEqual(manifest.diagnostics.map(({ severity, text }) => [severity, text]),
    [['warning', 'the redirect from /x is to be signed: Mayfly does not sign requests, they go on without x-nf-sign']]);
});

test('what is not there is told: edge functions, rate limits, async workloads', async (t) => {
  const manifest = await build(t, projectOf(t, {
    'netlify/functions/x.mjs': modern('{ path: "/x", rateLimit: { windowLimit: 5 } }'), 'netlify/edge-functions/hello.ts': modern('{}'),
    'netlify/functions/a.mjs': `${modern('{}')}export const asyncWorkloadConfig = { events: ['say-hello'] };\n`,
  }));
  assert.deepEqual(manifest.diagnostics.map(({ severity, text }) => [severity, text]).sort(), [
    ['warning', 'Netlify edge functions are not supported by Mayfly yet and are not run: netlify/edge-functions/hello.ts. ' +
      'What they do may be moved into a function with a config.path'],
    ['warning', 'netlify/functions/a.mjs: async workloads are an extension of Netlify\'s that is not here: no event comes to this function'],
    ['warning', 'netlify/functions/x.mjs: config.rateLimit is not enforced by Mayfly yet'],
  ]);
});

test('a scheduled function has no path of its own: that is told, and its ticks reach it', async (t) => {
  const manifest = await build(t, projectOf(t, {
    'netlify/functions/clean.mjs': modern('{ path: "/clean", schedule: "@daily" }'),
    'netlify/functions/toml.mjs': modern('{ path: "/toml" }'), 'netlify.toml': '[functions.toml]\nschedule = "@hourly"\n',
  }));
  assert.deepEqual(manifest.diagnostics.map(({ severity, text }) => [severity, text]).sort(), ['clean', 'toml'].map((name) => ['error',
    `netlify/functions/${name}.mjs: a scheduled function is served at no path of its own, and Netlify does not build one that has: take "path" out of its config`]));
  assert.deepEqual(manifest.events.schedules.map(({ target }) => target.path).sort(), ['/.netlify/functions/clean', '/.netlify/functions/toml']);
  for (const { target } of manifest.events.schedules) {
    assert.ok(manifest.routes.some(({ src, function: served }) => served !== undefined && new RegExp(src).test(target.path)), target.path);
  }
});

test('what is not there is answered by 404.html, a static page wins over who prefers it, headers of a folder are for itself too', async (t) => {
  const project = projectOf(t, {
    'netlify.toml': '[build]\npublish = "site"\n[[headers]]\nfor = "/sub/*"\n[headers.values]\nx-sub = "1"\n',
    'site/404.html': '<p>missing', 'site/page.html': '<p>page', 'site/sub/index.html': '<p>sub',
    'netlify/functions/late.mjs': "export default () => new Response('f');\nexport const config = { path: '/page', preferStatic: true };\n",
  });
  const manifest = await build(t, project);
  const [missing, refused] = manifest.routes.slice(-2);
  assert.deepEqual([missing.dest, missing.static, missing.status], ['/404.html', true, 404]);
  assert.deepEqual([refused.status, refused.methods.includes('GET'), refused.headers], [405, false, { allow: 'GET, HEAD' }]);
  const at = (test) => manifest.routes.findIndex(test);
  assert.ok(at((route) => route.suffix === '.html') < at((route) => route.function === 0));
  assert.equal(visit(manifest, 'GET', '/sub').headers['x-sub'], '1');
  assert.equal(visit(manifest, 'GET', '/sub/x').headers['x-sub'], '1');
  assert.equal(visit(manifest, 'GET', '/subway').headers?.['x-sub'], undefined);
});

test('what frameworks build for Netlify is served: their functions, site, redirects and headers', async (t) => {
  const project = projectOf(t, {
    '.netlify/v1/functions/server.mjs': `import { page } from '../../../build/server/index.js';\nexport default page;\n` +
      "export const config = { name: 'The server', path: '/*', excludedPath: ['/.netlify/*'], preferStatic: true };\n",
    '.netlify/v1/config.json': JSON.stringify({
      redirects: [{ from: '/old', to: '/new', status: 302 }, { from: '/twice', to: '/theirs' }], headers: [{ for: '/assets/*', values: { 'x-built': '1' } }],
    }),
    '.netlify/v1/functions/server/chunks/other.mjs': 'export default 1;\n',
    '.netlify/functions/packed.js': v1, '.netlify/build/entry.mjs': v1,
    'build/server/index.js': "export const page = () => new Response('x');\n", 'build/client/assets/app.js': 'x',
    'netlify.toml': '[[redirects]]\nfrom = "/twice"\nto = "/ours"\n', 'package.json': '{ "type": "module" }',
  });
  const manifest = await build(t, project);
  const at = (url) => visit(manifest, 'GET', url);

  assert.deepEqual(manifest.diagnostics, []);
  assert.deepEqual(functionNamed(manifest, 'netlify').endpoints.map(({ settings }) => settings.function_name), ['server']);
  assert.equal(at('/any/page').endpoint, '/.netlify/functions/server');
  assert.match(at('/assets/app.js').file, /build\/client\/assets\/app\.js$/);
  assert.equal(at('/assets/app.js').headers['x-built'], '1');
  assert.equal(at('/server/index.js').endpoint, '/.netlify/functions/server', 'the build\'s other half is no site');
  assert.equal(at('/old').location, '/new');
  assert.equal(at('/twice').location, '/ours', 'the project\'s own come first');
});

test('a function of the project takes the place of a framework\'s of the same name, and of an older kind', async (t) => {
  const project = projectOf(t, {
    'netlify/functions/server.mjs': modern('{}'), '.netlify/v1/functions/server.mjs': modern("{ path: '/*' }"),
    '.netlify/v1/functions/render.mjs': modern('{}'), '.netlify/functions-internal/render.mjs': modern("{ path: '/*' }"),
    '.netlify/functions-internal/main/main.mjs': modern("{ path: '/main' }"),
  });
  const manifest = await build(t, project);
  const files = functionNamed(manifest, 'netlify').endpoints.map(({ module }) => module).sort();

  assert.deepEqual(files, ['.netlify/functions-internal/main/main', '.netlify/v1/functions/render', 'netlify/functions/server']);
});

test('a framework whose adapter for Netlify has built nothing yet is told to be built', async (t) => {
  const manifest = await build(t, projectOf(t, { 'package.json': '{ "dependencies": { "astro": "7", "@astrojs/netlify": "7" } }' }));

  assert.deepEqual(manifest.diagnostics.map(({ text }) => text), [
    'what @astrojs/netlify builds for Netlify is served: run `npm run build`, and again after changes',
  ]);
});

test('a site needs no index, and a rule with a status finds its page as other pages are found', async (t) => {
  const manifest = await build(t, projectOf(t, {
    'foo.html': 'foo', 'there.html': 'there', '_redirects': '/gone /foo 404\n/there /foo 404\n/gone-for-all/* /foo 404!\n', 'netlify.toml': '',
  }));
  const at = (url) => [visit(manifest, 'GET', url).status, path.basename(visit(manifest, 'GET', url).file ?? '')];
  assert.deepEqual(['/foo', '/gone', '/there', '/gone-for-all/x'].map(at), [[undefined, 'foo.html'], [404, 'foo.html'], [undefined, 'there.html'], [404, 'foo.html']]);
});

test('the project itself is the site when it publishes ".", or has pages and no build', async (t) => {
  const files = { 'index.html': '<h1>hi</h1>', 'about.html': 'x', '.env': 'SECRET=1', 'netlify/functions/hello.mjs': 'export default () => new Response();\n' };
  for (const more of [{}, { 'netlify.toml': '[build]\npublish = "."\n' }, { 'netlify.toml': '[build]\nbase = "./"\npublish = "/"\n', 'package.json': '{ "scripts": { "build": "x" } }' }]) {
    const manifest = await build(t, projectOf(t, { ...files, ...more }));
    assert.match(visit(manifest, 'GET', '/').file, /\/index\.html$/);
    assert.match(visit(manifest, 'GET', '/about').file, /\/about\.html$/);
    assert.equal(visit(manifest, 'GET', '/.netlify/functions/hello').file, 'netlify/functions/hello.mjs');
    for (const url of ['/.env', '/netlify/functions/hello.mjs', '/netlify.toml']) {
      assert.equal(visit(manifest, 'GET', url).status, 404, url);
    }
  }
  const built = await build(t, projectOf(t, { ...files, 'package.json': '{ "scripts": { "build": "vite build" } }' }));
  assert.equal(visit(built, 'GET', '/').status, 404);
});
