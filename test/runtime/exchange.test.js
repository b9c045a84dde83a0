'use strict';
/* What an exchange tells of its request. */

const { test } = require('node:test');
const assert = require('node:assert/strict');
const { startInstance } = require('./mock_native');

test('a host that no URL can have keeps nobody from an answer', async () => {
  const gateway = await startInstance({
    adapter: { load: () => ({}), handle: (_app, exchange) => exchange.respond(200, '', `${new URL(exchange.url).host} ${exchange.headers.host}`) },
  });
  for (const [host, seen] of [['1.2.3.4.5', 'localhost'], ['256.1.1.1:80', 'localhost'], ['a.09', 'localhost'], ['1.2.3.4:81', '1.2.3.4:81'], ['a_b.c', 'a_b.c']]) {
    assert.equal(await (await gateway.request('GET /', { host })).text(), `${seen} ${host}`);
  }
});

test('a native module that is found not to be compiled as late as in a request is told with what compiles it', async () => {
  const file = '/var/task/node_modules/better-sqlite3/build/better_sqlite3.node';
  const tried = new Error(`Could not locate the bindings file. Tried:\n → ${file}`);
  for (const log of [true, false]) {
    const gateway = await startInstance({ adapter: { load: () => ({}), handle: (_app, exchange) => exchange.fail('throw', tried, { log }) } });
    await gateway.request('GET /');
    assert.match(gateway.logs.at(-1).text, /better-sqlite3 was installed without being compiled\. Compile it: npx .* npm rebuild better-sqlite3$/);
    assert.equal(gateway.logs.length, log ? 2 : 1);
  }
});
