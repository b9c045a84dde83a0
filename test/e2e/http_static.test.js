/* Files of a project's public folder. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { eventually } from './harness.js';
import { API, CATCH_ALL, exchange, startGateway, statusOf } from './http_gateway.js';
import { processTree, titleOf } from './machine.js';

const BIG = 'abcdefghij'.repeat(60_000);
const FILES = {
  'page.html': '<h1>hi</h1>', 'style.css': 'a{}', 'empty.txt': '', 'big.bin': BIG, 'with space.txt': 'space',
  'docs/index.html': 'index', 'umlaut-\u00e4.txt': 'ae', 'dir/file.js': '1',
};
const ROUTES = [{ src: '^/page.*$', headers: { 'x-own': 'route', 'cache-control': 'max-age=5' }, continue: true }, { static: true }, ...CATCH_ALL];

test('static files', async (t) => {
  const gateway = await startGateway(t, { files: FILES, routes: ROUTES });
  const get = async (target, headers = {}, method = 'GET') => {
    const response = await gateway.fetch(target, { headers, method, redirect: 'manual' });
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  const raw = (target) => exchange(gateway.port, `GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);

  await t.test('have a type, a length, a tag and a date', async () => {
    const { status, headers, text } = await get('/page.html?x=1');
    assert.equal(status, 200);
    assert.equal(text, FILES['page.html']);
    assert.equal(headers.get('content-type'), 'text/html; charset=utf-8');
    assert.equal(headers.get('content-length'), '11');
    assert.match(headers.get('etag'), /^"[^"]+"$/);
    assert.ok(Date.parse(headers.get('last-modified')) <= Date.now());
    assert.equal(headers.get('accept-ranges'), 'bytes');
  });

  await t.test('a route\'s headers win', async () => {
    const { headers } = await get('/page.html');
    assert.equal(headers.get('x-own'), 'route');
    assert.equal(headers.get('cache-control'), 'max-age=5');
  });

  await t.test('are found by encoded names, in folders, and by a folder\'s index', async () => {
    assert.equal((await get('/with%20space.txt')).text, 'space');
    assert.equal((await get('/umlaut-%C3%A4.txt')).text, 'ae');
    assert.equal((await get('/dir/file.js')).text, '1');
    assert.equal((await get('/docs/')).text, 'index');
    assert.equal((await get('/empty.txt')).headers.get('content-length'), '0');
    for (const target of ['/dir/../style.css', '/dir/%2e%2e/style.css', '/dir/..%2fstyle.css', '/./dir/.././style.css']) {
      assert.match(await raw(target), /\r\n\r\na\{\}$/, target);
    }
    assert.match(await raw('/dir/..'), /\r\n\r\nok$/, 'the folder itself has no index');
  });

  await t.test('long ones arrive whole', async () => {
    assert.equal((await get('/big.bin')).text, BIG);
  });

  await t.test('HEAD sends no body', async () => {
    const { headers, text } = await get('/big.bin', {}, 'HEAD');
    assert.equal(headers.get('content-length'), String(BIG.length));
    assert.equal(text, '');
  });

  await t.test('other methods go on to the functions', async () => {
    assert.equal((await get('/page.html', {}, 'DELETE')).text, 'ok');
  });

  await t.test('what is not there goes on to the functions', async () => {
    assert.equal((await get('/nothing.html')).text, 'ok');
  });

  await t.test('conditions', async () => {
    const { headers } = await get('/style.css');
    const tag = headers.get('etag');
    const date = headers.get('last-modified');
    const status = async (given) => (await get('/style.css', given)).status;
    assert.equal(await status({ 'if-none-match': tag }), 304);
    assert.equal(await status({ 'if-none-match': `"x", W/${tag}` }), 304);
    assert.equal(await status({ 'if-none-match': '*' }), 304);
    assert.equal(await status({ 'if-none-match': '"x"' }), 200);
    assert.equal(await status({ 'if-modified-since': date }), 304);
    assert.equal(await status({ 'if-modified-since': 'Sun, 06 Nov 1994 08:49:37 GMT' }), 200);
    assert.equal(await status({ 'if-modified-since': 'nonsense' }), 200);
    assert.equal(await status({ 'if-none-match': '"x"', 'if-modified-since': date }), 200);
    assert.equal(await status({ 'if-match': '"x"' }), 412);
    assert.equal(await status({ 'if-match': tag }), 200);
    assert.equal(await status({ 'if-unmodified-since': 'Sun, 06 Nov 1994 08:49:37 GMT' }), 412);
    const unchanged = await get('/style.css', { 'if-none-match': tag });
    assert.equal(unchanged.headers.get('etag'), tag);
    assert.equal(unchanged.headers.get('content-length'), null);
    assert.equal(unchanged.headers.get('content-type'), null);
    const twice = `GET /style.css HTTP/1.1\r\nHost: a\r\nIf-None-Match: "x"\r\nIf-None-Match: ${tag}\r\nConnection: close\r\n\r\n`;
    assert.equal(statusOf(await exchange(gateway.port, twice)), 304, 'two fields are one list');
  });

  await t.test('ranges', async () => {
    const part = async (range, more) => {
      const r = await get('/big.bin', { range, ...more });
      return [r.status, r.headers.get('content-range'), r.text.length];
    };
    const size = BIG.length;
    assert.deepEqual(await part('bytes=0-3'), [206, `bytes 0-3/${size}`, 4]);
    assert.deepEqual(await part('bytes=599990-'), [206, `bytes 599990-599999/${size}`, 10]);
    assert.deepEqual(await part('bytes=-5'), [206, `bytes 599995-599999/${size}`, 5]);
    assert.deepEqual(await part('bytes=5-99999999'), [206, `bytes 5-599999/${size}`, size - 5]);
    assert.deepEqual(await part('bytes=600000-'), [416, `bytes */${size}`, 0]);
    assert.deepEqual(await part('bytes=-0'), [416, `bytes */${size}`, 0]);
    assert.deepEqual(await part('bytes=0-99999999999999999999999'), [206, `bytes 0-599999/${size}`, size]);
    assert.deepEqual(await part('bytes=99999999999999999999999-'), [416, `bytes */${size}`, 0]);
    assert.deepEqual(await part('bytes=-99999999999999999999999'), [206, `bytes 0-599999/${size}`, size]);
    assert.deepEqual(await part('bytes=900000-, 2-3'), [206, `bytes 2-3/${size}`, 2]);
    assert.deepEqual(await part('bytes=900000-,-0'), [416, `bytes */${size}`, 0]);
    const many = `bytes=${'0-0,'.repeat(100)}`;
    const whole = ['bytes=9-5', 'bytes=a-b', 'items=0-1', 'bytes=0-1,x', 'bytes=', 'bytes=-', 'bytes=,', 'bytes=1', many, 'bytes=0-,0-'];
    for (const all of whole) {
      assert.deepEqual(await part(all), [200, null, size], all);
    }
    assert.equal((await part('bytes=0-3', { 'if-range': '"x"' }))[0], 200);
    const { headers } = await get('/big.bin');
    assert.equal((await part('bytes=0-3', { 'if-range': headers.get('etag') }))[0], 206);
    assert.equal((await part('bytes=0-3', { 'if-range': headers.get('last-modified') }))[0], 206);
    assert.equal((await part('bytes=0-3', { 'if-range': 'Wed, 09 Nov 1994 08:49:37 GMT' }))[0], 200);
    assert.equal((await get('/empty.txt', { range: 'bytes=0-' })).status, 200);
  });

  await t.test('several ranges', async () => {
    const { status, headers, text } = await get('/big.bin', { range: 'bytes=0-2, 599998-, -1 ,100000-299999' });
    assert.equal(status, 206);
    assert.equal(headers.get('content-range'), null);
    const [, boundary] = /^multipart\/byteranges; boundary=(\w+)$/.exec(headers.get('content-type'));
    const part = (range, bytes) => `\r\n--${boundary}\r\ncontent-type: application/octet-stream\r\ncontent-range: bytes ${range}/600000\r\n\r\n${bytes}`;
    assert.equal(text, part('0-2', 'abc') + part('599998-599999', 'ij') + part('599999-599999', 'j') +
      part('100000-299999', BIG.slice(100000, 300000)) + `\r\n--${boundary}--\r\n`);
    assert.equal(headers.get('content-length'), String(text.length));
    assert.equal((await get('/big.bin', { range: 'bytes=0-0,2-2' }, 'HEAD')).status, 200);
  });

  await t.test('nothing outside of the folder', async () => {
    await writeFile(path.join(gateway.folder, 'secret.txt'), 'secret');
    await symlink('../secret.txt', path.join(gateway.directory, 'link.txt'));
    await symlink('/etc', path.join(gateway.directory, 'etc'));
    const paths = ['/../secret.txt', '/%2e%2e/secret.txt', '/..%2fsecret.txt', '/dir/../../secret.txt', '/link.txt',
      '/etc/hostname', '//etc/passwd', '/dir/%2e%2e/%2e%2e/secret.txt', '/..%5csecret.txt', '/page.html%00.png', '/%', '/%zz'];
    for (const target of paths) {
      const response = await raw(target);
      assert.equal(statusOf(response), 200, target);
      assert.match(response, /\r\n\r\nok$/, `${target} is the function's`);
    }
  });
});

