/* Netlify Blobs: what the package @netlify/blobs sends, sent without it, from a function and from outside. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startPlatform } from './harness.js';

const FILES = {
  'netlify/functions/context.mjs': 'export default () => new Response(process.env.NETLIFY_BLOBS_CONTEXT);',
  'netlify/functions/event.cjs': `exports.handler = async ({ blobs, headers }) => ({
    statusCode: 200, body: JSON.stringify({ ...JSON.parse(Buffer.from(blobs, 'base64')), site: headers['x-nf-site-id'] }),
  });`,
  'netlify/functions/inside.mjs': `export default async () => {
    const { edgeURL, token, siteID } = JSON.parse(Buffer.from(process.env.NETLIFY_BLOBS_CONTEXT, 'base64'));
    const blob = (init) => fetch(new URL('/' + siteID + '/site:inside/key', edgeURL), { ...init, headers: { authorization: 'Bearer ' + token } });
    await blob({ method: 'put', body: 'from a function' });
    return new Response(await (await blob()).text());
  };`,
};

/** A store as the package's client has it. */
function storeOf({ edgeURL, token, siteID }, name, path = '') {
  const send = (method, key, { headers, body, query = '' } = {}) =>
    fetch(new URL(`${path}/${siteID}${name ? `/${name}` : ''}${key ? `/${key}` : ''}${query}`, edgeURL), {
      method, body, headers: { authorization: `Bearer ${token}`, ...headers },
    });
  const page = async (query) => (await send('GET', '', { query })).json();
  return { send, page, get: async (key) => (await send('GET', key)).text(), put: (key, body, headers) => send('PUT', key, { body, headers }) };
}

