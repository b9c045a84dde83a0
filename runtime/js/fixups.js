'use strict';
/* What would be the same in every fork of one process, and must not be.
 *
 * Random numbers are cached in batches (Math.random, crypto.randomUUID, crypto.randomInt), the pid is
 * read once, a process that lost its threads hangs when it exits in an orderly way, and timers that
 * were set while a module loaded would all be overdue. So lazy wrappers are installed before any of the
 * function's code has run, and a new instance only moves on an epoch: nothing is paid until it is used.
 *
 * What comes from OpenSSL (randomBytes, getRandomValues) notices forks by itself, but packages keep pools of it. */

const { createHook } = require('node:async_hooks');
const crypto = require('node:crypto');
const { getCallSites } = require('node:util');
const v8 = require('node:v8');
const vm = require('node:vm');
const { syncBuiltinESMExports } = require('node:module');

/* How many results crypto keeps ready (lib/internal/crypto/random.js): drawn once in a new instance,
 * so that the next one comes from fresh bytes. */
const CACHED_UUIDS = 128; /* of each version */
const CACHED_INTS = 1025;

/* Moves on with each fork: what was drawn in an earlier one is the same in all of its forks. */
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
  return like(original, function (...args) {
    if (usedAt !== epoch) {
      for (let i = 0; i < cached; i++) draw(original);
      usedAt = epoch;
    }
    return Reflect.apply(original, this, args);
  });
}

/* With the original's name, length and other properties. */
function like(original, wrapped) {
  return Object.defineProperties(wrapped, Object.getOwnPropertyDescriptors(original));
}

/* Packages draw many random bytes at once and hand them out bit by bit: what is left of that when the process is
 * forked would be the same in all instances. So what was drawn while the function loaded, is more than a key has, and
 * still lies where it was put, is drawn again in each (uuid, ws, nanoid to version 5). Where something else was made of
 * it (nanoid 6: a text) that cannot be, and the function is not forked. */
const POOL_BYTES = 65;
let pools = null;

/* What randomFill(block, offset, size) fills: both are counted in the block's elements. */
function bytesOf(block, offset = 0, size = undefined) {
  const unit = block.BYTES_PER_ELEMENT ?? 1;
  const length = size === undefined ? block.byteLength - offset * unit : size * unit;
  return Buffer.from(block.buffer ?? block, (block.byteOffset ?? 0) + offset * unit, length);
}

/* node_modules/<name> in the file that draws, if it is a package's. */
function packageDrawing() {
  const file = getCallSites(10).find(({ scriptName }) => !/^node:|\/fixups\.js$/.test(scriptName))?.scriptName ?? '';
  return /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? '';
}

function notePool(block, place) {
  const drawn = bytesOf(block, ...place);
  if (drawn.length < POOL_BYTES) return;
  pools.push({ block: new WeakRef(block), place, drawn: Buffer.from(drawn), owner: packageDrawing() });
}

/* Wraps a function that fills a block or makes a new one, at once or later by a callback. */
function watched(original) {
  return like(original, function (...args) {
    if (pools === null) return Reflect.apply(original, this, args);
    const callback = typeof args.at(-1) === 'function' ? args.pop() : null;
    const place = typeof args[0] === 'object' ? args.slice(1) : [];
    if (callback) {
      args.push(function (error, block) {
        if (!error && pools !== null) notePool(block, place);
        return Reflect.apply(callback, this, [error, block]);
      });
    }
    const block = Reflect.apply(original, this, args);
    if (!callback) notePool(block, place);
    return block;
  });
}

function fixPools() {
  for (const name of ['randomBytes', 'randomFill', 'randomFillSync']) crypto[name] = watched(crypto[name]);
  const webcrypto = Object.getPrototypeOf(globalThis.crypto);
  const descriptor = Object.getOwnPropertyDescriptor(webcrypto, 'getRandomValues');
  Object.defineProperty(webcrypto, 'getRandomValues', { ...descriptor, value: watched(descriptor.value) });
}

function collectGarbage() {
  v8.setFlagsFromString('--expose-gc');
  const collect = vm.runInNewContext('gc');
  v8.setFlagsFromString('--no-expose-gc');
  collect();
}

function isUntouched({ block, place, drawn }) {
  const alive = block.deref();
  return alive !== undefined && alive.byteLength > 0 && bytesOf(alive, ...place).equals(drawn);
}

