'use strict';
/* What the tests of the worker dialect share: an instance with one worker. */

const { startInstance } = require('./mock_native');
const consoles = require('../../runtime/js/console');
const web = require('../../runtime/js/web');

process.setMaxListeners(0);
consoles.install();
web.install();

const worker = require('../../runtime/js/dialects/worker');

/** `exported`: the exports of its module, or a thunk of them. */
function serve(exported, { settings = {}, bindings = {}, ...spec } = {}) {
  return startInstance({
    adapter: worker,
    modules: { main: exported },
    settings: { worker: 'main', format: 'modules', ...settings },
    endpoints: [{ name: '/', file: 'worker.js', module: 'main', settings: {} }],
    spec: { name: 'worker/main', bindings, ...spec },
  });
}

const byFetch = (fetch) => ({ default: { fetch } });

/** Serves one worker whose handler is a function of its path's name. */
function byPath(handlers, options) {
  return serve(byFetch((request, env, ctx) => handlers[new URL(request.url).pathname.slice(1)](request, env, ctx)), options);
}

/** What went wrong in fn, as "Name: message". */
async function failureOf(fn) {
  try {
    await fn();
  } catch (error) {
    return `${error.name}: ${error.message}`;
  }
  return 'nothing';
}

module.exports = { byFetch, byPath, failureOf, serve };
