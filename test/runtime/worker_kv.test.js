'use strict';
/* KV namespaces of a worker: expectations were measured under wrangler dev 4.164. */

const { test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { byFetch, failureOf, serve } = require('./worker_serve');

const bytes = (text) => new TextEncoder().encode(text);

/* Runs fn(KV, other, folder) in a worker with two namespaces. */
async function using(t, fn) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mayfly-kv-'));
  t.after(() => fs.rmSync(folder, { recursive: true }));
  fs.mkdirSync(path.join(folder, 'a'));
  fs.mkdirSync(path.join(folder, 'b'));
  let result;
  const gateway = await serve(byFetch(async (_request, env) => {
    result = await fn(env.KV, env.OTHER, path.join(folder, 'a'));
    return new Response('ok');
  }), { bindings: { KV: { type: 'kv', folder: path.join(folder, 'a') }, OTHER: { type: 'kv', folder: path.join(folder, 'b') } } });
  const reply = await gateway.request('GET /');
  assert.equal(reply.failure, null);
  return result;
}

test('what is put is got, as any type', async (t) => {
  const found = await using(t, async (KV, other) => {
    const results = [await KV.put('text', 'one'), await KV.get('text'), await other.get('text')];
    await KV.put('json', '{"a":1}');
    await KV.put('bytes', bytes('hi').buffer);
    await KV.put('view', new Uint8Array([1, 2, 3]).subarray(1));
    await KV.put('stream', new Response('streamed').body);
    await KV.put(5, 6);
    const stream = await KV.get('stream', 'stream');
    results.push(await KV.get('json', 'json'), [...new Uint8Array(await KV.get('bytes', { type: 'arrayBuffer' }))],
      [...new Uint8Array(await KV.get('view', 'arrayBuffer'))], await new Response(stream).text(), await KV.get('5'),
      await KV.get('gone'), await KV.get('gone', 'json'), await KV.delete('text'), await KV.get('text'), await KV.delete('text'));
    return results;
  });
  assert.deepEqual(found, [undefined, 'one', null, { a: 1 }, [104, 105], [2, 3], 'streamed', '6', null, null, undefined, null, undefined]);
});

test('keys may be any text of 512 bytes, and are listed in the order of their bytes', async (t) => {
  const found = await using(t, async (KV) => {
    for (const key of ['b', 'a', 'a/1', 'é', 'B', 'ü/日 %?#', 'k'.repeat(512), '../../escape']) await KV.put(key, key);
    const first = await KV.list({ limit: 3 });
    const second = await KV.list({ limit: 3, cursor: first.cursor });
    const rest = await KV.list({ cursor: second.cursor });
    return [first.keys.map(({ name }) => name), first.list_complete, second.keys.map(({ name }) => name.slice(0, 9)), rest.keys,
      rest.list_complete, 'cursor' in rest, await KV.get('ü/日 %?#'), (await KV.list({ prefix: 'a' })).keys, await KV.list({ prefix: 'none' })];
  });
  assert.deepEqual(found, [['../../escape', 'B', 'a'], false, ['a/1', 'b', 'kkkkkkkkk'], [{ name: 'é' }, { name: 'ü/日 %?#' }], true, false,
    'ü/日 %?#', [{ name: 'a' }, { name: 'a/1' }], { keys: [], list_complete: true, cacheStatus: null }]);
});

test('metadata and times of expiration go with an entry, until it is put again', async (t) => {
  const now = Math.floor(Date.now() / 1000);
  const found = await using(t, async (KV, _other, folder) => {
    await KV.put('m', 'v', { metadata: { a: [1] }, expiration: now + 1000 });
    const [listed] = (await KV.list()).keys;
    const got = await KV.getWithMetadata('m');
    await KV.put('m', 'again', { expirationTtl: 600, expiration: now + 5000 });
    const [later] = (await KV.list()).keys;
    await KV.put('old', 'v', { expiration: now + 1000 });
    for (const name of fs.readdirSync(folder)) { /* as if the time had come */
      const file = path.join(folder, name);
      fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace(`"expiration":${now + 1000}`, `"expiration":${now - 1}`));
    }
    return [listed, got, later.name, Math.abs(later.expiration - now - 600) < 60, await KV.get('old'),
      (await KV.list()).keys.length, await KV.getWithMetadata('gone')];
  });
  assert.deepEqual(found, [{ name: 'm', expiration: now + 1000, metadata: { a: [1] } }, { value: 'v', metadata: { a: [1] }, cacheStatus: null },
    'm', true, null, 1, { value: null, metadata: null, cacheStatus: null }]);
});

test('what expires is removed though nobody asks for it again, and so is what was never put in full', async (t) => {
  const expiration = Math.floor(Date.now() / 1000) + 1000;
  const kept = await using(t, async (KV, _other, folder) => {
    for (const key of ['session 1', 'session 2', 'session 3']) await KV.put(key, 'v', { expiration });
    await KV.put('stays', 'v');
    fs.writeFileSync(path.join(folder, '.draft'), 'of an instance that was killed');
    for (const name of fs.readdirSync(folder)) { /* as if an hour had passed */
      const file = path.join(folder, name);
      fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace(`"expiration":${expiration}`, `"expiration":${expiration - 2000}`));
      fs.utimesSync(file, expiration - 4600, expiration - 4600);
    }
    await KV.put('session 4', 'v', { expiration });
    const names = () => fs.readdirSync(folder).filter((name) => name !== '.swept');
    for (const until = Date.now() + 5000; names().length > 2 && Date.now() < until;) await new Promise((done) => setTimeout(done, 10));
    return [names().length, (await KV.list()).keys.map(({ name }) => name)];
  });
  assert.deepEqual(kept, [2, ['session 4', 'stays']]);
});

