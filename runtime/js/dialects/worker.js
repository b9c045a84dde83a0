'use strict';

/* The dialect of Cloudflare Workers: modules with a default export, WorkerEntrypoint classes, and
 * addEventListener('fetch'). */

const zlib = require('node:zlib');
const { Duplex } = require('node:stream');
const web = require('../web');
const { isDecoded } = require('../web_request');
const shim = require('../shims/cloudflare-workers');
const { current } = require('../context');
const { CONNECTION_HEADERS } = require('./header_list');
const { FetchEvent } = require('./worker_events');
const { makeEnv, makeStub } = require('./worker_env');
const globals = require('./worker_globals');
const origin = require('./worker_origin');
const requests = require('./worker_request');
const rpc = require('./worker_rpc');

const { WorkerEntrypoint } = shim;
const base = shim[Symbol.for('mayfly.workers.base')];

const NO_RESPONSE = "Incorrect type for Promise: the Promise did not resolve to 'Response'.";
const ERROR_RESPONSE =
  'Return value from serve handler must not be an error response (like Response.error())';
const NO_FETCH = 'Handler does not export a fetch() function.';
const CONSUMED =
  "Script consumed request body but didn't call respondWith(). Can't forward request.";

/* Execution contexts */

class ExecutionContext {
  #exchange;
  #isPassThrough = false;

  constructor(exchange, exported, props = {}) {
    this.#exchange = exchange;
    this.exports = exported;
    this.props = props;
    this.tracing = shim.tracing;
  }

  waitUntil(promise) {
    this.#exchange.waitUntil(promise);
  }

  passThroughOnException() {
    this.#isPassThrough = true;
  }

  static isPassThrough(context) {
    return context.#isPassThrough;
  }
}

/* Entrypoints: what a worker exports that can answer. All of them become { fetch, target }, where
 * target(ctx) is the object whose methods may be called from other workers. */

function isClass(value) {
  return typeof value === 'function' && value.prototype instanceof WorkerEntrypoint;
}

function classEntrypoint(Class, app) {
  const make = (ctx) => new Class(ctx, app.env);
  return {
    target: make,
    fetch(request, ctx) {
      const object = make(ctx);
      if (typeof object.fetch !== 'function') {
        throw new Error(NO_FETCH);
      }
      return object.fetch(request);
    },
  };
}

function objectEntrypoint(object, app) {
  return {
    target: () => Object.create(object),
    fetch(request, ctx) {
      if (typeof object.fetch !== 'function') {
        throw new Error(NO_FETCH);
      }
      return object.fetch(request, app.env, ctx);
    },
  };
}

function listenerEntrypoint(app) {
  return {
    target: () => ({}),
    fetch(request, ctx) {
      const event = new FetchEvent(request, ctx);
      app.events.dispatchEvent(event);
      return event.answer ?? forward(request);
    },
  };
}

function entrypointOf(value, app) {
  if (isClass(value)) {
    return classEntrypoint(value, app);
  }
  if (typeof value === 'object' && value !== null) {
    return objectEntrypoint(value, app);
  }
  return undefined;
}

/* A CommonJS bundle may hold an ES module's default behind another default. */
function exportsOf(namespace) {
  return namespace?.['module.exports'] ?? namespace ?? {};
}

function collectEntrypoints(namespace, app) {
  const found = new Map();
  for (const [name, value] of Object.entries(namespace)) {
    const entrypoint = entrypointOf(value, app);
    if (entrypoint) {
      found.set(name, entrypoint);
    }
  }
  if (!found.has('default') && app.events.listeners('fetch').length > 0) {
    found.set('default', listenerEntrypoint(app));
  }
  return found;
}

/* Calls within the worker: ctx.exports, and bindings to itself. */

function localStub(app, name, props) {
  const context = () => new ExecutionContext(current(), app.loopback, props);
  const find = () => {
    const entrypoint = app.entrypoints.get(name);
    if (!entrypoint) {
      throw new Error(`The worker has no entrypoint "${name}".`);
    }
    return entrypoint;
  };
  return makeStub({
    fetch: async (input, init) => find().fetch(new Request(input, init), context()),
    call: async (method, args) => rpc.call(find().target(context()), method, structuredClone(args)),
  });
}

/* ctx.exports.Name is a stub, and a function that makes one with props. */
function makeLoopback(app) {
  const loopback = {};
  for (const name of app.entrypoints.keys()) {
    const stub = localStub(app, name, {});
    const withProps = ({ props } = {}) => localStub(app, name, props);
    loopback[name] = new Proxy(withProps, { get: (_, key) => stub[key] });
  }
  return loopback;
}

