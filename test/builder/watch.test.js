import assert from 'node:assert/strict';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { watchProject } from '../../builder/watch.js';
import { Builder, functionNamed, projectOf, visit, writeFiles } from './harness.js';

const handler = (n) => `export const GET = () => Response.json(${n});\n`;

async function watched(t, files) {
  const project = projectOf(t, files);
  const builder = new Builder(t, project, { watch: true });
  builder.send({ type: 'build' });
  return { project, builder, first: await builder.next() };
}

test('a save changes one function only', async (t) => {
  const { project, builder, first } = await watched(t, { 'api/a.ts': handler(1), 'worker.ts': 'export default { fetch: () => new Response() };\n' });
  writeFiles(project, { 'api/a.ts': handler(2) });
  const second = await builder.next();

  assert.notEqual(functionNamed(second, 'api').hash, functionNamed(first, 'api').hash);
  assert.equal(functionNamed(second, 'worker').hash, functionNamed(first, 'worker').hash);
});

test('what a build has told is not told again by the next', async (t) => {
  const { project, builder } = await watched(t, {
    'main.tf': 'resource "aws_lambda_function" "f" {\n  function_name = "f"\n  handler = "index.handler"\n  filename = "gone.zip"\n}\n',
    'index.js': 'exports.handler = async () => 1;\n',
  });
  writeFiles(project, { 'index.js': 'exports.handler = async () => 2;\n' });
  await builder.next();

  assert.equal(builder.logs.length, 1);
  assert.match(builder.logs[0].text, /code is taken from index\.js/);
});

test('a file that has been cut and not yet written is waited for, unless it stays empty', async (t) => {
  const project = projectOf(t, { 'a.js': 'one' });
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const seen = [];
  let events = 0;
  const countEvent = () => {
    events += 1;
    return false;
  };
  const watcher = watchProject(project, countEvent, (changes) => seen.push(...changes.map(({ file }) => file)), assert.fail);
  t.after(() => watcher.close());
  /** Does something of which there is an event, then lets time pass. */
  const after = async (change, milliseconds) => {
    const before = events;
    const result = change();
    while (events === before) {
      await turn();
    }
    for (let passed = 0; passed < milliseconds; passed += 5) {
      t.mock.timers.tick(5);
    }
    return result;
  };
  const cut = () => openSync(path.join(project, 'a.js'), 'w');

  const fd = await after(cut, 300);
  assert.deepEqual(seen, []);
  await after(() => writeSync(fd, 'two'), 5);
  assert.deepEqual(seen, ['a.js']);
  closeSync(fd);

  closeSync(await after(cut, 1000));
  assert.deepEqual(seen, ['a.js', 'a.js']);
});

test('an editor that writes beside and renames, a new folder, a deleted file', async (t) => {
  const { project, builder, first } = await watched(t, { 'api/a.ts': handler(1) });
  writeFileSync(path.join(project, 'api/.a.ts.swp'), handler(2));
  renameSync(path.join(project, 'api/.a.ts.swp'), path.join(project, 'api/a.ts'));
  const renamed = await builder.next();
  assert.notEqual(functionNamed(renamed, 'api').hash, functionNamed(first, 'api').hash);

  const staging = `${project}-staging`;
  t.after(() => rmSync(staging, { recursive: true, force: true }));
  mkdirSync(staging);
  writeFiles(staging, { 'deep/b.ts': handler(3) });
  renameSync(staging, path.join(project, 'api/new'));
  assert.equal(visit(await builder.next(), 'GET', '/api/new/deep/b').file, 'api/new/deep/b.ts');

  writeFiles(project, { 'api/new/deep/b.ts': handler(4) });
  await builder.next();
  rmSync(path.join(project, 'api/new'), { recursive: true });
  let gone;
  do {
    gone = await builder.next();
  } while (visit(gone, 'GET', '/api/new/deep/b').file);
  assert.equal(visit(gone, 'GET', '/api/a').file, 'api/a.ts');
});

test('a syntax error is refused, its correction is taken, and a broken new file does not hold up the rest', async (t) => {
  const { project, builder } = await watched(t, { 'api/a.ts': handler(1), 'api/b.ts': handler(1) });
  writeFiles(project, { 'api/a.ts': 'export const GET = (\n' });
  const failed = await builder.next();
  assert.equal(failed.type, 'failed');
  assert.equal(failed.diagnostics[0].file, 'api/a.ts');
  assert.match(failed.diagnostics[0].frame, /\^/);

  writeFiles(project, { 'api/a.ts': handler(1) });
  assert.equal((await builder.next()).type, 'manifest');

  writeFiles(project, { 'api/c.ts': 'export const GET = (\n' });
  let manifest = await builder.next();
  while (manifest.type === 'manifest' && !visit(manifest, 'GET', '/api/c').settings?.broken) {
    manifest = await builder.next();
  }
  assert.equal(visit(manifest, 'GET', '/api/c').settings.broken.file, 'api/c.ts');
  assert.equal(visit(manifest, 'GET', '/api/b').settings.broken, undefined);
});

