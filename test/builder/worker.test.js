import assert from 'node:assert/strict';
import test from 'node:test';
import { build, evaluate, functionNamed, projectOf, visit, writeFiles } from './harness.js';
import { writeFileSync } from 'node:fs';
import path from 'node:path';

const worker = (text) => `export default { async fetch(request) { return new Response(${JSON.stringify(text)}); } };\n`;
/** The smallest module with an export: `(module (func (export "answer") (result i32) i32.const 42))`. */
const WASM = Buffer.from('0061736d010000000105016000017f03020100070a0106616e7377657200000a06010400412a0b', 'hex');

test('a root worker.ts needs no configuration', async (t) => {
  const manifest = await build(t, projectOf(t, { 'worker.ts': worker('bare') }));
  assert.equal(visit(manifest, 'GET', '/any').function, 'worker');
  assert.equal(visit(manifest, 'GET', '/any', { host: 'worker.localhost' }).function, 'worker');
  const text = "(await load('worker')).default.fetch(new Request('http://x/')).then((r) => r.text())";
  assert.equal(evaluate(functionNamed(manifest, 'worker'), text), 'bare');
});

test('a worker thread named worker.js is no Worker', async (t) => {
  const project = projectOf(t, { 'worker.js': "const { parentPort } = require('worker_threads');\nparentPort.postMessage(1);\n" });
  assert.deepEqual((await build(t, project)).functions, []);
});

test('wrangler.toml: variables, secrets, environments, limits', async (t) => {
  const project = projectOf(t, {
    'wrangler.toml': `
name = "shop"
main = "src/index.ts"
compatibility_date = "2026-01-01"
compatibility_flags = ["nodejs_compat"]
[vars]
GREETING = "hello"
LIMITS = { max = 3 }
[limits]
cpu_ms = 50
[env.staging.vars]
GREETING = "staging"
`,
    '.dev.vars': 'API_KEY="abc"\n',
    'src/index.ts': worker('shop'),
  });
  const fn = functionNamed(await build(t, project), 'worker/shop');
  assert.deepEqual(fn.bindings, {
    GREETING: { type: 'var', value: 'hello' }, LIMITS: { type: 'var', value: { max: 3 } }, API_KEY: { type: 'var', value: 'abc' },
  });
  assert.deepEqual(fn.env, { GREETING: 'hello', LIMITS: '{"max":3}', API_KEY: 'abc' });
  assert.equal(fn.cpu_ms, 50);

  const staged = await build(t, project, { watch: true, env: { CLOUDFLARE_ENV: 'staging' } });
  const staging = functionNamed(staged, 'worker/shop-staging');
  assert.deepEqual(Object.keys(staging.bindings).sort(), ['API_KEY', 'GREETING']);
  assert.equal(staging.bindings.GREETING.value, 'staging');
});

