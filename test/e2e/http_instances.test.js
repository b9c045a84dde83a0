/* Instances: how many there are, what happens when one dies, hangs or lies. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from './harness.js';
import { API, CATCH_ALL, startGateway, timed, Wire } from './http_gateway.js';

const DEV = ['--dev'];
const instanceOf = (response) => response.headers.get('x-mayfly-instance');
const isStop = (record) => record.stop !== undefined;

async function ask(gateway, target, init) {
  const response = await gateway.fetch(target, init);
  return { status: response.status, headers: response.headers, text: await response.text() };
}

test('the first answer is cold, the next is warm and of the same instance', async (t) => {
  const gateway = await startGateway(t, { args: DEV });
  const first = await ask(gateway, '/hello');
  const second = await ask(gateway, '/hello');
  assert.equal(first.headers.get('x-mayfly-start'), 'cold');
  assert.equal(second.headers.get('x-mayfly-start'), 'warm');
  assert.equal(instanceOf(first), instanceOf(second));
});

test('a crash is answered and logged once, and the next request gets a fresh instance', async (t) => {
  const gateway = await startGateway(t, { args: DEV });
  const before = await ask(gateway, '/hello');
  const crash = await ask(gateway, '/crash');
  assert.equal(crash.status, 500);
  assert.equal(crash.headers.get('x-vercel-error'), 'FUNCTION_INVOCATION_FAILED');
  const after = await ask(gateway, '/hello');
  assert.equal(after.status, 200);
  assert.notEqual(instanceOf(after), instanceOf(before));
  const usage = await gateway.usage('GET /crash');
  assert.equal(usage.outcome, 'crash');
  assert.match(usage.error, /exit status 3/);
  assert.equal(gateway.records.filter((r) => /process ended/.test(r.log)).length, 1);
});

/** So many requests that are under way at the same time. */
const holdMany = (gateway, count) => Promise.all(Array.from({ length: count }, () => gateway.hold()));
const instancesOf = (held) => new Set(held.map(({ instance }) => instance));

async function releaseAll(held) {
  assert.deepEqual(await Promise.all(held.map(({ release }) => release())), held.map(() => 'held'));
}

test('with concurrency 1 each request in flight has an instance of its own', async (t) => {
  const gateway = await startGateway(t, { functions: [{ ...API, dialect: 'lambda', concurrency: 1 }], args: DEV });
  const held = await holdMany(gateway, 12);
  assert.equal(instancesOf(held).size, 12);
  await releaseAll(held);
});

test('of instances that are free the one that has served most goes before the one that was free last', async (t) => {
  const gateway = await startGateway(t, { functions: [{ ...API, dialect: 'lambda', concurrency: 1, max_instances: 2 }], args: DEV });
  /** An instance is free when it is known what its request has used. */
  const free = (requests) => gateway.record(() => gateway.records.filter(({ usage }) => usage).length === requests);
  const [warm, fresh] = await holdMany(gateway, 2);
  await fresh.release();
  await free(1);
  await warm.release();
  await free(2);
  for (let i = 1; i <= 10; i++) {
    assert.equal(instanceOf(await ask(gateway, '/hello')), warm.instance);
    await free(2 + i);
  }
  const again = await holdMany(gateway, 2);
  const of = ({ instance }) => again.find((held) => held.instance === instance);
  await of(warm).release();
  await free(13);
  await of(fresh).release();
  await free(14);
  assert.equal(instanceOf(await ask(gateway, '/hello')), warm.instance);
});

test('one instance serves as many at once as its concurrency says', async (t) => {
  const gateway = await startGateway(t, { functions: [{ ...API, concurrency: 8, max_instances: 1 }], args: DEV });
  const held = await holdMany(gateway, 8);
  assert.equal(instancesOf(held).size, 1);
  await releaseAll(held);
});

test('no more instances than allowed: the rest waits its turn', async (t) => {
  const gateway = await startGateway(t, { functions: [{ ...API, concurrency: 1, max_instances: 2 }], args: DEV });
  const held = await holdMany(gateway, 2);
  const waiting = Promise.all(Array.from({ length: 8 }, () => ask(gateway, '/hello')));
  await releaseAll(held);
  const answers = await waiting;
  assert.deepEqual(answers.map(({ status }) => status), Array(8).fill(200));
  answers.forEach((answer) => assert.ok(instancesOf(held).has(instanceOf(answer))));
  assert.equal(gateway.records.filter((r) => r.started).length, 2);
});

