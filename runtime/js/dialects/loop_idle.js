'use strict';

/* Has the function nothing left to do? Lambda answers a callback, and gives up on a promise that
 * nobody can settle any more, when the event loop is empty. Ours never is, since the channel keeps
 * it alive, and 'beforeExit' never comes; so the addon is asked instead.
 *
 * Checks come quickly at first, then at most every 50 ms, on timers that hold nothing up. */

const FIRST_MS = 1;
const LONGEST_MS = 50;

/* We may be called by a timer: while timers run, Node.js has not told the loop of the next ones. */
const activeTimers = () => process.getActiveResourcesInfo().includes('Timeout');

let native = null;
let hasTimers = activeTimers;

/* Whose loop to look at: the addon, in an instance. Tests have timers of their own, which are nobody's. */
function use(addon, timers = activeTimers) {
  native = addon;
  hasTimers = timers;
}

/* Whether the addon can tell work in the thread pool (zlib, crypto) from rest. */
function isExact() {
  return typeof native?.loopAlive === 'function';
}

function isIdle() {
  return isExact() ? !native.loopAlive() && !hasTimers() : process.getActiveResourcesInfo().length === 0;
}

/* Calls fn() once, when the loop is idle. Returns a function that gives the wait up. */
function whenIdle(fn, firstMs = 0) {
  let timer = null;
  let immediate = null;
  let delay = FIRST_MS;
  const check = () => {
    if (isIdle()) {
      fn();
      return;
    }
    timer = setTimeout(check, delay).unref();
    delay = Math.min(delay * 2, LONGEST_MS);
  };
  if (firstMs > 0) {
    timer = setTimeout(check, firstMs).unref();
  } else {
    immediate = setImmediate(check).unref();
  }
  return () => {
    clearTimeout(timer);
    clearImmediate(immediate);
  };
}

module.exports = { activeTimers, isExact, use, whenIdle };