test('what a build has made for wrangler to take instead is served: @cloudflare/vite-plugin, Nitro', async (t) => {
  const project = projectOf(t, {
    'package.json': '{ "devDependencies": { "@cloudflare/vite-plugin": "1" } }',
    'wrangler.jsonc': '{ "name": "site", "main": "workers/app.js", "assets": { "not_found_handling": "single-page-application" } }',
    'workers/app.js': "import 'virtual:react-router/server-build';\nexport default {};\n",
    'queue/wrangler.jsonc': '{ "name": "queue", "main": "index.js" }',
    'queue/index.js': worker('of the source'),
    '.dev.vars': 'API_KEY="abc"\n',
  });
  const before = await build(t, project, { fails: true });
  assert.deepEqual(before.diagnostics.filter(({ file }) => file === 'wrangler.jsonc').map(({ text }) => text),
    ['wrangler.jsonc is for @cloudflare/vite-plugin: run `npm run build`, and what that makes is served']);

  writeFiles(project, {
    'build/server/wrangler.json': '{ "name": "site", "main": "index.js", "assets": { "directory": "../client" }, "no_bundle": true, "rules": [{ "type": "ESModule", "globs": ["**/*.js"] }] }',
    'build/server/index.js': "export { default } from './assets/chunk.js';\n",
    'build/server/assets/chunk.js': worker('built'),
    'build/client/favicon.ico': 'icon',
    'build/queue/wrangler.json': '{ "name": "queue", "main": "index.js" }',
    'build/queue/index.js': worker('built, too'),
    '.wrangler/deploy/config.json': '{ "configPath": "../../build/server/wrangler.json", "auxiliaryWorkers": [{ "configPath": "../../build/queue/wrangler.json" }] }',
  });
  const manifest = await build(t, project, { env: { CLOUDFLARE_ENV: 'staging' } });
  assert.deepEqual(manifest.diagnostics.map(({ text }) => text), ['server', 'queue'].map((name) =>
    `build/${name}/wrangler.json is served, which the project's build has made: run \`npm run build\` again after changes`));
  assert.deepEqual(manifest.functions.map(({ name }) => name), ['worker/site', 'worker/queue']);
  assert.equal(visit(manifest, 'GET', '/any').function, 'worker/site');
  const site = functionNamed(manifest, 'worker/site');
  assert.equal(evaluate(site, "(await load('build/server/index')).default.fetch(new Request('http://x/')).then((r) => r.text())"), 'built');
  const { bindings, mounts } = site;
  assert.deepEqual(bindings, { API_KEY: { type: 'var', value: 'abc' } });
  assert.ok(mounts.some(({ source }) => source === `${project}/build/client`), JSON.stringify(mounts));
});

test('several workers: routes by host, services between them, the root one answers the rest', async (t) => {
  const project = projectOf(t, {
    'wrangler.jsonc': `{ // the front
      "name": "front", "main": "front.js",
      "services": [{ "binding": "AUTH", "service": "auth" }, { "binding": "GONE", "service": "gone" }],
    }`,
    'front.js': worker('front'),
    'workers/auth/wrangler.json': JSON.stringify({
      name: 'auth', main: 'index.js',
      routes: ['auth.example.com/*', { pattern: '*.shop.example/api/*', zone_name: 'shop.example' }, { pattern: 'id.example', custom_domain: true }],
    }),
    'workers/auth/index.js': worker('auth'),
  });
  const manifest = await build(t, project);
  const at = (host, url) => visit(manifest, 'GET', url, { host }).function;

  assert.deepEqual(functionNamed(manifest, 'worker/front').bindings.AUTH, { type: 'service', service: 'auth', function: 'worker/auth' });
  assert.match(manifest.diagnostics[0].text, /service "gone" is not a worker of this project/);
  assert.equal(at('localhost', '/x'), 'worker/front');
  assert.equal(at('auth.localhost', '/x'), 'worker/auth');
  assert.equal(at('auth.example.com', '/x'), 'worker/auth');
  assert.equal(at('a.shop.example', '/api/x'), 'worker/auth');
  assert.equal(at('a.shop.example', '/other'), 'worker/front');
  assert.equal(at('id.example', '/'), 'worker/auth');
});

test('text, bytes and WebAssembly are modules', async (t) => {
  const project = projectOf(t, {
    'wrangler.toml': 'name = "mods"\nmain = "index.js"\nrules = [{ type = "Text", globs = ["**/*.md"], fallthrough = true }]\n',
    'index.js': `
      import wasm from './answer.wasm';
      import page from './page.html';
      import notes from './notes.md';
      import bytes from './raw.bin';
      export default { fetch() {
        const { answer } = new WebAssembly.Instance(wasm).exports;
        return Response.json([wasm instanceof WebAssembly.Module, answer(), page, notes, bytes instanceof ArrayBuffer, bytes.byteLength]);
      } };`,
    'page.html': '<p>', 'notes.md': '# n',
  });
  writeFileSync(path.join(project, 'answer.wasm'), WASM);
  writeFileSync(path.join(project, 'raw.bin'), Buffer.alloc(5));
  const manifest = await build(t, project);
  assert.deepEqual(manifest.diagnostics, []);
  const result = evaluate(functionNamed(manifest, 'worker/mods'), "(await load('index')).default.fetch().json()");
  assert.deepEqual(result, [true, 42, '<p>', '# n', true, 5]);
});

