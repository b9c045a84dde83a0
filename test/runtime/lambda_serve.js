'use strict';
/* What the tests of the Lambda dialect share: an instance with one function. */

const { startInstance } = require('./mock_native');
const consoles = require('../../runtime/js/console');
const lambda = require('../../runtime/js/dialects/lambda');
const loopIdle = require('../../runtime/js/dialects/loop_idle');

process.setMaxListeners(0);
consoles.install();

/* An instance with one function whose handler is `handler`. */
async function serve(handler, { settings = {}, endpoint = {}, loopAlive = () => false, ...more } = {}) {
  const gateway = await startInstance({
    adapter: lambda,
    modules: { index: typeof handler === 'function' && !handler.thunk ? { handler } : handler },
    settings: { handler: 'index.handler', function_name: 'orders', runtime: 'nodejs22.x', ...settings },
    endpoints: [{ name: '/', file: 'index.js', module: 'index', settings: endpoint }],
    ...more,
  });
  /* A test's process is never idle; the addon would say what the function has under way. */
  gateway.native.loopAlive = loopAlive;
  loopIdle.use(gateway.native, () => false);
  return gateway;
}

const invokeEndpoint = { endpoint: { invoke: true } };

async function invokeJson(handler, event, options) {
  const gateway = await serve(handler, { ...invokeEndpoint, ...options });
  const reply = await gateway.request('POST /', { body: JSON.stringify(event ?? {}) });
  return { gateway, reply, value: await reply.json() };
}

module.exports = { serve, invokeEndpoint, invokeJson };
