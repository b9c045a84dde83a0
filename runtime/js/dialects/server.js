'use strict';

/* The dialect of plain Node.js servers: a program that calls listen(), unmodified. */

const virtual = require('../virtual_listen');
const { serveNodeRequest } = require('../node_http');
const { serveUpgrade } = require('../node_upgrade');

const PATIENCE_MS = 60_000;

function neverListened(main) {
  return new Error(
    `${main} has no HTTP server that listens. A server has to call listen(), as in ` +
      'http.createServer(handler).listen(process.env.PORT).'
  );
}

/* Rejects when the program has nothing left to do, or takes too long. */
function whenDone(main) {
  const { promise, reject } = Promise.withResolvers();
  const onEmpty = () => reject(neverListened(main));
  process.once('beforeExit', onEmpty);
  const timer = setTimeout(() => {
    reject(new Error(`${main} has not begun to listen within ${PATIENCE_MS / 1000} seconds.`));
  }, PATIENCE_MS).unref();
  promise.catch(() => {});
  return {
    promise,
    stop() {
      process.off('beforeExit', onEmpty);
      clearTimeout(timer);
    },
  };
}

/* A program that has a port of its own says so to its user, who would look for it there. */
function tellOtherPort(main, site) {
  const port = virtual.portOf(virtual.chosen());
  if (site && port && port !== site) {
    console.warn(`${main} listens on port ${port}, which here is http://localhost:${site}`);
  }
}

/* A program that could not be built is not there: its builder has told why, and the gateway answers so. */
async function load(spec, loadModule) {
  if (spec.endpoints[0].settings?.broken) return {};
  const main = spec.settings?.main ?? spec.entry ?? spec.name;
  process.env.PORT ??= '3000';
  process.argv.push(...(spec.settings?.args ?? []));
  virtual.install();
  const done = whenDone(main);
  try {
    /* A program may wait at its top level for ever, after listen(). */
    if (spec.settings?.setup) {
      await loadModule(spec.settings.setup);
    }
    const program = Promise.resolve(loadModule(spec.endpoints[0].module));
    const isListening = virtual.whenListening();
    await Promise.race([isListening, done.promise, program.then(() => isListening)]);
  } finally {
    done.stop();
  }
  tellOtherPort(main, spec.settings?.port);
  return {};
}

function start() {
  virtual.serve();
}

async function handle(_app, exchange) {
  const server = virtual.chosen();
  if (!server) {
    exchange.fail('missing', new Error('The server has been closed.'));
    return;
  }
  try {
    if (!serveUpgrade(exchange, server)) {
      await serveNodeRequest(exchange, server);
    }
  } catch (error) {
    exchange.fail('throw', error);
  }
}

/* As in any Node.js program an uncaught error is the end, but others may finish first. */
module.exports = { load, start, handle, uncaught: 'drain' };