test('packages are bundled under a worker\'s conditions; node modules stay outside', async (t) => {
  const project = projectOf(t, {
    'worker.ts': "import { where } from 'pkg';\nimport { Buffer } from 'buffer';\nimport { env } from 'cloudflare:workers';\nexport default { fetch: () => Response.json([where, typeof Buffer, typeof env]) };\n",
    'node_modules/pkg/package.json': JSON.stringify({ exports: { node: './node.js', workerd: './workerd.js', default: './node.js' } }),
    'node_modules/pkg/node.js': "exports.where = 'node';\n",
    'node_modules/pkg/workerd.js': "exports.where = 'workerd';\n",
  });
  const fn = functionNamed(await build(t, project), 'worker');
  const { readFileSync } = await import('node:fs');
  const text = readFileSync(path.join(fn.artifact, fn.entry), 'utf8');
  assert.match(text, /where = "workerd"|where = 'workerd'/);
  assert.match(text, /from "node:buffer"/);
  assert.match(text, /from "\/var\/runtime\/js\/shims\/cloudflare-workers\.js"/);
  assert.deepEqual(fn.mounts, []);
});

test('an ES module of a package takes all that a CommonJS module exports for its default, also where a compiler has marked that', async (t) => {
  const pkg = {
    'node_modules/helped/package.json': JSON.stringify({ type: 'module', exports: './index.js' }),
    'node_modules/helped/index.js': "import all from 'compiled';\nimport { own } from './own.cjs';\nexport const words = [all.word, own];\n",
    'node_modules/helped/own.cjs': "exports.own = 'own';\n",
    'node_modules/compiled/package.json': JSON.stringify({ main: 'index.js' }),
    'node_modules/compiled/index.js': "Object.defineProperty(exports, '__esModule', { value: true });\nexports.word = 'all';\n",
  };
  const worker = functionNamed(await build(t, projectOf(t, {
    ...pkg, 'worker.ts': "import { words } from 'helped';\nexport default { fetch: () => Response.json(words), words };\n",
  })), 'worker');
  assert.deepEqual(evaluate(worker, "load('worker').then((m) => m.default.words)"), ['all', 'own']);
  const edge = functionNamed(await build(t, projectOf(t, {
    ...pkg, 'api/a.js': "import { words } from 'helped';\nexport const config = { runtime: 'edge' };\nexport default () => Response.json(words);\nexport { words };\n",
  })), 'api/edge');
  assert.deepEqual(evaluate(edge, "load('api/a').words"), ['all', 'own']);
});

test('the modules of cloudflare: are the runtime\'s', async (t) => {
  const project = projectOf(t, {
    'worker.ts': `import { connect } from 'cloudflare:sockets';
import { EmailMessage } from 'cloudflare:email';
import { WorkerEntrypoint } from 'cloudflare:workers';
export default { fetch: () => Response.json([typeof connect, new EmailMessage('a', 'b', 'c').to, typeof WorkerEntrypoint]) };
`,
  });
  const manifest = await build(t, project);
  assert.deepEqual(manifest.diagnostics, []);
  const result = evaluate(functionNamed(manifest, 'worker'), "load('worker').then((it) => it.default.fetch().json())");
  assert.deepEqual(result, ['function', 'b', 'function']);
});

test('a worker that is a module is strict, and so is what it brings along', async (t) => {
  const project = projectOf(t, {
    'worker.js': "import { sloppy } from 'pkg';\nfunction self() { return this; }\nexport default { fetch: () => [self() === undefined, sloppy() === undefined] };\n",
    'node_modules/pkg/index.js': 'exports.sloppy = function () { return this; };\nexports.sloppy = exports.sloppy.bind(undefined);\n',
  });
  const result = evaluate(functionNamed(await build(t, project), 'worker'), "load('worker').then((it) => it.default.fetch())");
  assert.deepEqual(result, [true, true]);
});