test('the wait for an instance is not its function\'s time', async (t) => {
  const { endpoints, routes } = timed('/hello', 300);
  const gateway = await startGateway(t, { functions: [{ ...API, concurrency: 1, max_instances: 1, endpoints }], routes });
  const held = await gateway.hold();
  const waiting = ask(gateway, '/hello');
  await sleep(900);
  await releaseAll([held]);
  assert.equal((await waiting).status, 200);
});

test('who has waited for an instance for ten seconds is told to come again', async (t) => {
  const { endpoints, routes } = timed('/hello', 300);
  const gateway = await startGateway(t, { functions: [{ ...API, dialect: 'server', concurrency: 1, max_instances: 1, endpoints }], routes });
  const held = await gateway.hold();
  const late = await ask(gateway, '/hello');
  assert.equal(late.status, 503);
  assert.equal(late.headers.get('retry-after'), '1');
  await releaseAll([held]);
});

const QUEUE = 1024; /* LIMIT_QUEUE_PER_FUNCTION */

test('more than may wait are turned away at once', async (t) => {
  const gateway = await startGateway(t, { functions: [{ ...API, concurrency: 1, max_instances: 1, timeout_ms: 170_000 }] });
  const held = await gateway.hold();
  const answers = [];
  const asked = Promise.all(Array.from({ length: QUEUE + 76 }, () => ask(gateway, '/hello').then((answer) => answers.push(answer))));
  await eventually(() => answers.length === 76, () => `${answers.length} were turned away`);
  assert.deepEqual(answers.map(({ status, headers }) => [status, headers.get('retry-after')]), Array(76).fill([503, '1']));
  await releaseAll([held]);
  await asked;
  assert.deepEqual(answers.slice(76).map(({ status }) => status), Array(QUEUE).fill(200));
});

test('a request that takes too long is answered 504, others go on', async (t) => {
  const { endpoints, routes } = timed('/hang', 300);
  const gateway = await startGateway(t, { functions: [{ ...API, endpoints }], routes, args: DEV });
  const warm = await ask(gateway, '/hello');
  const other = await gateway.hold();
  const late = await ask(gateway, '/hang');
  assert.equal(late.status, 504);
  assert.equal(late.headers.get('x-vercel-error'), 'FUNCTION_INVOCATION_TIMEOUT');
  await releaseAll([other]);
  assert.equal(instanceOf(await ask(gateway, '/hello')), instanceOf(warm), 'its loop turns: it stays');
  assert.equal((await gateway.usage('GET /hang')).outcome, 'timeout');
});

test('the time that an instance takes to start is not its function\'s', async (t) => {
  const gateway = await startGateway(t, { functions: [{ ...API, timeout_ms: 200 }], args: [...DEV, '--start-ms', '1000'] });
  const cold = await ask(gateway, '/hello');
  assert.deepEqual([cold.status, cold.headers.get('x-mayfly-start')], [200, 'cold']);
  assert.equal((await ask(gateway, '/hang')).status, 504);
});

test('an endpoint may have a time of its own', async (t) => {
  const gateway = await startGateway(t, { functions: [{ ...API, endpoints: [{ name: 'a', timeout_ms: 200 }] }] });
  assert.equal((await ask(gateway, '/hang')).status, 504);
});

test('an endless loop swallows nobody else\'s requests and is killed when its time is over', async (t) => {
  const { endpoints, routes } = timed('/spin', 1500);
  const gateway = await startGateway(t, { functions: [{ ...API, endpoints }], routes, args: DEV });
  const stuck = await ask(gateway, '/hello');
  const spin = ask(gateway, '/spin');
  await ask(gateway, '/hello'); // may be behind it in the same channel
  for (let i = 0; i < 20; i++) assert.equal((await ask(gateway, '/hello')).status, 200);
  assert.equal((await spin).status, 504);
  assert.equal((await gateway.record(isStop)).stop, Number(instanceOf(stuck)));
});

test('an instance that breaks the rules is killed and its requests are answered', async (t) => {
  const gateway = await startGateway(t, { functions: [{ ...API, dialect: 'server' }] });
  const [bogus, other] = await Promise.all([ask(gateway, '/bogus'), ask(gateway, '/slow?300')]);
  assert.equal(bogus.status, 502);
  assert.ok([200, 502].includes(other.status));
  assert.equal((await gateway.record(isStop)).reason, 2);
  assert.equal((await ask(gateway, '/hello')).status, 200);
});

