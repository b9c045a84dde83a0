/* Bodies that go out compressed: as the platforms do it for clients that accept it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { test } from 'node:test';
import { createGunzip, gunzipSync, gzipSync } from 'node:zlib';
import { startPlatform } from './harness.js';

const GZIP = { headers: { 'accept-encoding': 'gzip, deflate, br' } };
const LONG = JSON.stringify({ text: 'a word and another '.repeat(500) });
const BIG = 'a line that is not like the one before it: ' + Array.from({ length: 60_000 }, (_, i) => i * 7919).join('\n');

/* Each answer by name, so that one handler serves all. */
const ANSWERS = `
import { gzipSync } from 'node:zlib';
const long = ${JSON.stringify(LONG)};
const text = (body, headers = {}, status = 200) => new Response(body, { status, headers: { 'content-type': 'text/plain', ...headers } });
const wait = (name) => new Promise((resolve) => { waiting[name] = resolve; });
const waiting = {};
export const dynamic = 'force-dynamic';
export async function GET(request, { params }) {
  const { name } = await params;
  if (waiting[name]) { waiting[name](); return text('gone on'); }
  switch (name) {
  case 'json': return Response.json(JSON.parse(long));
  case 'small': return Response.json({ a: 1 });
  case 'tag': return text(long, { etag: '"abc"' });
  case 'fixed': return text(long, { 'cache-control': 'no-transform' });
  case 'coded': return text(gzipSync(long), { 'content-encoding': 'gzip' });
  case 'image': return text(long, { 'content-type': 'image/png' });
  case 'missing': return text(long, {}, 404);
  case 'vary': return text(long, { vary: 'Cookie, accept-encoding' });
  case 'big': return text(${JSON.stringify(BIG)});
  case 'events': return new Response(new ReadableStream({
    async start(controller) {
      controller.enqueue(new TextEncoder().encode('data: 1\\n\\n'));
      await wait('go-on');
      controller.enqueue(new TextEncoder().encode('data: 2\\n\\n'));
      controller.close();
    },
  }), { headers: { 'content-type': 'text/event-stream' } });
  }
}
`;
const FILES = {
  'app/api/[name]/route.js': ANSWERS,
  'mayfly.json': '{ "functions": { "app": { "maxInstances": 1 } } }', /* who waits is one instance's */
  'public/page.html': LONG, 'public/big.txt': BIG, 'public/small.txt': 'small', 'public/picture.png': LONG,
};

const coding = (answer) => answer.headers['content-encoding'];
const varies = (answer) => /(^|, )accept-encoding/i.test(answer.headers.vary ?? '');

test('who accepts gzip gets it, from functions and from folders', async (t) => {
  const platform = await startPlatform(t, { files: FILES });
  const get = (target, options = GZIP) => platform.get(target, options);

  await t.test('a whole body, with the length of what is sent', async () => {
    const answer = await get('/api/json');
    assert.equal(coding(answer), 'gzip');
    assert.ok(varies(answer));
    assert.equal(Number(answer.headers['content-length']), answer.body.length);
    assert.ok(answer.body.length < LONG.length / 4);
    assert.equal(gunzipSync(answer.body).toString(), LONG);
  });

  await t.test('whoever does not ask gets the plain body, and is told that it varies', async () => {
    const answer = await get('/api/json', {});
    assert.equal(coding(answer), undefined);
    assert.ok(varies(answer));
    assert.equal(answer.text, LONG);
  });

  await t.test('a long body, a status of its own and a weak tag', async () => {
    assert.equal(gunzipSync((await get('/api/big')).body).toString(), BIG);
    const missing = await get('/api/missing');
    assert.equal(missing.status, 404);
    assert.equal(gunzipSync(missing.body).toString(), LONG);
    assert.equal((await get('/api/tag')).headers.etag, 'W/"abc"');
    assert.equal((await get('/api/tag', {})).headers.etag, '"abc"');
    assert.equal((await get('/api/vary')).headers.vary.match(/accept-encoding/gi).length, 1);
  });

  await t.test('what is small, of no such type, coded already or not to be changed stays as it is', async () => {
    assert.deepEqual((await get('/api/small')).json, { a: 1 });
    assert.equal((await get('/api/image')).text, LONG);
    assert.equal((await get('/api/fixed')).text, LONG);
    const coded = await get('/api/coded');
    assert.deepEqual(coded.body, gzipSync(LONG));
  });

  await t.test('HEAD has no body and no coding', async () => {
    const answer = await platform.request('HEAD', '/api/json', GZIP);
    assert.equal(coding(answer), undefined);
    assert.equal(answer.body.length, 0);
  });

  await t.test('files', async () => {
    for (const [file, contents] of [['/page.html', LONG], ['/big.txt', BIG]]) {
      const answer = await get(file);
      assert.equal(coding(answer), 'gzip', file);
      assert.equal(gunzipSync(answer.body).toString(), contents, file);
      assert.match(answer.headers.etag, /^W\//);
      const again = await get(file, { headers: { ...GZIP.headers, 'if-none-match': answer.headers.etag } });
      assert.equal(again.status, 304);
      assert.equal((await get(file, {})).text, contents);
    }
    assert.equal((await get('/small.txt')).text, 'small');
    assert.equal((await get('/picture.png')).text, LONG);
    const part = await get('/big.txt', { headers: { ...GZIP.headers, range: 'bytes=5-9' } });
    assert.equal(part.status, 206);
    assert.equal(part.text, BIG.slice(5, 10));
  });

  await t.test('each piece of a stream can be read when it has been sent', async () => {
    const request = http.get(`${platform.origin}/api/events`, { ...GZIP, agent: false });
    const [response] = await once(request, 'response');
    assert.equal(response.headers['content-encoding'], 'gzip');
    const pieces = response.pipe(createGunzip())[Symbol.asyncIterator]();
    assert.equal(String((await pieces.next()).value), 'data: 1\n\n');
    assert.equal((await get('/api/go-on')).text, 'gone on');
    assert.equal(String((await pieces.next()).value), 'data: 2\n\n');
    assert.equal((await pieces.next()).done, true);
  });
});

test('a Next.js project may leave it to a proxy', async (t) => {
  const platform = await startPlatform(t, { files: { ...FILES, 'next.config.js': 'module.exports = { compress: false };' } });
  for (const target of ['/api/json', '/page.html']) {
    const answer = await platform.get(target, GZIP);
    assert.equal(coding(answer), undefined, target);
    assert.ok(!varies(answer), target);
    assert.equal(answer.text, LONG, target);
  }
});

test('behind middleware a body is compressed once', async (t) => {
  const platform = await startPlatform(t, {
    files: { ...FILES, 'middleware.js': 'export function middleware() {}\nexport const config = { matcher: "/api/json" };' },
  });
  const answer = await platform.get('/api/json', GZIP);
  assert.equal(coding(answer), 'gzip');
  assert.equal(gunzipSync(answer.body).toString(), LONG);
});

test('a plain server answers in its own way', async (t) => {
  const platform = await startPlatform(t, {
    files: { 'package.json': JSON.stringify({ scripts: { start: 'node server.js' } }), 'server.js': `require('node:http').createServer((q, r) => r.setHeader('content-type', 'text/plain').end('x'.repeat(5000))).listen(process.env.PORT);` },
  });
  const answer = await platform.get('/', GZIP);
  assert.equal(coding(answer), undefined);
  assert.equal(answer.text.length, 5000);
});