test('a classic worker is told from a module, and define and alias are honoured', async (t) => {
  const project = projectOf(t, {
    'wrangler.toml': 'name = "classic"\nmain = "index.js"\n[define]\nVERSION = "\'1.2\'"\n[alias]\n"old" = "./new.js"\n',
    'index.js': "import { x } from 'old';\nglobalThis.seen = [VERSION, x];\naddEventListener('fetch', (event) => event.respondWith(new Response('x')));\n",
    'new.js': "export const x = 'new';\n",
  });
  const fn = functionNamed(await build(t, project), 'worker/classic');
  assert.equal(fn.settings.format, 'service-worker');
  const expression = "(globalThis.addEventListener = () => {}, load('index'), globalThis.seen)";
  assert.deepEqual(evaluate(fn, expression), ['1.2', 'new']);
});

test('what is wrong with a wrangler file is one diagnostic with its line', async (t) => {
  const project = projectOf(t, { 'wrangler.toml': 'name = "a"\nmain = = 1\n', 'app/x/route.ts': 'export const GET = () => new Response();\n' });
  const manifest = await build(t, project);
  assert.equal(manifest.diagnostics.length, 1);
  assert.deepEqual([manifest.diagnostics[0].file, manifest.diagnostics[0].line], ['wrangler.toml', 2]);
  assert.equal(visit(manifest, 'GET', '/x').function, 'app');

  const missing = await build(t, projectOf(t, { 'wrangler.toml': 'name = "a"\nmain = "gone.ts"\n' }));
  assert.match(missing.diagnostics[0].text, /main "gone\.ts" does not exist$/);
});

test('what a build makes first is told with the way to make it, and what does not run here as such', async (t) => {
  const told = async (files) => (await build(t, projectOf(t, files))).diagnostics.map(({ text }) => text);
  const unbuilt = '{ "name": "a", "main": "dist/index.js", "assets": { "directory": "dist/client" } }';
  const hint = '; build the project first: npm run build';
  assert.deepEqual(await told({ 'wrangler.json': unbuilt, 'package.json': '{ "scripts": { "build": "vite build" } }' }), [
    `wrangler.json: assets.directory "dist/client" does not exist${hint}`, `wrangler.json: main "dist/index.js" does not exist${hint}`,
  ]);
  const next = { scripts: { build: 'next build' }, dependencies: { '@opennextjs/cloudflare': '1' } };
  assert.deepEqual(await told({ 'wrangler.json': '{ "main": ".open-next/worker.js" }', 'package.json': JSON.stringify(next) }), [
    'wrangler.json: main ".open-next/worker.js" does not exist; build the project first: npx opennextjs-cloudflare build',
  ]);
  assert.deepEqual(await told({ 'wrangler.json': '{ "assets": { "directory": "gone" } }' }), ['wrangler.json: assets.directory "gone" does not exist']);
  assert.deepEqual(await told({ 'wrangler.toml': 'name = "a"\n' }), ['wrangler.toml names no "main" and no "assets": give it the Worker\'s file as "main"']);
  assert.deepEqual(await told({ 'wrangler.toml': 'name = "a"\npages_build_output_dir = "dist"\n', 'package.json': '{ "scripts": { "build": "vite build" } }' }), [
    `wrangler.toml: pages_build_output_dir "dist" does not exist${hint}`,
  ]);
});

test('a worker that names HTMLRewriter brings it along', async (t) => {
  const rewriter = "export default { fetch: (r) => new HTMLRewriter().transform(new Response('x')) };\n";
  const fn = functionNamed(await build(t, projectOf(t, { 'worker.ts': rewriter })), 'worker');
  const { existsSync } = await import('node:fs');
  assert.ok(existsSync(path.join(fn.artifact, path.relative('/var/task', fn.settings.html_rewriter))));
  const plain = functionNamed(await build(t, projectOf(t, { 'worker.ts': worker('x') })), 'worker');
  assert.equal(plain.settings.html_rewriter, undefined);
});

