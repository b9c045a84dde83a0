'use strict';
/* next/headers. What Next 15 and later return as a promise is here a promise that also has the value's
 * members, so that handlers written for either way work. */

const { RequestCookies } = require('./cookies');
const { requireStore, sealHeaders, sealCookies } = require('./store');

const HEADERS_MEMBERS = ['get', 'has', 'getSetCookie', 'keys', 'values', 'entries', 'forEach', 'append', 'set', 'delete'];
const COOKIES_MEMBERS = ['get', 'getAll', 'has', 'set', 'delete', 'clear', 'toString'];

const settled = new WeakMap();

function bind(value, key) {
  return (...args) => value[key](...args);
}

/* The same value gives the same promise, as in Next. */
function both(value, members, getters = []) {
  let promise = settled.get(value);
  if (promise) return promise;
  promise = Promise.resolve(value);
  for (const key of members) {
    Object.defineProperty(promise, key, { value: bind(value, key), configurable: true, writable: true });
  }
  for (const key of getters) {
    Object.defineProperty(promise, key, { get: () => value[key], configurable: true });
  }
  if (value[Symbol.iterator]) {
    Object.defineProperty(promise, Symbol.iterator, { value: bind(value, Symbol.iterator), configurable: true });
  }
  settled.set(value, promise);
  return promise;
}

function headers() {
  const store = requireStore('headers');
  if (store.forceStatic) return both(sealHeaders(new Headers()), HEADERS_MEMBERS);
  store.trackDynamic('headers()');
  return both(store.sealedHeaders, HEADERS_MEMBERS);
}

function cookies() {
  const store = requireStore('cookies');
  if (store.forceStatic) return both(sealCookies(new RequestCookies(new Headers())), COOKIES_MEMBERS, ['size']);
  store.trackDynamic('cookies()');
  const value = store.phase === 'action' ? store.mutableCookies : store.sealedCookies;
  return both(value, COOKIES_MEMBERS, ['size']);
}

function draftMode() {
  return both(requireStore('draftMode').draftMode, ['enable', 'disable'], ['isEnabled']);
}

module.exports = { headers, cookies, draftMode };
