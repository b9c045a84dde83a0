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
