'use strict';

/* What Workers find in the global scope beyond what Node.js has. */

const timers = require('node:timers/promises');
const { guardCodeFromText } = require('../../code_from_text');
const { current } = require('../../context');
const { Cache, CacheStorage, makeCaches } = require('./cache');
const workerCrypto = require('./crypto');
const { ExtendableEvent, FetchEvent } = require('./events');
const html = require('./html');
const hung = require('./hung');
const { checkUrl, configure } = require('./init');
const origin = require('./origin');
const { headersOf, makeSend } = require('./outgoing');
const requests = require('./request');
const rpcErrors = require('./rpc_errors');
const responses = require('./response');
const scope = require('./scope');
const streams = require('./streams');
const sockets = require('./websocket');
const socketClient = require('./websocket_client');
const words = require('./words');

function define(name, value) {
  Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
}

function unavailable(name, why) {
  return { [name]: class {
    constructor() {
      throw new Error(`${name} is not available in this runtime: ${why}`);
    }
  } }[name];
}

/* fetch */

function targetOf(input) {
  const text = input instanceof Request ? input.url : String(input);
  checkUrl(text);
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:' && url.protocol !== 'data:') {
    throw new TypeError(`Fetch API cannot load: ${text}`);
  }
  return url;
}

/* Redirects that cannot be followed, by what Node.js says is the cause. */
const REDIRECTS = [
  [/^redirect count exceeded$/, 'Too many redirects.'],
  [/^URL scheme must be a HTTP|^Invalid URL$/, 'Invalid Location header; unable to follow redirect.'],
];

/* Workers say no more of a connection than that it was lost; the cause is Node.js's. */
function fetchError(error, fetch) {
  if (error instanceof TypeError && error.message === 'fetch failed' && error.cause) {
    const redirect = REDIRECTS.find(([pattern]) => pattern.test(error.cause.message));
    return redirect ? new TypeError(redirect[1], { cause: error.cause }) : words.lost(error.cause);
  }
  return words.reword(error, fetch);
}

function makeFetch(send) {
  return async function fetch(input, init) {
    if (arguments.length === 0) {
      throw words.wrongArgument('fetch', 'ServiceWorkerGlobalScope', 1, 'Request or string');
    }
    const url = targetOf(input);
    if (origin.isOurs(url, current())) {
      return origin.fetchBehind(new Request(input, init));
    }
    const settings = requests.initFor(input, init);
    try {
      return await socketClient.open(url, headersOf(input, settings)) ?? measured(await send(input, settings));
    } catch (error) {
      throw fetchError(error, fetch);
    }
  };
}

/* A response whose length is known keeps it when it is handed on. */
function measured(response) {
  const length = response.headers.get('content-length');
  if (length !== null && response.body && !response.headers.has('content-encoding')) {
    responses.noteLength(response.body, length);
  }
  return response;
}

/* The service worker syntax */

function makeEvents() {
  const listeners = new Map();
  const of = (type) => listeners.get(type) ?? [];
  return {
    listeners: of,
    addEventListener(type, listener) {
      if (typeof listener !== 'function' && typeof listener?.handleEvent !== 'function') {
        throw new TypeError('addEventListener needs a function.');
      }
      if (!of(type).includes(listener)) {
        listeners.set(type, [...of(type), listener]);
      }
    },
    removeEventListener(type, listener) {
      listeners.set(type, of(type).filter((other) => other !== listener));
    },
    dispatchEvent(event) {
      for (const listener of of(event.type)) {
        if (typeof listener === 'function') {
          listener.call(globalThis, event);
        } else {
          listener.handleEvent(event);
        }
        if (event.isStopped) {
          break;
        }
      }
      return !event.defaultPrevented;
    },
  };
}

class PromiseRejectionEvent extends Event {
  constructor(type, { promise, reason, ...init } = {}) {
    super(type, init);
    Object.assign(this, { promise, reason });
  }
}

/* Uncaught, as far as the log is concerned; nobody else hears of it. */
function reportError(error) {
  console.error(error);
}

/* Globals of Node.js that Workers lack: packages take them for signs of a browser. */
const BROWSERS_ONLY = ['BroadcastChannel', 'Storage', 'localStorage', 'sessionStorage'];

let isInstalled = false;

/* What does not depend on the worker, once in a process. */
function installPlatform() {
  if (isInstalled) {
    return;
  }
  isInstalled = true;
  const send = makeSend(globalThis.fetch);
  origin.useFetch(send);
  words.install();
  requests.install();
  globalThis.fetch = makeFetch(send);
  keepProcess();
  define('self', globalThis);
  define('reportError', reportError);
  define('origin', 'null');
  define('ExtendableEvent', ExtendableEvent);
  define('FetchEvent', FetchEvent);
  define('PromiseRejectionEvent', PromiseRejectionEvent);
  define('Cache', Cache);
  define('CacheStorage', CacheStorage);
  define('scheduler', { wait: async (ms, options) => {
    scope.check();
    try {
      return await timers.scheduler.wait(ms, options);
    } catch (error) {
      throw options?.signal?.aborted ? options.signal.reason : error;
    }
  } });
  define('navigator', Object.defineProperties(Object.create(Navigator.prototype), Object.getOwnPropertyDescriptors({
    userAgent: 'Cloudflare-Workers', hardwareConcurrency: 1, language: 'en', languages: ['en'],
    platform: '', sendBeacon,
  })));
  define('HTMLRewriter', unavailable('HTMLRewriter', 'the build did not see that the worker uses it'));
  define('EventSource', unavailable('EventSource', 'read the stream of a fetch() instead'));
  defineScopes();
  BROWSERS_ONLY.forEach((name) => delete globalThis[name]);
  streams.install(define);
  sockets.install();
  workerCrypto.install();
  scope.install();
  guardCodeFromText(() => current() !== undefined); /* while its module loads a worker may make code */
  hung.install();
}

/* What is built for Workers may bring a process of its own (unenv's, whose methods mostly throw). Ours is a real one, and
 * the runtime lives by it. Its versions may be set, as those of Workers' process: OpenNext's workers set them. */
function keepProcess() {
  const { process } = globalThis;
  Object.defineProperties(process, {
    version: { value: process.version, writable: true },
    versions: { value: { ...process.versions }, writable: true },
  });
  Object.defineProperty(globalThis, 'process', { get: () => process, set() {}, configurable: true, enumerable: false });
}

/* `self instanceof ServiceWorkerGlobalScope` is how some packages know where they are. */
function defineScopes() {
  for (const name of ['WorkerGlobalScope', 'ServiceWorkerGlobalScope']) {
    const Scope = unavailable(name, 'there is one already');
    Object.defineProperty(Scope, Symbol.hasInstance, { value: (value) => value === globalThis });
    define(name, Scope);
  }
}

function sendBeacon(url, body) {
  fetch(url, { method: 'POST', body }).catch(() => {});
  return true;
}

/* In the function's zygote, before its module loads. Returns the listeners it registers. */
function install(spec) {
  installPlatform();
  const events = makeEvents();
  define('addEventListener', events.addEventListener);
  define('removeEventListener', events.removeEventListener);
  define('dispatchEvent', events.dispatchEvent);
  define('caches', makeCaches());
  html.install(spec);
  sockets.configure(spec.settings);
  rpcErrors.configure(spec.settings);
  configure(spec.settings);
  define('Cloudflare', { compatibilityFlags: flagsOf(spec) });
  return events;
}

function flagsOf(spec) {
  const flags = spec.settings?.compatibility_flags ?? [];
  return Object.freeze(Object.fromEntries(flags.map((flag) => [flag, true])));
}

module.exports = { install };
