'use strict';

/* caches.default and caches.open(): the Cache API with the rules of Workers.
 *
 * Entries are kept in this instance's memory, oldest out first. A Store of another kind (the edge
 * cache) needs get, set and delete only. */

const { lightOf } = require('../../web');
const { LightHeaders, fieldsOf, wrap } = require('../../web_headers');
const responses = require('./response');
const scope = require('./scope');
const words = require('./words');

const MAX_BYTES = 32 * 1024 * 1024;
const HOP_BY_HOP = [
  'connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'te', 'trailer',
  'transfer-encoding', 'upgrade',
];
const CACHEABLE = new Set([200, 203, 204, 300, 301, 302, 303, 307, 308, 404, 405, 410, 414, 501]);
const HTTP_DATE =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d GMT$/;

class MemoryStore {
  #entries = new Map();
  #bytes = 0;

  get(key) {
    const entry = this.#entries.get(key);
    if (entry && entry.expiresAt <= Date.now()) {
      this.delete(key);
      return undefined;
    }
    return entry;
  }

  set(key, entry) {
    this.delete(key);
    if (entry.body.length > MAX_BYTES) {
      return;
    }
    this.#entries.set(key, entry);
    this.#bytes += entry.body.length;
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= MAX_BYTES) {
        break;
      }
      this.delete(oldest);
    }
  }

  delete(key) {
    const entry = this.#entries.get(key);
    if (!entry) {
      return false;
    }
    this.#bytes -= entry.body.length;
    return this.#entries.delete(key);
  }
}

/* Freshness, as a shared cache reads it */

function directives(header) {
  const found = {};
  for (const [, name, quoted, plain] of (header ?? '').matchAll(
    /([\w-]+)(?:\s*=\s*(?:"([^"]*)"|([^\s,;]+)))?/g
  )) {
    found[name.toLowerCase()] ??= quoted ?? plain ?? true;
  }
  return found;
}

function seconds(value) {
  return /^\d+$/.test(value) ? Number(value) : 0;
}

function parseDate(value) {
  return HTTP_DATE.test(value ?? '') ? Date.parse(value) : Number.NaN;
}

/* Milliseconds to keep it, or null where it may not be kept at all. */
function lifetime(status, headers) {
  const control = directives(headers.get('cache-control'));
  const withoutCookie =
    typeof control.private === 'string' && control.private.toLowerCase() === 'set-cookie';
  if (withoutCookie) {
    headers.delete('set-cookie');
  }
  const isPrivate = control.private !== undefined && !withoutCookie;
  if (!CACHEABLE.has(status) || control['no-store'] || isPrivate || headers.has('set-cookie')) {
    return null;
  }
  if (control['no-cache']) {
    return 0;
  }
  const total = freshFor(control, headers);
  return Math.max(0, total - seconds(headers.get('age') ?? '')) * 1000;
}

function freshFor(control, headers) {
  if (control['s-maxage'] !== undefined) {
    return seconds(control['s-maxage']);
  }
  if (control['max-age'] !== undefined) {
    return seconds(control['max-age']);
  }
  const date = parseDate(headers.get('date'));
  const now = Number.isNaN(date) ? Date.now() : date;
  const expires = headers.get('expires');
  if (expires !== null) {
    return Math.max(0, (Date.parse(expires) - now) / 1000) || 0;
  }
  const modified = parseDate(headers.get('last-modified'));
  return modified < now ? ((now - modified) / 1000) * 0.1 : 0;
}

/* Conditional and partial requests */

function etagMatches(header, etag) {
  const opaque = (text) => /^(?:W\/)?"(.+)"$/.exec(text.trim())?.[1];
  const ours = opaque(etag ?? '');
  return (
    ours !== undefined &&
    (header.trim() === '*' || header.split(',').some((candidate) => opaque(candidate) === ours))
  );
}

function isNotModified(request, headers) {
  const ifNoneMatch = request.get('if-none-match');
  if (ifNoneMatch !== null && etagMatches(ifNoneMatch, headers.get('etag'))) {
    return true;
  }
  return parseDate(headers.get('last-modified')) <= parseDate(request.get('if-modified-since'));
}

/* "bytes=0-9" to [0, 9], null where none is asked for (of several, all of it is given), undefined
 * where it cannot be honoured. */
function parseRange(header, size) {
  if (header === null || /^\s*bytes=[\d\s-]+(?:,[\d\s-]+)+$/.test(header)) {
    return null;
  }
  const match = /^bytes=(\d*)-(\d*)$/.exec(header.trim());
  if (!match || (match[1] === '' && match[2] === '')) {
    return undefined;
  }
  if (match[1] === '') {
    const count = Math.min(Number(match[2]), size);
    return count === 0 ? undefined : [size - count, size - 1];
  }
  const start = Number(match[1]);
  const end = match[2] === '' ? size - 1 : Math.min(Number(match[2]), size - 1);
  return start >= size || start > end ? undefined : [start, end];
}

function responseOf(entry, request) {
  const headers = new Headers(entry.headers);
  headers.set('cf-cache-status', 'HIT');
  headers.set('age', String(Math.floor((Date.now() - entry.storedAt) / 1000)));
  if (isNotModified(request.headers, headers)) {
    return frozen(new Response(null, { status: 304, headers }));
  }
  const range = parseRange(request.headers.get('range'), entry.body.length);
  if (range === undefined) {
    return new Response(null, {
      status: 416, headers: { 'content-range': `bytes */${entry.body.length}`, 'cf-cache-status': 'HIT' },
    });
  }
  const body = entry.hasBody ? entry.body : null;
  if (range === null) {
    return frozen(new Response(body, { status: entry.status, headers }));
  }
  const [start, end] = range;
  headers.set('content-range', `bytes ${start}-${end}/${entry.body.length}`);
  headers.set('content-length', String(end - start + 1));
  return frozen(new Response(entry.body.subarray(start, end + 1), { status: 206, headers }));
}

