'use strict';
/* What happens around handlers: uncaught errors, exits, the console. Each case is a process of its own, as
 * an instance is: it prints one JSON line on its descriptor 1. */

const test = require('node:test');
const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const path = require('node:path');

const MOCK = path.join(__dirname, 'mock_native.js');
const RUNTIME = path.join(__dirname, '../../runtime/js');

/* Runs a script in a process of its own; `report(value)` there is what comes back here. */
function inProcess(script) {
  const source = `
    const fs = require('node:fs');
    const report = (value) => fs.writeSync(1, JSON.stringify(value) + '\\n');
    require(${JSON.stringify(path.join(RUNTIME, 'console.js'))}).install();
    require(${JSON.stringify(path.join(RUNTIME, 'web.js'))}).install();
    const web = require(${JSON.stringify(path.join(RUNTIME, 'web.js'))});
    const { startInstance } = require(${JSON.stringify(MOCK)});
    const turn = () => new Promise(setImmediate);
    const serve = (handle, more = {}) => startInstance({ adapter: { async load() { return {}; }, handle, ...more } });
    (async () => { ${script} })();`;
  return new Promise((resolve) => {
    execFile(process.execPath, ['-e', source], { timeout: 120_000 }, (error, stdout, stderr) => {
      const lines = stdout.split('\n').filter(Boolean).map((line) => {
        try {
          return JSON.parse(line);
        } catch {
          return line;
        }
      });
      resolve({ code: error ? error.code : 0, reports: lines, stderr });
    });
  });
}

test('an uncaught error or rejection fails the request it belongs to; others and the instance go on', async () => {
  const { code, reports } = await inProcess(`
    const gateway = await serve((app, exchange) => {
      if (exchange.path === '/timer') setTimeout(() => { throw new Error('in a timer'); }, 1);
      else if (exchange.path === '/rejected') { turn().then(() => { throw new Error('rejected'); }); }
      else if (exchange.path === '/thrown') throw new TypeError('thrown');
      else setTimeout(() => exchange.respond(200, [], 'fine'), 30);
    });
    const other = gateway.start('GET /other');
    const replies = await Promise.all(['/rejected', '/thrown'].map((path) => gateway.request('GET ' + path)));
    await other.text();
    const timer = await gateway.request('GET /timer');
    const late = await gateway.request('GET /late');
    report([...replies, timer].map(({ failure, logs }) => [failure.kind, failure.errorType, failure.errorMessage, logs.length, logs[0].level]));
    report([other.status, late.status, gateway.violations]);
    process.exit(0);`);
  assert.equal(code, 0);
  assert.deepEqual(reports, [
    [['throw', 'Error', 'rejected', 1, 3], ['throw', 'TypeError', 'thrown', 1, 3], ['throw', 'Error', 'in a timer', 1, 3]],
    [200, 200, []],
  ]);
});

test('a rejection that nobody waits for is told in Next.js and fails no request; what a timer throws does', async () => {
  const { code, reports } = await inProcess(`
    const GET = async (request) => {
      if (request.url.endsWith('?timer=')) setTimeout(() => { throw new Error('in a timer'); }, 1);
      else Promise.reject(new Error('ahead'));
      await new Promise((resolve) => setTimeout(resolve, 20));
      return new Response(typeof globalThis.AsyncLocalStorage);
    };
    const gateway = await startInstance({ adapter: require(${JSON.stringify(path.join(RUNTIME, 'dialects/next.js'))}), modules: { m: { GET, dynamic: 'force-dynamic' } },
      endpoints: [{ name: '/api/x', file: 'app/api/x/route.ts', module: 'm', settings: {} }] });
    const ahead = await gateway.request('GET /api/x');
    report([await ahead.text(), ahead.status, ahead.logs.length, ahead.logs[0].text.split('\\n')[0]]);
    const timer = await gateway.request('GET /api/x?timer');
    report(timer.failure.errorMessage);
    process.exit(0);`);
  assert.equal(code, 0);
  assert.deepEqual(reports, [['function', 200, 1, 'Error: ahead'], 'in a timer']);
});

test('with the policy exit the process ends with 1 after it has reported', async () => {
  const { code, reports } = await inProcess(`
    const gateway = await serve(() => { turn().then(() => { throw new Error('fatal'); }); }, { uncaught: 'exit' });
    const reply = gateway.start('GET /');
    process.on('exit', (status) => report([status, reply.failure.errorMessage, reply.logs.length]));`);
  assert.equal(code, 1);
  assert.deepEqual(reports, [[1, 'fatal', 1]]);
});

