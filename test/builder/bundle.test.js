import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { build, evaluate, fixture, functionNamed, linkPackages, projectOf, visit, writeFiles } from './harness.js';

test('a project of five dialects is discovered as it stands', async (t) => {
  const manifest = await build(t, fixture(t, 'mixed'));
  const dialects = manifest.functions.map((fn) => fn.dialect);

  assert.deepEqual(manifest.diagnostics, []);
  assert.deepEqual(dialects, ['next', 'vercel', 'netlify', 'lambda', 'worker']);
  assert.equal(visit(manifest, 'GET', '/api/users').function, 'app');
  assert.equal(visit(manifest, 'GET', '/api/hello').function, 'api');
  assert.deepEqual(visit(manifest, 'GET', '/greet/ada').params, { name: 'ada' });
  assert.match(visit(manifest, 'GET', '/index.html').file, /public\/index\.html$/);
  assert.equal(visit(manifest, 'GET', '/anything').function, 'worker');
  assert.equal(visit(manifest, 'GET', '/api/users/', { host: 'image-processor.localhost' }).function, 'lambda/image-processor');
  assert.ok(existsSync(path.join(functionNamed(manifest, 'app').artifact, 'data/names.json')));
  for (const fn of manifest.functions) {
    assert.match(fn.name, /^[A-Za-z0-9._/-]{1,100}$/);
    assert.ok(existsSync(path.join(fn.artifact, fn.entry)));
  }
});

test('a source file finds itself where it would lie under /var/task, and brings the files it reads', async (t) => {
  const project = projectOf(t, {
    'api/deep/here.ts': `
      import { readFileSync } from 'node:fs';
      import path from 'node:path';
      import { own } from '../../lib/own.js';
      const text = () => readFileSync(new URL('./note.txt', import.meta.url), 'utf8');
      const json = () => readFileSync(path.join(process.cwd(), 'data', 'x.json'), 'utf8');
      export const places = { dirname: __dirname, filename: __filename, url: import.meta.url, dir: import.meta.dirname, own };
      export default (request, response) => response.end(text() + json());`,
    'lib/own.js': "import { fileURLToPath } from 'node:url';\nconst __filename = fileURLToPath(import.meta.url);\nexport const own = __filename;\n",
    'api/deep/note.txt': 'note', 'data/x.json': '{}', 'data/unused.json': '{}', '.env': 'SECRET=1',
  });
  const manifest = await build(t, project);
  const api = functionNamed(manifest, 'api');

  assert.deepEqual(evaluate(api, "load('api/deep/here').places"), {
    dirname: '/var/task/api/deep', filename: '/var/task/api/deep/here.ts', url: 'file:///var/task/api/deep/here.ts',
    dir: '/var/task/api/deep', own: '/var/task/lib/own.js',
  });
  assert.ok(existsSync(path.join(api.artifact, 'api/deep/note.txt')));
  assert.ok(existsSync(path.join(api.artifact, 'data/x.json')));
  assert.ok(!existsSync(path.join(api.artifact, 'data/unused.json')));
  assert.ok(!existsSync(path.join(api.artifact, '.env')));
});

test('ES modules, CommonJS and top-level await live in one group, and one that throws fails alone', async (t) => {
  const project = projectOf(t, {
    'api/common.ts': "import { basename } from 'node:path';\nexport default () => basename('/a/b');\n",
    'api/module.mjs': "import path from 'node:path';\nexport default () => path.basename('/a/c');\n",
    'api/await.ts': 'const value = await Promise.resolve(5);\nexport default () => value;\n',
    'api/throws.ts': "throw new Error('at import');\nexport default () => 1;\n",
    'api/legacy.cjs': "exports.value = typeof require('node:fs').readFileSync;\n",
  });
  const api = functionNamed(await build(t, project), 'api');
  const call = (name) => `Promise.resolve(load('api/${name}')).then((m) => m.default())`;

  assert.equal(api.entry, '___mayfly.cjs');
  assert.equal(evaluate(api, call('common')), 'b');
  assert.equal(evaluate(api, call('module')), 'c');
  assert.equal(evaluate(api, call('await')), 5);
  assert.equal(evaluate(api, "load('api/legacy').value"), 'function');
  assert.equal(evaluate(api, "(() => { try { load('api/throws'); } catch (error) { return error.message; } })()"), 'at import');
});

