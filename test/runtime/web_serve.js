'use strict';
/* What the tests of web.js share: an instance whose handler gets a Request and gives a Response. */

const assert = require('node:assert/strict');
const { test } = require('node:test');
const web = require('../../runtime/js/web');
const { startInstance } = require('./mock_native');

const adapter = {
  async load() {
    return { handle: null };
  },
  async handle(app, exchange) {
    await web.sendResponse(exchange, await app.handle(web.requestOf(exchange), exchange));
  },
};

/** One for all tests of a file, given to `take` before the first; none may break the channel's rules. */
exports.serveWeb = (take) => {
  let gateway;
  test.before(async () => {
    gateway = await startInstance({ adapter });
    take(gateway);
  });
  test.afterEach(() => assert.deepEqual(gateway.violations, []));
};