test('beside other platforms a worker with routes takes those only', async (t) => {
  const files = {
    'wrangler.toml': 'name = "w"\nmain = "w.js"\nroutes = ["*/landing"]\n', 'w.js': worker('w'),
  };
  const mixed = await build(t, projectOf(t, { ...files, 'api/a.ts': 'export const GET = () => new Response();\n' }));
  assert.equal(visit(mixed, 'GET', '/landing').function, 'worker/w');
  assert.equal(visit(mixed, 'GET', '/other').status, 404);
  const alone = await build(t, projectOf(t, files));
  assert.equal(visit(alone, 'GET', '/other').function, 'worker/w');
});

test('a folder of assets is bound into the worker, which serves it by its settings', async (t) => {
  const project = projectOf(t, {
    'wrangler.jsonc': '{ "name": "site", "main": "index.js", "assets": { "directory": "./dist", "binding": "ASSETS", "html_handling": "none", "run_worker_first": ["/api/*"] } }',
    'index.js': worker('x'), 'dist/index.html': '<p>', 'dist/_redirects': '/a /b\n', 'dist/_headers': '/*\n  x-a: 1\n',
  });
  const manifest = await build(t, project);
  assert.deepEqual(manifest.diagnostics, []);
  const fn = functionNamed(manifest, 'worker/site');
  assert.deepEqual(fn.mounts, [{ source: path.join(project, 'dist'), target: '___assets' }]);
  assert.deepEqual(fn.settings.assets, {
    directory: '___assets', has_worker: true, binding: 'ASSETS', html_handling: 'none', run_worker_first: ['/api/*'],
  });
  assert.equal(visit(manifest, 'GET', '/index.html').function, 'worker/site');
  assert.equal(visit(manifest, 'GET', '/a').function, 'worker/site');
});

test('assets need no worker, but they must be there', async (t) => {
  const only = await build(t, projectOf(t, {
    'wrangler.json': '{ "name": "site", "assets": { "directory": "public" } }', 'public/index.html': '<p>', 'public/_redirects': '/a /b\n',
  }));
  assert.deepEqual(only.diagnostics, []);
  const fn = functionNamed(only, 'worker/site');
  assert.equal(fn.settings.assets.has_worker, false);
  assert.equal(visit(only, 'GET', '/a').function, 'worker/site');
  assert.equal(evaluate(fn, "load('assets').then((it) => typeof it.default)"), 'object');
  const wrong = await build(t, projectOf(t, {
    'wrangler.json': '{ "name": "site", "assets": { "directory": "gone" } }',
  }));
  assert.match(wrong.diagnostics[0].text, /assets\.directory "gone" does not exist/);
  const mode = await build(t, projectOf(t, {
    'wrangler.json': '{ "name": "site", "assets": { "directory": "a", "not_found_handling": "spa" } }', 'a/index.html': '',
  }));
  assert.match(mode.diagnostics[0].text, /assets\.not_found_handling is one of single-page-application, 404-page, none/);
});

test('where there are only workers they answer before files, which are what lies behind them', async (t) => {
  const manifest = await build(t, projectOf(t, { 'worker.ts': worker('front'), 'public/page.html': '<p>' }));
  assert.equal(visit(manifest, 'GET', '/page.html').function, 'worker');
});

test('bindings of kinds that are not offered are there, and told once', async (t) => {
  const manifest = await build(t, projectOf(t, {
    'wrangler.json': JSON.stringify({
      name: 'data', main: 'index.js', r2_buckets: [{ binding: 'CACHE', bucket_name: 'x' }], d1_databases: [{ binding: 'DB' }],
      durable_objects: { bindings: [{ name: 'COUNTER', class_name: 'Counter' }] }, ai: { binding: 'AI' },
      analytics_engine_datasets: [{ binding: 'VISITS', dataset: 'visits' }],
    }),
    'index.js': worker('x'),
  }));
  const { bindings } = functionNamed(manifest, 'worker/data');
  assert.deepEqual(bindings.DB, { type: 'missing', kind: 'D1 database', key: 'd1_databases' });
  assert.deepEqual(Object.keys(bindings).sort(), ['AI', 'CACHE', 'COUNTER', 'DB', 'VISITS']);
  assert.deepEqual(bindings.VISITS, { type: 'dataset' });
  assert.deepEqual(manifest.diagnostics.map(({ severity, text }) => [severity, text]), [['warning',
    'wrangler.json: these bindings are not available in Mayfly yet: CACHE (R2 bucket), DB (D1 database), ' +
      'COUNTER (Durable Object namespace), AI (Workers AI). What uses them will fail and say so']]);
});

