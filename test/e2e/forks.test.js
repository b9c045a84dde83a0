/* What instances must not share although they are forks of one process, and functions that cannot be forked. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually, ROOT, startPlatform } from './harness.js';

/** The files of an npm package of the repository, as files of a project. */
function packageFiles(name, as = name) {
  const folder = path.join(ROOT, 'node_modules', name);
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(files.map(({ parentPath, name: file }) => {
    const absolute = path.join(parentPath, file);
    return [path.join('node_modules', as, path.relative(folder, absolute)), readFileSync(absolute)];
  }));
}

/* One Lambda a name, so that each invocation that runs beside another has an instance of its own. */
function project(codes, environment = {}) {
  const settings = { runtime: 'nodejs24.x', timeout: 170, maxInstances: 20, environment };
  const functions = Object.keys(codes).map((name) => [name, { handler: `${name}.handler`, ...settings }]);
  return {
    ...Object.fromEntries(Object.entries(codes).map(([name, code]) => [`${name}.js`, `${MEET}${code}\n`])),
    'mayfly.json': JSON.stringify({ volumes: ['data'], functions: Object.fromEntries(functions) }),
  };
}

/* An invocation says that it is there, and goes on when as many as were wanted are: no instance serves two of them. */
const MEET = `
const fs = require('node:fs');
const crypto = require('node:crypto');
const meet = async ({ meeting, wanted }) => {
  fs.mkdirSync('data/' + meeting, { recursive: true });
  fs.writeFileSync('data/' + meeting + '/' + crypto.randomBytes(16).toString('hex'), '');
  while (fs.readdirSync('data/' + meeting).length < wanted) await new Promise((done) => setTimeout(done, 20));
};\n`;

const invoke = (platform, name, event = {}) => platform.post(`/2015-03-31/functions/${name}/invocations`, event);

let meetings = 0;

/** What as many different instances answer at the same time. */
async function invokeInEach(platform, name, wanted, events = []) {
  meetings += 1;
  const asked = Array.from({ length: wanted }, (_, i) => invoke(platform, name, { ...events[i], meeting: meetings, wanted }));
  const answers = await Promise.all(asked);
  answers.forEach(({ status, text }) => {
    assert.equal(status, 200, text);
    assert.doesNotMatch(text, /timed out/); /* who is killed leaves its mark in the meeting, and its place to another */
  });
  assert.equal(new Set(answers.map(({ instance }) => instance)).size, wanted);
  return answers;
}

const loadedOf = (platform, name) => platform.record((record) => record.type === 'function' && record.function.endsWith(`/${name}`));

