'use strict';

/* What Workers find in the global scope beyond what Node.js has. */

const nodeCrypto = require('node:crypto');
const timers = require('node:timers/promises');
const { current } = require('../context');
const { Cache, CacheStorage } = require('./worker_cache');
const { ExtendableEvent, FetchEvent } = require('./worker_events');
const html = require('./worker_html');
const { checkUrl } = require('./worker_init');
const origin = require('./worker_origin');
const requests = require('./worker_request');

function define(name, value) {
  Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
}

function bytesOf(value) {
  if (value instanceof ArrayBuffer) {
    return new Uint8Array(value);
  }
  if (ArrayBuffer.isView(value)) {
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  }
  throw new TypeError('The value is not an ArrayBuffer or a view of one.');
}

function timingSafeEqual(a, b) {
  const [left, right] = [bytesOf(a), bytesOf(b)];
  if (left.length !== right.length) {
    throw new TypeError('Input buffers must have the same byte length.');
  }
  return nodeCrypto.timingSafeEqual(left, right);
}

const DIGESTS = { 'MD5': 'md5', 'SHA-1': 'sha1', 'SHA-256': 'sha256', 'SHA-384': 'sha384', 'SHA-512': 'sha512' };

class DigestStream extends WritableStream {
  #digest;
  #bytes = 0n;

  constructor(algorithm) {
    const name = String(algorithm?.name ?? algorithm).toUpperCase();
    if (!Object.hasOwn(DIGESTS, name)) {
      throw new DOMException(`Unrecognized or unimplemented digest algorithm requested: "${name}".`, 'NotSupportedError');
    }
    const hash = nodeCrypto.createHash(DIGESTS[name]);
    const { promise, resolve, reject } = Promise.withResolvers();
    super({
      write: (chunk) => {
        const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : bytesOf(chunk);
        this.#bytes += BigInt(bytes.length);
        hash.update(bytes);
      },
      close: () => resolve(new Uint8Array(hash.digest()).buffer),
      abort: reject,
    });
    promise.catch(() => {});
    this.#digest = promise;
  }

  get digest() {
    return this.#digest;
  }

  get bytesWritten() {
    return this.#bytes;
  }
}

class IdentityTransformStream extends TransformStream {
  constructor() {
    super({
      transform(chunk, controller) {
        controller.enqueue(bytesOf(chunk));
      },
    });
  }
}

class FixedLengthStream extends TransformStream {
  constructor(expectedLength) {
    const expected = BigInt(expectedLength);
    let seen = 0n;
    super({
      transform(chunk, controller) {
        const bytes = bytesOf(chunk);
        seen += BigInt(bytes.length);
        if (seen > expected) {
          throw new TypeError('Attempt to write too many bytes through a FixedLengthStream.');
        }
        controller.enqueue(bytes);
      },
      flush() {
        if (seen < expected) {
          throw new TypeError('FixedLengthStream did not see all expected bytes before close().');
        }
      },
    });
  }
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
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new TypeError(`Fetch API cannot load: ${text}`);
  }
  return url;
}

function makeFetch(platformFetch) {
  return async function fetch(input, init) {
    const url = targetOf(input);
    const settings = requests.initFor(input, init);
    if (origin.isOurs(url, current())) {
      return origin.fetchBehind(new Request(input, settings));
    }
    return platformFetch(input, settings);
  };
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

/* Uncaught, as far as the log is concerned; nobody else hears of it. */
function reportError(error) {
  console.error(error);
}

let isInstalled = false;

/* What does not depend on the worker, once in a process. */
function installPlatform() {
  if (isInstalled) {
    return;
  }
  isInstalled = true;
  const platformFetch = globalThis.fetch;
  origin.useFetch(platformFetch);
  requests.install();
  globalThis.fetch = makeFetch(platformFetch);
  define('self', globalThis);
  define('reportError', reportError);
  define('origin', 'null');
  define('ExtendableEvent', ExtendableEvent);
  define('FetchEvent', FetchEvent);
  define('Cache', Cache);
  define('CacheStorage', CacheStorage);
  define('scheduler', { wait: (ms, options) => timers.scheduler.wait(ms, options) });
  define('navigator', {
    userAgent: 'Cloudflare-Workers', hardwareConcurrency: 1, language: 'en', languages: ['en'],
    platform: 'Linux', sendBeacon,
  });
  define('FixedLengthStream', FixedLengthStream);
  define('IdentityTransformStream', IdentityTransformStream);
  define('HTMLRewriter', unavailable('HTMLRewriter', 'the build did not see that the worker uses it'));
  define('WebSocketPair', unavailable('WebSocketPair', 'WebSocket upgrades come later'));
  crypto.subtle.timingSafeEqual = timingSafeEqual;
  Object.defineProperty(crypto, 'DigestStream', { value: DigestStream, configurable: true, writable: true });
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
  define('caches', new CacheStorage());
  html.install(spec);
  define('Cloudflare', { compatibilityFlags: flagsOf(spec) });
  return events;
}

function flagsOf(spec) {
  const flags = spec.settings?.compatibility_flags ?? [];
  return Object.freeze(Object.fromEntries(flags.map((flag) => [flag, true])));
}

module.exports = { install };
