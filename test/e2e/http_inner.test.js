/* What the gateway makes of requests that say they come from a function of the project. */
import assert from 'node:assert/strict';
import http from 'node:http';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { startGateway, Wire } from './http_gateway.js';

const TOKEN = { front: 'f'.repeat(48), back: 'b'.repeat(48) };
const limits = { concurrency: 64, timeout_ms: 60_000, endpoints: [{ name: '/' }] };
const FUNCTIONS = [
  { id: 1, name: 'worker/front', dialect: 'worker', token: TOKEN.front, services: ['worker/back', 'gone'], ...limits },
  { id: 2, name: 'worker/back', dialect: 'worker', token: TOKEN.back, services: [], ...limits },
  { id: 3, name: 'next', dialect: 'next', ...limits },
  { id: 4, name: 'proxy/a', dialect: 'proxy', ...limits },
];
const ROUTES = [
  { host: 'inner\\.example', function: 1, endpoint: 0 },
  { src: '^/proxied', function: 3, endpoint: 0 },
  { src: '^/', function: 0, endpoint: 0 },
  { src: '^/', function: 1, endpoint: 0 },
  { src: '^/headers', function: 2, endpoint: 0 },
];

/** Headers of the function's request as `name: value`, then what the gateway says of it. */
async function ask(gateway, target, headers = {}) {
  const request = http.request({ host: '127.0.0.1', port: gateway.port, path: target, headers });
  request.end();
  const [response] = await once(request, 'response');
  const lines = Buffer.concat(await response.toArray()).toString().split('\n');
  const fields = new Map();
  const end = lines.indexOf('', 1);
  for (let i = 1; i + 1 < end; i += 2) {
    fields.set(lines[i], lines[i + 1]);
  }
  return { status: response.statusCode, fields, meta: lines.slice(end + 1), text: lines.join('\n') };
}

const ours = ({ fields }) => Object.fromEntries([...fields].filter(([name]) => name.startsWith('x-mayfly-')));
const said = (token, more) => ({ 'x-mayfly-token': token, ...more });