test('a package of type module is bundled as one', async (t) => {
  const project = projectOf(t, {
    'package.json': '{ "type": "module" }',
    'api/a.ts': "import fs from 'node:fs';\nexport default () => [typeof fs.readFileSync, typeof require];\n",
  });
  const api = functionNamed(await build(t, project), 'api');
  assert.equal(api.entry, '___mayfly.mjs');
  assert.deepEqual(evaluate(api, "load('api/a').then((m) => m.default())"), ['function', 'function']);
});

test('packages stay outside and are mounted; workspace packages are bundled', async (t) => {
  const project = projectOf(t, {
    'api/a.ts': `
      import { parse } from 'smol-toml';
      import { shared } from '@acme/shared';
      import legacy from 'legacy';
      import onlyImport from 'only-import';
      export default () => [parse('a = 1').a, shared, legacy, onlyImport];`,
    'packages/shared/package.json': '{ "name": "@acme/shared", "main": "index.ts" }',
    'packages/shared/index.ts': "export const shared: string = 'shared';\n",
    'node_modules/legacy/package.json': '{ "main": "index.js" }',
    'node_modules/legacy/index.js': "exports.__esModule = true;\nexports.default = 'legacy default';\n",
    'node_modules/only-import/package.json': '{ "type": "module", "exports": { ".": { "import": "./index.js" } } }',
    'node_modules/only-import/index.js': "export default 'for import';\n",
  });
  linkPackages(project, 'smol-toml');
  mkdirSync(path.join(project, 'node_modules/@acme'));
  symlinkSync('../../packages/shared', path.join(project, 'node_modules/@acme/shared'));
  const manifest = await build(t, project);
  const api = functionNamed(manifest, 'api');
  const text = readFileSync(path.join(api.artifact, api.entry), 'utf8');

  assert.deepEqual(manifest.diagnostics, []);
  assert.deepEqual(api.mounts, [{ source: path.join(project, 'node_modules'), target: 'node_modules' }]);
  assert.ok(existsSync(path.join(api.artifact, 'node_modules')), 'the mount point is there');
  assert.match(text, /require\("smol-toml"\)/);
  assert.deepEqual(evaluate(api, "load('api/a').default()"), [1, 'shared', 'legacy default', 'for import']);
});

test('packages that a monorepo hoists above the project are mounted as its own', async (t) => {
  const root = projectOf(t, {
    'node_modules/hoisted/index.js': "module.exports = 'hoisted';\n",
    'apps/web/api/a.js': "module.exports = () => require('hoisted');\n",
  });
  const api = functionNamed(await build(t, path.join(root, 'apps/web')), 'api');
  assert.deepEqual(api.mounts, [{ source: path.join(root, 'node_modules'), target: 'node_modules' }]);
  assert.equal(evaluate(api, "load('api/a')()"), 'hoisted');
});

test('more folders of packages than there is room for are told', async (t) => {
  const names = Array.from('abcdefghijkl');
  const files = names.map((name) => [
    [`${name}/package.json`, JSON.stringify({ name, main: 'index.js' })], [`${name}/index.js`, ''], [`${name}/node_modules/inner/index.js`, ''],
  ]);
  const root = projectOf(t, {
    'app/package.json': '{ "main": "server.js" }',
    'app/server.js': "require('node:http').createServer().listen(3000);\n",
    'app/node_modules/.package-lock.json': '{}',
    ...Object.fromEntries(files.flat()),
  });
  const project = path.join(root, 'app');
  names.forEach((name) => symlinkSync(`../../${name}`, path.join(project, 'node_modules', name)));
  const manifest = await build(t, project);

  assert.deepEqual(manifest.diagnostics.map(({ text }) => text),
    ['server is not shown the packages in ../k/node_modules, ../l/node_modules: there is room for 11 folders of packages']);
  assert.equal(functionNamed(manifest, 'server').mounts.length, 11);
});