test('several keys at once', async (t) => {
  const found = await using(t, async (KV) => {
    await KV.put('a', '1', { metadata: 'm' });
    await KV.put('b', 'text');
    return [[...await KV.get(['a', 'gone', 'a'])], [...await KV.get(['a'], 'json')], [...await KV.getWithMetadata(['a', 'gone'])],
      await failureOf(() => KV.get(['b'], 'json')), await failureOf(() => KV.get([])), await failureOf(() => KV.get(['a'], 'stream')),
      await failureOf(() => KV.get(Array.from({ length: 101 }, (_, i) => `k${i}`)))];
  });
  assert.deepEqual(found, [[['a', '1'], ['gone', null]], [['a', 1]], [['a', { value: '1', metadata: 'm' }], ['gone', null]],
    'Error: KV GET_BULK failed: 400 At least one of the requested keys corresponds to a non-json value',
    'Error: KV GET_BULK failed: 400 You must request a minimum of 1 key', 'Error: KV GET_BULK failed: 400 "stream" is not a valid type. Use "json" or "text"',
    'Error: KV GET_BULK failed: 400 You can request a maximum of 100 keys']);
});

test('what is over a limit is refused in the words of KV', async (t) => {
  const cases = {
    none: (KV) => KV.get(), empty: (KV) => KV.get(''), dots: (KV) => KV.put('..', 'x'), long: (KV) => KV.put('k'.repeat(513), 'x'),
    longDelete: (KV) => KV.delete('é'.repeat(257)), type: (KV) => KV.get('a', 'nope'), object: (KV) => KV.put('a', {}), value: (KV) => KV.put('a'),
    big: (KV) => KV.put('a', new Uint8Array(25 * 1024 * 1024 + 1)), metadata: (KV) => KV.put('a', 'x', { metadata: 'x'.repeat(1025) }),
    ttl: (KV) => KV.put('a', 'x', { expirationTtl: 59 }), ttlZero: (KV) => KV.put('a', 'x', { expirationTtl: 0 }), past: (KV) => KV.put('a', 'x', { expiration: 5 }),
    cache: (KV) => KV.get('a', { cacheTtl: 5 }), limit: (KV) => KV.list({ limit: 1001 }), detached: ({ get }) => get('a'),
  };
  const found = await using(t, async (KV) => {
    const told = {};
    for (const [name, fn] of Object.entries(cases)) told[name] = await failureOf(() => fn(KV));
    return told;
  });
  assert.deepEqual(found, {
    none: "TypeError: Failed to execute 'get' on 'KvNamespace': parameter 1 is not of type 'string or Array'.",
    empty: 'TypeError: Key name cannot be empty.',
    dots: 'TypeError: ".." is not allowed as a key name.',
    long: 'Error: KV PUT failed: 414 UTF-8 encoded length of 513 exceeds key length limit of 512.',
    longDelete: 'Error: KV DELETE failed: 414 UTF-8 encoded length of 514 exceeds key length limit of 512.',
    type: 'TypeError: Unknown response type. Possible types are "text", "arrayBuffer", "json", and "stream".',
    object: 'TypeError: KV put() accepts only strings, ArrayBuffers, ArrayBufferViews, and ReadableStreams as values.',
    value: "TypeError: Failed to execute 'put' on 'KvNamespace': parameter 2 is not of type 'string or Object'.",
    big: 'Error: KV PUT failed: 413 Value length of 26214401 exceeds limit of 26214400.',
    metadata: 'Error: KV PUT failed: 413 Metadata length of 1027 exceeds limit of 1024.',
    ttl: 'Error: KV PUT failed: 400 Invalid expiration_ttl of 59. Expiration TTL must be at least 60.',
    ttlZero: 'Error: KV PUT failed: 400 Invalid expiration_ttl of 0. Please specify integer greater than 0.',
    past: 'Error: KV PUT failed: 400 Invalid expiration of 5. Please specify integer greater than the current number of seconds since the UNIX epoch.',
    cache: 'Error: KV GET failed: 400 Invalid cache_ttl of 5. Cache TTL must be at least 30.',
    limit: 'Error: KV GET failed: 400 Invalid key_count_limit of 1001. Please specify an integer less than 1000.',
    detached: 'TypeError: Illegal invocation: function called with incorrect `this` reference. See https://developers.cloudflare.com/workers/observability/errors/#illegal-invocation-errors for details.',
  });
});

test('readers see all of an entry or the one before, and other files are none', async (t) => {
  const found = await using(t, async (KV, _other, folder) => {
    fs.writeFileSync(path.join(folder, 'stray'), 'not an entry');
    const values = ['x'.repeat(100_000), 'y'.repeat(90_000)];
    await KV.put('k', values[0]);
    const writing = (async () => {
      for (let i = 0; i < 40; i += 1) await KV.put('k', values[i % 2]);
    })();
    const seen = new Set();
    for (let i = 0; i < 40; i += 1) seen.add(await KV.get('k'));
    await writing;
    return [[...seen].every((value) => values.includes(value)), (await KV.list()).keys, fs.readdirSync(folder).length];
  });
  assert.deepEqual(found, [true, [{ name: 'k' }], 2]);
});
