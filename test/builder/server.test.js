import assert from 'node:assert/strict';
import { existsSync, rmSync, utimesSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { Builder, build, evaluate, functionNamed, projectOf, visit, writeFiles } from './harness.js';

const server = "const http = require('http');\nhttp.createServer((q, s) => s.end('x')).listen(process.env.PORT);\n";

test('the start script names the server; it runs from its own folder and is the main module', async (t) => {
  const project = projectOf(t, {
    'package.json': '{ "scripts": { "start": "NODE_ENV=production GREETING=hi node --no-warnings src/server.js --flag" } }',
    'src/server.js': "const app = require('./app');\nglobalThis.main = require.main === module;\nglobalThis.views = __dirname + '/views';\nif (false) app.listen(1);\n",
    'src/app.js': 'exports.listen = () => {};\n',
    'src/views/a.html': 'a', '.env': 'SECRET=s3cret\n', 'node_modules/x/index.js': '',
  });
  const manifest = await build(t, project);
  const fn = functionNamed(manifest, 'server');

  assert.equal(visit(manifest, 'PATCH', '/any').function, 'server');
  assert.deepEqual([fn.env.NODE_ENV, fn.env.GREETING, fn.env.SECRET], ['production', 'hi', 's3cret']);
  assert.ok(existsSync(path.join(fn.artifact, 'src/views/a.html')));
  assert.ok(!existsSync(path.join(fn.artifact, '.env')));
  assert.deepEqual(fn.mounts, [{ source: path.join(project, 'node_modules'), target: 'node_modules' }]);
  const seen = evaluate(fn, "(load('server'), [globalThis.main, globalThis.views, process.argv[1]])");
  assert.deepEqual(seen, [true, `${fn.artifact}/src/views`, `${fn.artifact}/src/server.js`]);
});

test('ES modules and TypeScript servers', async (t) => {
  const esm = await build(t, projectOf(t, {
    'package.json': '{ "type": "module", "main": "index.js" }',
    'index.js': "import { createServer } from 'node:http';\nglobalThis.dir = import.meta.dirname;\nawait 0;\ncreateServer(() => {});\n",
  }));
  const fn = functionNamed(esm, 'server');
  assert.equal(evaluate(fn, "load('server').then(() => globalThis.dir)"), fn.artifact);

  const typed = await build(t, projectOf(t, {
    'package.json': '{ "scripts": { "start": "node dist/index.js" } }',
    'src/index.ts': "import http from 'node:http';\nenum Port { A = 1 }\nexport const port: number = Port.A;\nexport const view = __dirname + '/../views';\nif (port > 1) http.createServer().listen(1);\n",
    'views/a.html': 'a',
  }));
  const bundled = functionNamed(typed, 'server');
  assert.deepEqual(evaluate(bundled, "[load('src/index').port, load('src/index').view]"), [1, '/var/task/src/../views']);
  assert.ok(existsSync(path.join(bundled.artifact, 'views/a.html')));
});

test('no server where a platform has the project, or where nothing listens', async (t) => {
  const claimed = await build(t, projectOf(t, {
    'package.json': '{ "main": "server.js" }', 'server.js': server, 'api/a.ts': 'export const GET = () => new Response();\n',
  }));
  assert.deepEqual(claimed.functions.map((fn) => fn.dialect), ['vercel']);
  const library = await build(t, projectOf(t, { 'package.json': '{ "main": "index.js" }', 'index.js': 'exports.x = 1;\n' }));
  assert.deepEqual(library.functions, []);
});

test('an app of a web framework that is exported takes every request, as on Vercel and in Bun', async (t) => {
  const exported = async (files) => {
    const manifest = await build(t, projectOf(t, { 'package.json': '{ "type": "module" }', ...files }));
    assert.deepEqual(manifest.diagnostics.filter(({ text }) => !/is not installed/.test(text)), []);
    return manifest.functions.map(({ name, dialect, endpoints }) => [name, dialect, endpoints[0].file, visit(manifest, 'PUT', '/a/b').function]);
  };
  const taken = (file) => [['server', 'vercel', file, 'server']];
  const hono = "import { Hono } from 'hono';\nconst app = new Hono();\nexport default app;\n";
  assert.deepEqual(await exported({ 'src/index.ts': hono }), taken('src/index.ts'));
  const fetched = 'export default {\n  port: process.env.PORT,\n  fetch(request: Request) { return new Response(); },\n};\n';
  assert.deepEqual(await exported({ 'src/index.ts': fetched }), taken('src/index.ts'));
  assert.deepEqual(await exported({ 'server.js': "import express from 'express';\nexport { app as default };\nconst app = express();\n" }), taken('server.js'));
  const common = { 'package.json': '{ "main": "index.js" }', 'index.js': "const express = require('express');\nmodule.exports = express();\n" };
  assert.deepEqual(await exported(common), taken('index.js'));
  assert.deepEqual(await exported({ 'index.ts': "import { Hono } from 'hono';\nexport const app = new Hono();\n" }), []);
  assert.deepEqual(await exported({ 'index.ts': "import { x } from 'elsewhere';\nexport default x;\n" }), []);
});

test('a file that is a module by its syntax alone gives what it exports', async (t) => {
  const manifest = await build(t, projectOf(t, { 'package.json': '{ "main": "index.js" }', 'index.js': "export default { fetch: () => new Response('x') };\n" }));
  assert.equal(evaluate(functionNamed(manifest, 'server'), "load('server').then((all) => typeof all.default.fetch)"), 'function');
});

test('what the start script has Node.js load, read and pass on comes before the program', async (t) => {
  const manifest = await build(t, projectOf(t, {
    'package.json': JSON.stringify({
      scripts: { start: 'FIRST=script node -r ./one.js --import ./two.mjs --env-file=some.env --no-warnings index.js --port 1 two' },
    }),
    'one.js': 'globalThis.seen = ["one"];\n', 'two.mjs': 'globalThis.seen.push("two");\n',
    'some.env': 'FIRST=file\nSECOND="of the file"\n',
    'index.js': `globalThis.seen.push("main");\n${server}`,
  }));
  const fn = functionNamed(manifest, 'server');
  assert.deepEqual([fn.env.FIRST, fn.env.SECOND], ['script', 'of the file']);
  assert.deepEqual(fn.settings.args, ['--port', '1', 'two']);
  const seen = evaluate(fn, "(process.env.PORT = '0', require('http').Server.prototype.listen = () => {}, load('server').then(() => globalThis.seen))");
  assert.deepEqual(seen, ['one', 'two', 'main']);
});

test('a start script may run its program by way of others', async (t) => {
  const programOf = async (start) => {
    const manifest = await build(t, projectOf(t, {
      'package.json': JSON.stringify({ scripts: { start, web: 'A=script node lib/web.js --flag', build: 'tsc' } }),
      'lib/web.js': server, 'lib/typed.ts': server, 'some.env': 'B=file\n', 'ecosystem.config.js': server,
    }));
    const fn = functionNamed(manifest, 'server');
    return fn && [fn.endpoints[0].file, fn.settings.args.join(' '), fn.env.A ?? '', fn.env.B ?? ''].join('|');
  };
  const typed = 'lib/typed.ts|||';
  const all = {
    'npm run build && npm run web': 'lib/web.js|--flag|script|', 'A=own yarn web': 'lib/web.js|--flag|own|', 'pnpm run web': 'lib/web.js|--flag|script|',
    'nodemon --watch lib -e ts,js --exec "ts-node -P tsconfig.json" lib/typed.ts': typed, "nodemon -x 'tsx lib/typed.ts'": typed,
    'dotenv -e some.env -- node lib/web.js': 'lib/web.js|||file', 'env-cmd -f some.env node lib/web.js a': 'lib/web.js|a||file',
    'pm2-runtime start -i 2 lib/web.js': 'lib/web.js|||', 'A="two words" node lib/web.js "b c" | pino-pretty': 'lib/web.js|b c|two words|',
    'sh -c "node lib/web.js"': 'lib/web.js|||', 'bun run lib/web.js': 'lib/web.js|||', 'node lib/web.js > log.txt 2>&1 &': 'lib/web.js|||',
    'pm2 start ecosystem.config.js': undefined, 'npm run nothing': undefined, 'npm start': undefined,
  };
  for (const [start, expected] of Object.entries(all)) {
    assert.equal(await programOf(start), expected, start);
  }
});

test('of several programs that a start script runs, the one that listens is served', async (t) => {
  const files = { 'lib/web.js': server, 'lib/watch.js': 'setInterval(() => {}, 1000);\n', 'main.js': "require('node:child_process');\n" };
  const scripts = {
    serve: 'node lib/web.js of-serve', 'watch:css': 'sass --watch a b', 'watch:js': 'node lib/watch.js', build: 'tsc && node lib/watch.js', 'serve:web': 'node lib/web.js of-web',
  };
  const all = {
    'concurrently -k -n css,web "npm:watch:*" "npm run serve"': ['of-serve'],
    'concurrently "tsc -w && exit 1" "nodemon --watch dist lib/web.js a" --names "x,node lib/watch.js"': ['a'],
    'concurrently npm:serve:*': ['of-web'],
    'npm-run-all build --parallel watch:* serve': ['of-serve'],
    'run-s build serve': ['of-serve'], 'run-p *': ['of-serve'], 'npm-run-all ** ** **': ['of-serve'], 'run-p -l watch:** "serve:* -- b"': ['of-web'], 'node lib/watch.js & node lib/web.js c': ['c'],
  };
  for (const [start, args] of Object.entries(all)) {
    const manifest = await build(t, projectOf(t, { ...files, 'package.json': JSON.stringify({ scripts: { start, ...scripts } }) }));
    const { settings } = functionNamed(manifest, 'server');
    assert.deepEqual([settings.main, settings.args], ['lib/web.js', args], start);
  }
});

test('without a start script that names a program, the one for development does, or a file of a usual name that listens', async (t) => {
  const mainOf = async (files) => functionNamed(await build(t, projectOf(t, files)), 'server').settings.main;
  const manifest = (value) => ({ 'package.json': JSON.stringify(value) });
  assert.equal(await mainOf({ ...manifest({ scripts: { dev: 'tsx watch lib/http.ts' } }), 'lib/http.ts': server, 'index.js': server }), 'lib/http.ts');
  const built = { start: 'node dist/http.js', dev: 'tsx watch lib/http.ts' };
  assert.equal(await mainOf({ ...manifest({ scripts: built }), 'lib/http.ts': server }), 'lib/http.ts');
  const app = { 'src/app.ts': "import express from 'express';\nexport default express();\n" };
  assert.equal(await mainOf({ ...manifest({}), ...app, 'src/main.ts': `import app from './app';\n${server}` }), 'src/main.ts');
  assert.equal(await mainOf({ ...manifest({}), 'index.js': 'exports.version = 1;\n', 'src/app.ts': server }), 'src/app.ts');
  assert.equal(await mainOf({ ...manifest({ scripts: { start: 'node bin/server.js' } }), 'bin/server.ts': server }), 'bin/server.ts');
});

test('PORT is the port of the site, so that what a server says of its address is true', async (t) => {
  const project = projectOf(t, { 'package.json': '{ "main": "server.js" }', 'server.js': server });
  assert.equal(functionNamed(await build(t, project), 'server').env.PORT, '3000');
  assert.equal(functionNamed(await build(t, project, { port: 4321 }), 'server').env.PORT, '4321');
});

test('a program of an installed package serves what the start script gives it', async (t) => {
  const files = {
    'package.json': JSON.stringify({ type: 'module', scripts: { start: 'npm run build && fastify start -l info dist/app.js' } }),
    'node_modules/fastify-cli/package.json': '{ "name": "fastify-cli", "bin": { "fastify": "cli.js" } }',
    'node_modules/fastify-cli/cli.js': 'globalThis.isMain = require.main === module;\n',
  };
  const built = await build(t, projectOf(t, { ...files, 'dist/app.js': 'export default async (fastify) => {};\n' }));
  const fn = functionNamed(built, 'server');
  assert.deepEqual([fn.endpoints[0].file, fn.settings.args], ['dist/app.js', ['start', '-l', 'info', 'dist/app.js']]);
  assert.equal(visit(built, 'GET', '/any').function, 'server');
  assert.deepEqual((await build(t, projectOf(t, files))).functions, []);
});

test('react-router-serve serves what is bundled a folder deeper, as presets of platforms have it', async (t) => {
  const fn = functionNamed(await build(t, projectOf(t, {
    'package.json': JSON.stringify({ scripts: { start: 'react-router-serve ./build/server/index.js' } }),
    'build/server/nodejs_eyJ9/index.js': 'export const routes = {};\n',
    'node_modules/@react-router/serve/package.json': '{ "bin": { "react-router-serve": "bin.js" } }',
    'node_modules/@react-router/serve/bin.js': '',
  })), 'server');
  assert.deepEqual([fn.endpoints[0].file, fn.settings.args], ['build/server/nodejs_eyJ9/index.js', ['build/server/nodejs_eyJ9/index.js']]);
});

test('a program of an installed package may serve what main names', async (t) => {
  const fn = functionNamed(await build(t, projectOf(t, {
    'package.json': JSON.stringify({ main: 'functions.js', scripts: { start: 'npx functions-framework --target=hello' } }), 'functions.js': 'exports.hello = () => {};\n',
    'node_modules/@google-cloud/functions-framework/package.json': '{ "bin": { "functions-framework": "./main.js" } }',
    'node_modules/@google-cloud/functions-framework/main.js': '',
  })), 'server');
  assert.deepEqual([fn.endpoints[0].file, fn.settings.args], ['functions.js', ['--target=hello']]);
});

test('a start script of a program whose package is broken is passed over', async (t) => {
  for (const broken of ['{', 'null', '{ "bin": { "fastify": 1 } }', '{ "bin": "cli.js" }']) {
    const { functions, diagnostics } = await build(t, projectOf(t, {
      'package.json': '{ "scripts": { "start": "fastify start app.js" } }',
      'app.js': 'module.exports = async (fastify) => {};\n',
      'node_modules/fastify-cli/package.json': broken,
    }));
    assert.deepEqual([functions, diagnostics], [[], []]);
  }
});

const decorated = {
  'package.json': '{ "scripts": { "start": "nest start", "build": "nest build" } }',
  'tsconfig.json': '{ /* as Nest writes it */ "compilerOptions": { "emitDecoratorMetadata": true, "outDir": "./dist", } }',
  'src/main.ts': "import http from 'node:http';\nexport const port: number = 3;\nif (port > 9) http.createServer().listen(1);\n",
  'src/service.ts': '@Injectable()\nexport class App {}\n',
};
const old = new Date(Date.now() - 60_000);

test('where decorators have metadata, what the project compiled is served, or its compiler asked for', async (t) => {
  const source = await build(t, projectOf(t, decorated));
  const [{ severity, text }] = source.diagnostics;
  assert.deepEqual([severity, functionNamed(source, 'server').endpoints[0].file], ['error', 'src/main.ts']);
  assert.match(text, /emitDecoratorMetadata\): run `npm run build`/);
  assert.equal(functionNamed(source, 'server').endpoints[0].settings.broken.text, text);
  const compiled = await build(t, projectOf(t, { ...decorated, 'dist/main.js': 'exports.compiled = true;\n' }));
  assert.equal(functionNamed(compiled, 'server').endpoints[0].file, 'dist/main.js');
  assert.equal(evaluate(functionNamed(compiled, 'server'), "load('server').compiled"), true);
  assert.match(compiled.diagnostics[0].text, /^dist\/main\.js is served: .* Run `npm run build -- --watch` beside this$/);
  const { diagnostics } = await build(t, projectOf(t, { ...decorated, 'src/service.ts': 'export class App {}\n' }));
  assert.deepEqual(diagnostics, [], 'no decorator, no metadata');
});

