/* Packages are found wherever npm, pnpm and links put them: what a handler loads is what plain Node.js loads. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { ROOT, startPlatform } from './harness.js';

const ADDON = `#include <node_api.h>
  NAPI_MODULE_INIT() { napi_value text; napi_create_string_utf8(env, "native", NAPI_AUTO_LENGTH, &text); return text; }`;

/* What a compiler makes of V8's own interface: it is for one version of Node.js, here for number 115, which is 20. */
const ADDON_OF_NODE_20 = `extern void node_module_register(void *module);
  static struct { int version; unsigned flags; void *handle; const char *file; void *start, *start_in; const char *name; void *rest[2]; }
      module = { 115, 0, 0, "addon.c", 0, 0, "addon", { 0, 0 } };
  __attribute__((constructor)) static void begin(void) { node_module_register(&module); }`;

let addon;
let folder;
before(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'mayfly-e2e-packages-'));
  chmodSync(folder, 0o755);
  addon = compile('addon', ADDON);
});
after(() => rmSync(folder, { recursive: true, force: true }));

function compile(name, source) {
  const file = path.join(folder, `${name}.node`);
  writeFileSync(path.join(folder, `${name}.c`), source);
  execFileSync('cc', ['-shared', '-fPIC', `-I${ROOT}/node_modules/node-api-headers/include`, '-o', file, path.join(folder, `${name}.c`)]);
  return file;
}

/** A package whose native module is looked for where the package lies, as sharp's, and what it is made of. */
const NATIVE = {
  'package.json': '{ "name": "native", "main": "index.js" }',
  'index.js': "module.exports = require(require('node:path').join(__dirname, 'build', 'addon' + '.node'));",
  'build/addon.node': (file) => copyFileSync(addon, file),
};

/** Texts, folders, and functions that make what they are given the name of. */
function lay(root, files) {
  for (const [name, entry] of Object.entries(files)) {
    const file = path.join(root, name);
    mkdirSync(path.dirname(file), { recursive: true });
    if (typeof entry === 'string') {
      writeFileSync(file, entry);
    } else if (typeof entry === 'function') {
      entry(file);
    } else {
      lay(file, entry);
    }
  }
}

const link = (to) => (file) => symlinkSync(to, file);
const packageOf = (name, source) => ({ 'package.json': JSON.stringify({ name, main: 'index.js' }), 'index.js': source });
const READS = "require('node:fs').readFileSync(require('node:path').join(__dirname, 'data.txt'), 'utf8')";

/** Where things lie, and what of it the project loads. */
const LAYOUTS = {
  'node_modules is a link to a folder elsewhere': {
    files: {
      'app/node_modules': link('../elsewhere/node_modules'),
      'elsewhere/node_modules/native': NATIVE,
      'elsewhere/node_modules/outer': packageOf('outer', "module.exports = ['outer', require('native')];"),
    },
    loads: ['native', 'outer'],
  },
  'the packages of a pnpm monorepo lie in a store at its root': {
    files: {
      'apps/app/node_modules/native': link('../../../node_modules/.pnpm/native@1/node_modules/native'),
      'apps/app/node_modules/outer': link('../../../node_modules/.pnpm/outer@1/node_modules/outer'),
      'apps/app/node_modules/shared': link('../../../packages/shared'),
      'packages/shared': packageOf('shared', "module.exports = ['shared', require('native')];"),
      'packages/shared/node_modules/native': link('../../../node_modules/.pnpm/native@1/node_modules/native'),
      'node_modules/.pnpm/native@1/node_modules/native': NATIVE,
      'node_modules/.pnpm/outer@1/node_modules/outer': packageOf('outer', "module.exports = ['outer', require('inner')];"),
      'node_modules/.pnpm/outer@1/node_modules/inner': link('../../inner@1/node_modules/inner'),
      'node_modules/.pnpm/inner@1/node_modules/inner': packageOf('inner', "module.exports = 'inner';"),
    },
    app: 'apps/app',
    loads: ['native', 'outer', 'shared'],
  },
  'a workspace has packages of its own beside those at the root': {
    files: {
      'apps/app/node_modules/twice': packageOf('twice', "module.exports = ['own', require('inner')];"),
      'node_modules/twice': packageOf('twice', "module.exports = 'hoisted';"),
      'node_modules/inner': packageOf('inner', "module.exports = ['inner', require('twice')];"),
      'node_modules/native': NATIVE,
      'node_modules/@acme/shared': link('../../packages/shared'),
      'node_modules/app': link('../apps/app'),
      'packages/shared': packageOf('@acme/shared', "module.exports = [require('twice'), require('late')];"),
      'packages/shared/node_modules/late': packageOf('late', `module.exports = ${READS};`),
      'packages/shared/node_modules/late/data.txt': 'late data',
    },
    app: 'apps/app',
    loads: ['twice', 'inner', 'native', '@acme/shared'],
  },
  'a package with a native module is linked from elsewhere': {
    files: {
      'app/node_modules/native': link('../../elsewhere/native'),
      'app/node_modules/plain': packageOf('plain', "module.exports = 'plain';"),
      'elsewhere/native': {
        ...NATIVE,
        'index.js': "module.exports = [require(require('node:path').join(__dirname, 'build', 'addon' + '.node')), require('helper')];",
      },
      'elsewhere/native/node_modules/helper': packageOf('helper', "module.exports = 'helper';"),
    },
    loads: ['native', 'plain'],
  },
};

