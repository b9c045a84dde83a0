/* Vercel projects through the whole platform, where that is more than their dialect: as `vercel dev` answers. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { startPlatform } from './harness.js';

const echo = 'export default (request, response) => response.json({ url: request.url });\n';
const UNCACHED = 'public, max-age=0, must-revalidate';

test('what is not there is told as the client likes it', async (t) => {
  const platform = await startPlatform(t, { files: { 'api/echo.js': echo } });
  const ask = async (accept) => {
    const { status, headers, text } = await platform.get('/nowhere', { headers: { accept } });
    assert.deepEqual([status, headers['x-vercel-error'], headers['cache-control'], headers.server], [404, 'NOT_FOUND', UNCACHED, 'Vercel']);
    return [headers['content-type'], text];
  };

  assert.deepEqual(await ask('*/*'), ['text/plain; charset=utf-8', 'The page could not be found.\n\nNOT_FOUND\n']);
  assert.deepEqual(await ask('application/json'), ['application/json', '{"error":{"code":404,"message":"The page could not be found."}}\n']);
  const [type, page] = await ask('text/html,application/xhtml+xml');
  assert.equal(type, 'text/html; charset=utf-8');
  assert.match(page, /<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">/);
  assert.match(page, /<title>404: NOT_FOUND<\/title>.*<code>NOT_FOUND<\/code>/s);
});

test('a function that fails says so, in JSON to who asks for that', async (t) => {
  const platform = await startPlatform(t, { files: { 'api/bad.js': 'export default () => { throw new Error("x"); };\n' } });
  const ask = (accept) => platform.get('/api/bad', { headers: { accept } });

  const plain = await ask('*/*');
  assert.deepEqual([plain.status, plain.text], [500, 'A server error has occurred\n\nFUNCTION_INVOCATION_FAILED\n']);
  const json = await ask('application/json');
  assert.deepEqual([json.status, json.json], [500, { error: { code: 500, message: 'A server error has occurred' } }]);
});

test('404.html of the project answers for what is neither a file nor below /api', async (t) => {
  const platform = await startPlatform(t, {
    files: { 'api/echo.js': echo, 'public/404.html': '<h1>lost</h1>', 'public/a.txt': 'a' },
  });
  const lost = await platform.get('/nowhere/at/all');
  assert.deepEqual([lost.status, lost.text, lost.headers['content-type']], [404, '<h1>lost</h1>', 'text/html; charset=utf-8']);
  assert.match((await platform.get('/api/nowhere')).text, /NOT_FOUND/);
  assert.equal((await platform.get('/a.txt')).text, 'a');
  assert.equal((await platform.request('POST', '/a.txt')).status, 405);
});

test('a redirect says what it is, and is not kept', async (t) => {
  const platform = await startPlatform(t, {
    files: { 'api/echo.js': echo, 'vercel.json': '{ "redirects": [{ "source": "/old", "destination": "/new" }] }' },
  });
  const { status, text, headers } = await platform.get('/old?x=1');
  assert.deepEqual([status, headers.location, text], [308, '/new?x=1', 'Redirecting...\n']);
  assert.deepEqual([headers['content-type'], headers['cache-control'], headers.server], ['text/plain; charset=utf-8', UNCACHED, 'Vercel']);
});

test('a file says its name, and an edge function has nothing of Node.js', async (t) => {
  const platform = await startPlatform(t, { files: {
    'vercel.json': '{}',
    'public/docs/tea.txt': 'tea', 'public/index.html': '<p>', 'public/\u00fc.txt': 'u',
    'api/edge.js': `import { Buffer as Bytes } from 'node:buffer';
export const config = { runtime: 'edge' };
const tried = (fn) => { try { return fn(); } catch (error) { return error.name; } };
export default () => Response.json([typeof Buffer, typeof setImmediate, typeof globalThis.Buffer, Bytes.from('a').length,
  tried(() => Buffer.from('a')), typeof process.nextTick, tried(() => eval('1')), tried(() => new Function('return 1')())]);
`,
  } });
  const named = async (target) => (await platform.get(target)).headers['content-disposition'];
  assert.equal(await named('/docs/tea.txt'), 'inline; filename="tea.txt"');
  assert.equal(await named('/'), 'inline; filename="index.html"');
  assert.equal(await named('/%C3%BC.txt'), undefined);
  assert.deepEqual((await platform.get('/api/edge')).json, [
    'undefined', 'undefined', 'undefined', 1, 'ReferenceError', 'undefined', 'EvalError', 'EvalError']);
});

test('middleware rewrites to a path without its site, as rewrite() of @vercel/functions passes it on', async (t) => {
  const platform = await startPlatform(t, {
    files: {
      'vercel.json': '{}', 'api/echo.js': echo,
      'middleware.js': `
        export default (request) => new Response(null, { headers: { 'x-middleware-rewrite': new URL(request.url).searchParams.get('to') } });
      `,
    },
  });
  assert.deepEqual((await platform.get('/a?to=/api/echo?b=1')).json, { url: '/a?b=1' });
  const { status, headers } = await platform.get('/a?to=/api/nowhere');
  assert.deepEqual([status, headers['x-vercel-error']], [404, 'NOT_FOUND']);
});

test('an edge function without a handler fails in words that say so, and a stack names a file as it is written', async (t) => {
  const platform = await startPlatform(t, {
    files: {
      'api/none.js': "export const config = { runtime: 'edge' };\nexport const handle = () => new Response('x');\n",
      'api/[id].js': 'export default () => {\n  throw new Error("thrown");\n};\n',
    },
  });
  assert.equal((await platform.get('/api/none')).status, 500);
  await platform.log("Can't detect way to handle request: api/none.js exports config, handle");
  assert.equal((await platform.get('/api/7')).status, 500);
  await platform.log('/var/task/api/[id].js:2:9');
});