test('a source that is newer than what runs is told, and its compiler may take that away for a while', async (t) => {
  const project = projectOf(t, { ...decorated, 'dist/main.js': 'exports.compiled = 1;\n' });
  ['src/main.ts', 'src/service.ts'].forEach((file) => utimesSync(path.join(project, file), old, old));
  const builder = new Builder(t, project, { watch: true });
  builder.send({ type: 'build' });
  const first = await builder.next();
  writeFiles(project, { 'src/service.ts': '@Injectable()\nexport class App { changed = 1 }\n' });
  const stale = await builder.next();
  assert.equal(stale.functions[0].hash, first.functions[0].hash, 'the same program runs');
  const [{ file, text }] = stale.diagnostics;
  assert.equal(`${file}: ${text}`, 'src/service.ts: it has changed since dist/main.js was made, which is served: run `npm run build -- --watch` beside this');
  rmSync(path.join(project, 'dist'), { recursive: true });
  assert.equal((await builder.next()).type, 'failed');
});

test('of a program and its source, the newer is served', async (t) => {
  const files = {
    'package.json': '{ "scripts": { "start": "node dist/index" } }',
    'src/index.ts': "import http from 'node:http';\nhttp.createServer().listen(1 as number);\n",
    'dist/index.js': "require('node:http').createServer().listen(1);\n",
  };
  const served = async (older) => {
    const project = projectOf(t, files);
    older && utimesSync(path.join(project, older), old, old);
    return functionNamed(await build(t, project), 'server').endpoints[0].file;
  };
  assert.equal(await served('src/index.ts'), 'dist/index.js');
  assert.equal(await served('dist/index.js'), 'src/index.ts');
});