const use = (loads) => `[${loads.map((name) => `require('${name}')`).join(', ')}]`;
const PROJECTS = {
  'a plain server': (loads) => ({
    'package.json': '{ "main": "server.js" }',
    'server.js': `require('node:http').createServer((req, res) => res.end(JSON.stringify(${use(loads)}))).listen(process.env.PORT);`,
  }),
  'a Vercel function': (loads) => ({ 'api/load.js': `module.exports = (req, res) => res.json(${use(loads)});` }),
  'an ES module': (loads) => ({
    'api/load.mjs': `${loads.map((name, i) => `import p${i} from '${name}';`).join('\n')}
      export const GET = () => Response.json([${loads.map((_, i) => `p${i}`)}]);`,
  }),
};

for (const [title, { files, app = 'app', loads }] of Object.entries(LAYOUTS)) {
  for (const [kind, filesOf] of Object.entries(PROJECTS)) {
    test(`${kind}: ${title}`, async (t) => {
      const root = mkdtempSync(path.join(folder, 'layout-'));
      chmodSync(root, 0o755);
      lay(root, files);
      const project = path.join(root, app);
      lay(project, filesOf(loads));
      const expected = execFileSync(process.execPath, ['-p', `JSON.stringify(${use(loads)})`], { cwd: project, encoding: 'utf8' });

      const platform = await startPlatform(t, { project });
      const answer = await platform.get('/api/load');
      assert.equal(answer.status, 200, platform.transcript());
      assert.deepEqual(answer.json, JSON.parse(expected));
    });
  }
}

test('a native module that another Node.js installed says how it is compiled for this one, however often it is asked for', async (t) => {
  const root = mkdtempSync(path.join(folder, 'old-'));
  chmodSync(root, 0o755);
  const old = compile('old', ADDON_OF_NODE_20);
  lay(root, {
    'api/load.js': `exports.GET = () => {
      try { require('@acme/native'); } catch (error) { return Response.json([error.code, error.message]); } };`,
    'node_modules/@acme/native': { ...NATIVE, 'build/addon.node': (file) => copyFileSync(old, file) },
  });
  const platform = await startPlatform(t, { project: root });
  const [major] = process.versions.node.split('.');
  for (let i = 0; i < 2; i++) {
    const [code, text] = (await platform.get('/api/load')).json;
    assert.equal(code, 'ERR_DLOPEN_FAILED');
    assert.equal(text, `@acme/native was compiled for another version of Node.js than Mayfly's, ${major}. `
      + `Compile it for this one: npx -p node@${major} npm rebuild @acme/native`);
  }
});

test('a package loads that takes, while it loads, what Node.js has no more: buffer-equal-constant-time, and by it jsonwebtoken', async (t) => {
  const root = mkdtempSync(path.join(folder, 'former-'));
  chmodSync(root, 0o755);
  lay(root, {
    'api/load.js': "exports.GET = () => Response.json(require('equal')(Buffer.from('a'), Buffer.from('a')));",
    'node_modules/equal': packageOf('equal', `const { Buffer, SlowBuffer } = require('buffer');
      const before = SlowBuffer.prototype.equal;
      module.exports = (a, b) => before === undefined && a.equals(b);`),
  });
  const platform = await startPlatform(t, { project: root });
  const answer = await platform.get('/api/load');
  assert.equal(answer.status, 200, platform.transcript());
  assert.equal(answer.json, true);
});