/* Headers of a cached response are the cache's. */
function frozen(response) {
  const headers = wrap(new LightHeaders(fieldsOf(response.headers).flat(), { immutable: true }));
  return Object.defineProperty(response, 'headers', { value: headers, configurable: true });
}

/* The API */

function requestOf(method, args) {
  scope.check();
  if (args.length === 0) {
    throw words.wrongArgument(method, 'Cache', 1, 'Request or string');
  }
  return args[0] instanceof Request ? args[0] : new Request(String(args[0]));
}

function checkOptions(options) {
  for (const name of ['ignoreSearch', 'ignoreVary']) {
    if (options?.[name] !== undefined) {
      throw new Error(`The '${name}' field on 'CacheQueryOptions' is not implemented.`);
    }
  }
}

function keyOf(request) {
  const key = request.cf?.cacheKey;
  return key ? String(key) : request.url.replace(/#.*$/, '');
}

function checkStorable(request, response) {
  if (request.method !== 'GET') {
    throw new TypeError('Cannot cache response to non-GET request.');
  }
  if (response.status === 206) {
    throw new TypeError('Cannot cache response to a range request (206 Partial Content).');
  }
  if (response.headers.get('vary')?.includes('*')) {
    throw new TypeError("Cannot cache response with 'Vary: *' header.");
  }
}

/* Names of the standard that Workers have and do not offer. */
function notOffered(prototype, owner, names) {
  for (const name of names) {
    Object.defineProperty(prototype, name, { value: { async [name]() {
      throw new Error(`Failed to execute '${name}' on '${owner}': the method is not implemented.`);
    } }[name], writable: true, configurable: true, enumerable: true });
  }
}

/* Only this file makes them. */
const OURS = Symbol('ours');

function checkMaker(key) {
  if (key !== OURS) {
    throw new TypeError('Illegal constructor');
  }
}

class Cache {
  #store;

  constructor(key, store) {
    checkMaker(key);
    this.#store = store;
  }

  get [Symbol.toStringTag]() {
    return 'Cache';
  }

  async match(...args) {
    const request = requestOf('match', args);
    const options = args[1] ?? {};
    checkOptions(options);
    if (request.method !== 'GET' && !options.ignoreMethod) {
      return undefined;
    }
    const entry = await this.#store.get(keyOf(request));
    return entry && responseOf(entry, request);
  }

  async put(...args) {
    const request = requestOf('put', args);
    const response = args[1];
    if (!(response instanceof Response)) {
      throw words.wrongArgument('put', 'Cache', 2, 'Response');
    }
    checkStorable(request, response);
    if (response.status === 304) {
      console.warn('Ignoring attempt to Cache.put() a 304 status response.');
      return;
    }
    const headers = new Headers(response.headers);
    const keepMs = request.headers.has('authorization') ? null : lifetime(response.status, headers);
    const hasBody = response.body !== null;
    const isMeasured = lightOf(response) !== undefined || responses.lengthOf(response.body) !== undefined;
    const body = Buffer.from(await response.arrayBuffer());
    /* What may not be kept is dropped without a word: put promises nothing. */
    if (!keepMs) {
      return;
    }
    HOP_BY_HOP.forEach((name) => headers.delete(name));
    headers.set('date', headers.get('date') ?? new Date().toUTCString());
    if (isMeasured && hasBody) {
      headers.set('content-length', String(body.length));
    }
    await this.#store.set(keyOf(request), {
      status: response.status,
      headers: [...headers],
      body,
      hasBody,
      storedAt: Date.now(),
      expiresAt: Date.now() + keepMs,
    });
  }

  async delete(...args) {
    const request = requestOf('delete', args);
    const options = args[1] ?? {};
    checkOptions(options);
    if (request.method !== 'GET' && !options.ignoreMethod) {
      return false;
    }
    return (await this.#store.get(keyOf(request))) !== undefined && this.#store.delete(keyOf(request));
  }
}

class CacheStorage {
  #named = new Map();
  #makeStore;

  constructor(key, makeStore) {
    checkMaker(key);
    this.#makeStore = makeStore;
    Object.defineProperty(this, 'default', { value: new Cache(OURS, makeStore('default')), enumerable: true });
  }

  get [Symbol.toStringTag]() {
    return 'CacheStorage';
  }

  async open(...args) {
    scope.check();
    if (args.length === 0) {
      throw words.wrongArgument('open', 'CacheStorage', 1, 'string');
    }
    const key = String(args[0]);
    if (!this.#named.has(key)) {
      this.#named.set(key, new Cache(OURS, this.#makeStore(key)));
    }
    return this.#named.get(key);
  }
}

notOffered(Cache.prototype, 'Cache', ['add', 'addAll', 'keys', 'matchAll']);
notOffered(CacheStorage.prototype, 'CacheStorage', ['delete', 'has', 'keys', 'match']);

/* makeStore(name): where a cache of that name keeps its entries. */
function makeCaches(makeStore = () => new MemoryStore()) {
  return new CacheStorage(OURS, makeStore);
}

module.exports = { Cache, CacheStorage, makeCaches };