/* Loading */

async function load(spec, loadModule) {
  origin.configure(spec);
  const app = { events: globals.install(spec), env: {}, entrypoints: new Map(), loopback: {}, error: null };
  app.env = makeEnv(spec, ({ entrypoint = 'default', props }) => localStub(app, entrypoint, props));
  base.env = app.env;
  if (spec.settings?.format === 'service-worker') {
    Object.assign(globalThis, app.env);
  }
  try {
    const namespace = exportsOf(await loadModule(spec.endpoints[0].module));
    app.entrypoints = collectEntrypoints(namespace, app);
    app.loopback = makeLoopback(app);
    base.exports = app.loopback;
  } catch (error) {
    app.error = error;
  }
  return app;
}

/* Answering */

/* The request as it came, to what the worker stands in front of. */
function forward(request) {
  if (request.bodyUsed) {
    throw new Error(CONSUMED);
  }
  return fetch(request);
}

const ENCODERS = {
  gzip: () => zlib.createGzip({ flush: zlib.constants.Z_SYNC_FLUSH }),
  br: () => zlib.createBrotliCompress({ flush: zlib.constants.BROTLI_OPERATION_FLUSH }),
};

/* Workers compress what a response says is compressed, unless its maker has done so himself or
 * it came so from elsewhere (web.js knows those). */
function encoded(response) {
  const encoder = ENCODERS[response.headers.get('content-encoding')];
  if (!encoder || !response.body || requests.isManuallyEncoded(response) || isDecoded(response.body)) {
    return response;
  }
  const { readable, writable } = Duplex.toWeb(encoder());
  response.body.pipeTo(writable).catch(() => {});
  const headers = new Headers(response.headers);
  headers.delete('content-length');
  return new Response(readable, { status: response.status, statusText: response.statusText, headers });
}

/* Headers of the connection a fetched response came over are not this one's. */
function withoutConnection(response) {
  const unwanted = [...CONNECTION_HEADERS].filter((name) => name !== 'content-length' && response.headers.has(name));
  if (unwanted.length === 0) {
    return response;
  }
  const headers = new Headers(response.headers);
  unwanted.forEach((name) => headers.delete(name));
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}

function send(exchange, response) {
  if (!web.isResponse(response)) {
    exchange.fail('invalid', new TypeError(NO_RESPONSE));
    return undefined;
  }
  if (response.type === 'error') {
    exchange.fail('invalid', new TypeError(ERROR_RESPONSE));
    return undefined;
  }
  return web.sendResponse(exchange, withoutConnection(encoded(response)));
}

async function answerCall(entrypoint, exchange, ctx, method) {
  const bytes = await rpc.serve(entrypoint.target(ctx), method, await exchange.readBody());
  exchange.respond(200, ['content-type', 'application/x-v8'], bytes);
}

/* After an exception the request goes to the origin, if the worker asked for that in time. */
async function recover(exchange, ctx, request, error) {
  if (!ExecutionContext.isPassThrough(ctx) || exchange.started || request.bodyUsed) {
    exchange.fail('throw', error);
    return;
  }
  console.error(error);
  try {
    await send(exchange, await forward(request));
  } catch (originError) {
    exchange.fail('throw', originError);
  }
}

function propsOf(encodedProps) {
  try {
    return encodedProps ? JSON.parse(Buffer.from(encodedProps, 'base64').toString('utf8')) : {};
  } catch {
    return {};
  }
}

async function handle(app, exchange) {
  if (app.error) {
    exchange.fail('load', app.error);
    return;
  }
  const { request, internal } = requests.incomingRequest(exchange);
  origin.noteCame(exchange, internal);
  const name = internal.entrypoint ?? exchange.settings.entrypoint ?? 'default';
  const entrypoint = app.entrypoints.get(name);
  if (!entrypoint) {
    exchange.fail('missing', new Error(name === 'default' ? NO_FETCH : `The worker has no entrypoint "${name}".`));
    return;
  }
  const ctx = new ExecutionContext(exchange, app.loopback, propsOf(internal.props));
  try {
    if (internal.rpc) {
      await answerCall(entrypoint, exchange, ctx, internal.rpc);
    } else {
      await send(exchange, await entrypoint.fetch(request, ctx));
    }
  } catch (error) {
    await recover(exchange, ctx, request, error);
  }
}

module.exports = { load, handle };
