'use strict';

/* While a worker's module loads there is no request, and Workers refuse what belongs to one: waiting, the network and
 * chance. Here it would happen once for all instances that are forked afterwards. */

const { current } = require('../../context');

const DISALLOWED =
  'Disallowed operation called within global scope. Asynchronous I/O (ex: fetch() or connect()), setting a timeout, ' +
  'and generating random values are not allowed within global scope. To fix this error, perform this operation ' +
  'within a handler. https://developers.cloudflare.com/workers/runtime-apis/handlers/';

let isLoading = false;

/* Throws while the module loads. */
function check() {
  if (isLoading && !current()) {
    throw new Error(DISALLOWED);
  }
}

/* Guards `owner[name]`. How it refuses is how it would fail: at once, or by a promise. */
function guard(owner, name, { isAsync = false } = {}) {
  const before = Object.getOwnPropertyDescriptor(owner, name);
  const real = before.value;
  const guarded = { [name](...args) {
    if (isLoading) {
      try {
        check();
      } catch (error) {
        if (isAsync) {
          return Promise.reject(error);
        }
        throw error;
      }
    }
    return Reflect.apply(real, this, args);
  } }[name];
  Object.defineProperties(guarded, Object.getOwnPropertyDescriptors(real));
  Object.defineProperty(owner, name, { ...before, value: guarded });
}

/* AbortSignal.timeout() with a timer that counts as work: a handler may wait for nothing else (hung.js). */
function abortLater(delay) {
  check();
  const controller = new AbortController();
  const reason = new DOMException('The operation was aborted due to timeout', 'TimeoutError');
  setTimeout(() => controller.abort(reason), Number(delay));
  return controller.signal;
}

/* In the function's zygote, before its module loads. */
function install() {
  guard(globalThis, 'setTimeout');
  guard(globalThis, 'setInterval');
  AbortSignal.timeout = abortLater;
  guard(Object.getPrototypeOf(crypto), 'getRandomValues');
  guard(Object.getPrototypeOf(crypto), 'randomUUID');
  guard(globalThis, 'fetch', { isAsync: true });
}

/* Loads a module by load(). */
async function during(load) {
  isLoading = true;
  try {
    return await load();
  } finally {
    isLoading = false;
  }
}

module.exports = { check, during, guard, install };