/** In a function zygote that has loaded: why its instances would share random numbers, or ''. */
function sharedRandomness() {
  if (pools.length === 0) return '';
  collectGarbage();
  const spent = pools.find((pool) => !isUntouched(pool));
  return spent ? `${spent.owner || 'it'} has drawn random bytes in advance, which its instances would share` : '';
}

function refillPools() {
  const noted = pools;
  pools = null; /* what is drawn from here on is this instance's own */
  for (const { block, place } of noted) {
    const alive = block.deref();
    if (alive) crypto.randomFillSync(bytesOf(alive, ...place));
  }
}

function fixCrypto() {
  crypto.randomUUID = refreshed(crypto.randomUUID, CACHED_UUIDS, (uuid) => uuid());
  crypto.randomUUIDv7 = refreshed(crypto.randomUUIDv7, CACHED_UUIDS, (uuid) => uuid());
  crypto.randomInt = refreshed(crypto.randomInt, CACHED_INTS, (int) => int(2));
  const webcrypto = Object.getPrototypeOf(globalThis.crypto);
  const descriptor = Object.getOwnPropertyDescriptor(webcrypto, 'randomUUID');
  const draw = (uuid) => Reflect.apply(uuid, globalThis.crypto, []);
  Object.defineProperty(webcrypto, 'randomUUID', { ...descriptor, value: refreshed(descriptor.value, CACHED_UUIDS, draw) });
}

/* A context of node:vm has a Math.random of its own, seeded by V8 from a generator that forks share: it gets ours. Not
 * if the context's object has a Math of its own, which is not ours to change. */
const giveRandom = new vm.Script('(next) => { Math.random = function random() { return next(); }; }');

/* As node:vm takes its context's options out of a script's. */
function contextOptions(options) {
  if (typeof options !== 'object' || options === null) return undefined;
  const { contextName: name, contextOrigin: origin, contextCodeGeneration: codeGeneration, microtaskMode } = options;
  return Object.fromEntries(Object.entries({ name, origin, codeGeneration, microtaskMode }).filter(([, value]) => value !== undefined));
}

function fixContexts() {
  const { createContext } = vm;
  vm.createContext = like(createContext, (...args) => {
    const [object = {}] = args;
    const ownMath = typeof object === 'object' && object !== null && (vm.isContext(object) || 'Math' in object);
    const context = Reflect.apply(createContext, vm, args);
    if (!ownMath) giveRandom.runInContext(context)(Math.random);
    return context;
  });
  vm.runInNewContext = like(vm.runInNewContext, (code, object, options) => {
    const context = vm.createContext(object, contextOptions(options));
    return vm.runInContext(code, context, options);
  });
  const script = vm.Script.prototype;
  script.runInNewContext = like(script.runInNewContext, function (object, options) {
    return this.runInContext(vm.createContext(object, contextOptions(options)), options);
  });
}

let pid = process.pid;

function fixPid() {
  Object.defineProperty(process, 'pid', { get: () => pid, configurable: true, enumerable: true });
}

const uptime = process.uptime;
let startedAt = 0;

function fixUptime() {
  process.uptime = like(uptime, () => uptime() - startedAt);
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

/* Timers that were set while the function loaded, by whatever call. In an instance they start anew: its life begins
 * when it is forked, not when the zygote was loaded. */
let timers = null;

const timerHook = createHook({
  trackPromises: false,
  init(asyncId, type, triggerAsyncId, resource) {
    if (type === 'Timeout') timers.push(new WeakRef(resource));
  },
});

function restartTimers() {
  for (const ref of timers) {
    const timer = ref.deref();
    if (timer && !timer._destroyed) timer.refresh();
  }
}

/** In the base zygote, before anything else. */
function install(native) {
  fixMathRandom();
  fixCrypto();
  fixPools();
  fixContexts();
  fixPid();
  fixUptime();
  fixExits(native);
  syncBuiltinESMExports();
}

/** In a function zygote, before its code loads. */
function beginLoading(realPid) {
  epoch += 1;
  pid = realPid;
  pools = [];
  timers = [];
  timerHook.enable();
}

/** In a function zygote that has loaded and is about to be forked. */
function endLoading() {
  timerHook.disable();
}

/** Where that is not to be forked: what it has is its own. */
function keepAsLoaded() {
  timerHook.disable();
  timers = null;
  pools = null;
}

/** In a new instance. */
function beginInstance(realPid) {
  epoch += 1;
  pid = realPid;
  startedAt = uptime();
  if (timers === null) return;
  restartTimers();
  timers = null;
  refillPools();
}

module.exports = { install, beginLoading, sharedRandomness, endLoading, keepAsLoaded, beginInstance };
