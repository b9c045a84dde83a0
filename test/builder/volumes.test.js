import assert from 'node:assert/strict';
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { build, Builder, functionNamed, projectOf, writeFiles } from './harness.js';

const api = { 'api/a.ts': 'import { readFileSync } from "node:fs";\nexport const GET = () => new Response(readFileSync("data/seed.txt"));\n' };
const worker = { 'worker.ts': 'export default { fetch: () => new Response() };\n' };
const config = (volumes) => ({ 'mayfly.json': JSON.stringify({ volumes }) });

test('every function gets the project\'s volumes, writable, at the same place', async (t) => {
  const project = projectOf(t, { ...api, ...worker, ...config(['data', './var/uploads/']) });
  const manifest = await build(t, project);

  assert.deepEqual(manifest.diagnostics, []);
  for (const name of ['api', 'worker']) {
    const fn = functionNamed(manifest, name);
    assert.deepEqual(fn.mounts, [
      { source: `${project}/data`, target: 'data', writable: true },
      { source: `${project}/var/uploads`, target: 'var/uploads', writable: true },
    ]);
    assert.ok(existsSync(path.join(fn.artifact, 'var/uploads')), 'there is a place to mount it on');
  }
});

test('what lies in a volume is data: not found, not copied', async (t) => {
  const project = projectOf(t, { ...api, ...config(['data']), 'data/seed.txt': 'secret', 'data/wrangler.toml': 'name = "x"\nmain = "w.js"\n' });
  const manifest = await build(t, project);

  assert.deepEqual(manifest.functions.map(({ name }) => name), ['api']);
  assert.ok(!existsSync(path.join(functionNamed(manifest, 'api').artifact, 'data/seed.txt')));
});

test('a volume in the folder of a Lambda function\'s code has its place there', async (t) => {
  const functions = { f: { handler: 'index.handler', runtime: 'nodejs24.x', code: 'lambda' } };
  const project = projectOf(t, {
    'lambda/index.js': 'exports.handler = async () => 1;\n',
    'mayfly.json': JSON.stringify({ volumes: ['lambda/data', 'shared'], functions }),
  });
  const { mounts } = functionNamed(await build(t, project), 'lambda/f');
  assert.deepEqual(mounts.map(({ target }) => target), ['data', 'shared']);
});

test('a wrong volume is told, and left out', async (t) => {
  const wrong = {
    '../data': /inside of the project/, '/etc': /inside of the project/, 'a/../b': /inside of the project/, '': /inside of the project/,
    '.git': /hidden/, 'a/.ssh': /hidden/, 'a\\b': /inside/, 'a\u0000b': /inside/, 'a..b': /inside/, 'a//b': /inside/,
    node_modules: /holds code/, 'x/node_modules/y': /holds code/, api: /holds code/, app: /holds code/, src: /holds code/,
    'file.txt': /is not a folder/, lib: /holds code of api: lib\/db\.ts/,
  };
  const entries = Object.entries(wrong);
  for (let i = 0; i < entries.length; i += 3) {
    const some = entries.slice(i, i + 3);
    const project = projectOf(t, {
      'api/a.ts': 'import "../lib/db";\nexport const GET = () => new Response();\n', 'lib/db.ts': 'export {};\n', 'file.txt': '',
      ...config(['data', ...some.map(([volume]) => volume)]),
    });
    const manifest = await build(t, project);
    assert.deepEqual(functionNamed(manifest, 'api').mounts.map(({ target }) => target), ['data']);
    some.forEach(([volume, text], at) => {
      assert.equal(manifest.diagnostics[at]?.severity, 'error', volume);
      assert.match(manifest.diagnostics[at].text, text, volume);
    });
  }
  for (const volumes of ['data', {}, ['a', 'b', 'c', 'd', 'e'], [7], ['a', 'a'], ['a', 'a/b'], ['a/b', 'a']]) {
    const manifest = await build(t, projectOf(t, { ...api, ...config(volumes) }));
    assert.equal(manifest.diagnostics.length, 1, JSON.stringify(volumes));
    assert.match(manifest.diagnostics[0].text, /volumes/);
  }
});

test('a link is no volume, wherever it leads', async (t) => {
  const project = projectOf(t, { ...api, ...config(['data', 'hooks', 'linked/below']), 'data/x': '', '.git/hooks/x': '', 'lib/below/x': '' });
  symlinkSync('.git/hooks', path.join(project, 'hooks'));
  symlinkSync('lib', path.join(project, 'linked'));
  const manifest = await build(t, project);
  assert.deepEqual(functionNamed(manifest, 'api').mounts.map(({ target }) => target), ['data']);
  assert.deepEqual(manifest.diagnostics.map(({ text }) => text), [
    'mayfly.json: volumes: "hooks" is a link, or lies behind one', 'mayfly.json: volumes: "linked/below" is a link, or lies behind one',
  ]);
});

test('writing to a volume builds nothing, also to one that was there before', async (t) => {
  const project = projectOf(t, { ...api, ...config(['data', 'later']) });
  mkdirSync(path.join(project, 'data'));
  const builder = new Builder(t, project, { watch: true });
  builder.send({ type: 'build' });
  await builder.next();

  writeFiles(project, { 'data/shop.db': '1', 'data/deep/er.txt': '1', 'later/x.txt': '1' });
  writeFileSync(path.join(project, 'data/shop.db'), '2');
  writeFiles(project, { 'api/b.ts': 'export const GET = () => new Response();\n' });
  const next = await builder.next();
  assert.ok(functionNamed(next, 'api').endpoints.some(({ file }) => file === 'api/b.ts'), 'the first message is about the code');
  assert.deepEqual(builder.logs, []);
});