test('a link in node_modules shows the package of its name, and nothing else of what is around the project', async (t) => {
  const root = projectOf(t, {
    'app/package.json': '{ "main": "server.js" }',
    'app/server.js': "require('node:http').createServer().listen(3000);\n",
    'app/node_modules/.package-lock.json': '{}',
    'lib/package.json': '{ "name": "lib", "main": "index.js" }',
    'lib/index.js': "module.exports = 'lib';\n",
    'lib/.env': 'SECRET=1\n',
    'lib/.ssh/id': 'secret\n',
    'lib/node_modules/inner/index.js': "module.exports = 'inner';\n",
    'diary/package.json': '{ "name": "diary" }',
    'diary/today.txt': 'private\n',
  });
  const project = path.join(root, 'app');
  symlinkSync('../../lib', path.join(project, 'node_modules/lib'));
  symlinkSync('../../diary', path.join(project, 'node_modules/other'));
  symlinkSync('../..', path.join(project, 'node_modules/above'));
  const server = functionNamed(await build(t, project), 'server');
  const shown = readdirSync(path.join(server.artifact, '___mayfly_packages'), { recursive: true }).sort();

  assert.deepEqual(shown, ['app', 'app/node_modules', 'lib', 'lib/index.js', 'lib/node_modules', 'lib/package.json']);
  assert.deepEqual(server.mounts, [
    { source: path.join(project, 'node_modules'), target: '___mayfly_packages/app/node_modules' },
    { source: path.join(root, 'lib/node_modules'), target: '___mayfly_packages/lib/node_modules' },
  ]);
});

test('code that is loaded by its place, as workers are, is there with what it imports', async (t) => {
  const project = projectOf(t, {
    'package.json': '{ "type": "module" }',
    'api/a.js': `
      import { Worker } from 'node:worker_threads';
      import { twice } from '../lib/twice.js';
      export default () => new Promise((resolve) => {
        new Worker(new URL('../lib/worker.js', import.meta.url), { workerData: twice(2) }).on('message', resolve);
      });`,
    'lib/worker.js': `
      import { parentPort, workerData } from 'node:worker_threads';
      import { parse } from 'smol-toml';
      import { twice } from './twice.js';
      parentPort.postMessage([twice(workerData), parse('a = 1').a]);`,
    'lib/twice.js': 'export const twice = (n) => n * 2;\n',
    'lib/other.js': 'export default 1;\n',
  });
  linkPackages(project, 'smol-toml');
  const api = functionNamed(await build(t, project), 'api');
  const shown = readdirSync(path.join(api.artifact), { recursive: true }).filter((name) => !name.includes('___mayfly')).sort();

  assert.deepEqual(shown, ['lib', 'lib/twice.js', 'lib/worker.js', 'node_modules', 'package.json']);
  assert.deepEqual(api.mounts, [{ source: path.join(project, 'node_modules'), target: 'node_modules' }]);
});

test('a missing package is named with the command to install it, and the others work', async (t) => {
  const project = projectOf(t, {
    'pnpm-lock.yaml': '',
    'api/bad.ts': "import { z } from 'zod/v4';\nimport type { X } from 'only-types';\nexport default () => z;\n",
    'api/good.ts': 'export default () => 1;\n',
    'api/optional.js': "let x; try { x = require('not-there'); } catch { x = 'none'; }\nmodule.exports = () => x;\n",
  });
  const manifest = await build(t, project);
  const api = functionNamed(manifest, 'api');
  const [error] = manifest.diagnostics.filter((entry) => entry.severity === 'error');

  assert.equal(error.text, 'Package "zod" is not installed. Install it with: pnpm add zod');
  assert.deepEqual([error.file, error.line], ['api/bad.ts', 1]);
  assert.match(error.frame, /import \{ z \} from 'zod\/v4';\n.*\^/);
  assert.deepEqual(visit(manifest, 'GET', '/api/bad').settings.broken, error);
  assert.equal(evaluate(api, "load('api/good').default()"), 1);
  assert.equal(evaluate(api, "load('api/optional')()"), 'none');
});