const FORKED = {
  random: `
    const vm = require('node:vm');
    const { randomUUID, randomUUIDv7, randomInt } = require('node:crypto');
    const { Worker } = require('node:worker_threads');
    const uuid = require('uuid');
    const pooled = require('nanoid-5');
    const { nanoid } = require('nanoid');
    const { ulid, monotonicFactory } = require('ulid');
    const random = Math.random;
    const webUUID = globalThis.crypto.randomUUID.bind(globalThis.crypto);
    const getRandomValues = globalThis.crypto.getRandomValues.bind(globalThis.crypto);
    const dice = pooled.customAlphabet('0123456789', 20);
    const monotonic = monotonicFactory();
    const context = vm.createContext({});
    const keptOfContext = vm.runInContext('Math.random', context);
    let later;
    crypto.randomBytes(100, (error, bytes) => { later = bytes; });
    const part = Buffer.alloc(200, 7);
    crypto.randomFillSync(part, 50, 100);

    /* As in code that is warm when it is forked. */
    for (let i = 0; i < 3; i++) {
      [random(), randomUUID(), randomUUIDv7(), randomInt(2 ** 40), webUUID(), uuid.v4(), uuid.v7(), pooled.nanoid(), dice(), ulid()];
      [monotonic(0), keptOfContext(), vm.runInContext('Math.random()', context)];
    }
    nanoid();

    const inWorker = () => new Promise((resolve, reject) => {
      const code = 'const c = require("node:crypto"); require("node:worker_threads").parentPort.postMessage([Math.random(), c.randomUUID(), c.randomInt(2 ** 40)])';
      new Worker(code, { eval: true }).once('message', resolve).once('error', reject);
    });
    const hex = (bytes) => Buffer.from(bytes).toString('hex');

    exports.handler = async (event) => {
      await meet(event);
      const [workerRandom, workerUUID, workerInt] = await inWorker();
      const key = await globalThis.crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, true, ['encrypt']);
      return {
        different: {
          'process.pid': process.pid,
          'Math.random': Math.random(), 'Math.random kept at import': random(),
          'crypto.randomUUID': crypto.randomUUID(), 'crypto.randomUUID kept at import': randomUUID(),
          'crypto.randomUUID without cache': crypto.randomUUID({ disableEntropyCache: true }),
          'crypto.randomUUIDv7': crypto.randomUUIDv7(), 'crypto.randomUUIDv7 kept at import': randomUUIDv7().slice(14),
          'crypto.randomInt': crypto.randomInt(2 ** 40), 'crypto.randomInt kept at import': randomInt(2 ** 40),
          'crypto.randomInt, later': await new Promise((done, fail) => crypto.randomInt(2 ** 40, (e, n) => (e ? fail(e) : done(n)))),
          'crypto.randomBytes': hex(crypto.randomBytes(16)), 'crypto.getRandomValues': hex(crypto.getRandomValues(new Uint8Array(16))),
          'webcrypto.getRandomValues kept at import': hex(getRandomValues(new Uint8Array(16))),
          'webcrypto.randomUUID': globalThis.crypto.randomUUID(), 'webcrypto.randomUUID kept at import': webUUID(),
          'crypto.generateKeySync': hex(crypto.generateKeySync('hmac', { length: 128 }).export()),
          'crypto.generateKeyPairSync': crypto.generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }).x,
          'subtle.generateKey': hex(await globalThis.crypto.subtle.exportKey('raw', key)),
          'Math.random of a new context': vm.runInNewContext('Math.random()'),
          'Math.random of a new context, by a script': new vm.Script('Math.random()').runInNewContext(),
          'Math.random of a context of the import': vm.runInContext('Math.random()', context),
          'Math.random kept of a context of the import': keptOfContext(),
          'Math.random of a worker': workerRandom, 'crypto.randomUUID of a worker': workerUUID, 'crypto.randomInt of a worker': workerInt,
          'uuid.v1': uuid.v1(), 'uuid.v4': uuid.v4(), 'uuid.v7': uuid.v7().slice(14), 'nanoid 6': nanoid(), 'nanoid 5': pooled.nanoid(),
          'nanoid, own alphabet': dice(), ulid: ulid(), 'ulid, monotonic': monotonic(0),
          'bytes that came during the import': hex(later), 'a part of bytes': hex(part.subarray(50, 150)),
        },
        'beside that part': hex(Buffer.concat([part.subarray(0, 50), part.subarray(150)])),
      };
    };`,

  timers: `
    const { setTimeout: wait } = require('node:timers/promises');
    /* proc(5): field 22 of stat is when the process began, in hundredths of a second since the machine did. */
    const ageMs = () => {
      const began = Number(fs.readFileSync('/proc/self/stat', 'latin1').split(') ')[1].split(' ')[19]) * 10;
      return Number(fs.readFileSync('/proc/uptime', 'latin1').split(' ')[0]) * 1000 - began;
    };
    const fired = {};
    const note = (name) => () => { (fired[name] ??= []).push(ageMs()); };
    setTimeout(note('setTimeout'), 300);
    require('node:timers').setTimeout(note('timers.setTimeout'), 300);
    wait(300).then(note('timers/promises'));
    setInterval(note('setInterval'), 300);
    clearTimeout(setTimeout(note('cleared'), 300));
    const signal = AbortSignal.timeout(300);
    signal.addEventListener('abort', note('AbortSignal.timeout'));
    exports.handler = async (event) => {
      await meet(event);
      while ((fired.setInterval?.length ?? 0) < 2 || Object.keys(fired).length < 5) await wait(5);
      const uptime = process.uptime() * 1000; /* before its age: it may be held up between the two */
      return { fired, reason: signal.reason?.name, uptime, age: ageMs() };
    };`,

  tables: `
    const { execFileSync } = require('node:child_process');
    const measure = "Number(/VmPTE:(.*)kB/.exec(require('node:fs').readFileSync('/proc/self/status', 'latin1'))[1])";
    exports.handler = async () => ({
      own: eval(measure), fresh: Number(execFileSync(process.execPath, ['-p', measure])), preload: process.env.LD_PRELOAD,
    });`,

  signals: `
    let heard = 0;
    process.on('SIGUSR2', () => { heard += 1; });
    exports.handler = async (event) => {
      if (event.signal) { process.kill(process.pid, 0); process.kill(process.pid, 'SIGUSR2'); }
      while (event.signal && heard === 0) await new Promise((done) => setTimeout(done, 5));
      await meet(event);
      if (event.exit !== undefined) process.exit(event.exit);
      return { heard, pid: process.pid, stat: fs.readFileSync('/proc/self/stat', 'latin1').split(' ')[0] };
    };`,
};