test('Netlify functions have stores', async (t) => {
  const platform = await startPlatform(t, { files: FILES });
  const context = JSON.parse(Buffer.from((await platform.get('/.netlify/functions/context')).text, 'base64').toString());
  const cats = storeOf(context, 'site:cats');

  await t.test('functions of both versions are told the way', async () => {
    assert.match(context.edgeURL, /^http:\/\/127\.0\.0\.1:\d+$/);
    assert.equal(context.uncachedEdgeURL, context.edgeURL);
    assert.match(context.deployID, /^\w{1,24}$/);
    const event = (await platform.get('/.netlify/functions/event')).json;
    assert.equal(event.url, context.edgeURL);
    assert.equal(event.token, context.token);
    assert.equal(event.site, context.siteID);
    assert.equal((await platform.get('/.netlify/functions/inside')).text, 'from a function');
  });

  await t.test('a blob has bytes, an ETag and metadata', async () => {
    assert.equal((await cats.send('GET', 'tom')).status, 404);
    assert.equal((await cats.send('HEAD', 'tom')).status, 404);
    const put = await cats.put('tom', 'grey', { 'x-amz-meta-user': 'b64;eyJ4IjoxfQ==' });
    assert.equal(put.status, 200);
    for (const method of ['GET', 'HEAD']) {
      const answer = await cats.send(method, 'tom');
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get('etag'), put.headers.get('etag'));
      assert.equal(answer.headers.get('x-amz-meta-user'), 'b64;eyJ4IjoxfQ==');
      assert.equal(await answer.text(), method === 'GET' ? 'grey' : '');
    }
    assert.equal((await cats.send('GET', 'tom', { headers: { 'if-none-match': put.headers.get('etag') } })).status, 304);
    assert.equal((await cats.send('DELETE', 'tom')).status, 204);
    assert.equal((await cats.send('DELETE', 'tom')).status, 204);
    assert.equal((await cats.send('GET', 'tom')).status, 404);
  });

  await t.test('a write may depend on what is there', async () => {
    assert.equal((await cats.put('kit', 'a', { 'if-match': '"x"' })).status, 412, 'nothing is there');
    const first = await cats.put('kit', 'a', { 'if-none-match': '*' });
    assert.equal(first.status, 200);
    assert.equal((await cats.put('kit', 'b', { 'if-none-match': '*' })).status, 412);
    assert.equal((await cats.put('kit', 'b', { 'if-match': '"x"' })).status, 412);
    assert.equal(await cats.get('kit'), 'a');
    assert.equal((await cats.put('kit', 'b', { 'if-match': first.headers.get('etag') })).status, 200);
    assert.equal(await cats.get('kit'), 'b');
  });

  await t.test('keys are listed, with folders if that is asked for', async () => {
    const zoo = storeOf(context, 'site:zoo');
    for (const key of ['a', 'cat/tom', 'cat/kit', 'cat/big/leo', 'm%C3%BCs']) {
      await zoo.put(key, key);
    }
    const keys = (list) => list.blobs.map(({ key }) => key);
    const all = await zoo.page('');
    assert.deepEqual(keys(all), ['a', 'cat/big/leo', 'cat/kit', 'cat/tom', 'm\u00fcs']);
    assert.deepEqual(all.directories, []);
    assert.match(all.blobs[0].etag, /^"\w+"$/);
    assert.deepEqual(keys(await zoo.page('?prefix=cat/')), ['cat/big/leo', 'cat/kit', 'cat/tom']);
    const top = await zoo.page('?directories=true');
    assert.deepEqual([keys(top), top.directories], [['a', 'm\u00fcs'], ['cat']]);
    const inner = await zoo.page('?directories=true&prefix=cat%2F');
    assert.deepEqual([keys(inner), inner.directories], [['cat/kit', 'cat/tom'], ['cat/big']]);
    const region = storeOf(context, 'deploy:0', '/region:us-east-2');
    await region.put('x', 'y');
    assert.equal(await region.get('x'), 'y');
    const { stores } = await storeOf(context, '').page('?prefix=site:');
    assert.ok(stores.includes('site:zoo') && stores.includes('site:cats') && !stores.includes('deploy:0'), stores);
  });

  await t.test('many keys come page by page, and go so', async () => {
    const many = storeOf(context, 'site:many');
    const wanted = Array.from({ length: 1005 }, (_, i) => `key-${String(i).padStart(4, '0')}`);
    for (let i = 0; i < wanted.length; i += 50) {
      await Promise.all(wanted.slice(i, i + 50).map((key) => many.put(key, 'x')));
    }
    const first = await many.page('');
    assert.equal(first.blobs.length, 1000);
    const second = await many.page(`?cursor=${encodeURIComponent(first.next_cursor)}`);
    assert.equal(second.next_cursor, undefined);
    assert.deepEqual([...first.blobs, ...second.blobs].map(({ key }) => key), wanted);
    const empty = async () => (await many.send('DELETE', '')).json();
    assert.deepEqual(await empty(), { blobs_deleted: 1000, has_more: true });
    assert.deepEqual(await empty(), { blobs_deleted: 5, has_more: false });
    assert.deepEqual(await many.page(''), { blobs: [], directories: [] });
    assert.equal(await cats.get('kit'), 'b', 'other stores stay');
  });

  await t.test('who has no good token, or asks for nothing that is, changes nothing', async () => {
    const [key, secret] = context.token.split('.');
    for (const token of ['x', `${key}.`, `${key}.x`, `${key}.${secret}x`, `.${secret}`, key, secret]) {
      const thief = storeOf({ ...context, token }, 'site:cats');
      assert.equal((await thief.send('GET', 'kit')).status, 403, token);
      assert.equal((await thief.send('DELETE', '')).status, 403, token);
    }
    assert.equal((await cats.send('POST', 'kit', { body: 'x' })).status, 405);
    assert.equal((await cats.send('PUT', '', { body: 'x' })).status, 405);
    assert.equal((await cats.send('GET', 'kit?acl')).status, 200, 'no parameter of S3 counts');
    for (const path of ['/', '//x', '/region:x', `/${context.siteID}/s/%ff`, `/${context.siteID}/s/%zz`]) {
      const answer = await fetch(context.edgeURL + path, { headers: { authorization: `Bearer ${context.token}` } });
      assert.equal(answer.status, 400, path);
    }
    assert.equal(await cats.get('kit'), 'b');
  });
});
