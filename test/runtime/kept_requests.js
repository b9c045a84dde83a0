'use strict';
/* How many bytes of a request are still there when it is over and the young generation has been collected:
 *
 *   node --expose-gc --single-threaded --initial-old-space-size=1000 test/runtime/kept_requests.js CASE
 *
 * Prints the median of some rounds. Full collections, which find everything, do not happen with these options, nor do things
 * depend on when another thread has compiled what. */

const fs = require('node:fs');
const consoles = require('../../runtime/js/console');
require('../../runtime/js/web').install();
const { run } = require('../../runtime/js/instance');

const HEADERS = 'host\0localhost:3000\0user-agent\0test/1.0\0accept\0*/*\0';
const META = ['req-1', '', '127.0.0.1', '40000', 'http', 'localhost:3000', '/', ''].join('\0');
const SLOT_BITS = 12;
const BATCH = 16;
const WARM_UP = 24_000;
const REQUESTS = 2_000;
const ROUNDS = 7;

const asWeb = { default: { fetch: () => Response.json({ hello: 'world' }) }, GET: () => Response.json({ hello: 'world' }) };
const asNode = { default: (req, res) => res.end('{"hello":"world"}') };
const asHelper = { default: (req, res) => res.status(200).json({ hello: 'world' }) };
const asLambda = { handler: async () => ({ statusCode: 200, body: 'hello' }) };
const asWaiting = { GET: async () => {
  await null;
  return new Response('hello');
} };

const CASES = {
  'next': { dialect: 'next', module: asWeb },
  'next, asynchronous': { dialect: 'next', module: asWaiting },
  'vercel, web': { dialect: 'vercel', module: asWeb },
  'vercel, (req, res)': { dialect: 'vercel', module: asNode },
  'vercel, helpers': { dialect: 'vercel', module: asHelper },
  'lambda': { dialect: 'lambda', module: asLambda, settings: { handler: 'main.handler', function_name: 'f', runtime: 'nodejs22.x' } },
  'worker': { dialect: 'worker', module: asWeb, settings: { worker: 'main', format: 'modules' } },
  'netlify': { dialect: 'netlify', module: { default: () => new Response('hello') }, endpoint: { function_name: 'f', api_version: 2 } },
};

/* A channel that takes everything. */
function silentNative() {
  const nothing = () => {};
  const native = { open: nothing, respond: nothing, head: nothing, write: () => 1, end: nothing, credit: nothing,
    informational: nothing, log: nothing, doneCount: 0, onDone: nothing };
  native.listen = (callbacks) => {
    native.callbacks = callbacks;
  };
  native.fail = (stream, kind, json) => {
    throw new Error(json);
  };
  native.done = () => {
    native.doneCount += 1;
    native.onDone();
  };
  return native;
}

async function start({ dialect, module, settings = {}, endpoint = {} }) {
  const adapter = require(`../../runtime/js/dialects/${dialect}`);
  const spec = { name: 'test/f', dialect, timeout_ms: 0, memory_mb: 128, env: {}, bindings: {}, settings,
    endpoints: [{ name: '/', file: 'main.js', module: 'main', settings: endpoint }] };
  const app = await adapter.load(spec, async () => module);
  const native = silentNative();
  run({ spec, app, adapter, native });
  return native;
}

/* In batches, as they come from the channel. */
async function request(native, count) {
  for (let sent = 0; sent < count; sent += BATCH) {
    const all = native.doneCount + BATCH;
    const over = new Promise((resolve) => {
      native.onDone = () => native.doneCount === all && resolve();
    });
    for (let slot = 0; slot < BATCH; slot++) {
      native.generation = (native.generation ?? 0) + 1;
      native.callbacks.request(native.generation * 2 ** SLOT_BITS + slot, 0, 'GET', '/', HEADERS, META, 0, 0);
    }
    await over;
    await new Promise(setImmediate);
  }
}

function keptBytes() {
  gc({ type: 'minor' });
  gc({ type: 'minor' }); /* what has survived one is not young at the second */
  return process.memoryUsage().heapUsed;
}

async function measure(name) {
  consoles.install();
  const native = await start(CASES[name]);
  await request(native, WARM_UP);
  const rounds = [];
  for (let round = 0; round < ROUNDS; round++) {
    const before = keptBytes();
    await request(native, REQUESTS);
    rounds.push((keptBytes() - before) / REQUESTS);
  }
  fs.writeSync(1, `${Math.round(rounds.sort((a, b) => a - b)[ROUNDS >> 1])}\n`); /* console is the instance's */
  process.exit();
}

if (require.main === module) measure(process.argv[2]);

module.exports = { CASES };