test('instances that are forked', async (t) => {
  const platform = await startPlatform(t, {
    files: {
      ...project(FORKED), ...packageFiles('uuid'), ...packageFiles('nanoid'), ...packageFiles('nanoid-5'), ...packageFiles('ulid'),
    },
  });
  for (const name of Object.keys(FORKED)) {
    const { loaded, snapshot, reason } = await loadedOf(platform, name);
    assert.deepEqual([loaded, snapshot], [true, true], `${name}: ${reason}`);
  }

  await t.test('no two have a random number, a UUID or a pid in common', async () => {
    const wanted = 20;
    const results = (await invokeInEach(platform, 'random', wanted)).map(({ json }) => json);
    assert.ok(results[0].different, JSON.stringify(results[0]));
    for (const name of Object.keys(results[0].different)) {
      const values = results.map(({ different }) => different[name]);
      assert.equal(new Set(values).size, wanted, `${name}: ${values}`);
    }
    results.forEach((result) => assert.equal(result['beside that part'], '07'.repeat(100)));
  });

  await t.test('a timer that was set at import fires in each, counted from its own start', async () => {
    const wanted = 4;
    await sleep(310); /* in the zygote each of them would be overdue */
    for (const { json } of await invokeInEach(platform, 'timers', wanted)) {
      assert.deepEqual(Object.keys(json.fired ?? json).sort(), ['AbortSignal.timeout', 'setInterval', 'setTimeout', 'timers.setTimeout', 'timers/promises']);
      for (const [name, times] of Object.entries(json.fired)) {
        assert.ok(times[0] >= 270, `${name} fired ${times[0]} ms after the instance began`);
        assert.ok(name === 'setInterval' || times.length === 1, `${name} fired ${times.length} times`);
      }
      assert.equal(json.reason, 'TimeoutError');
      assert.ok(json.uptime <= json.age + 20, `${json.uptime} ms of ${json.age} ms`);
    }
  });

  /* Each has its own, and their number is what a fork takes longest to copy. */
  await t.test('its page tables are smaller than those of a Node.js that has loaded nothing', async () => {
    const { json } = await invoke(platform, 'tables');
    assert.ok(json.own < json.fresh, JSON.stringify(json));
    assert.equal(json.preload, undefined);
  });

  await t.test('process.kill(process.pid) hits itself, process.exit() ends itself, and nobody else', async () => {
    const [hit, ...others] = await invokeInEach(platform, 'signals', 3, [{ signal: true }]);
    assert.equal(hit.json.heard, 1, hit.text);
    assert.equal(hit.json.stat, String(hit.json.pid));
    assert.deepEqual(others.map(({ json }) => json.heard), [0, 0]);

    const [ended, ...held] = await invokeInEach(platform, 'signals', 3, [{ exit: 3 }]);
    assert.match(ended.text, /exit/i);
    held.forEach(({ json }) => assert.ok(json.pid > 1));
    assert.notEqual((await invoke(platform, 'signals', { meeting: 'last', wanted: 1 })).instance, ended.instance);
  });
});