test('a server that is started rather than listens is one', async (t) => {
  for (const start of ['await startStandaloneServer(server, { listen: { port: 4000 } });', 'await app.start(3000);', 'await ignitor.httpServer().start();']) {
    const { functions } = await build(t, projectOf(t, { 'package.json': '{ "type": "module", "scripts": { "start": "node web.js" } }', 'web.js': `${start}\n` }));
    assert.deepEqual(functions.map(({ name }) => name), ['server'], start);
  }
});

test('a server of hapi, which starts rather than listens, is one', async (t) => {
  const manifest = await build(t, projectOf(t, {
    'package.json': '{ "scripts": { "start": "node ." } }',
    'index.js': "const Hapi = require('@hapi/hapi');\nHapi.server({ port: 3000 }).start();\n",
  }));
  assert.equal(functionNamed(manifest, 'server').endpoints[0].file, 'index.js');
});

test('a start script whose program is not built yet is told', async (t) => {
  const told = async (start, more, files = {}) => {
    const project = projectOf(t, { 'package.json': JSON.stringify({ scripts: { start, ...more } }), ...files });
    const { functions, diagnostics } = await build(t, project);
    assert.deepEqual(functions, []);
    return diagnostics.map(({ file, text }) => `${file}: ${text}`);
  };
  const missing = 'package.json: its start script runs dist/main.js, which is not there';
  assert.deepEqual(await told('NODE_ENV=production node --enable-source-maps ./dist/main.js', { build: 'x' }), [`${missing}: run \`npm run build\``]);
  assert.deepEqual(await told('fastify start -l info dist/main.js', { build: 'x' }), [`${missing}: run \`npm run build\``]);
  assert.deepEqual(await told('fastify start dist/main.js', { 'build:ts': 'tsc' }, { 'src/main.ts': 'export default async () => {};\n' }), [`${missing}: run \`npm run build:ts\``]);
  assert.deepEqual(await told('node dist/main.js'), [missing]);
  assert.deepEqual(await told('vite preview'), []);
  assert.deepEqual(await told('node job.js', {}, { 'job.js': 'console.log(1);\n' }),
    ['package.json: its start script runs job.js, in which no HTTP server is seen to listen, as by listen() or serve()']);
});

