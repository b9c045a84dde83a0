'use strict';
/* What would be the same in every fork of one process, and must not be.
 *
 * Random numbers are cached in batches (Math.random, crypto.randomUUID, crypto.randomInt), the pid is
 * read once, a process that lost its threads hangs when it exits in an orderly way, and timers that
 * were set while a module loaded would all be overdue. So lazy wrappers are installed before any of the
 * function's code has run, and a new instance only moves on an epoch: nothing is paid until it is used.
 *
 * What comes from OpenSSL (randomBytes, getRandomValues) notices forks by itself. */

const crypto = require('node:crypto');
const timers = require('node:timers');
const v8 = require('node:v8');
const vm = require('node:vm');
const { syncBuiltinESMExports } = require('node:module');

/* How many results crypto keeps ready (lib/internal/crypto/random.js): drawn once in a new instance,
 * so that the next one comes from fresh bytes. */
const CACHED_UUIDS = 128;
const CACHED_INTS = 1025;

/* 0 in zygotes, then the number of the instance. */
let epoch = 0;

function fixMathRandom() {
  const state = new Uint32Array(4);
  let seededAt = -1;
  /* xoshiro128**, seeded from the system */
  function next() {
    const [a, b, c, d] = state;
    let result = Math.imul(b, 5);
    result = Math.imul((result << 7) | (result >>> 25), 9);
    state[2] = c ^ a;
    state[3] = d ^ b;
    state[1] = b ^ state[2];
    state[0] = a ^ state[3];
    state[2] ^= b << 9;
    state[3] = (state[3] << 11) | (state[3] >>> 21);
    return result >>> 0;
  }
  Math.random = function random() {
    if (seededAt !== epoch) {
      crypto.randomFillSync(state);
      seededAt = epoch;
    }
    return ((next() >>> 5) * 67108864 + (next() >>> 6)) / 9007199254740992;
  };
}

/* Wraps a function with a cache of `cached` results: in a new instance the old ones are thrown away. */
function refreshed(original, cached, draw) {
  let usedAt = epoch;
  return function (...args) {
    if (usedAt !== epoch) {
      for (let i = 0; i < cached; i++) draw(original);
      usedAt = epoch;
    }
    return Reflect.apply(original, this, args);
  };
}

function named(name, fn) {
  return Object.defineProperty(fn, 'name', { value: name });
}

function fixCrypto() {
  crypto.randomUUID = named('randomUUID', refreshed(crypto.randomUUID, CACHED_UUIDS, (uuid) => uuid()));
  crypto.randomInt = named('randomInt', refreshed(crypto.randomInt, CACHED_INTS, (int) => int(2)));
  const webcrypto = Object.getPrototypeOf(globalThis.crypto);
  const uuid = refreshed(webcrypto.randomUUID, CACHED_UUIDS, (original) => Reflect.apply(original, globalThis.crypto, []));
  Object.defineProperty(webcrypto, 'randomUUID', {
    value: named('randomUUID', uuid), writable: true, configurable: true, enumerable: true,
  });
}

/* A context of node:vm has a Math.random of its own, seeded by V8 from a generator that forks share. A seed given
 * by flag takes its place; giving one costs too much to do it for instances that make no context. */
function fixContexts() {
  let seededAt = epoch;
  for (const name of ['createContext', 'runInNewContext']) {
    const original = vm[name];
    vm[name] = named(name, function (...args) {
      if (seededAt !== epoch) {
        v8.setFlagsFromString(`--random-seed=${crypto.randomInt(1, 2 ** 31)}`);
        seededAt = epoch;
      }
      return Reflect.apply(original, this, args);
    });
  }
  const script = vm.Script.prototype;
  const original = script.runInNewContext;
  script.runInNewContext = function runInNewContext(contextObject, options) {
    const context = vm.createContext(contextObject, { microtaskMode: options?.microtaskMode });
    return options === undefined ? this.runInContext(context) : this.runInContext(context, options);
  };
  Object.defineProperty(script.runInNewContext, 'length', { value: original.length });
}

let pid = process.pid;

function fixPid() {
  Object.defineProperty(process, 'pid', { get: () => pid, configurable: true, enumerable: true });
}

/* An exit runs its listeners and then ends at once: the platform's own way down would wait for threads
 * that the fork has lost. */
function fixExits(native) {
  const leave = (code) => {
    native.flush();
    native.exit(Number(code) & 0xff);
  };
  process.reallyExit = leave;
  const emit = process.emit;
  process.emit = function (event, ...args) {
    const result = Reflect.apply(emit, this, [event, ...args]);
    if (event === 'exit') leave(process.exitCode ?? args[0] ?? 0);
    return result;
  };
}

/* Timers that were set while the function loaded. In an instance they start anew: its life begins when it is
 * forked, not when the zygote was loaded. */
let loading = null;

function fixTimers() {
  for (const name of ['setTimeout', 'setInterval']) {
    const original = timers[name];
    const wrapped = function (...args) {
      const timer = Reflect.apply(original, this, args);
      loading?.push(new WeakRef(timer));
      return timer;
    };
    Object.defineProperties(wrapped, Object.getOwnPropertyDescriptors(original));
    timers[name] = globalThis[name] = wrapped;
  }
  const timeout = AbortSignal.timeout;
  AbortSignal.timeout = function (delay) {
    if (!loading) return Reflect.apply(timeout, AbortSignal, [delay]);
    const controller = new AbortController();
    const reason = () => new DOMException('The operation was aborted due to timeout', 'TimeoutError');
    globalThis.setTimeout(() => controller.abort(reason()), delay).unref();
    return controller.signal;
  };
}

/** In the base zygote, before anything else. */
function install(native) {
  fixMathRandom();
  fixCrypto();
  fixContexts();
  fixPid();
  fixExits(native);
  fixTimers();
  syncBuiltinESMExports();
}

/** In a function zygote, before its code loads. */
function beginLoading(realPid) {
  epoch = 0;
  pid = realPid;
  loading = [];
}

/** In a new instance. `id` is unique among all instances. */
function beginInstance(id, realPid) {
  epoch = id;
  pid = realPid;
  for (const ref of loading ?? []) {
    const timer = ref.deref();
    if (timer && !timer._destroyed) timer.refresh();
  }
  loading = null;
}

module.exports = { install, beginLoading, beginInstance };
