'use strict';
/* Stack traces: places of the source, none of the platform's frames. */

const test = require('node:test');
const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const { SourceMap } = require('node:module');
const os = require('node:os');
const path = require('node:path');
const esbuild = require('esbuild');
const { findSegment, placeImport } = require('../../runtime/js/stacks');

const RUNTIME = path.join(__dirname, '../../runtime/js');

function temporaryFolder(t) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mayfly-stacks-'));
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test('a place is found as Node.js finds it, everywhere in a map', () => {
  const { outputFiles: [{ text: map }, { text: code }] } = esbuild.buildSync({
    entryPoints: [path.join(RUNTIME, 'exchange.js')], bundle: true, minify: true, platform: 'node', write: false,
    outfile: '/x/bundle.js', sourcemap: 'external', banner: { js: '// banner\n' },
  });
  const payload = JSON.parse(map);
  const reference = new SourceMap(payload);
  let mapped = 0;
  code.split('\n').forEach((text, line) => {
    for (let column = 0; column <= text.length; column += 7) {
      const entry = reference.findEntry(line, column);
      const found = findSegment(payload.mappings, line, column);
      if (entry.generatedLine !== line || entry.originalLine === undefined) {
        assert.equal(found, null, `${line}:${column}`);
        continue;
      }
      mapped += 1;
      assert.deepEqual(found, { source: payload.sources.indexOf(entry.originalSource), line: entry.originalLine, column: entry.originalColumn },
        `${line}:${column}`);
    }
  });
  assert.ok(mapped > 500, `${mapped} places`);
});

test('nonsense is no place', () => {
  for (const mappings of ['', ';;;', 'A', 'A,,,', 'AAAA', '~~~~', 'gggggggggggggggg', 'AAAAAAAAAA', 'ÄÖÜ', ';AAAA']) {
    for (const [line, column] of [[0, 0], [0, 1e9], [1, 0], [1e6, 5], [-1, -1]]) findSegment(mappings, line, column);
  }
  assert.equal(findSegment(';;', 0, 0), null);
  assert.equal(findSegment('A', 0, 5), null);
});

/* Runs code with the runtime's stacks in a process of its own, which prints what it exports. */
function run(t, source, { file = '___mayfly.cjs', before = '' } = {}) {
  const folder = temporaryFolder(t);
  fs.writeFileSync(path.join(folder, 'source.ts'), source);
  const built = esbuild.buildSync({
    entryPoints: [path.join(folder, 'source.ts')], outfile: path.join(folder, file), sourcemap: true, platform: 'node',
    format: file.endsWith('.mjs') ? 'esm' : 'cjs', sourcesContent: false, banner: { js: '// a line more\n' },
  });
  assert.equal(built.errors.length, 0);
  fs.writeFileSync(path.join(folder, 'main.cjs'), `
    require(${JSON.stringify(path.join(RUNTIME, 'stacks.js'))}).install();
    ${before}
    Promise.resolve(import(${JSON.stringify(path.join(folder, file))})).then((it) => (it.default?.run ?? it.run)()).then(
      (value) => console.log(JSON.stringify(value)));`);
  const text = execFileSync(process.execPath, [path.join(folder, 'main.cjs')], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  return JSON.parse(text, (key, value) => (typeof value === 'string' ? value.replaceAll(fs.realpathSync(folder), '') : value));
}

const THROWING = `interface Cup { tea: string }

function fill(cup: Cup | null): string {
  return cup!.tea;
}

export async function run() {
  await null;
  try {
    fill(null);
  } catch (error) {
    return (error as Error).stack!.split('\\n');
  }
}
`;

for (const file of ['___mayfly.cjs', '___mayfly.mjs', '___mayfly_esm.mjs']) {
  test(`frames of ${file} are places in the source`, (t) => {
    const [head, first, second] = run(t, THROWING, { file });
    assert.match(head, /^TypeError: Cannot read properties of null/);
    assert.equal(first, '    at fill (/source.ts:4:15)');
    assert.match(second, /^    at (async )?(Module|Object)?\.?run \(\/source\.ts:10:5\)$/);
  });
}

test('other files keep their places, also with a map beside them', (t) => {
  const [, first] = run(t, THROWING, { file: 'bundle.cjs' });
  assert.match(first, /fill \(\/bundle\.cjs:\d+:\d+\)/);
});

test('a package that sets Error.prepareStackTrace gets call sites, and what it restores works', (t) => {
  const [name, stack] = run(t, `
    export function run() {
      const before = Error.prepareStackTrace;
      Error.prepareStackTrace = (_, sites) => sites;
      const sites = new Error().stack as unknown as NodeJS.CallSite[];
      Error.prepareStackTrace = before;
      return [sites[0].getFileName(), new Error('x').stack];
    }`);
  assert.match(name, /___mayfly\.cjs$/);
  assert.match(stack, /^Error: x\n    at run \(\/source\.ts:7:39\)\n/);
});

test('strange errors have the stacks that Node.js gives them', (t) => {
  const source = `
    export function run() {
      const plain: { stack?: string } = { name: 'Odd', message: 'one' } as never;
      Error.captureStackTrace(plain);
      const nameless = Object.create(Error.prototype, { name: { get() { throw new Error('no'); } } });
      let stack = '';
      try { Error.captureStackTrace(nameless); stack = String(nameless.stack); } catch (error) { stack = 'threw'; }
      let deep = 0;
      const recurse = (): number => recurse() + 1;
      try { recurse(); } catch (error) { deep = (error as Error).stack!.split('\\n').length; }
      Error.stackTraceLimit = 0;
      const none = new Error('none').stack;
      return [plain.stack!.split('\\n')[0], typeof stack, deep, none];
    }`;
  assert.deepEqual(run(t, source), ['Odd: one', 'string', 11, 'Error: none']);
});

test('how the bundler calls a module is no frame of it', (t) => {
  const folder = temporaryFolder(t);
  fs.writeFileSync(path.join(folder, 'tea.cjs'), 'exports.at = new Error("x").stack;');
  esbuild.buildSync({
    stdin: { contents: "export const run = () => require('./tea.cjs').at;", resolveDir: folder, sourcefile: 'entry.js' },
    outfile: path.join(folder, '___mayfly.cjs'), bundle: true, sourcemap: true, platform: 'node', format: 'cjs',
  });
  const map = JSON.parse(fs.readFileSync(path.join(folder, '___mayfly.cjs.map'), 'utf8'));
  map.sources = map.sources.map((source) => (source === 'entry.js' ? 'mayfly:mayfly:entry' : source));
  fs.writeFileSync(path.join(folder, '___mayfly.cjs.map'), JSON.stringify(map));
  const text = execFileSync(process.execPath, ['-e', `
    require(${JSON.stringify(path.join(RUNTIME, 'stacks.js'))}).install();
    const { run } = require(${JSON.stringify(path.join(folder, '___mayfly.cjs'))});
    Error.stackTraceLimit = 3;
    console.log(run());`], { encoding: 'utf8' });
  assert.match(text, /^Error: x\n    at .*\/tea\.cjs:1:14\)?\n$/);
});

