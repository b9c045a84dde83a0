'use strict';
/* pages/api and the routes that are files by their name, as `next start` of Next.js 16 answers them. */

const test = require('node:test');
const assert = require('node:assert/strict');
const { Readable } = require('node:stream');

require('../../runtime/js/web').install();
const adapter = require('../../runtime/js/dialects/next');
const { startInstance } = require('./mock_native');

async function serve(module, settings, { name = '/api/x', file = `pages${name}.js`, ...extra } = {}) {
  const gateway = await startInstance({
    adapter, modules: { m: module }, ...extra, endpoints: [{ name, file, module: 'm', settings }],
  });
  return async (line, options) => {
    const reply = await gateway.request(line, options);
    await reply.done();
    assert.deepEqual(gateway.violations, []);
    const text = String(reply.bytes);
    const { status, bytes } = reply;
    return {
      status, bytes, text, json: () => JSON.parse(text), header: (name) => reply.header(name), headers: (name) => reply.headerList(name),
    };
  };
}

const api = (handler, config, extra) => serve({ default: handler, config }, { pages: true }, extra);
const metadata = (module, kind, extra) => serve(module, { metadata: kind }, extra);
const echo = (req, res) => res.json({ url: req.url, query: req.query, body: req.body, cookies: req.cookies });

test('a handler of pages/api sees a query, cookies and a parsed body', async () => {
  const ask = await api(echo, undefined, { name: '/api/users/[id]' });
  const plain = await ask('GET /api/users/7?a=1&a=2&id=9', { params: { id: '7' }, headers: { cookie: 'c=%C3%A9; c=2' } });
  assert.deepEqual(plain.json(), { url: '/api/users/7?a=1&a=2', query: { a: ['1', '2'], id: '7' }, body: '', cookies: { c: 'é' } });
  assert.equal(plain.header('content-type'), 'application/json; charset=utf-8');
});

test('a body is what its type says, and a wrong one is refused', async () => {
  const ask = await api(echo);
  const post = (type, body) => ask('POST /api/x', { headers: { 'content-type': type }, body });
  const bodyOf = async (type, body) => (await post(type, body)).json().body;
  assert.deepEqual(await bodyOf('application/json', '{"a":1}'), { a: 1 });
  assert.deepEqual(await bodyOf('application/ld+json', ''), {});
  assert.deepEqual(await bodyOf('application/x-www-form-urlencoded', 'a=1&a=2'), { a: ['1', '2'] });
  assert.equal(await bodyOf('application/vnd.x+json', '{}'), '{}');
  assert.equal(await bodyOf('nonsense', 'x'), 'x');
  assert.equal(await bodyOf('text/plain; charset=latin1', Buffer.from([0xe9])), 'é');
  const [bad, strange] = [await post('application/json', '{'), await post('text/plain; charset=nope', 'x')];
  assert.deepEqual([bad.status, bad.text, strange.status, strange.text], [400, 'Invalid JSON', 400, 'Invalid body']);
});

test('a body may be as long as the configuration says, or is left to the handler', async () => {
  const short = await api(echo, { api: { bodyParser: { sizeLimit: '1kb' } } });
  assert.equal((await short('POST /api/x', { body: 'x'.repeat(1024) })).status, 200);
  const long = await short('POST /api/x', { body: 'x'.repeat(1025) });
  assert.deepEqual([long.status, long.text], [413, 'Body exceeded 1kb limit']);
  const raw = await api(async (req, res) => {
    const parts = await Array.fromAsync(req);
    res.json([req.body === undefined, Buffer.concat(parts).toString()]);
  }, { api: { bodyParser: false } });
  assert.deepEqual((await raw('POST /api/x', { body: 'stream' })).json(), [true, 'stream']);
});

