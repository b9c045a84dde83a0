'use strict';

/* What Workers find in the global scope beyond what Node.js has. */

const nodeCrypto = require('node:crypto');
const timers = require('node:timers/promises');
const { current } = require('../context');
const { CacheStorage } = require('./worker_cache');
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

function checkUrl(input) {
  const text = input instanceof Request ? input.url : String(input);
  const url = URL.parse(text);
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new TypeError(`Fetch API cannot load: ${text}`);
  }
  return url;
}

/* A request that came in and goes on as it is leaves its redirects to the client. */
function platformInit(input, init) {
  const standard = requests.standardInit(init);
  if (input instanceof Request && requests.exchangeOf(input) && standard?.redirect === undefined) {
    return { ...standard, redirect: 'manual' };
  }
  return standard;
}

function makeFetch(platformFetch) {
  return async function fetch(input, init) {
    const url = checkUrl(input);
    const settings = platformInit(input, init);
    if (origin.isOurs(url, current())) {
      return origin.fetchBehind(new Request(input, settings));
    }
    return platformFetch(input, settings);
  };
}

/* The service worker syntax */

function makeEvents() {
  const listeners = new Map();
  return {
    listeners: (type) => listeners.get(type) ?? [],
    addEventListener(type, listener) {
      const call = typeof listener === 'function' ? listener : listener?.handleEvent?.bind(listener);
      if (typeof call !== 'function') {
        throw new TypeError('addEventListener needs a function.');
      }
      listeners.set(type, [...(listeners.get(type) ?? []), call]);
    },
  };
}

/* In the function's zygote, before its module loads. Returns the listeners it registers. */
function install(spec) {
  const events = makeEvents();
  const platformFetch = globalThis.fetch;
  origin.useFetch(platformFetch);
  requests.install();
  globalThis.fetch = makeFetch(platformFetch);
  define('self', globalThis);
  define('addEventListener', events.addEventListener);
  define('caches', new CacheStorage());
  define('scheduler', { wait: (ms, options) => timers.scheduler.wait(ms, options) });
  define('navigator', {
    userAgent: 'Cloudflare-Workers', hardwareConcurrency: 1, language: 'en', languages: ['en'],
    platform: 'Linux', sendBeacon: (url, body) => {
      fetch(url, { method: 'POST', body }).catch(() => {});
      return true;
    },
  });
  define('FixedLengthStream', FixedLengthStream);
  define('IdentityTransformStream', IdentityTransformStream);
  define('HTMLRewriter', unavailable('HTMLRewriter', 'use a package such as html-rewriter-wasm'));
  define('WebSocketPair', unavailable('WebSocketPair', 'WebSocket upgrades come later'));
  define('Cloudflare', { compatibilityFlags: flagsOf(spec) });
  crypto.subtle.timingSafeEqual = timingSafeEqual;
  Object.defineProperty(crypto, 'DigestStream', { value: DigestStream, configurable: true, writable: true });
  return events;
}

function flagsOf(spec) {
  const flags = spec.settings?.compatibility_flags ?? [];
  return Object.freeze(Object.fromEntries(flags.map((flag) => [flag, true])));
}

module.exports = { install };
