'use strict';

/* What every dialect does with a module whose import never settles: the others of its function serve. */

const assert = require('node:assert/strict');
const { startInstance, thunk } = require('./mock_native');

exports.aStuckModuleFailsAlone = (adapter) => async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const endpoints = ['good', 'stuck'].map((name) => ({ name: `/api/${name}`, file: `${name}.js`, module: name, settings: {} }));
  const answer = () => new Response('ok');
  const starting = startInstance({ adapter, endpoints, modules: { good: { GET: answer, default: answer }, stuck: thunk(() => new Promise(() => {})) } });
  await new Promise(setImmediate);
  t.mock.timers.tick(20_000);
  const gateway = await starting;
  t.mock.timers.reset();
  const good = await gateway.request('GET /api/good', { endpoint: 0 });
  assert.equal(await good.text(), 'ok');
  const stuck = await gateway.request('GET /api/stuck', { endpoint: 1 });
  await stuck.done();
  assert.match(stuck.failure.errorMessage, /stuck\.js did not finish loading within 20 seconds/);
};
