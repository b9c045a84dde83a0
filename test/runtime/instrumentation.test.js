'use strict';
/* Next's instrumentation.ts. */

const test = require('node:test');
const assert = require('node:assert/strict');

require('../../runtime/js/web').install();
const adapter = require('../../runtime/js/dialects/next');
const { startInstance, thunk } = require('./mock_native');

const endpoints = [{ name: '/api/x/[id]', file: 'app/api/x/[id]/route.ts', module: 'route', settings: {} }];

function serve(instrumentation, route) {
  return startInstance({ adapter, endpoints, settings: { setup: 'instrumentation' }, modules: { instrumentation, route } });
}

test('register() is through before any route is loaded', async () => {
  const order = [];
  const instrumentation = {
    async register() {
      await new Promise((resolve) => setTimeout(resolve, 5));
      order.push('registered');
    },
  };
  await serve(instrumentation, thunk(() => {
    order.push('route');
    return { GET: () => new Response() };
  }));
  assert.deepEqual(order, ['registered', 'route']);
});

test('what fails in it fails the whole function, in Next\'s words', async () => {
  const route = { GET: () => new Response() };
  const failing = [{ register: () => { throw new Error('no key'); } }, thunk(() => { throw new Error('no key'); })];
  for (const instrumentation of failing) {
    await assert.rejects(serve(instrumentation, route), (error) => {
      assert.equal(error.message, 'An error occurred while loading instrumentation hook: no key');
      assert.match(error.stack, /^Error: An error occurred while loading instrumentation hook: no key\n/);
      return true;
    });
  }
});

test('onRequestError hears of what a handler throws, and the invocation waits for it', async () => {
  const calls = [];
  let finish;
  const instrumentation = {
    async onRequestError(...args) {
      calls.push(args);
      await new Promise((resolve) => { finish = resolve; });
    },
  };
  const fault = new Error('broken');
  const gateway = await serve(instrumentation, { POST() { throw fault; } });
  const reply = await gateway.request('POST /api/x/7?a=1', { headers: { 'x-one': '1' }, params: { id: '7' }, body: 'b' });
  await reply.until(() => reply.failure);
  assert.equal(calls.length, 1);
  const [error, request, context] = calls[0];
  assert.equal(error, fault);
  assert.deepEqual([request.path, request.method, request.headers['x-one']], ['/api/x/7?a=1', 'POST', '1']);
  assert.deepEqual(context, { routerKind: 'App Router', routePath: '/api/x/[id]', routeType: 'route', revalidateReason: undefined });
  assert.equal(reply.over, false);
  finish();
  await reply.done();
});

test('it hears of answers that are none and of routes that do not load, not of redirects and notFound()', async () => {
  const heard = [];
  const instrumentation = { onRequestError: (error) => heard.push(error.message) };
  const { redirect, notFound } = require('../../runtime/js/shims/next/navigation');
  const gateway = await serve(instrumentation, {
    GET: () => 'text', POST: () => redirect('/elsewhere'), PUT: () => notFound(), DELETE: () => Promise.reject(new Error('late')),
  });
  for (const method of ['GET', 'POST', 'PUT', 'DELETE']) await (await gateway.request(`${method} /api/x/1`)).done();
  assert.equal(heard.length, 2);
  assert.match(heard[0], /No response is returned from route handler/);
  assert.equal(heard[1], 'late');

  const unloaded = await serve(instrumentation, thunk(() => { throw new Error('no such table'); }));
  await (await unloaded.request('GET /api/x/1')).done();
  assert.equal(heard[2], 'no such table');
});

test('what goes wrong in onRequestError is logged, and the answer is the same', async (t) => {
  const logged = t.mock.method(console, 'error', () => {});
  const gateway = await serve({ onRequestError() { throw new Error('reporter'); } }, { GET() { throw new Error('first'); } });
  const reply = await gateway.request('GET /api/x/1');
  await reply.done();
  assert.equal(reply.failure.kind, 'throw');
  assert.deepEqual(logged.mock.calls.map(({ arguments: [text, error] }) => [text, error.message]), [
    ['Error in instrumentation.onRequestError:', 'reporter'],
  ]);
});
