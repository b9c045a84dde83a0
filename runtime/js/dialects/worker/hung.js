'use strict';

/* A worker whose handler waits for what can never come is told so, as Workers' runtime does, and not after its time is
 * up. It hangs when the event loop has nothing left to do: no timer, no connection, no work of a thread. The loop is
 * every request's, so one that still works hides those that hang until it is through.
 *
 * One check in a while costs a busy instance nothing; two in a row make sure that it was no moment in between. */

const loopIdle = require('../loop_idle');
const { InFlight } = require('../../in_flight');

const CHECK_MS = 100;
const CHECKS = 2;

const HUNG =
  "The Workers runtime canceled this request because it detected that your Worker's code had hung and would never " +
  'generate a response. Refer to: https://developers.cloudflare.com/workers/observability/errors/';

let native = null;
let hasTimers = loopIdle.activeTimers;
let compiling = 0; /* WebAssembly, by threads of V8's that the loop does not know */
let timer = null;
let idleChecks = 0;
/* Requests without an answer, each with the fail(error) that ends it. */
const waiting = new InFlight();

function countCompiling(name) {
  const real = WebAssembly[name];
  WebAssembly[name] = { async [name](...args) {
    compiling += 1;
    try {
      return await real.apply(WebAssembly, args);
    } finally {
      compiling -= 1;
    }
  } }[name];
}

/* In the function's zygote, before its module loads. */
function install() {
  ['compile', 'instantiate'].forEach(countCompiling);
}

/* In an instance: whose loop it is. Without an addon that knows, nothing is watched. Tests have timers of their own. */
function start(addon, timers = loopIdle.activeTimers) {
  hasTimers = timers;
  native = typeof addon?.loopAlive === 'function' ? addon : null;
}

/* While the client still sends its body, that is what a handler may wait for. */
function isHung(exchange) {
  return !exchange.started && !exchange.cancelled && exchange.bodyEnded;
}

function isBusy() {
  return compiling > 0 || native.loopAlive() || hasTimers();
}

function check() {
  timer = null;
  if (native === null) {
    return;
  }
  idleChecks = isBusy() ? 0 : idleChecks + 1;
  if (idleChecks >= CHECKS) {
    idleChecks = 0;
    for (const { exchange, fail } of waiting.values()) {
      if (isHung(exchange)) {
        const error = new Error(HUNG);
        error.stack = `Error: ${HUNG}`;
        fail(error);
      }
    }
  }
  arm();
}

function arm() {
  if (timer === null && waiting.size > 0) {
    timer = setTimeout(check, CHECK_MS).unref();
  }
}

/** Watches a request until the returned function is called. */
function watch(exchange, fail) {
  if (native === null) {
    return () => {};
  }
  if (waiting.size === 0) {
    idleChecks = 0; /* what was found then says nothing of this request */
  }
  waiting.set(exchange.stream, { exchange, fail });
  arm();
  return () => waiting.delete(exchange.stream);
}

module.exports = { install, start, watch };
