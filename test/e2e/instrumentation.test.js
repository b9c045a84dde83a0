/* Next's instrumentation.ts, in a running platform. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { startPlatform } from './harness.js';

const ROUTE = `
  const ready = globalThis.ready;
  export const GET = () => Response.json({ ready });
  export const POST = () => { throw new Error('no more tea'); };\n`;

const HOOK = `
  export async function register() {
    if (process.env.NEXT_RUNTIME !== 'nodejs') return;
    await new Promise((done) => setTimeout(done, 20));
    globalThis.ready = 'yes';
  }
  export async function onRequestError(error: Error, request: { path: string; method: string }, context: { routePath: string }) {
    await new Promise((done) => setTimeout(done, 20));
    console.log('reported', error.message, request.method, request.path, context.routePath);
  }\n`;

test('register() has run when a route is loaded, and onRequestError hears of errors', async (t) => {
  const platform = await startPlatform(t, { files: { 'app/api/tea/route.ts': ROUTE, 'instrumentation.ts': HOOK } });
  assert.deepEqual((await platform.get('/api/tea')).json, { ready: 'yes' });
  assert.equal((await platform.post('/api/tea?cup=1', 'x')).status, 500);
  const log = await platform.log('reported');
  assert.equal(log.text, 'reported no more tea POST /api/tea?cup=1 /api/tea');
});

test('a register() that fails is the reason why the project is not served, until it is mended', async (t) => {
  const broken = "export function register() { throw new Error('TEA_KEY is not set'); }\n";
  const platform = await startPlatform(t, { files: { 'src/app/api/tea/route.ts': ROUTE, 'src/instrumentation.ts': broken } });
  const failed = await platform.record((record) => record.type === 'function');
  assert.equal(failed.loaded, false);
  assert.match(failed.reason, /An error occurred while loading instrumentation hook: TEA_KEY is not set/);
  assert.equal((await platform.get('/api/tea')).status, 500);
  await platform.save('src/instrumentation.ts', HOOK);
  assert.deepEqual((await platform.get('/api/tea')).json, { ready: 'yes' });
});
