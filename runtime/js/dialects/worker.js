'use strict';

/* The dialect of Cloudflare Workers: modules with a default export, WorkerEntrypoint classes, and
 * addEventListener('fetch'). */

const zlib = require('node:zlib');
const { Duplex } = require('node:stream');
const web = require('../web');
const { fieldsOf } = require('../web_headers');
const { isDecoded } = require('../web_request');
const shim = require('../shims/cloudflare-workers');
const { current } = require('../context');
const { CONNECTION_HEADERS } = require('./header_list');
const { FetchEvent } = require('./worker/events');
const { makeAssets } = require('./worker/assets');
const { makeEnv, makeStub, requestFor } = require('./worker/env');
const globals = require('./worker/globals');
const hung = require('./worker/hung');
const inbound = require('./worker/inbound');
const scope = require('./worker/scope');
const sockets = require('./worker/websocket');
const origin = require('./worker/origin');
const requests = require('./worker/request');
const responses = require('./worker/response');
const serviceErrors = require('./worker/service_errors');
const words = require('./worker/words');
const link = require('./worker/rpc_link');
const triggers = require('./worker/triggers');
const virtual = require('../virtual_listen');

const { WorkerEntrypoint } = shim;
const base = shim[Symbol.for('mayfly.workers.base')];

const NO_RESPONSE = "Incorrect type for Promise: the Promise did not resolve to 'Response'.";
const ERROR_RESPONSE =
  'Return value from serve handler must not be an error response (like Response.error())';
const NO_FETCH = 'Handler does not export a fetch() function.';
const NO_UPGRADE =
  'Worker tried to return a WebSocket in a response to a request which did not contain the header "Upgrade: websocket".';
const CONSUMED =
  "Script consumed request body but didn't call respondWith(). Can't forward request.";

/* Execution contexts */

class ExecutionContext {
  #exchange;
  #isPassThrough = false;

  constructor(exchange, exported, props = {}) {
    this.#exchange = exchange;
    this.tracing = shim.tracing;
    this.access = undefined; /* there is no Access, and no cache of a worker's own, on one's own machine */
    this.cache = undefined;
    this.props = props;
    this.exports = exported;
  }

  get [Symbol.toStringTag]() {
    return 'ExecutionContext';
  }

  /** Ends the invocation, whoever would catch what is thrown here. */
  abort(reason = new Error('The execution context was aborted.')) {
    ExecutionContext.#check(this);
    this.#exchange.fail('throw', asError(reason), { log: false });
    throw reason;
  }

  waitUntil(promise) {
    if (arguments.length === 0) {
      throw words.wrongArgument('waitUntil', 'ExecutionContext', 1, 'Promise');
    }
    ExecutionContext.#check(this);
    this.#exchange.waitUntil(promise);
  }

  passThroughOnException() {
    ExecutionContext.#check(this);
    this.#isPassThrough = true;
  }

  static #check(value) {
    if (!(#exchange in Object(value))) {
      throw new TypeError(words.ILLEGAL);
    }
  }

  static isPassThrough(context) {
    return context.#isPassThrough;
  }
}

/* Entrypoints: what a worker exports that can answer. All of them become { fetch, target, handler }, where
 * target(ctx) is the object whose methods may be called from other workers, and handler(name, ctx) the
 * function for another event than a request, or null. */

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
    handler(name, ctx) {
      const object = make(ctx);
      return typeof object[name] === 'function' ? async (event) => object[name](event, undefined, undefined) : null;
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
    handler: (name, ctx) => (
      typeof object[name] === 'function' ? async (event) => object[name](event, app.env, ctx) : null
    ),
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

/* What other workers may call: an entrypoint's methods, and its handler of connections. */
function callableOf(entrypoint, ctx) {
  return inbound.accept(entrypoint.target(ctx), () => [entrypoint.handler?.('connect', ctx) ?? null, ctx]);
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
    fetch: async (...args) => find().fetch(requestFor(args), context()),
    peer: () => link.connectLocal(callableOf(find(), context())),
  });
}