test('requests between functions', async (t) => {
  const gateway = await startGateway(t, { functions: FUNCTIONS, routes: ROUTES });
  const EVERYTHING = {
    'x-mayfly-via': 'worker/front', 'x-mayfly-service': 'worker/back', 'x-mayfly-host': 'inner.example',
    'x-mayfly-scheme': 'https', 'x-mayfly-site': 'site.example', 'x-mayfly-entrypoint': 'E', 'x-mayfly-props': 'e30=',
    'x-mayfly-rpc': 'm', 'x-mayfly-other': '1',
  };

  await t.test('what strangers say is taken off and changes nothing', async () => {
    const wrong = [undefined, '', 'f', 'f'.repeat(47), `${'f'.repeat(47)}e`, 'f'.repeat(49), '\xff'.repeat(48)];
    for (const token of wrong) {
      const headers = { host: 'a.example', 'x-kept': '1', ...EVERYTHING, ...(token === undefined ? {} : said(token)) };
      const answer = await ask(gateway, '/headers', headers);
      assert.deepEqual(ours(answer), {}, `token ${token}`);
      assert.equal(answer.fields.get('x-kept'), '1');
      assert.equal(answer.fields.get('host'), 'a.example');
      assert.ok(answer.meta.includes('http') && answer.meta.includes('a.example'));
    }
  });

  await t.test('host and scheme are those of the URL', async () => {
    const answer = await ask(gateway, '/headers', said(TOKEN.front, { 'x-mayfly-host': 'inner.example', 'x-mayfly-scheme': 'https' }));
    assert.equal(answer.fields.get('host'), 'inner.example');
    assert.ok(answer.meta.includes('https') && answer.meta.includes('inner.example'));
    assert.deepEqual(ours(answer), {});
  });

  await t.test('a host that is none is not believed', async () => {
    for (const host of ['', 'a b', 'a/b', 'user@a', 'a:b']) {
      const answer = await ask(gateway, '/headers', said(TOKEN.front, { host: 'a.example', 'x-mayfly-host': host, 'x-mayfly-scheme': 'file' }));
      assert.equal(answer.fields.get('host'), 'a.example', host);
      assert.ok(answer.meta.includes('http'));
    }
  });

  await t.test('routes to functions it came through are skipped', async () => {
    const behind = await ask(gateway, '/headers', said(TOKEN.front, { 'x-mayfly-via': 'worker/front,worker/back' }));
    assert.deepEqual([behind.status, ours(behind)], [200, {}]);
    const between = await ask(gateway, '/headers', said(TOKEN.front, { 'x-mayfly-via': 'worker/front', 'x-mayfly-site': 's' }));
    assert.deepEqual(ours(between), { 'x-mayfly-via': 'worker/front', 'x-mayfly-site': 's' });
    const nothing = await ask(gateway, '/elsewhere', said(TOKEN.front, { 'x-mayfly-via': 'worker/back,,worker/front,' }));
    assert.equal(nothing.status, 404);
  });

  await t.test('a service is asked whatever the routes say, and is told how', async () => {
    const call = { 'x-mayfly-entrypoint': 'E', 'x-mayfly-props': 'e30=', 'x-mayfly-rpc': 'm' };
    const answer = await ask(gateway, '/headers', said(TOKEN.front, { 'x-mayfly-service': 'worker/back', ...call }));
    assert.deepEqual(ours(answer), call);
    const routed = await ask(gateway, '/headers', said(TOKEN.front, call));
    assert.deepEqual(ours(routed), {}, 'no service is named');
  });

  await t.test('only services that the caller is bound to', async () => {
    const status = async (token, service) => (await ask(gateway, '/headers', said(token, { 'x-mayfly-service': service }))).status;
    assert.equal(await status(TOKEN.front, 'worker/back'), 200);
    assert.equal(await status(TOKEN.front, 'next'), 403);
    assert.equal(await status(TOKEN.front, 'worker/front'), 403);
    assert.equal(await status(TOKEN.front, ''), 403);
    assert.equal(await status(TOKEN.back, 'worker/back'), 403);
    assert.equal(await status(TOKEN.front, 'gone'), 404);
  });

  await t.test('hops are counted for those who pass requests on, and end', async () => {
    const hops = (number) => ({ 'x-mayfly-proxy-hops': String(number) });
    assert.deepEqual(ours(await ask(gateway, '/headers', hops(3))), hops(3));
    assert.deepEqual(ours(await ask(gateway, '/headers', hops('x'))), {});
    const behind = said(TOKEN.front, { ...hops(16), 'x-mayfly-via': 'worker/front,worker/back' });
    assert.deepEqual(ours(await ask(gateway, '/headers', behind)), {}, 'Next.js passes nothing on');
    assert.equal((await ask(gateway, '/headers', hops(16))).status, 200);
    assert.equal((await ask(gateway, '/proxied', hops(16))).status, 200);
    const over = await ask(gateway, '/headers', hops(17));
    assert.deepEqual([over.status, over.text], [508, 'error code: 1019\n']);
    assert.equal((await ask(gateway, '/proxied', hops(17))).status, 508);
    const service = said(TOKEN.front, { ...hops(17), 'x-mayfly-service': 'worker/back' });
    assert.equal((await ask(gateway, '/headers', service)).status, 508);
  });

  await t.test('fields around ours stay in their order', async () => {
    const answer = await ask(gateway, '/headers', { host: 'h', a: '1', ...EVERYTHING, b: '2', 'x-mayfly-z': '9', c: '3' });
    assert.deepEqual([...answer.fields.keys()].filter((name) => name.length === 1), ['a', 'b', 'c']);
  });
});

