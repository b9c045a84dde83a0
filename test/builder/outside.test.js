/* A bundle is made of what is in the project, in the repository around it, or in packages: of no other file of the machine. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { build, evaluate, functionNamed, projectOf, visit, writeFiles } from './harness.js';

const SECRET = 'of nobody else';
const besideOf = (project, files) => writeFiles(path.dirname(project), files);
const bundled = (manifest) => manifest.functions.flatMap(({ artifact }) =>
  readdirSync(artifact, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    .map((entry) => readFileSync(path.join(entry.parentPath, entry.name), 'utf8'))).join('\n');

test('a file outside of the project is not bundled, and the route that imports it is told what to do', async (t) => {
  const project = projectOf(t, {
    'api/good.js': 'export const GET = () => new Response("good");\n',
    'api/data.js': "import data from '../../elsewhere/data.json' with { type: 'json' };\nexport const GET = () => Response.json(data);\n",
    'api/code.js': "import { key } from '../../elsewhere/code.js';\nexport const GET = () => new Response(key);\n",
    'api/link.js': "import data from '../lib/link.json' with { type: 'json' };\nexport const GET = () => Response.json(data);\n",
  });
  besideOf(project, { 'elsewhere/data.json': JSON.stringify({ SECRET }), 'elsewhere/code.js': `export const key = '${SECRET}';\n` });
  mkdirSync(path.join(project, 'lib'));
  symlinkSync('../../elsewhere/data.json', path.join(project, 'lib/link.json'));
  const manifest = await build(t, project);
  const told = manifest.diagnostics.filter(({ severity }) => severity === 'error').map(({ text }) => text);
  const why = (file) => `imports "${file}", which is outside of the project: serve a folder that has both, ${path.dirname(project)}`;

  assert.doesNotMatch(bundled(manifest), new RegExp(SECRET));
  assert.deepEqual(told.sort(), [
    `api/code.js ${why('../../elsewhere/code.js')}`, `api/data.js ${why('../../elsewhere/data.json')}`, `api/link.js ${why('../lib/link.json')}`,
  ]);
  assert.equal(visit(manifest, 'GET', '/api/good').function, 'api');
  assert.equal(evaluate(functionNamed(manifest, 'api'), "typeof load('api/good').GET"), 'function');
});

test('a Worker brings no text of the machine along', async (t) => {
  const project = projectOf(t, {
    'wrangler.json': JSON.stringify({ name: 'reader', main: 'index.js', rules: [{ type: 'Text', globs: ['**/*.txt'], fallthrough: true }] }),
    'index.js': "import text from '../etc/shadow.txt';\nexport default { fetch: () => new Response(text) };\n",
  });
  besideOf(project, { 'etc/shadow.txt': SECRET });
  const manifest = await build(t, project);

  assert.doesNotMatch(bundled(manifest), new RegExp(SECRET));
  assert.match(manifest.diagnostics[0].text, /^index\.js imports "\.\.\/etc\/shadow\.txt", which is outside of the project/);
});

test('what an edge function fetches beside its source is of the project, too', async (t) => {
  const project = projectOf(t, {
    'api/edge.js': `export const config = { runtime: 'edge' };
      export const GET = async () => new Response(await (await fetch(new URL('../../elsewhere/note.txt', import.meta.url))).text());\n`,
  });
  besideOf(project, { 'elsewhere/note.txt': SECRET });

  assert.doesNotMatch(bundled(await build(t, project)), new RegExp(Buffer.from(SECRET).toString('base64').slice(0, 12)));
});

test('sources of the repository around the project are bundled with it', async (t) => {
  const project = projectOf(t, {
    'api/shared.js': "import { name } from '../../shared/name.js';\nexport const GET = () => name;\n",
  });
  besideOf(project, { 'shared/name.js': "export const name = 'shared';\n" });
  execFileSync('git', ['init', '-q', path.dirname(project)]);
  const manifest = await build(t, project);

  assert.deepEqual(manifest.diagnostics, []);
  assert.equal(evaluate(functionNamed(manifest, 'api'), "load('api/shared').GET()"), 'shared');
});

test('so are those of the workspace around it, and of packages that are linked', async (t) => {
  const project = projectOf(t, {
    'package.json': '{}',
    'api/shared.js': "import { name } from '../../shared/name.js';\nexport const GET = () => name;\n",
    'index.js': "import { linked } from 'linked';\nexport default { fetch: () => new Response(linked) };\n",
    'wrangler.json': JSON.stringify({ name: 'linking', main: 'index.js' }),
  });
  besideOf(project, {
    'package.json': JSON.stringify({ workspaces: ['project'] }),
    'shared/name.js': "export const name = 'shared';\n",
  });
  const folder = projectOf(t, { 'package.json': JSON.stringify({ name: 'linked', type: 'module', main: 'index.js' }), 'index.js': "export const linked = 'from elsewhere';\n" });
  mkdirSync(path.join(project, 'node_modules'));
  symlinkSync(folder, path.join(project, 'node_modules/linked'));
  const manifest = await build(t, project);

  assert.deepEqual(manifest.diagnostics, []);
  assert.equal(evaluate(functionNamed(manifest, 'api'), "load('api/shared').GET()"), 'shared');
  assert.match(bundled(manifest), /from elsewhere/);
});
