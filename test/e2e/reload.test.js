/* Saving a file: what changes, what stays, and what a mistake looks like. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { once } from 'node:events';
import path from 'node:path';
import test from 'node:test';
import { eventually, startPlatform } from './harness.js';

const say = (text) => `export function GET() { return new Response(${JSON.stringify(text)}); }\n`;

test('saving a file serves the new code, under a new version', async (t) => {
  const platform = await startPlatform(t, { files: { 'api/hello.js': say('one') } });
  assert.equal((await platform.get('/api/hello')).text, 'one');
  const build = await platform.save('api/hello.js', say('two'));
  assert.equal(build.type, 'build');
  assert.equal((await platform.get('/api/hello')).text, 'two');
  assert.equal((await platform.usage((one) => one.version === 2)).path, '/api/hello');
});

test('saving what is imported reloads what imports it', async (t) => {
  const platform = await startPlatform(t, {
    files: {
      'lib/word.ts': 'export const word: string = "one";\n',
      'api/hello.ts': 'import { word } from "../lib/word";\nexport const GET = () => new Response(word);\n',
    },
  });
  assert.equal((await platform.get('/api/hello')).text, 'one');
  await platform.save('lib/word.ts', 'export const word: string = "two";\n');
  assert.equal((await platform.get('/api/hello')).text, 'two');
});

test('a function that did not change keeps its instances and their memory', async (t) => {
  const counter = 'let n = 0;\nexport default { fetch() { return new Response(String(++n)); } };\n';
  const platform = await startPlatform(t, {
    files: {
      'api/hello.js': say('one'),
      'wrangler.jsonc': '{ "name": "counter", "main": "counter.js", "routes": ["counter.localhost/*"] }',
      'counter.js': counter,
    },
  });
  const options = { host: 'counter.localhost' };
  assert.equal((await platform.get('/', options)).text, '1');
  const before = (await platform.get('/', options)).instance;
  await platform.save('api/hello.js', say('two'));
  assert.equal((await platform.get('/api/hello')).text, 'two');
  const after = await platform.get('/', options);
  assert.equal(after.text, '3');
  assert.equal(after.instance, before);
});

test('a request in flight finishes on the version it began on, and new ones get the new', async (t) => {
  const slow = (text) => `
    export function GET(request) {
      if (new URL(request.url).searchParams.has('now')) return new Response(${JSON.stringify(text)});
      console.log('begun');
      return new Promise((done) => setTimeout(() => done(new Response(${JSON.stringify(text)})), 1500));
    }\n`;
  const platform = await startPlatform(t, { files: { 'api/slow.js': slow('one') } });
  const begun = platform.get('/api/slow');
  await platform.log('begun');
  await platform.save('api/slow.js', slow('two'));
  assert.equal((await platform.get('/api/slow?now')).text, 'two');
  const answer = await begun;
  assert.equal(answer.status, 200);
  assert.equal(answer.text, 'one');
  await platform.usage((one) => one.version === 1 && one.outcome === 'ok');
});

test('no request fails while files are saved under load', async (t) => {
  const platform = await startPlatform(t, { files: { 'api/hello.js': say('0') } });
  let stop = false;
  const statuses = new Map();
  const load = async () => {
    while (!stop) {
      const { status } = await platform.get('/api/hello');
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  const loads = [load(), load(), load(), load()];
  for (let i = 1; i <= 5; i += 1) {
    await platform.save('api/hello.js', say(String(i)));
    assert.equal((await platform.get('/api/hello')).text, String(i));
  }
  stop = true;
  await Promise.all(loads);
  assert.deepEqual([...statuses.keys()], [200]);
});

test('a syntax error shows its frame, and the last good version stays up', async (t) => {
  const platform = await startPlatform(t, { files: { 'api/hello.ts': say('good') } });
  const failed = await platform.save('api/hello.ts', 'export function GET() {\n  return new Response("x";\n}\n');
  assert.equal(failed.type, 'failed');
  const [diagnostic] = failed.diagnostics;
  assert.equal(diagnostic.severity, 'error');
  assert.equal(diagnostic.file, 'api/hello.ts');
  assert.equal(diagnostic.line, 2);
  assert.match(diagnostic.frame, /2 \|   return new Response\("x";\n +\| +\^/);
  assert.equal((await platform.get('/api/hello')).text, 'good');
  const build = await platform.save('api/hello.ts', say('mended'));
  assert.equal(build.type, 'build');
  assert.equal((await platform.get('/api/hello')).text, 'mended');
});

test('a file that was never sound answers its frame, and the others work', async (t) => {
  const platform = await startPlatform(t, {
    files: { 'api/good.js': say('good'), 'api/bad.js': 'export function GET() {\n  return (;\n}\n' },
  });
  assert.equal((await platform.get('/api/good')).text, 'good');
  const bad = await platform.get('/api/bad');
  assert.equal(bad.status, 500);
  assert.match(bad.text, /api\/bad\.js/);
  assert.match(bad.text, /2 \|   return \(;/);
  await platform.save('api/bad.js', say('mended'));
  assert.equal((await platform.get('/api/bad')).text, 'mended');
});

const WORKER = { 'wrangler.toml': 'name = "w"\nmain = "w.js"\n' };
const GOOD_WORKER = 'export default { fetch() { return new Response("good"); } };\n';

test('a version that dies while it is loaded does not replace one that works', async (t) => {
  const platform = await startPlatform(t, { files: { ...WORKER, 'w.js': GOOD_WORKER } });
  assert.equal((await platform.get('/')).text, 'good');
  const failed = await platform.save('w.js', `process.exit(3);\n${GOOD_WORKER}`);
  assert.equal(failed.type, 'function');
  assert.equal(failed.loaded, false);
  assert.match(failed.reason, /exit/);
  assert.equal((await platform.get('/')).text, 'good');
  await platform.save('w.js', GOOD_WORKER.replace('good', 'mended'));
  assert.equal((await platform.get('/')).text, 'mended');
});

test('a version that throws when it is loaded answers its error and says why', async (t) => {
  const platform = await startPlatform(t, { files: { ...WORKER, 'w.js': GOOD_WORKER } });
  await platform.save('w.js', `throw new Error('no database here');\n${GOOD_WORKER}`);
  assert.equal((await platform.get('/')).status, 500);
  const log = await platform.log('no database here');
  assert.equal(log.level, 'error');
  await platform.save('w.js', GOOD_WORKER);
  assert.equal((await platform.get('/')).text, 'good');
});

test('a file that appears is served, and one that goes is not', async (t) => {
  const platform = await startPlatform(t, { files: { 'api/one.js': say('one') } });
  assert.equal((await platform.get('/api/two')).status, 404);
  await platform.save('api/two.js', say('two'));
  assert.equal((await platform.get('/api/two')).text, 'two');
  await platform.remove('api/one.js');
  assert.equal((await platform.get('/api/one')).status, 404);
});

test('a project that begins empty may grow', async (t) => {
  const platform = await startPlatform(t, { files: {} });
  assert.equal((await platform.get('/')).status, 404);
  await platform.save('api/hello.js', say('here'));
  assert.equal((await platform.get('/api/hello')).text, 'here');
});

test('a build that control has no descriptor left for is served as soon as it has', async (t) => {
  const platform = await startPlatform(t, { files: { 'api/hello.js': say('one') } });
  const { pid } = await platform.process('mayfly: control');
  const [uid, gid] = ['Uid', 'Gid'].map((id) => Number(new RegExp(`^${id}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]));
  const limit = (...args) => execFileSync('prlimit', ['--pid', String(pid), ...args], { uid, gid, encoding: 'utf8' }).trim();
  const before = limit('--nofile', '--output', 'SOFT', '--noheadings');
  const saveWithoutDescriptors = async (what, file, text) => {
    const from = platform.records.length;
    limit('--nofile=3:');
    writeFileSync(path.join(platform.project, file), text);
    await eventually(() => new RegExp(`cannot send ${what}.*Too many open files`).test(platform.errors), () => platform.transcript());
    limit(`--nofile=${before}:`);
    assert.equal((await platform.rebuilt(from)).type, 'build');
  };
  await saveWithoutDescriptors('function', 'api/hello.js', say('two'));
  assert.equal((await platform.get('/api/hello')).text, 'two');
  await saveWithoutDescriptors('routes', 'vercel.json', '{ "rewrites": [{ "source": "/there", "destination": "/api/hello" }] }');
  assert.equal((await platform.get('/there')).text, 'two');
});

test('a stream in flight goes on after its function has been replaced', async (t) => {
  const ticking = `
    export function GET() {
      let n = 0;
      const body = new ReadableStream({
        async pull(controller) {
          await new Promise((done) => setTimeout(done, 100));
          controller.enqueue(new TextEncoder().encode(\`tick \${++n}\\n\`));
          if (n === 20) controller.close();
        },
      });
      return new Response(body);
    }\n`;
  const platform = await startPlatform(t, { files: { 'api/ticks.js': ticking } });
  const request = http.get({ host: '127.0.0.1', port: platform.port, path: '/api/ticks' });
  const [response] = await once(request, 'response');
  const text = response.setEncoding('utf8').reduce((all, chunk) => all + chunk, '');
  await platform.save('api/ticks.js', say('replaced'));
  assert.equal((await platform.get('/api/ticks')).text, 'replaced');
  assert.match(await text, /tick 20\n$/);
});

test('a new environment reaches the functions', async (t) => {
  const platform = await startPlatform(t, {
    files: { '.env': 'WORD=one\n', 'api/env.js': 'export const GET = () => new Response(process.env.WORD);\n' },
  });
  assert.equal((await platform.get('/api/env')).text, 'one');
  await platform.save('.env', 'WORD=two\n');
  assert.equal((await platform.get('/api/env')).text, 'two');
});

test('what an old version still uses of its packages does not keep the builder from going on', async (t) => {
  const server = (text) => `
    const http = require('node:http');
    require('held');
    http.createServer((req, res) => (req.url === '/held' ? res.write('held') : res.end('${text}'))).listen(process.env.PORT);
  `;
  const platform = await startPlatform(t, {
    files: {
      'package.json': JSON.stringify({ scripts: { start: 'node server.js' } }),
      'server.js': server('first'),
      'node_modules/held/index.js': '',
    },
  });
  const held = http.get({ port: platform.port, path: '/held' });
  const [response] = await once(held, 'response');
  for (const text of ['second', 'third', 'fourth', 'fifth']) {
    await platform.save('server.js', server(text));
    await eventually(async () => (await platform.get('/')).text === text, `${text} was not served: ${platform.transcript()}`);
  }
  assert.ok(!platform.transcript().includes('the builder failed'), platform.transcript());
  response.destroy();
});
