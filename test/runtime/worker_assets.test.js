'use strict';
/* Static assets of a worker: expectations were measured under wrangler dev 4.164. */

const { test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { serve } = require('./worker_serve');

const FILES = {
  'index.html': 'index', 'about.html': 'about', 'docs/index.html': 'docs', 'docs/a.html': 'docs a', 'docs/404.html': 'docs 404',
  'both.html': 'both file', 'both/index.html': 'both index', 'style.css': 'body{}', 'app.js': 'js()', 'noext': 'plain',
  'sp ace.txt': 'space', '404.html': 'my 404', 'ignored.txt': 'x', 'keep/ignored.txt': 'x', '.assetsignore': 'ignored.txt\n!keep/ignored.txt\n', '.hidden': 'h',
  '_worker.js': 'of Cloudflare Pages', '_routes.json': '{}',
};
const WORKER = {
  default: {
    async fetch(request, env) {
      const { pathname, searchParams } = new URL(request.url);
      return pathname === '/ask' ? env.ASSETS.fetch(new URL(searchParams.get('for'), request.url)) : new Response(`worker ${pathname}`);
    },
  },
};

function folderOf(t, files) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mayfly-assets-'));
  t.after(() => fs.rmSync(folder, { recursive: true }));
  for (const [name, contents] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    fs.writeFileSync(path.join(folder, name), contents);
  }
  return folder;
}

/* ask(line, headers): status and location or body, as one text. */
async function site(t, settings = {}, files = FILES, { compatibility_date: date = '2026-01-01' } = {}) {
  const directory = folderOf(t, files);
  const gateway = await serve(WORKER, {
    settings: { compatibility_date: date, assets: { directory, has_worker: true, binding: 'ASSETS', ...settings } },
  });
  const fetch = async (line, headers) => {
    const reply = await gateway.request(line.includes(' ') ? line : `GET ${line}`, { headers });
    await reply.text();
    return reply;
  };
  const ask = async (line, headers) => {
    const reply = await fetch(line, headers);
    return `${reply.status} ${reply.header('location') ?? reply.bytes}`.trim();
  };
  return { ask, fetch, directory, gateway };
}

async function expect(ask, cases) {
  const found = {};
  for (const line of Object.keys(cases)) {
    found[line] = await ask(line);
  }
  assert.deepEqual(found, cases);
}

test('a page has one address and the others lead there', async (t) => {
  const { ask } = await site(t);
  await expect(ask, {
    '/': '200 index', '/index': '307 /', '/index.html': '307 /', '/about': '200 about', '/about/': '307 /about',
    '/about.html?x=1': '307 /about?x=1', '/about/index.html': '307 /about', '/docs': '307 /docs/', '/docs/': '200 docs',
    '/docs/index': '307 /docs/', '/docs/a/': '307 /docs/a', '/both': '200 both file', '/both/': '200 both index',
    '/both.html': '307 /both', '/style.css': '200 body{}', '/style.css/': '200 worker /style.css/', '/noext': '200 plain',
    '/sp%20ace.txt': '200 space', '/a%62out': '307 /about', '//about': '307 /about', '/docs//a': '307 /docs/a',
    '/docs/%2e%2e/about': '200 about', '/docs%2fa': '307 /docs/a', '/nope': '200 worker /nope', '/%zz': '200 worker /%zz',
    '/..%2f..%2fetc%2fpasswd': '200 worker /..%2f..%2fetc%2fpasswd', '/.hidden': '200 h', '/ignored.txt': '200 worker /ignored.txt',
    '/keep/ignored.txt': '200 x', '/_headers': '200 worker /_headers', '/.assetsignore': '200 worker /.assetsignore',
    '/_worker.js': '200 worker /_worker.js', '/_routes.json': '200 worker /_routes.json', 'POST /about': '405', 'POST /nope': '200 worker /nope', 'HEAD /about': '200',
  });
});

test('html_handling says which address that is', async (t) => {
  await expect((await site(t, { html_handling: 'force-trailing-slash' })).ask, {
    '/about': '307 /about/', '/about/': '200 about', '/about.html': '307 /about/', '/docs': '307 /docs/', '/docs/': '200 docs',
    '/docs/index.html': '307 /docs/', '/both/': '200 both index', '/both.html': '200 both file',
  });
  await expect((await site(t, { html_handling: 'drop-trailing-slash' })).ask, {
    '/': '200 index', '/about/': '307 /about', '/about': '200 about', '/docs/': '307 /docs', '/docs': '200 docs', '/docs/index': '307 /docs',
    '/index.html': '307 /', '/both/': '307 /both',
  });
  await expect((await site(t, { html_handling: 'none' })).ask, {
    '/': '200 worker /', '/about': '200 worker /about', '/about.html': '200 about', '/docs/index.html': '200 docs',
  });
});

test('not_found_handling answers what is no file', async (t) => {
  const pages = await site(t, { not_found_handling: '404-page', has_worker: false });
  await expect(pages.ask, { '/nope': '404 my 404', '/docs/nope/x': '404 docs 404', 'POST /nope': '405' });
  const app = await site(t, { not_found_handling: 'single-page-application', has_worker: false });
  await expect(app.ask, { '/nope/x': '200 index', '/about': '200 about' });
  const none = await site(t, { has_worker: false });
  await expect(none.ask, { '/nope': '404' });
});