test('a piece of a body that is larger than any may be ends its instance alone', async (t) => {
  const gateway = await startGateway(t, { functions: [{ ...API, compress: true }] });
  const headers = { 'accept-encoding': 'gzip' };
  await assert.rejects(ask(gateway, '/wide', { headers }));
  assert.equal((await gateway.record(isStop)).reason, 2);
  assert.equal((await ask(gateway, '/hello')).status, 200);
});

test('idle instances go, all of them', async (t) => {
  const gateway = await startGateway(t, { functions: [{ ...API, concurrency: 1, idle_s: 0.2 }], args: DEV });
  const first = await ask(gateway, '/hello');
  await gateway.record((r) => r.gone === Number(instanceOf(first)));
  const again = await ask(gateway, '/hello');
  assert.equal(again.headers.get('x-mayfly-start'), 'cold');
});

test('minInstances stay', async (t) => {
  const gateway = await startGateway(t, { functions: [{ ...API, concurrency: 1, idle_s: 0.1, min_instances: 2 }], args: DEV });
  await gateway.record((r) => r.started === 2);
  const answers = await Promise.all([1, 2, 3, 4].map(() => ask(gateway, '/slow?50')));
  const gone = gateway.record((r) => r.gone);
  assert.equal(answers.length, 4);
  await gone;
  await gateway.record(() => gateway.records.filter((r) => r.gone).length >= gateway.records.filter((r) => r.started).length - 2);
  assert.equal((await ask(gateway, '/hello')).status, 200);
});

test('while all instances are in use an unused one is made ahead', async (t) => {
  const gateway = await startGateway(t, { functions: [{ ...API, concurrency: 1 }], args: DEV });
  const held = await gateway.hold();
  await gateway.record((r) => r.started === 2);
  assert.equal(instanceOf(await ask(gateway, '/hello')), '2');
  assert.equal(held.instance, '1');
  await releaseAll([held]);
});

test('who waits for an instance to start is served by one that is free before', async (t) => {
  const gateway = await startGateway(t, { functions: [{ ...API, concurrency: 1 }], args: [...DEV, '--later-start-ms', '500000'] });
  const held = await gateway.hold();
  const waiting = [ask(gateway, '/hello'), ask(gateway, '/hello')];
  await gateway.record((r) => r.started === 2);
  await releaseAll([held]);
  for (const answer of await Promise.all(waiting)) {
    assert.deepEqual([answer.status, instanceOf(answer)], [200, held.instance]);
  }
});

test('work goes on after the answer and is told when it ends', async (t) => {
  const gateway = await startGateway(t);
  assert.equal((await ask(gateway, '/wait')).text, 'answered');
  assert.equal((await gateway.usage('GET /wait')).outcome, 'ok');
});

test('a deploy switches at once, requests in flight finish on what they began with', async (t) => {
  const gateway = await startGateway(t, { args: DEV });
  const held = await gateway.hold();
  await ask(gateway, '/hello');
  await gateway.deploy({ functions: [{ ...API, id: 12, name: 'api2' }], routes: CATCH_ALL, static: [] });
  const fresh = await ask(gateway, '/hello');
  assert.equal(fresh.headers.get('x-mayfly-start'), 'cold');
  assert.ok(!gateway.records.some((r) => r.routes === 2 && r.drained));
  await releaseAll([held]);
  await gateway.record((r) => r.routes === 2 && r.drained);
});

test('who waits for a function that a deploy has replaced is served when its only instance is killed', async (t) => {
  const one = { concurrency: 1, max_instances: 1 };
  const { endpoints, routes } = timed('/spin', 1000);
  const gateway = await startGateway(t, { functions: [{ ...API, ...one, endpoints }], routes });
  const spinning = ask(gateway, '/spin');
  await gateway.record((r) => r.started);
  const waiting = ask(gateway, '/hello');
  await gateway.deploy({ functions: [{ ...API, ...one, id: 12, name: 'api2' }], routes: CATCH_ALL, static: [] });
  assert.equal((await spinning).status, 504);
  assert.equal((await waiting).status, 200);
  await gateway.record((r) => r.routes === 2 && r.drained);
});

test('all functions together start no more instances than files may be open for', async (t) => {
  const functions = Array.from({ length: 20 }, (_, i) => ({ ...API, id: 100 + i, name: `api${i}`, min_instances: 2 }));
  const gateway = await startGateway(t, { functions, openFiles: 256 });
  assert.equal((await ask(gateway, '/hello')).status, 200);
  const started = () => gateway.records.filter((r) => r.started).length;
  await eventually(() => started() >= 28);
  await sleep(300); /* some sweeps */
  assert.equal(started(), 28); /* a ninth of the files, as share_files() says */
});