test('what is sent says what it is', async () => {
  const cases = [
    [(res) => res.send('text'), undefined, 'text'],
    [(res) => res.send({ a: 1 }), 'application/json; charset=utf-8', '{"a":1}'],
    [(res) => res.send(false), 'application/json; charset=utf-8', 'false'],
    [(res) => res.send(Buffer.from('b')), 'application/octet-stream', 'b'],
    [(res) => res.send(Readable.from(['a', 'b'])), 'application/octet-stream', 'ab'],
    [(res) => res.send(null), undefined, ''],
    [(res) => res.setHeader('content-type', 'text/html').send('<p>'), 'text/html', '<p>'],
  ];
  for (const [answer, type, text] of cases) {
    const reply = await (await api((req, res) => answer(res)))('GET /api/x');
    assert.deepEqual([reply.status, reply.header('content-type') ?? undefined, reply.text], [200, type, text]);
  }
});

test('entity tags are those of Next.js, and are known again', async () => {
  const ask = await api((req, res) => res.send({ a: 1 }));
  assert.equal((await ask('GET /api/x')).header('etag'), '"147uiiad94i7"');
  const again = await ask('GET /api/x', { headers: { 'if-none-match': 'W/"z", W/"147uiiad94i7"' } });
  assert.deepEqual([again.status, again.text], [304, '']);
  const bytes = await api((req, res) => res.send(Buffer.from([1, 2, 255])));
  assert.equal((await bytes('GET /api/x')).header('etag'), '"12tjax5dudsy"');
});

test('redirects, statuses and faults', async () => {
  const ask = await api((req, res) => {
    if (req.query.to) return res.redirect(301, req.query.to);
    if (req.query.bad) return res.redirect(307);
    if (req.query.late) res.write('part');
    if (req.query.status) return res.status(204).json({ a: 1 });
    throw new Error('oops');
  });
  const moved = await ask('GET /api/x?to=/there');
  assert.deepEqual([moved.status, moved.header('location'), moved.text], [301, '/there', '/there']);
  const empty = await ask('GET /api/x?status=1');
  assert.deepEqual([empty.status, empty.header('content-type'), empty.text], [204, null, '']);
  for (const line of ['GET /api/x?bad=1', 'GET /api/x']) {
    const fault = await ask(line);
    assert.deepEqual([fault.status, fault.text], [500, 'Internal Server Error']);
  }
  const late = await ask('GET /api/x?late=1');
  assert.deepEqual([late.status, late.text], [200, 'partInternal Server Error']);
});

test('preview data comes back as it was given, until it is cleared; what is forged is not taken', async () => {
  const ask = await api((req, res) => {
    if (req.query.set) res.setPreviewData({ user: 1 }, { maxAge: 60 });
    if (req.query.draft) res.setDraftMode({ enable: true });
    res.json([req.preview ?? null, req.previewData, req.draftMode ?? null]);
  });
  const cookiesOf = (reply) => reply.headers('set-cookie').map((cookie) => cookie.split(';')[0]).join('; ');
  const set = await ask('GET /api/x?set=1');
  const known = await ask('GET /api/x', { headers: { cookie: cookiesOf(set) } });
  assert.deepEqual(known.json(), [true, { user: 1 }, true]);
  const draft = await ask('GET /api/x', { headers: { cookie: cookiesOf(await ask('GET /api/x?draft=1')) } });
  assert.deepEqual(draft.json(), [true, {}, true]);
  /* Not the last letter: two of its six bits say nothing. */
  const forged = await ask('GET /api/x', { headers: { cookie: cookiesOf(set).replace(/.(?=.$)/, (one) => (one === 'A' ? 'B' : 'A')) } });
  assert.deepEqual(forged.json(), [null, false, null]);
  assert.match(forged.headers('set-cookie').join(), /__next_preview_data=; Path=\/; Expires=Thu, 01 Jan 1970 00:00:00 GMT/);
});

