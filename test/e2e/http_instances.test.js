/* Instances: how many there are, what happens when one dies, hangs or lies. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { API, CATCH_ALL, startGateway } from './http_gateway.js';

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

test('with concurrency 1 each request in flight has an instance of its own', async (t) => {
  const gateway = await startGateway(t, { functions: [{ ...API, dialect: 'lambda', concurrency: 1 }], args: DEV });
  const answers = await Promise.all(Array.from({ length: 12 }, () => ask(gateway, '/slow?1000'))); /* long enough to overlap on a busy machine */
  assert.ok(answers.every((a) => a.text === 'slept'));
  assert.equal(new Set(answers.map(instanceOf)).size, 12);
});

test('one instance serves as many at once as its concurrency says', async (t) => {
  const gateway = await startGateway(t, { functions: [{ ...API, concurrency: 8 }], args: DEV });
  await ask(gateway, '/hello');
  const answers = await Promise.all(Array.from({ length: 8 }, () => ask(gateway, '/slow?100')));
  assert.equal(new Set(answers.map(instanceOf)).size, 1);
});

test('no more instances than allowed: the rest waits its turn', async (t) => {
  const gateway = await startGateway(t, { functions: [{ ...API, concurrency: 1, max_instances: 2 }], args: DEV });
  const answers = await Promise.all(Array.from({ length: 10 }, () => ask(gateway, '/slow?30')));
  assert.ok(answers.every((a) => a.status === 200));
  assert.equal(new Set(answers.map(instanceOf)).size, 2);
});

test('who waits longer than its time is told to come again', async (t) => {
  const functions = [{ ...API, dialect: 'server', concurrency: 1, max_instances: 1, timeout_ms: 600 }];
  const gateway = await startGateway(t, { functions });
  const [first, second] = await Promise.all([ask(gateway, '/hang'), ask(gateway, '/hello')]);
  const statuses = [first.status, second.status].sort();
  assert.ok(statuses.includes(504), 'the one that hung');
  const waited = first.status === 503 ? first : second;
  if (waited.status === 503) assert.equal(waited.headers.get('retry-after'), '1');
});

test('more than may wait are turned away at once', async (t) => {
  const functions = [{ ...API, concurrency: 1, max_instances: 1, timeout_ms: 10000 }];
  const gateway = await startGateway(t, { functions });
  const answers = await Promise.all(Array.from({ length: 1100 }, () => ask(gateway, '/slow?1').catch((e) => e)));
  const refused = answers.filter((a) => a.status === 503);
  assert.ok(refused.length > 0 && refused.length < 200, `${refused.length} refused`);
  assert.equal(answers.filter((a) => a.status === 200).length, 1100 - refused.length);
  assert.equal(refused[0].headers.get('retry-after'), '1');
});

test('a request that takes too long is answered 504, others go on', async (t) => {
  const gateway = await startGateway(t, { functions: [{ ...API, timeout_ms: 300 }], args: DEV });
  const warm = await ask(gateway, '/hello');
  const [late, other] = await Promise.all([ask(gateway, '/hang'), ask(gateway, '/slow?200')]);
  assert.equal(late.status, 504);
  assert.equal(late.headers.get('x-vercel-error'), 'FUNCTION_INVOCATION_TIMEOUT');
  assert.equal(other.status, 200);
  assert.equal(instanceOf(await ask(gateway, '/hello')), instanceOf(warm), 'its loop turns: it stays');
  assert.equal((await gateway.usage('GET /hang')).outcome, 'timeout');
});

test('an endpoint may have a time of its own', async (t) => {
  const gateway = await startGateway(t, { functions: [{ ...API, endpoints: [{ name: 'a', timeout_ms: 200 }] }] });
  assert.equal((await ask(gateway, '/hang')).status, 504);
});

test('an endless loop swallows nobody else\'s requests and is killed when its time is over', async (t) => {
  const gateway = await startGateway(t, { functions: [{ ...API, timeout_ms: 1500 }], args: DEV });
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
  const slow = ask(gateway, '/slow?300');
  await gateway.record((r) => r.started === 2);
  assert.equal(instanceOf(await ask(gateway, '/hello')), '2');
  assert.equal(instanceOf(await slow), '1');
});

test('work goes on after the answer and is told when it ends', async (t) => {
  const gateway = await startGateway(t);
  assert.equal((await ask(gateway, '/wait')).text, 'answered');
  assert.equal((await gateway.usage('GET /wait')).outcome, 'ok');
});

test('a deploy switches at once, requests in flight finish on what they began with', async (t) => {
  const gateway = await startGateway(t, { args: DEV });
  const slow = ask(gateway, '/slow?400');
  await gateway.record((r) => r.started === 1);
  await ask(gateway, '/hello');
  await gateway.deploy({ functions: [{ ...API, id: 12, name: 'api2' }], routes: CATCH_ALL, static: [] });
  const fresh = await ask(gateway, '/hello');
  assert.equal(fresh.headers.get('x-mayfly-start'), 'cold');
  assert.ok(!gateway.records.some((r) => r.routes === 2 && r.drained));
  assert.equal((await slow).text, 'slept');
  await gateway.record((r) => r.routes === 2 && r.drained);
});

test('routes that cannot be read change nothing', async (t) => {
  const gateway = await startGateway(t);
  const { writeFile } = await import('node:fs/promises');
  await writeFile(`${gateway.folder}/routes.json`, '{"routes":[{"src":"("}],"functions":[]}');
  gateway.child.stdin.write('again\n');
  for (let i = 0; i < 5; i++) assert.equal((await ask(gateway, '/slow?10')).status, 200);
  assert.match(gateway.errors, /routes of build 2: .*pattern/);
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
    assert.match((await ask(gateway, '/vercel')).text, /^A server error has occurred\n\nFUNCTION_INVOCATION_FAILED\n\n[-0-9a-f]{36}\n$/);
    assert.equal((await ask(gateway, '/lambda')).text, 'Internal Server Error');
    assert.equal(JSON.parse((await ask(gateway, '/netlify')).text).errorMessage, 'boom');
  }
  assert.equal((await ask(live, '/worker')).text, 'error code: 1101\n');
  assert.match((await ask(dev, '/worker')).text, /^Error: boom\n    at handler/);
});

test('a POST behind an endless loop runs once, elsewhere, when the loop has been killed', async (t) => {
  const functions = [{ ...API, timeout_ms: 5000, endpoints: [{ name: 'api' }, { name: 'spin', timeout_ms: 400 }] }];
  const routes = [{ path: '/spin', function: 0, endpoint: 1 }, ...CATCH_ALL];
  const gateway = await startGateway(t, { functions, routes, args: DEV });
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