test('the worker answers what is no file, unless a browser navigates or it is told to come first', async (t) => {
  const navigates = { 'sec-fetch-mode': 'navigate' };
  const app = await site(t, { not_found_handling: 'single-page-application' });
  assert.equal(await app.ask('/api/x'), '200 worker /api/x');
  assert.equal(await app.ask('/api/x', navigates), '200 index');
  const before = await site(t, { not_found_handling: 'single-page-application' }, FILES, { compatibility_date: '2025-03-31' });
  assert.equal(await before.ask('/api/x', navigates), '200 worker /api/x');
  const first = await site(t, { run_worker_first: true });
  await expect(first.ask, { '/about': '200 worker /about', '/ask?for=/about': '200 about' });
  const some = await site(t, { run_worker_first: ['/docs/*', '!/docs/a'], not_found_handling: 'single-page-application' });
  await expect(some.ask, { '/docs/': '200 worker /docs/', '/docs/a': '200 docs a', '/about': '200 about', '/else': '200 index' });
});

test('the binding finds what a browser would, and follows redirects', async (t) => {
  const { ask } = await site(t);
  await expect(ask, { '/ask?for=/about.html': '200 about', '/ask?for=/nope': '404', '/ask?for=/docs': '200 docs' });
});

test('an asset says what it is and whether it changed', async (t) => {
  const { fetch, directory } = await site(t, {}, { 'big.txt': 'x'.repeat(200_000), 'a.bin': 'b', noext: '', 'a.json': '{}', 'a.mjs': '' });
  const big = await fetch('/big.txt');
  assert.deepEqual(['content-type', 'content-length', 'cache-control', 'cf-cache-status'].map((name) => big.header(name)),
    ['text/plain; charset=utf-8', '200000', 'public, max-age=0, must-revalidate', 'HIT']);
  assert.equal(big.bytes.length, 200_000);
  const etag = big.header('etag');
  assert.match(etag, /^"[0-9a-f]{32}"$/);
  assert.equal((await fetch('/big.txt', { 'if-none-match': `W/${etag}` })).status, 304);
  assert.equal((await fetch('/big.txt', { authorization: 'x' })).header('cache-control'), null);
  const head = await fetch('HEAD /big.txt');
  assert.deepEqual([head.header('content-length'), head.bytes.length], ['200000', 0]);
  const types = ['noext', 'a.json', 'a.mjs', 'a.bin'].map(async (name) => (await fetch(`/${name}`)).header('content-type'));
  assert.deepEqual(await Promise.all(types), [null, 'application/json', 'text/javascript; charset=utf-8', 'application/octet-stream']);
  fs.writeFileSync(path.join(directory, 'new.txt'), 'just saved');
  assert.equal(String((await fetch('/new.txt')).bytes), 'just saved');
  fs.appendFileSync(path.join(directory, 'a.json'), ' ');
  assert.notEqual((await fetch('/a.json')).header('etag'), etag);
});

const HEADERS = `# all of them
/*
  X-All: 1
/style.css
  Cache-Control: max-age=5
  ! X-All
/docs/*
  X-Docs: :splat
  X-Docs: again
/p/:id/:id
  X-Never: 1
/about
  X-All: 2
  nonsense
`;

test('_headers adds and takes off', async (t) => {
  const { fetch, gateway } = await site(t, {}, { ...FILES, _headers: HEADERS });
  const headersOf = async (line) => {
    const reply = await fetch(line);
    return ['x-all', 'x-docs', 'cache-control'].map((name) => reply.header(name));
  };
  const cache = 'public, max-age=0, must-revalidate';
  assert.deepEqual(await headersOf('/style.css'), [null, null, 'max-age=5']);
  assert.deepEqual(await headersOf('/docs/a'), ['1', 'a, again', cache]);
  assert.deepEqual(await headersOf('/docs'), ['1', null, null]);
  assert.deepEqual(await headersOf('/about'), ['1, 2', null, cache]);
  assert.deepEqual(await headersOf('/nope'), [null, null, null]);
  const told = gateway.logs.filter(({ level }) => level === 2).map(({ text }) => text);
  assert.deepEqual(told, [
    '_headers: line 10: a path may have one star, and each name once',
    '_headers: line 14: Expected a colon-separated header pair (e.g. name: value)',
  ]);
});

const REDIRECTS = `/red /about
/perm /about 301
/out https://example.com/x 308
/old/* /new/:splat
/u/:id /user/:id 301
/rw /about 200
/rw/* /docs/:splat 200
/q /about?x=1#f
/evil/* /:splat
/one
/status /about 404
/twice /a
/twice /b
/loop/* /index.html
https://one.example/x /host
/x /path
`;

test('_redirects lead elsewhere or show another file', async (t) => {
  const { ask, gateway, directory } = await site(t, {}, { ...FILES, _redirects: REDIRECTS });
  await expect(ask, {
    '/red': '302 /about', '/red?a=1': '302 /about?a=1', '/perm': '301 /about', '/out': '308 https://example.com/x',
    '/old/a/b': '302 /new/a/b', '/old': '200 worker /old', '/u/5': '301 /user/5', '/u/5/': '200 worker /u/5/',
    '/rw': '200 about', '/rw/a': '200 docs a', '/rw/nope': '404', '/q?y=2': '302 /about?x=1#f', 'POST /red': '302 /about',
    '/evil//other.example': '302 /other.example', '/one': '200 worker /one', '/twice': '302 /a', '/x': '302 /path',
  });
  const told = gateway.logs.filter(({ level }) => level === 2).map(({ text }) => text);
  assert.deepEqual(told, [
    '_redirects: line 10: Expected exactly 2 or 3 whitespace-separated tokens. Got 1.',
    '_redirects: line 11: Valid status codes are 200, 301, 302 (default), 303, 307, or 308. Got 404.',
    '_redirects: line 13: Ignoring duplicate rule for path /twice.',
    '_redirects: line 14: Infinite loop detected in this rule and has been ignored.',
  ]);
  fs.writeFileSync(path.join(directory, '_redirects'), '/red /elsewhere\n');
  assert.equal(await ask('/red'), '302 /elsewhere');
});
