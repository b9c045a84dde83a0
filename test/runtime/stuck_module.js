'use strict';

/* What every dialect does with a module whose import never settles: the others of its function serve. `name`: what a handler
 * of the dialect is exported as. */

const assert = require('node:assert/strict');
const { startInstance, thunk } = require('./mock_native');

exports.aStuckModuleFailsAlone = (adapter, name = 'GET') => async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const endpoints = ['good', 'stuck'].map((module) => ({ name: `/api/${module}`, file: `${module}.js`, module, settings: {} }));
  const starting = startInstance({ adapter, endpoints, modules: { good: { [name]: () => new Response('ok') }, stuck: thunk(() => new Promise(() => {})) } });
  let isOver = false;
  starting.finally(() => { isOver = true; }).catch(() => {}); /* told below */
  while (!isOver) { /* the clock of who has not yet begun to wait is not theirs */
    await new Promise(setImmediate);
    t.mock.timers.tick(20_000);
  }
  const gateway = await starting;
  t.mock.timers.reset();
  const good = await gateway.request('GET /api/good', { endpoint: 0 });
  assert.equal(await good.text(), 'ok');
  const stuck = await gateway.request('GET /api/stuck', { endpoint: 1 });
  await stuck.done();
  assert.match(stuck.failure.errorMessage, /stuck\.js did not finish loading within 20 seconds/);
};