test('a route handler imports packages with top-level await, and such as import them, as in Next.js; nothing is loaded twice', async (t) => {
  const root = mkdtempSync(path.join(folder, 'awaited-'));
  chmodSync(root, 0o755);
  const esModule = (name, source) => ({ 'package.json': JSON.stringify({ name, type: 'module', exports: './index.js' }), 'index.js': source });
  lay(root, {
    'package.json': '{ "type": "module", "dependencies": { "next": "15" } }',
    'app/a/route.ts': `import { loads } from '../../lib/loads';
      import editor, { count } from 'editor';
      import { waited } from 'waits';
      export const GET = () => Response.json([editor, count, waited, loads()]);`,
    'app/b/route.ts': `import { loads } from '../../lib/loads';
      import * as all from 'editor';
      export const GET = () => Response.json([all.default, loads()]);`,
    'app/c/route.ts': `export const GET = async () => {
        const [{ late }, again] = await Promise.all([import('../../lib/late'), import('../../lib/late')]);
        return Response.json([late, again.late, globalThis.lates]);
      };`,
    'lib/late.ts': "import { slow } from 'slow';\nglobalThis.lates = (globalThis.lates ?? 0) + 1;\nexport const late = slow;",
    'node_modules/slow': esModule('slow', "export const slow = await new Promise((done) => setTimeout(done, 20, 'slow'));"),
    'lib/loads.ts': `import editor from 'editor';
      globalThis.loaded = (globalThis.loaded ?? 0) + 1;
      const mine = {};
      const [e, fn, err, again] = ['names', 'of', 'the', 'bundle'];
      globalThis.names = () => [e, fn, err, again];
      globalThis.same ??= mine;
      export const loads = () => [editor, globalThis.loaded, globalThis.same === mine];`,
    'node_modules/editor': esModule('editor', "import { waited } from 'waits';\nexport default 'editor';\nexport const count = waited + 1;"),
    'node_modules/waits': esModule('waits', 'globalThis.waits = (globalThis.waits ?? 0) + 1;\nexport const waited = await Promise.resolve(globalThis.waits);'),
  });
  const platform = await startPlatform(t, { project: root });
  const answers = [await platform.get('/a'), await platform.get('/b'), await platform.get('/c')];
  assert.deepEqual(answers.map(({ status }) => status), [200, 200, 200], platform.transcript());
  assert.deepEqual(answers.map(({ json }) => json), [['editor', 2, 1, ['editor', 1, true]], ['editor', ['editor', 1, true]], ['slow', 'slow', 1]]);
});

test('a package that is bundled, as those for Next.js are, knows where it lies and reads what lies beside it', async (t) => {
  const root = mkdtempSync(path.join(folder, 'places-'));
  chmodSync(root, 0o755);
  lay(root, {
    'package.json': '{ "dependencies": { "next": "15" } }',
    'app/a/route.ts': "import { read } from 'cms';\nimport old from 'cms/old';\nexport const GET = () => Response.json([read(), old()]);",
    'node_modules/cms/package.json': '{ "name": "cms", "type": "module", "exports": { ".": "./index.js", "./old": "./old.cjs" }, "peerDependencies": { "next": "15" } }',
    'node_modules/cms/index.js': `import { readFileSync } from 'node:fs';
      import { fileURLToPath } from 'node:url';
      import { headers } from 'next/headers';
      const file = fileURLToPath(new URL('data.txt', import.meta.url));
      export const read = () => [readFileSync(file, 'utf8'), typeof headers];`,
    'node_modules/cms/old.cjs': `const { headers } = require('next/headers');\nmodule.exports = () => [${READS}, typeof headers];`,
    'node_modules/cms/data.txt': 'beside',
  });
  const platform = await startPlatform(t, { project: root });
  const answer = await platform.get('/a');
  assert.equal(answer.status, 200, platform.transcript());
  assert.deepEqual(answer.json, [['beside', 'function'], ['beside', 'function']]);
});
