/* The life of `mayfly dev`: it starts, it stops however it is stopped, and nothing is left. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually, isAlive, MAYFLY, readConsole, runMayfly, startPlatform } from './harness.js';

const HELLO = { 'api/hello.js': 'export function GET() { return new Response("hello"); }\n' };

async function startHello(t, options = {}) {
  const platform = await startPlatform(t, { files: HELLO, ...options });
  assert.equal((await platform.get('/api/hello')).text, 'hello');
  return platform;
}

test('a project without configuration is served, cold once and then warm', async (t) => {
  const platform = await startPlatform(t, { files: HELLO });
  const cold = await platform.get('/api/hello');
  assert.equal(cold.status, 200);
  assert.equal(cold.text, 'hello');
  assert.equal(cold.headers['x-mayfly-start'], 'cold');
  const warm = await platform.get('/api/hello');
  assert.equal(warm.headers['x-mayfly-start'], 'warm');
  assert.equal(warm.instance, cold.instance);
});

test('the build says what is served where', async (t) => {
  const platform = await startPlatform(t, { files: HELLO });
  const build = platform.records.find((record) => record.type === 'build');
  const route = build.routes.find((one) => one.route === '/api/hello');
  assert.equal(route.file, 'api/hello.js');
  assert.equal(route.dialect, 'vercel');
  const loaded = platform.records.find((record) => record.type === 'function');
  assert.equal(loaded.loaded, true);
  assert.equal(loaded.snapshot, true);
  assert.ok(loaded.load_ms >= 0);
});

test('an endpoint that cannot be loaded is told when the others are ready, not at its first request', async (t) => {
  const platform = await startPlatform(t, {
    files: {
      ...HELLO,
      'api/broken.js': 'import { gone } from "./nowhere.js";\nexport const GET = () => gone;\n',
      'api/thrown.js': '\nthrow new Error("DATABASE_URL is not set");\n',
      'api/typo.mjs': 'export const get = () => 1;\n',
    },
  });
  const { loaded, snapshot, unloaded } = platform.records.find((record) => record.type === 'function');
  assert.ok(loaded && snapshot);
  assert.match(unloaded, /^api\/thrown\.js: Error: DATABASE_URL is not set\n +at \S* ?\(?\/var\/task\/api\/thrown\.js:2:7\)?$/m);
  assert.match(unloaded, /^api\/typo\.mjs: Error: Can't detect way to handle request: api\/typo\.mjs exports get/m);
  assert.doesNotMatch(unloaded, /broken|no module/, 'what does not build is told by the build');
  assert.equal((await platform.get('/api/hello')).status, 200);
});

for (const [dialect, files] of Object.entries({
  lambda: {
    'template.yaml': 'Transform: AWS::Serverless-2016-10-31\nResources:\n  F:\n    Type: AWS::Serverless::Function\n'
      + '    Properties: { Handler: a.handler, Runtime: nodejs22.x }\n',
    'a.js': 'throw new Error("no table");',
  },
  worker: { 'wrangler.toml': 'name = "w"\nmain = "a.js"\ncompatibility_date = "2026-01-01"\n', 'a.js': 'throw new Error("no table"); export default {};' },
  netlify: { 'netlify/functions/a.js': 'throw new Error("no table");' },
  next: { 'app/a/route.js': 'throw new Error("no table"); export const GET = () => 1;', 'package.json': '{"dependencies":{"next":"16.0.0"}}' },
})) {
  test(`why nothing of a ${dialect} function could be loaded is told at once`, async (t) => {
    const text = await readConsole(t, files, /no table/);
    assert.match(text, /^ {2}\S+@1 {2}did not load: \S*(a|route)\.js: Error: no table$/m);
  });
}

test('a promise that a module lets fail while it loads is told, and takes no other route with it', async (t) => {
  const stray = 'Promise.reject(new Error("stray"));\n';
  const platform = await startPlatform(t, {
    files: {
      'package.json': '{"dependencies":{"next":"16.0.0"}}',
      'app/a/route.js': `${stray}export const GET = () => new Response("a");`, 'app/b/route.js': 'export const GET = () => new Response("b");',
      'api/c.js': `${stray}export const GET = () => new Response("c");`, 'api/d.js': 'export const GET = () => new Response("d");',
    },
  });
  for (const path of ['/a', '/b', '/api/c', '/api/d']) {
    assert.equal((await platform.get(path)).text, path.at(-1));
  }
  await platform.log('nobody has caught, while it loaded: Error: stray');
});

test('each request leaves one usage record with what it cost', async (t) => {
  const platform = await startHello(t);
  const trace = '0af7651916cd43dd8448eb211c80319c';
  await platform.get('/api/hello?traced', { headers: { traceparent: `00-${trace}-b7ad6b7169203331-01` } });
  const usage = await platform.usage('/api/hello?traced');
  assert.equal(usage.trace, trace);
  assert.equal(usage.method, 'GET');
  assert.equal(usage.status, 200);
  assert.equal(usage.outcome, 'ok');
  assert.equal(usage.cold, false);
  assert.equal(usage.bytes_out, 5);
  assert.ok(usage.duration_ms > 0 && usage.memory_peak_bytes > 0);
  assert.ok(usage.function.length > 0 && usage.version === 1 && usage.instance > 0);
});

test('what a function prints becomes a record of its request', async (t) => {
  const platform = await startPlatform(t, {
    files: { 'api/log.js': 'export function GET() { console.warn("look %d", 7); return new Response("x"); }\n' },
  });
  await platform.get('/api/log');
  const log = await platform.log('look 7');
  const usage = await platform.usage('/api/log');
  assert.equal(log.level, 'warn');
  assert.equal(log.request, usage.request);
  assert.equal(log.instance, usage.instance);
});

test('of lines that come faster than they can be told, none is lost without a word', async (t) => {
  const lines = 60_000;
  const flood = `export function GET() {
    for (let i = 0; i < ${lines}; i += 1) console.log("line", i, "${'x'.repeat(80)}");
    return new Response("x");
  }\n`;
  const platform = await startPlatform(t, { files: { 'api/flood.js': flood } });
  await platform.get('/api/flood');
  const lost = (record) => Number(/^(\d+) log .*were lost/.exec(record.text)?.[1] ?? 0);
  const told = () => platform.records.filter(({ type }) => type === 'log')
    .reduce((sum, record) => sum + (record.text.startsWith('line') ? 1 : lost(record)), 0);
  await eventually(() => told() >= lines, () => `of ${lines} lines ${told()} are told or told as lost`);
  assert.ok(told() <= lines + 1, 'the record of the request may be among what is lost, and no more');
});

test('processes are titled by role, function and version', async (t) => {
  const platform = await startHello(t);
  for (const title of ['mayfly: supervisor', 'mayfly: gateway', 'mayfly: control', /^mayfly: instance .+@1/]) {
    await platform.process(title);
  }
});

/** Stops platforms, none of which may leave anything, until one has ended in time: on a busy machine the launcher may
 * have to kill what it would not wait for. */