test('a folder keeps what its pattern says, however its path is written', async (t) => {
  const files = { 'a.html': 'a', '.env': 'secret', 'dir/.env': 'secret', '.well-known/x': 'x', 'private/index.html': 'secret' };
  const except = '(^|/)\\.(?!well-known/)|^private(/|$)';
  const gateway = await startGateway(t, { files, except, routes: [{ static: true }, { src: '^/.*$', status: 404 }] });
  const status = async (target) => statusOf(await exchange(gateway.port, `GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`));
  assert.equal(await status('/a.html'), 200);
  assert.equal(await status('/.well-known/x'), 200);
  for (const target of ['/.env', '/%2eenv', '/dir/.env', '//.env', '/dir/../.env', '/x/..%2f.env', '/./.env', '/private', '/private/', '/pr%69vate/index.html']) {
    assert.equal(await status(target), 404, target);
  }
});

test('where nothing but a file is, other methods are refused', async (t) => {
  const gateway = await startGateway(t, { files: FILES, routes: [{ static: true }] });
  const ask = async (method, target) => {
    const response = await gateway.fetch(target, { method });
    await response.text();
    return [response.status, response.headers.get('allow')];
  };
  assert.deepEqual(await ask('POST', '/page.html?x'), [405, 'GET, HEAD, OPTIONS']);
  assert.deepEqual(await ask('DELETE', '/docs/'), [405, 'GET, HEAD, OPTIONS']);
  assert.deepEqual(await ask('OPTIONS', '/page.html'), [204, 'GET, HEAD, OPTIONS']);
  assert.deepEqual(await ask('POST', '/nothing.html'), [404, null]);
});