test('frames of the platform at the end of a stack are left out, those in between are named', (t) => {
  const before = `
    const { AsyncLocalStorage } = require('node:async_hooks');
    globalThis.call = (fn) => new AsyncLocalStorage().run(1, fn);
    globalThis.shim = require(${JSON.stringify(path.join(RUNTIME, 'shims/next/navigation.js'))});`;
  const stacks = run(t, `
    declare const call: (fn: () => unknown) => unknown, shim: { redirect(url: string): never };
    export function run() {
      const outer = call(function inner() { return new Error().stack!; }) as string;
      let thrown = '';
      try { shim.redirect('/x'); } catch (error) { thrown = (error as Error).stack!; }
      return [outer.split('\\n').slice(1), thrown.split('\\n').slice(1)];
    }`, { before });
  assert.match(stacks[0][0], /inner \(\/source\.ts:4/);
  assert.ok(stacks[0].some((line) => line.includes('node:internal')), 'what lies between own frames stays');
  assert.match(stacks[1][0], /\(mayfly:shims\/next\/navigation\.js:\d+:\d+\)$/);
  assert.match(stacks[1].join('\n'), /run \(\/source\.ts:6/);
  assert.match(stacks[0].at(-1), /main\.cjs/, 'the outermost frame that is none of the platform\'s');
});

test('an import that does not link has its place in the source, not in the bundle', async (t) => {
  const folder = temporaryFolder(t);
  fs.writeFileSync(path.join(folder, 'cups.mjs'), 'export const cup = 1;\n');
  fs.writeFileSync(path.join(folder, 'route.ts'), "\n\nimport { saucer } from './cups.mjs';\nexport const all = [saucer];\n");
  const file = path.join(folder, '___mayfly.mjs');
  esbuild.buildSync({
    entryPoints: [path.join(folder, 'route.ts')], outfile: file, sourcemap: true, platform: 'node', format: 'esm', bundle: true,
    external: ['./cups.mjs'], sourcesContent: false, banner: { js: '// a line more\n' },
  });
  const error = await import(file).catch((thrown) => thrown);
  placeImport(error);
  assert.match(error.stack, new RegExp(`^${path.join(folder, 'route.ts')}:3\nimport \\{ saucer \\}`));
  assert.match(error.stack, /\n *\^+\nSyntaxError: .* does not provide an export named 'saucer'/);
});

test('what is no import that did not link keeps its stack', () => {
  for (const error of [null, undefined, 'file:///a:1\n', new Error('no'), new SyntaxError('file:///x/y.mjs:1'), Object.assign(new SyntaxError('x'), { stack: 5 })]) {
    const before = error?.stack;
    placeImport(error);
    assert.equal(error?.stack, before);
  }
});