async function stopInTime(signal, start) {
  const stops = [];
  for (let tries = 0; tries < 5; tries += 1) {
    const platform = await start();
    const { status, took } = await platform.stop(signal);
    assert.equal(platform.errors, '');
    stops.push(`status ${status} after ${Math.round(took)} ms`);
    if (status === 0 && took < 2000) {
      return;
    }
  }
  assert.fail(stops.join(', '));
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  test(`${signal} stops everything within two seconds and leaves nothing`, async (t) => {
    await stopInTime(signal, () => startHello(t));
  });
}

test('when it is stopped all is in the database, and the log beside it is empty', async (t) => {
  for (let i = 0; i < 3; i += 1) {
    const platform = await startPlatform(t, {
      files: { 'api/a.js': 'export const POST = () => new Response("x");', 'mayfly.json': '{ "routes": { "/api/a": { "durable": true } } }' },
    });
    for (let k = 0; k < 5; k += 1) {
      await platform.post('/api/a', {});
    }
    await platform.stop();
    assert.equal(statSync(path.join(platform.project, '.mayfly/mayfly.db-wal')).size, 0);
  }
});

test('a request that nothing answers has a line, too', async (t) => {
  const platform = await startHello(t);
  await platform.get('/nope?a=b');
  const { status, function: fn } = await platform.usage('/nope?a=b');
  assert.deepEqual([status, fn], [404, undefined]);
});