test('a loader of TypeScript is not needed, and modules before a bundled program are part of it', async (t) => {
  const manifest = await build(t, projectOf(t, {
    'package.json': JSON.stringify({ type: 'module', scripts: { start: 'node --import tsx --import ./trace.ts main.ts' } }),
    'trace.ts': 'globalThis.traced = 1 as number;\nexport {};\n',
    'main.ts': "import http from 'node:http';\nexport const port: number = 3;\nif (port > 9) http.createServer().listen(1);\n",
  }));
  const fn = functionNamed(manifest, 'server');
  assert.deepEqual(manifest.diagnostics, []);
  assert.equal(fn.settings.setup, 'setup');
  assert.deepEqual(evaluate(fn, "(async () => { await load('setup'); return [globalThis.traced, (await load('main')).port]; })()"), [1, 3]);
});

test('import.meta.main is true in the program', async (t) => {
  const fn = functionNamed(await build(t, projectOf(t, {
    'package.json': '{ "type": "module", "main": "index.js" }',
    'index.js': "import { createServer } from 'node:http';\nglobalThis.isMain = import.meta.main;\nif (!import.meta.main) createServer().listen(1);\n",
  })), 'server');
  assert.equal(evaluate(fn, "load('server').then(() => globalThis.isMain)"), true);
});