test('secrets come from .dev.vars, or else from .env files as wrangler reads them', async (t) => {
  const env = async (files) => {
    const manifest = await build(t, projectOf(t, { 'a/wrangler.toml': 'name = "a"\nmain = "i.js"\n[vars]\nV = "config"\n', 'a/i.js': worker('x'), ...files }));
    return functionNamed(manifest, 'worker/a').env;
  };
  assert.deepEqual(await env({ 'a/.dev.vars': 'V=dev\nS=1\n', 'a/.env': 'E=1\n' }), { V: 'dev', S: '1' });
  assert.deepEqual(await env({ 'a/.env': 'E=1\nL=env\n', 'a/.env.local': 'L=local\n', 'a/.env.development': 'D=1\n', '.env': 'ROOT=1\n' }),
    { V: 'config', E: '1', L: 'local' });
  assert.deepEqual(await env({ '.env': 'ROOT=1\n' }), { V: 'config', ROOT: '1' });
});

test('process.env has the variables where the compatibility flags say so', async (t) => {
  const env = async (lines) => {
    const manifest = await build(t, projectOf(t, { 'wrangler.toml': `name = "a"\nmain = "i.js"\n${lines}\n[vars]\nV = "1"\n`, 'i.js': worker('x') }));
    return functionNamed(manifest, 'worker/a').env;
  };
  const compat = 'compatibility_flags = ["nodejs_compat"';
  assert.deepEqual(await env(`compatibility_date = "2025-04-01"\n${compat}]`), { V: '1' });
  assert.deepEqual(await env(`compatibility_date = "2025-03-31"\n${compat}]`), {});
  assert.deepEqual(await env(`compatibility_date = "2025-03-31"\n${compat}, "nodejs_compat_populate_process_env"]`), { V: '1' });
  assert.deepEqual(await env(`compatibility_date = "2026-01-01"\n${compat}, "nodejs_compat_do_not_populate_process_env"]`), {});
});

test('Hyperdrive is a local database, which the file or the environment names', async (t) => {
  const hyperdrive = ['A', 'B', 'C'].map((binding) => ({ binding, id: 'x', ...(binding === 'C' ? {} : { localConnectionString: `postgres://file/${binding}` }) }));
  const project = projectOf(t, {
    'wrangler.json': JSON.stringify({ name: 'h', main: 'i.js', hyperdrive }), 'i.js': worker('x'),
    '.env': 'WRANGLER_HYPERDRIVE_LOCAL_CONNECTION_STRING_B=mysql://env/b\n',
  });
  const manifest = await build(t, project);
  const { bindings } = functionNamed(manifest, 'worker/h');
  assert.deepEqual([bindings.A, bindings.B], [{ type: 'hyperdrive', url: 'postgres://file/A' }, { type: 'hyperdrive', url: 'mysql://env/b' }]);
  assert.equal(bindings.C.type, 'missing');
  assert.deepEqual(manifest.diagnostics.map(({ severity, text }) => [severity, text]), [['warning',
    'wrangler.json: Hyperdrive "C" needs the URL of a local database: localConnectionString here, or CLOUDFLARE_HYPERDRIVE_LOCAL_CONNECTION_STRING_C in .env']]);
});

test('a Worker whose file is named by the command alone, as older templates have it', async (t) => {
  const manifest = await build(t, projectOf(t, {
    'wrangler.toml': 'name = "shop"\n[vars]\nA = "1"\n', 'src/index.ts': worker('x'),
    'package.json': JSON.stringify({ scripts: { build: 'tsc', dev: 'wrangler dev --live-reload src/index.ts', deploy: 'wrangler deploy --minify src/index.ts' } }),
  }));
  assert.deepEqual(manifest.diagnostics, []);
  assert.equal(visit(manifest, 'GET', '/any').function, 'worker/shop');
  assert.deepEqual(functionNamed(manifest, 'worker/shop').bindings.A, { type: 'var', value: '1' });
});