test('with the policy drain requests in flight finish first', async () => {
  const { code, reports } = await inProcess(`
    const gateway = await serve((app, exchange) => {
      if (exchange.path === '/bad') turn().then(() => { throw new Error('fatal'); });
      else setTimeout(() => exchange.respond(200, [], 'finished'), 50);
    }, { uncaught: 'drain' });
    const good = gateway.start('GET /good');
    const bad = gateway.start('GET /bad');
    process.on('exit', () => report([bad.failure.errorMessage, good.status, good.bytes.toString()]));`);
  assert.equal(code, 1);
  assert.deepEqual(reports, [['fatal', 200, 'finished']]);
});

test('a function\'s own listener for uncaught errors takes over', async () => {
  const { code, reports } = await inProcess(`
    const gateway = await serve((app, exchange) => {
      turn().then(() => { throw new Error('mine'); });
      process.on('uncaughtException', (error) => exchange.respond(200, [], 'handled ' + error.message));
    }, { uncaught: 'exit' });
    const reply = await gateway.request('GET /');
    report([reply.status, reply.bytes.toString(), reply.logs.length]);
    process.exit(0);`);
  assert.deepEqual([code, reports], [0, [[200, 'handled mine', 0]]]);
});

test('an error reporter that counts who else listens finds nobody, and ends the process as it would in Node.js', async () => {
  const { code, reports } = await inProcess(`
    const gateway = await serve((app, exchange) => {
      turn().then(() => { throw new Error('reported'); });
      process.on('uncaughtException', function reporter() {
        if (process.listeners('uncaughtException').every((listener) => listener === reporter)) process.exit(1);
      });
    });
    const reply = gateway.start('GET /');
    process.on('exit', () => report(reply.failure.errorType));
    setTimeout(() => process.exit(7), 5000).unref();`);
  assert.deepEqual([code, reports], [1, ['ProcessExit']]);
});

test('process.exit() in a handler is told, and the process ends with its code', async () => {
  const { code, reports } = await inProcess(`
    const gateway = await serve(async () => { await turn(); process.exit(3); });
    const reply = gateway.start('GET /');
    process.on('exit', () => report([reply.failure.kind, reply.failure.errorType, reply.failure.errorMessage]));`);
  assert.equal(code, 3);
  assert.deepEqual(reports, [['throw', 'ProcessExit', 'process.exit(3) was called by the function']]);
});

test('stop ends the process when the last request and its waitUntil are done', async () => {
  const { code, reports } = await inProcess(`
    let settle;
    const gateway = await serve((app, exchange) => {
      exchange.waitUntil(new Promise((resolve) => { settle = resolve; }));
      exchange.respond(200, [], 'x');
    });
    const reply = await gateway.request('GET /');
    gateway.callbacks.stop();
    await turn();
    report('still here');
    process.on('exit', () => report(reply.over));
    settle();`);
  assert.deepEqual([code, reports], [0, ['still here', true]]);
});

test('waitUntil that is not done when the time is over is told, whether the client is still there or not', async () => {
  const { code, reports } = await inProcess(`
    const gateway = await serve((app, exchange) => {
      exchange.waitUntil(exchange.path === '/done' ? Promise.resolve() : new Promise(() => {}));
      if (exchange.path !== '/late') exchange.respond(200, [], 'x');
    });
    const logged = async (path, ...reasons) => {
      const reply = gateway.start('GET ' + path);
      await turn();
      reasons.forEach((reason) => reply.cancel(reason));
      await turn();
      return gateway.logs.filter(({ stream }) => stream === reply.stream).map(({ level, text }) => [level, text.includes('waitUntil')]);
    };
    report([await logged('/', 'timeout'), await logged('/gone', 'gone', 'timeout'), await logged('/gone', 'gone'), await logged('/done', 'timeout'), await logged('/late', 'timeout')]);
    process.exit(0);`);
  assert.equal(code, 0);
  assert.deepEqual(reports[0], [[[2, true]], [[2, true]], [], [], []]);
});

test('things that cannot be printed can still be thrown', async () => {
  const { code, reports } = await inProcess(`
    const things = [null, undefined, 5, 'text', Symbol('s'), { get stack() { throw new Error('trap'); } },
      new Proxy({}, { get() { throw new Error('trap'); } }), Object.create(null)];
    const gateway = await serve((app, exchange) => { throw things[Number(exchange.path.slice(1))]; });
    const kinds = [];
    for (let i = 0; i < things.length; i++) kinds.push((await gateway.request('GET /' + i)).failure.kind);
    report([kinds, gateway.violations]);
    process.exit(0);`);
  assert.equal(code, 0);
  assert.deepEqual(reports[0], [Array(8).fill('throw'), []]);
});