test('configuration and environment files are watched too', async (t) => {
  const { project, builder, first } = await watched(t, { 'api/a.ts': handler(1), '.env': 'A=1\n', 'vercel.json': '{}' });
  writeFiles(project, { '.env': 'A=2\n' });
  const second = await builder.next();
  assert.equal(functionNamed(second, 'api').env.A, '2');
  assert.equal(functionNamed(second, 'api').artifact, functionNamed(first, 'api').artifact);

  writeFiles(project, { 'vercel.json': '{ "redirects": [{ "source": "/x", "destination": "/y" }] }' });
  let third;
  do {
    third = await builder.next();
  } while (third.routes.length === second.routes.length);
  assert.equal(visit(third, 'GET', '/x').location, '/y');
});

test('a file that is read, not imported, is copied anew', async (t) => {
  const { project, builder, first } = await watched(t, {
    'api/a.ts': "import { readFileSync } from 'node:fs';\nexport const GET = () => Response.json(readFileSync(process.cwd() + '/data.txt', 'utf8'));\n",
    'data.txt': 'one',
  });
  writeFiles(project, { 'data.txt': 'three' });
  const second = await builder.next();
  assert.notEqual(functionNamed(second, 'api').artifact, functionNamed(first, 'api').artifact);
});

test('artifacts that no build of the last two used are removed', async (t) => {
  const { project, builder, first } = await watched(t, { 'api/a.ts': handler(0) });
  const folders = [functionNamed(first, 'api').artifact];
  for (let i = 1; i <= 3; i += 1) {
    writeFiles(project, { 'api/a.ts': handler(i) });
    let manifest;
    do {
      manifest = await builder.next();
    } while (folders.includes(functionNamed(manifest, 'api').artifact));
    folders.push(functionNamed(manifest, 'api').artifact);
  }
  assert.deepEqual(folders.map((folder) => existsSync(folder)), [false, false, true, true]);
  assert.deepEqual(readdirSync(builder.out).filter((name) => name.includes('.new-')), []);
});

test('it ends when control is gone', async (t) => {
  const { builder } = await watched(t, { 'api/a.ts': handler(1) });
  builder.socket.destroy();
  assert.equal(await builder.exited, 0);
});

/* It waits for changes all day. */
test("Terraform's parser takes memory only where there is Terraform", async (t) => {
  const residentBytes = ({ builder }) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${builder.child.pid}/status`, 'latin1'))[1]) * 1024;
  const plain = await watched(t, { 'api/a.ts': handler(1) });
  const terraform = await watched(t, { 'api/a.ts': handler(1), 'main.tf': 'locals {\n  a = 1\n}\n' });
  assert.equal(terraform.first.type, 'manifest');
  assert.ok(residentBytes(terraform) - residentBytes(plain) > 10 * 2 ** 20, `${residentBytes(plain)} and ${residentBytes(terraform)} bytes`);
});

/* Else each file that an `npm install` writes would have all of them printed again. */
test('what is wrong with many functions is told in one order, so that a build of which nothing comes is none', async (t) => {
  const names = Array.from({ length: 16 }, (_, i) => `f${i}`);
  const { project, builder, first } = await watched(t, {
    'mayfly.json': JSON.stringify({ functions: Object.fromEntries(names.map((name) => [name, { handler: `${name}.handler` }])) }),
    ...Object.fromEntries(names.map((name) => [`${name}.js`, `import '${name}-is-not-installed';\nexport const handler = () => 1;\n`])),
  });
  const missing = ({ diagnostics }) => diagnostics.map(({ text }) => /"(f\d+)-is-not-installed"/.exec(text)[1]);
  assert.deepEqual(missing(first), names);
  for (const name of names.slice(0, 4)) {
    writeFiles(project, { [`${name}.js`]: 'export const handler = () => 1;\n' });
    assert.deepEqual(missing(await builder.next()), names.slice(names.indexOf(name) + 1));
  }
});

test('a warning is news once; when it comes back it is again', async (t) => {
  const next = JSON.stringify({ dependencies: { next: '15' } });
  const route = 'app/x/route.js';
  const { project, builder, first } = await watched(t, { 'package.json': next, 'app/page.js': '', [route]: handler(1) });
  const told = ({ diagnostics }) => diagnostics.map((diagnostic) => diagnostic.told);
  assert.deepEqual(told(first), [undefined]);
  writeFiles(project, { [route]: handler(2) });
  assert.deepEqual(told(await builder.next()), [true]);
  rmSync(path.join(project, 'app/page.js'));
  assert.deepEqual(told(await builder.next()), []);
  writeFiles(project, { 'app/page.js': '// again\n' });
  assert.deepEqual(told(await builder.next()), [undefined]);
});
