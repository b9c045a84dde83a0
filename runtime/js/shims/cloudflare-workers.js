'use strict';

/* The module "cloudflare:workers". */

const { AsyncLocalStorage } = require('node:async_hooks');
const context = require('../context');

const overrides = new AsyncLocalStorage();

/* What Workers print of an object of the class. */
const NAME = Symbol('name');

/* Set by the worker dialect when the function is loaded. */
const base = { env: undefined, exports: undefined, makeStub: undefined, NAME };

class WorkerEntrypoint {
  constructor(ctx, env) {
    if (typeof ctx !== 'object' || ctx === null) {
      throw new TypeError("Failed to construct 'WorkerEntrypoint': constructor parameter 1 is not of type 'Object'.");
    }
    this.ctx = ctx;
    this.env = env;
  }
}

class DurableObject {
  constructor(ctx, env) {
    this.ctx = ctx;
    this.env = env;
  }
}

class WorkflowEntrypoint {
  constructor(ctx, env) {
    this.ctx = ctx;
    this.env = env;
  }
}

class RpcTarget {
  get [Symbol.toStringTag]() {
    return 'JsRpcTarget';
  }
}

/* A stub of an object of one's own; the dialect knows how to make one. */
class RpcStub {
  static [NAME] = 'JsRpcStub';

  constructor(target) {
    if ((typeof target !== 'object' || target === null) && typeof target !== 'function') {
      throw new TypeError("Failed to construct 'JsRpcStub': constructor parameter 1 is not of type 'Object'.");
    }
    return base.makeStub(target);
  }
}

/* Only calls make them. */
class Illegal {
  constructor() {
    throw new TypeError('Illegal constructor');
  }
}

class RpcPromise extends Illegal {
  static [NAME] = 'JsRpcPromise';
}

class RpcProperty extends Illegal {
  static [NAME] = 'JsRpcProperty';
}

class ServiceStub {}

/* `env` is imported once and for all, but what it shows depends on withEnv(). */
function indirect(read, isWritable) {
  const target = () => read() ?? {};
  const refuse = () => true;
  return new Proxy({}, {
    get: (_, key) => Reflect.get(target(), key),
    has: (_, key) => Reflect.has(target(), key),
    ownKeys: () => Reflect.ownKeys(target()),
    getOwnPropertyDescriptor: (_, key) => {
      const found = Reflect.getOwnPropertyDescriptor(target(), key);
      /* The proxy's own target does not have it, which only a configurable property may lack. */
      return found && { ...found, configurable: true };
    },
    set: isWritable ? (_, key, value) => Reflect.set(target(), key, value) : refuse,
    deleteProperty: isWritable ? (_, key) => Reflect.deleteProperty(target(), key) : refuse,
    defineProperty: isWritable
      ? (_, key, descriptor) => Reflect.defineProperty(target(), key, descriptor)
      : refuse,
  });
}

const current = (name) => (overrides.getStore() ?? base)[name];

function withEnvAndExports(env, exported, fn) {
  return overrides.run({ env, exports: exported }, fn);
}

function waitUntil(promise) {
  if (arguments.length === 0) {
    throw new TypeError("Failed to execute 'waitUntil' on 'EntrypointsModule': parameter 1 is not of type 'Promise'.");
  }
  const exchange = context.current();
  if (!exchange) {
    throw new Error('waitUntil() can only be called while a request is handled.');
  }
  exchange.waitUntil(promise);
}

function abortIsolate(reason) {
  throw new Error(reason ?? 'abortIsolate() was called');
}

/* Tracing is the platform's; a span here only runs its function. */
const span = { isTraced: false, setAttribute() {} };
const tracing = { enterSpan: (_name, fn, ...args) => fn(span, ...args) };

/* One by one, for Node.js has to find the names when an ES module imports them. */
exports.DurableObject = DurableObject;
exports.RpcPromise = RpcPromise;
exports.RpcProperty = RpcProperty;
exports.RpcStub = RpcStub;
exports.RpcTarget = RpcTarget;
exports.ServiceStub = ServiceStub;
exports.WorkerEntrypoint = WorkerEntrypoint;
exports.WorkflowEntrypoint = WorkflowEntrypoint;
exports.abortIsolate = abortIsolate;
exports.cache = {};
exports.env = indirect(() => current('env'), true);
exports.exports = indirect(() => current('exports'), false);
exports.restore = Symbol.for('cloudflare:workers.restore');
exports.tracing = tracing;
exports.waitUntil = waitUntil;
exports.withEnv = (env, fn) => withEnvAndExports(env, current('exports'), fn);
exports.withExports = (exported, fn) => withEnvAndExports(current('env'), exported, fn);
exports.withEnvAndExports = withEnvAndExports;

/* For the dialect alone. */
exports[Symbol.for('mayfly.workers.base')] = base;