test('Ctrl-C does not wait for a request that takes for ever', async (t) => {
  await stopInTime('SIGINT', async () => {
    const platform = await startPlatform(t, {
      files: { 'api/slow.js': 'export async function GET() { console.log("begun"); await new Promise(() => setInterval(() => {}, 1e6)); }\n' },
    });
    platform.get('/api/slow').catch(() => {});
    await platform.log('begun');
    return platform;
  });
});

test('one Ctrl-C that comes twice, from the terminal and by way of npm, ends it in order', async (t) => {
  const platform = await startHello(t);
  for (let i = 0; i < 3; i += 1) {
    process.kill(platform.pid, 'SIGINT');
    await new Promise((done) => setTimeout(done, 10));
  }
  assert.deepEqual(await platform.exited, { status: 0, signal: null });
});

test('kill -9 of the supervisor ends all of it with a clear word', async (t) => {
  const platform = await startHello(t);
  const supervisor = await platform.process('mayfly: supervisor');
  process.kill(supervisor.pid, 'SIGKILL');
  const { status } = await platform.exited;
  assert.equal(status, 137);
  assert.match(platform.errors, /the supervisor was killed by signal 9 \(Killed\)/);
  await platform.assertNothingLeft();
});

test('kill -9 of the launcher ends all of it too', async (t) => {
  const platform = await startHello(t);
  platform.processes();
  process.kill(platform.pid, 'SIGKILL');
  await platform.exited;
  await platform.assertNothingLeft();
});

test('what a platform leaves that was killed whole is swept by the next', async (t) => {
  const dead = await startHello(t);
  const supervisor = await dead.process('mayfly: supervisor');
  process.kill(dead.pid, 'SIGSTOP'); /* so that it cannot clear up */
  process.kill(supervisor.pid, 'SIGKILL');
  await eventually(() => !isAlive(supervisor), 'the supervisor lives');
  process.kill(dead.pid, 'SIGKILL');
  await dead.exited;
  const next = await startHello(t, { env: { TMPDIR: dead.scratch } });
  assert.equal((await next.get('/api/hello')).status, 200);
  await next.stop();
  await dead.assertNothingLeft();
});

for (const role of ['mayfly: gateway', 'mayfly: control']) {
  test(`a ${role.slice(8)} that dies is started again and the platform goes on`, async (t) => {
    const platform = await startHello(t);
    const from = platform.records.length;
    const { pid } = await platform.process(role);
    process.kill(pid, 'SIGKILL');
    await platform.record((record) => record.type === 'build', { from });
    await eventually(async () => {
      const answer = await platform.get('/api/hello').catch(() => null);
      return answer?.status === 200;
    }, 'it does not answer again');
  });
}

test('a function zygote that dies takes its instances with it, and the next request gets a new one', async (t) => {
  const platform = await startHello(t);
  const before = await platform.get('/api/hello');
  const zygote = await platform.process(/^mayfly: zygote api@/);
  process.kill(zygote.pid, 'SIGKILL');
  await eventually(() => !isAlive(zygote) && !platform.processes().some(({ title }) => /^mayfly: instance api@/.test(title)), 'an instance is left');
  const after = await platform.get('/api/hello');
  assert.equal(after.text, 'hello');
  assert.notEqual(after.instance, before.instance);
});

