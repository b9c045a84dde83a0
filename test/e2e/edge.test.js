/* Edge functions through the whole platform: what they can tell of where they are, as under `next start` and
 * `vercel dev`. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { startPlatform } from './harness.js';

const SCOPE = `JSON.stringify({
  edge: typeof EdgeRuntime === 'string' ? EdgeRuntime : null, next: process.env.NEXT_RUNTIME, version: typeof process.version,
  versions: typeof process.versions, global: typeof globalThis.navigator, condition,
  buffer: typeof Buffer === 'undefined' ? null : Buffer.from('hi').toString('base64'),
})`;
const route = (runtime) => `
import condition from 'conditional';
export const runtime = '${runtime}';
export const GET = () => new Response(${SCOPE});
`;
const CONDITIONAL = JSON.stringify({
  name: 'conditional', exports: { '.': { 'edge-light': './edge.js', node: './node.js', default: './default.js' } },
});
const PACKAGE = {
  'node_modules/conditional/package.json': CONDITIONAL,
  'node_modules/conditional/edge.js': "module.exports = 'edge-light';",
  'node_modules/conditional/node.js': "module.exports = 'node';",
  'node_modules/conditional/default.js': "module.exports = 'default';",
};
const ON_EDGE = { edge: 'edge-runtime', version: 'undefined', versions: 'undefined', global: 'undefined', condition: 'edge-light', buffer: 'aGk=' };
const ON_NODE = { edge: null, version: 'string', versions: 'object', global: 'object', condition: 'node', buffer: 'aGk=' };

test('a Next.js project with both runtimes', async (t) => {
  const platform = await startPlatform(t, {
    files: {
      ...PACKAGE,
      'app/edge/route.js': route('edge'),
      'app/node/route.js': route('nodejs'),
      'app/missing/route.js': `
        import { readFileSync } from 'node:fs';
        import { AsyncLocalStorage } from 'node:async_hooks';
        export const runtime = 'edge';
        export const GET = () => new Response(typeof AsyncLocalStorage);
        export const POST = () => new Response(readFileSync('/etc/hostname'));
        export const PUT = () => new Response(String(process.cwd()));
      `,
      'middleware.js': `
        import condition from 'conditional';
        export const config = { matcher: '/middle' };
        export const middleware = () => new Response(${SCOPE});
      `,
    },
  });

  await t.test('has each see its own scope', async () => {
    assert.deepEqual((await platform.get('/edge')).json, { ...ON_EDGE, next: 'edge' });
    assert.deepEqual((await platform.get('/node')).json, { ...ON_NODE, next: 'nodejs' });
    assert.deepEqual((await platform.get('/middle')).json, { ...ON_EDGE, next: 'edge' });
  });

  await t.test('fails where what is used is not there, and only there', async () => {
    assert.equal((await platform.get('/missing')).text, 'function');
    assert.equal((await platform.request('POST', '/missing')).status, 500);
    await platform.log("The edge runtime does not support Node.js 'fs' module.");
    assert.equal((await platform.request('PUT', '/missing')).status, 500);
    await platform.log('A Node.js API is used (process.cwd) which is not supported in the Edge Runtime.');
  });
});

test('files beside the source of an edge function are fetched, and WebAssembly is imported, when a request needs them', async (t) => {
  const add = Buffer.from('AGFzbQEAAAABBwFgAn9/AX8DAgEABwcBA2FkZAAACgkBBwAgACABags=', 'base64'); /* exports add(a, b) */
  const source = `
    export const font = () => fetch(new URL('./font.ttf', import.meta.url)).then((res) => res.arrayBuffer());
    export { default as wasm } from './add.wasm?module';
  `;
  const handler = `
    export const GET = async () => {
      const { font, wasm } = await import('drawing');
      const own = await (await fetch(new URL('./own.bin', import.meta.url))).text();
      return new Response(own + (await font()).byteLength + new WebAssembly.Instance(wasm).exports.add(2, 3));
    };
  `;
  const platform = await startPlatform(t, {
    files: {
      'node_modules/drawing/package.json': '{ "name": "drawing", "type": "module", "exports": "./index.js" }',
      'node_modules/drawing/index.js': source, 'node_modules/drawing/font.ttf': Buffer.alloc(3000, 255), 'node_modules/drawing/add.wasm': add,
      'package.json': '{ "dependencies": { "next": "16", "drawing": "1" } }',
      'app/card/route.js': `export const runtime = 'edge';${handler}`, 'app/card/own.bin': 'own ',
      'api/card.js': `export const config = { runtime: 'edge' };${handler}`, 'api/own.bin': 'own ',
    },
  });
  assert.equal((await platform.get('/card')).text, 'own 30005');
  assert.equal((await platform.get('/api/card')).text, 'own 30005');
});

test('a proxy.js of a Next.js project is for Node.js', async (t) => {
  const platform = await startPlatform(t, {
    files: {
      ...PACKAGE,
      'app/edge/route.js': route('edge'),
      'proxy.js': `
        import condition from 'conditional';
        export const config = { matcher: '/middle' };
        export const proxy = () => new Response(${SCOPE});
      `,
    },
  });
  assert.deepEqual((await platform.get('/middle')).json, { ...ON_NODE, next: 'nodejs' });
});

test('a Vercel project with both runtimes', async (t) => {
  const handler = (config) => `
    import condition from 'conditional';
    ${config}
    export const GET = () => new Response(${SCOPE});
  `;
  const platform = await startPlatform(t, {
    files: {
      ...PACKAGE,
      'vercel.json': '{}',
      'api/edge.js': handler("export const config = { runtime: 'edge' };"),
      'api/node.js': handler(''),
    },
  });
  assert.deepEqual((await platform.get('/api/edge')).json, { ...ON_EDGE, buffer: null });
  assert.deepEqual((await platform.get('/api/node')).json, ON_NODE);
});
