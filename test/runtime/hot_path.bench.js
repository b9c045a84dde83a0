'use strict';
/* Microseconds of JavaScript a warm request costs, per dialect, without channel and gateway:
 *
 *   node test/runtime/hot_path.bench.js [dialect] [--cpu-prof ...]
 *
 * The native calls are empty, and requests come in batches as they do from the channel. */

require('../../runtime/js/web').install();
const { run } = require('../../runtime/js/instance');

const HEADERS = 'host\0localhost:3000\0user-agent\0bench/1.0\0accept\0*/*\0accept-encoding\0gzip\0';
const META = ['req-1', '', '127.0.0.1', '40000', 'http', 'localhost:3000', '/api/hello?x=1', 'id', '7', '']
  .join('\0');
const BATCH = 16;
const ROUNDS = 5;
const REQUESTS = 200_000;

const modules = {
  web: { GET: () => Response.json({ hello: 'world' }) },
  body: { POST: async (request) => Response.json({ got: (await request.json()).name }) },
  search: { GET: (request) => Response.json({ x: new URL(request.url).searchParams.get('x'), a: request.headers.get('accept') }) },
  node: { default: (req, res) => res.status(200).json({ hello: 'world' }) },
  plain: { default: (req, res) => {
    res.setHeader('content-type', 'application/json');
    res.end('{"hello":"world"}');
  } },
};

const CASES = {
  'next GET json': ['next', 'web', 'GET'],
  'next GET url and headers': ['next', 'search', 'GET'],
  'next POST json': ['next', 'body', 'POST'],
  'vercel GET json': ['vercel', 'web', 'GET'],
  'vercel (req, res) helpers': ['vercel', 'node', 'GET'],
  'vercel (req, res) plain': ['vercel', 'plain', 'GET'],
};

async function measure(label, dialect, module, method) {
  const adapter = require(`../../runtime/js/dialects/${dialect}`);
  const spec = { name: 'bench', dialect, settings: {},
    endpoints: [{ name: '/api/hello', file: 'hello.js', module, settings: {} }] };
  const app = await adapter.load(spec, async (name) => modules[name]);
  let callbacks;
  let answered = 0;
  let wake;
  const nothing = () => {};
  const native = { open() {}, listen: (it) => {
    callbacks = it;
  }, respond: nothing, head: nothing, write: () => 1, end: nothing, credit: nothing,
  informational: nothing, log: nothing, fail: (stream, kind, json) => {
    throw new Error(json);
  }, done: () => {
    answered += 1;
    wake?.();
  } };
  run({ spec, app, adapter, native });
  const body = Buffer.from('{"name":"ada"}');
  let stream = 0;
  const ask = async (count) => {
    for (let i = 0; i < count; i += BATCH) {
      const until = answered + BATCH;
      for (let j = 0; j < BATCH; j++) {
        stream += 1;
        callbacks.request(stream, 0, method, '/api/hello?x=1', HEADERS, META, method === 'POST' ? 1 : 0, 0);
        if (method === 'POST') {
          callbacks.body(stream, body);
          callbacks.end(stream);
        }
      }
      while (answered < until) {
        await new Promise((resolve) => {
          wake = resolve;
        });
      }
      wake = null;
      /* Each batch is a turn of the loop, as the channel's are. */
      await new Promise(setImmediate);
    }
  };
  await ask(20_000);
  const times = [];
  for (let round = 0; round < ROUNDS; round++) {
    const begin = process.hrtime.bigint();
    await ask(REQUESTS);
    times.push(Number(process.hrtime.bigint() - begin) / REQUESTS / 1000);
  }
  times.sort((a, b) => a - b);
  process._rawDebug(`${label.padEnd(28)} ${times[ROUNDS >> 1].toFixed(2)} us`);
}

(async () => {
  for (const [label, args] of Object.entries(CASES)) {
    if (!process.argv[2] || label.startsWith(process.argv[2])) await measure(label, ...args);
  }
  process.exit(0);
})();