/* What a module may do at import that forks cannot share, and what the console says of it. */
const UNFORKABLE = {
  socket: {
    code: "const it = require('node:net').connect(Number(process.env.PORT_OF_TEST), '127.0.0.1'); const works = async () => { if (it.connecting) await once(it, 'connect'); return it.readyState; };",
    reason: /^it holds an open connection to 127\.0\.0\.1:\d+\. Open it in the first request instead of at import\.$/, result: 'open',
  },
  listener: {
    code: "const it = require('node:net').createServer().listen(0, '127.0.0.1'); const works = async () => it.listening;",
    reason: /^it listens on a socket\. Open it in the first request/, result: true,
  },
  udp: {
    code: "const it = require('node:dgram').createSocket('udp4').bind(0, '127.0.0.1'); const works = async () => it.address().family;",
    reason: /^it holds a UDP socket\. Open it in the first request/, result: 'IPv4',
  },
  worker: {
    code: `const { Worker } = require('node:worker_threads');
      const it = new Worker("require('node:worker_threads').parentPort.on('message', function (n) { this.postMessage(n + 1); })", { eval: true });
      const works = async () => { it.postMessage(1); return (await once(it, 'message'))[0]; };`,
    reason: /^it runs a worker thread.*Start it in the first request instead of at import\.$/, result: 2,
  },
  child: {
    code: `const it = require('node:child_process').spawn('cat');
      const works = async () => { it.stdin.write('meow'); return String((await once(it.stdout, 'data'))[0]); };`,
    reason: /^it runs a child process\. Start it in the first request instead of at import\.$/, result: 'meow',
  },
  watcher: {
    code: `fs.writeFileSync('/tmp/watched', '');
      const it = fs.watch('/tmp'); const works = async () => { fs.writeFileSync('/tmp/watched', 'x'); return (await once(it, 'change'))[1]; };`,
    reason: /^it watches files\. Leave that out: the function is loaded anew when its files change\.$/, result: 'watched',
  },
  file: {
    code: "const it = fs.openSync('/tmp/log.txt', 'a'); const works = async () => { fs.writeSync(it, 'line'); return fs.readFileSync('/tmp/log.txt', 'utf8'); };",
    reason: /^it holds a file open for writing \(\/tmp\/log\.txt\)\. Open it in the first request instead of at import\.$/, result: 'line',
  },
  nanoid: {
    code: "const { nanoid } = require('nanoid'); const it = [nanoid(), nanoid()]; const works = async () => it.concat(nanoid()).length;",
    reason: /^nanoid has drawn random bytes in advance, which its instances would share\. Draw the first in a request instead of at import\.$/,
    result: 3,
  },
  reused: {
    code: "const it = crypto.randomBytes(100); it.fill(7); const works = async () => it.equals(Buffer.alloc(100, 7));",
    reason: /^it has drawn random bytes in advance/, result: true,
  },
};

const unforkable = ({ code }) => `
const { once } = require('node:events');
${code}
const drawn = [Math.random(), crypto.randomUUID(), crypto.randomInt(2 ** 40)].join();
exports.handler = async (event) => {
  const result = await works();
  if (event.how === 'exit') process.exit(7);
  if (event.how) process.kill(process.pid, event.how);
  await meet(event);
  return { result, drawn, pid: process.pid };
};`;

test('functions that cannot be forked', async (t) => {
  const server = net.createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const names = Object.keys(UNFORKABLE);
  const codes = Object.fromEntries(names.map((name) => [name, unforkable(UNFORKABLE[name])]));
  codes.dying = codes.listener;
  const platform = await startPlatform(t, {
    files: { ...project(codes, { PORT_OF_TEST: server.address().port }), ...packageFiles('nanoid') },
  });

  for (const name of names) {
    await t.test(`${name}: works, each instance by itself, and the console says why`, async () => {
      const { loaded, snapshot, reason } = await loadedOf(platform, name);
      assert.deepEqual([loaded, snapshot], [true, false], `${name}: ${reason}`);
      assert.match(reason, UNFORKABLE[name].reason);
      const answers = (await invokeInEach(platform, name, 3)).map(({ json }) => json);
      assert.deepEqual(answers.map(({ result }) => result), Array(3).fill(UNFORKABLE[name].result), JSON.stringify(answers));
      assert.equal(new Set(answers.map(({ pid }) => pid)).size, 3, JSON.stringify(answers));
      assert.equal(new Set(answers.map(({ drawn }) => drawn)).size, 3, JSON.stringify(answers));
    });
  }

  await t.test('how an instance ended is told like that of any other', async () => {
    const ends = [['exit', /exit status 7$/], ['SIGTERM', /signal: terminated$/], ['exit', /exit status 7$/], ['SIGKILL', /signal: killed$/]];
    for (const [how, told] of ends) {
      const answer = await invoke(platform, 'dying', { how });
      assert.match(answer.json.errorMessage, told);
    }
    assert.equal((await invoke(platform, 'dying', { meeting: 'last', wanted: 1 })).json.result, true);
  });
});

test('what the first request of a function that cannot be forked throws where nobody catches is its error', async (t) => {
  const platform = await startPlatform(t, {
    files: {
      'api/late.js': `
        import { Worker } from 'node:worker_threads';
        new Worker('setInterval(() => {}, 1000)', { eval: true });
        export function GET() {
          process.nextTick(() => { throw new Error('out of tea'); });
          return new Promise(() => {});
        }`,
    },
  });
  assert.equal((await platform.get('/api/late')).status, 500);
  const usage = await platform.usage('/api/late');
  assert.deepEqual([usage.outcome, usage.error], ['throw', 'Error: out of tea']);
});
