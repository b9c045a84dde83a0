'use strict';

/* What a caller holds: promises whose members can be used before they are there, and stubs of what another worker keeps.
 * All of them are proxies of functions, since each may be called. */

const shim = require('../../shims/cloudflare-workers');

const { NAME } = shim[Symbol.for('mayfly.workers.base')];
const { stubs } = require('./rpc');

const THENABLE = new Set(['then', 'catch', 'finally']);
const DISPOSED = 'RPC stub used after being disposed.';

/* Never the name of a member that another worker is asked for: every object has these. */
function isLocal(key) {
  return typeof key === 'symbol' || key === 'toJSON' || Object.hasOwn(Object.prototype, key);
}

const local = (Class, key) => (key === Symbol.toStringTag ? Class[NAME] : Object.prototype[key]);

/**
 * A promise by whose members one can go on: `begin()` starts what it is of, and is called when it is awaited or used;
 * `apply(args)` is what happens when it is called itself.
 */
function promiseOf(begin, apply, Class = shim.RpcPromise) {
  let promise = null;
  const started = () => (promise ??= begin());
  const through = async (use) => use(await started());
  return new Proxy(function rpc() {}, {
    get(_, key) {
      if (THENABLE.has(key)) {
        return started()[key].bind(started());
      }
      if (key === Symbol.dispose) {
        return () => void started().then((value) => value?.[Symbol.dispose]?.(), () => {});
      }
      if (key === 'constructor') {
        return Class;
      }
      return isLocal(key) ? local(Class, key) : promiseOf(
        () => through((value) => value[key]),
        (args) => eager(through((value) => value[key](...args))),
        shim.RpcProperty
      );
    },
    getPrototypeOf: () => Class.prototype,
    apply: (_, _self, args) => apply(args),
  });
}

/* What has begun already. */
function eager(promise) {
  return promiseOf(() => promise, (args) => eager(promise.then((value) => value(...args))));
}

/** The member `name` of what `peer()` leads to: { call(name, args), get(name) }, each a promise. */
function memberOf(peer, name) {
  return promiseOf(() => attempt(peer).get(name), (args) => eager(attempt(peer).call(name, args)), shim.RpcProperty);
}

/**
 * A stub. `handle`: { call, get, dup(), release() }; each stub holds one, and lets it go once.
 */
function stubOf(handle) {
  let isDisposed = false;
  const live = () => {
    if (isDisposed) {
      throw new Error(DISPOSED);
    }
    return handle;
  };
  const dispose = () => {
    if (!isDisposed) {
      isDisposed = true;
      handle.release();
    }
  };
  const dup = () => stubOf(live().dup());
  const stub = new Proxy(function stub() {}, {
    get(_, key) {
      if (key === Symbol.dispose) {
        return dispose;
      }
      if (key === 'dup') {
        return dup;
      }
      if (key === 'constructor') {
        return shim.RpcStub;
      }
      if (THENABLE.has(key)) {
        return undefined;
      }
      return isLocal(key) ? local(shim.RpcStub, key) : memberOf(live, key);
    },
    getPrototypeOf: () => shim.RpcStub.prototype,
    apply: (_, _self, args) => eager(attempt(live).call(null, args)),
  });
  stubs.set(stub, dup);
  return stub;
}

/** A stub that several may hold; `end()` when the last of them has let go. */
function countedStubOf({ call, get, end }) {
  let holders = 1;
  const handle = {
    call,
    get,
    dup: () => {
      holders += 1;
      return handle;
    },
    release: () => {
      holders -= 1;
      if (holders === 0) {
        end();
      }
    },
  };
  return stubOf(handle);
}

/* A handle whose calls fail, where there is none. */
function attempt(live) {
  try {
    return live();
  } catch (error) {
    const fail = () => Promise.reject(error);
    return { call: fail, get: fail };
  }
}

module.exports = { countedStubOf, eager, memberOf };