test('a deploy takes no name away from a request that waits for control', async (t) => {
  const routes = [{ path: '/missing', status: 404 }, ...CATCH_ALL];
  const kept = (id, name) => ({ functions: [{ ...API, id, name, endpoints: [{ name: 'api', via: 'events' }] }], routes, static: [] });
  const gateway = await startGateway(t, kept(11, 'first'));
  const head = `GET /hello HTTP/1.1\r\nHost: a\r\nX-Fill: ${'f'.repeat(8000)}\r\n\r\n`;
  const wires = Array.from({ length: 300 }, () => new Wire(gateway.port).send(head)); /* more than its channel holds */
  t.after(() => wires.forEach((wire) => wire.destroy()));
  await Promise.all(wires.map(({ socket }) => once(socket, 'connect')));
  assert.equal((await ask(gateway, '/missing')).status, 404);
  await gateway.deploy(kept(12, 'second'));
  await gateway.control();
  assert.equal((await ask(gateway, '/missing')).status, 404);
});

test('routes that cannot be read change nothing', async (t) => {
  const gateway = await startGateway(t);
  await writeFile(`${gateway.folder}/routes.json`, '{"routes":[{"src":"("}],"functions":[]}');
  gateway.child.stdin.write('again\n');
  await eventually(async () => {
    assert.equal((await ask(gateway, '/slow?10')).status, 200);
    return /routes of build 2: .*pattern/.test(gateway.errors);
  }, () => `it does not say why: ${gateway.errors}`);
  gateway.errors = '';
});

test('what a handler threw is the platform\'s answer; in development a browser reads what happened', async (t) => {
  const functions = ['next', 'vercel', 'netlify', 'lambda', 'worker', 'server'].map((dialect, i) => (
    { ...API, id: 20 + i, name: dialect, dialect }));
  const routes = functions.map((f, i) => ({ src: `^/${f.name}$`, dest: '/fail', function: i, endpoint: 0 }));
  const live = await startGateway(t, { functions, routes });
  const dev = await startGateway(t, { functions, routes, args: DEV });
  const status = { next: 500, vercel: 500, netlify: 500, lambda: 502, worker: 500, server: 500 };
  for (const { name } of functions) {
    const answer = await ask(live, `/${name}`);
    assert.equal(answer.status, status[name], name);
    if (name !== 'netlify') assert.doesNotMatch(answer.text, /boom/, name);
    assert.match((await ask(dev, `/${name}`, { headers: { accept: 'text/html' } })).text, /boom/, name);
    assert.equal((await ask(dev, `/${name}`)).headers.get('x-mayfly-error'), 'Error: boom');
    assert.equal(answer.headers.get('x-mayfly-error'), null);
  }
  for (const gateway of [live, dev]) {
    assert.equal((await ask(gateway, '/next')).text, '');
    assert.match((await ask(gateway, '/vercel')).text, /^A server error has occurred\n\nFUNCTION_INVOCATION_FAILED\n$/);
    assert.equal((await ask(gateway, '/lambda')).text, 'Internal Server Error');
    assert.equal(JSON.parse((await ask(gateway, '/netlify')).text).errorMessage, 'boom');
  }
  assert.equal((await ask(live, '/worker')).text, 'error code: 1101\n');
  assert.match((await ask(dev, '/worker')).text, /^Error: boom\n    at handler/);
});

test('a POST behind an endless loop runs once, elsewhere, when the loop has been killed', async (t) => {
  const { endpoints, routes } = timed('/spin', 400);
  const gateway = await startGateway(t, { functions: [{ ...API, endpoints }], routes, args: DEV });
  const warm = await ask(gateway, '/hello');
  const post = { method: 'POST', body: 'abc' };
  const [spin, count] = await Promise.all([ask(gateway, '/spin'), ask(gateway, '/count', post)]);
  assert.equal(spin.status, 504);
  assert.equal(count.text, '3');
  await gateway.usage('POST /count');
  assert.equal((await ask(gateway, '/hello')).status, 200);
  assert.equal(gateway.records.filter((r) => r.usage === 'POST /count').length, 1);
  assert.equal((await gateway.record(isStop)).stop, Number(instanceOf(warm)));
});
