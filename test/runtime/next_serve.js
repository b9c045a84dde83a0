'use strict';
/* What the tests of Next.js' route handlers share: an instance with one of them. */

const assert = require('node:assert/strict');

require('../../runtime/js/web').install();
const adapter = require('../../runtime/js/dialects/next');
const { startInstance } = require('./mock_native');

/* Serves one route handler module and asks it. */
async function serve(module, { name = '/api/x', ...extra } = {}) {
  const gateway = await startInstance({
    adapter, modules: { m: module }, ...extra,
    endpoints: [{ name, file: `app${name}/route.ts`, module: 'm', settings: extra.endpointSettings ?? {} }],
  });
  gateway.ask = async (line, options) => {
    const reply = await gateway.request(line, options);
    await reply.done();
    assert.deepEqual(gateway.violations, []);
    return reply;
  };
  return gateway;
}

async function ask(module, line = 'GET /api/x', options = {}, extra = {}) {
  return (await serve(module, extra)).ask(line, options);
}

const messageOf = (fn) => {
  try {
    fn();
    return null;
  } catch (error) {
    return error.message;
  }
};

module.exports = { adapter, ask, messageOf, serve };