test('an edge handler of pages/api gets a NextRequest whose query has the params', async () => {
  const handler = (req, event) => Response.json([req.nextUrl.search, typeof event.waitUntil]);
  const ask = await serve({ default: handler }, { pages: true, runtime: 'edge' }, { name: '/api/x/[id]' });
  assert.deepEqual((await ask('GET /api/x/5?a=1', { params: { id: '5' } })).json(), ['?a=1&id=5', 'function']);
});

test('a sitemap, robots and a manifest are written as Next.js writes them, once', async () => {
  let calls = 0;
  const sitemap = await metadata({
    default() {
      calls += 1;
      return [{ url: 'https://a.test', lastModified: new Date(0), priority: 0.5, alternates: { languages: { de: 'https://a.test/de' } } }];
    },
  }, 'sitemap', { name: '/sitemap.xml' });
  const reply = await sitemap('GET /sitemap.xml');
  await sitemap('GET /sitemap.xml');
  assert.equal(calls, 1);
  assert.deepEqual([reply.header('content-type'), reply.header('cache-control'), reply.header('x-nextjs-cache')],
    ['application/xml', 'public, max-age=0, must-revalidate', 'HIT']);
  assert.equal(reply.text, '<?xml version="1.0" encoding="UTF-8"?>\n'
    + '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:xhtml="http://www.w3.org/1999/xhtml">\n'
    + '<url>\n<loc>https://a.test</loc>\n<xhtml:link rel="alternate" hreflang="de" href="https://a.test/de" />\n'
    + '<lastmod>1970-01-01T00:00:00.000Z</lastmod>\n<priority>0.5</priority>\n</url>\n</urlset>\n');
  const robots = await metadata({
    default: () => ({ rules: [{ userAgent: ['A', 'B'], disallow: '/' }, { allow: '/' }], sitemap: 'https://a.test/s.xml' }),
  }, 'robots', { name: '/robots.txt' });
  assert.equal((await robots('GET /robots.txt')).text,
    'User-Agent: A\nUser-Agent: B\nDisallow: /\n\nUser-Agent: *\nAllow: /\n\nSitemap: https://a.test/s.xml\n');
  const refused = await robots('POST /robots.txt');
  assert.deepEqual([refused.status, refused.headers('allow')], [405, ['GET', 'HEAD']]);
});

test('generated sitemaps answer at their ids, which may be numbers', async () => {
  const ask = await metadata({
    generateSitemaps: () => [{ id: 0 }, { id: 'two' }],
    default: async ({ id }) => [{ url: `https://a.test/${await id}` }],
  }, 'sitemap', { name: '/sitemap/[__metadata_id__]' });
  const at = (id) => ask(`GET /sitemap/${id}`, { params: { __metadata_id__: id } });
  assert.match((await at('0.xml')).text, /<loc>https:\/\/a\.test\/0</);
  const missing = await at('7.xml');
  assert.deepEqual([missing.status, missing.text], [404, 'Not Found']);
});

test('an image is what its function answers, with the params of its path', async () => {
  const ask = await metadata({ default: async ({ params }) => Response.json(await params) }, 'image', { name: '/blog/[slug]/icon' });
  assert.deepEqual((await ask('GET /blog/tea/icon', { params: { slug: 'tea' } })).json(), { slug: 'tea' });
  const file = await metadata({ default: Buffer.from([1, 2]) }, 'file', { name: '/icon.png', file: 'app/icon.png' });
  const reply = await file('GET /icon.png');
  assert.deepEqual([reply.header('content-type'), [...reply.bytes]], ['image/png', [1, 2]]);
});

test('a path that is not UTF-8 is no parameter', async () => {
  const ask = await serve({ GET: () => new Response('x') }, {}, { name: '/api/[id]', file: 'app/api/[id]/route.ts' });
  assert.equal((await ask('GET /api/%zz', { params: { id: '%zz' } })).status, 500);
  assert.equal((await (await api(echo, undefined, { name: '/api/[id]' }))('GET /api/%ff', { params: { id: '%ff' } })).status, 400);
});