test('the base zygote that dies is started again: what serves goes on, what is saved is loaded', async (t) => {
  const platform = await startHello(t);
  const before = await platform.get('/api/hello');
  const base = await platform.process('mayfly: zygote base');
  process.kill(base.pid, 'SIGKILL');
  await eventually(() => !isAlive(base), 'it lives');
  const meanwhile = await platform.get('/api/hello');
  assert.deepEqual([meanwhile.text, meanwhile.instance], ['hello', before.instance]);
  await platform.save('api/hello.js', HELLO['api/hello.js'].replace('"hello"', '"again"'));
  assert.equal((await platform.get('/api/hello')).text, 'again');
});

test('control that is killed under requests is back without a refusal', async (t) => {
  const platform = await startHello(t);
  const statuses = new Set();
  let over = false;
  const ask = async () => {
    while (!over) {
      const answer = await platform.get('/api/hello').catch(() => null); /* what was in flight is cut off */
      answer && statuses.add(answer.status);
    }
  };
  const asking = Array.from({ length: 8 }, ask);
  for (let times = 0; times < 3; times++) {
    const control = await platform.process('mayfly: control');
    process.kill(control.pid, 'SIGKILL');
    await eventually(() => !isAlive(control), 'it lives');
    assert.equal((await eventually(() => platform.get('/api/hello').catch(() => null), 'it is not back')).text, 'hello');
  }
  over = true;
  await Promise.all(asking);
  assert.deepEqual([...statuses], [200]);
});

test('what was served before control died is served again, though it cannot be built now', async (t) => {
  const platform = await startHello(t);
  assert.equal((await platform.save('mayfly.json', '{"env":["NEVER_SET"]}')).type, 'failed');
  const from = platform.records.length;
  process.kill((await platform.process('mayfly: control')).pid, 'SIGKILL');
  await platform.record(({ type }) => type === 'failed', { from });
  assert.equal((await platform.get('/api/hello')).text, 'hello');
  await platform.save('mayfly.json', '{}');
  await platform.save('api/hello.js', HELLO['api/hello.js'].replace('"hello"', '"again"'));
  assert.equal((await platform.get('/api/hello')).text, 'again');
});

test('a port that is taken is said to be by whom', async (t) => {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address();
  const { status, stderr } = await runMayfly(['dev', '.', '--port', String(port)]);
  assert.equal(status, 1);
  assert.match(stderr, new RegExp(`port ${port} is taken by .* \\(process ${process.pid}\\).*--port`));
});

test('a mayfly that is taken for another is called by its name', async (t) => {
  const { port } = await startHello(t);
  const { status, stderr } = await runMayfly(['dev', '.', '--port', `${port}`]);
  assert.equal(status, 1);
  assert.match(stderr, new RegExp(`port ${port} is taken by another mayfly \\(process \\d+\\); choose another`));
});

test('what was killed is started anew on its ports at once', async (t) => {
  const first = await startHello(t);
  const ports = ['--port', `${first.port}`, '--aws-port', new URL(first.aws.endpoint).port];
  first.child.kill('SIGKILL');
  await first.exited;
  const second = await startPlatform(t, { files: HELLO, args: ports });
  assert.equal((await second.get('/api/hello')).text, 'hello');
  assert.deepEqual([second.port, second.aws.endpoint], [first.port, first.aws.endpoint]);
});

test('more clients are served than the shell lets files be open', async (t) => {
  const platform = await startHello(t, { openFiles: 200 });
  const { port, hostname } = new URL(platform.origin);
  const sockets = Array.from({ length: 300 }, () => net.connect(port, hostname).setEncoding('latin1'));
  t.after(() => sockets.forEach((socket) => socket.destroy()));
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  const answers = await Promise.all(sockets.map(async (socket) => {
    socket.write('GET /api/hello HTTP/1.1\r\nhost: localhost\r\n\r\n');
    return (await once(socket, 'data'))[0].split('\r\n')[0];
  }));
  assert.deepEqual([...new Set(answers)], ['HTTP/1.1 200 OK']);
});