/* ctx.exports.Name is a stub, and a function that makes one with props. */
function makeLoopback(app) {
  const loopback = {};
  for (const name of app.entrypoints.keys()) {
    const stub = localStub(app, name, {});
    const withProps = ({ props } = {}) => localStub(app, name, props);
    loopback[name] = new Proxy(withProps, { get: (_, key) => stub[key], getPrototypeOf: () => Object.getPrototypeOf(stub) });
  }
  return loopback;
}

/* Loading */

/* process.env holds a worker's own variables and nothing of the machine or the platform. */
function hideMachine({ bindings = {} }) {
  for (const name of Object.keys(process.env)) {
    if (bindings[name]?.type !== 'var') {
      delete process.env[name];
    }
  }
}

function addAssets(app, spec) {
  app.assets = makeAssets(spec);
  const name = spec.settings?.assets?.binding;
  if (app.assets && name) {
    app.env[name] = makeStub({ fetch: app.assets.fetch, peer: () => link.connectLocal({}) });
  }
}

async function load(spec, loadModule) {
  virtual.install({ takesConnections: true });
  origin.configure(spec);
  hideMachine(spec);
  const app = { events: globals.install(spec), env: {}, entrypoints: new Map(), loopback: {}, error: null };
  app.env = makeEnv(spec, ({ entrypoint = 'default', props }) => localStub(app, entrypoint, props));
  addAssets(app, spec);
  base.env = app.env;
  base.makeStub = link.stubOfOwn;
  if (spec.settings?.format === 'service-worker') {
    Object.assign(globalThis, app.env);
  }
  try {
    const namespace = exportsOf(await scope.during(() => loadModule(spec.endpoints[0].module)));
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
  if (!encoder || !response.body || responses.isManuallyEncoded(response) || isDecoded(response.body)) {
    return response;
  }
  const { readable, writable } = Duplex.toWeb(encoder());
  response.body.pipeTo(writable).catch(() => {});
  const headers = new Headers(response.headers);
  headers.delete('content-length');
  return new Response(readable, { status: response.status, statusText: response.statusText, headers });
}

const isStream = (response) => web.lightOf(response) === undefined;

/* Its headers for the wire, where they are not sent as they are: without those of the connection that a fetched
 * response came over, and with a length that is measured and not its maker's. */
function wireHeaders(exchange, response) {
  const unwanted = [...CONNECTION_HEADERS, serviceErrors.FIELD].filter((name) => response.headers.has(name));
  const stream = isStream(response) ? response.body : null;
  const length = stream && responses.lengthOf(stream);
  const keepsLength = exchange.method === 'HEAD' && !length;
  if (unwanted.every((name) => name === 'content-length' && keepsLength) && length === undefined) {
    return null;
  }
  const headers = new Headers(response.headers);
  unwanted.filter((name) => name !== 'content-length' || !keepsLength).forEach((name) => headers.delete(name));
  if (length !== undefined && length !== null) {
    headers.set('content-length', String(length));
  }
  return headers;
}

function checkSendable(exchange, response) {
  if (!web.isResponse(response)) {
    throw new TypeError(NO_RESPONSE);
  }
  if (response.webSocket && !exchange.upgrades) {
    throw new TypeError(NO_UPGRADE);
  }
  if (response.type === 'error') {
    throw new TypeError(ERROR_RESPONSE);
  }
  if (response.bodyUsed || (isStream(response) && response.body?.locked)) {
    throw new TypeError(words.USED);
  }
}

function send(exchange, response) {
  try {
    checkSendable(exchange, response);
  } catch (error) {
    error.stack = `${error.name}: ${error.message}`; /* nobody's code is to blame */
    exchange.fail('invalid', error);
    return undefined;
  }
  if (response.webSocket) {
    sockets.connect(response.webSocket, exchange, fieldsOf(response.headers).flat());
    return undefined;
  }
  const ready = encoded(response);
  return web.sendResponse(exchange, ready, web.isPlain(ready) ? null : wireHeaders(exchange, ready), true);
}

/* What was thrown, as an error. */
function asError(thrown) {
  if (thrown instanceof Error || typeof thrown?.stack === 'string') {
    return thrown;
  }
  const error = new Error(printable(thrown));
  error.stack = `Error: ${error.message}`;
  return error;
}

function printable(thrown) {
  try {
    return String(thrown);
  } catch {
    return 'an error that cannot be printed';
  }
}

/* To the worker that has asked by fetch(). */
function hand(exchange, error) {
  exchange.failed = true;
  console.error(asError(error));
  exchange.respond(500, [serviceErrors.FIELD, serviceErrors.fieldOf(error)], null);
}

/* After an exception the request goes to the origin, if the worker asked for that in time. */
async function recover(exchange, ctx, request, error, isForCaller) {
  if (!ExecutionContext.isPassThrough(ctx) || exchange.started || request.bodyUsed) {
    if (isForCaller && !exchange.started) {
      hand(exchange, error);
    } else {
      exchange.fail('throw', asError(error));
    }
    return;
  }
  console.error(error);
  try {
    await send(exchange, await forward(request));
  } catch (originError) {
    exchange.fail('throw', asError(originError));
  }
}

function propsOf(encodedProps) {
  try {
    return encodedProps ? JSON.parse(Buffer.from(encodedProps, 'base64').toString('utf8')) : {};
  } catch {
    return {};
  }
}

function sceneOf(app, exchange) {
  const entrypoint = app.entrypoints.get(exchange.settings.entrypoint ?? 'default');
  return { app, exchange, entrypoint, ctx: new ExecutionContext(exchange, app.loopback) };
}

async function answer(app, exchange) {
  const trigger = triggers.triggerOf(exchange);
  if (trigger) {
    await triggers.answer(sceneOf(app, exchange), trigger);
    return;
  }
  const { request, internal } = requests.incomingRequest(exchange);
  origin.noteCame(exchange, internal);
  const name = internal.entrypoint ?? exchange.settings.entrypoint ?? 'default';
  const isCall = internal.rpc === '1';
  const asset = app.assets && name === 'default' && !isCall ? app.assets.route(request) : null;
  if (asset) {
    await send(exchange, asset);
    return;
  }
  const entrypoint = app.entrypoints.get(name);
  if (!entrypoint) {
    exchange.fail('missing', new Error(name === 'default' ? NO_FETCH : `The worker has no entrypoint "${name}".`));
    return;
  }
  const ctx = new ExecutionContext(exchange, app.loopback, propsOf(internal.props));
  try {
    if (isCall) {
      await link.serve(exchange, callableOf(entrypoint, ctx));
    } else {
      await send(exchange, await entrypoint.fetch(request, ctx));
    }
  } catch (error) {
    await recover(exchange, ctx, request, error, internal.rpc === 'fetch');
  }
}

/* Workers' own server refuses these before the worker sees them. */
function refuseHandshake(exchange) {
  const { headers } = exchange;
  if (headers.upgrade === undefined) {
    return false;
  }
  if (headers['sec-websocket-version'] !== '13') {
    exchange.respond(426, ['sec-websocket-version', '13', 'content-type', 'text/plain', 'connection', 'close'],
      'ERROR: The requested WebSocket version is not supported.');
    return true;
  }
  if (headers['sec-websocket-key'] === undefined) {
    exchange.respond(400, ['content-type', 'text/plain', 'connection', 'close'], 'ERROR: Missing Sec-WebSocket-Key');
    return true;
  }
  return false;
}

async function handle(app, exchange) {
  if (app.error) {
    exchange.fail('load', app.error);
    return;
  }
  if (refuseHandshake(exchange)) {
    return;
  }
  const watched = hung.watch(exchange, (error) => exchange.fail('throw', error));
  try {
    await answer(app, exchange);
  } catch (error) {
    exchange.fail('throw', asError(error));
  }
  watched();
}

/* What goes wrong beside the handler (a timer, a promise nobody waits for) is only told of: the handler may still
 * answer. Of an event, what is thrown and not a promise's is remembered. */
function uncaught(exchange, error, kind) {
  if (kind === 'uncaughtException') {
    triggers.noteUncaught(exchange, error);
  }
  return 'log';
}

const loadErrors = (app, spec) => spec.endpoints.map(() => app.error);

module.exports = { load, loadErrors, handle, start: (_app, native) => hung.start(native), uncaught };