test('console lines become records of their request, formatted as Node formats them', async () => {
  const { reports } = await inProcess(`
    const util = require('node:util');
    const gateway = await serve(async (app, exchange) => {
      await turn();
      console.log('%s is %d', 'x', 5, { a: [1, { b: { c: {} } }] });
      console.debug('d'); console.info('i'); console.warn('w'); console.error(new Error('e').message);
      console.group('g'); console.log('two\\nlines'); console.groupEnd();
      console.table([{ a: 1 }]);
      console.assert(false, 'claim');
      console.log();
      exchange.respond(200, [], '');
    });
    const replies = await Promise.all([gateway.request('GET /'), gateway.request('GET /')]);
    const [first, second] = replies.map((reply) => reply.logs.map(({ level, text }) => [level, text]));
    report(first);
    report([first.length === second.length, util.format('%s is %d', 'x', 5, { a: [1, { b: { c: {} } }] }) === first[0][1]]);
    process.exit(0);`);
  assert.deepEqual(reports[0], [
    [1, "x is 5 { a: [ 1, { b: [Object] } ] }"], [0, 'd'], [1, 'i'], [2, 'w'], [3, 'e'], [1, 'g'], [1, '  two\n  lines'],
    [1, '\u250c\u2500\u2500\u2500\u2500\u2500\u2500\u2500\u2500\u2500\u252c\u2500\u2500\u2500\u2510\n\u2502 (index) \u2502 a \u2502\n\u251c\u2500\u2500\u2500\u2500\u2500\u2500\u2500\u2500\u2500\u253c\u2500\u2500\u2500\u2524\n\u2502 0       \u2502 1 \u2502\n\u2514\u2500\u2500\u2500\u2500\u2500\u2500\u2500\u2500\u2500\u2534\u2500\u2500\u2500\u2518'],
    [3, 'Assertion failed: claim'], [1, ''],
  ]);
  assert.deepEqual(reports[1], [true, true]);
});

test('process.stdout becomes records line by line; what is left over comes at the exit', async () => {
  const { reports } = await inProcess(`
    const gateway = await serve((app, exchange) => {
      process.stdout.write('a');
      process.stdout.write('b\\nc\\n\\n');
      process.stderr.write(Buffer.from('err\\n'));
      process.stdout.write('68690a', 'hex', () => process.stdout.write('rest'));
      exchange.respond(200, [], String([process.stdout.fd, process.stdout.isTTY, typeof process.stdout.end]));
    });
    const reply = await gateway.request('GET /');
    await turn();
    process.on('exit', () => report([reply.bytes.toString(), gateway.logs.map(({ level, text }) => [level, text])]));
    process.exit(0);`);
  assert.deepEqual(reports[0], ['1,false,function', [[1, 'ab'], [1, 'c'], [1, ''], [3, 'err'], [1, 'hi'], [1, 'rest']]]);
});

test('before an instance is connected text goes to the process\'s own output', async () => {
  const { reports, stderr } = await inProcess(`
    const log = console.log;
    console.log('while loading');
    process.stderr.write('careful\\n');
    const gateway = await serve((app, exchange) => {
      log('kept %s', 'function');
      exchange.respond(200, [], '');
    });
    const reply = await gateway.request('GET /');
    report(reply.logs.map(({ text }) => text));
    process.exit(0);`);
  assert.deepEqual(reports, ['while loading', ['kept function']]);
  assert.equal(stderr, 'careful\n');
});

test('a body is credited as it is consumed, in few pieces, and a long one gets a wider window', async () => {
  const { reports } = await inProcess(`
    const MIB = 1024 * 1024;
    let seen = 0;
    const gateway = await serve((app, exchange) => {
      exchange.onBody((chunk) => {
        seen += chunk.length;
        exchange.resumeBody(chunk.length);
      }, () => exchange.respond(200, [], String(seen)));
    });
    const reply = gateway.start('POST /', { body: 'open' });
    await reply.send(Buffer.alloc(1000));
    report({ small: reply.bodyCredited });
    await reply.send(Buffer.alloc(2 * MIB));
    await turn();
    report({ narrow: reply.bodyWindow <= 256 * 1024, credited: reply.bodyCredited > MIB });
    await reply.send(Buffer.alloc(8 * MIB));
    let widest = 0;
    for (let i = 0; i < 64; i++) {
      await reply.send(Buffer.alloc(64 * 1024));
      await turn();
      widest = Math.max(widest, reply.bodyWindow);
    }
    report({ wide: widest > 256 * 1024 && widest <= MIB / 2 });
    reply.finish();
    report({ text: await reply.text(), all: 14 * MIB + 1000 });
    process.exit(0);`);
  assert.deepEqual(reports, [
    { small: 0 }, { narrow: true, credited: true }, { wide: true }, { text: String(14 * 2 ** 20 + 1000), all: 14 * 2 ** 20 + 1000 },
  ]);
});