test('who cannot be let in while no file may be opened waits, and that is told once', async (t) => {
  const user = 1900200004; /* who may change the limits of processes of its own */
  const platform = await startHello(t, { user }); /* its instance has opened what it needs */
  const { pid } = await platform.process('mayfly: gateway');
  const allow = (files) => assert.equal(spawnSync('prlimit', [`--pid=${pid}`, `--nofile=${files}:`], { uid: user, gid: user }).status, 0);
  allow(3);
  const answer = platform.get('/api/hello', { agent: false });
  await eventually(() => /cannot accept connections/.test(platform.errors), () => `it is told to nobody\n${platform.errors}`);
  await sleep(1000); /* of tries, each of which could tell it again */
  allow(1024);
  assert.equal((await answer).text, 'hello');
  assert.equal(platform.errors.match(/cannot accept connections/g)?.length, 1, platform.errors);
});

test('what cannot be served with is said before anything starts', async (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'mayfly-e2e-limits-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const few = spawnSync('sh', ['-c', 'ulimit -n 200; exec "$0" "$@"', MAYFLY, 'dev', folder, '--port', '0', '--aws-port', '0'], { encoding: 'utf8' });
  assert.equal(few.status, 1);
  assert.match(few.stderr, /^mayfly: only 200 files may be open at a time here \(ulimit -Hn\), and 1024 are needed: raise that limit$/m);
  mkdirSync(path.join(folder, '.mayfly'));
  writeFileSync(path.join(folder, '.mayfly/mayfly.db'), 'this is no database '.repeat(1000));
  const damaged = spawnSync(MAYFLY, ['dev', folder, '--port', '0', '--aws-port', '0'], { encoding: 'utf8' });
  assert.equal(damaged.status, 1);
  assert.match(damaged.stderr, /the database is damaged \(file is not a database\): put back a copy of the data folder/);
});

test('wrong commands and options say what was probably meant', async () => {
  const cases = [
    [['dve'], 2, /unknown command dve; did you mean mayfly dev\?/],
    [['dev', '--prot', '1'], 2, /unknown option --prot; did you mean --port\?/],
    [['dev', '--port', 'x'], 2, /--port is a number from 0 to 65535, not x/],
    [['dev', '--log', 'xml'], 2, /--log is text, json or none, not xml/],
    [['dev', '/nowhere/at/all'], 1, /there is no folder \/nowhere\/at\/all/],
    [['dev', '/etc/passwd'], 1, /\/etc\/passwd is not a folder/],
    [['control'], 2, /is started by the supervisor only/],
    [[], 2, /usage: mayfly COMMAND/],
  ];
  for (const [args, status, said] of cases) {
    const run = await runMayfly(args);
    assert.match(run.stdout + run.stderr, said);
    assert.equal(run.status, status, args.join(' '));
  }
});

test('help says everything there is and hides what is internal', async () => {
  const overview = await runMayfly(['help']);
  assert.equal(overview.status, 0);
  for (const command of ['dev', 'doctor', 'version']) {
    assert.match(overview.stdout, new RegExp(`^  ${command} `, 'm'));
    assert.equal((await runMayfly(['help', command])).status, 0);
  }
  assert.doesNotMatch(overview.stdout, /gateway|control/);
  assert.match((await runMayfly(['version'])).stdout, /^mayfly \d+\.\d+\.\d+\n$/);
});

test('as text the console is a table that reads well, without a control character in it', async (t) => {
  const text = await readConsole(t, { ...HELLO, 'app/api/users/[id]/route.js': 'export const GET = () => 1;' }, /snapshot/);
  assert.match(text, /http:\/\/localhost:\d+/);
  assert.match(text, /^ {2}METHOD +ROUTE +FILE +DIALECT +RUNTIME +FUNCTION$/m);
  assert.match(text, /^ {2}\S+ +\/api\/hello +api\/hello\.js +vercel +nodejs/m);
  assert.match(text, /^ {2}GET +\/api\/users\/\[id\] +app\/api\/users\/\[id\]\/route\.js +next /m);
  assert.match(text, /loaded in \d+ ms, snapshot/);
  assert.doesNotMatch(text, /[\x00-\x08\x0b-\x1f\x7f]/);
});