test('a project without functions is told what would make it one that has some', async (t) => {
  const told = async (files) => (await build(t, projectOf(t, files))).diagnostics.map(({ file, text }) => `${file}: ${text}`);
  const astro = (scripts) => ({ 'package.json': JSON.stringify({ scripts, dependencies: { astro: '7' } }), 'src/pages/index.astro': '' });
  const start = 'node ./dist/server/entry.mjs';
  const built = 'package.json: what astro builds is served here, a Node.js server by @astrojs/node in its mode "standalone": run `npm run build`';
  assert.deepEqual(await told(astro({})), [`${built} with "start": "${start}" among its scripts`]);
  assert.deepEqual(await told(astro({ start })), [built]);
  assert.deepEqual(await told({ ...astro({ start }), 'dist/server/entry.mjs': "import http from 'node:http';\nhttp.createServer().listen(1);\n" }), []);
  const adapted = { 'package.json': JSON.stringify({ scripts: { build: 'x' }, dependencies: { astro: '7', '@astrojs/cloudflare': '14' } }), 'src/pages/index.astro': '' };
  assert.deepEqual(await told(adapted), ['package.json: what @astrojs/cloudflare builds for Cloudflare is served: run `npm run build`, and again after changes']);
  const wrangler = JSON.stringify({ main: './dist/_worker.js/index.js' });
  assert.deepEqual(await told({ ...adapted, 'wrangler.json': wrangler }),
    ['wrangler.json: wrangler.json: main "./dist/_worker.js/index.js" does not exist; build the project first: npm run build']);
  assert.match((await told({ 'sst.config.ts': 'export default {};\n' }))[0], /^sst\.config\.ts: .* a mayfly\.json names functions/);
  assert.match((await told({ 'deno.json': '{}', 'main.ts': 'Deno.serve(() => new Response("x"));\n' }))[0], /^deno\.json: programs of Deno do not run here/);
  const handler = { 'src/index.ts': "import { handle } from 'hono/aws-lambda';\nexport const handler = handle({});\n" };
  const [text] = await told(handler);
  const [, config] = /^src\/index\.ts: it exports a Lambda handler that nothing names; a mayfly\.json does: (.*)$/.exec(text);
  assert.deepEqual(functionNamed(await build(t, projectOf(t, { ...handler, 'mayfly.json': config })), 'lambda/main').endpoints[0].file, 'src/index.ts');
});