test('modules beside the main one are there for import() of a name that is made when it runs', async (t) => {
  const lazy = 'export default { fetch() {}, load: async (name) => (await import(name)).default };\n';
  const beside = { 'lang/en.js': "import word from './word.js';\nexport default word;\n", 'lang/word.js': "export default 'hello';\n" };
  const within = (folder) => Object.fromEntries(Object.entries(beside).map(([name, text]) => [`${folder}/${name}`, text]));
  const loaded = async (files, name) => {
    const { functions: [fn] } = await build(t, projectOf(t, files));
    return evaluate(fn, `load(${JSON.stringify(name)}).then((all) => all.default.load('./lang/en.js'))`);
  };
  const pages = { 'dist/_worker.js/index.js': lazy, ...within('dist/_worker.js'), 'wrangler.json': '{ "name": "p", "pages_build_output_dir": "dist" }' };
  assert.equal(await loaded(pages, 'dist/_worker.js/index'), 'hello');
  const wrangler = (settings) => JSON.stringify({ name: 'w', main: 'src/index.js', ...settings });
  const rules = [{ type: 'ESModule', globs: ['**/*.js'] }];
  assert.equal(await loaded({ 'src/index.js': lazy, ...within('src'), 'wrangler.json': wrangler({ find_additional_modules: true, rules }) }, 'src/index'), 'hello');
  assert.equal(await loaded({ 'src/index.js': lazy, ...within('src'), 'wrangler.json': wrangler({ no_bundle: true }) }, 'src/index'), 'hello');
  await assert.rejects(loaded({ 'src/index.js': lazy, ...within('src'), 'wrangler.json': wrangler({}) }, 'src/index'), /Cannot find module/);
});

test('a KV namespace is a folder of the project, by its id', async (t) => {
  const wrangler = (settings) => JSON.stringify({ main: 'i.js', ...settings });
  const project = projectOf(t, {
    'a/wrangler.json': wrangler({ name: 'a', kv_namespaces: [{ binding: 'KV', id: 'shared' }, { binding: 'ODD', id: '../x' }] }), 'a/i.js': worker('x'),
    'b/wrangler.json': wrangler({ name: 'b', kv_namespaces: [{ binding: 'STORE', id: 'shared' }, { binding: 'OWN' }] }), 'b/i.js': worker('x'),
  });
  const manifest = await build(t, project);
  assert.deepEqual(manifest.diagnostics, []);
  const [a, b] = ['a', 'b'].map((name) => functionNamed(manifest, `worker/${name}`));
  assert.deepEqual(a.bindings.KV, { type: 'kv', folder: '___kv/shared' });
  assert.deepEqual(b.bindings.STORE, { type: 'kv', folder: '___kv/shared' });
  assert.deepEqual(b.mounts, ['shared', 'OWN'].map((name) => (
    { source: path.join(project, '.mayfly/kv', name), target: `___kv/${name}`, writable: true })));
  assert.match(a.mounts[1].source, /\/\.mayfly\/kv\/---x-[0-9a-f]{12}$/);
});

test('what was built for Cloudflare Pages is served: its _worker.js, and the rest of the folder as its assets', async (t) => {
  const config = 'name = "shop"\npages_build_output_dir = "./dist"\n[vars]\nA = "1"\n';
  const routes = { version: 1, include: ['/api/*', '/', '/feed*', '/about'], exclude: ['/api/static/'] };
  const built = { 'wrangler.toml': config, 'dist/_worker.js': 'export default { fetch() {} };\n', 'dist/index.html': 'x' };
  const settingsOf = async (files) => {
    const { functions, diagnostics } = await build(t, projectOf(t, files));
    assert.deepEqual(diagnostics, []);
    return [functions[0].endpoints[0].file, functions[0].settings.assets];
  };
  const assets = { directory: '___assets', has_worker: true, binding: 'ASSETS' };
  assert.deepEqual(await settingsOf(built), ['dist/_worker.js', { ...assets, not_found_handling: 'single-page-application', run_worker_first: true }]);
  assert.deepEqual(await settingsOf({ ...built, 'dist/404.html': 'x', 'dist/_routes.json': JSON.stringify(routes) }), ['dist/_worker.js', {
    ...assets, not_found_handling: '404-page',
    run_worker_first: ['/api', '/api/*', '/', '/feed*', '/about', '/about/', '!/api/static', '!/api/static/'],
  }]);
  const folder = { 'wrangler.toml': config, 'dist/_worker.js/index.js': built['dist/_worker.js'] };
  assert.equal((await settingsOf(folder))[0], 'dist/_worker.js/index.js');
  assert.deepEqual(await settingsOf({ 'wrangler.toml': config, 'dist/index.html': 'x' }), [
    'assets', { ...assets, has_worker: false, not_found_handling: 'single-page-application' },
  ]);
});

