'use strict';
/* Runs a dialect's own code path, from a frame to an answer, before the function's code is loaded: what has run
 * once is compiled, and every instance inherits it. The handlers are ours, trivial, and forgotten. */

const instances = require('./instance');
const consoles = require('./console');

const ROUNDS = 12;
const TIMEOUT_MS = 1000;
const FLAG_BODY = 1;

const block = (...fields) => fields.map((field) => `${field}\0`).join('');
const HEADERS = block('host', 'localhost', 'user-agent', 'warm', 'accept', '*/*', 'content-type', 'application/json');
const META = block('warm', '', '127.0.0.1', '1', 'http', 'localhost', '/');

/* One module that every dialect can use. */
const HELLO = { hello: 'world' };
const web = () => Response.json(HELLO);
const MODULES = {
  next: { GET: web, POST: async (request) => Response.json(await request.json()) },
  vercel: { GET: web, POST: async (request) => Response.json(await request.json()) },
  netlify: { default: async () => web() },
  worker: { default: { fetch: async () => web() } },
  lambda: { handler: async () => HELLO },
};

function specOf(dialect) {
  return {
    name: 'warm', version: 0, dialect, env: {}, bindings: {}, timeout_ms: TIMEOUT_MS,
    endpoints: [{ name: '/', file: 'warm.js', module: 'warm', methods: ['GET'], settings: {} }],
    settings: { handler: 'warm.handler', function_name: 'warm', module: 'warm' },
  };
}

/* An addon that leads nowhere. */
function hollowNative(onDone) {
  const nothing = () => {};
  const native = {
    listen(callbacks) {
      native.callbacks = callbacks;
    },
    write: () => Number.MAX_SAFE_INTEGER,
    done: onDone,
  };
  for (const name of ['open', 'respond', 'head', 'end', 'informational', 'credit', 'fail', 'log', 'flush', 'poll']) native[name] = nothing;
  return native;
}

/* What dialects and instances hang on the process is taken off again, and what they say in its environment. */
async function withoutTraces(fn) {
  const before = new Map(process.eventNames().map((name) => [name, process.rawListeners(name)]));
  const env = { ...process.env };
  try {
    await fn();
  } finally {
    consoles.connect(null);
    for (const name of Object.keys(process.env)) if (!Object.hasOwn(env, name)) delete process.env[name];
    Object.assign(process.env, env);
    for (const name of process.eventNames()) {
      for (const listener of process.rawListeners(name)) {
        if (!before.get(name)?.includes(listener)) process.removeListener(name, listener);
      }
    }
  }
}

function exchangeOnce(native, stream, round) {
  const method = round % 3 === 2 ? 'POST' : 'GET';
  const body = method === 'POST';
  native.callbacks.request(stream, 0, method, '/?a=b', HEADERS, META, body ? FLAG_BODY : 0, TIMEOUT_MS);
  if (body) {
    native.callbacks.body(stream, Buffer.from('{"a":1}'));
    native.callbacks.end(stream);
  }
}

/**
 * Leaves nothing behind but warm code. Dialects without a request of their own shape are left alone.
 * @returns {Promise<() => void>} does it once more
 */
async function warmDialect(dialect, adapter) {
  const module = MODULES[dialect];
  if (!module) return () => {};
  let over = () => {};
  const native = hollowNative(() => over());
  await withoutTraces(async () => {
    const spec = specOf(dialect);
    const app = await adapter.load(spec, async () => module);
    instances.run({ spec, app, adapter, native });
    for (let round = 0; round < ROUNDS; round++) {
      const done = new Promise((resolve) => {
        over = resolve;
      });
      exchangeOnce(native, round + 1, round);
      await done;
    }
  });
  return () => exchangeOnce(native, ROUNDS + 1, 0);
}

module.exports = { warmDialect };