test('folders that the gateway cannot reach itself', async (t) => {
  const COUNT = 1024; /* as many as a manifest may name */
  const gateway = await startGateway(t);
  const gatewayPid = processTree(gateway.child.pid).find(({ pid }) => titleOf(pid) === 'mayfly: gateway').pid;
  const openFiles = () => readdirSync(`/proc/${gatewayPid}/fd`).length;
  const folder = async (name) => {
    const made = path.join(gateway.folder, name);
    await mkdir(made);
    await writeFile(path.join(made, 'name.txt'), name);
    return made;
  };
  const root = (prefix, shared) => ({ prefix, directory: path.join(gateway.folder, 'out', 'of', 'reach'), shared });
  const routes = [{ static: true }, { src: '^/.*$', status: 404 }];
  const names = Array.from({ length: COUNT }, (_, i) => `f${i}`);
  const all = await Promise.all(names.map(async (name) => root(`/${name}/`, await folder(name))));
  const text = async (target) => (await gateway.fetch(target)).text();

  await t.test('are served, however many there are', async () => {
    await gateway.deploy({ functions: [API], routes, static: all });
    for (const name of names) {
      await eventually(async () => (await text(`/${name}/name.txt`)) === name, `${name} is not served`);
    }
  });

  await t.test('stay when their build comes again', async () => {
    await gateway.sendAgain();
    assert.deepEqual(await Promise.all(names.slice(0, 20).map((name) => text(`/${name}/name.txt`))), names.slice(0, 20));
  });

  await t.test('are let go of with their build', async () => {
    await gateway.deploy({ functions: [API], routes, static: [root('/', all[0].shared), root('/', all[1].shared)] });
    await eventually(async () => (await text('/name.txt')) === 'f0', 'the new folder is not served');
    assert.equal((await gateway.fetch('/f7/name.txt')).status, 404);
    await eventually(() => openFiles() < 100, () => `${openFiles()} files are open`);
  });

  await t.test('may change with each build', async () => {
    for (let i = 2; i < 40; i++) {
      await gateway.deploy({ functions: [API], routes, static: [root('/', all[i].shared)] });
      await eventually(async () => (await text('/name.txt')) === `f${i}`, `build ${i} is not served`);
    }
    assert.ok(openFiles() < 100, `${openFiles()} files are open`);
  });
});