test('a package that is there without what is asked of it is not called missing', async (t) => {
  const project = projectOf(t, {
    'package.json': '{ "workspaces": ["packages/*"], "dependencies": { "one": "1", "@acme/db": "*", "@acme/ui": "*" } }',
    'node_modules/one/package.json': '{ "name": "one", "version": "1.2.3", "exports": { ".": "./index.js" } }',
    'node_modules/one/index.js': 'module.exports = 1;\n',
    'packages/db/package.json': '{ "name": "@acme/db", "main": "dist/index.js", "scripts": { "build": "tsc" } }',
    'packages/ui/package.json': '{ "name": "@acme/ui", "exports": "./dist/index.js" }',
    'api/sub.ts': "import 'one/sub';\nexport default () => 1;\n",
    'api/db.ts': "import '@acme/db';\nexport default () => 1;\n", 'api/ui.ts': "import '@acme/ui';\nexport default () => 1;\n",
  });
  mkdirSync(path.join(project, 'node_modules/@acme'));
  for (const name of ['db', 'ui']) {
    symlinkSync(`../../packages/${name}`, path.join(project, 'node_modules/@acme', name));
  }
  const { diagnostics } = await build(t, project);
  assert.deepEqual(diagnostics.map(({ file, text }) => `${file}: ${text}`), [
    'api/db.ts: The file that "@acme/db" stands for is not there. Build its package first: cd packages/db && npm run build',
    'api/sub.ts: The package "one" that is installed, 1.2.3, has no "one/sub": another version may have it',
    'api/ui.ts: The file that "@acme/ui" stands for is not there. Build its package first, packages/ui',
  ]);
});

test('an SDK that a bundle for Lambda leaves out, as the CDK has it, is told to come with the runtime on AWS alone', async (t) => {
  const { diagnostics } = await build(t, projectOf(t, {
    'yarn.lock': '', 'mayfly.json': '{ "functions": { "main": { "handler": "index.handler" } } }',
    'index.js': "const s3 = require('@aws-sdk/client-s3');\nexports.handler = async () => s3;\n",
  }));
  const text = 'Package "@aws-sdk/client-s3" comes with Lambda\'s runtime on AWS; here it is not installed. Install it with: yarn add -D @aws-sdk/client-s3';
  assert.deepEqual(diagnostics.map((told) => told.text), [text]);
});

test('packages that a package.json names are told once, with the command that installs all of them', async (t) => {
  const text = (...names) => names.map((name) => `import '${name}';\n`).join('') + 'export default () => 1;\n';
  const project = projectOf(t, {
    'package.json': '{ "dependencies": { "one": "1", "two": "2" } }',
    'api/a.ts': text('one', 'two', 'three'), 'api/b.ts': text('two', 'three'),
    'api/inner/package.json': '{ "devDependencies": { "four": "4" } }', 'api/inner/yarn.lock': '', 'api/inner/c.ts': text('four'),
  });
  const { diagnostics } = await build(t, project);
  assert.deepEqual(diagnostics.map(({ text: told }) => told.replace(/^.*Install it with: /, '')).sort(), [
    'cd api/inner && yarn install', 'npm install', 'npm install three',
  ]);
});

test('what a package that is bundled lacks is installed in the project, not in its folder', async (t) => {
  const installed = { name: 'tool', main: 'index.mjs', dependencies: { four: '4' }, devDependencies: { peer: '1' }, peerDependencies: { next: '16', peer: '1' } };
  const project = projectOf(t, {
    'package.json': '{ "dependencies": { "tool": "1" } }',
    'app/a/route.ts': "import 'tool';\nexport const GET = () => new Response();\n",
    'node_modules/tool/package.json': JSON.stringify(installed),
    'node_modules/tool/index.mjs': "import 'peer';\nimport 'four';\n",
  });
  const { diagnostics } = await build(t, project);
  assert.deepEqual(diagnostics.map(({ text: told }) => told.replace(/^.*Install it with: /, '')).sort(), ['npm install', 'npm install peer']);
});

test('what a package that is bundled only tries need not be installed', async (t) => {
  const project = projectOf(t, {
    'app/a/route.ts': "import { late } from 'tool';\nexport const GET = () => new Response(late);\n",
    'node_modules/tool/package.json': '{ "name": "tool", "main": "index.mjs", "peerDependencies": { "next": "16" } }',
    'node_modules/tool/index.mjs': "export const late = () => import('tried');\n",
  });
  assert.deepEqual((await build(t, project)).diagnostics, []);
});