test('what runs on Cloudflare and not here is told: functions of Pages, and Workers in Python', async (t) => {
  const told = async (files) => {
    const { functions, diagnostics } = await build(t, projectOf(t, files));
    return [functions.length, diagnostics.map(({ severity, text }) => `${severity}: ${text}`)];
  };
  const pages = { 'functions/api/hello.ts': 'export const onRequestGet: PagesFunction = () => new Response("x");\n', 'public/index.html': 'x' };
  const why = (output) => 'the folder functions of Cloudflare Pages is not served as it is: ' +
    `\`npx wrangler pages functions build --outdir ${output}/_worker.js\` makes a Worker of it, which is served`;
  assert.deepEqual(await told(pages), [0, [
    `warning: functions/api/hello.ts: ${why('dist')}; again after changes`,
  ]]);
  const config = { 'wrangler.toml': 'pages_build_output_dir = "public"\n' };
  assert.deepEqual(await told({ ...pages, ...config }), [1, [`warning: wrangler.toml: ${why('public')}; again after changes`]]);
  assert.deepEqual(await told({ ...pages, ...config, 'public/_worker.js/index.js': 'export default { fetch() {} };\n' }), [1, []]);
  assert.deepEqual(await told({ 'functions/hello.js': 'export const handler = () => {};\n', 'functions/lib.ts': 'export const onRequested = 1;\n', 'functions/firebase.js': 'export const api = onRequest(() => {});\n' }), [0, []]);
  const python = '{ "main": "src/entry.py", "compatibility_flags": ["python_workers"] }';
  assert.deepEqual(await told({ 'wrangler.jsonc': python, 'src/entry.py': 'async def on_fetch(request): pass\n' }), [
    0, ['error: wrangler.jsonc: main "src/entry.py" is in Python, which does not run here: Workers in JavaScript and TypeScript do'],
  ]);
});

test('what a build has made for Cloudflare Pages is served without a wrangler file, too', async (t) => {
  const built = {
    '_worker.js': 'export default { fetch: () => new Response("worker") };\n', 'about.html': 'x',
    '_routes.json': '{ "version": 1, "include": ["/*"], "exclude": ["/build/*"] }', 'build/a.js': 'x',
  };
  const below = (folder, files) => Object.fromEntries(Object.entries(files).map(([name, text]) => [`${folder}/${name}`, text]));
  const workerOf = async (files) => {
    const { functions: [worker] } = await build(t, projectOf(t, files));
    return [worker.endpoints[0].file, path.basename(worker.mounts[0].source), worker.settings.assets.run_worker_first];
  };
  assert.deepEqual(await workerOf({ 'package.json': '{ "scripts": { "start": "vite" } }', ...below('dist', built) }), ['dist/_worker.js', 'dist', ['/*', '!/build', '!/build/*']]);
  assert.equal((await workerOf(built))[0], '_worker.js');
  const { functions } = await build(t, projectOf(t, { ...below('dist', built), 'server.js': "require('http').createServer().listen(1);", 'package.json': '{ "scripts": { "start": "node server.js" } }', 'api/a.js': 'export default () => {};' }));
  assert.deepEqual(functions.map(({ dialect }) => dialect), ['vercel']);
});