test('a function that waits for itself, is replaced and dies meanwhile is gone with its last request', { timeout: 60_000 }, async (t) => {
  const only = { ...FUNCTIONS[0], concurrency: 1, max_instances: 1, timeout_ms: 300 };
  const routes = [{ src: '^/', function: 0, endpoint: 0 }];
  const gateway = await startGateway(t, { functions: [only], routes });
  const first = gateway.fetch('/spin');
  await gateway.record((r) => r.started);
  const inner = new Wire(gateway.port).send(`GET /hello HTTP/1.1\r\nHost: a\r\nx-mayfly-token: ${TOKEN.front}\r\n\r\n`);
  await once(inner.socket, 'connect');
  await gateway.deploy({ functions: [{ ...only, id: 9, name: 'worker/next' }], routes, static: [] });
  assert.equal((await first).status, 503, 'it ran over its time');
  await gateway.record((r) => r.gone);
  assert.equal((await gateway.fetch('/hello')).status, 200, 'by then the gateway knows');
  inner.destroy();
  await gateway.record((r) => r.routes === 2 && r.drained);
  assert.equal((await gateway.fetch('/hello')).status, 200);
});

test('a token that could be guessed is refused with its build', async (t) => {
  const [front] = FUNCTIONS;
  const gateway = await startGateway(t);
  const manifest = { functions: [{ ...front, token: '' }], routes: ROUTES.slice(2, 3), static: [] };
  await writeFile(`${gateway.folder}/routes.json`, JSON.stringify(manifest));
  gateway.child.stdin.write('again\n');
  do {
    const answer = await gateway.fetch('/hello', { headers: { 'x-mayfly-token': '' } });
    assert.equal(answer.status, 200);
    await answer.text();
  } while (!/token: too short/.test(gateway.errors));
  gateway.errors = '';
});

test('the failures of an invoked Lambda function are results', async (t) => {
  const settings = { invoke: true };
  const endpoints = [{ name: 'invoke', settings }, { name: 'brief', settings, timeout_ms: 100 }];
  const gateway = await startGateway(t, {
    functions: [{ id: 1, name: 'lambda/a', dialect: 'lambda', ...limits, concurrency: 1, endpoints }],
    routes: [{ path: '/hang', function: 0, endpoint: 1 }, { src: '^/', function: 0, endpoint: 0 }],
  });
  const invoke = async (target) => {
    const answer = await gateway.fetch(target, { method: 'POST' });
    assert.equal(answer.headers.get('x-amz-function-error'), 'Unhandled');
    assert.equal(answer.headers.get('content-type'), 'application/json');
    return [answer.status, await answer.json()];
  };
  const id = 'RequestId: [0-9a-f-]{36} Error: ';

  const [status, timeout] = await invoke('/hang');
  assert.equal(status, 200);
  assert.equal(timeout.errorType, 'Sandbox.Timedout');
  assert.match(timeout.errorMessage, new RegExp(`^${id}Task timed out after 0\\.10 seconds$`));

  const [, exit] = await invoke('/crash');
  assert.equal(exit.errorType, 'Runtime.ExitError');
  assert.match(exit.errorMessage, new RegExp(`^${id}Runtime exited with error: exit status 3$`));

  const [, thrown] = await invoke('/fail');
  assert.deepEqual([thrown.errorType, thrown.errorMessage], ['Error', 'boom']);
});

test('answers of Netlify functions are signed', async (t) => {
  const gateway = await startGateway(t, {
    functions: [{ id: 1, name: 'netlify', dialect: 'netlify', ...limits }],
    routes: [{ src: '^/', function: 0, endpoint: 0 }],
  });
  for (const target of ['/hello', '/sse?1', '/fail']) {
    const answer = await gateway.fetch(target);
    await answer.body.cancel();
    assert.equal(answer.headers.get('server'), 'Netlify', target);
    assert.match(answer.headers.get('x-nf-request-id'), /^[0-9a-f-]{36}$/, target);
  }
});