test('a syntax error is shown with its frame; routes that import the file are broken, the others served', async (t) => {
  const project = projectOf(t, {
    'lib/wrong.ts': 'export const a = 1;\nexport const b = = 2;\n',
    'app/uses/route.ts': "import { b } from '../../lib/wrong';\nexport const GET = () => Response.json(b);\n",
    'app/fine/route.ts': 'export const GET = () => Response.json(1);\n',
  });
  const manifest = await build(t, project);
  const { broken } = visit(manifest, 'GET', '/uses').settings;

  assert.equal(manifest.type, 'manifest');
  assert.deepEqual([broken.file, broken.line, broken.column], ['lib/wrong.ts', 2, 18]);
  assert.match(broken.frame, / {2}2 \| export const b = = 2;\n {4}\| {18}\^/);
  assert.equal(visit(manifest, 'GET', '/fine').settings.broken, undefined);
});

test('tsconfig paths, JSX and JSON are understood', async (t) => {
  const project = projectOf(t, {
    'tsconfig.json': '{ "compilerOptions": { "jsx": "preserve", "paths": { "@/*": ["./src/*"] } } }',
    'src/value.json': '{ "a": [1] }',
    'node_modules/react/jsx-runtime.js': 'exports.jsx = (type, props) => ({ type, props });\n',
    'api/a.tsx': "import value from '@/value.json';\nexport default () => [<b>x</b>, value.a];\n",
  });
  const manifest = await build(t, project);
  assert.deepEqual(manifest.diagnostics, []);
  const result = evaluate(functionNamed(manifest, 'api'), "load('api/a').default()");
  assert.deepEqual(result, [{ type: 'b', props: { children: 'x' } }, [1]]);
});

test('functions keep their names, and errors map to the source', async (t) => {
  const project = projectOf(t, { 'api/a.ts': 'type A = number;\n\nexport default function named(): A {\n  throw new Error("x");\n}\n' });
  const api = functionNamed(await build(t, project), 'api');
  const map = JSON.parse(readFileSync(path.join(api.artifact, `${api.entry}.map`), 'utf8'));

  assert.equal(evaluate(api, "load('api/a').default.name"), 'named');
  assert.ok(map.sources.includes('api/a.ts'));
  assert.match(readFileSync(path.join(api.artifact, api.entry), 'utf8'), /sourceMappingURL=___mayfly\.cjs\.map\n$/);
});

test('an unchanged function keeps its hash wherever its project lies', async (t) => {
  const files = { 'api/a.ts': 'export default () => __dirname;\n', 'worker.ts': 'export default { fetch: () => new Response() };\n' };
  const [first, second] = [await build(t, projectOf(t, files)), await build(t, projectOf(t, files))];
  const changed = await build(t, projectOf(t, { ...files, 'api/a.ts': 'export default () => 2;\n' }));
  const hashes = (manifest) => manifest.functions.map((fn) => fn.hash);

  assert.deepEqual(hashes(first), hashes(second));
  assert.notEqual(hashes(first)[0], hashes(changed)[0]);
  assert.equal(hashes(first)[1], hashes(changed)[1]);
});

const PACKAGES = {
  'package.json': '{ "type": "module" }',
  'node_modules/tea/package.json': '{ "name": "tea", "type": "module", "exports": "./index.js" }',
  'node_modules/tea/index.js': "globalThis.ran = [...globalThis.ran ?? [], 'tea'];\nexport const leaf = 'oolong';\n",
  'node_modules/boom/package.json': '{ "name": "boom", "type": "module", "exports": "./index.js" }',
  'node_modules/boom/index.js': "throw new Error('BOOM_KEY is not set');\n",
};

