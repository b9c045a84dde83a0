'use strict';
/* Which request is the code that runs now working for?
 *
 * One AsyncLocalStorage for the whole runtime: console, next/headers, cloudflare:workers and the
 * handlers of uncaught errors read it. It holds an Exchange, or nothing outside of requests. */

const { AsyncLocalStorage } = require('node:async_hooks');

const storage = new AsyncLocalStorage();

module.exports = {
  /** The exchange that the current code belongs to, or undefined. */
  current: () => storage.getStore(),

  /** Runs fn(...args) as part of the exchange; everything asynchronous it starts belongs to it too. */
  run: (exchange, fn, ...args) => storage.run(exchange, fn, ...args),
};