test('a server that is not what the start script runs is found by the script serve', async (t) => {
  const scripts = { start: 'vite --open', dev: 'vite', serve: 'node server/entry.express', build: 'vite build' };
  const files = { 'package.json': JSON.stringify({ type: 'module', scripts }), 'src/entry.tsx': 'export default 1;' };
  const server = "import http from 'node:http';\nhttp.createServer().listen(3000);\n";
  const built = await build(t, projectOf(t, { ...files, 'server/entry.express.js': server }));
  assert.equal(built.functions[0].endpoints[0].file, 'server/entry.express.js');

  const { diagnostics } = await build(t, projectOf(t, files));
  assert.deepEqual(diagnostics.map(({ text }) => text),
    ['its script serve runs server/entry.express, which is not there: run `npm run build`']);
});

test('what Nitro has built for another platform is told by what that lacks', async (t) => {
  const told = async (preset, index) => {
    const { diagnostics } = await build(t, projectOf(t, {
      'package.json': '{ "devDependencies": { "nitropack": "2" } }', '.output/nitro.json': JSON.stringify({ preset }), '.output/server/index.mjs': index,
    }));
    return diagnostics.map(({ text }) => text);
  };
  const [lambda, ...more] = await told('aws-lambda', "export { h as handler } from './chunks/nitro.mjs';\n");
  assert.match(lambda, /exports a Lambda handler that nothing names.*"handler": ".output\/server\/index.handler"/);
  assert.deepEqual(more, []);
  const [worker] = await told('cloudflare-module', 'export default {};\n');
  assert.match(worker, /^Nitro has built it for cloudflare-module.*a wrangler\.jsonc names it: \{ "main": "\.output\/server\/index\.mjs"/);
});