test('an ES module that does not link, or whose package throws, fails alone; the others share their modules', async (t) => {
  const project = projectOf(t, {
    ...PACKAGES,
    'lib/count.ts': "import { type Leaf, leaf } from './index';\nlet count = 0;\nexport const next = (): string => `${leaf}${count += 1}`;\n",
    'lib/index.ts': "export * from 'tea';\nexport { Leaf } from './leaf';\nexport { default as data } from './data.json';\n",
    'lib/leaf.ts': 'export interface Leaf { name: string }\n',
    'lib/data.json': '{ "cups": 3 }',
    'api/a.ts': "import { next } from '../lib/count';\nimport { data } from '../lib/index';\nexport default () => next() + data.cups;\n",
    'api/[...b].ts': "import { next } from '../lib/count';\nexport default async () => next() + (await import('../lib/late')).late;\n",
    'lib/late.ts': "import { next } from './count';\nexport const late = next();\n",
    'api/links.ts': "import { nobody } from 'tea';\nimport { next } from '../lib/count';\nexport default () => next() + nobody;\n",
    'api/throws.ts': "import 'boom';\nimport { next } from '../lib/count';\nexport default () => next();\n",
  });
  const api = functionNamed(await build(t, project), 'api');
  const call = (name) => `await load('api/${name}').then((m) => m.default(), (error) => error.message)`;

  assert.deepEqual(evaluate(api, `(async () => [${['links', 'a', 'throws', '[...b]', 'a'].map(call)}])()`), [
    "The requested module 'tea' does not provide an export named 'nobody'", 'oolong13', 'BOOM_KEY is not set', 'oolong2oolong3', 'oolong43',
  ]);
});

test('names that an endpoint passes on from a package are there for other modules of the project', async (t) => {
  const project = projectOf(t, {
    ...PACKAGES,
    'api/passes.js': "export * from 'tea';\nexport default () => 'passes';\n",
    'api/takes.js': "import { leaf } from './passes.js';\nexport default () => leaf;\n",
  });
  const manifest = await build(t, project);
  assert.deepEqual(manifest.diagnostics, []);
  assert.equal(evaluate(functionNamed(manifest, 'api'), "load('api/takes').then((m) => m.default())"), 'oolong');
});

test('ES modules and their packages run in the order of their imports, also those that import each other', async (t) => {
  const says = (name) => `globalThis.ran = [...globalThis.ran ?? [], '${name}'];\n`;
  const project = projectOf(t, {
    ...PACKAGES,
    'lib/env.js': says('env'),
    'lib/db.js': `import 'tea';\nimport './one.js';\n${says('db')}`,
    'lib/one.js': `import { two } from './two.js';\n${says('one')}export const one = () => two;\n`,
    'lib/two.js': `import { one } from './one.js';\n${says('two')}export const two = () => one;\n`,
    'lib/all.js': "export * from './env.js';\nexport * from './db.js';\n",
    'lib/waits.js': `await null;\n${says('waits')}`,
    'api/a.js': "import '../lib/env.js';\nimport '../lib/waits.js';\nimport '../lib/db.js';\nexport default () => globalThis.ran;\n",
    'api/b.js': "import '../lib/db.js';\nimport '../lib/waits.js';\nexport default () => globalThis.ran;\n",
    'api/c.js': "import '../lib/all.js';\nexport default () => globalThis.ran;\n",
  });
  const api = functionNamed(await build(t, project), 'api');
  const inNode = (name) => spawnSync(process.execPath, ['-e', `import(${JSON.stringify(path.join(project, `api/${name}.js`))}).then((m) =>
    console.log(JSON.stringify(m.default())))`], { encoding: 'utf8' }).stdout;

  for (const name of ['a', 'b', 'c']) {
    const order = evaluate(api, `load('api/${name}').then((m) => m.default())`);
    assert.deepEqual(order, JSON.parse(inNode(name)));
    assert.ok(order.length >= 5);
  }
});

test('a package that a file only tries, and nobody names, is not told as missing', async (t) => {
  const project = projectOf(t, {
    'package.json': '{ "dependencies": { "named": "1" } }',
    'api/tried.js': [
      'let colour; try { const found = require("supports-color"); colour = found; } catch { colour = "none"; }',
      'try { require("named"); } catch {}', 'try { require("both"); } catch {}', 'const late = () => require("both");',
      'module.exports = () => [colour, late];', '',
    ].join('\n'),
  });
  const { diagnostics } = await build(t, project);
  assert.deepEqual(diagnostics.map(({ text }) => text).toSorted(), [
    'Package "both" is not installed. Install it with: npm install both', 'Package "named" is not installed. Install it with: npm install',
  ]);
});
